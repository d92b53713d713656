/*
 * value.h: what a member will buy: the BG/NBD and Gamma-Gamma models, their data and their parameters.
 *
 *	 value_stats	how many members have which purchase history; the state of the aggregate
 *	 value_model	the seven parameters that a fit finds, 56 bytes
 *
 * A history is what the models need of a member on a day: on x days after that of the first purchase it
 * bought again, the last of them t_x days after the first, and the first is t days ago.  The methods, their
 * sources and the numerics stand in docs/internals/value.md.
 */
#ifndef MEMBER_VALUE_H
#define MEMBER_VALUE_H

#include "compat.h"
#include "utils/expandeddatum.h"

#include "types/activity.h"

/* ---- a member's history ---------------------------------------------------------- */

typedef struct ValueHistory
{
	int32 x;	  /* days with a purchase after the first */
	int32 t_x;	  /* days from the first to the last of them, 0 when x is 0 */
	int32 t;	  /* days from the first to the day asked */
	int64 amount; /* spent on those x days, minor units; refunds may make it negative */
} ValueHistory;

typedef enum ValueKnown
{
	VALUE_NOTHING, /* no purchase up to the day */
	VALUE_KNOWN,
	VALUE_CUT /* the day cuts an entry of which only the total is kept */
} ValueKnown;

extern ValueKnown value_history_of(ActivityCursor c, int32 day, ValueHistory *h);

/* False when there was no purchase up to the day.  MB501 when the day cuts a folded entry. */
extern bool value_history(const struct varlena *activity, int stream, int32 day, ValueHistory *h);

/* ---- histories of many ----------------------------------------------------------- */

#define VALUE_STATS_FORMAT 1
#define VALUE_STATS_HEADER 4 /* format version, reserved flags, grain of times, grain of money */

/* So many different histories are held of each sort; more, and they are rounded. */
#define VALUE_MAX_ENTRIES (1 << 18)
#define VALUE_MAX_GRAIN 22
#define VALUE_MAX_DAYS ((1 << 22) - 1)
#define VALUE_MAX_AMOUNT ((INT64CONST(1) << 53) - 1)

typedef enum ValueSort
{
	VALUE_TIMES, /* x, t_x and t: BG/NBD */
	VALUE_MONEY	 /* x and what was spent: Gamma-Gamma */
} ValueSort;
#define VALUE_SORTS 2

/* What members have in common, and how many they are. */
typedef struct ValueEntry
{
	uint64 rest; /* times: t_x and t; money: the amount */
	int32 x;
	uint32 members; /* 0: a free slot */
} ValueEntry;

static inline uint64
value_times(int32 t_x, int32 t)
{
	return (uint64) t_x << 22 | (uint64) t;
}

static inline int32
value_t_x(uint64 rest)
{
	return (int32) (rest >> 22);
}

static inline int32
value_t(uint64 rest)
{
	return (int32) (rest & VALUE_MAX_DAYS);
}

/* One sort while members are counted: open addressing. */
typedef struct ValueMap
{
	int used;
	int bits;  /* of the number of slots */
	int grain; /* see value_round() */
	ValueEntry *slot;
} ValueMap;

typedef struct ValueStats
{
	ExpandedObjectHeader eoh;
	ValueMap map[VALUE_SORTS];
	struct varlena *packed; /* kept from get_flat_size to flatten_into, or NULL */
} ValueStats;

/* The entries of one sort, ascending by x, then the rest. */
typedef struct ValueList
{
	int grain;
	int n;
	ValueEntry *entry;
} ValueList;

extern ValueStats *value_stats_new(MemoryContext parent);
extern void value_stats_add(ValueStats *s, ValueSort sort, const ValueEntry *e, int grain);
extern void value_stats_count(ValueStats *s, const ValueHistory *h);
extern void value_list(const ValueMap *map, ValueList *list);
extern struct varlena *value_stats_pack(const ValueStats *s);
extern void value_stats_open(const struct varlena *packed, ValueList list[VALUE_SORTS]);
extern uint64 value_round(ValueSort sort, uint64 rest, int grain);
extern double value_middle(uint64 money, int grain);

/* ---- parameters ------------------------------------------------------------------ */

/* As the SQL type: plain doubles.  Time in days, money in minor units.  p is 0 when spend has no model. */
typedef struct ValueModel
{
	double r;	  /* purchase rates among members: shape … */
	double alpha; /* … and scale, days */
	double a;	  /* chance to be gone after a purchase: Beta(a, b) */
	double b;
	double p;	  /* spend a purchase day: shape within a member … */
	double q;	  /* … and of the scale among members … */
	double gamma; /* … whose scale this is, minor units */
} ValueModel;

#define VALUE_PARAMETERS 7
#define VALUE_BG_PARAMETERS 4

/* ---- mathematics ----------------------------------------------------------------- */

extern double value_digamma(double x);
extern double value_trigamma(double x);
extern double value_p_alive(const ValueModel *m, double x, double t_x, double t);
extern double value_p_purchase(const ValueModel *m, double x, double t_x, double t, double horizon);
extern double value_purchases(const ValueModel *m, double x, double t_x, double t, double horizon);
extern double value_discounted(const ValueModel *m, double x, double t_x, double t, double horizon,
							   double discount);
extern double value_spend(const ValueModel *m, double x, double amount);

/* ---- likelihood ------------------------------------------------------------------ */

/* The log-likelihood at the parameters, in natural units; gradient n, hessian n x n of them. */
extern double value_times_likelihood(const ValueList *times, double scale, const double *theta,
									 double *gradient, double *hessian);
extern double value_money_likelihood(const ValueList *money, double scale, const double *theta,
									 double *gradient, double *hessian);

#endif
