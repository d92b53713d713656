/*
 * workers.h: parallel workers who read for the leader to write.
 *
 * They run a function of this library, each as often as there is a part of the task left, under the leader's snapshot
 * and settings, and send messages.  The executor's own way of this hands rows on by queues of 64 kB, which makes the
 * leader and them wait for each other when he has more to do with a row than to pass it on.
 */
#ifndef MEMBER_WORKERS_H
#define MEMBER_WORKERS_H

#include "compat.h"

#include "storage/dsm.h"
#include "storage/shm_toc.h"

typedef struct Workers Workers;
typedef struct WorkerSelf WorkerSelf;

/* ---- in the leader ---- */

/* The task is copied, and has no pointers.  NULL: none can be had. */
extern Workers *workers_start(const char *function, const void *task, Size size, int n);

/* The next message of any; it stays until the next call.  False: all have ended. */
extern bool workers_receive(Workers *w, void **data, Size *len);

/* An error of theirs is raised here at the latest. */
extern void workers_end(Workers *w);

/* ---- in a worker ---- */

extern WorkerSelf *worker_open(dsm_segment *segment, shm_toc *toc, const void **task);

/* The next part of the task that nobody has taken, from 0 on. */
extern int worker_next_part(WorkerSelf *self);

/* Another number than anyone else's, without gaps, from 0 on. */
extern int64 worker_next_number(WorkerSelf *self);
extern void worker_send(WorkerSelf *self, const void *data, Size len);

/* All is sent; without this, some of it may not arrive. */
extern void worker_close(WorkerSelf *self);

#endif
