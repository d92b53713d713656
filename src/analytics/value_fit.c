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
#define FLAT 1e-4	  /* … by a parameter e times as large */
#define FLAT_FAR 0.1  /* the same where the maximum lies at infinity */

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

/* Above the diagonal only; mirrored at the end. */
static void
mirror(int n, double *hessian)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			hessian[i * n + j] = hessian[j * n + i];
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
 * A1 and A2 are the same for all members of equal x, and what A3 and A4 have of times stands in a table: a
 * history takes one exponential and one logarithm.  Sums go above the diagonal of the second derivatives.
 */
typedef struct BgNbd
{
	double r, alpha, a, b;
	double likelihood;
	double *gradient;
	double *hessian;
} BgNbd;

/* Of a time: log(alpha + time), and 1 / (alpha + time). */
typedef struct AtTime
{
	double log;
	double over;
} AtTime;

static AtTime *
times_table(const ValueList *times, double alpha, double scale)
{
	double step = (double) (1 << times->grain);
	int32 latest = 0;
	AtTime *at;

	for (int i = 0; i < times->n; i++)
		latest = Max(latest, value_t(times->entry[i].rest) >> times->grain);
	at = palloc_extended(sizeof(AtTime) * (latest + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i <= latest; i++)
	{
		/* the middle of the times that were rounded to one */
		double sum = alpha + (i * step + (step - 1) / 2) * scale;

		at[i] = (AtTime){log(sum), 1 / sum};
	}
	return at;
}

/* A1 and A2 of so many members with an x. */
static void
add_count(BgNbd *f, double x, double members)
{
	GammaStep r = gamma_step(f->r, x);
	GammaStep b = gamma_step(f->b, x);
	GammaStep ab = gamma_step(f->a + f->b, x);

	f->likelihood += members * (r.value + f->r * log(f->alpha) + b.value - ab.value);
	f->gradient[0] += members * (r.first + log(f->alpha));
	f->gradient[1] += members * f->r / f->alpha;
	f->gradient[2] -= members * ab.first;
	f->gradient[3] += members * (b.first - ab.first);
	f->hessian[0] += members * r.second;
	f->hessian[1] += members / f->alpha;
	f->hessian[5] -= members * f->r / (f->alpha * f->alpha);
	f->hessian[10] -= members * ab.second;
	f->hessian[11] -= members * ab.second;
	f->hessian[15] += members * (b.second - ab.second);
}

/* log(exp A3 + exp A4) of so many members with an x > 0; log_odds is log a - log(b + x - 1). */
static inline void
add_times(BgNbd *f, double x, AtTime last, AtTime now, double log_odds, double members)
{
	double s = f->r + x;
	double odds = log_odds + s * (now.log - last.log); /* of having gone after the last purchase */
	double q = exp(-fabs(odds));
	double gone = (odds > 0 ? 1 : q) / (1 + q);
	double over_b = 1 / (f->b + x - 1);
	/* derivatives of A4 less those of A3 */
	double d[4] = {now.log - last.log, s * (now.over - last.over), 1 / f->a, -over_b};
	double sure = members * gone;
	double doubt = sure * (1 - gone);

	f->likelihood += members * (Max(odds, 0) + log1p(q) - s * now.log);
	f->gradient[0] += sure * d[0] - members * now.log;
	f->gradient[1] += sure * d[1] - members * s * now.over;
	f->gradient[2] += sure * d[2];
	f->gradient[3] += sure * d[3];
	f->hessian[1] += sure * (now.over - last.over) - members * now.over;
	f->hessian[5] +=
		s * (sure * (last.over * last.over - now.over * now.over) + members * now.over * now.over);
	f->hessian[10] -= sure * d[2] * d[2];
	f->hessian[15] += sure * d[3] * d[3];
	for (int i = 0; i < 4; i++)
		for (int j = i; j < 4; j++)
			f->hessian[4 * i + j] += doubt * d[i] * d[j];
}

double
value_times_likelihood(const ValueList *times, double scale, const double *theta, double *gradient,
					   double *hessian)
{
	BgNbd f = {theta[0], theta[1], theta[2], theta[3], 0, gradient, hessian};
	AtTime *at = times_table(times, f.alpha, scale);

	memset(gradient, 0, sizeof(double) * 4);
	memset(hessian, 0, sizeof(double) * 16);
	for (int i = 0; i < times->n;)
	{
		int32 x = times->entry[i].x;
		double log_odds = x > 0 ? log(f.a) - log(f.b + x - 1) : 0;
		double members = 0;

		CHECK_FOR_INTERRUPTS();
		for (; i < times->n && times->entry[i].x == x; i++)
		{
			const ValueEntry *e = &times->entry[i];
			AtTime now = at[value_t(e->rest) >> times->grain];

			members += e->members;
			if (x > 0)
				add_times(&f, x, at[value_t_x(e->rest) >> times->grain], now, log_odds, e->members);
			else
			{
				f.likelihood -= e->members * f.r * now.log;
				gradient[0] -= e->members * now.log;
				gradient[1] -= e->members * f.r * now.over;
				hessian[1] -= e->members * now.over;
				hessian[5] += e->members * f.r * now.over * now.over;
			}
		}
		add_count(&f, x, members);
	}
	pfree(at);
	mirror(4, hessian);
	return f.likelihood;
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
		hessian[0] += m * x * x * step.second;
		hessian[1] += m * x * ts;
		hessian[2] += -m * x * over;
		hessian[4] += m * (ts - tq);
		hessian[5] += m * (1 / g - over);
		hessian[8] += m * (-q / (g * g) + s * over * over);
	}
	mirror(3, hessian);
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
		{
			fit->converged = length_of(n, gradient) < FLAT_FAR;
			break;
		}
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
