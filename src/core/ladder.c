/*
 * ladder.c: deciding levels.
 *
 * A level is reached at once by the event that qualifies, and secured until its validity ends.  At its end
 * it is reviewed: while the keep rule (or the qualify rule) holds it is secured for another validity; if
 * not, the level stays through the grace, during which an event may still meet the rule, and then falls
 * one step.  See docs/internals/tiers.md.
 *
 * A review is decided on its own day, whenever it is computed: no event has happened since, or it would
 * have been decided before that event.
 */
#include "compat.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "core/ladder.h"
#include "util/day.h"

/* The value a condition compares, as of the end of the day. */
int64
ladder_measure(const Facts *f, const ProgramCondition *c, DateADT day)
{
	ActivityCursor cursor;
	ActivityWindow w;
	DateADT since = DATEVAL_NOBEGIN;

	if (c->measure == MEASURE_WALLET)
		return book_balance(f->book, c->id, day);
	if (!activity_seek_decoded(f->activity, c->id, &cursor))
		return 0;
	if (c->window)
		since = c->window_unit == 'd' ? day - c->window + 1 : add_months(day, -c->window) + 1;
	activity_window(cursor, since, c->window ? day + 1 : DATEVAL_NOEND, &w);
	switch ((Measure) c->measure)
	{
		case MEASURE_AMOUNT:
			return w.amount;
		case MEASURE_COUNT:
			return w.count;
		default:
			return w.count ? w.largest : 0;
	}
}

/* Whether the rule holds; appends to why the conditions that decided, with their values. */
static bool
rule_holds(const Facts *f, int first, int n, bool any, DateADT day, StringInfo why)
{
	const ProgramCondition *c = program_conditions(f->program) + first;
	bool holds = !any;

	for (int i = 0; i < n; i++)
	{
		int64 actual = ladder_measure(f, &c[i], day);
		bool met = actual >= c[i].at_least;
		bool money = c[i].measure == MEASURE_AMOUNT || c[i].measure == MEASURE_LARGEST;

		holds = any ? holds || met : holds && met;
		if (why == NULL)
			continue;
		if (why->len)
			appendStringInfoString(why, any ? " or " : " and ");
		program_condition_text(why, f->program, &c[i]);
		if (money)
			appendStringInfo(why, " (%s%lld.%02d)", actual < 0 ? "-" : "",
							 (long long) Abs(actual) / 100, (int) (Abs(actual) % 100));
		else
			appendStringInfo(why, " (%lld)", (long long) actual);
	}
	return n > 0 && holds;
}

static bool
qualifies(const Facts *f, const ProgramLevel *l, DateADT day, StringInfo why)
{
	return rule_holds(f, l->first_qualify, l->n_qualify, l->qualify_any, day, why);
}

/* A level without a keep rule is kept as it is reached. */
static bool
keeps(const Facts *f, const ProgramLevel *l, DateADT day, StringInfo why)
{
	StringInfoData qualified;

	if (rule_holds(f, l->first_keep, l->n_keep, l->keep_any, day, why))
		return true;
	initStringInfo(&qualified);
	if (!qualifies(f, l, day, &qualified))
	{
		if (why && l->n_keep == 0)
			appendStringInfoString(why, qualified.data);
		return false;
	}
	if (why) /* what decided, not what did not */
	{
		resetStringInfo(why);
		appendStringInfoString(why, qualified.data);
	}
	return true;
}

static void
record(TierChanges *out, const char *kind, const Rank *before, const Rank *after, DateADT day,
	   char *reason)
{
	if (out->n == out->size)
	{
		out->size = Max(4, out->size * 2);
		out->change = out->change ? repalloc(out->change, out->size * sizeof(TierChange))
								  : palloc(out->size * sizeof(TierChange));
	}
	out->change[out->n++] =
		(TierChange){kind, after->ladder, before->level, after->level, day, after->until, reason};
}

/* So many months on; for good when that is further than days go. */
static DateADT
months_on(DateADT day, int16 months)
{
	DateADT until = months ? add_months(day, months) : DATEVAL_NOEND;

	return until > MAX_DAY - 1000 ? DATEVAL_NOEND : until; /* a grace may follow */
}

static void
enter(const Facts *f, Rank *r, int16 level, DateADT day)
{
	const ProgramLevel *l = program_level(f->program, r->ladder, level);

	r->level = level;
	r->since = day;
	r->until = level > 0 && l ? months_on(day, l->months) : DATEVAL_NOEND;
	r->due = r->until;
}

static void
secure_again(const Facts *f, Rank *r, const ProgramLevel *l, DateADT day, TierChanges *out,
			 char *why)
{
	Rank before = *r;

	r->until = months_on(r->until, l->months);
	r->due = r->until;
	record(out, "keep", &before, r, day, why);
}

static void
review(const Facts *f, Rank *r, TierChanges *out)
{
	const ProgramLevel *l = program_level(f->program, r->ladder, r->level);
	DateADT day = r->due;
	Rank before = *r;
	StringInfoData why;

	initStringInfo(&why);
	if (l && keeps(f, l, day, &why))
		secure_again(f, r, l, day, out, why.data);
	else if (l && day < r->until + l->grace)
		r->due = r->until + l->grace;
	else
	{
		enter(f, r, r->level - 1, day);
		record(out, "fall", &before, r, day, why.data);
	}
}

/* Every review that has fallen due up to the day, each as of its own day. */
void
ladder_advance(const Facts *f, Standing *s, DateADT day, TierChanges *out)
{
	for (int i = 0; i < s->n; i++)
		while (s->rank[i].due <= day)
		{
			CHECK_FOR_INTERRUPTS();
			review(f, &s->rank[i], out);
		}
}

/* After an event: a level reached, or one in its grace secured again. */
void
ladder_event(const Facts *f, Standing *s, DateADT day, TierChanges *out)
{
	const ProgramLevel *l = program_levels(f->program);

	for (int i = f->program->n_levels - 1; i > 0; i--)
	{
		Rank *r = standing_rank(s, l[i].ladder, false);
		int16 level = r ? r->level : 0;
		StringInfoData why;

		/* levels are visited from the top of each ladder down */
		if (l[i].level < level || l[i].level == 0)
			continue;
		if (l[i].level == level && !(r && r->until <= day))
			continue;
		if (!(l[i].level == level ? keeps(f, &l[i], day, NULL) : qualifies(f, &l[i], day, NULL)))
			continue;
		initStringInfo(&why);
		if (l[i].level == level)
		{
			keeps(f, &l[i], day, &why);
			secure_again(f, r, &l[i], day, out, why.data);
		}
		else
		{
			Rank before;

			qualifies(f, &l[i], day, &why);
			r = standing_rank(s, l[i].ladder, true);
			before = *r;
			enter(f, r, l[i].level, day);
			record(out, "rise", &before, r, day, why.data);
		}
	}
}
