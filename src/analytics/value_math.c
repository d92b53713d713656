/*
 * value_math.c: what the models say of one member.
 *
 * BG/NBD: P. S. Fader, B. G. S. Hardie, K. L. Lee, "Counting your customers" the easy way: an alternative to
 * the Pareto/NBD model, Marketing Science 24(2), 2005.  Gamma-Gamma: P. S. Fader, B. G. S. Hardie, The
 * Gamma-Gamma model of monetary value, note, 2013.  Equations are numbered as there.
 */
#include "compat.h"

#include <float.h>
#include <math.h>

#include "analytics/value.h"

/* ---- derivatives of log-gamma ---------------------------------------------------- */

/* Recurrence up to 10, then the asymptotic series (Abramowitz and Stegun 6.3.18, 6.4.12). */
#define ASYMPTOTIC 10.0

double
value_digamma(double x)
{
	double sum = 0;
	double y;

	for (; x < ASYMPTOTIC; x++)
		sum -= 1 / x;
	y = 1 / (x * x);
	return sum + log(x) - 0.5 / x -
		   y * (1.0 / 12 -
				y * (1.0 / 120 -
					 y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132 - y * 691.0 / 32760)))));
}

double
value_trigamma(double x)
{
	double sum = 0;
	double y;

	for (; x < ASYMPTOTIC; x++)
		sum += 1 / (x * x);
	y = 1 / (x * x);
	return sum + 1 / x + y / 2 +
		   y / x *
			   (1.0 / 6 -
				y * (1.0 / 30 -
					 y * (1.0 / 42 - y * (1.0 / 30 - y * (5.0 / 66 - y * 691.0 / 2730)))));
}

/* ---- BG/NBD ---------------------------------------------------------------------- */

/* P(alive | x, t_x, t): who bought once can't be gone, since members go after a purchase that is told. */
double
value_p_alive(const ValueModel *m, double x, double t_x, double t)
{
	if (x <= 0)
		return 1;
	return 1 / (1 + m->a / (m->b + x - 1) *
						exp((m->r + x) * (log(m->alpha + t) - log(m->alpha + t_x))));
}

/* That the member buys at least once in the days to come: alive, and not idle all the time. */
double
value_p_purchase(const ValueModel *m, double x, double t_x, double t, double horizon)
{
	return value_p_alive(m, x, t_x, t) * -expm1(-(m->r + x) * log1p(horizon / (m->alpha + t)));
}

/* Purchases of the living given p: they go on at the rate p of a Beta(a, b), h(p) = (1 - (1 + p z)^-s) / p. */
static inline double
purchases_given(double p, double s, double z)
{
	return p > DBL_MIN ? -expm1(-s * log1p(p * z)) / p : s * z;
}

/*
 * The mean of h over Beta(a, b) by a series.  With c = a + b - 1 and w = z / (1 + z) it is
 *
 *	 c / (a - 1) (1 - 2F1(s, a - 1; c; -z)) = c / (a - 1) (1 - (1 + z)^(1 - a) 2F1(c - s, a - 1; c; w))
 *
 * All terms of either series but the first have the factor a - 1, so that it cancels, and nothing is singular
 * at a = 1 or c = 0.  The first is taken where its terms fall from the start, the second where it is fast and
 * keeps its digits; false where neither is.
 */
static bool
mean_by_series(double a, double b, double s, double z, double *mean)
{
	double c = a + b - 1;
	double u = c - s;
	double e = a - 1;
	double w = z / (1 + z);
	double log_z = log1p(z);
	bool alternating = c > 0 && z * (s + 50) / (c + 50) * Max(a, 1) < 0.5;
	double term = alternating ? s * z : u * w;
	double sum = term;

	if (!alternating && (w > 0.98 || u < -4 || a > 30 || fabs(c) > 1e5 * s))
		return false;
	for (int k = 1; k < 5000; k++)
	{
		term *= (e + k) / ((c + k) * (k + 1)) * (alternating ? -(s + k) * z : (u + k) * w);
		sum += term;
		if (fabs(term) <= 1e-14 * fabs(sum))
		{
			double whole = fabs(e * log_z) < 1e-12 ? log_z : -expm1(-e * log_z) / e;

			*mean = alternating ? sum : c * whole - exp(-e * log_z) * sum;
			return true;
		}
	}
	return false;
}

/*
 * The same by quadrature over v, p = 1 / (1 + e^-v).  Where a and b are large the density is a bell, for which
 * equal steps do; else v = pi sinh y, the double exponential rule of H. Takahasi and M. Mori (1974).  Where p
 * goes to 0 that density may be unbounded, but h goes to s z: the mean of s z - h is taken off that.
 */
static double
mean_by_quadrature(double a, double b, double s, double z)
{
	bool bell = a >= 30 && b >= 30;
	double width = sqrt(1 / a + 1 / b);
	int n = bell ? 7 : 6 * 128;
	double scale =
		bell ? a * log(a / (a + b)) + b * log(b / (a + b)) : lgamma(a) + lgamma(b) - lgamma(a + b);
	double sum = 0;
	double mass = 0;

	for (int i = -n; i <= n; i++)
	{
		double y = i / 128.0;
		double v = bell ? log(a / b) + width * i : M_PI * sinh(y);
		double log_p = v < 0 ? v - log1p(exp(v)) : -log1p(exp(-v));
		double log_q = v < 0 ? -log1p(exp(v)) : -v - log1p(exp(-v));
		double density = exp(Max(a * log_p + b * log_q - scale, -700)) * (bell ? 1 : cosh(y));

		sum += density * (s * z - purchases_given(exp(log_p), s, z));
		mass += density;
	}
	return s * z - (bell ? sum / mass : sum * M_PI / 128);
}

/*
 * Purchases expected in the days to come, equation (10): of one who is alive at t the mean of h with s = r + x and
 * z = horizon / (alpha + t) over Beta(a, b + x).
 */
double
value_purchases(const ValueModel *m, double x, double t_x, double t, double horizon)
{
	double s = m->r + x;
	double b = m->b + x;
	double z = horizon / (m->alpha + t);
	double mean;

	if (horizon <= 0)
		return 0;
	if (!mean_by_series(m->a, b, s, z, &mean))
		mean = mean_by_quadrature(m->a, b, s, z);
	return value_p_alive(m, x, t_x, t) * Max(mean, 0);
}

/*
 * Purchases expected, each worth less the later it comes: the integral of e^-dt over the purchases, which is
 * e^-dH E(H) + d times the integral of e^-dt E(t), with five points of Gauss and Legendre.  The discount is
 * a yearly rate.
 */
double
value_discounted(const ValueModel *m, double x, double t_x, double t, double horizon,
				 double discount)
{
	static const double node[] = {-0.9061798459386640, -0.5384693101056831, 0, 0.5384693101056831,
								  0.9061798459386640};
	static const double weight[] = {0.2369268850561891, 0.4786286704993665, 0.5688888888888889,
									0.4786286704993665, 0.2369268850561891};
	double d = log1p(discount) / 365;
	double sum = 0;

	if (d == 0)
		return value_purchases(m, x, t_x, t, horizon);
	for (int i = 0; i < lengthof(node); i++)
	{
		double at = horizon / 2 * (1 + node[i]);

		sum += weight[i] * exp(-d * at) * value_purchases(m, x, t_x, t, at);
	}
	return exp(-d * horizon) * value_purchases(m, x, t_x, t, horizon) + d * horizon / 2 * sum;
}

/* ---- Gamma-Gamma ----------------------------------------------------------------- */

/*
 * Mean spend of a purchase day, equation (5), of one who spent an amount on x of them; NaN when there is no
 * model of spend, or no finite mean by it.
 */
double
value_spend(const ValueModel *m, double x, double amount)
{
	double n = m->p * x + m->q - 1;

	return m->p > 0 && n > 0 ? m->p * (m->gamma + Max(amount, 0)) / n : (double) NAN;
}
