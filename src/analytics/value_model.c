/*
 * value_model.c: the type value_model, the parameters of a fit, and what they say of a member.
 *
 * Text: bg(r,alpha,a,b) gg(p,q,gamma), the second part absent when spend has no model.
 */
#include "compat.h"

#include <math.h>

#include "common/hashfn.h"
#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "nodes/nodes.h"
#include "utils/date.h"

#include "analytics/value.h"
#include "errors.h"
#include "util/scan.h"

static const char *const names[VALUE_PARAMETERS] = {"r", "alpha", "a", "b", "p", "q", "gamma"};

/* The one validator of text and binary input; false after a soft error. */
static bool
model_check(const ValueModel *m, bool spend, Node *soft)
{
	const double *v = &m->r;

	for (int i = 0; i < (spend ? VALUE_PARAMETERS : VALUE_BG_PARAMETERS); i++)
		if (!(v[i] > 0 && isfinite(v[i])))
			ereturn(soft, false, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("parameter %s of value_model is out of range: %g", names[i], v[i]),
					errdetail("Parameters are greater than 0 and finite."));
	return true;
}

static bool
read_part(Scanner *s, const char *word, double *v, int n)
{
	if (!scan_is_word(s, word))
		return scan_fail(s, psprintf("\"%s\"", word));
	for (int i = 0; i < n; i++)
		if (!scan_expect(s, i == 0 ? '(' : ',') || !scan_float(s, &v[i]))
			return false;
	return scan_expect(s, ')');
}

PG_FUNCTION_INFO_V1(value_model_in);
Datum
value_model_in(PG_FUNCTION_ARGS)
{
	Scanner s;
	ValueModel *m = palloc0(sizeof(ValueModel));
	bool spend;

	scan_begin(&s, "value_model", PG_GETARG_CSTRING(0), soft_context(fcinfo));
	if (!read_part(&s, "bg", &m->r, VALUE_BG_PARAMETERS))
		PG_RETURN_NULL();
	scan_space(&s);
	spend = *s.p != '\0';
	if (spend && !read_part(&s, "gg", &m->p, VALUE_PARAMETERS - VALUE_BG_PARAMETERS))
		PG_RETURN_NULL();
	if (!scan_end(&s) || !model_check(m, spend, s.soft))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(m);
}

PG_FUNCTION_INFO_V1(value_model_out);
Datum
value_model_out(PG_FUNCTION_ARGS)
{
	const ValueModel *m = (ValueModel *) PG_GETARG_POINTER(0);
	const double *v = &m->r;
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < (m->p > 0 ? VALUE_PARAMETERS : VALUE_BG_PARAMETERS); i++)
	{
		char number[DOUBLE_SHORTEST_DECIMAL_LEN];

		double_to_shortest_decimal_buf(v[i], number);
		appendStringInfo(&out, "%s%s",
						 i == 0						? "bg("
						 : i == VALUE_BG_PARAMETERS ? ") gg("
													: ",",
						 number);
	}
	appendStringInfoChar(&out, ')');
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(value_model_recv);
Datum
value_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	ValueModel *m = palloc0(sizeof(ValueModel));

	for (int i = 0; i < VALUE_PARAMETERS; i++)
		(&m->r)[i] = pq_getmsgfloat8(in);
	model_check(m, m->p != 0 || m->q != 0 || m->gamma != 0, NULL);
	if (m->p == 0) /* whatever the sign of nothing */
		m->p = m->q = m->gamma = 0;
	PG_RETURN_POINTER(m);
}

PG_FUNCTION_INFO_V1(value_model_send);
Datum
value_model_send(PG_FUNCTION_ARGS)
{
	const ValueModel *m = (ValueModel *) PG_GETARG_POINTER(0);
	StringInfoData out;

	pq_begintypsend(&out);
	for (int i = 0; i < VALUE_PARAMETERS; i++)
		pq_sendfloat8(&out, (&m->r)[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Parameters are positive, so that equal numbers have equal bytes. */
PG_FUNCTION_INFO_V1(value_model_eq);
Datum
value_model_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(memcmp(PG_GETARG_POINTER(0), PG_GETARG_POINTER(1), sizeof(ValueModel)) == 0);
}

PG_FUNCTION_INFO_V1(value_model_ne);
Datum
value_model_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(memcmp(PG_GETARG_POINTER(0), PG_GETARG_POINTER(1), sizeof(ValueModel)) != 0);
}

PG_FUNCTION_INFO_V1(value_model_hash);
Datum
value_model_hash(PG_FUNCTION_ARGS)
{
	return hash_any((unsigned char *) PG_GETARG_POINTER(0), sizeof(ValueModel));
}

PG_FUNCTION_INFO_V1(value_model_hash_extended);
Datum
value_model_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_any_extended((unsigned char *) PG_GETARG_POINTER(0), sizeof(ValueModel),
							 PG_GETARG_INT64(1));
}

/* value_parameter(model, name) */
PG_FUNCTION_INFO_V1(value_parameter);
Datum
value_parameter(PG_FUNCTION_ARGS)
{
	const ValueModel *m = (ValueModel *) PG_GETARG_POINTER(0);
	const text *name = PG_GETARG_TEXT_PP(1);

	for (int i = 0; i < VALUE_PARAMETERS; i++)
		if (VARSIZE_ANY_EXHDR(name) == strlen(names[i]) &&
			memcmp(VARDATA_ANY(name), names[i], strlen(names[i])) == 0)
		{
			if ((&m->r)[i] == 0)
				PG_RETURN_NULL();
			PG_RETURN_FLOAT8((&m->r)[i]);
		}
	ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
			errmsg("value_model has no parameter \"%.*s\"", (int) VARSIZE_ANY_EXHDR(name),
				   VARDATA_ANY(name)),
			errdetail("It has r, alpha, a, b, p, q and gamma."));
}

/* ---- what they say of a member --------------------------------------------------- */

/*
 * Each is there twice: of the numbers x, t_x, t (and the amount, where spend matters) from argument 1 on,
 * and of activity, stream and day.  Reads them, and leaves in *next the argument after them; false for a
 * member who did not buy.
 */
static bool
read_history(FunctionCallInfo fcinfo, bool by_activity, bool money, ValueHistory *h, int *next)
{
	*next = by_activity || !money ? 4 : 5;
	if (by_activity)
		return value_history(PG_GETARG_VARLENA_PP(1), PG_GETARG_INT16(2), PG_GETARG_DATEADT(3), h);
	h->x = PG_GETARG_INT32(1);
	h->t_x = PG_GETARG_INT32(2);
	h->t = PG_GETARG_INT32(3);
	h->amount = money ? PG_GETARG_INT64(4) : 0;
	if (h->x < 0 || h->t_x < 0 || h->t_x > h->t || (h->x == 0 && h->t_x > 0))
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("impossible purchase history: x %d, t_x %d, t %d", h->x, h->t_x, h->t),
				errdetail("0 <= t_x <= t and 0 <= x: days with a purchase after the first, days to "
						  "the last of them, days since the first; t_x is 0 when x is."));
	return true;
}

static int32
read_horizon(FunctionCallInfo fcinfo, int argument)
{
	int32 days = PG_GETARG_INT32(argument);

	if (days < 0 || days > 100000)
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION), errmsg("invalid horizon of %d days", days),
				errdetail("It has 0 to 100000 days."));
	return days;
}

static Datum
p_alive(FunctionCallInfo fcinfo, bool by_activity)
{
	ValueHistory h;
	int next;

	if (!read_history(fcinfo, by_activity, false, &h, &next))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value_p_alive((ValueModel *) PG_GETARG_POINTER(0), h.x, h.t_x, h.t));
}

static Datum
p_purchase(FunctionCallInfo fcinfo, bool by_activity)
{
	ValueHistory h;
	int next;

	if (!read_history(fcinfo, by_activity, false, &h, &next))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value_p_purchase((ValueModel *) PG_GETARG_POINTER(0), h.x, h.t_x, h.t,
									  read_horizon(fcinfo, next)));
}

static Datum
expected_purchases(FunctionCallInfo fcinfo, bool by_activity)
{
	ValueHistory h;
	int next;

	if (!read_history(fcinfo, by_activity, false, &h, &next))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value_purchases((ValueModel *) PG_GETARG_POINTER(0), h.x, h.t_x, h.t,
									 read_horizon(fcinfo, next)));
}

static Datum
expected_spend(FunctionCallInfo fcinfo, bool by_activity)
{
	ValueHistory h;
	int next;
	double spend;

	if (!read_history(fcinfo, by_activity, true, &h, &next))
		PG_RETURN_NULL();
	spend = value_spend((ValueModel *) PG_GETARG_POINTER(0), h.x, h.amount);
	if (isnan(spend))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(spend);
}

/* clv(..., horizon, discount, margin) */
static Datum
clv(FunctionCallInfo fcinfo, bool by_activity)
{
	const ValueModel *m = (ValueModel *) PG_GETARG_POINTER(0);
	ValueHistory h;
	int next;
	int32 horizon;
	double discount;
	double margin;
	double spend;

	if (!read_history(fcinfo, by_activity, true, &h, &next))
		PG_RETURN_NULL();
	horizon = read_horizon(fcinfo, next);
	discount = PG_GETARG_FLOAT8(next + 1);
	margin = PG_GETARG_FLOAT8(next + 2);
	if (!(discount >= 0 && discount <= 10) || !(margin >= 0 && margin <= 1))
		ereport(ERROR, errcode(ERRCODE_INVALID_OPTION),
				errmsg("invalid discount %g or margin %g", discount, margin),
				errdetail(
					"The discount is a yearly rate from 0 to 10, the margin a share from 0 to 1."));
	spend = value_spend(m, h.x, h.amount);
	if (isnan(spend))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(margin * spend * value_discounted(m, h.x, h.t_x, h.t, horizon, discount));
}

#define BOTH(function) \
	PG_FUNCTION_INFO_V1(value_##function##_numbers); \
	Datum value_##function##_numbers(PG_FUNCTION_ARGS) \
	{ \
		return function(fcinfo, false); \
	} \
	PG_FUNCTION_INFO_V1(value_##function##_activity); \
	Datum value_##function##_activity(PG_FUNCTION_ARGS) \
	{ \
		return function(fcinfo, true); \
	}

BOTH(p_alive)
BOTH(p_purchase)
BOTH(expected_purchases)
BOTH(expected_spend)
BOTH(clv)
