/*
 * parse.c: the operators of the rule language, by recursive descent.  One chain of functions reads both
 * conditions and values, as a parenthesis may begin either; types are checked where an operator joins two.
 */
#include "compat.h"

#include "miscadmin.h"

#include "errors.h"
#include "rule/compile.h"

static RuleExpr *parse_or(Parser *p);
static RuleExpr *parse_primary(Parser *p);

bool
parse_sign(Parser *p, char sign, const char *expected)
{
	if (p->lex.token == TOKEN_SIGN && p->lex.sign == sign)
		return lex_next(&p->lex);
	return lex_expected(&p->lex, expected, NULL);
}

static bool
is_sign(const Parser *p, char sign)
{
	return p->lex.token == TOKEN_SIGN && p->lex.sign == sign;
}

/* ---- nesting ---- */

static bool
deeper(Parser *p)
{
	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	if (++p->depth <= RULE_MAX_DEPTH)
		return true;
	return lex_refuse(
		&p->lex, p->lex.at, ERRCODE_RULE_TOO_LARGE, "it is nested too deeply",
		psprintf("parentheses, \"not\", signs and segments are nested at most %d deep",
				 RULE_MAX_DEPTH),
		NULL);
}

/* ---- conditions ---- */

static RuleExpr *
parse_not(Parser *p)
{
	RuleExpr *e;

	if (!lex_is(&p->lex, "not"))
		return parse_comparison(p);
	if (!deeper(p) || !lex_next(&p->lex) || (e = parse_not(p)) == NULL || !parse_as_condition(p, e))
		return NULL;
	p->depth--;
	return expr_not(p, e);
}

/* Operands of "and", or of "or". */
static RuleExpr *
parse_chain(Parser *p, const char *word, RuleOp op, RuleExpr *(*operand)(Parser *p))
{
	RuleExpr *first = operand(p);
	RuleExpr *e = NULL;

	while (first && lex_is(&p->lex, word))
	{
		RuleExpr *next;

		CHECK_FOR_INTERRUPTS();
		if (!parse_as_condition(p, first) || !lex_next(&p->lex))
			return NULL;
		if (e == NULL &&
			((e = expr_new(p, op, TYPE_CONDITION, first->at)) == NULL || !expr_add(p, e, first)))
			return NULL;
		if ((next = operand(p)) == NULL || !parse_as_condition(p, next) || !expr_add(p, e, next))
			return NULL;
	}
	return e ? e : first;
}

static RuleExpr *
parse_and(Parser *p)
{
	return parse_chain(p, "and", RULE_AND, parse_not);
}

static RuleExpr *
parse_or(Parser *p)
{
	return parse_chain(p, "or", RULE_OR, parse_and);
}

/* ---- values ---- */

/* #12, #name, #"a name" */
static RuleExpr *
parse_tag(Parser *p)
{
	const char *at = p->lex.at;
	RuleExpr *e = NULL;
	int32 id;

	if (lex_next(&p->lex) && parse_id(p, NAMES_TAGS, "tag", PG_INT32_MAX, &id) &&
		(e = expr_new(p, RULE_TAG, TYPE_CONDITION, at)) != NULL)
		e->node.id = id;
	return e;
}

static RuleExpr *
parse_literal(Parser *p)
{
	const Lexer *lex = &p->lex;
	RuleExpr *e;

	if (lex->token == TOKEN_NUMBER)
		e = expr_number(p, lex->micro, lex->unit, lex->at);
	else if ((e = expr_new(p, RULE_STRING, TYPE_TEXT, lex->at)) != NULL)
	{
		e->string = lex->name;
		e->string_len = lex->name_len;
	}
	return e && lex_next(&p->lex) ? e : NULL;
}

static RuleExpr *
parse_parenthesis(Parser *p)
{
	const char *at = p->lex.at;
	RuleExpr *e;

	if (!deeper(p) || !lex_next(&p->lex) || (e = parse_or(p)) == NULL ||
		!parse_sign(p, ')', "\")\" or an operator"))
		return NULL;
	p->depth--;
	e->at = at;
	return e;
}

/* A number with a sign is a number. */
static RuleExpr *
parse_negative(Parser *p)
{
	const char *at = p->lex.at;
	RuleExpr *a, *e;

	if (!deeper(p) || !lex_next(&p->lex) || (a = parse_primary(p)) == NULL || !parse_as_days(p, a))
		return NULL;
	p->depth--;
	if (a->node.op == RULE_NUMBER)
	{
		a->node.micro = -a->node.micro;
		a->at = at;
		return a;
	}
	e = expr_new(p, RULE_NEGATE, TYPE_NUMBER, at);
	return e && expr_add(p, e, a) ? e : NULL;
}

/* A word that joins, which no value can begin with. */
static bool
is_keyword(const Parser *p)
{
	static const char *const words[] = {"and", "or", "not", "in", "between", "is", "within"};

	for (int i = 0; i < lengthof(words); i++)
		if (lex_is(&p->lex, words[i]))
			return true;
	return false;
}

static RuleExpr *
parse_primary(Parser *p)
{
	if (p->lex.token == TOKEN_WORD && !is_keyword(p))
		return parse_value_word(p);
	if (p->lex.token == TOKEN_NUMBER || p->lex.token == TOKEN_STRING)
		return parse_literal(p);
	if (is_sign(p, '#'))
		return parse_tag(p);
	if (is_sign(p, '('))
		return parse_parenthesis(p);
	if (is_sign(p, '-'))
		return parse_negative(p);
	lex_expected(&p->lex, "a condition or a value",
				 p->lex.token == TOKEN_QUOTED ? "Texts stand in single quotes." : NULL);
	return NULL;
}

static RuleExpr *
parse_operators(Parser *p, const char *signs, const RuleOp *ops, RuleExpr *(*operand)(Parser *p))
{
	RuleExpr *a = operand(p);

	while (a && p->lex.token == TOKEN_SIGN && strchr(signs, p->lex.sign))
	{
		RuleOp op = ops[strchr(signs, p->lex.sign) - signs];
		RuleExpr *b;

		CHECK_FOR_INTERRUPTS();
		if (!parse_as_days(p, a) || !lex_next(&p->lex) || (b = operand(p)) == NULL ||
			!parse_as_days(p, b))
			return NULL;
		a = expr_pair(p, op, a, b, a->at);
	}
	return a;
}

static RuleExpr *
parse_product(Parser *p)
{
	static const RuleOp ops[] = {RULE_MULTIPLY, RULE_DIVIDE};

	return parse_operators(p, "*/", ops, parse_primary);
}

RuleExpr *
parse_sum(Parser *p)
{
	static const RuleOp ops[] = {RULE_ADD, RULE_SUBTRACT};

	return parse_operators(p, "+-", ops, parse_product);
}

/* ---- the whole ---- */

static RuleExpr *
parse_text(Parser *p)
{
	RuleExpr *e;

	if (!lex_next(&p->lex) || (e = parse_or(p)) == NULL || !parse_as_condition(p, e))
		return NULL;
	if (p->lex.token != TOKEN_END)
	{
		lex_expected(&p->lex, "\"and\", \"or\", an operator or the end", NULL);
		return NULL;
	}
	return e;
}

/* A segment stands for its rule, which is read in its place. */
RuleExpr *
parse_segment(Parser *p)
{
	const char *at = p->lex.at;
	char *name = p->lex.name;
	char *text = names_segment(p->names, name, p->lex.name_len);
	Parser inner = {.names = p->names, .outer = p};
	RuleExpr *e;

	if (text == NULL)
		return refuse_name(p, at, "segments", "segment", name, p->lex.name_len);
	for (const Parser *o = p; o; o = o->outer)
		if (o->lex.segment && strcmp(o->lex.segment, name) == 0)
		{
			lex_refuse(&p->lex, at, ERRCODE_RULE_SYNTAX, "segments refer to each other in a circle",
					   psprintf("segment \"%s\" is part of itself", name), NULL);
			return NULL;
		}
	if (!deeper(p))
		return NULL;
	inner.depth = p->depth--;
	lex_begin(&inner.lex, text, p->lex.soft);
	inner.lex.segment = name;
	inner.lex.where = psprintf("segment \"%s\"", name);
	e = parse_text(&inner);
	if (e)
		e->at = at; /* what is wrong with it in its place is said there */
	return e && lex_next(&p->lex) ? e : NULL;
}

/* The tree of the text; NULL after an error that was not raised. */
RuleExpr *
parse_rule(Parser *p, const char *text, const RuleNames *names, Node *soft, const char *where)
{
	Size len = strlen(text);

	memset(p, 0, sizeof(*p));
	p->names = names;
	lex_begin(&p->lex, text, soft);
	p->lex.where = where;
	if (len > RULE_MAX_TEXT)
	{
		lex_refuse(&p->lex, text, ERRCODE_RULE_TOO_LARGE, "it is too long",
				   psprintf("a rule has at most %d bytes, this one has %zu", RULE_MAX_TEXT, len),
				   "Split it into several tags or segments.");
		return NULL;
	}
	return parse_text(p);
}
