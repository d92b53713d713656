/*
 * batch.c: many events of many members: steps taken, entries and purchases written, states given back.
 *
 * write_events(query, members, version, program, present): the query yields the events of each member together
 * and in their order, its first row with the member's state; $1 in it are the members.  Import, posting and the
 * daily run write by this function; a row a member comes back, for what is left to the caller: states, levels,
 * messages.  The states of new members, and those that the query gives the place of, are written here, too: of
 * these members only those come back of whom something is left, and a last row says how many states were changed.
 * A file has its rows sorted by workers while the members before are written; its members are numbered from the one of $1 on.
 * Without members the query has not locked them: who is held by others, or was written since, is left as he is.  A query with the columns of a post besides has its
 * events answered one by one: a row each, with the number of the row it came from; what the step refuses leaves the
 * member as it was and is told there.
 */
#include "compat.h"

#include "access/xact.h"
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
#include "utils/resowner.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "catalog/pg_type.h"
#include "core/run.h"
#include "core/step_sql.h"
#include "core/streams.h"
#include "errors.h"
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
	IN_NATTS,
	/* of an import besides */
	IN_LINES = IN_NATTS,
	IN_IMPORT_NATTS,
	/* of a file besides */
	IN_MEMBER_KEY = IN_IMPORT_NATTS,
	IN_ROW_ID,
	IN_LINE,
	IN_REJECT, /* why its row can't be taken */
	IN_FILE_NATTS,
	/* of the daily run besides */
	IN_PLACE = IN_NATTS, /* of its row, which is locked */
	IN_DUE,				 /* it is due again on this day at the latest */
	IN_WANTED,			 /* its row is to come back in any case */
	IN_DAILY_NATTS,
	/* of a post besides */
	IN_USABLE_FROM = IN_NATTS,
	IN_REASON,
	IN_ACTOR,
	IN_KEY,
	IN_DIGEST,
	IN_ROW_NO,
	IN_TWIN,	 /* another row has its key */
	IN_SQLSTATE, /* why it is refused unless its key was answered */
	IN_REFUSAL,
	IN_POST_NATTS
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
	/* of a post: a row each */
	OUT_ROW_NO,
	OUT_ENTRY_NO,
	OUT_POINTS,
	OUT_BALANCE,
	OUT_TIER,
	OUT_REPEATED,
	OUT_SQLSTATE,
	OUT_REASON,
	/* of a file: a row each new member, and each row that can't be taken */
	OUT_MEMBER_KEY,
	OUT_JOINED_AT,
	OUT_STORE,
	OUT_CHANNEL,
	OUT_ROW_ID,
	OUT_LINE,
	OUT_NATTS
} OutColumn;

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

/* What a post came to. */
typedef struct Answer
{
	int32 entry_no;
	int64 points;
	int64 balance;
	const char *tier;
	bool repeated;
	const char *sqlstate; /* NULL: not refused */
	const char *reason;
} Answer;

/* A post of the member that others of the batch have the key of. */
typedef struct Twin
{
	const char *key;
	struct varlena *digest;
	Answer answer;
	struct Twin *next;
} Twin;

typedef struct Batch
{
	ReturnSetInfo *result;
	const Program *program;
	int32 version;
	TimestampTz present;
	BulkTable *entries;
	BulkTable *purchases;
	BulkTable *states;	   /* to be changed */
	BulkTable *new_states; /* to be made */
	TupleDesc tier;
	bool posts;			  /* the query has the columns of a post */
	bool imports;		  /* those of an import */
	bool file;			  /* those of a file */
	bool daily;			  /* those of the daily run */
	int64 n_taken;		  /* states of the daily run, rows of a file */
	int64 amount;		  /* of these rows */
	MemoryContext row;	  /* of one event */
	MemoryContext member; /* of one member: tiers, twins */
	Run run;
	bool begun;
	int64 member_id;
	bool is_new;
	ItemPointerData place; /* of its state */
	DateADT due;
	bool wanted;
	/* of a file: number of its first key, those after it have the next */
	int64 first;
	int64 n_keys; /* met so far */
	StringInfoData key;
	TimestampTz joined_at;
	char *store;
	char *channel;
	/* after the last step that was taken */
	bool moved;
	DateADT next_due;
	bool remind;
	/* decisions on levels, with the entry that brought each */
	Datum *tiers;
	Datum *tier_entries;
	bool *tier_null;
	int n_tiers;
	int size_tiers;
	Twin *twins;
} Batch;

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
	bulk_put(b->new_states, s, n);
}

static void
put_tiers(const Batch *b, Datum *v, bool *null)
{
	int n = b->n_tiers;
	int lower = 1;

	null[OUT_TIERS] = null[OUT_TIER_ENTRIES] = n == 0;
	if (n == 0)
		return;
	v[OUT_TIERS] = PointerGetDatum(
		construct_array(b->tiers, n, b->tier->tdtypeid, -1, false, TYPALIGN_DOUBLE));
	v[OUT_TIER_ENTRIES] =
		PointerGetDatum(construct_md_array(b->tier_entries, b->tier_null, 1, &n, &lower, INT4OID, 4,
										   true, TYPALIGN_INT));
}

/* A member of a file, who is still to be enrolled. */
static void
put_new_member(const Batch *b, Datum *v, bool *null)
{
	for (int i = OUT_LOTS; i <= OUT_NEXT_DUE; i++)
		null[i] = true;
	v[OUT_MEMBER_KEY] = PointerGetDatum(cstring_to_text_with_len(b->key.data, b->key.len));
	v[OUT_JOINED_AT] = TimestampTzGetDatum(b->joined_at);
	null[OUT_MEMBER_KEY] = null[OUT_JOINED_AT] = false;
	null[OUT_STORE] = b->store == NULL;
	null[OUT_CHANNEL] = b->channel == NULL;
	if (b->store)
		v[OUT_STORE] = CStringGetTextDatum(b->store);
	if (b->channel)
		v[OUT_CHANNEL] = CStringGetTextDatum(b->channel);
}

/* Its state is written, or given back for that; whoever else something is left of comes back too. */
static void
finish_member(Batch *b)
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
	if (!b->is_new || b->n_tiers > 0 || b->file)
	{
		for (int i = OUT_ROW_NO; i < OUT_NATTS; i++)
			null[i] = true;
		if (b->file)
			put_new_member(b, v, null);
		v[OUT_IS_NEW] = BoolGetDatum(b->is_new);
		v[OUT_REMIND] = BoolGetDatum(b->remind);
		put_tiers(b, v, null);
		tuplestore_putvalues(b->result->setResult, b->result->setDesc, v, null);
	}
	MemoryContextSwitchTo(old);
}

static void
begin_member(Batch *b, int64 member_id, const Datum *v, const bool *null)
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

/* ---- a post: an answer to each, refused or not ---- */

static void
put_answer(Batch *b, const Datum *in, const Answer *a)
{
	Datum v[OUT_NATTS];
	bool null[OUT_NATTS];

	memset(null, true, sizeof(null));
	v[OUT_MEMBER_ID] = Int64GetDatum(b->member_id);
	v[OUT_ROW_NO] = in[IN_ROW_NO];
	v[OUT_REPEATED] = BoolGetDatum(a->repeated);
	null[OUT_MEMBER_ID] = null[OUT_ROW_NO] = null[OUT_REPEATED] = false;
	if (a->sqlstate)
	{
		v[OUT_SQLSTATE] = CStringGetTextDatum(a->sqlstate);
		v[OUT_REASON] = CStringGetTextDatum(a->reason);
		null[OUT_SQLSTATE] = null[OUT_REASON] = false;
	}
	else
	{
		v[OUT_ENTRY_NO] = Int32GetDatum(a->entry_no);
		v[OUT_POINTS] = Int64GetDatum(a->points);
		v[OUT_BALANCE] = Int64GetDatum(a->balance);
		v[OUT_TIER] = a->tier ? CStringGetTextDatum(a->tier) : (Datum) 0;
		null[OUT_ENTRY_NO] = null[OUT_POINTS] = null[OUT_BALANCE] = false;
		null[OUT_TIER] = a->tier == NULL;
	}
	tuplestore_putvalues(b->result->setResult, b->result->setDesc, v, null);
}

static Answer
answer_of_step(const Batch *b)
{
	const StepEffects *out = &b->run.effects;
	const StepEntry *e = &out->entry[out->n_entries - 1];
	const ProgramLevel *level = program_level(b->program, 1, out->level);
	Answer a = {e->entry_no, e->points, e->balance, level ? level->code : NULL};

	return a;
}

static Answer
answer_refused(const char *sqlstate, const char *reason)
{
	Answer a = {0};

	a.sqlstate = pstrdup(sqlstate);
	a.reason = reason;
	return a;
}

static void
keep_twin(Batch *b, const StepEvent *event, const Answer *answer)
{
	MemoryContext old = MemoryContextSwitchTo(b->member);
	Twin *t = palloc(sizeof(Twin));

	t->key = pstrdup(event->key);
	t->digest = (struct varlena *) PG_DETOAST_DATUM_COPY(PointerGetDatum(event->digest));
	t->answer = *answer;
	t->next = b->twins;
	b->twins = t;
	MemoryContextSwitchTo(old);
}

/* The answer to a post whose key an earlier one of the batch had. */
static bool
find_twin(const Batch *b, const StepEvent *event, Answer *answer)
{
	for (const Twin *t = b->twins; t; t = t->next)
	{
		if (strcmp(t->key, event->key) != 0)
			continue;
		*answer = t->answer;
		answer->repeated = true;
		if (!DatumGetBool(DirectFunctionCall2(byteaeq, PointerGetDatum(t->digest),
											  PointerGetDatum(event->digest))))
			*answer = answer_refused(unpack_sql_state(ERRCODE_KEY_REUSED),
									 psprintf("key \"%s\" was used before with other arguments",
											  event->key));
		return true;
	}
	return false;
}

/* A refusal of the engine, not a fault of the server. */
static bool
is_refusal(int code)
{
	return ERRCODE_TO_CATEGORY(code) == ERRCODE_TO_CATEGORY(ERRCODE_UNKNOWN_MEMBER) ||
		   ERRCODE_TO_CATEGORY(code) == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION);
}

/* The step of a post; if it is refused, the state is what it was before. */
static ErrorData *
try_step(Batch *b, StepEvent *event)
{
	StepState *s = &b->run.state;
	StepState before = *s;
	struct varlena *lots = book_encode(&s->book);
	activity *packed = activity_encode(&s->activity);
	MemoryContext here = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile refused = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(here);
	PG_TRY();
	{
		run_event(&b->run, b->program, event, NULL, false);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(here);
		refused = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(here);
	CurrentResourceOwner = owner;
	if (refused == NULL)
		return NULL;
	if (!is_refusal(refused->sqlerrcode))
		ReThrowError(refused);
	*s = before;
	MemoryContextSwitchTo(b->run.work);
	book_decode(&s->book, lots);
	activity_init(&s->activity);
	activity_decode(packed, &s->activity);
	MemoryContextSwitchTo(here);
	return refused;
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
static void
keep_step(Batch *b)
{
	b->moved = true;
	b->next_due = b->run.effects.next_due;
	b->remind = b->run.effects.remind;
}

static void
take_post(Batch *b, StepEvent *event, const Datum *v, const bool *null)
{
	bool twin = !null[IN_TWIN] && DatumGetBool(v[IN_TWIN]);
	ErrorData *refused;
	Answer answer;

	if (twin && find_twin(b, event, &answer))
		;
	else if (!null[IN_SQLSTATE])
		answer =
			answer_refused(TextDatumGetCString(v[IN_SQLSTATE]), TextDatumGetCString(v[IN_REFUSAL]));
	else if ((refused = try_step(b, event)) != NULL)
		answer = answer_refused(unpack_sql_state(refused->sqlerrcode), refused->message);
	else
	{
		keep_step(b);
		write_effects(b, event, v, null);
		answer = answer_of_step(b);
		if (twin)
			keep_twin(b, event, &answer);
	}
	put_answer(b, v, &answer);
}

static void
take_event(Batch *b, const Datum *v, const bool *null)
{
	StepEvent event;
	MemoryContext old;

	MemoryContextReset(b->row);
	old = MemoryContextSwitchTo(b->row);
	read_event(b, v, null, &event);
	read_facts(b, v, null, &event);
	run_make_room(&b->run);
	if (b->posts)
		take_post(b, &event, v, null);
	else
	{
		run_event(&b->run, b->program, &event, text_or_null(v, null, IN_SOURCE),
				  !null[IN_JOURNAL] && DatumGetBool(v[IN_JOURNAL]));
		keep_step(b);
		if (b->daily)
			b->moved = change_state(b);
		if (b->moved)
			write_effects(b, &event, v, null);
		b->n_taken += b->moved;
		b->amount += event.amount;
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
			finish_member(b);
		begin_member(b, DatumGetInt64(v[IN_MEMBER_ID]), v, null);
	}
	take_event(b, v, null);
}

/* ---- a file: its rows as they were staged, in the order of their keys ---- */

static void
put_reject(Batch *b, const Datum *in, const bool *in_null)
{
	Datum v[OUT_NATTS];
	bool null[OUT_NATTS];

	memset(null, true, sizeof(null));
	v[OUT_ROW_ID] = in[IN_ROW_ID];
	v[OUT_LINE] = in[IN_LINE];
	v[OUT_REASON] = in[IN_REJECT];
	v[OUT_POINTS] = in[IN_AMOUNT];
	null[OUT_ROW_ID] = null[OUT_REASON] = false;
	null[OUT_LINE] = in_null[IN_LINE];
	null[OUT_POINTS] = in_null[IN_AMOUNT];
	tuplestore_putvalues(b->result->setResult, b->result->setDesc, v, null);
}

/* The rows of the key before are through, if this is another. */
static void
turn_to_key(Batch *b, const text *key)
{
	int len = VARSIZE_ANY_EXHDR(key);

	if (b->n_keys > 0 && b->key.len == len && memcmp(b->key.data, VARDATA_ANY(key), len) == 0)
		return;
	if (b->begun)
		finish_member(b);
	b->begun = false;
	resetStringInfo(&b->key);
	appendBinaryStringInfo(&b->key, VARDATA_ANY(key), len);
	b->n_keys++;
}

static void
take_file_row(Batch *b, const Datum *v, const bool *null)
{
	if (!null[IN_MEMBER_KEY])
		turn_to_key(b, DatumGetTextPP(v[IN_MEMBER_KEY]));
	if (!null[IN_REJECT])
	{
		put_reject(b, v, null);
		return;
	}
	if (!b->begun)
	{
		begin_member(b, b->first + b->n_keys - 1, v, null);
		b->joined_at = DatumGetTimestampTz(v[IN_AT]);
		b->store = null[IN_STORE]
					   ? NULL
					   : MemoryContextStrdup(b->member, TextDatumGetCString(v[IN_STORE]));
		b->channel = null[IN_CHANNEL]
						 ? NULL
						 : MemoryContextStrdup(b->member, TextDatumGetCString(v[IN_CHANNEL]));
	}
	take_event(b, v, null);
}

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
	b->file = desc->natts == IN_FILE_NATTS;
	b->imports = b->file || desc->natts == IN_IMPORT_NATTS;
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
	if (b->file)
		take_file_row(b, slot->tts_values, slot->tts_isnull);
	else
		take_row(b, slot->tts_values, slot->tts_isnull);
	MemoryContextSwitchTo(old);
	return true;
}

static void
no_more(DestReceiver *self)
{
}

/* The last row of the daily run's and of a file's. */
static void
put_count(Batch *b)
{
	Datum v[OUT_NATTS];
	bool null[OUT_NATTS];

	memset(null, true, sizeof(null));
	v[OUT_ROW_NO] = Int64GetDatum(b->n_taken);
	v[OUT_POINTS] = Int64GetDatum(b->amount);
	null[OUT_ROW_NO] = null[OUT_POINTS] = false;
	tuplestore_putvalues(b->result->setResult, b->result->setDesc, v, null);
}

static void
take_events(Batch *b, const char *query, Datum members, bool members_null)
{
	Oid type = INT8ARRAYOID;
	EventReceiver receiver = {{receive_event, begin_events, no_more, no_more, DestNone}, b};
	SPIExecuteOptions how = {0};
	bool alone = !bulk_is_by_pages(b->entries) || !bulk_is_by_pages(b->purchases) ||
				 !bulk_is_by_pages(b->new_states);
	/* statements that write can't be run beside workers; pages can */
	SPIPlanPtr plan = SPI_prepare_cursor(query, 1, &type, alone ? 0 : CURSOR_OPT_PARALLEL_OK);

	if (plan == NULL)
		elog(ERROR, "could not prepare the query of events: %s",
			 SPI_result_code_string(SPI_result));
	how.params = makeParamList(1);
	how.params->params[0] = (ParamExternData){members, members_null, PARAM_FLAG_CONST, type};
	if (!members_null && ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(members)),
										ARR_DIMS(DatumGetArrayTypeP(members))) > 0)
		b->first = *(const int64 *) ARR_DATA_PTR(DatumGetArrayTypeP(members));
	how.dest = &receiver.pub;
	(void) GetCurrentTransactionId(); /* beside workers none is given */
	if (SPI_execute_plan_extended(plan, &how) < 0)
		elog(ERROR, "could not run the query of events");
	if (b->begun)
		finish_member(b);
	if (b->daily || b->file)
		put_count(b);
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
	initStringInfo(&b.key);
	b.entries = bulk_open(BULK_INSERT, "member", "entry", entry_columns, lengthof(entry_columns));
	b.purchases =
		bulk_open(BULK_INSERT, "member", "purchase", purchase_columns, lengthof(purchase_columns));
	b.states = bulk_open(PG_ARGISNULL(1) ? BULK_UPDATE_FREE : BULK_UPDATE, "member", "state",
						 state_columns, STATE_CHANGED);
	b.new_states =
		bulk_open(BULK_INSERT, "member", "state", state_columns, lengthof(state_columns));
	take_events(&b, query, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	bulk_close(b.entries);
	bulk_close(b.purchases);
	bulk_close(b.states);
	bulk_close(b.new_states);
	SPI_finish();
	return (Datum) 0;
}
