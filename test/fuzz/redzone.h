/*
 * redzone.h: included before everything in what `make fuzz` builds.  The server hands out pieces of large blocks,
 * so that the address sanitizer sees neither a read beyond a piece nor one of a freed piece.  Here each piece has
 * a head and a tail that may not be touched, until its memory context is reset.
 */
#ifndef MEMBER_REDZONE_H
#define MEMBER_REDZONE_H

#include "postgres.h"

extern void *redzone_alloc(MemoryContext context, Size size, bool zero);
extern void *redzone_realloc(void *p, Size size);
extern void redzone_free(void *p);
extern char *redzone_strdup(const char *s, Size len);

#define palloc(size) redzone_alloc(CurrentMemoryContext, size, false)
#define palloc0(size) redzone_alloc(CurrentMemoryContext, size, true)
#define repalloc(p, size) redzone_realloc(p, size)
#define repalloc_huge(p, size) redzone_realloc(p, size)
#define pfree(p) redzone_free(p)
#define pstrdup(s) redzone_strdup(s, strlen(s))
#define pnstrdup(s, n) redzone_strdup(s, strnlen(s, n))
#define MemoryContextAlloc(context, size) redzone_alloc(context, size, false)
#define MemoryContextAllocHuge(context, size) redzone_alloc(context, size, false)
#define MemoryContextAllocZero(context, size) redzone_alloc(context, size, true)

#endif
