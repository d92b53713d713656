/*
 * item_sets.h: frequent item sets of baskets.
 *
 * Baskets are an integer array: each its number of different items, then these ascending; so basket_agg() makes it.
 */
#ifndef MEMBER_ITEM_SETS_H
#define MEMBER_ITEM_SETS_H

#include "compat.h"

#include "utils/array.h"

#define ITEM_SETS_MAX_SIZE 16

typedef struct ItemSetOptions
{
	double min_support; /* share of the baskets, above 0 to 1 */
	int max_size;		/* items of a set */
	int max_sets;		/* more are an error */
} ItemSetOptions;

/* A set: its items ascending, how many baskets have them all. */
typedef void (*ItemSetFound)(void *context, const int32 *items, int n, int32 count);

/* Memory of one call, up to maintenance_work_mem. */
typedef struct ItemSetMemory
{
	Size used;
	Size limit;
} ItemSetMemory;

/* Calls found for each set, single items too; returns how many baskets there are. */
extern int32 item_sets_find(ArrayType *baskets, const ItemSetOptions *options,
							ItemSetMemory *memory, ItemSetFound found, void *context);

extern void item_sets_check_options(const ItemSetOptions *options);

/* Counts memory about to be taken; raises 53400 when it does not fit. */
extern void item_sets_reserve(ItemSetMemory *memory, Size size);

#endif
