/*
 * step.c: what one event does to one member under one program.
 *
 * First time passes: reviews that fell due are decided, each as of its day, debt is paid and lots expire,
 * activity older than its retention is folded; if that moves points it is an entry of its own, so that
 * taking the operation back never brings back what had expired.  Then the event is applied, then levels
 * it reaches.  Time passes up to the moment the event is recorded, whether or not a job has been there
 * before; an event dated earlier counts on its own day in the activity and for the validity of what it
 * earns.
 */
#include "compat.h"

#include "common/int.h"

#include "core/step_part.h"
#include "core/streams.h"
#include "errors.h"
#include "util/day.h"

/* After the book or the activity has changed. */
static Ladders *
ladders(Step *s)
{
	ladders_begin(&s->ladders, s->program, &s->state->book, &s->state->activity,
				  &s->state->standing, &s->out->tiers);
	return &s->ladders;
}

/* ---- time passes ---- */

static void
put_entry(Step *s, StepEntry *e, const Book *delta)
{
	const StepEvent *event = s->event;
	EntryFacts facts = {0};

	book_add_all(&s->state->book, delta, 1);
	e->entry_no = ++s->state->entries;
	e->delta = *delta;
	e->points = book_total(delta, e->wallet);
	e->balance = book_balance(&s->state->book, e->wallet, s->today);

	facts.member_id = event->member_id;
	facts.entry_no = e->entry_no;
	facts.kind = e->kind;
	facts.at = e->at;
	facts.program_version = s->program->version;
	facts.ref = e->ref;
	facts.ref_part = e->ref_part;
	facts.delta = book_encode(delta);
	facts.points = e->points;
	facts.balance = e->balance;
	if (!e->by_time)
	{
		facts.key = event->key;
		facts.digest = event->digest;
	}
	entry_hash(s->state->hash, &facts, e->hash);
	memcpy(s->state->hash, e->hash, ENTRY_HASH_LEN);
}

static StepEntry *
new_entry(Step *s, const char *kind)
{
	StepEntry *e = &s->out->entry[s->out->n_entries++];

	memset(e, 0, sizeof(*e));
	e->kind = kind;
	return e;
}

/* What time did is told in the main wallet, whatever the operation that follows is about. */
static void
put_time(Step *s, const char *kind, const Book *delta)
{
	StepEntry *e = new_entry(s, kind);

	e->by_time = true;
	e->at = s->now;
	e->wallet = program_wallets(s->program)->id;
	put_entry(s, e, delta);
}

static void
put_operation(Step *s, const char *kind)
{
	const StepEvent *event = s->event;
	StepEntry *e = new_entry(s, kind);

	e->at = event->at;
	e->wallet = s->wallet->id;
	e->ref = event->ref;
	if (event->ref)
		e->ref_part = event->kind == STEP_REFUND || event->kind == STEP_UNREFUND ? event->amount
																				 : event->points;
	put_entry(s, e, &s->delta);
}

/* Whether the member does something by it, which keeps points alive that expire of inactivity. */
static bool
is_active(const StepEvent *e)
{
	return e->kind == STEP_PURCHASE || e->kind == STEP_EVENT || e->kind == STEP_EARN ||
		   e->kind == STEP_SPEND || e->kind == STEP_HOLD || e->kind == STEP_CAPTURE ||
		   e->kind == STEP_GIVE;
}

/* Points that expire of inactivity last anew from the day of the event on: an entry before the event's. */
static void
keep_alive(Step *s)
{
	const Book *book = &s->state->book;
	Book delta;

	if (!is_active(s->event))
		return;
	book_init(&delta);
	for (int i = 0; i < book->n; i++)
	{
		Lot lot = book->lot[i];
		const ProgramWallet *w = program_wallet(s->program, lot.wallet);
		DateADT until;

		if (w == NULL || w->expiry != EXPIRY_INACTIVITY || lot.amount < 0 ||
			DATE_IS_NOEND(lot.until))
			continue;
		until = step_award_until(s, w, s->day);
		if (until <= lot.until)
			continue;
		step_days_in_range(lot.from, until);
		lot.amount = -lot.amount;
		book_add(&delta, lot);
		lot.amount = -lot.amount;
		lot.until = until;
		book_add(&delta, lot);
	}
	if (delta.n > 0)
		put_time(s, "keep", &delta);
}

static void
pass_time(Step *s)
{
	DateADT since = s->state->begun ? program_day(s->program, s->state->at) : s->today;
	const ProgramWallet *w = program_wallets(s->program);
	Book delta, after, merged;

	ladders_advance(ladders(s), since, s->today);
	streams_fold(s->program, s->today, &s->state->activity);

	book_settle(&s->state->book, s->today, &delta);
	for (int i = 0; i < s->program->n_wallets; i++)
		s->out->expired -= book_total(&delta, w[i].id);
	book_init(&after);
	book_add_all(&after, &s->state->book, 1);
	book_add_all(&after, &delta, 1);
	for (int i = 0; i < s->program->n_wallets; i++)
	{
		book_cap(&after, w[i].id, w[i].max_lots - 1, s->today, &merged);
		book_add_all(&after, &merged, 1);
		book_add_all(&delta, &merged, 1);
	}
	if (delta.n > 0)
		put_time(s, s->out->expired ? "expire" : "settle", &delta);
}

/* ---- earning ---- */

void
step_points_in_range(int64 points)
{
	if (points < 1 || points > LOTS_MAX_AMOUNT)
		ereport(ERROR, errcode(ERRCODE_POINTS_OUT_OF_RANGE),
				errmsg("points out of range: %lld", (long long) points),
				errdetail("Points are between 1 and %lld.", (long long) LOTS_MAX_AMOUNT));
}

/* Whatever gets into a book can be written and read again. */
void
step_days_in_range(DateADT from, DateADT until)
{
	if ((!DATE_NOT_FINITE(from) && !day_in_range(from)) ||
		(!DATE_IS_NOEND(until) && !day_in_range(until)))
		ereport(ERROR, errcode(ERRCODE_DAY_OUT_OF_RANGE), errmsg("day of points is out of range"),
				errdetail("Days lie between 1900-01-01 and 9999-12-31."));
}

/* Points a capped wallet has room for, at most so many. */
int64
step_within_cap(Step *s, const ProgramWallet *w, int64 points)
{
	int64 room;

	if (w->cap == 0)
		return points;
	room = w->cap - book_total(&s->state->book, w->id) - book_total(&s->delta, w->id);
	return Min(points, Max(room, 0));
}

/* The first day on which points that become usable that day are gone; a level may make them last longer. */
DateADT
step_award_until(Step *s, const ProgramWallet *w, DateADT day)
{
	int16 longest = 0;
	const ProgramLevel *l = program_levels(s->program);

	for (int i = 0; i < s->program->n_levels; i++)
	{
		const Rank *r = standing_rank(&s->state->standing, l[i].ladder, false);

		if (w->spendable && l[i].level == (r ? r->level : 0))
			longest = Max(longest, l[i].extend_months);
	}
	return program_until(w, longest ? add_months(day, longest) : day);
}

/* Award points of a wallet for that day's event, dated as the wallet says. */
static void
award(Step *s, const ProgramWallet *w, int64 points, int pending_days)
{
	Lot lot = {w->id, DATEVAL_NOBEGIN, step_award_until(s, w, s->day),
			   step_within_cap(s, w, points)};

	if (lot.amount == 0)
		return;
	if (pending_days == PENDING_RELEASE)
		lot.from = lot.until = DATEVAL_NOEND;
	if (pending_days > 0)
	{
		lot.from = s->day + pending_days;
		if (lot.until <= lot.from)
			lot.until = step_award_until(s, w, lot.from);
	}
	step_days_in_range(lot.from, lot.until);
	book_add(&s->delta, lot);
}

static int64
rounded(int128 numerator, int64 denominator, int16 rounding)
{
	switch ((Rounding) rounding)
	{
		case ROUND_HALF_UP:
			numerator += denominator / 2;
			break;
		case ROUND_UP:
			numerator += denominator - 1;
			break;
		case ROUND_DOWN:
			break;
	}
	numerator /= denominator;
	if (numerator > LOTS_MAX_AMOUNT)
		ereport(ERROR, errcode(ERRCODE_POINTS_OUT_OF_RANGE), errmsg("the award is out of range"));
	return (int64) numerator;
}

/* Thousandths by which the member's level multiplies points: the highest of its ladders. */
static int32
multiplier(Step *s)
{
	int32 best = -1;
	const ProgramLevel *l = program_levels(s->program);

	for (int i = 0; i < s->program->n_levels; i++)
	{
		const Rank *r = standing_rank(&s->state->standing, l[i].ladder, false);

		if (l[i].level == rank_level(r))
			best = Max(best, l[i].multiplier);
	}
	return best < 0 ? 1000 : best;
}

/* What one earning rule gives for what the event feeds; before is what the day held without it. */
static int64
earned(Step *s, const ProgramEarn *e, int64 amount, int64 before)
{
	int128 points = e->give[0];
	int64 per = 1;

	if (e->day_cap && before >= e->day_cap)
		return 0;
	if (e->per)
	{
		points *= s->event->amount;
		per = e->per;
	}
	else if (e->n_give > 1 || e->every)
	{
		ActivityCursor c;
		bool exact;
		int streak;

		activity_seek_decoded(&s->state->activity, e->stream, &c);
		streak = Max(1, activity_streak(c, s->day, &exact));
		if (e->every && streak % e->every != 0)
			return 0;
		points = e->give[Min(streak, e->n_give) - 1];
	}
	if (e->tiered)
	{
		points *= multiplier(s);
		per *= 1000;
	}
	return rounded(points, per, e->rounding);
}

/* An event counts in a stream and earns by the rules of that stream. */
static void
feed_stream(Step *s, const Feed *f)
{
	const ProgramStream *m = f->stream;
	const ProgramEarn *e = program_earns(s->program);
	bool bought = m->of == OF_PURCHASE || m->of == OF_LINE;
	ActivityCursor c;
	ActivityWindow before = {0};
	ActivityEntry cut;
	int place = m - program_streams(s->program);

	s->fed[place / 8] |= 1 << place % 8;
	/* On a day that is folded already the cap counts the whole month: late events do not earn twice. */
	if (activity_seek_decoded(&s->state->activity, m->id, &c) &&
		!activity_window_try(c, s->day, s->day + 1, &before, &cut))
		before.count = cut.count;
	activity_do_add(&s->state->activity, m->id, s->day, 1, f->amount, f->amount,
					s->event->category);
	for (int i = 0; i < s->program->n_earns; i++)
		if (e[i].stream == m->id)
		{
			const ProgramWallet *w = program_wallet(s->program, e[i].wallet);

			award(s, w, earned(s, &e[i], f->amount, before.count), bought ? w->pending_days : 0);
		}
}

/* The event, taken as this, feeds its streams. */
static void
feed_streams(Step *s, StreamOf of)
{
	Feeds fed;

	streams_fed(s->program, s->event, of, &fed);
	for (int i = 0; i < fed.n; i++)
		feed_stream(s, &fed.feed[i]);
}

void
step_earn(Step *s)
{
	const StepEvent *e = s->event;
	Lot lot = {s->wallet->id, e->usable_from, e->until, e->points};

	step_points_in_range(e->points);
	lot.amount = step_within_cap(s, s->wallet, e->points);
	if (lot.amount == 0)
		ereport(ERROR, errcode(ERRCODE_WALLET_FULL),
				errmsg("wallet \"%s\" is full", s->wallet->code),
				errdetail("Member %lld has the %lld points it may hold.", (long long) e->member_id,
						  (long long) s->wallet->cap));
	if (lot.from <= s->day)
		lot.from = DATEVAL_NOBEGIN;
	step_days_in_range(lot.from, DATEVAL_NOEND);
	if (DATE_IS_NOBEGIN(lot.until))
		lot.until =
			DATE_IS_NOEND(lot.from)
				? DATEVAL_NOEND
				: step_award_until(s, s->wallet, DATE_IS_NOBEGIN(lot.from) ? s->day : lot.from);
	step_days_in_range(lot.from, lot.until);
	if (DATE_IS_NOEND(lot.from) && !DATE_IS_NOEND(lot.until))
		ereport(ERROR, errcode(ERRCODE_DAY_OUT_OF_RANGE),
				errmsg("points that wait for their release can't have an \"until\" yet"),
				errhint("The day they are gone is decided when they are released."));
	if (lot.until <= s->day || (lot.from >= lot.until && !DATE_IS_NOEND(lot.from)))
		ereport(ERROR, errcode(ERRCODE_DAY_OUT_OF_RANGE),
				errmsg("points would expire before they can be used"),
				errhint("\"until\" is exclusive: it is the first day the points are gone."));
	book_add(&s->delta, lot);
}

/* ---- spending and giving back ---- */

/* Take usable points of the event's wallet, first-expiring first. */
void
step_take_usable(Step *s, int64 points)
{
	int64 usable = book_balance(&s->state->book, s->wallet->id, s->today);

	step_points_in_range(points);
	if (usable < points)
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_POINTS),
				errmsg("not enough points: %lld asked, %lld usable", (long long) points,
					   (long long) usable),
				errdetail("Wallet \"%s\" of member %lld.", s->wallet->code,
						  (long long) s->event->member_id));
	book_take(&s->state->book, s->wallet->id, points, s->today, &s->delta);
}

static void
spendable_required(const Step *s)
{
	if (!s->wallet->spendable)
		ereport(ERROR, errcode(ERRCODE_NOT_SPENDABLE),
				errmsg("wallet \"%s\" can't be spent", s->wallet->code),
				errhint("Wallets are made spendable in member.wallet, then published."));
}

/* The member's own doing: only of wallets that can be spent. */
void
step_take(Step *s, int64 points)
{
	spendable_required(s);
	step_take_usable(s, points);
}

/*
 * What a late spend takes of lots that have expired since.  Their expiry is taken back to that extent, by an
 * entry dated as the expiry was, so that the books of every day between are right; what is left of points is
 * to come from what is usable.
 */
static int64
take_expired(Step *s, int64 points, Book *taken)
{
	const StepEvent *e = s->event;

	for (int i = 0; i < e->n_expired && points > 0; i++)
	{
		int64 part = Min(points, book_total(&e->expired[i].lots, s->wallet->id));
		StepEntry *reopen;
		Book lots;

		if (part == 0)
			continue;
		book_init(&lots);
		book_first(&e->expired[i].lots, part, &lots);
		reopen = new_entry(s, "reopen");
		reopen->by_time = true;
		reopen->at = e->expired[i].at;
		reopen->wallet = s->wallet->id;
		reopen->ref = e->expired[i].entry;
		reopen->ref_part = part;
		put_entry(s, reopen, &lots);
		book_add_all(taken, &lots, -1);
		points -= part;
	}
	return points;
}

static void
do_spend(Step *s)
{
	Book late;
	int64 left;

	step_points_in_range(s->event->points);
	spendable_required(s);
	book_init(&late);
	left = take_expired(s, s->event->points, &late);
	if (left > 0)
		step_take_usable(s, left);
	book_add_all(&s->delta, &late, 1);
	feed_streams(s, OF_SPEND);
}

/* The lots of the origin that fall on this part of it: the rest is for other parts. */
static void
origin_part(const StepEvent *e, int64 part, Book *lots)
{
	Book before;

	book_share(&e->origin_lots, e->origin_back + part, e->origin_of, lots);
	book_share(&e->origin_lots, e->origin_back, e->origin_of, &before);
	book_add_all(lots, &before, -1);
}

/* Lots that activity kept alive lie where the others of their wallet do. */
static DateADT
kept_until(const Book *book, const Lot *lot)
{
	DateADT until = lot->until;

	for (int i = 0; i < book->n; i++)
		if (book->lot[i].wallet == lot->wallet && book->lot[i].from == lot->from &&
			book->lot[i].amount > 0 && !DATE_IS_NOEND(book->lot[i].until))
			until = Max(until, book->lot[i].until);
	return until;
}

/* Take an award back lot by lot under each wallet's policy; give a spend back to its very lots. */
static void
give_back(Step *s, int64 part)
{
	Book lots, left, taken;

	origin_part(s->event, part, &lots);
	book_init(&left);
	book_add_all(&left, &s->state->book, 1);
	for (int i = 0; i < lots.n; i++)
	{
		const ProgramWallet *w = program_wallet(s->program, lots.lot[i].wallet);
		Book one = {1, 1, &lots.lot[i]};

		if (lots.lot[i].amount < 0)
		{
			book_add_all(&s->delta, &one, -1);
			continue;
		}
		if (w && w->expiry == EXPIRY_INACTIVITY)
			lots.lot[i].until = kept_until(&left, &lots.lot[i]);
		book_reverse(&left, &one, s->today, w ? w->policy : REVERSE_DEBT, &taken);
		book_add_all(&left, &taken, 1);
		book_add_all(&s->delta, &taken, 1);
	}
}

static void
do_refund(Step *s)
{
	const StepEvent *e = s->event;
	const ProgramStream *m = program_purchases(s->program);

	if (e->amount < 1 || e->amount > e->origin_of - e->origin_back)
		ereport(ERROR, errcode(ERRCODE_REFUND_EXCEEDS),
				errmsg("refund exceeds what is left of the purchase"),
				errdetail("Asked %lld, left %lld, in minor units.", (long long) e->amount,
						  (long long) (e->origin_of - e->origin_back)));
	if (m)
		activity_do_correct(&s->state->activity, m->id, program_day(s->program, e->origin_at),
							e->origin_back + e->amount == e->origin_of, e->amount,
							e->has_largest ? &e->origin_largest : NULL);
	streams_take_back(s->program, e, OF_PURCHASE, e->amount, &s->state->activity);
	give_back(s, e->amount);
	feed_streams(s, OF_REFUND);
}

/*
 * What a refund took of a lot comes back to it.  What it took as debt pays that, if it is still owed; if later awards
 * have paid it, it is points again, that last as those of the purchase did.
 */
static void
give_again(Step *s, Lot lot)
{
	const ProgramWallet *w = program_wallet(s->program, lot.wallet);
	int64 owed = 0;

	lot.amount = -lot.amount;
	if (w == NULL || w->expiry == EXPIRY_NEVER || !DATE_IS_NOBEGIN(lot.from) ||
		!DATE_IS_NOEND(lot.until) || lot.amount < 0)
	{
		book_add(&s->delta, lot);
		return;
	}
	for (int i = 0; i < s->state->book.n; i++)
		if (s->state->book.lot[i].wallet == lot.wallet && s->state->book.lot[i].amount < 0)
			owed = -s->state->book.lot[i].amount;
	owed = Min(owed, lot.amount);
	book_add(&s->delta, (Lot){lot.wallet, lot.from, lot.until, owed});
	lot.amount -= owed;
	lot.until = step_award_until(s, w, program_day(s->program, s->event->origin_at));
	step_days_in_range(lot.from, lot.until);
	book_add(&s->delta, lot);
}

static void
do_unrefund(Step *s)
{
	const StepEvent *e = s->event;
	const ProgramStream *m = program_purchases(s->program);
	DateADT day = program_day(s->program, e->origin_at);

	if (m)
	{
		activity_do_add(&s->state->activity, m->id, day, e->origin_back + e->amount == e->origin_of,
						e->amount, e->amount, 0);
		if (e->has_largest)
			activity_do_correct(&s->state->activity, m->id, day, 0, 0, &e->origin_largest);
	}
	streams_give_again(s->program, e, OF_PURCHASE, e->amount, &s->state->activity);
	for (int i = 0; i < e->origin_lots.n; i++)
		give_again(s, e->origin_lots.lot[i]);
}

static void
do_reverse(Step *s)
{
	const StepEvent *e = s->event;

	step_points_in_range(e->points);
	if (e->points > e->origin_of - e->origin_back)
		ereport(ERROR, errcode(ERRCODE_NOT_REVERSIBLE),
				errmsg("only %lld points of entry %d are left to reverse",
					   (long long) (e->origin_of - e->origin_back), e->ref));
	if (streams_is_spend(e))
		streams_take_back(s->program, e, OF_SPEND, e->points, &s->state->activity);
	give_back(s, e->points);
}

/* ---- filling ---- */

static bool
is_filled(const StepEvent *e, int stream)
{
	for (int i = 0; i < e->n_fill; i++)
		if (e->fill[i] == stream)
			return true;
	return false;
}

/* Some streams hold what their rules make of all that happened so far: no time passes, nothing is booked. */
static void
do_fill(Step *s)
{
	const StepEvent *e = s->event;
	Activity *a = &s->state->activity;
	Activity filled;

	activity_init(&filled);
	activity_decode(e->filled, &filled);
	for (int i = filled.nstreams - 1; i >= 0; i--)
		if (!is_filled(e, filled.streams[i].id))
			activity_drop_stream(&filled, &filled.streams[i]);
	for (int i = a->nstreams - 1; i >= 0; i--)
		if (is_filled(e, a->streams[i].id))
			activity_drop_stream(a, &a->streams[i]);
	activity_do_merge(a, &filled);
	streams_fold(s->program, s->today, &s->state->activity);
}

/* ---- the step ---- */

/* The first day after today on which something has to be booked or said. */
static DateADT
next_due(Step *s)
{
	const Book *b = &s->state->book;
	DateADT due = Min(ladders_next(ladders(s), s->today),
					  ladders_next_warning(s->program, &s->state->standing, s->today));

	for (int i = 0; i < b->n; i++)
	{
		const Lot *lot = &b->lot[i];
		const ProgramWallet *w = program_wallet(s->program, lot->wallet);

		if (lot->from > s->today && book_balance(b, lot->wallet, s->today) < 0)
			due = Min(due, lot->from);
		if (DATE_IS_NOEND(lot->until))
			continue;
		due = Min(due,
				  Max(lot->until, s->today + 1)); /* at once if given back to a lot that is gone */
		for (int j = 0; w && w->spendable && j < PROGRAM_REMINDERS; j++)
			if (s->program->reminders[j] && lot->until - s->program->reminders[j] > s->today)
				due = Min(due, lot->until - s->program->reminders[j]);
			else if (s->program->reminders[j] && lot->until - s->program->reminders[j] == s->today)
				s->out->remind = true;
	}
	return due;
}

static const char *
apply(Step *s)
{
	switch (s->event->kind)
	{
		case STEP_PURCHASE:
			feed_streams(s, OF_PURCHASE);
			return "purchase";
		case STEP_REFUND:
			do_refund(s);
			return "refund";
		case STEP_UNREFUND:
			do_unrefund(s);
			return "unrefund";
		case STEP_EVENT:
			feed_streams(s, OF_EVENT);
			return "event";
		case STEP_EARN:
			step_earn(s);
			return "earn";
		case STEP_SPEND:
			do_spend(s);
			return "spend";
		case STEP_REVERSE:
			do_reverse(s);
			return "reverse";
		case STEP_TIER:
			ladders_grant(s->program, &s->state->standing, s->event->event_kind, s->today,
						  s->event->until == DATEVAL_NOBEGIN ? DATEVAL_NOEND : s->event->until,
						  &s->out->tiers);
			return "tier";
		case STEP_HOLD:
			step_take(s, s->event->points);
			return "hold";
		case STEP_CAPTURE:
			step_give_held_back(s);
			feed_streams(s, OF_SPEND);
			return "capture";
		case STEP_VOID:
			step_give_held_back(s);
			return "void";
		case STEP_LAPSE:
			step_give_held_back(s);
			return "lapse";
		case STEP_RELEASE:
			step_release(s);
			return "release";
		case STEP_GIVE:
			step_give(s);
			return "give";
		case STEP_RECEIVE:
			step_receive(s);
			return "receive";
		case STEP_ADJUST:
			step_adjust(s);
			return "adjust";
		case STEP_REINSTATE:
			step_earn(s);
			return "reinstate";
		case STEP_DAY:
		case STEP_FILL:
		case STEP_REVIEW:
			break;
	}
	return NULL;
}

void
take_step(const Program *program, StepState *state, const StepEvent *event, StepEffects *out)
{
	Step s = {0};
	bool lowering = event->kind == STEP_REFUND || event->kind == STEP_REVERSE ||
					(event->kind == STEP_ADJUST && event->points < 0);
	LaddersBefore before = {0};
	const char *kind;

	memset(out, 0, sizeof(*out));
	s.program = program;
	s.state = state;
	s.event = event;
	s.out = out;
	s.wallet =
		event->wallet ? program_wallet_named(program, event->wallet) : program_wallets(program);
	s.now = Max(event->at, event->booked_at);
	if (state->begun)
		s.now = event->kind == STEP_FILL ? state->at : Max(s.now, state->at);
	s.day = program_day(program, event->at);
	s.today = program_day(program, s.now);
	book_init(&s.delta);

	s.fed_all =
		event->kind == STEP_REFUND || event->kind == STEP_UNREFUND || event->kind == STEP_REVERSE;

	if (event->kind == STEP_FILL)
		do_fill(&s);
	else
		pass_time(&s);
	if (ladders_need_before(program, lowering))
		ladders_before(ladders(&s), s.today, &before);
	keep_alive(&s);
	kind = apply(&s);
	if (kind)
		put_operation(&s, kind);
	if (event->kind != STEP_DAY && event->kind != STEP_FILL)
	{
		ladders_event(ladders(&s), s.today, lowering, &before);
		if (event->decides_tags && kind)
			step_decide_tags(&s);
	}
	state->at = s.now;
	state->begun = true;
	out->awarded = s.delta;
	out->next_due = next_due(&s);
	out->level = rank_level(standing_rank(&state->standing, 1, false));
}
