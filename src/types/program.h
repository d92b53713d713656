/*
 * program.h: a published version's parts, as the step engine needs them.
 *
 * A program is an immutable value.  Its packed form is plain structures behind one header, so that a step
 * reads it in place; its text form is one statement a part (docs/internals/program.md).  What members earn
 * and where they stand is decided by a program and nothing else.
 */
#ifndef MEMBER_PROGRAM_H
#define MEMBER_PROGRAM_H

#include "compat.h"
#include "lib/stringinfo.h"
#include "utils/date.h"

#include "rule/rule.h"
#include "types/lots.h"

#define PROGRAM_FORMAT 1
#define PROGRAM_NAME 24 /* bytes of a code, with its end */
#define PROGRAM_ZONE 48
#define PROGRAM_GIVES 8 /* steps of a streak schedule */
#define PROGRAM_REMINDERS 4
#define PROGRAM_PARTS 200 /* of each sort at most */

typedef enum Expiry
{
	EXPIRY_NEVER,
	EXPIRY_DAYS,	  /* so many days after the points are earned */
	EXPIRY_MONTHS,	  /* so many months, to the day */
	EXPIRY_MONTH_END, /* so many months, to the end of that month */
	EXPIRY_QUARTER_END,
	EXPIRY_YEAR_END,
	EXPIRY_YEARLY,	  /* a day of the year, the first one so many months away */
	EXPIRY_INACTIVITY /* so many months after the member last did something */
} Expiry;

typedef struct ProgramWallet
{
	int16 id;
	int16 expiry; /* Expiry */
	int16 expiry_n;
	int16 pending_days; /* between earning by purchase and usable; or PENDING_RELEASE */
	int16 max_lots;
	int16 policy;		/* ReversePolicy */
	int16 expiry_month; /* of a day of the year */
	int16 expiry_day;
	int16 hold_grace;	  /* days that points coming back from a hold last at least */
	int16 reinstate_days; /* after expiry, within which it can be taken back */
	int16 transfer_fee;	  /* per cent, on top */
	int16 cooling_days;	  /* before transferred points can be used */
	bool spendable;
	bool transferable;
	char code[PROGRAM_NAME];
	int64 cap;				/* awards fill it to here; 0: no end */
	int64 transfer_day_cap; /* points a member gives away a day; 0: no end */
	int64 code_above;		/* spending more takes a code; 0: never */
	int64 approve_above;	/* adjusting by more takes a second actor; 0: never */
} ProgramWallet;

#define PENDING_RELEASE (-1) /* pending until released */

/* What may feed a stream. */
typedef enum StreamOf
{
	OF_PURCHASE,
	OF_LINE, /* of a purchase */
	OF_EVENT,
	OF_REFUND,
	OF_SPEND
} StreamOf;

typedef struct ProgramStream
{
	int16 id;
	int16 keep_days;
	int16 keep_months;
	uint8 of;		/* StreamOf */
	bool purchases; /* the one that stands for buying: all purchases feed it */
	int32 rule;		/* where in the program its rule is; 0: none, of events the kind is its code */
	int32 amount;	/* and what is summed; 0: the amount of what feeds it */
	char code[PROGRAM_NAME]; /* name of the stream */
} ProgramStream;

typedef enum Rounding
{
	ROUND_DOWN,
	ROUND_HALF_UP,
	ROUND_UP
} Rounding;

typedef struct ProgramEarn
{
	int16 stream; /* what earns */
	int16 wallet;
	int16 rounding;
	int16 day_cap; /* so many events a day earn; 0: all */
	int16 every;   /* only when the streak is a multiple; 0: always */
	int16 n_give;
	bool tiered; /* times the level's multiplier */
	char code[PROGRAM_NAME];
	int64 per; /* give[0] for each so many minor units; 0: give[streak] an event */
	int64 give[PROGRAM_GIVES];
} ProgramEarn;

typedef enum Validity
{
	VALID_ROLLING,	  /* so many months from the day the level is reached */
	VALID_CALENDAR,	  /* and on to the end of the calendar period of so many months */
	VALID_ANNIVERSARY /* and on to the end of the period as counted from entering the ladder */
} Validity;

typedef enum FallMode
{
	FALL_STEP,		/* one level */
	FALL_QUALIFIED, /* to the highest level that is still kept or qualified for */
	FALL_SOFT		/* one level for one more validity, then to what is qualified for */
} FallMode;

typedef struct ProgramLadder
{
	int16 id;
	uint8 validity; /* Validity */
	uint8 fall;		/* FallMode */
	bool lower_now; /* a refund that costs the rule costs the level at once */
	int16 warn;		/* days before the end of a validity; 0: none */
	char code[PROGRAM_NAME];
} ProgramLadder;

/* A compiled rule inside a program: nodes and strings follow. */
typedef struct ProgramRule
{
	uint16 n_nodes;
	bool by_time; /* it may come to hold by time alone, other than by points that become usable */
	bool by_book; /* it asks for a balance */
	int32 strings_len;
} ProgramRule;

typedef struct ProgramLevel
{
	int16 ladder;
	int16 level;			   /* from 0 */
	int16 months;			   /* validity; 0: never ends */
	int16 grace;			   /* days */
	int16 extend_months;	   /* that points earned last longer */
	bool archived;			   /* can't be reached any more */
	bool rollover;			   /* what is above the keep rule's bound counts for the next period */
	int32 multiplier;		   /* of points, in thousandths */
	int32 qualify, keep, lose; /* where in the program each rule is; 0: none */
	char code[PROGRAM_NAME];
} ProgramLevel;

/* For some days a level is reached by another rule, too. */
typedef struct ProgramFast
{
	int16 ladder;
	int16 level;
	DateADT since;
	DateADT until; /* exclusive */
	int32 qualify;
} ProgramFast;

/* A tag that is decided at the event, in its transaction. */
typedef struct ProgramTag
{
	int32 id;
	int32 rule;	   /* where in the program */
	bool given;	   /* for a time, by an event at which the rule holds; else kept while it holds */
	bool by_event; /* it asks for the event at hand, */
	bool by_book;  /* for points, */
	bool by_standing;						/* for a level, */
	bool by_all;							/* for the last event of all streams, */
	uint8 streams[(PROGRAM_PARTS + 7) / 8]; /* for these streams, by their place */
} ProgramTag;

typedef struct Program
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	uint8 format;
	uint8 flags; /* reserved, zero */
	int16 n_wallets, n_streams, n_earns, n_ladders, n_levels, n_fasts, n_tags;
	int16 reminders[PROGRAM_REMINDERS]; /* days before expiry; 0: none */
	int32 version;
	char zone[PROGRAM_ZONE];
	/* followed by wallets, streams, earns, ladders, levels, fasts, tags, rules, each aligned to 8 */
} Program;

#define PROGRAM_AFTER(base, type, n) ((const char *) (base) + MAXALIGN((n) * sizeof(type)))

static inline const ProgramWallet *
program_wallets(const Program *p)
{
	return (const ProgramWallet *) PROGRAM_AFTER(p, Program, 1);
}

static inline const ProgramStream *
program_streams(const Program *p)
{
	return (const ProgramStream *) PROGRAM_AFTER(program_wallets(p), ProgramWallet, p->n_wallets);
}

static inline const ProgramEarn *
program_earns(const Program *p)
{
	return (const ProgramEarn *) PROGRAM_AFTER(program_streams(p), ProgramStream, p->n_streams);
}

static inline const ProgramLadder *
program_ladders(const Program *p)
{
	return (const ProgramLadder *) PROGRAM_AFTER(program_earns(p), ProgramEarn, p->n_earns);
}

static inline const ProgramLevel *
program_levels(const Program *p)
{
	return (const ProgramLevel *) PROGRAM_AFTER(program_ladders(p), ProgramLadder, p->n_ladders);
}

static inline const ProgramFast *
program_fasts(const Program *p)
{
	return (const ProgramFast *) PROGRAM_AFTER(program_levels(p), ProgramLevel, p->n_levels);
}

static inline const ProgramTag *
program_tags(const Program *p)
{
	return (const ProgramTag *) PROGRAM_AFTER(program_fasts(p), ProgramFast, p->n_fasts);
}

/* NULL: none */
static inline const ProgramRule *
program_rule(const Program *p, int32 place)
{
	return place ? (const ProgramRule *) ((const char *) p + place) : NULL;
}

static inline const RuleNode *
program_rule_nodes(const ProgramRule *r)
{
	return (const RuleNode *) (r + 1);
}

static inline const char *
program_rule_strings(const ProgramRule *r)
{
	return (const char *) (program_rule_nodes(r) + r->n_nodes);
}

extern const Program *program_open(Datum value);
extern const ProgramWallet *program_wallet(const Program *p, int16 id);
extern const ProgramWallet *program_wallet_named(const Program *p, const char *code);
extern const ProgramStream *program_purchases(const Program *p);
extern const char *program_stream_of(const ProgramStream *m);
extern bool program_stream_looks(const ProgramStream *m);
extern void program_stream_text(StringInfo out, const Program *p, const ProgramStream *m);
extern const ProgramLevel *program_level(const Program *p, int16 ladder, int16 level);
extern DateADT zone_day(const char *zone, TimestampTz at);
extern DateADT program_day(const Program *p, TimestampTz at);
extern DateADT program_hour(const Program *p, TimestampTz at, int *hour);
extern DateADT program_until(const ProgramWallet *w, DateADT earned);
extern const ProgramLadder *program_ladder(const Program *p, int16 id);

#endif
