/*
 * step_sql.h: what SQL functions that take steps share.
 */
#ifndef MEMBER_STEP_SQL_H
#define MEMBER_STEP_SQL_H

#include "compat.h"

#include "access/tupdesc.h"

#include "core/step.h"

extern void step_read_state(StepState *state, const Datum *v, const bool *null);
extern StepKind step_kind(const char *kind);
extern void step_numbers(Datum array, int16 **numbers, int *n);
extern void step_read_expired(const Datum *v, StepEvent *e);
extern DateADT step_until(Datum until, bool null);
extern void step_origin_required(const StepEvent *e);
extern Datum step_tier_datum(TupleDesc desc, const TierChange *t);
extern Datum step_hash_datum(const uint8 *hash);

#endif
