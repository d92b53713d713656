/*
 * value_stats_io.c: text and binary form of value_stats.
 *
 * Text: the histories and how many members have each, ascending; "~" and the grain where they are rounded.
 *	 times(0/0/40:12,2/31/64:1) money(2/25800:1)
 * A time is x/t_x/t, what was spent x/amount.
 */
#include "compat.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "nodes/nodes.h"
#include "utils/builtins.h"

#include "analytics/value.h"
#include "util/scan.h"

static const char *const sort_names[VALUE_SORTS] = {"times", "money"};

static bool
grain_check(int64 grain, Node *soft)
{
	if (grain < 0 || grain > VALUE_MAX_GRAIN)
		ereturn(soft, false, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("grain of value_stats is out of range: %lld", (long long) grain),
				errdetail("It must be between 0 and %d.", VALUE_MAX_GRAIN));
	return true;
}

/* The one validator of text and binary input: takes an entry; false after a soft error. */
static bool
take(ValueStats *s, ValueSort sort, int64 x, int64 t_x, int64 t, int64 members, ValueEntry *before,
	 Node *soft)
{
	ValueMap *map = &s->map[sort];
	ValueEntry e = {.x = (int32) x};

	if (x < 0 || x > VALUE_MAX_DAYS || t < 0 ||
		(sort == VALUE_TIMES ? t_x < 0 || t_x > t || t > VALUE_MAX_DAYS || (x == 0 && t_x > 0)
							 : x == 0 || t == 0 || t > VALUE_MAX_AMOUNT))
		ereturn(soft, false, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("impossible entry of %s in value_stats", sort_names[sort]),
				errdetail("Times are x/t_x/t with 0 <= t_x <= t <= %d and t_x 0 when x is, money "
						  "x/amount with both greater than 0.",
						  VALUE_MAX_DAYS));
	if (members < 1 || members > PG_UINT32_MAX)
		ereturn(soft, false, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("number of members is out of range: %lld", (long long) members),
				errdetail("It must be between 1 and %u.", PG_UINT32_MAX));
	e.rest = sort == VALUE_TIMES ? value_times((int32) t_x, (int32) t) : (uint64) t;
	e.members = (uint32) members;
	if (value_round(sort, e.rest, map->grain) != e.rest ||
		(before->members > 0 && (e.x < before->x || (e.x == before->x && e.rest <= before->rest))))
		ereturn(soft, false, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("entries of %s are not ascending, or not of the grain", sort_names[sort]));
	if (map->used >= VALUE_MAX_ENTRIES)
		ereturn(soft, false, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("too many entries of %s in value_stats", sort_names[sort]),
				errdetail("There are up to %d.", VALUE_MAX_ENTRIES));
	value_stats_add(s, sort, &e, map->grain);
	*before = e;
	return true;
}

static bool
read_sort(Scanner *in, ValueStats *s, ValueSort sort)
{
	ValueEntry before = {0};
	int64 grain = 0;

	if (!scan_is_word(in, sort_names[sort]))
		return scan_fail(in, psprintf("\"%s\"", sort_names[sort]));
	if (scan_is(in, '~') && !scan_int(in, PG_INT32_MIN, PG_INT32_MAX, &grain))
		return false;
	if (!grain_check(grain, in->soft) || !scan_expect(in, '('))
		return false;
	s->map[sort].grain = (int) grain;
	if (scan_is(in, ')'))
		return true;
	do
	{
		int64 x;
		int64 t_x = 0;
		int64 t;
		int64 members;

		if (!scan_int(in, PG_INT64_MIN, PG_INT64_MAX, &x) || !scan_expect(in, '/') ||
			(sort == VALUE_TIMES &&
			 (!scan_int(in, PG_INT64_MIN, PG_INT64_MAX, &t_x) || !scan_expect(in, '/'))) ||
			!scan_int(in, PG_INT64_MIN, PG_INT64_MAX, &t) || !scan_expect(in, ':') ||
			!scan_int(in, PG_INT64_MIN, PG_INT64_MAX, &members) ||
			!take(s, sort, x, t_x, t, members, &before, in->soft))
			return false;
	} while (scan_is(in, ','));
	return scan_expect(in, ')');
}

PG_FUNCTION_INFO_V1(value_stats_in);
Datum
value_stats_in(PG_FUNCTION_ARGS)
{
	Scanner in;
	ValueStats *s = value_stats_new(CurrentMemoryContext);

	scan_begin(&in, "value_stats", PG_GETARG_CSTRING(0), soft_context(fcinfo));
	for (int i = 0; i < VALUE_SORTS; i++)
		if (!read_sort(&in, s, i))
			PG_RETURN_NULL();
	if (!scan_end(&in))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(value_stats_pack(s));
}

PG_FUNCTION_INFO_V1(value_stats_out);
Datum
value_stats_out(PG_FUNCTION_ARGS)
{
	ValueList list[VALUE_SORTS];
	StringInfoData out;

	value_stats_open(PG_GETARG_VARLENA_PP(0), list);
	initStringInfo(&out);
	for (int i = 0; i < VALUE_SORTS; i++)
	{
		appendStringInfo(&out, "%s%s", i > 0 ? " " : "", sort_names[i]);
		if (list[i].grain > 0)
			appendStringInfo(&out, "~%d", list[i].grain);
		appendStringInfoChar(&out, '(');
		for (int j = 0; j < list[i].n; j++)
		{
			const ValueEntry *e = &list[i].entry[j];

			appendStringInfo(&out, "%s%d/", j > 0 ? "," : "", e->x);
			if (i == VALUE_TIMES)
				appendStringInfo(&out, "%d/%d", value_t_x(e->rest), value_t(e->rest));
			else
				appendStringInfo(&out, "%lld", (long long) e->rest);
			appendStringInfo(&out, ":%u", e->members);
		}
		appendStringInfoChar(&out, ')');
	}
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(value_stats_recv);
Datum
value_stats_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	ValueStats *s = value_stats_new(CurrentMemoryContext);

	for (int i = 0; i < VALUE_SORTS; i++)
	{
		ValueEntry before = {0};
		int grain = pq_getmsgbyte(in);
		uint32 n = pq_getmsgint(in, 4);

		grain_check(grain, NULL);
		s->map[i].grain = grain;
		while (n-- > 0)
		{
			int64 x = pq_getmsgint(in, 4);
			int64 t_x = i == VALUE_TIMES ? pq_getmsgint(in, 4) : 0;
			int64 t = pq_getmsgint64(in);
			int64 members = pq_getmsgint(in, 4);

			take(s, i, x, t_x, t, members, &before, NULL);
		}
	}
	PG_RETURN_POINTER(value_stats_pack(s));
}

PG_FUNCTION_INFO_V1(value_stats_send);
Datum
value_stats_send(PG_FUNCTION_ARGS)
{
	ValueList list[VALUE_SORTS];
	StringInfoData out;

	value_stats_open(PG_GETARG_VARLENA_PP(0), list);
	pq_begintypsend(&out);
	for (int i = 0; i < VALUE_SORTS; i++)
	{
		pq_sendint8(&out, list[i].grain);
		pq_sendint32(&out, list[i].n);
		for (int j = 0; j < list[i].n; j++)
		{
			const ValueEntry *e = &list[i].entry[j];

			pq_sendint32(&out, e->x);
			if (i == VALUE_TIMES)
				pq_sendint32(&out, value_t_x(e->rest));
			pq_sendint64(&out, i == VALUE_TIMES ? value_t(e->rest) : (int64) e->rest);
			pq_sendint32(&out, e->members);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Entries are ascending, so equal statistics are equal bytes. */
PG_FUNCTION_INFO_V1(value_stats_eq);
Datum
value_stats_eq(PG_FUNCTION_ARGS)
{
	return byteaeq(fcinfo);
}

PG_FUNCTION_INFO_V1(value_stats_ne);
Datum
value_stats_ne(PG_FUNCTION_ARGS)
{
	return byteane(fcinfo);
}

PG_FUNCTION_INFO_V1(value_stats_hash);
Datum
value_stats_hash(PG_FUNCTION_ARGS)
{
	return hashvarlena(fcinfo);
}

PG_FUNCTION_INFO_V1(value_stats_hash_extended);
Datum
value_stats_hash_extended(PG_FUNCTION_ARGS)
{
	return hashvarlenaextended(fcinfo);
}
