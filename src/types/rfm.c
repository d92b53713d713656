/*
 * rfm.c: the type rfm, three scores of a member, and the groups of members that scores make.
 *
 * Text: R-F-M, each 1 to 99, as in 5-4-3.
 */
#include "compat.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "errors.h"
#include "types/rfm.h"
#include "util/scan.h"

/* The one validator of text, binary and constructor input; false after a soft error. */
static bool
rfm_check(const int64 *score, Node *soft)
{
	for (int i = 0; i < RFM_MEASURES; i++)
		if (score[i] < 1 || score[i] > RFM_MAX_BINS)
			ereturn(soft, false, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("score of %s is out of range: %lld", rfm_measure_names[i],
						   (long long) score[i]),
					errdetail("Scores lie between 1 and %d.", RFM_MAX_BINS));
	return true;
}

PG_FUNCTION_INFO_V1(rfm_in);
Datum
rfm_in(PG_FUNCTION_ARGS)
{
	Scanner s;
	int64 score[RFM_MEASURES];

	scan_begin(&s, "rfm", PG_GETARG_CSTRING(0), soft_context(fcinfo));
	for (int i = 0; i < RFM_MEASURES; i++)
		if ((i > 0 && !scan_expect(&s, '-')) ||
			!scan_int(&s, PG_INT32_MIN, PG_INT32_MAX, &score[i]))
			PG_RETURN_NULL();
	if (!scan_end(&s) || !rfm_check(score, s.soft))
		PG_RETURN_NULL();
	PG_RETURN_INT32(rfm_pack(score[0], score[1], score[2]));
}

PG_FUNCTION_INFO_V1(rfm_out);
Datum
rfm_out(PG_FUNCTION_ARGS)
{
	int32 rfm = PG_GETARG_INT32(0);

	PG_RETURN_CSTRING(psprintf("%d-%d-%d", rfm_part(rfm, RFM_RECENCY), rfm_part(rfm, RFM_FREQUENCY),
							   rfm_part(rfm, RFM_MONETARY)));
}

PG_FUNCTION_INFO_V1(rfm_recv);
Datum
rfm_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int64 score[RFM_MEASURES];

	for (int i = 0; i < RFM_MEASURES; i++)
		score[i] = pq_getmsgbyte(in);
	if (!rfm_check(score, NULL))
		PG_RETURN_NULL();
	PG_RETURN_INT32(rfm_pack(score[0], score[1], score[2]));
}

PG_FUNCTION_INFO_V1(rfm_send);
Datum
rfm_send(PG_FUNCTION_ARGS)
{
	int32 rfm = PG_GETARG_INT32(0);
	StringInfoData out;

	pq_begintypsend(&out);
	for (int i = 0; i < RFM_MEASURES; i++)
		pq_sendint8(&out, rfm_part(rfm, i));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(rfm_make);
Datum
rfm_make(PG_FUNCTION_ARGS)
{
	int64 score[RFM_MEASURES];

	for (int i = 0; i < RFM_MEASURES; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("score of %s must not be null", rfm_measure_names[i]),
					errhint("A member without a purchase has no scores: use a null rfm."));
		score[i] = PG_GETARG_INT32(i);
	}
	if (!rfm_check(score, NULL))
		PG_RETURN_NULL();
	PG_RETURN_INT32(rfm_pack(score[0], score[1], score[2]));
}

PG_FUNCTION_INFO_V1(rfm_r);
Datum
rfm_r(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(rfm_part(PG_GETARG_INT32(0), RFM_RECENCY));
}

PG_FUNCTION_INFO_V1(rfm_f);
Datum
rfm_f(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(rfm_part(PG_GETARG_INT32(0), RFM_FREQUENCY));
}

PG_FUNCTION_INFO_V1(rfm_m);
Datum
rfm_m(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(rfm_part(PG_GETARG_INT32(0), RFM_MONETARY));
}

/* ---- comparison ------------------------------------------------------------------ */

PG_FUNCTION_INFO_V1(rfm_eq);
Datum
rfm_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_INT32(0) == PG_GETARG_INT32(1));
}

PG_FUNCTION_INFO_V1(rfm_ne);
Datum
rfm_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_INT32(0) != PG_GETARG_INT32(1));
}

PG_FUNCTION_INFO_V1(rfm_lt);
Datum
rfm_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_INT32(0) < PG_GETARG_INT32(1));
}

PG_FUNCTION_INFO_V1(rfm_le);
Datum
rfm_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_INT32(0) <= PG_GETARG_INT32(1));
}

PG_FUNCTION_INFO_V1(rfm_gt);
Datum
rfm_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_INT32(0) > PG_GETARG_INT32(1));
}

PG_FUNCTION_INFO_V1(rfm_ge);
Datum
rfm_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(PG_GETARG_INT32(0) >= PG_GETARG_INT32(1));
}

PG_FUNCTION_INFO_V1(rfm_cmp);
Datum
rfm_cmp(PG_FUNCTION_ARGS)
{
	int32 a = PG_GETARG_INT32(0);
	int32 b = PG_GETARG_INT32(1);

	PG_RETURN_INT32((a > b) - (a < b));
}

PG_FUNCTION_INFO_V1(rfm_hash);
Datum
rfm_hash(PG_FUNCTION_ARGS)
{
	return hash_uint32((uint32) PG_GETARG_INT32(0));
}

PG_FUNCTION_INFO_V1(rfm_hash_extended);
Datum
rfm_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_uint32_extended((uint32) PG_GETARG_INT32(0), (uint64) PG_GETARG_INT64(1));
}

/* ---- scoring and groups ---------------------------------------------------------- */

int32
rfm_score_of(const struct varlena *cuts, int32 recency, int64 frequency, int64 monetary)
{
	const char *p = rfm_cuts_open(cuts);
	const uint8 *reached = (const uint8 *) p + RFM_CUTS_REACHED;
	const char *r = p + RFM_CUTS_HEADER;
	const char *f = r + sizeof(int32) * reached[RFM_RECENCY];
	const char *m = f + sizeof(int64) * reached[RFM_FREQUENCY];

	return rfm_pack(1 + rfm_reached_recency(r, reached[RFM_RECENCY], recency),
					1 + rfm_reached(f, reached[RFM_FREQUENCY], frequency),
					1 + rfm_reached(m, reached[RFM_MONETARY], monetary));
}

PG_FUNCTION_INFO_V1(rfm_score);
Datum
rfm_score(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(rfm_score_of(PG_GETARG_VARLENA_PP(0), PG_GETARG_INT32(1), PG_GETARG_INT64(2),
								 PG_GETARG_INT64(3)));
}

/* The number of bins of a measure, which the score must fit. */
static inline int
bins_of_score(const char *cuts, int32 rfm, int measure)
{
	int bins = (uint8) cuts[RFM_CUTS_BINS + measure];

	if (rfm_part(rfm, measure) > bins)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("score %d of %s does not belong to these cuts", rfm_part(rfm, measure),
					   rfm_measure_names[measure]),
				errdetail("The cuts have %d bins for %s.", bins, rfm_measure_names[measure]),
				errhint("Give the cuts that the score was made with."));
	return bins;
}

/* High is above the middle of the scores 1 .. bins; of an odd number the middle one is not high. */
static inline bool
is_high(const char *cuts, int32 rfm, int measure)
{
	return 2 * rfm_part(rfm, measure) > bins_of_score(cuts, rfm, measure) + 1;
}

/* 1 to parts: the part of the scale 0 .. bins that holds the middle of the score's bin. */
static inline int
part_of_scale(const char *cuts, int32 rfm, int measure, int parts)
{
	int bins = bins_of_score(cuts, rfm, measure);

	return 1 + parts * (2 * rfm_part(rfm, measure) - 1) / (2 * bins);
}

int
rfm_value_group_of(const struct varlena *packed_cuts, int32 rfm)
{
	const char *cuts = rfm_cuts_open(packed_cuts);
	bool r = is_high(cuts, rfm, RFM_RECENCY);
	bool f = is_high(cuts, rfm, RFM_FREQUENCY);
	bool m = is_high(cuts, rfm, RFM_MONETARY);

	return 1 + (m ? 0 : 4) + (r ? 0 : 2) + (f ? 0 : 1);
}

PG_FUNCTION_INFO_V1(rfm_value_group);
Datum
rfm_value_group(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT16(rfm_value_group_of(PG_GETARG_VARLENA_PP(1), PG_GETARG_INT32(0)));
}

int
rfm_strategy_group_of(const struct varlena *packed_cuts, int32 rfm)
{
	const char *cuts = rfm_cuts_open(packed_cuts);
	int32 thirds = rfm_pack(part_of_scale(cuts, rfm, RFM_RECENCY, 3),
							part_of_scale(cuts, rfm, RFM_FREQUENCY, 3),
							part_of_scale(cuts, rfm, RFM_MONETARY, 3));
	static const int32 strategy[] = {0x030303, 0x030103, 0x010302, 0x010101};

	for (int i = 0; i < lengthof(strategy); i++)
		if (thirds == strategy[i])
			return 1 + i;
	return 0;
}

PG_FUNCTION_INFO_V1(rfm_strategy_group);
Datum
rfm_strategy_group(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT16(rfm_strategy_group_of(PG_GETARG_VARLENA_PP(1), PG_GETARG_INT32(0)));
}

/*
 * The segment: recency in fifths down, the mean of frequency and monetary value in fifths, halves up,
 * across.  Every cell is in one.
 */
int
rfm_segment_of(const struct varlena *packed_cuts, int32 rfm)
{
	static const int16 segment[5][5] = {
		{10, 10, 8, 8, 9}, /* hibernating, at risk, not to lose */
		{10, 10, 8, 8, 9},
		{7, 7, 6, 2, 2}, /* about to sleep, needing attention, loyal */
		{5, 3, 3, 2, 2}, /* promising, potential loyalists, loyal */
		{4, 3, 3, 1, 1}	 /* new, potential loyalists, champions */
	};
	const char *cuts = rfm_cuts_open(packed_cuts);
	int r = part_of_scale(cuts, rfm, RFM_RECENCY, 5);
	int f = part_of_scale(cuts, rfm, RFM_FREQUENCY, 5);
	int m = part_of_scale(cuts, rfm, RFM_MONETARY, 5);

	return segment[r - 1][(f + m + 1) / 2 - 1];
}

PG_FUNCTION_INFO_V1(rfm_segment);
Datum
rfm_segment(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT16(rfm_segment_of(PG_GETARG_VARLENA_PP(1), PG_GETARG_INT32(0)));
}

/* ---- names ----------------------------------------------------------------------- */

static const RfmGroupName value_group_names[] = {
	{"重要价值", "important, valued"},	{"重要发展", "important, to develop"},
	{"重要保持", "important, to keep"}, {"重要挽留", "important, to win back"},
	{"一般价值", "ordinary, valued"},	{"一般发展", "ordinary, to develop"},
	{"一般保持", "ordinary, to keep"},	{"一般挽留", "ordinary, to win back"}};
static const RfmGroupName strategy_group_names[] = {{"一般", "ordinary"},
													{"高价值", "high value"},
													{"潜力", "potential"},
													{"流失风险", "at risk"},
													{"沉睡", "asleep"}};
static const RfmGroupName segment_names[] = {
	{"核心冠军", "champions"},			 {"忠诚客户", "loyal"},
	{"潜在忠诚", "potential loyalists"}, {"新客户", "new"},
	{"有望客户", "promising"},			 {"需要关注", "needing attention"},
	{"即将沉睡", "about to sleep"},		 {"流失预警", "at risk"},
	{"不可失去", "not to lose"},		 {"冬眠客户", "hibernating"}};

const RfmGroups rfm_value_groups = {value_group_names, 1, 8};
const RfmGroups rfm_strategy_groups = {strategy_group_names, 0, 4};
const RfmGroups rfm_segments = {segment_names, 1, 10};

text *
rfm_group_name(const RfmGroups *groups, int16 group, const text *lang)
{
	const char *l = VARDATA_ANY(lang);
	int len = VARSIZE_ANY_EXHDR(lang);

	if (group < groups->first || group > groups->last)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("there is no such group: %d", group),
				errdetail("Groups are numbered from %d to %d.", groups->first, groups->last));
	if (len == 2 && memcmp(l, "zh", 2) == 0)
		return cstring_to_text(groups->names[group - groups->first].zh);
	if (len == 2 && memcmp(l, "en", 2) == 0)
		return cstring_to_text(groups->names[group - groups->first].en);
	ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
			errmsg("there are no group names in language \"%.*s\"", len, l),
			errdetail("There are names in zh and en."));
}

PG_FUNCTION_INFO_V1(rfm_value_group_name);
Datum
rfm_value_group_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(rfm_group_name(&rfm_value_groups, PG_GETARG_INT16(0), PG_GETARG_TEXT_PP(1)));
}

PG_FUNCTION_INFO_V1(rfm_strategy_group_name);
Datum
rfm_strategy_group_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(
		rfm_group_name(&rfm_strategy_groups, PG_GETARG_INT16(0), PG_GETARG_TEXT_PP(1)));
}

PG_FUNCTION_INFO_V1(rfm_segment_name);
Datum
rfm_segment_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(rfm_group_name(&rfm_segments, PG_GETARG_INT16(0), PG_GETARG_TEXT_PP(1)));
}
