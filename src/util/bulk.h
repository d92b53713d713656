/*
 * bulk.h: many rows into one table.
 *
 * Rows are gathered and put into the table a page at a time, as COPY does, where nothing but constraints and
 * indexes watches it.  A table that has triggers, partitions, row security or defaults on columns not named here
 * gets each row by an ordinary INSERT, so whatever a DBA adds keeps working.
 */
#ifndef MEMBER_BULK_H
#define MEMBER_BULK_H

#include "compat.h"

typedef struct BulkTable BulkTable;

extern BulkTable *bulk_open(const char *schema, const char *table, const char *const *columns,
							int n_columns);
extern void bulk_put(BulkTable *t, const Datum *values, const bool *nulls);
extern void bulk_close(BulkTable *t);

#endif
