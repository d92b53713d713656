/*
 * batch.c: many events of many members: steps taken, entries and purchases written, states given back.
 *
 * write_events(query, members, version, program, present): the query yields the events of each member together
 * and in their order, its first row with the member's state; $1 in it are the members.  Import, posting and the
 * daily run write by this function; a row a member comes back, for what is left to the caller: states, levels,
 * messages.
 *
 * The states of new members, and those that the query gives the place of, are written here, too: of these members
 * only those come back of whom something is left, and a last row says how many states were changed.  Without members
 * the query has not locked them: who is held by others, or was written since, is left as he is.
 *
 * A query with the columns of a post has its events answered one by one: a row each, with the number of the row it
 * came from; what the step refuses leaves the member as it was and is told there.
 */
#include "compat.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "catalog/pg_type.h"
#include "core/batch.h"
#include "core/step_sql.h"
#include "core/streams.h"

static const char *const entry_columns[] = {
	"member_id",	   "at",	 "booked_at", "points", "balance", "ref_part", "entry_no", "ref",
	"program_version", "wallet", "kind",	  "delta",	"tier",	   "source",   "hash",	   "reason",
	"actor",		   "key",	 "digest"};
static const char *const purchase_columns[] = {"member_id", "at",		"entry_no", "purchase_no",
											   "amount",	"refunded", "store",	"channel"};

/* Of a state that is changed, those up to its hash. */
static const char *const state_columns[] = {"member_id", "lots",	   "activity", "standing",
											"at",		 "touched_at", "entries",  "next_due",
											"hash",		 "salt",	   "active"};
#define STATE_CHANGED 9

/* ---- the rows that are made ---- */

void
batch_open_rows(Batch *b, BulkMode mode)
{
	b->rows[ROW_ENTRY] = bulk_open(mode, "member", "entry", entry_columns, lengthof(entry_columns));
	b->rows[ROW_PURCHASE] =
		bulk_open(mode, "member", "purchase", purchase_columns, lengthof(purchase_columns));
	b->rows[ROW_STATE] = bulk_open(mode, "member", "state", state_columns, lengthof(state_columns));
}

void
batch_close_rows(Batch *b)
{
	for (int i = 0; i < ROW_KINDS; i++)
		bulk_close(b->rows[i]);
}

bool
batch_is_by_pages(const Batch *b)
{
	for (int i = 0; i < ROW_KINDS; i++)
		if (!bulk_is_by_pages(b->rows[i]))
			return false;
	return true;
}

static void
put_row(const Batch *b, RowKind kind, const Datum *v, const bool *null)
{
	if (b->pack)
		pack_row(b->pack, kind, bulk_form(b->rows[kind], v, null));
	else
		bulk_put(b->rows[kind], v, null);
}

/* ---- a member ---- */

/* The state, as it is to come back. */
static void
encode_state(const Batch *b, Datum *v, bool *null)
{
	const StepState *s = &b->run.state;
	DateADT due = b->daily ? Min(b->next_due, b->due) : b->next_due;

	v[OUT_MEMBER_ID] = Int64GetDatum(b->member_id);
	v[OUT_LOTS] = PointerGetDatum(book_encode(&s->book));
	v[OUT_ACTIVITY] = PointerGetDatum(activity_encode(&s->activity));
	v[OUT_STANDING] = PointerGetDatum(standing_encode(&s->standing));
	v[OUT_AT] = TimestampTzGetDatum(s->at);
	v[OUT_ENTRIES] = Int32GetDatum(s->entries);
	v[OUT_HASH] = step_hash_datum(s->hash);
	null[OUT_HASH] = s->entries == 0;
	v[OUT_NEXT_DUE] = DateADTGetDatum(due);
	null[OUT_NEXT_DUE] = DATE_IS_NOEND(due);
}

/* In the order of state_columns. */
static void
state_row(const Batch *b, const Datum *v, const bool *null, Datum *s, bool *n)
{
	memset(n, false, lengthof(state_columns) * sizeof(bool));
	memcpy(s, &v[OUT_MEMBER_ID], 5 * sizeof(Datum)); /* and lots, activity, standing, at */
	s[5] = TimestampTzGetDatum(b->present);
	s[6] = v[OUT_ENTRIES];
	s[7] = v[OUT_NEXT_DUE];
	n[7] = null[OUT_NEXT_DUE];
	s[8] = v[OUT_HASH];
	n[8] = null[OUT_HASH];
}

/* A state of the daily run is written before what comes of it; false: somebody else has written it since it was read. */
static bool
change_state(Batch *b)
{
	Datum v[OUT_NATTS], s[lengthof(state_columns)];
	bool null[OUT_NATTS] = {false}, n[lengthof(state_columns)];

	encode_state(b, v, null);
	state_row(b, v, null, s, n);
	return bulk_change(b->states, &b->place, s, n);
}

static void
put_state(Batch *b, const Datum *v, const bool *null)
{
	Datum s[lengthof(state_columns)];
	bool n[lengthof(state_columns)];

	state_row(b, v, null, s, n);
	s[9] = Int64GetDatum(new_salt());
	s[10] = BoolGetDatum(true);
	put_row(b, ROW_STATE, s, n);
}

void
batch_put_tiers(const Batch *b, Datum *tiers, Datum *entries, bool *none)
{
	int n = b->n_tiers;
	int lower = 1;

	*none = n == 0;
	if (n == 0)
		return;
	*tiers = PointerGetDatum(
		construct_array(b->tiers, n, b->tier->tdtypeid, -1, false, TYPALIGN_DOUBLE));
	*entries = PointerGetDatum(construct_md_array(b->tier_entries, b->tier_null, 1, &n, &lower,
												  INT4OID, 4, true, TYPALIGN_INT));
}

/* Its state is written, or given back for that; whoever else something is left of comes back too. */
void
batch_finish_member(Batch *b)
{
	Datum v[OUT_NATTS];
	bool null[OUT_NATTS] = {false};
	MemoryContext old;

	if (!b->moved || (b->daily && !b->wanted && !b->remind && b->n_tiers == 0))
		return;
	old = MemoryContextSwitchTo(b->row);
	encode_state(b, v, null);
	if (b->is_new)
		put_state(b, v, null);
	if (b->result && (!b->is_new || b->n_tiers > 0))
	{
		for (int i = OUT_ROW_NO; i < OUT_NATTS; i++)
			null[i] = true;
		v[OUT_IS_NEW] = BoolGetDatum(b->is_new);
		v[OUT_REMIND] = BoolGetDatum(b->remind);
		batch_put_tiers(b, &v[OUT_TIERS], &v[OUT_TIER_ENTRIES], &null[OUT_TIERS]);
		null[OUT_TIER_ENTRIES] = null[OUT_TIERS];
		tuplestore_putvalues(b->result->setResult, b->result->setDesc, v, null);
	}
	MemoryContextSwitchTo(old);
}

void
batch_begin_member(Batch *b, int64 member_id, const Datum *v, const bool *null)
{
	MemoryContext old;

	if (b->imports && b->begun && b->is_new && null[IN_ENTRIES] && member_id <= b->member_id)
		elog(ERROR, "the rows of an import are not in their order");
	run_restart(&b->run);
	MemoryContextReset(b->member);
	b->n_tiers = b->size_tiers = 0;
	b->twins = NULL;
	b->begun = true;
	b->moved = false;
	b->member_id = member_id;
	b->is_new = null[IN_ENTRIES];
	if (b->daily)
	{
		b->place = *(ItemPointer) DatumGetPointer(v[IN_PLACE]);
		b->due = null[IN_DUE] ? DATEVAL_NOEND : DatumGetDateADT(v[IN_DUE]);
		b->wanted = DatumGetBool(v[IN_WANTED]);
	}
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

/* What only streams with rules look at. */
static void
read_facts(const Batch *b, const Datum *v, const bool *null, StepEvent *e)
{
	if (!streams_look(b->program, e->kind))
		return;
	e->facts.store = text_or_null(v, null, IN_STORE);
	e->facts.channel = text_or_null(v, null, IN_CHANNEL);
	e->facts.source = text_or_null(v, null, null[IN_REFUND_NO] ? IN_SOURCE : IN_REFUND_NO);
	if (b->posts)
		e->facts.reason = text_or_null(v, null, IN_REASON);
	if (b->imports && !null[IN_LINES])
		e->facts.lines = DatumGetJsonbP(
			DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(v[IN_LINES]))));
}

static void
read_event(const Batch *b, const Datum *v, const bool *null, StepEvent *e)
{
	memset(e, 0, sizeof(*e));
	if (null[IN_KIND] || (null[IN_AT] && !b->posts))
		elog(ERROR, "an event has no kind or time");
	e->kind = step_kind(TextDatumGetCString(v[IN_KIND]));
	e->member_id = b->member_id;
	e->wallet = text_or_null(v, null, IN_WALLET);
	e->points = null[IN_POINTS] ? 0 : DatumGetInt64(v[IN_POINTS]);
	e->amount = null[IN_AMOUNT] ? 0 : DatumGetInt64(v[IN_AMOUNT]);
	e->usable_from = DATEVAL_NOBEGIN;
	e->until = null[IN_UNTIL] ? DATEVAL_NOBEGIN : DatumGetDateADT(v[IN_UNTIL]);
	e->event_kind = "";
	if (!b->posts)
	{
		e->at = e->booked_at = DatumGetTimestampTz(v[IN_AT]);
		return;
	}
	/* as a verb would: src/core/write.c */
	e->booked_at = b->run.state.begun ? Max(b->present, b->run.state.at) : b->present;
	e->at = null[IN_AT] ? e->booked_at : DatumGetTimestampTz(v[IN_AT]);
	if (!null[IN_USABLE_FROM])
		e->usable_from = DatumGetDateADT(v[IN_USABLE_FROM]);
	e->key = text_or_null(v, null, IN_KEY);
	e->digest = null[IN_DIGEST] ? NULL : PG_DETOAST_DATUM_PACKED(v[IN_DIGEST]);
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
	v[2] = TimestampTzGetDatum(b->posts ? b->run.state.at : Max(b->present, e->at));
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
	for (int i = IN_REASON; i <= IN_DIGEST; i++)
	{
		null[15 + i - IN_REASON] = !b->posts || e->by_time || in_null[i];
		v[15 + i - IN_REASON] = b->posts ? in[i] : (Datum) 0;
	}
	put_row(b, ROW_ENTRY, v, null);
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
	put_row(b, ROW_PURCHASE, v, null);
}

/* ---- the events ---- */

static void
write_effects(Batch *b, const StepEvent *event, const Datum *v, const bool *null)
{
	for (int i = 0; i < b->run.effects.n_entries; i++)
		put_entry(b, &b->run.effects.entry[i], v, null);
	if (event->kind == STEP_PURCHASE)
		put_purchase(b, event, v, null);
	if (b->run.effects.tiers.n > 0)
		keep_tiers(b);
}

/* A step was taken. */
void
batch_keep(Batch *b, const StepEvent *event, const Datum *v, const bool *null)
{
	b->moved = true;
	b->next_due = b->run.effects.next_due;
	b->remind = b->run.effects.remind;
	if (b->daily)
		b->moved = change_state(b);
	if (b->moved)
		write_effects(b, event, v, null);
}

void
batch_take_event(Batch *b, const Datum *v, const bool *null)
{
	StepEvent event;
	MemoryContext old;

	MemoryContextReset(b->row);
	old = MemoryContextSwitchTo(b->row);
	read_event(b, v, null, &event);
	read_facts(b, v, null, &event);
	run_make_room(&b->run);
	if (b->posts)
		batch_take_post(b, &event, v, null);
	else
	{
		run_event(&b->run, b->program, &event, text_or_null(v, null, IN_SOURCE),
				  !null[IN_JOURNAL] && DatumGetBool(v[IN_JOURNAL]));
		batch_keep(b, &event, v, null);
		b->n_taken += b->moved;
	}
	MemoryContextSwitchTo(old);
}

/* ---- write_events(query, members, version, program, present) ---- */

static void
take_row(Batch *b, const Datum *v, const bool *null)
{
	if (!b->begun || DatumGetInt64(v[IN_MEMBER_ID]) != b->member_id)
	{
		if (b->begun)
			batch_finish_member(b);
		batch_begin_member(b, DatumGetInt64(v[IN_MEMBER_ID]), v, null);
	}
	batch_take_event(b, v, null);
}

/* ---- the query ---- */

/* Takes the rows of the query as they come. */
typedef struct EventReceiver
{
	DestReceiver pub;
	Batch *batch;
} EventReceiver;

static void
begin_events(DestReceiver *self, int operation, TupleDesc desc)
{
	Batch *b = ((EventReceiver *) self)->batch;

	b->posts = desc->natts == IN_POST_NATTS;
	b->imports = desc->natts == IN_IMPORT_NATTS;
	b->daily = desc->natts == IN_DAILY_NATTS;
	if (!b->posts && !b->imports && !b->daily)
		elog(ERROR, "the query of events has %d columns", desc->natts);
}

static bool
receive_event(TupleTableSlot *slot, DestReceiver *self)
{
	Batch *b = ((EventReceiver *) self)->batch;
	MemoryContext old = MemoryContextSwitchTo(b->run.keep);

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	take_row(b, slot->tts_values, slot->tts_isnull);
	MemoryContextSwitchTo(old);
	return true;
}

static void
no_more(DestReceiver *self)
{
}

/* The last row of the daily run's. */
static void
put_count(Batch *b)
{
	Datum v[OUT_NATTS];
	bool null[OUT_NATTS];

	memset(null, true, sizeof(null));
	v[OUT_ROW_NO] = Int64GetDatum(b->n_taken);
	null[OUT_ROW_NO] = false;
	tuplestore_putvalues(b->result->setResult, b->result->setDesc, v, null);
}

static void
take_events(Batch *b, const char *query, Datum members, bool members_null)
{
	Oid type = INT8ARRAYOID;
	EventReceiver receiver = {{receive_event, begin_events, no_more, no_more, DestNone}, b};
	SPIExecuteOptions how = {0};
	SPIPlanPtr plan = SPI_prepare(query, 1, &type);

	if (plan == NULL)
		elog(ERROR, "could not prepare the query of events: %s",
			 SPI_result_code_string(SPI_result));
	how.params = makeParamList(1);
	how.params->params[0] = (ParamExternData){members, members_null, PARAM_FLAG_CONST, type};
	how.dest = &receiver.pub;
	if (SPI_execute_plan_extended(plan, &how) < 0)
		elog(ERROR, "could not run the query of events");
	if (b->begun)
		batch_finish_member(b);
	if (b->daily)
		put_count(b);
}

void
batch_init(Batch *b, MemoryContext keep, Oid tiers)
{
	b->tier = lookup_rowtype_tupdesc_copy(get_element_type(tiers), -1);
	b->row = AllocSetContextCreate(keep, "member event", ALLOCSET_DEFAULT_SIZES);
	b->member = AllocSetContextCreate(keep, "member tiers", ALLOCSET_SMALL_SIZES);
	run_init(&b->run, keep);
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
	SPI_connect();
	batch_init(&b, CurrentMemoryContext, TupleDescAttr(b.result->setDesc, OUT_TIERS)->atttypid);
	batch_open_rows(&b, BULK_INSERT);
	b.states = bulk_open(PG_ARGISNULL(1) ? BULK_UPDATE_FREE : BULK_UPDATE, "member", "state",
						 state_columns, STATE_CHANGED);
	take_events(&b, query, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	batch_close_rows(&b);
	bulk_close(b.states);
	SPI_finish();
	return (Datum) 0;
}
