/*
 * ladder.h: which level a member reaches, keeps and falls from.
 */
#ifndef MEMBER_LADDER_H
#define MEMBER_LADDER_H

#include "compat.h"

#include "types/activity.h"
#include "types/lots.h"
#include "types/program.h"
#include "types/standing.h"

/* What rules see of a member.  No number in it depends on the day: that is an argument. */
typedef struct Facts
{
	const Program *program;
	const Book *book;
	const Activity *activity;
} Facts;

typedef struct TierChange
{
	const char *kind; /* rise, keep, fall */
	int16 ladder;
	int16 from_level;
	int16 to_level;
	DateADT day;
	DateADT until;
	char *reason; /* the conditions, each with its actual value */
} TierChange;

typedef struct TierChanges
{
	int n;
	int size;
	TierChange *change;
} TierChanges;

extern int64 ladder_measure(const Facts *f, const ProgramCondition *c, DateADT day);
extern void ladder_advance(const Facts *f, Standing *s, DateADT day, TierChanges *out);
extern void ladder_event(const Facts *f, Standing *s, DateADT day, TierChanges *out);

#endif
