/*
 * bulk.c: many rows into one table; see bulk.h.
 *
 * Values given to bulk_put() are copied.  Nothing is visible, and no unique
 * index has judged, before the rows are flushed: after BULK_ROWS rows, and by bulk_close().
 */
#include "compat.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "util/bulk.h"

#define BULK_ROWS 500
#define BULK_COLUMNS 32

struct BulkTable
{
	BulkMode mode;
	Relation rel;
	MemoryContext keep;
	MemoryContext scratch; /* of one flush */
	int n_columns;
	AttrNumber column[BULK_COLUMNS];
	/* by pages */
	EState *estate;
	ResultRelInfo *result;
	BulkInsertState insert;
	TupleTableSlot *slot[BULK_ROWS]; /* of an update: the row as it was, and as it is */
	int n_slots;					 /* made */
	int n_rows;						 /* filled */
	/* row by row, when result is NULL */
	SPIPlanPtr plan;
};

static void
find_columns(BulkTable *t, const char *const *columns, int n)
{
	Assert(n <= BULK_COLUMNS);
	t->n_columns = n;
	for (int i = 0; i < n; i++)
	{
		t->column[i] = get_attnum(RelationGetRelid(t->rel), columns[i]);
		if (t->column[i] == InvalidAttrNumber)
			ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("table \"%s\" has no column \"%s\"", RelationGetRelationName(t->rel),
						   columns[i]));
	}
}

/* Whether a column that gets no value here would get one from an INSERT, or from whatever is written. */
static bool
has_other_default(const BulkTable *t)
{
	TupleDesc desc = RelationGetDescr(t->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(desc, i);
		bool given = false;

		for (int j = 0; j < t->n_columns; j++)
			given = given || t->column[j] == i + 1;
		if (!a->attisdropped &&
			((t->mode == BULK_INSERT && !given && (a->atthasdef || a->attidentity)) ||
			 a->attgenerated))
			return true;
	}
	return false;
}

static bool
has_triggers(const BulkTable *t)
{
	const TriggerDesc *trig = t->rel->trigdesc;

	if (trig == NULL)
		return false;
	if (t->mode != BULK_INSERT)
		return trig->trig_update_before_row || trig->trig_update_after_row ||
			   trig->trig_update_before_statement || trig->trig_update_after_statement;
	return trig->trig_insert_before_row || trig->trig_insert_after_row ||
		   trig->trig_insert_before_statement || trig->trig_insert_after_statement;
}

static bool
is_watched(const BulkTable *t)
{
	return t->rel->rd_rel->relkind != RELKIND_RELATION ||
		   t->rel->rd_tableam != GetHeapamTableAmRoutine() ||
		   check_enable_rls(RelationGetRelid(t->rel), InvalidOid, true) == RLS_ENABLED ||
		   has_triggers(t) || has_other_default(t);
}

static bool
has_deferred_index(const BulkTable *t)
{
	for (int i = 0; i < t->result->ri_NumIndices; i++)
		if (!t->result->ri_IndexRelationDescs[i]->rd_index->indimmediate)
			return true;
	return false;
}

static void
open_pages(BulkTable *t)
{
	t->estate = CreateExecutorState();
	t->result = makeNode(ResultRelInfo);
	InitResultRelInfo(t->result, t->rel, 0, NULL, 0);
	if (t->mode == BULK_FORM)
		return;
	ExecOpenIndices(t->result, false);
	if (!has_deferred_index(t))
	{
		if (t->mode == BULK_INSERT)
			t->insert = GetBulkInsertState();
		return;
	}
	ExecCloseIndices(t->result);
	FreeExecutorState(t->estate);
	t->result = NULL;
}

static void
open_rows(BulkTable *t, const char *const *columns)
{
	TupleDesc desc = RelationGetDescr(t->rel);
	const char *table = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(t->rel)),
												   RelationGetRelationName(t->rel));
	Oid types[BULK_COLUMNS + 1];
	StringInfoData names, marks;

	initStringInfo(&names);
	initStringInfo(&marks);
	for (int i = 0; i < t->n_columns; i++)
	{
		types[i] = TupleDescAttr(desc, t->column[i] - 1)->atttypid;
		appendStringInfo(&names, "%s%s", i ? ", " : "", quote_identifier(columns[i]));
		appendStringInfo(&marks, "%s$%d", i ? ", " : "", i + 1);
	}
	types[t->n_columns] = TIDOID;
	SPI_connect();
	t->plan =
		t->mode == BULK_INSERT
			? SPI_prepare(psprintf("INSERT INTO %s (%s) VALUES (%s)", table, names.data,
								   marks.data),
						  t->n_columns, types)
			: SPI_prepare(psprintf("UPDATE %s SET (%s) = ROW (%s) WHERE %s = $1 AND ctid = $%d",
								   table, names.data, marks.data, quote_identifier(columns[0]),
								   t->n_columns + 1),
						  t->n_columns + 1, types);
	if (t->plan == NULL || SPI_keepplan(t->plan) != 0)
		elog(ERROR, "could not prepare the statement of a row: %s",
			 SPI_result_code_string(SPI_result));
	SPI_finish();
}

BulkTable *
bulk_open(BulkMode mode, const char *schema, const char *table, const char *const *columns,
		  int n_columns)
{
	BulkTable *t = palloc0(sizeof(BulkTable));
	AclResult acl;

	t->mode = mode;
	t->keep = CurrentMemoryContext;
	t->scratch = AllocSetContextCreate(t->keep, "member bulk", ALLOCSET_DEFAULT_SIZES);
	t->rel = table_openrv(makeRangeVar(pstrdup(schema), pstrdup(table), -1),
						  mode == BULK_FORM ? AccessShareLock : RowExclusiveLock);
	acl = pg_class_aclcheck(RelationGetRelid(t->rel), GetUserId(),
							mode == BULK_INSERT || mode == BULK_FORM ? ACL_INSERT : ACL_UPDATE);
	if (acl != ACLCHECK_OK)
		aclcheck_error(acl, OBJECT_TABLE, table);
	find_columns(t, columns, n_columns);
	if (mode == BULK_FORM || !is_watched(t))
		open_pages(t);
	if (t->result == NULL)
		open_rows(t, columns);
	return t;
}

static void
flush(BulkTable *t)
{
	MemoryContext old = MemoryContextSwitchTo(t->scratch);

	table_multi_insert(t->rel, t->slot, t->n_rows, GetCurrentCommandId(true), 0, t->insert);
	for (int i = 0; i < t->n_rows; i++)
	{
		if (t->result->ri_NumIndices > 0)
			list_free(insert_index_tuples(t->result, t->slot[i], t->estate));
		ResetPerTupleExprContext(t->estate);
		ExecClearTuple(t->slot[i]);
	}
	t->n_rows = 0;
	MemoryContextReset(t->scratch);
	MemoryContextSwitchTo(old);
}

/* A row as it is to be, which is held against the constraints. */
static void
fill_slot(BulkTable *t, TupleTableSlot *slot, const Datum *values, const bool *nulls)
{
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < t->n_columns; i++)
	{
		slot->tts_values[t->column[i] - 1] = values[i];
		slot->tts_isnull[t->column[i] - 1] = nulls[i];
	}
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(t->rel);
	if (t->rel->rd_att->constr)
		ExecConstraints(t->result, slot, t->estate);
}

static TupleTableSlot *
empty_slot(BulkTable *t, int i)
{
	if (i == t->n_slots)
		t->slot[t->n_slots++] = table_slot_create(t->rel, NULL);
	ExecClearTuple(t->slot[i]);
	return t->slot[i];
}

static void
put_page(BulkTable *t, const Datum *values, const bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(t->keep);
	TupleTableSlot *slot = empty_slot(t, t->n_rows++);

	fill_slot(t, slot, values, nulls);
	ExecMaterializeSlot(slot);
	if (t->n_rows == BULK_ROWS)
		flush(t);
	MemoryContextSwitchTo(old);
}

HeapTuple
bulk_form(BulkTable *t, const Datum *values, const bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(t->keep);
	TupleTableSlot *slot = empty_slot(t, 0);

	fill_slot(t, slot, values, nulls);
	ResetPerTupleExprContext(t->estate);
	MemoryContextSwitchTo(old);
	return heap_form_tuple(slot->tts_tupleDescriptor, slot->tts_values, slot->tts_isnull);
}

void
bulk_put_formed(BulkTable *t, HeapTuple row)
{
	MemoryContext old = MemoryContextSwitchTo(t->keep);
	TupleTableSlot *slot = empty_slot(t, t->n_rows++);

	ExecForceStoreHeapTuple(row, slot, false);
	slot->tts_tableOid = RelationGetRelid(t->rel);
	if (t->n_rows == BULK_ROWS)
		flush(t);
	MemoryContextSwitchTo(old);
}

/* With assertions a server stops at a row that came to be held since is_held(), instead of leaving it. */
#ifdef USE_ASSERT_CHECKING
#define WAITS_IN_A_RACE true
#else
#define WAITS_IN_A_RACE false
#endif

/*
 * Whether another transaction holds the row.  Who asks holds other rows, in no order, and so must not wait: it could be
 * for one who waits for those.
 */
static bool
is_held(TupleTableSlot *slot)
{
	HeapTupleHeader row = ((HeapTupleTableSlot *) slot)->tuple->t_data;

	return !(row->t_infomask & HEAP_XMAX_INVALID) &&
		   ((row->t_infomask & HEAP_XMAX_IS_MULTI) ||
			TransactionIdIsInProgress(HeapTupleHeaderGetRawXmax(row)));
}

/* As it is but for the columns that are given. */
static TupleTableSlot *
changed_row(BulkTable *t, ItemPointer row, const Datum *values, const bool *nulls)
{
	TupleTableSlot *before = empty_slot(t, 0);
	TupleTableSlot *after = empty_slot(t, 1);

	if (!table_tuple_fetch_row_version(t->rel, row, SnapshotAny, before))
		elog(ERROR, "a row to be changed is gone");
	slot_getallattrs(before);
	memcpy(after->tts_values, before->tts_values,
		   after->tts_tupleDescriptor->natts * sizeof(Datum));
	memcpy(after->tts_isnull, before->tts_isnull, after->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < t->n_columns; i++)
	{
		after->tts_values[t->column[i] - 1] = values[i];
		after->tts_isnull[t->column[i] - 1] = nulls[i];
	}
	ExecStoreVirtualTuple(after);
	after->tts_tableOid = RelationGetRelid(t->rel);
	return after;
}

static bool
change_page(BulkTable *t, ItemPointer row, const Datum *values, const bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(t->keep);
	TupleTableSlot *after = changed_row(t, row, values, nulls);
	bool wait = t->mode == BULK_UPDATE || WAITS_IN_A_RACE;
	TM_Result result = TM_BeingModified;
	TM_FailureData failure;
	LockTupleMode lock;
	IndexUpdate indexes;

	MemoryContextSwitchTo(t->scratch);
	if (t->rel->rd_att->constr)
		ExecConstraints(t->result, after, t->estate);
	if (t->mode == BULK_UPDATE || !is_held(t->slot[0]))
		result =
			table_tuple_update(t->rel, row, after, GetCurrentCommandId(true), GetActiveSnapshot(),
							   InvalidSnapshot, wait, &failure, &lock, &indexes);
	if (result == TM_Ok && indexes && t->result->ri_NumIndices > 0)
		list_free(update_index_tuples(t->result, after, t->estate, indexes));
	if (result == TM_SelfModified)
		elog(ERROR, "a row is changed twice");
	ResetPerTupleExprContext(t->estate);
	ExecClearTuple(after);
	ExecClearTuple(t->slot[0]);
	MemoryContextReset(t->scratch);
	MemoryContextSwitchTo(old);
	return result == TM_Ok;
}

/* Whether it changed a row. */
static bool
run_plan(BulkTable *t, ItemPointer row, const Datum *values, const bool *nulls)
{
	Datum v[BULK_COLUMNS + 1];
	char marks[BULK_COLUMNS + 1] = {0};
	bool changed;

	for (int i = 0; i < t->n_columns; i++)
	{
		v[i] = values[i];
		marks[i] = nulls[i] ? 'n' : ' ';
	}
	v[t->n_columns] = PointerGetDatum(row);
	marks[t->n_columns] = ' ';
	SPI_connect();
	if (SPI_execute_plan(t->plan, v, marks, false, 0) < 0)
		elog(ERROR, "could not write a row");
	changed = SPI_processed > 0;
	SPI_finish();
	return changed;
}

void
bulk_put(BulkTable *t, const Datum *values, const bool *nulls)
{
	if (t->result)
		put_page(t, values, nulls);
	else
		run_plan(t, NULL, values, nulls);
}

bool
bulk_change(BulkTable *t, ItemPointer row, const Datum *values, const bool *nulls)
{
	return t->result ? change_page(t, row, values, nulls) : run_plan(t, row, values, nulls);
}

bool
bulk_is_by_pages(const BulkTable *t)
{
	return t->result != NULL;
}

void
bulk_close(BulkTable *t)
{
	if (t->result)
	{
		if (t->n_rows > 0)
			flush(t);
		for (int i = 0; i < t->n_slots; i++)
			ExecDropSingleTupleTableSlot(t->slot[i]);
		if (t->insert)
		{
			FreeBulkInsertState(t->insert);
			table_finish_bulk_insert(t->rel, 0);
		}
		if (t->mode != BULK_FORM)
			ExecCloseIndices(t->result);
		FreeExecutorState(t->estate);
	}
	else
		SPI_freeplan(t->plan);
	table_close(t->rel, NoLock);
	MemoryContextDelete(t->scratch);
	pfree(t);
}
