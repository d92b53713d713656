/*
 * program_draft.h: a program while its text is read.  Internal to program_io.c and program_streams.c.
 */
#ifndef MEMBER_PROGRAM_DRAFT_H
#define MEMBER_PROGRAM_DRAFT_H

#include "compat.h"

#include "types/program.h"
#include "util/scan.h"

/* The rules of a stream, as texts: they are compiled when the rest of the program is read. */
typedef struct DraftStream
{
	char *rule;
	char *amount;
} DraftStream;

typedef struct Draft
{
	Program head;
	ProgramWallet wallet[PROGRAM_PARTS];
	ProgramStream stream[PROGRAM_PARTS];
	ProgramEarn earn[PROGRAM_PARTS];
	ProgramLevel level[PROGRAM_PARTS];
	ProgramCondition condition[PROGRAM_PARTS];
	DraftStream stream_rules[PROGRAM_PARTS];
} Draft;

/* -- program_io.c -- */

extern bool program_fail(Scanner *s, const char *message);
extern bool scan_small(Scanner *s, int min, int max, int16 *value);

/* -- program_streams.c -- */

extern bool program_read_stream(Scanner *s, Draft *d);

/* The program with the draft's rules compiled and put behind it; NULL after an error that was not raised. */
extern Program *program_add_rules(Program *p, const Draft *d, Node *soft);

#endif
