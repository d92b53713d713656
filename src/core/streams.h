/*
 * streams.h: which streams of activity an event feeds.
 *
 * Of each stream the program says what feeds it and by what rule, so the answer hangs on the program and the
 * event alone: a verb, an import, a replay and a later fill come to the same.
 */
#ifndef MEMBER_STREAMS_H
#define MEMBER_STREAMS_H

#include "compat.h"

#include "core/step.h"

/* One event for one stream. */
typedef struct Feed
{
	const ProgramStream *stream;
	int line;	  /* number of the line, 0: the event as a whole */
	int64 amount; /* minor units */
} Feed;

typedef struct Feeds
{
	int n;
	int size;
	Feed *feed;
	Feed few[4];
} Feeds;

/* Whether a stream looks at more of such an event, or one given back, than its kind, amount and moment. */
extern bool streams_look(const Program *p, StepKind kind);

/* What the event feeds, taken as a purchase (with its lines), an event, a refund or a spend. */
extern void streams_fed(const Program *p, const StepEvent *e, StreamOf of, Feeds *out);

/* Takes back what the part of its purchase or spend that e gives back had fed; the stream that stands for buying apart. */
extern void streams_take_back(const Program *p, const StepEvent *e, StreamOf of, int64 part,
							  Activity *a);

/* And gives it again, as a refund is taken back. */
extern void streams_give_again(const Program *p, const StepEvent *e, StreamOf of, int64 part,
							   Activity *a);

/* Whether what a reversal takes back had been spent. */
static inline bool
streams_is_spend(const StepEvent *e)
{
	return e->origin_lots.n > 0 && e->origin_lots.lot[0].amount < 0;
}

/* Folds what is older than each stream's retention. */
extern void streams_fold(const Program *p, DateADT today, Activity *a);

/* Of a step, what it does to the streams but the one that stands for buying, and nothing else. */
extern void streams_count(const Program *p, const StepEvent *e, StepState *state);

/* The event as rules see it; line: 0, or the number of one. */
extern Jsonb *event_facts(const Program *p, const StepEvent *e, StreamOf of, int line);

/* From the attribute facts of step_event. */
extern void event_facts_read(Jsonb *facts, EventFacts *f);

#endif
