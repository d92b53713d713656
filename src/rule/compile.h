/*
 * compile.h: from the text of a rule to its tree, and back.  Internal to src/rule.
 */
#ifndef MEMBER_RULE_COMPILE_H
#define MEMBER_RULE_COMPILE_H

#include "compat.h"

#include "nodes/nodes.h"

#include "rule/rule.h"
#include "types/program.h"
#include "types/rfm.h"
#include "utils/jsonb.h"

/* ---- the dictionary: names.c ---- */

/* NULL stands for no dictionary: ids only. */
typedef struct RuleNames RuleNames;
struct RuleNames
{
	Jsonb *json;			/* or */
	const Program *program; /* names its own wallets, streams, ladders and levels */
};

/* Sections, each an object of names and numbers. */
#define NAMES_TAGS "tags"
#define NAMES_STREAMS "streams"
#define NAMES_WALLETS "wallets"
#define NAMES_LADDERS "ladders"
#define NAMES_KINDS "kinds"
#define NAMES_LEVELS "levels" /* of a ladder */

extern bool names_find(const RuleNames *names, const char *section, const char *name, int len,
					   int32 *id);
extern bool names_level(const RuleNames *names, int32 ladder, const char *name, int len, int32 *id);
extern int32 names_default(const RuleNames *names, const char *key);
extern char *names_segment(const RuleNames *names, const char *name, int len);
extern char *names_of(const RuleNames *names, const char *section, int32 id);
extern char *names_of_level(const RuleNames *names, int32 ladder, int32 level);

/* The best of the names seen for one that is unknown. */
typedef struct NearName
{
	const char *name; /* looked for */
	int len;
	int distance; /* of the best so far */
	char best[128];
} NearName;

extern void near_begin(NearName *near, const char *name, int len);
extern void near_try(NearName *near, const char *candidate, int len);
extern void near_section(NearName *near, const RuleNames *names, const char *section);
extern void near_levels(NearName *near, const RuleNames *names, int32 ladder);

/* ---- tokens: lex.c ---- */

typedef enum Token
{
	TOKEN_END,
	TOKEN_WORD,	  /* name, keyword; lower case or not */
	TOKEN_QUOTED, /* "name" */
	TOKEN_STRING, /* 'text' */
	TOKEN_NUMBER,
	TOKEN_SIGN /* sign: one character, or 'l' <=, 'g' >=, 'n' <> */
} Token;

typedef struct Lexer
{
	const char *start; /* whole text, ended by a zero */
	const char *p;	   /* after the token */
	const char *at;	   /* the token */
	int len;		   /* its bytes in the text */
	Token token;
	char sign;
	char *name; /* of a word, quoted or string: its text, quotes undone; palloc'd */
	int name_len;
	int64 micro; /* of a number */
	uint8 unit;	 /* of a number */
	Node *soft;
	const char *segment; /* the segment whose text this is, or NULL */
	const char *where;	 /* what a position is of, when there are several texts */
} Lexer;

extern void lex_begin(Lexer *lex, const char *text, Node *soft);
extern bool lex_next(Lexer *lex);
extern bool lex_is(const Lexer *lex, const char *keyword);
extern int lex_position(const Lexer *lex, const char *at);
extern bool lex_refuse(const Lexer *lex, const char *at, int code, const char *message,
					   const char *detail, const char *hint);
extern bool lex_expected(const Lexer *lex, const char *what, const char *hint);

/* ---- the tree while it is made: parse.c, build.c ---- */

typedef struct RuleExpr RuleExpr;
struct RuleExpr
{
	RuleNode node; /* without size and n */
	uint8 type;	   /* RuleType */
	int depth;
	int nodes;
	int n;
	int room;
	RuleExpr **arg;
	const char *string; /* of RULE_STRING, and keys */
	int string_len;
	const char *at; /* in the text */
};

typedef struct Parser
{
	Lexer lex;
	const RuleNames *names;
	int depth;
	int nodes;			  /* of the whole rule */
	struct Parser *outer; /* of a segment: where it is named */
} Parser;

extern RuleExpr *parse_rule(Parser *p, const char *text, const RuleNames *names, Node *soft,
							const char *where);
extern RuleExpr *parse_sum(Parser *p);
extern RuleExpr *parse_comparison(Parser *p);
extern bool parse_as_condition(Parser *p, RuleExpr *e);
extern bool parse_as_days(Parser *p, RuleExpr *e); /* a number, not of months */
extern RuleExpr *parse_value_word(Parser *p);	   /* a measure, field or other value by its name */
extern bool parse_id(Parser *p, const char *section, const char *what, int32 max, int32 *id);
extern RuleExpr *refuse_name(Parser *p, const char *at, const char *section, const char *what,
							 const char *name, int len); /* NULL */
extern bool parse_sign(Parser *p, char sign, const char *expected);
extern RuleExpr *parse_segment(Parser *p);

extern RuleExpr *expr_new(Parser *p, uint8 op, uint8 type, const char *at);
extern bool expr_add(Parser *p, RuleExpr *e, RuleExpr *arg);
extern RuleExpr *expr_measure(Parser *p, uint8 what, int32 id, const char *at);
extern RuleExpr *expr_number(Parser *p, int64 micro, uint8 unit, const char *at);
extern RuleExpr *expr_not(Parser *p, RuleExpr *a);
extern RuleExpr *expr_pair(Parser *p, uint8 op, RuleExpr *a, RuleExpr *b, const char *at);
extern Rule *expr_flatten(const Parser *p, const RuleExpr *e);

/* ---- what measures and fields there are: vocabulary.c ---- */

typedef struct MeasureSpec
{
	const char *name;
	uint8 takes;			 /* RuleTakes */
	bool window;			 /* it may have one */
	bool kind;				 /* it may have a kind of event */
	bool days;				 /* a number of days must follow */
	bool since;				 /* days since a day: comparable with months and years */
	bool is_exact;			 /* a whole number, or one of hundredths */
	const RfmGroups *groups; /* its numbers have names */
} MeasureSpec;

extern const MeasureSpec rule_measures[MEASURES];
extern const char *const rule_fields[FIELDS];
extern const char *const rule_windows[RULE_LAST_MEMBER_YEAR + 1];
extern const char *const rule_comparisons[6];

/* The number of a group by its name, in any language; false: there is none. */
extern bool rule_group(const RfmGroups *groups, const char *name, int len, int32 *number);

/* ---- text: print.c, explain.c ---- */

/* The node and what is below it; returns how deep its text is nested. */
extern int rule_print(StringInfo out, const RuleNode *nodes, const char *strings, int at,
					  const RuleNames *names);
extern void rule_print_number(StringInfo out, int64 micro, uint8 unit);
extern bool rule_word_is_taken(const char *word);
extern char *rule_number_text(double v);

/* ---- all of it: rule.c ---- */

extern Rule *rule_compile(const char *text, const RuleNames *names, Node *soft);
extern Rule *rule_compile_named(const char *text, const RuleNames *names, Node *soft,
								const char *where);

#endif
