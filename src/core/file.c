/*
 * file.c: a file of purchases, whose steps are taken by workers.
 *
 * write_file(queries, first, version, program, present): each query yields purchases of some member keys, those of a
 * key together and in their order, and rows that can't be taken.  All keys are new: those of which a row is taken get
 * the numbers from first on, as they come.  A worker runs a query, takes the steps and forms the rows of entries,
 * purchases and states; the leader, who alone may write, puts them by pages.  If there are no workers, or tables that
 * can't be written by pages, he does all of it.
 *
 * What is left to the caller comes back: a row each member who is to be enrolled, and each row that can't be taken.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "core/batch.h"
#include "util/workers.h"

/* Columns of a query. */
typedef enum FileColumn
{
	FILE_AT,
	FILE_LINE,
	FILE_ROW_ID,
	FILE_AMOUNT,
	FILE_MEMBER_KEY,
	FILE_PURCHASE_NO,
	FILE_STORE,
	FILE_CHANNEL,
	FILE_REJECT,
	FILE_NATTS
} FileColumn;

/* Columns of the result. */
typedef enum LeftColumn
{
	LEFT_MEMBER_ID,
	LEFT_MEMBER_KEY,
	LEFT_JOINED_AT,
	LEFT_STORE,
	LEFT_CHANNEL,
	LEFT_TIERS,
	LEFT_TIER_ENTRIES,
	LEFT_ROW_ID, /* of the row that can't be taken; null: it is a member's */
	LEFT_LINE,
	LEFT_REASON,
	LEFT_ROWS, /* that were taken */
	LEFT_AMOUNT,
	LEFT_NATTS
} LeftColumn;

/* A row of the result, among those of the tables. */
#define ROW_LEFT ROW_KINDS

/* Rows are sent on when they are so many bytes. */
#define SEND_SIZE (256 * 1024)

/* What workers are told. */
typedef struct FileTask
{
	Oid function; /* whose result it is */
	int32 version;
	TimestampTz present;
	int64 first;
	int parts;
	Size program; /* where it is in the data */
	Size size;
	char data[FLEXIBLE_ARRAY_MEMBER]; /* an array of queries, the program */
} FileTask;

/* The member key at hand, and what was there before it in its query. */
typedef struct FileSteps
{
	DestReceiver pub;
	Batch batch;
	const FileTask *task;
	WorkerSelf *self; /* NULL: rows are put here */
	TupleDesc left;
	ReturnSetInfo *result;
	StringInfoData pack;
	Datum kind;	  /* of its events */
	int64 n_keys; /* that have a number, without workers */
	text *key;
	TimestampTz joined_at;
	text *store;
	text *channel;
	int64 rows;
	int64 amount;
} FileSteps;

/* ---- what is left to the caller ---- */

static void
put_left(FileSteps *f, Datum *v, bool *null)
{
	if (f->self)
		pack_row(&f->pack, ROW_LEFT, heap_form_tuple(f->left, v, null));
	else
		tuplestore_putvalues(f->result->setResult, f->left, v, null);
}

static void
leave_reject(FileSteps *f, const Datum *in, const bool *in_null)
{
	Datum v[LEFT_NATTS];
	bool null[LEFT_NATTS];
	MemoryContext old = MemoryContextSwitchTo(f->batch.row);

	memset(null, true, sizeof(null));
	v[LEFT_ROW_ID] = in[FILE_ROW_ID];
	v[LEFT_LINE] = in[FILE_LINE];
	v[LEFT_REASON] = in[FILE_REJECT];
	v[LEFT_AMOUNT] = in[FILE_AMOUNT];
	null[LEFT_ROW_ID] = null[LEFT_LINE] = null[LEFT_REASON] = false;
	null[LEFT_AMOUNT] = in_null[FILE_AMOUNT];
	put_left(f, v, null);
	MemoryContextSwitchTo(old);
	MemoryContextReset(f->batch.row);
}

static void
leave_member(FileSteps *f)
{
	Datum v[LEFT_NATTS];
	bool null[LEFT_NATTS] = {false};
	MemoryContext old = MemoryContextSwitchTo(f->batch.row);

	v[LEFT_MEMBER_ID] = Int64GetDatum(f->batch.member_id);
	v[LEFT_MEMBER_KEY] = PointerGetDatum(f->key);
	v[LEFT_JOINED_AT] = TimestampTzGetDatum(f->joined_at);
	v[LEFT_STORE] = PointerGetDatum(f->store);
	null[LEFT_STORE] = f->store == NULL;
	v[LEFT_CHANNEL] = PointerGetDatum(f->channel);
	null[LEFT_CHANNEL] = f->channel == NULL;
	batch_put_tiers(&f->batch, &v[LEFT_TIERS], &v[LEFT_TIER_ENTRIES], &null[LEFT_TIERS]);
	null[LEFT_TIER_ENTRIES] = null[LEFT_TIERS];
	null[LEFT_ROW_ID] = null[LEFT_LINE] = null[LEFT_REASON] = true;
	v[LEFT_ROWS] = Int64GetDatum(f->rows);
	v[LEFT_AMOUNT] = Int64GetDatum(f->amount);
	put_left(f, v, null);
	MemoryContextSwitchTo(old);
}

/* ---- the rows of a query ---- */

static void
finish_member(FileSteps *f)
{
	if (!f->batch.begun)
		return;
	batch_finish_member(&f->batch);
	leave_member(f);
	f->batch.begun = false;
}

static int64
next_number(FileSteps *f)
{
	return f->task->first + (f->self ? worker_next_number(f->self) : f->n_keys++);
}

static text *
keep_text(const Batch *b, Datum v, bool null)
{
	MemoryContext old;
	text *copy;

	if (null)
		return NULL;
	old = MemoryContextSwitchTo(b->member);
	copy = DatumGetTextPCopy(v);
	MemoryContextSwitchTo(old);
	return copy;
}

static bool
is_key_at_hand(const FileSteps *f, Datum key)
{
	const text *k = DatumGetTextPP(key);

	return f->batch.begun && VARSIZE_ANY_EXHDR(k) == VARSIZE_ANY_EXHDR(f->key) &&
		   memcmp(VARDATA_ANY(k), VARDATA_ANY(f->key), VARSIZE_ANY_EXHDR(k)) == 0;
}

static void
take_purchase(FileSteps *f, const Datum *in, const bool *in_null)
{
	static const struct
	{
		InColumn to;
		FileColumn from;
	} given[] = {{IN_AT, FILE_AT},
				 {IN_AMOUNT, FILE_AMOUNT},
				 {IN_SOURCE, FILE_PURCHASE_NO},
				 {IN_STORE, FILE_STORE},
				 {IN_CHANNEL, FILE_CHANNEL}};
	Datum v[IN_NATTS];
	bool null[IN_NATTS];

	memset(null, true, sizeof(null));
	v[IN_KIND] = f->kind;
	null[IN_KIND] = false;
	for (int i = 0; i < lengthof(given); i++)
	{
		v[given[i].to] = in[given[i].from];
		null[given[i].to] = in_null[given[i].from];
	}
	if (!is_key_at_hand(f, in[FILE_MEMBER_KEY]))
	{
		finish_member(f);
		batch_begin_member(&f->batch, next_number(f), v, null);
		f->key = keep_text(&f->batch, in[FILE_MEMBER_KEY], false);
		f->store = keep_text(&f->batch, in[FILE_STORE], in_null[FILE_STORE]);
		f->channel = keep_text(&f->batch, in[FILE_CHANNEL], in_null[FILE_CHANNEL]);
		f->joined_at = DatumGetTimestampTz(in[FILE_AT]);
		f->rows = f->amount = 0;
	}
	batch_take_event(&f->batch, v, null);
	f->rows++;
	f->amount += DatumGetInt64(in[FILE_AMOUNT]);
}

static void
send_rows(FileSteps *f)
{
	if (f->pack.len > 0)
		worker_send(f->self, f->pack.data, f->pack.len);
	resetStringInfo(&f->pack);
}

static bool
receive_file_row(TupleTableSlot *slot, DestReceiver *self)
{
	FileSteps *f = (FileSteps *) self;
	MemoryContext old = MemoryContextSwitchTo(f->batch.run.keep);

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	if (slot->tts_isnull[FILE_REJECT])
		take_purchase(f, slot->tts_values, slot->tts_isnull);
	else
		leave_reject(f, slot->tts_values, slot->tts_isnull);
	if (f->pack.len > SEND_SIZE)
		send_rows(f);
	MemoryContextSwitchTo(old);
	return true;
}

static void
begin_query(DestReceiver *self, int operation, TupleDesc desc)
{
	if (desc->natts != FILE_NATTS)
		elog(ERROR, "the query of a file has %d columns", desc->natts);
}

static void
no_more(DestReceiver *self)
{
}

/* ---- the parts of a file ---- */

static void
open_steps(FileSteps *f, const FileTask *task, Oid tiers)
{
	static const DestReceiver receiver = {receive_file_row, begin_query, no_more, no_more,
										  DestNone};
	Batch *b = &f->batch;

	f->pub = receiver;
	f->task = task;
	initStringInfo(&f->pack);
	f->kind = CStringGetTextDatum("purchase");
	b->program = program_open(PointerGetDatum(task->data + task->program));
	b->version = task->version;
	b->present = task->present;
	batch_init(b, CurrentMemoryContext, tiers);
}

static void
take_part(FileSteps *f, int part)
{
	Datum *query;
	int n;
	SPIExecuteOptions how = {0};
	SPIPlanPtr plan;

	deconstruct_array((ArrayType *) f->task->data, TEXTOID, -1, false, TYPALIGN_INT, &query, NULL,
					  &n);
	plan = SPI_prepare(TextDatumGetCString(query[part]), 0, NULL);
	if (plan == NULL)
		elog(ERROR, "could not prepare the query of a file: %s",
			 SPI_result_code_string(SPI_result));
	how.read_only = true; /* it sees nothing of what is written */
	how.dest = &f->pub;
	if (SPI_execute_plan_extended(plan, &how) < 0)
		elog(ERROR, "could not run the query of a file");
	finish_member(f);
	SPI_freeplan(plan);
}

/* The columns of the result, in a worker. */
static TupleDesc
result_desc(Oid function)
{
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	TupleDesc desc;

	if (!HeapTupleIsValid(row))
		elog(ERROR, "there is no function %u", function);
	desc = build_function_result_tupdesc_t(row);
	ReleaseSysCache(row);
	return desc;
}

extern PGDLLEXPORT void member_file_worker(dsm_segment *segment, shm_toc *toc);

void
member_file_worker(dsm_segment *segment, shm_toc *toc)
{
	FileSteps f = {0};
	const void *task;
	int part;

	f.self = worker_open(segment, toc, &task);
	f.left = result_desc(((const FileTask *) task)->function);
	SPI_connect();
	open_steps(&f, task, TupleDescAttr(f.left, LEFT_TIERS)->atttypid);
	f.batch.pack = &f.pack;
	batch_open_rows(&f.batch, BULK_FORM);
	while ((part = worker_next_part(f.self)) < f.task->parts)
		take_part(&f, part);
	send_rows(&f);
	batch_close_rows(&f.batch);
	SPI_finish();
	worker_close(f.self);
}

/* ---- the leader ---- */

static void
put_rows(FileSteps *f, void *data, Size len)
{
	PackReader r = {data, (char *) data + len};
	HeapTupleData row;
	int kind;

	while (pack_next(&r, &kind, &row))
	{
		if (kind == ROW_LEFT)
			tuplestore_puttuple(f->result->setResult, &row);
		else
			bulk_put_formed(f->batch.rows[kind], &row);
	}
}

static void
take_file(FileSteps *f)
{
	const FileTask *task = f->task;
	Workers *w = NULL;
	void *data;
	Size len;

	(void) GetCurrentTransactionId(); /* beside workers none is given */
	if (task->parts > 1 && batch_is_by_pages(&f->batch))
		w = workers_start("member_file_worker", task, task->size, task->parts);
	if (w)
	{
		while (workers_receive(w, &data, &len))
			put_rows(f, data, len);
		workers_end(w);
	}
	else
		for (int part = 0; part < task->parts; part++)
			take_part(f, part);
}

static FileTask *
make_task(FunctionCallInfo fcinfo)
{
	ArrayType *queries = PG_GETARG_ARRAYTYPE_P(0);
	struct varlena *program = PG_DETOAST_DATUM(PG_GETARG_DATUM(3));
	Size place = MAXALIGN(VARSIZE(queries));
	Size size = offsetof(FileTask, data) + place + VARSIZE(program);
	FileTask *task = palloc0(size);

	task->function = fcinfo->flinfo->fn_oid;
	task->version = PG_GETARG_INT32(2);
	task->present = PG_GETARG_TIMESTAMPTZ(4);
	task->first = PG_GETARG_INT64(1);
	task->parts = ArrayGetNItems(ARR_NDIM(queries), ARR_DIMS(queries));
	task->program = place;
	task->size = size;
	memcpy(task->data, queries, VARSIZE(queries));
	memcpy(task->data + place, program, VARSIZE(program));
	return task;
}

PG_FUNCTION_INFO_V1(member_write_file);
Datum
member_write_file(PG_FUNCTION_ARGS)
{
	FileSteps f = {0};

	InitMaterializedSRF(fcinfo, 0);
	f.result = (ReturnSetInfo *) fcinfo->resultinfo;
	f.left = f.result->setDesc;
	SPI_connect();
	open_steps(&f, make_task(fcinfo), TupleDescAttr(f.left, LEFT_TIERS)->atttypid);
	batch_open_rows(&f.batch, BULK_INSERT);
	take_file(&f);
	batch_close_rows(&f.batch);
	SPI_finish();
	return (Datum) 0;
}
