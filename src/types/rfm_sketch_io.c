/*
 * rfm_sketch_io.c: text and binary form of rfm_sketch.
 *
 * Text: bins, then per measure VALUE:COUNT, ascending; "~" where the values are numbers of buckets.
 *	 bins=5,5,5 r(3:2,10:1) f(1:2,2:1) m(9900:1,10000:1,25000:1)
 */
#include "compat.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "types/rfm_sketch.h"
#include "util/scan.h"

/* The one validator of text and binary input: an entry comes after those of s; false after a soft error. */
static bool
entry_check(RfmSketch *s, int measure, bool collapsed, const RfmEntry *e, const RfmEntry *previous,
			Node *soft)
{
	int64 least = measure == RFM_MONETARY ? PG_INT64_MIN : 0;
	int64 most = measure == RFM_RECENCY ? PG_INT32_MAX : PG_INT64_MAX;
	const char *name = rfm_measure_names[measure];

	if (collapsed)
	{
		least = rfm_bucket(least);
		most = rfm_bucket(most);
	}
	if (e->key < least || e->key > most)
		ereturn(soft, false, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("%s of %s is out of range: %lld", collapsed ? "bucket" : "value", name,
					   (long long) e->key),
				errdetail("It must be between %lld and %lld.", (long long) least,
						  (long long) most));
	if (previous && e->key <= previous->key)
		ereturn(soft, false, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("values of %s are not ascending", name),
				errdetail("%lld is followed by %lld.", (long long) previous->key,
						  (long long) e->key));
	if (e->count < 1 || e->count > RFM_MAX_MEMBERS)
		ereturn(soft, false, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("count of %s is out of range: %lld", name, (long long) e->count),
				errdetail("It must be between 1 and %lld.", (long long) RFM_MAX_MEMBERS));
	if (!collapsed && s->map[measure].used >= RFM_MAX_DISTINCT)
		ereturn(soft, false, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("too many distinct values of %s", name),
				errdetail("Up to %d are kept as they are.", RFM_MAX_DISTINCT));
	return true;
}

/* After the last entry of a measure: does its sum agree with the others? */
static bool
measure_check(RfmSketch *s, int measure, bool collapsed, int64 sum, Node *soft)
{
	if (!rfm_check_members(sum, soft))
		return false;
	if (collapsed && sum <= RFM_MAX_DISTINCT)
		ereturn(soft, false, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s has too few members for buckets: %lld", rfm_measure_names[measure],
					   (long long) sum),
				errdetail("Up to %d distinct values are kept as they are.", RFM_MAX_DISTINCT));
	if (measure > 0 && sum != s->members)
		ereturn(soft, false, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("measures count different numbers of members"),
				errdetail("There are %lld of %s and %lld of %s.", (long long) s->members,
						  rfm_measure_names[0], (long long) sum, rfm_measure_names[measure]));
	s->members = sum;
	return true;
}

/* Takes a checked entry; false after a soft error. */
static bool
sketch_take(RfmSketch *s, int measure, bool collapsed, const RfmEntry *e, RfmEntry *previous,
			int64 *sum, Node *soft)
{
	if (!entry_check(s, measure, collapsed, e, *sum > 0 ? previous : NULL, soft))
		return false;
	*sum += e->count;
	if (*sum > RFM_MAX_MEMBERS)
		return rfm_check_members(*sum, soft);
	if (collapsed)
		rfm_map_add_bucket(s, measure, e->key, e->count);
	else
		rfm_map_add(s, measure, e->key, e->count);
	*previous = *e;
	return true;
}

static bool
read_measure(Scanner *in, RfmSketch *s, int measure)
{
	const char letter[2] = {rfm_measure_names[measure][0], '\0'};
	RfmEntry previous;
	int64 sum = 0;
	bool collapsed;

	if (!scan_is_word(in, letter))
		return scan_fail(in, psprintf("\"%s\"", letter));
	collapsed = scan_is(in, '~');
	if (!scan_expect(in, '('))
		return false;
	if (!scan_is(in, ')'))
	{
		do
		{
			RfmEntry e;

			if (!scan_int(in, PG_INT64_MIN, PG_INT64_MAX, &e.key) || !scan_expect(in, ':') ||
				!scan_int(in, PG_INT64_MIN, PG_INT64_MAX, &e.count) ||
				!sketch_take(s, measure, collapsed, &e, &previous, &sum, in->soft))
				return false;
		} while (scan_is(in, ','));
		if (!scan_expect(in, ')'))
			return false;
	}
	return measure_check(s, measure, collapsed, sum, in->soft);
}

PG_FUNCTION_INFO_V1(rfm_sketch_in);
Datum
rfm_sketch_in(PG_FUNCTION_ARGS)
{
	Scanner in;
	RfmSketch *s;
	int bins[RFM_MEASURES];

	scan_begin(&in, "rfm_sketch", PG_GETARG_CSTRING(0), soft_context(fcinfo));
	if (!scan_is_word(&in, "bins"))
	{
		scan_fail(&in, "\"bins\"");
		PG_RETURN_NULL();
	}
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		int64 n;

		if (!scan_expect(&in, i == 0 ? '=' : ',') || !scan_int(&in, 0, PG_INT32_MAX, &n) ||
			!rfm_check_bins(n, i, in.soft))
			PG_RETURN_NULL();
		bins[i] = (int) n;
	}
	s = rfm_sketch_new(CurrentMemoryContext, bins);
	for (int i = 0; i < RFM_MEASURES; i++)
		if (!read_measure(&in, s, i))
			PG_RETURN_NULL();
	if (!scan_end(&in))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(rfm_sketch_pack(s));
}

PG_FUNCTION_INFO_V1(rfm_sketch_out);
Datum
rfm_sketch_out(PG_FUNCTION_ARGS)
{
	RfmCursor c;
	StringInfoData out;

	rfm_cursor_open(&c, PG_GETARG_VARLENA_PP(0));
	initStringInfo(&out);
	appendStringInfo(&out, "bins=%d,%d,%d", c.bins[0], c.bins[1], c.bins[2]);
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		const char *comma = "";

		rfm_cursor_measure(&c);
		appendStringInfo(&out, " %c%s(", rfm_measure_names[i][0], c.collapsed[i] ? "~" : "");
		for (; rfm_cursor_next(&c); comma = ",")
			appendStringInfo(&out, "%s%lld:%lld", comma, (long long) c.entry.key,
							 (long long) c.entry.count);
		appendStringInfoChar(&out, ')');
	}
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(rfm_sketch_recv);
Datum
rfm_sketch_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int bins[RFM_MEASURES];
	RfmSketch *s;

	for (int i = 0; i < RFM_MEASURES; i++)
	{
		bins[i] = pq_getmsgbyte(in);
		rfm_check_bins(bins[i], i, NULL);
	}
	s = rfm_sketch_new(CurrentMemoryContext, bins);
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		int collapsed = pq_getmsgbyte(in);
		uint32 n = pq_getmsgint(in, 4);
		int64 sum = 0;
		RfmEntry previous;

		if (collapsed > 1 || n > RFM_MAX_ENTRIES)
			ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid external \"rfm_sketch\" value"),
					errdetail("%s has collapse flag %d and %u entries.", rfm_measure_names[i],
							  collapsed, n));
		while (n-- > 0)
		{
			RfmEntry e;

			e.key = pq_getmsgint64(in);
			e.count = pq_getmsgint64(in);
			sketch_take(s, i, collapsed == 1, &e, &previous, &sum, NULL);
		}
		measure_check(s, i, collapsed == 1, sum, NULL);
	}
	PG_RETURN_POINTER(rfm_sketch_pack(s));
}

PG_FUNCTION_INFO_V1(rfm_sketch_send);
Datum
rfm_sketch_send(PG_FUNCTION_ARGS)
{
	RfmCursor c;
	StringInfoData out;

	rfm_cursor_open(&c, PG_GETARG_VARLENA_PP(0));
	pq_begintypsend(&out);
	for (int i = 0; i < RFM_MEASURES; i++)
		pq_sendint8(&out, c.bins[i]);
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		rfm_cursor_measure(&c);
		pq_sendint8(&out, c.collapsed[i]);
		pq_sendint32(&out, c.left);
		while (rfm_cursor_next(&c))
		{
			pq_sendint64(&out, c.entry.key);
			pq_sendint64(&out, c.entry.count);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(rfm_sketch_eq);
Datum
rfm_sketch_eq(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);
	Size size = VARSIZE_ANY_EXHDR(a);

	PG_RETURN_BOOL(size == VARSIZE_ANY_EXHDR(b) &&
				   memcmp(VARDATA_ANY(a), VARDATA_ANY(b), size) == 0);
}

PG_FUNCTION_INFO_V1(rfm_sketch_ne);
Datum
rfm_sketch_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!DatumGetBool(rfm_sketch_eq(fcinfo)));
}

PG_FUNCTION_INFO_V1(rfm_sketch_hash);
Datum
rfm_sketch_hash(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);

	return hash_any((unsigned char *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a));
}

PG_FUNCTION_INFO_V1(rfm_sketch_hash_extended);
Datum
rfm_sketch_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);

	return hash_any_extended((unsigned char *) VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a),
							 PG_GETARG_INT64(1));
}
