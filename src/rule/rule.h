/*
 * rule.h: a compiled condition on the facts of a member (SQL type member.rule).
 *
 * A rule is its canonical text and the same as a tree of nodes, stored in prefix order: a node is followed
 * by its arguments, and knows how many nodes it spans.  Names are resolved when a rule is compiled, so the
 * canonical text holds ids only (docs/internals/rule-language.md).
 *
 * Walking: node 0 is the root; the first argument of node i is i + 1, and the one after argument j is
 * j + node[j].size.
 */
#ifndef MEMBER_RULE_H
#define MEMBER_RULE_H

#include "compat.h"
#include "lib/stringinfo.h"
#include "utils/date.h"

#define RULE_FORMAT 1
#define RULE_MAX_TEXT 20000						  /* bytes */
#define RULE_MAX_NODES 4000						  /* of the tree */
#define RULE_MAX_DEPTH 100						  /* of nesting */
#define RULE_MICRO 1000000						  /* numbers are kept in millionths */
#define RULE_MAX_DAYS 36500						  /* of a window */
#define RULE_MAX_MONTHS 1200					  /* of a window */
#define RULE_MAX_NUMBER INT64CONST(1000000000000) /* of a literal */

typedef enum RuleOp
{
	/* conditions */
	RULE_BOOL = 1, /* arg: 0 or 1 */
	RULE_AND,	   /* two or more conditions */
	RULE_OR,
	RULE_NOT,
	RULE_TAG,	  /* id: the tag; it is in force */
	RULE_COMPARE, /* what: RuleComparison; two values of one type */
	RULE_BETWEEN, /* a value, lower and upper bound, all numbers */
	RULE_IN,	  /* a value and one or more literals */
	RULE_KNOWN,	  /* a value: there is one */
	/* values */
	RULE_NUMBER, /* micro; what: RuleUnit as it was written */
	RULE_STRING, /* id, arg: offset and length in the strings */
	RULE_NEGATE,
	RULE_ADD,
	RULE_SUBTRACT,
	RULE_MULTIPLY,
	RULE_DIVIDE,
	RULE_MEASURE, /* what: RuleMeasure; id, unit and arg as the measure has them */
	RULE_FIELD /* what: RuleField; of FIELD_ATTR and FIELD_EVENT the key: id, arg; unit: RuleType */
} RuleOp;

typedef enum RuleComparison
{
	RULE_EQ,
	RULE_NE,
	RULE_LT,
	RULE_LE,
	RULE_GT,
	RULE_GE
} RuleComparison;

/* Units of literals and of windows: a window is arg days or months up to the day, or a calendar one. */
typedef enum RuleUnit
{
	RULE_LIFE, /* no window, no unit */
	RULE_DAYS,
	RULE_MONTHS,
	RULE_THIS_MONTH,
	RULE_THIS_QUARTER,
	RULE_THIS_YEAR,
	RULE_LAST_MONTH,
	RULE_LAST_QUARTER,
	RULE_LAST_YEAR,
	RULE_MEMBER_YEAR,
	RULE_LAST_MEMBER_YEAR
} RuleUnit;

/* What a measure's id names, if anything. */
typedef enum RuleTakes
{
	TAKES_NOTHING,
	TAKES_STREAM, /* id: stream; unit and arg: window */
	TAKES_WALLET, /* id: wallet */
	TAKES_LADDER, /* id: ladder */
	TAKES_TAG,	  /* id: tag */
	TAKES_KEY	  /* id and arg: key of an attribute, in the strings */
} RuleTakes;

typedef enum RuleMeasure
{
	MEASURE_COUNT_OF = 1,
	MEASURE_AMOUNT_OF,
	MEASURE_LARGEST_OF,
	MEASURE_VISITS, /* active days */
	MEASURE_HAS,	/* 1 if there is anything, else 0 */
	MEASURE_RECENCY,
	MEASURE_SINCE_FIRST,
	MEASURE_MEAN_GAP,
	MEASURE_STREAK,
	MEASURE_RUN, /* arg: kind, 0: whatever kind was last */
	MEASURE_FALLING_MONTHS,
	MEASURE_IDLE,
	MEASURE_BALANCE,
	MEASURE_PENDING,
	MEASURE_EXPIRING, /* arg: within so many days */
	MEASURE_TIER,
	MEASURE_TIER_DAYS,
	MEASURE_TIER_LEFT,
	MEASURE_R, /* scores and groups over the 365 days up to the day */
	MEASURE_F,
	MEASURE_M,
	MEASURE_VALUE_GROUP,
	MEASURE_STRATEGY_GROUP,
	MEASURE_AGE,
	MEASURE_BIRTHDAY_IN,
	MEASURE_ANNIVERSARY_IN,
	MEASURE_TENURE,
	MEASURE_PLAN_DAYS,
	MEASURE_PLAN_LEFT,
	MEASURE_WEIGHT,
	MEASURE_DAYS_SINCE, /* of a date in an attribute */
	MEASURE_DAYS_UNTIL,
	MEASURE_SEGMENT, /* as R */
	MEASURE_P_ALIVE, /* by the models of value, over the horizon given with them */
	MEASURE_PURCHASES,
	MEASURE_CLV,
	MEASURES
} RuleMeasure;

typedef enum RuleField
{
	FIELD_GENDER = 1,
	FIELD_CITY,
	FIELD_REGION,
	FIELD_CHANNEL,
	FIELD_STORE,
	FIELD_PLAN,
	FIELD_ATTR,
	FIELD_EVENT,
	FIELDS
} RuleField;

typedef enum RuleType
{
	TYPE_CONDITION = 1,
	TYPE_NUMBER,
	TYPE_TEXT,
	TYPE_ANY /* of an attribute: whatever it is compared with */
} RuleType;

typedef struct RuleNode
{
	uint8 op;	 /* RuleOp */
	uint8 what;	 /* by op */
	uint8 unit;	 /* by op */
	uint8 spare; /* zero */
	uint16 size; /* nodes it spans, itself included */
	uint16 n;	 /* arguments */
	union
	{
		struct
		{
			int32 id;
			int32 arg;
		};
		int64 micro;
	};
} RuleNode;

/*
 * Whatever the format, the text is where it is in this one.  After it, at the next multiple of 8 from the
 * start, follow the nodes, then the strings.
 */
typedef struct Rule
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	uint8 format;
	uint8 flags; /* reserved, zero */
	uint16 n_nodes;
	int32 text_len;
	int32 strings_len;
	char text[FLEXIBLE_ARRAY_MEMBER];
} Rule;

static inline const RuleNode *
rule_nodes(const Rule *r)
{
	return (const RuleNode *) ((const char *) r + MAXALIGN(offsetof(Rule, text) + r->text_len));
}

static inline const char *
rule_strings(const Rule *r)
{
	return (const char *) (rule_nodes(r) + r->n_nodes);
}

/*
 * A truth of three values: certainly true, certainly false, or neither, which is unknown.
 */
typedef uint8 Truth;

#define TRUTH_UNKNOWN 0
#define TRUTH_TRUE 1
#define TRUTH_FALSE 2

static inline Truth
truth_of(bool holds)
{
	return holds ? TRUTH_TRUE : TRUTH_FALSE;
}

static inline Truth
truth_and(Truth a, Truth b)
{
	return (a & b & TRUTH_TRUE) | ((a | b) & TRUTH_FALSE);
}

static inline Truth
truth_or(Truth a, Truth b)
{
	return ((a | b) & TRUTH_TRUE) | (a & b & TRUTH_FALSE);
}

static inline Truth
truth_not(Truth a)
{
	return (a >> 1) | ((a << 1) & TRUTH_FALSE);
}

/* -- rule.c -- */

/* The value, detoasted and aligned; one of an unknown format is compiled anew from its text. */
extern const Rule *rule_open(Datum value);

/*
 * Whether a member of whom only the tags are known may match: false only if it certainly does not.
 * has_tag says TRUTH_FALSE of a tag that is not there, TRUTH_TRUE of one that is in force on every day, and
 * TRUTH_UNKNOWN of any other.  Does not raise, allocate or recurse.
 */
typedef Truth (*RuleHasTag)(int32 tag, void *arg);
extern bool rule_may_match(const Rule *r, RuleHasTag has_tag, void *arg);

/* The tags that rule_may_match() may ask about, ascending, each once; palloc'd. */
extern int32 *rule_tags(const Rule *r, int *n);

#endif
