/*
 * law.h: how a number of the facts goes on as days pass and nothing happens.
 */
#ifndef MEMBER_RULE_LAW_H
#define MEMBER_RULE_LAW_H

#include "compat.h"

#include "rule/facts.h"

typedef struct Law
{
	double slope;  /* change from one day to the next */
	DateADT until; /* first day the law need not hold; DATEVAL_NOEND: it holds for ever */
	bool wild;	   /* there is no line: it may be anything tomorrow */
} Law;

#define LAW_CONSTANT ((Law){0, DATEVAL_NOEND, false})

/* Of a measure, from the day on.  What is unknown on the day is unknown until the law's end. */
extern Law measure_law(MemberFacts *f, const RuleNode *m, DateADT day);

/* The next day after the given one on which the plan begins or ends. */
extern DateADT plan_change(const MemberFacts *f, DateADT day);

#endif
