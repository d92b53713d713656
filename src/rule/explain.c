/*
 * explain.c: why a rule holds or not: a row for each condition, in the order of the text.
 */
#include "compat.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "rule/call.h"
#include "rule/compile.h"

typedef struct Explaining
{
	ReturnSetInfo *result;
	MemberFacts *facts;
	const RuleNode *nodes;
	const char *strings;
	const RuleNames *names;
	DateADT day;
	int no;
} Explaining;

#define COLUMNS 7

/* The number as people write it: at most six decimals, none that are zero. */
char *
rule_number_text(double v)
{
	char *text = psprintf("%.6f", to_micro(v) / RULE_MICRO);
	char *end = text + strlen(text);

	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		*--end = '\0';
	return strcmp(text, "-0") == 0 ? text + 1 : text;
}

static Datum
number_datum(double v)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(rule_number_text(v)),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

static bool
is_text_value(const RuleNode *node)
{
	return node->op == RULE_STRING ||
		   (node->op == RULE_FIELD && (node->what < FIELD_ATTR || node->unit == TYPE_TEXT));
}

/* The value the member has; NULL: it is not known. */
static char *
actual_text(Explaining *x, const RuleNode *node)
{
	const char *text;
	int len;
	double v;

	if (is_text_value(node) && node->op == RULE_FIELD)
		return field_text(x->facts, node, x->day, &text, &len) ? pnstrdup(text, len) : NULL;
	if (node->op == RULE_STRING)
		return pnstrdup(x->strings + node->id, node->arg);
	if (node->op == RULE_FIELD && node->unit == TYPE_ANY)
		return field_known(x->facts, node, x->day) ? "known" : NULL;
	v = eval_number(x->facts, node, x->day);
	return isnan(v) ? NULL : rule_number_text(v);
}

/* What stands after the value in the text: the condition's own text without it. */
static char *
required_text(Explaining *x, int at)
{
	StringInfoData whole, value;

	initStringInfo(&whole);
	initStringInfo(&value);
	rule_print(&whole, x->nodes, x->strings, at, x->names);
	rule_print(&value, x->nodes, x->strings, at + 1, x->names);
	return whole.data + value.len + 1;
}

/* How much the value must grow, or fall, for the condition to hold; NaN when there is no such number. */
static double
missing_number(Explaining *x, int at)
{
	const RuleNode *node = &x->nodes[at];
	const RuleNode *value = node + 1;
	const RuleNode *bound = value + value->size;
	double v, low, high;

	if ((node->op != RULE_COMPARE && node->op != RULE_BETWEEN) || is_text_value(value) ||
		(node->op == RULE_COMPARE && node->what == RULE_NE))
		return UNKNOWN;
	v = eval_number(x->facts, value, x->day);
	low = bound_value(x->facts, value, bound, v, x->day);
	if (node->op == RULE_COMPARE)
		return low - v;
	high = bound_value(x->facts, value, bound + bound->size, v, x->day);
	return v < low ? low - v : high - v;
}

static void
explain_value(Explaining *x, int at, Truth t, Datum *values, bool *nulls)
{
	const RuleNode *node = &x->nodes[at];
	const RuleNode *value = node + 1;
	char *actual;
	double missing;

	if (node->op == RULE_BOOL || node->op == RULE_TAG || node->op == RULE_FIELD)
	{
		actual = t == TRUTH_UNKNOWN ? NULL : t == TRUTH_TRUE ? "true" : "false";
		values[3] = CStringGetTextDatum("true");
	}
	else
	{
		actual = actual_text(x, value);
		values[3] = CStringGetTextDatum(required_text(x, at));
	}
	nulls[2] = actual == NULL;
	if (actual)
		values[2] = CStringGetTextDatum(actual);
	missing = t == TRUTH_FALSE ? missing_number(x, at) : UNKNOWN;
	nulls[4] = !isfinite(missing);
	if (!nulls[4])
		values[4] = number_datum(missing);
}

static void
explain_condition(Explaining *x, int at, bool negated)
{
	Datum values[COLUMNS] = {0};
	bool nulls[COLUMNS] = {false};
	Truth t = eval_truth(x->facts, &x->nodes[at], x->day);
	StringInfoData text;

	initStringInfo(&text);
	rule_print(&text, x->nodes, x->strings, at, x->names);
	values[0] = Int32GetDatum(++x->no);
	values[1] = CStringGetTextDatum(text.data);
	explain_value(x, at, t, values, nulls);
	values[5] = BoolGetDatum(t == TRUTH_TRUE);
	nulls[5] = t == TRUTH_UNKNOWN;
	values[6] = BoolGetDatum(negated);
	tuplestore_putvalues(x->result->setResult, x->result->setDesc, values, nulls);
}

static void
explain_node(Explaining *x, int at, bool negated)
{
	const RuleNode *node = &x->nodes[at];
	int arg = at + 1;

	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	if (node->op == RULE_NOT)
		explain_node(x, arg, !negated);
	else if (node->op == RULE_AND || node->op == RULE_OR)
		for (int i = 0; i < node->n; i++, arg += x->nodes[arg].size)
			explain_node(x, arg, negated);
	else
		explain_condition(x, at, negated);
}

/* explain(rule, facts, day [, dictionary]) */
PG_FUNCTION_INFO_V1(rule_explain);
Datum
rule_explain(PG_FUNCTION_ARGS)
{
	const Rule *r = rule_open(PG_GETARG_DATUM(0));
	Explaining x = {(ReturnSetInfo *) fcinfo->resultinfo, facts_argument(fcinfo), rule_nodes(r),
					rule_strings(r)};
	RuleNames names = {0};

	x.facts->strings = x.strings;
	x.day = rule_day_argument(fcinfo, 2);
	if (PG_NARGS() > 3)
	{
		names.json = PG_GETARG_JSONB_P(3);
		x.names = &names;
	}
	InitMaterializedSRF(fcinfo, 0);
	explain_node(&x, 0, false);
	return (Datum) 0;
}
