/*
 * activity_sql.c: SQL functions that change activity, sum it up, or take it apart.
 *
 * The readers' SQL functions stand with the readers, in activity_read.c.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "types/activity.h"

PG_FUNCTION_INFO_V1(activity_sql_add);
PG_FUNCTION_INFO_V1(activity_sql_correct);
PG_FUNCTION_INFO_V1(activity_sql_trim);
PG_FUNCTION_INFO_V1(activity_sql_merge);
PG_FUNCTION_INFO_V1(activity_sql_agg_step);
PG_FUNCTION_INFO_V1(activity_sql_streams);
PG_FUNCTION_INFO_V1(activity_sql_unnest);

/* One of two decoded forms that live as long as the call site, so that a query allocates them once. */
static Activity *
scratch(FunctionCallInfo fcinfo, int i)
{
	Activity *a;

	if (fcinfo->flinfo == NULL)
		return palloc0(sizeof(Activity));
	a = fcinfo->flinfo->fn_extra;
	if (a == NULL)
	{
		MemoryContext context = fcinfo->flinfo->fn_mcxt;

		a = MemoryContextAllocZero(context, 2 * sizeof(Activity));
		for (int k = 0; k < 2; k++)
		{
			a[k].streams = MemoryContextAlloc(context, 4 * sizeof(ActivityStream));
			a[k].maxstreams = 4;
			a[k].pool = MemoryContextAlloc(context, 32 * sizeof(ActivityEntry));
			a[k].size = 32;
		}
		fcinfo->flinfo->fn_extra = a;
	}
	return a + i;
}

/* Arguments that are values, not options. */
static void
refuse_nulls(FunctionCallInfo fcinfo, int n)
{
	static const char *const names[] = {"activity", "stream", "day", "count", "amount"};

	for (int i = 0; i < n; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("%s must not be null", names[i]),
					i == 0 ? errhint("Activity without events is 'empty'.") : 0);
}

static Activity *
decoded_argument(FunctionCallInfo fcinfo)
{
	Activity *a = scratch(fcinfo, 0);

	activity_decode((activity *) PG_GETARG_VARLENA_PP(0), a);
	return a;
}

/* add(activity, stream, day, count, amount, largest, kind) */
Datum
activity_sql_add(PG_FUNCTION_ARGS)
{
	Activity *a;
	int64 count;
	int64 amount;
	int64 largest;

	refuse_nulls(fcinfo, 5);
	a = decoded_argument(fcinfo);
	count = PG_GETARG_INT64(3);
	largest = amount = PG_GETARG_INT64(4);
	if (!PG_ARGISNULL(5))
		largest = PG_GETARG_INT64(5);
	else if (count > 1 && amount != 0)
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("largest must not be null when there is more than one event"),
				errhint("Give the largest single amount of the events, or add them one by one."));
	activity_do_add(a, PG_GETARG_INT16(1), PG_GETARG_DATEADT(2), count, amount, largest,
					PG_ARGISNULL(6) ? 0 : PG_GETARG_INT32(6));
	PG_RETURN_POINTER(activity_encode(a));
}

/* correct(activity, stream, day, count, amount, largest) */
Datum
activity_sql_correct(PG_FUNCTION_ARGS)
{
	Activity *a;
	int64 largest = 0;

	refuse_nulls(fcinfo, 5);
	a = decoded_argument(fcinfo);
	if (!PG_ARGISNULL(5))
		largest = PG_GETARG_INT64(5);
	activity_do_correct(a, PG_GETARG_INT16(1), PG_GETARG_DATEADT(2), PG_GETARG_INT64(3),
						PG_GETARG_INT64(4), PG_ARGISNULL(5) ? NULL : &largest);
	PG_RETURN_POINTER(activity_encode(a));
}

/* trim(activity, stream, day, keep_days, keep_months) */
Datum
activity_sql_trim(PG_FUNCTION_ARGS)
{
	Activity *a;

	refuse_nulls(fcinfo, 3);
	a = decoded_argument(fcinfo);
	activity_do_trim(a, PG_GETARG_INT16(1), PG_GETARG_DATEADT(2),
					 PG_ARGISNULL(3) ? ACTIVITY_KEEP_ALL : PG_GETARG_INT32(3),
					 PG_ARGISNULL(4) ? ACTIVITY_KEEP_ALL : PG_GETARG_INT32(4));
	PG_RETURN_POINTER(activity_encode(a));
}

/* activity + activity, and the aggregates' combination */
Datum
activity_sql_merge(PG_FUNCTION_ARGS)
{
	activity *x = (activity *) PG_GETARG_VARLENA_PP(0);
	activity *y = (activity *) PG_GETARG_VARLENA_PP(1);
	Activity *a;
	Activity *b;

	a = scratch(fcinfo, 0);
	b = scratch(fcinfo, 1);
	activity_decode(x, a);
	activity_decode(y, b);
	activity_do_merge(a, b);
	PG_RETURN_POINTER(activity_encode(a));
}

/* Transition of activity_agg: state, stream, day, amount */
Datum
activity_sql_agg_step(PG_FUNCTION_ARGS)
{
	Activity *a = decoded_argument(fcinfo);

	activity_do_add(a, PG_GETARG_INT16(1), PG_GETARG_DATEADT(2), 1, PG_GETARG_INT64(3), 0, 0);
	PG_RETURN_POINTER(activity_encode(a));
}

Datum
activity_sql_streams(PG_FUNCTION_ARGS)
{
	ActivityStreams streams;
	ActivityCursor c;
	Datum ids[ACTIVITY_MAX_STREAMS];
	int n = 0;

	activity_streams_begin((activity *) PG_GETARG_VARLENA_PP(0), &streams);
	while (n < ACTIVITY_MAX_STREAMS && activity_streams_next(&streams, &c))
		ids[n++] = Int16GetDatum((int16) c.stream);
	PG_RETURN_ARRAYTYPE_P(construct_array(ids, n, INT2OID, sizeof(int16), true, TYPALIGN_SHORT));
}

/* One row an entry: stream, grain, since, until, count, amount, largest, active_days */
Datum
activity_sql_unnest(PG_FUNCTION_ARGS)
{
	static const char *const grains[] = {"day", "month", "older"};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ActivityStreams streams;
	ActivityCursor c;
	ActivityEntry e;

	InitMaterializedSRF(fcinfo, 0);
	activity_streams_begin((activity *) PG_GETARG_VARLENA_PP(0), &streams);
	while (activity_streams_next(&streams, &c))
		while (activity_next(&c, &e))
		{
			Datum values[8];
			bool nulls[8] = {false};

			CHECK_FOR_INTERRUPTS();
			values[0] = Int16GetDatum((int16) c.stream);
			values[1] = CStringGetTextDatum(grains[e.grain]);
			values[2] = DateADTGetDatum(e.first);
			values[3] = DateADTGetDatum(e.last + 1);
			values[4] = Int64GetDatum(e.count);
			values[5] = Int64GetDatum(e.amount);
			values[6] = Int64GetDatum(e.largest);
			nulls[6] = e.count == 0;
			values[7] = Int32GetDatum(activity_active(&e));
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	return (Datum) 0;
}
