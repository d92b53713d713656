/*
 * read.c: reading the cells of a bulk load.  What can't be read is NULL, not an error: the row is rejected
 * with its reason and the rest is loaded.
 */
#include "compat.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/jsonfuncs.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "util/day.h"
#include "util/read.h"

typedef struct Cell
{
	const char *p;
	const char *end;
} Cell;

static void
cell_trim(Cell *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
	while (c->end > c->p && (c->end[-1] == ' ' || c->end[-1] == '\t' || c->end[-1] == '\r'))
		c->end--;
}

static bool
cell_is(Cell *c, char ch)
{
	if (c->p >= c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

/* min to max digits. */
static bool
cell_digits(Cell *c, int min, int max, int *value)
{
	int n = 0;

	*value = 0;
	while (n < max && c->p < c->end && *c->p >= '0' && *c->p <= '9')
	{
		*value = *value * 10 + (*c->p++ - '0');
		n++;
	}
	return n >= min;
}

/* 2026-03-01, 2026/3/1 or 20260301 */
static bool
cell_date(Cell *c, struct pg_tm *tm)
{
	char separator;

	if (!cell_digits(c, 4, 4, &tm->tm_year) || c->p >= c->end)
		return false;
	separator = *c->p;
	if (separator == '-' || separator == '/')
	{
		if (!cell_is(c, separator) || !cell_digits(c, 1, 2, &tm->tm_mon) ||
			!cell_is(c, separator) || !cell_digits(c, 1, 2, &tm->tm_mday))
			return false;
	}
	else if (!cell_digits(c, 2, 2, &tm->tm_mon) || !cell_digits(c, 2, 2, &tm->tm_mday))
		return false;
	/* a day short of the limits: an offset must not lead out of them */
	return tm->tm_year > 1900 && tm->tm_year < 9999 && tm->tm_mon >= 1 && tm->tm_mon <= 12 &&
		   tm->tm_mday >= 1 && tm->tm_mday <= day_tab[isleap(tm->tm_year)][tm->tm_mon - 1];
}

/* 10:00, 10:00:05, 10:00:05.123 */
static bool
cell_time(Cell *c, struct pg_tm *tm, fsec_t *fsec)
{
	int unit = 100000;

	if (!cell_digits(c, 1, 2, &tm->tm_hour) || !cell_is(c, ':') ||
		!cell_digits(c, 2, 2, &tm->tm_min) || tm->tm_hour > 23 || tm->tm_min > 59)
		return false;
	if (!cell_is(c, ':'))
		return true;
	if (!cell_digits(c, 2, 2, &tm->tm_sec) || tm->tm_sec > 59)
		return false;
	if (cell_is(c, '.'))
		for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++, unit /= 10)
			*fsec += (*c->p - '0') * unit;
	return true;
}

/* Z, +08, +08:00, +0800: seconds west of Greenwich, as PostgreSQL counts */
static bool
cell_offset(Cell *c, int *offset)
{
	int hours, minutes = 0, sign = -1;

	if (cell_is(c, 'Z'))
	{
		*offset = 0;
		return true;
	}
	if (cell_is(c, '-'))
		sign = 1;
	else if (!cell_is(c, '+'))
		return false;
	if (!cell_digits(c, 2, 2, &hours) || hours > 15)
		return false;
	cell_is(c, ':');
	if (c->p < c->end && (!cell_digits(c, 2, 2, &minutes) || minutes > 59))
		return false;
	*offset = sign * (hours * 3600 + minutes * 60);
	return true;
}

/* A moment; one without an offset is in the zone.  False if it can't be read. */
bool
read_moment(const char *text, int len, pg_tz *zone, TimestampTz *at)
{
	Cell c = {text, text + len};
	struct pg_tm tm = {0};
	fsec_t fsec = 0;
	int offset = 0;
	bool has_offset = false;

	cell_trim(&c);
	if (!cell_date(&c, &tm))
		return false;
	if (cell_is(&c, ' ') || cell_is(&c, 'T'))
	{
		if (!cell_time(&c, &tm, &fsec))
			return false;
		if (c.p < c.end)
		{
			if (!cell_offset(&c, &offset))
				return false;
			has_offset = true;
		}
	}
	if (c.p != c.end)
		return false;
	if (!has_offset)
		offset = DetermineTimeZoneOffset(&tm, zone);
	return tm2timestamp(&tm, fsec, &offset, at) == 0;
}

/* A time zone by its name, NULL if there is none: the last one asked for is kept. */
pg_tz *
find_zone(const char *name, int len)
{
	static char kept[TZ_STRLEN_MAX + 1];
	static pg_tz *zone = NULL;

	if (len > TZ_STRLEN_MAX)
		return NULL;
	if (zone && strncmp(kept, name, len) == 0 && kept[len] == '\0')
		return zone;
	zone = NULL;
	memcpy(kept, name, len);
	kept[len] = '\0';
	zone = pg_tzset(kept);
	return zone;
}

/* parse_time(text, zone): a moment, or NULL if it can't be read */
PG_FUNCTION_INFO_V1(member_parse_time);
Datum
member_parse_time(PG_FUNCTION_ARGS)
{
	text *t = PG_GETARG_TEXT_PP(0);
	text *name = PG_GETARG_TEXT_PP(1);
	pg_tz *zone = find_zone(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	TimestampTz at;

	if (zone == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("unknown time zone \"%s\"", text_to_cstring(name)));
	if (!read_moment(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t), zone, &at))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(at);
}

/* parse_minor(text): an amount of money with at most two decimals, in minor units; NULL otherwise */
PG_FUNCTION_INFO_V1(member_parse_minor);
Datum
member_parse_minor(PG_FUNCTION_ARGS)
{
	text *t = PG_GETARG_TEXT_PP(0);
	Cell c = {VARDATA_ANY(t), VARDATA_ANY(t) + VARSIZE_ANY_EXHDR(t)};
	int64 minor = 0;
	int digits = 0, decimals = 0;
	bool negative;

	cell_trim(&c);
	negative = cell_is(&c, '-');
	for (; c.p < c.end && *c.p >= '0' && *c.p <= '9' && digits < 13; c.p++, digits++)
		minor = minor * 10 + (*c.p - '0');
	if (digits == 0)
		PG_RETURN_NULL();
	if (cell_is(&c, '.'))
		for (; c.p < c.end && *c.p >= '0' && *c.p <= '9'; c.p++)
		{
			if (decimals < 2)
				minor = minor * 10 + (*c.p - '0');
			else if (*c.p != '0')
				PG_RETURN_NULL();
			decimals++;
		}
	if (c.p != c.end)
		PG_RETURN_NULL();
	for (; decimals < 2; decimals++)
		minor *= 10;
	PG_RETURN_INT64(negative ? -minor : minor);
}

/* money(minor): yuan with two decimals */
PG_FUNCTION_INFO_V1(member_money);
Datum
member_money(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(int64_div_fast_to_numeric(PG_GETARG_INT64(0), 2));
}

#define JSON_DEPTH 32

/* No deeper than lines of a purchase need be: the parser recurses. */
static bool
json_is_shallow(const char *p, int len)
{
	int depth = 0;
	bool quoted = false;

	for (int i = 0; i < len; i++)
	{
		if (quoted && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (p[i] == '[' || p[i] == '{'))
			depth++;
		else if (!quoted && (p[i] == ']' || p[i] == '}'))
			depth--;
		if (depth > JSON_DEPTH)
			return false;
	}
	return true;
}

/* Whether jsonb can take the text: well-formed, not too deep, without the escape of NUL. */
bool
read_is_json(text *t)
{
	JsonSemAction none = {0};
	JsonLexContext *lex;

	if (!json_is_shallow(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)) ||
		strstr(text_to_cstring(t), "\\u0000") != NULL)
		return false;
#if PG_VERSION_NUM >= 170000
	lex = makeJsonLexContext(NULL, t, true);
#else
	lex = makeJsonLexContext(t, true);
#endif
	return pg_parse_json(lex, &none) == JSON_SUCCESS;
}
