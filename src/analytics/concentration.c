/*
 * concentration.c: how evenly amounts are spread over members.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "util/counts.h"

#define DECILES 10

static int
descending(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return x > y ? -1 : x < y;
}

/* The amounts of argument 0, the largest first. */
static int64 *
sorted(FunctionCallInfo fcinfo, int *n)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	int64 *amount;

	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (ARR_ELEMTYPE(array) != INT8OID || ARR_HASNULL(array))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("amounts must not be null"));
	amount = MemoryContextAllocHuge(CurrentMemoryContext, (*n + 1) * sizeof(int64));
	memcpy(amount, ARR_DATA_PTR(array), *n * sizeof(int64));
	qsort(amount, *n, sizeof(int64), descending);
	return amount;
}

/* amounts_by_decile(amounts): of each tenth of the members, the largest amounts first, how many and their sum */
PG_FUNCTION_INFO_V1(member_amounts_by_decile);
Datum
member_amounts_by_decile(PG_FUNCTION_ARGS)
{
	int n;
	int64 *amount = sorted(fcinfo, &n);
	int64 sum[DECILES][2] = {{0}};
	Datum element[2 * DECILES];
	int dims[2] = {DECILES, 2};
	int lower[2] = {1, 1};
	int next = 0;

	for (int d = 0; d < DECILES; d++)
	{
		/* sizes as of ntile(): they differ by one, the larger ones first */
		int size = n / DECILES + (d < n % DECILES);

		sum[d][0] = size;
		while (size-- > 0)
			counts_add(&sum[d][1], amount[next++]);
	}
	for (int i = 0; i < 2 * DECILES; i++)
		element[i] = Int64GetDatum(sum[i / 2][i % 2]);
	PG_RETURN_ARRAYTYPE_P(construct_md_array(element, NULL, 2, dims, lower, INT8OID, sizeof(int64),
											 FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* amounts_gini(amounts): (n + 1 - 2 (sum of i x_i) / (sum of x_i)) / n, i counted from the largest; null when all are 0 */
PG_FUNCTION_INFO_V1(member_amounts_gini);
Datum
member_amounts_gini(PG_FUNCTION_ARGS)
{
	int n;
	int64 *amount = sorted(fcinfo, &n);
	double sum = 0;
	double weighted = 0;

	if (n > 0 && amount[n - 1] < 0)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("amounts must not be negative: %lld", (long long) amount[n - 1]));
	for (int i = 0; i < n; i++)
	{
		sum += (double) amount[i];
		weighted += (i + 1) * (double) amount[i];
	}
	if (sum == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((n + 1 - 2 * weighted / sum) / n);
}
