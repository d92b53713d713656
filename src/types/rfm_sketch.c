/*
 * rfm_sketch.c: the state of rfm_cuts_agg: counting members by value, and its packed form.
 */
#include "compat.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "types/rfm_sketch.h"
#include "util/varint.h"

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE RfmEntry
#define ST_COMPARE(a, b) ((a)->key < (b)->key ? -1 : (a)->key > (b)->key)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define FIRST_SLOTS 16

static Size sketch_flat_size(ExpandedObjectHeader *eoh);
static void sketch_flatten_into(ExpandedObjectHeader *eoh, void *result, Size size);

static const ExpandedObjectMethods sketch_methods = {sketch_flat_size, sketch_flatten_into};

/* ---- buckets --------------------------------------------------------------------- */

/*
 * The bucket of a value: 0 to 2^(RFM_BUCKET_BITS + 1) - 1 are themselves, then each power of two has
 * 2^RFM_BUCKET_BITS buckets; negative values mirror the positive.  This is the index of DDSketch (C. Masson,
 * J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
 * guarantees", PVLDB 12(12), 2019) with the logarithm interpolated linearly between powers of two: integer
 * arithmetic only, so every machine finds the same bucket.
 */
int
rfm_bucket(int64 value)
{
	uint64 size = value < 0 ? -(uint64) value : (uint64) value;
	int bucket;

	if (size < (UINT64CONST(2) << RFM_BUCKET_BITS))
		bucket = (int) size;
	else
	{
		int shift = pg_leftmost_one_pos64(size) - RFM_BUCKET_BITS;

		bucket = (shift << RFM_BUCKET_BITS) + (int) (size >> shift);
	}
	return value < 0 ? -bucket : bucket;
}

/* The least and the greatest value of a bucket. */
void
rfm_bucket_span(int bucket, int64 *low, int64 *high)
{
	int index = abs(bucket);
	int shift = Max((index >> RFM_BUCKET_BITS) - 1, 0);
	uint64 near = (uint64) (index - (shift << RFM_BUCKET_BITS)) << shift;
	uint64 far = near + ((UINT64CONST(1) << shift) - 1);

	if (bucket < 0)
	{
		*low = far > (uint64) PG_INT64_MAX ? PG_INT64_MIN : -(int64) far;
		*high = near > (uint64) PG_INT64_MAX ? PG_INT64_MIN : -(int64) near;
	}
	else
	{
		*low = (int64) near;
		*high = (int64) far;
	}
}

/* ---- counting -------------------------------------------------------------------- */

RfmSketch *
rfm_sketch_new(MemoryContext parent, const int *bins)
{
	MemoryContext context = AllocSetContextCreate(parent, "rfm_sketch", ALLOCSET_START_SMALL_SIZES);
	RfmSketch *s = MemoryContextAllocZero(context, sizeof(RfmSketch));

	EOH_init_header(&s->eoh, &sketch_methods, context);
	memcpy(s->bins, bins, sizeof(s->bins));
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		s->map[i].bits = pg_leftmost_one_pos32(FIRST_SLOTS);
		s->map[i].slot = MemoryContextAllocZero(context, sizeof(RfmEntry) * FIRST_SLOTS);
	}
	return s;
}

/* The slot of a key, or the free one where it belongs. */
static inline RfmEntry *
map_find(const RfmMap *map, int64 key)
{
	uint32 mask = (1U << map->bits) - 1;
	uint64 h = (uint64) key * UINT64CONST(0x9E3779B97F4A7C15);
	uint32 i = (uint32) ((h ^ (h >> 29)) * UINT64CONST(0xBF58476D1CE4E5B9) >> (64 - map->bits));

	while (map->slot[i].count != 0 && map->slot[i].key != key)
		i = (i + 1) & mask;
	return &map->slot[i];
}

static void
map_grow(RfmSketch *s, RfmMap *map)
{
	RfmEntry *old = map->slot;
	int n = 1 << map->bits;

	map->bits++;
	map->slot = MemoryContextAllocZero(s->eoh.eoh_context, sizeof(RfmEntry) << map->bits);
	for (int i = 0; i < n; i++)
		if (old[i].count != 0)
			*map_find(map, old[i].key) = old[i];
	pfree(old);
}

static void
map_collapse(RfmSketch *s, RfmMap *map)
{
	map->bucket = MemoryContextAllocZero(s->eoh.eoh_context, sizeof(int64) * RFM_MAX_ENTRIES);
	map->bucket += RFM_LAST_BUCKET;
	for (int i = 0; i < 1 << map->bits; i++)
		if (map->slot[i].count != 0)
			map->bucket[rfm_bucket(map->slot[i].key)] += map->slot[i].count;
	pfree(map->slot);
	map->slot = NULL;
}

void
rfm_map_add(RfmSketch *s, int measure, int64 value, int64 count)
{
	RfmMap *map = &s->map[measure];

	if (map->bucket == NULL)
	{
		RfmEntry *slot = map_find(map, value);

		if (slot->count != 0)
		{
			slot->count += count;
			return;
		}
		if (map->used < RFM_MAX_DISTINCT)
		{
			slot->key = value;
			slot->count = count;
			if (2 * ++map->used > 1 << map->bits)
				map_grow(s, map);
			return;
		}
		map_collapse(s, map);
	}
	map->bucket[rfm_bucket(value)] += count;
}

void
rfm_map_add_bucket(RfmSketch *s, int measure, int64 bucket, int64 count)
{
	RfmMap *map = &s->map[measure];

	if (map->bucket == NULL)
		map_collapse(s, map);
	map->bucket[bucket] += count;
}

/* The entries of a measure in ascending order, palloc'd. */
void
rfm_map_sorted(const RfmMap *map, RfmDistribution *d)
{
	d->n = 0;
	d->collapsed = map->bucket != NULL;
	d->entry = palloc(sizeof(RfmEntry) * (d->collapsed ? RFM_MAX_ENTRIES : Max(map->used, 1)));
	if (d->collapsed)
	{
		for (int b = -RFM_LAST_BUCKET; b <= RFM_LAST_BUCKET; b++)
			if (map->bucket[b] != 0)
				d->entry[d->n++] = (RfmEntry){b, map->bucket[b]};
		return;
	}
	for (int i = 0; i < 1 << map->bits; i++)
		if (map->slot[i].count != 0)
			d->entry[d->n++] = map->slot[i];
	sort_entries(d->entry, d->n);
}

void
rfm_sketch_count(RfmSketch *s, int64 members)
{
	if (members > RFM_MAX_MEMBERS - s->members)
		rfm_check_members(RFM_MAX_MEMBERS + 1, NULL);
	s->members += members;
	if (s->packed)
		pfree(s->packed);
	s->packed = NULL;
}

/* ---- the packed form ------------------------------------------------------------- */

struct varlena *
rfm_sketch_pack(const RfmSketch *s)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	appendStringInfoChar(&out, RFM_SKETCH_FORMAT);
	appendStringInfoChar(&out, 0);
	for (int i = 0; i < RFM_MEASURES; i++)
		appendStringInfoChar(&out, (char) s->bins[i]);
	appendStringInfoChar(&out, (s->map[0].bucket ? 1 : 0) | (s->map[1].bucket ? 2 : 0) |
								   (s->map[2].bucket ? 4 : 0));
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		RfmDistribution d;
		char *p;

		CHECK_FOR_INTERRUPTS();
		rfm_map_sorted(&s->map[i], &d);
		enlargeStringInfo(&out, VARINT_MAX * (1 + 2 * d.n));
		p = put_varint(out.data + out.len, d.n);
		for (int j = 0; j < d.n; j++)
		{
			if (j == 0)
				p = put_signed(p, d.entry[j].key);
			else
				p = put_varint(p, (uint64) d.entry[j].key - (uint64) d.entry[j - 1].key);
			p = put_varint(p, d.entry[j].count);
		}
		out.len = p - out.data;
		pfree(d.entry);
	}
	SET_VARSIZE(out.data, out.len);
	return (struct varlena *) out.data;
}

static Size
sketch_flat_size(ExpandedObjectHeader *eoh)
{
	RfmSketch *s = (RfmSketch *) eoh;

	if (s->packed == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(eoh->eoh_context);

		s->packed = rfm_sketch_pack(s);
		MemoryContextSwitchTo(old);
	}
	return VARSIZE(s->packed);
}

static void
sketch_flatten_into(ExpandedObjectHeader *eoh, void *result, Size size)
{
	RfmSketch *s = (RfmSketch *) eoh;

	Assert(s->packed != NULL && size == VARSIZE(s->packed));
	memcpy(result, s->packed, size);
}

static void
sketch_damaged(const char *what)
{
	ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("packed value is damaged"),
			errdetail("rfm_sketch has %s.", what));
}

void
rfm_cursor_open(RfmCursor *c, const struct varlena *packed)
{
	const char *p = VARDATA_ANY(packed);
	Size size = VARSIZE_ANY_EXHDR(packed);

	if (size < 1 || p[0] != RFM_SKETCH_FORMAT)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown format of rfm_sketch"),
				errhint(
					"The value was written by a newer version of this extension, or is damaged."));
	if (size < RFM_SKETCH_HEADER)
		sketch_damaged("no whole header");
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		c->bins[i] = (uint8) p[2 + i];
		c->collapsed[i] = (p[2 + RFM_MEASURES] & (1 << i)) != 0;
		if (c->bins[i] < 1 || c->bins[i] > RFM_MAX_BINS)
			sketch_damaged("an impossible number of bins");
	}
	c->p = p + RFM_SKETCH_HEADER;
	c->end = p + size;
	c->measure = -1;
}

/* On to the next measure, once all entries of the one before are read. */
void
rfm_cursor_measure(RfmCursor *c)
{
	c->measure++;
	c->first = true;
	c->left = get_varint(&c->p, c->end);
	if (c->left > RFM_MAX_ENTRIES)
		sketch_damaged("too many entries");
}

bool
rfm_cursor_next(RfmCursor *c)
{
	RfmEntry *e = &c->entry;

	if (c->left == 0)
		return false;
	c->left--;
	if (c->first)
		e->key = get_signed(&c->p, c->end);
	else
		e->key = (int64) ((uint64) e->key + get_varint(&c->p, c->end));
	c->first = false;
	e->count = (int64) get_varint(&c->p, c->end);
	if (e->count < 1 || e->count > RFM_MAX_MEMBERS)
		sketch_damaged("an impossible count");
	if (c->collapsed[c->measure] && (e->key < -RFM_LAST_BUCKET || e->key > RFM_LAST_BUCKET))
		sketch_damaged("an impossible bucket");
	return true;
}

/* Counts all members of a packed sketch in s too. */
void
rfm_sketch_add_packed(RfmSketch *s, const struct varlena *packed)
{
	RfmCursor c;
	int64 members = 0;

	rfm_cursor_open(&c, packed);
	for (int i = 0; i < RFM_MEASURES; i++)
	{
		int64 sum = 0;

		CHECK_FOR_INTERRUPTS();
		rfm_cursor_measure(&c);
		while (rfm_cursor_next(&c))
		{
			sum += c.entry.count;
			if (sum > RFM_MAX_MEMBERS)
				sketch_damaged("too many members");
			if (c.collapsed[i])
				rfm_map_add_bucket(s, i, c.entry.key, c.entry.count);
			else
				rfm_map_add(s, i, c.entry.key, c.entry.count);
		}
		if (i == 0)
			rfm_sketch_count(s, members = sum);
		else if (sum != members)
			sketch_damaged("different numbers of members");
	}
}

RfmSketch *
rfm_sketch_expand(MemoryContext parent, const struct varlena *packed)
{
	RfmCursor c;
	RfmSketch *s;

	rfm_cursor_open(&c, packed);
	s = rfm_sketch_new(parent, c.bins);
	rfm_sketch_add_packed(s, packed);
	return s;
}
