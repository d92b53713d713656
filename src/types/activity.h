/*
 * activity.h: what a member did, by stream and day (SQL type member.activity).
 *
 * A value holds streams (1..32767, ascending), each a chronological list of entries of three grains: days,
 * months (folded days) and at most one "older" entry (folded months), and the kind and length of the run
 * of its last events.  Two rules tie the grains together and make merging order-free:
 *
 *	 - everything in the month of the older entry's last day, or before, is in the older entry;
 *	 - a month that has a month entry has no day entries.
 *
 * There are two forms: packed (the varlena, see docs/internals/activity.md) and decoded (Activity).  A
 * cursor walks one stream of either, so every reader works on both.  Readers do not allocate.
 */
#ifndef MEMBER_ACTIVITY_H
#define MEMBER_ACTIVITY_H

#include "compat.h"

#include "util/day.h"
#include "util/varint.h"

typedef struct varlena activity;

#define ACTIVITY_VERSION 1
#define ACTIVITY_MAX_STREAM 32767
#define ACTIVITY_MAX_STREAMS 200
#define ACTIVITY_MAX_ENTRIES 5000
#define ACTIVITY_KEEP_ALL PG_INT32_MAX /* keep_days, keep_months: fold nothing */
#define ACTIVITY_NONE PG_INT64_MIN	   /* largest of an entry without events: neutral to Max() */
#define ACTIVITY_BASE ((DateADT) 8766) /* 2024-01-01: first days near it take two bytes */

typedef enum ActivityGrain
{
	ACTIVITY_DAY,
	ACTIVITY_MONTH,
	ACTIVITY_OLDER
} ActivityGrain;

/*
 * One entry.  active is 0 or 1 in a day entry; in a folded one it is the sum of what was folded, so days
 * that met twice count twice: activity_active() caps it at the span when it is read, and only then, or
 * merging would depend on the order.
 */
typedef struct ActivityEntry
{
	DateADT first; /* first day it holds */
	DateADT last;  /* last day it holds, in a day entry the same */
	int64 count;   /* events, >= 0 */
	int64 amount;  /* sum of their amounts, minor units */
	int64 largest; /* largest single amount, ACTIVITY_NONE when count is 0 */
	int32 active;  /* days with events, not capped, stops at PG_INT32_MAX */
	int32 grain;   /* ActivityGrain */
} ActivityEntry;

typedef struct ActivityStream
{
	int32 id;
	int32 kind; /* kind of the last event, 0 = none */
	int64 run;	/* so many last events in a row were of that kind, 0 iff kind is 0 */
	int start;	/* its entries: pool[start .. start + n) */
	int n;
	int room;
} ActivityStream;

/*
 * The decoded form.  Zero it (or activity_init) before the first use; later uses keep the memory.  Entries
 * are addressed by offset, since the pool moves when it grows: take pointers anew after any change.
 */
typedef struct Activity
{
	ActivityStream *streams; /* ascending by id, each with at least one entry */
	int nstreams;
	int maxstreams;
	ActivityEntry *pool;
	int used;
	int size;
} Activity;

/* Walks the streams of a packed value. */
typedef struct ActivityStreams
{
	const char *p;
	const char *end;
	int32 stream; /* id of the stream before */
} ActivityStreams;

/* Walks the entries of one stream, packed or decoded.  Copy it to walk twice. */
typedef struct ActivityCursor
{
	const ActivityEntry *entry; /* decoded entries left, both NULL when packed */
	const ActivityEntry *stop;
	const char *p; /* packed entries left, both NULL when decoded */
	const char *end;
	DateADT last; /* last day of the entry before */
	bool begun;	  /* there was an entry before */
	int32 stream;
	int32 kind;
	int64 run;
} ActivityCursor;

typedef struct ActivityWindow
{
	int64 count;
	int64 amount;
	int64 largest; /* ACTIVITY_NONE when count is 0 */
	int32 active_days;
} ActivityWindow;

/* -- packed and decoded form: activity.c -- */

extern void activity_init(Activity *a);
extern void activity_clear(Activity *a); /* no streams, memory kept */
extern void activity_decode(const activity *packed, Activity *out);
extern activity *activity_encode(const Activity *a); /* errors beyond the limits */
extern activity *activity_empty(void);

extern void activity_streams_begin(const activity *packed, ActivityStreams *s);
extern bool activity_streams_next(ActivityStreams *s, ActivityCursor *c);

/* False, and a cursor without entries, when the value has no such stream: readers take it all the same. */
extern bool activity_seek(const activity *packed, int stream, ActivityCursor *c);
extern bool activity_seek_decoded(const Activity *a, int stream, ActivityCursor *c);

extern void activity_next_shaped(ActivityCursor *c, ActivityEntry *e);

/* Building blocks of the editors and of input. */
extern ActivityStream *activity_stream(Activity *a, int stream, bool create);
extern void activity_drop_stream(Activity *a, ActivityStream *s);
extern void activity_reserve(Activity *a, ActivityStream *s, int n); /* room for n entries in all */
extern bool activity_absorb(ActivityEntry *e,
							const ActivityEntry *x); /* e += x, false on overflow */

/* -- changing the decoded form: activity_edit.c -- */

/*
 * count events of a day, amount in all; largest matters only when count > 1.  kind is the kind of each of
 * them, 0 = none; they continue or replace the run unless they are back-dated (before the last day).
 */
extern void activity_do_add(Activity *a, int stream, DateADT day, int64 count, int64 amount,
							int64 largest, int32 kind);

/* Takes back.  largest is what the day's largest is now; NULL: the smaller of the old one and the new amount. */
extern void activity_do_correct(Activity *a, int stream, DateADT day, int64 count, int64 amount,
								const int64 *largest);

/* Folds what is older than the retention; the streams stays as it is when there is nothing to fold. */
extern void activity_do_trim(Activity *a, int stream, DateADT day, int32 keep_days,
							 int32 keep_months);

extern void activity_do_merge(Activity *a, const Activity *other);

/* -- reading, packed or decoded: activity_read.c -- */

/*
 * [since, until) of the stream; DATEVAL_NOBEGIN and DATEVAL_NOEND are open.  activity_window raises
 * MB501 when a boundary cuts a folded entry; activity_window_try returns false and that entry in *cut.
 */
extern void activity_window(ActivityCursor c, DateADT since, DateADT until, ActivityWindow *out);
extern bool activity_window_try(ActivityCursor c, DateADT since, DateADT until, ActivityWindow *out,
								ActivityEntry *cut);

/* First and last day with an event; false when there is none. */
extern bool activity_first_day(ActivityCursor c, DateADT *day);
extern bool activity_last_day(ActivityCursor c, DateADT *day);

/* Mean days from one active day to the next; false with less than two. */
extern bool activity_mean_gap(ActivityCursor c, double *gap);

/*
 * Streak of active days ending on day (or the day before), falls of the monthly count in a row up to the
 * last complete month.  When the answer hangs on days or months that are folded: with exact NULL the error
 * MB501, else *exact = false and what is certain, a lower bound.
 */
extern int32 activity_streak(ActivityCursor c, DateADT day, bool *exact);
extern int32 activity_falling_months(ActivityCursor c, DateADT day, bool *exact);

static inline int64
activity_run(const ActivityCursor *c, int32 kind)
{
	return c->kind == kind ? c->run : 0;
}

/* Active days of an entry, as readers see them. */
static inline int32
activity_active(const ActivityEntry *e)
{
	return Min(e->active, e->last - e->first + 1);
}

/* The next entry, in the order of days. */
static inline bool
activity_next(ActivityCursor *c, ActivityEntry *e)
{
	uint64 head;
	int64 delta;

	if (c->entry != c->stop)
	{
		*e = *c->entry++;
		return true;
	}
	if (c->p == c->end)
		return false;
	head = get_varint(&c->p, c->end);
	delta = (int64) (head >> 1);
	e->first = (DateADT) (c->begun ? c->last + 1 + delta : ACTIVITY_BASE + unzigzag(delta));
	c->begun = true;
	if (head & 1)
	{
		activity_next_shaped(c, e);
		return true;
	}
	e->last = c->last = e->first;
	e->count = 1;
	e->amount = e->largest = (int64) get_varint(&c->p, c->end);
	e->active = 1;
	e->grain = ACTIVITY_DAY;
	return true;
}

#endif
