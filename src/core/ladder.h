/*
 * ladder.h: which level a member reaches, keeps and falls from.
 */
#ifndef MEMBER_LADDER_H
#define MEMBER_LADDER_H

#include "compat.h"

#include "rule/reason.h"
#include "types/activity.h"
#include "types/lots.h"
#include "types/program.h"
#include "types/standing.h"

typedef struct TierChange
{
	const char *kind; /* rise, keep, fall, set, end */
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

/* What decides: the program, and the member's activity and points, which do not change meanwhile. */
typedef struct Ladders
{
	const Program *program;
	const Book *book;
	const Activity *activity; /* or */
	struct varlena *packed;	  /* activity */
	Standing *standing;
	TierChanges *out; /* may be NULL */
	bool has_facts;
	MemberFacts facts; /* made when a rule is first asked */
} Ladders;

/* What held of the ranks before an event. */
typedef struct LaddersBefore
{
	int n;
	struct
	{
		int16 ladder;
		bool kept;
		bool lost;
	} rank[STANDING_LADDERS];
} LaddersBefore;

extern void ladders_begin(Ladders *s, const Program *program, const Book *book,
						  const Activity *activity, Standing *standing, TierChanges *out);
extern bool ladders_need_before(const Program *program, bool lowering);
extern void ladders_before(Ladders *s, DateADT day, LaddersBefore *before);
extern void ladders_advance(Ladders *s, DateADT since, DateADT day);
extern void ladders_event(Ladders *s, DateADT day, bool lowering, const LaddersBefore *before);
extern DateADT ladders_next(Ladders *s, DateADT day);
extern DateADT ladders_next_warning(const Program *program, const Standing *standing, DateADT day);
extern void ladders_grant(const Program *program, Standing *standing, const char *what, DateADT day,
						  DateADT until, TierChanges *out);

/* The facts as a rule of the program reads them. */
extern MemberFacts *ladders_facts(Ladders *s, const ProgramRule *r);

/* The rule of a level as something to explain; false: there is none. */
extern bool ladder_subject(Ladders *s, const ProgramLevel *l, int32 place, DateADT day,
						   RuleSubject *subject);

#endif
