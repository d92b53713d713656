/*
 * facts_sql.c: rules on facts in SQL: whether one holds, when that changes, and what it needs.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "errors.h"
#include "rule/call.h"
#include "rule/compile.h"
#include "util/day.h"

static FactsCall *
facts_call(FunctionCallInfo fcinfo)
{
	FactsCall *call = fcinfo->flinfo->fn_extra;

	if (call == NULL)
	{
		call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(FactsCall));
		facts_begin(&call->facts, fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = call;
	}
	return call;
}

/* The facts of argument 1, read into what is kept from call to call. */
MemberFacts *
facts_argument(FunctionCallInfo fcinfo)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(1);
	FactsCall *call = facts_call(fcinfo);

	if (call->desc == NULL || call->desc->tdtypeid != HeapTupleHeaderGetTypeId(row) ||
		call->desc->tdtypmod != HeapTupleHeaderGetTypMod(row))
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		call->desc = facts_describe(row);
		MemoryContextSwitchTo(old);
	}
	facts_read(&call->facts, row, call->desc);
	return &call->facts;
}

/* Without the cost of forming a composite for each member. */
MemberFacts *
facts_arguments(FunctionCallInfo fcinfo, int first)
{
	MemberFacts *f = &facts_call(fcinfo)->facts;

	for (int i = 0; i < FACTS_ATTRIBUTES_N; i++)
	{
		f->value[i] = fcinfo->args[first + i].value;
		f->null[i] = fcinfo->args[first + i].isnull;
	}
	facts_forget(f);
	return f;
}

DateADT
rule_day_argument(FunctionCallInfo fcinfo, int n)
{
	DateADT day = PG_GETARG_DATEADT(n);

	if (!day_in_range(day))
		ereport(ERROR, errcode(ERRCODE_DAY_OUT_OF_RANGE), errmsg("day of a rule is out of range"),
				errdetail("A day must be between 1900-01-01 and 9999-12-31."));
	return day;
}

/* matches(rule, facts, day) */
PG_FUNCTION_INFO_V1(rule_matches);
Datum
rule_matches(PG_FUNCTION_ARGS)
{
	const Rule *r = rule_open(PG_GETARG_DATUM(0));
	MemberFacts *f = facts_argument(fcinfo);

	f->strings = rule_strings(r);
	PG_RETURN_BOOL(eval_truth(f, rule_nodes(r), rule_day_argument(fcinfo, 2)) == TRUTH_TRUE);
}

/* next_change(rule, facts, day) */
PG_FUNCTION_INFO_V1(rule_next_change);
Datum
rule_next_change(PG_FUNCTION_ARGS)
{
	const Rule *r = rule_open(PG_GETARG_DATUM(0));
	MemberFacts *f = facts_argument(fcinfo);

	f->strings = rule_strings(r);
	PG_RETURN_DATEADT(facts_next_change(f, rule_nodes(r), rule_day_argument(fcinfo, 2)));
}

/* ---- needs ---- */

static void
append_window(StringInfo out, const RuleNode *node)
{
	if (node->unit == RULE_LIFE)
		return;
	appendStringInfoChar(out, ' ');
	if (node->unit == RULE_DAYS || node->unit == RULE_MONTHS)
		rule_print_number(out, (int64) node->arg * RULE_MICRO, node->unit);
	else
		appendStringInfoString(out, rule_windows[node->unit]);
}

/* What a measure without a number of its own needs. */
static const char *
plain_need(const RuleNode *node)
{
	switch ((RuleMeasure) node->what)
	{
		case MEASURE_IDLE:
			return "activity";
		case MEASURE_AGE:
		case MEASURE_BIRTHDAY_IN:
			return "birthday";
		case MEASURE_ANNIVERSARY_IN:
		case MEASURE_TENURE:
			return "joined";
		default:
			return "plan";
	}
}

static void
append_key(StringInfo out, const char *of, const RuleNode *node, const char *strings)
{
	appendStringInfo(out, "%s ", of);
	appendBinaryStringInfo(out, strings + node->id, node->arg);
}

static void
append_need(StringInfo out, const RuleNode *node, const char *strings)
{
	switch ((RuleTakes) rule_measures[node->what].takes)
	{
		case TAKES_NOTHING:
			appendStringInfoString(out, plain_need(node));
			break;
		case TAKES_STREAM:
			appendStringInfo(out, "activity %d", node->id);
			append_window(out, node);
			break;
		case TAKES_WALLET:
			appendStringInfo(out, "lots %d", node->id);
			break;
		case TAKES_LADDER:
			appendStringInfo(out, "standing %d", node->id);
			break;
		case TAKES_TAG:
			appendStringInfo(out, "tag %d", node->id);
			break;
		case TAKES_KEY:
			append_key(out, "attr", node, strings);
			break;
	}
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

typedef struct Needs
{
	int n;
	char **need;
} Needs;

static void
add_need(Needs *needs, char *need)
{
	needs->need[needs->n++] = need;
}

static void
needs_of_node(Needs *needs, const RuleNode *node, const char *strings)
{
	StringInfoData out;

	initStringInfo(&out);
	if (node->op == RULE_TAG)
		appendStringInfo(&out, "tag %d", node->id);
	else if (node->op == RULE_MEASURE)
	{
		append_need(&out, node, strings);
		if (node->what >= MEASURE_P_ALIVE && node->what <= MEASURE_CLV)
			add_need(needs, "value");
		if ((node->what >= MEASURE_R && node->what <= MEASURE_STRATEGY_GROUP) ||
			node->what == MEASURE_SEGMENT)
		{
			appendStringInfoString(&out, " 365d");
			add_need(needs, "cuts");
		}
		if (window_needs_joined(node) || node->what == MEASURE_IDLE)
			add_need(needs, "joined");
	}
	else if (node->op == RULE_FIELD && (node->what == FIELD_ATTR || node->what == FIELD_EVENT))
		append_key(&out, rule_fields[node->what], node, strings);
	else if (node->op == RULE_FIELD)
		appendStringInfoString(&out, rule_fields[node->what]);
	if (out.len)
		add_need(needs, out.data);
}

/* needs(rule): the facts it names, sorted, each once */
PG_FUNCTION_INFO_V1(rule_needs);
Datum
rule_needs(PG_FUNCTION_ARGS)
{
	const Rule *r = rule_open(PG_GETARG_DATUM(0));
	Needs needs = {0, palloc(2 * r->n_nodes * sizeof(char *))};
	Datum *values = palloc(2 * r->n_nodes * sizeof(Datum));
	int n = 0;

	for (int i = 0; i < r->n_nodes; i++)
		needs_of_node(&needs, &rule_nodes(r)[i], rule_strings(r));
	qsort(needs.need, needs.n, sizeof(char *), by_text);
	for (int i = 0; i < needs.n; i++)
		if (i == 0 || strcmp(needs.need[i], needs.need[i - 1]) != 0)
			values[n++] = CStringGetTextDatum(needs.need[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
}
