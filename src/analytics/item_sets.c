/*
 * item_sets.c: frequent item sets, depth first over lists of baskets (Eclat: M. Zaki, "Scalable algorithms for
 * association mining", 2000), the lists of a set's extensions made in one walk over its baskets (occurrence
 * deliver: T. Uno, M. Kiyomi, H. Arimura, "LCM ver. 2", 2004).
 *
 * Items are ranked, the most frequent first, and a set is extended by items of lower rank only: so each set is
 * found once, and the rare items, of few baskets, have many extensions to look for.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"

#include "analytics/item_sets.h"
#include "errors.h"

typedef struct ItemCount
{
	int32 item;
	int32 count;
	int32 rank; /* -1: not frequent */
	char status;
} ItemCount;

#define SH_PREFIX items
#define SH_ELEMENT_TYPE ItemCount
#define SH_KEY_TYPE int32
#define SH_KEY item
#define SH_HASH_KEY(table, key) murmurhash32((uint32) (key))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct Miner
{
	const ItemSetOptions *options;
	ItemSetMemory *memory;
	ItemSetFound found;
	void *context;
	int32 min_count;
	int32 sets;	  /* found so far */
	int32 *item;  /* by rank */
	int32 *start; /* of each basket with two frequent items or more, where its ranks begin */
	int32 *rank;  /* the ranks of baskets, ascending */
	int32 prefix[ITEM_SETS_MAX_SIZE]; /* ranks, descending */
} Miner;

void
item_sets_reserve(ItemSetMemory *memory, Size size)
{
	memory->used += size;
	if (memory->used > memory->limit)
		ereport(ERROR, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("baskets need more memory than maintenance_work_mem"),
				errdetail("At least %zu kB are needed, %zu kB are allowed.",
						  memory->used / 1024 + 1, memory->limit / 1024),
				errhint("Raise maintenance_work_mem or min_support, or take fewer baskets."));
}

static void *
take(Miner *m, Size n, Size width)
{
	item_sets_reserve(m->memory, n * width);
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * width);
}

static void
give_back(Miner *m, void *p, Size n, Size width)
{
	m->memory->used -= n * width;
	pfree(p);
}

void
item_sets_check_options(const ItemSetOptions *o)
{
	if (!(o->min_support > 0 && o->min_support <= 1))
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
				errmsg("invalid min_support: %g", o->min_support),
				errdetail("It is a share of the baskets, above 0 and up to 1."));
	if (o->max_size < 1 || o->max_size > ITEM_SETS_MAX_SIZE)
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION), errmsg("invalid max_size: %d", o->max_size),
				errdetail("It is 1 to %d.", ITEM_SETS_MAX_SIZE));
	if (o->max_sets < 1)
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION), errmsg("invalid max_sets: %d", o->max_sets),
				errdetail("It is at least 1."));
}

/* The least number of baskets whose share is min_support. */
static int32
least_count(double min_support, int32 baskets)
{
	double count = ceil(min_support * baskets);

	while (count > 1 && (count - 1) / baskets >= min_support)
		count--;
	while (count / baskets < min_support)
		count++;
	return (int32) count;
}

static int
ascending(const void *a, const void *b)
{
	int32 x = *(const int32 *) a;
	int32 y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

/* A set: the ranks of the prefix and one more. */
static void
tell(Miner *m, int depth, int32 rank, int32 count)
{
	int32 items[ITEM_SETS_MAX_SIZE];

	if (++m->sets > m->options->max_sets)
		ereport(ERROR, errcode(ERRCODE_TOO_MANY_SETS),
				errmsg("more than %d item sets are in %d baskets or more", m->options->max_sets,
					   m->min_count),
				errhint("Raise min_support, or lower max_size."));
	for (int i = 0; i < depth; i++)
		items[i] = m->item[m->prefix[i]];
	items[depth] = m->item[rank];
	qsort(items, depth + 1, sizeof(int32), ascending);
	m->found(m->context, items, depth + 1, count);
}

/* The extensions of the prefix, whose baskets these are, by ranks below its last; every basket has that too. */
static void
extend(Miner *m, const int32 *basket, int32 n, int depth)
{
	int32 below = m->prefix[depth - 1];
	int32 *count = take(m, below, sizeof(int32));
	int32 *where = take(m, below, sizeof(int32));
	bool deeper = depth + 1 < m->options->max_size;
	Size total = 0;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	memset(count, 0, below * sizeof(int32));
	for (int32 i = 0; i < n; i++)
		for (const int32 *r = m->rank + m->start[basket[i]]; *r < below; r++)
			count[*r]++;
	for (int32 r = 0; r < below; r++)
	{
		where[r] = -1;
		if (count[r] < m->min_count)
			continue;
		tell(m, depth, r, count[r]);
		if (deeper && r > 0)
		{
			where[r] = (int32) total;
			total += count[r];
		}
	}
	if (total > 0)
	{
		int32 *lists = take(m, total, sizeof(int32));

		for (int32 i = 0; i < n; i++)
			for (const int32 *r = m->rank + m->start[basket[i]]; *r < below; r++)
				if (where[*r] >= 0)
					lists[where[*r]++] = basket[i];
		for (int32 r = 1; r < below; r++)
			if (where[r] >= 0)
			{
				m->prefix[depth] = r;
				extend(m, lists + where[r] - count[r], count[r], depth + 1);
			}
		give_back(m, lists, total, sizeof(int32));
	}
	give_back(m, where, below, sizeof(int32));
	give_back(m, count, below, sizeof(int32));
}

static void
refuse_baskets(const char *why)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_BASKETS), errmsg("invalid baskets"),
			errdetail("%s", why), errhint("They are what the aggregate basket_agg() gives."));
}

/* How often each item is there; returns how many baskets there are. */
static int32
count_items(const int32 *x, int n, items_hash *hash)
{
	int32 baskets = 0;

	for (int i = 0; i < n; baskets++)
	{
		int32 size = x[i++];

		CHECK_FOR_INTERRUPTS();
		if (size < 0 || size > n - i)
			refuse_baskets("The number of items of a basket does not fit.");
		for (int end = i + size; i < end; i++)
		{
			bool known;
			ItemCount *c = items_insert(hash, x[i], &known);

			if (!known)
				c->count = 0;
			c->count++;
			if (i + 1 < end && x[i + 1] <= x[i])
				refuse_baskets("The items of a basket do not ascend.");
		}
	}
	return baskets;
}

static int
more_frequent(const void *a, const void *b)
{
	const ItemCount *x = *(ItemCount *const *) a;
	const ItemCount *y = *(ItemCount *const *) b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

/* Ranks the frequent items; returns how many there are. */
static int32
rank_items(Miner *m, items_hash *hash, ItemCount **by_rank)
{
	items_iterator i;
	ItemCount *c;
	int32 n = 0;

	items_start_iterate(hash, &i);
	while ((c = items_iterate(hash, &i)) != NULL)
	{
		c->rank = -1;
		if (c->count >= m->min_count)
			by_rank[n++] = c;
	}
	qsort(by_rank, n, sizeof(ItemCount *), more_frequent);
	for (int32 r = 0; r < n; r++)
	{
		by_rank[r]->rank = r;
		m->item[r] = by_rank[r]->item;
	}
	return n;
}

/* The baskets as ranks; returns how many have two frequent items or more. */
static int32
pack_baskets(Miner *m, const int32 *x, int n, items_hash *hash)
{
	int32 baskets = 0;
	int32 *end = m->rank;

	for (int i = 0; i < n;)
	{
		int32 *begin = end;

		for (int stop = i + x[i] + 1; ++i < stop;)
		{
			int32 rank = items_lookup(hash, x[i])->rank;
			int32 *at = end;

			if (rank < 0)
				continue;
			for (; at > begin && at[-1] > rank; at--)
				at[0] = at[-1];
			*at = rank;
			end++;
		}
		if (end - begin < 2)
			end = begin;
		else
			m->start[baskets++] = (int32) (begin - m->rank);
	}
	m->start[baskets] = (int32) (end - m->rank);
	return baskets;
}

/* For each rank the baskets that have it, one after another; list[r] is where those of r begin. */
static int32 *
list_baskets(Miner *m, int32 baskets, int32 items, int32 *list)
{
	int32 n = m->start[baskets];
	int32 *lists = take(m, n, sizeof(int32));

	memset(list, 0, (items + 1) * sizeof(int32));
	for (int32 i = 0; i < n; i++)
		list[m->rank[i] + 1]++;
	for (int32 r = 0; r < items; r++)
		list[r + 1] += list[r];
	for (int32 b = 0; b < baskets; b++)
		for (int32 i = m->start[b]; i < m->start[b + 1]; i++)
			lists[list[m->rank[i]]++] = b;
	memmove(list + 1, list, items * sizeof(int32));
	list[0] = 0;
	return lists;
}

int32
item_sets_find(ArrayType *array, const ItemSetOptions *options, ItemSetMemory *memory,
			   ItemSetFound found, void *context)
{
	Miner m = {.options = options, .memory = memory, .found = found, .context = context};
	const int32 *x = (int32 *) ARR_DATA_PTR(array);
	int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	items_hash *hash = items_create(CurrentMemoryContext, 1024, NULL);
	int32 all;
	int32 baskets;
	int32 items;
	ItemCount **by_rank;
	int32 *list;
	int32 *lists;

	if (ARR_ELEMTYPE(array) != INT4OID || ARR_NDIM(array) > 1 || ARR_HASNULL(array))
		refuse_baskets("They are one list of numbers, none null.");
	item_sets_reserve(memory, VARSIZE(array));
	all = count_items(x, n, hash);
	if (all == 0)
		return 0;
	m.min_count = least_count(options->min_support, all);
	item_sets_reserve(memory, hash->size * sizeof(ItemCount));
	by_rank = take(&m, hash->members, sizeof(ItemCount *));
	m.item = take(&m, hash->members, sizeof(int32));
	items = rank_items(&m, hash, by_rank);
	m.start = take(&m, all + 1, sizeof(int32));
	m.rank = take(&m, n - all, sizeof(int32));
	baskets = pack_baskets(&m, x, n, hash);
	list = take(&m, items + 1, sizeof(int32));
	lists = list_baskets(&m, baskets, items, list);
	for (int32 r = 0; r < items; r++)
	{
		tell(&m, 0, r, by_rank[r]->count);
		m.prefix[0] = r;
		if (options->max_size > 1 && r > 0)
			extend(&m, lists + list[r], list[r + 1] - list[r], 1);
	}
	return all;
}
