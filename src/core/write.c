/*
 * write.c: one operation on one member.
 *
 * Every verb writes by write_event(), in this order: the member's row of state is locked, the key is looked up,
 * the step is taken, its entries are inserted, the state is updated, decisions on levels are recorded.  The
 * statements that do so stand here as ordinary SQL, so triggers, columns, indexes and policies of a DBA's own keep
 * working.  They are prepared once a session; all names in them are qualified, and their operators are found
 * by the search path that the verbs pin.
 */
#include "compat.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "core/published.h"
#include "core/step_sql.h"
#include "core/streams.h"
#include "core/write.h"
#include "errors.h"
#include "util/clock.h"
#include "util/statement.h"

#define KEY_MAX 250 /* characters */

/* ---- the statements ---- */

typedef enum StatementId
{
	LOCK_STATE,
	FIND_KEY,
	ANSWER,
	CHECK_AT,
	REFUSE_MEMBER,
	CATEGORY,
	ORIGIN_FACTS,
	INSERT_ENTRY,
	UPDATE_STATE,
	UPDATE_PLACE,
	RECORD_TIERS,
	LAPSED_HOLDS,
	CLOSE_HOLD,
	SET_NEXT_LAPSE,
	USE_PASS,
	TAKE_LIMIT,
	LATE_LOTS,
	TAGS_BY_RULE,
	RECORD_TAGS,
	N_STATEMENTS
} StatementId;

/* clang-format off */
static Statement statements[N_STATEMENTS] = {
	/* the first columns are those of step_state */
	[LOCK_STATE] = {
		"SELECT s.lots, s.activity, s.standing, s.at, s.entries, s.hash, s.salt, s.active OR $2,"
		" member_internal.layout(), s.next_lapse, s.ctid"
		" FROM member.state s WHERE s.member_id = $1"
		" FOR NO KEY UPDATE",
		{"bigint", "boolean"}},
	[FIND_KEY] = {
		"SELECT n.entry_no, n.kind, n.digest FROM member.entry n WHERE n.member_id = $1 AND n.key = $2",
		{"bigint", "text"}},
	/* the attributes of receipt */
	[ANSWER] = {
		"SELECT e.member_id, e.entry_no, e.kind, e.at, w.code, e.points, e.balance, e.tier"
		" FROM member.entry e JOIN member.wallet w ON w.wallet_id = e.wallet"
		" WHERE e.member_id = $1 AND e.entry_no = $2",
		{"bigint", "integer"}},
	[CHECK_AT] = {"SELECT member_internal.check_at($1, $2)", {"text", "timestamptz"}},
	[REFUSE_MEMBER] = {"SELECT member_internal.refuse_member($1)", {"bigint"}},
	[CATEGORY] = {"SELECT member_internal.category_id($1)", {"text"}},
	[ORIGIN_FACTS] = {"SELECT member_internal.origin_facts($1, $2)", {"bigint", "integer"}},
	[INSERT_ENTRY] = {
		"INSERT INTO member.entry (member_id, entry_no, kind, at, booked_at, wallet, points, balance, ref, ref_part,"
		" program_version, delta, tier, hash, source, reason, actor, key, digest)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
		{"bigint", "integer", "text", "timestamptz", "timestamptz", "smallint", "bigint", "bigint", "integer", "bigint",
		 "integer", "member.lots", "text", "bytea", "text", "text", "text", "text", "bytea"}},
	[UPDATE_STATE] = {
		"UPDATE member.state SET lots = $2, activity = $3, standing = $4, at = $5, touched_at = $5, entries = $6,"
		" next_due = least(next_due, $7), hash = $8"
		" WHERE member_id = $1",
		{"bigint", "member.lots", "member.activity", "member.standing", "timestamptz", "integer", "date", "bytea"}},
	/* the same, where it was locked */
	[UPDATE_PLACE] = {
		"UPDATE member.state SET lots = $2, activity = $3, standing = $4, at = $5, touched_at = $5, entries = $6,"
		" next_due = least(next_due, $7), hash = $8"
		" WHERE ctid = $9 AND member_id = $1",
		{"bigint", "member.lots", "member.activity", "member.standing", "timestamptz", "integer", "date", "bytea", "tid"}},
	[RECORD_TIERS] = {
		"SELECT member_internal.record_tiers($1, $2, $3, $4, $5)",
		{"bigint", "member.step_tier[]", "integer", "integer", "timestamptz"}},
	[LAPSED_HOLDS] = {
		"SELECT h.hold_id, h.wallet, h.points, h.lots, h.lapses_at, o.source"
		" FROM member.hold h LEFT JOIN member.entry o ON o.member_id = h.member_id AND o.entry_no = h.hold_id"
		" WHERE h.member_id = $1 AND h.closed_by IS NULL AND h.lapses_at <= $2"
		" ORDER BY h.lapses_at, h.hold_id",
		{"bigint", "timestamptz"}},
	[CLOSE_HOLD] = {
		"UPDATE member.hold SET closed_by = $3 WHERE member_id = $1 AND hold_id = $2",
		{"bigint", "integer", "integer"}},
	[SET_NEXT_LAPSE] = {
		"UPDATE member.state SET next_lapse = (SELECT min(h.lapses_at) FROM member.hold h"
		"  WHERE h.member_id = $1 AND h.closed_by IS NULL)"
		" WHERE member_id = $1",
		{"bigint"}},
	[USE_PASS] = {"SELECT member_internal.use_pass($1, $2)", {"bigint", "text"}},
	[TAKE_LIMIT] = {
		"SELECT member_internal.limit_take($1, $2, $3, $4, $5)",
		{"bigint", "text", "text", "bigint", "timestamptz"}},
	[LATE_LOTS] = {
		"SELECT l.expired_by, l.expired_at, l.expired_lots FROM member_internal.late_lots($1, $2, $3) l",
		{"bigint", "text", "timestamptz"}},
	[TAGS_BY_RULE] = {"SELECT t.by_rule FROM member.tags t WHERE t.member_id = $1", {"bigint"}},
	[RECORD_TAGS] = {
		"SELECT member_internal.record_tags($1, $2, $3, $4, $5, $6, $7, $8)",
		{"bigint", "integer[]", "text[]", "text[]", "integer", "integer", "timestamptz", "date"}},
};
/* clang-format on */

/* Runs a statement with a new snapshot; whether it gave a row. */
static bool
run(StatementId id, Datum *v, const bool *null)
{
	return statement_run(&statements[id], v, null, false);
}

/* ---- a write ---- */

typedef enum LockColumn
{
	LOCK_SALT = 6, /* after the state */
	LOCK_ACTIVE,
	LOCK_LAYOUT,
	LOCK_NEXT_LAPSE,
	LOCK_PLACE,
	LOCK_NATTS
} LockColumn;

#define RECEIPT_NATTS 8

typedef struct Write
{
	FunctionCallInfo call;
	MemoryContext caller; /* the result's */
	StepState state;
	int64 salt;
	int32 version;
	const Program *program;
	ItemPointerData place;	/* of the locked row */
	bool placed;			/* it has not been written since */
	TimestampTz now;		/* read after the lock */
	TimestampTz next_lapse; /* of the first hold that lapses */
	bool limited;			/* what its source gives may be */
	TimestampTz booked_at;	/* of the entries being written */
	bool asked;				/* they are of the call, not what had happened by then */
	NullableDatum held_for; /* source of the hold that lapses */
	Datum digest;
	Datum receipt[RECEIPT_NATTS];
	bool receipt_null[RECEIPT_NATTS];
} Write;

static Datum
argument(const Write *w, WriteArgument i)
{
	return w->call->args[i].value;
}

static bool
given(const Write *w, WriteArgument i)
{
	return !w->call->args[i].isnull;
}

static const char *
text_argument(const Write *w, WriteArgument i)
{
	return given(w, i) ? TextDatumGetCString(argument(w, i)) : NULL;
}

static int64
int64_argument(const Write *w, WriteArgument i)
{
	return given(w, i) ? DatumGetInt64(argument(w, i)) : 0;
}

/* Whether the limits of an award are looked at. */
static bool
is_limited(const Write *w, const Setting *setting)
{
	Datum *source;
	bool *null;
	int n;

	if (w->call->nargs <= ARG_SOURCE || !given(w, ARG_SOURCE))
		return false;
	deconstruct_array(setting->limited, TEXTOID, -1, false, TYPALIGN_INT, &source, &null, &n);
	for (int i = 0; i < n; i++)
		if (!null[i] && DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID, source[i],
															 argument(w, ARG_SOURCE))))
			return true;
	return false;
}

/* The program in force: a copy, since what a trigger does meanwhile may replace the one that is kept. */
static void
read_program(Write *w, const Setting *setting)
{
	const Program *kept = published_program(setting, false);
	Program *copy = palloc(VARSIZE(kept));

	memcpy(copy, kept, VARSIZE(kept));
	w->version = setting->version;
	w->program = copy;
	w->limited = is_limited(w, setting);
}

/* The row is locked before anything of the member is read, and of the settings.  Of who has left time still passes. */
static void
lock_state(Write *w, bool active)
{
	Datum member[] = {argument(w, ARG_MEMBER_ID), BoolGetDatum(!active)};
	bool null[] = {!given(w, ARG_MEMBER_ID), false};
	Datum v[LOCK_NATTS];
	bool nulls[LOCK_NATTS];
	Setting setting;

	if (!tables_exist() || !run(LOCK_STATE, member, null))
		nulls[LOCK_ACTIVE] = true;
	else
		statement_row(v, nulls);
	if (nulls[LOCK_ACTIVE] || !DatumGetBool(v[LOCK_ACTIVE]) ||
		!setting_read(GetTransactionSnapshot(), &setting) ||
		setting.layout != DatumGetInt32(v[LOCK_LAYOUT]))
	{
		run(REFUSE_MEMBER, member, null);
		elog(ERROR, "member can be written after all");
	}
	w->now = clock_now();
	step_read_state(&w->state, v, nulls);
	w->next_lapse = nulls[LOCK_NEXT_LAPSE] ? DT_NOEND : DatumGetTimestampTz(v[LOCK_NEXT_LAPSE]);
	w->salt = DatumGetInt64(v[LOCK_SALT]);
	w->place = *(ItemPointer) DatumGetPointer(v[LOCK_PLACE]);
	w->placed = true;
	read_program(w, &setting);
}

static void
make_digest(Write *w)
{
	TimestampTz at = given(w, ARG_AT) ? DatumGetTimestampTz(argument(w, ARG_AT)) : 0;
	uint8 hash[ENTRY_HASH_LEN];

	call_digest(w->salt, PG_DETOAST_DATUM_PACKED(argument(w, ARG_VERB)),
				PG_DETOAST_DATUM_PACKED(argument(w, ARG_ARGUMENTS)), given(w, ARG_AT) ? &at : NULL,
				hash);
	w->digest = step_hash_datum(hash);
}

/* The receipt of the entry that was made with the key; false if there is none. */
static bool
find_answer(Write *w)
{
	Datum v[] = {argument(w, ARG_MEMBER_ID), argument(w, ARG_KEY)};
	const char *key = text_argument(w, ARG_KEY);
	int length;
	Datum known[3]; /* entry_no, kind, digest */
	bool null[3];

	if (key == NULL)
		return false;
	length = pg_mbstrlen(key);
	if (length < 1 || length > KEY_MAX)
		ereport(ERROR, errcode(ERRCODE_INVALID_KEY),
				errmsg("a key must have 1 to %d characters", KEY_MAX));
	if (!run(FIND_KEY, v, NULL))
		return false;
	statement_row(known, null);
	if (null[2] || !DatumGetBool(DirectFunctionCall2(byteaeq, known[2], w->digest)))
		ereport(ERROR, errcode(ERRCODE_KEY_REUSED),
				errmsg("key \"%s\" was used before with other arguments", key),
				errdetail("By %s, entry %d of member %lld.", TextDatumGetCString(known[1]),
						  DatumGetInt32(known[0]), (long long) DatumGetInt64(v[0])),
				errhint("A repeated call must be the same in every argument; a new operation needs "
						"a new key."));
	v[1] = known[0];
	if (!run(ANSWER, v, NULL))
		elog(ERROR, "no receipt of entry %d", DatumGetInt32(known[0]));
	statement_row(w->receipt, w->receipt_null);
	return true;
}

/* Whether the call was answered before; otherwise it may go on. */
static bool
open_write(Write *w, FunctionCallInfo fcinfo)
{
	w->call = fcinfo;
	w->caller = CurrentMemoryContext;
	SPI_connect();
	lock_state(w, true);
	make_digest(w);
	if (find_answer(w))
		return true;
	if (given(w, ARG_AT))
	{
		Datum v[] = {argument(w, ARG_VERB), argument(w, ARG_AT)};

		run(CHECK_AT, v, NULL);
	}
	return false;
}

static Datum
form_row(const Write *w, Oid type, Datum *v, bool *null)
{
	MemoryContext old = MemoryContextSwitchTo(w->caller);
	TupleDesc desc = lookup_rowtype_tupdesc(type, -1);
	Datum row = HeapTupleGetDatum(heap_form_tuple(desc, v, null));

	ReleaseTupleDesc(desc);
	MemoryContextSwitchTo(old);
	return row;
}

/* ---- the step, and what comes of it ---- */

static int32
category_number(const Write *w)
{
	Datum v[] = {argument(w, ARG_CATEGORY)};
	bool null;

	if (!given(w, ARG_CATEGORY))
		return 0;
	run(CATEGORY, v, NULL);
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
}

/* What only rules of streams and of tags look at. */
static void
read_facts(const Write *w, StepEvent *e)
{
	Datum v[] = {argument(w, ARG_MEMBER_ID), Int32GetDatum(e->ref)};
	bool null;

	if (!streams_look(w->program, e->kind) && !tags_look(w->program, e->kind))
		return;
	if (e->kind == STEP_REFUND || e->kind == STEP_UNREFUND || e->kind == STEP_REVERSE)
	{
		run(ORIGIN_FACTS, v, NULL);
		v[0] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null);
		if (!null)
			event_facts_read(DatumGetJsonbP(v[0]), &e->facts);
	}
	else
	{
		e->facts.store = text_argument(w, ARG_STORE);
		e->facts.channel = text_argument(w, ARG_CHANNEL);
		if (given(w, ARG_ATTRIBUTES))
			e->facts.attributes = DatumGetJsonbP(argument(w, ARG_ATTRIBUTES));
		if (given(w, ARG_LINES))
			e->facts.lines = DatumGetJsonbP(argument(w, ARG_LINES));
	}
	if (e->kind != STEP_REVERSE)
	{
		e->facts.category = text_argument(w, ARG_CATEGORY);
		e->facts.source = text_argument(w, ARG_SOURCE);
		e->facts.reason = text_argument(w, ARG_REASON);
	}
	if (given(w, ARG_REFUND_LINES))
		step_numbers(argument(w, ARG_REFUND_LINES), &e->facts.refund, &e->facts.n_refund);
}

static void
read_event(const Write *w, StepEvent *e)
{
	TimestampTz last = w->state.begun ? w->state.at : w->now;

	memset(e, 0, sizeof(*e));
	e->member_id = DatumGetInt64(argument(w, ARG_MEMBER_ID));
	e->kind = step_kind(text_argument(w, ARG_KIND));
	e->at = given(w, ARG_AT) ? DatumGetTimestampTz(argument(w, ARG_AT)) : Max(w->now, last);
	e->booked_at = Max(w->now, given(w, ARG_AT) ? e->at : last);
	e->wallet = text_argument(w, ARG_WALLET);
	e->points = int64_argument(w, ARG_POINTS);
	e->amount = int64_argument(w, ARG_AMOUNT);
	e->usable_from =
		given(w, ARG_USABLE_FROM) ? DatumGetDateADT(argument(w, ARG_USABLE_FROM)) : DATEVAL_NOBEGIN;
	e->until = step_until(argument(w, ARG_UNTIL), !given(w, ARG_UNTIL));
	e->event_kind = given(w, ARG_EVENT_KIND) ? text_argument(w, ARG_EVENT_KIND) : "";
	e->category = category_number(w);
	e->key = text_argument(w, ARG_KEY);
	e->digest = (struct varlena *) DatumGetPointer(w->digest);
	e->decides_tags = true;
	e->has_origin = given(w, ARG_ORIGIN_LOTS);
	if (e->has_origin)
	{
		e->ref = DatumGetInt32(argument(w, ARG_REF));
		e->origin_at = DatumGetTimestampTz(argument(w, ARG_ORIGIN_AT));
		book_decode(&e->origin_lots, PG_DETOAST_DATUM_PACKED(argument(w, ARG_ORIGIN_LOTS)));
		e->origin_of = int64_argument(w, ARG_ORIGIN_OF);
		e->origin_back = int64_argument(w, ARG_ORIGIN_BACK);
		e->has_largest = given(w, ARG_ORIGIN_LARGEST);
		e->origin_largest = int64_argument(w, ARG_ORIGIN_LARGEST);
	}
	step_origin_required(e);
	read_facts(w, e);
}

/* Of what time did, an entry says neither source nor key. */
static void
insert_entry(const Write *w, const StepEntry *e, const char *tier)
{
	static const WriteArgument asked[] = {ARG_SOURCE, ARG_REASON, ARG_ACTOR, ARG_KEY};
	Datum v[STATEMENT_ARGUMENTS];
	bool null[STATEMENT_ARGUMENTS] = {false};
	int n = 0;

	v[n++] = argument(w, ARG_MEMBER_ID);
	v[n++] = Int32GetDatum(e->entry_no);
	v[n++] = CStringGetTextDatum(e->kind);
	v[n++] = TimestampTzGetDatum(e->at);
	v[n++] = TimestampTzGetDatum(w->booked_at);
	v[n++] = Int16GetDatum(e->wallet);
	v[n++] = Int64GetDatum(e->points);
	v[n++] = Int64GetDatum(e->balance);
	null[n] = e->ref == 0;
	v[n++] = Int32GetDatum(e->ref);
	null[n] = e->ref == 0;
	v[n++] = Int64GetDatum(e->ref_part);
	v[n++] = Int32GetDatum(w->version);
	v[n++] = PointerGetDatum(book_encode(&e->delta));
	null[n] = tier == NULL;
	v[n++] = tier ? CStringGetTextDatum(tier) : (Datum) 0;
	v[n++] = step_hash_datum(e->hash);
	for (int i = 0; i < lengthof(asked); i++)
	{
		null[n] = e->by_time || !w->asked || !given(w, asked[i]);
		v[n] = null[n] ? (Datum) 0 : argument(w, asked[i]);
		n++;
	}
	if (!e->by_time && !w->asked)
	{
		v[n - lengthof(asked)] = w->held_for.value;
		null[n - lengthof(asked)] = w->held_for.isnull;
	}
	null[n] = e->by_time || !w->asked;
	v[n++] = w->digest;
	run(INSERT_ENTRY, v, null);
}

/* Where it was locked; whoever sees an entry may have written it since, then by its key. */
static void
update_state(Write *w, const StepEffects *out)
{
	const StepState *s = &w->state;
	Datum v[] = {argument(w, ARG_MEMBER_ID),
				 PointerGetDatum(book_encode(&s->book)),
				 PointerGetDatum(activity_encode(&s->activity)),
				 PointerGetDatum(standing_encode(&s->standing)),
				 TimestampTzGetDatum(s->at),
				 Int32GetDatum(s->entries),
				 DateADTGetDatum(out->next_due),
				 step_hash_datum(s->hash),
				 PointerGetDatum(&w->place)};
	bool null[lengthof(v)] = {false};
	bool placed = w->placed;

	null[6] = DATE_IS_NOEND(out->next_due);
	w->placed = false;
	if (!placed || !run(UPDATE_PLACE, v, null))
		run(UPDATE_STATE, v, null);
}

static void
record_tiers(const Write *w, const TierChanges *tiers)
{
	Oid type =
		DatumGetObjectId(DirectFunctionCall1(regtypein, CStringGetDatum("member.step_tier")));
	TupleDesc desc = lookup_rowtype_tupdesc(type, -1);
	Datum *change = palloc(tiers->n * sizeof(Datum));
	Datum v[] = {argument(w, ARG_MEMBER_ID), (Datum) 0, Int32GetDatum(w->state.entries),
				 Int32GetDatum(w->version), TimestampTzGetDatum(w->booked_at)};

	for (int i = 0; i < tiers->n; i++)
		change[i] = step_tier_datum(desc, &tiers->change[i]);
	ReleaseTupleDesc(desc);
	v[1] = PointerGetDatum(construct_array(change, tiers->n, type, -1, false, TYPALIGN_DOUBLE));
	run(RECORD_TIERS, v, NULL);
}

/* The tags that rules keep a member at, ascending. */
static int32 *
tags_by_rule(const Write *w, int *n)
{
	Datum v[] = {argument(w, ARG_MEMBER_ID)};
	Datum ids;
	bool null;
	ArrayType *array;

	*n = 0;
	if (!run(TAGS_BY_RULE, v, NULL))
		return NULL;
	statement_row(&ids, &null);
	array = DatumGetArrayTypeP(ids);
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (int32 *) ARR_DATA_PTR(array);
}

/* The decisions that are not what the member has. */
static void
record_tags(const Write *w, const StepEvent *event, const StepEffects *out)
{
	Datum *tag, *kind, *reason;
	Datum v[] = {argument(w, ARG_MEMBER_ID),
				 (Datum) 0,
				 (Datum) 0,
				 (Datum) 0,
				 Int32GetDatum(w->state.entries),
				 Int32GetDatum(w->version),
				 TimestampTzGetDatum(w->booked_at),
				 DateADTGetDatum(program_day(w->program, event->at))};
	int32 *held;
	int n_held, n = 0;

	if (out->n_tags == 0)
		return;
	held = tags_by_rule(w, &n_held);
	tag = palloc(out->n_tags * sizeof(Datum));
	kind = palloc(out->n_tags * sizeof(Datum));
	reason = palloc(out->n_tags * sizeof(Datum));
	for (int i = 0; i < out->n_tags; i++)
	{
		const TagDecision *d = &out->tag[i];
		bool has = false;

		for (int j = 0; j < n_held; j++)
			has = has || held[j] == d->tag->id;
		if (!d->tag->given && has == d->holds)
			continue;
		tag[n] = Int32GetDatum(d->tag->id);
		kind[n] = CStringGetTextDatum(tag_decision(d));
		reason[n++] = CStringGetTextDatum(
			tag_reason(w->program, unconstify(StepState *, &w->state), event, d->tag));
	}
	if (n == 0)
		return;
	v[1] = PointerGetDatum(construct_array(tag, n, INT4OID, 4, true, TYPALIGN_INT));
	v[2] = PointerGetDatum(construct_array(kind, n, TEXTOID, -1, false, TYPALIGN_INT));
	v[3] = PointerGetDatum(construct_array(reason, n, TEXTOID, -1, false, TYPALIGN_INT));
	run(RECORD_TAGS, v, NULL);
}

/* Takes the step and writes its entries; the state is still to be written.  The level afterwards, or NULL. */
static const char *
take(Write *w, const StepEvent *event, StepEffects *out)
{
	const ProgramLevel *level;
	const char *tier;

	take_step(w->program, &w->state, event, out);
	level = program_level(w->program, 1, out->level);
	tier = level ? level->code : NULL;
	for (int i = 0; i < out->n_entries; i++)
		insert_entry(w, &out->entry[i], tier);
	if (out->tiers.n > 0)
		record_tiers(w, &out->tiers);
	return tier;
}

/* Holds that lapsed by a moment, each as of its own: whatever comes is after that. */
static int
book_lapses(Write *w, TimestampTz moment)
{
	Datum v[] = {argument(w, ARG_MEMBER_ID), TimestampTzGetDatum(moment), (Datum) 0};
	SPITupleTable *holds;
	StepEffects out;
	uint64 n;

	if (w->next_lapse > moment)
		return 0;
	run(LAPSED_HOLDS, v, NULL);
	holds = SPI_tuptable; /* what follows has results of its own */
	n = SPI_processed;
	w->booked_at = w->state.begun ? Max(w->now, w->state.at) : w->now;
	w->asked = false;
	for (uint64 i = 0; i < n; i++)
	{
		Datum hold[6];
		bool null[6];
		StepEvent event = {STEP_LAPSE};

		heap_deform_tuple(holds->vals[i], holds->tupdesc, hold, null);
		event.member_id = DatumGetInt64(v[0]);
		event.ref = DatumGetInt32(hold[0]);
		event.wallet = program_wallet(w->program, DatumGetInt16(hold[1]))->code;
		event.points = DatumGetInt64(hold[2]);
		event.has_origin = true;
		book_decode(&event.origin_lots, PG_DETOAST_DATUM_PACKED(hold[3]));
		event.at = event.booked_at = DatumGetTimestampTz(hold[4]);
		w->held_for = (NullableDatum){hold[5], null[5]};
		take(w, &event, &out);
		v[1] = hold[0];
		v[2] = Int32GetDatum(w->state.entries);
		run(CLOSE_HOLD, v, NULL);
	}
	run(SET_NEXT_LAPSE, v, NULL);
	if (n > 0)
		update_state(w, &out);
	return (int) n;
}

/* Spending much takes a pass: that the member is there.  Who may ask is not the step's to decide. */
static void
check_pass(const Write *w, const StepEvent *e)
{
	Datum v[] = {argument(w, ARG_MEMBER_ID), argument(w, ARG_PASS)};
	const ProgramWallet *wallet;

	if (e->kind != STEP_SPEND && e->kind != STEP_HOLD && e->kind != STEP_GIVE)
		return;
	wallet = program_wallet_named(w->program, e->wallet);
	if (wallet->code_above == 0 || e->points <= wallet->code_above)
		return;
	if (!given(w, ARG_PASS))
		ereport(ERROR, errcode(ERRCODE_PASS_REQUIRED),
				errmsg("more than %lld points at once take a pass", (long long) wallet->code_above),
				errdetail("Asked %lld of wallet \"%s\".", (long long) e->points, wallet->code),
				errhint("pass_issue() gives one for the member's PIN or a code sent to them."));
	run(USE_PASS, v, NULL);
}

/* An award gives no more than the limits of its source leave; the digest still says what was asked. */
static void
limit_award(const Write *w, StepEvent *e)
{
	Datum v[] = {argument(w, ARG_MEMBER_ID), argument(w, ARG_SOURCE), argument(w, ARG_WALLET),
				 Int64GetDatum(e->points), TimestampTzGetDatum(e->at)};
	bool null;

	if (e->kind != STEP_EARN || !w->limited || e->points < 1)
		return;
	run(TAKE_LIMIT, v, NULL);
	e->points =
		DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
}

/* A spend of a day before today may take what has expired since, once that is booked. */
static void
find_expired(Write *w, StepEvent *e)
{
	Datum v[] = {argument(w, ARG_MEMBER_ID), argument(w, ARG_WALLET), argument(w, ARG_AT)};
	Datum found[3];
	bool null[3];
	StepEvent day = {STEP_DAY};
	StepEffects out;

	if (e->kind != STEP_SPEND || !given(w, ARG_AT) ||
		program_day(w->program, e->at) >= program_day(w->program, w->now))
		return;
	day.member_id = e->member_id;
	day.at = day.booked_at = w->booked_at;
	take(w, &day, &out);
	update_state(w, &out);
	run(LATE_LOTS, v, NULL);
	statement_row(found, null);
	if (!null[0])
		step_read_expired(found, e);
}

static void
take_and_write(Write *w)
{
	StepEvent event;
	StepEffects out;
	const StepEntry *made;
	const ProgramWallet *main_wallet = program_wallet(w->program, 1);
	const char *tier, *wallet;

	book_lapses(w, w->now);
	read_event(w, &event);
	check_pass(w, &event);
	limit_award(w, &event);
	w->booked_at = event.booked_at;
	if (w->state.begun)
		w->booked_at = Max(w->booked_at, w->state.at);
	w->asked = false;
	find_expired(w, &event);
	w->asked = true;
	tier = take(w, &event, &out);
	update_state(w, &out);
	record_tags(w, &event, &out);

	made = &out.entry[out.n_entries - 1];
	wallet = event.wallet ? event.wallet : main_wallet ? main_wallet->code : NULL;
	memset(w->receipt_null, false, sizeof(w->receipt_null));
	w->receipt[0] = argument(w, ARG_MEMBER_ID);
	w->receipt[1] = Int32GetDatum(made->entry_no);
	w->receipt[2] = argument(w, ARG_KIND);
	w->receipt[3] = TimestampTzGetDatum(made->at);
	w->receipt[4] = wallet ? CStringGetTextDatum(wallet) : (Datum) 0;
	w->receipt_null[4] = wallet == NULL;
	w->receipt[5] = Int64GetDatum(made->points);
	w->receipt[6] = Int64GetDatum(made->balance);
	w->receipt[7] = tier ? CStringGetTextDatum(tier) : (Datum) 0;
	w->receipt_null[7] = tier == NULL;
}

/* ---- what SQL calls ---- */

/* begin_write(member_id, verb, arguments, at, key): for verbs that read before they write */
PG_FUNCTION_INFO_V1(member_begin_write);
Datum
member_begin_write(PG_FUNCTION_ARGS)
{
	Write w;
	Datum receipt = (Datum) 0;

	if (open_write(&w, fcinfo))
		receipt = form_row(&w, get_func_rettype(fcinfo->flinfo->fn_oid), w.receipt, w.receipt_null);
	else
		fcinfo->isnull = true;
	SPI_finish();
	return receipt;
}

Datum
write_operation(FunctionCallInfo call, Oid receipt_type, bool *answered)
{
	Write w;
	Datum receipt;

	*answered = open_write(&w, call);
	if (!*answered)
		take_and_write(&w);
	receipt = form_row(&w, receipt_type, w.receipt, w.receipt_null);
	SPI_finish();
	return receipt;
}

/* write_event(…): all that a verb writes of its member; see the declaration for the arguments */
PG_FUNCTION_INFO_V1(member_write_event);
Datum
member_write_event(PG_FUNCTION_ARGS)
{
	TupleDesc desc = lookup_rowtype_tupdesc(get_func_rettype(fcinfo->flinfo->fn_oid), -1);
	bool answered, null[2] = {false};
	Datum v[2]; /* answered, receipt */
	HeapTuple row;

	v[1] = write_operation(fcinfo, TupleDescAttr(desc, 1)->atttypid, &answered);
	v[0] = BoolGetDatum(answered);
	row = heap_form_tuple(desc, v, null);
	ReleaseTupleDesc(desc);
	return HeapTupleGetDatum(row);
}

/* book_lapses(member_id, moment): for batches that come before a step of their own; how many */
PG_FUNCTION_INFO_V1(member_book_lapses);
Datum
member_book_lapses(PG_FUNCTION_ARGS)
{
	Write w = {.call = fcinfo, .caller = CurrentMemoryContext};
	int n;

	SPI_connect();
	lock_state(&w, false);
	n = book_lapses(&w, PG_GETARG_TIMESTAMPTZ(1));
	SPI_finish();
	PG_RETURN_INT32(n);
}

/* book_time(member_id): brings a member to the present, as the daily run does */
PG_FUNCTION_INFO_V1(member_book_time);
Datum
member_book_time(PG_FUNCTION_ARGS)
{
	Write w = {.call = fcinfo, .caller = CurrentMemoryContext};
	StepEvent event = {STEP_DAY};
	StepEffects out;

	SPI_connect();
	lock_state(&w, true);
	book_lapses(&w, w.now);
	event.member_id = PG_GETARG_INT64(0);
	event.at = event.booked_at = w.booked_at = w.state.begun ? Max(w.now, w.state.at) : w.now;
	w.asked = false;
	take(&w, &event, &out);
	update_state(&w, &out);
	SPI_finish();
	PG_RETURN_VOID();
}
