/*
 * ruleset_sql.c: the type ruleset in SQL.
 */
#include "compat.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "errors.h"
#include "rule/call.h"
#include "rule/ruleset.h"

/* The value, detoasted and aligned; one of an unknown format is made anew from its text. */
static const Ruleset *
ruleset_open(Datum value)
{
	const Ruleset *s = (const Ruleset *) PG_DETOAST_DATUM(value);

	if (VARSIZE(s) < offsetof(Ruleset, text) || s->text_len < 0 ||
		s->text_len > VARSIZE(s) - offsetof(Ruleset, text))
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("ruleset value is damaged"));
	if (s->format != RULESET_FORMAT || s->flags != 0)
		return ruleset_read(s->text_len ? pnstrdup(s->text, s->text_len) : "empty", NULL);
	if (VARSIZE(s) != ruleset_size(s))
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("ruleset value is damaged"));
	return s;
}

static char *
ruleset_text(const Ruleset *s)
{
	return s->text_len ? pnstrdup(s->text, s->text_len) : "empty";
}

PG_FUNCTION_INFO_V1(ruleset_in);
Datum
ruleset_in(PG_FUNCTION_ARGS)
{
	Ruleset *s = ruleset_read(PG_GETARG_CSTRING(0), soft_context(fcinfo));

	if (s == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(ruleset_out);
Datum
ruleset_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(pstrdup(ruleset_text(ruleset_open(PG_GETARG_DATUM(0)))));
}

PG_FUNCTION_INFO_V1(ruleset_recv);
Datum
ruleset_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int len;

	PG_RETURN_POINTER(ruleset_read(pq_getmsgtext(in, in->len - in->cursor, &len), NULL));
}

PG_FUNCTION_INFO_V1(ruleset_send);
Datum
ruleset_send(PG_FUNCTION_ARGS)
{
	char *text = ruleset_text(ruleset_open(PG_GETARG_DATUM(0)));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendtext(&out, text, (int) strlen(text));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static bool
rulesets_equal(const Ruleset *a, const Ruleset *b)
{
	return a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0;
}

PG_FUNCTION_INFO_V1(ruleset_eq);
Datum
ruleset_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(
		rulesets_equal(ruleset_open(PG_GETARG_DATUM(0)), ruleset_open(PG_GETARG_DATUM(1))));
}

PG_FUNCTION_INFO_V1(ruleset_ne);
Datum
ruleset_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(
		!rulesets_equal(ruleset_open(PG_GETARG_DATUM(0)), ruleset_open(PG_GETARG_DATUM(1))));
}

PG_FUNCTION_INFO_V1(ruleset_hash);
Datum
ruleset_hash(PG_FUNCTION_ARGS)
{
	const Ruleset *s = ruleset_open(PG_GETARG_DATUM(0));

	return hash_any((const unsigned char *) s->text, s->text_len);
}

/* ---- making ---- */

/* ruleset(ids, rules): in the order of the ids */
PG_FUNCTION_INFO_V1(ruleset_make);
Datum
ruleset_make(PG_FUNCTION_ARGS)
{
	RulesetBuild *b = ruleset_begin();
	ArrayType *id_array = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType *rule_array = PG_GETARG_ARRAYTYPE_P(1);
	Datum *ids, *rules;
	int n_ids, n_rules;
	int32 before = 0;

	if (array_contains_nulls(id_array) || array_contains_nulls(rule_array))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("numbers and rules of a ruleset must not be null"));
	deconstruct_array(id_array, INT4OID, 4, true, TYPALIGN_INT, &ids, NULL, &n_ids);
	deconstruct_array(rule_array, ARR_ELEMTYPE(rule_array), -1, false, TYPALIGN_DOUBLE, &rules,
					  NULL, &n_rules);
	if (n_ids != n_rules || n_ids > RULESET_MAX_RULES)
		ereport(
			ERROR, errcode(ERRCODE_INVALID_OPTION), errmsg("invalid ruleset"),
			errdetail("%d numbers and %d rules are given: as many of both are needed, at most %d.",
					  n_ids, n_rules, RULESET_MAX_RULES));
	for (int i = 0; i < n_ids; i++)
	{
		int32 id = DatumGetInt32(ids[i]);

		if (id <= before)
			ereport(ERROR, errcode(ERRCODE_INVALID_OPTION), errmsg("invalid ruleset"),
					errdetail("Number %d does not ascend from %d.", id, before),
					errhint("Give numbers from 1 in ascending order, each once."));
		before = id;
		ruleset_add(b, id, rule_open(rules[i]));
	}
	PG_RETURN_POINTER(ruleset_pack(b));
}

/* ---- matching ---- */

/* A ruleset that was made ready, and what it is known by: its toasted form, or the hash of its text. */
typedef struct ReadySet
{
	struct varlena *raw; /* NULL: it came as it is */
	Size raw_size;
	MemoryContext context;
	SetMachine *machine;
} ReadySet;

static bool
is_ready(const ReadySet *ready, const struct varlena *raw)
{
	const Ruleset *s = (const Ruleset *) raw;

	if (ready == NULL)
		return false;
	if (VARATT_IS_EXTENDED(raw))
		return ready->raw && ready->raw_size == VARSIZE_ANY(raw) &&
			   memcmp(ready->raw, raw, ready->raw_size) == 0;
	return ready->raw == NULL && VARSIZE(s) == VARSIZE(ready->machine->set) &&
		   s->hash == ready->machine->set->hash && s->format == RULESET_FORMAT;
}

static SetMachine *
ready_machine(FunctionCallInfo fcinfo, FactsCall *call)
{
	const struct varlena *raw = (const struct varlena *) PG_GETARG_POINTER(0);
	ReadySet *ready = call->program;
	const Ruleset *set;
	MemoryContext old;

	if (is_ready(ready, raw))
		return ready->machine;
	if (ready == NULL)
	{
		ready = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(ReadySet));
		ready->context =
			AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "ruleset", ALLOCSET_DEFAULT_SIZES);
	}
	call->program = NULL; /* in case of an error */
	MemoryContextReset(ready->context);
	old = MemoryContextSwitchTo(ready->context);
	set = (const Ruleset *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0));
	set = ruleset_open(PointerGetDatum(set));
	ready->raw = NULL;
	if (VARATT_IS_EXTENDED(raw))
	{
		ready->raw_size = VARSIZE_ANY(raw);
		ready->raw = palloc(ready->raw_size);
		memcpy(ready->raw, raw, ready->raw_size);
	}
	ready->machine = machine_make(set);
	MemoryContextSwitchTo(old);
	call->program = ready;
	return ready->machine;
}

static ArrayType *
holding_array(SetMachine *m)
{
	ArrayType *result;
	int n = machine_holding(m);

	if (n == 0)
		return construct_empty_array(INT4OID);
	result = palloc0(ARR_OVERHEAD_NONULLS(1) + n * sizeof(int32));
	SET_VARSIZE(result, ARR_OVERHEAD_NONULLS(1) + n * sizeof(int32));
	result->ndim = 1;
	result->elemtype = INT4OID;
	ARR_DIMS(result)[0] = n;
	ARR_LBOUND(result)[0] = 1;
	memcpy(ARR_DATA_PTR(result), m->holding, n * sizeof(int32));
	return result;
}

/* matching(ruleset, facts, day): the numbers of the rules that hold */
PG_FUNCTION_INFO_V1(ruleset_matching);
Datum
ruleset_matching(PG_FUNCTION_ARGS)
{
	MemberFacts *f = facts_argument(fcinfo);
	SetMachine *m = ready_machine(fcinfo, fcinfo->flinfo->fn_extra);

	machine_run(m, f, rule_day_argument(fcinfo, 2));
	PG_RETURN_ARRAYTYPE_P(holding_array(m));
}

/* matching(ruleset, day, lots, activity, ...): the same, of facts part by part; only they may be NULL */
PG_FUNCTION_INFO_V1(ruleset_matching_parts);
Datum
ruleset_matching_parts(PG_FUNCTION_ARGS)
{
	MemberFacts *f;
	SetMachine *m;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	Assert(PG_NARGS() == 2 + FACTS_ATTRIBUTES_N);
	f = facts_arguments(fcinfo, 2);
	m = ready_machine(fcinfo, fcinfo->flinfo->fn_extra);
	machine_run(m, f, rule_day_argument(fcinfo, 1));
	PG_RETURN_ARRAYTYPE_P(holding_array(m));
}
