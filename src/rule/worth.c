/*
 * worth.c: what the models of value say of a member, in rules: p_alive, expected_purchases, clv.
 *
 * Between two purchases each of them falls as days pass, or stays: the longer nothing was bought, the less
 * is to be expected.  So the day on which one passes a bound is found by halving.
 */
#include "compat.h"

#include "rule/facts.h"

/* Not known without a fit, before the first purchase, and where only a total is kept. */
double
worth_measure(MemberFacts *f, const RuleNode *m, DateADT day)
{
	const ValueTerms *w = facts_worth(f);
	FactsStream *s;
	ValueHistory h;

	if (!w->known || (s = facts_stream(f, m->id)) == NULL ||
		value_history_of(s->cursor, day, &h) != VALUE_KNOWN)
		return UNKNOWN;
	switch ((RuleMeasure) m->what)
	{
		case MEASURE_P_ALIVE:
			return value_p_alive(&w->model, h.x, h.t_x, h.t);
		case MEASURE_PURCHASES:
			return value_purchases(&w->model, h.x, h.t_x, h.t, w->horizon);
		default: /* MEASURE_CLV, yuan; a model without spend has a NaN for it */
			return w->margin * value_spend(&w->model, h.x, h.amount) *
				   value_discounted(&w->model, h.x, h.t_x, h.t, w->horizon, w->discount) / 100;
	}
}

/* On which side of the bound it is: 1, 0, -1. */
static int
side_of(MemberFacts *f, const RuleNode *m, double bound, DateADT day)
{
	double v = to_micro(worth_measure(f, m, day));

	return (v > to_micro(bound)) - (v < to_micro(bound));
}

/* The first day after the given one on which the number, known on the day, is on another side of the bound; else until. */
DateADT
worth_change(MemberFacts *f, const RuleNode *m, double bound, DateADT day, DateADT until)
{
	int side = side_of(f, m, bound, day);
	DateADT high = Min(until, MAX_DAY + 1);

	if (side < 0 || side_of(f, m, bound, high - 1) == side)
		return until;
	while (high - day > 1)
	{
		DateADT middle = day + (high - day) / 2;

		if (side_of(f, m, bound, middle) == side)
			day = middle;
		else
			high = middle;
	}
	return high;
}
