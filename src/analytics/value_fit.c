/*
 * value_fit.c: the parameters under which the histories of all members are likeliest.
 *
 * Both likelihoods have closed first and second derivatives, so Newton's method finds the maximum, damped
 * as by Levenberg and Marquardt, in the logarithms of the parameters, which keeps them positive, with time
 * and money scaled to means of one.  The inverse of the second derivatives gives the standard errors.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "analytics/value.h"

#define MAX_N VALUE_BG_PARAMETERS
#define MAX_STEPS 200
#define FARTHEST 18.0 /* log of a scaled parameter; beyond, the maximum is at infinity */
#define LONGEST 2.0	  /* log of a parameter in one step */
#define CLOSE 1e-9	  /* log-likelihood that is still to be gained by a step */
#define FLAT 1e-4	  /* … by a parameter e times as large: the maximum may lie at infinity */

typedef double (*Likelihood)(const ValueList *list, double scale, const double *theta,
							 double *gradient, double *hessian);

/* How a maximization went.  In the logarithms of the parameters. */
typedef struct Fit
{
	int n;
	double theta[MAX_N]; /* in natural units, scaled */
	double error[MAX_N]; /* of the logarithm */
	double likelihood;
	double gradient; /* length of it */
	int iterations;
	bool converged;
} Fit;

/* ---- the likelihoods ------------------------------------------------------------- */

#define SHORT 64

/* What equal x share, of log-gamma and its derivatives at z + x less those at z. */
typedef struct GammaStep
{
	double value;
	double first;
	double second;
} GammaStep;

static inline GammaStep
gamma_step(double z, double x)
{
	if (x <= SHORT && x == rint(x)) /* of large z the difference would be nothing but rounding */
	{
		GammaStep sum = {0};

		for (double i = 0; i < x; i++)
		{
			double over = 1 / (z + i);

			sum.value += log(z + i);
			sum.first += over;
			sum.second -= over * over;
		}
		return sum;
	}
	return (GammaStep){lgamma(z + x) - lgamma(z), value_digamma(z + x) - value_digamma(z),
					   value_trigamma(z + x) - value_trigamma(z)};
}

static double
length_of(int n, const double *v)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += v[i] * v[i];
	return sqrt(sum);
}

static inline void
add_pair(double *hessian, int n, int i, int j, double v)
{
	hessian[i * n + j] += v;
	if (i != j)
		hessian[j * n + i] += v;
}

/*
 * BG/NBD, equation (6), as in the note of the authors on implementing it in a spreadsheet: of a member
 * with x, t_x, t
 *
 *	 log L = A1 + A2 + log(exp A3 + [x > 0] exp A4)
 *	 A1 = log gamma(r + x) - log gamma(r) + r log alpha
 *	 A2 = log gamma(a + b) + log gamma(b + x) - log gamma(b) - log gamma(a + b + x)
 *	 A3 = -(r + x) log(alpha + t)
 *	 A4 = log a - log(b + x - 1) - (r + x) log(alpha + t_x)
 *
 * A1 and A2 change with x only, and the logarithms of times stand in a table: a history takes one
 * exponential and one logarithm.
 */
double
value_times_likelihood(const ValueList *times, double scale, const double *theta, double *gradient,
					   double *hessian)
{
	double r = theta[0], alpha = theta[1], a = theta[2], b = theta[3];
	double middle = ((1 << times->grain) - 1) / 2.0;
	double likelihood = 0;
	int32 latest = 0;
	double *log_at;
	GammaStep rx = {0}, bx = {0}, abx = {0};
	int32 x = -1;

	memset(gradient, 0, sizeof(double) * 4);
	memset(hessian, 0, sizeof(double) * 16);
	for (int i = 0; i < times->n; i++)
		latest = Max(latest, value_t(times->entry[i].rest) >> times->grain);
	log_at = palloc(sizeof(double) * (latest + 1));
	for (int i = 0; i <= latest; i++)
		log_at[i] = log(alpha + (((double) i * (1 << times->grain)) + middle) * scale);
	for (int i = 0; i < times->n; i++)
	{
		const ValueEntry *e = &times->entry[i];
		int32 at_x = value_t_x(e->rest) >> times->grain;
		int32 at = value_t(e->rest) >> times->grain;
		double m = e->members;
		double s = r + e->x;
		double over = 1 / (alpha + (((double) at * (1 << times->grain)) + middle) * scale);
		double over_x = 0, gone = 0, from_b = 0; /* gone: the share of exp A4 */
		double d[4];
		double level;

		if (e->x != x)
		{
			x = e->x;
			rx = gamma_step(r, x);
			bx = gamma_step(b, x);
			abx = gamma_step(a + b, x);
			CHECK_FOR_INTERRUPTS();
		}
		level = rx.value + r * log(alpha) + bx.value - abx.value - s * log_at[at];
		if (x > 0)
		{
			/* log of the odds of having gone after the last purchase */
			double odds = log(a) - log(b + x - 1) + s * (log_at[at] - log_at[at_x]);

			over_x = 1 / (alpha + (((double) at_x * (1 << times->grain)) + middle) * scale);
			from_b = 1 / (b + x - 1);
			gone = 1 / (1 + exp(-odds));
			level += odds > 0 ? odds + log1p(exp(-odds)) : log1p(exp(odds));
		}
		likelihood += m * level;

		/* d: of A4 less of A3 */
		d[0] = x > 0 ? log_at[at] - log_at[at_x] : 0;
		d[1] = s * (over - over_x);
		d[2] = 1 / a;
		d[3] = -from_b;
		gradient[0] += m * (rx.first + log(alpha) - log_at[at] + gone * d[0]);
		gradient[1] += m * (r / alpha - s * over + gone * d[1]);
		gradient[2] += m * (-abx.first + gone * d[2]);
		gradient[3] += m * (bx.first - abx.first + gone * d[3]);

		add_pair(hessian, 4, 0, 0, m * rx.second);
		add_pair(hessian, 4, 0, 1, m * (1 / alpha - over + gone * (over - over_x)));
		add_pair(hessian, 4, 1, 1,
				 m * (-r / (alpha * alpha) + s * over * over +
					  gone * s * (over_x * over_x - over * over)));
		add_pair(hessian, 4, 2, 2, m * (-abx.second - gone / (a * a)));
		add_pair(hessian, 4, 2, 3, -m * abx.second);
		add_pair(hessian, 4, 3, 3, m * (bx.second - abx.second + gone * from_b * from_b));
		if (x > 0)
			for (int j = 0; j < 4; j++)
				for (int k = j; k < 4; k++)
					add_pair(hessian, 4, j, k, m * gone * (1 - gone) * d[j] * d[k]);
	}
	pfree(log_at);
	return likelihood;
}

/*
 * Gamma-Gamma, equation (1a): of a member whose mean spend on x purchase days is z
 *
 *	 log L = log gamma(p x + q) - log gamma(p x) - log gamma(q) + q log gamma + (p x - 1) log z + p x log x
 *			 - (p x + q) log(gamma + x z)
 */
double
value_money_likelihood(const ValueList *money, double scale, const double *theta, double *gradient,
					   double *hessian)
{
	double p = theta[0], q = theta[1], g = theta[2];
	double likelihood = 0;
	double lq = lgamma(q), dq = value_digamma(q), tq = value_trigamma(q);
	GammaStep step = {0}; /* from p x to p x + q */
	double ds = 0, ts = 0;
	int32 x = -1;

	memset(gradient, 0, sizeof(double) * 3);
	memset(hessian, 0, sizeof(double) * 9);
	for (int i = 0; i < money->n; i++)
	{
		const ValueEntry *e = &money->entry[i];
		double m = e->members;
		double sum = value_middle(e->rest, money->grain) * scale;
		double over = 1 / (g + sum);
		double log_sum = log(sum), log_all = log(g + sum);
		double s = p * e->x + q;

		if (e->x != x)
		{
			x = e->x;
			step = gamma_step(p * x, q);
			ds = value_digamma(s);
			ts = value_trigamma(s);
			CHECK_FOR_INTERRUPTS();
		}
		/* (p x - 1) log z + p x log x = p x log(x z) - log(x z) + log x */
		likelihood +=
			m * (step.value - lq + q * log(g) + (p * x - 1) * log_sum + log(x) - s * log_all);
		gradient[0] += m * x * (step.first + log_sum - log_all);
		gradient[1] += m * (ds - dq + log(g) - log_all);
		gradient[2] += m * (q / g - s * over);
		add_pair(hessian, 3, 0, 0, m * x * x * step.second);
		add_pair(hessian, 3, 0, 1, m * x * ts);
		add_pair(hessian, 3, 0, 2, -m * x * over);
		add_pair(hessian, 3, 1, 1, m * (ts - tq));
		add_pair(hessian, 3, 1, 2, m * (1 / g - over));
		add_pair(hessian, 3, 2, 2, m * (-q / (g * g) + s * over * over));
	}
	return likelihood;
}

/* ---- the maximum ----------------------------------------------------------------- */

/* Solves m v = v, m symmetric, by Cholesky; false when m is not positive definite. m is overwritten. */
static bool
solve(int n, double *m, double *v)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++)
		{
			double sum = m[i * n + j];

			for (int k = 0; k < j; k++)
				sum -= m[i * n + k] * m[j * n + k];
			if (i == j && !(sum > 1e-14 * fabs(m[i * n + i])))
				return false;
			m[i * n + j] = i == j ? sqrt(sum) : sum / m[j * n + j];
		}
	for (int i = 0; i < n; i++)
	{
		for (int k = 0; k < i; k++)
			v[i] -= m[i * n + k] * v[k];
		v[i] /= m[i * n + i];
	}
	for (int i = n - 1; i >= 0; i--)
	{
		for (int k = i + 1; k < n; k++)
			v[i] -= m[k * n + i] * v[k];
		v[i] /= m[i * n + i];
	}
	return true;
}

/* The likelihood with its derivatives by the logarithms u of the parameters. */
static double
evaluate(Likelihood f, const ValueList *list, double scale, int n, const double *u,
		 double *gradient, double *hessian)
{
	double theta[MAX_N] = {0};
	double likelihood;

	for (int i = 0; i < n; i++)
		theta[i] = exp(u[i]);
	likelihood = f(list, scale, theta, gradient, hessian);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			hessian[i * n + j] *= theta[i] * theta[j];
	for (int i = 0; i < n; i++)
	{
		gradient[i] *= theta[i];
		hessian[i * n + i] += gradient[i];
	}
	return likelihood;
}

/* The step to the maximum of the quadratic that is damped by so much; false when it has none. */
static bool
newton_step(int n, const double *gradient, const double *hessian, double damping, double *step)
{
	double m[MAX_N * MAX_N];

	for (int i = 0; i < n * n; i++)
		m[i] = -hessian[i];
	for (int i = 0; i < n; i++)
		m[i * n + i] += damping * (fabs(m[i * n + i]) + 1e-6);
	memcpy(step, gradient, sizeof(double) * n);
	return solve(n, m, step);
}

/* From one start. */
static void
climb(Likelihood f, const ValueList *list, double scale, const double *start, Fit *fit)
{
	int n = fit->n;
	double u[MAX_N], gradient[MAX_N], hessian[MAX_N * MAX_N];
	double damping = 0;
	double likelihood;

	fit->converged = false;
	for (int i = 0; i < n; i++)
		u[i] = log(start[i]);
	likelihood = evaluate(f, list, scale, n, u, gradient, hessian);
	for (fit->iterations = 0; fit->iterations < MAX_STEPS && damping < 1e12; fit->iterations++)
	{
		double step[MAX_N], next[MAX_N], next_gradient[MAX_N], next_hessian[MAX_N * MAX_N];
		double next_likelihood;
		double gain = 0;
		bool inside = true;

		if (length_of(n, gradient) < FLAT)
		{
			fit->converged = true;
			break;
		}
		if (!newton_step(n, gradient, hessian, damping, step))
		{
			damping = Max(damping * 10, 1e-3);
			continue;
		}
		for (int i = 0; i < n; i++)
		{
			gain += step[i] * gradient[i] / 2;
			step[i] = Max(Min(step[i], LONGEST), -LONGEST);
			next[i] = u[i] + step[i];
			inside = inside && fabs(next[i]) < FARTHEST;
		}
		if (gain < CLOSE && damping == 0)
		{
			fit->converged = true;
			break;
		}
		if (!inside)
			break;
		next_likelihood = evaluate(f, list, scale, n, next, next_gradient, next_hessian);
		if (!(next_likelihood >= likelihood - 1e-12 * fabs(likelihood)))
		{
			damping = Max(damping * 10, 1e-3);
			continue;
		}
		damping = damping < 1e-4 ? 0 : damping / 10;
		likelihood = next_likelihood;
		memcpy(u, next, sizeof(u));
		memcpy(gradient, next_gradient, sizeof(gradient));
		memcpy(hessian, next_hessian, sizeof(hessian));
	}
	fit->likelihood = likelihood;
	fit->gradient = length_of(n, gradient);
	for (int i = 0; i < n; i++)
	{
		double unit[MAX_N] = {0};

		unit[i] = 1;
		fit->theta[i] = exp(u[i]);
		fit->error[i] = newton_step(n, unit, hessian, 0, unit) ? sqrt(unit[i]) : (double) NAN;
	}
}

/* From the starts until one converges, else the likeliest of them. */
static void
maximize(Likelihood f, const ValueList *list, double scale, int n, int starts,
		 const double start[][MAX_N], Fit *fit)
{
	fit->likelihood = -INFINITY;
	for (int i = 0; i < starts && !(i > 0 && fit->converged); i++)
	{
		Fit attempt = {.n = n};

		climb(f, list, scale, start[i], &attempt);
		if (attempt.converged || i == 0 || attempt.likelihood > fit->likelihood)
			*fit = attempt;
	}
}

static void
fit_times(const ValueList *times, Fit *fit)
{
	static const double start[][MAX_N] = {{0.5, 0.5, 1, 2},
										  {2, 2, 0.5, 5},
										  {0.2, 0.05, 2, 1},
										  {5, 5, 0.1, 1}};
	double days = 0;
	double repeats = 0;
	double members = 0;
	double scale;

	for (int i = 0; i < times->n; i++)
	{
		members += times->entry[i].members;
		days += (double) times->entry[i].members * value_t(times->entry[i].rest);
		repeats += (double) times->entry[i].members * times->entry[i].x;
	}
	scale = days > 0 ? members / days : 1;
	maximize(value_times_likelihood, times, scale, 4, lengthof(start), start, fit);
	fit->theta[1] /= scale;
	fit->likelihood += repeats * log(scale);
	fit->converged = fit->converged && repeats > 0; /* else it is that nobody ever buys again */
}

static void
fit_money(const ValueList *money, Fit *fit)
{
	static const double start[][MAX_N] = {{4, 4, 1}, {1, 2, 1}, {20, 10, 0.5}, {1, 10, 10}};
	double days = 0;
	double amount = 0;
	double members = 0;
	double scale;

	for (int i = 0; i < money->n; i++)
	{
		members += money->entry[i].members;
		days += (double) money->entry[i].members * money->entry[i].x;
		amount += money->entry[i].members * value_middle(money->entry[i].rest, money->grain);
	}
	scale = days / amount;
	maximize(value_money_likelihood, money, scale, 3, lengthof(start), start, fit);
	fit->theta[2] /= scale;
	fit->likelihood += members * log(scale);
}

/* ---- SQL functions --------------------------------------------------------------- */

static Datum
float8_array(const double *v, int n)
{
	Datum d[2 + VALUE_PARAMETERS];

	for (int i = 0; i < n; i++)
		d[i] = Float8GetDatum(v[i]);
	return PointerGetDatum(
		construct_array(d, n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* value_fit(stats): see the order of the columns in its declaration */
PG_FUNCTION_INFO_V1(value_fit);
Datum
value_fit(PG_FUNCTION_ARGS)
{
	ValueList list[VALUE_SORTS];
	ValueList *times = &list[VALUE_TIMES];
	ValueList *money = &list[VALUE_MONEY];
	ValueModel *model = palloc0(sizeof(ValueModel));
	Fit t = {0}, g = {0};
	int64 members = 0, buyers = 0, repeats = 0, spenders = 0;
	double error[VALUE_PARAMETERS];
	TupleDesc desc;
	Datum values[14];
	bool nulls[14] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "value_fit must return a row");
	value_stats_open(PG_GETARG_VARLENA_PP(0), list);
	for (int i = 0; i < times->n; i++)
	{
		members += times->entry[i].members;
		buyers += times->entry[i].x > 0 ? times->entry[i].members : 0;
		repeats += (int64) times->entry[i].members * times->entry[i].x;
	}
	for (int i = 0; i < money->n; i++)
		spenders += money->entry[i].members;
	if (members == 0)
		PG_RETURN_NULL();
	fit_times(times, &t);
	if (spenders > 0)
		fit_money(money, &g);
	memcpy(&model->r, t.theta, sizeof(double) * 4);
	if (g.converged)
		memcpy(&model->p, g.theta, sizeof(double) * 3);
	for (int i = 0; i < VALUE_PARAMETERS; i++)
		error[i] = i < 4		 ? t.error[i] * t.theta[i]
				   : g.converged ? g.error[i - 4] * g.theta[i - 4]
								 : (double) NAN;

	values[0] = PointerGetDatum(model);
	values[1] = float8_array(error, VALUE_PARAMETERS);
	values[2] = Int64GetDatum(members);
	values[3] = Int64GetDatum(buyers);
	values[4] = Int64GetDatum(repeats);
	values[5] = Float8GetDatum(t.likelihood);
	values[6] = Int32GetDatum(t.iterations);
	values[7] = Float8GetDatum(t.gradient);
	values[8] = BoolGetDatum(t.converged);
	values[9] = Float8GetDatum(g.likelihood);
	values[10] = Int32GetDatum(g.iterations);
	values[11] = Float8GetDatum(g.gradient);
	values[12] = BoolGetDatum(g.converged);
	nulls[9] = nulls[10] = nulls[11] = spenders == 0;
	values[13] = Int32GetDatum(1 << times->grain);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* value_likelihood(stats, model): both log-likelihoods, then their derivatives by the seven parameters */
PG_FUNCTION_INFO_V1(value_likelihood);
Datum
value_likelihood(PG_FUNCTION_ARGS)
{
	ValueModel *m = (ValueModel *) PG_GETARG_POINTER(1);
	ValueList list[VALUE_SORTS];
	double v[2 + VALUE_PARAMETERS] = {0};
	double hessian[MAX_N * MAX_N];

	value_stats_open(PG_GETARG_VARLENA_PP(0), list);
	v[0] = value_times_likelihood(&list[VALUE_TIMES], 1, &m->r, v + 2, hessian);
	if (m->p > 0)
		v[1] = value_money_likelihood(&list[VALUE_MONEY], 1, &m->p, v + 6, hessian);
	return float8_array(v, lengthof(v));
}
