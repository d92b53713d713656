/*
 * lex.c: the words, numbers, texts and signs of the rule language, and its errors, each of which says where
 * in the text, what was found and what was expected.
 */
#include "compat.h"

#include "mb/pg_wchar.h"

#include "errors.h"
#include "rule/compile.h"

/* Characters from the start of the text, from 1. */
int
lex_position(const Lexer *lex, const char *at)
{
	return pg_mbstrlen_with_len(lex->start, (int) (at - lex->start)) + 1;
}

void
lex_begin(Lexer *lex, const char *text, Node *soft)
{
	memset(lex, 0, sizeof(*lex));
	lex->start = lex->p = lex->at = text;
	lex->soft = soft;
}

/* Always false, so that a caller can return it. */
bool
lex_refuse(const Lexer *lex, const char *at, int code, const char *message, const char *detail,
		   const char *hint)
{
	ereturn(lex->soft, false, errcode(code), errmsg("invalid rule: %s", message),
			lex->where
				? errdetail("At character %d of %s: %s.", lex_position(lex, at), lex->where, detail)
				: errdetail("At character %d: %s.", lex_position(lex, at), detail),
			hint ? errhint("%s", hint) : 0);
}

/* The token is not what should be here. */
bool
lex_expected(const Lexer *lex, const char *what, const char *hint)
{
	char *detail;

	if (lex->token == TOKEN_END)
		detail = psprintf("expected %s, found the end", what);
	else
		detail = psprintf("expected %s, found \"%.*s\"", what, pg_mbcliplen(lex->at, lex->len, 60),
						  lex->at);
	return lex_refuse(lex, lex->at, ERRCODE_RULE_SYNTAX, "syntax error", detail, hint);
}

static inline bool
is_word_start(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static inline bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* A text between quotes, which stand doubled inside it. */
static bool
lex_quoted(Lexer *lex, char quote)
{
	char *out = palloc(strlen(lex->p) + 1);

	lex->name = out;
	for (lex->p++; *lex->p != '\0'; lex->p++)
	{
		if (*lex->p == quote && *++lex->p != quote)
		{
			*out = '\0';
			lex->name_len = (int) (out - lex->name);
			lex->token = quote == '"' ? TOKEN_QUOTED : TOKEN_STRING;
			return true;
		}
		*out++ = *lex->p;
	}
	lex->token = TOKEN_END;
	return lex_refuse(lex, lex->at, ERRCODE_RULE_SYNTAX, "a quote is not closed",
					  "the quote that begins here has no end", NULL);
}

/* What follows the digits: d, w, mo, y. */
static bool
lex_unit(Lexer *lex)
{
	static const struct
	{
		const char *name;
		int times;
		RuleUnit unit;
	} units[] = {{"d", 1, RULE_DAYS},
				 {"w", 7, RULE_DAYS},
				 {"mo", 1, RULE_MONTHS},
				 {"y", 12, RULE_MONTHS}};
	const char *unit = lex->p;
	int len;

	while (is_word_start((unsigned char) *lex->p) || is_digit((unsigned char) *lex->p))
		lex->p++;
	len = (int) (lex->p - unit);
	for (int i = 0; i < lengthof(units); i++)
		if (len == (int) strlen(units[i].name) && strncmp(unit, units[i].name, len) == 0)
		{
			if (lex->micro % RULE_MICRO == 0 && lex->micro <= (int64) RULE_MAX_DAYS * RULE_MICRO)
			{
				lex->micro *= units[i].times;
				lex->unit = units[i].unit;
				return true;
			}
			return lex_refuse(lex, lex->at, ERRCODE_RULE_TOO_LARGE,
							  "a span of time is out of range",
							  "a number of days, weeks, months or years is whole and at most 36500",
							  NULL);
		}
	return lex_refuse(
		lex, unit, ERRCODE_RULE_SYNTAX, psprintf("unknown unit \"%.*s\"", len, unit),
		"expected d, w, mo or y (days, weeks, months, years), or no letter after a number", NULL);
}

static bool
lex_number(Lexer *lex)
{
	int64 scale = RULE_MICRO;
	bool fits = true;

	lex->token = TOKEN_NUMBER;
	lex->micro = 0;
	lex->unit = RULE_LIFE;
	for (; is_digit((unsigned char) *lex->p); lex->p++)
	{
		fits = fits && lex->micro <= RULE_MAX_NUMBER / 10 * RULE_MICRO;
		if (fits)
			lex->micro = lex->micro * 10 + (*lex->p - '0') * (int64) RULE_MICRO;
	}
	if (*lex->p == '.' && is_digit((unsigned char) lex->p[1]))
		for (lex->p++; is_digit((unsigned char) *lex->p); lex->p++)
		{
			scale /= 10;
			lex->micro += (*lex->p - '0') * scale;
			fits = fits && (scale > 0 || *lex->p == '0');
		}
	if (!fits || lex->micro > RULE_MAX_NUMBER * RULE_MICRO)
		return lex_refuse(lex, lex->at, ERRCODE_RULE_TOO_LARGE, "a number is out of range",
						  psprintf("a number is at most %lld and has at most six decimals",
								   (long long) RULE_MAX_NUMBER),
						  NULL);
	if (is_word_start((unsigned char) *lex->p))
		return lex_unit(lex);
	return true;
}

static bool
lex_sign(Lexer *lex)
{
	static const struct
	{
		const char *text;
		char sign;
	} pairs[] = {{"<=", 'l'}, {">=", 'g'}, {"<>", 'n'}, {"!=", 'n'}};

	lex->token = TOKEN_SIGN;
	for (int i = 0; i < lengthof(pairs); i++)
		if (strncmp(lex->p, pairs[i].text, 2) == 0)
		{
			lex->sign = pairs[i].sign;
			lex->p += 2;
			return true;
		}
	if (strchr("()+-*/=<>,.#", *lex->p) == NULL)
	{
		lex->len = 1;
		lex->p++;
		return lex_expected(lex, "a word, a number, a text in quotes or a sign", NULL);
	}
	lex->sign = *lex->p++;
	return true;
}

/* The next token; false after an error that was not raised. */
bool
lex_next(Lexer *lex)
{
	bool good = true;

	while (*lex->p == ' ' || (*lex->p >= '\t' && *lex->p <= '\r'))
		lex->p++;
	lex->at = lex->p;
	if (*lex->p == '\0')
		lex->token = TOKEN_END;
	else if (is_word_start((unsigned char) *lex->p))
	{
		while (is_word_start((unsigned char) *lex->p) || is_digit((unsigned char) *lex->p))
			lex->p++;
		lex->token = TOKEN_WORD;
		lex->name_len = (int) (lex->p - lex->at);
		lex->name = pnstrdup(lex->at, lex->name_len);
	}
	else if (is_digit((unsigned char) *lex->p))
		good = lex_number(lex);
	else if (*lex->p == '\'' || *lex->p == '"')
		good = lex_quoted(lex, *lex->p);
	else
		good = lex_sign(lex);
	lex->len = (int) (lex->p - lex->at);
	return good;
}

/* Whether the token is the word, in whatever case. */
bool
lex_is(const Lexer *lex, const char *keyword)
{
	return lex->token == TOKEN_WORD && pg_strcasecmp(lex->name, keyword) == 0;
}
