/*
 * rfm_cuts.c: the values where scores step up: the type rfm_cuts, made of counts (rfm_agg.c) or given.
 *
 * Text: members counted, then per measure the values from which the scores 2, 3, ... are given; "*" where
 * nobody reaches a score, "~" where the values are approximate.
 *	 n=1000 r(365,180,90,30) f(2,3,5,*) m~(9900,20000,50000,120000)
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "errors.h"
#include "types/rfm.h"
#include "util/scan.h"

const char *const rfm_measure_names[RFM_MEASURES] = {"recency", "frequency", "monetary"};

/* ---- storage --------------------------------------------------------------------- */

bool
rfm_check_bins(int64 bins, int measure, Node *soft)
{
	if (bins < 1 || bins > RFM_MAX_BINS)
		ereturn(soft, false, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("number of bins of %s is out of range: %lld", rfm_measure_names[measure],
					   (long long) bins),
				errdetail("There are between 1 and %d bins, one more than thresholds.",
						  RFM_MAX_BINS));
	return true;
}

bool
rfm_check_members(int64 members, Node *soft)
{
	if (members < 0 || members > RFM_MAX_MEMBERS)
		ereturn(soft, false, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("number of members is out of range: %lld", (long long) members),
				errdetail("Between 0 and %lld members can be counted.",
						  (long long) RFM_MAX_MEMBERS));
	return true;
}

static bool
check_measure(const RfmCuts *cuts, int measure, Node *soft)
{
	const char *name = rfm_measure_names[measure];
	const int64 *cut = cuts->cut[measure];
	int64 least = measure == RFM_MONETARY ? PG_INT64_MIN : 0;
	int64 most = measure == RFM_RECENCY ? PG_INT32_MAX : PG_INT64_MAX;

	for (int i = 0; i < cuts->reached[measure]; i++)
	{
		if (cut[i] < least || cut[i] > most)
			ereturn(soft, false, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("cut of %s is out of range: %lld", name, (long long) cut[i]),
					errdetail("It must be between %lld and %lld.", (long long) least,
							  (long long) most));
		if (i > 0 && (measure == RFM_RECENCY ? cut[i] > cut[i - 1] : cut[i] < cut[i - 1]))
			ereturn(soft, false, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("cuts of %s are out of order", name),
					errdetail("%lld for score %d is followed by %lld for score %d.",
							  (long long) cut[i - 1], i + 1, (long long) cut[i], i + 2),
					errhint("A better score needs fewer days, more orders or more money."));
	}
	if (cuts->approximate[measure] && cuts->reached[measure] == 0)
		ereturn(soft, false, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s is marked approximate without a cut", name));
	return true;
}

/* The one validator of text, binary and constructor input; false after a soft error. */
static bool
cuts_check(const RfmCuts *cuts, Node *soft)
{
	if (!rfm_check_members(cuts->members, soft))
		return false;
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		if (!rfm_check_bins(cuts->bins[i], i, soft))
			return false;
		if (cuts->reached[i] >= cuts->bins[i])
			ereturn(soft, false, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s has %d cuts for %d bins", rfm_measure_names[i], cuts->reached[i],
						   cuts->bins[i]),
					errdetail("There are at most as many cuts as bins less one."));
		if (!check_measure(cuts, i, soft))
			return false;
	}
	return true;
}

struct varlena *
rfm_cuts_pack(const RfmCuts *cuts)
{
	Size size = VARHDRSZ + RFM_CUTS_HEADER + sizeof(int32) * cuts->reached[RFM_RECENCY] +
				sizeof(int64) * (cuts->reached[RFM_FREQUENCY] + cuts->reached[RFM_MONETARY]);
	struct varlena *packed = palloc0(size);
	char *p = VARDATA(packed);
	char *next = p + RFM_CUTS_HEADER;

	SET_VARSIZE(packed, size);
	p[0] = RFM_CUTS_FORMAT;
	memcpy(p + RFM_CUTS_MEMBERS, &cuts->members, sizeof(int64));
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		p[RFM_CUTS_BINS + i] = (char) cuts->bins[i];
		p[RFM_CUTS_REACHED + i] = (char) cuts->reached[i];
		if (cuts->approximate[i])
			p[RFM_CUTS_APPROXIMATE] |= 1 << i;
		for (int k = 0; k < cuts->reached[i]; k++)
		{
			int64 cut = cuts->cut[i][k];
			int32 days = (int32) cut;

			if (i == RFM_RECENCY)
				memcpy(next, &days, sizeof(days));
			else
				memcpy(next, &cut, sizeof(cut));
			next += i == RFM_RECENCY ? sizeof(days) : sizeof(cut);
		}
	}
	return packed;
}

/* The packed bytes, checked as far as readers rely on them; allocates nothing. */
const char *
rfm_cuts_open(const struct varlena *packed)
{
	const char *p = VARDATA_ANY(packed);
	Size size = VARSIZE_ANY_EXHDR(packed);

	if (size < 1 || p[0] != RFM_CUTS_FORMAT)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown format of rfm_cuts"),
				errhint(
					"The value was written by a newer version of this extension, or is damaged."));
	if (size < RFM_CUTS_HEADER ||
		size != RFM_CUTS_HEADER + sizeof(int32) * (uint8) p[RFM_CUTS_REACHED + RFM_RECENCY] +
					sizeof(int64) * ((uint8) p[RFM_CUTS_REACHED + RFM_FREQUENCY] +
									 (uint8) p[RFM_CUTS_REACHED + RFM_MONETARY]))
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("packed value is damaged"),
				errdetail("The size of rfm_cuts does not fit its number of cuts."));
	return p;
}

void
rfm_cuts_unpack(RfmCuts *cuts, const struct varlena *packed)
{
	const char *p = rfm_cuts_open(packed);
	const char *next = p + RFM_CUTS_HEADER;

	memcpy(&cuts->members, p + RFM_CUTS_MEMBERS, sizeof(int64));
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		cuts->bins[i] = (uint8) p[RFM_CUTS_BINS + i];
		cuts->reached[i] = Min((uint8) p[RFM_CUTS_REACHED + i], RFM_MAX_CUTS);
		cuts->approximate[i] = (p[RFM_CUTS_APPROXIMATE] & (1 << i)) != 0;
		for (int k = 0; k < cuts->reached[i]; k++)
		{
			int32 days;

			if (i == RFM_RECENCY)
			{
				memcpy(&days, next, sizeof(days));
				cuts->cut[i][k] = days;
			}
			else
				memcpy(&cuts->cut[i][k], next, sizeof(int64));
			next += i == RFM_RECENCY ? sizeof(days) : sizeof(int64);
		}
	}
}

/* ---- input and output ------------------------------------------------------------ */

static bool
read_measure(Scanner *s, RfmCuts *cuts, int measure)
{
	const char letter[2] = {rfm_measure_names[measure][0], '\0'};
	int n = 0;

	if (!scan_is_word(s, letter))
		return scan_fail(s, psprintf("\"%s\"", letter));
	cuts->approximate[measure] = scan_is(s, '~');
	cuts->reached[measure] = 0;
	if (!scan_expect(s, '('))
		return false;
	if (scan_is(s, ')'))
	{
		cuts->bins[measure] = 1;
		return true;
	}
	do
	{
		int64 cut;

		if (n == RFM_MAX_CUTS)
			return scan_fail(s, psprintf("\")\" after %d cuts", RFM_MAX_CUTS));
		if (!scan_is(s, '*'))
		{
			if (cuts->reached[measure] < n)
				return scan_fail(s, "\"*\", as better scores cannot be reached either");
			if (!scan_int(s, PG_INT64_MIN, PG_INT64_MAX, &cut))
				return false;
			cuts->cut[measure][cuts->reached[measure]++] = cut;
		}
		n++;
	} while (scan_is(s, ','));
	cuts->bins[measure] = n + 1;
	return scan_expect(s, ')');
}

PG_FUNCTION_INFO_V1(rfm_cuts_in);
Datum
rfm_cuts_in(PG_FUNCTION_ARGS)
{
	Scanner s;
	RfmCuts cuts;

	scan_begin(&s, "rfm_cuts", PG_GETARG_CSTRING(0), soft_context(fcinfo));
	if (!scan_is_word(&s, "n"))
	{
		scan_fail(&s, "\"n\"");
		PG_RETURN_NULL();
	}
	if (!scan_expect(&s, '=') || !scan_int(&s, PG_INT64_MIN, PG_INT64_MAX, &cuts.members))
		PG_RETURN_NULL();
	for (int i = 0; i < RFM_MEASURES; i++)
		if (!read_measure(&s, &cuts, i))
			PG_RETURN_NULL();
	if (!scan_end(&s) || !cuts_check(&cuts, s.soft))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(rfm_cuts_pack(&cuts));
}

PG_FUNCTION_INFO_V1(rfm_cuts_out);
Datum
rfm_cuts_out(PG_FUNCTION_ARGS)
{
	RfmCuts cuts;
	StringInfoData out;

	rfm_cuts_unpack(&cuts, PG_GETARG_VARLENA_PP(0));
	initStringInfo(&out);
	appendStringInfo(&out, "n=%lld", (long long) cuts.members);
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		appendStringInfo(&out, " %c%s(", rfm_measure_names[i][0], cuts.approximate[i] ? "~" : "");
		for (int k = 0; k < cuts.bins[i] - 1; k++)
		{
			if (k > 0)
				appendStringInfoChar(&out, ',');
			if (k < cuts.reached[i])
				appendStringInfo(&out, "%lld", (long long) cuts.cut[i][k]);
			else
				appendStringInfoChar(&out, '*');
		}
		appendStringInfoChar(&out, ')');
	}
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(rfm_cuts_recv);
Datum
rfm_cuts_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	RfmCuts cuts;

	cuts.members = pq_getmsgint64(in);
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		int approximate;

		cuts.bins[i] = pq_getmsgbyte(in);
		approximate = pq_getmsgbyte(in);
		cuts.reached[i] = pq_getmsgbyte(in);
		if (approximate > 1 || cuts.reached[i] > RFM_MAX_CUTS)
			ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid external \"rfm_cuts\" value"),
					errdetail("%s has approximation %d and %d cuts.", rfm_measure_names[i],
							  approximate, cuts.reached[i]));
		cuts.approximate[i] = approximate == 1;
		for (int k = 0; k < cuts.reached[i]; k++)
			cuts.cut[i][k] = pq_getmsgint64(in);
	}
	cuts_check(&cuts, NULL);
	PG_RETURN_POINTER(rfm_cuts_pack(&cuts));
}

PG_FUNCTION_INFO_V1(rfm_cuts_send);
Datum
rfm_cuts_send(PG_FUNCTION_ARGS)
{
	RfmCuts cuts;
	StringInfoData out;

	rfm_cuts_unpack(&cuts, PG_GETARG_VARLENA_PP(0));
	pq_begintypsend(&out);
	pq_sendint64(&out, cuts.members);
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		pq_sendint8(&out, cuts.bins[i]);
		pq_sendint8(&out, cuts.approximate[i]);
		pq_sendint8(&out, cuts.reached[i]);
		for (int k = 0; k < cuts.reached[i]; k++)
			pq_sendint64(&out, cuts.cut[i][k]);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---- own thresholds -------------------------------------------------------------- */

/* The elements of an array of int4 or int8, which must be ascending; they become the cuts. */
static void
read_thresholds(RfmCuts *cuts, int measure, ArrayType *array)
{
	const char *name = rfm_measure_names[measure];
	Oid type = ARR_ELEMTYPE(array);
	Datum *element;
	bool *isnull;
	int n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg("thresholds of %s must be a one-dimensional array", name));
	deconstruct_array(array, type, type == INT4OID ? 4 : 8, type == INT4OID || FLOAT8PASSBYVAL,
					  type == INT4OID ? TYPALIGN_INT : TYPALIGN_DOUBLE, &element, &isnull, &n);
	rfm_check_bins((int64) n + 1, measure, NULL);
	for (int i = 0; i < n; i++)
	{
		/* few days score best, so those thresholds come in the order of falling scores */
		int64 *cut = &cuts->cut[measure][measure == RFM_RECENCY ? n - 1 - i : i];
		int64 previous = i == 0 ? 0 : cut[measure == RFM_RECENCY ? 1 : -1];

		if (isnull[i])
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("threshold %d of %s must not be null", i + 1, name));
		*cut = type == INT4OID ? DatumGetInt32(element[i]) : DatumGetInt64(element[i]);
		if (i > 0 && *cut <= previous)
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("thresholds of %s are not ascending", name),
					errdetail("%lld is followed by %lld.", (long long) previous, (long long) *cut),
					errhint("Give every threshold once, the smallest first."));
	}
	cuts->bins[measure] = n + 1;
	cuts->reached[measure] = n;
	cuts->approximate[measure] = false;
}

PG_FUNCTION_INFO_V1(rfm_cuts_make);
Datum
rfm_cuts_make(PG_FUNCTION_ARGS)
{
	RfmCuts cuts;

	cuts.members = 0;
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("thresholds of %s must not be null", rfm_measure_names[i]),
					errhint("An empty array gives every member score 1 of 1 bin."));
		read_thresholds(&cuts, i, PG_GETARG_ARRAYTYPE_P(i));
	}
	cuts_check(&cuts, NULL);
	PG_RETURN_POINTER(rfm_cuts_pack(&cuts));
}

/* Whether any value scores s. */
static bool
score_is_given(const RfmCuts *cuts, int measure, int score)
{
	const int64 *cut = cuts->cut[measure];

	if (score - 2 >= cuts->reached[measure])
		return false;
	if (score - 1 >= cuts->reached[measure])
		return true;
	return score == 1 ? cut[0] != PG_INT64_MIN : cut[score - 2] != cut[score - 1];
}

PG_FUNCTION_INFO_V1(rfm_thresholds);
Datum
rfm_thresholds(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	RfmCuts cuts;

	rfm_cuts_unpack(&cuts, PG_GETARG_VARLENA_PP(0));
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < RFM_MEASURES; i++)
		for (int score = 1; score <= cuts.bins[i]; score++)
		{
			bool last = score - 1 >= cuts.reached[i];
			int64 here = score == 1 ? 0 : cuts.cut[i][score - 2];
			int64 next = last ? 0 : cuts.cut[i][score - 1];
			Datum values[4];
			bool nulls[4] = {false};

			if (!score_is_given(&cuts, i, score))
				continue;
			values[0] = CStringGetTextDatum(rfm_measure_names[i]);
			values[1] = Int32GetDatum(score);
			nulls[i == RFM_RECENCY ? 3 : 2] = score == 1;
			nulls[i == RFM_RECENCY ? 2 : 3] = last;
			values[2] = Int64GetDatum(i == RFM_RECENCY ? next + 1 : here);
			values[3] = Int64GetDatum(i == RFM_RECENCY ? here : next - 1);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	return (Datum) 0;
}

/* ---- readers --------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(rfm_members);
Datum
rfm_members(PG_FUNCTION_ARGS)
{
	const char *p = rfm_cuts_open(PG_GETARG_VARLENA_PP(0));
	int64 members;

	memcpy(&members, p + RFM_CUTS_MEMBERS, sizeof(members));
	PG_RETURN_INT64(members);
}

PG_FUNCTION_INFO_V1(rfm_bins);
Datum
rfm_bins(PG_FUNCTION_ARGS)
{
	const char *p = rfm_cuts_open(PG_GETARG_VARLENA_PP(0));
	Datum bins[RFM_MEASURES];

	for (int i = 0; i < RFM_MEASURES; i++)
		bins[i] = Int32GetDatum((uint8) p[RFM_CUTS_BINS + i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(bins, RFM_MEASURES, INT4OID, 4, true, TYPALIGN_INT));
}

PG_FUNCTION_INFO_V1(rfm_error);
Datum
rfm_error(PG_FUNCTION_ARGS)
{
	const char *p = rfm_cuts_open(PG_GETARG_VARLENA_PP(0));

	PG_RETURN_FLOAT8(p[RFM_CUTS_APPROXIMATE] == 0 ? 0.0 : RFM_CUT_ERROR);
}

PG_FUNCTION_INFO_V1(rfm_collapsed);
Datum
rfm_collapsed(PG_FUNCTION_ARGS)
{
	RfmCuts cuts;

	rfm_cuts_unpack(&cuts, PG_GETARG_VARLENA_PP(0));
	for (int i = 0; i < RFM_MEASURES; i++)
		for (int score = 1; score <= cuts.bins[i]; score++)
			if (!score_is_given(&cuts, i, score))
				PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(false);
}

PG_FUNCTION_INFO_V1(rfm_cuts_eq);
Datum
rfm_cuts_eq(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);
	Size size = VARSIZE_ANY_EXHDR(a);

	PG_RETURN_BOOL(size == VARSIZE_ANY_EXHDR(b) &&
				   memcmp(VARDATA_ANY(a), VARDATA_ANY(b), size) == 0);
}

PG_FUNCTION_INFO_V1(rfm_cuts_ne);
Datum
rfm_cuts_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!DatumGetBool(rfm_cuts_eq(fcinfo)));
}

PG_FUNCTION_INFO_V1(rfm_cuts_hash);
Datum
rfm_cuts_hash(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);

	return hash_any((unsigned char *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a));
}

PG_FUNCTION_INFO_V1(rfm_cuts_hash_extended);
Datum
rfm_cuts_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);

	return hash_any_extended((unsigned char *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a),
							 PG_GETARG_INT64(1));
}
