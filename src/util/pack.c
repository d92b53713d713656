/*
 * pack.c: rows of several kinds in one message; see pack.h.
 *
 * A row is a head and a tuple, aligned as tuples are in a page: message and pack begin at an aligned place.
 */
#include "compat.h"

#include "access/htup_details.h"

#include "util/pack.h"

typedef struct PackHead
{
	int32 kind;
	uint32 len;
} PackHead;

void
pack_row(StringInfo pack, int kind, HeapTuple row)
{
	PackHead head = {kind, row->t_len};
	int pad = MAXALIGN(row->t_len) - row->t_len;

	enlargeStringInfo(pack, sizeof(head) + row->t_len + pad);
	appendBinaryStringInfo(pack, (const char *) &head, sizeof(head));
	appendBinaryStringInfo(pack, (const char *) row->t_data, row->t_len);
	memset(pack->data + pack->len, 0, pad);
	pack->len += pad;
}

bool
pack_next(PackReader *r, int *kind, HeapTuple row)
{
	const PackHead *head = (const PackHead *) r->at;

	if (r->at == r->end)
		return false;
	*kind = head->kind;
	row->t_len = head->len;
	ItemPointerSetInvalid(&row->t_self);
	row->t_tableOid = InvalidOid;
	row->t_data = (HeapTupleHeader) (r->at + sizeof(PackHead));
	r->at += sizeof(PackHead) + MAXALIGN(head->len);
	return true;
}
