/*
 * ladder_sql.c: levels, and the codes of a program's parts, as SQL asks about them.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
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

/* ---- tier_decide(program, lots, activity, standing, since, day) ---- */

typedef struct Decision
{
	Book book;
	Standing standing;
	Ladders ladders;
} Decision;

/* The state of arguments 1 to 3 under the program of argument 0. */
static void
decision_begin(FunctionCallInfo fcinfo, Decision *d, TierChanges *out)
{
	book_decode(&d->book, PG_GETARG_VARLENA_PP(1));
	standing_decode(&d->standing, PG_GETARG_VARLENA_PP(3));
	ladders_begin(&d->ladders, program_open(PG_GETARG_DATUM(0)), &d->book, NULL, &d->standing, out);
	d->ladders.packed = PG_GETARG_VARLENA_PP(2);
}

/* Levels on a day, of which those after since are decided by time, and on it as after an event. */
static void
decision_take(FunctionCallInfo fcinfo, Decision *d)
{
	DateADT since = PG_GETARG_DATEADT(4);
	DateADT day = PG_GETARG_DATEADT(5);
	LaddersBefore before = {0};

	ladders_advance(&d->ladders, since, day);
	if (ladders_need_before(d->ladders.program, false))
		ladders_before(&d->ladders, day, &before);
	ladders_event(&d->ladders, day, false, &before);
}

PG_FUNCTION_INFO_V1(member_tier_decide);
Datum
member_tier_decide(PG_FUNCTION_ARGS)
{
	Decision d;

	decision_begin(fcinfo, &d, NULL);
	decision_take(fcinfo, &d);
	PG_RETURN_POINTER(standing_encode(&d.standing));
}

/* tier_next(program, lots, activity, standing, day): when there is next something to decide or to say */
PG_FUNCTION_INFO_V1(member_tier_next);
Datum
member_tier_next(PG_FUNCTION_ARGS)
{
	DateADT day = PG_GETARG_DATEADT(4);
	Decision d;

	decision_begin(fcinfo, &d, NULL);
	PG_RETURN_DATEADT(Min(ladders_next(&d.ladders, day),
						  ladders_next_warning(d.ladders.program, &d.standing, day)));
}

/* The decisions themselves, each with its reason. */
PG_FUNCTION_INFO_V1(member_tier_decisions);
Datum
member_tier_decisions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TierChanges changes = {0};
	Decision d;

	InitMaterializedSRF(fcinfo, 0);
	decision_begin(fcinfo, &d, &changes);
	decision_take(fcinfo, &d);
	for (int i = 0; i < changes.n; i++)
	{
		const TierChange *t = &changes.change[i];
		Datum v[7] = {Int16GetDatum(t->ladder),		 CStringGetTextDatum(t->kind),
					  Int16GetDatum(t->from_level),	 Int16GetDatum(t->to_level),
					  DateADTGetDatum(t->day),		 DateADTGetDatum(t->until),
					  CStringGetTextDatum(t->reason)};
		bool null[7] = {false};

		null[5] = DATE_IS_NOEND(t->until);
		tuplestore_putvalues(result->setResult, result->setDesc, v, null);
	}
	return (Datum) 0;
}

/* ---- tier_conditions(program, lots, activity, standing, day) ---- */

#define CONDITION_COLUMNS 15

static void
put_number(Datum *v, bool *null, double number)
{
	*null = isnan(number);
	if (!*null)
		*v = DirectFunctionCall3(numeric_in, CStringGetDatum(rule_number_text(number)),
								 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

static void
put_conditions(ReturnSetInfo *result, Ladders *s, const ProgramLevel *l, const char *purpose,
			   int32 place, DateADT day, DateADT by)
{
	RuleSubject subject;
	RuleCondition *c;
	int n;

	if (!ladder_subject(s, l, place, day, &subject))
		return;
	c = rule_conditions(&subject, &n);
	for (int i = 0; i < n; i++)
	{
		Datum v[CONDITION_COLUMNS] = {0};
		bool null[CONDITION_COLUMNS] = {false};

		v[0] = Int16GetDatum(l->ladder);
		v[1] = Int16GetDatum(l->level);
		v[2] = CStringGetTextDatum(purpose);
		v[3] = Int32GetDatum(i + 1);
		v[4] = CStringGetTextDatum(c[i].text);
		put_number(&v[5], &null[5], c[i].actual);
		put_number(&v[6], &null[6], c[i].required);
		put_number(&v[7], &null[7], c[i].missing);
		v[8] = BoolGetDatum(c[i].holds);
		v[9] = BoolGetDatum(c[i].any_of);
		v[10] = Int32GetDatum(c[i].way);
		null[11] = c[i].unit == NULL;
		if (c[i].unit)
			v[11] = CStringGetTextDatum(c[i].unit);
		put_number(&v[12], &null[12], c[i].spend);
		v[13] = DateADTGetDatum(by);
		null[13] = DATE_IS_NOEND(by);
		v[14] = DateADTGetDatum(day);
		tuplestore_putvalues(result->setResult, result->setDesc, v, null);
	}
}

/*
 * Of each ladder the conditions to reach the next level that can be reached, with what counts today, and to
 * keep the present one, with what so far counts on its review.
 */
PG_FUNCTION_INFO_V1(member_tier_conditions);
Datum
member_tier_conditions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	DateADT day = PG_GETARG_DATEADT(4);
	Decision d;
	const Program *program;
	const ProgramLevel *l;
	int16 ladder = 0;

	InitMaterializedSRF(fcinfo, 0);
	decision_begin(fcinfo, &d, NULL);
	program = d.ladders.program;
	l = program_levels(program);
	for (int i = 0; i < program->n_levels; i++)
	{
		const Rank *r = standing_rank(&d.standing, l[i].ladder, false);

		if (r && l[i].level == r->level && !DATE_IS_NOEND(r->until))
			put_conditions(result, &d.ladders, &l[i], "keep", l[i].keep ? l[i].keep : l[i].qualify,
						   Max(r->due, day), r->due);
		if (l[i].level <= rank_level(r) || l[i].archived || ladder == l[i].ladder)
			continue;
		ladder = l[i].ladder; /* the first above is the next */
		put_conditions(result, &d.ladders, &l[i], "qualify", l[i].qualify, day, DATEVAL_NOEND);
		for (int j = 0; j < program->n_fasts; j++)
		{
			const ProgramFast *f = &program_fasts(program)[j];

			if (f->ladder == l[i].ladder && f->level == l[i].level && day < f->until)
				put_conditions(result, &d.ladders, &l[i], "fast", f->qualify, Max(day, f->since),
							   f->until - 1);
		}
	}
	return (Datum) 0;
}
