/*
 * varint.h: variable-length integers, seven bits a byte, low bits first, as used by the packed types.
 * A reader is given the end of its buffer and raises rather than running over it: a value may have come
 * from a damaged page.
 */
#ifndef MEMBER_VARINT_H
#define MEMBER_VARINT_H

#include "compat.h"

#define VARINT_MAX 10 /* bytes a 64-bit value takes at most */

static inline uint64
zigzag(int64 v)
{
	return ((uint64) v << 1) ^ (uint64) (v >> 63);
}

static inline int64
unzigzag(uint64 v)
{
	return (int64) (v >> 1) ^ -(int64) (v & 1);
}

static inline char *
put_varint(char *p, uint64 v)
{
	while (v >= 0x80)
	{
		*p++ = (char) (v | 0x80);
		v >>= 7;
	}
	*p++ = (char) v;
	return p;
}

static inline char *
put_signed(char *p, int64 v)
{
	return put_varint(p, zigzag(v));
}

pg_noreturn extern void varint_corrupt(void);

static inline uint64
get_varint(const char **p, const char *end)
{
	uint64 v = 0;
	int shift = 0;

	for (;;)
	{
		uint8 b;

		if (*p >= end || shift > 63)
			varint_corrupt();
		b = (uint8) * (*p)++;
		v |= (uint64) (b & 0x7f) << shift;
		if (b < 0x80)
			return v;
		shift += 7;
	}
}

static inline int64
get_signed(const char **p, const char *end)
{
	return unzigzag(get_varint(p, end));
}

#endif
