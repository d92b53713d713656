/*
 * step_transfer.c: points that one member gives to another, and what an operator moves by hand.
 *
 * A transfer is two steps: "give" takes the points and the fee from the giver, first-expiring first, "receive"
 * brings the very lots to the receiver, with the days they still have.  They can't be used before the cooling-off
 * is over, and until then both can be reversed.
 */
#include "compat.h"

#include "core/step_part.h"
#include "errors.h"

/* Per cent of the points, rounded up, on top of them. */
static int64
transfer_fee(const ProgramWallet *w, int64 points)
{
	return (int64) (((int128) points * w->transfer_fee + 99) / 100);
}

static void
transferable_required(const Step *s)
{
	if (!s->wallet->transferable)
		ereport(ERROR, errcode(ERRCODE_TRANSFER_REFUSED),
				errmsg("points of wallet \"%s\" can't be given to others", s->wallet->code),
				errhint("Wallets are made transferable in member.wallet, then published."));
}

void
step_give(Step *s)
{
	int64 points = s->event->points;

	transferable_required(s);
	step_points_in_range(points);
	step_take(s, points + transfer_fee(s->wallet, points));
}

/* The lots given keep the day they are gone; one that is gone before it could be used lasts that one day. */
void
step_receive(Step *s)
{
	const Book *given = &s->event->origin_lots;
	DateADT usable = s->day + s->wallet->cooling_days;
	int64 points = book_total(given, s->wallet->id);

	transferable_required(s);
	if (step_within_cap(s, s->wallet, points) < points)
		ereport(ERROR, errcode(ERRCODE_WALLET_FULL),
				errmsg("wallet \"%s\" is full", s->wallet->code),
				errdetail("Member %lld may hold %lld points.", (long long) s->event->member_id,
						  (long long) s->wallet->cap));
	for (int i = 0; i < given->n; i++)
	{
		Lot lot = given->lot[i];

		if (s->wallet->cooling_days)
		{
			lot.from = usable;
			if (lot.until <= usable)
				lot.until = usable + 1;
		}
		step_days_in_range(lot.from, lot.until);
		book_add(&s->delta, lot);
	}
}

/* By hand, up or down: down to nothing, not into debt, and what is usable of any wallet. */
void
step_adjust(Step *s)
{
	if (s->event->points > 0)
		step_earn(s);
	else
		step_take_usable(s, -s->event->points);
}
