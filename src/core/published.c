/*
 * published.c: what of the settings each call needs, and the program in force, kept for the session; see published.h.
 *
 * The one row of settings is read from the table as it stands: joined to what a statement is about it would cost more
 * than that.  The caller is connected to SPI.
 */
#include "compat.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "core/published.h"
#include "util/statement.h"

static Datum
column(TupleTableSlot *slot, const char *name, bool *null)
{
	return slot_getattr(slot, get_attnum(slot->tts_tableOid, name), null);
}

static bool
read_row(TupleTableSlot *slot, Setting *s)
{
	bool null, xmin_null;
	Datum limited;

	s->layout = DatumGetInt32(column(slot, "layout", &null));
	limited = column(slot, "limited_sources", &null);
	s->limited = DatumGetArrayTypePCopy(limited);
	s->published =
		DatumGetTransactionId(slot_getsysattr(slot, MinTransactionIdAttributeNumber, &xmin_null));
	s->version = DatumGetInt32(column(slot, "program_version", &null));
	return !null;
}

bool
setting_read(Snapshot snapshot, Setting *s)
{
	Oid table = get_relname_relid("setting", get_namespace_oid("member", false));
	Relation rel = table_open(table, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	bool found = table_scan_getnextslot(scan, ForwardScanDirection, slot) && read_row(slot, s);

	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
	return found;
}

static Statement read_program = {
	"SELECT p.program FROM member.program_version p WHERE p.version = $1", {"integer"}};

/*
 * Of a publish that was undone the number is given again, so a program is known by its number and by the transaction
 * that put it in force.
 */
const Program *
published_program(const Setting *s, bool read_only)
{
	static int32 kept_version;
	static TransactionId kept_published;
	static Program *kept = NULL;

	if (kept == NULL || s->version != kept_version || s->published != kept_published)
	{
		Datum v = Int32GetDatum(s->version);
		const Program *found;
		bool null;

		if (!statement_run(&read_program, &v, NULL, read_only))
			elog(ERROR, "there is no program %d", s->version);
		found = program_open(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
		if (kept)
			pfree(kept);
		kept = NULL;
		kept = MemoryContextAlloc(CacheMemoryContext, VARSIZE(found));
		memcpy(kept, found, VARSIZE(found));
		kept_version = s->version;
		kept_published = s->published;
	}
	return kept;
}
