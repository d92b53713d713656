/*
 * tagset_query.h: a condition on the presence of tags, as the operators, the index and the planner ask it.
 *
 * A monotone expression over literals "tag is there" and "tag is not there", in postfix order.  Whatever
 * else a rule says has been taken for true: the condition is true unless the rule is certainly false.
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

typedef enum TagNodeKind
{
	TAG_THERE,
	TAG_NOT_THERE,
	TAG_AND, /* of the two before */
	TAG_OR
} TagNodeKind;

typedef struct TagNode
{
	TagNodeKind kind;
	int key; /* of a literal: which of the keys */
} TagNode;

typedef struct TagQuery
{
	bool always; /* without nodes: true whatever is there, else never */
	int n_keys;
	int32 *key; /* ascending, each once */
	int n_nodes;
	TagNode *node;
	GinTernaryValue *at; /* room: for each key, then the stack */
} TagQuery;

extern GinTernaryValue tag_query_eval(const TagQuery *q, const GinTernaryValue *there);
extern bool tag_query_matches(const TagQuery *q, const struct varlena *packed);
extern bool tag_query_matches_empty(const TagQuery *q);

#endif
