/*
 * rule.c: rules as values: compiling, opening, the tags of a rule and what tags alone say about it.
 */
#include "compat.h"

#include "errors.h"
#include "rule/compile.h"

/* NULL after an error that was not raised; where: which of several rules it is, for errors. */
Rule *
rule_compile_named(const char *text, const RuleNames *names, Node *soft, const char *where)
{
	Parser p;
	RuleExpr *e = parse_rule(&p, text, names, soft, where);

	return e ? expr_flatten(&p, e) : NULL;
}

Rule *
rule_compile(const char *text, const RuleNames *names, Node *soft)
{
	return rule_compile_named(text, names, soft, NULL);
}

static void
damaged(void)
{
	ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("rule value is damaged"),
			errdetail("Its parts do not fit its length."));
}

const Rule *
rule_open(Datum value)
{
	struct varlena *raw = (struct varlena *) DatumGetPointer(value);
	struct varlena *v = PG_DETOAST_DATUM(value);
	const Rule *r = (const Rule *) v;

	if (VARSIZE(r) < offsetof(Rule, text) || r->text_len < 0 ||
		r->text_len > VARSIZE(r) - offsetof(Rule, text))
		damaged();
	if (r->format != RULE_FORMAT || r->flags != 0)
		return rule_compile(pnstrdup(r->text, r->text_len), NULL, NULL);
	if (r->n_nodes == 0 || r->n_nodes > RULE_MAX_NODES || r->strings_len < 0 ||
		VARSIZE(r) != MAXALIGN(offsetof(Rule, text) + r->text_len) + r->n_nodes * sizeof(RuleNode) +
						  r->strings_len)
		damaged();
	if (v == raw && (uintptr_t) v % MAXIMUM_ALIGNOF != 0)
	{
		Rule *copy = palloc(VARSIZE(v));

		memcpy(copy, v, VARSIZE(v));
		r = copy;
	}
	return r;
}

/* ---- what tags say ---- */

/* weight(#12) >= 0.5 certainly fails without the tag, as its weight is then 0. */
static Truth
weight_may(const RuleNode *node, RuleHasTag has_tag, void *arg)
{
	const RuleNode *measure = node + 1;
	const RuleNode *bound = node + 2;
	bool zero_fails = false;

	if (measure->op != RULE_MEASURE || measure->what != MEASURE_WEIGHT ||
		bound->op != RULE_NUMBER || has_tag(measure->id, arg) != TRUTH_FALSE)
		return TRUTH_UNKNOWN;
	if (node->what == RULE_GE || node->what == RULE_EQ)
		zero_fails = bound->micro > 0;
	else if (node->what == RULE_GT)
		zero_fails = bound->micro >= 0;
	return zero_fails ? TRUTH_FALSE : TRUTH_UNKNOWN;
}

/*
 * From the last node to the first, with the answers of arguments on a stack: no recursion.  A rule whose
 * nodes do not fit together, which no rule of ours is, may match.
 */
bool
rule_may_match(const Rule *r, RuleHasTag has_tag, void *arg)
{
	const RuleNode *nodes = rule_nodes(r);
	Truth stack[RULE_MAX_NODES];
	int depth = 0;

	for (int i = r->n_nodes - 1; i >= 0; i--)
	{
		const RuleNode *node = &nodes[i];
		Truth t = TRUTH_UNKNOWN;

		switch ((RuleOp) node->op)
		{
			case RULE_BOOL:
				t = truth_of(node->arg != 0);
				break;
			case RULE_TAG:
				t = has_tag(node->id, arg);
				break;
			case RULE_AND:
			case RULE_OR:
				if (depth < node->n || node->n < 1)
					return true;
				t = stack[--depth];
				for (int j = 1; j < node->n; j++)
				{
					Truth next = stack[--depth];

					t = node->op == RULE_AND ? truth_and(t, next) : truth_or(t, next);
				}
				break;
			case RULE_NOT:
				if (depth < 1)
					return true;
				t = truth_not(stack[--depth]);
				break;
			case RULE_COMPARE:
				if (i + 2 < r->n_nodes)
					t = weight_may(node, has_tag, arg);
				break;
			case RULE_BETWEEN:
			case RULE_IN:
			case RULE_KNOWN:
				break;
			case RULE_FIELD:
				/* an attribute is a condition by itself, or a value of one */
				if (node->unit == TYPE_CONDITION)
					break;
				continue;
			default:
				continue;
		}
		if (depth >= lengthof(stack))
			return true;
		stack[depth++] = t;
	}
	return depth != 1 || stack[0] != TRUTH_FALSE;
}

static int
by_id(const void *a, const void *b)
{
	int32 x = *(const int32 *) a;
	int32 y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

int32 *
rule_tags(const Rule *r, int *n)
{
	const RuleNode *nodes = rule_nodes(r);
	int32 *tags = palloc(r->n_nodes * sizeof(int32));
	int found = 0;

	*n = 0;
	for (int i = 0; i < r->n_nodes; i++)
		if (nodes[i].op == RULE_TAG ||
			(nodes[i].op == RULE_MEASURE && nodes[i].what == MEASURE_WEIGHT))
			tags[found++] = nodes[i].id;
	qsort(tags, found, sizeof(int32), by_id);
	for (int i = 0; i < found; i++)
		if (i == 0 || tags[i] != tags[i - 1])
			tags[(*n)++] = tags[i];
	return tags;
}
