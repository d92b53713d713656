/*
 * parse_compare.c: comparisons of the rule language, and what goes together in them.
 */
#include "compat.h"

#include "errors.h"
#include "rule/compile.h"

static const char *
type_name(const RuleExpr *e)
{
	switch ((RuleType) e->type)
	{
		case TYPE_CONDITION:
			return "a condition";
		case TYPE_NUMBER:
			return "a number";
		case TYPE_TEXT:
			return "a text";
		default:
			return "an attribute";
	}
}

static bool
wrong_type(Parser *p, const RuleExpr *e, const char *wanted, const char *hint)
{
	return lex_refuse(&p->lex, e->at, ERRCODE_RULE_TYPE, "types do not match",
					  psprintf("expected %s, found %s", wanted, type_name(e)), hint);
}

static bool
is_sign(const Parser *p, char sign)
{
	return p->lex.token == TOKEN_SIGN && p->lex.sign == sign;
}

/* ---- types of arguments ---- */

/* The expression as a condition: an attribute by itself is one when it is true. */
bool
parse_as_condition(Parser *p, RuleExpr *e)
{
	if (e->type == TYPE_ANY)
		e->type = e->node.unit = TYPE_CONDITION;
	return e->type == TYPE_CONDITION ||
		   wrong_type(p, e, "a condition", "Compare it: spend(90d) >= 100, city = '上海'.");
}

static bool
as_number(Parser *p, RuleExpr *e)
{
	if (e->type == TYPE_ANY)
		e->type = e->node.unit = TYPE_NUMBER;
	return e->type == TYPE_NUMBER || wrong_type(p, e, "a number", NULL);
}

static bool
is_months(const RuleExpr *e)
{
	return e->node.op == RULE_NUMBER && e->node.what == RULE_MONTHS;
}

/* A number of months says how many days only from a day on. */
static bool
months_fit(Parser *p, const RuleExpr *value, const RuleExpr *bound)
{
	if (!is_months(bound) ||
		(value->node.op == RULE_MEASURE && rule_measures[value->node.what].since))
		return true;
	return lex_refuse(
		&p->lex, bound->at, ERRCODE_RULE_TYPE, "months have no fixed length",
		"only what is counted from a day can be compared with months or years: recency, idle, tenure and the like",
		"Give days, as in 365d.");
}

bool
parse_as_days(Parser *p, RuleExpr *e)
{
	return as_number(p, e) && months_fit(p, e, e);
}

/* ---- comparisons ---- */

/* The number that a text stands for. */
static bool
becomes_number(RuleExpr *e, int32 number)
{
	e->node.op = RULE_NUMBER;
	e->node.what = RULE_LIFE;
	e->node.micro = (int64) number * RULE_MICRO;
	e->type = TYPE_NUMBER;
	return true;
}

/* A group by its name, when a score's group is compared with a text. */
static bool
as_group(Parser *p, const RfmGroups *groups, RuleExpr *e)
{
	NearName near;
	int32 number;

	if (rule_group(groups, e->string, e->string_len, &number))
		return becomes_number(e, number);
	near_begin(&near, e->string, e->string_len);
	for (int i = 0; i <= groups->last - groups->first; i++)
	{
		near_try(&near, groups->names[i].zh, (int) strlen(groups->names[i].zh));
		near_try(&near, groups->names[i].en, (int) strlen(groups->names[i].en));
	}
	return lex_refuse(&p->lex, e->at, ERRCODE_RULE_UNKNOWN_NAME,
					  psprintf("unknown group \"%.*s\"", Min(e->string_len, 60), e->string),
					  psprintf("groups are numbered from %d to %d, or named as \"%s\" and \"%s\"",
							   groups->first, groups->last, groups->names[0].zh,
							   groups->names[0].en),
					  near.best[0] ? psprintf("Did you mean \"%s\"?", near.best) : NULL);
}

/* A level or group by its name, when one is compared with a text. */
static bool
as_named(Parser *p, const RuleExpr *value, RuleExpr *e)
{
	const RfmGroups *groups;
	NearName near;
	int32 level;

	if (value->node.op != RULE_MEASURE || e->node.op != RULE_STRING)
		return true;
	groups = rule_measures[value->node.what].groups;
	if (groups)
		return as_group(p, groups, e);
	if (value->node.what != MEASURE_TIER)
		return true;
	if (names_level(p->names, value->node.id, e->string, e->string_len, &level))
		return becomes_number(e, level);
	near_begin(&near, e->string, e->string_len);
	near_levels(&near, p->names, value->node.id);
	return lex_refuse(
		&p->lex, e->at, ERRCODE_RULE_UNKNOWN_NAME,
		psprintf("unknown level \"%.*s\"", Min(e->string_len, 60), e->string),
		p->names ? psprintf("ladder %d has no such level", value->node.id)
				 : "a rule as a value has numbers only",
		near.best[0]
			? psprintf("Did you mean \"%s\"?", near.best)
			: (p->names ? NULL
						: "member.compile_rule() takes names; here levels are numbers, from 0."));
}

static uint8
mirrored(uint8 comparison)
{
	static const uint8 mirror[] = {RULE_EQ, RULE_NE, RULE_GT, RULE_GE, RULE_LT, RULE_LE};

	return mirror[comparison];
}

/* Two values that are compared are of one type; an attribute is of the type of the other. */
static bool
agree(Parser *p, RuleExpr *a, RuleExpr *b)
{
	if (!as_named(p, a, b))
		return false;
	if (a->type == TYPE_ANY)
		a->type = a->node.unit = b->type == TYPE_ANY ? TYPE_TEXT : b->type;
	if (b->type == TYPE_ANY)
		b->type = b->node.unit = a->type;
	if (a->type == TYPE_CONDITION)
		return wrong_type(p, a, "a number or a text", NULL);
	if (a->type != b->type)
		return wrong_type(p, b, type_name(a), NULL);
	return months_fit(p, a, b);
}

/* attr.x = true */
static RuleExpr *
parse_is_true(Parser *p, RuleExpr *a, RuleExpr *b, uint8 comparison)
{
	bool wanted = b->node.arg != 0;

	if (comparison > RULE_NE)
	{
		lex_refuse(&p->lex, a->at, ERRCODE_RULE_TYPE, "types do not match",
				   "true and false can be compared by = and <> only", NULL);
		return NULL;
	}
	a->type = a->node.unit = TYPE_CONDITION;
	if (wanted == (comparison == RULE_EQ))
		return a;
	return expr_not(p, a);
}

static RuleExpr *
parse_compare(Parser *p, RuleExpr *a, uint8 comparison)
{
	RuleExpr *b, *e;

	if (!lex_next(&p->lex) || (b = parse_sum(p)) == NULL)
		return NULL;
	if (a->type == TYPE_ANY && b->node.op == RULE_BOOL)
		return parse_is_true(p, a, b, comparison);
	if ((a->node.op == RULE_NUMBER || a->node.op == RULE_STRING) && b->node.op != RULE_NUMBER &&
		b->node.op != RULE_STRING)
	{
		RuleExpr *swap = a;

		a = b;
		b = swap;
		comparison = mirrored(comparison);
	}
	if (!agree(p, a, b) || (is_months(a) && !months_fit(p, a, a)))
		return NULL;
	e = expr_pair(p, RULE_COMPARE, a, b, a->at);
	if (e)
		e->node.what = comparison;
	return e;
}

static RuleExpr *
parse_between(Parser *p, RuleExpr *a)
{
	RuleExpr *e, *low, *high;

	if (!lex_next(&p->lex) || !as_number(p, a) || !months_fit(p, a, a) ||
		(low = parse_sum(p)) == NULL || !agree(p, a, low))
		return NULL;
	if (!lex_is(&p->lex, "and"))
	{
		lex_expected(&p->lex, "\"and\" and the upper bound", NULL);
		return NULL;
	}
	if (!lex_next(&p->lex) || (high = parse_sum(p)) == NULL || !agree(p, a, high))
		return NULL;
	e = expr_pair(p, RULE_BETWEEN, a, low, a->at);
	return e && expr_add(p, e, high) ? e : NULL;
}

static RuleExpr *
parse_in(Parser *p, RuleExpr *a)
{
	RuleExpr *e = expr_new(p, RULE_IN, TYPE_CONDITION, a->at);

	if (e == NULL || !expr_add(p, e, a) || !lex_next(&p->lex) || !parse_sign(p, '(', "\"(\""))
		return NULL;
	for (;;)
	{
		RuleExpr *item = parse_sum(p);

		if (item == NULL)
			return NULL;
		if (item->node.op != RULE_NUMBER && item->node.op != RULE_STRING)
		{
			wrong_type(p, item, "a number or a text in quotes", NULL);
			return NULL;
		}
		if (!agree(p, a, item) || (item->type == TYPE_NUMBER && !parse_as_days(p, item)) ||
			!expr_add(p, e, item))
			return NULL;
		if (!is_sign(p, ','))
			break;
		if (!lex_next(&p->lex))
			return NULL;
	}
	return parse_sign(p, ')', "\",\" or \")\"") ? e : NULL;
}

/* plan within 30d, attr.renewal within 30d: from 0 to so many days ahead */
static RuleExpr *
parse_within(Parser *p, RuleExpr *a)
{
	RuleExpr *measure, *low, *high, *e;

	if (a->node.op != RULE_FIELD || (a->node.what != FIELD_ATTR && a->node.what != FIELD_PLAN))
	{
		lex_refuse(
			&p->lex, a->at, ERRCODE_RULE_TYPE, "types do not match",
			"only birthday, anniversary, plan and attributes that hold a date can be within days",
			NULL);
		return NULL;
	}
	measure = expr_measure(p, a->node.what == FIELD_PLAN ? MEASURE_PLAN_LEFT : MEASURE_DAYS_UNTIL,
						   0, a->at);
	if (measure == NULL || !lex_next(&p->lex))
		return NULL;
	measure->string = a->string;
	measure->string_len = a->string_len;
	low = expr_number(p, 0, RULE_DAYS, p->lex.at);
	high = parse_sum(p);
	if (high == NULL || !parse_as_days(p, high))
		return NULL;
	e = expr_pair(p, RULE_BETWEEN, measure, low, a->at);
	return e && expr_add(p, e, high) ? e : NULL;
}

/* is [not] known, is unknown */
static RuleExpr *
parse_known(Parser *p, RuleExpr *a)
{
	RuleExpr *e = expr_new(p, RULE_KNOWN, TYPE_CONDITION, a->at);
	bool wanted = true;

	if (e == NULL || !lex_next(&p->lex))
		return NULL;
	if (a->type == TYPE_CONDITION)
	{
		wrong_type(p, a, "a number, a text or an attribute", NULL);
		return NULL;
	}
	if (a->type == TYPE_ANY)
		a->node.unit = TYPE_ANY;
	if (!expr_add(p, e, a))
		return NULL;
	if (lex_is(&p->lex, "not"))
	{
		wanted = false;
		if (!lex_next(&p->lex))
			return NULL;
	}
	if (lex_is(&p->lex, "unknown"))
		wanted = !wanted;
	else if (!lex_is(&p->lex, "known"))
	{
		lex_expected(&p->lex, "\"known\" or \"unknown\"", NULL);
		return NULL;
	}
	if (!lex_next(&p->lex))
		return NULL;
	return wanted ? e : expr_not(p, e);
}

static int
comparison_sign(const Parser *p)
{
	static const char signs[] = "=n<l>g"; /* by RuleComparison */
	const char *found;

	if (p->lex.token != TOKEN_SIGN || (found = strchr(signs, p->lex.sign)) == NULL)
		return -1;
	return (int) (found - signs);
}

RuleExpr *
parse_comparison(Parser *p)
{
	RuleExpr *a = parse_sum(p);
	bool negated = false;
	RuleExpr *e;
	int sign;

	if (a == NULL)
		return NULL;
	if ((sign = comparison_sign(p)) >= 0)
		return parse_compare(p, a, sign);
	if (lex_is(&p->lex, "is"))
		return parse_known(p, a);
	if (lex_is(&p->lex, "within"))
		return parse_within(p, a);
	if (lex_is(&p->lex, "not"))
	{
		negated = true;
		if (!lex_next(&p->lex))
			return NULL;
	}
	if (lex_is(&p->lex, "between"))
		e = parse_between(p, a);
	else if (lex_is(&p->lex, "in"))
		e = parse_in(p, a);
	else if (negated)
	{
		lex_expected(&p->lex, "\"between\" or \"in\"", NULL);
		return NULL;
	}
	else
		return a;
	return negated && e ? expr_not(p, e) : e;
}
