/*
 * scan.h: reading the text forms of the types: integers, dates, names and single characters, each with
 * an error that says the type, the position, what was found and what was expected.
 *
 * A scanner is a cursor over one input string.  After a failed call soft_failed(s->soft) may be true and
 * the function has returned false: callers pass that up at once.
 */
#ifndef MEMBER_SCAN_H
#define MEMBER_SCAN_H

#include "compat.h"
#include "lib/stringinfo.h"
#include "utils/date.h"

typedef struct Scanner
{
	const char *type;  /* name of the type, for messages */
	const char *start; /* whole input */
	const char *p;	   /* next character */
	Node *soft;		   /* error context of the input function, or NULL */
} Scanner;

extern void scan_begin(Scanner *s, const char *type, const char *input, Node *soft);
extern void scan_space(Scanner *s);
extern bool scan_fail(Scanner *s, const char *expected);
extern bool scan_is(Scanner *s, char c);				  /* consume c if it is next */
extern bool scan_expect(Scanner *s, char c);			  /* c must be next */
extern bool scan_word(Scanner *s, char *word, Size size); /* [a-z_][a-z0-9_]* */
extern bool scan_is_word(Scanner *s, const char *word);	  /* consume word if it is next */
extern bool scan_int(Scanner *s, int64 min, int64 max, int64 *value);
extern bool scan_float(Scanner *s, double *value); /* finite, without sign */
extern bool scan_date(Scanner *s, DateADT *day);   /* YYYY-MM-DD, infinity, -infinity */
extern bool scan_end(Scanner *s);				   /* only white space may follow */

extern char *put_date(char *out, DateADT day); /* as scan_date reads it; returns the end */
extern void append_date(StringInfo out, DateADT day);

#endif
