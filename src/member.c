/*
 * member.c: loading of the library, and the one function of the core that is not pure: the clock.
 */
#include "compat.h"

#include "utils/guc.h"
#include "utils/timestamp.h"

#include "util/clock.h"
#include "util/read.h"

MEMBER_MODULE_MAGIC;

static char *clock_setting;
static TimestampTz clock_at;

void _PG_init(void);

/* The setting in the form of a moment, so that a value that can't be read is refused when it is set. */
static bool
clock_check(char **value, void **extra, GucSource source)
{
	TimestampTz *at = GUC_ALLOC(sizeof(TimestampTz));

	if (at == NULL)
		return false;
	*at = 0;
	if (**value && !read_moment(*value, strlen(*value), session_timezone, at))
	{
		GUC_FREE(at);
		GUC_check_errdetail("A moment such as 2026-03-01 10:00+08, or nothing for the real time.");
		return false;
	}
	*extra = at;
	return true;
}

static void
clock_assign(const char *value, void *extra)
{
	clock_at = *(TimestampTz *) extra;
}

/*
 * Superusers only.  A session that sets the name before the library is loaded makes a placeholder; when the
 * setting is defined, the server drops its value unless a superuser gave it.
 */
void
_PG_init(void)
{
	DefineCustomStringVariable(
		"member.clock", "The moment member.now() gives; empty for the real time.",
		"For tests and demonstrations: superusers only, never in production.", &clock_setting, "",
		PGC_SUSET, GUC_NOT_IN_SAMPLE, clock_check, clock_assign, NULL);
	MarkGUCPrefixReserved("member");
}

static bool
clock_is_set(void)
{
	return clock_setting != NULL && *clock_setting != '\0';
}

/* member.clock if a superuser has set it, else the real time. */
TimestampTz
clock_now(void)
{
	return clock_is_set() ? clock_at : GetCurrentTimestamp();
}

PG_FUNCTION_INFO_V1(member_now);
Datum
member_now(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(clock_now());
}

PG_FUNCTION_INFO_V1(member_clock_is_set);
Datum
member_clock_is_set(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(clock_is_set());
}
