/*
 * standing.c: the type standing: level, since, until and next review of a member in each ladder.
 *
 * Text: LADDER:LEVEL@SINCE[/UNTIL[!DUE]] separated by commas, or "empty": 1:2@2026-03-01/2026-06-01; after it
 * may follow "soft", "carry MICRO" and "floor", "lock" or "trial" LEVEL[/UNTIL].
 * Packed, after format version and reserved flags: ladder, level * 2, zigzag since, and 0 for no end or
 * until - since + 1 and due - until, all varints; 7 bytes for a ladder.  level * 2 + 1 says that more follows:
 * landed + mode * 2 + (granted until a day) * 8, carry, and of a grant level and zigzag day.
 */
#include "compat.h"

#include "funcapi.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "errors.h"
#include "types/standing.h"
#include "util/day.h"
#include "util/scan.h"
#include "util/varint.h"

const char *const grant_modes[4] = {"none", "floor", "lock", "trial"};

#define RANK_LANDED 1
#define RANK_ENDS 8

static bool
rank_has_more(const Rank *r)
{
	return r->landed || r->carry || r->mode;
}

static void
decode_more(Rank *r, const char **p, const char *end)
{
	uint64 flags = get_varint(p, end);

	r->landed = flags & RANK_LANDED;
	r->mode = (flags >> 1) & 3;
	r->carry = (int64) get_varint(p, end);
	if (r->mode == GRANT_NONE)
		return;
	r->granted = (int16) get_varint(p, end);
	if (flags & RANK_ENDS)
		r->granted_until = (DateADT) get_signed(p, end);
}

static char *
encode_more(const Rank *r, char *p)
{
	bool ends = r->mode && !DATE_IS_NOEND(r->granted_until);

	p = put_varint(p, (r->landed ? RANK_LANDED : 0) | (r->mode << 1) | (ends ? RANK_ENDS : 0));
	p = put_varint(p, (uint64) r->carry);
	if (r->mode)
		p = put_varint(p, r->granted);
	return ends ? put_signed(p, r->granted_until) : p;
}

void
standing_decode(Standing *s, const struct varlena *packed)
{
	const char *p = VARDATA_ANY(packed);
	const char *end = p + VARSIZE_ANY_EXHDR(packed);

	if (end - p < 2 || p[0] != STANDING_FORMAT || p[1] != 0)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
				errmsg("unknown format of a standing value"),
				errhint(
					"The value was written by a newer version of the extension, or is damaged."));
	p += 2;
	for (s->n = 0; p < end; s->n++)
	{
		Rank *r = &s->rank[s->n];
		uint64 length, level;

		if (s->n == STANDING_LADDERS)
			varint_corrupt();
		memset(r, 0, sizeof(*r));
		r->granted_until = DATEVAL_NOEND;
		r->ladder = (int16) get_varint(&p, end);
		level = get_varint(&p, end);
		r->level = (int16) (level >> 1);
		r->since = (DateADT) get_signed(&p, end);
		length = get_varint(&p, end);
		r->until = r->due = DATEVAL_NOEND;
		if (length)
		{
			r->until = r->since + (DateADT) length - 1;
			r->due = r->until + (DateADT) get_varint(&p, end);
		}
		if (level & 1)
			decode_more(r, &p, end);
	}
}

struct varlena *
standing_encode(const Standing *s)
{
	struct varlena *packed = palloc(VARHDRSZ + 2 + s->n * 9 * VARINT_MAX);
	char *p = VARDATA(packed);

	*p++ = STANDING_FORMAT;
	*p++ = 0;
	for (int i = 0; i < s->n; i++)
	{
		const Rank *r = &s->rank[i];

		p = put_varint(p, r->ladder);
		p = put_varint(p, (r->level << 1) | rank_has_more(r));
		p = put_signed(p, r->since);
		if (DATE_IS_NOEND(r->until))
			p = put_varint(p, 0);
		else
		{
			p = put_varint(p, (uint64) (r->until - r->since + 1));
			p = put_varint(p, (uint64) (r->due - r->until));
		}
		if (rank_has_more(r))
			p = encode_more(r, p);
	}
	SET_VARSIZE(packed, p - (char *) packed);
	return packed;
}

/* The rank in a ladder; NULL, or with create a new one at level 0, when there is none yet. */
Rank *
standing_rank(Standing *s, int16 ladder, bool create)
{
	int i = 0;

	while (i < s->n && s->rank[i].ladder < ladder)
		i++;
	if (i < s->n && s->rank[i].ladder == ladder)
		return &s->rank[i];
	if (!create)
		return NULL;
	if (s->n == STANDING_LADDERS)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many ladders"),
				errdetail("A member stands in at most %d.", STANDING_LADDERS));
	memmove(&s->rank[i + 1], &s->rank[i], (s->n - i) * sizeof(Rank));
	s->rank[i] = (Rank){.ladder = ladder,
						.until = DATEVAL_NOEND,
						.due = DATEVAL_NOEND,
						.granted_until = DATEVAL_NOEND};
	s->n++;
	return &s->rank[i];
}

/* The earliest review or end of a grant; DATEVAL_NOEND: none. */
DateADT
standing_due(const Standing *s)
{
	DateADT due = DATEVAL_NOEND;

	for (int i = 0; i < s->n; i++)
		due = Min(due, Min(s->rank[i].due, s->rank[i].granted_until));
	return due;
}

/* The one validator of text and binary input; appends the rank. */
static bool
standing_append(Standing *s, const Rank *r, Node *soft)
{
	if (s->n == STANDING_LADDERS || (s->n > 0 && s->rank[s->n - 1].ladder >= r->ladder) ||
		r->ladder < 1 || r->level < 0 || r->level > 100)
		ereturn(soft, false, errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				errmsg("invalid standing"),
				errdetail("Ladders are named once, ascending, at most %d; levels are 0 to 100.",
						  STANDING_LADDERS));
	if (!day_in_range(r->since) || r->until < r->since || r->due < r->until ||
		(!DATE_IS_NOEND(r->until) && (!day_in_range(r->until) || !day_in_range(r->due))))
		ereturn(
			soft, false, errcode(ERRCODE_DAY_OUT_OF_RANGE), errmsg("invalid days of a standing"),
			errdetail(
				"Since is not after until, until not after the review, all between 1900-01-01 and 9999-12-31."));
	if (r->mode > GRANT_TRIAL || r->granted < 0 || r->granted > 100 || r->carry < 0 ||
		(r->mode == GRANT_NONE && r->granted) ||
		(!DATE_IS_NOEND(r->granted_until) &&
		 (r->mode == GRANT_NONE || !day_in_range(r->granted_until))))
		ereturn(
			soft, false, errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			errmsg("invalid grant of a standing"),
			errdetail(
				"Granted are levels 0 to 100, to a day between 1900-01-01 and 9999-12-31 or for good."));
	s->rank[s->n++] = *r;
	return true;
}

/* What may follow the days. */
static bool
rank_read_more(Scanner *scan, Rank *r)
{
	int64 granted = 0;

	r->landed = scan_is_word(scan, "soft");
	if (scan_is_word(scan, "carry") && !scan_int(scan, 0, PG_INT64_MAX, &r->carry))
		return false;
	for (int i = GRANT_FLOOR; i <= GRANT_TRIAL; i++)
		if (scan_is_word(scan, grant_modes[i]))
			r->mode = i;
	if (r->mode == GRANT_NONE)
		return true;
	if (!scan_int(scan, 0, 100, &granted))
		return false;
	r->granted = (int16) granted;
	return !scan_is(scan, '/') || scan_date(scan, &r->granted_until);
}

static bool
standing_read(Scanner *scan, Standing *s)
{
	if (scan_is_word(scan, "empty"))
		return scan_end(scan);
	do
	{
		int64 ladder, level;
		Rank r = {.granted_until = DATEVAL_NOEND};

		if (!scan_int(scan, 1, PG_INT16_MAX, &ladder) || !scan_expect(scan, ':') ||
			!scan_int(scan, 0, 100, &level) || !scan_expect(scan, '@') ||
			!scan_date(scan, &r.since))
			return false;
		r.ladder = (int16) ladder;
		r.level = (int16) level;
		r.until = DATEVAL_NOEND;
		if (scan_is(scan, '/') && !scan_date(scan, &r.until))
			return false;
		r.due = r.until;
		if (scan_is(scan, '!') && !scan_date(scan, &r.due))
			return false;
		if (!rank_read_more(scan, &r) || !standing_append(s, &r, scan->soft))
			return false;
	} while (scan_is(scan, ','));
	return scan_end(scan);
}

PG_FUNCTION_INFO_V1(standing_in);
Datum
standing_in(PG_FUNCTION_ARGS)
{
	Scanner scan;
	Standing s = {0};

	scan_begin(&scan, "standing", PG_GETARG_CSTRING(0), soft_context(fcinfo));
	if (!standing_read(&scan, &s))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(standing_encode(&s));
}

static void
append_more(StringInfo out, const Rank *r)
{
	if (r->landed)
		appendStringInfoString(out, " soft");
	if (r->carry)
		appendStringInfo(out, " carry %lld", (long long) r->carry);
	if (r->mode == GRANT_NONE)
		return;
	appendStringInfo(out, " %s %d", grant_modes[r->mode], r->granted);
	if (DATE_IS_NOEND(r->granted_until))
		return;
	appendStringInfoChar(out, '/');
	append_date(out, r->granted_until);
}

PG_FUNCTION_INFO_V1(standing_out);
Datum
standing_out(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	Standing s;

	initStringInfo(&out);
	standing_decode(&s, PG_GETARG_VARLENA_PP(0));
	for (int i = 0; i < s.n; i++)
	{
		const Rank *r = &s.rank[i];

		appendStringInfo(&out, "%s%d:%d@", i ? "," : "", r->ladder, r->level);
		append_date(&out, r->since);
		if (!DATE_IS_NOEND(r->until))
		{
			appendStringInfoChar(&out, '/');
			append_date(&out, r->until);
		}
		if (r->due != r->until)
		{
			appendStringInfoChar(&out, '!');
			append_date(&out, r->due);
		}
		append_more(&out, r);
	}
	if (s.n == 0)
		appendStringInfoString(&out, "empty");
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(standing_recv);
Datum
standing_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int n = pq_getmsgint(in, 2);
	Standing s = {0};

	for (int i = 0; i < n; i++)
	{
		Rank r = {0};

		r.ladder = (int16) pq_getmsgint(in, 2);
		r.level = (int16) pq_getmsgint(in, 2);
		r.since = (DateADT) pq_getmsgint(in, 4);
		r.until = (DateADT) pq_getmsgint(in, 4);
		r.due = (DateADT) pq_getmsgint(in, 4);
		r.landed = pq_getmsgbyte(in) != 0;
		r.mode = (uint8) pq_getmsgbyte(in);
		r.granted = (int16) pq_getmsgint(in, 2);
		r.granted_until = (DateADT) pq_getmsgint(in, 4);
		r.carry = pq_getmsgint64(in);
		standing_append(&s, &r, NULL);
	}
	PG_RETURN_POINTER(standing_encode(&s));
}

PG_FUNCTION_INFO_V1(standing_send);
Datum
standing_send(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	Standing s;

	standing_decode(&s, PG_GETARG_VARLENA_PP(0));
	pq_begintypsend(&out);
	pq_sendint16(&out, s.n);
	for (int i = 0; i < s.n; i++)
	{
		pq_sendint16(&out, s.rank[i].ladder);
		pq_sendint16(&out, s.rank[i].level);
		pq_sendint32(&out, s.rank[i].since);
		pq_sendint32(&out, s.rank[i].until);
		pq_sendint32(&out, s.rank[i].due);
		pq_sendbyte(&out, s.rank[i].landed);
		pq_sendbyte(&out, s.rank[i].mode);
		pq_sendint16(&out, s.rank[i].granted);
		pq_sendint32(&out, s.rank[i].granted_until);
		pq_sendint64(&out, s.rank[i].carry);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---- readers: standing, ladder ---- */

static bool
standing_argument(FunctionCallInfo fcinfo, Rank *r)
{
	Standing s;
	Rank *found;

	standing_decode(&s, PG_GETARG_VARLENA_PP(0));
	found = standing_rank(&s, PG_GETARG_INT16(1), false);
	if (found)
		*r = *found;
	return found != NULL;
}

PG_FUNCTION_INFO_V1(standing_level);
Datum
standing_level(PG_FUNCTION_ARGS)
{
	Rank r;

	PG_RETURN_INT16(standing_argument(fcinfo, &r) ? rank_level(&r) : 0);
}

PG_FUNCTION_INFO_V1(standing_since);
Datum
standing_since(PG_FUNCTION_ARGS)
{
	Rank r;

	if (!standing_argument(fcinfo, &r))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(r.since);
}

PG_FUNCTION_INFO_V1(standing_until);
Datum
standing_until(PG_FUNCTION_ARGS)
{
	Rank r;

	if (!standing_argument(fcinfo, &r) || DATE_IS_NOEND(r.until))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(r.until);
}

PG_FUNCTION_INFO_V1(standing_review);
Datum
standing_review(PG_FUNCTION_ARGS)
{
	Rank r;

	if (!standing_argument(fcinfo, &r) || DATE_IS_NOEND(r.due))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(r.due);
}

/* unnest(standing): a row for each ladder */
PG_FUNCTION_INFO_V1(standing_unnest);
Datum
standing_unnest(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Standing s;

	InitMaterializedSRF(fcinfo, 0);
	standing_decode(&s, PG_GETARG_VARLENA_PP(0));
	for (int i = 0; i < s.n; i++)
	{
		const Rank *r = &s.rank[i];
		Datum v[9] = {Int16GetDatum(r->ladder),
					  Int16GetDatum(rank_level(r)),
					  Int16GetDatum(r->level),
					  DateADTGetDatum(r->since),
					  DateADTGetDatum(r->until),
					  DateADTGetDatum(r->due),
					  CStringGetTextDatum(grant_modes[r->mode]),
					  Int16GetDatum(r->granted),
					  DateADTGetDatum(r->granted_until)};
		bool null[9] = {false};

		null[4] = DATE_IS_NOEND(r->until);
		null[5] = DATE_IS_NOEND(r->due);
		null[6] = null[7] = r->mode == GRANT_NONE;
		null[8] = DATE_IS_NOEND(r->granted_until);
		tuplestore_putvalues(result->setResult, result->setDesc, v, null);
	}
	return (Datum) 0;
}
