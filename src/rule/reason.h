/*
 * reason.h: what decided a rule, and what is missing for it to hold.
 */
#ifndef MEMBER_RULE_REASON_H
#define MEMBER_RULE_REASON_H

#include "compat.h"

#include "rule/compile.h"
#include "rule/facts.h"

/* One condition of a rule.  Numbers that are not known are NaN. */
typedef struct RuleCondition
{
	char *text;
	int way;	 /* which of the alternatives it belongs to, from 1; 0: every one */
	bool any_of; /* there are alternatives */
	bool holds;
	double actual;	  /* value of the left side */
	double required;  /* of the right */
	double missing;	  /* how much the value must change for it to hold; 0: it does */
	const char *unit; /* yuan, order, event, point; NULL: of its own */
	double spend;	  /* about what the member must buy for, in yuan, for it to hold */
} RuleCondition;

typedef struct RuleSubject
{
	MemberFacts *facts;
	const RuleNode *nodes;
	const char *strings;
	const RuleNames *names;
	int32 purchases; /* stream */
	double carry;	 /* added to the value of a rule that is one comparison */
	DateADT day;
} RuleSubject;

/* The rule with the values of the member: spend(12mo) >= 500 (530) or orders(30d) >= 4 (1) */
extern void rule_reason(StringInfo out, const RuleSubject *s, int at);

extern RuleCondition *rule_conditions(const RuleSubject *s, int *n);

#endif
