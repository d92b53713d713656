/*
 * tagset_query.c: evaluation of conditions on presence.  Nothing here raises.
 */
#include "compat.h"

#include "types/tagset_query.h"

/* The value of the condition, when each literal is true, false or one of both. */
GinTernaryValue
tag_query_eval(const TagQuery *q, const GinTernaryValue *literal)
{
	GinTernaryValue *top = q->room + q->n_literals - 1;

	if (q->n_nodes == 0)
		return q->always ? GIN_TRUE : GIN_FALSE;
	for (int i = 0; i < q->n_nodes; i++)
	{
		int node = q->node[i];
		GinTernaryValue decisive = node == TAG_AND ? GIN_FALSE : GIN_TRUE;

		if (node >= 0)
		{
			*++top = literal[node];
			continue;
		}
		top--;
		if (top[0] == decisive || top[1] == decisive)
			top[0] = decisive;
		else if (top[1] == GIN_MAYBE)
			top[0] = GIN_MAYBE;
	}
	return *top;
}

/* Whether the tag at a place among the tags has neither a day it was set nor an end; ids are read. */
static bool
is_in_force_always(const TagIds *ids, int place)
{
	TagIds fields = *ids;
	uint32 ignored;

	for (int i = 0;; i++)
	{
		uint8 byte;

		if (fields.p >= fields.end)
			return false;
		byte = *fields.p++;
		if (i == place)
			return (byte & TAG_DAYS_MASK) == 0;
		for (int n = tag_fields_given(byte); n > 0; n--)
			if (!tag_ids_number(&fields, &ignored))
				return false;
	}
}

/* Negated literals of tags that are there: true but for those in force always. */
static void
settle_negated(const TagQuery *q, TagIds *ids, const struct varlena *packed)
{
	TagIds again;
	int i = 0;

	while (tag_ids_next(ids)) /* to the fields */
		;
	tag_ids_open(&again, packed);
	for (int place = 0; tag_ids_next(&again); place++)
	{
		while (i < q->n_literals && q->literal[i].id < again.id)
			i++;
		for (; i < q->n_literals && q->literal[i].id == again.id; i++)
			if (q->literal[i].negated)
				q->room[i] = is_in_force_always(ids, place) ? GIN_FALSE : GIN_TRUE;
	}
}

bool
tag_query_matches(const TagQuery *q, const struct varlena *packed)
{
	TagIds ids;
	int i = 0;
	bool unsettled = false;

	for (int j = 0; j < q->n_literals; j++)
		q->room[j] = q->literal[j].negated;
	if (!tag_ids_open(&ids, packed))
		return true; /* of a later version, or damaged: nothing is certain */
	while (i < q->n_literals && tag_ids_next(&ids))
	{
		while (i < q->n_literals && q->literal[i].id < ids.id)
			i++;
		for (; i < q->n_literals && q->literal[i].id == ids.id; i++)
			if (q->literal[i].negated)
				unsettled = true;
			else
				q->room[i] = GIN_TRUE;
	}
	if (unsettled)
		settle_negated(q, &ids, packed);
	return tag_query_eval(q, q->room) == GIN_TRUE;
}
