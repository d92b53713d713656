/*
 * statement.h: SQL statements of C functions, prepared once a session.
 */
#ifndef MEMBER_STATEMENT_H
#define MEMBER_STATEMENT_H

#include "compat.h"

#include "executor/spi.h"

#define STATEMENT_ARGUMENTS 20

typedef struct Statement
{
	const char *text;
	const char *types[STATEMENT_ARGUMENTS];
	/* the plan, good for one installation of the extension, which is known by its schema */
	Oid schema;
	SPIPlanPtr plan;
} Statement;

extern bool tables_exist(void);
extern bool statement_run(Statement *s, Datum *v, const bool *null, bool read_only);
extern void statement_row(Datum *v, bool *null);

#endif
