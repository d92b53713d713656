/*
 * counts.c: adding up figures by day in one pass over the members.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/array.h"

#include "errors.h"
#include "util/counts.h"

void
counts_add(int64 *sum, int64 n)
{
	if (pg_add_s64_overflow(*sum, n, sum))
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("sum out of range"),
				errdetail("It does not fit into a bigint."));
}

static void
check_shape(ArrayType *a, int days, int columns)
{
	if (ARR_ELEMTYPE(a) != INT8OID || ARR_NDIM(a) != 2 || ARR_HASNULL(a) ||
		ARR_DIMS(a)[0] != days || ARR_DIMS(a)[1] != columns)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("counts must have %d rows of %d numbers", days, columns),
				errhint("The window must be the same in every row that is aggregated."));
}

int64 *
counts_state(FunctionCallInfo fcinfo, int days, int columns, Datum *state)
{
	MemoryContext context;
	bool aggregate = AggCheckCallContext(fcinfo, &context) != 0;
	ArrayType *a;

	if (days < 1 || days > COUNTS_MAX_DAYS)
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION), errmsg("invalid window of %d days", days),
				errdetail("It has 1 to %d days.", COUNTS_MAX_DAYS));
	if (!PG_ARGISNULL(0))
	{
		/* of the aggregate the very array that was returned before */
		a = aggregate ? PG_GETARG_ARRAYTYPE_P(0) : PG_GETARG_ARRAYTYPE_P_COPY(0);
		check_shape(a, days, columns);
	}
	else
	{
		Size size = ARR_OVERHEAD_NONULLS(2) + sizeof(int64) * days * columns;

		a = MemoryContextAllocZero(aggregate ? context : CurrentMemoryContext, size);
		SET_VARSIZE(a, size);
		a->ndim = 2;
		a->elemtype = INT8OID;
		ARR_DIMS(a)[0] = days;
		ARR_DIMS(a)[1] = columns;
		ARR_LBOUND(a)[0] = ARR_LBOUND(a)[1] = 1;
	}
	*state = PointerGetDatum(a);
	return (int64 *) ARR_DATA_PTR(a);
}

/* counts_plus(counts, counts): the combination; null is the state of no rows */
PG_FUNCTION_INFO_V1(member_counts_plus);
Datum
member_counts_plus(PG_FUNCTION_ARGS)
{
	ArrayType *other;
	int64 *sum;
	Datum state;
	int rows;
	int columns;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	other = PG_GETARG_ARRAYTYPE_P(1);
	rows = ARR_NDIM(other) == 2 ? ARR_DIMS(other)[0] : 0;
	columns = ARR_NDIM(other) == 2 ? ARR_DIMS(other)[1] : 0;
	check_shape(other, rows, columns);
	sum = counts_state(fcinfo, rows, columns, &state);
	for (int i = 0; i < rows * columns; i++)
		counts_add(&sum[i], ((int64 *) ARR_DATA_PTR(other))[i]);
	PG_RETURN_DATUM(state);
}

static int
by_value(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

/* count_different(ids): the end of count_members, whose state is the list of all of them */
PG_FUNCTION_INFO_V1(member_count_different);
Datum
member_count_different(PG_FUNCTION_ARGS)
{
	ArrayType *a = PG_GETARG_ARRAYTYPE_P(0);
	int n = ArrayGetNItems(ARR_NDIM(a), ARR_DIMS(a));
	int64 different = n > 0;
	int64 *id;

	if (ARR_ELEMTYPE(a) != INT8OID || ARR_HASNULL(a))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("ids must not be null"));
	id = palloc((n + 1) * sizeof(int64));
	memcpy(id, ARR_DATA_PTR(a), n * sizeof(int64));
	qsort(id, n, sizeof(int64), by_value);
	for (int i = 1; i < n; i++)
		different += id[i] != id[i - 1];
	pfree(id);
	PG_RETURN_INT64(different);
}
