/*
 * activity_io.c: text and binary form of activity, and its comparison.
 *
 * Text, with white space anywhere between the parts:
 *
 *	activity	empty | stream ...
 *	stream		ID { entry , ... [ ; KIND x RUN ] }
 *	entry		span : COUNT [ / AMOUNT ] [ ^ LARGEST ] [ * ACTIVE-DAYS ]
 *	span		DATE (day) | DATE .. DD (month) | ~ DATE .. DATE (older)
 *
 * What is left out: an amount of 0, a largest equal to the amount, as many active days as events.
 */
#include "compat.h"

#include "common/hashfn.h"
#include "common/int.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"

#include "errors.h"
#include "types/activity.h"
#include "util/scan.h"

PG_FUNCTION_INFO_V1(activity_in);
PG_FUNCTION_INFO_V1(activity_out);
PG_FUNCTION_INFO_V1(activity_recv);
PG_FUNCTION_INFO_V1(activity_send);
PG_FUNCTION_INFO_V1(activity_cmp);
PG_FUNCTION_INFO_V1(activity_eq);
PG_FUNCTION_INFO_V1(activity_ne);
PG_FUNCTION_INFO_V1(activity_lt);
PG_FUNCTION_INFO_V1(activity_le);
PG_FUNCTION_INFO_V1(activity_gt);
PG_FUNCTION_INFO_V1(activity_ge);
PG_FUNCTION_INFO_V1(activity_hash);
PG_FUNCTION_INFO_V1(activity_hash_extended);

/* -- the validator of text and binary input: a value is built entry by entry -- */

typedef struct Builder
{
	Activity a;
	int entries;
	Node *soft;
} Builder;

static ActivityStream *
builder_stream(Builder *b)
{
	return b->a.streams + b->a.nstreams - 1;
}

static bool
invalid_entry(Builder *b, const ActivityEntry *e, const char *rule)
{
	char first[32];

	put_date(first, e->first);
	ereturn(b->soft, false, errcode(ERRCODE_DATA_EXCEPTION),
			errmsg("invalid value for type activity"),
			errdetail("Stream %d, entry of %s: %s.", builder_stream(b)->id, first, rule));
}

static bool
invalid_stream(Builder *b, int64 id, const char *rule)
{
	ereturn(b->soft, false, errcode(ERRCODE_DATA_EXCEPTION),
			errmsg("invalid value for type activity"),
			errdetail("Stream " INT64_FORMAT ": %s.", id, rule));
}

static bool
build_stream(Builder *b, int64 id)
{
	if (id < 1 || id > ACTIVITY_MAX_STREAM)
		return invalid_stream(b, id, "a stream is a number between 1 and 32767");
	if (b->a.nstreams > 0 && id <= builder_stream(b)->id)
		return invalid_stream(b, id, "streams must ascend");
	if (b->a.nstreams == ACTIVITY_MAX_STREAMS)
		ereturn(b->soft, false, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("too many streams in activity"),
				errdetail("A value holds at most %d streams.", ACTIVITY_MAX_STREAMS));
	activity_stream(&b->a, (int) id, true);
	return true;
}

/* What an entry must be by itself; NULL when it is. */
static const char *
entry_fault(const ActivityEntry *e)
{
	if (!day_in_range(e->first) || !day_in_range(e->last))
		return "a day must be between 1900-01-01 and 9999-12-31";
	if (e->grain < ACTIVITY_DAY || e->grain > ACTIVITY_OLDER)
		return "the grain must be day, month or older";
	if (e->last < e->first || (e->grain == ACTIVITY_DAY && e->last != e->first))
		return "the last day must not be before the first";
	if (e->grain == ACTIVITY_MONTH && month_of(e->first) != month_of(e->last))
		return "a month entry must lie within one month";
	if (e->count < 0)
		return "the count must not be negative";
	if (e->count == 0 && e->amount == 0)
		return "the count and the amount must not both be zero";
	if (e->count == 0 && (e->largest != ACTIVITY_NONE || e->active != 0))
		return "without events there is no largest and no active day";
	if (e->count > 0 && (e->active < 1 || e->active > e->count))
		return "active days must be between 1 and the count";
	if (e->count > 0 && e->grain == ACTIVITY_DAY && e->active != 1)
		return "a day is one active day";
	return NULL;
}

static bool
build_entry(Builder *b, const ActivityEntry *e)
{
	ActivityStream *s = builder_stream(b);
	const ActivityEntry *before = s->n > 0 ? b->a.pool + s->start + s->n - 1 : NULL;
	const char *fault = entry_fault(e);

	if (fault)
		return invalid_entry(b, e, fault);
	if (before && (e->grain == ACTIVITY_OLDER || e->first <= before->last))
		return invalid_entry(b, e, "entries must ascend, older first");
	if (before && (e->grain != ACTIVITY_DAY || before->grain != ACTIVITY_DAY) &&
		month_of(e->first) == month_of(before->last))
		return invalid_entry(b, e, "the month has a folded entry already, which holds all of it");
	if (b->entries++ == ACTIVITY_MAX_ENTRIES)
		ereturn(b->soft, false, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("too many entries in activity"),
				errdetail("A value holds at most %d days and months.", ACTIVITY_MAX_ENTRIES));
	activity_reserve(&b->a, s, s->n + 1);
	b->a.pool[s->start + s->n++] = *e;
	return true;
}

static bool
build_run(Builder *b, int64 kind, int64 run)
{
	ActivityStream *s = builder_stream(b);
	int64 left = run;

	if (s->n == 0)
		return invalid_stream(b, s->id, "there must be an entry");
	if (run < 0 || (kind == 0) != (run == 0))
		return invalid_stream(b, s->id,
							  "a run has a kind other than 0 and a length above 0, or neither");
	for (int i = 0; i < s->n && left > 0; i++)
		left -= Min(left, b->a.pool[s->start + i].count);
	if (left > 0)
		return invalid_stream(b, s->id, "the run must not be longer than there are events");
	s->kind = (int32) kind;
	s->run = run;
	return true;
}

/* -- text -- */

static bool
scan_span(Scanner *s, ActivityEntry *e)
{
	int64 last;

	e->grain = scan_is(s, '~') ? ACTIVITY_OLDER : ACTIVITY_DAY;
	if (!scan_date(s, &e->first))
		return false;
	e->last = e->first;
	if (e->grain == ACTIVITY_OLDER)
		return scan_expect(s, '.') && scan_expect(s, '.') && scan_date(s, &e->last);
	if (!scan_is(s, '.'))
		return true;
	e->grain = ACTIVITY_MONTH;
	if (!scan_expect(s, '.') || !scan_int(s, 1, 31, &last))
		return false;
	if (day_in_range(e->first))
		e->last = (DateADT) (month_start(month_of(e->first)) + last - 1);
	return true;
}

static bool
scan_entry(Scanner *s, ActivityEntry *e)
{
	int64 active;

	e->amount = 0;
	if (!scan_span(s, e) || !scan_expect(s, ':') || !scan_int(s, 0, PG_INT64_MAX, &e->count))
		return false;
	if (scan_is(s, '/') && !scan_int(s, PG_INT64_MIN, PG_INT64_MAX, &e->amount))
		return false;
	e->largest = e->count > 0 ? e->amount : ACTIVITY_NONE;
	if (scan_is(s, '^') && !scan_int(s, PG_INT64_MIN, PG_INT64_MAX, &e->largest))
		return false;
	active = Min(e->count, e->grain == ACTIVITY_DAY ? 1 : PG_INT32_MAX);
	if (e->grain != ACTIVITY_DAY && scan_is(s, '*') && !scan_int(s, 0, PG_INT32_MAX, &active))
		return false;
	e->active = (int32) active;
	return true;
}

static bool
scan_stream(Scanner *s, Builder *b)
{
	ActivityEntry e;
	int64 id;
	int64 kind = 0;
	int64 run = 0;

	if (!scan_int(s, PG_INT32_MIN, PG_INT32_MAX, &id) || !scan_expect(s, '{') ||
		!build_stream(b, id))
		return false;
	do
	{
		if (!scan_entry(s, &e) || !build_entry(b, &e))
			return false;
	} while (scan_is(s, ','));
	if (scan_is(s, ';') && (!scan_int(s, PG_INT32_MIN, PG_INT32_MAX, &kind) ||
							!scan_expect(s, 'x') || !scan_int(s, 0, PG_INT64_MAX, &run)))
		return false;
	return scan_expect(s, '}') && build_run(b, kind, run);
}

Datum
activity_in(PG_FUNCTION_ARGS)
{
	Scanner s;
	Builder b = {.soft = soft_context(fcinfo)};

	scan_begin(&s, "activity", PG_GETARG_CSTRING(0), b.soft);
	if (scan_is_word(&s, "empty"))
	{
		if (!scan_end(&s))
			PG_RETURN_NULL();
	}
	else
	{
		do
		{
			if (!scan_stream(&s, &b))
				PG_RETURN_NULL();
			scan_space(&s);
		} while (*s.p != '\0');
	}
	PG_RETURN_POINTER(activity_encode(&b.a));
}

static void
append_entry(StringInfo out, const ActivityEntry *e)
{
	if (e->grain == ACTIVITY_OLDER)
		appendStringInfoChar(out, '~');
	append_date(out, e->first);
	if (e->grain == ACTIVITY_OLDER)
	{
		appendStringInfoString(out, "..");
		append_date(out, e->last);
	}
	else if (e->grain == ACTIVITY_MONTH)
		appendStringInfo(out, "..%02d", e->last - month_start(month_of(e->last)) + 1);
	appendStringInfo(out, ":" INT64_FORMAT, e->count);
	if (e->amount != 0)
		appendStringInfo(out, "/" INT64_FORMAT, e->amount);
	if (e->count > 0 && e->largest != e->amount)
		appendStringInfo(out, "^" INT64_FORMAT, e->largest);
	if (e->grain != ACTIVITY_DAY && e->active != Min(e->count, PG_INT32_MAX))
		appendStringInfo(out, "*%d", e->active);
}

Datum
activity_out(PG_FUNCTION_ARGS)
{
	ActivityStreams streams;
	ActivityCursor c;
	ActivityEntry e;
	StringInfoData out;

	initStringInfo(&out);
	activity_streams_begin((activity *) PG_GETARG_VARLENA_PP(0), &streams);
	while (activity_streams_next(&streams, &c))
	{
		appendStringInfo(&out, "%s%d{", out.len > 0 ? " " : "", c.stream);
		for (const char *before = ""; activity_next(&c, &e); before = ", ")
		{
			appendStringInfoString(&out, before);
			append_entry(&out, &e);
		}
		if (c.run > 0)
			appendStringInfo(&out, "; %dx" INT64_FORMAT, c.kind, c.run);
		appendStringInfoChar(&out, '}');
	}
	if (out.len == 0)
		appendStringInfoString(&out, "empty");
	PG_RETURN_CSTRING(out.data);
}

/* -- binary: version, then streams of (id, kind, run, entries), all integers in network order -- */

static void
recv_entry(StringInfo in, ActivityEntry *e)
{
	e->grain = (uint8) pq_getmsgbyte(in);
	e->first = (DateADT) pq_getmsgint(in, 4);
	e->last = (DateADT) pq_getmsgint(in, 4);
	e->count = pq_getmsgint64(in);
	e->amount = pq_getmsgint64(in);
	e->largest = pq_getmsgint64(in);
	e->active = (int32) pq_getmsgint(in, 4);
	if (e->count == 0 && e->largest == 0)
		e->largest = ACTIVITY_NONE;
}

Datum
activity_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	Builder b = {.soft = NULL};
	int version = pq_getmsgbyte(in);
	uint32 nstreams;

	if (version != ACTIVITY_VERSION)
		ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				errmsg("unknown binary format of activity: version %d", version),
				errdetail("This library reads version %d.", ACTIVITY_VERSION));
	nstreams = pq_getmsgint(in, 4);
	for (uint32 i = 0; i < nstreams; i++)
	{
		ActivityEntry e;
		int32 kind;
		int64 run;
		uint32 n;

		build_stream(&b, (int16) pq_getmsgint(in, 2));
		kind = (int32) pq_getmsgint(in, 4);
		run = pq_getmsgint64(in);
		n = pq_getmsgint(in, 4);
		while (n-- > 0)
		{
			recv_entry(in, &e);
			build_entry(&b, &e);
		}
		build_run(&b, kind, run);
	}
	PG_RETURN_POINTER(activity_encode(&b.a));
}

Datum
activity_send(PG_FUNCTION_ARGS)
{
	Activity a;
	StringInfoData out;

	activity_init(&a);
	activity_decode((activity *) PG_GETARG_VARLENA_PP(0), &a);
	pq_begintypsend(&out);
	pq_sendint8(&out, ACTIVITY_VERSION);
	pq_sendint32(&out, a.nstreams);
	for (int i = 0; i < a.nstreams; i++)
	{
		const ActivityStream *s = a.streams + i;

		pq_sendint16(&out, s->id);
		pq_sendint32(&out, s->kind);
		pq_sendint64(&out, s->run);
		pq_sendint32(&out, s->n);
		for (const ActivityEntry *e = a.pool + s->start; e < a.pool + s->start + s->n; e++)
		{
			pq_sendint8(&out, e->grain);
			pq_sendint32(&out, e->first);
			pq_sendint32(&out, e->last);
			pq_sendint64(&out, e->count);
			pq_sendint64(&out, e->amount);
			pq_sendint64(&out, e->count > 0 ? e->largest : 0);
			pq_sendint32(&out, e->active);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* -- comparison: equal values are equal bytes, so the order of the bytes is an order of the values -- */

static int
compare(FunctionCallInfo fcinfo)
{
	activity *a = (activity *) PG_GETARG_VARLENA_PP(0);
	activity *b = (activity *) PG_GETARG_VARLENA_PP(1);
	int alen = VARSIZE_ANY_EXHDR(a);
	int blen = VARSIZE_ANY_EXHDR(b);
	int result = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(alen, blen));

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	if (result == 0)
		result = (alen > blen) - (alen < blen);
	return result;
}

Datum
activity_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(fcinfo));
}

Datum
activity_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) == 0);
}

Datum
activity_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) != 0);
}

Datum
activity_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) < 0);
}

Datum
activity_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) <= 0);
}

Datum
activity_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) > 0);
}

Datum
activity_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) >= 0);
}

Datum
activity_hash(PG_FUNCTION_ARGS)
{
	activity *a = (activity *) PG_GETARG_VARLENA_PP(0);
	Datum hash = hash_any((unsigned char *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a));

	PG_FREE_IF_COPY(a, 0);
	return hash;
}

Datum
activity_hash_extended(PG_FUNCTION_ARGS)
{
	activity *a = (activity *) PG_GETARG_VARLENA_PP(0);
	Datum hash = hash_any_extended((unsigned char *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a),
								   PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(a, 0);
	return hash;
}
