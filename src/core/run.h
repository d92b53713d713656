/*
 * run.h: the events of one member in their order, one step after the other.
 *
 * What an import, a replay and the daily run have in common: the state stays decoded from event to event, and
 * refunds find the purchases that came before them in the run.
 */
#ifndef MEMBER_RUN_H
#define MEMBER_RUN_H

#include "compat.h"

#include "core/step.h"

/* One purchase of the run, for refunds that follow in it. */
typedef struct Journal
{
	char *source;
	TimestampTz at;
	DateADT day;
	struct varlena *lots;
	int64 amount;
	int64 back;
	int32 entry_no;
	EventFacts facts; /* with the lines given back so far */
} Journal;

typedef struct Run
{
	MemoryContext keep; /* of the caller: what outlasts the steps */
	MemoryContext work; /* decoded state and what steps leave behind; renewed now and then */
	StepState state;
	StepEffects effects; /* of the last event */
	int events;
	bool counts; /* streams are counted, and nothing else is done */
	MemoryContext journals;
	Journal *journal;
	int n_journal;
	int size_journal;
} Run;

extern void run_init(Run *run, MemoryContext keep);
extern void run_restart(Run *run);
extern void run_make_room(Run *run);
extern void run_event(Run *run, const Program *program, StepEvent *event, const char *source,
					  bool journal);

#endif
