/*
 * rfm.h: recency-frequency-monetary scores, the cuts they come from, and the sketch that makes the cuts.
 *
 * Three types, each made from the one after it:
 *
 *	 rfm		three scores of one member, 4 bytes, passed by value
 *	 rfm_cuts	per measure the values where the score steps up; some 100 bytes
 *	 rfm_sketch	per measure how many members have which value; the state of the aggregate (rfm_sketch.h)
 *
 * Everywhere the measures stand in the order recency, frequency, monetary, and values are natural: days
 * since the last purchase (fewer is better), number of orders, minor units of money.
 */
#ifndef MEMBER_RFM_H
#define MEMBER_RFM_H

#include "compat.h"
#include "nodes/nodes.h"

#define RFM_MEASURES 3
#define RFM_RECENCY 0
#define RFM_FREQUENCY 1
#define RFM_MONETARY 2
#define RFM_MAX_BINS 99
#define RFM_MAX_CUTS (RFM_MAX_BINS - 1)

/* so that bins * members does not overflow */
#define RFM_MAX_MEMBERS INT64CONST(10000000000000000)

/* ---- scores --------------------------------------------------------------------- */

/* Most significant first, so that comparing the integers compares r, then f, then m. */
static inline int32
rfm_pack(int r, int f, int m)
{
	return (r << 16) | (f << 8) | m;
}

/* What a member's activity comes to in a window of days that ends with the day. */
typedef struct RfmMeasures
{
	int32 recency; /* days since the last purchase */
	int64 frequency;
	int64 monetary;
} RfmMeasures;

extern bool rfm_measure(const struct varlena *activity, int stream, int32 day, int32 days,
						RfmMeasures *m);
extern int32 rfm_score_of(const struct varlena *cuts, int32 recency, int64 frequency,
						  int64 monetary);
extern int rfm_value_group_of(const struct varlena *cuts, int32 rfm);
extern int rfm_strategy_group_of(const struct varlena *cuts, int32 rfm);
extern int rfm_segment_of(const struct varlena *cuts, int32 rfm);

typedef struct RfmGroupName
{
	const char *zh;
	const char *en;
} RfmGroupName;

/* Groups numbered from first to last. */
typedef struct RfmGroups
{
	const RfmGroupName *names;
	int16 first;
	int16 last;
} RfmGroups;

extern const RfmGroups rfm_value_groups;
extern const RfmGroups rfm_strategy_groups;
extern const RfmGroups rfm_segments;

/* The name of one, in the language zh or en. */
extern text *rfm_group_name(const RfmGroups *groups, int16 group, const text *lang);
extern const char *const rfm_measure_names[RFM_MEASURES];

static inline int
rfm_part(int32 rfm, int measure)
{
	return (rfm >> (16 - 8 * measure)) & 0xff;
}

extern bool rfm_check_bins(int64 bins, int measure, Node *soft);
extern bool rfm_check_members(int64 members, Node *soft);

/* ---- cuts ----------------------------------------------------------------------- */

#define RFM_CUTS_FORMAT 1

/* Offsets of the packed form; the cuts follow, 4 bytes each of recency, 8 of the others. */
#define RFM_CUTS_BINS 2		   /* 3 x uint8, after format version and reserved flags */
#define RFM_CUTS_REACHED 5	   /* 3 x uint8 */
#define RFM_CUTS_APPROXIMATE 8 /* bit of each measure */
#define RFM_CUTS_MEMBERS 9	   /* int64 */
#define RFM_CUTS_HEADER 17

/* How far an approximate cut may lie from the right one, relative to it. */
#define RFM_BUCKET_BITS 10
#define RFM_CUT_ERROR (1.0 / (1 << RFM_BUCKET_BITS))

/*
 * The open form.  cut[i][k] is the value from which measure i scores k + 2; there are bins - 1 of them,
 * and those of scores that nobody reaches, always the last, are left out.  A score that is skipped has
 * the cut of the next one.
 */
typedef struct RfmCuts
{
	int bins[RFM_MEASURES];
	int reached[RFM_MEASURES]; /* number of cuts there are */
	bool approximate[RFM_MEASURES];
	int64 members; /* counted; 0 when the thresholds were given */
	int64 cut[RFM_MEASURES][RFM_MAX_CUTS];
} RfmCuts;

extern struct varlena *rfm_cuts_pack(const RfmCuts *cuts);
extern void rfm_cuts_unpack(RfmCuts *cuts, const struct varlena *packed);
extern const char *rfm_cuts_open(const struct varlena *packed);

/* How many of the cuts a value reaches.  No early end: a mispredicted branch costs more. */
static inline int
rfm_reached_recency(const char *cuts, int n, int32 days)
{
	int reached = 0;

	for (int i = 0; i < n; i++)
	{
		int32 cut;

		memcpy(&cut, cuts + i * sizeof(cut), sizeof(cut));
		reached += days <= cut;
	}
	return reached;
}

static inline int
rfm_reached(const char *cuts, int n, int64 value)
{
	int reached = 0;

	for (int i = 0; i < n; i++)
	{
		int64 cut;

		memcpy(&cut, cuts + i * sizeof(cut), sizeof(cut));
		reached += value >= cut;
	}
	return reached;
}

#endif
