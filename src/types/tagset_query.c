/*
 * tagset_query.c: evaluation of conditions on presence.  Nothing here raises.
 */
#include "compat.h"

#include "types/tagset_query.h"

/*
 * The value of the condition when each key is there, is not there, or may be.
 */
GinTernaryValue
tag_query_eval(const TagQuery *q, const GinTernaryValue *there)
{
	GinTernaryValue *top = q->at + q->n_keys - 1;

	if (q->n_nodes == 0)
		return q->always ? GIN_TRUE : GIN_FALSE;
	for (int i = 0; i < q->n_nodes; i++)
	{
		const TagNode *node = &q->node[i];

		switch (node->kind)
		{
			case TAG_THERE:
				*++top = there[node->key];
				break;
			case TAG_NOT_THERE:
				top++;
				*top = there[node->key] == GIN_MAYBE ? GIN_MAYBE : !there[node->key];
				break;
			case TAG_AND:
				top--;
				if (top[0] == GIN_FALSE || top[1] == GIN_FALSE)
					top[0] = GIN_FALSE;
				else if (top[1] == GIN_MAYBE)
					top[0] = GIN_MAYBE;
				break;
			case TAG_OR:
				top--;
				if (top[0] == GIN_TRUE || top[1] == GIN_TRUE)
					top[0] = GIN_TRUE;
				else if (top[1] == GIN_MAYBE)
					top[0] = GIN_MAYBE;
				break;
		}
	}
	return *top;
}

bool
tag_query_matches(const TagQuery *q, const struct varlena *packed)
{
	TagIds ids;
	int i = 0;

	memset(q->at, GIN_FALSE, q->n_keys * sizeof(GinTernaryValue));
	tag_ids_open(&ids, packed);
	while (i < q->n_keys && tag_ids_next(&ids))
	{
		while (i < q->n_keys && q->key[i] < ids.id)
			i++;
		if (i < q->n_keys && q->key[i] == ids.id)
			q->at[i++] = GIN_TRUE;
	}
	return tag_query_eval(q, q->at) == GIN_TRUE;
}

/* Whether a member without any of the keys matches: then an index on tags can't find all who do. */
bool
tag_query_matches_empty(const TagQuery *q)
{
	memset(q->at, GIN_FALSE, q->n_keys * sizeof(GinTernaryValue));
	return tag_query_eval(q, q->at) == GIN_TRUE;
}
