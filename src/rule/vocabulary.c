/*
 * vocabulary.c: the measures, fields, windows and comparisons of the rule language, as they are written.
 */
#include "compat.h"

#include "rule/compile.h"

/* by RuleMeasure: name, what it takes, window, kind, days, since, exact */
const MeasureSpec rule_measures[MEASURES] = {
	[MEASURE_COUNT_OF] = {"count", TAKES_STREAM, true, .is_exact = true},
	[MEASURE_AMOUNT_OF] = {"amount", TAKES_STREAM, true, .is_exact = true},
	[MEASURE_LARGEST_OF] = {"largest", TAKES_STREAM, true, .is_exact = true},
	[MEASURE_VISITS] = {"visits", TAKES_STREAM, true, .is_exact = true},
	[MEASURE_HAS] = {"has", TAKES_STREAM, true, .is_exact = true},
	[MEASURE_RECENCY] = {"recency", TAKES_STREAM, .since = true, .is_exact = true},
	[MEASURE_SINCE_FIRST] = {"since_first", TAKES_STREAM, .since = true, .is_exact = true},
	[MEASURE_MEAN_GAP] = {"mean_gap", TAKES_STREAM},
	[MEASURE_STREAK] = {"streak", TAKES_STREAM, .is_exact = true},
	[MEASURE_RUN] = {"run", TAKES_STREAM, .kind = true, .is_exact = true},
	[MEASURE_FALLING_MONTHS] = {"falling_months", TAKES_STREAM, .is_exact = true},
	[MEASURE_IDLE] = {"idle", TAKES_NOTHING, .since = true, .is_exact = true},
	[MEASURE_BALANCE] = {"balance", TAKES_WALLET, .is_exact = true},
	[MEASURE_PENDING] = {"pending", TAKES_WALLET, .is_exact = true},
	[MEASURE_EXPIRING] = {"expiring", TAKES_WALLET, .days = true, .is_exact = true},
	[MEASURE_TIER] = {"tier", TAKES_LADDER, .is_exact = true},
	[MEASURE_TIER_DAYS] = {"tier_days", TAKES_LADDER, .since = true, .is_exact = true},
	[MEASURE_TIER_LEFT] = {"tier_left", TAKES_LADDER, .is_exact = true},
	[MEASURE_R] = {"r", TAKES_STREAM, .is_exact = true},
	[MEASURE_F] = {"f", TAKES_STREAM, .is_exact = true},
	[MEASURE_M] = {"m", TAKES_STREAM, .is_exact = true},
	[MEASURE_VALUE_GROUP] = {"value_group", TAKES_STREAM, .is_exact = true,
							 .groups = &rfm_value_groups},
	[MEASURE_STRATEGY_GROUP] = {"strategy_group", TAKES_STREAM, .is_exact = true,
								.groups = &rfm_strategy_groups},
	[MEASURE_AGE] = {"age", TAKES_NOTHING, .is_exact = true},
	[MEASURE_BIRTHDAY_IN] = {"birthday_in", TAKES_NOTHING, .is_exact = true},
	[MEASURE_ANNIVERSARY_IN] = {"anniversary_in", TAKES_NOTHING, .is_exact = true},
	[MEASURE_TENURE] = {"tenure", TAKES_NOTHING, .since = true, .is_exact = true},
	[MEASURE_PLAN_DAYS] = {"plan_days", TAKES_NOTHING, .since = true, .is_exact = true},
	[MEASURE_PLAN_LEFT] = {"plan_left", TAKES_NOTHING, .is_exact = true},
	[MEASURE_WEIGHT] = {"weight", TAKES_TAG},
	[MEASURE_DAYS_SINCE] = {"since", TAKES_KEY, .since = true, .is_exact = true},
	[MEASURE_DAYS_UNTIL] = {"until", TAKES_KEY, .is_exact = true},
	[MEASURE_SEGMENT] = {"rfm_segment", TAKES_STREAM, .is_exact = true, .groups = &rfm_segments},
	[MEASURE_P_ALIVE] = {"p_alive", TAKES_STREAM},
	[MEASURE_PURCHASES] = {"expected_purchases", TAKES_STREAM},
	[MEASURE_CLV] = {"clv", TAKES_STREAM},
};

const char *const rule_fields[FIELDS] = {
	[FIELD_GENDER] = "gender",	 [FIELD_CITY] = "city",	  [FIELD_REGION] = "region",
	[FIELD_CHANNEL] = "channel", [FIELD_STORE] = "store", [FIELD_PLAN] = "plan",
	[FIELD_ATTR] = "attr",		 [FIELD_EVENT] = "event",
};

/* by RuleUnit, from RULE_THIS_MONTH */
const char *const rule_windows[RULE_LAST_MEMBER_YEAR + 1] = {
	[RULE_THIS_MONTH] = "month",
	[RULE_THIS_QUARTER] = "quarter",
	[RULE_THIS_YEAR] = "year",
	[RULE_LAST_MONTH] = "last_month",
	[RULE_LAST_QUARTER] = "last_quarter",
	[RULE_LAST_YEAR] = "last_year",
	[RULE_MEMBER_YEAR] = "membership_year",
	[RULE_LAST_MEMBER_YEAR] = "last_membership_year",
};

/* by RuleComparison */
const char *const rule_comparisons[6] = {"=", "<>", "<", "<=", ">", ">="};

bool
rule_group(const RfmGroups *groups, const char *name, int len, int32 *number)
{
	for (int i = groups->first; i <= groups->last; i++)
	{
		const RfmGroupName *group = &groups->names[i - groups->first];

		if ((strlen(group->zh) == len && memcmp(group->zh, name, len) == 0) ||
			(strlen(group->en) == len && memcmp(group->en, name, len) == 0))
		{
			*number = i;
			return true;
		}
	}
	return false;
}
