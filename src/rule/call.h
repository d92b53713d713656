/*
 * call.h: arguments of the SQL functions on facts.
 */
#ifndef MEMBER_RULE_CALL_H
#define MEMBER_RULE_CALL_H

#include "compat.h"

#include "rule/facts.h"

/* Kept in fn_extra from call to call: the description of the composite, and room for what is unpacked. */
typedef struct FactsCall
{
	TupleDesc desc;
	MemberFacts facts;
	void *program; /* of a ruleset: what its functions keep */
} FactsCall;

/* Argument 1; or each part an argument of its own, in the order of the composite. */
extern MemberFacts *facts_argument(FunctionCallInfo fcinfo);
extern MemberFacts *facts_arguments(FunctionCallInfo fcinfo, int first);
extern DateADT rule_day_argument(FunctionCallInfo fcinfo, int n);

#endif
