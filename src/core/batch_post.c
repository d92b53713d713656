/*
 * batch_post.c: posts of a batch: an answer to each, refused or not.
 */
#include "compat.h"

#include "access/xact.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"

#include "core/batch.h"
#include "errors.h"

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

void
batch_take_post(Batch *b, StepEvent *event, const Datum *v, const bool *null)
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
		batch_keep(b, event, v, null);
		answer = answer_of_step(b);
		if (twin)
			keep_twin(b, event, &answer);
	}
	put_answer(b, v, &answer);
}
