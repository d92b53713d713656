/*
 * pack.h: rows of several kinds in one message, for what workers make and the leader writes.
 */
#ifndef MEMBER_PACK_H
#define MEMBER_PACK_H

#include "compat.h"

#include "access/htup.h"
#include "lib/stringinfo.h"

typedef struct PackReader
{
	char *at;
	char *end;
} PackReader;

extern void pack_row(StringInfo pack, int kind, HeapTuple row);

/* The row lies where it came from.  False: that was the last. */
extern bool pack_next(PackReader *r, int *kind, HeapTuple row);

#endif
