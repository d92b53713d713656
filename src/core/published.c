/*
 * published.c: the program in force, kept for the session; see published.h.
 *
 * Of a publish that was undone the number is given again, so a program is known by its number and by the transaction
 * that put it in force.  The caller is connected to SPI.
 */
#include "compat.h"

#include "executor/spi.h"
#include "utils/memutils.h"

#include "core/published.h"
#include "util/statement.h"

static Statement read_program = {
	"SELECT p.program FROM member.program_version p WHERE p.version = $1", {"integer"}};

const Program *
published_program(int32 version, TransactionId published, bool read_only)
{
	static int32 kept_version;
	static TransactionId kept_published;
	static Program *kept = NULL;

	if (kept == NULL || version != kept_version || published != kept_published)
	{
		Datum v = Int32GetDatum(version);
		const Program *found;
		bool null;

		if (!statement_run(&read_program, &v, NULL, read_only))
			elog(ERROR, "there is no program %d", version);
		found = program_open(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
		if (kept)
			pfree(kept);
		kept = NULL;
		kept = MemoryContextAlloc(CacheMemoryContext, VARSIZE(found));
		memcpy(kept, found, VARSIZE(found));
		kept_version = version;
		kept_published = published;
	}
	return kept;
}
