/*
 * ladder_sql.c: levels, and the codes of a program's parts, as SQL asks about them.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "core/ladder.h"

PG_FUNCTION_INFO_V1(member_level_code);
Datum
member_level_code(PG_FUNCTION_ARGS)
{
	const ProgramLevel *l =
		program_level(program_open(PG_GETARG_DATUM(0)), PG_GETARG_INT16(1), PG_GETARG_INT16(2));

	if (l == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(l->code));
}

PG_FUNCTION_INFO_V1(member_wallet_code);
Datum
member_wallet_code(PG_FUNCTION_ARGS)
{
	const ProgramWallet *w = program_wallet(program_open(PG_GETARG_DATUM(0)), PG_GETARG_INT16(1));

	if (w == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(w->code));
}

static void
put_conditions(ReturnSetInfo *result, const Facts *f, const ProgramLevel *l, const char *purpose,
			   int first, int n, bool any, DateADT day)
{
	for (int i = first; i < first + n; i++)
	{
		const ProgramCondition *c = &program_conditions(f->program)[i];
		StringInfoData text;
		Datum v[8];
		bool null[8] = {false};

		initStringInfo(&text);
		program_condition_text(&text, f->program, c);
		v[0] = Int16GetDatum(l->ladder);
		v[1] = Int16GetDatum(l->level);
		v[2] = CStringGetTextDatum(purpose);
		v[3] = BoolGetDatum(any);
		v[4] = CStringGetTextDatum(text.data);
		v[5] = BoolGetDatum(c->measure == MEASURE_AMOUNT || c->measure == MEASURE_LARGEST);
		v[6] = Int64GetDatum(ladder_measure(f, c, day));
		v[7] = Int64GetDatum(c->at_least);
		tuplestore_putvalues(result->setResult, result->setDesc, v, null);
	}
}

/*
 * tier_conditions(lots, activity, standing, program, day): of each ladder the conditions to reach the next
 * level, with what counts today, and to keep the present one, with what so far counts on its review
 */
PG_FUNCTION_INFO_V1(member_tier_conditions);
Datum
member_tier_conditions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const Program *program = program_open(PG_GETARG_DATUM(3));
	const ProgramLevel *l = program_levels(program);
	DateADT day = PG_GETARG_DATEADT(4);
	Activity activity;
	Standing standing;
	Book book;
	Facts facts = {program, &book, &activity};

	InitMaterializedSRF(fcinfo, 0);
	book_decode(&book, PG_GETARG_VARLENA_PP(0));
	activity_init(&activity);
	activity_decode(PG_GETARG_VARLENA_PP(1), &activity);
	standing_decode(&standing, PG_GETARG_VARLENA_PP(2));
	for (int i = 0; i < program->n_levels; i++)
	{
		const Rank *r = standing_rank(&standing, l[i].ladder, false);
		int16 level = r ? r->level : 0;

		if (l[i].level == level + 1)
			put_conditions(result, &facts, &l[i], "qualify", l[i].first_qualify, l[i].n_qualify,
						   l[i].qualify_any, day);
		if (l[i].level == level && r && !DATE_IS_NOEND(r->until))
		{
			if (l[i].n_keep)
				put_conditions(result, &facts, &l[i], "keep", l[i].first_keep, l[i].n_keep,
							   l[i].keep_any, Max(r->due, day));
			else
				put_conditions(result, &facts, &l[i], "keep", l[i].first_qualify, l[i].n_qualify,
							   l[i].qualify_any, Max(r->due, day));
		}
	}
	return (Datum) 0;
}
