/*
 * tagset.h: the tags of a member.
 *
 * A value is a set of tags, ascending by id, each with its weight, the day it was set, the first day it is
 * no longer in force, and the half-life of its weight.  Whether a tag is in force is a question about a
 * day; whether it is *there* is not: the index and the operators that use it know presence only.
 *
 * The ids stand together at the front of the packed form, so that presence is answered without reading the
 * rest; TagIds walks over them and never raises, which the leakproof operators rely on.
 */
#ifndef MEMBER_TAGSET_H
#define MEMBER_TAGSET_H

#include "compat.h"
#include "nodes/nodes.h"
#include "utils/date.h"

#define TAGSET_FORMAT 1
#define TAGSET_HEADER 2 /* format version, reserved flags */
#define TAGSET_MAX_TAGS 4096
#define TAG_WEIGHT_ONE 10000	  /* weights are kept in ten-thousandths */
#define TAG_WEIGHT_MAX 1000000000 /* 100 000 */
#define TAG_HALF_LIFE_MAX 36500	  /* days */

typedef struct Tag
{
	int32 id;		 /* from 1 */
	int32 weight;	 /* ten-thousandths, from 1 */
	int32 half_life; /* days; 0: the weight does not decay */
	DateADT since;	 /* day it was set; DATEVAL_NOBEGIN: none, it has always been there */
	DateADT until;	 /* exclusive; DATEVAL_NOEND: none */
} Tag;

typedef struct Tags
{
	int n;
	int size;
	Tag *tag; /* ascending by id */
} Tags;

/* A cursor over the ids alone. */
typedef struct TagIds
{
	const uint8 *p;
	const uint8 *end;
	int left; /* ids still to come */
	int32 id;
} TagIds;

extern void tags_init(Tags *t);
extern void tags_decode(Tags *t, const struct varlena *packed);
extern struct varlena *tags_encode(const Tags *t);
extern Tag *tags_find(const Tags *t, int32 id);
extern void tags_set(Tags *t, const Tag *tag);
extern bool tags_drop(Tags *t, int32 id);
extern void tags_merge(Tags *t, const Tags *other);
extern void tags_keep_live(Tags *t, DateADT day);
extern DateADT tags_next_change(const Tags *t, DateADT day);

extern bool tag_check(const Tag *tag, Node *soft);
extern double tag_weight(const Tag *tag, DateADT day);

static inline bool
tag_is_live(const Tag *tag, DateADT day)
{
	return tag->since <= day && day < tag->until;
}

/* ---- packed form ---- */

/*
 * The byte before the fields of a tag: whether it has a weight other than 1, and for since, until and
 * half-life two bits each, a TagField.
 */
#define TAG_HAS_WEIGHT 0x01
#define TAG_SINCE_SHIFT 1
#define TAG_UNTIL_SHIFT 3
#define TAG_HALF_LIFE_SHIFT 5
#define TAG_RESERVED 0x80
#define TAG_DAYS_MASK (3 << TAG_SINCE_SHIFT | 3 << TAG_UNTIL_SHIFT)

typedef enum TagField
{
	FIELD_NONE,
	FIELD_SAME, /* as given last */
	FIELD_GIVEN
} TagField;

/* How many numbers follow the byte. */
static inline int
tag_fields_given(uint8 byte)
{
	return (byte & TAG_HAS_WEIGHT) + (byte >> (TAG_SINCE_SHIFT + 1) & 1) +
		   (byte >> (TAG_UNTIL_SHIFT + 1) & 1) + (byte >> (TAG_HALF_LIFE_SHIFT + 1) & 1);
}

/* ---- ids ---- */

/* The next varint; false at the end or when it is none of 32 bits. */
static inline bool
tag_ids_number(TagIds *ids, uint32 *value)
{
	uint32 v = 0;

	for (int shift = 0; shift < 35; shift += 7)
	{
		uint8 b;

		if (ids->p >= ids->end)
			return false;
		b = *ids->p++;
		if (shift == 28 && b > 0x0f)
			return false;
		v |= (uint32) (b & 0x7f) << shift;
		if (b < 0x80)
		{
			*value = v;
			return true;
		}
	}
	return false;
}

/* Opens the cursor; a value of an unknown format or a damaged one has no ids, and false is returned. */
static inline bool
tag_ids_open(TagIds *ids, const struct varlena *packed)
{
	uint32 n;

	ids->p = (const uint8 *) VARDATA_ANY(packed);
	ids->end = ids->p + VARSIZE_ANY_EXHDR(packed);
	ids->left = 0;
	ids->id = 0;
	if (ids->end - ids->p < TAGSET_HEADER || ids->p[0] != TAGSET_FORMAT || ids->p[1] != 0)
		return false;
	ids->p += TAGSET_HEADER;
	if (!tag_ids_number(ids, &n) || n > TAGSET_MAX_TAGS)
		return false;
	ids->left = (int) n;
	return true;
}

static inline bool
tag_ids_next(TagIds *ids)
{
	uint32 gap;

	if (ids->left <= 0)
		return false;
	if (likely(ids->p < ids->end && *ids->p < 0x80))
		gap = *ids->p++;
	else if (!tag_ids_number(ids, &gap))
		gap = PG_UINT32_MAX;
	if (gap >= (uint32) (PG_INT32_MAX - ids->id)) /* damaged: there is nothing more */
	{
		ids->left = 0;
		return false;
	}
	ids->left--;
	ids->id += (int32) gap + 1;
	return true;
}

/* tagset_ops.c: whether the set has the id */
extern bool tagset_has_id(const struct varlena *packed, int32 id);

/* An array argument of ids, ascending and each once; NULL elements are left out, and noted. */
typedef struct IdList
{
	int n;
	int32 *id;
	bool null;
} IdList;

struct ArrayType;
extern void id_list_from_array(IdList *list, struct ArrayType *array);
extern void id_list_from_tagset(IdList *list, const struct varlena *packed);

#endif
