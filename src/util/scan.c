/*
 * scan.c: the scanner of scan.h, and the writing of dates that it reads.
 */
#include "compat.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/datetime.h"

#include "util/scan.h"
#include "util/varint.h"

void
varint_corrupt(void)
{
	ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("packed value is damaged"),
			errdetail("An integer runs past the end of the value."));
	pg_unreachable();
}

void
scan_begin(Scanner *s, const char *type, const char *input, Node *soft)
{
	s->type = type;
	s->start = s->p = input;
	s->soft = soft;
}

void
scan_space(Scanner *s)
{
	while (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')
		s->p++;
}

bool
scan_fail(Scanner *s, const char *expected)
{
	int position = pg_mbstrlen_with_len(s->start, s->p - s->start) + 1;
	int found = pg_mbcliplen(s->p, strlen(s->p), 20);
	int shown = pg_mbcliplen(s->start, strlen(s->start), 200);

	ereturn(s->soft, false, errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			errmsg("invalid input syntax for type %s: \"%.*s%s\"", s->type, shown, s->start,
				   s->start[shown] ? "..." : ""),
			*s->p ? errdetail("At character %d: expected %s, found \"%.*s\".", position, expected,
							  found, s->p)
				  : errdetail("At character %d: expected %s, found the end.", position, expected));
}

bool
scan_is(Scanner *s, char c)
{
	scan_space(s);
	if (*s->p != c)
		return false;
	s->p++;
	return true;
}

bool
scan_expect(Scanner *s, char c)
{
	char expected[] = "\" \"";

	if (scan_is(s, c))
		return true;
	expected[1] = c;
	return scan_fail(s, expected);
}

static inline bool
is_word_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

bool
scan_word(Scanner *s, char *word, Size size)
{
	Size len = 0;

	scan_space(s);
	if (!is_word_char(*s->p, true))
		return scan_fail(s, "a word");
	while (is_word_char(s->p[len], false))
		len++;
	if (len >= size)
		return scan_fail(s, "a shorter word");
	memcpy(word, s->p, len);
	word[len] = '\0';
	s->p += len;
	return true;
}

bool
scan_is_word(Scanner *s, const char *word)
{
	Size len = strlen(word);

	scan_space(s);
	if (strncmp(s->p, word, len) != 0 || is_word_char(s->p[len], false))
		return false;
	s->p += len;
	return true;
}

bool
scan_int(Scanner *s, int64 min, int64 max, int64 *value)
{
	char *end;
	const char *digits;

	scan_space(s);
	digits = s->p + (*s->p == '-' || *s->p == '+');
	if (*digits < '0' || *digits > '9')
		return scan_fail(s, "an integer");
	errno = 0;
	*value = strtoi64(s->p, &end, 10);
	if (errno == ERANGE || *value < min || *value > max)
		ereturn(s->soft, false, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("value \"%.*s\" is out of range for type %s", (int) Min(end - s->p, 40),
					   s->p, s->type),
				errdetail("The integer at character %d must be between %lld and %lld.",
						  (int) (s->p - s->start) + 1, (long long) min, (long long) max));
	s->p = end;
	return true;
}

bool
scan_float(Scanner *s, double *value)
{
	char *end;

	scan_space(s);
	if (*s->p < '0' || *s->p > '9')
		return scan_fail(s, "a number");
	errno = 0;
	*value = strtod(s->p, &end);
	if (errno == ERANGE)
		ereturn(s->soft, false, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("value \"%.*s\" is out of range for type %s", (int) Min(end - s->p, 40),
					   s->p, s->type),
				errdetail("The number at character %d is too large or too small.",
						  (int) (s->p - s->start) + 1));
	s->p = end;
	return true;
}

/* Exactly n digits. */
static bool
scan_digits(const char **p, int n, int *value)
{
	*value = 0;
	for (int i = 0; i < n; i++, (*p)++)
	{
		if (**p < '0' || **p > '9')
			return false;
		*value = *value * 10 + (**p - '0');
	}
	return true;
}

bool
scan_date(Scanner *s, DateADT *day)
{
	const char *p;
	int y, m, d;

	scan_space(s);
	if (strncmp(s->p, "-infinity", 9) == 0)
	{
		s->p += 9;
		*day = DATEVAL_NOBEGIN;
		return true;
	}
	if (strncmp(s->p, "infinity", 8) == 0)
	{
		s->p += 8;
		*day = DATEVAL_NOEND;
		return true;
	}
	p = s->p;
	if (!scan_digits(&p, 4, &y) || *p++ != '-' || !scan_digits(&p, 2, &m) || *p++ != '-' ||
		!scan_digits(&p, 2, &d) || y < 1 || m < 1 || m > 12 || d < 1 ||
		d > day_tab[isleap(y)][m - 1])
		return scan_fail(s, "a date (YYYY-MM-DD)");
	s->p = p;
	*day = date2j(y, m, d) - POSTGRES_EPOCH_JDATE;
	return true;
}

bool
scan_end(Scanner *s)
{
	scan_space(s);
	return *s->p == '\0' || scan_fail(s, "the end");
}

char *
put_date(char *out, DateADT day)
{
	int y, m, d;

	if (DATE_IS_NOBEGIN(day))
		return out + sprintf(out, "-infinity");
	if (DATE_IS_NOEND(day))
		return out + sprintf(out, "infinity");
	j2date(day + POSTGRES_EPOCH_JDATE, &y, &m, &d);
	return out + sprintf(out, "%04d-%02d-%02d", y, m, d);
}

void
append_date(StringInfo out, DateADT day)
{
	char buf[32];

	put_date(buf, day);
	appendStringInfoString(out, buf);
}
