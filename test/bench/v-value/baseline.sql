-- The log-likelihood of BG/NBD once, at one set of parameters, as an expression of each member: what an optimizer outside
-- the database, or in a loop of SQL, asks for at every step, and several times where it has no derivatives.
SELECT sum(bench.log_gamma(0.3 + x) - bench.log_gamma(0.3) + 0.3 * ln(40.0::float8)
           + bench.log_gamma(0.8 + 2.4) + bench.log_gamma(2.4 + x) - bench.log_gamma(2.4) - bench.log_gamma(0.8 + 2.4 + x)
           - (0.3 + x) * ln(40.0::float8 + t)
           + CASE WHEN x > 0 THEN ln(1 + exp(ln(0.8::float8) - ln(1.4::float8 + x) + (0.3 + x) * (ln(40.0::float8 + t) - ln(40.0::float8 + t_x)))) ELSE 0 END)
FROM bench.history;
