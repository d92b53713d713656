/*
 * hash.c: the hash chain of a member's entries.
 *
 * hash = SHA-256(format version, hash of the entry before, the entry's columns).  Numbers go in big-endian,
 * texts and packed values with their length.  Personal text is not among the columns: it reaches the chain
 * only through the salted digest of the call's arguments, so that erasing it leaves the chain whole.
 */
#include "compat.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/step.h"
#include "util/sha256.h"

#define HASH_FORMAT 1

/* Bytes of all numbers and lengths of an entry, and more. */
#define HASH_NUMBERS 128

/* What is hashed: there is room for the numbers, and each text makes room for itself. */
static StringInfo
begin_hash(void)
{
	static StringInfoData b = {NULL};

	if (b.data == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		initStringInfo(&b);
		MemoryContextSwitchTo(old);
	}
	resetStringInfo(&b);
	enlargeStringInfo(&b, HASH_NUMBERS);
	return &b;
}

static void
append_bytes(StringInfo b, const char *data, int len)
{
	pq_writeint32(b, len);
	if (len <= 0)
		return;
	enlargeStringInfo(b, len + HASH_NUMBERS);
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void
append_text(StringInfo b, const char *s)
{
	append_bytes(b, s, s ? (int) strlen(s) : -1);
}

static void
append_packed(StringInfo b, const struct varlena *v)
{
	append_bytes(b, v ? VARDATA_ANY(v) : NULL, v ? (int) VARSIZE_ANY_EXHDR(v) : -1);
}

void
entry_hash(const uint8 *previous, const EntryFacts *e, uint8 *hash)
{
	StringInfo b = begin_hash();

	pq_writeint8(b, HASH_FORMAT);
	memcpy(b->data + b->len, previous, ENTRY_HASH_LEN);
	b->len += ENTRY_HASH_LEN;
	pq_writeint64(b, e->member_id);
	pq_writeint32(b, e->entry_no);
	append_text(b, e->kind);
	pq_writeint64(b, e->at);
	pq_writeint32(b, e->program_version);
	pq_writeint32(b, e->ref);
	pq_writeint64(b, e->ref_part);
	append_packed(b, e->delta);
	pq_writeint64(b, e->points);
	pq_writeint64(b, e->balance);
	append_text(b, e->key);
	append_packed(b, e->digest);
	sha256_of(b->data, b->len, hash);
}

static bytea *
hash_result(const uint8 *hash)
{
	bytea *result = palloc(VARHDRSZ + ENTRY_HASH_LEN);

	SET_VARSIZE(result, VARHDRSZ + ENTRY_HASH_LEN);
	memcpy(VARDATA(result), hash, ENTRY_HASH_LEN);
	return result;
}

/* entry_hash(previous, member_id, entry_no, kind, at, program_version, ref, ref_part, delta, points,
 * balance, key, digest): the hash an entry with these columns must have */
PG_FUNCTION_INFO_V1(member_entry_hash);
Datum
member_entry_hash(PG_FUNCTION_ARGS)
{
	uint8 previous[ENTRY_HASH_LEN] = {0};
	uint8 hash[ENTRY_HASH_LEN];
	EntryFacts e;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4) ||
		PG_ARGISNULL(5) || PG_ARGISNULL(8) || PG_ARGISNULL(9) || PG_ARGISNULL(10))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(0))
	{
		bytea *b = PG_GETARG_BYTEA_PP(0);

		if (VARSIZE_ANY_EXHDR(b) != ENTRY_HASH_LEN)
			PG_RETURN_NULL();
		memcpy(previous, VARDATA_ANY(b), ENTRY_HASH_LEN);
	}
	e.member_id = PG_GETARG_INT64(1);
	e.entry_no = PG_GETARG_INT32(2);
	e.kind = text_to_cstring(PG_GETARG_TEXT_PP(3));
	e.at = PG_GETARG_INT64(4);
	e.program_version = PG_GETARG_INT32(5);
	e.ref = PG_ARGISNULL(6) ? 0 : PG_GETARG_INT32(6);
	e.ref_part = PG_ARGISNULL(7) ? 0 : PG_GETARG_INT64(7);
	e.delta = PG_GETARG_VARLENA_PP(8);
	e.points = PG_GETARG_INT64(9);
	e.balance = PG_GETARG_INT64(10);
	e.key = PG_ARGISNULL(11) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(11));
	e.digest = PG_ARGISNULL(12) ? NULL : PG_GETARG_VARLENA_PP(12);
	entry_hash(previous, &e, hash);
	PG_RETURN_BYTEA_P(hash_result(hash));
}

/*
 * What a key is bound to: the verb, its arguments as jsonb and the moment given, NULL for none.  The salt is
 * the member's, so that it can be erased.  Equal jsonb are equal bytes.
 */
void
call_digest(int64 salt, const struct varlena *verb, const struct varlena *arguments,
			const TimestampTz *at, uint8 *hash)
{
	StringInfo b = begin_hash();

	pq_writeint64(b, salt);
	append_packed(b, verb);
	append_packed(b, arguments);
	if (at)
		pq_writeint64(b, *at);
	sha256_of(b->data, b->len, hash);
}

/* digest(salt, verb, arguments, at) */
PG_FUNCTION_INFO_V1(member_digest);
Datum
member_digest(PG_FUNCTION_ARGS)
{
	uint8 hash[ENTRY_HASH_LEN];
	TimestampTz at = PG_ARGISNULL(3) ? 0 : PG_GETARG_TIMESTAMPTZ(3);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	call_digest(PG_GETARG_INT64(0), PG_GETARG_VARLENA_PP(1), PG_GETARG_VARLENA_PP(2),
				PG_ARGISNULL(3) ? NULL : &at, hash);
	PG_RETURN_BYTEA_P(hash_result(hash));
}

int64
new_salt(void)
{
	int64 salt;

	if (!pg_strong_random(&salt, sizeof(salt)))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values"));
	return salt;
}

/* new_salt(): for the digests of a new member */
PG_FUNCTION_INFO_V1(member_new_salt);
Datum
member_new_salt(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(new_salt());
}
