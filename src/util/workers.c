/*
 * workers.c: parallel workers who read for the leader to write; see workers.h.
 */
#include "compat.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"

#include "util/workers.h"

/* Of all workers: so much is made while the leader waits for the disk. */
#define QUEUES_SIZE ((Size) 32 * 1024 * 1024)

#define MAX_WORKERS 16

#define KEY_COUNTS 1
#define KEY_TASK 2
#define KEY_QUEUE 3 /* of the first; the others follow */

struct Workers
{
	ParallelContext *context;
	int n;	  /* of those who have not ended */
	int next; /* to be asked */
	shm_mq_handle *queue[MAX_WORKERS];
};

/* Taken so far, by all of them. */
typedef struct Counts
{
	pg_atomic_uint32 parts;
	pg_atomic_uint64 numbers;
} Counts;

struct WorkerSelf
{
	Counts *counts;
	shm_mq_handle *queue;
};

static void *
share(ParallelContext *context, int key, Size size)
{
	void *place = shm_toc_allocate(context->toc, size);

	shm_toc_insert(context->toc, key, place);
	return place;
}

/* What they share, if it can be had. */
static bool
open_shared(ParallelContext *context, const void *task, Size size, int n, shm_mq **queue)
{
	Counts *counts;

	shm_toc_estimate_chunk(&context->estimator, sizeof(Counts));
	shm_toc_estimate_chunk(&context->estimator, size);
	for (int i = 0; i < n; i++)
		shm_toc_estimate_chunk(&context->estimator, QUEUES_SIZE / n);
	shm_toc_estimate_keys(&context->estimator, 2 + n);
	InitializeParallelDSM(context);
	if (context->seg == NULL)
		return false;
	counts = share(context, KEY_COUNTS, sizeof(Counts));
	pg_atomic_init_u32(&counts->parts, 0);
	pg_atomic_init_u64(&counts->numbers, 0);
	memcpy(share(context, KEY_TASK, size), task, size);
	for (int i = 0; i < n; i++)
	{
		queue[i] = shm_mq_create(share(context, KEY_QUEUE + i, QUEUES_SIZE / n), QUEUES_SIZE / n);
		shm_mq_set_receiver(queue[i], MyProc);
	}
	return true;
}

Workers *
workers_start(const char *function, const void *task, Size size, int n)
{
	Workers *w = palloc0(sizeof(Workers));
	ParallelContext *context;
	shm_mq *queue[MAX_WORKERS];

	n = Min(n, MAX_WORKERS);
	EnterParallelMode();
	context = w->context = CreateParallelContext("member", function, n);
	if (open_shared(context, task, size, n, queue))
	{
		LaunchParallelWorkers(context);
		w->n = context->nworkers_launched;
	}
	for (int i = 0; i < w->n; i++)
		w->queue[i] = shm_mq_attach(queue[i], context->seg, context->worker[i].bgwhandle);
	if (w->n > 0)
		return w;
	workers_end(w);
	return NULL;
}

/* Takes the queue of one who has ended from those that are asked. */
static void
forget(Workers *w, int i)
{
	shm_mq_detach(w->queue[i]);
	w->queue[i] = w->queue[--w->n];
}

bool
workers_receive(Workers *w, void **data, Size *len)
{
	int idle = 0;

	while (w->n > 0)
	{
		int i = w->next % w->n;
		shm_mq_result result = shm_mq_receive(w->queue[i], len, data, true);

		CHECK_FOR_INTERRUPTS();
		if (result == SHM_MQ_SUCCESS)
			return true;
		if (result == SHM_MQ_DETACHED)
		{
			forget(w, i);
			idle = 0;
			continue;
		}
		w->next = i + 1;
		if (++idle < w->n)
			continue;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, 0, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		idle = 0;
	}
	return false;
}

void
workers_end(Workers *w)
{
	WaitForParallelWorkersToFinish(w->context);
	DestroyParallelContext(w->context);
	ExitParallelMode();
	pfree(w);
}

WorkerSelf *
worker_open(dsm_segment *segment, shm_toc *toc, const void **task)
{
	WorkerSelf *self = palloc(sizeof(WorkerSelf));
	shm_mq *queue = shm_toc_lookup(toc, KEY_QUEUE + ParallelWorkerNumber, false);

	*task = shm_toc_lookup(toc, KEY_TASK, false);
	self->counts = shm_toc_lookup(toc, KEY_COUNTS, false);
	shm_mq_set_sender(queue, MyProc);
	self->queue = shm_mq_attach(queue, segment, NULL);
	return self;
}

int
worker_next_part(WorkerSelf *self)
{
	return (int) pg_atomic_fetch_add_u32(&self->counts->parts, 1);
}

int64
worker_next_number(WorkerSelf *self)
{
	return (int64) pg_atomic_fetch_add_u64(&self->counts->numbers, 1);
}

void
worker_send(WorkerSelf *self, const void *data, Size len)
{
	/* if the leader is gone, so will be the worker: the error that ended him is on its way */
	(void) shm_mq_send(self->queue, len, data, false, false);
}

/* What was sent and not yet seen becomes so. */
void
worker_close(WorkerSelf *self)
{
	shm_mq_detach(self->queue);
}
