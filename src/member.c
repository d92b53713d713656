/*
 * member.c: loading of the library, and the one function of the core that is not pure: the clock.
 */
#include "compat.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "errors.h"

MEMBER_MODULE_MAGIC;

static char *clock_setting;

void _PG_init(void);

/*
 * member.clock may be set by superusers only.  A session that sets the name before the library is loaded
 * makes a placeholder of that name, which anybody may; its value is dropped here, or it would be obeyed
 * from now on.
 */
void
_PG_init(void)
{
	const char *placeholder = GetConfigOption("member.clock", true, false);

	DefineCustomStringVariable(
		"member.clock", "The moment member.now() gives; empty for the real time.",
		"For tests and demonstrations: superusers only, never in production.", &clock_setting, "",
		PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	if (IsUnderPostmaster && placeholder && *placeholder && !superuser_arg(GetSessionUserId()))
		SetConfigOption("member.clock", "", PGC_SUSET, PGC_S_SESSION);
	MarkGUCPrefixReserved("member");
}

/* now(): member.clock if a superuser has set it, else the time this statement began. */
PG_FUNCTION_INFO_V1(member_now);
Datum
member_now(PG_FUNCTION_ARGS)
{
	if (clock_setting == NULL || *clock_setting == '\0')
		PG_RETURN_TIMESTAMPTZ(GetCurrentTimestamp());
	return DirectFunctionCall3(timestamptz_in, CStringGetDatum(clock_setting),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

PG_FUNCTION_INFO_V1(member_clock_is_set);
Datum
member_clock_is_set(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(clock_setting != NULL && *clock_setting != '\0');
}
