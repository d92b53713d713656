/*
 * lots.h: a member's points as dated lots.
 *
 * A value is a sorted list of buckets (wallet, usable from, until, amount).  As the state of a member it
 * is a *book*: no bucket is negative except one debt bucket a wallet, which is always usable and never
 * expires.  As the posting of an operation it is a *delta* with signed amounts; the book is the sum of the
 * deltas.  A balance is a function of the book and a day.
 */
#ifndef MEMBER_LOTS_H
#define MEMBER_LOTS_H

#include "compat.h"
#include "utils/date.h"

#define LOTS_FORMAT 1
#define LOTS_HEADER 2 /* format version, reserved flags */
#define LOTS_MAX_BUCKETS 4096
#define LOTS_MAX_AMOUNT INT64CONST(1000000000000000) /* of one bucket: 10^15 */

typedef struct Lot
{
	int16 wallet;
	DateADT from;  /* usable from; DATEVAL_NOBEGIN: at once, DATEVAL_NOEND: when released */
	DateADT until; /* exclusive; DATEVAL_NOEND: never expires */
	int64 amount;
} Lot;

typedef struct Book
{
	int n;
	int size;
	Lot *lot; /* sorted by wallet, until, from; unique; no zero */
} Book;

/* What a reversal may take when points of the reversed award are already spent. */
typedef enum ReversePolicy
{
	REVERSE_ONLY_PENDING,	/* only points that nobody could spend yet */
	REVERSE_WITHIN_BALANCE, /* the award's own lots, then others, never below zero */
	REVERSE_DEBT			/* as above, and the rest is owed */
} ReversePolicy;

/* A cursor over the packed form; reads without allocating. */
typedef struct LotCursor
{
	const char *p;
	const char *end;
	Lot lot;
} LotCursor;

extern void lots_open(LotCursor *c, const struct varlena *packed);
extern bool lots_next(LotCursor *c);

extern void book_init(Book *b);
extern void book_decode(Book *b, const struct varlena *packed);
extern struct varlena *book_encode(const Book *b);
extern void book_add(Book *b, Lot lot);
extern void book_add_all(Book *b, const Book *other, int sign);
extern bool book_is_sound(const Book *b);

extern int64 book_balance(const Book *b, int16 wallet, DateADT day);
extern void book_settle(const Book *b, DateADT day, Book *delta);
extern int64 book_take(const Book *b, int16 wallet, int64 points, DateADT day, Book *delta);
extern void book_first(const Book *b, int64 points, Book *part);
extern void book_extend(Book *b, DateADT day);
extern void book_share(const Book *whole, int64 part, int64 of, Book *share);
extern void book_reverse(const Book *b, const Book *award, DateADT day, ReversePolicy policy,
						 Book *delta);
extern int64 book_total(const Book *b, int16 wallet);
extern DateADT book_next_change(const Book *b, DateADT day);
extern void book_cap(const Book *b, int16 wallet, int max_lots, DateADT day, Book *delta);
extern DateADT book_next_expiry(const Book *b, int16 wallet, DateADT day);

#endif
