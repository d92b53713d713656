/*
 * ruleset_eval.c: computing all rules of a set for one member: a pass over the nodes, class by class.
 *
 * Nothing is computed twice, and nothing is looked up that the order of the nodes gives: windows of a stream
 * follow each other, tags ascend as the member's do, and comparisons are branch-free.
 */
#include "compat.h"

#include "port/pg_bitutils.h"

#include "rule/ruleset.h"
#include "util/day.h"

/* The node as readers of single rules know it. */
static inline RuleNode
as_rule_node(const SetNode *n)
{
	RuleNode node = {.op = n->op, .what = n->what, .unit = n->unit, .size = 1};

	node.micro = n->micro;
	return node;
}

static void
make_streams(SetMachine *m)
{
	const SetNode *nodes = ruleset_nodes(m->set);
	int start = m->set->start[SET_WINDOW];
	int end = m->set->start[SET_WINDOW + 1];

	m->stream = palloc((end - start + 1) * sizeof(SetStream));
	for (int i = start; i < end; i++)
	{
		if (i == start || nodes[i].id != nodes[i - 1].id)
			m->stream[m->n_streams++] = (SetStream){nodes[i].id, i, i + 1};
		else
			m->stream[m->n_streams - 1].to = i + 1;
	}
}

/* At least half of the table is free, so that a search ends. */
static SetTag *
find_tag(const SetMachine *m, int32 id)
{
	uint32 slot = (uint32) id & m->tag_mask;

	while (m->tag[slot].id != id && m->tag[slot].id != 0)
		slot = (slot + 1) & m->tag_mask;
	return &m->tag[slot];
}

static void
make_tags(SetMachine *m)
{
	const SetNode *nodes = ruleset_nodes(m->set);
	int start = m->set->start[SET_TAG];
	int end = m->set->start[SET_TAG + 1];

	m->tag_mask = pg_nextpower2_32(2 * (end - start) + 2) - 1;
	m->tag = palloc0((m->tag_mask + 1) * sizeof(SetTag));
	for (int i = start; i < end; i++)
		*find_tag(m, nodes[i].id) = (SetTag){nodes[i].id, i};
}

static void
make_comparisons(SetMachine *m)
{
	const SetNode *nodes = ruleset_nodes(m->set);
	int start = m->set->start[SET_COMPARE];
	int end = m->set->start[SET_COMPARE + 1];

	m->kind = palloc((end - start + 1) * sizeof(SetKind));
	m->pair = palloc((end - start + 1) * sizeof(SetPair));
	for (int i = start; i < end; i++)
	{
		SetKind *kind = &m->kind[m->n_kinds - 1];

		if (i == start || kind->what != nodes[i].what || kind->exact != nodes[i].exact)
			m->kind[m->n_kinds++] = (SetKind){i, i + 1, nodes[i].what, nodes[i].exact};
		else
			kind->to = i + 1;
		m->pair[i - start] = (SetPair){nodes[i].id, nodes[i].arg};
	}
}

static void
make_joins(SetMachine *m)
{
	const SetNode *nodes = ruleset_nodes(m->set);
	int start = m->set->start[SET_JOIN];
	int end = m->set->start[SET_JOIN + 1];

	m->join = palloc((end - start + 1) * sizeof(SetJoin));
	for (int i = start; i < end; i++)
		m->join[i - start] = (SetJoin){nodes[i].args, nodes[i].args + nodes[i].n, nodes[i].op};
}

SetMachine *
machine_make(const Ruleset *set)
{
	SetMachine *m = palloc0(sizeof(SetMachine));
	const SetNode *nodes = ruleset_nodes(set);
	const int32 *start = set->start;

	m->set = set;
	m->number = palloc0((set->n_nodes + 1) * sizeof(double));
	m->truth = palloc0((set->n_nodes + 1) * sizeof(Truth));
	m->text = palloc0((set->n_nodes + 1) * sizeof(SetText));
	m->span = palloc0((set->n_windows + 1) * sizeof(SetSpan));
	m->holding = palloc((set->n_rules + 1) * sizeof(int32));
	m->day = NO_DAY;
	for (int i = 0; i < set->n_windows; i++)
		m->needs_joined |= window_needs_joined(&ruleset_windows(set)[i]);
	m->measure = palloc((start[SET_MEASURE + 1] - start[SET_MEASURE] + 1) * sizeof(RuleNode));
	for (int i = start[SET_MEASURE]; i < start[SET_MEASURE + 1]; i++)
		m->measure[i - start[SET_MEASURE]] = as_rule_node(&nodes[i]);
	for (int i = start[SET_LITERAL]; i < start[SET_LITERAL + 1]; i++)
	{
		if (nodes[i].op == RULE_NUMBER)
			m->number[i] = (double) nodes[i].micro / RULE_MICRO;
		else
			m->text[i] = (SetText){ruleset_strings(set) + nodes[i].id, nodes[i].arg};
	}
	make_streams(m);
	make_tags(m);
	make_comparisons(m);
	make_joins(m);
	return m;
}

/* ---- values ---- */

/* The days of each window: once for all members of a day, but for membership years. */
static void
set_spans(SetMachine *m, MemberFacts *f, DateADT day)
{
	const RuleNode *windows = ruleset_windows(m->set);
	DateADT joined = NO_DAY;

	if (m->day == day && !m->needs_joined)
		return;
	for (int i = 0; i < m->set->n_windows; i++)
	{
		if (window_needs_joined(&windows[i]))
		{
			if ((joined = facts_day(f, FACTS_JOINED)) == NO_DAY)
				continue;
		}
		else if (m->day == day)
			continue;
		m->span[i] = (SetSpan){window_since(&windows[i], day, joined),
							   window_until(&windows[i], day, joined)};
	}
	m->day = day;
}

/* Registers from .. to) hold measures of one stream, by window. */
static void
run_stream(SetMachine *m, MemberFacts *f, FactsStream *s, int from, int to)
{
	const SetNode *nodes = ruleset_nodes(m->set);
	const FactsStep *step = facts_steps(f, s);
	double *number = m->number;
	int32 window = -1;
	bool known = false;
	int first = 0;
	int end = 0;

	for (int i = from; i < to; i++)
	{
		const SetNode *n = &nodes[i];

		if (n->window != window)
		{
			SetSpan span = m->span[n->window];

			window = n->window;
			known = !s->broken && window_find(step, s->n, span.since, span.until, &first, &end);
		}
		number[i] = known ? window_pick(n->what, step, first, end) : UNKNOWN;
	}
}

/* Of a stream that the member has nothing in, all is 0. */
static void
run_windows(SetMachine *m, MemberFacts *f, DateADT day)
{
	const Ruleset *set = m->set;

	int at = 0;

	set_spans(m, f, day);
	facts_streams(f);
	/* both ascend */
	for (const SetStream *w = m->stream; w < m->stream + m->n_streams; w++)
	{
		while (at < f->n_streams && f->stream[at].cursor.stream < w->id)
			at++;
		if (at < f->n_streams && f->stream[at].cursor.stream == w->id)
			run_stream(m, f, &f->stream[at], w->from, w->to);
		else
			memset(m->number + w->from, 0, (w->to - w->from) * sizeof(double));
	}
	if (m->needs_joined && facts_day(f, FACTS_JOINED) == NO_DAY)
		for (int i = set->start[SET_WINDOW]; i < set->start[SET_WINDOW + 1]; i++)
			if (window_needs_joined(&ruleset_windows(set)[ruleset_nodes(set)[i].window]))
				m->number[i] = UNKNOWN;
}

static void
run_fields(SetMachine *m, MemberFacts *f, DateADT day)
{
	const SetNode *nodes = ruleset_nodes(m->set);

	for (int i = m->set->start[SET_FIELD]; i < m->set->start[SET_FIELD + 1]; i++)
	{
		RuleNode node = as_rule_node(&nodes[i]);

		if (node.unit == TYPE_NUMBER)
			m->number[i] = field_number(f, &node);
		else if (node.unit == TYPE_ANY)
			m->truth[i] = truth_of(field_known(f, &node, day));
		else if (!field_text(f, &node, day, &m->text[i].text, &m->text[i].len))
			m->text[i].text = NULL;
	}
}

static void
run_arithmetic(SetMachine *m)
{
	const SetNode *nodes = ruleset_nodes(m->set);
	const int32 *args = ruleset_args(m->set);

	for (int i = m->set->start[SET_ARITHMETIC]; i < m->set->start[SET_ARITHMETIC + 1]; i++)
	{
		const SetNode *n = &nodes[i];
		double a = m->number[args[n->args]];
		double b = n->n > 1 ? m->number[args[n->args + 1]] : 0;

		switch ((RuleOp) n->op)
		{
			case RULE_NEGATE:
				m->number[i] = -a;
				break;
			case RULE_ADD:
				m->number[i] = a + b;
				break;
			case RULE_SUBTRACT:
				m->number[i] = a - b;
				break;
			case RULE_MULTIPLY:
				m->number[i] = a * b;
				break;
			default:
				m->number[i] = b == 0 ? UNKNOWN : a / b;
				break;
		}
	}
}

/* ---- conditions ---- */

static void
run_tags(SetMachine *m, MemberFacts *f, DateADT day)
{
	int start = m->set->start[SET_TAG];
	int n = m->set->start[SET_TAG + 1] - start;

	if (n == 0)
		return;
	memset(m->truth + start, TRUTH_FALSE, n);
	facts_tags(f);
	for (const Tag *tag = f->tags.tag; tag < f->tags.tag + f->tags.n; tag++)
	{
		const SetTag *found = find_tag(m, tag->id);

		if (found->id)
			m->truth[found->at] = truth_of(tag_is_live(tag, day));
	}
}

/* Of numbers, without branches; a NaN is neither less nor equal nor greater. */
static pg_attribute_always_inline Truth
compare(RuleComparison what, double a, double b)
{
	Truth less = a < b;
	Truth equal = a == b;
	Truth greater = a > b;

	switch (what)
	{
		case RULE_EQ:
			return equal | (less | greater) << 1;
		case RULE_NE:
			return (less | greater) | equal << 1;
		case RULE_LT:
			return less | (Truth) (a >= b) << 1;
		case RULE_LE:
			return (Truth) (a <= b) | greater << 1;
		case RULE_GT:
			return greater | (Truth) (a <= b) << 1;
		default:
			return (Truth) (a >= b) | less << 1;
	}
}

static pg_attribute_always_inline void
compare_all(const SetMachine *m, const SetKind *kind, RuleComparison what)
{
	const SetPair *pair = m->pair - m->set->start[SET_COMPARE];
	const double *number = m->number;
	Truth *truth = m->truth;
	int to = kind->to;

	if (kind->exact)
		for (int i = kind->from; i < to; i++)
			truth[i] = compare(what, number[pair[i].a], number[pair[i].b]);
	else
		for (int i = kind->from; i < to; i++)
			truth[i] = compare(what, to_micro(number[pair[i].a]), to_micro(number[pair[i].b]));
}

/* A loop of its own for each kind. */
static void
run_comparisons(SetMachine *m)
{
	for (const SetKind *kind = m->kind; kind < m->kind + m->n_kinds; kind++)
	{
		switch ((RuleComparison) kind->what)
		{
			case RULE_EQ:
				compare_all(m, kind, RULE_EQ);
				break;
			case RULE_NE:
				compare_all(m, kind, RULE_NE);
				break;
			case RULE_LT:
				compare_all(m, kind, RULE_LT);
				break;
			case RULE_LE:
				compare_all(m, kind, RULE_LE);
				break;
			case RULE_GT:
				compare_all(m, kind, RULE_GT);
				break;
			case RULE_GE:
				compare_all(m, kind, RULE_GE);
				break;
		}
	}
}

static inline bool
is_text(const SetNode *n)
{
	return n->op == RULE_STRING ||
		   (n->op == RULE_FIELD && (n->what < FIELD_ATTR || n->unit == TYPE_TEXT));
}

/* Whether the first is one of the others, which are literals. */
static Truth
text_in(const SetMachine *m, const int32 *args, int n)
{
	const SetText *x = &m->text[args[0]];

	if (x->text == NULL)
		return TRUTH_UNKNOWN;
	for (int i = 1; i < n; i++)
	{
		const SetText *y = &m->text[args[i]];

		if (x->len == y->len && memcmp(x->text, y->text, x->len) == 0)
			return TRUTH_TRUE;
	}
	return TRUTH_FALSE;
}

static Truth
compare_registers(const SetMachine *m, RuleComparison what, int32 a, int32 b, DateADT day)
{
	const SetNode *nodes = ruleset_nodes(m->set);
	const SetText *x = &m->text[a];
	const SetText *y = &m->text[b];
	double v = m->number[a];
	int order;

	if (!is_text(&nodes[a]))
	{
		double bound = m->number[b];

		if (nodes[b].op == RULE_NUMBER && nodes[b].what == RULE_MONTHS && !isnan(v))
			bound = add_months(day - (DateADT) v, (int) bound) - (day - (DateADT) v);
		return compare(what, to_micro(v), to_micro(bound));
	}
	if (x->text == NULL || y->text == NULL)
		return TRUTH_UNKNOWN;
	if (what <= RULE_NE && x->len != y->len)
		return truth_of(what == RULE_NE);
	order = memcmp(x->text, y->text, Min(x->len, y->len));
	if (order == 0)
		order = x->len - y->len;
	return compare(what, order, 0);
}

static Truth
run_condition(SetMachine *m, MemberFacts *f, const SetNode *n, DateADT day)
{
	const int32 *args = ruleset_args(m->set) + n->args;
	const SetNode *value = n->n ? &ruleset_nodes(m->set)[args[0]] : NULL;
	Truth t = TRUTH_FALSE;
	RuleNode node;

	switch ((RuleOp) n->op)
	{
		case RULE_BOOL:
			return truth_of(n->arg != 0);
		case RULE_COMPARE:
			return compare_registers(m, n->what, args[0], args[1], day);
		case RULE_BETWEEN:
			return truth_and(compare_registers(m, RULE_GE, args[0], args[1], day),
							 compare_registers(m, RULE_LE, args[0], args[2], day));
		case RULE_IN:
			if (is_text(value))
				return text_in(m, args, n->n);
			for (int i = 1; i < n->n && t != TRUTH_TRUE; i++)
				t = truth_or(t, compare_registers(m, RULE_EQ, args[0], args[i], day));
			return t;
		case RULE_KNOWN:
			if (value->op == RULE_FIELD && value->unit == TYPE_ANY)
				return m->truth[args[0]];
			if (value->op == RULE_STRING || (value->op == RULE_FIELD && value->unit != TYPE_NUMBER))
				return truth_of(m->text[args[0]].text != NULL);
			return truth_of(!isnan(m->number[args[0]]));
		default:
			node = as_rule_node(n);
			return field_truth(f, &node);
	}
}

/*
 * "and" is true if all are, false if any is; "or" the other way round.  A truth has a bit for each, so both are what
 * is common to all and what is in any.
 */
static void
run_joins(SetMachine *m)
{
	const int32 *args = ruleset_args(m->set);
	const SetJoin *join = m->join;
	Truth *truth = m->truth;
	int end = m->set->start[SET_JOIN + 1];

	for (int i = m->set->start[SET_JOIN]; i < end; i++, join++)
	{
		Truth all = truth[args[join->from]];
		Truth any = all;

		for (int j = join->from + 1; j < join->to; j++)
		{
			all &= truth[args[j]];
			any |= truth[args[j]];
		}
		if (join->op == RULE_AND)
			truth[i] = (all & TRUTH_TRUE) | (any & TRUTH_FALSE);
		else if (join->op == RULE_OR)
			truth[i] = (any & TRUTH_TRUE) | (all & TRUTH_FALSE);
		else
			truth[i] = truth_not(all);
	}
}

void
machine_run(SetMachine *m, MemberFacts *f, DateADT day)
{
	const Ruleset *set = m->set;
	const SetNode *nodes = ruleset_nodes(set);

	f->strings = ruleset_strings(set);
	run_windows(m, f, day);
	for (int i = set->start[SET_MEASURE]; i < set->start[SET_MEASURE + 1]; i++)
		m->number[i] = measure_value(f, &m->measure[i - set->start[SET_MEASURE]], day);
	run_fields(m, f, day);
	run_arithmetic(m);
	run_tags(m, f, day);
	run_comparisons(m);
	for (int i = set->start[SET_CONDITION]; i < set->start[SET_CONDITION + 1]; i++)
		m->truth[i] = run_condition(m, f, &nodes[i], day);
	run_joins(m);
}
