/*
 * numbers.c: numbers of a sequence for the rest of a transaction.
 */
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_sequence.h"
#include "storage/lmgr.h"
#include "utils/syscache.h"

/* Whether it goes up by one, and has no end before that of its type. */
static bool
is_plain(Oid sequence)
{
	HeapTuple tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));
	bool plain;

	if (!HeapTupleIsValid(tuple))
		return false;
	plain = ((Form_pg_sequence) GETSTRUCT(tuple))->seqincrement == 1 &&
			((Form_pg_sequence) GETSTRUCT(tuple))->seqmax == PG_INT64_MAX;
	ReleaseSysCache(tuple);
	return plain;
}

/* lock_numbers(sequence): whether nobody else takes a number before the transaction ends */
PG_FUNCTION_INFO_V1(member_lock_numbers);
Datum
member_lock_numbers(PG_FUNCTION_ARGS)
{
	Oid sequence = PG_GETARG_OID(0);

	/* the lock of nextval() is RowExclusiveLock, kept as long as the transaction */
	PG_RETURN_BOOL(is_plain(sequence) &&
				   ConditionalLockRelationOid(sequence, ShareRowExclusiveLock));
}
