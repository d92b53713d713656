/*
 * rfm_agg.c: the aggregate rfm_cuts_agg: rows into a sketch, a sketch into cuts.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/array.h"
#include "utils/date.h"

#include "types/rfm_sketch.h"

/* ---- finding the cuts ------------------------------------------------------------ */

/* The worst and the best value that an entry stands for, j counted from the worst. */
static void
entry_span(const RfmDistribution *d, int j, bool fewer_is_better, int64 *worst, int64 *best)
{
	int64 key = d->entry[fewer_is_better ? d->n - 1 - j : j].key;
	int64 low = key;
	int64 high = key;

	if (d->collapsed)
		rfm_bucket_span((int) key, &low, &high);
	*worst = fewer_is_better ? high : low;
	*best = fewer_is_better ? low : high;
}

/*
 * The cut of a score that the first `rank` members, counted from the worst, do not reach, when the last
 * of them is in entry j; false when nobody reaches it.
 *
 * A value scores s or more when at least rank members are strictly worse, so the cut is the next value
 * there is.  That is the worst of entry j + 1 if the rank is the end of entry j, or entry j is one value.
 * Else entry j is a bucket that may hold the cut, and the cut goes to its end: right within the width of
 * the bucket, or, if all its members past the rank tie, apart from the right cut by no counted member.
 */
static bool
find_cut(const RfmDistribution *d, int j, bool rank_ends_entry, bool fewer_is_better, int64 *cut,
		 bool *approximate)
{
	int64 worst;
	int64 best;

	entry_span(d, j, fewer_is_better, &worst, &best);
	if (worst != best && !rank_ends_entry)
	{
		*approximate = true;
		return fewer_is_better ? !pg_sub_s64_overflow(best, 1, cut)
							   : !pg_add_s64_overflow(best, 1, cut);
	}
	if (j + 1 >= d->n)
		return false;
	entry_span(d, j + 1, fewer_is_better, &worst, &best);
	if (worst != best)
		*approximate = true;
	*cut = worst;
	return true;
}

/*
 * Fills in one measure of the cuts, whose bins and members are set: score(v) = 1 + floor(bins * (number
 * of members strictly worse than v) / members).
 */
static void
cut_measure(RfmCuts *cuts, int measure, const RfmDistribution *d)
{
	bool fewer_is_better = measure == RFM_RECENCY;
	int bins = cuts->bins[measure];
	int score = 2;
	int64 after = 0;

	cuts->reached[measure] = 0;
	cuts->approximate[measure] = false;
	for (int j = 0; j < d->n && score <= bins; j++)
	{
		after += d->entry[fewer_is_better ? d->n - 1 - j : j].count;
		for (; score <= bins; score++)
		{
			/* the least number of worse members that gives this score */
			int64 rank = (cuts->members * (score - 1) + bins - 1) / bins;

			if (rank > after)
				break;
			if (!find_cut(d, j, rank == after, fewer_is_better, &cuts->cut[measure][score - 2],
						  &cuts->approximate[measure]))
				return;
			cuts->reached[measure]++;
		}
	}
}

/* ---- SQL functions --------------------------------------------------------------- */

static const int default_bins[RFM_MEASURES] = {5, 5, 5};

static void
read_bins(ArrayType *array, int *bins)
{
	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != RFM_MEASURES || ARR_HASNULL(array))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("bins must be three numbers"),
				errdetail("They are the numbers of bins of recency, frequency and monetary."),
				errhint("For example \"{5,5,5}\"; null means that."));
	memcpy(bins, ARR_DATA_PTR(array), sizeof(int) * RFM_MEASURES);
	for (int i = 0; i < RFM_MEASURES; i++)
		rfm_check_bins(bins[i], i, NULL);
}

static void
check_same_bins(const int *a, const int *b)
{
	if (memcmp(a, b, sizeof(int) * RFM_MEASURES) != 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("bins must be the same throughout"),
				errdetail("There are {%d,%d,%d} and {%d,%d,%d}.", a[0], a[1], a[2], b[0], b[1],
						  b[2]));
}

/* The sketch of argument 0 to be changed in place: of the aggregate as it is, else a copy. */
static RfmSketch *
writable_sketch(FunctionCallInfo fcinfo, MemoryContext context)
{
	Pointer p = DatumGetPointer(PG_GETARG_DATUM(0));

	if (VARATT_IS_EXTERNAL_EXPANDED_RW(p))
		return (RfmSketch *) DatumGetEOHP(PG_GETARG_DATUM(0));
	return rfm_sketch_expand(context, PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0)));
}

static MemoryContext
sketch_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	return AggCheckCallContext(fcinfo, &context) ? context : CurrentMemoryContext;
}

/* Values of one member that cannot be. */
static void
check_member(FunctionCallInfo fcinfo, int32 recency, int64 frequency)
{
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s of a member with a purchase must not be null",
					   rfm_measure_names[PG_ARGISNULL(2) ? RFM_FREQUENCY : RFM_MONETARY]),
				errhint("A null recency tells a member without a purchase, who is not counted."));
	if (recency < 0)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("recency must not be negative: %d", recency),
				errdetail("It is the number of days since the last purchase."),
				errhint("Leave out purchases after the day that days are counted to."));
	if (frequency < 0)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("frequency must not be negative: %lld", (long long) frequency),
				errdetail("It is a number of orders."));
}

PG_FUNCTION_INFO_V1(rfm_sketch_add);
Datum
rfm_sketch_add(PG_FUNCTION_ARGS)
{
	RfmSketch *s;
	int32 recency = PG_GETARG_INT32(1);
	int64 frequency = PG_GETARG_INT64(2);
	int bins[RFM_MEASURES];

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3) || recency < 0 || frequency < 0)
		check_member(fcinfo, recency, frequency);
	memcpy(bins, default_bins, sizeof(bins));
	if (PG_NARGS() > 4 && !PG_ARGISNULL(4))
		read_bins(PG_GETARG_ARRAYTYPE_P(4), bins);
	if (PG_ARGISNULL(0))
		s = rfm_sketch_new(sketch_context(fcinfo), bins);
	else
	{
		s = writable_sketch(fcinfo, sketch_context(fcinfo));
		check_same_bins(s->bins, bins);
	}
	rfm_sketch_count(s, 1);
	rfm_map_add(s, RFM_RECENCY, recency, 1);
	rfm_map_add(s, RFM_FREQUENCY, frequency, 1);
	rfm_map_add(s, RFM_MONETARY, PG_GETARG_INT64(3), 1);
	PG_RETURN_DATUM(EOHPGetRWDatum(&s->eoh));
}

/* rfm_sketch_add(sketch, activity, stream, day, days[, bins]): a member by its activity */
PG_FUNCTION_INFO_V1(rfm_sketch_add_activity);
Datum
rfm_sketch_add_activity(PG_FUNCTION_ARGS)
{
	RfmSketch *s;
	RfmMeasures m;
	int bins[RFM_MEASURES];

	memcpy(bins, default_bins, sizeof(bins));
	if (PG_NARGS() > 5 && !PG_ARGISNULL(5))
		read_bins(PG_GETARG_ARRAYTYPE_P(5), bins);
	for (int i = 1; i < 5; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("activity, stream, day and days must not be null"));
	if (!rfm_measure(PG_GETARG_VARLENA_PP(1), PG_GETARG_INT16(2), PG_GETARG_DATEADT(3),
					 PG_GETARG_INT32(4), &m))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		s = rfm_sketch_new(sketch_context(fcinfo), bins);
	else
	{
		s = writable_sketch(fcinfo, sketch_context(fcinfo));
		check_same_bins(s->bins, bins);
	}
	rfm_sketch_count(s, 1);
	rfm_map_add(s, RFM_RECENCY, m.recency, 1);
	rfm_map_add(s, RFM_FREQUENCY, m.frequency, 1);
	rfm_map_add(s, RFM_MONETARY, m.monetary, 1);
	PG_RETURN_DATUM(EOHPGetRWDatum(&s->eoh));
}

PG_FUNCTION_INFO_V1(rfm_sketch_combine);
Datum
rfm_sketch_combine(PG_FUNCTION_ARGS)
{
	RfmSketch *s;
	struct varlena *other;
	RfmCursor c;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	/* packed first: it may be the very object that is changed next */
	other = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1));
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(EOHPGetRWDatum(&rfm_sketch_expand(sketch_context(fcinfo), other)->eoh));
	s = writable_sketch(fcinfo, sketch_context(fcinfo));
	rfm_cursor_open(&c, other);
	check_same_bins(s->bins, c.bins);
	rfm_sketch_add_packed(s, other);
	PG_RETURN_DATUM(EOHPGetRWDatum(&s->eoh));
}

PG_FUNCTION_INFO_V1(rfm_sketch_cuts);
Datum
rfm_sketch_cuts(PG_FUNCTION_ARGS)
{
	Pointer p = DatumGetPointer(PG_GETARG_DATUM(0));
	RfmSketch *s;
	RfmCuts cuts;

	if (VARATT_IS_EXTERNAL_EXPANDED(p))
		s = (RfmSketch *) DatumGetEOHP(PG_GETARG_DATUM(0));
	else
		s = rfm_sketch_expand(CurrentMemoryContext, PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0)));
	if (s->members == 0)
		PG_RETURN_NULL();
	cuts.members = s->members;
	memcpy(cuts.bins, s->bins, sizeof(cuts.bins));
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		RfmDistribution d;

		rfm_map_sorted(&s->map[i], &d);
		cut_measure(&cuts, i, &d);
		pfree(d.entry);
	}
	PG_RETURN_POINTER(rfm_cuts_pack(&cuts));
}
