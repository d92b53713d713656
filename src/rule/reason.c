/*
 * reason.c: the conditions of a rule with the values a member has, as text and one by one.
 */
#include "compat.h"

#include "miscadmin.h"

#include "rule/reason.h"

static bool
is_number(const RuleNode *node)
{
	return node->op >= RULE_NUMBER && node->op != RULE_STRING &&
		   (node->op != RULE_FIELD || node->unit == TYPE_NUMBER);
}

/* What is left of the comparison, with what was rolled over. */
static double
left_value(const RuleSubject *s, int at)
{
	double v = eval_number(s->facts, &s->nodes[at + 1], s->day);

	return at == 0 ? v + s->carry : v;
}

static void
reason_leaf(StringInfo out, const RuleSubject *s, int at)
{
	const RuleNode *node = &s->nodes[at];
	double v;

	rule_print(out, s->nodes, s->strings, at, s->names);
	if (node->op < RULE_COMPARE || node->op > RULE_KNOWN || !is_number(node + 1))
		return;
	v = left_value(s, at);
	appendStringInfo(out, " (%s)", isnan(v) ? "?" : rule_number_text(v));
}

void
rule_reason(StringInfo out, const RuleSubject *s, int at)
{
	const RuleNode *node = &s->nodes[at];
	int arg = at + 1;

	check_stack_depth();
	if (node->op == RULE_NOT)
	{
		appendStringInfoString(out, "not (");
		rule_reason(out, s, arg);
		appendStringInfoChar(out, ')');
	}
	else if (node->op == RULE_AND || node->op == RULE_OR)
		for (int i = 0; i < node->n; i++, arg += s->nodes[arg].size)
		{
			bool nests = node->op == RULE_AND && s->nodes[arg].op == RULE_OR;

			if (i > 0)
				appendStringInfoString(out, node->op == RULE_AND ? " and " : " or ");
			if (nests)
				appendStringInfoChar(out, '(');
			rule_reason(out, s, arg);
			if (nests)
				appendStringInfoChar(out, ')');
		}
	else
		reason_leaf(out, s, at);
}

/* ---- what is missing ---- */

/* By how much the value grows with each yuan spent, as far as it is a sum. */
static double
per_yuan(const RuleSubject *s, const RuleNode *node)
{
	const RuleNode *a = node + 1;
	const RuleNode *b = a + a->size;

	check_stack_depth();
	switch ((RuleOp) node->op)
	{
		case RULE_MEASURE:
			return node->what == MEASURE_AMOUNT_OF && node->id == s->purchases;
		case RULE_ADD:
			return per_yuan(s, a) + per_yuan(s, b);
		case RULE_MULTIPLY:
			if (a->op == RULE_NUMBER)
				return (double) a->micro / RULE_MICRO * per_yuan(s, b);
			return b->op == RULE_NUMBER ? (double) b->micro / RULE_MICRO * per_yuan(s, a) : 0;
		case RULE_DIVIDE:
			return b->op == RULE_NUMBER && b->micro
					   ? per_yuan(s, a) / ((double) b->micro / RULE_MICRO)
					   : 0;
		default:
			return 0;
	}
}

/* Mean amount of the member's orders; NaN without any. */
static double
mean_order(const RuleSubject *s)
{
	RuleNode life = {.op = RULE_MEASURE, .what = MEASURE_COUNT_OF, .id = s->purchases};
	double count = measure_value(s->facts, &life, s->day);

	life.what = MEASURE_AMOUNT_OF;
	return count > 0 ? measure_value(s->facts, &life, s->day) / count : UNKNOWN;
}

/* About what must be bought for the condition to hold; NaN: buying does not help, or nobody can say. */
static double
spend_for(const RuleSubject *s, const RuleNode *value, double missing, double required)
{
	double rate = per_yuan(s, value);

	if (rate > 0)
		return missing / rate;
	if (value->op != RULE_MEASURE || value->id != s->purchases)
		return UNKNOWN;
	if (value->what == MEASURE_LARGEST_OF)
		return required;
	if (value->what == MEASURE_COUNT_OF || value->what == MEASURE_VISITS)
		return missing * mean_order(s);
	return UNKNOWN;
}

static const char *
unit_of(const RuleSubject *s, const RuleNode *value)
{
	if (value->op != RULE_MEASURE)
		return NULL;
	switch ((RuleMeasure) value->what)
	{
		case MEASURE_AMOUNT_OF:
		case MEASURE_LARGEST_OF:
			return value->id == s->purchases ? "yuan" : NULL;
		case MEASURE_COUNT_OF:
			return value->id == s->purchases ? "order" : "event";
		case MEASURE_BALANCE:
			return "point";
		default:
			return NULL;
	}
}

/* How much the value must grow (or fall, then negative) for the comparison to hold. */
static double
missing_of(RuleComparison what, double v, double bound)
{
	double missing = bound - v;

	if (isnan(missing) || what == RULE_NE)
		return UNKNOWN;
	if (what == RULE_GE || what == RULE_GT)
		return Max(missing, 0);
	if (what == RULE_LE || what == RULE_LT)
		return Min(missing, 0);
	return missing;
}

static void
fill_condition(const RuleSubject *s, int at, RuleCondition *c)
{
	const RuleNode *node = &s->nodes[at];
	const RuleNode *value = node + 1;
	StringInfoData text;

	initStringInfo(&text);
	rule_print(&text, s->nodes, s->strings, at, s->names);
	c->text = text.data;
	c->holds = eval_truth(s->facts, node, s->day) == TRUTH_TRUE;
	c->actual = c->required = UNKNOWN;
	c->missing = c->spend = c->holds ? 0 : UNKNOWN;
	if (node->op != RULE_COMPARE || !is_number(value))
		return;
	c->actual = left_value(s, at);
	c->required = bound_value(s->facts, value, value + value->size, c->actual, s->day);
	c->missing = missing_of(node->what, c->actual, c->required);
	c->holds = c->holds || (at == 0 && s->carry > 0 && c->missing == 0);
	c->unit = unit_of(s, value);
	c->spend = c->missing == 0 ? 0 : spend_for(s, value, c->missing, c->required);
}

static void
collect(const RuleSubject *s, int at, RuleCondition *all, int *n, int way, bool any_of)
{
	const RuleNode *node = &s->nodes[at];
	int arg = at + 1;

	check_stack_depth();
	if (node->op == RULE_AND || node->op == RULE_OR)
	{
		bool ways = node->op == RULE_OR && way == 0;

		for (int i = 0; i < node->n; i++, arg += s->nodes[arg].size)
			collect(s, arg, all, n, ways ? i + 1 : way, any_of || node->op == RULE_OR);
		return;
	}
	all[*n].way = way;
	all[*n].any_of = any_of;
	fill_condition(s, at, &all[(*n)++]);
}

/* The conditions in the order of the text; of alternatives that are not the outermost each belongs to the same way. */
RuleCondition *
rule_conditions(const RuleSubject *s, int *n)
{
	RuleCondition *all = palloc0(s->nodes->size * sizeof(RuleCondition));

	*n = 0;
	collect(s, 0, all, n, 0, false);
	return all;
}
