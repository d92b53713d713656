/*
 * by_day.c: what many members did, or will lose, by day: one walk over each value, no row a day.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "errors.h"
#include "types/activity.h"
#include "types/lots.h"
#include "util/counts.h"

static void
refuse_nulls(FunctionCallInfo fcinfo, int n, const char *names)
{
	for (int i = 1; i < n; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("%s must not be null", names));
}

static void
check_day(DateADT day)
{
	if (!day_in_range(day))
		ereport(ERROR, errcode(ERRCODE_DAY_OUT_OF_RANGE), errmsg("day is out of range"),
				errdetail("Days lie between 1900-01-01 and 9999-12-31."));
}

/* Only a day can be told by day: the reader of windows says what a folded entry can't. */
static inline void
refuse_folded(const ActivityCursor *stream, const ActivityEntry *e)
{
	ActivityWindow w;

	if (unlikely(e->first != e->last))
		activity_window(*stream, e->first, e->first + 1, &w);
}

/* One stream of one member: events, amount, whether there were any, whether it was the first day. */
static void
count_by_day(int64 *by_day, activity *a, int16 id, DateADT since, int32 days)
{
	bool is_first = true;
	ActivityCursor stream;
	ActivityCursor walk;
	ActivityEntry e;

	activity_seek(a, id, &stream);
	for (walk = stream; activity_next(&walk, &e) && e.first < since + days;)
	{
		if (e.last >= since)
		{
			int64 *figures = by_day + 4 * (e.first - since);

			refuse_folded(&stream, &e);
			counts_add(&figures[0], e.count);
			counts_add(&figures[1], e.amount);
			figures[2] += e.count > 0;
			figures[3] += e.count > 0 && is_first;
		}
		if (e.count > 0)
			is_first = false;
	}
}

static void
check_days(int32 days)
{
	if (days < 1 || days > COUNTS_MAX_DAYS)
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION), errmsg("invalid window of %d days", days),
				errdetail("It has 1 to %d days.", COUNTS_MAX_DAYS));
}

/* activity_by_day_step(state, activity, stream, since, days): events, amount, members, first events of members */
PG_FUNCTION_INFO_V1(activity_by_day_step);
Datum
activity_by_day_step(PG_FUNCTION_ARGS)
{
	DateADT since;
	int32 days;
	int64 *by_day;
	Datum state;

	refuse_nulls(fcinfo, 5, "activity, stream, since and days");
	since = PG_GETARG_DATEADT(3);
	days = PG_GETARG_INT32(4);
	check_day(since);
	by_day = counts_state(fcinfo, days, 4, &state);
	count_by_day(by_day, (activity *) PG_GETARG_VARLENA_PP(1), PG_GETARG_INT16(2), since, days);
	PG_RETURN_DATUM(state);
}

/* activity_by_day_step(state, activity, streams, since, days): the same of several streams, one after another */
PG_FUNCTION_INFO_V1(activity_by_day_streams_step);
Datum
activity_by_day_streams_step(PG_FUNCTION_ARGS)
{
	activity *a;
	ArrayType *streams;
	DateADT since;
	int32 days;
	int64 *by_day;
	int n;
	Datum state;

	refuse_nulls(fcinfo, 5, "activity, streams, since and days");
	a = (activity *) PG_GETARG_VARLENA_PP(1);
	streams = PG_GETARG_ARRAYTYPE_P(2);
	since = PG_GETARG_DATEADT(3);
	days = PG_GETARG_INT32(4);
	check_day(since);
	check_days(days);
	n = ARR_NDIM(streams) == 1 ? ARR_DIMS(streams)[0] : 0;
	if (ARR_ELEMTYPE(streams) != INT2OID || ARR_HASNULL(streams) || n < 1 ||
		n > COUNTS_MAX_DAYS / days)
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION), errmsg("invalid streams"),
				errdetail("They are 1 to %d for %d days, none null.", COUNTS_MAX_DAYS / days,
						  days));
	by_day = counts_state(fcinfo, n * days, 4, &state);
	for (int i = 0; i < n; i++)
		count_by_day(by_day + 4 * i * days, a, ((int16 *) ARR_DATA_PTR(streams))[i], since, days);
	PG_RETURN_DATUM(state);
}

/* Longest gap that is told apart; longer ones count with it. */
#define LONGEST_GAP 366

/* activity_gaps_step(state, activity, stream, since, days): gaps by length between one active day and the next */
PG_FUNCTION_INFO_V1(activity_gaps_step);
Datum
activity_gaps_step(PG_FUNCTION_ARGS)
{
	DateADT since;
	int32 days;
	int64 *gaps;
	bool is_first = true;
	DateADT last = 0;
	ActivityCursor stream;
	ActivityCursor walk;
	ActivityEntry e;
	Datum state;

	refuse_nulls(fcinfo, 5, "activity, stream, since and days");
	since = PG_GETARG_DATEADT(3);
	days = PG_GETARG_INT32(4);
	check_day(since);
	check_days(days);
	gaps = counts_state(fcinfo, LONGEST_GAP, 2, &state);
	activity_seek((activity *) PG_GETARG_VARLENA_PP(1), PG_GETARG_INT16(2), &stream);
	for (walk = stream; activity_next(&walk, &e) && e.first < since + days;)
	{
		if (e.count == 0)
			continue;
		if (e.last >= since)
		{
			refuse_folded(&stream, &e);
			if (!is_first)
			{
				int64 *figures = gaps + 2 * (Min(e.first - last, LONGEST_GAP) - 1);

				figures[0]++;
				counts_add(&figures[1], e.first - last);
			}
		}
		is_first = false;
		last = e.last;
	}
	PG_RETURN_DATUM(state);
}

/* active_spans(activity, stream, bounds): a bit for each span between two bounds, the first is 1 */
PG_FUNCTION_INFO_V1(activity_active_spans);
Datum
activity_active_spans(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(2);
	DateADT *bound = (DateADT *) ARR_DATA_PTR(array);
	int n = ARR_NDIM(array) == 1 ? ARR_DIMS(array)[0] : 0;
	int span = 0;
	int64 active = 0;
	ActivityCursor stream;
	ActivityCursor walk;
	ActivityEntry e;

	if (ARR_ELEMTYPE(array) != DATEOID || n < 2 || n > 63 || ARR_HASNULL(array))
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION), errmsg("invalid bounds of spans"),
				errdetail("They are 2 to 63 days, ascending, none null."));
	for (int i = 1; i < n; i++)
		if (bound[i] <= bound[i - 1])
			ereport(ERROR, errcode(ERRCODE_INVALID_OPTION), errmsg("bounds of spans must ascend"));
	activity_seek((activity *) PG_GETARG_VARLENA_PP(0), PG_GETARG_INT16(1), &stream);
	for (walk = stream; activity_next(&walk, &e) && e.first < bound[n - 1];)
	{
		if (e.last < bound[0])
			continue;
		while (span < n - 2 && bound[span + 1] <= e.first)
			span++;
		if (unlikely(e.first < bound[span] || e.last >= bound[span + 1]))
		{
			ActivityWindow w;

			activity_window(stream, bound[span], bound[span + 1], &w); /* cut by a bound */
		}
		if (e.count > 0)
			active |= INT64CONST(1) << span;
	}
	PG_RETURN_INT64(active);
}

/* One lot of a settled book: the points, and the member once a day; lots of a day are neighbours. */
static inline void
count_expiring(int64 *by_day, const Lot *lot, int16 wallet, DateADT day, int32 within,
			   DateADT *counted)
{
	int64 *figures;

	if (lot->wallet != wallet || lot->from > day || lot->until <= day ||
		(int64) lot->until - day > within)
		return;
	figures = by_day + 2 * (lot->until - day - 1);
	figures[0] += lot->until != *counted;
	counts_add(&figures[1], lot->amount);
	*counted = lot->until;
}

/* expiring_by_day_step(state, lots, wallet, day, within): members, points of each of the days after day */
PG_FUNCTION_INFO_V1(lots_expiring_by_day_step);
Datum
lots_expiring_by_day_step(PG_FUNCTION_ARGS)
{
	int16 wallet;
	DateADT day;
	int32 within;
	int64 *by_day;
	bool debt = false;
	DateADT counted = DATEVAL_NOEND;
	LotCursor c;
	Datum state;

	refuse_nulls(fcinfo, 5, "lots, wallet, day and within");
	wallet = PG_GETARG_INT16(2);
	day = PG_GETARG_DATEADT(3);
	within = PG_GETARG_INT32(4);
	check_day(day);
	by_day = counts_state(fcinfo, within, 2, &state);
	lots_open(&c, PG_GETARG_VARLENA_PP(1));
	while (!debt && lots_next(&c))
		debt = c.lot.wallet == wallet && c.lot.amount < 0;
	if (debt) /* it may have been paid from these lots: only settling knows */
	{
		Book book;
		Book delta;

		book_decode(&book, PG_GETARG_VARLENA_PP(1));
		book_settle(&book, day, &delta);
		book_add_all(&book, &delta, 1);
		for (int i = 0; i < book.n; i++)
			count_expiring(by_day, &book.lot[i], wallet, day, within, &counted);
	}
	else
	{
		lots_open(&c, PG_GETARG_VARLENA_PP(1));
		while (lots_next(&c))
			count_expiring(by_day, &c.lot, wallet, day, within, &counted);
	}
	PG_RETURN_DATUM(state);
}
