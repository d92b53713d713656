/*
 * tagset_stats.c: how common tags are, and how many rows a condition on presence will keep.
 *
 * ANALYZE stores the commonest tags as most common elements, as it does of arrays and tsvector, so that they
 * can be read in pg_stats.  Tags are taken for independent of each other.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#include "types/tagset_query.h"

/* Ids counted at most: a dictionary has hundreds, and memory must be bounded. */
#define COUNTED_MAX 100000

/* Most common tags kept for each unit of the statistics target, as for arrays. */
#define COMMON_PER_TARGET 10

/* Without statistics, or for a tag they don't know. */
#define DEFAULT_SHARE 0.005

/*
 * From 0.3 of the rows on, a rule is to get a scan: every page has rows of it, and the bitmap only costs.
 * The server reckons so from about two thirds on, therefore @@ is said to keep more than it does: between the
 * first two shares up to the third, and above them up to all.
 */
#define SCAN_FROM 0.2
#define SCAN_TO 0.3
#define SCAN_SHARE 0.8

/* Sets within a list are rarer by this product of independent shares than they are. */
#define LEAST_CONTAINED 0.001

/* ---- ANALYZE ---- */

typedef struct TagCount
{
	int32 id;
	int32 count;
} TagCount;

static int
by_count(const void *a, const void *b)
{
	const TagCount *x = a;
	const TagCount *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int
by_id(const void *a, const void *b)
{
	const TagCount *x = a;
	const TagCount *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void
count_tags(HTAB *counts, const struct varlena *packed)
{
	TagIds ids;

	tag_ids_open(&ids, packed);
	while (tag_ids_next(&ids))
	{
		bool found;
		bool full = hash_get_num_entries(counts) >= COUNTED_MAX;
		TagCount *entry = hash_search(counts, &ids.id, full ? HASH_FIND : HASH_ENTER, &found);

		if (found)
			entry->count++;
		else if (entry)
			entry->count = 1;
	}
}

/* The commonest of what was counted, by id. */
static TagCount *
commonest(HTAB *counts, int most, int *n)
{
	HASH_SEQ_STATUS scan;
	TagCount *entry;
	TagCount *all = palloc(Max(hash_get_num_entries(counts), 1) * sizeof(TagCount));

	*n = 0;
	hash_seq_init(&scan, counts);
	while ((entry = hash_seq_search(&scan)) != NULL)
		all[(*n)++] = *entry;
	qsort(all, *n, sizeof(TagCount), by_count);
	*n = Min(*n, most);
	qsort(all, *n, sizeof(TagCount), by_id);
	return all;
}

static void
store_common(VacAttrStats *stats, const TagCount *common, int n, int rows)
{
	MemoryContext old = MemoryContextSwitchTo(stats->anl_context);
	Datum *values = palloc(n * sizeof(Datum));
	float4 *numbers = palloc((n + 2) * sizeof(float4));
	float4 least = 1;
	float4 most = 0;

	for (int i = 0; i < n; i++)
	{
		values[i] = Int32GetDatum(common[i].id);
		numbers[i] = (float4) ((double) common[i].count / rows);
		least = Min(least, numbers[i]);
		most = Max(most, numbers[i]);
	}
	numbers[n] = least;
	numbers[n + 1] = most;
	MemoryContextSwitchTo(old);

	stats->stakind[0] = STATISTIC_KIND_MCELEM;
	stats->staop[0] = Int4EqualOperator;
	stats->stacoll[0] = InvalidOid;
	stats->stanumbers[0] = numbers;
	stats->numnumbers[0] = n + 2;
	stats->stavalues[0] = values;
	stats->numvalues[0] = n;
	stats->statypid[0] = INT4OID;
	stats->statyplen[0] = sizeof(int32);
	stats->statypbyval[0] = true;
	stats->statypalign[0] = TYPALIGN_INT;
}

static void
compute_tagset_stats(VacAttrStats *stats, AnalyzeAttrFetchFunc fetch, int samplerows,
					 double totalrows)
{
	HASHCTL control = {.keysize = sizeof(int32),
					   .entrysize = sizeof(TagCount),
					   .hcxt = CurrentMemoryContext};
	HTAB *counts =
		hash_create("tags counted", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	int rows = 0;
	int n = 0;
	double width = 0;

	for (int i = 0; i < samplerows; i++)
	{
		bool null;
		Datum value = fetch(stats, i, &null);
		struct varlena *packed;

		analyze_delay_point();
		if (null)
			continue;
		rows++;
		width += VARSIZE_ANY(DatumGetPointer(value));
		packed = PG_DETOAST_DATUM_PACKED(value);
		count_tags(counts, packed);
		if ((Pointer) packed != DatumGetPointer(value))
			pfree(packed);
	}
	if (samplerows == 0)
		return;
	stats->stats_valid = true;
	stats->stanullfrac = (float4) ((double) (samplerows - rows) / samplerows);
	stats->stawidth = rows > 0 ? (int32) (width / rows) : 0;
	/* Two members rarely have the very same tags. */
	stats->stadistinct = rows > 0 ? (float4) (-1.0 * rows / samplerows) : 0;
	if (rows > 0)
	{
		TagCount *common = commonest(counts, stats_target(stats) * COMMON_PER_TARGET, &n);

		if (n > 0)
			store_common(stats, common, n, rows);
	}
}

PG_FUNCTION_INFO_V1(tagset_typanalyze);
Datum
tagset_typanalyze(PG_FUNCTION_ARGS)
{
	VacAttrStats *stats = (VacAttrStats *) PG_GETARG_POINTER(0);

	if (stats_target(stats) < 0)
		stats_target(stats) = default_statistics_target;
	stats->compute_stats = compute_tagset_stats;
	stats->minrows = 300 * stats_target(stats);
	PG_RETURN_BOOL(true);
}

/* ---- how common a tag is ---- */

typedef struct TagShares
{
	bool known;
	double nulls; /* share of rows without a value */
	double least; /* share of the rarest known tag */
	AttStatsSlot slot;
} TagShares;

static void
shares_open(TagShares *shares, VariableStatData *var, Oid oper)
{
	memset(shares, 0, sizeof(*shares));
	if (!HeapTupleIsValid(var->statsTuple) || !statistic_proc_security_check(var, get_opcode(oper)))
		return;
	shares->nulls = ((Form_pg_statistic) GETSTRUCT(var->statsTuple))->stanullfrac;
	if (!get_attstatsslot(&shares->slot, var->statsTuple, STATISTIC_KIND_MCELEM, InvalidOid,
						  ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
		return;
	if (shares->slot.valuetype == INT4OID && shares->slot.nvalues > 0 &&
		shares->slot.nnumbers >= shares->slot.nvalues + 2)
	{
		shares->known = true;
		shares->least = shares->slot.numbers[shares->slot.nvalues];
	}
}

static double
share_of(const TagShares *shares, int32 id)
{
	int low = 0;
	int high = shares->known ? shares->slot.nvalues : 0;

	if (!shares->known)
		return DEFAULT_SHARE;
	while (low < high)
	{
		int mid = (low + high) / 2;
		int32 known = DatumGetInt32(shares->slot.values[mid]);

		if (known == id)
			return shares->slot.numbers[mid];
		if (known < id)
			low = mid + 1;
		else
			high = mid;
	}
	return Min(DEFAULT_SHARE, shares->least / 2);
}

static double
share_contains(const TagShares *shares, const IdList *ids)
{
	double share = ids->null ? 0 : 1;

	for (int i = 0; i < ids->n; i++)
		share *= share_of(shares, ids->id[i]);
	return share;
}

static double
share_overlaps(const TagShares *shares, const IdList *ids)
{
	double none = 1;

	for (int i = 0; i < ids->n; i++)
		none *= 1 - share_of(shares, ids->id[i]);
	return 1 - none;
}

static double
share_contained(const TagShares *shares, const IdList *ids)
{
	double share = 1;
	int j = 0;

	if (!shares->known)
		return DEFAULT_SHARE;
	for (int i = 0; i < shares->slot.nvalues; i++)
	{
		int32 known = DatumGetInt32(shares->slot.values[i]);

		while (j < ids->n && ids->id[j] < known)
			j++;
		if (j == ids->n || ids->id[j] != known)
			share *= 1 - shares->slot.numbers[i];
	}
	return Max(share, LEAST_CONTAINED);
}

/* ---- the estimators ---- */

typedef double (*Share)(const TagShares *shares, const IdList *ids);

/* The list a constant stands for: of an id, an array of ids, or a tagset. */
static void
id_list_from_const(IdList *ids, const Const *value)
{
	if (value->consttype == INT4OID)
	{
		ids->n = 1;
		ids->id = palloc(sizeof(int32));
		ids->id[0] = DatumGetInt32(value->constvalue);
		ids->null = false;
	}
	else if (value->consttype == INT4ARRAYOID)
		id_list_from_array(ids, DatumGetArrayTypeP(value->constvalue));
	else
		id_list_from_tagset(ids, PG_DETOAST_DATUM_PACKED(value->constvalue));
}

/* The column and the other side of a condition. */
typedef struct Condition
{
	VariableStatData var;
	Node *other;
	bool left; /* the column stands on the left */
} Condition;

/* False when there is nothing to go by but *selectivity. */
static bool
condition_open(FunctionCallInfo fcinfo, Condition *c, TagShares *shares, double *selectivity)
{
	*selectivity = DEFAULT_SHARE;
	if (!get_restriction_variable((PlannerInfo *) PG_GETARG_POINTER(0),
								  (List *) PG_GETARG_POINTER(2), PG_GETARG_INT32(3), &c->var,
								  &c->other, &c->left))
		return false;
	if (!IsA(c->other, Const) || ((Const *) c->other)->constisnull)
	{
		if (IsA(c->other, Const))
			*selectivity = 0;
		ReleaseVariableStats(c->var);
		return false;
	}
	shares_open(shares, &c->var, PG_GETARG_OID(1));
	return true;
}

static double
condition_close(Condition *c, TagShares *shares, double share)
{
	double selectivity = share * (1 - shares->nulls);

	free_attstatsslot(&shares->slot);
	ReleaseVariableStats(c->var);
	CLAMP_PROBABILITY(selectivity);
	return selectivity;
}

/* The restriction estimator of an operator; swapped, if the column stands on its right. */
static Datum
estimate(FunctionCallInfo fcinfo, Share share, Share swapped)
{
	Condition c;
	TagShares shares;
	IdList ids;
	double selectivity;

	if (!condition_open(fcinfo, &c, &shares, &selectivity))
		PG_RETURN_FLOAT8(selectivity);
	id_list_from_const(&ids, (Const *) c.other);
	PG_RETURN_FLOAT8(condition_close(&c, &shares, (c.left ? share : swapped)(&shares, &ids)));
}

PG_FUNCTION_INFO_V1(tagset_contains_sel);
Datum
tagset_contains_sel(PG_FUNCTION_ARGS)
{
	return estimate(fcinfo, share_contains, share_contained);
}

PG_FUNCTION_INFO_V1(tagset_contained_sel);
Datum
tagset_contained_sel(PG_FUNCTION_ARGS)
{
	return estimate(fcinfo, share_contained, share_contains);
}

PG_FUNCTION_INFO_V1(tagset_overlaps_sel);
Datum
tagset_overlaps_sel(PG_FUNCTION_ARGS)
{
	return estimate(fcinfo, share_overlaps, share_overlaps);
}

/*
 * Of a condition on presence.  What is there may yet not be in force, so negated literals keep everybody.
 */
static double
share_matches(const TagShares *shares, const TagQuery *q)
{
	double *stack = palloc((q->n_nodes + 1) * sizeof(double));
	double *top = stack - 1;

	if (q->n_nodes == 0)
		return q->always ? 1 : 0;
	for (int i = 0; i < q->n_nodes; i++)
	{
		int node = q->node[i];

		if (node >= 0)
		{
			*++top = share_of(shares, q->literal[node].id);
			continue;
		}
		top--;
		top[0] = node == TAG_AND ? top[0] * top[1] : top[0] + top[1] - top[0] * top[1];
	}
	return *top;
}

static double
lean_to_scan(double share)
{
	if (share <= SCAN_FROM)
		return share;
	if (share <= SCAN_TO)
		return SCAN_FROM + (share - SCAN_FROM) / (SCAN_TO - SCAN_FROM) * (SCAN_SHARE - SCAN_FROM);
	return SCAN_SHARE + (share - SCAN_TO) / (1 - SCAN_TO) * (1 - SCAN_SHARE);
}

PG_FUNCTION_INFO_V1(tagset_matches_sel);
Datum
tagset_matches_sel(PG_FUNCTION_ARGS)
{
	Condition c;
	TagShares shares;
	TagQuery *q;
	double selectivity;

	if (!condition_open(fcinfo, &c, &shares, &selectivity))
		PG_RETURN_FLOAT8(selectivity);
	if (!c.left) /* a column of rules */
		PG_RETURN_FLOAT8(condition_close(&c, &shares, DEFAULT_SHARE));
	q = tag_query_of_rule(PG_DETOAST_DATUM(((Const *) c.other)->constvalue), true);
	PG_RETURN_FLOAT8(condition_close(&c, &shares, lean_to_scan(share_matches(&shares, q))));
}
