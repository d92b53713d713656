/*
 * sha256.c: SHA-256 of some bytes.
 *
 * A session keeps what it hashes with: to make it takes longer than to hash an entry.  The server's own interface
 * asks OpenSSL for the algorithm by its name with every hash, which takes as long again; so OpenSSL is asked
 * once, where the server has it.
 */
#include "compat.h"

#include "util/sha256.h"

#ifdef USE_OPENSSL
#include <openssl/evp.h>
#endif

#if defined(USE_OPENSSL) && OPENSSL_VERSION_NUMBER >= 0x30000000L

void
sha256_of(const void *data, Size len, uint8 *hash)
{
	static EVP_MD *algorithm = NULL;
	static EVP_MD_CTX *ctx = NULL;

	if (algorithm == NULL)
		algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (ctx == NULL)
		ctx = EVP_MD_CTX_new();
	if (algorithm == NULL || ctx == NULL || EVP_DigestInit_ex(ctx, algorithm, NULL) != 1 ||
		EVP_DigestUpdate(ctx, data, len) != 1 || EVP_DigestFinal_ex(ctx, hash, NULL) != 1)
		elog(ERROR, "could not compute SHA-256");
}

#else

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/resowner.h"

/* It has an owner of its own, which stays. */
static pg_cryptohash_ctx *
open_sha256(void)
{
	ResourceOwner current = CurrentResourceOwner;
	pg_cryptohash_ctx *ctx;

	CurrentResourceOwner = ResourceOwnerCreate(NULL, "member hash");
	ctx = pg_cryptohash_create(PG_SHA256);
	CurrentResourceOwner = current;
	if (ctx == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	return ctx;
}

void
sha256_of(const void *data, Size len, uint8 *hash)
{
	static pg_cryptohash_ctx *ctx = NULL;

	if (ctx == NULL)
		ctx = open_sha256();
	if (pg_cryptohash_init(ctx) < 0 || pg_cryptohash_update(ctx, data, len) < 0 ||
		pg_cryptohash_final(ctx, hash, SHA256_LEN) < 0)
		elog(ERROR, "could not compute SHA-256: %s", pg_cryptohash_error(ctx));
}

#endif
