-- k-means: the known answer for Iris, what it answers to odd points, and its steps against plain SQL on random points.
SET search_path = public, member;
SET client_min_messages = warning;
\pset null '(null)'

-- R. A. Fisher, "The use of multiple measurements in taxonomic problems", 1936: tenths of centimetres, fifty of each species
CREATE TABLE iris AS SELECT n AS key, ARRAY(SELECT x::numeric / 10 FROM regexp_split_to_table(r, ',') x)::double precision[] AS point
FROM regexp_split_to_table('51,35,14,2 49,30,14,2 47,32,13,2 46,31,15,2 50,36,14,2 54,39,17,4 46,34,14,3 50,34,15,2 44,29,14,2 49,31,15,1 54,37,15,2 48,34,16,2 48,30,14,1
43,30,11,1 58,40,12,2 57,44,15,4 54,39,13,4 51,35,14,3 57,38,17,3 51,38,15,3 54,34,17,2 51,37,15,4 46,36,10,2 51,33,17,5 48,34,19,2 50,30,16,2
50,34,16,4 52,35,15,2 52,34,14,2 47,32,16,2 48,31,16,2 54,34,15,4 52,41,15,1 55,42,14,2 49,31,15,2 50,32,12,2 55,35,13,2 49,36,14,1 44,30,13,2
51,34,15,2 50,35,13,3 45,23,13,3 44,32,13,2 50,35,16,6 51,38,19,4 48,30,14,3 51,38,16,2 46,32,14,2 53,37,15,2 50,33,14,2 70,32,47,14 64,32,45,15
69,31,49,15 55,23,40,13 65,28,46,15 57,28,45,13 63,33,47,16 49,24,33,10 66,29,46,13 52,27,39,14 50,20,35,10 59,30,42,15 60,22,40,10 61,29,47,14
56,29,36,13 67,31,44,14 56,30,45,15 58,27,41,10 62,22,45,15 56,25,39,11 59,32,48,18 61,28,40,13 63,25,49,15 61,28,47,12 64,29,43,13 66,30,44,14
68,28,48,14 67,30,50,17 60,29,45,15 57,26,35,10 55,24,38,11 55,24,37,10 58,27,39,12 60,27,51,16 54,30,45,15 60,34,45,16 67,31,47,15 63,23,44,13
56,30,41,13 55,25,40,13 55,26,44,12 61,30,46,14 58,26,40,12 50,23,33,10 56,27,42,13 57,30,42,12 57,29,42,13 62,29,43,13 51,25,30,11 57,28,41,13
63,33,60,25 58,27,51,19 71,30,59,21 63,29,56,18 65,30,58,22 76,30,66,21 49,25,45,17 73,29,63,18 67,25,58,18 72,36,61,25 65,32,51,20 64,27,53,19
68,30,55,21 57,25,50,20 58,28,51,24 64,32,53,23 65,30,55,18 77,38,67,22 77,26,69,23 60,22,50,15 69,32,57,23 56,28,49,20 77,28,67,20 63,27,49,18
67,33,57,21 72,32,60,18 62,28,48,18 61,30,49,18 64,28,56,21 72,30,58,16 74,28,61,19 79,38,64,20 64,28,56,22 63,28,51,15 61,26,56,14 77,30,61,23
63,34,56,24 64,31,55,18 60,30,48,18 69,31,54,21 67,31,56,24 69,31,51,23 58,27,51,19 68,32,59,23 67,33,57,25 67,30,52,23 63,25,50,19 65,30,52,20
62,34,54,23
59,30,51,18', '\s') WITH ORDINALITY x (r, n);

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

-- ---- Iris ----

-- three clusters as they are: the best division there is has a sum of 78.851441
SELECT cluster, members, share, ARRAY(SELECT round(x::numeric, 6) FROM unnest(center) x) AS center, round(within::numeric, 6) AS within, round(silhouette::numeric, 6) AS silhouette FROM kmeans('TABLE public.iris', 3, scale => 'none');
SELECT round(sum(within)::numeric, 6) AS within FROM kmeans('TABLE public.iris', 3, scale => 'none');
-- whatever the seed
SELECT DISTINCT round(x.within::numeric, 6) AS within FROM generate_series(0, 9) seed, LATERAL (SELECT sum(within) AS within FROM kmeans('TABLE public.iris', 3, scale => 'none', seed => seed * 1000)) x;
-- by deviations: the known sum of R's scale() is that of the sample, 138.888
SELECT round((sum(within) * 149 / 150)::numeric, 3) AS within FROM kmeans('TABLE public.iris', 3);
SELECT k, round(within::numeric, 4) AS within, round(silhouette::numeric, 4) AS silhouette, chosen, elbow FROM kmeans_choice('TABLE public.iris', 6, 'none');
SELECT cluster, members FROM kmeans('TABLE public.iris', scale => 'minmax');

-- ---- whatever the order of the rows and the workers ----

CREATE TABLE point AS SELECT i AS key, ARRAY[pg_temp.u(i, 1) * 3, exp(4 * pg_temp.u(i, 2)), i % 7 - 3] AS point FROM generate_series(1, 60000) i;
ALTER TABLE point SET (parallel_workers = 3);
ANALYZE point;
CREATE TABLE backwards AS SELECT * FROM point ORDER BY key DESC;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT kmeans_pass(point, '{{0,0,0},{1.5,20,1},{3,50,-3},{0,50,0}}') AS pass, kmeans_seed(key, point, '{{0,0,0},{3,50,3}}', 7) AS seed, kmeans_seed(key, point, NULL, 7) AS first FROM point;
SELECT s.pass = x.pass AND s.seed = x.seed AND s.first = x.first AS same FROM serial s, (SELECT kmeans_pass(point, '{{0,0,0},{1.5,20,1},{3,50,-3},{0,50,0}}') AS pass, kmeans_seed(key, point, '{{0,0,0},{3,50,3}}', 7) AS seed, kmeans_seed(key, point, NULL, 7) AS first FROM backwards) x;
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT kmeans_pass(point, '{{0,0,0},{3,50,-3}}'), kmeans_seed(key, point, NULL, 7) FROM point;
SELECT s.pass = x.pass AND s.seed = x.seed AND s.first = x.first AS same FROM serial s, (SELECT kmeans_pass(point, '{{0,0,0},{1.5,20,1},{3,50,-3},{0,50,0}}') AS pass, kmeans_seed(key, point, '{{0,0,0},{3,50,3}}', 7) AS seed, kmeans_seed(key, point, NULL, 7) AS first FROM point) x;
-- one row combined with all others
SELECT s.pass = counts_plus(a.pass, b.pass) AS same FROM serial s, (SELECT kmeans_pass(point, '{{0,0,0},{1.5,20,1},{3,50,-3},{0,50,0}}') AS pass FROM point WHERE key = 17) a, (SELECT kmeans_pass(point, '{{0,0,0},{1.5,20,1},{3,50,-3},{0,50,0}}') AS pass FROM point WHERE key <> 17) b;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- more rows than the sample: both orders, the same clusters to the last bit
SELECT count(*) AS clusters, sum(members) AS members, bool_and(a = b) AS same
FROM kmeans('TABLE public.point', 5) a FULL JOIN kmeans('TABLE public.backwards', 5) b USING (cluster, members);

-- ---- against plain SQL ----

CREATE TABLE center AS SELECT i AS set, n AS cluster, ARRAY[pg_temp.u(i * 10 + n, 3) * 3, exp(4 * pg_temp.u(i * 10 + n, 4)), pg_temp.u(i * 10 + n, 5) * 6 - 3] AS center FROM generate_series(1, 20) i, generate_series(1, 2 + i % 5) n;
CREATE TABLE model AS
SELECT set, key, point, (array_agg(cluster ORDER BY d, cluster))[1] AS cluster, min(d) AS d, 1 - sqrt(min(d) / (array_agg(d ORDER BY d))[2]) AS silhouette
FROM center, point, LATERAL (SELECT sum((point[j] - center[j]) ^ 2) AS d FROM generate_series(1, 3) j) x
WHERE key <= 2000 GROUP BY set, key, point;
SELECT count(*) AS clusters, count(*) FILTER (WHERE coalesce(m.members, 0) <> c.members) AS differences, count(*) FILTER (WHERE abs(m.within - c.within) > 1e-6 * m.within) AS differences,
    count(*) FILTER (WHERE abs(m.silhouette - c.silhouette) > 1e-8) AS differences, count(*) FILTER (WHERE abs(m.m1 - c.mean[1]) + abs(m.m2 - c.mean[2]) + abs(m.m3 - c.mean[3]) > 1e-8) AS differences,
    count(*) FILTER (WHERE abs(c.within - c.members * (SELECT sum(v) FROM unnest(c.variance) v)) > 1e-6 * c.within) AS differences
FROM (SELECT set, k.* FROM (SELECT set, array_agg(center ORDER BY cluster) AS centers FROM center GROUP BY set) s, LATERAL (SELECT kmeans_pass(point, centers) AS pass FROM point WHERE key <= 2000) p, kmeans_clusters(pass) k) c
LEFT JOIN (SELECT set, cluster, count(*) AS members, sum(d) AS within, avg(silhouette) AS silhouette, avg(point[1]) AS m1, avg(point[2]) AS m2, avg(point[3]) AS m3 FROM model GROUP BY set, cluster) m USING (set, cluster);
SELECT count(*) AS points, count(*) FILTER (WHERE m.cluster <> nearest_center(m.point, s.centers)) AS differences FROM model m JOIN (SELECT set, array_agg(center ORDER BY cluster) AS centers FROM center GROUP BY set) s USING (set);

-- the best division of eight points in two, of all there are
CREATE TABLE small AS SELECT set, n AS key, pg_temp.u(set * 10 + n, 6) AS x, pg_temp.u(set * 10 + n, 7) AS y FROM generate_series(1, 40) set, generate_series(0, 7) n;
SELECT count(*) AS sets, count(*) FILTER (WHERE abs(best - found) > 1e-8) AS differences
FROM (SELECT set, min(within) AS best FROM (SELECT set, mask, sum(within) AS within FROM (SELECT set, mask, (count(*) * (var_pop(x) + var_pop(y))) AS within FROM small, generate_series(1, 127) mask GROUP BY set, mask, mask >> key & 1) g GROUP BY set, mask) m GROUP BY set) b
JOIN (SELECT set, (SELECT sum(within) FROM kmeans(format('SELECT key, ARRAY[x, y] FROM public.small WHERE set = %s', set), 2, scale => 'none', restarts => 20)) AS found FROM generate_series(1, 40) set) f USING (set);

-- no pass makes it worse
SELECT bool_and(within <= before) AS never_worse, count(DISTINCT within) > 3 AS gets_better FROM (
    SELECT within, lag(within) OVER (ORDER BY n) AS before FROM generate_series(1, 8) n, LATERAL (SELECT sum(within) AS within FROM kmeans('TABLE public.point', 6, restarts => 1, max_iterations => n)) k) x;

-- a first centre is any row alike, the next in proportion to the squared distance: of 0, 1, 2, 3 from 0 by 0, 1, 4, 9 fourteenths
SELECT x, count(*) FILTER (WHERE round = 1) AS first_of_4000, count(*) FILTER (WHERE round = 2) AS next_of_4000
FROM (SELECT 1 AS round, (SELECT kmeans_seed(n, ARRAY[n::double precision], NULL, seed) FROM generate_series(0, 3) n)[1] AS x FROM generate_series(1, 4000) seed
      UNION ALL SELECT 2, (SELECT kmeans_seed(n, ARRAY[n::double precision], '{{0}}', seed) FROM generate_series(0, 3) n)[1] FROM generate_series(1, 4000) seed) d GROUP BY x ORDER BY x;
SELECT kmeans_seed(n, '{1,2}', '{{1,2}}', 1) AS every_point_is_a_center FROM generate_series(1, 3) n;

-- ---- clusters that are empty ----

SELECT * FROM kmeans_clusters((SELECT kmeans_pass(ARRAY[n::double precision], '{{1},{1},{100}}') FROM generate_series(1, 3) n));
BEGIN;
CREATE TEMP TABLE kmeans_point AS SELECT n AS key, ARRAY[n % 4]::double precision[] AS point FROM generate_series(1, 100) n;
SELECT within, (SELECT array_agg(c ORDER BY c) FROM unnest(centers) c) AS centers FROM member_internal.kmeans_run('kmeans_point', '{{1},{1},{100},{200}}', 1, 100);
ROLLBACK;

-- ---- what it does not take ----

SELECT pg_temp.failure('SELECT * FROM member.kmeans(' || a || ')') FROM (VALUES
    ('''SELECT 1, ARRAY[1.0] WHERE false'', 1'), ('''SELECT n, ARRAY[n % 3]::float8[] FROM generate_series(1, 100) n'', 4'), ('''SELECT n, ARRAY[5.0] FROM generate_series(1, 9) n'', 2'),
    ('''SELECT 1, ARRAY[1, NULL]::float8[]'', 1'), ('''SELECT 1, NULL::float8[]'', 1'), ('''SELECT NULL::bigint, ARRAY[1.0]'', 1'), ('''SELECT n, ARRAY[1, ''''NaN'''']::float8[] FROM generate_series(1, 9) n'', 1'),
    ('''SELECT n, ARRAY[n, ''''Infinity'''']::float8[] FROM generate_series(1, 9) n'', 1'), ('''SELECT n, array_fill(n::float8, ARRAY[n]) FROM generate_series(1, 3) n'', 1'), ('''SELECT 1, ARRAY[]::float8[]'', 1'),
    ('''SELECT 1, array_fill(1::float8, ARRAY[33])'', 1'), ('''SELECT 1, ARRAY[1e10]'', 1, scale => ''none'''), ('''SELECT 1'', 1'), ('''SELECT 1, 2, 3'', 1'), ('''SELECT 1, ARRAY[1.0]'', 0'), ('''SELECT 1, ARRAY[1.0]'', 101'),
    ('''SELECT 1, ARRAY[1.0]'', max_k => 1'), ('''SELECT 1, ARRAY[1.0]'', 1, scale => ''log'''), ('''SELECT 1, ARRAY[1.0]'', 1, scale => NULL'), ('''SELECT 1, ARRAY[1.0]'', 1, restarts => 0'), ('''SELECT 1, ARRAY[1.0]'', 1, max_iterations => 0'),
    ('''SELECT 1, ARRAY[1.0]'', 1, seed => -1'), ('''SELECT 1, ARRAY[1.0]'', 1, seed => NULL'), ('NULL, 1')) v (a);
SELECT pg_temp.failure('SELECT ' || a) FROM (VALUES
    ('member.kmeans_pass(''{1,2}'', ''{{1}}'')'), ('member.kmeans_pass(''{1}'', ''{1}'')'), ('member.kmeans_pass(NULL, ''{{1}}'')'), ('member.kmeans_pass(''{1}'', NULL)'), ('member.kmeans_pass(''{{1}}'', ''{{1}}'')'),
    ('member.kmeans_pass(''{1,NULL}'', ''{{1,2}}'')'), ('member.kmeans_pass(''{1e300}'', ''{{1}}'')'), ('member.kmeans_pass(''{NaN}'', ''{{1}}'')'), ('member.kmeans_pass(''{1}'', ''{{-Infinity}}'')'),
    ('member.kmeans_pass(''{1}'', array_fill(1::float8, ARRAY[101,1]))'), ('member.kmeans_pass(p, ''{{1}}'') FROM (VALUES (''{1}''::float8[]), (''{1,2}'')) v (p)'), ('member.kmeans_pass(''{1}'', c) FROM (VALUES (''{{1}}''::float8[]), (''{{1},{2}}'')) v (c)'),
    ('member.kmeans_clusters(''{1,2}'')'), ('member.kmeans_clusters(''{{1,2}}'')'), ('member.kmeans_seed(NULL, ''{1}'', NULL, 1)'), ('member.kmeans_seed(1, ''{1}'', NULL, NULL)'), ('member.kmeans_seed(1, p, NULL, 1) FROM (VALUES (''{1}''::float8[]), (''{1,2}'')) v (p)'),
    ('member.kmeans_seed_point(''{1}'')'), ('member.kmeans_seed_first(''{1,2}'', ''{1,2,3}'')'), ('member.nearest_center(''{1}'', ''{{1,2}}'')'), ('member.kmeans_scale(''{1}'', ''{1}'', ''{0}'')'), ('member.kmeans_scale(''{1}'', ''{1,2}'', ''{1}'')')) v (a);
-- a member who can be told apart by nothing is one cluster; one point too
SELECT cluster, members, center, within, silhouette, iterations FROM kmeans('SELECT n, ARRAY[5.0] FROM generate_series(1, 9) n');
SELECT cluster, members, center, within FROM kmeans('SELECT 1, ARRAY[3, 4] -- one');
SELECT count(*) AS temporary_tables_left FROM pg_class WHERE relname LIKE 'kmeans\_%' AND relkind = 'r';
