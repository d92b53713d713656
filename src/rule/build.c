/*
 * build.c: making the tree of a rule, and packing it.
 */
#include "compat.h"

#include "miscadmin.h"

#include "errors.h"
#include "rule/compile.h"

static bool
too_large(Parser *p, const char *at)
{
	return lex_refuse(&p->lex, at, ERRCODE_RULE_TOO_LARGE, "it is too large",
					  psprintf("a rule has at most %d parts", RULE_MAX_NODES),
					  "Split it into several tags or segments.");
}

/* NULL after an error that was not raised. */
RuleExpr *
expr_new(Parser *p, uint8 op, uint8 type, const char *at)
{
	Parser *whole = p;
	RuleExpr *e;

	while (whole->outer)
		whole = whole->outer;
	if (whole->nodes >= RULE_MAX_NODES && !too_large(p, at))
		return NULL;
	whole->nodes++;
	e = palloc0(sizeof(RuleExpr));
	e->node.op = op;
	e->type = type;
	e->at = at;
	return e;
}

/* An and in an and, or an or in an or, is one with more arguments. */
bool
expr_add(Parser *p, RuleExpr *e, RuleExpr *arg)
{
	if ((e->node.op == RULE_AND || e->node.op == RULE_OR) && arg->node.op == e->node.op)
	{
		for (int i = 0; i < arg->n; i++)
			if (!expr_add(p, e, arg->arg[i]))
				return false;
		return true;
	}
	if (e->n == e->room)
	{
		e->room = Max(4, 2 * e->room);
		e->arg = e->arg ? repalloc(e->arg, e->room * sizeof(RuleExpr *))
						: palloc(e->room * sizeof(RuleExpr *));
	}
	e->arg[e->n++] = arg;
	return true;
}

RuleExpr *
expr_measure(Parser *p, uint8 what, int32 id, const char *at)
{
	RuleExpr *e = expr_new(p, RULE_MEASURE, TYPE_NUMBER, at);

	if (e)
	{
		e->node.what = what;
		e->node.id = id;
	}
	return e;
}

RuleExpr *
expr_number(Parser *p, int64 micro, uint8 unit, const char *at)
{
	RuleExpr *e = expr_new(p, RULE_NUMBER, TYPE_NUMBER, at);

	if (e)
	{
		e->node.what = unit;
		e->node.micro = micro;
	}
	return e;
}

/* Of two values; NULL when one of them is. */
RuleExpr *
expr_pair(Parser *p, uint8 op, RuleExpr *a, RuleExpr *b, const char *at)
{
	RuleExpr *e;

	if (a == NULL || b == NULL)
		return NULL;
	e = expr_new(p, op, op >= RULE_NUMBER ? TYPE_NUMBER : TYPE_CONDITION, at);
	if (e == NULL || !expr_add(p, e, a) || !expr_add(p, e, b))
		return NULL;
	return e;
}

RuleExpr *
expr_not(Parser *p, RuleExpr *a)
{
	RuleExpr *e = expr_new(p, RULE_NOT, TYPE_CONDITION, a->at);

	return e && expr_add(p, e, a) ? e : NULL;
}

/* ---- packing ---- */

typedef struct Packing
{
	RuleNode *nodes;
	int n;
	StringInfoData strings;
} Packing;

static bool
has_string(const RuleNode *node)
{
	return node->op == RULE_STRING ||
		   (node->op == RULE_FIELD && (node->what == FIELD_ATTR || node->what == FIELD_EVENT)) ||
		   (node->op == RULE_MEASURE && rule_measures[node->what].takes == TAKES_KEY);
}

static void
pack(Packing *to, const RuleExpr *e)
{
	int at = to->n++;
	RuleNode *node = &to->nodes[at];

	check_stack_depth();
	*node = e->node;
	node->n = e->n;
	if (has_string(node))
	{
		node->id = to->strings.len;
		node->arg = e->string_len;
		appendBinaryStringInfo(&to->strings, e->string, e->string_len);
	}
	for (int i = 0; i < e->n; i++)
		pack(to, e->arg[i]);
	to->nodes[at].size = to->n - at;
}

/*
 * The tree as a rule, with its canonical text.  What short forms and segments stand for may be longer and
 * deeper than what was written: the canonical text must be within the limits, too, or it could not be read.
 */
Rule *
expr_flatten(const Parser *p, const RuleExpr *e)
{
	Packing to = {.nodes = palloc(RULE_MAX_NODES * sizeof(RuleNode))};
	StringInfoData text;
	Size size;
	Rule *rule;
	int depth;

	initStringInfo(&to.strings);
	pack(&to, e);
	initStringInfo(&text);
	depth = rule_print(&text, to.nodes, to.strings.data, 0, NULL);
	if (depth > RULE_MAX_DEPTH || text.len > RULE_MAX_TEXT)
	{
		lex_refuse(
			&p->lex, p->lex.start, ERRCODE_RULE_TOO_LARGE, "it is too large",
			psprintf(
				"with its segments and short forms written out it has %d bytes, nested %d deep; "
				"at most %d and %d are allowed",
				text.len, depth, RULE_MAX_TEXT, RULE_MAX_DEPTH),
			"Split it into several tags or segments.");
		return NULL;
	}
	size = MAXALIGN(offsetof(Rule, text) + text.len) + to.n * sizeof(RuleNode) + to.strings.len;
	rule = palloc0(size);
	SET_VARSIZE(rule, size);
	rule->format = RULE_FORMAT;
	rule->n_nodes = to.n;
	rule->text_len = text.len;
	rule->strings_len = to.strings.len;
	memcpy(rule->text, text.data, text.len);
	memcpy((char *) rule_nodes(rule), to.nodes, to.n * sizeof(RuleNode));
	memcpy((char *) rule_strings(rule), to.strings.data, to.strings.len);
	return rule;
}
