/*
 * pack.c: rows of several kinds in one value; see pack.h.
 *
 * A row is its kind, its length and a minimal tuple.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "utils/lsyscache.h"

#include "util/pack.h"

TupleDesc
pack_desc(int n, const Oid *types)
{
	TupleDesc desc = CreateTemplateTupleDesc(n);

	for (int i = 0; i < n; i++)
		TupleDescInitEntry(desc, i + 1, NULL, types[i], -1, 0);
	return desc;
}

/* Of columns of a table. */
TupleDesc
pack_desc_of(const char *schema, const char *table, const char *const *columns, int n)
{
	Oid relation = get_relname_relid(table, get_namespace_oid(schema, false));
	Oid *types = palloc(n * sizeof(Oid));

	for (int i = 0; i < n; i++)
	{
		AttrNumber column = get_attnum(relation, columns[i]);

		if (column == InvalidAttrNumber)
			ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("table \"%s\" has no column \"%s\"", table, columns[i]));
		types[i] = get_atttype(relation, column);
	}
	return pack_desc(n, types);
}

void
pack_row(StringInfo pack, int kind, TupleDesc desc, const Datum *values, const bool *nulls)
{
	MinimalTuple row = form_minimal_tuple(desc, values, nulls);

	appendBinaryStringInfo(pack, (const char *) &kind, sizeof(kind));
	appendBinaryStringInfo(pack, (const char *) row, row->t_len); /* begins with its length */
	heap_free_minimal_tuple(row);
}

bool
pack_next(PackReader *r, int *kind)
{
	uint32 len;

	if (r->at == r->end)
		return false;
	memcpy(kind, r->at, sizeof(*kind));
	memcpy(&len, r->at + sizeof(*kind), sizeof(len));
	if (len > r->size)
	{
		r->size = len * 2;
		r->row = r->row ? repalloc(r->row, r->size) : palloc(r->size);
	}
	memcpy(r->row, r->at + sizeof(*kind), len);
	r->at += sizeof(*kind) + len;
	return true;
}

void
pack_values(const PackReader *r, TupleDesc desc, Datum *values, bool *nulls)
{
	MinimalTuple row = (MinimalTuple) r->row;
	HeapTupleData tuple = {0};

	tuple.t_len = row->t_len + MINIMAL_TUPLE_OFFSET;
	tuple.t_data = (HeapTupleHeader) (r->row - MINIMAL_TUPLE_OFFSET);
	heap_deform_tuple(&tuple, desc, values, nulls);
}
