/*
 * kmeans.c: the steps of k-means over rows, each one aggregate: a pass of Lloyd's algorithm (S. Lloyd, "Least
 * squares quantization in PCM", 1982) and the choice of a first centre by k-means++ (D. Arthur, S. Vassilvitskii,
 * "k-means++: the advantages of careful seeding", 2007).
 *
 * Neither result hangs on the order of the rows or on how workers divide them: sums are kept as whole numbers
 * and fractions in units of 2^-32, whose addition is exact; and a row is drawn by a number that its own key gives.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/tuplestore.h"

#include "errors.h"
#include "util/counts.h"

#define MAX_CENTERS 100
#define MAX_FEATURES 32
#define MAX_VALUE ((double) (1 << 30)) /* of a coordinate: squared distances fit into 63 bits */
#define FRACTION 4294967296.0

/* Columns of a pass, a row a centre: members; of each feature its sum and its squares around the centre; silhouette. */
#define PASS_COLUMNS(d) (1 + 4 * (d) + 2)
#define PASS_SUM(j) (1 + 4 * (j))
#define PASS_SQUARES(j) (3 + 4 * (j))
#define PASS_SILHOUETTE(d) (1 + 4 * (d))

static void
refuse_null(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be null", name));
}

/* The numbers of an array of one or two dimensions, all finite and in range. */
static double *
read_numbers(ArrayType *array, int dimensions, const char *what)
{
	double *x = (double *) ARR_DATA_PTR(array);
	int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_NDIM(array) != dimensions || ARR_ELEMTYPE(array) != FLOAT8OID || n == 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_POINT), errmsg("invalid %s", what),
				dimensions == 1
					? errdetail("It is an array of 1 to %d numbers.", MAX_FEATURES)
					: errdetail("They are an array of centres, each of as many numbers."));
	if (ARR_HASNULL(array))
		ereport(ERROR, errcode(ERRCODE_INVALID_POINT), errmsg("%s has a null", what),
				errhint("Leave such rows out, or give them a value."));
	for (int i = 0; i < n; i++)
		if (unlikely(!(fabs(x[i]) <= MAX_VALUE)))
			ereport(ERROR, errcode(ERRCODE_INVALID_POINT),
					errmsg("%s has a number out of range: %g", what, x[i]),
					errdetail("Numbers are finite and between -2^30 and 2^30."),
					errhint("Leave out NaN and infinity; scale what is large."));
	return x;
}

static double *
read_point(FunctionCallInfo fcinfo, int argument, int *d)
{
	ArrayType *array;
	double *x;

	refuse_null(fcinfo, argument, "point");
	array = PG_GETARG_ARRAYTYPE_P(argument);
	x = read_numbers(array, 1, "point");
	*d = ARR_DIMS(array)[0];
	if (*d > MAX_FEATURES)
		ereport(ERROR, errcode(ERRCODE_INVALID_POINT),
				errmsg("point has %d numbers, at most %d are allowed", *d, MAX_FEATURES));
	return x;
}

static double *
read_centers(ArrayType *array, int d, int *k)
{
	double *c = read_numbers(array, 2, "center");

	*k = ARR_DIMS(array)[0];
	if (*k > MAX_CENTERS)
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
				errmsg("%d centres, at most %d are allowed", *k, MAX_CENTERS));
	if (ARR_DIMS(array)[1] != d)
		ereport(ERROR, errcode(ERRCODE_INVALID_POINT),
				errmsg("point has %d numbers, centers have %d", d, ARR_DIMS(array)[1]));
	return c;
}

/* The nearest centre, of several equally near the first; its squared distance and that of the next. */
static int
nearest(const double *x, const double *c, int k, int d, double *first, double *second)
{
	int found = 0;

	*first = *second = INFINITY;
	for (int i = 0; i < k; i++, c += d)
	{
		double distance = 0;

		for (int j = 0; j < d; j++)
			distance += (x[j] - c[j]) * (x[j] - c[j]);
		if (distance < *first)
		{
			*second = *first;
			*first = distance;
			found = i;
		}
		else if (distance < *second)
			*second = distance;
	}
	return found;
}

static inline void
fixed_add(int64 *sum, double x)
{
	double whole = floor(x);

	counts_add(&sum[0], (int64) whole);
	counts_add(&sum[1], (int64) rint((x - whole) * FRACTION));
}

static inline double
fixed_value(const int64 *sum)
{
	return (double) sum[0] + (double) sum[1] / FRACTION;
}

/* kmeans_pass_step(state, point, centers): the row counts for its nearest centre */
PG_FUNCTION_INFO_V1(kmeans_pass_step);
Datum
kmeans_pass_step(PG_FUNCTION_ARGS)
{
	int d;
	int k;
	int own;
	double near;
	double next;
	double *x;
	double *c;
	int64 *row;
	Datum state;

	x = read_point(fcinfo, 1, &d);
	refuse_null(fcinfo, 2, "centers");
	c = read_centers(PG_GETARG_ARRAYTYPE_P(2), d, &k);
	row = counts_state(fcinfo, k, PASS_COLUMNS(d), &state);
	own = nearest(x, c, k, d, &near, &next);
	row += own * PASS_COLUMNS(d);
	c += own * d;
	row[0]++;
	for (int j = 0; j < d; j++)
	{
		fixed_add(&row[PASS_SUM(j)], x[j]);
		fixed_add(&row[PASS_SQUARES(j)], (x[j] - c[j]) * (x[j] - c[j]));
	}
	/* simplified silhouette: (b - a) / max(a, b), with distances to centres; 0 where both are 0 */
	if (k > 1 && next > 0)
		fixed_add(&row[PASS_SILHOUETTE(d)], 1 - sqrt(near / next));
	PG_RETURN_DATUM(state);
}

static ArrayType *
make_array(const double *x, int n)
{
	Datum *element = palloc(sizeof(Datum) * Max(n, 1));
	ArrayType *array;

	for (int i = 0; i < n; i++)
		element[i] = Float8GetDatum(x[i]);
	array =
		construct_array(element, n, FLOAT8OID, sizeof(double), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	pfree(element);
	return array;
}

/* kmeans_clusters(pass): of each centre the members, their mean, variance of each feature around the centre, sums */
PG_FUNCTION_INFO_V1(kmeans_clusters);
Datum
kmeans_clusters(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ArrayType *pass = PG_GETARG_ARRAYTYPE_P(0);
	int k = ARR_NDIM(pass) == 2 ? ARR_DIMS(pass)[0] : 0;
	int columns = ARR_NDIM(pass) == 2 ? ARR_DIMS(pass)[1] : 0;
	int d = (columns - 3) / 4;
	const int64 *row = (int64 *) ARR_DATA_PTR(pass);

	if (ARR_ELEMTYPE(pass) != INT8OID || ARR_HASNULL(pass) || k < 1 || k > MAX_CENTERS || d < 1 ||
		d > MAX_FEATURES || columns != PASS_COLUMNS(d))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid pass of k-means"),
				errhint("It is what the aggregate kmeans_pass() gives."));
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < k; i++, row += columns)
	{
		double mean[MAX_FEATURES];
		double variance[MAX_FEATURES];
		double within = 0;
		Datum values[6];
		bool nulls[6] = {false};

		for (int j = 0; j < d; j++)
		{
			double squares = fixed_value(&row[PASS_SQUARES(j)]);

			mean[j] = fixed_value(&row[PASS_SUM(j)]) / (double) row[0];
			variance[j] = squares / (double) row[0];
			within += squares;
		}
		nulls[2] = nulls[3] = nulls[5] = row[0] == 0;
		values[0] = Int32GetDatum(i + 1);
		values[1] = Int64GetDatum(row[0]);
		values[2] = PointerGetDatum(make_array(mean, d));
		values[3] = PointerGetDatum(make_array(variance, d));
		values[4] = Float8GetDatum(within);
		values[5] = Float8GetDatum(fixed_value(&row[PASS_SILHOUETTE(d)]) / (double) row[0]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* nearest_center(point, centers): its number, from 1 */
PG_FUNCTION_INFO_V1(kmeans_nearest);
Datum
kmeans_nearest(PG_FUNCTION_ARGS)
{
	int d;
	int k;
	double near;
	double next;
	double *x = read_point(fcinfo, 0, &d);
	double *c = read_centers(PG_GETARG_ARRAYTYPE_P(1), d, &k);

	PG_RETURN_INT32(1 + nearest(x, c, k, d, &near, &next));
}

/* kmeans_scale(point, shift, width): (x - shift) / width; the point may be of any finite numbers */
PG_FUNCTION_INFO_V1(kmeans_scale);
Datum
kmeans_scale(PG_FUNCTION_ARGS)
{
	ArrayType *array[3];
	double *x[3];
	double out[MAX_FEATURES];
	int d = 0;

	for (int i = 0; i < 3; i++)
	{
		array[i] = PG_GETARG_ARRAYTYPE_P(i);
		x[i] = (double *) ARR_DATA_PTR(array[i]);
		if (i == 0)
			d = ARR_NDIM(array[i]) == 1 ? ARR_DIMS(array[i])[0] : 0;
		if (ARR_ELEMTYPE(array[i]) != FLOAT8OID || ARR_NDIM(array[i]) != 1 ||
			ARR_HASNULL(array[i]) || ARR_DIMS(array[i])[0] != d || d > MAX_FEATURES)
			ereport(ERROR, errcode(ERRCODE_INVALID_POINT), errmsg("invalid point"),
					errdetail(
						"Point, shift and width are arrays of 1 to %d numbers, all of one length.",
						MAX_FEATURES));
	}
	for (int j = 0; j < d; j++)
	{
		out[j] = (x[0][j] - x[1][j]) / x[2][j];
		if (!isfinite(out[j]))
			ereport(ERROR, errcode(ERRCODE_INVALID_POINT),
					errmsg("number %d of a point can't be scaled: %g", j + 1, x[0][j]),
					errdetail("It is taken off %g and divided by %g.", x[1][j], x[2][j]));
	}
	PG_RETURN_ARRAYTYPE_P(make_array(out, d));
}

/* ---- the choice of a first centre ------------------------------------------------- */

/* SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014). */
static uint64
mix(uint64 z)
{
	z += UINT64CONST(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* A number in (0, 1] that seed, round and key give. */
static double
uniform(int64 seed, int round, int64 key)
{
	uint64 h = mix(mix(mix((uint64) seed) + (uint64) round) ^ mix((uint64) key));

	return (double) ((h >> 11) + 1) / 9007199254740992.0;
}

/* Whether a, arrival and point, comes before b: the earlier one, of equal ones the lesser point. */
static bool
comes_before(const double *a, const double *b, int n)
{
	for (int i = 0; i < n; i++)
		if (a[i] != b[i])
			return a[i] < b[i];
	return false;
}

static void
check_candidates(ArrayType *a, ArrayType *b)
{
	if (ARR_ELEMTYPE(a) != FLOAT8OID || ARR_NDIM(a) != 1 || ARR_HASNULL(a) || ARR_DIMS(a)[0] < 2 ||
		ARR_ELEMTYPE(b) != FLOAT8OID || ARR_NDIM(b) != 1 || ARR_HASNULL(b) ||
		ARR_DIMS(b)[0] != ARR_DIMS(a)[0])
		ereport(ERROR, errcode(ERRCODE_INVALID_POINT),
				errmsg("points have different numbers of features"));
}

/*
 * kmeans_seed_step(state, key, point, centers, seed): draws a row with a chance in proportion to its squared
 * distance from the nearest centre, any row alike without centres.  Each row arrives after a time that is
 * exponential with that weight as its rate; the first to arrive is drawn.  The state is arrival and point.
 */
PG_FUNCTION_INFO_V1(kmeans_seed_step);
Datum
kmeans_seed_step(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	bool aggregate = AggCheckCallContext(fcinfo, &context) != 0;
	double candidate[1 + MAX_FEATURES];
	double weight = 1;
	int d;
	int k = 0;
	double *x;
	ArrayType *state = NULL;

	refuse_null(fcinfo, 1, "key");
	x = read_point(fcinfo, 2, &d);
	refuse_null(fcinfo, 4, "seed");
	if (!PG_ARGISNULL(3))
	{
		double next;
		double *c = read_centers(PG_GETARG_ARRAYTYPE_P(3), d, &k);

		nearest(x, c, k, d, &weight, &next);
	}
	if (!PG_ARGISNULL(0))
		state = aggregate ? PG_GETARG_ARRAYTYPE_P(0) : PG_GETARG_ARRAYTYPE_P_COPY(0);
	if (weight > 0)
	{
		candidate[0] = -log(uniform(PG_GETARG_INT64(4), k, PG_GETARG_INT64(1))) / weight;
		memcpy(candidate + 1, x, sizeof(double) * d);
		if (state == NULL)
		{
			MemoryContext old = MemoryContextSwitchTo(aggregate ? context : CurrentMemoryContext);

			state = make_array(candidate, 1 + d);
			MemoryContextSwitchTo(old);
		}
		else
		{
			double *best = (double *) ARR_DATA_PTR(state);

			if (ARR_NDIM(state) != 1 || ARR_DIMS(state)[0] != 1 + d)
				ereport(ERROR, errcode(ERRCODE_INVALID_POINT),
						errmsg("points have different numbers of features"));
			if (comes_before(candidate, best, 1 + d))
				memcpy(best, candidate, sizeof(double) * (1 + d));
		}
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(state);
}

/* kmeans_seed_first(state, state): the combination */
PG_FUNCTION_INFO_V1(kmeans_seed_first);
Datum
kmeans_seed_first(PG_FUNCTION_ARGS)
{
	ArrayType *a;
	ArrayType *b;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
	{
		int other = PG_ARGISNULL(0) ? 1 : 0;

		if (PG_ARGISNULL(other))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(other));
	}
	a = PG_GETARG_ARRAYTYPE_P(0);
	b = PG_GETARG_ARRAYTYPE_P(1);
	check_candidates(a, b);
	PG_RETURN_DATUM(PG_GETARG_DATUM(
		comes_before((double *) ARR_DATA_PTR(b), (double *) ARR_DATA_PTR(a), ARR_DIMS(a)[0]) ? 1
																							 : 0));
}

/* kmeans_seed_point(state): the end, the point that was drawn */
PG_FUNCTION_INFO_V1(kmeans_seed_point);
Datum
kmeans_seed_point(PG_FUNCTION_ARGS)
{
	ArrayType *state = PG_GETARG_ARRAYTYPE_P(0);

	check_candidates(state, state);
	PG_RETURN_ARRAYTYPE_P(make_array((double *) ARR_DATA_PTR(state) + 1, ARR_DIMS(state)[0] - 1));
}
