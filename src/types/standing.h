/*
 * standing.h: where a member stands in each ladder.
 */
#ifndef MEMBER_STANDING_H
#define MEMBER_STANDING_H

#include "compat.h"
#include "utils/date.h"

#define STANDING_FORMAT 1
#define STANDING_LADDERS 16

typedef struct Rank
{
	int16 ladder;
	int16 level;
	DateADT since; /* day the level was reached */
	DateADT until; /* first day it is no longer secured; DATEVAL_NOEND: for good */
	DateADT due;   /* next review: until, or the end of the grace after it */
} Rank;

typedef struct Standing
{
	int n;
	Rank rank[STANDING_LADDERS]; /* ascending by ladder; a ladder without a rank is at level 0 */
} Standing;

extern void standing_decode(Standing *s, const struct varlena *packed);
extern struct varlena *standing_encode(const Standing *s);
extern Rank *standing_rank(Standing *s, int16 ladder, bool create);
extern DateADT standing_due(const Standing *s);

#endif
