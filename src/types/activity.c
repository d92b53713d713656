/*
 * activity.c: the packed form of activity, the decoded form, and the cursor over both.
 *
 * docs/internals/activity.md describes the packed form byte by byte.
 */
#include "compat.h"

#include "common/int.h"

#include "errors.h"
#include "types/activity.h"

/* Second byte of an entry that is not simply one event of one day. */
#define SHAPE_GRAIN 0x03	/* ActivityGrain */
#define SHAPE_COUNT 0x04	/* count follows, else 1 */
#define SHAPE_NEGATIVE 0x08 /* the amount is negative */
#define SHAPE_LARGEST 0x10	/* amount - largest follows, else 0 */
#define SHAPE_ACTIVE 0x20	/* active days follow, else as many as events */
#define SHAPE_SPAN 0x40		/* last - first follows, else 0 */
#define SHAPE_RESERVED 0x80

#define HEADER_SIZE 2
#define STREAM_MAX (3 + 3 + 5 + VARINT_MAX)	   /* head, length, kind, run */
#define ENTRY_MAX (6 + 5 + 5 + 3 * VARINT_MAX) /* head and shape, span, active, the numbers */
#define LENGTH_MAX 3						   /* of a body: 5000 entries are below 2^21 bytes */

static void
damaged(const char *detail)
{
	ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("activity value is damaged"),
			errdetail_internal("%s", detail));
}

/* -- memory of the decoded form -- */

void
activity_init(Activity *a)
{
	memset(a, 0, sizeof(*a));
}

void
activity_clear(Activity *a)
{
	a->nstreams = 0;
	a->used = 0;
}

/* A slice of n entries at the end of the pool. */
static int
pool_take(Activity *a, int n)
{
	int start = a->used;

	if (a->used + n > a->size)
	{
		int size = Max(Max(2 * a->size, a->used + n), 32);

		a->pool = a->pool ? repalloc(a->pool, size * sizeof(ActivityEntry))
						  : palloc(size * sizeof(ActivityEntry));
		a->size = size;
	}
	a->used += n;
	return start;
}

/*
 * A slice that grows moves to the end of the pool; what it leaves is not used again before the next decode.
 * Doubling keeps that below the size of what is in use.
 */
void
activity_reserve(Activity *a, ActivityStream *s, int n)
{
	int room = Max(2 * s->room, n);
	int start;

	if (n <= s->room)
		return;
	start = pool_take(a, room);
	if (s->n > 0)
		memcpy(a->pool + start, a->pool + s->start, s->n * sizeof(ActivityEntry));
	s->start = start;
	s->room = room;
}

static ActivityStream *
insert_stream(Activity *a, int at, int32 id)
{
	ActivityStream *s;

	if (a->nstreams == a->maxstreams)
	{
		int max = Max(2 * a->maxstreams, 4);

		a->streams = a->streams ? repalloc(a->streams, max * sizeof(ActivityStream))
								: palloc(max * sizeof(ActivityStream));
		a->maxstreams = max;
	}
	s = a->streams + at;
	memmove(s + 1, s, (a->nstreams - at) * sizeof(ActivityStream));
	a->nstreams++;
	memset(s, 0, sizeof(*s));
	s->id = id;
	return s;
}

ActivityStream *
activity_stream(Activity *a, int stream, bool create)
{
	int at = a->nstreams;

	while (at > 0 && a->streams[at - 1].id >= stream)
		at--;
	if (at < a->nstreams && a->streams[at].id == stream)
		return a->streams + at;
	return create ? insert_stream(a, at, stream) : NULL;
}

void
activity_drop_stream(Activity *a, ActivityStream *s)
{
	memmove(s, s + 1, (a->streams + a->nstreams - (s + 1)) * sizeof(ActivityStream));
	a->nstreams--;
}

/* The grain of e stays: the caller has made it at least that of x. */
bool
activity_absorb(ActivityEntry *e, const ActivityEntry *x)
{
	if (pg_add_s64_overflow(e->count, x->count, &e->count) ||
		pg_add_s64_overflow(e->amount, x->amount, &e->amount))
		return false;
	e->largest = Max(e->largest, x->largest);
	e->first = Min(e->first, x->first);
	e->last = Max(e->last, x->last);
	if (e->grain == ACTIVITY_DAY)
		e->active = e->count > 0;
	else if (pg_add_s32_overflow(e->active, x->active, &e->active))
		e->active = PG_INT32_MAX;
	return true;
}

/* -- reading the packed form -- */

void
activity_streams_begin(const activity *packed, ActivityStreams *s)
{
	s->p = VARDATA_ANY(packed);
	s->end = s->p + VARSIZE_ANY_EXHDR(packed);
	s->stream = 0;
	if (s->end - s->p < HEADER_SIZE)
		damaged("It is shorter than its header.");
	if (s->p[0] != ACTIVITY_VERSION || s->p[1] != 0)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
				errmsg("unknown format of activity value: version %d, flags %d", (uint8) s->p[0],
					   (uint8) s->p[1]),
				errdetail("This library reads version %d, flags 0.", ACTIVITY_VERSION),
				errhint(
					"The value may have been written by a newer version of the extension member: "
					"install that version, or restore the value."));
	s->p += HEADER_SIZE;
}

bool
activity_streams_next(ActivityStreams *s, ActivityCursor *c)
{
	uint64 head;
	uint64 length;

	memset(c, 0, sizeof(*c));
	if (s->p == s->end)
		return false;
	head = get_varint(&s->p, s->end);
	length = get_varint(&s->p, s->end);
	if (length > (uint64) (s->end - s->p))
		damaged("A stream runs past the end of the value.");
	if (head < 2 || (head >> 1) > ACTIVITY_MAX_STREAM - s->stream)
		damaged("A stream is out of range.");
	s->stream += (int32) (head >> 1);
	c->stream = s->stream;
	c->p = s->p;
	c->end = s->p = s->p + length;
	if (head & 1)
	{
		c->kind = (int32) get_signed(&c->p, c->end);
		c->run = (int64) get_varint(&c->p, c->end);
	}
	return true;
}

/* The rest of an entry that is not one event of one day; its first day has been read. */
void
activity_next_shaped(ActivityCursor *c, ActivityEntry *e)
{
	uint64 shape = get_varint(&c->p, c->end);
	uint64 amount;

	if ((shape & ~(uint64) (SHAPE_RESERVED - 1)) || (shape & SHAPE_GRAIN) > ACTIVITY_OLDER)
		damaged("An entry is of an unknown shape.");
	e->grain = (int32) (shape & SHAPE_GRAIN);
	e->last = e->first;
	if (shape & SHAPE_SPAN)
		e->last = (DateADT) (e->first + (int64) get_varint(&c->p, c->end));
	c->last = e->last;
	e->count = shape & SHAPE_COUNT ? (int64) get_varint(&c->p, c->end) : 1;
	amount = get_varint(&c->p, c->end);
	e->amount = (int64) (shape & SHAPE_NEGATIVE ? 0 - amount : amount);
	e->largest = e->count > 0 ? e->amount : ACTIVITY_NONE;
	if (shape & SHAPE_LARGEST)
		e->largest = (int64) ((uint64) e->amount - (uint64) get_signed(&c->p, c->end));
	e->active = (int32) Min(e->count, e->grain == ACTIVITY_DAY ? 1 : PG_INT32_MAX);
	if (shape & SHAPE_ACTIVE)
		e->active = (int32) get_varint(&c->p, c->end);
}

bool
activity_seek(const activity *packed, int stream, ActivityCursor *c)
{
	ActivityStreams s;

	activity_streams_begin(packed, &s);
	while (activity_streams_next(&s, c))
	{
		if (c->stream == stream)
			return true;
		if (c->stream > stream)
			break;
	}
	memset(c, 0, sizeof(*c));
	c->stream = stream;
	return false;
}

bool
activity_seek_decoded(const Activity *a, int stream, ActivityCursor *c)
{
	const ActivityStream *s = activity_stream((Activity *) a, stream, false);

	memset(c, 0, sizeof(*c));
	c->stream = stream;
	if (s == NULL)
		return false;
	c->kind = s->kind;
	c->run = s->run;
	c->entry = a->pool + s->start;
	c->stop = c->entry + s->n;
	return true;
}

void
activity_decode(const activity *packed, Activity *out)
{
	ActivityStreams streams;
	ActivityCursor c;

	activity_clear(out);
	activity_streams_begin(packed, &streams);
	while (activity_streams_next(&streams, &c))
	{
		ActivityStream *s = insert_stream(out, out->nstreams, c.stream);
		ActivityEntry *e;

		/* An entry takes two bytes or more; two spare ones let most changes stay in place. */
		activity_reserve(out, s, (int) (c.end - c.p) / 2 + 2);
		s->kind = c.kind;
		s->run = c.run;
		e = out->pool + s->start;
		while (activity_next(&c, e + s->n))
			s->n++;
	}
}

/* -- writing the packed form -- */

static char *
put_shaped(char *p, const ActivityEntry *e)
{
	int32 active = (int32) Min(e->count, e->grain == ACTIVITY_DAY ? 1 : PG_INT32_MAX);
	int64 largest = e->count > 0 ? e->amount : ACTIVITY_NONE;
	int shape = e->grain;

	if (e->last != e->first)
		shape |= SHAPE_SPAN;
	if (e->count != 1)
		shape |= SHAPE_COUNT;
	if (e->amount < 0)
		shape |= SHAPE_NEGATIVE;
	if (e->largest != largest)
		shape |= SHAPE_LARGEST;
	if (e->active != active)
		shape |= SHAPE_ACTIVE;

	*p++ = (char) shape;
	if (shape & SHAPE_SPAN)
		p = put_varint(p, (uint64) (e->last - e->first));
	if (shape & SHAPE_COUNT)
		p = put_varint(p, (uint64) e->count);
	p = put_varint(p, e->amount < 0 ? 0 - (uint64) e->amount : (uint64) e->amount);
	if (shape & SHAPE_LARGEST)
		p = put_signed(p, (int64) ((uint64) e->amount - (uint64) e->largest));
	if (shape & SHAPE_ACTIVE)
		p = put_varint(p, (uint64) e->active);
	return p;
}

/* before is the entry before, or NULL. */
static char *
put_entry(char *p, const ActivityEntry *e, const ActivityEntry *before)
{
	uint64 delta =
		before ? (uint64) (e->first - before->last - 1) : zigzag((int64) e->first - ACTIVITY_BASE);
	bool plain =
		e->grain == ACTIVITY_DAY && e->count == 1 && e->amount >= 0 && e->largest == e->amount;

	p = put_varint(p, delta << 1 | !plain);
	return plain ? put_varint(p, (uint64) e->amount) : put_shaped(p, e);
}

/* The body is written where it would be if its length took three bytes, then moved up to its length. */
static char *
put_stream(char *p, const Activity *a, const ActivityStream *s, int32 id_before)
{
	const ActivityEntry *e = a->pool + s->start;
	char *body;
	char *q;

	p = put_varint(p, (uint64) (s->id - id_before) << 1 | (s->run > 0));
	q = body = p + LENGTH_MAX;
	if (s->run > 0)
	{
		q = put_signed(q, s->kind);
		q = put_varint(q, (uint64) s->run);
	}
	for (int i = 0; i < s->n; i++)
		q = put_entry(q, e + i, i > 0 ? e + i - 1 : NULL);
	p = put_varint(p, (uint64) (q - body));
	memmove(p, body, q - body);
	return p + (q - body);
}

static void
check_limits(int streams, int entries)
{
	if (streams > ACTIVITY_MAX_STREAMS)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("too many streams in activity"),
				errdetail("A value holds at most %d streams, this one would hold %d.",
						  ACTIVITY_MAX_STREAMS, streams));
	if (entries > ACTIVITY_MAX_ENTRIES)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("too many entries in activity"),
				errdetail("A value holds at most %d days and months, this one would hold %d.",
						  ACTIVITY_MAX_ENTRIES, entries),
				errhint("Fold old days into months with member.trim."));
}

activity *
activity_encode(const Activity *a)
{
	int entries = 0;
	int32 id = 0;
	char *out;
	char *p;

	for (int i = 0; i < a->nstreams; i++)
		entries += a->streams[i].n;
	check_limits(a->nstreams, entries);
	out = palloc(VARHDRSZ + HEADER_SIZE + a->nstreams * STREAM_MAX + entries * ENTRY_MAX);
	p = out + VARHDRSZ;
	*p++ = ACTIVITY_VERSION;
	*p++ = 0;
	for (int i = 0; i < a->nstreams; i++)
	{
		p = put_stream(p, a, a->streams + i, id);
		id = a->streams[i].id;
	}
	SET_VARSIZE(out, p - out);
	return (activity *) out;
}

activity *
activity_empty(void)
{
	Activity none;

	activity_init(&none);
	return activity_encode(&none);
}
