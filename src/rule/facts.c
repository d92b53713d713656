/*
 * facts.c: reading the composite member.facts, part by part.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "common/int.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "errors.h"
#include "rule/facts.h"
#include "util/scan.h"

#define VALUE_TERMS 4 /* fields of member.value_terms */

/* The description of the composite, checked to have the attributes that are known here. */
TupleDesc
facts_describe(HeapTupleHeader row)
{
	TupleDesc desc =
		lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));

	if (desc->natts < FACTS_ATTRIBUTES_N)
		ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("type facts has %d attributes", desc->natts),
				errdetail("This library needs %d.", FACTS_ATTRIBUTES_N),
				errhint("Call ALTER EXTENSION member UPDATE."));
	return desc;
}

/* What is unpacked is kept in the context, and used again for the next member. */
void
facts_begin(MemberFacts *f, MemoryContext context)
{
	memset(f, 0, sizeof(*f));
	f->context = context;
}

void
facts_read(MemberFacts *f, HeapTupleHeader row, TupleDesc desc)
{
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};

	if (desc->natts == FACTS_ATTRIBUTES_N)
		heap_deform_tuple(&tuple, desc, f->value, f->null);
	else
	{
		Datum *values = palloc(desc->natts * sizeof(Datum));
		bool *nulls = palloc(desc->natts * sizeof(bool));

		heap_deform_tuple(&tuple, desc, values, nulls);
		memcpy(f->value, values, sizeof(f->value));
		memcpy(f->null, nulls, sizeof(f->null));
	}
	facts_forget(f);
}

/* What was unpacked is of the member before. */
void
facts_forget(MemberFacts *f)
{
	f->has_streams = f->has_book = f->has_standing = f->has_tags = f->has_worth = false;
	f->n_streams = f->n_steps = f->scored = 0;
}

/*
 * Facts of a member whose points and levels are unpacked already, and the activity, too, unless packed is given;
 * nothing is copied and nothing else is known.  They hold while the state does not change.
 */
void
facts_of_state(MemberFacts *f, const Book *book, const Activity *activity, struct varlena *packed,
			   const Standing *standing)
{
	facts_begin(f, CurrentMemoryContext);
	memset(f->null, true, sizeof(f->null));
	f->book = *book;
	for (int i = 0; i < book->n; i++)
		f->in_debt = f->in_debt || book->lot[i].amount < 0;
	f->standing = *standing;
	f->has_book = f->has_standing = true;
	if (packed)
	{
		f->value[FACTS_ACTIVITY] = PointerGetDatum(packed);
		f->null[FACTS_ACTIVITY] = false;
		return;
	}
	f->has_streams = true;
	memset(f->place, 0, sizeof(f->place));
	f->n_streams = f->max_streams = activity->nstreams;
	f->stream = activity->nstreams ? palloc(activity->nstreams * sizeof(FactsStream)) : NULL;
	for (int i = 0; i < activity->nstreams; i++)
	{
		activity_seek_decoded(activity, activity->streams[i].id, &f->stream[i].cursor);
		f->stream[i].built = false;
		f->place[activity->streams[i].id & 0xff] = i + 1;
	}
}

static void *
grown(MemberFacts *f, void *old, int *room, int needed, Size size)
{
	*room = Max(needed, Max(16, 2 * *room));
	return old ? repalloc_huge(old, *room * size)
			   : MemoryContextAllocHuge(f->context, *room * size);
}

/* ---- activity ---- */

void
facts_streams(MemberFacts *f)
{
	ActivityStreams walk;
	ActivityCursor c;

	if (f->has_streams)
		return;
	f->has_streams = true;
	memset(f->place, 0, sizeof(f->place));
	if (f->null[FACTS_ACTIVITY])
		return;
	activity_streams_begin((const activity *) PG_DETOAST_DATUM_PACKED(f->value[FACTS_ACTIVITY]),
						   &walk);
	while (activity_streams_next(&walk, &c))
	{
		FactsStream *s;

		if (f->n_streams == f->max_streams)
			f->stream = grown(f, f->stream, &f->max_streams, f->n_streams + 1, sizeof(FactsStream));
		s = &f->stream[f->n_streams++];
		s->cursor = c;
		s->built = false;
		f->place[c.stream & 0xff] = f->n_streams;
	}
}

/* NULL: the member has nothing in it. */
FactsStream *
facts_stream(MemberFacts *f, int32 id)
{
	int i;

	facts_streams(f);
	for (i = f->place[id & 0xff] - 1; i >= 0; i--)
		if (f->stream[i].cursor.stream <= id)
			return f->stream[i].cursor.stream == id ? &f->stream[i] : NULL;
	return NULL;
}

/* Its entries with running sums.  The pool moves when it grows: take the pointer anew after others. */
const FactsStep *
facts_steps(MemberFacts *f, FactsStream *s)
{
	FactsStep sum = {0};
	ActivityCursor c;
	ActivityEntry e;

	if (s->built)
		return f->step + s->start;
	s->built = true;
	s->broken = false;
	s->start = f->n_steps;
	for (c = s->cursor; activity_next(&c, &e);)
	{
		if (f->n_steps == f->max_steps)
			f->step = grown(f, f->step, &f->max_steps, f->n_steps + 1, sizeof(FactsStep));
		if (pg_add_s64_overflow(sum.count, e.count, &sum.count) ||
			pg_add_s64_overflow(sum.amount, e.amount, &sum.amount))
			s->broken = true;
		sum.active += activity_active(&e);
		sum.first = e.first;
		sum.last = e.last;
		sum.largest = e.largest;
		f->step[f->n_steps++] = sum;
	}
	s->n = f->n_steps - s->start;
	return f->step + s->start;
}

/* ---- points, levels, tags ---- */

const Book *
facts_book(MemberFacts *f)
{
	LotCursor c;
	int n = 0;

	if (f->has_book)
		return &f->book;
	f->has_book = true;
	f->in_debt = false;
	f->book.n = 0;
	if (f->null[FACTS_LOTS])
		return &f->book;
	lots_open(&c, (struct varlena *) PG_DETOAST_DATUM_PACKED(f->value[FACTS_LOTS]));
	while (lots_next(&c))
	{
		if (n == f->max_lots)
			f->book.lot = grown(f, f->book.lot, &f->max_lots, n + 1, sizeof(Lot));
		f->book.lot[n++] = c.lot;
		f->in_debt = f->in_debt || c.lot.amount < 0;
	}
	f->book.n = f->book.size = n;
	return &f->book;
}

/* NULL: level 0, which has never been left. */
const Rank *
facts_rank(MemberFacts *f, int32 ladder)
{
	if (!f->has_standing)
	{
		f->has_standing = true;
		f->standing.n = 0;
		if (!f->null[FACTS_STANDING])
			standing_decode(&f->standing,
							(struct varlena *) PG_DETOAST_DATUM_PACKED(f->value[FACTS_STANDING]));
	}
	return standing_rank(&f->standing, (int16) ladder, false);
}

const Tags *
facts_tags(MemberFacts *f)
{
	if (!f->has_tags)
	{
		f->has_tags = true;
		tags_init(&f->tags);
		if (!f->null[FACTS_TAGS])
			tags_decode(&f->tags, (struct varlena *) PG_DETOAST_DATUM_PACKED(f->value[FACTS_TAGS]));
	}
	return &f->tags;
}

/* NULL: not there. */
const Tag *
facts_tag(MemberFacts *f, int32 id)
{
	const Tags *tags = facts_tags(f);

	return tags->n ? tags_find(tags, id) : NULL;
}

/* ---- the models of value ---- */

/* The fields of member.value_terms, none of which is known without the others. */
static void
read_worth(MemberFacts *f, HeapTupleHeader row)
{
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};
	Datum value[VALUE_TERMS];
	bool null[VALUE_TERMS];

	if (f->worth_desc == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(f->context);

		f->worth_desc = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(row),
													HeapTupleHeaderGetTypMod(row));
		MemoryContextSwitchTo(old);
	}
	Assert(f->worth_desc->natts == VALUE_TERMS);
	heap_deform_tuple(&tuple, f->worth_desc, value, null);
	if (null[0] || null[1] || null[2] || null[3])
		return;
	f->worth.known = true;
	f->worth.model = *(ValueModel *) DatumGetPointer(value[0]);
	f->worth.horizon = DatumGetInt32(value[1]);
	f->worth.discount = DatumGetFloat8(value[2]);
	f->worth.margin = DatumGetFloat8(value[3]);
}

const ValueTerms *
facts_worth(MemberFacts *f)
{
	if (!f->has_worth)
	{
		f->has_worth = true;
		f->worth.known = false;
		if (!f->null[FACTS_VALUE])
			read_worth(f, DatumGetHeapTupleHeader(f->value[FACTS_VALUE]));
	}
	return &f->worth;
}

/* ---- days and attributes ---- */

/* NO_DAY: there is none, or none that days are counted from. */
DateADT
facts_day(const MemberFacts *f, FactsAttribute which)
{
	DateADT day;

	if (f->null[which])
		return NO_DAY;
	day = DatumGetDateADT(f->value[which]);
	return day_in_range(day) ? day : NO_DAY;
}

bool
facts_attribute(const MemberFacts *f, const RuleNode *key, bool of_event, JsonbValue *value)
{
	FactsAttribute which = of_event ? FACTS_EVENT : FACTS_ATTRIBUTES;
	Jsonb *object;

	if (f->null[which])
		return false;
	object = DatumGetJsonbP(f->value[which]);
	return JB_ROOT_IS_OBJECT(object) && !JB_ROOT_IS_SCALAR(object) &&
		   getKeyJsonValueFromContainer(&object->root, f->strings + key->id, key->arg, value) &&
		   value->type != jbvNull;
}

/* The date that the text of an attribute begins with; NO_DAY: none. */
DateADT
facts_attribute_day(const MemberFacts *f, const RuleNode *key)
{
	JsonbValue value;
	int y, m, d;
	char text[11];
	int digits;

	if (!facts_attribute(f, key, false, &value) || value.type != jbvString ||
		value.val.string.len < 10)
		return NO_DAY;
	memcpy(text, value.val.string.val, 10);
	text[10] = '\0';
	for (digits = 0; digits < 10; digits++)
		if (digits == 4 || digits == 7 ? text[digits] != '-'
									   : text[digits] < '0' || text[digits] > '9')
			return NO_DAY;
	y = atoi(text);
	m = atoi(text + 5);
	d = atoi(text + 8);
	if (y < 1900 || m < 1 || m > 12 || d < 1 || d > day_tab[isleap(y)][m - 1])
		return NO_DAY;
	return date2j(y, m, d) - POSTGRES_EPOCH_JDATE;
}
