/*
 * fuzz.c: what `make fuzz` adds to the library: the allocator of redzone.h, and a function that mutates inputs of a
 * type and feeds them to its input functions.
 */
#include "postgres.h"

#include <sanitizer/asan_interface.h>

#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* ---- allocator ---- */

#define MAGIC UINT64CONST(0x6d656d62657266ff)
#define TAIL 64

typedef struct Head
{
	MemoryContextCallback reset;
	Size size;
	uint64 magic;
} Head;

#define HEAD MAXALIGN(sizeof(Head))

/* Everything may be touched again: the server takes it back. */
static void
give_back(void *head)
{
	ASAN_UNPOISON_MEMORY_REGION(head, HEAD);
	ASAN_UNPOISON_MEMORY_REGION(head, HEAD + ((Head *) head)->size + TAIL);
}

void *
redzone_alloc(MemoryContext context, Size size, bool zero)
{
	Head *head = (MemoryContextAllocHuge) (context, HEAD + size + TAIL);
	char *p = (char *) head + HEAD;

	head->size = size;
	head->magic = MAGIC;
	head->reset.func = give_back;
	head->reset.arg = head;
	MemoryContextRegisterResetCallback(context, &head->reset);
	memset(p, zero ? 0 : 0xa5, size);
	ASAN_POISON_MEMORY_REGION(p + size, TAIL);
	return p;
}

/* NULL: the piece is the server's. */
static __attribute__((no_sanitize_address)) Head *
head_of(void *p)
{
	Head *head = (Head *) ((char *) p - HEAD);

	return head->magic == MAGIC ? head : NULL;
}

void *
redzone_realloc(void *p, Size size)
{
	Head *head = head_of(p);
	void *anew;

	if (head == NULL)
		return (repalloc_huge) (p, size);
	anew = redzone_alloc(GetMemoryChunkContext(head), size, false);
	memcpy(anew, p, Min(size, head->size));
	redzone_free(p);
	return anew;
}

void
redzone_free(void *p)
{
	Head *head = head_of(p);

	if (head == NULL)
		(pfree) (p);
	else
		ASAN_POISON_MEMORY_REGION(p, head->size);
}

char *
redzone_strdup(const char *s, Size len)
{
	char *p = redzone_alloc(CurrentMemoryContext, len + 1, false);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

/* ---- mutation ---- */

typedef struct Piece
{
	const char *p;
	int n;
} Piece;

static const char *const text_words[] = {
	"0",	"-1",	   ",",		   ";",			 "(",	  ")",	  ":",	  "/",		"@",  "^",
	"{",	"}",	   "'",		   "\"",		 "..",	  "~",	  "#",	  "*",		"!",  "\t",
	"上",	"\xe4",	   "infinity", "2026-02-30", "empty", "1e9",  "not ", " and ",	"-(", "9999-12-31",
	" in (", "36500d", "1200mo",   "attr.",		 "true",  "((((", "r()",  "program"};
static const Piece byte_words[] = {
	{"\0", 1},		  {"\xff", 1},			{"\x7f\xff\xff\xff", 4}, {"\x80\0\0\0", 4},
	{"\0\0\0\x01", 4}, {"\xff\xff\xff\xff", 4}, {"\x80\0\0\0\0\0\0\0", 8},
	{"\x7f\xff\xff\xff\xff\xff\xff\xff", 8}};

static int
upto(pg_prng_state *r, int n)
{
	return (int) pg_prng_uint64_range(r, 0, n);
}

static Piece
word(pg_prng_state *r, bool bytes, char *number)
{
	Piece piece;

	if (bytes)
		return byte_words[upto(r, lengthof(byte_words) - 1)];
	piece.p = text_words[upto(r, lengthof(text_words) - 1)];
	if (upto(r, 3) == 0) /* a number near a power of two or of ten */
	{
		uint64 v = upto(r, 1) ? UINT64CONST(1) << upto(r, 63) : 1;

		for (int tens = upto(r, 1) ? upto(r, 19) : 0; tens > 0; tens--)
			v *= 10;
		sprintf(number, UINT64_FORMAT, v + upto(r, 2) - 1);
		piece.p = number;
	}
	piece.n = strlen(piece.p);
	return piece;
}

/* Into out, which has room: some of leaving out, doubling, taking over from another seed, changing and putting in. */
static int
mutate(pg_prng_state *r, char *out, int room, Piece seed, Piece other, bool bytes)
{
	int n = Min(seed.n, room);
	char number[32];

	memcpy(out, seed.p, n);
	for (int times = upto(r, 4); times >= 0; times--)
	{
		int at = upto(r, n);
		int most = upto(r, 3) > 0 ? 8 : n; /* Min evaluates its arguments twice */
		int len = upto(r, Min(most, n - at));
		int from = upto(r, other.n);
		Piece in = {NULL, 0};

		switch (upto(r, 5))
		{
			case 0: /* left out */
				break;
			case 1: /* many times */
				for (int k = upto(r, 40); k > 0 && len > 0 && n + len <= room; k--)
				{
					memmove(out + at + len, out + at, n - at);
					n += len;
				}
				continue;
			case 2:
				in = (Piece){other.p + from, upto(r, Min(30, other.n - from))};
				break;
			case 3:
				if (n > 0)
					out[Min(at, n - 1)] = (char) (bytes ? upto(r, 255) : 1 + upto(r, 126));
				continue;
			case 4:
				in = word(r, bytes, number);
				break;
			default:
				in = word(r, bytes, number);
				len = 0;
				break;
		}
		if (n - len + in.n > room)
			continue;
		memmove(out + at + in.n, out + at + len, n - at - len);
		if (in.n > 0)
			memcpy(out + at, in.p, in.n);
		n += in.n - len;
	}
	return n;
}

/* ---- feeding ---- */

typedef struct Type
{
	Oid in, out, receive, send;
	Oid argument;
} Type;

static char *
message_copy(StringInfo message, const char *p, int n)
{
	message->data = redzone_strdup(p, n);
	message->len = message->maxlen = n;
	message->cursor = 0;
	return message->data;
}

/* Takes the input; what it makes must come back as text and as bytes. */
static void
feed(const Type *t, const char *input, int n, bool bytes)
{
	StringInfoData message;
	Datum value, again;
	char *text;
	bytea *sent;

	/* the server takes no text that is not well formed in its encoding */
	if (!bytes && !pg_verifymbstr(input, strnlen(input, n), true))
		return;
	if (bytes)
	{
		message_copy(&message, input, n);
		value = OidReceiveFunctionCall(t->receive, &message, t->argument, -1);
		if (message.cursor != message.len)
			ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("bytes are left"));
	}
	else
		value = OidInputFunctionCall(t->in, redzone_strdup(input, strnlen(input, n)), t->argument, -1);
	text = OidOutputFunctionCall(t->out, value);
	again = OidInputFunctionCall(t->in, redzone_strdup(text, strlen(text)), t->argument, -1);
	if (strcmp(OidOutputFunctionCall(t->out, again), text) != 0)
		elog(ERROR, "text comes back as \"%s\"", OidOutputFunctionCall(t->out, again));
	sent = OidSendFunctionCall(t->send, value);
	message_copy(&message, VARDATA(sent), VARSIZE(sent) - VARHDRSZ);
	again = OidReceiveFunctionCall(t->receive, &message, t->argument, -1);
	if (strcmp(OidOutputFunctionCall(t->out, again), text) != 0)
		elog(ERROR, "bytes come back as \"%s\"", OidOutputFunctionCall(t->out, again));
}

/* As in test/sql/fuzz.sql. */
static bool
is_allowed(int code)
{
	static const char *const allowed[] = {"22000", "22P02", "22P03", "22003", "22007", "22008",
										  "22021", "22023", "08P01", "54000"};
	const char *state = unpack_sql_state(code);

	for (int i = 0; i < lengthof(allowed); i++)
		if (strcmp(state, allowed[i]) == 0)
			return true;
	return strncmp(state, "MB", 2) == 0;
}

static bool
try_one(const Type *t, const char *input, int n, bool bytes)
{
	MemoryContext context = CurrentMemoryContext;
	bool taken = false;

	PG_TRY();
	{
		feed(t, input, n, bytes);
		taken = true;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (!is_allowed(error->sqlerrcode))
			ereport(ERROR, errcode(error->sqlerrcode), errmsg("%s", error->message),
					errdetail("Input: %s", bytes ? "bytes" : input),
					errcontext("%s", DatumGetCString(DirectFunctionCall1(
										 byteaout, PointerGetDatum(cstring_to_text_with_len(input, n))))));
	}
	PG_END_TRY();
	return taken;
}

/* fuzz(type, seeds bytea[], bytes, random seed, seconds): how many inputs were tried, and how many taken */
PG_FUNCTION_INFO_V1(fuzz);
Datum
fuzz(PG_FUNCTION_ARGS)
{
	const int room = 40000;
	char *input = palloc(room + 1);
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext, "input", ALLOCSET_DEFAULT_SIZES);
	bool bytes = PG_GETARG_BOOL(2);
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), PG_GETARG_INT32(4) * 1000L);
	int64 tried = 0, taken = 0, slow = 0;
	pg_prng_state r;
	Datum *seeds;
	int n_seeds;
	Type t;
	bool varlena;

	pg_prng_seed(&r, PG_GETARG_INT32(3));
	getTypeInputInfo(PG_GETARG_OID(0), &t.in, &t.argument);
	getTypeOutputInfo(PG_GETARG_OID(0), &t.out, &varlena);
	getTypeBinaryInputInfo(PG_GETARG_OID(0), &t.receive, &t.argument);
	getTypeBinaryOutputInfo(PG_GETARG_OID(0), &t.send, &varlena);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), BYTEAOID, -1, false, TYPALIGN_INT, &seeds, NULL, &n_seeds);
	for (TimestampTz now = GetCurrentTimestamp(); now < end; tried++)
	{
		struct varlena *seed = (struct varlena *) DatumGetPointer(seeds[upto(&r, n_seeds - 1)]);
		struct varlena *other = (struct varlena *) DatumGetPointer(seeds[upto(&r, n_seeds - 1)]);
		MemoryContext old = MemoryContextSwitchTo(each);
		TimestampTz before = now;
		int n = mutate(&r, input, room, (Piece){VARDATA_ANY(seed), VARSIZE_ANY_EXHDR(seed)},
					   (Piece){VARDATA_ANY(other), VARSIZE_ANY_EXHDR(other)}, bytes);

		CHECK_FOR_INTERRUPTS();
		input[n] = '\0';
		taken += try_one(&t, input, n, bytes);
		MemoryContextSwitchTo(old);
		MemoryContextReset(each);
		now = GetCurrentTimestamp();
		slow = Max(slow, now - before);
	}
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s%s: tried " INT64_FORMAT ", taken " INT64_FORMAT
											  ", slowest " INT64_FORMAT " ms",
											  format_type_be(PG_GETARG_OID(0)), bytes ? ", bytes" : "",
											  tried, taken, slow / 1000)));
}
