/*
 * statement.c: SQL statements of C functions, prepared once a session.
 *
 * They are run inside SPI_connect().  All names in them are qualified; operators are found by the search path
 * that the calling function pins.
 */
#include "compat.h"

#include "catalog/namespace.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "util/statement.h"

/* Whether setup() has made the tables. */
bool
tables_exist(void)
{
	return OidIsValid(get_relname_relid("state", get_namespace_oid("member", false)));
}

static void
prepare(Statement *s)
{
	Oid types[STATEMENT_ARGUMENTS];
	int n = 0;

	for (; n < STATEMENT_ARGUMENTS && s->types[n]; n++)
		types[n] = DatumGetObjectId(DirectFunctionCall1(regtypein, CStringGetDatum(s->types[n])));
	s->plan = SPI_prepare(s->text, n, types);
	if (s->plan == NULL || SPI_keepplan(s->plan) != 0)
		elog(ERROR, "could not prepare \"%s\": %s", s->text, SPI_result_code_string(SPI_result));
}

/*
 * Runs a statement, one that writes with a new snapshot; null may be NULL.  Whether it gave a row, which then is in
 * SPI_tuptable.
 */
bool
statement_run(Statement *s, Datum *v, const bool *null, bool read_only)
{
	Oid schema = get_namespace_oid("member", false);
	char nulls[STATEMENT_ARGUMENTS];
	int code;

	if (s->plan && s->schema != schema)
	{
		SPI_freeplan(s->plan);
		s->plan = NULL;
	}
	if (s->plan == NULL)
		prepare(s);
	s->schema = schema;
	for (int i = 0; null && i < STATEMENT_ARGUMENTS && s->types[i]; i++)
		nulls[i] = null[i] ? 'n' : ' ';
	code = SPI_execute_plan(s->plan, v, null ? nulls : NULL, read_only, 0);
	if (code < 0)
		elog(ERROR, "could not run \"%s\": %s", s->text, SPI_result_code_string(code));
	return SPI_processed > 0;
}

/* The first row of the result. */
void
statement_row(Datum *v, bool *null)
{
	heap_deform_tuple(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, v, null);
}
