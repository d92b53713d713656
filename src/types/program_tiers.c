/*
 * program_tiers.c: ladders, levels and their rules in the text of a program.
 *
 * A rule is compiled when the rest of the program is read, so it may name any of its wallets, streams and
 * levels, and is packed without its text.  It may ask for what a step has at hand: activity, points, and
 * the levels of ladders with lower numbers, which are decided before.
 */
#include "compat.h"

#include "miscadmin.h"

#include "errors.h"
#include "rule/compile.h"
#include "types/program_draft.h"

/* ---- statements ---- */

bool
program_scan_rule(Scanner *s, char **rule)
{
	const char *start;
	char quote = '\0';

	if (*rule)
		return program_fail(s, "the rule is given twice");
	if (!scan_expect(s, '{'))
		return false;
	for (start = s->p; *s->p && (quote || *s->p != '}'); s->p++)
		if (quote == *s->p)
			quote = '\0';
		else if (!quote && (*s->p == '\'' || *s->p == '"'))
			quote = *s->p;
	*rule = pnstrdup(start, s->p - start);
	return scan_expect(s, '}');
}

static bool
scan_choice(Scanner *s, const char *const *words, int n, const char *expected, uint8 *choice)
{
	for (int i = 0; i < n; i++)
		if (scan_is_word(s, words[i]))
		{
			*choice = i;
			return true;
		}
	return scan_fail(s, expected);
}

bool
program_read_ladder(Scanner *s, Draft *d)
{
	static const char *const validity[] = {"rolling", "calendar", "anniversary"};
	static const char *const fall[] = {"step", "qualified", "soft"};
	ProgramLadder *l = &d->ladder[d->head.n_ladders++];

	if (!scan_small(s, 1, PG_INT16_MAX, &l->id) || !scan_word(s, l->code, PROGRAM_NAME))
		return false;
	while (!scan_is(s, ';'))
	{
		bool ok = true;

		if (scan_is_word(s, "validity"))
			ok = scan_choice(s, validity, lengthof(validity), "rolling, calendar or anniversary",
							 &l->validity);
		else if (scan_is_word(s, "fall"))
			ok = scan_choice(s, fall, lengthof(fall), "step, qualified or soft", &l->fall);
		else if (scan_is_word(s, "lower_now"))
			l->lower_now = true;
		else if (scan_is_word(s, "warn"))
			ok = scan_small(s, 0, 366, &l->warn);
		else
			return scan_fail(s, "a ladder option");
		if (!ok)
			return false;
	}
	return true;
}

static bool
read_multiplier(Scanner *s, ProgramLevel *l)
{
	int64 v = 0;

	if (!scan_int(s, 0, 1000000, &v))
		return false;
	l->multiplier = (int32) v;
	return true;
}

bool
program_read_level(Scanner *s, Draft *d)
{
	DraftRules *rules = &d->rules[d->head.n_levels];
	ProgramLevel *l = &d->level[d->head.n_levels++];

	l->multiplier = 1000;
	if (!scan_small(s, 1, PG_INT16_MAX, &l->ladder) || !scan_small(s, 0, 100, &l->level) ||
		!scan_word(s, l->code, PROGRAM_NAME))
		return false;
	while (!scan_is(s, ';'))
	{
		bool ok = true;

		if (scan_is_word(s, "multiplier"))
			ok = read_multiplier(s, l);
		else if (scan_is_word(s, "months"))
			ok = scan_small(s, 1, 120, &l->months);
		else if (scan_is_word(s, "grace"))
			ok = scan_small(s, 0, 366, &l->grace);
		else if (scan_is_word(s, "extend"))
			ok = scan_small(s, 1, 120, &l->extend_months);
		else if (scan_is_word(s, "archived"))
			l->archived = true;
		else if (scan_is_word(s, "rollover"))
			l->rollover = true;
		else if (scan_is_word(s, "qualify"))
			ok = program_scan_rule(s, &rules->qualify);
		else if (scan_is_word(s, "keep"))
			ok = program_scan_rule(s, &rules->keep);
		else if (scan_is_word(s, "lose"))
			ok = program_scan_rule(s, &rules->lose);
		else
			return scan_fail(s, "a level option");
		if (!ok)
			return false;
	}
	return l->level == 0 || rules->qualify ||
		   program_fail(s, "a level above 0 needs a rule to qualify");
}

bool
program_read_fast(Scanner *s, Draft *d)
{
	ProgramFast *f = &d->fast[d->head.n_fasts];

	if (!scan_small(s, 1, PG_INT16_MAX, &f->ladder) || !scan_small(s, 1, 100, &f->level))
		return false;
	if (!scan_is_word(s, "since"))
		return scan_fail(s, "since");
	if (!scan_date(s, &f->since))
		return false;
	if (!scan_is_word(s, "until"))
		return scan_fail(s, "until");
	if (!scan_date(s, &f->until))
		return false;
	if (f->until <= f->since)
		return program_fail(s, "the faster way ends before it begins");
	return program_scan_rule(s, &d->fast_rule[d->head.n_fasts++]) && scan_expect(s, ';');
}

bool
program_check_tiers(Scanner *s, const Draft *d)
{
	for (int i = 0; i < d->head.n_levels; i++)
	{
		const ProgramLevel *l = &d->level[i];
		bool first = i == 0 || l[-1].ladder != l->ladder;

		if (first ? l->level != 0 : l->level != l[-1].level + 1)
			return program_fail(s, "the levels of a ladder are numbered from 0 without gaps");
		if (first && i > 0 && l[-1].ladder > l->ladder)
			return program_fail(s, "the ladders of levels are not in ascending order");
	}
	for (int i = 0; i < d->head.n_ladders; i++)
		for (int j = 0; j < i; j++)
			if (d->ladder[i].id == d->ladder[j].id ||
				strcmp(d->ladder[i].code, d->ladder[j].code) == 0)
				return program_fail(s, "a ladder is given twice");
	for (int i = 0; i < d->head.n_fasts; i++)
	{
		bool found = false;

		for (int j = 0; j < d->head.n_levels; j++)
			found |=
				d->level[j].ladder == d->fast[i].ladder && d->level[j].level == d->fast[i].level;
		if (!found)
			return program_fail(s, "a faster way leads to an unknown level");
	}
	return true;
}

/* ---- what a rule may ask for ---- */

typedef struct RuleCheck
{
	const Program *program;
	const RuleNode *nodes;
	const char *strings;
	const RuleScope *scope;
	Node *soft;
} RuleCheck;

static bool
refuse_part(const RuleCheck *c, int at, const char *why, const char *hint)
{
	RuleNames names = {.program = c->program};
	StringInfoData text;

	initStringInfo(&text);
	rule_print(&text, c->nodes, c->strings, at, &names);
	ereturn(c->soft, false, errcode(ERRCODE_INVALID_PROGRAM),
			errmsg("invalid program: %s %s", text.data, why), errdetail("In %s.", c->scope->where),
			errhint("%s", hint));
}

static int
unit_months(RuleUnit unit)
{
	switch (unit)
	{
		case RULE_THIS_MONTH:
			return 1;
		case RULE_LAST_MONTH:
			return 2;
		case RULE_THIS_QUARTER:
			return 3;
		case RULE_LAST_QUARTER:
			return 6;
		case RULE_THIS_YEAR:
			return 12;
		default:
			return 24;
	}
}

/* A window must fit in what is kept: sliding ones in the days, calendar ones in days and months. */
static bool
check_window(const RuleCheck *c, int at)
{
	const RuleNode *m = &c->nodes[at];
	const ProgramStream *stream = program_streams(c->program);
	int days = m->unit == RULE_DAYS ? m->arg : m->arg * 31;

	for (int i = 0; i < c->program->n_streams; i++)
	{
		if (stream[i].id != m->id)
			continue;
		if (m->unit == RULE_LIFE)
			return true;
		if (m->unit <= RULE_MONTHS ? days <= stream[i].keep_days
								   : unit_months(m->unit) <= stream[i].keep_months ||
										 unit_months(m->unit) * 31 <= stream[i].keep_days)
			return true;
		return refuse_part(c, at, "looks back further than the stream is kept",
						   "Keep the stream for more days, or take a shorter window.");
	}
	return refuse_part(c, at, "asks for a stream that is not there",
					   "The streams are in member.stream.");
}

static bool
check_part(const RuleCheck *c, int at)
{
	const RuleNode *node = &c->nodes[at];

	if (node->op == RULE_TAG ||
		(node->op == RULE_FIELD && !(node->what == FIELD_EVENT && c->scope->of_event)))
		return refuse_part(c, at, c->scope->refusal, c->scope->hint);
	if (node->op != RULE_MEASURE)
		return true;
	switch ((RuleMeasure) node->what)
	{
		case MEASURE_COUNT_OF:
		case MEASURE_AMOUNT_OF:
		case MEASURE_LARGEST_OF:
		case MEASURE_VISITS:
		case MEASURE_HAS:
			if (node->unit >= RULE_MEMBER_YEAR)
				return refuse_part(c, at, c->scope->refusal, c->scope->hint);
			return check_window(c, at);
		case MEASURE_RECENCY:
		case MEASURE_SINCE_FIRST:
		case MEASURE_MEAN_GAP:
		case MEASURE_STREAK:
		case MEASURE_RUN:
		case MEASURE_FALLING_MONTHS:
			return check_window(c, at);
		case MEASURE_BALANCE:
		case MEASURE_PENDING:
		case MEASURE_EXPIRING:
			return program_wallet(c->program, node->id) ||
				   refuse_part(c, at, "asks for a wallet that is not there",
							   "The wallets are in member.wallet.");
		case MEASURE_TIER:
		case MEASURE_TIER_DAYS:
		case MEASURE_TIER_LEFT:
			return node->id < c->scope->ladder ||
				   refuse_part(c, at, "asks for the level of a ladder that is decided later",
							   "A ladder's rules may ask for ladders with lower numbers.");
		case MEASURE_IDLE:
			if (c->scope->of_idle)
				return true;
			/* FALLTHROUGH */
		default:
			return refuse_part(c, at, c->scope->refusal, c->scope->hint);
	}
}

/* ---- whether time alone may make it hold ---- */

/* A value that does not grow while nothing happens, but by points that become usable. */
static bool
is_steady(const RuleNode *node, bool *by_book)
{
	const RuleNode *a = node + 1;
	const RuleNode *b = a + a->size;

	check_stack_depth();
	switch ((RuleOp) node->op)
	{
		case RULE_NUMBER:
			return true;
		case RULE_ADD:
			return is_steady(a, by_book) && is_steady(b, by_book);
		case RULE_MULTIPLY:
			return (a->op == RULE_NUMBER && is_steady(b, by_book)) ||
				   (b->op == RULE_NUMBER && is_steady(a, by_book));
		case RULE_DIVIDE:
			return b->op == RULE_NUMBER && is_steady(a, by_book);
		case RULE_MEASURE:
			*by_book = *by_book || node->what == MEASURE_BALANCE;
			return node->what == MEASURE_BALANCE || node->what == MEASURE_TIER ||
				   node->what == MEASURE_RUN ||
				   (node->what <= MEASURE_HAS && node->unit <= RULE_THIS_YEAR);
		default:
			return false;
	}
}

static bool
holds_by_time(const RuleNode *node, bool *by_book)
{
	const RuleNode *a = node + 1;
	bool may = false;

	check_stack_depth();
	switch ((RuleOp) node->op)
	{
		case RULE_BOOL:
			return false;
		case RULE_AND:
		case RULE_OR:
			for (int i = 0; i < node->n; i++, a += a->size)
				may = holds_by_time(a, by_book) || may;
			return may;
		case RULE_COMPARE:
			return (node->what != RULE_GE && node->what != RULE_GT) ||
				   a[a->size].op != RULE_NUMBER || !is_steady(a, by_book);
		default:
			return true;
	}
}

/* ---- packing ---- */

int32
program_append_rule(Program **p, const Rule *r, ProgramRule head)
{
	Size place = VARSIZE(*p);
	Size nodes = r->n_nodes * sizeof(RuleNode);
	Size size = MAXALIGN(sizeof(head) + nodes + r->strings_len);
	Program *bigger = palloc0(place + size);
	char *to = (char *) bigger + place;

	memcpy(bigger, *p, place);
	SET_VARSIZE(bigger, place + size);
	head.n_nodes = r->n_nodes;
	head.strings_len = r->strings_len;
	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), rule_nodes(r), nodes);
	memcpy(to + sizeof(head) + nodes, rule_strings(r), r->strings_len);
	*p = bigger;
	return (int32) place;
}

Rule *
program_compile_rule(const Program *p, const char *text, const RuleScope *scope, Node *soft)
{
	RuleNames names = {.program = p};
	Rule *r = rule_compile_named(text, &names, soft, scope->where);
	RuleCheck check = {p, NULL, NULL, scope, soft};

	if (r == NULL)
		return NULL;
	check.nodes = rule_nodes(r);
	check.strings = rule_strings(r);
	for (int i = 0; i < r->n_nodes; i++)
		if (!check_part(&check, i))
			return NULL;
	return r;
}

/* Puts the rule behind the program; its place, 0 after an error that was not raised. */
static int32
add_rule(Program **p, const char *text, const char *where, int16 ladder, Node *soft)
{
	RuleScope scope = {.where = where,
					   .refusal = "can't be asked for by a tier rule",
					   .hint = "Tier rules see purchases and events, points, and levels: what a "
							   "purchase has at hand.",
					   .ladder = ladder};
	Rule *r = program_compile_rule(*p, text, &scope, soft);
	ProgramRule head = {0};

	if (r == NULL)
		return 0;
	head.by_time = holds_by_time(rule_nodes(r), &head.by_book);
	return program_append_rule(p, r, head);
}

static bool
add_level_rule(Program **p, int i, const char *text, const char *verb, int32 *place, Node *soft)
{
	const ProgramLevel *l = &program_levels(*p)[i];

	if (text == NULL)
		return true;
	*place = add_rule(p, text, psprintf("the rule to %s \"%s\"", verb, l->code), l->ladder, soft);
	return *place != 0;
}

Program *
program_add_rules(Program *p, const Draft *d, Node *soft)
{
	for (int i = 0; i < d->head.n_levels; i++)
	{
		int32 qualify = 0, keep = 0, lose = 0;
		ProgramLevel *l;
		const RuleNode *root;

		if (!add_level_rule(&p, i, d->rules[i].qualify, "qualify for", &qualify, soft) ||
			!add_level_rule(&p, i, d->rules[i].keep, "keep", &keep, soft) ||
			!add_level_rule(&p, i, d->rules[i].lose, "lose", &lose, soft))
			return NULL;
		l = unconstify(ProgramLevel *, &program_levels(p)[i]);
		l->qualify = qualify;
		l->keep = keep;
		l->lose = lose;
		if (!l->rollover)
			continue;
		root = keep ? program_rule_nodes(program_rule(p, keep)) : NULL;
		if (root == NULL || root->op != RULE_COMPARE || root->what != RULE_GE)
			ereturn(
				soft, NULL, errcode(ERRCODE_INVALID_PROGRAM),
				errmsg("invalid program: level \"%s\" rolls over, but its keep rule is not one "
					   "figure",
					   l->code),
				errdetail(
					"What is above the bound of spend(12mo) >= 1000, say, is what rolls over."));
	}
	for (int i = 0; i < d->head.n_fasts; i++)
	{
		const ProgramFast *f = &d->fast[i];
		const ProgramLevel *l = program_level(p, f->ladder, f->level);
		int32 place =
			add_rule(&p, d->fast_rule[i],
					 psprintf("the faster rule to qualify for \"%s\"", l->code), f->ladder, soft);

		if (place == 0)
			return NULL;
		unconstify(ProgramFast *, &program_fasts(p)[i])->qualify = place;
	}
	return p;
}
