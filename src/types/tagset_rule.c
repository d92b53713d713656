/*
 * tagset_rule.c: tags @@ rule, "may match": false only if the rule certainly does not hold for who has these
 * tags, whatever the day and whatever else is known of him.
 *
 * The rule is read as of three values.  With "not" driven down to the leaves, "not certainly false" is what
 * is left when every leaf that is unknown is taken for true: a plain expression of "and" and "or" over
 * literals on tags.  It is leakproof: it never raises, also not for a damaged rule or one of a later format,
 * which everybody may match.
 */
#include "compat.h"

#include "utils/memutils.h"

#include "rule/rule.h"
#include "types/tagset_query.h"

/* What became of a part of the rule. */
typedef enum Part
{
	PART_FALSE,
	PART_TRUE,
	PART_NODES /* appended to the query */
} Part;

typedef struct Builder
{
	const RuleNode *node;
	int n_nodes;
	bool for_index;
	TagQuery *query; /* literals unsorted, one a node */
} Builder;

static Part build(Builder *b, int i, int end, bool negated, int depth);

static Part
build_literal(Builder *b, int32 id, bool negated)
{
	TagQuery *q = b->query;

	if (negated && b->for_index)
	{
		q->exact = false;
		return PART_TRUE;
	}
	q->literal[q->n_literals] = (TagLiteral){id, negated};
	q->node[q->n_nodes++] = q->n_literals++;
	return PART_NODES;
}

/* The arguments of "and" and "or", joined; what decides them alone does away with the others. */
static Part
build_joined(Builder *b, int i, bool negated, int depth)
{
	TagQuery *q = b->query;
	bool is_and = (b->node[i].op == RULE_AND) != negated;
	Part decisive = is_and ? PART_FALSE : PART_TRUE;
	int end = i + b->node[i].size;
	int n_nodes = q->n_nodes;
	int n_literals = q->n_literals;
	int joined = 0;

	for (int argument = i + 1; argument < end; argument += b->node[argument].size)
	{
		Part part = build(b, argument, end, negated, depth + 1);

		if (part == decisive)
		{
			q->n_nodes = n_nodes;
			q->n_literals = n_literals;
			return decisive;
		}
		if (part == PART_NODES && joined++ > 0)
			q->node[q->n_nodes++] = is_and ? TAG_AND : TAG_OR;
	}
	return joined > 0 ? PART_NODES : is_and ? PART_TRUE : PART_FALSE;
}

static Part
build(Builder *b, int i, int end, bool negated, int depth)
{
	const RuleNode *node = &b->node[i];

	if (i >= end || node->size < 1 || node->size > end - i || depth > RULE_MAX_DEPTH)
		return PART_TRUE; /* damaged */
	switch (node->op)
	{
		case RULE_BOOL:
			return (node->arg != 0) != negated ? PART_TRUE : PART_FALSE;
		case RULE_TAG:
			return build_literal(b, node->id, negated);
		case RULE_NOT:
			return build(b, i + 1, i + node->size, !negated, depth + 1);
		case RULE_AND:
		case RULE_OR:
			return build_joined(b, i, negated, depth);
		default:
			return PART_TRUE; /* not for tags to say */
	}
}

static int
by_literal(const void *a, const void *b)
{
	const TagLiteral *x = a;
	const TagLiteral *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->negated - y->negated;
}

/* Each literal once, in the order of the ids. */
static void
sort_literals(TagQuery *q)
{
	TagLiteral *written = palloc(Max(q->n_literals, 1) * sizeof(TagLiteral));
	int n = 0;

	memcpy(written, q->literal, q->n_literals * sizeof(TagLiteral));
	qsort(q->literal, q->n_literals, sizeof(TagLiteral), by_literal);
	for (int i = 0; i < q->n_literals; i++)
		if (n == 0 || by_literal(&q->literal[i], &q->literal[n - 1]) != 0)
			q->literal[n++] = q->literal[i];
	q->n_literals = n;
	for (int i = 0; i < q->n_nodes; i++)
		if (q->node[i] >= 0)
			q->node[i] = (TagLiteral *) bsearch(&written[q->node[i]], q->literal, n,
												sizeof(TagLiteral), by_literal) -
						 q->literal;
	pfree(written);
}

TagQuery *
tag_query_of_rule(const struct varlena *rule, bool for_index)
{
	const Rule *r = (const Rule *) rule;
	TagQuery *q = palloc0(sizeof(TagQuery));
	Builder b = {.for_index = for_index, .query = q};
	Size nodes_at;
	Part part = PART_TRUE;

	q->exact = true;
	if (VARSIZE(rule) >= offsetof(Rule, text) && r->format == RULE_FORMAT && r->text_len >= 0)
	{
		nodes_at = MAXALIGN(offsetof(Rule, text) + (Size) r->text_len);
		if (nodes_at + r->n_nodes * sizeof(RuleNode) <= VARSIZE(rule))
		{
			b.node = rule_nodes(r);
			b.n_nodes = r->n_nodes;
		}
	}
	q->literal = palloc((b.n_nodes + 1) * sizeof(TagLiteral));
	q->node = palloc((2 * b.n_nodes + 1) * sizeof(int));
	if (b.n_nodes > 0)
		part = build(&b, 0, b.n_nodes, false, 0);
	if (part != PART_NODES)
	{
		q->always = part == PART_TRUE;
		q->n_nodes = q->n_literals = 0;
	}
	sort_literals(q);
	q->room = palloc((q->n_literals + q->n_nodes + 1) * sizeof(GinTernaryValue));
	return q;
}

/* ---- tagset @@ rule ---- */

/* The rule of the call before: mostly there is one for all rows. */
typedef struct MatchCache
{
	MemoryContext context; /* of what follows */
	struct varlena *rule;
	TagQuery *query;
} MatchCache;

static TagQuery *
cached_query(FunctionCallInfo fcinfo, struct varlena *rule)
{
	MatchCache *cache = fcinfo->flinfo->fn_extra;
	MemoryContext old;

	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(MatchCache));
		cache->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "rule of tagset @@",
											   ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = cache;
	}
	if (cache->query && VARSIZE(cache->rule) == VARSIZE(rule) &&
		memcmp(cache->rule, rule, VARSIZE(rule)) == 0)
		return cache->query;

	cache->query = NULL;
	MemoryContextReset(cache->context);
	old = MemoryContextSwitchTo(cache->context);
	cache->rule = palloc(VARSIZE(rule));
	memcpy(cache->rule, rule, VARSIZE(rule));
	cache->query = tag_query_of_rule(cache->rule, false);
	MemoryContextSwitchTo(old);
	return cache->query;
}

PG_FUNCTION_INFO_V1(tagset_matches);
Datum
tagset_matches(PG_FUNCTION_ARGS)
{
	struct varlena *rule = PG_DETOAST_DATUM(PG_GETARG_DATUM(1));

	PG_RETURN_BOOL(tag_query_matches(cached_query(fcinfo, rule), PG_GETARG_VARLENA_PP(0)));
}
