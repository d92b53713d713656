/*
 * lines.c: the lines of a purchase, from JSON.
 *
 *	 [{"product": "latte", "quantity": 2, "amount": 36.00, "category": "coffee", "list_amount": 40.00}, …]
 *
 * Checked in the same pass that reads them: a purchase is on the hot path.
 */
#include "compat.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/tuplestore.h"

#include "errors.h"
#include "util/read.h"

#define LINES_MAX 1000
#define LINE_TEXT_MAX 200

typedef struct Line
{
	text *product;
	text *category;	  /* NULL: none */
	Numeric quantity; /* NULL: one */
	Numeric amount;
	Numeric list_amount; /* NULL: not given */
} Line;

static bool
within(Numeric n, Datum lowest, Datum highest)
{
	return DatumGetBool(DirectFunctionCall2(numeric_ge, NumericGetDatum(n), lowest)) &&
		   DatumGetBool(DirectFunctionCall2(numeric_le, NumericGetDatum(n), highest));
}

static Datum
number(const char *digits)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(digits), ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

/* At least 0, at most 999999999999.99, two decimals. */
static bool
is_money(Numeric n)
{
	return within(n, number("0"), number("999999999999.99")) &&
		   DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(n),
											DirectFunctionCall2(numeric_round, NumericGetDatum(n),
																Int32GetDatum(2))));
}

static JsonbValue *
field(JsonbContainer *object, const char *name, JsonbValue *value)
{
	JsonbValue *v = getKeyJsonValueFromContainer(object, name, strlen(name), value);

	return v && v->type == jbvNull ? NULL : v;
}

/* A text field; false when it is there and no text of 1 to 200 bytes. */
static bool
text_field(JsonbContainer *object, const char *name, text **out)
{
	JsonbValue value;
	JsonbValue *v = field(object, name, &value);

	*out = NULL;
	if (v == NULL)
		return true;
	if (v->type != jbvString || v->val.string.len < 1 || v->val.string.len > LINE_TEXT_MAX)
		return false;
	*out = cstring_to_text_with_len(v->val.string.val, v->val.string.len);
	return true;
}

static bool
number_field(JsonbContainer *object, const char *name, Numeric *out)
{
	JsonbValue value;
	JsonbValue *v = field(object, name, &value);

	*out = NULL;
	if (v == NULL)
		return true;
	if (v->type != jbvNumeric)
		return false;
	*out = v->val.numeric;
	return true;
}

static bool
read_line(JsonbValue *v, Line *line)
{
	JsonbContainer *object;

	if (v->type != jbvBinary || !JsonContainerIsObject(v->val.binary.data))
		return false;
	object = v->val.binary.data;
	return text_field(object, "product", &line->product) && line->product &&
		   text_field(object, "category", &line->category) &&
		   number_field(object, "quantity", &line->quantity) &&
		   number_field(object, "amount", &line->amount) && line->amount &&
		   number_field(object, "list_amount", &line->list_amount) && is_money(line->amount) &&
		   (line->list_amount == NULL || is_money(line->list_amount)) &&
		   (line->quantity == NULL || within(line->quantity, number("0.001"), number("999999999")));
}

static void
put_line(ReturnSetInfo *result, int n, const Line *line)
{
	Datum v[6];
	bool null[6] = {false};

	v[0] = Int16GetDatum(n);
	v[1] = PointerGetDatum(line->product);
	v[2] = PointerGetDatum(line->category);
	null[2] = line->category == NULL;
	v[3] = line->quantity ? NumericGetDatum(line->quantity) : number("1");
	v[4] = NumericGetDatum(line->amount);
	v[5] = NumericGetDatum(line->list_amount);
	null[5] = line->list_amount == NULL;
	tuplestore_putvalues(result->setResult, result->setDesc, v, null);
}

/* Reads the lines; returns what is wrong with them, or NULL.  Puts them into result if there is one. */
static char *
read_lines(Jsonb *lines, Datum paid, ReturnSetInfo *result)
{
	Datum total = number("0");
	int n;

	if (!JB_ROOT_IS_ARRAY(lines) || JB_ROOT_IS_SCALAR(lines))
		return pstrdup("lines must be an array");
	n = JB_ROOT_COUNT(lines);
	if (n < 1 || n > LINES_MAX)
		return psprintf("lines must be 1 to %d", LINES_MAX);
	for (int i = 0; i < n; i++)
	{
		JsonbValue *v = getIthJsonbValueFromContainer(&lines->root, i);
		Line line;

		if (!read_line(v, &line))
			return psprintf("line %d is invalid", i + 1);
		total = DirectFunctionCall2(numeric_add, total, NumericGetDatum(line.amount));
		if (result)
			put_line(result, i + 1, &line);
	}
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, total, paid)))
		return psprintf("the lines add up to %s, the purchase is %s",
						DatumGetCString(DirectFunctionCall1(numeric_out, total)),
						DatumGetCString(DirectFunctionCall1(numeric_out, paid)));
	return NULL;
}

/* purchase_lines(lines, paid): a row for each line */
PG_FUNCTION_INFO_V1(member_purchase_lines);
Datum
member_purchase_lines(PG_FUNCTION_ARGS)
{
	char *wrong;

	InitMaterializedSRF(fcinfo, 0);
	wrong =
		read_lines(PG_GETARG_JSONB_P(0), PG_GETARG_DATUM(1), (ReturnSetInfo *) fcinfo->resultinfo);
	if (wrong)
		ereport(
			ERROR, errcode(ERRCODE_INVALID_LINES), errmsg_internal("%s", wrong),
			errdetail(
				"A line has product (1 to %d bytes) and amount (at least 0, two decimals) and, if it "
				"likes, quantity, category, list_amount; the amounts add up to the purchase.",
				LINE_TEXT_MAX));
	return (Datum) 0;
}

/* purchase_lines_error(lines, paid): what is wrong with the text of lines; NULL: nothing */
PG_FUNCTION_INFO_V1(member_purchase_lines_error);
Datum
member_purchase_lines_error(PG_FUNCTION_ARGS)
{
	text *t = PG_GETARG_TEXT_PP(0);
	char *wrong = "lines are not JSON";

	if (read_is_json(t))
		wrong = read_lines(DatumGetJsonbP(
							   DirectFunctionCall1(jsonb_in, CStringGetDatum(text_to_cstring(t)))),
						   PG_GETARG_DATUM(1), NULL);
	if (wrong == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(wrong));
}
