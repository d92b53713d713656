/*
 * pack.h: rows of several kinds in one value, for what workers make and the leader writes.
 */
#ifndef MEMBER_PACK_H
#define MEMBER_PACK_H

#include "compat.h"

#include "access/tupdesc.h"
#include "lib/stringinfo.h"

typedef struct PackReader
{
	const char *at;
	const char *end;
	char *row; /* the one that was read, aligned */
	uint32 size;
} PackReader;

extern TupleDesc pack_desc(int n, const Oid *types);
extern TupleDesc pack_desc_of(const char *schema, const char *table, const char *const *columns,
							  int n);

extern void pack_row(StringInfo pack, int kind, TupleDesc desc, const Datum *values,
					 const bool *nulls);

/* The values point into the reader, up to the next row.  False: that was the last. */
extern bool pack_next(PackReader *r, int *kind);
extern void pack_values(const PackReader *r, TupleDesc desc, Datum *values, bool *nulls);

#endif
