/*
 * windows.h: the days a window of a rule spans on a day.
 */
#ifndef MEMBER_RULE_WINDOWS_H
#define MEMBER_RULE_WINDOWS_H

#include "compat.h"

#include "rule/rule.h"

extern int years_passed(DateADT from, DateADT day);
extern DateADT window_since(const RuleNode *window, DateADT day, DateADT joined);
extern DateADT window_until(const RuleNode *window, DateADT day, DateADT joined);

static inline bool
window_needs_joined(const RuleNode *window)
{
	return window->unit >= RULE_MEMBER_YEAR;
}

#endif
