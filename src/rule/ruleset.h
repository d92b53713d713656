/*
 * ruleset.h: many rules as one program (SQL type member.ruleset).
 *
 * Equal parts of all rules are one node.  The nodes stand in the order in which they are computed, class by
 * class, each into a register of its own number: measures, fields, literals, arithmetic, tags, conditions,
 * and last "and", "or" and "not".  The packed form is computed with in place.
 */
#ifndef MEMBER_RULESET_H
#define MEMBER_RULESET_H

#include "compat.h"

#include "rule/facts.h"
#include "rule/rule.h"

#define RULESET_FORMAT 1
#define RULESET_MAX_TEXT 4000000 /* bytes */
#define RULESET_MAX_RULES 10000

typedef enum SetClass
{
	SET_WINDOW,		/* measures of windows, by stream and window */
	SET_MEASURE,	/* others */
	SET_FIELD,		/* texts, numbers of attributes */
	SET_LITERAL,	/* numbers and texts */
	SET_ARITHMETIC, /* after what it is made of */
	SET_TAG,		/* by id */
	SET_COMPARE,	/* of numbers, id with arg */
	SET_CONDITION,	/* others */
	SET_JOIN,		/* and, or, not */
	SET_CLASSES
} SetClass;

typedef struct SetNode
{
	uint8 op;	 /* RuleOp */
	uint8 what;	 /* as in RuleNode */
	uint8 unit;	 /* as in RuleNode */
	uint8 exact; /* SET_COMPARE: both sides are exact */
	uint16 n;	 /* arguments */
	uint16 spare;
	int32 args;	  /* first of them in the list of arguments */
	int32 window; /* SET_WINDOW: number of its window */
	union
	{
		struct
		{
			int32 id;
			int32 arg;
		};
		int64 micro;
	};
} SetNode;

typedef struct SetRule
{
	int32 id;
	int32 root; /* register */
} SetRule;

/* After the text, at the next multiple of 8: nodes, rules, windows, arguments, strings. */
typedef struct Ruleset
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	uint8 format;
	uint8 flags; /* reserved, zero */
	uint16 spare;
	int32 text_len;
	int32 n_rules;
	int32 n_nodes;
	int32 n_windows;
	int32 n_args;
	int32 strings_len;
	int32 start[SET_CLASSES + 1]; /* first node of each class, and the end */
	uint64 hash;				  /* of the text */
	char text[FLEXIBLE_ARRAY_MEMBER];
} Ruleset;

static inline const SetNode *
ruleset_nodes(const Ruleset *s)
{
	return (const SetNode *) ((const char *) s + MAXALIGN(offsetof(Ruleset, text) + s->text_len));
}

static inline const SetRule *
ruleset_rules(const Ruleset *s)
{
	return (const SetRule *) (ruleset_nodes(s) + s->n_nodes);
}

static inline const RuleNode *
ruleset_windows(const Ruleset *s)
{
	return (const RuleNode *) (ruleset_rules(s) + s->n_rules);
}

static inline const int32 *
ruleset_args(const Ruleset *s)
{
	return (const int32 *) (ruleset_windows(s) + s->n_windows);
}

static inline const char *
ruleset_strings(const Ruleset *s)
{
	return (const char *) (ruleset_args(s) + s->n_args);
}

static inline Size
ruleset_size(const Ruleset *s)
{
	return ruleset_strings(s) + s->strings_len - (const char *) s;
}

/* ---- making: ruleset.c ---- */

typedef struct RulesetBuild RulesetBuild;

extern RulesetBuild *ruleset_begin(void);
extern void ruleset_add(RulesetBuild *b, int32 id, const Rule *r);
extern Ruleset *ruleset_pack(RulesetBuild *b);
extern Ruleset *ruleset_read(const char *text, Node *soft);

/* ---- computing: ruleset_eval.c ---- */

typedef struct SetText
{
	const char *text; /* NULL: not known */
	int len;
} SetText;

typedef struct SetSpan
{
	DateADT since;
	DateADT until;
} SetSpan;

/* Measures of windows of one stream: registers from .. to). */
typedef struct SetStream
{
	int32 id;
	int from;
	int to;
} SetStream;

/* A tag of the set, in a hash table: free where the id is 0. */
typedef struct SetTag
{
	int32 id;
	int32 at; /* its register */
} SetTag;

/* Comparisons of one kind: registers from .. to). */
typedef struct SetKind
{
	int from;
	int to;
	uint8 what;
	bool exact;
} SetKind;

/* What is compared. */
typedef struct SetPair
{
	int32 a;
	int32 b;
} SetPair;

/* Truths joined: those of the arguments from .. to). */
typedef struct SetJoin
{
	int32 from;
	int32 to;
	uint8 op; /* RuleOp */
} SetJoin;

/* A ruleset made ready, with its registers. */
typedef struct SetMachine
{
	const Ruleset *set;
	SetStream *stream;
	int n_streams;
	SetTag *tag;
	uint32 tag_mask; /* one less than the size of the table */
	SetKind *kind;
	int n_kinds;
	SetPair *pair; /* of each comparison */
	SetJoin *join;
	RuleNode *measure; /* each that is of no window, as readers of single rules know it */
	bool needs_joined; /* by a window */
	double *number;
	Truth *truth;
	SetText *text;
	DateADT day; /* the windows are of */
	SetSpan *span;
	int32 *holding; /* room for the numbers of all rules */
} SetMachine;

extern SetMachine *machine_make(const Ruleset *set);
extern void machine_run(SetMachine *m, MemberFacts *f, DateADT day);

/* The numbers of the rules that hold, into m->holding; returns how many. */
static inline int
machine_holding(SetMachine *m)
{
	const SetRule *rule = ruleset_rules(m->set);
	const SetRule *end = rule + m->set->n_rules;
	const Truth *truth = m->truth;
	int32 *holding = m->holding;
	int n = 0;

	for (; rule < end; rule++)
	{
		holding[n] = rule->id;
		n += truth[rule->root] & TRUTH_TRUE;
	}
	return n;
}

#endif
