-- The value models against plain SQL, numeric differentiation, quadrature and simulation. Every number under "differences" is 0, every boolean true.
SET search_path = member, public;
SET work_mem = '64MB';

CREATE FUNCTION pg_temp.u(i bigint, seed bigint) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashtextextended(i::text, seed) & 9007199254740991 | 1) / 9007199254740992.0::double precision $$;
-- log-gamma by Stirling's series above 20
CREATE FUNCTION pg_temp.lg(z double precision) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$ SELECT (y - 0.5) * ln(y) - y + 0.918938533204672742 + 1 / (12 * y) - 1 / (360 * y ^ 3) + 1 / (1260 * y ^ 5)
          - CASE WHEN z < 20 THEN (SELECT sum(ln(z + k)) FROM generate_series(0, 19) k) ELSE 0 END
   FROM (SELECT CASE WHEN z < 20 THEN z + 20 ELSE z END AS y) x $$;

-- ---- likelihood and gradient ----

CREATE TABLE history AS
SELECT i, x, CASE WHEN x > 0 THEN x + floor((t - x) * pg_temp.u(i, 3))::int ELSE 0 END AS t_x, t, (100 + 90000 * pg_temp.u(i, 4) * x)::bigint AS amount
FROM (SELECT i, least(t, floor(-3 * ln(pg_temp.u(i, 2)))::int) AS x, t
      FROM (SELECT i, floor(700 * pg_temp.u(i, 1))::int AS t FROM generate_series(1, 3000) i) i) i;
CREATE TABLE model (id int, v double precision[]);
INSERT INTO model SELECT i, array[exp(4 * pg_temp.u(i, 11) - 2), exp(4 * pg_temp.u(i, 12) + 2), exp(3 * pg_temp.u(i, 13) - 2), exp(4 * pg_temp.u(i, 14) - 1),
    exp(4 * pg_temp.u(i, 15) - 1), exp(3 * pg_temp.u(i, 16)), exp(3 * pg_temp.u(i, 17) + 6)] FROM generate_series(1, 8) i;
CREATE FUNCTION pg_temp.model(v double precision[]) RETURNS value_model LANGUAGE sql IMMUTABLE AS
$$ SELECT format('bg(%s,%s,%s,%s) gg(%s,%s,%s)', v[1], v[2], v[3], v[4], v[5], v[6], v[7])::value_model $$;
CREATE TABLE stats AS SELECT value_stats_agg(x, t_x, t, amount) AS s FROM history;

SELECT count(*) AS models, count(*) FILTER (WHERE abs(l[1] - bg) > 1e-9 * abs(bg)) AS differences, count(*) FILTER (WHERE abs(l[2] - gg) > 1e-9 * abs(gg)) AS differences
FROM model, stats, value_likelihood(s, pg_temp.model(v)) l,
LATERAL (SELECT sum(pg_temp.lg(v[1] + x) - pg_temp.lg(v[1]) + v[1] * ln(v[2])
                    + ln(exp(pg_temp.lg(v[3] + v[4]) + pg_temp.lg(v[4] + x) - pg_temp.lg(v[4]) - pg_temp.lg(v[3] + v[4] + x) - (v[1] + x) * ln((v[2] + t) / 100))
                         + CASE WHEN x > 0 THEN exp(pg_temp.lg(v[3] + 1) + pg_temp.lg(v[4] + x - 1) - pg_temp.lg(v[3] + v[4] + x) - pg_temp.lg(v[3]) - pg_temp.lg(v[4])
                                                    + pg_temp.lg(v[3] + v[4]) - (v[1] + x) * ln((v[2] + t_x) / 100)) ELSE 0 END)
                    - (v[1] + x) * ln(100::float8)) AS bg,
                sum(pg_temp.lg(v[5] * x + v[6]) - pg_temp.lg(v[5] * x) - pg_temp.lg(v[6]) + v[6] * ln(v[7]) + (v[5] * x - 1) * ln(amount::float8 / x) + v[5] * x * ln(x::float8)
                    - (v[5] * x + v[6]) * ln(v[7] + amount)) FILTER (WHERE x > 0) AS gg FROM history) y;
-- central differences of it
SELECT count(*) AS derivatives, count(*) FILTER (WHERE abs(g - d) > 1e-5 * greatest(abs(d), 1)) AS differences
FROM model, stats, generate_series(1, 7) k, LATERAL (SELECT v[k] * 1e-5 AS h) h,
LATERAL (SELECT (value_likelihood(s, pg_temp.model(v)))[2 + k] AS g,
                ((value_likelihood(s, pg_temp.model(v[:k - 1] || v[k] + h || v[k + 1:])))[CASE WHEN k < 5 THEN 1 ELSE 2 END]
                 - (value_likelihood(s, pg_temp.model(v[:k - 1] || v[k] - h || v[k + 1:])))[CASE WHEN k < 5 THEN 1 ELSE 2 END]) / (2 * h) AS d) y;
-- at the maximum nothing near is likelier, and the derivatives are 0
SELECT f.converged, f.spend_converged, bool_and((value_likelihood(s, pg_temp.model(p[:k - 1] || p[k] * e || p[k + 1:])))[CASE WHEN k < 5 THEN 1 ELSE 2 END]
            < CASE WHEN k < 5 THEN f.log_likelihood ELSE f.spend_log_likelihood END) AS maximum,
       bool_and(abs((value_likelihood(s, f.model))[2 + k]) * p[k] < 1e-3) AS flat
FROM stats, value_fit(s) f, LATERAL (SELECT array_agg(value_parameter(f.model, n) ORDER BY o) AS p FROM unnest('{r,alpha,a,b,p,q,gamma}'::text[]) WITH ORDINALITY u (n, o)) p,
     generate_series(1, 7) k, unnest('{0.99,1.01}'::float8[]) e GROUP BY 1, 2;

-- ---- expectations ----

-- The purchases of the living given p are (1 - (1 + p z)^-s) / p, p Beta(a, b + x): the double exponential rule in SQL
CREATE FUNCTION pg_temp.by_quadrature(v double precision[], x int, t_x int, t int, horizon int) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT sum(exp(v[3] * lp + (v[4] + x) * lq - (pg_temp.lg(v[3]) + pg_temp.lg(v[4] + x) - pg_temp.lg(v[3] + v[4] + x))) * (exp(w) + exp(-w)) / 2
               * CASE WHEN exp(lp) * horizon / (v[2] + t) < 1e-8 THEN (v[1] + x) * horizon / (v[2] + t)
                      ELSE (1 - (1 + exp(lp) * horizon / (v[2] + t)) ^ -(v[1] + x)) / exp(lp) END) * pi() / 32
           / CASE WHEN x = 0 THEN 1 ELSE 1 + v[3] / (v[4] + x - 1) * ((v[2] + t) / (v[2] + t_x)) ^ (v[1] + x) END
    FROM (SELECT w, CASE WHEN y < 0 THEN y - ln(1 + exp(y)) ELSE -ln(1 + exp(-y)) END AS lp, CASE WHEN y < 0 THEN -ln(1 + exp(y)) ELSE -y - ln(1 + exp(-y)) END AS lq
          FROM (SELECT k / 32.0::float8 AS w, pi() * (exp(k / 32.0::float8) - exp(-k / 32.0::float8)) / 2 AS y FROM generate_series(-160, 160) k) y) q
    WHERE v[3] * lp + (v[4] + x) * lq > -600
$$;
SELECT count(*) AS members, count(*) FILTER (WHERE abs(e - q) > 1e-6 * q + 1e-9) AS differences
FROM (SELECT expected_purchases(pg_temp.model(v), x, t_x, t, d) AS e, pg_temp.by_quadrature(v, x, t_x, t, d) AS q
      FROM (SELECT array[exp(5 * pg_temp.u(i, 21) - 3), exp(6 * pg_temp.u(i, 22)), exp(4 * pg_temp.u(i, 23) - 2), exp(6 * pg_temp.u(i, 24) - 1.5), 1, 2, 1] AS v,
                   x, t_x, t, ceil(1000 * pg_temp.u(i, 25))::int AS d FROM history WHERE i <= 300) y) z;
-- where formulas are singular: a = 1, a + b + x = 1, and near
SELECT count(*) AS members, count(*) FILTER (WHERE abs(e - q) > 1e-6 * q) AS differences
FROM (SELECT expected_purchases(pg_temp.model(v), x, x * 20, 300, 200) AS e, pg_temp.by_quadrature(v, x, x * 20, 300, 200) AS q
      FROM (SELECT array[0.3, 40, a, CASE WHEN a < 0.9 THEN 1 - a ELSE 2 END, 1, 2, 1] AS v, x
            FROM unnest('{1,1.0000001,0.9999,0.5,0.3,0.7}'::float8[]) a, generate_series(0, 10, 5) x) y) z;
-- where everybody is alike, or nobody goes: bells and points that other rules would miss
SELECT count(*) AS members, count(*) FILTER (WHERE abs(e - q) > 1e-4 * q) AS differences
FROM (SELECT expected_purchases(pg_temp.model(array[0.7, 40, k * p, k * (1 - p), 1, 2, 1]), x, x * 20, 300, h) AS e,
             (1 - (1 + p * h / 340.0) ^ -(0.7 + x)) / p / CASE WHEN x = 0 THEN 1 ELSE 1 + k * p / (k * (1 - p) + x - 1) * (340 / (40.0 + x * 20)) ^ (0.7 + x) END AS q
      FROM unnest('{1e6,1e8}'::float8[]) k, unnest('{1e-5,0.01,0.2,0.9}'::float8[]) p, generate_series(0, 10, 5) x, unnest('{30,400,4000}'::int[]) h) y;
SELECT count(*) AS members, count(*) FILTER (WHERE abs(e - q) > 1e-5 * q) AS differences
FROM (SELECT expected_purchases(pg_temp.model(v), x, x * 20, 300, h) AS e, pg_temp.by_quadrature(v, x, x * 20, 300, h) AS q
      FROM unnest('{20,31,50,90}'::float8[]) a, unnest('{5,31,60,90}'::float8[]) b, generate_series(0, 10, 5) x, unnest('{30,4000}'::int[]) h, LATERAL (SELECT array[0.7, 40, a, b, 1, 2, 1] AS v) v) y;
-- more days, more purchases, at most one a bought-at-all; later last purchase, likelier alive
SELECT bool_and(expected_purchases(m, x, t_x, t, 90) < expected_purchases(m, x, t_x, t, 91)) AS more, bool_and(p_purchase(m, x, t_x, t, 90) <= least(p_alive(m, x, t_x, t), expected_purchases(m, x, t_x, t, 90))) AS bounded,
       bool_and(x = 0 OR t_x = t OR p_alive(m, x, t_x, t) < p_alive(m, x, t_x + 1, t)) AS alive,
       bool_and(clv(m, x, t_x, t, amount, 365, 0.1, 1) BETWEEN clv(m, x, t_x, t, amount, 365, 0, 1) / 1.1 AND clv(m, x, t_x, t, amount, 365, 0, 1)) AS discounted
FROM history, (SELECT 'bg(0.3,40,0.8,2.4) gg(6,4,1500)'::value_model AS m) m;
-- the discount against day by day
SELECT bool_and(abs(clv(m, x, t_x, t, amount, 365, 0.3, 1) / by_day - 1) < 2e-5) AS discount
FROM history, (SELECT 'bg(0.3,40,0.8,2.4) gg(6,4,1500)'::value_model AS m) m,
LATERAL (SELECT expected_spend(m, x, t_x, t, amount) * sum((expected_purchases(m, x, t_x, t, d) - expected_purchases(m, x, t_x, t, d - 1)) * 1.3 ^ (-(d - 0.5) / 365.0)) AS by_day FROM generate_series(1, 365) d) y
WHERE i <= 20 AND t > 30;

-- ---- the fit finds what was put in ----

-- 20 000 members with rates Gamma(2, 600 days) and chances to go Beta(1, 4), spend Gamma(3, Gamma(5, 8000))
CREATE FUNCTION pg_temp.gamma(shape int, i bigint, seed bigint) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$ SELECT -sum(ln(pg_temp.u(i * 64 + k, seed))) FROM generate_series(1, shape) k $$;
CREATE TABLE person AS
SELECT i, pg_temp.gamma(2, i, 31) / 600 AS rate, g1 / (g1 + pg_temp.gamma(4, i, 33)) AS p, pg_temp.gamma(5, i, 34) / 8000 AS scale, 5000 AS t
FROM (SELECT i, pg_temp.gamma(1, i, 32) AS g1 FROM generate_series(1, 20000) i) i;
-- purchases at times in continuous time, noted by day: rounding up keeps order, two of a day are one
CREATE TABLE bought AS
WITH RECURSIVE walk AS (
    SELECT i, rate, p, scale, t, 0 AS n, 0::double precision AS at FROM person
    UNION ALL
    SELECT i, rate, p, scale, t, n + 1, at - ln(pg_temp.u(i * 1000 + n, 35)) / rate
    FROM walk WHERE pg_temp.u(i * 1000 + n, 36) > CASE WHEN n = 0 THEN 0 ELSE p END AND at < t AND n < 900)
SELECT i, n, ceil(at)::int AS day, t, pg_temp.gamma(3, i * 1000 + n, 37) / scale AS spend FROM walk WHERE n > 0 AND at <= t;
CREATE TABLE found AS
SELECT f.* FROM (SELECT value_stats_agg(coalesce(x, 0)::int, coalesce(t_x, 0), t, amount::bigint) AS s FROM person LEFT JOIN
    (SELECT i, count(DISTINCT day) AS x, max(day) AS t_x, sum(spend) AS amount FROM bought GROUP BY i) b USING (i)) s, value_fit(s) f;
SELECT members, converged, spend_converged, n, abs(v - truth) < 0.2 * truth AS near
FROM found, LATERAL (VALUES ('r', 2), ('alpha', 600), ('a', 1), ('b', 4), ('p', 3), ('q', 5), ('gamma', 8000)) t (n, truth), value_parameter(model, n) v ORDER BY n;

-- ---- parts make the whole ----

-- whatever the division: tiny with huge, in any order, in parallel, through text
SELECT count(*) AS divisions, count(*) FILTER (WHERE whole <> parts) AS differences
FROM (SELECT k, (SELECT s FROM stats) AS whole,
             (SELECT value_stats_sum(part ORDER BY part::text) FROM (SELECT value_stats_agg(x, t_x, t, amount) AS part FROM history GROUP BY CASE WHEN k = 0 THEN (i > 1)::int ELSE i % k END) p) AS parts
      FROM generate_series(0, 9) k) x;
SELECT s = s::text::value_stats AS text, value_stats_combine(s, s) = value_stats_combine(s::text::value_stats, s) AS twice FROM stats;

-- past the limit histories are rounded, the same whatever the order; the fit hardly notices
CREATE TABLE many AS
SELECT p.i * 20 + k AS i, coalesce(x, 0)::int AS x, coalesce(t_x + k, 0) AS t_x, t + 3 * k AS t, amount::bigint + k AS amount
FROM person p CROSS JOIN generate_series(0, 19) k LEFT JOIN (SELECT i, count(DISTINCT day) AS x, max(day) AS t_x, sum(spend) AS amount FROM bought GROUP BY i) b USING (i);
ALTER TABLE many SET (parallel_workers = 2);
ANALYZE many;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
CREATE TABLE summed AS SELECT value_stats_agg(x, t_x, t, amount) AS s FROM many;
SELECT grain_days > 1 AS rounded, members, converged FROM summed, value_fit(s);
SET max_parallel_workers_per_gather = 0;
SELECT (SELECT value_stats_agg(x, t_x, t, amount) FROM many) = s AS serial,
       (SELECT value_stats_sum(p) FROM (SELECT value_stats_agg(x, t_x, t, amount) AS p FROM many GROUP BY i % 3 = 0, i % 7 = 0) p) = s AS parts,
       (SELECT value_stats_agg(x, t_x, t, amount) FROM (SELECT * FROM many ORDER BY i DESC) m) = s AS backwards FROM summed;
SELECT n, abs(value_parameter(f.model, n) / value_parameter(g.model, n) - 1) < 0.01 AS near
FROM summed, value_fit(s) f, (SELECT value_stats_agg(x, t_x, t, amount) AS s FROM many WHERE i % 2 = 0) e, value_fit(e.s) g, unnest('{r,alpha,a,b,p,q,gamma}'::text[]) n;

-- of activity as of the numbers
SELECT value_stats_agg(activity, 1::smallint, '2026-03-01') = value_stats_agg(x, t_x, t, amount) AS same
FROM (SELECT activity, count(DISTINCT day)::int - 1 AS x, CASE WHEN count(DISTINCT day) > 1 THEN max(day) - min(day) ELSE 0 END AS t_x, '2026-03-01' - min(day) AS t, sum(amount) FILTER (WHERE day > first)::bigint AS amount
      FROM (SELECT m, day, amount, min(day) OVER (PARTITION BY m) AS first, activity_agg(1::smallint, day, amount) OVER (PARTITION BY m) AS activity
            FROM (SELECT m, '2026-03-01'::date - floor(300 * pg_temp.u(m * 50 + k, 51))::int AS day, (1 + 9000 * pg_temp.u(m * 50 + k, 52))::bigint AS amount
                  FROM generate_series(1, 500) m, generate_series(1, 12) k WHERE k <= 1 + m % 12) y) z
      GROUP BY m, activity) w;
