/*
 * ruleset_eval.c: computing all rules of a set for one member: a pass over the nodes, class by class.
 *
 * Nothing is computed twice, and nothing is looked up that the order of the nodes gives: windows of a stream
 * follow each other, tags ascend as the member's do, and comparisons are branch-free.
 */
#include "compat.h"

#include "rule/ruleset.h"
#include "util/day.h"

SetMachine *
machine_make(const Ruleset *set)
{
	SetMachine *m = palloc0(sizeof(SetMachine));
	const SetNode *nodes = ruleset_nodes(set);

	m->set = set;
	m->number = palloc0((set->n_nodes + 1) * sizeof(double));
	m->truth = palloc0((set->n_nodes + 1) * sizeof(Truth));
	m->text = palloc0((set->n_nodes + 1) * sizeof(SetText));
	m->span = palloc0((set->n_windows + 1) * sizeof(SetSpan));
	m->holding = palloc((set->n_rules + 1) * sizeof(int32));
	m->day = NO_DAY;
	for (int i = set->start[SET_LITERAL]; i < set->start[SET_LITERAL + 1]; i++)
	{
		if (nodes[i].op == RULE_NUMBER)
			m->number[i] = (double) nodes[i].micro / RULE_MICRO;
		else
			m->text[i] = (SetText){ruleset_strings(set) + nodes[i].id, nodes[i].arg};
	}
	return m;
}

/* The node as readers of single rules know it. */
static inline RuleNode
as_rule_node(const SetNode *n)
{
	RuleNode node = {.op = n->op, .what = n->what, .unit = n->unit, .size = 1};

	node.micro = n->micro;
	return node;
}

/* ---- values ---- */

/* The days of each window: once for all members of a day, but for membership years. */
static void
set_spans(SetMachine *m, MemberFacts *f, DateADT day)
{
	const RuleNode *windows = ruleset_windows(m->set);
	DateADT joined = NO_DAY;

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

/* Where the windows of one stream lie; they follow each other. */
typedef struct StreamWindow
{
	int32 stream;
	int32 window;
	FactsStream *s;
	const FactsStep *step;
	int from;
	int to;
	bool known;
} StreamWindow;

static void
find_window(SetMachine *m, MemberFacts *f, const SetNode *n, StreamWindow *w)
{
	SetSpan span = m->span[n->window];

	if (n->id != w->stream)
	{
		w->stream = n->id;
		w->s = facts_stream(f, n->id);
		if (w->s)
			w->step = facts_steps(f, w->s);
	}
	w->window = n->window;
	w->known = true;
	w->from = w->to = 0;
	if (w->s)
		w->known = !w->s->broken &&
				   window_find(w->step, w->s->n, span.since, span.until, &w->from, &w->to);
}

static void
run_windows(SetMachine *m, MemberFacts *f, DateADT day)
{
	const Ruleset *set = m->set;
	const SetNode *nodes = ruleset_nodes(set);
	const RuleNode *windows = ruleset_windows(set);
	bool joined = facts_day(f, FACTS_JOINED) != NO_DAY;
	StreamWindow w = {0};

	set_spans(m, f, day);
	for (int i = set->start[SET_WINDOW]; i < set->start[SET_WINDOW + 1]; i++)
	{
		const SetNode *n = &nodes[i];

		if (!joined && window_needs_joined(&windows[n->window]))
		{
			m->number[i] = UNKNOWN;
			continue;
		}
		if (n->id != w.stream || n->window != w.window)
			find_window(m, f, n, &w);
		m->number[i] = !w.known ? UNKNOWN : w.s ? window_pick(n->what, w.step, w.from, w.to) : 0;
	}
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

/* Both the tags of the set and those of the member ascend. */
static void
run_tags(SetMachine *m, MemberFacts *f, DateADT day)
{
	const SetNode *nodes = ruleset_nodes(m->set);
	int i = m->set->start[SET_TAG];
	int end = m->set->start[SET_TAG + 1];
	int at = 0;

	if (i == end)
		return;
	facts_tag(f, nodes[i].id);
	for (; i < end; i++)
	{
		while (at < f->tags.n && f->tags.tag[at].id < nodes[i].id)
			at++;
		m->truth[i] = truth_of(at < f->tags.n && f->tags.tag[at].id == nodes[i].id &&
							   tag_is_live(&f->tags.tag[at], day));
	}
}

/* By comparison, then by order: none (unknown), less, equal, -, greater. */
static const Truth comparison_truth[6][5] = {
	[RULE_EQ] = {0, 2, 1, 0, 2}, [RULE_NE] = {0, 1, 2, 0, 1}, [RULE_LT] = {0, 1, 2, 0, 2},
	[RULE_LE] = {0, 1, 1, 0, 2}, [RULE_GT] = {0, 2, 2, 0, 1}, [RULE_GE] = {0, 2, 1, 0, 1}};

static inline Truth
compare(RuleComparison what, double a, double b)
{
	return comparison_truth[what][(a < b) | (a == b) << 1 | (a > b) << 2];
}

/* Those of one comparison follow each other, so that the branches are foreseen. */
static void
run_comparisons(SetMachine *m)
{
	const SetNode *nodes = ruleset_nodes(m->set);
	const double *number = m->number;

	for (int i = m->set->start[SET_COMPARE]; i < m->set->start[SET_COMPARE + 1]; i++)
	{
		const SetNode *n = &nodes[i];
		double a = number[n->id];
		double b = number[n->arg];

		if (!n->exact)
		{
			a = to_micro(a);
			b = to_micro(b);
		}
		if (n->what == RULE_GE)
			m->truth[i] = (a >= b) | (a < b) << 1;
		else
			m->truth[i] = compare(n->what, a, b);
	}
}

static Truth
compare_registers(const SetMachine *m, RuleComparison what, int32 a, int32 b, DateADT day)
{
	const SetNode *nodes = ruleset_nodes(m->set);
	const SetText *x = &m->text[a];
	const SetText *y = &m->text[b];
	bool is_text =
		nodes[a].op == RULE_STRING ||
		(nodes[a].op == RULE_FIELD && (nodes[a].what < FIELD_ATTR || nodes[a].unit == TYPE_TEXT));
	double v = m->number[a];
	int order;

	if (!is_text)
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

static void
run_joins(SetMachine *m)
{
	const SetNode *nodes = ruleset_nodes(m->set);
	const int32 *args = ruleset_args(m->set);
	Truth *truth = m->truth;

	for (int i = m->set->start[SET_JOIN]; i < m->set->start[SET_JOIN + 1]; i++)
	{
		const SetNode *n = &nodes[i];
		Truth t = truth[args[n->args]];

		if (n->op == RULE_NOT)
			t = truth_not(t);
		else if (n->op == RULE_AND)
			for (int j = 1; j < n->n; j++)
				t = truth_and(t, truth[args[n->args + j]]);
		else
			for (int j = 1; j < n->n; j++)
				t = truth_or(t, truth[args[n->args + j]]);
		truth[i] = t;
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
	{
		RuleNode node = as_rule_node(&nodes[i]);

		m->number[i] = measure_value(f, &node, day);
	}
	run_fields(m, f, day);
	run_arithmetic(m);
	run_tags(m, f, day);
	run_comparisons(m);
	for (int i = set->start[SET_CONDITION]; i < set->start[SET_CONDITION + 1]; i++)
		m->truth[i] = run_condition(m, f, &nodes[i], day);
	run_joins(m);
}
