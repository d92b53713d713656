/*
 * tagset_query.h: a condition on the presence of tags, as @@, the index and the planner ask it.
 *
 * An expression of "and" and "or" over literals, in postfix order.  A literal is "the tag is there" or "the
 * tag is not in force on every day": the latter is all that presence can say against "the tag is not in
 * force".  Whatever else a rule says has been taken for true, so that the condition is true unless the rule
 * is certainly false.
 */
#ifndef MEMBER_TAGSET_QUERY_H
#define MEMBER_TAGSET_QUERY_H

#include "compat.h"

#include "access/gin.h"

#include "types/tagset.h"

/* Strategies of the operator class tagset_ops. */
typedef enum TagStrategy
{
	TAG_OVERLAPS = 1,	 /* tagset && tagset */
	TAG_CONTAINS,		 /* tagset @> tagset */
	TAG_CONTAINED,		 /* tagset <@ tagset */
	TAG_OVERLAPS_ARRAY,	 /* tagset && int[] */
	TAG_CONTAINS_ARRAY,	 /* tagset @> int[] */
	TAG_CONTAINED_ARRAY, /* tagset <@ int[] */
	TAG_HAS,			 /* tagset ? int */
	TAG_MATCHES			 /* tagset @@ rule */
} TagStrategy;

typedef struct TagLiteral
{
	int32 id;
	bool negated; /* not in force on every day, else: there */
} TagLiteral;

/* A node: the number of a literal, or one of these, which join the two before. */
#define TAG_AND (-1)
#define TAG_OR (-2)

typedef struct TagQuery
{
	bool always; /* without nodes: true whatever is there, else never */
	bool exact;	 /* no negated literal was taken for true */
	int n_literals;
	TagLiteral *literal; /* ascending by id, each once */
	int n_nodes;
	int *node;
	GinTernaryValue *room; /* of the literals, then the stack */
} TagQuery;

extern GinTernaryValue tag_query_eval(const TagQuery *q, const GinTernaryValue *literal);
extern bool tag_query_matches(const TagQuery *q, const struct varlena *packed);

/* tagset_rule.c: what a rule asks of presence; for the index, without negated literals */
extern TagQuery *tag_query_of_rule(const struct varlena *rule, bool for_index);

#endif
