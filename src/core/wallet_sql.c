/*
 * wallet_sql.c: what a published wallet allows, as SQL asks about it.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "types/program.h"

static Datum
limit_datum(int64 limit, bool *null)
{
	*null = limit == 0;
	return Int64GetDatum(limit);
}

/* wallet_rules(program, wallet) */
PG_FUNCTION_INFO_V1(member_wallet_rules);
Datum
member_wallet_rules(PG_FUNCTION_ARGS)
{
	const ProgramWallet *w = program_wallet(program_open(PG_GETARG_DATUM(0)), PG_GETARG_INT16(1));
	TupleDesc desc;
	Datum v[9];
	bool null[9] = {false};

	if (w == NULL)
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "wallet_rules returns a row");
	v[0] = CStringGetTextDatum(w->code);
	v[1] = Int16GetDatum(w->hold_grace);
	v[2] = Int16GetDatum(w->reinstate_days);
	v[3] = limit_datum(w->code_above, &null[3]);
	v[4] = limit_datum(w->approve_above, &null[4]);
	v[5] = BoolGetDatum(w->transferable);
	v[6] = Int16GetDatum(w->transfer_fee);
	v[7] = Int16GetDatum(w->cooling_days);
	v[8] = limit_datum(w->transfer_day_cap, &null[8]);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), v, null));
}
