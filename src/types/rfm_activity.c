/*
 * rfm_activity.c: recency, frequency and monetary value straight from a member's activity, in one walk.
 */
#include "compat.h"

#include "funcapi.h"

#include "errors.h"
#include "types/activity.h"
#include "types/rfm.h"

/* False for a member without a purchase in the window: not counted. */
bool
rfm_measure(const struct varlena *activity, int stream, int32 day, int32 days, RfmMeasures *m)
{
	DateADT since = day - days + 1;
	DateADT last = DATEVAL_NOBEGIN;
	ActivityCursor c;
	ActivityCursor walk;
	ActivityEntry e;

	if (!day_in_range(day) || days < 1 || days > 100000)
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION), errmsg("invalid window of %d days", days),
				errdetail("It has 1 to 100000 days and ends with a day between 1900 and 9999."));
	if (!activity_seek(activity, stream, &c))
		return false;
	m->frequency = m->monetary = 0;
	for (walk = c; activity_next(&walk, &e);)
	{
		if (e.last < since || e.first > day)
			continue;
		if (e.first < since || e.last > day) /* folded: let the reader of windows say so */
		{
			ActivityWindow w;

			activity_window(c, since, day + 1, &w);
		}
		m->frequency += e.count;
		m->monetary += e.amount;
		if (e.count > 0)
			last = e.last;
	}
	m->recency = day - last;
	return m->frequency > 0;
}

/* rfm_score(cuts, activity, stream, day, days): NULL without a purchase in the window */
PG_FUNCTION_INFO_V1(rfm_score_activity);
Datum
rfm_score_activity(PG_FUNCTION_ARGS)
{
	RfmMeasures m;

	if (!rfm_measure(PG_GETARG_VARLENA_PP(1), PG_GETARG_INT16(2), PG_GETARG_DATEADT(3),
					 PG_GETARG_INT32(4), &m))
		PG_RETURN_NULL();
	PG_RETURN_INT32(rfm_score_of(PG_GETARG_VARLENA_PP(0), m.recency, m.frequency, m.monetary));
}

/* rfm_measures(activity, stream, day, days): recency, frequency, monetary; NULL without a purchase */
PG_FUNCTION_INFO_V1(rfm_measures_activity);
Datum
rfm_measures_activity(PG_FUNCTION_ARGS)
{
	RfmMeasures m;
	TupleDesc desc;
	Datum values[RFM_MEASURES];
	bool nulls[RFM_MEASURES] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "rfm_measures must return a row");
	if (!rfm_measure(PG_GETARG_VARLENA_PP(0), PG_GETARG_INT16(1), PG_GETARG_DATEADT(2),
					 PG_GETARG_INT32(3), &m))
		PG_RETURN_NULL();
	values[RFM_RECENCY] = Int32GetDatum(m.recency);
	values[RFM_FREQUENCY] = Int64GetDatum(m.frequency);
	values[RFM_MONETARY] = Int64GetDatum(m.monetary);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
