/*
 * tagset.c: sets of tags: packing, adding, dropping, merging, decay.
 *
 * Packed form, after the varlena header: format version, reserved flags, then
 *
 *	 varint  number of tags
 *	 varint  of each tag: id - id before - 1
 *	 and again of each tag
 *	 byte    which fields follow: see tagset.h
 *	 signed  since, if given: days after the one given last
 *	 varint  until, if given: days after since; signed and from day 0 when there is no since
 *	 varint  half-life, if given
 *	 varint  weight, if given: ten-thousandths
 *
 * What equals the value given last is not given again: tags that are set on the same day, for as long, take
 * 2 bytes.  There is one way to write a set: equal values are equal bytes.  See docs/internals/tagset.md.
 */
#include "compat.h"

#include <math.h>

#include "errors.h"
#include "types/tagset.h"
#include "util/day.h"
#include "util/varint.h"

/* The values given last; -1 half-life and length: none yet. */
typedef struct Last
{
	bool has_since;
	DateADT since;
	int64 length; /* until - since */
	int32 half_life;
} Last;

static const Last no_last = {false, 0, PG_INT64_MIN, -1};

/* The one validator of text, binary, packed and constructor input; false after a soft error. */
bool
tag_check(const Tag *tag, Node *soft)
{
	if (tag->id < 1)
		ereturn(soft, false, errcode(ERRCODE_INVALID_TAG), errmsg("invalid tag %d", tag->id),
				errdetail("Tags are numbered from 1 to %d.", PG_INT32_MAX));
	if (tag->weight < 1 || tag->weight > TAG_WEIGHT_MAX)
		ereturn(soft, false, errcode(ERRCODE_WEIGHT_OUT_OF_RANGE),
				errmsg("weight of tag %d is out of range", tag->id),
				errdetail("Weights lie between 0.0001 and 100000."));
	if (tag->half_life < 0 || tag->half_life > TAG_HALF_LIFE_MAX)
		ereturn(soft, false, errcode(ERRCODE_WEIGHT_OUT_OF_RANGE),
				errmsg("half-life of tag %d is out of range: %d", tag->id, tag->half_life),
				errdetail("A half-life is between 1 and %d days, or 0 for none.",
						  TAG_HALF_LIFE_MAX));
	if ((!DATE_IS_NOBEGIN(tag->since) && !day_in_range(tag->since)) ||
		(!DATE_IS_NOEND(tag->until) && !day_in_range(tag->until)))
		ereturn(soft, false, errcode(ERRCODE_DAY_OUT_OF_RANGE),
				errmsg("day of tag %d is out of range", tag->id),
				errdetail("Days lie between 1900-01-01 and 9999-12-31."));
	if (tag->since >= tag->until)
		ereturn(soft, false, errcode(ERRCODE_DAY_OUT_OF_RANGE),
				errmsg("tag %d must be set before its end", tag->id),
				errhint("\"until\" is exclusive: it is the first day the tag is gone."));
	if (tag->half_life > 0 && DATE_IS_NOBEGIN(tag->since))
		ereturn(soft, false, errcode(ERRCODE_DAY_OUT_OF_RANGE),
				errmsg("tag %d has a half-life but no day it was set", tag->id),
				errdetail("A weight decays from the day the tag was set."));
	return true;
}

void
tags_init(Tags *t)
{
	t->n = t->size = 0;
	t->tag = NULL;
}

static void
tags_reserve(Tags *t, int n)
{
	if (n <= t->size)
		return;
	n = Max(n, t->size * 2);
	n = Max(n, 16);
	t->tag = t->tag ? repalloc(t->tag, n * sizeof(Tag)) : palloc(n * sizeof(Tag));
	t->size = n;
}

/* ---- packed form ---- */

static void
tags_damaged(void)
{
	ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("packed tagset is damaged"));
	pg_unreachable();
}

/* A number of the packed form, which lies between the bounds. */
static inline int64
bounded(int64 value, int64 low, int64 high)
{
	if (value < low || value > high)
		tags_damaged();
	return value;
}

static inline TagField
field_code(int byte, int shift, bool has_last)
{
	TagField code = (byte >> shift) & 3;

	if (code > FIELD_GIVEN || (code == FIELD_SAME && !has_last))
		tags_damaged();
	return code;
}

static void
tag_unpack(Tag *tag, Last *last, const char **p, const char *end)
{
	int byte;
	TagField code;

	if (*p >= end || ((byte = (uint8) * (*p)++) & TAG_RESERVED))
		tags_damaged();

	code = field_code(byte, TAG_SINCE_SHIFT, last->has_since);
	tag->since = DATEVAL_NOBEGIN;
	if (code == FIELD_GIVEN)
	{
		/* two days at most are apart, so the sum can't overflow */
		int64 gap = bounded(get_signed(p, end), MIN_DAY - MAX_DAY, MAX_DAY - MIN_DAY);

		last->since = (DateADT) bounded(last->since + gap, MIN_DAY, MAX_DAY);
		last->has_since = true;
	}
	if (code != FIELD_NONE)
		tag->since = last->since;

	code = field_code(byte, TAG_UNTIL_SHIFT, last->length != PG_INT64_MIN);
	tag->until = DATEVAL_NOEND;
	if (code == FIELD_GIVEN)
		last->length =
			DATE_IS_NOBEGIN(tag->since)
				? bounded(get_signed(p, end), MIN_DAY, MAX_DAY)
				: bounded((int64) (get_varint(p, end) & PG_INT64_MAX), 1, MAX_DAY - MIN_DAY);
	if (code != FIELD_NONE)
		tag->until =
			(DateADT) bounded((DATE_IS_NOBEGIN(tag->since) ? 0 : tag->since) + last->length,
							  MIN_DAY, MAX_DAY);

	code = field_code(byte, TAG_HALF_LIFE_SHIFT, last->half_life >= 0);
	if (code == FIELD_GIVEN)
		last->half_life =
			(int32) bounded((int64) (get_varint(p, end) & PG_INT64_MAX), 1, TAG_HALF_LIFE_MAX);
	tag->half_life = code == FIELD_NONE ? 0 : last->half_life;

	tag->weight = TAG_WEIGHT_ONE;
	if (byte & TAG_HAS_WEIGHT)
		tag->weight =
			(int32) bounded((int64) (get_varint(p, end) & PG_INT64_MAX), 1, TAG_WEIGHT_MAX);
	if (tag->half_life > 0 && DATE_IS_NOBEGIN(tag->since))
		tags_damaged();
	if (tag->since >= tag->until)
		tags_damaged();
}

void
tags_decode(Tags *t, const struct varlena *packed)
{
	TagIds ids;
	Last last = no_last;
	const char *p;
	const char *end;

	tags_init(t);
	if (!tag_ids_open(&ids, packed))
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown format of a tagset value"),
				errhint(
					"The value was written by a newer version of the extension, or is damaged."));
	tags_reserve(t, ids.left);
	t->n = ids.left;
	for (int i = 0; i < t->n; i++)
	{
		if (!tag_ids_next(&ids))
			tags_damaged();
		t->tag[i].id = ids.id;
	}
	p = (const char *) ids.p;
	end = (const char *) ids.end;
	for (int i = 0; i < t->n; i++)
		tag_unpack(&t->tag[i], &last, &p, end);
	if (p != end)
		tags_damaged();
}

static char *
tag_pack(char *p, const Tag *tag, Last *last)
{
	char *byte = p++;
	bool has_since = !DATE_IS_NOBEGIN(tag->since);
	TagField code = FIELD_NONE;

	*byte = tag->weight == TAG_WEIGHT_ONE ? 0 : TAG_HAS_WEIGHT;
	if (has_since)
	{
		code = last->has_since && last->since == tag->since ? FIELD_SAME : FIELD_GIVEN;
		if (code == FIELD_GIVEN)
			p = put_signed(p, (int64) tag->since - last->since);
		last->since = tag->since;
		last->has_since = true;
	}
	*byte |= code << TAG_SINCE_SHIFT;

	code = FIELD_NONE;
	if (!DATE_IS_NOEND(tag->until))
	{
		int64 length = (int64) tag->until - (has_since ? tag->since : 0);

		code = last->length == length ? FIELD_SAME : FIELD_GIVEN;
		if (code == FIELD_GIVEN)
			p = has_since ? put_varint(p, (uint64) length) : put_signed(p, length);
		last->length = length;
	}
	*byte |= code << TAG_UNTIL_SHIFT;

	code = FIELD_NONE;
	if (tag->half_life > 0)
	{
		code = last->half_life == tag->half_life ? FIELD_SAME : FIELD_GIVEN;
		if (code == FIELD_GIVEN)
			p = put_varint(p, (uint64) tag->half_life);
		last->half_life = tag->half_life;
	}
	*byte |= code << TAG_HALF_LIFE_SHIFT;

	if (*byte & TAG_HAS_WEIGHT)
		p = put_varint(p, (uint64) tag->weight);
	return p;
}

struct varlena *
tags_encode(const Tags *t)
{
	/* ids 5, byte 1, days 5 and 5, half-life 3, weight 5 */
	struct varlena *packed = palloc(VARHDRSZ + TAGSET_HEADER + 2 + t->n * 24);
	char *p = VARDATA(packed);
	Last last = no_last;
	int32 before = 0;

	*p++ = TAGSET_FORMAT;
	*p++ = 0;
	p = put_varint(p, (uint64) t->n);
	for (int i = 0; i < t->n; i++)
	{
		p = put_varint(p, (uint64) (t->tag[i].id - before - 1));
		before = t->tag[i].id;
	}
	for (int i = 0; i < t->n; i++)
		p = tag_pack(p, &t->tag[i], &last);
	SET_VARSIZE(packed, p - (char *) packed);
	return packed;
}

/* ---- sets ---- */

/* The place of the first tag that is not before the id. */
static int
tags_place(const Tags *t, int32 id)
{
	int low = 0, high = t->n;

	while (low < high)
	{
		int mid = (low + high) / 2;

		if (t->tag[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

Tag *
tags_find(const Tags *t, int32 id)
{
	int i = tags_place(t, id);

	return i < t->n && t->tag[i].id == id ? &t->tag[i] : NULL;
}

static void
too_many_tags(void)
{
	ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many tags in one value"),
			errdetail("A tagset holds at most %d.", TAGSET_MAX_TAGS));
}

/* Sets the tag; what it was before, if it was there, is gone. */
void
tags_set(Tags *t, const Tag *tag)
{
	int i = tags_place(t, tag->id);

	if (i == t->n || t->tag[i].id != tag->id)
	{
		if (t->n >= TAGSET_MAX_TAGS)
			too_many_tags();
		tags_reserve(t, t->n + 1);
		memmove(&t->tag[i + 1], &t->tag[i], (t->n - i) * sizeof(Tag));
		t->n++;
	}
	t->tag[i] = *tag;
}

bool
tags_drop(Tags *t, int32 id)
{
	int i = tags_place(t, id);

	if (i == t->n || t->tag[i].id != id)
		return false;
	memmove(&t->tag[i], &t->tag[i + 1], (t->n - i - 1) * sizeof(Tag));
	t->n--;
	return true;
}

/*
 * Which of two settings of one tag stands when sets are merged: the one set later, then the one in force
 * longer, then the heavier, then the one that decays slower.  As the greater of two in a total order it
 * does not matter in which order, in which groups or how often sets are merged.
 */
static bool
tag_outranks(const Tag *a, const Tag *b)
{
	int32 a_decay = a->half_life ? a->half_life : PG_INT32_MAX;
	int32 b_decay = b->half_life ? b->half_life : PG_INT32_MAX;

	if (a->since != b->since)
		return a->since > b->since;
	if (a->until != b->until)
		return a->until > b->until;
	if (a->weight != b->weight)
		return a->weight > b->weight;
	return a_decay > b_decay;
}

void
tags_merge(Tags *t, const Tags *other)
{
	Tags sum;
	int i = 0, j = 0;

	tags_init(&sum);
	tags_reserve(&sum, t->n + other->n);
	while (i < t->n || j < other->n)
	{
		if (j == other->n || (i < t->n && t->tag[i].id < other->tag[j].id))
			sum.tag[sum.n++] = t->tag[i++];
		else if (i == t->n || other->tag[j].id < t->tag[i].id)
			sum.tag[sum.n++] = other->tag[j++];
		else
		{
			bool other_stands = tag_outranks(&other->tag[j], &t->tag[i]);

			sum.tag[sum.n++] = other_stands ? other->tag[j] : t->tag[i];
			i++, j++;
		}
	}
	if (sum.n > TAGSET_MAX_TAGS)
		too_many_tags();
	if (t->tag)
		pfree(t->tag);
	*t = sum;
}

/* ---- the day ---- */

/* The weight on a day: halved with each half-life since it was set; 0 while the tag is not in force. */
double
tag_weight(const Tag *tag, DateADT day)
{
	double weight = (double) tag->weight / TAG_WEIGHT_ONE;

	if (!tag_is_live(tag, day))
		return 0;
	if (tag->half_life == 0 || tag->since == day)
		return weight;
	return weight * exp2(-((double) day - tag->since) / tag->half_life);
}

void
tags_keep_live(Tags *t, DateADT day)
{
	int n = 0;

	for (int i = 0; i < t->n; i++)
		if (tag_is_live(&t->tag[i], day))
			t->tag[n++] = t->tag[i];
	t->n = n;
}

/* The first day after day on which a tag comes into force or ends; DATEVAL_NOEND if none will. */
DateADT
tags_next_change(const Tags *t, DateADT day)
{
	DateADT next = DATEVAL_NOEND;

	for (int i = 0; i < t->n; i++)
	{
		if (t->tag[i].since > day)
			next = Min(next, t->tag[i].since);
		if (t->tag[i].until > day)
			next = Min(next, t->tag[i].until);
	}
	return next;
}
