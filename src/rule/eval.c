/*
 * eval.c: whether a rule holds of facts on a day, in three values.
 *
 * A comparison with a value that is not known is unknown; "and", "or" and "not" treat that as Kleene did.
 * Two sides are compared in whole millionths unless both are exact, so that 0.1 + 0.2 is 0.3.
 */
#include "compat.h"

#include "miscadmin.h"

#include "rule/compile.h"
#include "rule/facts.h"
#include "util/day.h"

/* Whether the value is a whole number, or one of hundredths or millionths, as near as a double can be. */
bool
eval_is_exact(const RuleNode *node)
{
	return node->op == RULE_NUMBER ||
		   (node->op == RULE_MEASURE && rule_measures[node->what].is_exact);
}

double
eval_number(MemberFacts *f, const RuleNode *node, DateADT day)
{
	double a, b;

	check_stack_depth();
	switch ((RuleOp) node->op)
	{
		case RULE_NUMBER:
			return (double) node->micro / RULE_MICRO;
		case RULE_MEASURE:
			return measure_value(f, node, day);
		case RULE_FIELD:
			return field_number(f, node);
		case RULE_NEGATE:
			return -eval_number(f, node + 1, day);
		default:
			break;
	}
	a = eval_number(f, node + 1, day);
	if (isnan(a))
		return a;
	b = eval_number(f, node + 1 + node[1].size, day);
	switch ((RuleOp) node->op)
	{
		case RULE_ADD:
			return a + b;
		case RULE_SUBTRACT:
			return a - b;
		case RULE_MULTIPLY:
			return a * b;
		default:
			return b == 0 ? UNKNOWN : a / b;
	}
}

/* What a value is compared with; months are counted from the day that the value counts from. */
double
bound_value(MemberFacts *f, const RuleNode *value, const RuleNode *bound, double v, DateADT day)
{
	DateADT from;

	if (bound->op != RULE_NUMBER || bound->what != RULE_MONTHS || isnan(v))
		return eval_number(f, bound, day);
	from = day - (DateADT) v;
	return add_months(from, (int) (bound->micro / RULE_MICRO)) - from;
}

Truth
compare_numbers(RuleComparison what, double a, double b)
{
	if (isnan(a) || isnan(b))
		return TRUTH_UNKNOWN;
	switch (what)
	{
		case RULE_EQ:
			return truth_of(a == b);
		case RULE_NE:
			return truth_of(a != b);
		case RULE_LT:
			return truth_of(a < b);
		case RULE_LE:
			return truth_of(a <= b);
		case RULE_GT:
			return truth_of(a > b);
		default:
			return truth_of(a >= b);
	}
}

static Truth
compare_on_grid(RuleComparison what, const RuleNode *a, const RuleNode *b, double x, double y)
{
	if (eval_is_exact(a) && eval_is_exact(b))
		return compare_numbers(what, x, y);
	return compare_numbers(what, to_micro(x), to_micro(y));
}

/* ---- texts ---- */

static bool
is_text(const RuleNode *node)
{
	return node->op == RULE_STRING ||
		   (node->op == RULE_FIELD && (node->what < FIELD_ATTR || node->unit == TYPE_TEXT));
}

static bool
text_of(MemberFacts *f, const RuleNode *node, DateADT day, const char **text, int *len)
{
	if (node->op == RULE_FIELD)
		return field_text(f, node, day, text, len);
	*text = f->strings + node->id;
	*len = node->arg;
	return true;
}

/* In the order of bytes, so that dates of the form 2026-03-01 compare as dates. */
static Truth
compare_texts(MemberFacts *f, RuleComparison what, const RuleNode *a, const RuleNode *b,
			  DateADT day)
{
	const char *x, *y;
	int x_len, y_len, order;

	if (!text_of(f, a, day, &x, &x_len) || !text_of(f, b, day, &y, &y_len))
		return TRUTH_UNKNOWN;
	order = memcmp(x, y, Min(x_len, y_len));
	if (order == 0)
		order = x_len - y_len;
	return compare_numbers(what, order, 0);
}

/* ---- conditions ---- */

static Truth
eval_compare(MemberFacts *f, const RuleNode *node, const RuleNode *b, RuleComparison what,
			 DateADT day)
{
	const RuleNode *a = node + 1;
	double v;

	if (is_text(a))
		return compare_texts(f, what, a, b, day);
	v = eval_number(f, a, day);
	return compare_on_grid(what, a, b, v, bound_value(f, a, b, v, day));
}

static Truth
eval_between(MemberFacts *f, const RuleNode *node, DateADT day)
{
	const RuleNode *low = node + 1 + node[1].size;

	return truth_and(eval_compare(f, node, low, RULE_GE, day),
					 eval_compare(f, node, low + low->size, RULE_LE, day));
}

static Truth
eval_in(MemberFacts *f, const RuleNode *node, DateADT day)
{
	const RuleNode *item = node + 1 + node[1].size;
	Truth t = TRUTH_FALSE;

	for (int i = 1; i < node->n && t != TRUTH_TRUE; i++, item += item->size)
		t = truth_or(t, eval_compare(f, node, item, RULE_EQ, day));
	return t;
}

static Truth
eval_known(MemberFacts *f, const RuleNode *node, DateADT day)
{
	const RuleNode *value = node + 1;

	if (value->op == RULE_STRING)
		return TRUTH_TRUE;
	if (value->op == RULE_FIELD)
		return truth_of(field_known(f, value, day));
	return truth_of(!isnan(eval_number(f, value, day)));
}

/* Arguments are read only until the answer is certain. */
static Truth
eval_chain(MemberFacts *f, const RuleNode *node, DateADT day)
{
	const RuleNode *arg = node + 1;
	bool all = node->op == RULE_AND;
	Truth ends = all ? TRUTH_FALSE : TRUTH_TRUE;
	Truth t = all ? TRUTH_TRUE : TRUTH_FALSE;

	for (int i = 0; i < node->n && t != ends; i++, arg += arg->size)
	{
		Truth next = eval_truth(f, arg, day);

		t = all ? truth_and(t, next) : truth_or(t, next);
	}
	return t;
}

Truth
eval_truth(MemberFacts *f, const RuleNode *node, DateADT day)
{
	const Tag *tag;

	check_stack_depth();
	switch ((RuleOp) node->op)
	{
		case RULE_BOOL:
			return truth_of(node->arg != 0);
		case RULE_AND:
		case RULE_OR:
			return eval_chain(f, node, day);
		case RULE_NOT:
			return truth_not(eval_truth(f, node + 1, day));
		case RULE_TAG:
			tag = facts_tag(f, node->id);
			return truth_of(tag && tag_is_live(tag, day));
		case RULE_COMPARE:
			return eval_compare(f, node, node + 1 + node[1].size, node->what, day);
		case RULE_BETWEEN:
			return eval_between(f, node, day);
		case RULE_IN:
			return eval_in(f, node, day);
		case RULE_KNOWN:
			return eval_known(f, node, day);
		default:
			return field_truth(f, node);
	}
}
