/*
 * step_sql.c: step as SQL sees it: composites in and out, and the aggregate that runs it over a history.
 *
 * The attributes of the composites are declared in sql/10_types/step.sql; the enums here are their places.
 * Attributes are only ever added at the end.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "core/run.h"
#include "core/step_sql.h"
#include "core/streams.h"
#include "errors.h"

typedef enum StateAttribute
{
	STATE_LOTS,
	STATE_ACTIVITY,
	STATE_STANDING,
	STATE_AT,
	STATE_ENTRIES,
	STATE_HASH,
	STATE_NATTS
} StateAttribute;

typedef enum EventAttribute
{
	EVENT_MEMBER_ID,
	EVENT_KIND,
	EVENT_AT,
	EVENT_WALLET,
	EVENT_POINTS,
	EVENT_AMOUNT,
	EVENT_USABLE_FROM,
	EVENT_UNTIL,
	EVENT_EVENT_KIND,
	EVENT_CATEGORY,
	EVENT_KEY,
	EVENT_DIGEST,
	EVENT_REF,
	EVENT_ORIGIN_AT,
	EVENT_ORIGIN_LOTS,
	EVENT_ORIGIN_OF,
	EVENT_ORIGIN_BACK,
	EVENT_ORIGIN_LARGEST,
	EVENT_SOURCE,
	EVENT_JOURNAL,
	EVENT_BOOKED_AT,
	EVENT_IS_LAST,
	EVENT_FACTS,
	EVENT_FILLED,
	EVENT_FILL,
	EVENT_EXPIRED_BY,
	EVENT_EXPIRED_AT,
	EVENT_EXPIRED_LOTS,
	EVENT_NATTS
} EventAttribute;

typedef enum ResultAttribute
{
	RESULT_LOTS,
	RESULT_ACTIVITY,
	RESULT_STANDING,
	RESULT_AT,
	RESULT_ENTRIES,
	RESULT_HASH,
	RESULT_NEXT_DUE,
	RESULT_LEVEL,
	RESULT_EXPIRED,
	RESULT_TIERS,
	RESULT_WALLET,
	RESULT_DELTA,
	RESULT_POINTS,
	RESULT_BALANCE,
	RESULT_REF,
	RESULT_REF_PART,
	RESULT_TIME_KIND,
	RESULT_TIME_WALLET,
	RESULT_TIME_DELTA,
	RESULT_TIME_POINTS,
	RESULT_TIME_BALANCE,
	RESULT_TIME_HASH,
	RESULT_REMIND,
	RESULT_TAGS,
	RESULT_NATTS
} ResultAttribute;

/* Row types of the composites. */
typedef struct StepTypes
{
	TupleDesc event;
	TupleDesc state;
	TupleDesc result;
	TupleDesc tier;
} StepTypes;

/* ---- composites in ---- */

static TupleDesc
element_type(TupleDesc desc, int attribute)
{
	return lookup_rowtype_tupdesc(get_element_type(TupleDescAttr(desc, attribute)->atttypid), -1);
}

/* Pinned, not copied: a step in a function of SQL looks them up each time. */
static void
types_open(StepTypes *types, Oid result, Oid state, Oid event)
{
	types->state = lookup_rowtype_tupdesc(state, -1);
	types->event = lookup_rowtype_tupdesc(event, -1);
	types->result = lookup_rowtype_tupdesc(result, -1);
	types->tier = element_type(types->result, RESULT_TIERS);
	if (types->result->natts < RESULT_NATTS || types->state->natts < STATE_NATTS ||
		types->event->natts < EVENT_NATTS)
		elog(ERROR, "composite types of step are older than the library");
}

static void
types_close(StepTypes *types)
{
	ReleaseTupleDesc(types->state);
	ReleaseTupleDesc(types->event);
	ReleaseTupleDesc(types->result);
	ReleaseTupleDesc(types->tier);
}

static void
deform(Datum composite, TupleDesc desc, Datum *values, bool *nulls)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(composite);
	HeapTupleData tuple;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, desc, values, nulls);
}

/* lots, activity, standing, at, entries, hash: the attributes of step_state */
void
step_read_state(StepState *state, const Datum *v, const bool *null)
{
	memset(state, 0, sizeof(*state));
	activity_init(&state->activity);
	if (!null[STATE_LOTS])
		book_decode(&state->book, PG_DETOAST_DATUM_PACKED(v[STATE_LOTS]));
	if (!null[STATE_ACTIVITY])
		activity_decode(PG_DETOAST_DATUM_PACKED(v[STATE_ACTIVITY]), &state->activity);
	if (!null[STATE_STANDING])
		standing_decode(&state->standing, PG_DETOAST_DATUM_PACKED(v[STATE_STANDING]));
	state->begun = !null[STATE_AT];
	if (state->begun)
		state->at = DatumGetTimestampTz(v[STATE_AT]);
	state->entries = null[STATE_ENTRIES] ? 0 : DatumGetInt32(v[STATE_ENTRIES]);
	if (!null[STATE_HASH])
	{
		bytea *hash = (bytea *) PG_DETOAST_DATUM_PACKED(v[STATE_HASH]);

		if (VARSIZE_ANY_EXHDR(hash) != ENTRY_HASH_LEN)
			ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("hash of the state is damaged"),
					errdetail("It must have %d bytes.", ENTRY_HASH_LEN));
		memcpy(state->hash, VARDATA_ANY(hash), ENTRY_HASH_LEN);
	}
}

static void
read_state(Datum composite, TupleDesc desc, StepState *state)
{
	Datum v[STATE_NATTS];
	bool null[STATE_NATTS];

	deform(composite, desc, v, null);
	step_read_state(state, v, null);
}

StepKind
step_kind(const char *kind)
{
	static const char *const names[] = {
		[STEP_PURCHASE] = "purchase", [STEP_REFUND] = "refund",		  [STEP_UNREFUND] = "unrefund",
		[STEP_EVENT] = "event",		  [STEP_EARN] = "earn",			  [STEP_SPEND] = "spend",
		[STEP_REVERSE] = "reverse",	  [STEP_TIER] = "tier",			  [STEP_HOLD] = "hold",
		[STEP_CAPTURE] = "capture",	  [STEP_VOID] = "void",			  [STEP_LAPSE] = "lapse",
		[STEP_RELEASE] = "release",	  [STEP_GIVE] = "give",			  [STEP_RECEIVE] = "receive",
		[STEP_ADJUST] = "adjust",	  [STEP_REINSTATE] = "reinstate", [STEP_DAY] = "day",
		[STEP_REVIEW] = "review",	  [STEP_FILL] = "fill",
	};

	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(names[i], kind) == 0)
			return (StepKind) i;
	ereport(ERROR, errcode(ERRCODE_UNKNOWN_KIND), errmsg("unknown kind of step \"%s\"", kind));
	return STEP_DAY;
}

static const char *
text_or_null(const Datum *v, const bool *null, int i)
{
	return null[i] ? NULL : TextDatumGetCString(v[i]);
}

static int64
int64_or_zero(const Datum *v, const bool *null, int i)
{
	return null[i] ? 0 : DatumGetInt64(v[i]);
}

/* Of an array of smallint. */
void
step_numbers(Datum array, int16 **numbers, int *n)
{
	Datum *elements;
	bool *null;

	deconstruct_array(DatumGetArrayTypeP(array), INT2OID, 2, true, TYPALIGN_SHORT, &elements, &null,
					  n);
	*numbers = palloc(*n * sizeof(int16));
	for (int i = 0; i < *n; i++)
		(*numbers)[i] = null[i] ? 0 : DatumGetInt16(elements[i]);
}

/* The day points are gone; null: as the wallet says. */
DateADT
step_until(Datum until, bool null)
{
	if (null)
		return DATEVAL_NOBEGIN;
	if (DATE_IS_NOBEGIN(DatumGetDateADT(until)))
		ereport(ERROR, errcode(ERRCODE_DAY_OUT_OF_RANGE), errmsg("day of points is out of range"),
				errdetail("Points can't be gone since ever."));
	return DatumGetDateADT(until);
}

/* integer[], timestamptz[], lots[]: of each expiry the entry, its moment and what may still be spent of it */
void
step_read_expired(const Datum *v, StepEvent *e)
{
	ArrayType *lots = DatumGetArrayTypeP(v[2]);
	Datum *entry, *at, *book;
	bool *null[3];
	int n[3];

	deconstruct_array(DatumGetArrayTypeP(v[0]), INT4OID, 4, true, TYPALIGN_INT, &entry, &null[0],
					  &n[0]);
	deconstruct_array(DatumGetArrayTypeP(v[1]), TIMESTAMPTZOID, 8, true, TYPALIGN_DOUBLE, &at,
					  &null[1], &n[1]);
	deconstruct_array(lots, ARR_ELEMTYPE(lots), -1, false, TYPALIGN_INT, &book, &null[2], &n[2]);
	if (n[0] != n[1] || n[0] != n[2] || n[0] > STEP_EXPIRED)
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
				errmsg("expiries of a step must be as many each, and %d at most", STEP_EXPIRED));
	e->n_expired = n[0];
	e->expired = palloc0(n[0] * sizeof(Expired));
	for (int i = 0; i < n[0]; i++)
	{
		if (null[0][i] || null[1][i] || null[2][i])
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("expiries of a step must not be null"));
		e->expired[i].entry = DatumGetInt32(entry[i]);
		e->expired[i].at = DatumGetTimestampTz(at[i]);
		book_decode(&e->expired[i].lots, PG_DETOAST_DATUM_PACKED(book[i]));
	}
}

static void
read_fill(const Datum *v, const bool *null, StepEvent *e)
{
	if (e->kind != STEP_FILL)
		return;
	if (null[EVENT_FILLED] || null[EVENT_FILL])
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("streams of a fill and what they hold must not be null"));
	e->filled = (const activity *) PG_DETOAST_DATUM_PACKED(v[EVENT_FILLED]);
	step_numbers(v[EVENT_FILL], &e->fill, &e->n_fill);
}

static void
read_event(const Datum *v, const bool *null, StepEvent *e)
{
	memset(e, 0, sizeof(*e));
	if (null[EVENT_MEMBER_ID] || null[EVENT_KIND] || null[EVENT_AT])
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("member_id, kind and at of a step must not be null"));
	e->member_id = DatumGetInt64(v[EVENT_MEMBER_ID]);
	e->kind = step_kind(TextDatumGetCString(v[EVENT_KIND]));
	e->at = DatumGetTimestampTz(v[EVENT_AT]);
	e->booked_at = null[EVENT_BOOKED_AT] ? e->at : DatumGetTimestampTz(v[EVENT_BOOKED_AT]);
	e->wallet = text_or_null(v, null, EVENT_WALLET);
	e->points = int64_or_zero(v, null, EVENT_POINTS);
	e->amount = int64_or_zero(v, null, EVENT_AMOUNT);
	e->usable_from =
		null[EVENT_USABLE_FROM] ? DATEVAL_NOBEGIN : DatumGetDateADT(v[EVENT_USABLE_FROM]);
	e->until = step_until(v[EVENT_UNTIL], null[EVENT_UNTIL]);
	e->event_kind = null[EVENT_EVENT_KIND] ? "" : TextDatumGetCString(v[EVENT_EVENT_KIND]);
	e->category = null[EVENT_CATEGORY] ? 0 : DatumGetInt32(v[EVENT_CATEGORY]);
	e->key = text_or_null(v, null, EVENT_KEY);
	e->digest = null[EVENT_DIGEST] ? NULL : PG_DETOAST_DATUM_PACKED(v[EVENT_DIGEST]);
	e->ref = null[EVENT_REF] ? 0 : DatumGetInt32(v[EVENT_REF]);
	e->has_origin = !null[EVENT_ORIGIN_LOTS];
	if (e->has_origin)
	{
		book_decode(&e->origin_lots, PG_DETOAST_DATUM_PACKED(v[EVENT_ORIGIN_LOTS]));
		e->origin_at = null[EVENT_ORIGIN_AT] ? e->at : DatumGetTimestampTz(v[EVENT_ORIGIN_AT]);
		e->origin_of = int64_or_zero(v, null, EVENT_ORIGIN_OF);
		e->origin_back = int64_or_zero(v, null, EVENT_ORIGIN_BACK);
		e->has_largest = !null[EVENT_ORIGIN_LARGEST];
		e->origin_largest = int64_or_zero(v, null, EVENT_ORIGIN_LARGEST);
	}
	if (!null[EVENT_FACTS])
		event_facts_read(DatumGetJsonbP(v[EVENT_FACTS]), &e->facts);
	read_fill(v, null, e);
	if (!null[EVENT_EXPIRED_BY] && !null[EVENT_EXPIRED_AT] && !null[EVENT_EXPIRED_LOTS])
		step_read_expired(&v[EVENT_EXPIRED_BY], e);
}

/* ---- composites out ---- */

Datum
step_hash_datum(const uint8 *hash)
{
	bytea *b = palloc(VARHDRSZ + ENTRY_HASH_LEN);

	SET_VARSIZE(b, VARHDRSZ + ENTRY_HASH_LEN);
	memcpy(VARDATA(b), hash, ENTRY_HASH_LEN);
	return PointerGetDatum(b);
}

Datum
step_tier_datum(TupleDesc desc, const TierChange *t)
{
	Datum v[7];
	bool null[7] = {false};

	v[0] = Int16GetDatum(t->ladder);
	v[1] = CStringGetTextDatum(t->kind);
	v[2] = Int16GetDatum(t->from_level);
	v[3] = Int16GetDatum(t->to_level);
	v[4] = DateADTGetDatum(t->day);
	v[5] = DateADTGetDatum(t->until);
	null[5] = DATE_IS_NOEND(t->until);
	v[6] = CStringGetTextDatum(t->reason);
	return HeapTupleGetDatum(heap_form_tuple(desc, v, null));
}

static Datum
tiers_datum(const StepTypes *types, const StepEffects *out)
{
	Datum *elements = palloc(out->tiers.n * sizeof(Datum));

	for (int i = 0; i < out->tiers.n; i++)
		elements[i] = step_tier_datum(types->tier, &out->tiers.change[i]);
	return PointerGetDatum(
		construct_array(elements, out->tiers.n, types->tier->tdtypeid, -1, false, 'd'));
}

static Datum
tags_datum(const StepTypes *types, const Program *program, StepState *state, const StepEvent *event,
		   const StepEffects *out)
{
	TupleDesc desc = element_type(types->result, RESULT_TAGS);
	Datum *elements = palloc(out->n_tags * sizeof(Datum));
	Oid type = desc->tdtypeid;

	for (int i = 0; i < out->n_tags; i++)
	{
		const TagDecision *d = &out->tag[i];
		bool null[3] = {false};
		Datum v[] = {Int32GetDatum(d->tag->id), CStringGetTextDatum(tag_decision(d)),
					 CStringGetTextDatum(tag_reason(program, state, event, d->tag))};

		elements[i] = HeapTupleGetDatum(heap_form_tuple(desc, v, null));
	}
	ReleaseTupleDesc(desc);
	return PointerGetDatum(
		construct_array(elements, out->n_tags, type, -1, false, TYPALIGN_DOUBLE));
}

static void
put_operation(Datum *v, bool *null, const StepEntry *e)
{
	v[RESULT_WALLET] = Int16GetDatum(e->wallet);
	v[RESULT_DELTA] = PointerGetDatum(book_encode(&e->delta));
	v[RESULT_POINTS] = Int64GetDatum(e->points);
	v[RESULT_BALANCE] = Int64GetDatum(e->balance);
	null[RESULT_WALLET] = null[RESULT_DELTA] = null[RESULT_POINTS] = null[RESULT_BALANCE] = false;
	if (e->ref == 0)
		return;
	v[RESULT_REF] = Int32GetDatum(e->ref);
	v[RESULT_REF_PART] = Int64GetDatum(e->ref_part);
	null[RESULT_REF] = null[RESULT_REF_PART] = false;
}

static void
put_time(Datum *v, bool *null, const StepEntry *e)
{
	v[RESULT_TIME_KIND] = CStringGetTextDatum(e->kind);
	v[RESULT_TIME_WALLET] = Int16GetDatum(e->wallet);
	v[RESULT_TIME_DELTA] = PointerGetDatum(book_encode(&e->delta));
	v[RESULT_TIME_POINTS] = Int64GetDatum(e->points);
	v[RESULT_TIME_BALANCE] = Int64GetDatum(e->balance);
	v[RESULT_TIME_HASH] = step_hash_datum(e->hash);
	for (int i = RESULT_TIME_KIND; i <= RESULT_TIME_HASH; i++)
		null[i] = false;
}

/* The packed state is formed only where it is wanted: in a run, after a member's last event.  tags: 0: none. */
static Datum
result_datum(const StepTypes *types, const StepState *state, bool with_state,
			 const StepEffects *out, Datum tags)
{
	Datum v[RESULT_NATTS];
	bool null[RESULT_NATTS];

	memset(null, true, sizeof(null));
	if (with_state)
	{
		v[RESULT_LOTS] = PointerGetDatum(book_encode(&state->book));
		v[RESULT_ACTIVITY] = PointerGetDatum(activity_encode(&state->activity));
		v[RESULT_STANDING] = PointerGetDatum(standing_encode(&state->standing));
		null[RESULT_LOTS] = null[RESULT_ACTIVITY] = null[RESULT_STANDING] = false;
	}
	v[RESULT_AT] = TimestampTzGetDatum(state->at);
	v[RESULT_ENTRIES] = Int32GetDatum(state->entries);
	v[RESULT_HASH] = step_hash_datum(state->hash);
	v[RESULT_NEXT_DUE] = DateADTGetDatum(out->next_due);
	v[RESULT_LEVEL] = Int16GetDatum(out->level);
	v[RESULT_EXPIRED] = Int64GetDatum(out->expired);
	for (int i = RESULT_AT; i <= RESULT_EXPIRED; i++)
		null[i] = false;
	null[RESULT_NEXT_DUE] = DATE_IS_NOEND(out->next_due);
	v[RESULT_REMIND] = BoolGetDatum(out->remind);
	null[RESULT_REMIND] = false;
	v[RESULT_TAGS] = tags;
	null[RESULT_TAGS] = tags == 0;
	if (out->tiers.n)
	{
		v[RESULT_TIERS] = tiers_datum(types, out);
		null[RESULT_TIERS] = false;
	}
	if (out->n_entries && out->entry[0].by_time)
		put_time(v, null, &out->entry[0]);
	if (out->n_entries && !out->entry[out->n_entries - 1].by_time)
		put_operation(v, null, &out->entry[out->n_entries - 1]);
	return HeapTupleGetDatum(heap_form_tuple(types->result, v, null));
}

/* ---- step(state, event, program) ---- */

PG_FUNCTION_INFO_V1(member_step);
Datum
member_step(PG_FUNCTION_ARGS)
{
	StepTypes types;
	Datum v[EVENT_NATTS];
	bool null[EVENT_NATTS];
	StepState state;
	StepEvent event;
	StepEffects out;
	const Program *program = program_open(PG_GETARG_DATUM(2));
	Datum result, tags = 0;

	types_open(&types, get_func_rettype(fcinfo->flinfo->fn_oid),
			   get_fn_expr_argtype(fcinfo->flinfo, 0), get_fn_expr_argtype(fcinfo->flinfo, 1));
	read_state(PG_GETARG_DATUM(0), types.state, &state);
	deform(PG_GETARG_DATUM(1), types.event, v, null);
	read_event(v, null, &event);
	step_origin_required(&event);
	event.decides_tags = true;
	take_step(program, &state, &event, &out);
	if (out.n_tags > 0)
		tags = tags_datum(&types, program, &state, &event, &out);
	result = result_datum(&types, &state, true, &out, tags);
	types_close(&types);
	return result;
}

/* ---- step_run(state, event, program): the same step over a member's events in order ---- */

/* State of the aggregate: one member. */
typedef struct StepRun
{
	Run run;
	StepTypes types;
	bool last; /* the event was marked as the member's last of the run */
} StepRun;

static StepRun *
step_run_begin(FunctionCallInfo fcinfo, MemoryContext keep)
{
	MemoryContext old = MemoryContextSwitchTo(keep);
	StepRun *s = palloc0(sizeof(StepRun));

	run_init(&s->run, keep);
	s->types.event = lookup_rowtype_tupdesc_copy(get_fn_expr_argtype(fcinfo->flinfo, 2), -1);
	s->types.state = lookup_rowtype_tupdesc_copy(get_fn_expr_argtype(fcinfo->flinfo, 1), -1);
	MemoryContextSwitchTo(s->run.work);
	if (!PG_ARGISNULL(1))
		read_state(PG_GETARG_DATUM(1), s->types.state, &s->run.state);
	MemoryContextSwitchTo(old);
	return s;
}

static StepRun *
step_run_next(FunctionCallInfo fcinfo, bool counts)
{
	MemoryContext keep, old;
	StepRun *s;
	Datum v[EVENT_NATTS];
	bool null[EVENT_NATTS];
	StepEvent event;

	if (!AggCheckCallContext(fcinfo, &keep))
		elog(ERROR, "step_run called outside an aggregate");
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("event and program of step_run must not be null"));
	s = PG_ARGISNULL(0) ? step_run_begin(fcinfo, keep) : (StepRun *) PG_GETARG_POINTER(0);
	s->run.counts = counts;
	run_make_room(&s->run);
	old = MemoryContextSwitchTo(s->run.work);
	deform(PG_GETARG_DATUM(2), s->types.event, v, null);
	read_event(v, null, &event);
	run_event(&s->run, program_open(PG_GETARG_DATUM(3)), &event,
			  text_or_null(v, null, EVENT_SOURCE),
			  !null[EVENT_JOURNAL] && DatumGetBool(v[EVENT_JOURNAL]));
	s->last = null[EVENT_IS_LAST] || DatumGetBool(v[EVENT_IS_LAST]);
	MemoryContextSwitchTo(old);
	return s;
}

PG_FUNCTION_INFO_V1(member_step_run_step);
Datum
member_step_run_step(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(step_run_next(fcinfo, false));
}

/* The state after the last event and the effects of that event: over a growing window, one row an event. */
PG_FUNCTION_INFO_V1(member_step_run_result);
Datum
member_step_run_result(PG_FUNCTION_ARGS)
{
	StepRun *s;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	s = (StepRun *) PG_GETARG_POINTER(0);
	if (s->types.result == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(s->run.keep);

		s->types.result = lookup_rowtype_tupdesc_copy(get_func_rettype(fcinfo->flinfo->fn_oid), -1);
		s->types.tier = lookup_rowtype_tupdesc_copy(
			get_element_type(TupleDescAttr(s->types.result, RESULT_TIERS)->atttypid), -1);
		MemoryContextSwitchTo(old);
	}
	return result_datum(&s->types, &s->run.state, s->last, &s->run.effects, 0);
}

/* ---- streams_run(streams, event, program): what the events make of some streams ---- */

PG_FUNCTION_INFO_V1(member_streams_run_step);
Datum
member_streams_run_step(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(step_run_next(fcinfo, true));
}

PG_FUNCTION_INFO_V1(member_streams_run_result);
Datum
member_streams_run_result(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(activity_encode(&((StepRun *) PG_GETARG_POINTER(0))->run.state.activity));
}
