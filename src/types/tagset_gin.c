/*
 * tagset_gin.c: the GIN operator class tagset_ops.  The keys of a value are its ids, so every question about
 * presence is answered exactly; only "has no other tags" needs the row itself.
 */
#include "compat.h"

#include "access/gin.h"
#include "access/stratnum.h"
#include "utils/array.h"

#include "types/tagset_query.h"

static Datum *
keys_of(const int32 *id, int n)
{
	Datum *keys = palloc(Max(n, 1) * sizeof(Datum));

	for (int i = 0; i < n; i++)
		keys[i] = Int32GetDatum(id[i]);
	return keys;
}

PG_FUNCTION_INFO_V1(tagset_extract_value);
Datum
tagset_extract_value(PG_FUNCTION_ARGS)
{
	int32 *n = (int32 *) PG_GETARG_POINTER(1);
	IdList ids;

	id_list_from_tagset(&ids, PG_GETARG_VARLENA_PP(0));
	*n = ids.n;
	PG_RETURN_POINTER(keys_of(ids.id, ids.n));
}

/*
 * The tags whose presence a rule needs; tri_consistent finds the condition with the first of them.  When
 * who has none of them may match, the index is of no use but as a list of everybody.
 */
static Datum *
extract_rule(FunctionCallInfo fcinfo)
{
	int32 *n = (int32 *) PG_GETARG_POINTER(1);
	Pointer **extra = (Pointer **) PG_GETARG_POINTER(4);
	int32 *search_mode = (int32 *) PG_GETARG_POINTER(6);
	TagQuery *q = tag_query_of_rule(PG_DETOAST_DATUM(PG_GETARG_DATUM(0)), true);
	Datum *keys = palloc((q->n_literals + 1) * sizeof(Datum));

	*n = q->n_literals;
	*extra = palloc0((q->n_literals + 1) * sizeof(Pointer));
	(*extra)[0] = (Pointer) q;
	for (int i = 0; i < q->n_literals; i++)
		keys[i] = Int32GetDatum(q->literal[i].id);
	if (q->n_nodes == 0 && q->always)
		*search_mode = GIN_SEARCH_MODE_ALL;
	return keys;
}

PG_FUNCTION_INFO_V1(tagset_extract_query);
Datum
tagset_extract_query(PG_FUNCTION_ARGS)
{
	int32 *n = (int32 *) PG_GETARG_POINTER(1);
	StrategyNumber strategy = PG_GETARG_UINT16(2);
	int32 *search_mode = (int32 *) PG_GETARG_POINTER(6);
	IdList ids = {0};

	switch (strategy)
	{
		case TAG_OVERLAPS:
		case TAG_CONTAINS:
		case TAG_CONTAINED:
			id_list_from_tagset(&ids, PG_GETARG_VARLENA_PP(0));
			break;
		case TAG_OVERLAPS_ARRAY:
		case TAG_CONTAINS_ARRAY:
		case TAG_CONTAINED_ARRAY:
			id_list_from_array(&ids, PG_GETARG_ARRAYTYPE_P(0));
			break;
		case TAG_HAS:
			ids.id = palloc(sizeof(int32));
			ids.id[ids.n++] = PG_GETARG_INT32(0);
			break;
		case TAG_MATCHES:
			PG_RETURN_POINTER(extract_rule(fcinfo));
		default:
			elog(ERROR, "unknown strategy of tagset_ops: %d", strategy);
	}

	switch (strategy)
	{
		case TAG_CONTAINS:
		case TAG_CONTAINS_ARRAY:
			if (ids.null) /* nobody has it */
				ids.n = 0;
			else if (ids.n == 0) /* everybody does */
				*search_mode = GIN_SEARCH_MODE_ALL;
			break;
		case TAG_CONTAINED:
		case TAG_CONTAINED_ARRAY:
			*search_mode = GIN_SEARCH_MODE_INCLUDE_EMPTY;
			break;
		default:
			break;
	}
	*n = ids.n;
	PG_RETURN_POINTER(keys_of(ids.id, ids.n));
}

static GinTernaryValue
any_of(const GinTernaryValue *check, int n)
{
	GinTernaryValue result = GIN_FALSE;

	for (int i = 0; i < n; i++)
		if (check[i] == GIN_TRUE)
			return GIN_TRUE;
		else if (check[i] == GIN_MAYBE)
			result = GIN_MAYBE;
	return result;
}

static GinTernaryValue
all_of(const GinTernaryValue *check, int n)
{
	GinTernaryValue result = GIN_TRUE;

	for (int i = 0; i < n; i++)
		if (check[i] == GIN_FALSE)
			return GIN_FALSE;
		else if (check[i] == GIN_MAYBE)
			result = GIN_MAYBE;
	return result;
}

/* Exact, unless the rule says that a tag is not in force: then the row is asked. */
static GinTernaryValue
rule_consistent(const TagQuery *q, const GinTernaryValue *check)
{
	GinTernaryValue result = tag_query_eval(q, check);

	return result == GIN_TRUE && !q->exact ? GIN_MAYBE : result;
}

/* GIN_MAYBE makes the server look at the row. */
PG_FUNCTION_INFO_V1(tagset_tri_consistent);
Datum
tagset_tri_consistent(PG_FUNCTION_ARGS)
{
	GinTernaryValue *check = (GinTernaryValue *) PG_GETARG_POINTER(0);
	StrategyNumber strategy = PG_GETARG_UINT16(1);
	int32 n = PG_GETARG_INT32(3);

	switch (strategy)
	{
		case TAG_OVERLAPS:
		case TAG_OVERLAPS_ARRAY:
		case TAG_HAS:
			PG_RETURN_GIN_TERNARY_VALUE(any_of(check, n)); /* exact */
		case TAG_CONTAINS:
		case TAG_CONTAINS_ARRAY:
			PG_RETURN_GIN_TERNARY_VALUE(all_of(check, n)); /* exact */
		case TAG_CONTAINED:
		case TAG_CONTAINED_ARRAY:
			PG_RETURN_GIN_TERNARY_VALUE(GIN_MAYBE); /* there may be tags outside the list */
		case TAG_MATCHES:
			/* without keys: everybody may match, or the row may tell more */
			if (n == 0)
				PG_RETURN_GIN_TERNARY_VALUE(GIN_MAYBE);
			PG_RETURN_GIN_TERNARY_VALUE(
				rule_consistent(((TagQuery **) PG_GETARG_POINTER(4))[0], check));
		default:
			elog(ERROR, "unknown strategy of tagset_ops: %d", strategy);
	}
}
