/*
 * batch.h: many events of many members, one member after the other.
 */
#ifndef MEMBER_BATCH_H
#define MEMBER_BATCH_H

#include "compat.h"

#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "storage/itemptr.h"
#include "utils/date.h"

#include "core/run.h"
#include "util/bulk.h"
#include "util/pack.h"

/* Columns of the query. */
typedef enum InColumn
{
	IN_MEMBER_ID,
	IN_LOTS, /* the state, as in step_state; entries null: there is none yet */
	IN_ACTIVITY,
	IN_STANDING,
	IN_STATE_AT,
	IN_ENTRIES,
	IN_HASH,
	IN_KIND,
	IN_AT,
	IN_WALLET,
	IN_POINTS,
	IN_AMOUNT,
	IN_UNTIL,
	IN_SOURCE,
	IN_REFUND_NO,
	IN_STORE,
	IN_CHANNEL,
	IN_JOURNAL,
	IN_NATTS,
	/* of an import besides */
	IN_LINES = IN_NATTS,
	IN_IMPORT_NATTS,
	/* of the daily run besides */
	IN_PLACE = IN_NATTS, /* of its row, which is locked */
	IN_DUE,				 /* it is due again on this day at the latest */
	IN_WANTED,			 /* its row is to come back in any case */
	IN_DAILY_NATTS,
	/* of a post besides */
	IN_USABLE_FROM = IN_NATTS,
	IN_REASON,
	IN_ACTOR,
	IN_KEY,
	IN_DIGEST,
	IN_ROW_NO,
	IN_TWIN,	 /* another row has its key */
	IN_SQLSTATE, /* why it is refused unless its key was answered */
	IN_REFUSAL,
	IN_POST_NATTS
} InColumn;

typedef enum OutColumn
{
	OUT_MEMBER_ID,
	OUT_LOTS,
	OUT_ACTIVITY,
	OUT_STANDING,
	OUT_AT,
	OUT_ENTRIES,
	OUT_HASH,
	OUT_NEXT_DUE,
	OUT_IS_NEW,
	OUT_REMIND,
	OUT_TIERS,
	OUT_TIER_ENTRIES,
	/* of a post: a row each */
	OUT_ROW_NO,
	OUT_ENTRY_NO,
	OUT_POINTS,
	OUT_BALANCE,
	OUT_TIER,
	OUT_REPEATED,
	OUT_SQLSTATE,
	OUT_REASON,
	OUT_NATTS
} OutColumn;

/* What rows are written, now or by another process. */
typedef enum RowKind
{
	ROW_ENTRY,
	ROW_PURCHASE,
	ROW_STATE,
	ROW_KINDS
} RowKind;

/* What a post came to. */
typedef struct Answer
{
	int32 entry_no;
	int64 points;
	int64 balance;
	const char *tier;
	bool repeated;
	const char *sqlstate; /* NULL: not refused */
	const char *reason;
} Answer;

/* A post of the member that others of the batch have the key of. */
typedef struct Twin
{
	const char *key;
	struct varlena *digest;
	Answer answer;
	struct Twin *next;
} Twin;

typedef struct Batch
{
	ReturnSetInfo *result;
	const Program *program;
	int32 version;
	TimestampTz present;
	BulkTable *rows[ROW_KINDS]; /* to be made */
	BulkTable *states;			/* to be changed */
	StringInfo pack;			/* where rows go to that are formed only; NULL: they are put */
	TupleDesc tier;
	bool posts;			  /* the query has the columns of a post */
	bool imports;		  /* those of an import */
	bool daily;			  /* those of the daily run */
	int64 n_taken;		  /* states of the daily run */
	MemoryContext row;	  /* of one event */
	MemoryContext member; /* of one member: tiers, twins */
	Run run;
	bool begun;
	int64 member_id;
	bool is_new;
	ItemPointerData place; /* of its state */
	DateADT due;
	bool wanted;
	/* after the last step that was taken */
	bool moved;
	DateADT next_due;
	bool remind;
	/* decisions on levels, with the entry that brought each */
	Datum *tiers;
	Datum *tier_entries;
	bool *tier_null;
	int n_tiers;
	int size_tiers;
	Twin *twins;
} Batch;

/* tiers: the type of what batch_put_tiers() makes */
extern void batch_init(Batch *b, MemoryContext keep, Oid tiers);
extern void batch_open_rows(Batch *b, BulkMode mode);
extern void batch_close_rows(Batch *b);
extern bool batch_is_by_pages(const Batch *b);
extern void batch_begin_member(Batch *b, int64 member_id, const Datum *v, const bool *null);
extern void batch_take_event(Batch *b, const Datum *v, const bool *null);
extern void batch_keep(Batch *b, const StepEvent *event, const Datum *v, const bool *null);
extern void batch_put_tiers(const Batch *b, Datum *tiers, Datum *entries, bool *none);
extern void batch_finish_member(Batch *b);

/* batch_post.c: an event that gets an answer */
extern void batch_take_post(Batch *b, StepEvent *event, const Datum *v, const bool *null);

#endif
