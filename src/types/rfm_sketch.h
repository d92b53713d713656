/*
 * rfm_sketch.h: how many members have which recency, frequency and monetary value.
 *
 * While rows are counted the sketch is an expanded object: a hash table of distinct values per measure or,
 * past RFM_MAX_DISTINCT of them, an array of buckets.  Which of the two it is and what is in it depend on
 * the members counted alone, not on their order or division, so combining is commutative and associative
 * to the byte.  Packed, the entries of a measure are ascending, as varints of the difference to the one
 * before and of the count.
 */
#ifndef MEMBER_RFM_SKETCH_H
#define MEMBER_RFM_SKETCH_H

#include "types/rfm.h"
#include "utils/expandeddatum.h"

#define RFM_SKETCH_FORMAT 1
#define RFM_SKETCH_HEADER \
	6 /* format version, reserved flags, 3 x bins, bit of each collapsed measure */

/* So many distinct values of a measure are kept as they are. */
#define RFM_MAX_DISTINCT 65536

#define RFM_LAST_BUCKET ((64 - RFM_BUCKET_BITS) << RFM_BUCKET_BITS) /* that of 2^63 */
#define RFM_MAX_ENTRIES (2 * RFM_LAST_BUCKET + 1)					/* more than RFM_MAX_DISTINCT */

/* A distinct value or the number of a bucket, and how many members have it. */
typedef struct RfmEntry
{
	int64 key;
	int64 count;
} RfmEntry;

/* One measure while rows are counted. */
typedef struct RfmMap
{
	int used;
	int bits;		/* of the number of slots */
	RfmEntry *slot; /* open addressing; count 0: free */
	int64 *bucket;	/* once collapsed; that of 0 is in the middle */
} RfmMap;

typedef struct RfmSketch
{
	ExpandedObjectHeader eoh;
	int bins[RFM_MEASURES];
	int64 members;
	RfmMap map[RFM_MEASURES];
	struct varlena *packed; /* kept from get_flat_size to flatten_into, or NULL */
} RfmSketch;

/* The entries of one measure in ascending order. */
typedef struct RfmDistribution
{
	bool collapsed;
	int n;
	RfmEntry *entry;
} RfmDistribution;

/* A cursor over the packed form; reads without allocating. */
typedef struct RfmCursor
{
	const char *p;
	const char *end;
	int bins[RFM_MEASURES];
	bool collapsed[RFM_MEASURES];
	int measure; /* the one being read, -1 before the first */
	uint64 left; /* entries of it still to come */
	bool first;
	RfmEntry entry;
} RfmCursor;

extern int rfm_bucket(int64 value);
extern void rfm_bucket_span(int bucket, int64 *low, int64 *high);

extern RfmSketch *rfm_sketch_new(MemoryContext parent, const int *bins);
extern void rfm_sketch_count(RfmSketch *s, int64 members);
extern void rfm_map_add(RfmSketch *s, int measure, int64 value, int64 count);
extern void rfm_map_add_bucket(RfmSketch *s, int measure, int64 bucket, int64 count);
extern void rfm_map_sorted(const RfmMap *map, RfmDistribution *d);

extern struct varlena *rfm_sketch_pack(const RfmSketch *s);
extern RfmSketch *rfm_sketch_expand(MemoryContext parent, const struct varlena *packed);
extern void rfm_sketch_add_packed(RfmSketch *s, const struct varlena *packed);

extern void rfm_cursor_open(RfmCursor *c, const struct varlena *packed);
extern void rfm_cursor_measure(RfmCursor *c);
extern bool rfm_cursor_next(RfmCursor *c);

#endif
