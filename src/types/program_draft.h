/*
 * program_draft.h: a program while its text is read.  Internal to program_io.c, program_streams.c, program_tiers.c
 * and program_tags.c.
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
/* The rules of a level, as texts: they are compiled when all names are known. */
typedef struct DraftRules
{
	char *qualify;
	char *keep;
	char *lose;
} DraftRules;

typedef struct Draft
{
	Program head;
	ProgramWallet wallet[PROGRAM_PARTS];
	ProgramStream stream[PROGRAM_PARTS];
	ProgramEarn earn[PROGRAM_PARTS];
	ProgramLadder ladder[PROGRAM_PARTS];
	ProgramLevel level[PROGRAM_PARTS];
	ProgramFast fast[PROGRAM_PARTS];
	ProgramTag tag[PROGRAM_PARTS];
	DraftRules rules[PROGRAM_PARTS]; /* of the levels */
	char *fast_rule[PROGRAM_PARTS];
	char *tag_rule[PROGRAM_PARTS];
	DraftStream stream_rules[PROGRAM_PARTS];
} Draft;

/* -- program_io.c -- */

extern bool program_fail(Scanner *s, const char *message);
extern bool scan_small(Scanner *s, int min, int max, int16 *value);

/* -- program_streams.c -- */

extern bool program_read_stream(Scanner *s, Draft *d);

/* The program with the rules of its streams put behind it; NULL after an error that was not raised. */
extern Program *program_add_stream_rules(Program *p, const Draft *d, Node *soft);

/* -- program_tiers.c -- */

extern bool program_read_ladder(Scanner *s, Draft *d);
extern bool program_read_level(Scanner *s, Draft *d);
extern bool program_read_fast(Scanner *s, Draft *d);
extern bool program_check_tiers(Scanner *s, const Draft *d);

/* {rule}: up to the brace that is not in quotes. */
extern bool program_scan_rule(Scanner *s, char **rule);

/* Whose rule it is, in what may be said of it. */
typedef struct RuleScope
{
	const char *where;
	const char *refusal; /* of a part that it can't ask for */
	const char *hint;
	int16 ladder;  /* whose levels, and those above, are decided later */
	bool of_event; /* there is an event at hand */
	bool of_idle;  /* it may ask when the member last did anything */
} RuleScope;

/* A rule that asks for nothing that is not at hand; NULL after an error that was not raised. */
extern Rule *program_compile_rule(const Program *p, const char *text, const RuleScope *scope,
								  Node *soft);

/* Puts a rule behind the program; its place. */
extern int32 program_append_rule(Program **p, const Rule *r, ProgramRule head);

/* The program with the draft's rules compiled and put behind it; NULL after an error that was not raised. */
extern Program *program_add_rules(Program *p, const Draft *d, Node *soft);

/* -- program_tags.c -- */

extern bool program_read_tag(Scanner *s, Draft *d);

/* The program with the rules of its tags put behind it; NULL after an error that was not raised. */
extern Program *program_add_tag_rules(Program *p, const Draft *d, Node *soft);

#endif
