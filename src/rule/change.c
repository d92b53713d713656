/*
 * change.c: the next day on which the answer of a rule changes.
 *
 * As days pass and nothing happens, a number goes on along a straight line until a day on which its law
 * changes: an event leaves a window, a lot expires, a birthday passes.  A comparison then changes at the
 * first of those days, or where the line crosses the bound.  These candidates are found without trying the
 * days between them, and are tried one after the other until the answer differs.
 */
#include "compat.h"

#include "miscadmin.h"

#include "rule/compile.h"
#include "rule/law.h"
#include "util/day.h"

#define WILD_DAYS 3660	   /* so many days are tried of a number that follows no line */
#define HORIZON_DAYS 10958 /* thirty years: what comes back every year is followed so far */

/* ---- numbers ---- */

static Law
combined(const Law *a, const Law *b)
{
	return (Law){0, Min(a->until, b->until), a->wild || b->wild};
}

static Law
number_law(MemberFacts *f, const RuleNode *node, DateADT day)
{
	const RuleNode *left = node + 1;
	Law a, b, law;

	check_stack_depth();
	if (node->op == RULE_MEASURE)
		return measure_law(f, node, day);
	if (node->op == RULE_NUMBER || node->op == RULE_FIELD)
		return LAW_CONSTANT;
	a = number_law(f, left, day);
	if (node->op == RULE_NEGATE)
	{
		a.slope = -a.slope;
		return a;
	}
	b = number_law(f, left + left->size, day);
	law = combined(&a, &b);
	if (node->op == RULE_ADD)
		law.slope = a.slope + b.slope;
	else if (node->op == RULE_SUBTRACT)
		law.slope = a.slope - b.slope;
	else if (a.slope != 0 && b.slope != 0)
		law.wild = true;
	else if (node->op == RULE_MULTIPLY)
		law.slope = a.slope != 0 ? a.slope * eval_number(f, left + left->size, day)
								 : b.slope * eval_number(f, left, day);
	else if (b.slope != 0)
		law.wild = true;
	else
		law.slope = a.slope / eval_number(f, left + left->size, day);
	if (!isfinite(law.slope)) /* then the number itself is not known, or out of range */
		law.slope = 0;
	return law;
}

/* ---- comparisons ---- */

/* weight(#12) >= 0.5: where the decay crosses the bound */
static DateADT
weight_change(MemberFacts *f, const RuleNode *a, const RuleNode *b, DateADT day)
{
	const Tag *tag = facts_tag(f, a->id);
	double bound = eval_number(f, b, day);
	double crossing;

	if (tag == NULL || day >= tag->until)
		return DATEVAL_NOEND;
	if (day < tag->since)
		return tag->since;
	if (tag->half_life == 0 || bound <= 0 || DATE_IS_NOBEGIN(tag->since))
		return tag->until;
	crossing = tag->since + tag->half_life * log2((double) tag->weight / TAG_WEIGHT_ONE / bound);
	if (crossing < day - 2 || crossing > (double) MAX_DAY)
		return tag->until;
	return Min(tag->until, Max(day + 1, (DateADT) floor(crossing) - 1));
}

static bool
is_worth(const RuleNode *node)
{
	return node->op == RULE_MEASURE && node->what >= MEASURE_P_ALIVE && node->what <= MEASURE_CLV;
}

static DateADT
compare_change(MemberFacts *f, const RuleNode *a, const RuleNode *b, RuleComparison what,
			   DateADT day, bool *wild)
{
	Law la, lb, law;
	double x, y, slope, crossing, margin;

	if (a->op == RULE_MEASURE && a->what == MEASURE_WEIGHT && b->op == RULE_NUMBER)
		return weight_change(f, a, b, day);
	la = number_law(f, a, day);
	if (is_worth(a) && b->op == RULE_NUMBER)
		return la.wild ? worth_change(f, a, eval_number(f, b, day), day, la.until) : la.until;
	lb = number_law(f, b, day);
	law = combined(&la, &lb);
	if (law.wild)
	{
		*wild = true;
		return day + 1;
	}
	slope = la.slope - lb.slope;
	x = eval_number(f, a, day);
	y = bound_value(f, a, b, x, day);
	if (slope == 0 || isnan(x) || isnan(y))
		return law.until;
	crossing = (y - x) / slope;		 /* days from now */
	margin = 2 + fabs(1e-6 / slope); /* for rounding, also to the grid */
	if (margin > WILD_DAYS)
	{
		*wild = true;
		return day + 1;
	}
	if (crossing < -margin || crossing - margin > (double) MAX_DAY - day)
		return law.until;
	return Min(law.until, day + Max(1, (DateADT) floor(crossing - margin)));
}

/* Texts change when a plan begins or ends. */
static DateADT
text_change(MemberFacts *f, const RuleNode *node, DateADT day)
{
	return node->op == RULE_FIELD && node->what == FIELD_PLAN ? plan_change(f, day) : DATEVAL_NOEND;
}

static bool
is_text_node(const RuleNode *node)
{
	return node->op == RULE_STRING ||
		   (node->op == RULE_FIELD && (node->what < FIELD_ATTR || node->unit == TYPE_TEXT));
}

/* The first day after the given one on which the condition may differ. */
static DateADT
condition_change(MemberFacts *f, const RuleNode *node, DateADT day, bool *wild)
{
	const RuleNode *a = node + 1;
	const RuleNode *b = a + a->size;
	DateADT next = DATEVAL_NOEND;
	Law law;

	if (is_text_node(a))
		return Min(text_change(f, a, day),
				   node->op == RULE_COMPARE ? text_change(f, b, day) : DATEVAL_NOEND);
	if (node->op == RULE_KNOWN)
	{
		if (a->op == RULE_FIELD)
			return DATEVAL_NOEND;
		law = number_law(f, a, day);
		if (is_worth(a)) /* as long as nothing is bought */
			return law.until;
		*wild = *wild || law.wild;
		return law.wild ? day + 1 : law.until;
	}
	for (int i = 1; i < node->n; i++, b += b->size)
		next = Min(next, compare_change(f, a, b, node->what, day, wild));
	return next;
}

static DateADT
tag_change(MemberFacts *f, const RuleNode *node, DateADT day)
{
	const Tag *tag = facts_tag(f, node->id);

	if (tag == NULL || day >= tag->until)
		return DATEVAL_NOEND;
	return day < tag->since ? tag->since : tag->until;
}

/* ---- conditions ---- */

typedef struct Change
{
	Truth truth;
	DateADT next; /* the truth is the same before it */
	bool wild;	  /* next is the next day, for want of a law */
} Change;

static Change rule_change(MemberFacts *f, const RuleNode *node, DateADT day);

/*
 * As long as one argument of "and" is false, all of it is; it waits for the last of those that are false.
 * Likewise "or" for the last of those that are true.
 */
static Change
chain_change(MemberFacts *f, const RuleNode *node, DateADT day)
{
	const RuleNode *arg = node + 1;
	bool all = node->op == RULE_AND;
	Truth decides = all ? TRUTH_FALSE : TRUTH_TRUE;
	Change whole = {all ? TRUTH_TRUE : TRUTH_FALSE, DATEVAL_NOEND, false};
	Change decided = {decides, DATEVAL_NOBEGIN, false};

	for (int i = 0; i < node->n; i++, arg += arg->size)
	{
		Change c = rule_change(f, arg, day);

		whole.truth = all ? truth_and(whole.truth, c.truth) : truth_or(whole.truth, c.truth);
		whole.next = Min(whole.next, c.next);
		whole.wild = whole.wild || c.wild;
		if (c.truth != decides || c.next <= decided.next)
			continue;
		decided.next = c.next;
		decided.wild = c.wild;
	}
	return whole.truth == decides ? decided : whole;
}

static Change
rule_change(MemberFacts *f, const RuleNode *node, DateADT day)
{
	Change c = {TRUTH_UNKNOWN, DATEVAL_NOEND, false};

	check_stack_depth();
	switch ((RuleOp) node->op)
	{
		case RULE_AND:
		case RULE_OR:
			return chain_change(f, node, day);
		case RULE_NOT:
			c = rule_change(f, node + 1, day);
			c.truth = truth_not(c.truth);
			return c;
		case RULE_TAG:
			c.next = tag_change(f, node, day);
			break;
		case RULE_COMPARE:
		case RULE_BETWEEN:
		case RULE_IN:
		case RULE_KNOWN:
			c.next = condition_change(f, node, day, &c.wild);
			break;
		default: /* true, false, attributes: the same for ever */
			break;
	}
	c.truth = eval_truth(f, node, day);
	return c;
}

/*
 * The day, DATEVAL_NOEND when the answer stays the same.  Beyond the horizon, or when there is no law, the
 * day up to which it is known to stay the same.
 */
DateADT
facts_next_change(MemberFacts *f, const RuleNode *node, DateADT day)
{
	DateADT horizon = day + HORIZON_DAYS;
	Change c = rule_change(f, node, day);
	bool holds = c.truth == TRUTH_TRUE;
	int wild = 0;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (c.next > MAX_DAY)
			return DATEVAL_NOEND;
		day = c.next;
		wild += c.wild;
		c = rule_change(f, node, day);
		if ((c.truth == TRUTH_TRUE) != holds || day > horizon || wild > WILD_DAYS)
			return day;
	}
}
