/*
 * values.c: values of the rule language that begin with a word: measures with their arguments, fields,
 * short forms that stand for other measures, and the names of wallets and streams.
 */
#include "compat.h"

#include "errors.h"
#include "rule/compile.h"

static bool parse_key(Parser *p, RuleExpr *e);

#define NEEDS_NAMES "member.compile_rule() takes names; a rule as a value has numbers only."

/* ---- names ---- */

RuleExpr *
refuse_name(Parser *p, const char *at, const char *section, const char *what, const char *name,
			int len)
{
	NearName near;

	near_begin(&near, name, len);
	near_section(&near, p->names, section);
	lex_refuse(&p->lex, at, ERRCODE_RULE_UNKNOWN_NAME,
			   psprintf("unknown %s \"%.*s\"", what, Min(len, 60), name),
			   p->names ? psprintf("there is no %s of this name", what)
						: psprintf("expected the number of a %s", what),
			   near.best[0] ? psprintf("Did you mean \"%s\"?", near.best)
							: (p->names ? NULL : NEEDS_NAMES));
	return NULL;
}

/* A number from 1, or a name of the section. */
bool
parse_id(Parser *p, const char *section, const char *what, int32 max, int32 *id)
{
	const Lexer *lex = &p->lex;

	if (lex->token == TOKEN_NUMBER && lex->unit == RULE_LIFE)
	{
		if (lex->micro % RULE_MICRO != 0 || lex->micro < RULE_MICRO ||
			lex->micro / RULE_MICRO > max)
			return lex_refuse(lex, lex->at, ERRCODE_RULE_UNKNOWN_NAME,
							  psprintf("number of a %s is out of range", what),
							  psprintf("expected a whole number from 1 to %d", max), NULL);
		*id = (int32) (lex->micro / RULE_MICRO);
		return lex_next(&p->lex);
	}
	if (lex->token != TOKEN_WORD && lex->token != TOKEN_QUOTED && lex->token != TOKEN_STRING)
		return lex_expected(lex, psprintf("the name or number of a %s", what), NULL);
	if (!names_find(p->names, section, lex->name, lex->name_len, id))
		return refuse_name(p, lex->at, section, what, lex->name, lex->name_len) != NULL;
	return lex_next(&p->lex);
}

/* The one that is meant when none is named. */
static bool
default_id(Parser *p, const char *key, const char *what, int32 *id)
{
	*id = names_default(p->names, key);
	if (*id > 0)
		return true;
	return lex_expected(&p->lex, psprintf("the number of a %s", what), NEEDS_NAMES);
}

/* ---- windows ---- */

static bool
at_window(const Parser *p)
{
	if (p->lex.token == TOKEN_NUMBER)
		return p->lex.unit != RULE_LIFE;
	for (int i = RULE_THIS_MONTH; i <= RULE_LAST_MEMBER_YEAR; i++)
		if (lex_is(&p->lex, rule_windows[i]))
			return true;
	return false;
}

static bool
parse_window(Parser *p, uint8 *unit, int32 *arg)
{
	int64 n = p->lex.micro / RULE_MICRO;

	if (!at_window(p))
	{
		NearName near;

		near_begin(&near, p->lex.at, p->lex.len);
		for (int i = RULE_THIS_MONTH; i <= RULE_LAST_MEMBER_YEAR; i++)
			near_try(&near, rule_windows[i], (int) strlen(rule_windows[i]));
		return lex_expected(&p->lex, "a window such as 90d, 12mo, month or last_year",
							near.best[0] ? psprintf("Did you mean \"%s\"?", near.best) : NULL);
	}
	if (p->lex.token == TOKEN_NUMBER)
	{
		if (n < 1 || n > (p->lex.unit == RULE_DAYS ? RULE_MAX_DAYS : RULE_MAX_MONTHS))
			return lex_refuse(&p->lex, p->lex.at, ERRCODE_RULE_TOO_LARGE,
							  "a window is out of range",
							  psprintf("a window has 1 to %d days or 1 to %d months", RULE_MAX_DAYS,
									   RULE_MAX_MONTHS),
							  NULL);
		*unit = p->lex.unit;
		*arg = (int32) n;
		return lex_next(&p->lex);
	}
	for (int i = RULE_THIS_MONTH; i <= RULE_LAST_MEMBER_YEAR; i++)
		if (lex_is(&p->lex, rule_windows[i]))
			*unit = i;
	*arg = 0;
	return lex_next(&p->lex);
}

static bool
is_sign(const Parser *p, char sign)
{
	return p->lex.token == TOKEN_SIGN && p->lex.sign == sign;
}

/* [stream] [,] [window] of the arguments; default_id() when there is no stream. */
static bool
parse_stream_window(Parser *p, const MeasureSpec *spec, RuleNode *node)
{
	if (spec->window && at_window(p))
		return default_id(p, "purchases", "stream", &node->id) &&
			   parse_window(p, &node->unit, &node->arg);
	if (!parse_id(p, NAMES_STREAMS, "stream", PG_INT16_MAX, &node->id))
		return false;
	if (spec->kind && is_sign(p, '.')) /* article.category */
	{
		if (!lex_next(&p->lex))
			return false;
		if (!lex_is(&p->lex, "category"))
			return lex_expected(&p->lex, "\"category\"", NULL);
		if (!lex_next(&p->lex))
			return false;
	}
	if (!is_sign(p, ',') || !(spec->window || spec->kind))
		return true;
	if (!lex_next(&p->lex))
		return false;
	return spec->kind ? parse_id(p, NAMES_KINDS, "category", PG_INT32_MAX, &node->arg)
					  : parse_window(p, &node->unit, &node->arg);
}

static bool
parse_days(Parser *p, int32 *days)
{
	int64 n = p->lex.micro / RULE_MICRO;

	if (p->lex.token != TOKEN_NUMBER || p->lex.unit != RULE_DAYS || n > RULE_MAX_DAYS)
		return lex_expected(&p->lex,
							psprintf("a number of days such as 30d, at most %dd", RULE_MAX_DAYS),
							NULL);
	*days = (int32) n;
	return lex_next(&p->lex);
}

/* ---- measures ---- */

/* attr.key as the argument of since() and until() */
static bool
parse_key_argument(Parser *p, RuleExpr *e)
{
	if (!lex_is(&p->lex, rule_fields[FIELD_ATTR]))
		return lex_expected(&p->lex, "an attribute such as attr.renewal", NULL);
	return lex_next(&p->lex) && parse_key(p, e);
}

static bool
parse_arguments(Parser *p, const MeasureSpec *spec, RuleExpr *e)
{
	RuleNode *node = &e->node;

	switch ((RuleTakes) spec->takes)
	{
		case TAKES_STREAM:
			return parse_stream_window(p, spec, node);
		case TAKES_WALLET:
			if (spec->days && p->lex.token == TOKEN_NUMBER && p->lex.unit == RULE_DAYS)
				return default_id(p, "wallet", "wallet", &node->id) && parse_days(p, &node->arg);
			if (!parse_id(p, NAMES_WALLETS, "wallet", PG_INT16_MAX, &node->id))
				return false;
			return !spec->days ||
				   (parse_sign(p, ',', "\",\" and a number of days") && parse_days(p, &node->arg));
		case TAKES_LADDER:
			return parse_id(p, NAMES_LADDERS, "ladder", PG_INT16_MAX, &node->id);
		case TAKES_TAG:
			return parse_sign(p, '#', "a tag such as #12") &&
				   parse_id(p, NAMES_TAGS, "tag", PG_INT32_MAX, &node->id);
		case TAKES_KEY:
			return parse_key_argument(p, e);
		case TAKES_NOTHING:
			break;
	}
	return lex_expected(&p->lex, psprintf("nothing, as %s takes no argument", spec->name), NULL);
}

/* The measure whose name has just been read. */
static RuleExpr *
parse_measure(Parser *p, RuleMeasure what, const char *at)
{
	const MeasureSpec *spec = &rule_measures[what];
	RuleExpr *e = expr_measure(p, what, 0, at);
	bool good = true;

	if (e == NULL)
		return NULL;
	if (is_sign(p, '('))
		good = lex_next(&p->lex) && parse_arguments(p, spec, e) && parse_sign(p, ')', "\")\"");
	else if (spec->takes == TAKES_STREAM)
		good = default_id(p, "purchases", "stream", &e->node.id);
	else if (spec->takes == TAKES_LADDER)
		good = default_id(p, "ladder", "ladder", &e->node.id);
	else if (spec->takes == TAKES_WALLET && !spec->days)
		good = default_id(p, "wallet", "wallet", &e->node.id);
	else if (spec->takes != TAKES_NOTHING)
		good = lex_expected(&p->lex, psprintf("\"(\" after %s", spec->name), NULL);
	return good ? e : NULL;
}

/* ---- fields ---- */

static bool
parse_key(Parser *p, RuleExpr *e)
{
	if (!parse_sign(p, '.', "\".\" and a name"))
		return false;
	if (p->lex.token != TOKEN_WORD && p->lex.token != TOKEN_QUOTED)
		return lex_expected(&p->lex, "a name", "Names that are not words stand in double quotes.");
	e->string = p->lex.name;
	e->string_len = p->lex.name_len;
	return lex_next(&p->lex);
}

static RuleExpr *
parse_field(Parser *p, RuleField what, const char *at)
{
	bool keyed = what == FIELD_ATTR || what == FIELD_EVENT;
	RuleExpr *e = expr_new(p, RULE_FIELD, keyed ? TYPE_ANY : TYPE_TEXT, at);

	if (e == NULL)
		return NULL;
	e->node.what = what;
	return !keyed || parse_key(p, e) ? e : NULL;
}

/* ---- short forms ---- */

/* birthday within 3d: at most so many days ahead */
static RuleExpr *
parse_yearly(Parser *p, RuleMeasure what, const char *at)
{
	RuleExpr *measure = expr_measure(p, what, 0, at);
	int32 days;
	RuleExpr *e;

	if (measure == NULL)
		return NULL;
	if (!lex_is(&p->lex, "within"))
	{
		lex_expected(&p->lex, "\"within\" and a number of days", NULL);
		return NULL;
	}
	at = p->lex.at;
	if (!lex_next(&p->lex) || !parse_days(p, &days))
		return NULL;
	e = expr_pair(p, RULE_COMPARE, measure,
				  expr_number(p, days * (int64) RULE_MICRO, RULE_DAYS, at), measure->at);
	if (e)
		e->node.what = RULE_LE;
	return e;
}

/* The same measure of another kind: what divides it. */
static RuleExpr *
alike(Parser *p, const RuleExpr *e, RuleMeasure what, int32 stream)
{
	RuleExpr *other = expr_measure(p, what, stream, e->at);

	if (other)
	{
		other->node.unit = e->node.unit;
		other->node.arg = e->node.arg;
	}
	return other;
}

/* avg(stream, window): amount / count */
static RuleExpr *
parse_average(Parser *p, const char *at)
{
	RuleExpr *amount = parse_measure(p, MEASURE_AMOUNT_OF, at);

	if (amount == NULL)
		return NULL;
	return expr_pair(p, RULE_DIVIDE, amount, alike(p, amount, MEASURE_COUNT_OF, amount->node.id),
					 at);
}

/* share(stream [, of stream] [, window]) of amounts; ratio() of counts: of all purchases unless named */
static RuleExpr *
parse_share(Parser *p, RuleMeasure what, const char *at)
{
	RuleExpr *e = expr_measure(p, what, 0, at);
	int32 of = 0;

	if (e == NULL || !parse_sign(p, '(', "\"(\"") ||
		!parse_id(p, NAMES_STREAMS, "stream", PG_INT16_MAX, &e->node.id))
		return NULL;
	for (int i = 0; is_sign(p, ','); i++)
	{
		if (!lex_next(&p->lex))
			return NULL;
		if (i == 0 && !at_window(p))
		{
			if (!parse_id(p, NAMES_STREAMS, "stream", PG_INT16_MAX, &of))
				return NULL;
			continue;
		}
		if (!parse_window(p, &e->node.unit, &e->node.arg))
			return NULL;
		break;
	}
	if (of == 0 && !default_id(p, "purchases", "stream", &of))
		return NULL;
	if (!parse_sign(p, ')', "\",\" or \")\""))
		return NULL;
	return expr_pair(p, RULE_DIVIDE, e, alike(p, e, what, of), at);
}

typedef struct ShortForm
{
	const char *name;
	RuleMeasure stands_for;
	RuleExpr *(*special)(Parser *p, const char *at);
} ShortForm;

static RuleExpr *
parse_share_of(Parser *p, const char *at)
{
	return parse_share(p, MEASURE_AMOUNT_OF, at);
}

static RuleExpr *
parse_ratio_of(Parser *p, const char *at)
{
	return parse_share(p, MEASURE_COUNT_OF, at);
}

static RuleExpr *
parse_birthday(Parser *p, const char *at)
{
	return parse_yearly(p, MEASURE_BIRTHDAY_IN, at);
}

static RuleExpr *
parse_anniversary(Parser *p, const char *at)
{
	return parse_yearly(p, MEASURE_ANNIVERSARY_IN, at);
}

static RuleExpr *
parse_segment_of(Parser *p, const char *at)
{
	RuleExpr *e;

	if (!parse_sign(p, '(', "\"(\""))
		return NULL;
	if (p->lex.token != TOKEN_WORD && p->lex.token != TOKEN_QUOTED && p->lex.token != TOKEN_STRING)
	{
		lex_expected(&p->lex, "the name of a segment", NULL);
		return NULL;
	}
	e = parse_segment(p);
	return e && parse_sign(p, ')', "\")\"") ? e : NULL;
}

static const ShortForm short_forms[] = {
	{"spend", MEASURE_AMOUNT_OF},	   {"orders", MEASURE_COUNT_OF},
	{"max_order", MEASURE_LARGEST_OF}, {"dwell", MEASURE_AMOUNT_OF},
	{"avg_order", 0, parse_average},   {"avg", 0, parse_average},
	{"share", 0, parse_share_of},	   {"ratio", 0, parse_ratio_of},
	{"birthday", 0, parse_birthday},   {"anniversary", 0, parse_anniversary},
	{"segment", 0, parse_segment_of},
};

/* Whether a word means something by itself, so that a wallet of this name must be put in balance(). */
bool
rule_word_is_taken(const char *word)
{
	for (int i = 1; i < MEASURES; i++)
		if (strcmp(word, rule_measures[i].name) == 0)
			return true;
	for (int i = 0; i < lengthof(short_forms); i++)
		if (strcmp(word, short_forms[i].name) == 0)
			return true;
	for (int i = 1; i < FIELDS; i++)
		if (strcmp(word, rule_fields[i]) == 0)
			return true;
	return false;
}

/* ---- words ---- */

static RuleExpr *
unknown_word(Parser *p, const char *at, const char *name, int len)
{
	NearName near;

	near_begin(&near, name, len);
	for (int i = 1; i < MEASURES; i++)
		near_try(&near, rule_measures[i].name, (int) strlen(rule_measures[i].name));
	for (int i = 0; i < lengthof(short_forms); i++)
		near_try(&near, short_forms[i].name, (int) strlen(short_forms[i].name));
	for (int i = 1; i < FIELDS; i++)
		near_try(&near, rule_fields[i], (int) strlen(rule_fields[i]));
	near_section(&near, p->names, NAMES_WALLETS);
	near_section(&near, p->names, NAMES_STREAMS);
	lex_refuse(&p->lex, at, ERRCODE_RULE_UNKNOWN_NAME,
			   psprintf("unknown word \"%.*s\"", Min(len, 60), name),
			   p->names ? "expected a measure, an attribute, a wallet or a stream"
						: "expected a measure or an attribute",
			   near.best[0] ? psprintf("Did you mean \"%s\"?", near.best)
			   : p->names	? NULL
							: NEEDS_NAMES);
	return NULL;
}

/* A wallet's name is its balance, a stream's name with a window the number of its events. */
static RuleExpr *
parse_catalog_word(Parser *p, const char *at, const char *name, int len)
{
	RuleNode node = {0};
	RuleExpr *e;

	if (is_sign(p, '(') && names_find(p->names, NAMES_STREAMS, name, len, &node.id))
	{
		if (!lex_next(&p->lex) || !parse_window(p, &node.unit, &node.arg) ||
			!parse_sign(p, ')', "\")\"") ||
			(e = expr_measure(p, MEASURE_COUNT_OF, node.id, at)) == NULL)
			return NULL;
		e->node.unit = node.unit;
		e->node.arg = node.arg;
		return e;
	}
	if (names_find(p->names, NAMES_WALLETS, name, len, &node.id))
		return expr_measure(p, MEASURE_BALANCE, node.id, at);
	return unknown_word(p, at, name, len);
}

static RuleExpr *
parse_bool(Parser *p, bool value, const char *at)
{
	RuleExpr *e = expr_new(p, RULE_BOOL, TYPE_CONDITION, at);

	if (e)
		e->node.arg = value;
	return e;
}

RuleExpr *
parse_value_word(Parser *p)
{
	const char *at = p->lex.at;
	const char *name = p->lex.name;
	int len = p->lex.name_len;
	bool yes = lex_is(&p->lex, "true");
	bool no = lex_is(&p->lex, "false");

	if (!lex_next(&p->lex))
		return NULL;
	if (yes || no)
		return parse_bool(p, yes, at);
	for (int i = 1; i < FIELDS; i++)
		if (strcmp(name, rule_fields[i]) == 0)
			return parse_field(p, i, at);
	for (int i = 1; i < MEASURES; i++)
		if (strcmp(name, rule_measures[i].name) == 0)
			return parse_measure(p, i, at);
	for (int i = 0; i < lengthof(short_forms); i++)
		if (strcmp(name, short_forms[i].name) == 0)
			return short_forms[i].special ? short_forms[i].special(p, at)
										  : parse_measure(p, short_forms[i].stands_for, at);
	return parse_catalog_word(p, at, name, len);
}
