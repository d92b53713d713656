/*
 * step.h: what one event does to one member under one program.
 *
 * take_step() is the only place where points are earned, spent, refunded and expired and where levels change.
 * It takes values and gives values: no table, no setting, no clock.
 */
#ifndef MEMBER_STEP_H
#define MEMBER_STEP_H

#include "compat.h"

#include "core/ladder.h"
#include "datatype/timestamp.h"
#include "utils/jsonb.h"

#define ENTRY_HASH_LEN 32
#define STEP_EXPIRED 8 /* expiries that one late spend may reach back behind */
#define STEP_ENTRIES (STEP_EXPIRED + 3)

typedef enum StepKind
{
	STEP_PURCHASE,
	STEP_REFUND,
	STEP_UNREFUND, /* a refund taken back: the origin is its purchase, origin_lots what it took */
	STEP_EVENT,
	STEP_EARN,
	STEP_SPEND,
	STEP_REVERSE,
	STEP_TIER, /* a level is granted: event_kind and until say what */
	STEP_HOLD,
	STEP_CAPTURE,
	STEP_VOID,
	STEP_LAPSE,
	STEP_RELEASE,
	STEP_GIVE,	  /* to another member */
	STEP_RECEIVE, /* from another member */
	STEP_ADJUST,  /* by hand: points are signed */
	STEP_REINSTATE,
	STEP_DAY,	 /* time passes */
	STEP_REVIEW, /* and levels are decided as after an event: the rules are new */
	STEP_FILL	 /* no time passes: streams hold what was counted of them */
} StepKind;

typedef struct StepState
{
	Book book;
	Activity activity;
	Standing standing;
	TimestampTz at;				/* the latest moment the state has been brought to */
	bool begun;					/* at is set */
	int32 entries;				/* number of the last entry */
	uint8 hash[ENTRY_HASH_LEN]; /* of the last entry; zero before the first */
} StepState;

/* What streams and rules see of an event beside its kind, amount and moment; NULL: not known. */
typedef struct EventFacts
{
	const char *store;
	const char *channel;
	const char *category;
	const char *source;
	const char *reason;
	Jsonb *attributes;
	Jsonb *lines; /* of a purchase; of a refund, those of its purchase */
	int n_refunded;
	int16 *refunded; /* numbers of the lines that refunds before gave back */
	int n_refund;
	int16 *refund; /* and of those that this one does */
} EventFacts;

/* A tag that the event decides. */
typedef struct TagDecision
{
	const ProgramTag *tag;
	bool holds; /* a tag that is given: always */
} TagDecision;

/* Lots that expired after the moment of the event, and could have been spent then. */
typedef struct Expired
{
	int32 entry; /* that booked it */
	TimestampTz at;
	Book lots;
} Expired;

typedef struct StepEvent
{
	StepKind kind;
	int64 member_id;
	TimestampTz at;		   /* when it happened */
	TimestampTz booked_at; /* when it is recorded: time has passed up to then */
	const char *wallet;	   /* NULL: the first */
	int64 points;
	int64 amount; /* minor units */
	DateADT usable_from;
	DateADT until; /* DATEVAL_NOBEGIN: as the wallet says */
	const char *event_kind;
	int32 category; /* kind for runs, 0: none */
	/* of the operation a refund or reversal refers to */
	bool has_origin;
	TimestampTz origin_at;
	Book origin_lots;  /* its delta */
	int64 origin_of;   /* its amount or points */
	int64 origin_back; /* what was given back of that before */
	bool has_largest;
	int64 origin_largest; /* largest purchase left that day */
	int32 ref;			  /* its entry number; 0: none */
	const char *key;	  /* NULL for imported history */
	struct varlena *digest;
	EventFacts facts; /* of refunds and reversals, those of their origin */
	int n_expired;	  /* of a late spend: what it may still spend, in the order it expired */
	Expired *expired;
	bool decides_tags; /* it happens now, and is not history */
	/* of a fill: what some streams hold from then on */
	const activity *filled;
	int n_fill;
	int16 *fill;
} StepEvent;

typedef struct StepEntry
{
	const char *kind;
	bool by_time; /* not the operation, but what had happened by then */
	int32 entry_no;
	TimestampTz at;
	Book delta;
	int16 wallet;	/* the event's */
	int64 points;	/* moved in it */
	int64 balance;	/* usable in it afterwards */
	int32 ref;		/* entry it refers to; 0: none */
	int64 ref_part; /* how much of that: minor units or points */
	uint8 hash[ENTRY_HASH_LEN];
} StepEntry;

typedef struct StepEffects
{
	int n_entries;
	StepEntry entry
		[STEP_ENTRIES]; /* what time did, if anything; what is spent after all; the operation */
	TierChanges tiers;
	int n_tags;
	TagDecision *tag; /* those that the event may have changed */
	Book awarded;	  /* delta of the operation */
	int64 expired;	  /* points of all wallets that expired */
	DateADT next_due;
	int16 level; /* in the first ladder */
	bool remind; /* points will be gone in one of the program's reminders' days */
} StepEffects;

/* What an entry says, as it enters the hash chain. */
typedef struct EntryFacts
{
	int64 member_id;
	int32 entry_no;
	const char *kind;
	TimestampTz at;
	int32 program_version;
	int32 ref;
	int64 ref_part;
	const struct varlena *delta;
	int64 points;
	int64 balance;
	const char *key;
	const struct varlena *digest;
} EntryFacts;

extern void call_digest(int64 salt, const struct varlena *verb, const struct varlena *arguments,
						const TimestampTz *at, uint8 *hash);
extern int64 new_salt(void);
extern void entry_hash(const uint8 *previous, const EntryFacts *e, uint8 *hash);

/* step_tags.c: whether tags look at more of such an event than what it feeds; what decided one, as text */
extern bool tags_look(const Program *program, StepKind kind);
extern const char *tag_decision(const TagDecision *d); /* keep, drop or give */
extern char *tag_reason(const Program *program, StepState *state, const StepEvent *event,
						const ProgramTag *tag);

extern void take_step(const Program *program, StepState *state, const StepEvent *event,
					  StepEffects *out);

#endif
