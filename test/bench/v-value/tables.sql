-- Members drawn from the models themselves, so that a fit must find what they were drawn with, BG/NBD(1, 120, 2, 6) and
-- Gamma-Gamma(2, 3, 5000 / 0.01), and histories differ as they do in life: first purchases over two years, most members with few.
-- With a rate of Gamma(1, alpha) the number of purchases in a time is geometric, and given the number their times are uniform;
-- a member goes after its d-th. Sums of logarithms of uniform numbers are Gamma variates of whole shapes.
SELECT setseed(0.25) \g /dev/null
CREATE FUNCTION bench.gamma(shape integer) RETURNS double precision LANGUAGE sql VOLATILE
RETURN -ln(1 - random()) - CASE WHEN shape > 1 THEN ln(1 - random()) ELSE 0 END - CASE WHEN shape > 2 THEN ln(1 - random()) ELSE 0 END;
CREATE TABLE bench.large AS
SELECT n AS member_id, (SELECT member.activity_agg(1::smallint, date '2026-03-01' - t + x.day, round(bench.gamma(2) / spend)::bigint)
                        FROM (SELECT 0 AS day
                              UNION ALL
                              (SELECT ceil(random() * t)::integer FROM generate_series(1, least(400, floor(ln(1 - random()) / ln(t / (120.0 + t)))::integer)) ORDER BY 1 LIMIT d)) x) AS activity
FROM (SELECT n, 1 + floor(random() * 730)::integer AS t, bench.gamma(3) / 5000 AS spend, 1 + floor(ln(1 - random()) / ln(1 - p))::bigint AS d
      FROM (SELECT n, g / (g + h) AS p
            FROM (SELECT n, bench.gamma(2) AS g, bench.gamma(3) + bench.gamma(3) AS h FROM generate_series(1, :members) n OFFSET 0) b OFFSET 0) b OFFSET 0) m;
CREATE TABLE bench.small AS SELECT * FROM bench.large WHERE member_id % 10 = 0;
VACUUM (FREEZE, ANALYZE) bench.large;
VACUUM (FREEZE, ANALYZE) bench.small;
-- log-gamma by Stirling's series, inlined; good to 1e-6 above 3, where it is asked
CREATE FUNCTION bench.log_gamma(z double precision) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (z + 2.5) * ln(z + 3) - (z + 3) + 0.918938533204673 + 1 / (12 * (z + 3)) - ln(z * (z + 1) * (z + 2));
-- the histories as columns, for the alternative
CREATE TABLE bench.history AS
SELECT s.member_id, h.x, h.t_x, h.t FROM bench.large s, member.purchase_history(s.activity, 1::smallint, '2026-03-01') h;
VACUUM (FREEZE, ANALYZE) bench.history;
