/*
 * lots_io.c: text and binary form of lots, and its SQL functions.
 *
 * Text: buckets separated by commas, each WALLET:AMOUNT[@FROM][/UNTIL]; nothing is "empty".
 *	 1:100/2027-04-01, 1:50@2026-03-08/2027-04-01, 2:300, 1:-20
 */
#include "compat.h"

#include "access/hash.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "errors.h"
#include "types/lots.h"
#include "util/day.h"
#include "util/scan.h"

/* The one validator of text, binary and constructor input; false after a soft error. */
static bool
lot_check(const Lot *lot, Node *soft)
{
	if (lot->wallet < 1)
		ereturn(soft, false, errcode(ERRCODE_UNKNOWN_WALLET),
				errmsg("invalid wallet %d", lot->wallet),
				errdetail("Wallets are numbered from 1 to %d.", PG_INT16_MAX));
	if (lot->amount > LOTS_MAX_AMOUNT || lot->amount < -LOTS_MAX_AMOUNT || lot->amount == 0)
		ereturn(soft, false, errcode(ERRCODE_POINTS_OUT_OF_RANGE),
				errmsg("points out of range: %lld", (long long) lot->amount),
				errdetail("A lot holds between 1 and %lld points; a posting may be negative.",
						  (long long) LOTS_MAX_AMOUNT));
	if ((!DATE_NOT_FINITE(lot->from) && !day_in_range(lot->from)) ||
		(!DATE_IS_NOEND(lot->until) && !day_in_range(lot->until)))
		ereturn(soft, false, errcode(ERRCODE_DAY_OUT_OF_RANGE),
				errmsg("day of a lot is out of range"),
				errdetail("Days lie between 1900-01-01 and 9999-12-31."));
	/* both infinite: waits for its release, then it is dated */
	if (lot->from >= lot->until && !(DATE_IS_NOEND(lot->from) && DATE_IS_NOEND(lot->until)))
		ereturn(soft, false, errcode(ERRCODE_DAY_OUT_OF_RANGE),
				errmsg("a lot must be usable before it expires"),
				errhint("\"until\" is exclusive: it is the first day the points are gone."));
	return true;
}

static bool
lots_read_text(Scanner *s, Book *b)
{
	if (scan_is_word(s, "empty"))
		return scan_end(s);
	do
	{
		int64 wallet;
		Lot lot;

		if (!scan_int(s, 1, PG_INT16_MAX, &wallet) || !scan_expect(s, ':') ||
			!scan_int(s, -LOTS_MAX_AMOUNT, LOTS_MAX_AMOUNT, &lot.amount))
			return false;
		lot.wallet = (int16) wallet;
		lot.from = DATEVAL_NOBEGIN;
		lot.until = DATEVAL_NOEND;
		if (scan_is(s, '@') && !scan_date(s, &lot.from))
			return false;
		if (scan_is(s, '/') && !scan_date(s, &lot.until))
			return false;
		if (!lot_check(&lot, s->soft))
			return false;
		book_add(b, lot);
	} while (scan_is(s, ','));
	return scan_end(s);
}

PG_FUNCTION_INFO_V1(lots_in);
Datum
lots_in(PG_FUNCTION_ARGS)
{
	Scanner s;
	Book b;

	scan_begin(&s, "lots", PG_GETARG_CSTRING(0), soft_context(fcinfo));
	book_init(&b);
	if (!lots_read_text(&s, &b))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(book_encode(&b));
}

PG_FUNCTION_INFO_V1(lots_out);
Datum
lots_out(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	LotCursor c;

	initStringInfo(&out);
	lots_open(&c, PG_GETARG_VARLENA_PP(0));
	while (lots_next(&c))
	{
		appendStringInfo(&out, "%s%d:%lld", out.len ? "," : "", c.lot.wallet,
						 (long long) c.lot.amount);
		if (!DATE_IS_NOBEGIN(c.lot.from))
		{
			appendStringInfoChar(&out, '@');
			append_date(&out, c.lot.from);
		}
		if (!DATE_IS_NOEND(c.lot.until))
		{
			appendStringInfoChar(&out, '/');
			append_date(&out, c.lot.until);
		}
	}
	if (out.len == 0)
		appendStringInfoString(&out, "empty");
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(lots_recv);
Datum
lots_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int n = pq_getmsgint(in, 2);
	Book b;

	if (n > LOTS_MAX_BUCKETS)
		ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				errmsg("invalid number of lots: %d", n));
	book_init(&b);
	for (int i = 0; i < n; i++)
	{
		Lot lot;

		lot.wallet = (int16) pq_getmsgint(in, 2);
		lot.from = (DateADT) pq_getmsgint(in, 4);
		lot.until = (DateADT) pq_getmsgint(in, 4);
		lot.amount = pq_getmsgint64(in);
		lot_check(&lot, NULL);
		book_add(&b, lot);
	}
	PG_RETURN_POINTER(book_encode(&b));
}

PG_FUNCTION_INFO_V1(lots_send);
Datum
lots_send(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	Book b;

	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	pq_begintypsend(&out);
	pq_sendint16(&out, b.n);
	for (int i = 0; i < b.n; i++)
	{
		pq_sendint16(&out, b.lot[i].wallet);
		pq_sendint32(&out, b.lot[i].from);
		pq_sendint32(&out, b.lot[i].until);
		pq_sendint64(&out, b.lot[i].amount);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---- comparison: equal values are equal bytes ---- */

static int
packed_compare(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);
	int na = VARSIZE_ANY_EXHDR(a);
	int nb = VARSIZE_ANY_EXHDR(b);
	int c = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(na, nb));

	return c ? c : na - nb;
}

PG_FUNCTION_INFO_V1(lots_eq);
Datum
lots_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(packed_compare(fcinfo) == 0);
}

PG_FUNCTION_INFO_V1(lots_ne);
Datum
lots_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(packed_compare(fcinfo) != 0);
}

PG_FUNCTION_INFO_V1(lots_hash);
Datum
lots_hash(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);

	return hash_any((unsigned char *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a));
}

PG_FUNCTION_INFO_V1(lots_hash_extended);
Datum
lots_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);

	return hash_any_extended((unsigned char *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a),
							 PG_GETARG_INT64(1));
}

/* ---- arithmetic ---- */

static Datum
lots_combine(FunctionCallInfo fcinfo, int sign)
{
	Book a, b;

	book_decode(&a, PG_GETARG_VARLENA_PP(0));
	book_decode(&b, PG_GETARG_VARLENA_PP(1));
	book_add_all(&a, &b, sign);
	PG_RETURN_POINTER(book_encode(&a));
}

PG_FUNCTION_INFO_V1(lots_plus);
Datum
lots_plus(PG_FUNCTION_ARGS)
{
	return lots_combine(fcinfo, 1);
}

PG_FUNCTION_INFO_V1(lots_minus);
Datum
lots_minus(PG_FUNCTION_ARGS)
{
	return lots_combine(fcinfo, -1);
}

PG_FUNCTION_INFO_V1(lots_negate);
Datum
lots_negate(PG_FUNCTION_ARGS)
{
	Book a;

	book_decode(&a, PG_GETARG_VARLENA_PP(0));
	for (int i = 0; i < a.n; i++)
		a.lot[i].amount = -a.lot[i].amount;
	PG_RETURN_POINTER(book_encode(&a));
}

/* ---- operations ---- */

static void
points_check(int64 points)
{
	if (points < 1 || points > LOTS_MAX_AMOUNT)
		ereport(ERROR, errcode(ERRCODE_POINTS_OUT_OF_RANGE),
				errmsg("points out of range: %lld", (long long) points),
				errdetail("Points are between 1 and %lld.", (long long) LOTS_MAX_AMOUNT));
}

/* A finite day: at infinity nothing would be left of lots that never expire. */
static DateADT
day_argument(FunctionCallInfo fcinfo, int argument)
{
	DateADT day = PG_GETARG_DATEADT(argument);

	if (!day_in_range(day))
		ereport(ERROR, errcode(ERRCODE_DAY_OUT_OF_RANGE), errmsg("day is out of range"),
				errdetail("Days lie between 1900-01-01 and 9999-12-31."));
	return day;
}

static void
null_check(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", name));
}

/* earn(lots, wallet, points, usable_from, until); NULL dates: at once, never */
PG_FUNCTION_INFO_V1(lots_earn);
Datum
lots_earn(PG_FUNCTION_ARGS)
{
	Book b;
	Lot lot;

	null_check(fcinfo, 0, "lots");
	null_check(fcinfo, 1, "wallet");
	null_check(fcinfo, 2, "points");
	lot.wallet = PG_GETARG_INT16(1);
	lot.amount = PG_GETARG_INT64(2);
	lot.from = PG_ARGISNULL(3) ? DATEVAL_NOBEGIN : PG_GETARG_DATEADT(3);
	lot.until = PG_ARGISNULL(4) ? DATEVAL_NOEND : PG_GETARG_DATEADT(4);
	points_check(lot.amount);
	lot_check(&lot, NULL);
	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	book_add(&b, lot);
	PG_RETURN_POINTER(book_encode(&b));
}

/* take(lots, wallet, points, day): which lots the points come from, as positive amounts */
PG_FUNCTION_INFO_V1(lots_take);
Datum
lots_take(PG_FUNCTION_ARGS)
{
	int16 wallet = PG_GETARG_INT16(1);
	int64 points = PG_GETARG_INT64(2);
	DateADT day = day_argument(fcinfo, 3);
	int64 taken;
	Book b, delta;

	points_check(points);
	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	book_settle(&b, day, &delta);
	book_add_all(&b, &delta, 1);
	taken = book_take(&b, wallet, points, day, &delta);
	if (taken < points)
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_POINTS),
				errmsg("not enough points: %lld asked, %lld usable", (long long) points,
					   (long long) book_balance(&b, wallet, day)));
	for (int i = 0; i < delta.n; i++)
		delta.lot[i].amount = -delta.lot[i].amount;
	PG_RETURN_POINTER(book_encode(&delta));
}

/* first_expiring(lots, points): so many of them, first-expiring first, whatever the day */
PG_FUNCTION_INFO_V1(lots_first_expiring);
Datum
lots_first_expiring(PG_FUNCTION_ARGS)
{
	Book b, part;

	points_check(PG_GETARG_INT64(1));
	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	book_first(&b, PG_GETARG_INT64(1), &part);
	PG_RETURN_POINTER(book_encode(&part));
}

/* extend(lots, day): lots that would be gone before the day last until it */
PG_FUNCTION_INFO_V1(lots_extend);
Datum
lots_extend(PG_FUNCTION_ARGS)
{
	Book b;

	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	book_extend(&b, day_argument(fcinfo, 1));
	PG_RETURN_POINTER(book_encode(&b));
}

PG_FUNCTION_INFO_V1(lots_settle);
Datum
lots_settle(PG_FUNCTION_ARGS)
{
	Book b, delta;

	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	book_settle(&b, day_argument(fcinfo, 1), &delta);
	book_add_all(&b, &delta, 1);
	PG_RETURN_POINTER(book_encode(&b));
}

/* reverse(lots, award, day, policy): what to post, negative */
PG_FUNCTION_INFO_V1(lots_reverse);
Datum
lots_reverse(PG_FUNCTION_ARGS)
{
	DateADT day = day_argument(fcinfo, 2);
	char *word = text_to_cstring(PG_GETARG_TEXT_PP(3));
	ReversePolicy policy;
	Book b, award, delta;

	if (strcmp(word, "only_pending") == 0)
		policy = REVERSE_ONLY_PENDING;
	else if (strcmp(word, "within_balance") == 0)
		policy = REVERSE_WITHIN_BALANCE;
	else if (strcmp(word, "debt") == 0)
		policy = REVERSE_DEBT;
	else
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
				errmsg("unknown reversal policy \"%s\"", word),
				errhint("Policies are only_pending, within_balance and debt."));
	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	book_settle(&b, day, &delta);
	book_add_all(&b, &delta, 1);
	book_decode(&award, PG_GETARG_VARLENA_PP(1));
	book_reverse(&b, &award, day, policy, &delta);
	PG_RETURN_POINTER(book_encode(&delta));
}

/* share(lots, part, whole): the part of an award, each lot rounded down */
PG_FUNCTION_INFO_V1(lots_share);
Datum
lots_share(PG_FUNCTION_ARGS)
{
	int64 part = PG_GETARG_INT64(1);
	int64 whole = PG_GETARG_INT64(2);
	Book b, share;

	if (whole < 1 || part < 0 || part > whole)
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
				errmsg("invalid share: %lld of %lld", (long long) part, (long long) whole),
				errdetail("The part is between 0 and the whole, the whole at least 1."));
	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	book_share(&b, part, whole, &share);
	PG_RETURN_POINTER(book_encode(&share));
}

/* ---- readers: a wallet's figures on a day ---- */

PG_FUNCTION_INFO_V1(lots_balance);
Datum
lots_balance(PG_FUNCTION_ARGS)
{
	int16 wallet = PG_GETARG_INT16(1);
	DateADT day = day_argument(fcinfo, 2);
	int64 balance = 0;
	LotCursor c;

	lots_open(&c, PG_GETARG_VARLENA_PP(0));
	while (lots_next(&c))
	{
		if (c.lot.wallet != wallet)
			continue;
		if (c.lot.amount < 0) /* debt: the order of payment matters */
		{
			Book b;

			book_decode(&b, PG_GETARG_VARLENA_PP(0));
			PG_RETURN_INT64(book_balance(&b, wallet, day));
		}
		if (c.lot.from <= day && day < c.lot.until)
			balance += c.lot.amount;
	}
	PG_RETURN_INT64(balance);
}

PG_FUNCTION_INFO_V1(lots_pending);
Datum
lots_pending(PG_FUNCTION_ARGS)
{
	DateADT day = day_argument(fcinfo, 2);
	int16 wallet = PG_GETARG_INT16(1);
	int64 sum = 0;
	LotCursor c;

	lots_open(&c, PG_GETARG_VARLENA_PP(0));
	while (lots_next(&c))
		if (c.lot.wallet == wallet && c.lot.from > day)
			sum += c.lot.amount;
	PG_RETURN_INT64(sum);
}

/* expired(lots, wallet, day): what has expired by the day and is not booked yet */
PG_FUNCTION_INFO_V1(lots_expired);
Datum
lots_expired(PG_FUNCTION_ARGS)
{
	int16 wallet = PG_GETARG_INT16(1);
	int64 sum = 0;
	Book b, delta;

	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	book_settle(&b, day_argument(fcinfo, 2), &delta);
	for (int i = 0; i < delta.n; i++) /* debt paid is neutral: what it gave, a lot took */
		if (delta.lot[i].wallet == wallet)
			sum -= delta.lot[i].amount;
	PG_RETURN_INT64(sum);
}

/* expiring(lots, wallet, day, within): usable that day and gone within so many days after it */
PG_FUNCTION_INFO_V1(lots_expiring);
Datum
lots_expiring(PG_FUNCTION_ARGS)
{
	int16 wallet = PG_GETARG_INT16(1);
	DateADT day = day_argument(fcinfo, 2);
	int32 within = PG_GETARG_INT32(3);
	int64 sum = 0;
	Book b, delta;

	if (within < 0 || within > 100000)
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
				errmsg("invalid number of days: %d", within),
				errdetail("\"within\" is between 0 and 100000 days."));
	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	book_settle(&b, day, &delta);
	book_add_all(&b, &delta, 1);
	for (int i = 0; i < b.n; i++)
	{
		const Lot *lot = &b.lot[i];

		if (lot->wallet == wallet && lot->from <= day && !DATE_IS_NOEND(lot->until) &&
			lot->until <= day + within)
			sum += lot->amount;
	}
	PG_RETURN_INT64(sum);
}

PG_FUNCTION_INFO_V1(lots_next_expiry);
Datum
lots_next_expiry(PG_FUNCTION_ARGS)
{
	Book b;
	DateADT day;

	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	day = book_next_expiry(&b, PG_GETARG_INT16(1), day_argument(fcinfo, 2));
	if (DATE_IS_NOEND(day))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(day);
}

PG_FUNCTION_INFO_V1(lots_total);
Datum
lots_total(PG_FUNCTION_ARGS)
{
	Book b;

	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	PG_RETURN_INT64(book_total(&b, PG_GETARG_INT16(1)));
}

PG_FUNCTION_INFO_V1(lots_is_book);
Datum
lots_is_book(PG_FUNCTION_ARGS)
{
	Book b;

	book_decode(&b, PG_GETARG_VARLENA_PP(0));
	PG_RETURN_BOOL(book_is_sound(&b));
}

PG_FUNCTION_INFO_V1(lots_unnest);
Datum
lots_unnest(PG_FUNCTION_ARGS)
{
	FuncCallContext *ctx;
	LotCursor *c;
	Datum values[4];
	bool nulls[4] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		TupleDesc desc;

		ctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(ctx->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "unnest(lots) must return a row");
		ctx->tuple_desc = BlessTupleDesc(desc);
		c = palloc(sizeof(LotCursor));
		lots_open(c, (struct varlena *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0)));
		ctx->user_fctx = c;
		MemoryContextSwitchTo(old);
	}
	ctx = SRF_PERCALL_SETUP();
	c = ctx->user_fctx;
	if (!lots_next(c))
		SRF_RETURN_DONE(ctx);
	values[0] = Int16GetDatum(c->lot.wallet);
	values[1] = Int64GetDatum(c->lot.amount);
	values[2] = DateADTGetDatum(c->lot.from);
	values[3] = DateADTGetDatum(c->lot.until);
	nulls[2] = DATE_IS_NOBEGIN(c->lot.from);
	nulls[3] = DATE_IS_NOEND(c->lot.until);
	SRF_RETURN_NEXT(ctx, HeapTupleGetDatum(heap_form_tuple(ctx->tuple_desc, values, nulls)));
}
