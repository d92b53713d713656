/*
 * ladder.c: deciding levels.
 *
 * A level is reached at once by the event that qualifies, and secured until its validity ends.  At its end
 * it is reviewed: while the keep rule (or the qualify rule) holds it is secured for another validity; if
 * not, the level stays through the grace, during which an event may still meet the rule, and then falls as
 * its ladder says.  What was granted by hand lies beside what was earned, which goes on as if it were not
 * there.  See docs/internals/tiers.md.
 *
 * What time decides, it decides on its own day, whenever that is computed: no event has happened since, or it
 * would have been decided before that event.
 */
#include "compat.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "core/ladder.h"
#include "errors.h"
#include "util/day.h"
#include "util/scan.h"

void
ladders_begin(Ladders *s, const Program *program, const Book *book, const Activity *activity,
			  Standing *standing, TierChanges *out)
{
	s->program = program;
	s->book = book;
	s->activity = activity;
	s->packed = NULL;
	s->standing = standing;
	s->out = out;
	s->has_facts = false;
}

MemberFacts *
ladders_facts(Ladders *s, const ProgramRule *r)
{
	if (!s->has_facts)
		facts_of_state(&s->facts, s->book, s->activity, s->packed, s->standing);
	s->has_facts = true;
	s->facts.strings = program_rule_strings(r);
	return &s->facts;
}

/* ---- rules ---- */

static Truth
rule_truth(Ladders *s, int32 place, DateADT day)
{
	const ProgramRule *r = program_rule(s->program, place);

	if (r == NULL)
		return TRUTH_FALSE;
	return eval_truth(ladders_facts(s, r), program_rule_nodes(r), day);
}

static bool
rule_holds(Ladders *s, int32 place, DateADT day)
{
	return rule_truth(s, place, day) == TRUTH_TRUE;
}

bool
ladder_subject(Ladders *s, const ProgramLevel *l, int32 place, DateADT day, RuleSubject *subject)
{
	const ProgramRule *r = program_rule(s->program, place);
	const ProgramStream *purchases = program_purchases(s->program);
	const Rank *rank = standing_rank(s->standing, l->ladder, false);
	RuleNames *names = palloc0(sizeof(RuleNames));

	if (r == NULL)
		return false;
	names->program = s->program;
	*subject = (RuleSubject){ladders_facts(s, r),
							 program_rule_nodes(r),
							 program_rule_strings(r),
							 names,
							 purchases ? purchases->id : 0,
							 0,
							 day};
	if (l->rollover && rank && rank->level == l->level && place == l->keep)
		subject->carry = (double) rank->carry / RULE_MICRO;
	return true;
}

/* The rule's text with the values that decided. */
static char *
reason_of(Ladders *s, const ProgramLevel *l, int32 place, DateADT day)
{
	RuleSubject subject;
	StringInfoData out;

	initStringInfo(&out);
	if (s->out && ladder_subject(s, l, place, day, &subject))
		rule_reason(&out, &subject, 0);
	return out.data;
}

/* By how much the figure of a keep rule that rolls over exceeds its bound, in millionths. */
static int64
surplus(Ladders *s, const ProgramLevel *l, int64 carry, DateADT day)
{
	const ProgramRule *r = program_rule(s->program, l->keep);
	const RuleNode *value = program_rule_nodes(r) + 1;
	MemberFacts *f = ladders_facts(s, r);
	double v = eval_number(f, value, day);
	double bound = bound_value(f, value, value + value->size, v, day);
	double over = to_micro(v - bound) + (double) carry;

	return isnan(over) || fabs(over) > 9e15 ? 0 : (int64) over;
}

/* The place of the rule by which the level is kept, 0: it is not.  A level without a keep rule is kept as it is reached. */
static int32
keeping_rule(Ladders *s, const ProgramLevel *l, int64 carry, DateADT day)
{
	if (rule_holds(s, l->keep, day) || (carry > 0 && l->rollover && surplus(s, l, carry, day) >= 0))
		return l->keep;
	return rule_holds(s, l->qualify, day) ? l->qualify : 0;
}

/* The place of the rule by which the level is reached, 0: it is not, or would be lost at once. */
static int32
qualifying_rule(Ladders *s, const ProgramLevel *l, DateADT day)
{
	const ProgramFast *fast = program_fasts(s->program);

	if (rule_holds(s, l->lose, day))
		return 0;
	if (rule_holds(s, l->qualify, day))
		return l->qualify;
	for (int i = 0; i < s->program->n_fasts; i++)
		if (fast[i].ladder == l->ladder && fast[i].level == l->level && fast[i].since <= day &&
			day < fast[i].until && rule_holds(s, fast[i].qualify, day))
			return fast[i].qualify;
	return 0;
}

/* ---- changes ---- */

static void
record(TierChanges *out, const char *kind, int16 from_level, const Rank *r, DateADT day,
	   DateADT until, char *reason)
{
	if (out == NULL)
		return;
	if (out->n == out->size)
	{
		out->size = Max(4, out->size * 2);
		out->change = out->change ? repalloc(out->change, out->size * sizeof(TierChange))
								  : palloc(out->size * sizeof(TierChange));
	}
	out->change[out->n++] =
		(TierChange){kind, r->ladder, from_level, rank_level(r), day, until, reason};
}

/* After the standing was changed: rules of later ladders see it. */
static void
changed(Ladders *s)
{
	if (s->has_facts)
		s->facts.standing = *s->standing;
}

/* For good when that is further than days go: a grace may follow. */
static DateADT
bounded(DateADT until)
{
	return until > MAX_DAY - 1000 ? DATEVAL_NOEND : until;
}

/* Until when a level is secured from a day on; anchor: an end of a period of the member's, or none. */
static DateADT
secured_until(Ladders *s, const ProgramLevel *l, DateADT from, DateADT anchor)
{
	const ProgramLadder *d = program_ladder(s->program, l->ladder);
	DateADT until = l->months ? bounded(add_months(from, l->months)) : DATEVAL_NOEND;
	int month;

	if (DATE_IS_NOEND(until) || d == NULL || d->validity == VALID_ROLLING)
		return until;
	if (d->validity == VALID_CALENDAR)
	{
		month = month_of(until);
		if (until != month_start(month) || month % l->months != 0)
			until = month_start((month / l->months + 1) * l->months);
		return bounded(until);
	}
	if (DATE_IS_NOEND(anchor))
		return until;
	for (int i = 0; i <= 12 * 200; i++)
		if (add_months(anchor, i * l->months) >= until)
			return bounded(add_months(anchor, i * l->months));
	return until;
}

static void
enter(Ladders *s, Rank *r, int16 level, DateADT day)
{
	const ProgramLevel *l = program_level(s->program, r->ladder, level);
	DateADT anchor = r->level > 0 ? r->until : DATEVAL_NOEND;

	r->level = level;
	r->since = day;
	r->until = level > 0 && l ? secured_until(s, l, day, anchor) : DATEVAL_NOEND;
	r->due = r->until;
	r->landed = false;
	r->carry = 0;
}

static void
secure_again(Ladders *s, Rank *r, const ProgramLevel *l, int32 rule, DateADT day)
{
	char *why = reason_of(s, l, rule, day);

	r->carry = l->rollover && rule == l->keep ? Max(0, surplus(s, l, r->carry, day)) : 0;
	r->until = l->months ? bounded(add_months(r->until, l->months)) : DATEVAL_NOEND;
	r->due = r->until;
	r->landed = false;
	changed(s);
	record(s->out, "keep", rank_level(r), r, day, r->until, why);
}

/* ---- falling ---- */

/* The level below that can still be reached; archived ones are passed over. */
static int16
level_below(Ladders *s, const Rank *r)
{
	const ProgramLevel *l;
	int16 level = r->level - 1;

	while (level > 0 && (l = program_level(s->program, r->ladder, level)) != NULL && l->archived)
		level--;
	return level;
}

/* The highest level below that is still kept or qualified for. */
static int16
level_qualified(Ladders *s, const Rank *r, DateADT day)
{
	int16 level = level_below(s, r);
	Rank below = *r;

	while (level > 0)
	{
		const ProgramLevel *l = program_level(s->program, r->ladder, level);

		if (l && keeping_rule(s, l, 0, day))
			break;
		below.level = level;
		level = level_below(s, &below);
	}
	return level;
}

static void
fall(Ladders *s, Rank *r, FallMode mode, DateADT day, char *why)
{
	int16 before = rank_level(r);
	const ProgramLevel *lost = program_level(s->program, r->ladder, r->level);
	int16 to = mode == FALL_QUALIFIED || r->landed ? level_qualified(s, r, day) : level_below(s, r);
	bool lands = mode == FALL_SOFT && !r->landed && to > 0;

	enter(s, r, to, day);
	r->landed = lands;
	if (lands && DATE_IS_NOEND(r->until) && lost)
		r->until = r->due = secured_until(s, lost, day, DATEVAL_NOEND);
	changed(s);
	record(s->out, "fall", before, r, day, r->until, why);
}

static FallMode
fall_mode(Ladders *s, const Rank *r)
{
	const ProgramLadder *d = program_ladder(s->program, r->ladder);

	return d ? (FallMode) d->fall : FALL_STEP;
}

/* ---- time passes ---- */

static void
review(Ladders *s, Rank *r)
{
	const ProgramLevel *l = program_level(s->program, r->ladder, r->level);
	DateADT day = r->due;
	int32 rule = l ? keeping_rule(s, l, r->carry, day) : 0;

	if (rule)
		secure_again(s, r, l, rule, day);
	else if (l && day < r->until + l->grace)
		r->due = r->until + l->grace;
	else
		fall(s, r, fall_mode(s, r), day,
			 l ? reason_of(s, l, l->keep ? l->keep : l->qualify, day) : "the level is no more");
}

static void
end_grant(Ladders *s, Rank *r)
{
	int16 before = rank_level(r);
	DateADT day = r->granted_until;
	char *why = psprintf("%s ended", grant_modes[r->mode]);

	r->mode = GRANT_NONE;
	r->granted = 0;
	r->granted_until = DATEVAL_NOEND;
	changed(s);
	record(s->out, "end", before, r, day, r->until, why);
}

/* The rule to lose the level held; 0: there is none. */
static int32
losing_rule(Ladders *s, const Rank *r)
{
	const ProgramLevel *l = r->level > 0 ? program_level(s->program, r->ladder, r->level) : NULL;

	return l ? l->lose : 0;
}

static void
lose(Ladders *s, Rank *r, DateADT day)
{
	const ProgramLevel *l = program_level(s->program, r->ladder, r->level);

	fall(s, r, FALL_STEP, day, reason_of(s, l, l->lose, day));
}

/* The highest level above the one held that is reached is entered; by_time: that was not reached the day before. */
static bool
rise(Ladders *s, int16 ladder, DateADT day, bool by_time)
{
	const ProgramLevel *l = program_levels(s->program);
	Rank *r = standing_rank(s->standing, ladder, false);
	int16 held = r ? r->level : 0;

	for (int i = s->program->n_levels - 1; i >= 0; i--)
	{
		int32 rule;
		int16 before;
		char *why;

		if (l[i].ladder != ladder || l[i].level <= held || l[i].archived)
			continue;
		rule = qualifying_rule(s, &l[i], day);
		if (rule == 0 || (by_time && qualifying_rule(s, &l[i], day - 1)))
			continue;
		why = reason_of(s, &l[i], rule, day);
		r = standing_rank(s->standing, ladder, true);
		before = rank_level(r);
		enter(s, r, l[i].level, day);
		changed(s);
		record(s->out, "rise", before, r, day, r->until, why);
		return true;
	}
	return false;
}

static DateADT
rule_change(Ladders *s, int32 place, DateADT day)
{
	const ProgramRule *r = program_rule(s->program, place);

	return facts_next_change(ladders_facts(s, r), program_rule_nodes(r), day);
}

static bool
points_are_pending(const Book *b, DateADT day)
{
	for (int i = 0; i < b->n; i++)
		if (b->lot[i].from > day)
			return true;
	return false;
}

/* The first day after the given one on which a level above may be reached by time alone. */
static DateADT
next_rise(Ladders *s, DateADT day)
{
	const ProgramLevel *l = program_levels(s->program);
	const ProgramFast *fast = program_fasts(s->program);
	DateADT next = DATEVAL_NOEND;

	for (int i = 0; i < s->program->n_levels; i++)
	{
		const ProgramRule *r = program_rule(s->program, l[i].qualify);
		const Rank *rank = standing_rank(s->standing, l[i].ladder, false);

		if (r == NULL || l[i].level <= (rank ? rank->level : 0) || l[i].archived)
			continue;
		if (rule_holds(s, l[i].lose, day))
			next = Min(next, rule_change(s, l[i].lose, day));
		if (!r->by_time && !(r->by_book && points_are_pending(s->book, day)))
			continue;
		if (!rule_holds(s, l[i].qualify, day))
			next = Min(next, rule_change(s, l[i].qualify, day));
	}
	for (int i = 0; i < s->program->n_fasts; i++)
	{
		const ProgramRule *r = program_rule(s->program, fast[i].qualify);
		const Rank *rank = standing_rank(s->standing, fast[i].ladder, false);

		if (fast[i].until <= day + 1 || (rank && rank->level >= fast[i].level))
			continue;
		if (fast[i].since > day)
			next =
				Min(next, rule_holds(s, fast[i].qualify, fast[i].since) || r->by_time || r->by_book
							  ? fast[i].since
							  : DATEVAL_NOEND);
		else if (r->by_time || (r->by_book && points_are_pending(s->book, day)))
			next = Min(next, rule_change(s, fast[i].qualify, day));
	}
	return next;
}

/* The next day after the given one on which there is something to decide though nothing happens. */
DateADT
ladders_next(Ladders *s, DateADT day)
{
	DateADT next = Min(standing_due(s->standing), next_rise(s, day));

	for (int i = 0; i < s->standing->n; i++)
	{
		int32 rule = losing_rule(s, &s->standing->rank[i]);

		if (rule)
			next = Min(next, rule_change(s, rule, day));
	}
	return next;
}

/* The next day after the given one on which somebody has to be told that a level will end. */
DateADT
ladders_next_warning(const Program *program, const Standing *standing, DateADT day)
{
	DateADT next = DATEVAL_NOEND;

	for (int i = 0; i < standing->n; i++)
	{
		const Rank *r = &standing->rank[i];
		const ProgramLadder *d = program_ladder(program, r->ladder);

		if (d && d->warn && !DATE_IS_NOEND(r->until) && r->until - d->warn > day)
			next = Min(next, r->until - d->warn);
	}
	return next;
}

/* All that is to be decided on a day, ladder by ladder in their order. */
static void
decide_day(Ladders *s, DateADT day, DateADT before)
{
	for (int i = 0; i < s->standing->n; i++)
	{
		Rank *r = &s->standing->rank[i];

		if (r->granted_until <= day)
			end_grant(s, r);
		while (r->due <= day)
		{
			CHECK_FOR_INTERRUPTS();
			review(s, r);
		}
		if (day > before && losing_rule(s, r) && rule_holds(s, losing_rule(s, r), day) &&
			rule_truth(s, losing_rule(s, r), day - 1) != TRUTH_TRUE && r->since < day)
			lose(s, r, day);
	}
	if (day > before)
		for (int i = 0; i < s->program->n_levels; i++)
			if (program_levels(s->program)[i].level == 0)
				rise(s, program_levels(s->program)[i].ladder, day, true);
}

/* What is decided by time after a day, up to another, each decision as of its own day. */
void
ladders_advance(Ladders *s, DateADT since, DateADT day)
{
	DateADT next;

	while ((next = ladders_next(s, since)) <= day)
	{
		CHECK_FOR_INTERRUPTS();
		decide_day(s, next, since);
		since = Max(since, next);
	}
}

/* ---- an event ---- */

bool
ladders_need_before(const Program *program, bool lowering)
{
	for (int i = 0; i < program->n_levels; i++)
		if (program_levels(program)[i].lose)
			return true;
	for (int i = 0; lowering && i < program->n_ladders; i++)
		if (program_ladders(program)[i].lower_now)
			return true;
	return false;
}

/* What an event must change to cost a level. */
void
ladders_before(Ladders *s, DateADT day, LaddersBefore *before)
{
	before->n = s->standing->n;
	for (int i = 0; i < before->n; i++)
	{
		const Rank *r = &s->standing->rank[i];
		const ProgramLevel *l = program_level(s->program, r->ladder, r->level);

		before->rank[i].ladder = r->ladder;
		before->rank[i].kept = l && keeping_rule(s, l, r->carry, day);
		before->rank[i].lost = rule_holds(s, losing_rule(s, r), day);
	}
}

static void
event_in_ladder(Ladders *s, int16 ladder, DateADT day, bool lowering, const LaddersBefore *before)
{
	const ProgramLadder *d = program_ladder(s->program, ladder);
	bool was_kept = false, was_lost = false;
	const ProgramLevel *l;
	Rank *r;
	int32 rule;

	for (int i = 0; i < before->n; i++)
		if (before->rank[i].ladder == ladder)
		{
			was_kept = before->rank[i].kept;
			was_lost = before->rank[i].lost;
		}
	if (rise(s, ladder, day, false))
		return;
	r = standing_rank(s->standing, ladder, false);
	l = r && r->level > 0 ? program_level(s->program, ladder, r->level) : NULL;
	if (l == NULL)
		return;
	if (r->until <= day && (rule = keeping_rule(s, l, r->carry, day)) != 0)
		secure_again(s, r, l, rule, day);
	else if (lowering && d && d->lower_now && was_kept && keeping_rule(s, l, r->carry, day) == 0)
		fall(s, r, (FallMode) d->fall, day, reason_of(s, l, l->keep ? l->keep : l->qualify, day));
	else if (l->lose && !was_lost && rule_holds(s, l->lose, day))
		lose(s, r, day);
}

/* After an event: a level reached, one in its grace secured again, one lost; lowering: it took something back. */
void
ladders_event(Ladders *s, DateADT day, bool lowering, const LaddersBefore *before)
{
	const ProgramLevel *l = program_levels(s->program);

	for (int i = 0; i < s->program->n_levels; i++)
		if (l[i].level == 0)
			event_in_ladder(s, l[i].ladder, day, lowering, before);
}

/* ---- by hand ---- */

/* what: LADDER:LEVEL:MODE; until exclusive, DATEVAL_NOEND: for good */
void
ladders_grant(const Program *program, Standing *standing, const char *what, DateADT day,
			  DateADT until, TierChanges *out)
{
	int64 ladder = 0, level = 0;
	int mode = GRANT_NONE;
	const ProgramLevel *l;
	Scanner scan;
	Rank *r;
	int16 before;

	scan_begin(&scan, "grant", what, NULL);
	scan_int(&scan, 1, PG_INT16_MAX, &ladder);
	scan_expect(&scan, ':');
	scan_int(&scan, 0, 100, &level);
	scan_expect(&scan, ':');
	while (mode <= GRANT_TRIAL && !scan_is_word(&scan, grant_modes[mode]))
		mode++;
	if (mode > GRANT_TRIAL)
		scan_fail(&scan, "none, floor, lock or trial");
	l = program_level(program, (int16) ladder, (int16) level);
	if (l == NULL)
		ereport(ERROR, errcode(ERRCODE_UNKNOWN_LEVEL),
				errmsg("ladder %d has no level %d", (int) ladder, (int) level));
	r = standing_rank(standing, (int16) ladder, true);
	if (r->since == 0 && r->level == 0)
		r->since = day;
	before = rank_level(r);
	r->mode = mode;
	r->granted = mode == GRANT_NONE ? 0 : (int16) level;
	r->granted_until = mode == GRANT_NONE ? DATEVAL_NOEND : until;
	record(out, mode == GRANT_NONE ? "end" : "set", before, r, day,
		   mode == GRANT_NONE ? r->until : until,
		   mode == GRANT_NONE ? "by hand" : psprintf("%s %s", grant_modes[mode], l->code));
}
