/*
 * program_tags.c: tags that are decided at the event, in the text of a program.
 *
 * Their rules ask for what a step has at hand, as those of levels do; that of a tag which an event gives for the
 * event, too.  What each asks for is noted, so that a step decides no tag that its event can't have changed.
 */
#include "compat.h"

#include "errors.h"
#include "rule/compile.h"
#include "types/program_draft.h"

bool
program_read_tag(Scanner *s, Draft *d)
{
	ProgramTag *t = &d->tag[d->head.n_tags];
	int64 id = 0;

	if (!scan_int(s, 1, PG_INT32_MAX, &id))
		return false;
	t->id = (int32) id;
	t->given = scan_is_word(s, "given");
	if (!t->given && !scan_is_word(s, "kept"))
		return scan_fail(s, "kept or given");
	for (int i = 0; i < d->head.n_tags; i++)
		if (d->tag[i].id == t->id)
			return program_fail(s, "a tag is given twice");
	return program_scan_rule(s, &d->tag_rule[d->head.n_tags++]) && scan_expect(s, ';');
}

static void
note_stream(const Program *p, int32 id, ProgramTag *t)
{
	for (int i = 0; i < p->n_streams; i++)
		if (program_streams(p)[i].id == id)
			t->streams[i / 8] |= 1 << i % 8;
}

/* What the rule asks for. */
static void
note_needs(const Program *p, const Rule *r, ProgramTag *t)
{
	for (int i = 0; i < r->n_nodes; i++)
	{
		const RuleNode *node = &rule_nodes(r)[i];

		if (node->op == RULE_FIELD)
			t->by_event = true;
		if (node->op != RULE_MEASURE)
			continue;
		switch ((RuleMeasure) node->what)
		{
			case MEASURE_BALANCE:
			case MEASURE_PENDING:
			case MEASURE_EXPIRING:
				t->by_book = true;
				break;
			case MEASURE_TIER:
			case MEASURE_TIER_DAYS:
			case MEASURE_TIER_LEFT:
				t->by_standing = true;
				break;
			case MEASURE_IDLE:
				t->by_all = true;
				break;
			default:
				note_stream(p, node->id, t);
		}
	}
}

static Program *
add_tag_rule(Program *p, int i, const char *text, Node *soft)
{
	ProgramTag t = program_tags(p)[i];
	RuleScope scope = {
		.where = psprintf("the rule of tag %d", t.id),
		.refusal = "can't be asked for by a tag that is decided at the event",
		.hint = "It sees purchases and events, points and levels; one that an event gives "
				"sees that event, too. A rule that is looked at daily may ask for anything.",
		.ladder = PG_INT16_MAX,
		.of_event = t.given,
		.of_idle = true};
	Rule *r = program_compile_rule(p, text, &scope, soft);

	if (r == NULL)
		return NULL;
	note_needs(p, r, &t);
	t.rule = program_append_rule(&p, r, (ProgramRule){0});
	unconstify(ProgramTag *, program_tags(p))[i] = t;
	return p;
}

Program *
program_add_tag_rules(Program *p, const Draft *d, Node *soft)
{
	for (int i = 0; p && i < d->head.n_tags; i++)
		p = add_tag_rule(p, i, d->tag_rule[i], soft);
	return p;
}
