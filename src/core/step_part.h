/*
 * step_part.h: what the parts of a step share; for step.c and the files beside it that do single operations.
 */
#ifndef MEMBER_STEP_PART_H
#define MEMBER_STEP_PART_H

#include "compat.h"

#include "core/step.h"

typedef struct Step
{
	const Program *program;
	StepState *state;
	const StepEvent *event;
	StepEffects *out;
	const ProgramWallet *wallet; /* whose points and balance the entry tells */
	DateADT day;				 /* of the event */
	TimestampTz now;			 /* the latest of event, recording and state */
	DateADT today;				 /* its day */
	Book delta;					 /* of the operation */
	Ladders ladders;
	uint8 fed[(PROGRAM_PARTS + 7) / 8]; /* streams, by their place */
	bool fed_all;						/* or what was fed was taken back or given again */
} Step;

/* step.c */
extern void step_points_in_range(int64 points);
extern void step_days_in_range(DateADT from, DateADT until);
extern DateADT step_award_until(Step *s, const ProgramWallet *w, DateADT day);
extern int64 step_within_cap(Step *s, const ProgramWallet *w, int64 points);
extern void step_earn(Step *s);
extern void step_take(Step *s, int64 points);
extern void step_take_usable(Step *s, int64 points);

/* step_hold.c */
extern void step_give_held_back(Step *s);
extern void step_release(Step *s);

/* step_tags.c */
extern void step_decide_tags(Step *s);

/* step_transfer.c */
extern void step_give(Step *s);
extern void step_receive(Step *s);
extern void step_adjust(Step *s);

#endif
