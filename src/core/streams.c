/*
 * streams.c: which streams of activity an event feeds, and what giving back takes from them.
 */
#include "compat.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "core/streams.h"
#include "rule/facts.h"
#include "util/day.h"
#include "util/scan.h"

#define AMOUNT_MAX 1e12 /* what an event adds at most: beyond it counts as 0 */

/* ---- the event as an object ---- */

static void
put(JsonbParseState **to, const char *key, JsonbValue *value)
{
	JsonbValue k = {.type = jbvString};

	k.val.string.val = unconstify(char *, key);
	k.val.string.len = strlen(key);
	pushJsonbValue(to, WJB_KEY, &k);
	pushJsonbValue(to, WJB_VALUE, value);
}

static void
put_text(JsonbParseState **to, const char *key, const char *text)
{
	JsonbValue v = {.type = jbvString};

	if (text == NULL)
		return;
	v.val.string.val = unconstify(char *, text);
	v.val.string.len = strlen(text);
	put(to, key, &v);
}

static void
put_number(JsonbParseState **to, const char *key, Numeric number)
{
	JsonbValue v = {.type = jbvNumeric};

	v.val.numeric = number;
	put(to, key, &v);
}

static void
put_money(JsonbParseState **to, const char *key, int64 minor)
{
	put_number(to, key, int64_div_fast_to_numeric(minor, 2));
}

/* Attributes come first: of a key that comes twice the later stands. */
static void
put_attributes(JsonbParseState **to, Jsonb *attributes)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue v;

	if (attributes == NULL || !JB_ROOT_IS_OBJECT(attributes))
		return;
	it = JsonbIteratorInit(&attributes->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		if (token == WJB_KEY || token == WJB_VALUE)
			pushJsonbValue(to, token, &v);
}

static void
put_moment(JsonbParseState **to, const Program *p, TimestampTz at)
{
	int hour;
	DateADT day = program_hour(p, at, &hour);
	char text[32];

	*put_date(text, day) = '\0';
	put_text(to, "date", text);
	put_number(to, "hour", int64_to_numeric(hour));
	put_number(to, "weekday", int64_to_numeric(1 + (j2day(day + POSTGRES_EPOCH_JDATE) + 6) % 7));
}

/* ---- lines ---- */

/* What is not as it should be is not there: the verb that keeps the lines refuses them. */
typedef struct EventLine
{
	JsonbValue product; /* jbvNull: none */
	JsonbValue category;
	JsonbValue quantity;
	int64 amount;
	int64 list_amount;
} EventLine;

static int
count_lines(const EventFacts *f)
{
	if (f->lines == NULL || !JB_ROOT_IS_ARRAY(f->lines) || JB_ROOT_IS_SCALAR(f->lines))
		return 0;
	return JB_ROOT_COUNT(f->lines);
}

static bool
find(JsonbContainer *object, const char *key, enum jbvType type, JsonbValue *v)
{
	if (getKeyJsonValueFromContainer(object, key, strlen(key), v) && v->type == type)
		return true;
	v->type = jbvNull;
	return false;
}

static int64
to_minor(double v)
{
	return fabs(v) <= AMOUNT_MAX ? (int64) rint(v * 100) : 0;
}

static int64
minor_of(const JsonbValue *v)
{
	return to_minor(DatumGetFloat8(
		DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(v->val.numeric))));
}

static void
read_line(const EventFacts *f, int line, EventLine *out)
{
	JsonbValue *v = getIthJsonbValueFromContainer(&f->lines->root, line - 1);
	JsonbContainer *object;
	JsonbValue number;

	memset(out, 0, sizeof(*out));
	out->product.type = out->category.type = out->quantity.type = jbvNull;
	if (v->type != jbvBinary || !JsonContainerIsObject(v->val.binary.data))
		return;
	object = v->val.binary.data;
	find(object, "product", jbvString, &out->product);
	find(object, "category", jbvString, &out->category);
	find(object, "quantity", jbvNumeric, &out->quantity);
	if (find(object, "amount", jbvNumeric, &number))
		out->amount = minor_of(&number);
	out->list_amount =
		find(object, "list_amount", jbvNumeric, &number) ? minor_of(&number) : out->amount;
}

static void
put_prices(JsonbParseState **to, int64 amount, int64 list_amount)
{
	put_money(to, "amount", amount);
	put_money(to, "list_amount", list_amount);
	put_money(to, "discount", Max(list_amount - amount, 0));
}

static void
put_line(JsonbParseState **to, const EventFacts *f, int line)
{
	EventLine l;

	read_line(f, line, &l);
	if (l.product.type != jbvNull)
		put(to, "product", &l.product);
	if (l.category.type != jbvNull)
		put(to, "category", &l.category);
	if (l.quantity.type != jbvNull)
		put(to, "quantity", &l.quantity);
	else
		put_number(to, "quantity", int64_to_numeric(1));
	put_prices(to, l.amount, l.list_amount);
}

static void
put_purchase(JsonbParseState **to, const StepEvent *e)
{
	int n = count_lines(&e->facts);
	int64 list_amount = e->amount;

	for (int i = 1; i <= n; i++)
	{
		EventLine l;

		read_line(&e->facts, i, &l);
		list_amount += l.list_amount - l.amount;
	}
	put_number(to, "lines", int64_to_numeric(n));
	put_prices(to, e->amount, list_amount);
}

Jsonb *
event_facts(const Program *p, const StepEvent *e, StreamOf of, int line)
{
	static const char *const kinds[] = {"purchase", "purchase", NULL, "refund", "spend"};
	JsonbParseState *to = NULL;

	pushJsonbValue(&to, WJB_BEGIN_OBJECT, NULL);
	put_attributes(&to, e->facts.attributes);
	put_text(&to, "kind", of == OF_EVENT ? e->event_kind : kinds[of]);
	put_moment(&to, p, e->at);
	put_text(&to, "store", e->facts.store);
	put_text(&to, "channel", e->facts.channel);
	put_text(&to, "category", e->facts.category);
	if (of == OF_REFUND || of == OF_SPEND)
	{
		put_text(&to, "source", e->facts.source);
		put_text(&to, "reason", e->facts.reason);
	}
	if (of == OF_SPEND)
		put_number(&to, "points", int64_to_numeric(e->points));
	if (line)
		put_line(&to, &e->facts, line);
	else if (of == OF_PURCHASE)
		put_purchase(&to, e);
	else
		put_money(&to, "amount", of == OF_SPEND ? e->points * 100 : e->amount);
	return JsonbValueToJsonb(pushJsonbValue(&to, WJB_END_OBJECT, NULL));
}

/* ---- step_event.facts ---- */

static const char *
text_of(JsonbContainer *object, const char *key)
{
	JsonbValue v;

	return find(object, key, jbvString, &v) ? pnstrdup(v.val.string.val, v.val.string.len) : NULL;
}

static Jsonb *
part_of(JsonbContainer *object, const char *key)
{
	JsonbValue v;

	return find(object, key, jbvBinary, &v) ? JsonbValueToJsonb(&v) : NULL;
}

static int
numbers_of(JsonbContainer *object, const char *key, int16 **out)
{
	Jsonb *list = part_of(object, key);
	int n = 0;

	if (list == NULL || !JB_ROOT_IS_ARRAY(list))
		return 0;
	*out = palloc(JB_ROOT_COUNT(list) * sizeof(int16));
	for (int i = 0; i < JB_ROOT_COUNT(list); i++)
	{
		JsonbValue *v = getIthJsonbValueFromContainer(&list->root, i);

		if (v->type == jbvNumeric)
			(*out)[n++] =
				DatumGetInt16(DirectFunctionCall1(numeric_int2, NumericGetDatum(v->val.numeric)));
	}
	return n;
}

void
event_facts_read(Jsonb *facts, EventFacts *f)
{
	JsonbContainer *o = &facts->root;

	memset(f, 0, sizeof(*f));
	if (!JB_ROOT_IS_OBJECT(facts))
		return;
	f->store = text_of(o, "store");
	f->channel = text_of(o, "channel");
	f->category = text_of(o, "category");
	f->source = text_of(o, "source");
	f->reason = text_of(o, "reason");
	f->attributes = part_of(o, "attributes");
	f->lines = part_of(o, "lines");
	f->n_refunded = numbers_of(o, "refunded", &f->refunded);
	f->n_refund = numbers_of(o, "refund", &f->refund);
}

/* ---- feeding ---- */

bool
streams_look(const Program *p, StepKind kind)
{
	const ProgramStream *m = program_streams(p);

	for (int i = 0; i < p->n_streams; i++)
		if (program_stream_looks(&m[i]))
			switch ((StreamOf) m[i].of)
			{
				case OF_PURCHASE:
				case OF_LINE:
					if (kind == STEP_PURCHASE || kind == STEP_REFUND || kind == STEP_UNREFUND)
						return true;
					break;
				case OF_EVENT:
					if (kind == STEP_EVENT)
						return true;
					break;
				case OF_REFUND:
					if (kind == STEP_REFUND)
						return true;
					break;
				case OF_SPEND:
					if (kind == STEP_SPEND || kind == STEP_CAPTURE || kind == STEP_REVERSE)
						return true;
					break;
			}
	return false;
}

static void
add_feed(Feeds *out, const ProgramStream *m, int line, int64 amount)
{
	if (out->n == out->size)
	{
		Feed *more = palloc(2 * out->size * sizeof(Feed));

		memcpy(more, out->feed, out->n * sizeof(Feed));
		out->feed = more;
		out->size *= 2;
	}
	out->feed[out->n++] = (Feed){m, line, amount};
}

/* Facts that hold nothing but the event at hand. */
static MemberFacts *
facts_at_hand(Jsonb *event)
{
	MemberFacts *f = palloc(sizeof(MemberFacts));

	facts_begin(f, CurrentMemoryContext);
	memset(f->null, true, sizeof(f->null));
	f->null[FACTS_EVENT] = false;
	f->value[FACTS_EVENT] = JsonbPGetDatum(event);
	return f;
}

static bool
rule_holds(const Program *p, const ProgramStream *m, MemberFacts *f)
{
	const ProgramRule *r = program_rule(p, m->rule);

	f->strings = program_rule_strings(r);
	return eval_truth(f, program_rule_nodes(r), MIN_DAY) == TRUTH_TRUE;
}

/* What is not known counts as 0. */
static int64
rule_amount(const Program *p, const ProgramStream *m, MemberFacts *f)
{
	const ProgramRule *r = program_rule(p, m->amount);
	double v;

	f->strings = program_rule_strings(r);
	v = eval_number(f, program_rule_nodes(r) + 1, MIN_DAY);
	return isnan(v) ? 0 : to_minor(v);
}

/* The event, or a line of it, to the streams of that sort. */
static void
feed_all(const Program *p, const StepEvent *e, StreamOf of, int line, int64 amount, Feeds *out)
{
	const ProgramStream *m = program_streams(p);
	MemberFacts *f = NULL;

	for (int i = 0; i < p->n_streams; i++)
	{
		if (m[i].of != of)
			continue;
		if (m[i].rule == 0 && of == OF_EVENT && strcmp(m[i].code, e->event_kind) != 0)
			continue;
		if (f == NULL && (m[i].rule || m[i].amount))
			f = facts_at_hand(event_facts(p, e, of, line));
		if (m[i].rule == 0 || rule_holds(p, &m[i], f))
			add_feed(out, &m[i], line, m[i].amount ? rule_amount(p, &m[i], f) : amount);
	}
}

static bool
any_of_lines(const Program *p)
{
	for (int i = 0; i < p->n_streams; i++)
		if (program_streams(p)[i].of == OF_LINE)
			return true;
	return false;
}

void
streams_fed(const Program *p, const StepEvent *e, StreamOf of, Feeds *out)
{
	out->n = 0;
	out->size = lengthof(out->few);
	out->feed = out->few;
	feed_all(p, e, of, 0, of == OF_SPEND ? e->points * 100 : e->amount, out);
	if (of != OF_PURCHASE || !any_of_lines(p))
		return;
	for (int i = 1; i <= count_lines(&e->facts); i++)
	{
		EventLine l;

		read_line(&e->facts, i, &l);
		feed_all(p, e, OF_LINE, i, l.amount, out);
	}
}

/* ---- giving back ---- */

/* What was given back of a purchase or spend by some moment. */
typedef struct Given
{
	int64 back;
	int64 of;
	int64 by_lines; /* of it, by naming lines */
	const StepEvent *event;
	bool with_event; /* the event has given its part back, too */
} Given;

static bool
line_given(const Given *g, int line)
{
	const EventFacts *f = &g->event->facts;

	for (int i = 0; i < f->n_refunded; i++)
		if (f->refunded[i] == line)
			return true;
	for (int i = 0; g->with_event && i < f->n_refund; i++)
		if (f->refund[i] == line)
			return true;
	return false;
}

static Given
given(const StepEvent *e, bool with_event, int64 part)
{
	Given g = {e->origin_back + (with_event ? part : 0), e->origin_of, 0, e, with_event};
	int n = e->facts.n_refunded + e->facts.n_refund > 0 ? count_lines(&e->facts) : 0;

	for (int i = 1; i <= n; i++)
		if (line_given(&g, i))
		{
			EventLine l;

			read_line(&e->facts, i, &l);
			g.by_lines += l.amount;
		}
	return g;
}

/*
 * How much of a feed is given back.  Lines that were named are, whole; what was given back by amount falls on the
 * others in proportion.  It only grows, and ends in the whole.
 */
static int64
given_of(const Given *g, const Feed *f, bool *whole)
{
	int64 by_lines = f->line ? g->by_lines : 0;

	*whole = g->back >= g->of || (f->line && line_given(g, f->line));
	if (*whole)
		return f->amount;
	return g->back <= by_lines
			   ? 0
			   : (int64) ((int128) f->amount * (g->back - by_lines) / (g->of - by_lines));
}

/*
 * No more than there is: where the program had another rule when the purchase was made, the stream is counted
 * anew (member.streams_fill), and nothing must stand in the way of a refund meanwhile.
 */
static void
take_back(Activity *a, int stream, DateADT day, int64 count, int64 amount)
{
	ActivityCursor c;
	ActivityWindow held = {0};
	ActivityEntry cut;

	if (!activity_seek_decoded(a, stream, &c))
		return;
	if (!activity_window_try(c, day, day + 1, &held, &cut))
		held.count = cut.count;
	if (held.count > 0)
		activity_do_correct(a, stream, day, Min(count, held.count), amount, NULL);
}

static void
move_part(const Program *p, const StepEvent *e, StreamOf of, int64 part, bool back, Activity *a)
{
	StepEvent origin = *e;
	Given before = given(e, false, part);
	Given after = given(e, true, part);
	DateADT day = program_day(p, e->origin_at);
	Feeds fed;

	origin.at = e->origin_at;
	origin.amount = origin.points = e->origin_of;
	streams_fed(p, &origin, of, &fed);
	for (int i = 0; i < fed.n; i++)
	{
		const Feed *f = &fed.feed[i];
		bool was_whole, is_whole;
		int64 amount = -given_of(&before, f, &was_whole);

		amount += given_of(&after, f, &is_whole);
		if (f->stream->purchases)
			continue;
		if (back)
			take_back(a, f->stream->id, day, is_whole && !was_whole, amount);
		else
			activity_do_add(a, f->stream->id, day, is_whole && !was_whole, amount, amount, 0);
	}
}

void
streams_take_back(const Program *p, const StepEvent *e, StreamOf of, int64 part, Activity *a)
{
	move_part(p, e, of, part, true, a);
}

void
streams_give_again(const Program *p, const StepEvent *e, StreamOf of, int64 part, Activity *a)
{
	move_part(p, e, of, part, false, a);
}

/* ---- counting alone ---- */

void
streams_fold(const Program *p, DateADT today, Activity *a)
{
	const ProgramStream *m = program_streams(p);

	for (int i = 0; i < p->n_streams; i++)
		activity_do_trim(a, m[i].id, today, m[i].keep_days, m[i].keep_months);
}

static void
count_fed(const Program *p, const StepEvent *e, StreamOf of, Activity *a)
{
	DateADT day = program_day(p, e->at);
	Feeds fed;

	streams_fed(p, e, of, &fed);
	for (int i = 0; i < fed.n; i++)
		if (!fed.feed[i].stream->purchases)
			activity_do_add(a, fed.feed[i].stream->id, day, 1, fed.feed[i].amount,
							fed.feed[i].amount, e->category);
}

void
streams_count(const Program *p, const StepEvent *e, StepState *state)
{
	Activity *a = &state->activity;
	TimestampTz now = Max(e->at, e->booked_at);

	state->at = state->begun ? Max(now, state->at) : now;
	state->begun = true;
	streams_fold(p, program_day(p, state->at), a);
	switch (e->kind)
	{
		case STEP_PURCHASE:
			count_fed(p, e, OF_PURCHASE, a);
			break;
		case STEP_REFUND:
			streams_take_back(p, e, OF_PURCHASE, e->amount, a);
			count_fed(p, e, OF_REFUND, a);
			break;
		case STEP_UNREFUND:
			streams_give_again(p, e, OF_PURCHASE, e->amount, a);
			break;
		case STEP_EVENT:
			count_fed(p, e, OF_EVENT, a);
			break;
		case STEP_SPEND:
		case STEP_CAPTURE:
			count_fed(p, e, OF_SPEND, a);
			break;
		case STEP_REVERSE:
			if (streams_is_spend(e))
				streams_take_back(p, e, OF_SPEND, e->points, a);
			break;
		default:
			break;
	}
}
