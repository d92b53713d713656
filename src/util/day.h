/*
 * day.h: days and months as the packed types use them.
 *
 * A day is a DateADT between MIN_DAY and MAX_DAY, so that it, its month and sums of both fit in 32 bits
 * with room to spare, or one of the infinities, where a type says so.  A month is counted from January
 * of year 0.
 */
#ifndef MEMBER_DAY_H
#define MEMBER_DAY_H

#include "compat.h"
#include "utils/date.h"
#include "utils/datetime.h"

#define MIN_DAY ((DateADT) -36524)	/* 1900-01-01 */
#define MAX_DAY ((DateADT) 2921939) /* 9999-12-31 */

static inline bool
day_in_range(DateADT day)
{
	return day >= MIN_DAY && day <= MAX_DAY;
}

static inline int
month_of(DateADT day)
{
	int y, m, d;

	j2date(day + POSTGRES_EPOCH_JDATE, &y, &m, &d);
	return y * 12 + m - 1;
}

static inline DateADT
month_start(int month)
{
	return date2j(month / 12, month % 12 + 1, 1) - POSTGRES_EPOCH_JDATE;
}

/* The same day of the month, months later (or earlier), or the last day of that month when it is shorter. */
static inline DateADT
add_months(DateADT day, int months)
{
	int y, m, d, month;

	j2date(day + POSTGRES_EPOCH_JDATE, &y, &m, &d);
	month = y * 12 + m - 1 + months;
	y = month / 12;
	m = month % 12 + 1;
	d = Min(d, day_tab[isleap(y)][m - 1]);
	return date2j(y, m, d) - POSTGRES_EPOCH_JDATE;
}

#endif
