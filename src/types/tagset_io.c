/*
 * tagset_io.c: text and binary form of tagset, and its SQL functions but the operators.
 *
 * Text: tags separated by commas, each TAG[*WEIGHT][@SINCE][/UNTIL][~HALF_LIFE]; nothing is "empty".
 *	 3,17*0.4@2026-03-01/2026-06-01~90
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "errors.h"
#include "types/tagset.h"
#include "util/day.h"
#include "util/scan.h"

/* Adds a tag of an input that must not name it twice. */
static bool
tags_add_input(Tags *t, const Tag *tag, Node *soft)
{
	if (!tag_check(tag, soft))
		return false;
	if (tags_find(t, tag->id))
		ereturn(soft, false, errcode(ERRCODE_INVALID_TAG),
				errmsg("tag %d is named twice", tag->id));
	if (t->n >= TAGSET_MAX_TAGS)
		ereturn(soft, false, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("too many tags in one value"),
				errdetail("A tagset holds at most %d.", TAGSET_MAX_TAGS));
	tags_set(t, tag);
	return true;
}

/* A decimal of at most four places, in ten-thousandths. */
static bool
scan_weight(Scanner *s, int32 *weight)
{
	int64 whole;
	int32 part = 0;
	int places = 0;

	if (!scan_int(s, 0, TAG_WEIGHT_MAX / TAG_WEIGHT_ONE, &whole))
		return false;
	if (*s->p == '.')
	{
		s->p++;
		for (; *s->p >= '0' && *s->p <= '9'; places++)
		{
			if (places == 4)
				return scan_fail(s, "at most four decimals");
			part = part * 10 + (*s->p++ - '0');
		}
		if (places == 0)
			return scan_fail(s, "a digit");
	}
	for (; places < 4; places++)
		part *= 10;
	*weight = (int32) whole * TAG_WEIGHT_ONE + part;
	return true;
}

static bool
tags_read(Scanner *s, Tags *t)
{
	if (scan_is_word(s, "empty"))
		return scan_end(s);
	do
	{
		int64 number;
		Tag tag = {0, TAG_WEIGHT_ONE, 0, DATEVAL_NOBEGIN, DATEVAL_NOEND};

		if (!scan_int(s, 1, PG_INT32_MAX, &number))
			return false;
		tag.id = (int32) number;
		if (scan_is(s, '*') && !scan_weight(s, &tag.weight))
			return false;
		if (scan_is(s, '@') && !scan_date(s, &tag.since))
			return false;
		if (scan_is(s, '/') && !scan_date(s, &tag.until))
			return false;
		if (scan_is(s, '~'))
		{
			if (!scan_int(s, 0, TAG_HALF_LIFE_MAX, &number))
				return false;
			tag.half_life = (int32) number;
		}
		if (!tags_add_input(t, &tag, s->soft))
			return false;
	} while (scan_is(s, ','));
	return scan_end(s);
}

PG_FUNCTION_INFO_V1(tagset_in);
Datum
tagset_in(PG_FUNCTION_ARGS)
{
	Scanner s;
	Tags t;

	scan_begin(&s, "tagset", PG_GETARG_CSTRING(0), soft_context(fcinfo));
	tags_init(&t);
	if (!tags_read(&s, &t))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(tags_encode(&t));
}

static void
append_weight(StringInfo out, int32 weight)
{
	int part = weight % TAG_WEIGHT_ONE;
	int places = 4;

	appendStringInfo(out, "%d", weight / TAG_WEIGHT_ONE);
	if (part == 0)
		return;
	for (; part % 10 == 0; part /= 10)
		places--;
	appendStringInfo(out, ".%0*d", places, part);
}

PG_FUNCTION_INFO_V1(tagset_out);
Datum
tagset_out(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	Tags t;

	initStringInfo(&out);
	tags_decode(&t, PG_GETARG_VARLENA_PP(0));
	for (int i = 0; i < t.n; i++)
	{
		const Tag *tag = &t.tag[i];

		appendStringInfo(&out, "%s%d", i ? "," : "", tag->id);
		if (tag->weight != TAG_WEIGHT_ONE)
		{
			appendStringInfoChar(&out, '*');
			append_weight(&out, tag->weight);
		}
		if (!DATE_IS_NOBEGIN(tag->since))
		{
			appendStringInfoChar(&out, '@');
			append_date(&out, tag->since);
		}
		if (!DATE_IS_NOEND(tag->until))
		{
			appendStringInfoChar(&out, '/');
			append_date(&out, tag->until);
		}
		if (tag->half_life > 0)
			appendStringInfo(&out, "~%d", tag->half_life);
	}
	if (t.n == 0)
		appendStringInfoString(&out, "empty");
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(tagset_recv);
Datum
tagset_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int n = pq_getmsgint(in, 2);
	Tags t;

	if (n > TAGSET_MAX_TAGS)
		ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				errmsg("invalid number of tags: %d", n));
	tags_init(&t);
	for (int i = 0; i < n; i++)
	{
		Tag tag;

		tag.id = (int32) pq_getmsgint(in, 4);
		tag.weight = (int32) pq_getmsgint(in, 4);
		tag.since = (DateADT) pq_getmsgint(in, 4);
		tag.until = (DateADT) pq_getmsgint(in, 4);
		tag.half_life = (int32) pq_getmsgint(in, 4);
		tags_add_input(&t, &tag, NULL);
	}
	PG_RETURN_POINTER(tags_encode(&t));
}

PG_FUNCTION_INFO_V1(tagset_send);
Datum
tagset_send(PG_FUNCTION_ARGS)
{
	StringInfoData out;
	Tags t;

	tags_decode(&t, PG_GETARG_VARLENA_PP(0));
	pq_begintypsend(&out);
	pq_sendint16(&out, t.n);
	for (int i = 0; i < t.n; i++)
	{
		pq_sendint32(&out, t.tag[i].id);
		pq_sendint32(&out, t.tag[i].weight);
		pq_sendint32(&out, t.tag[i].since);
		pq_sendint32(&out, t.tag[i].until);
		pq_sendint32(&out, t.tag[i].half_life);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* ---- arguments ---- */

static void
null_check(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("argument \"%s\" must not be null", name));
}

/* A finite day: at infinity nothing would be left of tags that have no end. */
static DateADT
day_argument(FunctionCallInfo fcinfo, int argument)
{
	DateADT day = PG_GETARG_DATEADT(argument);

	if (!day_in_range(day))
		ereport(ERROR, errcode(ERRCODE_DAY_OUT_OF_RANGE), errmsg("day is out of range"),
				errdetail("Days lie between 1900-01-01 and 9999-12-31."));
	return day;
}

/* Rounded to ten-thousandths; what can't be a weight becomes 0, which tag_check refuses. */
static int32
weight_argument(double weight)
{
	weight = rint(weight * TAG_WEIGHT_ONE);
	return weight >= 1 && weight <= TAG_WEIGHT_MAX ? (int32) weight : 0;
}

/* ---- constructors and mutators ---- */

/* tag_add(tags, tag, weight, day, until, half_life); NULL: 1, no day, no end, no decay */
PG_FUNCTION_INFO_V1(tagset_tag_add);
Datum
tagset_tag_add(PG_FUNCTION_ARGS)
{
	Tags t;
	Tag tag;

	null_check(fcinfo, 0, "tags");
	null_check(fcinfo, 1, "tag");
	tag.id = PG_GETARG_INT32(1);
	tag.weight = PG_ARGISNULL(2) ? TAG_WEIGHT_ONE : weight_argument(PG_GETARG_FLOAT8(2));
	tag.since = PG_ARGISNULL(3) ? DATEVAL_NOBEGIN : PG_GETARG_DATEADT(3);
	tag.until = PG_ARGISNULL(4) ? DATEVAL_NOEND : PG_GETARG_DATEADT(4);
	tag.half_life = PG_ARGISNULL(5) ? 0 : PG_GETARG_INT32(5);
	tag_check(&tag, NULL);
	tags_decode(&t, PG_GETARG_VARLENA_PP(0));
	tags_set(&t, &tag);
	PG_RETURN_POINTER(tags_encode(&t));
}

PG_FUNCTION_INFO_V1(tagset_tag_drop);
Datum
tagset_tag_drop(PG_FUNCTION_ARGS)
{
	Tags t;

	null_check(fcinfo, 0, "tags");
	null_check(fcinfo, 1, "tag");
	tags_decode(&t, PG_GETARG_VARLENA_PP(0));
	tags_drop(&t, PG_GETARG_INT32(1));
	PG_RETURN_POINTER(tags_encode(&t));
}

/* tags_drop(tags, ids); NULL elements name nothing */
PG_FUNCTION_INFO_V1(tagset_tags_drop);
Datum
tagset_tags_drop(PG_FUNCTION_ARGS)
{
	Tags t;
	IdList ids;
	int n = 0, j = 0;

	null_check(fcinfo, 0, "tags");
	null_check(fcinfo, 1, "ids");
	tags_decode(&t, PG_GETARG_VARLENA_PP(0));
	id_list_from_array(&ids, PG_GETARG_ARRAYTYPE_P(1));
	for (int i = 0; i < t.n; i++)
	{
		while (j < ids.n && ids.id[j] < t.tag[i].id)
			j++;
		if (j == ids.n || ids.id[j] != t.tag[i].id)
			t.tag[n++] = t.tag[i];
	}
	t.n = n;
	PG_RETURN_POINTER(tags_encode(&t));
}

/* to_tagset(ids): tags of weight 1 without days; what is named twice is there once */
PG_FUNCTION_INFO_V1(tagset_from_array);
Datum
tagset_from_array(PG_FUNCTION_ARGS)
{
	IdList ids;
	Tags t;

	id_list_from_array(&ids, PG_GETARG_ARRAYTYPE_P(0));
	if (ids.null)
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a tag must not be null"));
	tags_init(&t);
	for (int i = 0; i < ids.n; i++)
	{
		Tag tag = {ids.id[i], TAG_WEIGHT_ONE, 0, DATEVAL_NOBEGIN, DATEVAL_NOEND};

		tags_add_input(&t, &tag, NULL);
	}
	PG_RETURN_POINTER(tags_encode(&t));
}

PG_FUNCTION_INFO_V1(tagset_plus);
Datum
tagset_plus(PG_FUNCTION_ARGS)
{
	Tags a, b;

	tags_decode(&a, PG_GETARG_VARLENA_PP(0));
	tags_decode(&b, PG_GETARG_VARLENA_PP(1));
	tags_merge(&a, &b);
	PG_RETURN_POINTER(tags_encode(&a));
}

/* ---- readers ---- */

PG_FUNCTION_INFO_V1(tagset_weight);
Datum
tagset_weight(PG_FUNCTION_ARGS)
{
	struct varlena *packed = PG_GETARG_VARLENA_PP(0);
	int32 id = PG_GETARG_INT32(1);
	DateADT day = day_argument(fcinfo, 2);
	Tags t;

	if (!tagset_has_id(packed, id))
		PG_RETURN_FLOAT8(0);
	tags_decode(&t, packed);
	PG_RETURN_FLOAT8(tag_weight(tags_find(&t, id), day));
}

PG_FUNCTION_INFO_V1(tagset_is_live);
Datum
tagset_is_live(PG_FUNCTION_ARGS)
{
	struct varlena *packed = PG_GETARG_VARLENA_PP(0);
	int32 id = PG_GETARG_INT32(1);
	DateADT day = day_argument(fcinfo, 2);
	Tags t;

	if (!tagset_has_id(packed, id))
		PG_RETURN_BOOL(false);
	tags_decode(&t, packed);
	PG_RETURN_BOOL(tag_is_live(tags_find(&t, id), day));
}

PG_FUNCTION_INFO_V1(tagset_live);
Datum
tagset_live(PG_FUNCTION_ARGS)
{
	Tags t;

	tags_decode(&t, PG_GETARG_VARLENA_PP(0));
	tags_keep_live(&t, day_argument(fcinfo, 1));
	PG_RETURN_POINTER(tags_encode(&t));
}

PG_FUNCTION_INFO_V1(tagset_next_change);
Datum
tagset_next_change(PG_FUNCTION_ARGS)
{
	Tags t;
	DateADT day;

	tags_decode(&t, PG_GETARG_VARLENA_PP(0));
	day = tags_next_change(&t, day_argument(fcinfo, 1));
	if (DATE_IS_NOEND(day))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(day);
}

PG_FUNCTION_INFO_V1(tagset_tag_count);
Datum
tagset_tag_count(PG_FUNCTION_ARGS)
{
	TagIds ids;

	tag_ids_open(&ids, PG_GETARG_VARLENA_PP(0));
	PG_RETURN_INT32(ids.left);
}

PG_FUNCTION_INFO_V1(tagset_tag_ids);
Datum
tagset_tag_ids(PG_FUNCTION_ARGS)
{
	IdList ids;
	Datum *elements;

	id_list_from_tagset(&ids, PG_GETARG_VARLENA_PP(0));
	elements = palloc(Max(ids.n, 1) * sizeof(Datum));
	for (int i = 0; i < ids.n; i++)
		elements[i] = Int32GetDatum(ids.id[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, ids.n, INT4OID, 4, true, TYPALIGN_INT));
}

PG_FUNCTION_INFO_V1(tagset_unnest);
Datum
tagset_unnest(PG_FUNCTION_ARGS)
{
	FuncCallContext *ctx;
	const Tags *t;
	const Tag *tag;
	Datum values[5];
	bool nulls[5] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		TupleDesc desc;
		Tags *all;

		ctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(ctx->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "unnest(tagset) must return a row");
		ctx->tuple_desc = BlessTupleDesc(desc);
		all = palloc(sizeof(Tags));
		tags_decode(all, PG_GETARG_VARLENA_PP(0));
		ctx->user_fctx = all;
		MemoryContextSwitchTo(old);
	}
	ctx = SRF_PERCALL_SETUP();
	t = ctx->user_fctx;
	if (ctx->call_cntr >= (uint64) t->n)
		SRF_RETURN_DONE(ctx);
	tag = &t->tag[ctx->call_cntr];
	values[0] = Int32GetDatum(tag->id);
	values[1] = Float8GetDatum((double) tag->weight / TAG_WEIGHT_ONE);
	values[2] = DateADTGetDatum(tag->since);
	values[3] = DateADTGetDatum(tag->until);
	values[4] = Int32GetDatum(tag->half_life);
	nulls[2] = DATE_IS_NOBEGIN(tag->since);
	nulls[3] = DATE_IS_NOEND(tag->until);
	SRF_RETURN_NEXT(ctx, HeapTupleGetDatum(heap_form_tuple(ctx->tuple_desc, values, nulls)));
}
