/*
 * secret.c: what is kept of a PIN.
 *
 * A PIN is four to twelve digits, so whoever has its hash can try them all; the hash is made slow as PostgreSQL
 * makes that of a password, by the same function.
 */
#include "compat.h"

#include "common/scram-common.h"
#include "utils/builtins.h"

#define SECRET_ITERATIONS 4096

/* secret_hash(secret, salt) */
PG_FUNCTION_INFO_V1(member_secret_hash);
Datum
member_secret_hash(PG_FUNCTION_ARGS)
{
	char *secret = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bytea *salt = PG_GETARG_BYTEA_PP(1);
	bytea *hash = palloc(VARHDRSZ + SCRAM_KEY_LEN);
	const char *problem = NULL;

	if (scram_salted_password(secret, (const void *) VARDATA_ANY(salt), VARSIZE_ANY_EXHDR(salt),
							  SECRET_ITERATIONS, (uint8 *) VARDATA(hash), &problem) < 0)
		elog(ERROR, "could not hash a secret: %s", problem);
	SET_VARSIZE(hash, VARHDRSZ + SCRAM_KEY_LEN);
	PG_RETURN_BYTEA_P(hash);
}
