/*
 * baskets.c: baskets of items as a value, their frequent sets and association rules (R. Agrawal, T. Imielinski,
 * A. Swami, "Mining association rules between sets of items in large databases", 1993).
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/tuplestore.h"

#include "analytics/item_sets.h"
#include "errors.h"

static int
ascending(const void *a, const void *b)
{
	int32 x = *(const int32 *) a;
	int32 y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

static Datum
append(Datum array, int place, int32 value)
{
	return array_set_element(array, 1, &place, Int32GetDatum(value), false, -1, sizeof(int32), true,
							 TYPALIGN_INT);
}

/* basket_agg_step(baskets, items): one basket more; the aggregate's state is an expanded array that grows in place */
PG_FUNCTION_INFO_V1(basket_agg_step);
Datum
basket_agg_step(PG_FUNCTION_ARGS)
{
	MemoryContext context;
	ExpandedArrayHeader *state;
	ArrayType *basket = PG_GETARG_ARRAYTYPE_P(1);
	int n = ArrayGetNItems(ARR_NDIM(basket), ARR_DIMS(basket));
	int32 *item;
	int different = 0;
	int place;
	Datum result;

	if (ARR_ELEMTYPE(basket) != INT4OID || ARR_HASNULL(basket))
		ereport(ERROR, errcode(ERRCODE_INVALID_BASKETS), errmsg("an item of a basket is null"),
				errhint("Leave such lines out."));
	if (!AggCheckCallContext(fcinfo, &context))
		context = CurrentMemoryContext;
	if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(PG_GETARG_DATUM(0))))
		result = PG_GETARG_DATUM(0);
	else
		result = expand_array(PG_GETARG_DATUM(0), context, NULL);
	state = (ExpandedArrayHeader *) DatumGetEOHP(result);
	if (state->ndims > 1 || (state->ndims == 1 && state->lbound[0] != 1))
		ereport(ERROR, errcode(ERRCODE_INVALID_BASKETS), errmsg("invalid baskets"),
				errhint("They are what the aggregate basket_agg() gives."));
	place = state->ndims == 0 ? 0 : state->dims[0];
	item = palloc(sizeof(int32) * Max(n, 1));
	memcpy(item, ARR_DATA_PTR(basket), sizeof(int32) * n);
	qsort(item, n, sizeof(int32), ascending);
	for (int i = 0; i < n; i++)
		if (i == 0 || item[i] != item[i - 1])
			item[different++] = item[i];
	result = append(result, ++place, different);
	for (int i = 0; i < different; i++)
		result = append(result, ++place, item[i]);
	pfree(item);
	PG_RETURN_DATUM(result);
}

static ArrayType *
items_array(const int32 *items, int n)
{
	Datum element[ITEM_SETS_MAX_SIZE];

	for (int i = 0; i < n; i++)
		element[i] = Int32GetDatum(items[i]);
	return construct_array(element, n, INT4OID, sizeof(int32), true, TYPALIGN_INT);
}

/* ---- all sets, to count with ------------------------------------------------------ */

/* Sets one after another: number of items, count, the items; and where they are, by a hash of the items. */
typedef struct Sets
{
	ItemSetMemory memory;
	int32 *pool;
	Size used;
	Size room;
	int64 *slot; /* place in the pool, -1: free */
	Size slots;	 /* a power of two */
	Size sets;
} Sets;

static uint32
hash_items(const int32 *items, int n)
{
	uint32 h = n;

	for (int i = 0; i < n; i++)
		h = hash_combine(h, murmurhash32((uint32) items[i]));
	return h;
}

/* The slot of a set: its own, or the free one where it belongs. */
static int64 *
find_slot(Sets *s, const int32 *items, int n)
{
	for (Size i = hash_items(items, n);; i++)
	{
		int64 *slot = &s->slot[i & (s->slots - 1)];

		if (*slot < 0 ||
			(s->pool[*slot] == n && memcmp(&s->pool[*slot + 2], items, n * sizeof(int32)) == 0))
			return slot;
	}
}

static void
more_slots(Sets *s, Size slots)
{
	item_sets_reserve(&s->memory, (slots - s->slots) * sizeof(int64));
	if (s->slot)
		pfree(s->slot);
	s->slots = slots;
	s->slot = MemoryContextAllocHuge(CurrentMemoryContext, slots * sizeof(int64));
	memset(s->slot, -1, slots * sizeof(int64));
	for (Size at = 0; at < s->used; at += s->pool[at] + 2)
		*find_slot(s, &s->pool[at + 2], s->pool[at]) = (int64) at;
}

static void
keep_set(void *context, const int32 *items, int n, int32 count)
{
	Sets *s = context;

	if (s->used + n + 2 > s->room)
	{
		item_sets_reserve(&s->memory, s->room * sizeof(int32));
		s->room *= 2;
		s->pool = repalloc_huge(s->pool, s->room * sizeof(int32));
	}
	if (++s->sets * 2 > s->slots)
		more_slots(s, s->slots * 2);
	*find_slot(s, items, n) = (int64) s->used;
	s->pool[s->used] = n;
	s->pool[s->used + 1] = count;
	memcpy(&s->pool[s->used + 2], items, n * sizeof(int32));
	s->used += n + 2;
}

static void
sets_begin(Sets *s)
{
	memset(s, 0, sizeof(Sets));
	s->memory.limit = (Size) maintenance_work_mem * 1024;
	s->room = 1024;
	s->pool = palloc(s->room * sizeof(int32));
	more_slots(s, 1024);
}

/* ---- SQL functions ---------------------------------------------------------------- */

/* frequent_sets(baskets, min_support, max_size, max_sets): items, occurrences, support */
PG_FUNCTION_INFO_V1(basket_frequent_sets);
Datum
basket_frequent_sets(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ItemSetOptions options = {PG_GETARG_FLOAT8(1), PG_GETARG_INT32(2), PG_GETARG_INT32(3)};
	Sets s;
	int32 baskets;

	item_sets_check_options(&options);
	InitMaterializedSRF(fcinfo, 0);
	sets_begin(&s);
	baskets = item_sets_find(PG_GETARG_ARRAYTYPE_P(0), &options, &s.memory, keep_set, &s);
	for (Size at = 0; at < s.used; at += s.pool[at] + 2)
	{
		ArrayType *items = items_array(&s.pool[at + 2], s.pool[at]);
		Datum values[3] = {PointerGetDatum(items), Int64GetDatum(s.pool[at + 1]),
						   Float8GetDatum((double) s.pool[at + 1] / baskets)};
		bool nulls[3] = {false};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		pfree(items);
	}
	return (Datum) 0;
}

typedef struct RuleOptions
{
	double min_confidence;
	double min_lift;
	int max_consequent;
	int max_rules;
	int rules; /* found so far */
	double baskets;
} RuleOptions;

static void
put_rule(ReturnSetInfo *result, RuleOptions *o, const int32 *given, int n_given, const int32 *then,
		 int n_then, double count, double of_given, double of_then)
{
	double confidence = count / of_given;
	double share = of_then / o->baskets;
	double lift = confidence / share;
	ArrayType *antecedent;
	ArrayType *consequent;
	Datum values[8];
	bool nulls[8] = {false};

	if (confidence < o->min_confidence || lift < o->min_lift)
		return;
	if (++o->rules > o->max_rules)
		ereport(ERROR, errcode(ERRCODE_TOO_MANY_SETS),
				errmsg("more than %d association rules", o->max_rules),
				errhint("Raise min_support, min_confidence or min_lift, or lower max_size."));
	antecedent = items_array(given, n_given);
	consequent = items_array(then, n_then);
	values[0] = PointerGetDatum(antecedent);
	values[1] = PointerGetDatum(consequent);
	values[2] = Int64GetDatum((int64) count);
	values[3] = Float8GetDatum(count / o->baskets);
	values[4] = Float8GetDatum(confidence);
	values[5] = Float8GetDatum(lift);
	values[6] = Float8GetDatum(count / o->baskets - of_given / o->baskets * share);
	values[7] = Float8GetDatum(count == of_given ? INFINITY : (1 - share) / (1 - confidence));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	pfree(antecedent);
	pfree(consequent);
}

/* The rules a set makes: every part of it, small enough, as what follows from the rest. */
static void
put_rules_of(ReturnSetInfo *result, Sets *s, RuleOptions *o, const int32 *items, int n, int32 count)
{
	for (uint32 mask = 1; mask < (1U << n) - 1; mask++)
	{
		int32 given[ITEM_SETS_MAX_SIZE];
		int32 then[ITEM_SETS_MAX_SIZE];
		int n_given = 0;
		int n_then = 0;

		if (pg_popcount32(mask) > o->max_consequent)
			continue;
		for (int i = 0; i < n; i++)
			if (mask & (1U << i))
				then[n_then++] = items[i];
			else
				given[n_given++] = items[i];
		put_rule(result, o, given, n_given, then, n_then, count,
				 s->pool[*find_slot(s, given, n_given) + 1],
				 s->pool[*find_slot(s, then, n_then) + 1]);
	}
}

/* association_rules(baskets, min_support, min_confidence, min_lift, max_size, max_consequent, max_sets) */
PG_FUNCTION_INFO_V1(basket_rules);
Datum
basket_rules(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ItemSetOptions options = {PG_GETARG_FLOAT8(1), PG_GETARG_INT32(4), PG_GETARG_INT32(6)};
	RuleOptions rule = {.min_confidence = PG_GETARG_FLOAT8(2),
						.min_lift = PG_GETARG_FLOAT8(3),
						.max_consequent = PG_GETARG_INT32(5),
						.max_rules = PG_GETARG_INT32(6)};
	Sets s;

	item_sets_check_options(&options);
	if (!(rule.min_confidence >= 0 && rule.min_confidence <= 1))
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
				errmsg("invalid min_confidence: %g", rule.min_confidence),
				errdetail("It is 0 to 1."));
	if (!(rule.min_lift >= 0))
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
				errmsg("invalid min_lift: %g", rule.min_lift), errdetail("It is at least 0."));
	if (rule.max_consequent < 1)
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
				errmsg("invalid max_consequent: %d", rule.max_consequent),
				errdetail("It is at least 1."));
	InitMaterializedSRF(fcinfo, 0);
	sets_begin(&s);
	rule.baskets = item_sets_find(PG_GETARG_ARRAYTYPE_P(0), &options, &s.memory, keep_set, &s);
	for (Size at = 0; at < s.used; at += s.pool[at] + 2)
	{
		CHECK_FOR_INTERRUPTS();
		put_rules_of(result, &s, &rule, &s.pool[at + 2], s.pool[at], s.pool[at + 1]);
	}
	return (Datum) 0;
}
