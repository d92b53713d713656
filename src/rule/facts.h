/*
 * facts.h: the facts of a member as rules read them (SQL type member.facts), and what is computed of them.
 *
 * Facts hold no number that depends on the day: a day is an argument of every reader.  A part is unpacked
 * when a rule first asks for it.  A number that is not known is a NaN, which arithmetic hands on.
 */
#ifndef MEMBER_RULE_FACTS_H
#define MEMBER_RULE_FACTS_H

#include <math.h>

#include "compat.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "utils/jsonb.h"

#include "analytics/value.h"
#include "rule/rule.h"
#include "rule/windows.h"
#include "types/activity.h"
#include "types/lots.h"
#include "types/rfm.h"
#include "types/standing.h"
#include "types/tagset.h"

#define UNKNOWN ((double) NAN)

/* Attributes of the composite, in its order; new ones come at the end. */
typedef enum FactsAttribute
{
	FACTS_LOTS,
	FACTS_ACTIVITY,
	FACTS_STANDING,
	FACTS_TAGS,
	FACTS_CUTS,
	FACTS_JOINED,
	FACTS_BIRTHDAY,
	FACTS_GENDER,
	FACTS_CITY,
	FACTS_REGION,
	FACTS_CHANNEL,
	FACTS_STORE,
	FACTS_PLAN,
	FACTS_PLAN_SINCE,
	FACTS_PLAN_UNTIL,
	FACTS_ATTRIBUTES,
	FACTS_EVENT,
	FACTS_VALUE,
	FACTS_ATTRIBUTES_N
} FactsAttribute;

/* An entry of a stream; count, amount and active are sums from the first entry to this one. */
typedef struct FactsStep
{
	DateADT first;
	DateADT last;
	int64 count;
	int64 amount;
	int64 largest; /* of the entry itself */
	int64 active;
} FactsStep;

typedef struct FactsStream
{
	ActivityCursor cursor;
	bool built;	 /* steps are there */
	bool broken; /* its sums do not fit: nothing is known of its windows */
	int start;	 /* its steps: step[start .. start + n) */
	int n;
} FactsStream;

/* What the models of value are asked (SQL type member.value_terms). */
typedef struct ValueTerms
{
	bool known;
	ValueModel model;
	int32 horizon;	 /* days */
	double discount; /* yearly */
	double margin;
} ValueTerms;

typedef struct MemberFacts
{
	Datum value[FACTS_ATTRIBUTES_N];
	bool null[FACTS_ATTRIBUTES_N];
	const char *strings; /* of the rule that is read: keys of attributes */
	bool has_streams;
	int n_streams;
	int max_streams;
	FactsStream *stream; /* ascending by id */
	uint8 place[256];	 /* by the low byte of an id: 1 + the last stream that has it, 0: none */
	int n_steps;
	int max_steps;
	FactsStep *step;
	bool has_book;
	bool in_debt;
	int max_lots;
	Book book;
	bool has_standing;
	Standing standing;
	bool has_tags;
	Tags tags;
	int32 scored; /* stream that the score is of, 0: none is there */
	DateADT scored_day;
	int32 score;
	bool has_worth;
	ValueTerms worth;
	TupleDesc worth_desc;  /* of the composite of FACTS_VALUE, once it was met */
	MemoryContext context; /* of what is unpacked and kept over members */
} MemberFacts;

#define NO_DAY DATEVAL_NOBEGIN

/* -- facts.c -- */

extern TupleDesc facts_describe(HeapTupleHeader row);
extern void facts_begin(MemberFacts *f, MemoryContext context);
extern void facts_of_state(MemberFacts *f, const Book *book, const Activity *activity,
						   struct varlena *packed, const Standing *standing);
extern void facts_read(MemberFacts *f, HeapTupleHeader row, TupleDesc desc);
extern void facts_forget(MemberFacts *f);
extern void facts_streams(MemberFacts *f);
extern FactsStream *facts_stream(MemberFacts *f, int32 id);
extern const FactsStep *facts_steps(MemberFacts *f, FactsStream *s);
extern const Book *facts_book(MemberFacts *f);
extern const Rank *facts_rank(MemberFacts *f, int32 ladder);
extern const Tags *facts_tags(MemberFacts *f);
extern const Tag *facts_tag(MemberFacts *f, int32 id);
extern DateADT facts_day(const MemberFacts *f, FactsAttribute which);

/* The value of an attribute of the member or of the event; false when there is none. */
extern bool facts_attribute(const MemberFacts *f, const RuleNode *key, bool of_event,
							JsonbValue *value);
extern DateADT facts_attribute_day(const MemberFacts *f, const RuleNode *key);

extern const ValueTerms *facts_worth(MemberFacts *f);

/* -- worth.c -- */

extern double worth_measure(MemberFacts *f, const RuleNode *m, DateADT day);
extern DateADT worth_change(MemberFacts *f, const RuleNode *m, double bound, DateADT day,
							DateADT until);

/* -- measure.c -- */

extern double measure_value(MemberFacts *f, const RuleNode *m, DateADT day);
extern double window_value(MemberFacts *f, const RuleNode *m, FactsStream *s, DateADT since,
						   DateADT until);
extern double window_largest(const FactsStep *step, int from, int to);
extern bool yearly_next(DateADT from, DateADT day, bool from_itself, DateADT *next);

/* The event day of the stream that is the last on or before the day; DATEVAL_NOBEGIN: none; false: not known. */
extern bool last_event(MemberFacts *f, FactsStream *s, DateADT day, DateADT *last);

/* The text of a field; false when it is not known. */
extern bool field_text(MemberFacts *f, const RuleNode *field, DateADT day, const char **text,
					   int *len);
extern double field_number(MemberFacts *f, const RuleNode *field);
extern Truth field_truth(MemberFacts *f, const RuleNode *field);
extern bool field_known(MemberFacts *f, const RuleNode *field, DateADT day);

/* The first entry that ends on the day or later.  What is halved is known beforehand: nothing to guess. */
static inline int
steps_at(const FactsStep *step, int n, DateADT day)
{
	int at = 0;

	while (n > 1)
	{
		int half = n / 2;

		at += step[at + half - 1].last < day ? half : 0;
		n -= half;
	}
	return at + (n == 1 && step[at].last < day);
}

/*
 * The entries step[from .. to) that lie in [since, until); false when a boundary cuts an entry of which only
 * the total is kept.
 */
static inline bool
window_find(const FactsStep *step, int n, DateADT since, DateADT until, int *from, int *to)
{
	*from = steps_at(step, n, since);
	*to = n;
	if (n > *from && step[n - 1].last >= until)
	{
		*to = steps_at(step, n, until);
		if (step[*to].first < until)
			return false;
	}
	return *from >= *to || step[*from].first >= since;
}

/* What a measure is of those entries. */
static inline double
window_pick(RuleMeasure what, const FactsStep *step, int from, int to)
{
	static const FactsStep none;
	const FactsStep *last = &step[to - 1];
	const FactsStep *before = from > 0 ? &step[from - 1] : &none;

	if (from >= to)
		return 0;
	switch (what)
	{
		case MEASURE_COUNT_OF:
			return (double) (last->count - before->count);
		case MEASURE_AMOUNT_OF:
			return (double) (last->amount - before->amount) / 100;
		case MEASURE_VISITS:
			return (double) (last->active - before->active);
		case MEASURE_HAS:
			return last->count > before->count;
		default:
			return window_largest(step, from, to);
	}
}

/* -- eval.c -- */

extern double eval_number(MemberFacts *f, const RuleNode *node, DateADT day);
extern Truth eval_truth(MemberFacts *f, const RuleNode *node, DateADT day);
extern double bound_value(MemberFacts *f, const RuleNode *value, const RuleNode *bound, double v,
						  DateADT day);
extern Truth compare_numbers(RuleComparison what, double a, double b);
extern bool eval_is_exact(const RuleNode *node);

/*
 * In millionths, rounded: what is compared when a side is not exact.  Adding and subtracting 1.5 * 2^52 rounds
 * to a whole number, several times faster than rint() without newer instructions.
 */
static inline double
to_micro(double v)
{
	const double shift = 6755399441055744.0;
	double micro = v * RULE_MICRO;

	return fabs(micro) < 1e15 ? micro + shift - shift : micro;
}

/* -- change.c -- */

extern DateADT facts_next_change(MemberFacts *f, const RuleNode *node, DateADT day);

#endif
