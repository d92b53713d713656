/*
 * file.c: a file of purchases, whose steps are taken by workers.
 *
 * file_steps(program, version, present, first, stride, a row) is an aggregate over the rows of a member key, in their
 * order: it takes their steps, packs what is to be written, and which rows can't be taken.  The leader writes that.
 */
#include "compat.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "core/batch.h"

/* ---- in the leader ---- */

/* A row of the result, of some columns of a packed one. */
static void
put_unpacked(Batch *b, int n, const int *columns, const Datum *in, const bool *in_null)
{
	Datum v[OUT_NATTS];
	bool null[OUT_NATTS];

	memset(null, true, sizeof(null));
	for (int i = 0; i < n; i++)
	{
		v[columns[i]] = in[i];
		null[columns[i]] = in_null[i];
	}
	tuplestore_putvalues(b->result->setResult, b->result->setDesc, v, null);
}

void
file_write_packed(Batch *b, Datum packed)
{
	static const int member[] = {OUT_MEMBER_ID, OUT_MEMBER_KEY, OUT_JOINED_AT,	 OUT_STORE,
								 OUT_CHANNEL,	OUT_TIERS,		OUT_TIER_ENTRIES};
	static const int reject[REJECT_NATTS] = {OUT_ROW_ID, OUT_LINE, OUT_REASON, OUT_POINTS};
	bytea *pack = DatumGetByteaPP(packed);
	Datum v[IN_POST_NATTS];
	bool null[IN_POST_NATTS];
	int kind;

	if (b->packed[0] == NULL)
		batch_open_packed(b);
	b->reader.at = VARDATA_ANY(pack);
	b->reader.end = b->reader.at + VARSIZE_ANY_EXHDR(pack);
	while (pack_next(&b->reader, &kind))
	{
		pack_values(&b->reader, b->packed[kind], v, null);
		if (kind == PACK_REJECT)
			put_unpacked(b, REJECT_NATTS, reject, v, null);
		else if (kind == PACK_MEMBER)
		{
			put_unpacked(b, lengthof(member), member, v, null);
			b->n_taken += DatumGetInt64(v[MEMBER_ROWS]);
			b->amount += DatumGetInt64(v[MEMBER_AMOUNT]);
		}
		else
			batch_put(b, kind, v, null);
	}
	if ((Pointer) pack != DatumGetPointer(packed))
		pfree(pack);
}

/* ---- in a worker ---- */

typedef enum FileArgument
{
	FILE_PROGRAM = 1, /* after the state */
	FILE_VERSION,
	FILE_PRESENT,
	FILE_FIRST, /* number of the first key of which a row is taken */
	FILE_STRIDE,
	FILE_MEMBER_KEY,
	FILE_AT,
	FILE_AMOUNT,
	FILE_PURCHASE_NO,
	FILE_STORE,
	FILE_CHANNEL,
	FILE_ROW_ID,
	FILE_LINE,
	FILE_REJECT
} FileArgument;

/* Bytes of one key: a value is passed on whole, and copied. */
#define FILE_PACK_MAX (32 * 1024 * 1024)

/* Of all keys of an aggregate, which come one after the other. */
typedef struct FileSteps
{
	Batch batch;
	StringInfoData pack;
	Datum kind;	  /* of its events */
	int64 n_keys; /* that have a number */
	bool open;
	/* of the key at hand */
	text *key;
	TimestampTz joined_at;
	text *store;
	text *channel;
	int64 rows;
	int64 amount;
} FileSteps;

static FileSteps *
open_steps(FunctionCallInfo fcinfo)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	FileSteps *f = palloc0(sizeof(FileSteps));
	Batch *b = &f->batch;

	b->program =
		program_open(PointerGetDatum(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(FILE_PROGRAM))));
	b->version = PG_GETARG_INT32(FILE_VERSION);
	b->present = PG_GETARG_TIMESTAMPTZ(FILE_PRESENT);
	b->row = AllocSetContextCreate(CurrentMemoryContext, "member event", ALLOCSET_DEFAULT_SIZES);
	b->member = AllocSetContextCreate(CurrentMemoryContext, "member tiers", ALLOCSET_SMALL_SIZES);
	run_init(&b->run, CurrentMemoryContext);
	batch_open_packed(b);
	f->kind = CStringGetTextDatum("purchase");
	initStringInfo(&f->pack);
	b->pack = &f->pack;
	MemoryContextSwitchTo(old);
	return f;
}

static text *
keep_text(const Batch *b, FunctionCallInfo fcinfo, FileArgument i)
{
	MemoryContext old;
	text *copy;

	if (PG_ARGISNULL(i))
		return NULL;
	old = MemoryContextSwitchTo(b->member);
	copy = PG_GETARG_TEXT_P_COPY(i);
	MemoryContextSwitchTo(old);
	return copy;
}

static void
begin_file_member(FileSteps *f, FunctionCallInfo fcinfo, const Datum *v, const bool *null)
{
	batch_begin_member(&f->batch,
					   PG_GETARG_INT64(FILE_FIRST) + f->n_keys++ * PG_GETARG_INT32(FILE_STRIDE), v,
					   null);
	f->key = keep_text(&f->batch, fcinfo, FILE_MEMBER_KEY);
	f->store = keep_text(&f->batch, fcinfo, FILE_STORE);
	f->channel = keep_text(&f->batch, fcinfo, FILE_CHANNEL);
	f->joined_at = PG_GETARG_TIMESTAMPTZ(FILE_AT);
	f->rows = f->amount = 0;
}

static void
take_file_row(FileSteps *f, FunctionCallInfo fcinfo)
{
	static const struct
	{
		InColumn in;
		FileArgument from;
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
		v[given[i].in] = PG_GETARG_DATUM(given[i].from);
		null[given[i].in] = PG_ARGISNULL(given[i].from);
	}
	if (!f->batch.begun)
		begin_file_member(f, fcinfo, v, null);
	batch_take_event(&f->batch, v, null);
	f->rows++;
	f->amount += PG_GETARG_INT64(FILE_AMOUNT);
}

static void
pack_reject(FileSteps *f, FunctionCallInfo fcinfo)
{
	static const FileArgument from[REJECT_NATTS] = {FILE_ROW_ID, FILE_LINE, FILE_REJECT,
													FILE_AMOUNT};
	Datum v[REJECT_NATTS];
	bool null[REJECT_NATTS];

	for (int i = 0; i < REJECT_NATTS; i++)
	{
		v[i] = PG_GETARG_DATUM(from[i]);
		null[i] = PG_ARGISNULL(from[i]);
	}
	pack_row(f->batch.pack, PACK_REJECT, f->batch.packed[PACK_REJECT], v, null);
}

PG_FUNCTION_INFO_V1(member_file_steps_add);
Datum
member_file_steps_add(PG_FUNCTION_ARGS)
{
	FileSteps *f = fcinfo->flinfo->fn_extra;
	MemoryContext old;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "file_steps is an aggregate");
	if (f == NULL)
		f = fcinfo->flinfo->fn_extra = open_steps(fcinfo);
	if (PG_ARGISNULL(0) == f->open)
		elog(ERROR, "the keys of a file do not come one after the other");
	f->open = true;
	old = MemoryContextSwitchTo(f->batch.run.keep);
	if (PG_ARGISNULL(FILE_REJECT))
		take_file_row(f, fcinfo);
	else
		pack_reject(f, fcinfo);
	if (f->pack.len > FILE_PACK_MAX)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("a member key has too many rows for one look"));
	MemoryContextSwitchTo(old);
	PG_RETURN_POINTER(f);
}

static void
pack_member(FileSteps *f)
{
	Batch *b = &f->batch;
	Datum v[OUT_NATTS];
	bool null[OUT_NATTS] = {false};
	Datum m[MEMBER_NATTS] = {Int64GetDatum(b->member_id), PointerGetDatum(f->key),
							 TimestampTzGetDatum(f->joined_at), PointerGetDatum(f->store),
							 PointerGetDatum(f->channel)};
	bool n[MEMBER_NATTS] = {false};
	MemoryContext old = MemoryContextSwitchTo(b->row);

	batch_put_tiers(b, v, null);
	n[MEMBER_STORE] = f->store == NULL;
	n[MEMBER_CHANNEL] = f->channel == NULL;
	n[MEMBER_TIERS] = n[MEMBER_TIER_ENTRIES] = null[OUT_TIERS];
	m[MEMBER_TIERS] = v[OUT_TIERS];
	m[MEMBER_TIER_ENTRIES] = v[OUT_TIER_ENTRIES];
	m[MEMBER_ROWS] = Int64GetDatum(f->rows);
	m[MEMBER_AMOUNT] = Int64GetDatum(f->amount);
	pack_row(b->pack, PACK_MEMBER, b->packed[PACK_MEMBER], m, n);
	MemoryContextSwitchTo(old);
}

PG_FUNCTION_INFO_V1(member_file_steps_end);
Datum
member_file_steps_end(PG_FUNCTION_ARGS)
{
	FileSteps *f;
	bytea *result;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	f = (FileSteps *) PG_GETARG_POINTER(0);
	if (f->batch.begun)
	{
		batch_finish_member(&f->batch);
		pack_member(f);
	}
	f->batch.begun = f->open = false;
	result = palloc(VARHDRSZ + f->pack.len);
	SET_VARSIZE(result, VARHDRSZ + f->pack.len);
	memcpy(VARDATA(result), f->pack.data, f->pack.len);
	resetStringInfo(&f->pack);
	PG_RETURN_BYTEA_P(result);
}
