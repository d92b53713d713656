/*
 * value_stats.c: the state of value_stats_agg: counting members by their purchase history.
 *
 * Members of equal history count once in a likelihood, so histories are kept with their number.  Past
 * VALUE_MAX_ENTRIES of a sort they are rounded to a coarser grain, and again when that is not enough.  A
 * coarser grain is a function of the finer one and never has more entries; so which grain it is depends on
 * the members counted alone, not on their order or division, and combining is commutative and associative
 * to the byte.
 */
#include "compat.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/date.h"
#include "utils/memutils.h"

#include "analytics/value.h"
#include "errors.h"
#include "types/activity.h"
#include "util/varint.h"

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE ValueEntry
#define ST_COMPARE(a, b) \
	((a)->x != (b)->x		 ? ((a)->x < (b)->x ? -1 : 1) \
	 : (a)->rest < (b)->rest ? -1 \
							 : (a)->rest > (b)->rest)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define FIRST_SLOTS 16
#define MONEY_BITS 12 /* leading bits of an amount kept at grain 1, one less at each after it */

static Size stats_flat_size(ExpandedObjectHeader *eoh);
static void stats_flatten_into(ExpandedObjectHeader *eoh, void *result, Size size);

static const ExpandedObjectMethods stats_methods = {stats_flat_size, stats_flatten_into};

/* ---- a member's history ---------------------------------------------------------- */

ValueKnown
value_history_of(ActivityCursor c, int32 day, ValueHistory *h)
{
	ActivityEntry e;
	DateADT first = 0;
	DateADT last = 0;
	int64 days = 0;

	h->amount = 0;
	while (activity_next(&c, &e) && e.first <= day)
	{
		int32 active = activity_active(&e);

		if (unlikely(e.last > day))
			return VALUE_CUT;
		if (e.count > 0 && active > 0)
		{
			if (days == 0)
			{
				/* the day of the first purchase does not count; of a folded one its share */
				first = e.first;
				h->amount = e.amount - e.amount / active;
			}
			else
				h->amount += e.amount;
			last = e.last;
			days += active;
		}
	}
	if (days == 0)
		return VALUE_NOTHING;
	h->t = day - first;
	h->x = (int32) (days - 1);
	h->t_x = h->x > 0 ? last - first : 0;
	return VALUE_KNOWN;
}

bool
value_history(const struct varlena *activity, int stream, int32 day, ValueHistory *h)
{
	ActivityCursor c;
	ActivityWindow w;
	ValueKnown known;

	if (!day_in_range(day))
		ereport(ERROR, errcode(ERRCODE_DAY_OUT_OF_RANGE), errmsg("day is out of range"),
				errdetail("Days lie between 1900-01-01 and 9999-12-31."));
	if (!activity_seek(activity, stream, &c))
		return false;
	known = value_history_of(c, day, h);
	if (known == VALUE_CUT) /* let the reader of windows say so */
		activity_window(c, DATEVAL_NOBEGIN, day + 1, &w);
	return known == VALUE_KNOWN;
}

/* ---- counting -------------------------------------------------------------------- */

/*
 * The rest of an entry at a grain.  Times: whole days at 0, then multiples of 2, 4, 8 … days.  Money: the
 * amount at 0, then its leading 12, 11, 10 … bits.
 */
uint64
value_round(ValueSort sort, uint64 rest, int grain)
{
	if (grain == 0)
		return rest;
	if (sort == VALUE_TIMES)
	{
		int32 mask = -(1 << grain);

		return value_times(value_t_x(rest) & mask, value_t(rest) & mask);
	}
	else
	{
		int bits = Max(MONEY_BITS + 1 - grain, 1);
		int length = rest == 0 ? 0 : pg_leftmost_one_pos64(rest) + 1;

		return length <= bits ? rest : rest >> (length - bits) << (length - bits);
	}
}

/* The middle of the amounts that were rounded to one. */
double
value_middle(uint64 money, int grain)
{
	int bits = Max(MONEY_BITS + 1 - grain, 1);
	int length = money == 0 ? 0 : pg_leftmost_one_pos64(money) + 1;

	return grain == 0 || length <= bits
			   ? (double) money
			   : (double) money + ((double) (UINT64CONST(1) << (length - bits)) - 1) / 2;
}

ValueStats *
value_stats_new(MemoryContext parent)
{
	MemoryContext context =
		AllocSetContextCreate(parent, "value_stats", ALLOCSET_START_SMALL_SIZES);
	ValueStats *s = MemoryContextAllocZero(context, sizeof(ValueStats));

	EOH_init_header(&s->eoh, &stats_methods, context);
	for (int i = 0; i < VALUE_SORTS; i++)
	{
		s->map[i].bits = pg_leftmost_one_pos32(FIRST_SLOTS);
		s->map[i].slot = MemoryContextAllocZero(context, sizeof(ValueEntry) * FIRST_SLOTS);
	}
	return s;
}

/* The slot of an entry, or the free one where it belongs. */
static inline ValueEntry *
map_find(const ValueMap *map, const ValueEntry *e)
{
	uint32 mask = (1U << map->bits) - 1;
	uint64 h = (e->rest + ((uint64) e->x << 44)) * UINT64CONST(0x9E3779B97F4A7C15);
	uint32 i = (uint32) ((h ^ (h >> 29)) * UINT64CONST(0xBF58476D1CE4E5B9) >> (64 - map->bits));

	while (map->slot[i].members != 0 && (map->slot[i].x != e->x || map->slot[i].rest != e->rest))
		i = (i + 1) & mask;
	return &map->slot[i];
}

/* All entries into fresh slots, 2^bits of them, at a grain. */
static void
map_rebuild(ValueStats *s, ValueSort sort, int bits, int grain)
{
	ValueMap *map = &s->map[sort];
	ValueEntry *old = map->slot;
	int n = 1 << map->bits;

	map->bits = bits;
	map->grain = grain;
	map->used = 0;
	map->slot = MemoryContextAllocZero(s->eoh.eoh_context, sizeof(ValueEntry) << bits);
	for (int i = 0; i < n; i++)
		if (old[i].members != 0)
			value_stats_add(s, sort, &old[i], grain);
	pfree(old);
}

/* Some members more, whose history is of a grain. */
void
value_stats_add(ValueStats *s, ValueSort sort, const ValueEntry *e, int grain)
{
	ValueMap *map = &s->map[sort];
	ValueEntry key = *e;
	ValueEntry *slot;

	if (unlikely(grain > map->grain))
		map_rebuild(s, sort, map->bits, grain);
	key.rest = value_round(sort, e->rest, map->grain);
	slot = map_find(map, &key);
	if (slot->members != 0)
	{
		if (unlikely(e->members > PG_UINT32_MAX - slot->members))
			ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("too many members of one purchase history"),
					errdetail("Up to %u are counted.", PG_UINT32_MAX));
		slot->members += e->members;
		return;
	}
	if (unlikely(map->used >= VALUE_MAX_ENTRIES))
	{
		if (map->grain == VALUE_MAX_GRAIN)
			ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("too many different purchase histories"),
					errdetail("Up to %d numbers of purchases are told apart.", VALUE_MAX_ENTRIES));
		CHECK_FOR_INTERRUPTS();
		map_rebuild(s, sort, map->bits, map->grain + 1);
		value_stats_add(s, sort, e, grain);
		return;
	}
	*slot = key;
	if (2 * ++map->used > 1 << map->bits)
		map_rebuild(s, sort, map->bits + 1, map->grain);
}

/* One member more. */
void
value_stats_count(ValueStats *s, const ValueHistory *h)
{
	ValueEntry e = {.x = h->x, .members = 1};

	if (s->packed)
		pfree(s->packed);
	s->packed = NULL;
	e.rest = value_times(h->t_x, h->t);
	value_stats_add(s, VALUE_TIMES, &e, 0);
	if (h->x == 0 || h->amount <= 0) /* tells nothing of spend */
		return;
	if (h->amount > VALUE_MAX_AMOUNT)
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("amount is out of range: %lld", (long long) h->amount),
				errdetail("It must be at most %lld.", (long long) VALUE_MAX_AMOUNT));
	e.rest = (uint64) h->amount;
	value_stats_add(s, VALUE_MONEY, &e, 0);
}

/* The entries in ascending order, palloc'd. */
void
value_list(const ValueMap *map, ValueList *list)
{
	list->grain = map->grain;
	list->n = 0;
	list->entry = palloc(sizeof(ValueEntry) * Max(map->used, 1));
	for (int i = 0; i < 1 << map->bits; i++)
		if (map->slot[i].members != 0)
			list->entry[list->n++] = map->slot[i];
	sort_entries(list->entry, list->n);
}

/* ---- the packed form ------------------------------------------------------------- */

/* Per sort the number of entries, and of each the difference of x to the one before, the rest (of an equal x
 * its difference) and the members, all varints. */
struct varlena *
value_stats_pack(const ValueStats *s)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	appendStringInfoChar(&out, VALUE_STATS_FORMAT);
	appendStringInfoChar(&out, 0);
	appendStringInfoChar(&out, (char) s->map[VALUE_TIMES].grain);
	appendStringInfoChar(&out, (char) s->map[VALUE_MONEY].grain);
	for (int i = 0; i < VALUE_SORTS; i++)
	{
		ValueList list;
		ValueEntry before = {0};
		char *p;

		CHECK_FOR_INTERRUPTS();
		value_list(&s->map[i], &list);
		enlargeStringInfo(&out, VARINT_MAX * (1 + 3 * list.n));
		p = put_varint(out.data + out.len, list.n);
		for (int j = 0; j < list.n; j++)
		{
			const ValueEntry *e = &list.entry[j];

			p = put_varint(p, e->x - before.x);
			p = put_varint(p, e->x == before.x ? e->rest - before.rest : e->rest);
			p = put_varint(p, e->members);
			before = *e;
		}
		out.len = p - out.data;
		pfree(list.entry);
	}
	SET_VARSIZE(out.data, out.len);
	return (struct varlena *) out.data;
}

static Size
stats_flat_size(ExpandedObjectHeader *eoh)
{
	ValueStats *s = (ValueStats *) eoh;

	if (s->packed == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(eoh->eoh_context);

		s->packed = value_stats_pack(s);
		MemoryContextSwitchTo(old);
	}
	return VARSIZE(s->packed);
}

static void
stats_flatten_into(ExpandedObjectHeader *eoh, void *result, Size size)
{
	ValueStats *s = (ValueStats *) eoh;

	Assert(s->packed != NULL && size == VARSIZE(s->packed));
	memcpy(result, s->packed, size);
}

static void
stats_damaged(const char *what)
{
	ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("packed value is damaged"),
			errdetail("value_stats has %s.", what));
}

/* The lists of a packed value, palloc'd. */
void
value_stats_open(const struct varlena *packed, ValueList list[VALUE_SORTS])
{
	const char *p = VARDATA_ANY(packed);
	const char *end = p + VARSIZE_ANY_EXHDR(packed);

	if (p == end || p[0] != VALUE_STATS_FORMAT)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown format of value_stats"),
				errhint(
					"The value was written by a newer version of this extension, or is damaged."));
	if (end - p < VALUE_STATS_HEADER)
		stats_damaged("no whole header");
	list[VALUE_TIMES].grain = (uint8) p[2];
	list[VALUE_MONEY].grain = (uint8) p[3];
	p += VALUE_STATS_HEADER;
	for (int i = 0; i < VALUE_SORTS; i++)
	{
		ValueList *l = &list[i];
		ValueEntry e = {0};
		uint64 n = get_varint(&p, end);

		if (l->grain > VALUE_MAX_GRAIN || n > VALUE_MAX_ENTRIES)
			stats_damaged("too many entries, or an impossible grain");
		l->n = (int) n;
		l->entry = palloc(sizeof(ValueEntry) * Max(l->n, 1));
		for (int j = 0; j < l->n; j++)
		{
			uint64 step = get_varint(&p, end);
			uint64 rest = get_varint(&p, end);
			uint64 members = get_varint(&p, end);

			if (step > (uint64) (VALUE_MAX_DAYS - e.x) || members < 1 || members > PG_UINT32_MAX)
				stats_damaged("an impossible entry");
			e.rest = step == 0 ? e.rest + rest : rest;
			e.x += (int32) step;
			e.members = (uint32) members;
			if (i == VALUE_TIMES ? value_t_x(e.rest) > value_t(e.rest) || e.rest >> 44 != 0
								 : e.rest > (uint64) VALUE_MAX_AMOUNT || e.rest == 0)
				stats_damaged("an impossible entry");
			l->entry[j] = e;
		}
	}
	if (p != end)
		stats_damaged("something after its end");
}

/* ---- SQL functions --------------------------------------------------------------- */

static MemoryContext
stats_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	return AggCheckCallContext(fcinfo, &context) ? context : CurrentMemoryContext;
}

static void
add_packed(ValueStats *s, const struct varlena *packed)
{
	ValueList list[VALUE_SORTS];

	value_stats_open(packed, list);
	for (int i = 0; i < VALUE_SORTS; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < list[i].n; j++)
			value_stats_add(s, i, &list[i].entry[j], list[i].grain);
		pfree(list[i].entry);
	}
	if (s->packed)
		pfree(s->packed);
	s->packed = NULL;
}

/* The statistics of argument 0 to be changed in place: of the aggregate as they are, else a copy; new for null. */
static ValueStats *
writable_stats(FunctionCallInfo fcinfo)
{
	ValueStats *s;

	if (!PG_ARGISNULL(0) && VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(PG_GETARG_DATUM(0))))
		return (ValueStats *) DatumGetEOHP(PG_GETARG_DATUM(0));
	s = value_stats_new(stats_context(fcinfo));
	if (!PG_ARGISNULL(0))
		add_packed(s, PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0)));
	return s;
}

/* value_stats_add(stats, activity, stream, day): a member by its activity; one without a purchase counts not */
PG_FUNCTION_INFO_V1(value_stats_add_activity);
Datum
value_stats_add_activity(PG_FUNCTION_ARGS)
{
	ValueStats *s;
	ValueHistory h;

	for (int i = 1; i < 4; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("activity, stream and day must not be null"));
	if (!value_history(PG_GETARG_VARLENA_PP(1), PG_GETARG_INT16(2), PG_GETARG_DATEADT(3), &h))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	s = writable_stats(fcinfo);
	value_stats_count(s, &h);
	PG_RETURN_DATUM(EOHPGetRWDatum(&s->eoh));
}

/* value_stats_add(stats, x, t_x, t, amount): a member by the numbers; null x: no purchase, counts not */
PG_FUNCTION_INFO_V1(value_stats_add_numbers);
Datum
value_stats_add_numbers(PG_FUNCTION_ARGS)
{
	ValueStats *s;
	ValueHistory h;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("t_x and t of a member with a purchase must not be null"));
	h.x = PG_GETARG_INT32(1);
	h.t_x = PG_GETARG_INT32(2);
	h.t = PG_GETARG_INT32(3);
	h.amount = PG_ARGISNULL(4) ? 0 : PG_GETARG_INT64(4);
	if (h.x < 0 || h.t > VALUE_MAX_DAYS || h.t_x > h.t || h.t_x < h.x || (h.x == 0 && h.t_x != 0))
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("impossible purchase history: x %d, t_x %d, t %d", h.x, h.t_x, h.t),
				errdetail("0 <= x <= t_x <= t <= %d: days with a purchase after the first, days "
						  "to the last of them, days since the first; t_x is 0 when x is.",
						  VALUE_MAX_DAYS));
	s = writable_stats(fcinfo);
	value_stats_count(s, &h);
	PG_RETURN_DATUM(EOHPGetRWDatum(&s->eoh));
}

PG_FUNCTION_INFO_V1(value_stats_combine);
Datum
value_stats_combine(PG_FUNCTION_ARGS)
{
	ValueStats *s;
	struct varlena *other;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	/* packed first: it may be the very object that is changed next */
	other = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1));
	s = writable_stats(fcinfo);
	add_packed(s, other);
	PG_RETURN_DATUM(EOHPGetRWDatum(&s->eoh));
}
