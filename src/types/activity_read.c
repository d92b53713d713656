/*
 * activity_read.c: the readers of activity, for the step engine and as SQL functions.
 *
 * Each is one pass over the entries of a stream, in the order of days, without allocation.
 */
#include "compat.h"

#include "common/int.h"

#include "errors.h"
#include "types/activity.h"
#include "util/scan.h"

/* The answer hangs on days that only a folded entry knows; what is the question, up to its verb. */
static void
too_fine(int stream, const ActivityEntry *e, const char *what)
{
	char first[32];
	char last[32];

	put_date(first, e->first);
	put_date(last, e->last);
	if (e->grain == ACTIVITY_MONTH)
		first[7] = '\0';
	ereport(ERROR, errcode(ERRCODE_GRAIN_TOO_FINE),
			errmsg("activity of stream %d is not kept finely enough", stream),
			e->grain == ACTIVITY_MONTH
				? errdetail("%s the month %s, of which only the total is kept.", what, first)
				: errdetail("%s %s to %s, of which only the total is kept.", what, first, last),
			errhint("Ask for whole months, or keep the days of this stream for longer."));
}

/* -- windows -- */

bool
activity_window_try(ActivityCursor c, DateADT since, DateADT until, ActivityWindow *out,
					ActivityEntry *cut)
{
	ActivityWindow w = {.largest = ACTIVITY_NONE};
	ActivityEntry e;

	while (since < until && activity_next(&c, &e) && e.first < until)
	{
		if (e.last < since)
			continue;
		if (e.first < since || e.last >= until)
		{
			*cut = e;
			return false;
		}
		if (pg_add_s64_overflow(w.count, e.count, &w.count) ||
			pg_add_s64_overflow(w.amount, e.amount, &w.amount))
			ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("activity out of range"),
					errdetail("The count or the amount of stream %d does not fit into a bigint.",
							  c.stream));
		w.largest = Max(w.largest, e.largest);
		w.active_days += activity_active(&e);
	}
	*out = w;
	return true;
}

void
activity_window(ActivityCursor c, DateADT since, DateADT until, ActivityWindow *out)
{
	ActivityEntry cut;

	if (!activity_window_try(c, since, until, out, &cut))
	{
		char what[64];

		strcpy(put_date(what + sprintf(what, "The boundary "), cut.first < since ? since : until),
			   " falls within");
		too_fine(c.stream, &cut, what);
	}
}

/* -- days -- */

bool
activity_first_day(ActivityCursor c, DateADT *day)
{
	ActivityEntry e;

	while (activity_next(&c, &e))
		if (e.count > 0)
		{
			*day = e.first;
			return true;
		}
	return false;
}

bool
activity_last_day(ActivityCursor c, DateADT *day)
{
	ActivityEntry e;
	bool found = false;

	/* Of a decoded stream the end is at hand. */
	while (c.entry != c.stop && c.stop[-1].count == 0)
		c.stop--;
	if (c.entry != c.stop)
		c.entry = c.stop - 1;
	while (activity_next(&c, &e))
		if (e.count > 0)
		{
			*day = e.last;
			found = true;
		}
	return found;
}

bool
activity_mean_gap(ActivityCursor c, double *gap)
{
	ActivityEntry e;
	DateADT first = 0;
	DateADT last = 0;
	int32 active = 0;

	while (activity_next(&c, &e))
	{
		if (e.count == 0)
			continue;
		if (active == 0)
			first = e.first;
		last = e.last;
		active += activity_active(&e);
	}
	if (active < 2)
		return false;
	*gap = (double) (last - first) / (active - 1);
	return true;
}

/* -- streak -- */

/*
 * Walks to the streak that ends last.  A folded entry whose every day is active continues it like a day.
 * Of any other we know only that its first and its last day are active, so a streak that begins with its
 * last day may have begun earlier: unsure.
 */
int32
activity_streak(ActivityCursor c, DateADT day, bool *exact)
{
	ActivityEntry e;
	ActivityEntry doubt = {0};
	DateADT start = 0;
	DateADT end = DATEVAL_NOBEGIN;
	bool unsure = false;

	while (activity_next(&c, &e) && e.first <= day)
	{
		if (e.count == 0)
			continue;
		if (e.first == day)
			e.last = day;
		if (activity_active(&e) < e.last - e.first + 1)
		{
			doubt = e;
			start = e.last;
			unsure = true;
		}
		else if (end == DATEVAL_NOBEGIN || e.first != end + 1)
		{
			start = e.first;
			unsure = false;
		}
		end = e.last;
	}
	if (end < day - 1)
		start = end = DATEVAL_NOBEGIN;
	unsure = unsure && end != DATEVAL_NOBEGIN;
	if (unsure && exact == NULL)
	{
		char what[64];

		strcpy(put_date(what + sprintf(what, "The streak up to "), day), " reaches into");
		too_fine(c.stream, &doubt, what);
	}
	if (exact)
		*exact = !unsure;
	return end == DATEVAL_NOBEGIN ? 0 : Max(Min(end, day) - start + 1, 0);
}

/* -- falling months -- */

#define COUNT_UNKNOWN (-1) /* of a month within an older entry of several months: some events */

typedef struct Falls
{
	int month;	  /* the month looked at, -1 before the first */
	int64 count;  /* its count so far */
	int64 before; /* count of the month before */
	int32 falls;  /* in a row, up to the month before */
	bool unsure;  /* falls is a lower bound */
} Falls;

/* The month looked at is complete: see whether the count fell. */
static void
falls_close(Falls *f)
{
	if (f->count == COUNT_UNKNOWN || (f->before == COUNT_UNKNOWN && f->count > 0))
	{
		f->falls = 0;
		f->unsure = true;
	}
	else if (f->before == COUNT_UNKNOWN || f->count < f->before)
		f->falls++;
	else
	{
		f->falls = 0;
		f->unsure = false;
	}
}

/* On to a later month.  The second month without events ends every run, so a longer gap is passed over. */
static void
falls_goto(Falls *f, int month)
{
	for (int step = 0; f->month >= 0 && f->month < month; step++)
	{
		falls_close(f);
		f->before = f->count;
		f->count = 0;
		f->month = step < 2 ? f->month + 1 : month;
	}
	f->month = month;
}

int32
activity_falling_months(ActivityCursor c, DateADT day, bool *exact)
{
	int stop = month_of(day) - 1;
	DateADT until = month_start(stop + 1);
	Falls f = {.month = -1};
	ActivityEntry e;
	ActivityEntry doubt = {0};

	while (activity_next(&c, &e) && e.first < until)
	{
		int month = month_of(e.first);

		if (e.count == 0)
			continue;
		if (e.last != e.first && month != month_of(e.last))
		{
			falls_goto(&f, Min(month_of(e.last), stop));
			f.count = COUNT_UNKNOWN;
			doubt = e;
			continue;
		}
		falls_goto(&f, month);
		if (pg_add_s64_overflow(f.count, e.count, &f.count))
			f.count = PG_INT64_MAX;
	}
	if (f.month >= 0)
	{
		falls_goto(&f, stop);
		falls_close(&f);
	}
	if (f.unsure && exact == NULL)
	{
		char what[64];

		strcpy(put_date(what + sprintf(what, "The month of "), Min(doubt.last, month_start(stop))),
			   " falls within");
		too_fine(c.stream, &doubt, what);
	}
	if (exact)
		*exact = !f.unsure;
	return f.falls;
}

/* -- SQL functions -- */

PG_FUNCTION_INFO_V1(activity_sql_count);
PG_FUNCTION_INFO_V1(activity_sql_amount);
PG_FUNCTION_INFO_V1(activity_sql_largest);
PG_FUNCTION_INFO_V1(activity_sql_active_days);
PG_FUNCTION_INFO_V1(activity_sql_first_day);
PG_FUNCTION_INFO_V1(activity_sql_last_day);
PG_FUNCTION_INFO_V1(activity_sql_mean_gap);
PG_FUNCTION_INFO_V1(activity_sql_streak);
PG_FUNCTION_INFO_V1(activity_sql_falling_months);
PG_FUNCTION_INFO_V1(activity_sql_run);
PG_FUNCTION_INFO_V1(activity_sql_last_kind);

/* The stream that the first two arguments name. */
static ActivityCursor
stream_argument(FunctionCallInfo fcinfo)
{
	ActivityCursor c;

	activity_seek((activity *) PG_GETARG_VARLENA_PP(0), PG_GETARG_INT16(1), &c);
	return c;
}

/* The window that the arguments name: (activity, stream) or (activity, stream, since, until). */
static ActivityWindow
window_argument(FunctionCallInfo fcinfo)
{
	ActivityWindow w;

	if (PG_NARGS() == 2)
		activity_window(stream_argument(fcinfo), DATEVAL_NOBEGIN, DATEVAL_NOEND, &w);
	else
		activity_window(stream_argument(fcinfo), PG_GETARG_DATEADT(2), PG_GETARG_DATEADT(3), &w);
	return w;
}

static DateADT
day_argument(FunctionCallInfo fcinfo)
{
	DateADT day = PG_GETARG_DATEADT(2);

	if (!day_in_range(day))
		ereport(ERROR, errcode(ERRCODE_DAY_OUT_OF_RANGE), errmsg("day of activity is out of range"),
				errdetail("A day must be between 1900-01-01 and 9999-12-31."));
	return day;
}

Datum
activity_sql_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(window_argument(fcinfo).count);
}

Datum
activity_sql_amount(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(window_argument(fcinfo).amount);
}

Datum
activity_sql_largest(PG_FUNCTION_ARGS)
{
	ActivityWindow w = window_argument(fcinfo);

	if (w.count == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(w.largest);
}

Datum
activity_sql_active_days(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(window_argument(fcinfo).active_days);
}

Datum
activity_sql_first_day(PG_FUNCTION_ARGS)
{
	DateADT day;

	if (!activity_first_day(stream_argument(fcinfo), &day))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(day);
}

Datum
activity_sql_last_day(PG_FUNCTION_ARGS)
{
	DateADT day;

	if (!activity_last_day(stream_argument(fcinfo), &day))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(day);
}

Datum
activity_sql_mean_gap(PG_FUNCTION_ARGS)
{
	double gap;

	if (!activity_mean_gap(stream_argument(fcinfo), &gap))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(gap);
}

Datum
activity_sql_streak(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(activity_streak(stream_argument(fcinfo), day_argument(fcinfo), NULL));
}

Datum
activity_sql_falling_months(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(activity_falling_months(stream_argument(fcinfo), day_argument(fcinfo), NULL));
}

Datum
activity_sql_run(PG_FUNCTION_ARGS)
{
	ActivityCursor c = stream_argument(fcinfo);

	PG_RETURN_INT64(activity_run(&c, PG_GETARG_INT32(2)));
}

Datum
activity_sql_last_kind(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(stream_argument(fcinfo).kind);
}
