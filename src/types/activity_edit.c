/*
 * activity_edit.c: changing the decoded form: adding, taking back, folding, merging.
 */
#include "compat.h"

#include "common/int.h"
#include "miscadmin.h"

#include "errors.h"
#include "types/activity.h"
#include "util/scan.h"

static void
check_event(int stream, DateADT day, int64 count)
{
	if (stream < 1 || stream > ACTIVITY_MAX_STREAM)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("stream %d is out of range", stream),
				errdetail("A stream is a number between 1 and %d.", ACTIVITY_MAX_STREAM));
	if (!day_in_range(day))
		ereport(ERROR, errcode(ERRCODE_DAY_OUT_OF_RANGE), errmsg("day of activity is out of range"),
				errdetail("A day must be between 1900-01-01 and 9999-12-31."));
	if (count < 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("count of activity must not be negative: " INT64_FORMAT, count),
				errhint("member.add adds events, member.correct takes them back."));
}

static void
out_of_range(int stream)
{
	ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("activity out of range"),
			errdetail("The count or the amount of stream %d does not fit into a bigint.", stream));
}

static inline bool
is_void(const ActivityEntry *e)
{
	return e->count == 0 && e->amount == 0;
}

/* Last day with an event, or DATEVAL_NOBEGIN. */
static DateADT
last_event(const ActivityEntry *e, int n)
{
	while (n > 0 && e[n - 1].count == 0)
		n--;
	return n > 0 ? e[n - 1].last : DATEVAL_NOBEGIN;
}

static int64
life_count(const ActivityEntry *e, int n)
{
	int64 sum = 0;

	for (int i = 0; i < n; i++)
		if (pg_add_s64_overflow(sum, e[i].count, &sum))
			return PG_INT64_MAX;
	return sum;
}

/* Whether a day that has no entry of its own belongs to this entry. */
static bool
entry_covers(const ActivityEntry *e, DateADT day)
{
	if (e->grain == ACTIVITY_DAY)
		return e->first == day;
	if (day >= e->first && day <= e->last)
		return true;
	if (e->grain == ACTIVITY_OLDER && day < e->first)
		return true;
	return e->grain == ACTIVITY_OLDER ? month_of(day) <= month_of(e->last)
									  : month_of(day) == month_of(e->first);
}

/* The place of the entry that takes the day (*found), or where a day entry would be inserted. */
static int
find_entry(const ActivityEntry *e, int n, DateADT day, bool *found)
{
	int at = n;

	while (at > 0 && e[at - 1].first > day)
		at--;
	*found = true;
	if (at > 0 && entry_covers(e + at - 1, day))
		return at - 1;
	if (at < n && entry_covers(e + at, day))
		return at;
	*found = false;
	return at;
}

static void
remove_entry(Activity *a, ActivityStream *s, int at)
{
	ActivityEntry *e = a->pool + s->start + at;

	memmove(e, e + 1, (s->n - at - 1) * sizeof(ActivityEntry));
	s->n--;
}

static ActivityEntry *
insert_entry(Activity *a, ActivityStream *s, int at)
{
	ActivityEntry *e;

	activity_reserve(a, s, s->n + 1);
	e = a->pool + s->start + at;
	memmove(e + 1, e, (s->n - at) * sizeof(ActivityEntry));
	s->n++;
	return e;
}

/* Adds a day's numbers to the entry that takes the day. */
static void
put_day(Activity *a, ActivityStream *s, const ActivityEntry *x)
{
	bool found;
	int at = find_entry(a->pool + s->start, s->n, x->first, &found);
	ActivityEntry *e;

	if (!found)
	{
		*insert_entry(a, s, at) = *x;
		return;
	}
	e = a->pool + s->start + at;
	if (!activity_absorb(e, x))
		out_of_range(s->id);
	if (is_void(e))
		remove_entry(a, s, at);
}

static void
put_run(ActivityStream *s, int64 count, int32 kind)
{
	if (kind == 0)
		s->run = 0;
	else if (kind != s->kind)
		s->run = count;
	else if (pg_add_s64_overflow(s->run, count, &s->run))
		out_of_range(s->id);
	s->kind = kind;
}

void
activity_do_add(Activity *a, int stream, DateADT day, int64 count, int64 amount, int64 largest,
				int32 kind)
{
	ActivityEntry x = {.first = day, .last = day, .count = count, .amount = amount};
	ActivityStream *s;

	check_event(stream, day, count);
	if (is_void(&x))
		return;
	x.grain = ACTIVITY_DAY;
	x.active = count > 0;
	x.largest = count == 0 ? ACTIVITY_NONE : count == 1 ? amount : largest;
	s = activity_stream(a, stream, true);
	if (count > 0 && day >= last_event(a->pool + s->start, s->n))
		put_run(s, count, kind);
	put_day(a, s, &x);
	if (s->n == 0)
		activity_drop_stream(a, s);
}

/* -- taking back -- */

/* What an entry's largest is after a correction, its count and amount being the new ones. */
static int64
corrected_largest(const ActivityEntry *e, int64 old, const int64 *largest)
{
	if (e->count == 0)
		return ACTIVITY_NONE;
	if (e->grain == ACTIVITY_DAY)
		return e->count == 1 ? e->amount : largest ? *largest : Min(old, e->amount);

	/* Of a folded entry it is known to be no more than it was, and no less than the day's. */
	old = Min(old, e->amount);
	return largest ? Max(old, *largest) : old;
}

static void
take_back(int stream, ActivityEntry *e, DateADT day, int64 count, int64 amount,
		  const int64 *largest)
{
	int64 held = day >= e->first && day <= e->last ? e->count : 0;
	char text[32];

	if (count > held)
	{
		put_date(text, day);
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("count of stream %d on %s would fall below zero", stream, text),
				errdetail("There are " INT64_FORMAT " events, " INT64_FORMAT
						  " were to be taken back.",
						  held, count));
	}
	e->count -= count;
	if (pg_sub_s64_overflow(e->amount, amount, &e->amount))
		out_of_range(stream);
	e->largest = corrected_largest(e, e->largest, largest);
	e->first = Min(e->first, day);
	e->last = Max(e->last, day);
	e->active = (int32) Min(e->active, e->count);
}

void
activity_do_correct(Activity *a, int stream, DateADT day, int64 count, int64 amount,
					const int64 *largest)
{
	ActivityEntry x = {.first = day, .last = day, .largest = ACTIVITY_NONE};
	ActivityStream *s;
	bool found;
	int at;

	check_event(stream, day, count);
	if (count == 0 && amount == 0 && largest == NULL)
		return;
	s = activity_stream(a, stream, true);
	at = find_entry(a->pool + s->start, s->n, day, &found);
	if (!found)
		*insert_entry(a, s, at) = x;
	take_back(stream, a->pool + s->start + at, day, count, amount, largest);
	if (is_void(a->pool + s->start + at))
		remove_entry(a, s, at);
	s->run = Min(s->run, life_count(a->pool + s->start, s->n));
	if (s->run == 0)
		s->kind = 0;
	if (s->n == 0)
		activity_drop_stream(a, s);
}

/* -- folding and merging -- */

/*
 * Entries go to the end of a list in the order of entry_order(), each into the entry that takes it.  The
 * entry at the end is still open, so whether it came to nothing is known when the next one is put, or at
 * the end of the list.
 */
typedef struct Folder
{
	ActivityEntry *out;
	int n;
	int stream;
	DateADT older_until; /* days before this are in the older entry, out[0] */
} Folder;

static void
folder_close(Folder *f)
{
	if (f->n > 0 && is_void(f->out + f->n - 1))
		f->n--;
}

static void
folder_put(Folder *f, const ActivityEntry *x)
{
	ActivityEntry *e = f->n > 0 ? f->out + f->n - 1 : NULL;
	bool same = false;

	if (e && (e->grain == ACTIVITY_OLDER || x->grain == ACTIVITY_OLDER))
		same = x->first < f->older_until;
	else if (e && e->grain == ACTIVITY_MONTH)
		same = month_of(x->first) == month_of(e->first);
	else if (e)
		same = x->grain == ACTIVITY_DAY && x->first == e->first;

	if (!same)
	{
		folder_close(f);
		f->out[f->n++] = *x;
	}
	else
	{
		e->grain = Max(e->grain, x->grain);
		if (!activity_absorb(e, x))
			out_of_range(f->stream);
	}
}

static DateADT
after_month(DateADT day)
{
	return month_start(month_of(day) + 1);
}

/*
 * Folding goes by three passes in one: days before fold_until become months; months before older_until, and
 * with them all that lies before the last of them, become the older entry.
 */
void
activity_do_trim(Activity *a, int stream, DateADT day, int32 keep_days, int32 keep_months)
{
	ActivityStream *s;
	ActivityEntry *e;
	Folder f = {.stream = stream, .older_until = DATEVAL_NOBEGIN};
	DateADT fold_until = DATEVAL_NOBEGIN;
	DateADT months_until = DATEVAL_NOBEGIN;

	check_event(stream, day, 0);
	if (keep_days < 0 || keep_months < 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("retention of activity must not be negative: %d days, %d months", keep_days,
					   keep_months));
	s = activity_stream(a, stream, false);
	if (s == NULL)
		return;
	e = f.out = a->pool + s->start;
	if (keep_days < day - MIN_DAY)
		fold_until = month_start(month_of(day - keep_days));
	if (keep_months < month_of(day) - month_of(MIN_DAY))
		months_until = month_start(month_of(day) - keep_months);

	for (int i = 0; i < s->n; i++)
		if (e[i].grain == ACTIVITY_OLDER ||
			(e[i].first < months_until &&
			 (e[i].grain == ACTIVITY_MONTH || e[i].first < fold_until)))
			f.older_until = after_month(e[i].last);
	for (int i = 0; i < s->n; i++)
	{
		ActivityEntry x = e[i];

		if (x.first < f.older_until)
			x.grain = ACTIVITY_OLDER;
		else if (x.first < fold_until)
			x.grain = ACTIVITY_MONTH;
		folder_put(&f, &x);
	}
	folder_close(&f);
	s->n = f.n;
	if (s->n == 0)
		activity_drop_stream(a, s);
}

/* Order of putting: by month the coarser first, else by day. */
static bool
goes_before(const ActivityEntry *x, const ActivityEntry *y)
{
	if (x->grain != y->grain && (x->grain == ACTIVITY_OLDER || y->grain == ACTIVITY_OLDER))
		return x->grain == ACTIVITY_OLDER;
	if (x->grain != y->grain && month_of(x->first) == month_of(y->first))
		return x->grain == ACTIVITY_MONTH;
	return x->first < y->first;
}

/* The run of the later last event; on the same day the longer, then the greater kind. */
static void
merge_run(ActivityStream *s, DateADT day, const ActivityStream *t, DateADT other_day)
{
	if (other_day < day)
		return;
	if (other_day == day && (t->run < s->run || (t->run == s->run && t->kind < s->kind)))
		return;
	s->kind = t->kind;
	s->run = t->run;
}

static void
merge_stream(Activity *a, ActivityStream *s, const Activity *other, const ActivityStream *t)
{
	ActivityStream merged = *s;
	const ActivityEntry *x;
	const ActivityEntry *xend;
	const ActivityEntry *y = other->pool + t->start;
	const ActivityEntry *yend = y + t->n;
	Folder f = {.stream = s->id, .older_until = DATEVAL_NOBEGIN};

	merged.n = 0;
	merged.room = 0;
	activity_reserve(a, &merged, s->n + t->n + 2);
	x = a->pool + s->start;
	xend = x + s->n;
	f.out = a->pool + merged.start;
	merge_run(&merged, last_event(x, s->n), t, last_event(y, t->n));
	if (x < xend && x->grain == ACTIVITY_OLDER)
		f.older_until = after_month(x->last);
	if (y < yend && y->grain == ACTIVITY_OLDER)
		f.older_until = Max(f.older_until, after_month(y->last));
	while (x < xend || y < yend)
		folder_put(&f, y == yend || (x < xend && goes_before(x, y)) ? x++ : y++);
	folder_close(&f);
	merged.n = f.n;
	*s = merged;
}

void
activity_do_merge(Activity *a, const Activity *other)
{
	for (int i = 0; i < other->nstreams; i++)
	{
		ActivityStream *s;

		CHECK_FOR_INTERRUPTS();
		s = activity_stream(a, other->streams[i].id, true);
		merge_stream(a, s, other, other->streams + i);
		if (s->n == 0)
			activity_drop_stream(a, s);
	}
}
