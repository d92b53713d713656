/*
 * verbs.c: the verbs and questions that are called most, as SQL declares them.
 *
 * The others are PL/pgSQL, which makes each of its expressions ready anew in every transaction: of a call that takes
 * but a few statements that is a good part.  They run as their owner, with the search path pinned, as those do.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/published.h"
#include "core/write.h"
#include "types/lots.h"
#include "types/program.h"
#include "util/clock.h"
#include "util/statement.h"

/* ---- earning and spending ---- */

/* A place in the arguments of a verb, and where it goes; type: as it stands in the digest, 0 if it does not. */
typedef struct VerbArgument
{
	WriteArgument to;
	Oid type;
} VerbArgument;

/* As jsonb_build_array() would write it. */
static void
push(JsonbParseState **state, Oid type, NullableDatum a)
{
	JsonbValue v;

	if (a.isnull)
		v.type = jbvNull;
	else if (type == INT8OID)
	{
		v.type = jbvNumeric;
		v.val.numeric = int64_to_numeric(DatumGetInt64(a.value));
	}
	else
	{
		v.type = jbvString;
		v.val.string.val = type == DATEOID ? JsonEncodeDateTime(NULL, a.value, DATEOID, NULL)
										   : TextDatumGetCString(a.value);
		v.val.string.len = (int) strlen(v.val.string.val);
	}
	pushJsonbValue(state, WJB_ELEM, &v);
}

static Datum
write_verb(FunctionCallInfo fcinfo, const char *verb, const char *kind, const VerbArgument *place,
		   int n)
{
	LOCAL_FCINFO(call, WRITE_NARGS);
	JsonbParseState *state = NULL;
	bool answered;

	InitFunctionCallInfoData(*call, NULL, WRITE_NARGS, InvalidOid, NULL, NULL);
	for (int i = 0; i < WRITE_NARGS; i++)
		call->args[i].isnull = true;
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < n; i++)
	{
		call->args[place[i].to] = fcinfo->args[i];
		if (place[i].type)
			push(&state, place[i].type, fcinfo->args[i]);
	}
	/* who did it, last */
	push(&state, TEXTOID, call->args[ARG_ACTOR]);
	call->args[ARG_VERB] = (NullableDatum){CStringGetTextDatum(verb), false};
	call->args[ARG_KIND] = (NullableDatum){CStringGetTextDatum(kind), false};
	call->args[ARG_ARGUMENTS] = (NullableDatum){
		JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL))), false};
	return write_operation(call, get_func_rettype(fcinfo->flinfo->fn_oid), &answered);
}

/* points_earn(member_id, points, wallet, usable_from, until, source, reason, at, actor, key) */
PG_FUNCTION_INFO_V1(member_points_earn);
Datum
member_points_earn(PG_FUNCTION_ARGS)
{
	static const VerbArgument place[] = {{ARG_MEMBER_ID, 0},	{ARG_POINTS, INT8OID},
										 {ARG_WALLET, TEXTOID}, {ARG_USABLE_FROM, DATEOID},
										 {ARG_UNTIL, DATEOID},	{ARG_SOURCE, TEXTOID},
										 {ARG_REASON, TEXTOID}, {ARG_AT, 0},
										 {ARG_ACTOR, 0},		{ARG_KEY, 0}};

	return write_verb(fcinfo, "points_earn", "earn", place, lengthof(place));
}

/* points_spend(member_id, points, wallet, source, reason, at, actor, key, pass) */
PG_FUNCTION_INFO_V1(member_points_spend);
Datum
member_points_spend(PG_FUNCTION_ARGS)
{
	static const VerbArgument place[] = {{ARG_MEMBER_ID, 0},	{ARG_POINTS, INT8OID},
										 {ARG_WALLET, TEXTOID}, {ARG_SOURCE, TEXTOID},
										 {ARG_REASON, TEXTOID}, {ARG_AT, 0},
										 {ARG_ACTOR, 0},		{ARG_KEY, 0},
										 {ARG_PASS, 0}};

	return write_verb(fcinfo, "points_spend", "spend", place, lengthof(place));
}

/* ---- the balance ---- */

static Statement present_lots = {
	"SELECT s.lots, s.next_lapse FROM member.state s WHERE s.member_id = $1", {"bigint"}};
static Statement balance_at = {"SELECT member_internal.balance_at($1, $2, $3, $4)",
							   {"bigint", "text", "date", "timestamptz"}};

/* NULL: the program has none of this code. */
static const ProgramWallet *
find_wallet(const Program *program, const char *code)
{
	const ProgramWallet *w = program_wallets(program);

	for (int i = 0; i < program->n_wallets; i++)
		if (strcmp(w[i].code, code) == 0)
			return &w[i];
	return NULL;
}

/* The balance of now, if nothing but the state has to be looked at. */
static bool
balance_now(Datum *v, bool *null, int64 *balance)
{
	TimestampTz now = clock_now();
	Datum row[2];
	bool row_null[2];
	Setting setting;
	const Program *program;
	const ProgramWallet *wallet;
	Book book;

	if (null[0] || null[1] || !null[2] || !null[3] || !tables_exist() ||
		!statement_run(&present_lots, v, null, true))
		return false;
	statement_row(row, row_null);
	if ((!row_null[1] && DatumGetTimestampTz(row[1]) <= now) ||
		!setting_read(GetActiveSnapshot(), &setting))
		return false;
	program = published_program(&setting, true);
	wallet = find_wallet(program, TextDatumGetCString(v[1]));
	if (wallet == NULL)
		return false;
	book_decode(&book, PG_DETOAST_DATUM_PACKED(row[0]));
	*balance = book_balance(&book, wallet->id, program_day(program, now));
	return true;
}

/* points_balance(member_id, wallet, as_of, known_at) */
PG_FUNCTION_INFO_V1(member_points_balance);
Datum
member_points_balance(PG_FUNCTION_ARGS)
{
	Datum v[4];
	bool null[4];
	int64 balance = 0;

	for (int i = 0; i < 4; i++)
	{
		v[i] = fcinfo->args[i].value;
		null[i] = fcinfo->args[i].isnull;
	}
	SPI_connect();
	if (!balance_now(v, null, &balance))
	{
		statement_run(&balance_at, v, null, true);
		statement_row(v, null);
		balance = DatumGetInt64(v[0]);
	}
	SPI_finish();
	PG_RETURN_INT64(balance);
}
