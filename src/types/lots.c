/*
 * lots.c: the algebra of dated lots: packing, sums, settling, taking, reversing.
 *
 * Packed form, after the varlena header: format version, reserved flags, then for each bucket
 *
 *	 varint  (wallet - wallet before) * 4 + has_from * 2 + has_until
 *	 varint  until, if it has one: zigzag days, or days after the bucket before in the same wallet
 *	 varint  from, if it has one: days before until, or zigzag days when there is no until
 *	 varint  zigzag amount
 *
 * Buckets are sorted by (wallet, until, from) and unique, none is zero: equal values are equal bytes.
 * A lot of a monthly wallet takes 4 to 6 bytes.  See docs/internals/storage.md.
 */
#include "compat.h"

#include "common/int.h"

#include "errors.h"
#include "types/lots.h"
#include "util/varint.h"

static int
lot_order(const Lot *a, const Lot *b)
{
	if (a->wallet != b->wallet)
		return a->wallet < b->wallet ? -1 : 1;
	if (a->until != b->until)
		return a->until < b->until ? -1 : 1;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return 0;
}

static inline bool
lot_is_debt_place(const Lot *lot)
{
	return DATE_IS_NOBEGIN(lot->from) && DATE_IS_NOEND(lot->until);
}

static inline bool
lot_is_usable(const Lot *lot, DateADT day)
{
	return lot->from <= day && day < lot->until;
}

static int64
add_checked(int64 a, int64 b)
{
	int64 sum;

	if (pg_add_s64_overflow(a, b, &sum))
		ereport(ERROR, errcode(ERRCODE_POINTS_OUT_OF_RANGE), errmsg("points out of range"),
				errdetail("The sum does not fit in 64 bits."));
	return sum;
}

/* ---- packed form ---- */

void
lots_open(LotCursor *c, const struct varlena *packed)
{
	c->p = VARDATA_ANY(packed);
	c->end = c->p + VARSIZE_ANY_EXHDR(packed);
	if (c->end - c->p < LOTS_HEADER || c->p[0] != LOTS_FORMAT || c->p[1] != 0)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown format of a lots value"),
				errhint(
					"The value was written by a newer version of the extension, or is damaged."));
	c->p += LOTS_HEADER;
	memset(&c->lot, 0, sizeof(c->lot));
	c->lot.until = DATEVAL_NOEND;
}

bool
lots_next(LotCursor *c)
{
	uint64 tag;
	DateADT before = c->lot.until;

	if (c->p >= c->end)
		return false;
	tag = get_varint(&c->p, c->end);
	if (tag >> 2)
	{
		c->lot.wallet += tag >> 2;
		before = DATEVAL_NOEND;
	}
	if (tag & 1)
		c->lot.until = DATE_IS_NOEND(before) ? (DateADT) get_signed(&c->p, c->end)
											 : before + (DateADT) get_varint(&c->p, c->end);
	else
		c->lot.until = DATEVAL_NOEND;
	if (!(tag & 2))
		c->lot.from = DATEVAL_NOBEGIN;
	else if (tag & 1)
		c->lot.from = c->lot.until - (DateADT) get_varint(&c->p, c->end);
	else
		c->lot.from = (DateADT) get_signed(&c->p, c->end);
	c->lot.amount = get_signed(&c->p, c->end);
	return true;
}

void
book_init(Book *b)
{
	b->n = b->size = 0;
	b->lot = NULL;
}

static void
book_reserve(Book *b, int n)
{
	if (n <= b->size)
		return;
	n = Max(n, b->size * 2);
	n = Max(n, 16);
	b->lot = b->lot ? repalloc(b->lot, n * sizeof(Lot)) : palloc(n * sizeof(Lot));
	b->size = n;
}

void
book_decode(Book *b, const struct varlena *packed)
{
	LotCursor c;

	book_init(b);
	lots_open(&c, packed);
	while (lots_next(&c))
	{
		book_reserve(b, b->n + 1);
		b->lot[b->n++] = c.lot;
	}
}

struct varlena *
book_encode(const Book *b)
{
	struct varlena *packed = palloc(VARHDRSZ + LOTS_HEADER + b->n * 4 * VARINT_MAX);
	char *p = VARDATA(packed);
	int16 wallet = 0;
	DateADT before = DATEVAL_NOEND;

	*p++ = LOTS_FORMAT;
	*p++ = 0;
	for (int i = 0; i < b->n; i++)
	{
		const Lot *lot = &b->lot[i];
		bool has_from = !DATE_IS_NOBEGIN(lot->from);
		bool has_until = !DATE_IS_NOEND(lot->until);

		if (lot->wallet != wallet)
			before = DATEVAL_NOEND;
		p = put_varint(p, (uint64) (lot->wallet - wallet) << 2 | has_from << 1 | has_until);
		if (has_until)
			p = DATE_IS_NOEND(before) ? put_signed(p, lot->until)
									  : put_varint(p, lot->until - before);
		if (has_from)
			p = has_until ? put_varint(p, lot->until - lot->from) : put_signed(p, lot->from);
		p = put_signed(p, lot->amount);
		wallet = lot->wallet;
		before = lot->until;
	}
	SET_VARSIZE(packed, p - (char *) packed);
	return packed;
}

/* ---- sums ---- */

/* The place of the first bucket that is not before lot. */
static int
book_find(const Book *b, const Lot *lot)
{
	int low = 0, high = b->n;

	while (low < high)
	{
		int mid = (low + high) / 2;

		if (lot_order(&b->lot[mid], lot) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void
book_add(Book *b, Lot lot)
{
	int i;

	if (lot.amount == 0)
		return;
	i = book_find(b, &lot);
	if (i < b->n && lot_order(&b->lot[i], &lot) == 0)
	{
		lot.amount = add_checked(b->lot[i].amount, lot.amount);
		if (lot.amount == 0)
		{
			memmove(&b->lot[i], &b->lot[i + 1], (b->n - i - 1) * sizeof(Lot));
			b->n--;
			return;
		}
	}
	else
	{
		if (b->n >= LOTS_MAX_BUCKETS)
			ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("too many lots in one value"),
					errdetail("A lots value holds at most %d.", LOTS_MAX_BUCKETS));
		book_reserve(b, b->n + 1);
		memmove(&b->lot[i + 1], &b->lot[i], (b->n - i) * sizeof(Lot));
		b->n++;
	}
	if (lot.amount > LOTS_MAX_AMOUNT || lot.amount < -LOTS_MAX_AMOUNT)
		ereport(ERROR, errcode(ERRCODE_POINTS_OUT_OF_RANGE), errmsg("points out of range"),
				errdetail("A lot holds at most %lld.", (long long) LOTS_MAX_AMOUNT));
	b->lot[i] = lot;
}

void
book_add_all(Book *b, const Book *other, int sign)
{
	for (int i = 0; i < other->n; i++)
	{
		Lot lot = other->lot[i];

		lot.amount *= sign;
		book_add(b, lot);
	}
}

/* A book, not just any delta: nothing negative but debt. */
bool
book_is_sound(const Book *b)
{
	for (int i = 0; i < b->n; i++)
		if (b->lot[i].amount < 0 && !lot_is_debt_place(&b->lot[i]))
			return false;
	return true;
}

int64
book_total(const Book *b, int16 wallet)
{
	int64 total = 0;

	for (int i = 0; i < b->n; i++)
		if (b->lot[i].wallet == wallet)
			total = add_checked(total, b->lot[i].amount);
	return total;
}

/* ---- the day ---- */

static int
by_usable_from(const void *a, const void *b)
{
	const Lot *x = *(const Lot *const *) a;
	const Lot *y = *(const Lot *const *) b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->until < y->until ? -1 : x->until > y->until;
}

/* Debt of one wallet against its lots, in the order they became usable. */
static void
settle_debt(const Book *b, const Lot *debt, DateADT day, Book *delta)
{
	const Lot **order = palloc(b->n * sizeof(Lot *));
	Lot paid = *debt;
	int64 owed = -debt->amount;
	int n = 0;

	for (int i = 0; i < b->n; i++)
		if (b->lot[i].wallet == debt->wallet && b->lot[i].amount > 0 && b->lot[i].from <= day)
			order[n++] = &b->lot[i];
	qsort(order, n, sizeof(Lot *), by_usable_from);
	for (int i = 0; i < n && owed > 0; i++)
	{
		Lot used = *order[i];

		used.amount = -Min(owed, used.amount);
		owed += used.amount;
		book_add(delta, used);
	}
	paid.amount = -debt->amount - owed;
	book_add(delta, paid);
	pfree(order);
}

/*
 * What the passing of time up to the day does to the book: debt is paid from lots as they become usable,
 * and what is left of a lot at its until is gone.  Added to the book, the delta leaves nothing to settle:
 * settling is idempotent, and settling on two days is settling on the later.
 */
void
book_settle(const Book *b, DateADT day, Book *delta)
{
	book_init(delta);
	if (!book_is_sound(b))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("lots value is not a book: it holds a negative lot that is not debt"),
				errhint("Settle the sum of all postings, not one of them."));
	for (int i = 0; i < b->n; i++)
		if (b->lot[i].amount < 0)
			settle_debt(b, &b->lot[i], day, delta);
	for (int i = 0; i < b->n; i++)
	{
		Lot lot = b->lot[i];

		if (lot.until > day)
			continue;
		for (int j = 0; j < delta->n; j++) /* less what debt took of it */
			if (lot_order(&delta->lot[j], &lot) == 0)
				lot.amount += delta->lot[j].amount;
		lot.amount = -lot.amount;
		book_add(delta, lot);
	}
}

/* Usable points of a wallet that day: what settling would leave. */
int64
book_balance(const Book *b, int16 wallet, DateADT day)
{
	int64 balance = 0;
	bool debt = false;

	for (int i = 0; i < b->n; i++)
	{
		const Lot *lot = &b->lot[i];

		if (lot->wallet != wallet)
			continue;
		if (lot->amount < 0)
			debt = true;
		if (lot_is_usable(lot, day))
			balance = add_checked(balance, lot->amount);
	}
	/* A lot may have paid debt before it expired: only settling knows. */
	if (debt && book_is_sound(b))
	{
		Book after, delta;

		book_settle(b, day, &delta);
		book_init(&after);
		book_add_all(&after, b, 1);
		book_add_all(&after, &delta, 1);
		balance = 0;
		for (int i = 0; i < after.n; i++)
			if (after.lot[i].wallet == wallet && lot_is_usable(&after.lot[i], day))
				balance = add_checked(balance, after.lot[i].amount);
	}
	return balance;
}

/*
 * Take points from a settled book, first-expiring first; delta is what is taken, negative.  Returns how
 * many could be taken.
 */
int64
book_take(const Book *b, int16 wallet, int64 points, DateADT day, Book *delta)
{
	int64 left = points;

	book_init(delta);
	for (int i = 0; i < b->n && left > 0; i++)
	{
		Lot lot = b->lot[i];

		if (lot.wallet != wallet || lot.amount <= 0 || !lot_is_usable(&lot, day))
			continue;
		lot.amount = -Min(left, lot.amount);
		left += lot.amount;
		book_add(delta, lot);
	}
	return points - left;
}

/* So many points of lots that were set apart, first-expiring first, whatever the day. */
void
book_first(const Book *b, int64 points, Book *part)
{
	book_init(part);
	for (int i = 0; i < b->n && points > 0; i++)
	{
		Lot lot = b->lot[i];

		lot.amount = Min(lot.amount, points);
		points -= lot.amount;
		book_add(part, lot);
	}
}

/* Lots that would be gone before the day last until it. */
void
book_extend(Book *b, DateADT day)
{
	Book extended;

	book_init(&extended);
	for (int i = 0; i < b->n; i++)
	{
		Lot lot = b->lot[i];

		lot.until = Max(lot.until, day);
		book_add(&extended, lot);
	}
	*b = extended;
}

/*
 * The share of a posting that falls on part-of-whole: of each wallet's points, rounded down, the lots that
 * expire last first.  Shares of growing parts only grow and end in the whole: the difference of two is what
 * a partial refund or reversal moves, and it is exact.
 */
void
book_share(const Book *whole, int64 part, int64 of, Book *share)
{
	book_init(share);
	for (int end = whole->n; end > 0;)
	{
		int16 wallet = whole->lot[end - 1].wallet;
		int64 left = (int64) ((int128) book_total(whole, wallet) * part / of);

		for (; end > 0 && whole->lot[end - 1].wallet == wallet; end--)
		{
			Lot lot = whole->lot[end - 1];

			if (lot.amount > 0 ? lot.amount > left : lot.amount < left)
				lot.amount = left;
			left -= lot.amount;
			book_add(share, lot);
		}
	}
}

/*
 * Take an award back from a settled book: what is left in its own lots, then other usable points of the
 * wallet first-expiring first, then debt, as far as the policy goes.  A lot of the award whose until has
 * passed is not taken: it has expired, and taking it again from elsewhere would take it twice.
 */
void
book_reverse(const Book *b, const Book *award, DateADT day, ReversePolicy policy, Book *delta)
{
	Book left;

	book_init(delta);
	book_init(&left);
	book_add_all(&left, b, 1);
	for (int i = 0; i < award->n; i++)
	{
		Lot own = award->lot[i];
		int64 owed = own.amount;
		int at = book_find(&left, &own);
		bool pending = own.from > day;
		Book taken;

		if (owed <= 0 || own.until <= day || (policy == REVERSE_ONLY_PENDING && !pending))
			continue;
		if (at < left.n && lot_order(&left.lot[at], &own) == 0 && left.lot[at].amount > 0)
		{
			own.amount = -Min(owed, left.lot[at].amount);
			owed += own.amount;
			book_add(delta, own);
			book_add(&left, own);
		}
		if (owed == 0 || policy == REVERSE_ONLY_PENDING)
			continue;
		owed -= book_take(&left, own.wallet, owed, day, &taken);
		book_add_all(delta, &taken, 1);
		book_add_all(&left, &taken, 1);
		if (owed > 0 && policy == REVERSE_DEBT)
			book_add(delta, (Lot){own.wallet, DATEVAL_NOBEGIN, DATEVAL_NOEND, -owed});
	}
}

/* The next day after day on which a lot becomes usable or expires; DATEVAL_NOEND if none will. */
DateADT
book_next_change(const Book *b, DateADT day)
{
	DateADT next = DATEVAL_NOEND;

	for (int i = 0; i < b->n; i++)
	{
		if (b->lot[i].from > day)
			next = Min(next, b->lot[i].from);
		if (b->lot[i].until > day)
			next = Min(next, b->lot[i].until);
	}
	return next;
}

/*
 * Keep a wallet to max_lots open lots: neighbours in the order of expiry are merged into the later until,
 * those first whose dates are nearest.  Nobody loses a day, and what is pending stays pending.
 */
void
book_cap(const Book *b, int16 wallet, int max_lots, DateADT day, Book *delta)
{
	Book left;

	book_init(delta);
	book_init(&left);
	book_add_all(&left, b, 1);
	for (;;)
	{
		int n = 0, best = -1;
		int64 best_gap = PG_INT64_MAX;

		for (int i = 0; i < left.n; i++)
		{
			const Lot *lot = &left.lot[i];
			const Lot *next = lot + 1;

			if (lot->wallet != wallet || lot->amount < 0)
				continue;
			n++;
			if (i + 1 < left.n && next->wallet == wallet && next->from <= Max(lot->from, day) &&
				lot->from <= Max(next->from, day) && (int64) next->until - lot->until < best_gap &&
				next->amount > 0)
			{
				best = i;
				best_gap = (int64) next->until - lot->until;
			}
		}
		if (n <= max_lots || best < 0)
			return;
		{
			Lot out = left.lot[best], in = left.lot[best + 1];

			in.amount = out.amount;
			out.amount = -out.amount;
			book_add(delta, out);
			book_add(delta, in);
			book_add(&left, out);
			book_add(&left, in);
		}
	}
}

/* The first day after day on which points of the wallet are gone; DATEVAL_NOEND if none ever are. */
DateADT
book_next_expiry(const Book *b, int16 wallet, DateADT day)
{
	Book left, delta;

	book_init(&left);
	book_add_all(&left, b, 1);
	for (;;)
	{
		book_settle(&left, day, &delta);
		book_add_all(&left, &delta, 1);
		day = book_next_change(&left, day);
		if (DATE_IS_NOEND(day))
			return day;
		book_settle(&left, day, &delta);
		if (book_total(&delta, wallet) < 0) /* paying debt moves nothing in all */
			return day;
	}
}
