/*
 * windows.c: the days a window of a rule spans on a day.  Both ends never go back as the day goes on, which
 * next_change relies on.
 */
#include "compat.h"

#include "rule/windows.h"
#include "util/day.h"

/* How many whole years from the day on have passed; -1 before it.  A 29 February counts as 28 in short years. */
int
years_passed(DateADT from, DateADT day)
{
	int years;

	if (day < from)
		return -1;
	years = (month_of(day) - month_of(from)) / 12;
	return add_months(from, 12 * years) <= day ? years : years - 1;
}

/* The month that the calendar window of the unit begins with. */
static int
period_month(RuleUnit unit, DateADT day)
{
	int month = month_of(day);

	switch (unit)
	{
		case RULE_THIS_QUARTER:
		case RULE_LAST_QUARTER:
			return month - month % 3;
		case RULE_THIS_YEAR:
		case RULE_LAST_YEAR:
			return month - month % 12;
		default:
			return month;
	}
}

static int
period_months(RuleUnit unit)
{
	return unit == RULE_LAST_MONTH ? 1 : unit == RULE_LAST_QUARTER ? 3 : 12;
}

/* First day of the window; joined matters to membership years only. */
DateADT
window_since(const RuleNode *window, DateADT day, DateADT joined)
{
	RuleUnit unit = window->unit;
	int years;

	switch (unit)
	{
		case RULE_LIFE:
			return DATEVAL_NOBEGIN;
		case RULE_DAYS:
			return day - window->arg + 1;
		case RULE_MONTHS:
			return add_months(day, -window->arg) + 1;
		case RULE_THIS_MONTH:
		case RULE_THIS_QUARTER:
		case RULE_THIS_YEAR:
			return month_start(period_month(unit, day));
		case RULE_LAST_MONTH:
		case RULE_LAST_QUARTER:
		case RULE_LAST_YEAR:
			return month_start(period_month(unit, day) - period_months(unit));
		default:
			years = years_passed(joined, day) - (unit == RULE_LAST_MEMBER_YEAR);
			return add_months(joined, 12 * Max(years, 0));
	}
}

/* First day after the window. */
DateADT
window_until(const RuleNode *window, DateADT day, DateADT joined)
{
	RuleUnit unit = window->unit;

	switch (unit)
	{
		case RULE_LIFE:
			return DATEVAL_NOEND;
		case RULE_LAST_MONTH:
		case RULE_LAST_QUARTER:
		case RULE_LAST_YEAR:
			return month_start(period_month(unit, day));
		case RULE_LAST_MEMBER_YEAR:
			return add_months(joined, 12 * Max(years_passed(joined, day), 0));
		default:
			return day + 1;
	}
}
