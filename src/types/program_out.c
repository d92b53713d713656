/*
 * program_out.c: writing the text of a program, as program_io.c reads it.
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "rule/compile.h"
#include "types/program.h"
#include "util/scan.h"

static void
append_number(StringInfo out, const char *name, int64 number)
{
	if (number)
		appendStringInfo(out, " %s %lld", name, (long long) number);
}

static void
append_rule(StringInfo out, const Program *p, const char *name, int32 place, int from)
{
	const ProgramRule *r = program_rule(p, place);
	RuleNames names = {.program = p};

	if (r == NULL)
		return;
	appendStringInfo(out, " %s{", name);
	rule_print(out, program_rule_nodes(r), program_rule_strings(r), from, &names);
	appendStringInfoChar(out, '}');
}

static void
append_earn(StringInfo out, const ProgramEarn *e)
{
	static const char *const rounding[] = {"down", "half_up", "up"};

	appendStringInfo(out, "\nearn %s stream %d wallet %d give", e->code, e->stream, e->wallet);
	for (int i = 0; i < e->n_give; i++)
		appendStringInfo(out, "%s%lld", i ? "," : " ", (long long) e->give[i]);
	if (e->per)
		appendStringInfo(out, " per %lld.%02d", (long long) e->per / 100, (int) (e->per % 100));
	appendStringInfo(out, " round %s", rounding[e->rounding]);
	if (e->day_cap)
		appendStringInfo(out, " cap %d", e->day_cap);
	if (e->every)
		appendStringInfo(out, " every %d", e->every);
	appendStringInfoString(out, e->tiered ? " tiered;" : ";");
}

static void
append_level(StringInfo out, const Program *p, const ProgramLevel *l)
{
	appendStringInfo(out, "\nlevel %d %d %s multiplier %d", l->ladder, l->level, l->code,
					 l->multiplier);
	if (l->months)
		appendStringInfo(out, " months %d", l->months);
	if (l->grace)
		appendStringInfo(out, " grace %d", l->grace);
	append_number(out, "extend", l->extend_months);
	if (l->archived)
		appendStringInfoString(out, " archived");
	if (l->rollover)
		appendStringInfoString(out, " rollover");
	append_rule(out, p, "qualify ", l->qualify, 0);
	append_rule(out, p, "keep ", l->keep, 0);
	append_rule(out, p, "lose ", l->lose, 0);
	appendStringInfoChar(out, ';');
}

static void
append_ladder(StringInfo out, const ProgramLadder *l)
{
	static const char *const validity[] = {"rolling", "calendar", "anniversary"};
	static const char *const fall[] = {"step", "qualified", "soft"};

	appendStringInfo(out, "\nladder %d %s validity %s fall %s%s", l->id, l->code,
					 validity[l->validity], fall[l->fall], l->lower_now ? " lower_now" : "");
	if (l->warn)
		appendStringInfo(out, " warn %d", l->warn);
	appendStringInfoChar(out, ';');
}

static void
append_fast(StringInfo out, const Program *p, const ProgramFast *f)
{
	appendStringInfo(out, "\nfast %d %d since ", f->ladder, f->level);
	append_date(out, f->since);
	appendStringInfoString(out, " until ");
	append_date(out, f->until);
	append_rule(out, p, "", f->qualify, 0);
	appendStringInfoChar(out, ';');
}

static void
append_tag(StringInfo out, const Program *p, const ProgramTag *t)
{
	appendStringInfo(out, "\ntag %d %s", t->id, t->given ? "given" : "kept");
	append_rule(out, p, "", t->rule, 0);
	appendStringInfoChar(out, ';');
}

static void
append_wallet(StringInfo out, const ProgramWallet *w)
{
	static const char *const expiry[] = {"never",		"days",		"months", "month_end",
										 "quarter_end", "year_end", "yearly", "inactivity"};
	static const char *const policy[] = {"only_pending", "within_balance", "debt"};

	appendStringInfo(out, "\nwallet %d %s %s", w->id, w->code, expiry[w->expiry]);
	if (w->expiry != EXPIRY_NEVER)
		appendStringInfo(out, " %d", w->expiry_n);
	if (w->expiry == EXPIRY_YEARLY)
		appendStringInfo(out, " %02d-%02d", w->expiry_month, w->expiry_day);
	if (w->pending_days == PENDING_RELEASE)
		appendStringInfoString(out, " pending release");
	else
		appendStringInfo(out, " pending %d", w->pending_days);
	appendStringInfo(out, " lots %d %s%s", w->max_lots, policy[w->policy],
					 w->spendable ? " spendable" : "");
	append_number(out, "cap", w->cap);
	append_number(out, "grace", w->hold_grace);
	append_number(out, "reinstate", w->reinstate_days);
	append_number(out, "code_above", w->code_above);
	append_number(out, "approve_above", w->approve_above);
	if (w->transferable)
		appendStringInfoString(out, " transferable");
	append_number(out, "fee", w->transfer_fee);
	append_number(out, "cooling", w->cooling_days);
	append_number(out, "day_cap", w->transfer_day_cap);
	appendStringInfoChar(out, ';');
}

void
program_stream_text(StringInfo out, const Program *p, const ProgramStream *m)
{
	appendStringInfo(out, "\nstream %d %s days %d months %d%s", m->id, m->code, m->keep_days,
					 m->keep_months, m->purchases ? " purchases" : "");
	if (!m->purchases && m->of != OF_EVENT)
		appendStringInfo(out, " of %s", program_stream_of(m));
	append_rule(out, p, "amount ", m->amount, 1); /* without the "is known" it was compiled with */
	append_rule(out, p, "where ", m->rule, 0);
	appendStringInfoChar(out, ';');
}

static void
program_write(StringInfo out, const Program *p)
{
	appendStringInfo(out, "program %d zone '%s'", p->version, p->zone);
	for (int i = 0; i < PROGRAM_REMINDERS && p->reminders[i]; i++)
		appendStringInfo(out, "%s%d", i ? "," : " remind ", p->reminders[i]);
	appendStringInfoChar(out, ';');
	for (int i = 0; i < p->n_wallets; i++)
		append_wallet(out, &program_wallets(p)[i]);
	for (int i = 0; i < p->n_streams; i++)
		program_stream_text(out, p, &program_streams(p)[i]);
	for (int i = 0; i < p->n_earns; i++)
		append_earn(out, &program_earns(p)[i]);
	for (int i = 0; i < p->n_ladders; i++)
		append_ladder(out, &program_ladders(p)[i]);
	for (int i = 0; i < p->n_levels; i++)
		append_level(out, p, &program_levels(p)[i]);
	for (int i = 0; i < p->n_fasts; i++)
		append_fast(out, p, &program_fasts(p)[i]);
	for (int i = 0; i < p->n_tags; i++)
		append_tag(out, p, &program_tags(p)[i]);
}

PG_FUNCTION_INFO_V1(program_out);
Datum
program_out(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	program_write(&out, program_open(PG_GETARG_DATUM(0)));
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(program_send);
Datum
program_send(PG_FUNCTION_ARGS)
{
	StringInfoData text, out;

	initStringInfo(&text);
	program_write(&text, program_open(PG_GETARG_DATUM(0)));
	pq_begintypsend(&out);
	pq_sendtext(&out, text.data, text.len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(program_eq);
Datum
program_eq(PG_FUNCTION_ARGS)
{
	const Program *a = program_open(PG_GETARG_DATUM(0));
	const Program *b = program_open(PG_GETARG_DATUM(1));

	PG_RETURN_BOOL(VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0);
}
