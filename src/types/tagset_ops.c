/*
 * tagset_ops.c: what the operators of tagset ask of presence: ?, @>, <@ and &&, against a tag, an array of
 * ids or another set.
 *
 * They are leakproof: they go over the ids with a cursor that never raises, and take a null or impossible
 * id in an array for a tag that nobody has.
 */
#include "compat.h"

#include "utils/array.h"

#include "types/tagset.h"

bool
tagset_has_id(const struct varlena *packed, int32 id)
{
	TagIds ids;

	tag_ids_open(&ids, packed);
	while (tag_ids_next(&ids))
		if (ids.id >= id)
			return ids.id == id;
	return false;
}

/* ---- lists ---- */

static int
by_id(const void *a, const void *b)
{
	int32 x = *(const int32 *) a;
	int32 y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

/* Of int4[], whatever its dimensions, sorted or not. */
void
id_list_from_array(IdList *list, ArrayType *array)
{
	int n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const int32 *element = (const int32 *) ARR_DATA_PTR(array);
	const bits8 *bitmap = ARR_NULLBITMAP(array);
	bool sorted = true;
	int unique = 0;

	list->n = 0;
	list->id = palloc(Max(n, 1) * sizeof(int32));
	list->null = false;
	for (int i = 0; i < n; i++)
	{
		if (bitmap && !(bitmap[i / 8] & (1 << (i % 8))))
		{
			list->null = true;
			continue;
		}
		if (list->n > 0 && list->id[list->n - 1] >= *element)
			sorted = false;
		list->id[list->n++] = *element++;
	}
	if (sorted)
		return;
	qsort(list->id, list->n, sizeof(int32), by_id);
	for (int i = 0; i < list->n; i++)
		if (i == 0 || list->id[i] != list->id[unique - 1])
			list->id[unique++] = list->id[i];
	list->n = unique;
}

void
id_list_from_tagset(IdList *list, const struct varlena *packed)
{
	TagIds ids;

	tag_ids_open(&ids, packed);
	list->n = 0;
	list->id = palloc(Max(ids.left, 1) * sizeof(int32));
	list->null = false;
	while (tag_ids_next(&ids))
		list->id[list->n++] = ids.id;
}

/* ---- presence ---- */

static bool
has_all(const struct varlena *packed, const IdList *list)
{
	TagIds ids;
	int found = 0;

	if (list->null)
		return false;
	tag_ids_open(&ids, packed);
	while (found < list->n && tag_ids_next(&ids))
	{
		if (ids.id > list->id[found])
			return false;
		if (ids.id == list->id[found])
			found++;
	}
	return found == list->n;
}

static bool
has_any(const struct varlena *packed, const IdList *list)
{
	TagIds ids;
	int i = 0;

	tag_ids_open(&ids, packed);
	while (tag_ids_next(&ids))
	{
		while (i < list->n && list->id[i] < ids.id)
			i++;
		if (i == list->n)
			return false;
		if (list->id[i] == ids.id)
			return true;
	}
	return false;
}

static bool
has_only(const struct varlena *packed, const IdList *list)
{
	TagIds ids;
	int i = 0;

	tag_ids_open(&ids, packed);
	while (tag_ids_next(&ids))
	{
		while (i < list->n && list->id[i] < ids.id)
			i++;
		if (i == list->n || list->id[i] != ids.id)
			return false;
	}
	return true;
}

PG_FUNCTION_INFO_V1(tagset_has);
Datum
tagset_has(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(tagset_has_id(PG_GETARG_VARLENA_PP(0), PG_GETARG_INT32(1)));
}

/* tagset and tagset, tagset and int[], int[] and tagset: the list is made of either */
typedef bool (*Presence)(const struct varlena *packed, const IdList *list);

static Datum
ask_of_tagset(FunctionCallInfo fcinfo, Presence asked, int subject)
{
	IdList list;

	id_list_from_tagset(&list, PG_GETARG_VARLENA_PP(1 - subject));
	PG_RETURN_BOOL(asked(PG_GETARG_VARLENA_PP(subject), &list));
}

static Datum
ask_of_array(FunctionCallInfo fcinfo, Presence asked, int subject)
{
	IdList list;

	id_list_from_array(&list, PG_GETARG_ARRAYTYPE_P(1 - subject));
	PG_RETURN_BOOL(asked(PG_GETARG_VARLENA_PP(subject), &list));
}

PG_FUNCTION_INFO_V1(tagset_contains);
Datum
tagset_contains(PG_FUNCTION_ARGS)
{
	return ask_of_tagset(fcinfo, has_all, 0);
}

PG_FUNCTION_INFO_V1(tagset_contained);
Datum
tagset_contained(PG_FUNCTION_ARGS)
{
	return ask_of_tagset(fcinfo, has_all, 1);
}

PG_FUNCTION_INFO_V1(tagset_overlaps);
Datum
tagset_overlaps(PG_FUNCTION_ARGS)
{
	return ask_of_tagset(fcinfo, has_any, 0);
}

PG_FUNCTION_INFO_V1(tagset_contains_array);
Datum
tagset_contains_array(PG_FUNCTION_ARGS)
{
	return ask_of_array(fcinfo, has_all, 0);
}

PG_FUNCTION_INFO_V1(tagset_contained_array);
Datum
tagset_contained_array(PG_FUNCTION_ARGS)
{
	return ask_of_array(fcinfo, has_only, 0);
}

PG_FUNCTION_INFO_V1(tagset_overlaps_array);
Datum
tagset_overlaps_array(PG_FUNCTION_ARGS)
{
	return ask_of_array(fcinfo, has_any, 0);
}

PG_FUNCTION_INFO_V1(array_contained_tagset);
Datum
array_contained_tagset(PG_FUNCTION_ARGS)
{
	return ask_of_array(fcinfo, has_all, 1);
}

PG_FUNCTION_INFO_V1(array_contains_tagset);
Datum
array_contains_tagset(PG_FUNCTION_ARGS)
{
	return ask_of_array(fcinfo, has_only, 1);
}

PG_FUNCTION_INFO_V1(array_overlaps_tagset);
Datum
array_overlaps_tagset(PG_FUNCTION_ARGS)
{
	return ask_of_array(fcinfo, has_any, 1);
}
