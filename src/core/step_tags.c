/*
 * step_tags.c: tags that are decided at the event, in its transaction.
 *
 * A tag is decided if its rule asks for something the event may have changed: the streams it fed, points, levels, or
 * the event itself.  Whether the member has it already is for the writer to see: tags are no part of the state.
 */
#include "compat.h"

#include "core/step_part.h"
#include "core/streams.h"

/* What the event is taken as; false: there is nothing at hand. */
static bool
event_of(StepKind kind, StreamOf *of)
{
	switch (kind)
	{
		case STEP_PURCHASE:
			*of = OF_PURCHASE;
			return true;
		case STEP_EVENT:
			*of = OF_EVENT;
			return true;
		case STEP_REFUND:
			*of = OF_REFUND;
			return true;
		case STEP_SPEND:
		case STEP_CAPTURE:
			*of = OF_SPEND;
			return true;
		default:
			return false;
	}
}

bool
tags_look(const Program *program, StepKind kind)
{
	StreamOf of;

	if (!event_of(kind, &of))
		return false;
	for (int i = 0; i < program->n_tags; i++)
		if (program_tags(program)[i].by_event)
			return true;
	return false;
}

/* The facts with the event at hand. */
static MemberFacts *
facts(Ladders *ladders, const StepEvent *event, const ProgramTag *t)
{
	MemberFacts *f = ladders_facts(ladders, program_rule(ladders->program, t->rule));
	StreamOf of;

	if (t->by_event && f->null[FACTS_EVENT] && event_of(event->kind, &of))
	{
		f->value[FACTS_EVENT] = JsonbPGetDatum(event_facts(ladders->program, event, of, 0));
		f->null[FACTS_EVENT] = false;
	}
	return f;
}

static bool
book_moved(const StepEffects *out)
{
	for (int i = 0; i < out->n_entries; i++)
		if (out->entry[i].delta.n > 0)
			return true;
	return false;
}

/* Whether the event may have changed what the rule comes to. */
static bool
is_concerned(const Step *s, const ProgramTag *t, bool moved)
{
	uint8 streams = 0, fed = 0;

	for (int i = 0; i < lengthof(t->streams); i++)
	{
		streams |= s->fed_all ? t->streams[i] : t->streams[i] & s->fed[i];
		fed |= s->fed[i];
	}
	return streams || t->by_event || (t->by_book && moved) ||
		   (t->by_standing && s->out->tiers.n > 0) || (t->by_all && fed);
}

void
step_decide_tags(Step *s)
{
	const ProgramTag *t = program_tags(s->program);
	StepEffects *out = s->out;
	bool moved = book_moved(out);

	for (int i = 0; i < s->program->n_tags; i++)
	{
		bool holds;

		if (!is_concerned(s, &t[i], moved))
			continue;
		holds = eval_truth(facts(&s->ladders, s->event, &t[i]),
						   program_rule_nodes(program_rule(s->program, t[i].rule)),
						   s->today) == TRUTH_TRUE;
		if (t[i].given && !holds)
			continue;
		if (out->tag == NULL)
			out->tag = palloc(s->program->n_tags * sizeof(TagDecision));
		out->tag[out->n_tags++] = (TagDecision){&t[i], holds};
	}
}

const char *
tag_decision(const TagDecision *d)
{
	return d->tag->given ? "give" : d->holds ? "keep" : "drop";
}

char *
tag_reason(const Program *program, StepState *state, const StepEvent *event, const ProgramTag *tag)
{
	const ProgramRule *r = program_rule(program, tag->rule);
	const ProgramStream *purchases = program_purchases(program);
	RuleNames names = {.program = program};
	RuleSubject subject = {.nodes = program_rule_nodes(r),
						   .strings = program_rule_strings(r),
						   .names = &names,
						   .purchases = purchases ? purchases->id : 0,
						   .day = program_day(program, state->at)};
	Ladders ladders;
	StringInfoData out;

	ladders_begin(&ladders, program, &state->book, &state->activity, &state->standing, NULL);
	subject.facts = facts(&ladders, event, tag);
	initStringInfo(&out);
	rule_reason(&out, &subject, 0);
	return out.data;
}
