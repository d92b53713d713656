/*
 * lifecycle.c: where a member stands between its first purchase and its last: stages and signs of churn.
 */
#include "compat.h"

#include "funcapi.h"
#include "utils/date.h"

#include "analytics/value.h"
#include "errors.h"
#include "types/activity.h"
#include "types/rfm.h"

/* Days since the last event of any stream, up to the day; false when there is none. */
static bool
idle_days(const activity *a, DateADT day, int32 *idle)
{
	ActivityStreams streams;
	ActivityCursor c;
	DateADT latest = DATEVAL_NOBEGIN;

	activity_streams_begin(a, &streams);
	while (activity_streams_next(&streams, &c))
	{
		ActivityEntry e;

		while (activity_next(&c, &e) && e.first <= day)
			if (e.count > 0)
				latest = Max(latest, Min(e.last, day)); /* of a folded entry the least it can be */
	}
	*idle = day - latest;
	return latest != DATEVAL_NOBEGIN;
}

PG_FUNCTION_INFO_V1(member_idle_days);
Datum
member_idle_days(PG_FUNCTION_ARGS)
{
	int32 idle;

	if (!idle_days((activity *) PG_GETARG_VARLENA_PP(0), PG_GETARG_DATEADT(1), &idle))
		PG_RETURN_NULL();
	PG_RETURN_INT32(idle);
}

/* purchase_history(activity, stream, day): x, t_x, t, amount; NULL without a purchase */
PG_FUNCTION_INFO_V1(member_purchase_history);
Datum
member_purchase_history(PG_FUNCTION_ARGS)
{
	ValueHistory h;
	TupleDesc desc;
	Datum values[4];
	bool nulls[4] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "purchase_history must return a row");
	if (!value_history(PG_GETARG_VARLENA_PP(0), PG_GETARG_INT16(1), PG_GETARG_DATEADT(2), &h))
		PG_RETURN_NULL();
	values[0] = Int32GetDatum(h.x);
	values[1] = Int32GetDatum(h.t_x);
	values[2] = Int32GetDatum(h.t);
	values[3] = Int64GetDatum(h.amount);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

static void
refuse_nulls(FunctionCallInfo fcinfo, int nullable)
{
	for (int i = 0; i < PG_NARGS(); i++)
		if (i != nullable && PG_ARGISNULL(i))
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("argument %d must not be null", i + 1));
}

/* Later than so many times the own mean interval?  Who bought on one day has none. */
static inline bool
later_than_usual(const ValueHistory *h, double factor)
{
	return h->x > 0 && h->t - h->t_x > factor * h->t_x / h->x;
}

#define CHURN_INTERVAL 1
#define CHURN_SILENT 2
#define CHURN_IDLE 4
#define CHURN_P_ALIVE 8

/* churn_signs(activity, stream, day, model, interval_factor, silent_days, idle_days, p_alive_below) */
PG_FUNCTION_INFO_V1(member_churn_signs);
Datum
member_churn_signs(PG_FUNCTION_ARGS)
{
	activity *a;
	DateADT day;
	ValueHistory h;
	int32 idle;
	int signs = 0;

	refuse_nulls(fcinfo, 3);
	a = (activity *) PG_GETARG_VARLENA_PP(0);
	day = PG_GETARG_DATEADT(2);
	if (!value_history(a, PG_GETARG_INT16(1), day, &h))
		PG_RETURN_NULL();
	if (later_than_usual(&h, PG_GETARG_FLOAT8(4)))
		signs |= CHURN_INTERVAL;
	if (h.t - h.t_x >= PG_GETARG_INT32(5))
		signs |= CHURN_SILENT;
	if (!idle_days(a, day, &idle) || idle >= PG_GETARG_INT32(6))
		signs |= CHURN_IDLE;
	if (!PG_ARGISNULL(3) &&
		value_p_alive((ValueModel *) PG_GETARG_POINTER(3), h.x, h.t_x, h.t) < PG_GETARG_FLOAT8(7))
		signs |= CHURN_P_ALIVE;
	PG_RETURN_INT32(signs);
}

typedef enum LifecycleStage
{
	STAGE_PROSPECT,
	STAGE_NEW,
	STAGE_ACTIVE,
	STAGE_HIGH_VALUE,
	STAGE_SLIPPING,
	STAGE_DORMANT,
	STAGE_LOST
} LifecycleStage;

/* lifecycle_stage(activity, stream, day, cuts, new_days, slip_factor, slip_days, dormant_days, lost_days) */
PG_FUNCTION_INFO_V1(member_lifecycle_stage);
Datum
member_lifecycle_stage(PG_FUNCTION_ARGS)
{
	struct varlena *a;
	int stream;
	DateADT day;
	ValueHistory h;
	int32 silent;
	LifecycleStage stage = STAGE_ACTIVE;

	refuse_nulls(fcinfo, 3);
	a = PG_GETARG_VARLENA_PP(0);
	stream = PG_GETARG_INT16(1);
	day = PG_GETARG_DATEADT(2);
	if (!value_history(a, stream, day, &h))
		PG_RETURN_INT16(STAGE_PROSPECT);
	silent = h.t - h.t_x;
	if (silent >= PG_GETARG_INT32(8))
		stage = STAGE_LOST;
	else if (silent >= PG_GETARG_INT32(7))
		stage = STAGE_DORMANT;
	else if (silent >= PG_GETARG_INT32(6) &&
			 (h.x == 0 || later_than_usual(&h, PG_GETARG_FLOAT8(5))))
		stage = STAGE_SLIPPING;
	else if (h.t < PG_GETARG_INT32(4))
		stage = STAGE_NEW;
	else if (!PG_ARGISNULL(3))
	{
		struct varlena *cuts = PG_GETARG_VARLENA_PP(3);
		RfmMeasures m;

		if (rfm_measure(a, stream, day, 365, &m) &&
			rfm_value_group_of(cuts, rfm_score_of(cuts, m.recency, m.frequency, m.monetary)) == 1)
			stage = STAGE_HIGH_VALUE;
	}
	PG_RETURN_INT16(stage);
}

PG_FUNCTION_INFO_V1(member_lifecycle_stage_name);
Datum
member_lifecycle_stage_name(PG_FUNCTION_ARGS)
{
	static const RfmGroupName names[] = {{"潜客", "prospect"},	   {"新客", "new"},
										 {"活跃", "active"},	   {"高价值", "high value"},
										 {"流失预警", "slipping"}, {"沉默", "dormant"},
										 {"流失", "lost"}};

	static const RfmGroups stages = {names, STAGE_PROSPECT, STAGE_LOST};

	PG_RETURN_TEXT_P(rfm_group_name(&stages, PG_GETARG_INT16(0), PG_GETARG_TEXT_PP(1)));
}
