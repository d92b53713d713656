/*
 * bulk.h: many rows into one table.
 *
 * Rows are gathered and put into the table a page at a time, as COPY does, where nothing but constraints and
 * indexes watches it.  A table that has triggers, partitions, row security or defaults on columns not named here
 * gets each row by an ordinary INSERT, so whatever a DBA adds keeps working.  Rows that are changed are so one by one,
 * at once, each where it stands; or by an ordinary UPDATE.
 */
#ifndef MEMBER_BULK_H
#define MEMBER_BULK_H

#include "compat.h"

#include "access/htup.h"
#include "storage/itemptr.h"

typedef struct BulkTable BulkTable;

typedef enum BulkMode
{
	BULK_INSERT,
	BULK_UPDATE,	  /* rows that are locked; the first column is the key, which stays */
	BULK_UPDATE_FREE, /* rows that are not: those that others hold, or have changed, are left */
	BULK_FORM		  /* rows that another process will put */
} BulkMode;

extern BulkTable *bulk_open(BulkMode mode, const char *schema, const char *table,
							const char *const *columns, int n_columns);

/* Whether rows are put without a statement. */
extern bool bulk_is_by_pages(const BulkTable *t);
extern void bulk_put(BulkTable *t, const Datum *values, const bool *nulls);

/* A row as it is to lie in the table: it has been held against the constraints. */
extern HeapTuple bulk_form(BulkTable *t, const Datum *values, const bool *nulls);
extern void bulk_put_formed(BulkTable *t, HeapTuple row);

/* The row is one that the active snapshot sees; false: it is left as it is. */
extern bool bulk_change(BulkTable *t, ItemPointer row, const Datum *values, const bool *nulls);
extern void bulk_close(BulkTable *t);

#endif
