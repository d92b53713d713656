/*
 * measure.c: the value of each measure and field of the rule language on a day.
 */
#include "compat.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "rule/facts.h"
#include "util/day.h"

#define RFM_DAYS 365 /* scores look back so far, as member.rfm_of() does */

/* ---- windows ---- */

double
window_largest(const FactsStep *step, int from, int to)
{
	int64 largest = ACTIVITY_NONE;

	for (int i = from; i < to; i++)
		largest = Max(largest, step[i].largest);
	return largest == ACTIVITY_NONE ? 0 : (double) largest / 100;
}

/* Of [since, until); unknown when only a total is kept of a part of it. */
double
window_value(MemberFacts *f, const RuleNode *m, FactsStream *s, DateADT since, DateADT until)
{
	const FactsStep *step = facts_steps(f, s);
	int from, to;

	if (s->broken || !window_find(step, s->n, since, until, &from, &to))
		return UNKNOWN;
	return window_pick(m->what, step, from, to);
}

static double
window_measure(MemberFacts *f, const RuleNode *m, DateADT day)
{
	DateADT joined = NO_DAY;
	FactsStream *s;

	if (window_needs_joined(m) && (joined = facts_day(f, FACTS_JOINED)) == NO_DAY)
		return UNKNOWN;
	if ((s = facts_stream(f, m->id)) == NULL)
		return 0;
	return window_value(f, m, s, window_since(m, day, joined), window_until(m, day, joined));
}

/* ---- days of events ---- */

static bool
has_events(const FactsStep *step, int i)
{
	return step[i].count > (i > 0 ? step[i - 1].count : 0);
}

/* The last day with an event up to the day, DATEVAL_NOBEGIN when there is none; false when only a total is kept. */
bool
last_event(MemberFacts *f, FactsStream *s, DateADT day, DateADT *last)
{
	const FactsStep *step = facts_steps(f, s);

	*last = DATEVAL_NOBEGIN;
	for (int i = s->n - 1; i >= 0; i--)
	{
		if (step[i].first > day || !has_events(step, i))
			continue;
		*last = step[i].last;
		return step[i].last <= day;
	}
	return true;
}

static double
recency(MemberFacts *f, FactsStream *s, DateADT day)
{
	DateADT last;

	if (!last_event(f, s, day, &last) || last == DATEVAL_NOBEGIN)
		return UNKNOWN;
	return day - last;
}

static double
since_first(MemberFacts *f, FactsStream *s, DateADT day)
{
	const FactsStep *step = facts_steps(f, s);

	for (int i = 0; i < s->n; i++)
		if (has_events(step, i))
			return step[i].first <= day ? day - step[i].first : UNKNOWN;
	return UNKNOWN;
}

/* Days since anything happened; joining is something, too. */
static double
idle(MemberFacts *f, DateADT day)
{
	DateADT latest = facts_day(f, FACTS_JOINED);

	if (latest > day)
		latest = NO_DAY;
	facts_streams(f);
	for (int i = 0; i < f->n_streams; i++)
	{
		DateADT last;

		if (!last_event(f, &f->stream[i], day, &last))
			return UNKNOWN;
		latest = Max(latest, last);
	}
	return latest == NO_DAY ? UNKNOWN : day - latest;
}

/* Mean days from one active day to the next. */
static double
mean_gap(MemberFacts *f, FactsStream *s)
{
	const FactsStep *step = facts_steps(f, s);
	int first = 0;
	int last = s->n - 1;

	while (first < s->n && !has_events(step, first))
		first++;
	while (last > first && !has_events(step, last))
		last--;
	if (first == s->n || step[s->n - 1].active < 2)
		return UNKNOWN;
	return (double) (step[last].last - step[first].first) / (double) (step[s->n - 1].active - 1);
}

/*
 * Months in a row whose count fell, backwards from the last complete one: of most members two or three are
 * looked at.  An entry that reaches from month to month is left to the walk forward, which knows what is certain.
 */
static double
falling_months(MemberFacts *f, FactsStream *s, DateADT day)
{
	const FactsStep *step = facts_steps(f, s);
	int64 after = PG_INT64_MIN; /* count of the month after */
	int falls = -1;
	int end = s->n;
	bool exact;

	for (int month = month_of(day); !s->broken; month--)
	{
		DateADT start = month_start(month);
		int from = steps_at(step, end, start);
		int64 count = (end > 0 ? step[end - 1].count : 0) - (from > 0 ? step[from - 1].count : 0);

		if (from < s->n && step[from].first < start)
			break;
		if (month < month_of(day))
		{
			if (after >= count)
				return falls;
			after = count;
			falls++;
		}
		end = from;
	}
	falls = activity_falling_months(s->cursor, day, &exact);
	return exact ? falls : UNKNOWN;
}

static double
stream_measure(MemberFacts *f, const RuleNode *m, DateADT day)
{
	FactsStream *s = facts_stream(f, m->id);
	bool exact;
	double value;

	if (s == NULL)
		return m->what == MEASURE_RUN || m->what == MEASURE_STREAK ||
					   m->what == MEASURE_FALLING_MONTHS
				   ? 0
				   : UNKNOWN;
	switch ((RuleMeasure) m->what)
	{
		case MEASURE_RECENCY:
			return recency(f, s, day);
		case MEASURE_SINCE_FIRST:
			return since_first(f, s, day);
		case MEASURE_MEAN_GAP:
			return mean_gap(f, s);
		case MEASURE_STREAK:
			value = activity_streak(s->cursor, day, &exact);
			return exact ? value : UNKNOWN;
		case MEASURE_FALLING_MONTHS:
			return falling_months(f, s, day);
		default: /* MEASURE_RUN */
			return (double) (m->arg ? activity_run(&s->cursor, m->arg) : s->cursor.run);
	}
}

/* ---- points ---- */

static int64
expiring_of(const Book *b, const RuleNode *m, DateADT day)
{
	int64 sum = 0;

	for (int i = 0; i < b->n; i++)
	{
		const Lot *lot = &b->lot[i];

		if (lot->wallet == m->id && lot->from <= day && lot->until > day &&
			!DATE_IS_NOEND(lot->until) && lot->until <= day + m->arg)
			sum += lot->amount;
	}
	return sum;
}

static double
wallet_measure(MemberFacts *f, const RuleNode *m, DateADT day)
{
	const Book *b = facts_book(f);
	int64 sum = 0;
	Book settled, delta;

	if (m->what == MEASURE_BALANCE && f->in_debt)
		return (double) book_balance(b, (int16) m->id, day);
	if (m->what == MEASURE_EXPIRING)
	{
		if (!f->in_debt || !book_is_sound(b))
			return (double) expiring_of(b, m, day);
		book_settle(b, day, &delta);
		book_init(&settled);
		book_add_all(&settled, b, 1);
		book_add_all(&settled, &delta, 1);
		return (double) expiring_of(&settled, m, day);
	}
	for (int i = 0; i < b->n; i++)
	{
		const Lot *lot = &b->lot[i];

		if (lot->wallet != m->id)
			continue;
		if (m->what == MEASURE_PENDING ? lot->from > day : lot->from <= day && day < lot->until)
			sum += lot->amount;
	}
	return (double) sum;
}

/* ---- levels, scores ---- */

static double
ladder_measure_of(MemberFacts *f, const RuleNode *m, DateADT day)
{
	const Rank *r = facts_rank(f, m->id);

	if (m->what == MEASURE_TIER)
		return rank_level(r);
	if (r == NULL)
		return UNKNOWN;
	if (m->what == MEASURE_TIER_DAYS)
		return day >= r->since ? day - r->since : UNKNOWN;
	return DATE_IS_NOEND(r->until) ? UNKNOWN : r->until - day;
}

/* The score of a stream, kept for what else is asked of it; 0: none. */
static int32
rfm_score_on(MemberFacts *f, int32 stream, DateADT day)
{
	RuleNode window = {.op = RULE_MEASURE, .what = MEASURE_COUNT_OF, .id = stream};
	FactsStream *s = facts_stream(f, stream);
	double count, amount;
	DateADT last;

	if (f->scored == stream && f->scored_day == day)
		return f->score;
	f->scored = stream;
	f->scored_day = day;
	f->score = 0;
	if (s == NULL || f->null[FACTS_CUTS])
		return 0;
	count = window_value(f, &window, s, day - RFM_DAYS + 1, day + 1);
	window.what = MEASURE_AMOUNT_OF;
	amount = window_value(f, &window, s, day - RFM_DAYS + 1, day + 1);
	if (!isnan(count) && count >= 1 && last_event(f, s, day, &last))
		f->score = rfm_score_of(PG_DETOAST_DATUM_PACKED(f->value[FACTS_CUTS]), day - last,
								(int64) count, (int64) rint(amount * 100));
	return f->score;
}

static double
rfm_measure_of(MemberFacts *f, const RuleNode *m, DateADT day)
{
	int32 score = rfm_score_on(f, m->id, day);
	struct varlena *cuts;

	if (score == 0)
		return UNKNOWN;
	cuts = PG_DETOAST_DATUM_PACKED(f->value[FACTS_CUTS]);
	switch ((RuleMeasure) m->what)
	{
		case MEASURE_R:
			return rfm_part(score, RFM_RECENCY);
		case MEASURE_F:
			return rfm_part(score, RFM_FREQUENCY);
		case MEASURE_M:
			return rfm_part(score, RFM_MONETARY);
		case MEASURE_VALUE_GROUP:
			return rfm_value_group_of(cuts, score);
		case MEASURE_STRATEGY_GROUP:
			return rfm_strategy_group_of(cuts, score);
		default: /* MEASURE_SEGMENT */
			return rfm_segment_of(cuts, score);
	}
}

/* ---- the calendar ---- */

/* The next return of a day, on the day or after it; the day itself is none unless from_itself. */
bool
yearly_next(DateADT from, DateADT day, bool from_itself, DateADT *next)
{
	int years;

	if (from == NO_DAY || day < from)
		return false;
	years = years_passed(from, day);
	*next = add_months(from, 12 * years);
	if (*next < day || (years == 0 && !from_itself))
		*next = add_months(from, 12 * (years + 1));
	return true;
}

static double
calendar_measure(MemberFacts *f, const RuleNode *m, DateADT day)
{
	DateADT birthday = facts_day(f, FACTS_BIRTHDAY);
	DateADT joined = facts_day(f, FACTS_JOINED);
	DateADT next;

	switch ((RuleMeasure) m->what)
	{
		case MEASURE_AGE:
			return birthday == NO_DAY || day < birthday ? UNKNOWN : years_passed(birthday, day);
		case MEASURE_BIRTHDAY_IN:
			return yearly_next(birthday, day, true, &next) ? next - day : UNKNOWN;
		case MEASURE_ANNIVERSARY_IN:
			return yearly_next(joined, day, false, &next) ? next - day : UNKNOWN;
		default: /* MEASURE_TENURE */
			return joined == NO_DAY || day < joined ? UNKNOWN : day - joined;
	}
}

static bool
plan_is_valid(const MemberFacts *f, DateADT day)
{
	DateADT until = facts_day(f, FACTS_PLAN_UNTIL);

	return !f->null[FACTS_PLAN] && facts_day(f, FACTS_PLAN_SINCE) <= day &&
		   (until == NO_DAY || day < until);
}

static double
plan_measure(const MemberFacts *f, const RuleNode *m, DateADT day)
{
	DateADT since = facts_day(f, FACTS_PLAN_SINCE);
	DateADT until = facts_day(f, FACTS_PLAN_UNTIL);

	if (m->what == MEASURE_PLAN_DAYS)
		return since != NO_DAY && plan_is_valid(f, day) ? day - since : UNKNOWN;
	return f->null[FACTS_PLAN] || until == NO_DAY ? UNKNOWN : until - day;
}

static double
key_measure(const MemberFacts *f, const RuleNode *m, DateADT day)
{
	DateADT date = facts_attribute_day(f, m);

	if (date == NO_DAY)
		return UNKNOWN;
	return m->what == MEASURE_DAYS_SINCE ? day - date : date - day;
}

double
measure_value(MemberFacts *f, const RuleNode *m, DateADT day)
{
	const Tag *tag;

	switch ((RuleMeasure) m->what)
	{
		case MEASURE_COUNT_OF:
		case MEASURE_AMOUNT_OF:
		case MEASURE_LARGEST_OF:
		case MEASURE_VISITS:
		case MEASURE_HAS:
			return window_measure(f, m, day);
		case MEASURE_IDLE:
			return idle(f, day);
		case MEASURE_BALANCE:
		case MEASURE_PENDING:
		case MEASURE_EXPIRING:
			return wallet_measure(f, m, day);
		case MEASURE_TIER:
		case MEASURE_TIER_DAYS:
		case MEASURE_TIER_LEFT:
			return ladder_measure_of(f, m, day);
		case MEASURE_R:
		case MEASURE_F:
		case MEASURE_M:
		case MEASURE_VALUE_GROUP:
		case MEASURE_STRATEGY_GROUP:
		case MEASURE_SEGMENT:
			return rfm_measure_of(f, m, day);
		case MEASURE_P_ALIVE:
		case MEASURE_PURCHASES:
		case MEASURE_CLV:
			return worth_measure(f, m, day);
		case MEASURE_AGE:
		case MEASURE_BIRTHDAY_IN:
		case MEASURE_ANNIVERSARY_IN:
		case MEASURE_TENURE:
			return calendar_measure(f, m, day);
		case MEASURE_PLAN_DAYS:
		case MEASURE_PLAN_LEFT:
			return plan_measure(f, m, day);
		case MEASURE_WEIGHT:
			tag = facts_tag(f, m->id);
			return tag ? tag_weight(tag, day) : 0;
		case MEASURE_DAYS_SINCE:
		case MEASURE_DAYS_UNTIL:
			return key_measure(f, m, day);
		default:
			return stream_measure(f, m, day);
	}
}

/* ---- fields ---- */

static FactsAttribute
attribute_of(const RuleNode *field)
{
	return (FactsAttribute) (FACTS_GENDER + (field->what - FIELD_GENDER));
}

static bool
is_keyed(const RuleNode *field)
{
	return field->what == FIELD_ATTR || field->what == FIELD_EVENT;
}

bool
field_text(MemberFacts *f, const RuleNode *field, DateADT day, const char **text, int *len)
{
	FactsAttribute which = attribute_of(field);
	JsonbValue value;
	struct varlena *v;

	if (is_keyed(field))
	{
		if (!facts_attribute(f, field, field->what == FIELD_EVENT, &value) ||
			value.type != jbvString)
			return false;
		*text = value.val.string.val;
		*len = value.val.string.len;
		return true;
	}
	*text = "";
	*len = 0;
	if (field->what == FIELD_PLAN && !plan_is_valid(f, day))
		return true;
	if (f->null[which])
		return false;
	v = PG_DETOAST_DATUM_PACKED(f->value[which]);
	*text = VARDATA_ANY(v);
	*len = VARSIZE_ANY_EXHDR(v);
	return true;
}

/* Whole numbers do not go through text, as numeric's own conversion does. */
static double
numeric_number(Numeric n)
{
	double number;

	if (!numeric_is_nan(n) && !numeric_is_inf(n) &&
		DatumGetInt32(DirectFunctionCall1(numeric_scale, NumericGetDatum(n))) == 0)
	{
		bool overflow = false;
		int32 whole = numeric_int4_opt_error(n, &overflow);

		if (!overflow)
			return whole;
	}
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(n)));
	return isfinite(number) ? number : UNKNOWN;
}

double
field_number(MemberFacts *f, const RuleNode *field)
{
	JsonbValue value;

	if (!is_keyed(field) || !facts_attribute(f, field, field->what == FIELD_EVENT, &value) ||
		value.type != jbvNumeric)
		return UNKNOWN;
	return numeric_number(value.val.numeric);
}

Truth
field_truth(MemberFacts *f, const RuleNode *field)
{
	JsonbValue value;

	if (!facts_attribute(f, field, field->what == FIELD_EVENT, &value) || value.type != jbvBool)
		return TRUTH_UNKNOWN;
	return truth_of(value.val.boolean);
}

bool
field_known(MemberFacts *f, const RuleNode *field, DateADT day)
{
	JsonbValue value;
	const char *text;
	int len;

	if (is_keyed(field))
		return facts_attribute(f, field, field->what == FIELD_EVENT, &value);
	return field_text(f, field, day, &text, &len);
}
