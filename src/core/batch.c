/*
 * batch.c: many events of many members: steps taken, entries and purchases written, states given back.
 *
 * write_events(query, members, version, program, present): the query yields the events of each member together
 * and in their order, its first row with the member's state; $1 in it are the members.  Import and the daily run
 * write by this function; a row a member comes back, for what is left to the caller: states, levels, messages.
 */
#include "compat.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "catalog/pg_type.h"
#include "core/run.h"
#include "core/step_sql.h"
#include "util/bulk.h"

/* Columns of the query. */
typedef enum InColumn
{
	IN_MEMBER_ID,
	IN_LOTS, /* the state, as in step_state; entries null: there is none yet */
	IN_ACTIVITY,
	IN_STANDING,
	IN_STATE_AT,
	IN_ENTRIES,
	IN_HASH,
	IN_KIND,
	IN_AT,
	IN_WALLET,
	IN_POINTS,
	IN_AMOUNT,
	IN_UNTIL,
	IN_SOURCE,
	IN_REFUND_NO,
	IN_STORE,
	IN_CHANNEL,
	IN_JOURNAL,
	IN_NATTS
} InColumn;

typedef enum OutColumn
{
	OUT_MEMBER_ID,
	OUT_LOTS,
	OUT_ACTIVITY,
	OUT_STANDING,
	OUT_AT,
	OUT_ENTRIES,
	OUT_HASH,
	OUT_NEXT_DUE,
	OUT_IS_NEW,
	OUT_REMIND,
	OUT_TIERS,
	OUT_TIER_ENTRIES,
	OUT_NATTS
} OutColumn;

static const char *const entry_columns[] = {"member_id", "at",		"booked_at",
											"points",	 "balance", "ref_part",
											"entry_no",	 "ref",		"program_version",
											"wallet",	 "kind",	"delta",
											"tier",		 "source",	"hash"};
static const char *const purchase_columns[] = {"member_id", "at",		"entry_no", "purchase_no",
											   "amount",	"refunded", "store",	"channel"};

typedef struct Batch
{
	ReturnSetInfo *result;
	const Program *program;
	int32 version;
	TimestampTz present;
	BulkTable *entries;
	BulkTable *purchases;
	TupleDesc tier;
	MemoryContext row;	  /* of one event */
	MemoryContext member; /* of one member: tiers */
	Run run;
	bool begun;
	int64 member_id;
	bool is_new;
	/* decisions on levels, with the entry that brought each */
	Datum *tiers;
	Datum *tier_entries;
	bool *tier_null;
	int n_tiers;
	int size_tiers;
} Batch;

/* ---- a member ---- */

static void
finish_member(Batch *b)
{
	Datum v[OUT_NATTS];
	bool null[OUT_NATTS] = {false};
	const StepState *s = &b->run.state;
	MemoryContext old = MemoryContextSwitchTo(b->row);

	v[OUT_MEMBER_ID] = Int64GetDatum(b->member_id);
	v[OUT_LOTS] = PointerGetDatum(book_encode(&s->book));
	v[OUT_ACTIVITY] = PointerGetDatum(activity_encode(&s->activity));
	v[OUT_STANDING] = PointerGetDatum(standing_encode(&s->standing));
	v[OUT_AT] = TimestampTzGetDatum(s->at);
	v[OUT_ENTRIES] = Int32GetDatum(s->entries);
	v[OUT_HASH] = step_hash_datum(s->hash);
	null[OUT_HASH] = s->entries == 0;
	v[OUT_NEXT_DUE] = DateADTGetDatum(b->run.effects.next_due);
	null[OUT_NEXT_DUE] = DATE_IS_NOEND(b->run.effects.next_due);
	v[OUT_IS_NEW] = BoolGetDatum(b->is_new);
	v[OUT_REMIND] = BoolGetDatum(b->run.effects.remind);
	null[OUT_TIERS] = null[OUT_TIER_ENTRIES] = b->n_tiers == 0;
	if (b->n_tiers > 0)
	{
		int lower = 1;

		v[OUT_TIERS] = PointerGetDatum(
			construct_array(b->tiers, b->n_tiers, b->tier->tdtypeid, -1, false, TYPALIGN_DOUBLE));
		v[OUT_TIER_ENTRIES] =
			PointerGetDatum(construct_md_array(b->tier_entries, b->tier_null, 1, &b->n_tiers,
											   &lower, INT4OID, 4, true, TYPALIGN_INT));
	}
	tuplestore_putvalues(b->result->setResult, b->result->setDesc, v, null);
	MemoryContextSwitchTo(old);
}

static void
begin_member(Batch *b, int64 member_id, const Datum *v, const bool *null)
{
	MemoryContext old;

	run_restart(&b->run);
	MemoryContextReset(b->member);
	b->n_tiers = b->size_tiers = 0;
	b->begun = true;
	b->member_id = member_id;
	b->is_new = null[IN_ENTRIES];
	old = MemoryContextSwitchTo(b->run.work);
	step_read_state(&b->run.state, v + IN_LOTS, null + IN_LOTS);
	MemoryContextSwitchTo(old);
}

static void
keep_tiers(Batch *b)
{
	MemoryContext old = MemoryContextSwitchTo(b->member);
	const TierChanges *t = &b->run.effects.tiers;

	for (int i = 0; i < t->n; i++)
	{
		if (b->n_tiers == b->size_tiers)
		{
			int size = b->size_tiers * 2 + 4;
			Datum *tiers = palloc(size * sizeof(Datum));
			Datum *entries = palloc(size * sizeof(Datum));
			bool *nulls = palloc(size * sizeof(bool));

			if (b->n_tiers > 0)
			{
				memcpy(tiers, b->tiers, b->n_tiers * sizeof(Datum));
				memcpy(entries, b->tier_entries, b->n_tiers * sizeof(Datum));
				memcpy(nulls, b->tier_null, b->n_tiers * sizeof(bool));
			}
			b->tiers = tiers;
			b->tier_entries = entries;
			b->tier_null = nulls;
			b->size_tiers = size;
		}
		b->tiers[b->n_tiers] = step_tier_datum(b->tier, &t->change[i]);
		b->tier_entries[b->n_tiers] = Int32GetDatum(b->run.state.entries);
		b->tier_null[b->n_tiers++] = strcmp(t->change[i].kind, "rise") != 0;
	}
	MemoryContextSwitchTo(old);
}

/* ---- an event ---- */

static char *
text_or_null(const Datum *v, const bool *null, int i)
{
	return null[i] ? NULL : TextDatumGetCString(v[i]);
}

static void
read_event(const Batch *b, const Datum *v, const bool *null, StepEvent *e)
{
	memset(e, 0, sizeof(*e));
	if (null[IN_KIND] || null[IN_AT])
		elog(ERROR, "an event has no kind or time");
	e->kind = step_kind(TextDatumGetCString(v[IN_KIND]));
	e->member_id = b->member_id;
	e->at = e->booked_at = DatumGetTimestampTz(v[IN_AT]);
	e->wallet = text_or_null(v, null, IN_WALLET);
	e->points = null[IN_POINTS] ? 0 : DatumGetInt64(v[IN_POINTS]);
	e->amount = null[IN_AMOUNT] ? 0 : DatumGetInt64(v[IN_AMOUNT]);
	e->usable_from = DATEVAL_NOBEGIN;
	e->until = null[IN_UNTIL] ? DATEVAL_NOBEGIN : DatumGetDateADT(v[IN_UNTIL]);
	e->event_kind = "";
}

static void
put_entry(const Batch *b, const StepEntry *e, const Datum *in, const bool *in_null)
{
	const ProgramLevel *level = program_level(b->program, 1, b->run.effects.level);
	Datum v[lengthof(entry_columns)];
	bool null[lengthof(entry_columns)] = {false};
	int source = in_null[IN_REFUND_NO] ? IN_SOURCE : IN_REFUND_NO;

	v[0] = Int64GetDatum(b->member_id);
	v[1] = TimestampTzGetDatum(e->at);
	v[2] = TimestampTzGetDatum(Max(b->present, e->at));
	v[3] = Int64GetDatum(e->points);
	v[4] = Int64GetDatum(e->balance);
	v[5] = Int64GetDatum(e->ref_part);
	v[6] = Int32GetDatum(e->entry_no);
	v[7] = Int32GetDatum(e->ref);
	null[5] = null[7] = e->ref == 0;
	v[8] = Int32GetDatum(b->version);
	v[9] = Int16GetDatum(e->wallet);
	v[10] = CStringGetTextDatum(e->kind);
	v[11] = PointerGetDatum(book_encode(&e->delta));
	v[12] = level ? CStringGetTextDatum(level->code) : (Datum) 0;
	null[12] = level == NULL;
	v[13] = in[source];
	null[13] = e->by_time || in_null[source];
	v[14] = step_hash_datum(e->hash);
	bulk_put(b->entries, v, null);
}

static void
put_purchase(const Batch *b, const StepEvent *e, const Datum *in, const bool *in_null)
{
	Datum v[lengthof(purchase_columns)];
	bool null[lengthof(purchase_columns)] = {false};

	v[0] = Int64GetDatum(b->member_id);
	v[1] = TimestampTzGetDatum(e->at);
	v[2] = Int32GetDatum(b->run.state.entries);
	v[3] = in[IN_SOURCE];
	null[3] = in_null[IN_SOURCE];
	v[4] = NumericGetDatum(int64_div_fast_to_numeric(e->amount, 2));
	v[5] = NumericGetDatum(int64_div_fast_to_numeric(0, 2));
	v[6] = in[IN_STORE];
	null[6] = in_null[IN_STORE];
	v[7] = in[IN_CHANNEL];
	null[7] = in_null[IN_CHANNEL];
	bulk_put(b->purchases, v, null);
}

static void
take_event(Batch *b, HeapTuple tuple, TupleDesc desc)
{
	Datum v[IN_NATTS];
	bool null[IN_NATTS];
	StepEvent event;
	MemoryContext old;

	heap_deform_tuple(tuple, desc, v, null);
	if (!b->begun || DatumGetInt64(v[IN_MEMBER_ID]) != b->member_id)
	{
		if (b->begun)
			finish_member(b);
		begin_member(b, DatumGetInt64(v[IN_MEMBER_ID]), v, null);
	}
	MemoryContextReset(b->row);
	old = MemoryContextSwitchTo(b->row);
	read_event(b, v, null, &event);
	run_make_room(&b->run);
	run_event(&b->run, b->program, &event, text_or_null(v, null, IN_SOURCE),
			  !null[IN_JOURNAL] && DatumGetBool(v[IN_JOURNAL]));
	for (int i = 0; i < b->run.effects.n_entries; i++)
		put_entry(b, &b->run.effects.entry[i], v, null);
	if (event.kind == STEP_PURCHASE)
		put_purchase(b, &event, v, null);
	if (b->run.effects.tiers.n > 0)
		keep_tiers(b);
	MemoryContextSwitchTo(old);
}

/* ---- write_events(query, members, version, program, present) ---- */

#define BATCH_FETCH 1000

static void
take_events(Batch *b, const char *query, Datum members, bool members_null)
{
	Oid type = INT8ARRAYOID;
	char mark = members_null ? 'n' : ' ';
	Portal portal = SPI_cursor_open_with_args(NULL, query, 1, &type, &members, &mark, false,
											  CURSOR_OPT_NO_SCROLL);

	for (;;)
	{
		SPITupleTable *rows;
		uint64 n;

		SPI_cursor_fetch(portal, true, BATCH_FETCH);
		rows = SPI_tuptable; /* rows that are put one by one use SPI too */
		n = SPI_processed;
		if (n == 0)
			break;
		if (rows->tupdesc->natts != IN_NATTS)
			elog(ERROR, "the query of events has %d columns", rows->tupdesc->natts);
		for (uint64 i = 0; i < n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			take_event(b, rows->vals[i], rows->tupdesc);
		}
		SPI_freetuptable(rows);
	}
	SPI_cursor_close(portal);
	if (b->begun)
		finish_member(b);
}

PG_FUNCTION_INFO_V1(member_write_events);
Datum
member_write_events(PG_FUNCTION_ARGS)
{
	Batch b = {0};
	char *query = text_to_cstring(PG_GETARG_TEXT_PP(0));

	InitMaterializedSRF(fcinfo, 0);
	b.result = (ReturnSetInfo *) fcinfo->resultinfo;
	b.version = PG_GETARG_INT32(2);
	b.program = program_open(PG_GETARG_DATUM(3));
	b.present = PG_GETARG_TIMESTAMPTZ(4);
	b.tier = lookup_rowtype_tupdesc_copy(get_element_type(
											 TupleDescAttr(b.result->setDesc, OUT_TIERS)->atttypid),
										 -1);
	SPI_connect();
	b.row = AllocSetContextCreate(CurrentMemoryContext, "member event", ALLOCSET_DEFAULT_SIZES);
	b.member = AllocSetContextCreate(CurrentMemoryContext, "member tiers", ALLOCSET_SMALL_SIZES);
	run_init(&b.run, CurrentMemoryContext);
	b.entries = bulk_open("member", "entry", entry_columns, lengthof(entry_columns));
	b.purchases = bulk_open("member", "purchase", purchase_columns, lengthof(purchase_columns));
	take_events(&b, query, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	bulk_close(b.entries);
	bulk_close(b.purchases);
	SPI_finish();
	return (Datum) 0;
}
