-- Random members against a naive model with window functions. Every number printed under "differences" is 0, every boolean true.
SET search_path = member, public;
SET max_parallel_workers_per_gather = 0;
SET work_mem = '64MB';

-- a uniform number in [0, 1), the same in every run and on every server
CREATE FUNCTION pg_temp.u(i bigint, seed bigint) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashint8extended(i, seed) & 9007199254740991) / 9007199254740992.0::double precision $$;

CREATE TABLE history AS
SELECT i AS id, i % 20 AS set,
    -- few distinct days with peaks at their ends
    greatest(0, least(400, 450 * pg_temp.u(i, 1) - 25))::int AS recency,
    -- most members buy once
    (1 / (1 - 0.98 * pg_temp.u(i, 2)))::bigint AS frequency,
    -- common prices next to free ones, a few refunds above what was bought
    CASE WHEN i % 3 = 0 THEN 9900 * (1 + (i / 3) % 4) ELSE exp(16 * pg_temp.u(i, 3))::bigint - 2000 END AS monetary
FROM generate_series(1, 120000) i;

-- exact: scores of all members in 20 sets of 6 000, each set with bins of its own
CREATE TABLE bins AS SELECT set, array[1 + set * 5, 1 + (set * 7) % 20, 99 - set * 4] AS bins FROM generate_series(0, 19) set;
CREATE TABLE cuts AS SELECT set, rfm_cuts_agg(recency, frequency, monetary, bins) AS cuts FROM history JOIN bins USING (set) GROUP BY set;
CREATE TABLE model AS
SELECT h.*, bins,
    1 + bins[1] * (rank() OVER (PARTITION BY set ORDER BY recency DESC) - 1) / count(*) OVER (PARTITION BY set) AS r,
    1 + bins[2] * (rank() OVER (PARTITION BY set ORDER BY frequency) - 1) / count(*) OVER (PARTITION BY set) AS f,
    1 + bins[3] * (rank() OVER (PARTITION BY set ORDER BY monetary) - 1) / count(*) OVER (PARTITION BY set) AS m
FROM history h JOIN bins USING (set);
SELECT count(*) AS members, count(*) FILTER (WHERE rfm_score(cuts, recency, frequency, monetary) IS DISTINCT FROM rfm(r::int, f::int, m::int)) AS differences
FROM model JOIN cuts USING (set);
SELECT count(*) FILTER (WHERE rfm_error(cuts) <> 0) AS differences, count(*) FILTER (WHERE rfm_members(cuts) <> 6000) AS differences, count(*) FILTER (WHERE rfm_bins(cuts) <> bins) AS differences
FROM cuts JOIN bins USING (set);

-- the cuts themselves: the first value of every score, and whether a score is given to nobody
CREATE TABLE model_cuts AS
SELECT set, measure, score, CASE measure WHEN 'recency' THEN max(value) ELSE min(value) END AS first_value
FROM model, LATERAL (VALUES ('recency', r, recency), ('frequency', f, frequency), ('monetary', m, monetary)) v (measure, score, value)
GROUP BY set, measure, score;
SELECT count(*) FILTER (WHERE c.score IS NULL OR m.score IS NULL OR c.score > 1 AND first_value <> CASE measure WHEN 'recency' THEN at_most ELSE at_least END) AS differences
FROM (SELECT set, t.* FROM cuts, rfm_thresholds(cuts) t) c FULL JOIN model_cuts m USING (set, measure, score);
SELECT count(*) FILTER (WHERE rfm_collapsed(cuts) <> (bins[1] + bins[2] + bins[3] > n)) AS differences
FROM cuts JOIN bins USING (set) JOIN (SELECT set, count(*) AS n FROM model_cuts GROUP BY set) m USING (set);

-- equal values, equal scores; a better value never scores less
SELECT count(*) AS differences FROM (
    SELECT m(rfm_score(cuts, recency, frequency, monetary)) AS score, lag(m(rfm_score(cuts, recency, frequency, monetary))) OVER w AS before, monetary, lag(monetary) OVER w AS monetary_before
    FROM history JOIN cuts USING (set) WINDOW w AS (PARTITION BY set ORDER BY monetary)) t
WHERE score < before OR monetary = monetary_before AND score <> before;

-- own thresholds
SELECT count(*) AS members, count(*) FILTER (WHERE rfm_score(cuts, recency, frequency, monetary) IS DISTINCT FROM
    rfm(6 - width_bucket(recency - 1, days), 1 + width_bucket(frequency, orders), 1 + width_bucket(monetary, money))) AS differences
FROM history, (VALUES ('{0,7,30,90,180}'::int[], '{2,3,5,8,30}'::bigint[], '{-1999,0,1,500,9900,19800,500000}'::bigint[])) t (days, orders, money), rfm_cuts(days, orders, money) cuts;

-- groups of all members against their definition
SELECT count(*) AS members, count(*) FILTER (WHERE value_group <> 8 - 4 * (2 * m > bins[3] + 1)::int - 2 * (2 * r > bins[1] + 1)::int - (2 * f > bins[2] + 1)::int) AS differences,
    count(*) FILTER (WHERE strategy_group <> CASE thirds WHEN '{3,3,3}' THEN 1 WHEN '{3,1,3}' THEN 2 WHEN '{1,3,2}' THEN 3 WHEN '{1,1,1}' THEN 4 ELSE 0 END) AS differences
FROM (SELECT r, f, m, bins, rfm_value_group(s, cuts) AS value_group, rfm_strategy_group(s, cuts) AS strategy_group,
        array[ceil((r - 0.5) * 3 / bins[1]), ceil((f - 0.5) * 3 / bins[2]), ceil((m - 0.5) * 3 / bins[3])]::int[] AS thirds
    FROM model JOIN cuts USING (set), rfm_score(cuts, recency, frequency, monetary) s) t
WHERE thirds IS NOT NULL;

-- text and binary of sketches and cuts
SELECT count(*) FILTER (WHERE s::text::rfm_sketch <> s) AS differences, count(*) FILTER (WHERE rfm_sketch_cuts(s)::text::rfm_cuts <> rfm_sketch_cuts(s)) AS differences
FROM (SELECT rfm_sketch_agg(recency, frequency, monetary) AS s FROM history GROUP BY set) t;

--
-- combining: any division of the members, in any order, gives the same bytes
--
CREATE TABLE whole AS SELECT rfm_sketch_agg(recency, frequency, monetary) AS s FROM history;
CREATE TABLE parts AS
SELECT division, part, rfm_sketch_agg(recency, frequency, monetary) AS s
-- one part of a single member, one of nearly all, many of few, parts by value
FROM history, LATERAL (VALUES (1, (id = 1)::int), (2, (id % 1000 = 0)::int), (3, (300 * pg_temp.u(id, 4))::int), (4, (frequency % 5)::int), (5, (monetary > 9900)::int)) d (division, part)
GROUP BY division, part;
SELECT division, count(*) AS parts, rfm_sketch_sum(s) = (SELECT s FROM whole) AS same, rfm_sketch_sum(s ORDER BY part DESC) = (SELECT s FROM whole) AS backwards,
    rfm_sketch_sum(s ORDER BY pg_temp.u(part, 5)) = (SELECT s FROM whole) AS shuffled
FROM parts GROUP BY division ORDER BY division;
-- a tree of sums; the sum of two by function
SELECT rfm_sketch_sum(s) = (SELECT s FROM whole) AS same FROM (SELECT rfm_sketch_sum(s) AS s FROM parts WHERE division = 3 GROUP BY part % 17) t;
SELECT rfm_sketch_combine(a.s, b.s) = rfm_sketch_combine(b.s, a.s) AS commutes, rfm_sketch_combine(a.s, b.s) = w.s AS same
FROM parts a, parts b, whole w WHERE a.division = 1 AND b.division = 1 AND a.part = 0 AND b.part = 1;

--
-- beyond 65536 distinct values: a cut is within 0.1 % of the exact one, or no member lies between the two
--
CREATE TABLE wide AS
SELECT shape, i AS id, CASE shape
    WHEN 'smooth' THEN exp(8 + 8 * pg_temp.u(i, 11))::bigint
    WHEN 'signed' THEN (CASE WHEN i % 3 = 0 THEN -1 ELSE 1 END * exp(5 + 20 * pg_temp.u(i, 12)))::bigint
    WHEN 'extreme' THEN hashint8extended(i, 13)
    -- a quarter of the members have one of three values with a few just below, the others are far above
    WHEN 'tied' THEN CASE WHEN i % 4 = 0 THEN (array[990000, 1990000, 2990000])[1 + i / 4 % 3] WHEN i % 1000 = 1 THEN (array[989990, 1989990])[1 + i / 1000 % 2]
        ELSE exp(16 + 20 * pg_temp.u(i, 14))::bigint END
    -- all in few buckets
    WHEN 'narrow' THEN 1000000000 + i * 7 END AS value
FROM unnest('{smooth,signed,extreme,tied,narrow}'::text[]) shape, generate_series(1, 100000) i;
CREATE TABLE wide_cuts AS SELECT shape, rfm_cuts_agg((id % 300)::int, id % 4, value, '{5,5,20}') AS cuts, count(DISTINCT value) > 65536 AS many FROM wide GROUP BY shape;
SELECT shape, many, rfm_error(cuts) BETWEEN 0.0001 AND 0.001 AS error_reported FROM wide_cuts ORDER BY shape;
-- the cuts of score 2, 3, ... as reported and as the model has them
CREATE TABLE wide_compared AS
WITH scored AS (
    SELECT shape, value, 1 + 20 * (rank() OVER (PARTITION BY shape ORDER BY value) - 1) / 100000 AS score FROM wide),
first_value AS MATERIALIZED (
    SELECT shape, score, min(value) AS value FROM scored GROUP BY shape, score)
SELECT shape, s AS score,
    (SELECT min(value) FROM first_value f WHERE f.shape = c.shape AND f.score >= s) AS exact_cut,
    (SELECT min(at_least) FROM rfm_thresholds(cuts) t WHERE measure = 'monetary' AND t.score >= s) AS cut
FROM wide_cuts c, generate_series(2, 20) s;
SELECT shape, count(*) AS cuts, bool_and(abs(cut - exact_cut::numeric) <= abs(exact_cut::numeric) / 1000
        OR NOT EXISTS (SELECT FROM wide w WHERE w.shape = c.shape AND value >= least(cut, exact_cut) AND value < greatest(cut, exact_cut))) AS right,
    bool_and(abs(cut - exact_cut::numeric) <= abs(exact_cut::numeric) / 1000) AS all_within_a_thousandth
FROM wide_compared c GROUP BY shape ORDER BY shape;
-- recency, where fewer is better, and frequency
SELECT rfm_error(cuts) = 0.0009765625 AS error_reported, bool_and(abs(at_most - exact_cut) <= exact_cut / 1000.0) AS right
FROM (SELECT rfm_cuts_agg(value::int, value * 1000, 0) AS cuts FROM wide WHERE shape = 'smooth') c, rfm_thresholds(cuts) t
JOIN (SELECT score, max(value) AS exact_cut FROM (SELECT value, 1 + 5 * (rank() OVER (ORDER BY value DESC) - 1) / 100000 AS score FROM wide WHERE shape = 'smooth') s GROUP BY score) e USING (score)
WHERE measure = 'recency' AND score > 1 GROUP BY cuts;
-- the collapsed sketch too does not depend on division or order
SELECT shape, bool_and(same) AS same FROM (
    SELECT shape, division, rfm_sketch_sum(s ORDER BY pg_temp.u(part, 15)) = (SELECT rfm_sketch_agg((id % 300)::int, id % 4, value ORDER BY id DESC) FROM wide w WHERE w.shape = p.shape) AS same
    FROM (SELECT shape, division, part, rfm_sketch_agg((id % 300)::int, id % 4, value) AS s
        FROM wide, LATERAL (VALUES (1, (id = 1)::int), (2, (60 * pg_temp.u(id, 16))::int), (3, (id > 30000)::int)) d (division, part)
        GROUP BY shape, division, part) p
    GROUP BY shape, division) t GROUP BY shape ORDER BY shape;
SELECT count(*) FILTER (WHERE s::text::rfm_sketch <> s) AS differences FROM (SELECT rfm_sketch_agg((id % 300)::int, id % 4, value) AS s FROM wide GROUP BY shape) t;

-- exactly 65536 distinct values are exact, whatever their order
SELECT count(*) AS members, count(*) FILTER (WHERE rfm_score(cuts, 1, 1, value) <> rfm(1, 1, score::int)) AS differences, bool_and(rfm_error(cuts) = 0) AS exact
FROM (SELECT value, 1 + 99 * (rank() OVER (ORDER BY value) - 1) / count(*) OVER () AS score FROM (SELECT exp(20 + 20 * pg_temp.u(i, 17))::bigint AS value FROM generate_series(1, 65536) i) t, generate_series(1, 2)) m,
    (SELECT rfm_cuts_agg(1, 1, exp(20 + 20 * pg_temp.u(i, 17))::bigint, '{1,1,99}') AS cuts FROM generate_series(1, 65536) i, generate_series(1, 2)) c;
