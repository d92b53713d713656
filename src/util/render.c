/*
 * render.c: filling in the {variables} of a message template.
 */
#include "compat.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* The value of a variable as text; false when it is not given. */
static bool
append_variable(StringInfo out, Jsonb *vars, const char *name, int len)
{
	JsonbValue value;
	JsonbValue *v = getKeyJsonValueFromContainer(&vars->root, name, len, &value);

	if (v == NULL)
		return false;
	switch (v->type)
	{
		case jbvString:
			appendBinaryStringInfo(out, v->val.string.val, v->val.string.len);
			break;
		case jbvNumeric:
			appendStringInfoString(out, DatumGetCString(
											DirectFunctionCall1(numeric_out,
																NumericGetDatum(v->val.numeric))));
			break;
		case jbvBool:
			appendStringInfoString(out, v->val.boolean ? "true" : "false");
			break;
		default: /* null is empty, an object or array is no variable */
			break;
	}
	return true;
}

/* render(body, vars) */
PG_FUNCTION_INFO_V1(member_render);
Datum
member_render(PG_FUNCTION_ARGS)
{
	text *body = PG_GETARG_TEXT_PP(0);
	Jsonb *vars = PG_GETARG_JSONB_P(1);
	const char *p = VARDATA_ANY(body);
	const char *end = p + VARSIZE_ANY_EXHDR(body);
	StringInfoData out;

	if (!JB_ROOT_IS_OBJECT(vars))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("vars must be an object"));
	initStringInfo(&out);
	while (p < end)
	{
		const char *close = *p == '{' ? memchr(p, '}', end - p) : NULL;

		if (close && append_variable(&out, vars, p + 1, close - p - 1))
			p = close + 1;
		else
			appendStringInfoChar(&out, *p++);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
