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

/*
 * Day of month (0..30) and month of a day, and back.  Years begin with March, so that the day of the leap year
 * is the last, and multiplications take the place of divisions: C. Neri and L. Schneider, "Euclidean affine
 * functions and their application to calendar algorithms", 2022.  Several times faster than j2date() and
 * date2j(), and the same from year 1 on.
 */
#define DAY_OF_YEAR_0 730425 /* days from 0000-03-01 to 2000-01-01 */

static inline int
month_and_day(DateADT day, int *day_of_month)
{
	uint32 n1 = 4 * (uint32) (day + DAY_OF_YEAR_0) + 3;
	uint32 century = n1 / 146097;
	uint32 n2 = n1 % 146097 | 3;
	uint64 p2 = UINT64CONST(2939745) * n2;
	uint32 day_of_year = (uint32) p2 / 2939745 / 4;
	uint32 n3 = 2141 * day_of_year + 197913; /* month 3..14, day in its low half */

	*day_of_month = (int) (n3 % 65536 / 2141);
	return (int) (12 * (100 * century + (uint32) (p2 >> 32)) + (n3 >> 16) - 1);
}

static inline int
month_of(DateADT day)
{
	int d;

	return month_and_day(day, &d);
}

static inline DateADT
month_start(int month)
{
	uint32 m = (uint32) month - 2; /* from March of year 0 */
	uint32 year = m / 12;
	uint32 century = year / 100;

	return (DateADT) (1461 * year / 4 - century + century / 4 + (979 * (m % 12 + 3) - 2919) / 32 -
					  DAY_OF_YEAR_0);
}

/* The same day of the month, months later (or earlier), or the last day of that month when it is shorter. */
static inline DateADT
add_months(DateADT day, int months)
{
	int d;
	int month = month_and_day(day, &d) + months;
	DateADT start = month_start(month);

	return d < 28 ? start + d : Min(start + d, month_start(month + 1) - 1);
}

#endif
