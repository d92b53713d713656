/*
 * rule_sql.c: the type rule in SQL: input and output, comparison, compiling with names.
 */
#include "compat.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "rule/compile.h"

PG_FUNCTION_INFO_V1(rule_in);
Datum
rule_in(PG_FUNCTION_ARGS)
{
	Rule *r = rule_compile(PG_GETARG_CSTRING(0), NULL, soft_context(fcinfo));

	if (r == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(r);
}

PG_FUNCTION_INFO_V1(rule_out);
Datum
rule_out(PG_FUNCTION_ARGS)
{
	const Rule *r = rule_open(PG_GETARG_DATUM(0));

	PG_RETURN_CSTRING(pnstrdup(r->text, r->text_len));
}

/* The binary form is the text, so that one validator checks both. */
PG_FUNCTION_INFO_V1(rule_recv);
Datum
rule_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int len;
	char *text = pq_getmsgtext(in, in->len - in->cursor, &len);

	PG_RETURN_POINTER(rule_compile(text, NULL, NULL));
}

PG_FUNCTION_INFO_V1(rule_send);
Datum
rule_send(PG_FUNCTION_ARGS)
{
	const Rule *r = rule_open(PG_GETARG_DATUM(0));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendtext(&out, r->text, r->text_len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Rules are equal when their canonical texts are. */
static bool
rules_equal(const Rule *a, const Rule *b)
{
	return a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0;
}

PG_FUNCTION_INFO_V1(rule_eq);
Datum
rule_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(rules_equal(rule_open(PG_GETARG_DATUM(0)), rule_open(PG_GETARG_DATUM(1))));
}

PG_FUNCTION_INFO_V1(rule_ne);
Datum
rule_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!rules_equal(rule_open(PG_GETARG_DATUM(0)), rule_open(PG_GETARG_DATUM(1))));
}

PG_FUNCTION_INFO_V1(rule_hash);
Datum
rule_hash(PG_FUNCTION_ARGS)
{
	const Rule *r = rule_open(PG_GETARG_DATUM(0));

	return hash_any((const unsigned char *) r->text, r->text_len);
}

PG_FUNCTION_INFO_V1(rule_hash_extended);
Datum
rule_hash_extended(PG_FUNCTION_ARGS)
{
	const Rule *r = rule_open(PG_GETARG_DATUM(0));

	return hash_any_extended((const unsigned char *) r->text, r->text_len, PG_GETARG_INT64(1));
}

/* rule_compile(text, dictionary) */
PG_FUNCTION_INFO_V1(rule_compile_text);
Datum
rule_compile_text(PG_FUNCTION_ARGS)
{
	RuleNames names = {PG_GETARG_JSONB_P(1)};

	PG_RETURN_POINTER(rule_compile(text_to_cstring(PG_GETARG_TEXT_PP(0)), &names, NULL));
}

/* rule_text(rule, dictionary) */
PG_FUNCTION_INFO_V1(rule_text);
Datum
rule_text(PG_FUNCTION_ARGS)
{
	const Rule *r = rule_open(PG_GETARG_DATUM(0));
	RuleNames names = {PG_GETARG_JSONB_P(1)};
	StringInfoData out;

	initStringInfo(&out);
	rule_print(&out, rule_nodes(r), rule_strings(r), 0, &names);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
