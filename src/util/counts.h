/*
 * counts.h: the state of aggregates that count by day: a bigint array of a row for each day, a column for
 * each figure.  Adding two states number by number combines them.
 */
#ifndef MEMBER_COUNTS_H
#define MEMBER_COUNTS_H

#include "compat.h"

#define COUNTS_MAX_DAYS 3660

/*
 * The numbers of argument 0, row by row, to be changed in place; *state is what the function returns.  Null
 * is the state of no rows.  days is how many rows there are, columns how many figures of each.
 */
extern int64 *counts_state(FunctionCallInfo fcinfo, int days, int columns, Datum *state);

/* *sum += n; raises 22003 on overflow. */
extern void counts_add(int64 *sum, int64 n);

#endif
