/*
 * write.h: one operation on one member, written; see write.c.
 */
#ifndef MEMBER_WRITE_H
#define MEMBER_WRITE_H

#include "compat.h"

/* Arguments of begin_write(), then those that write_event() has besides. */
typedef enum WriteArgument
{
	ARG_MEMBER_ID,
	ARG_VERB,
	ARG_ARGUMENTS,
	ARG_AT,
	ARG_KEY,
	ARG_KIND,
	ARG_SOURCE,
	ARG_REASON,
	ARG_ACTOR,
	ARG_WALLET,
	ARG_POINTS,
	ARG_AMOUNT,
	ARG_USABLE_FROM,
	ARG_UNTIL,
	ARG_EVENT_KIND,
	ARG_CATEGORY,
	ARG_REF,
	ARG_ORIGIN_AT,
	ARG_ORIGIN_LOTS,
	ARG_ORIGIN_OF,
	ARG_ORIGIN_BACK,
	ARG_ORIGIN_LARGEST,
	ARG_STORE,
	ARG_CHANNEL,
	ARG_ATTRIBUTES,
	ARG_LINES,
	ARG_REFUND_LINES,
	ARG_PASS,
	WRITE_NARGS
} WriteArgument;

/* The receipt; *answered: of a call before, with the same key. */
extern Datum write_operation(FunctionCallInfo call, Oid receipt_type, bool *answered);

#endif
