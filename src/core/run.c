/*
 * run.c: the events of one member in their order, one step after the other; see run.h.
 */
#include "compat.h"

#include "utils/memutils.h"

#include "core/run.h"
#include "core/step_sql.h"
#include "core/streams.h"
#include "errors.h"

void
step_origin_required(const StepEvent *e)
{
	bool part = e->kind == STEP_REFUND || e->kind == STEP_UNREFUND || e->kind == STEP_REVERSE;
	bool held = e->kind == STEP_CAPTURE || e->kind == STEP_VOID || e->kind == STEP_LAPSE ||
				e->kind == STEP_RELEASE || e->kind == STEP_RECEIVE;

	if ((part && (!e->has_origin || e->origin_of < 1)) || (held && !e->has_origin))
		ereport(ERROR, errcode(ERRCODE_UNKNOWN_PURCHASE),
				errmsg("a refund or reversal needs the operation it refers to"));
}

static const char *
copy_text(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

static Jsonb *
copy_jsonb(Jsonb *j)
{
	return j ? (Jsonb *) PG_DETOAST_DATUM_COPY(JsonbPGetDatum(j)) : NULL;
}

/* What streams see of a purchase, for its refunds. */
static void
keep_facts(const EventFacts *f, EventFacts *to)
{
	memset(to, 0, sizeof(*to));
	to->store = copy_text(f->store);
	to->channel = copy_text(f->channel);
	to->attributes = copy_jsonb(f->attributes);
	to->lines = copy_jsonb(f->lines);
}

/* A refund has the facts of its purchase beside its own. */
static void
add_facts(const EventFacts *origin, EventFacts *to)
{
	EventFacts own = *to;

	*to = *origin;
	to->reason = own.reason;
	to->source = own.source;
	to->n_refund = own.n_refund;
	to->refund = own.refund;
}

/* Its lines are given back from now on. */
static void
keep_refund(Run *run, Journal *j, const EventFacts *refund)
{
	int16 *all;

	if (refund->n_refund == 0)
		return;
	all =
		MemoryContextAlloc(run->journals, (j->facts.n_refunded + refund->n_refund) * sizeof(int16));
	if (j->facts.n_refunded)
		memcpy(all, j->facts.refunded, j->facts.n_refunded * sizeof(int16));
	memcpy(all + j->facts.n_refunded, refund->refund, refund->n_refund * sizeof(int16));
	j->facts.refunded = all;
	j->facts.n_refunded += refund->n_refund;
}

static void
journal_keep(Run *run, const char *source, const Program *program, const StepEvent *event)
{
	Journal *j;

	if (run->n_journal == run->size_journal)
	{
		run->size_journal = Max(8, run->size_journal * 2);
		run->journal = run->journal ? repalloc(run->journal, run->size_journal * sizeof(Journal))
									: palloc(run->size_journal * sizeof(Journal));
	}
	j = &run->journal[run->n_journal++];
	j->source = pstrdup(source);
	j->at = event->at;
	j->day = program_day(program, event->at);
	j->amount = event->amount;
	j->back = 0;
	j->lots = book_encode(&run->effects.awarded);
	j->entry_no = run->state.entries;
	keep_facts(&event->facts, &j->facts);
}

/* Points released of a purchase of this run are given back from where they now lie. */
static void
journal_release(Run *run, int32 entry_no)
{
	for (int i = 0; i < run->n_journal; i++)
		if (run->journal[i].entry_no == entry_no)
		{
			Book lots;

			book_decode(&lots, run->journal[i].lots);
			book_add_all(&lots, &run->effects.awarded, 1);
			run->journal[i].lots = book_encode(&lots);
		}
}

static Journal *
journal_find(Run *run, const char *source, int64 member_id)
{
	for (int i = 0; i < run->n_journal; i++)
		if (strcmp(run->journal[i].source, source) == 0)
			return &run->journal[i];
	ereport(ERROR, errcode(ERRCODE_UNKNOWN_PURCHASE),
			errmsg("no purchase \"%s\" of member %lld before its refund", source,
				   (long long) member_id));
	return NULL;
}

/* What an event needs of its purchase and of the others of that day, once so much of it is given back. */
static void
read_origin(const Run *run, const Journal *j, int64 back, StepEvent *event)
{
	event->has_origin = true;
	event->origin_at = j->at;
	event->origin_of = j->amount;
	event->origin_back = j->back;
	event->has_largest = true;
	event->origin_largest = 0;
	for (int i = 0; i < run->n_journal; i++)
		if (run->journal[i].day == j->day)
			event->origin_largest =
				Max(event->origin_largest,
					run->journal[i].amount - (&run->journal[i] == j ? back : run->journal[i].back));
	add_facts(&j->facts, &event->facts);
}

/* The purchase of this run that a refund refers to. */
static Journal *
find_refunded(Run *run, const char *source, StepEvent *event)
{
	Journal *j = journal_find(run, source, event->member_id);

	read_origin(run, j, j->back + event->amount, event);
	event->ref = j->entry_no;
	book_decode(&event->origin_lots, j->lots);
	return j;
}

/* A refund of it is taken back: as it was before that, for this event and those that follow. */
static void
take_refund_back(Run *run, const char *source, StepEvent *event)
{
	Journal *j = journal_find(run, source, event->member_id);
	int n = 0;

	j->back -= event->amount;
	for (int i = 0; i < j->facts.n_refunded; i++)
	{
		bool undone = false;

		for (int k = 0; k < event->facts.n_refund; k++)
			undone |= event->facts.refund[k] == j->facts.refunded[i];
		if (!undone)
			j->facts.refunded[n++] = j->facts.refunded[i];
	}
	j->facts.n_refunded = n;
	read_origin(run, j, j->back, event);
}

void
run_init(Run *run, MemoryContext keep)
{
	memset(run, 0, sizeof(*run));
	run->keep = keep;
	run->work = AllocSetContextCreate(keep, "member run", ALLOCSET_SMALL_SIZES);
	run->journals = AllocSetContextCreate(keep, "member journal", ALLOCSET_SMALL_SIZES);
	activity_init(&run->state.activity);
}

/* For the next member; its state is read in the work context by the caller. */
void
run_restart(Run *run)
{
	MemoryContextReset(run->journals);
	run->journal = NULL;
	run->n_journal = run->size_journal = 0;
	run->events = 0;
	MemoryContextReset(run->work);
}

#define RUN_RENEW 500 /* events after which the leavings of the steps are given back */

/* Carry the state over into a fresh context. */
static void
renew(Run *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->keep);
	struct varlena *lots = book_encode(&run->state.book);
	activity *activity = activity_encode(&run->state.activity);

	MemoryContextReset(run->work);
	MemoryContextSwitchTo(run->work);
	book_decode(&run->state.book, lots);
	activity_init(&run->state.activity);
	activity_decode(activity, &run->state.activity);
	pfree(lots);
	pfree(activity);
	MemoryContextSwitchTo(old);
}

/* What the event before left behind must have been used by now. */
void
run_make_room(Run *run)
{
	if (++run->events % RUN_RENEW == 0)
		renew(run);
}

/* One step.  event, if it was read in the work context, was read after run_make_room(). */
void
run_event(Run *run, const Program *program, StepEvent *event, const char *source, bool journal)
{
	MemoryContext old = MemoryContextSwitchTo(run->work);
	Journal *origin = NULL;

	if (event->kind == STEP_REFUND && !event->has_origin && source)
		origin = find_refunded(run, source, event);
	if (event->kind == STEP_UNREFUND && source)
		take_refund_back(run, source, event);
	step_origin_required(event);
	if (run->counts)
		streams_count(program, event, &run->state);
	else
		take_step(program, &run->state, event, &run->effects);
	MemoryContextSwitchTo(run->journals);
	if (origin)
	{
		origin->back += event->amount;
		keep_refund(run, origin, &event->facts);
	}
	if (event->kind == STEP_PURCHASE && source && journal)
		journal_keep(run, source, program, event);
	if (event->kind == STEP_RELEASE)
		journal_release(run, event->ref);
	MemoryContextSwitchTo(old);
}
