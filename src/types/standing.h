/*
 * standing.h: where a member stands in each ladder.
 *
 * A rank is what was earned, and beside it what was granted by hand: the two are kept apart, so that a grant
 * that ends leaves what the member would have had without it.
 */
#ifndef MEMBER_STANDING_H
#define MEMBER_STANDING_H

#include "compat.h"
#include "utils/date.h"

#define STANDING_FORMAT 1
#define STANDING_LADDERS 16

typedef enum GrantMode
{
	GRANT_NONE,
	GRANT_FLOOR, /* at least that level */
	GRANT_LOCK,	 /* that level, whatever is earned */
	GRANT_TRIAL	 /* as a floor, to be tried */
} GrantMode;

typedef struct Rank
{
	int16 ladder;
	int16 level;		   /* earned */
	DateADT since;		   /* day the level was reached */
	DateADT until;		   /* first day it is no longer secured; DATEVAL_NOEND: for good */
	DateADT due;		   /* next review: until, or the end of the grace after it */
	int64 carry;		   /* of the figure of the keep rule, rolled over, in millionths */
	bool landed;		   /* softly: the next fall is to what is qualified for */
	uint8 mode;			   /* GrantMode */
	int16 granted;		   /* level; 0 without a grant */
	DateADT granted_until; /* exclusive; DATEVAL_NOEND: for good, or no grant */
} Rank;

typedef struct Standing
{
	int n;
	Rank rank[STANDING_LADDERS]; /* ascending by ladder; a ladder without a rank is at level 0 */
} Standing;

/* The level that counts; r may be NULL. */
static inline int16
rank_level(const Rank *r)
{
	if (r == NULL)
		return 0;
	return r->mode == GRANT_LOCK ? r->granted : Max(r->level, r->granted);
}

extern const char *const grant_modes[4];

extern void standing_decode(Standing *s, const struct varlena *packed);
extern struct varlena *standing_encode(const Standing *s);
extern Rank *standing_rank(Standing *s, int16 ladder, bool create);
extern DateADT standing_due(const Standing *s);

#endif
