/*
 * law.c: the laws of the measures (law.h).
 */
#include "compat.h"

#include "rule/law.h"
#include "util/day.h"

static Law
constant_until(DateADT until)
{
	return (Law){0, until, false};
}

static Law
line_until(double slope, DateADT until)
{
	return (Law){slope, until, false};
}

/* The earlier of next and the edge, when the edge is still to come. */
static DateADT
sooner(DateADT next, DateADT edge, DateADT day)
{
	return edge > day ? Min(next, edge) : next;
}

/* ---- streams ---- */

/* The first day after the given one that an entry begins or ends on. */
static DateADT
next_edge(MemberFacts *f, FactsStream *s, DateADT day)
{
	const FactsStep *step = facts_steps(f, s);
	int i = steps_at(step, s->n, day + 1);

	if (i == s->n)
		return DATEVAL_NOEND;
	return step[i].first > day ? step[i].first : step[i].last;
}

typedef DateADT (*WindowEnd)(const RuleNode *window, DateADT day, DateADT joined);

/* The first day after the given one on which that end of the window is after the edge. */
static DateADT
day_beyond(WindowEnd end, const RuleNode *window, DateADT joined, DateADT edge, DateADT day)
{
	DateADT low = day + 1;
	DateADT high = MAX_DAY + 1;

	while (low < high)
	{
		DateADT middle = low + (high - low) / 2;

		if (end(window, middle, joined) > edge)
			high = middle;
		else
			low = middle + 1;
	}
	return low > MAX_DAY ? DATEVAL_NOEND : low;
}

/* When an end of the window next passes the beginning or the end of an entry. */
static DateADT
window_end_change(MemberFacts *f, FactsStream *s, WindowEnd end, const RuleNode *window,
				  DateADT joined, DateADT day)
{
	const FactsStep *step = facts_steps(f, s);
	DateADT now = end(window, day, joined);
	int i = steps_at(step, s->n, now);

	if (i == s->n)
		return DATEVAL_NOEND;
	return day_beyond(end, window, joined, step[i].first >= now ? step[i].first : step[i].last,
					  day);
}

static Law
window_law(MemberFacts *f, const RuleNode *m, DateADT day)
{
	FactsStream *s = facts_stream(f, m->id);
	DateADT joined = facts_day(f, FACTS_JOINED);

	if (s == NULL || m->unit == RULE_LIFE || (window_needs_joined(m) && joined == NO_DAY))
		return LAW_CONSTANT;
	return constant_until(Min(window_end_change(f, s, window_since, m, joined, day),
							  window_end_change(f, s, window_until, m, joined, day)));
}

static Law
recency_law(MemberFacts *f, FactsStream *s, DateADT day)
{
	DateADT last;
	bool known = last_event(f, s, day, &last) && last != DATEVAL_NOBEGIN;

	return line_until(known, next_edge(f, s, day));
}

static Law
idle_law(MemberFacts *f, const RuleNode *m, DateADT day)
{
	DateADT next = sooner(DATEVAL_NOEND, facts_day(f, FACTS_JOINED), day);

	facts_streams(f);
	for (int i = 0; i < f->n_streams; i++)
		next = Min(next, next_edge(f, &f->stream[i], day));
	return line_until(!isnan(measure_value(f, m, day)), next);
}

/* A streak ends two days after its last day; falls, after the months that have anything and three more. */
static Law
streak_law(MemberFacts *f, const RuleNode *m, FactsStream *s, DateADT day)
{
	const FactsStep *step = facts_steps(f, s);
	DateADT last = s->n ? step[s->n - 1].last : DATEVAL_NOBEGIN;

	if (s->n == 0)
		return LAW_CONSTANT;
	if (m->what == MEASURE_STREAK)
	{
		if (day < step[0].first)
			return constant_until(step[0].first);
		return constant_until(day < last ? day + 1 : day < last + 2 ? last + 2 : DATEVAL_NOEND);
	}
	if (month_of(day) > month_of(last) + 3)
		return LAW_CONSTANT;
	return constant_until(month_start(Max(month_of(day), month_of(step[0].first)) + 1));
}

static Law
stream_law(MemberFacts *f, const RuleNode *m, DateADT day)
{
	FactsStream *s = facts_stream(f, m->id);

	if (s == NULL)
		return LAW_CONSTANT;
	switch ((RuleMeasure) m->what)
	{
		case MEASURE_RECENCY:
			return recency_law(f, s, day);
		case MEASURE_SINCE_FIRST:
			return line_until(!isnan(measure_value(f, m, day)), next_edge(f, s, day));
		case MEASURE_STREAK:
		case MEASURE_FALLING_MONTHS:
			return streak_law(f, m, s, day);
		default: /* mean gap, run: of all there is */
			return LAW_CONSTANT;
	}
}

/* Scores change with what is in the window, and when recency passes a cut. */
static Law
rfm_law(MemberFacts *f, const RuleNode *m, DateADT day)
{
	RuleNode window = {.op = RULE_MEASURE, .unit = RULE_DAYS, .id = m->id, .arg = 365};
	FactsStream *s = facts_stream(f, m->id);
	Law law = window_law(f, &window, day);
	DateADT last;
	RfmCuts cuts;

	if (s == NULL || f->null[FACTS_CUTS] || !last_event(f, s, day, &last) ||
		last == DATEVAL_NOBEGIN)
		return law;
	rfm_cuts_unpack(&cuts, (struct varlena *) PG_DETOAST_DATUM_PACKED(f->value[FACTS_CUTS]));
	for (int i = 0; i < cuts.reached[RFM_RECENCY]; i++)
	{
		int64 beyond = (int64) last + cuts.cut[RFM_RECENCY][i] + 1;

		if (beyond > day && beyond < law.until)
			law.until = (DateADT) beyond;
	}
	return law;
}

/* Known by no line until a purchase begins or ends; but see worth_change(). */
static Law
worth_law(MemberFacts *f, const RuleNode *m, DateADT day)
{
	FactsStream *s = facts_stream(f, m->id);
	Law law = LAW_CONSTANT;

	if (s == NULL)
		return law;
	law.until = next_edge(f, s, day);
	law.wild = !isnan(measure_value(f, m, day));
	return law;
}

/* ---- points, levels, tags ---- */

static Law
wallet_law(MemberFacts *f, const RuleNode *m, DateADT day)
{
	const Book *b = facts_book(f);
	DateADT next = DATEVAL_NOEND;

	for (int i = 0; i < b->n; i++)
	{
		const Lot *lot = &b->lot[i];

		if (lot->wallet != m->id)
			continue;
		next = sooner(next, lot->from, day);
		next = sooner(next, lot->until, day);
		if (m->what == MEASURE_EXPIRING && !DATE_IS_NOEND(lot->until))
			next = sooner(next, lot->until - m->arg, day);
	}
	return constant_until(next);
}

static Law
ladder_law(MemberFacts *f, const RuleNode *m, DateADT day)
{
	const Rank *r = facts_rank(f, m->id);

	if (r == NULL || m->what == MEASURE_TIER)
		return LAW_CONSTANT;
	if (m->what == MEASURE_TIER_DAYS)
		return day < r->since ? constant_until(r->since) : line_until(1, DATEVAL_NOEND);
	return line_until(DATE_IS_NOEND(r->until) ? 0 : -1, DATEVAL_NOEND);
}

static Law
weight_law(MemberFacts *f, const RuleNode *m, DateADT day)
{
	const Tag *tag = facts_tag(f, m->id);

	if (tag == NULL || day >= tag->until)
		return LAW_CONSTANT;
	if (day < tag->since)
		return constant_until(tag->since);
	return (Law){0, tag->until, tag->half_life > 0};
}

/* ---- the calendar ---- */

static Law
yearly_law(DateADT from, DateADT day, bool from_itself)
{
	DateADT next;

	if (from == NO_DAY)
		return LAW_CONSTANT;
	if (!yearly_next(from, day, from_itself, &next))
		return constant_until(from);
	return line_until(-1, next + 1);
}

static Law
age_law(DateADT birthday, DateADT day)
{
	DateADT next;

	if (birthday == NO_DAY)
		return LAW_CONSTANT;
	if (day < birthday)
		return constant_until(birthday);
	next = add_months(birthday, 12 * (years_passed(birthday, day) + 1));
	return constant_until(next);
}

static Law
tenure_law(DateADT joined, DateADT day)
{
	if (joined == NO_DAY)
		return LAW_CONSTANT;
	return day < joined ? constant_until(joined) : line_until(1, DATEVAL_NOEND);
}

DateADT
plan_change(const MemberFacts *f, DateADT day)
{
	DateADT next = sooner(DATEVAL_NOEND, facts_day(f, FACTS_PLAN_SINCE), day);

	return f->null[FACTS_PLAN] ? DATEVAL_NOEND : sooner(next, facts_day(f, FACTS_PLAN_UNTIL), day);
}

static Law
calendar_law(MemberFacts *f, const RuleNode *m, DateADT day)
{
	DateADT birthday = facts_day(f, FACTS_BIRTHDAY);
	DateADT joined = facts_day(f, FACTS_JOINED);

	switch ((RuleMeasure) m->what)
	{
		case MEASURE_AGE:
			return age_law(birthday, day);
		case MEASURE_BIRTHDAY_IN:
			return yearly_law(birthday, day, true);
		case MEASURE_ANNIVERSARY_IN:
			return yearly_law(joined, day, false);
		case MEASURE_TENURE:
			return tenure_law(joined, day);
		case MEASURE_PLAN_DAYS:
			return line_until(!isnan(measure_value(f, m, day)), plan_change(f, day));
		case MEASURE_PLAN_LEFT:
		case MEASURE_DAYS_UNTIL:
			return line_until(-1, DATEVAL_NOEND);
		default: /* MEASURE_DAYS_SINCE */
			return line_until(1, DATEVAL_NOEND);
	}
}

Law
measure_law(MemberFacts *f, const RuleNode *m, DateADT day)
{
	switch ((RuleMeasure) m->what)
	{
		case MEASURE_COUNT_OF:
		case MEASURE_AMOUNT_OF:
		case MEASURE_LARGEST_OF:
		case MEASURE_VISITS:
		case MEASURE_HAS:
			return window_law(f, m, day);
		case MEASURE_IDLE:
			return idle_law(f, m, day);
		case MEASURE_BALANCE:
		case MEASURE_PENDING:
		case MEASURE_EXPIRING:
			return wallet_law(f, m, day);
		case MEASURE_TIER:
		case MEASURE_TIER_DAYS:
		case MEASURE_TIER_LEFT:
			return ladder_law(f, m, day);
		case MEASURE_R:
		case MEASURE_F:
		case MEASURE_M:
		case MEASURE_VALUE_GROUP:
		case MEASURE_STRATEGY_GROUP:
		case MEASURE_SEGMENT:
			return rfm_law(f, m, day);
		case MEASURE_P_ALIVE:
		case MEASURE_PURCHASES:
		case MEASURE_CLV:
			return worth_law(f, m, day);
		case MEASURE_WEIGHT:
			return weight_law(f, m, day);
		case MEASURE_AGE:
		case MEASURE_BIRTHDAY_IN:
		case MEASURE_ANNIVERSARY_IN:
		case MEASURE_TENURE:
		case MEASURE_PLAN_DAYS:
		case MEASURE_PLAN_LEFT:
		case MEASURE_DAYS_SINCE:
		case MEASURE_DAYS_UNTIL:
			return calendar_law(f, m, day);
		default:
			return stream_law(f, m, day);
	}
}
