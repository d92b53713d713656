-- Baskets: an example by hand, every set and rule of random baskets against brute force in SQL, what it does not take.
SET search_path = public, member;
SET client_min_messages = warning;
\pset null '(null)'

-- what a statement fails with; if it succeeds it is rolled back
CREATE FUNCTION pg_temp.failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = 'no error';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    RETURN 'no error';
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', format('%s: %s', SQLSTATE, message), '  detail: ' || nullif(detail, ''), '  hint: ' || nullif(hint, ''));
END $$;
-- a uniform number in [0, 1), the same in every run and on every server
CREATE FUNCTION pg_temp.u(i bigint, seed bigint) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashint8extended(i, seed) & 9007199254740991) / 9007199254740992.0::double precision $$;

-- ---- by hand ----

CREATE TABLE ticket AS SELECT n AS basket, b::integer[] AS items FROM (VALUES (1, '{1,2,5}'), (2, '{4,2}'), (3, '{3,2}'), (4, '{1,2,4}'), (5, '{3,1}'), (6, '{2,3,2}'), (7, '{1,3}'), (8, '{1,2,3,5}'), (9, '{1,2,3}'), (10, '{}'), (11, NULL)) v (n, b);
SELECT basket_agg(items ORDER BY basket) FROM ticket;
SELECT items, occurrences, support FROM (SELECT basket_agg(items) AS baskets FROM ticket) b, frequent_sets(baskets, 0.2) ORDER BY cardinality(items), items;
SELECT antecedent, consequent, occurrences, round(support::numeric, 4) AS support, round(confidence::numeric, 4) AS confidence, round(lift::numeric, 4) AS lift, round(leverage::numeric, 4) AS leverage, round(conviction::numeric, 4) AS conviction
FROM (SELECT basket_agg(items) AS baskets FROM ticket) b, association_rules(baskets, 0.2, 0.5, 0, max_consequent => 2) ORDER BY antecedent, consequent;
SELECT basket_agg(items), (SELECT count(*) FROM frequent_sets(basket_agg(items), 0.5)) AS sets, (SELECT count(*) FROM association_rules(basket_agg(items), 0.5)) AS rules FROM ticket WHERE false;
-- negative numbers are items too
SELECT * FROM frequent_sets('{3,-2147483648,-1,2147483647,2,-2147483648,2147483647}', 1) ORDER BY items;

-- ---- against brute force ----

-- 60 sets of baskets: 2 to 60 baskets of up to 9 items of 9, some rare, some always together
CREATE TABLE basket AS
SELECT seed, n AS basket, array_agg(i) FILTER (WHERE pg_temp.u(seed * 100000 + n * 100 + CASE WHEN i = 9 AND seed % 3 = 0 THEN 8 ELSE i END, 1) < pg_temp.u(seed * 10 + i % 9, 2)) AS items
FROM generate_series(1, 60) seed, generate_series(1, 2 + seed) n, generate_series(1, 9) i GROUP BY seed, n;
UPDATE basket SET items = '{}' WHERE items IS NULL;
CREATE TABLE packed AS SELECT seed, basket_agg(items) AS baskets, count(*)::double precision AS n, (ARRAY[0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 1])[1 + seed % 7] AS min_support FROM basket GROUP BY seed;
-- every set of the nine items, counted
CREATE TABLE brute AS
SELECT p.seed, s.items, count(*) FILTER (WHERE b.items @> s.items) AS occurrences, p.n, p.min_support
FROM (SELECT array_agg(i ORDER BY i) AS items FROM generate_series(1, 511) mask, generate_series(1, 9) i WHERE mask >> (i - 1) & 1 = 1 GROUP BY mask) s, basket b JOIN packed p USING (seed) GROUP BY p.seed, s.items, p.n, p.min_support;
SELECT count(*) AS sets, count(*) FILTER (WHERE f.occurrences IS DISTINCT FROM b.occurrences) AS differences, count(*) FILTER (WHERE f.support <> b.occurrences / b.n) AS differences, max(cardinality(f.items)) AS largest
FROM (SELECT * FROM brute WHERE occurrences > 0 AND occurrences / n >= min_support) b
FULL JOIN (SELECT p.seed, f.* FROM packed p, frequent_sets(baskets, min_support, 9) f) f USING (seed, items);
-- up to so many items
SELECT max_size, count(*) AS sets, count(*) FILTER (WHERE f.occurrences IS DISTINCT FROM b.occurrences) AS differences
FROM (SELECT * FROM brute, generate_series(1, 4) max_size WHERE occurrences > 0 AND occurrences / n >= min_support AND cardinality(items) <= max_size) b
FULL JOIN (SELECT p.seed, max_size, f.* FROM packed p, generate_series(1, 4) max_size, frequent_sets(baskets, min_support, max_size) f) f USING (seed, items, max_size) GROUP BY max_size ORDER BY max_size;
-- rules: every division of a set in two
CREATE TABLE brute_rule AS
SELECT s.seed, a.items AS antecedent, c.items AS consequent, s.occurrences, s.occurrences / s.n AS support, s.occurrences::double precision / a.occurrences AS confidence,
    s.occurrences::double precision / a.occurrences / (c.occurrences / s.n) AS lift, s.occurrences / s.n - a.occurrences / s.n * c.occurrences / s.n AS leverage,
    CASE WHEN s.occurrences = a.occurrences THEN 'Infinity' ELSE (1 - c.occurrences / s.n) / (1 - s.occurrences::double precision / a.occurrences) END AS conviction
FROM brute s JOIN brute a ON a.seed = s.seed AND a.items <@ s.items AND a.items <> s.items JOIN brute c ON c.seed = s.seed AND c.items <@ s.items AND NOT c.items && a.items AND cardinality(a.items) + cardinality(c.items) = cardinality(s.items)
WHERE s.occurrences > 0 AND s.occurrences / s.n >= s.min_support AND cardinality(s.items) BETWEEN 2 AND 5;
SELECT max_consequent, count(*) AS rules, count(*) FILTER (WHERE r.occurrences IS DISTINCT FROM b.occurrences) AS differences,
    count(*) FILTER (WHERE abs(r.support - b.support) + abs(r.confidence - b.confidence) + abs(r.lift - b.lift) + abs(r.leverage - b.leverage) > 1e-9) AS differences,
    count(*) FILTER (WHERE r.conviction <> b.conviction AND NOT abs(r.conviction - b.conviction) <= 1e-6 * abs(b.conviction) + 1e-12) AS differences
FROM (SELECT * FROM brute_rule, generate_series(1, 3) max_consequent WHERE confidence >= 0.4 AND lift >= 0.9 AND cardinality(consequent) <= max_consequent) b
FULL JOIN (SELECT p.seed, max_consequent, r.* FROM packed p, generate_series(1, 3) max_consequent, association_rules(baskets, min_support, 0.4, 0.9, 5, max_consequent) r) r USING (seed, antecedent, consequent, max_consequent)
GROUP BY max_consequent ORDER BY max_consequent;

-- many items of large numbers, in few baskets each: pairs by a self-join
CREATE TABLE line AS SELECT n / 6 AS basket, (pg_temp.u(n, 3) ^ 2 * 400)::integer * 1000003 % 2147483647 AS item FROM generate_series(1, 60000) n;
CREATE TABLE lines AS SELECT basket_agg(items) AS baskets FROM (SELECT array_agg(item) AS items FROM line GROUP BY basket) b;
SELECT count(*) AS pairs, count(*) FILTER (WHERE f.occurrences IS DISTINCT FROM p.occurrences) AS differences
FROM (SELECT ARRAY[a.item, b.item] AS items, count(*) AS occurrences FROM (SELECT DISTINCT * FROM line) a JOIN (SELECT DISTINCT * FROM line) b ON b.basket = a.basket AND b.item > a.item GROUP BY 1 HAVING count(*) >= 5) p
FULL JOIN (SELECT f.* FROM lines, frequent_sets(baskets, 5.0 / 10001, 2) f WHERE cardinality(items) = 2) f USING (items);

-- whatever the order of the baskets and the workers
ALTER TABLE basket SET (parallel_workers = 3);
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT basket_agg(items) FROM basket;
CREATE TABLE whole AS SELECT f.* FROM (SELECT basket_agg(items) AS baskets FROM basket) b, frequent_sets(baskets, 0.1, 9) f;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) AS sets, count(*) FILTER (WHERE w.occurrences IS DISTINCT FROM f.occurrences) AS differences
FROM whole w FULL JOIN (SELECT f.* FROM (SELECT basket_agg(items ORDER BY pg_temp.u(basket, seed)) AS baskets FROM basket) b, frequent_sets(baskets, 0.1, 9) f) f USING (items);
SELECT basket_agg_step('{}', '{2,1}'), basket_agg_step('{2,1,2}', '{7,7}'), array_length(basket_agg(items), 1), cardinality((SELECT basket_agg(items) FROM basket)) AS numbers FROM ticket;

-- ---- what it does not take ----

SELECT pg_temp.failure('SELECT * FROM member.' || a) FROM (VALUES
    ('frequent_sets(''{1,1}'', 0)'), ('frequent_sets(''{1,1}'', 1.5)'), ('frequent_sets(''{1,1}'', ''NaN'')'), ('frequent_sets(''{1,1}'', 0.5, 0)'), ('frequent_sets(''{1,1}'', 0.5, 17)'), ('frequent_sets(''{1,1}'', 0.5, 2, 0)'),
    ('frequent_sets(''{2,1}'', 0.5)'), ('frequent_sets(''{-1,1}'', 0.5)'), ('frequent_sets(''{2,2,1}'', 0.5)'), ('frequent_sets(''{2,1,1}'', 0.5)'), ('frequent_sets(''{1,NULL}'', 0.5)'), ('frequent_sets(''{{1,1}}'', 0.5)'),
    ('frequent_sets((SELECT baskets FROM public.lines), 0.0001, 4, 5000)'), ('association_rules((SELECT baskets FROM public.lines), 0.0001, 0, 0, 2, 1, 50000)'),
    ('association_rules(''{1,1}'', 0.5, 1.1)'), ('association_rules(''{1,1}'', 0.5, -0.1)'), ('association_rules(''{1,1}'', 0.5, 0.5, -1)'), ('association_rules(''{1,1}'', 0.5, max_consequent => 0)'), ('association_rules(''{1,1}'', 0)'),
    ('basket_agg_step(''{}'', ''{1,NULL}'')'), ('basket_agg_step(''{{1,2}}'', ''{1}'')'), ('basket_agg_step(''[0:1]={1,2}'', ''{1}'')')) v (a);
-- sixteen items always together have 65535 sets
SELECT pg_temp.failure('SELECT * FROM member.frequent_sets(16 || ARRAY(SELECT generate_series(1, 16)), 0.1, 16, 60000)');
SELECT count(*) AS sets FROM frequent_sets(16 || ARRAY(SELECT generate_series(1, 16)), 0.1, 16);
SET maintenance_work_mem = '1MB';
SELECT regexp_replace(pg_temp.failure('SELECT * FROM member.frequent_sets((SELECT baskets || baskets FROM public.lines), 0.001)'), '\d+ kB are needed', 'N kB are needed');
