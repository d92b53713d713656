/*
 * refuse.c: errors of this extension raised from SQL.
 */
#include "compat.h"

#include "utils/builtins.h"

static char *
text_argument(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(argument));
}

/* refuse(state, message, detail, hint): raises; detail and hint may be null */
PG_FUNCTION_INFO_V1(member_refuse);
Datum
member_refuse(PG_FUNCTION_ARGS)
{
	char *state = text_argument(fcinfo, 0);
	char *message = text_argument(fcinfo, 1);
	char *detail = text_argument(fcinfo, 2);
	char *hint = text_argument(fcinfo, 3);

	if (state == NULL || strlen(state) != 5 || message == NULL)
		elog(ERROR, "refuse needs an SQLSTATE and a message");
	ereport(ERROR, errcode(MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4])),
			errmsg_internal("%s", message), detail ? errdetail_internal("%s", detail) : 0,
			hint ? errhint("%s", hint) : 0);
}
