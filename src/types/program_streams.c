/*
 * program_streams.c: streams and their rules in the text of a program.
 *
 * A rule of a stream sees the event at hand and nothing else: event.kind, event.amount and so on, so that what
 * feeds a stream is a matter of that event alone, whenever it is looked at.
 */
#include "compat.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "errors.h"
#include "rule/compile.h"
#include "types/program_draft.h"

static const char *const stream_of[] = {"purchase", "line", "event", "refund", "spend"};

const char *
program_stream_of(const ProgramStream *m)
{
	return stream_of[m->of];
}

/* Whether it sees more of an event than its kind, amount and moment. */
bool
program_stream_looks(const ProgramStream *m)
{
	return m->rule || m->amount || m->of == OF_LINE;
}

static bool
scan_of(Scanner *s, uint8 *of)
{
	for (int i = 0; i < lengthof(stream_of); i++)
		if (scan_is_word(s, stream_of[i]))
		{
			*of = i;
			return true;
		}
	return scan_fail(s, "purchase, line, event, refund or spend");
}

bool
program_read_stream(Scanner *s, Draft *d)
{
	DraftStream *rules = &d->stream_rules[d->head.n_streams];
	ProgramStream *m = &d->stream[d->head.n_streams++];

	m->keep_days = 400;
	m->keep_months = 24;
	m->of = OF_EVENT;
	if (!scan_small(s, 1, PG_INT16_MAX, &m->id) || !scan_word(s, m->code, PROGRAM_NAME))
		return false;
	while (!scan_is(s, ';'))
	{
		bool ok = true;

		if (scan_is_word(s, "days"))
			ok = scan_small(s, 31, 10000, &m->keep_days);
		else if (scan_is_word(s, "months"))
			ok = scan_small(s, 0, 1200, &m->keep_months);
		else if (scan_is_word(s, "purchases"))
			m->purchases = true, m->of = OF_PURCHASE;
		else if (scan_is_word(s, "of"))
			ok = scan_of(s, &m->of);
		else if (scan_is_word(s, "amount"))
			ok = program_scan_rule(s, &rules->amount);
		else if (scan_is_word(s, "where"))
			ok = program_scan_rule(s, &rules->rule);
		else
			return scan_fail(s, "a stream option");
		if (!ok)
			return false;
	}
	return !m->purchases || (m->of == OF_PURCHASE && !rules->rule && !rules->amount) ||
		   program_fail(s, "the stream that stands for buying is fed by all purchases");
}

/* ---- rules ---- */

/* NULL after an error that was not raised. */
static Rule *
compile(const char *text, const char *where, Node *soft)
{
	Rule *r = rule_compile_named(text, NULL, soft, where);

	for (int i = 0; r && i < r->n_nodes; i++)
	{
		const RuleNode *node = &rule_nodes(r)[i];

		if (node->op == RULE_TAG || node->op == RULE_MEASURE ||
			(node->op == RULE_FIELD && node->what != FIELD_EVENT))
			ereturn(soft, NULL, errcode(ERRCODE_INVALID_PROGRAM),
					errmsg("invalid program: %s asks for more than the event at hand", where),
					errdetail(
						"What feeds a stream is told by event.kind, event.amount and the like."));
	}
	return r;
}

/* A number is compiled as the condition that it is known. */
static Program *
add_stream_rules(Program *p, int i, const DraftStream *texts, Node *soft)
{
	const char *code = program_streams(p)[i].code;
	int32 rule = 0, amount = 0;
	Rule *r;

	if (texts->rule)
	{
		if ((r = compile(texts->rule, psprintf("the rule of stream \"%s\"", code), soft)) == NULL)
			return NULL;
		rule = program_append_rule(&p, r, (ProgramRule){0});
	}
	if (texts->amount)
	{
		r = compile(psprintf("%s is known", texts->amount),
					psprintf("the amount of stream \"%s\"", code), soft);
		if (r == NULL)
			return NULL;
		if (rule_nodes(r)->op != RULE_KNOWN || rule_nodes(r)[1].op == RULE_STRING)
			ereturn(soft, NULL, errcode(ERRCODE_INVALID_PROGRAM),
					errmsg("invalid program: the amount of stream \"%s\" is no number", code),
					errdetail("It is an expression such as event.amount or event.quantity * 2."));
		amount = program_append_rule(&p, r, (ProgramRule){0});
	}
	unconstify(ProgramStream *, program_streams(p))[i].rule = rule;
	unconstify(ProgramStream *, program_streams(p))[i].amount = amount;
	return p;
}

Program *
program_add_stream_rules(Program *p, const Draft *d, Node *soft)
{
	for (int i = 0; p && i < d->head.n_streams; i++)
		p = add_stream_rules(p, i, &d->stream_rules[i], soft);
	return p;
}

/* program_streams(program): its streams, each as its statement */
PG_FUNCTION_INFO_V1(member_program_streams);
Datum
member_program_streams(PG_FUNCTION_ARGS)
{
	const Program *p = program_open(PG_GETARG_DATUM(0));
	ReturnSetInfo *result;

	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	for (int i = 0; i < p->n_streams; i++)
	{
		const ProgramStream *m = &program_streams(p)[i];
		StringInfoData text;
		Datum v[4];
		bool null[4] = {false};

		initStringInfo(&text);
		program_stream_text(&text, p, m);
		v[0] = Int16GetDatum(m->id);
		v[1] = BoolGetDatum(m->purchases);
		v[2] = BoolGetDatum(program_stream_looks(m));
		v[3] = CStringGetTextDatum(text.data + 1);
		tuplestore_putvalues(result->setResult, result->setDesc, v, null);
	}
	return (Datum) 0;
}
