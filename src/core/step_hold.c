/*
 * step_hold.c: points set apart: what comes back of a hold, and awards that wait for their release.
 *
 * A hold takes its lots out of the book as a spend does; the posting of the hold tells which.  A capture leaves so
 * many of them out for good and gives the rest back; a hold that is voided or has lapsed gives all back, to the
 * very lots.  What expired while it was held expires when it is back, or lasts as many days as the wallet allows.
 */
#include "compat.h"

#include "core/step_part.h"
#include "errors.h"

void
step_give_held_back(Step *s)
{
	const StepEvent *e = s->event;
	/* a hold lapses at its time, whenever that is booked */
	DateADT day = e->kind == STEP_LAPSE ? s->day : s->today;
	int64 held = book_total(&e->origin_lots, s->wallet->id);
	Book captured;

	step_points_in_range(e->points);
	if (e->points > held)
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_POINTS),
				errmsg("not enough points: %lld asked, %lld held", (long long) e->points,
					   (long long) held),
				errdetail("Hold %d of member %lld.", e->ref, (long long) e->member_id));
	book_init(&captured);
	if (e->kind == STEP_CAPTURE)
		book_first(&e->origin_lots, e->points, &captured);
	book_add_all(&s->delta, &e->origin_lots, 1);
	book_add_all(&s->delta, &captured, -1);
	if (s->wallet->hold_grace)
		book_extend(&s->delta, day + s->wallet->hold_grace);
}

/* Points that waited are usable from today on, as long as the wallet then says. */
void
step_release(Step *s)
{
	const Book *waiting = &s->event->origin_lots;

	for (int i = 0; i < waiting->n; i++)
	{
		Lot lot = waiting->lot[i];
		const ProgramWallet *w = program_wallet(s->program, lot.wallet);

		lot.from = DATEVAL_NOBEGIN;
		lot.until = step_award_until(s, w, s->today);
		step_days_in_range(lot.from, lot.until);
		book_add(&s->delta, lot);
	}
	book_add_all(&s->delta, waiting, -1);
}
