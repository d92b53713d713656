-- tagset: every operation, boundary and error; the index and the estimates.
SET client_min_messages = warning;
SET datestyle = iso;
SET search_path = member, public;
\pset null '(null)'

-- what a statement fails with: SQLSTATE, message, detail, hint
CREATE FUNCTION pg_temp.failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, nullif(detail, ''), nullif(hint, ''));
END $$;

-- ---- text ----

SELECT t::tagset FROM (VALUES
    ('empty'),
    ('  empty '),
    ('5'),
    ('+5'),
    ('5,3,9'),
    ('5*1'),
    ('5*1.0000'),
    ('5*0.4'),
    ('5*0.0001,6*100000,7*99999.9999,8*12.3400,9*2.05'),
    ('5@2026-03-01'),
    ('5/2026-06-01'),
    ('5@2026-03-01/2026-06-01'),
    ('5@2026-03-01~30'),
    ('5@2026-03-01~0'),
    ('5*0.4@2026-03-01/2026-06-01~90'),
    (' 5 * 0.4 @ 2026-03-01 / 2026-06-01 ~ 90 , 6 '),
    ('5@-infinity/infinity'),
    -- what is as of the tag before is not written again
    ('1@2026-03-01/2026-04-01~30,2@2026-03-01/2026-04-01~30,3@2026-02-01/2026-03-04~30,4~0,5@2026-03-01,6/2026-04-01,7/2026-04-01,8@2026-03-01/2026-04-01~60'),
    ('1/1999-12-01,2/1999-12-01,3@1999-01-01/1999-12-01,4/1999-12-01'),
    ('1,2147483647'),
    ('2147483647,2147483646,1'),
    ('1@1900-01-01/9999-12-31~36500,2/1900-01-01,3/9999-12-31,4@9999-12-31,5@1900-01-01/1900-01-02'),
    ('1@1999-12-31/2000-01-01,2@2000-01-01/2000-01-02,3@2000-01-01')
) v (t);

SELECT t, pg_temp.failure(format('SELECT %L::member.tagset', t)) FROM (VALUES
    (''), (' '), ('none'), ('Empty'), ('empty,'), ('empty 5'), ('5,'), (',5'), ('5 6'), ('5;6'), ('a'), ('五'), ('{5}'),
    ('0'), ('-1'), ('2147483648'), ('99999999999999999999'), ('5.5'), ('5*'), ('5*a'), ('5*.5'), ('5*1.'), ('5*1.00001'),
    ('5*0'), ('5*0.0000'), ('5*-1'), ('5*100000.0001'), ('5*100001'), ('5*1e3'),
    ('5@'), ('5/'), ('5~'), ('5~a'), ('5~30'), ('5~-1'), ('5@2026-03-01~36501'), ('5@2026-03-01~1.5'),
    ('5/2026-06-01@2026-03-01'), ('5@2026-03-01*2'), ('5@2026-03-01~30/2026-06-01'), ('5*2*2'),
    ('5@2026-03-01/2026-03-01'), ('5@2026-03-02/2026-03-01'), ('5@2026-02-29'), ('5@2026-13-01'), ('5@2026-1-1'),
    ('5@1899-12-31'), ('5/1899-12-31'), ('5@10000-01-01'), ('5@infinity'), ('5/-infinity'), ('5@infinity/infinity'),
    ('5,5'), ('5,6,5*2')
) v (t);

-- a value holds so many tags and no more
SELECT tag_count(string_agg((n * 7)::text, ',' ORDER BY n DESC)::tagset) AS tags_of_4096 FROM generate_series(1, 4096) n;
SELECT pg_temp.failure($$SELECT string_agg(n::text, ',')::member.tagset FROM generate_series(1, 4097) n$$);

-- ---- binary ----

CREATE TEMP TABLE received (t tagset);
CREATE FUNCTION pg_temp.recv(b bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    file text := current_setting('data_directory') || '/tagset_recv';
    object oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0)
                                   || int2send(1::smallint) || int4send(length(b)) || b || int2send((-1)::smallint));
    message text; detail text;
BEGIN
    PERFORM lo_export(object, file), lo_unlink(object);
    DELETE FROM received;
    EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
    RETURN (SELECT t::text FROM received);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, nullif(detail, ''));
END $$;

-- COPY BINARY out and in again
CREATE TEMP TABLE sent (t tagset);
INSERT INTO sent VALUES ('empty'), ('5'), ('5*0.4@2026-03-01/2026-06-01~90,7'), ('1@1900-01-01/9999-12-31~36500,2147483647*100000');
INSERT INTO sent SELECT tags_agg(tag_add('empty', n * 13, CASE WHEN n % 3 = 0 THEN n / 8.0 END, '2026-01-01'::date + n % 17,
                                         CASE WHEN n % 5 > 0 THEN '2026-02-01'::date + n * 37 % 1000 END, n % 4 * 30))
FROM generate_series(1, 500) n;
DO $$
DECLARE
    file text := current_setting('data_directory') || '/tagset_copy';
BEGIN
    EXECUTE format('COPY sent TO %L (FORMAT binary)', file);
    EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
END $$;
SELECT count(*) AS sent, count(r.t) AS same FROM sent s LEFT JOIN received r ON r.t = s.t AND r.t::text = s.t::text;
SELECT bool_and(t::text::tagset = t) AS text_is_lossless FROM sent;

SELECT tagset_send('5*0.4@2026-03-01/2026-06-01~90,7');
CREATE FUNCTION pg_temp.tag(id int, weight int, since int, until int, half_life int) RETURNS bytea LANGUAGE sql AS $$
    SELECT int4send(id) || int4send(weight) || int4send(since) || int4send(until) || int4send(half_life)
$$;
SELECT what, pg_temp.recv(b) FROM (VALUES
    ('nothing', ''::bytea),
    ('none', '\x0000'),
    ('one', '\x0001' || pg_temp.tag(5, 10000, -2147483648, 2147483647, 0)),
    ('unsorted', '\x0002' || pg_temp.tag(6, 1, 9000, 9001, 30) || pg_temp.tag(5, 10000, 9000, 9001, 0)),
    ('twice', '\x0002' || pg_temp.tag(5, 10000, 9000, 9001, 0) || pg_temp.tag(5, 10000, 9000, 9001, 0)),
    ('cut short', '\x0001' || substr(pg_temp.tag(5, 10000, 9000, 9001, 0), 1, 10)),
    ('one missing', '\x0002' || pg_temp.tag(5, 10000, 9000, 9001, 0)),
    ('trailing', '\x000000'),
    ('too many', '\xffff'),
    ('more than may be', '\x1001'),
    ('tag 0', '\x0001' || pg_temp.tag(0, 10000, 9000, 9001, 0)),
    ('tag -1', '\x0001' || pg_temp.tag(-1, 10000, 9000, 9001, 0)),
    ('weight 0', '\x0001' || pg_temp.tag(5, 0, 9000, 9001, 0)),
    ('weight -1', '\x0001' || pg_temp.tag(5, -1, 9000, 9001, 0)),
    ('weight', '\x0001' || pg_temp.tag(5, 1000000001, 9000, 9001, 0)),
    ('half-life', '\x0001' || pg_temp.tag(5, 10000, 9000, 9001, 36501)),
    ('half-life -1', '\x0001' || pg_temp.tag(5, 10000, 9000, 9001, -1)),
    ('half-life of no day', '\x0001' || pg_temp.tag(5, 10000, -2147483648, 9001, 1)),
    ('until not after since', '\x0001' || pg_temp.tag(5, 10000, 9000, 9000, 0)),
    ('since infinity', '\x0001' || pg_temp.tag(5, 10000, 2147483647, 2147483647, 0)),
    ('until -infinity', '\x0001' || pg_temp.tag(5, 10000, -2147483648, -2147483648, 0)),
    ('first day', '\x0001' || pg_temp.tag(5, 10000, '1900-01-01'::date - '2000-01-01'::date, '1900-01-02'::date - '2000-01-01'::date, 0)),
    ('before it', '\x0001' || pg_temp.tag(5, 10000, '1899-12-31'::date - '2000-01-01'::date, '1900-01-02'::date - '2000-01-01'::date, 0)),
    ('last day', '\x0001' || pg_temp.tag(5, 10000, 0, '9999-12-31'::date - '2000-01-01'::date, 0)),
    ('after it', '\x0001' || pg_temp.tag(5, 10000, 0, '10000-01-01'::date - '2000-01-01'::date, 0))
) v (what, b);

-- ---- storage ----

BEGIN;
CREATE CAST (tagset AS bytea) WITHOUT FUNCTION;
CREATE CAST (bytea AS tagset) WITHOUT FUNCTION;
SELECT t, t::bytea FROM (VALUES
    ('empty'::tagset),
    ('5'),
    ('5,6,300'),
    ('5*0.4@2026-03-01/2026-06-01~90'),
    ('5@2026-03-01/2026-06-01~90,6@2026-03-01/2026-06-01~90,7@2026-03-05/2026-06-05'),
    ('5/1999-12-31'),
    ('2147483647')
) v (t);
SELECT b, pg_temp.failure(format('SELECT %L::bytea::member.tagset::text', b)) FROM (VALUES
    ('\x'), ('\x01'), ('\x0100'), ('\x0200'), ('\x010100'),
    ('\x010001'),                          -- no ids
    ('\x0100010400'), ('\x0100010480'),    -- trailing; reserved bit
    ('\x01000104'),                        -- no fields
    ('\x010001fffffff70f'), ('\x010001ffffffff0700'), ('\x010001feffffff0700'), ('\x010002feffffff07000000'), -- ids to 2^31 - 1
    ('\x010001ffffffff1f00'), ('\x010001ffffffffff0000'), -- no number
    ('\x01008120'), ('\x0100ffffffffffffffffff01'),       -- number of tags
    ('\x0100010402'), ('\x0100010408'), ('\x0100010420'), -- as given last, when nothing was
    ('\x0100010406'), ('\x0100010418'), ('\x0100010460'), -- no code
    ('\x0100010404'), ('\x010001040480'),                 -- cut short
    ('\x0100010404feffffffffffffffff01'), ('\x01000104049ad8c602'), ('\x010001040400'), -- days
    ('\x0100010414000a'), ('\x01000104140000'), ('\x01000104140080808080808080808001'),  -- until
    ('\x010001044400019c'), ('\x0100010444001e'), ('\x01000104440000'), ('\x0100010444009e9d02'), ('\x01000104401e'), -- half-life
    ('\x010001040100'), ('\x01000104018094ebdc03'), ('\x01000104018194ebdc03') -- weight
) v (b);
-- what never raises, does not of these either: nothing is there, but of a later format anything may be
SELECT b, b::bytea::tagset ? 5 AS has, b::bytea::tagset && '{5}'::int[] AS overlaps, b::bytea::tagset @> '{5}'::int[] AS contains, tag_count(b::bytea::tagset)
FROM (VALUES ('\x'), ('\x01'), ('\x0200'), ('\x010001'), ('\x0100020480'), ('\x0100ffffffff0f04'), ('\x010004040404')) v (b);
ROLLBACK;

-- 30 tags: of one day and one lifetime; as they come; of no days
SELECT what, pg_column_size(tags_agg(t)) AS bytes FROM (
    SELECT 'alike' AS what, tag_add('empty', n * 7 - 3, NULL, '2026-03-01', '2026-05-01', 30) AS t FROM generate_series(1, 30) n
    UNION ALL
    SELECT 'mixed', tag_add('empty', n * 7 - 3, CASE WHEN n % 6 = 0 THEN 0.1 + n / 40.0 END, '2026-03-01'::date - n * n * 7 % 90,
                            CASE WHEN n > 10 THEN '2026-03-01'::date - n * n * 7 % 90 + CASE WHEN n > 20 THEN 62 ELSE 182 END END,
                            CASE WHEN n > 20 THEN 90 WHEN n > 10 THEN 30 END) FROM generate_series(1, 30) n
    UNION ALL
    SELECT 'worst', tag_add('empty', n * 70000000, 10000.0001 + n, '1900-01-01'::date + n % 2 * 2900000, '9999-12-31'::date - n % 2, 36000 + n)
    FROM generate_series(1, 30) n
    UNION ALL
    SELECT 'ids', tag_add('empty', n * 7 - 3) FROM generate_series(1, 30) n) v GROUP BY what ORDER BY what;

-- ---- comparison ----

SELECT a, b, a = b AS eq, a <> b AS ne, tagset_hash(a) = tagset_hash(b) AS hash,
       tagset_hash_extended(a, 0) = tagset_hash_extended(b, 0) AS hash0, tagset_hash_extended(a, 0) = tagset_hash_extended(b, 7) AS seed
FROM (VALUES
    ('empty'::tagset, 'empty'::tagset),
    ('5,6', '6,5'),
    ('5*1@-infinity/infinity', '5'),
    ('5@2026-03-01~0', '5@2026-03-01'),
    ('5', 'empty'), ('5', '6'), ('5', '5,6'), ('5', '5*2'),
    ('5', '5@2026-03-01'), ('5', '5/2026-03-01'), ('5@2026-03-01', '5@2026-03-01~1')
) v (a, b);
-- group, distinct and join by hash
SET enable_sort = off;
SELECT t, count(*) FROM (VALUES ('5,6'::tagset), ('6,5'), ('5')) v (t) GROUP BY t ORDER BY t::text;
RESET enable_sort;
SET enable_nestloop = off; SET enable_mergejoin = off;
SELECT count(*) FROM sent a JOIN sent b ON a.t = b.t;
RESET enable_nestloop; RESET enable_mergejoin;

-- ---- making and changing ----

SELECT to_tagset('{}'), to_tagset('{5,3,5,9}'), to_tagset('{{1,2},{2,3}}'), to_tagset(NULL);
SELECT tag_add('empty', 5), tag_add('5*2@2026-01-01/2026-02-01~9,7', 5) AS replaced, tag_add('4,6', 5, 0.5, '2026-03-01', '2026-06-01', 30);
SELECT tag_add('empty', 5, day => '-infinity', until => 'infinity', half_life => 0), tag_add('empty', 5, until => '2026-06-01');
SELECT w, tag_add('empty', 5, w) FROM (VALUES (1), (0.00006), (0.0001), (0.33333333), (0.99995), (0.999949), (100000), (100000.00004), (1e-4)) v (w);
SELECT call, pg_temp.failure(format('SELECT member.tag_add(%s)', call)) FROM (VALUES
    ('NULL, 5'), ($$'empty', NULL$$), ($$'empty', 0$$), ($$'empty', -5$$), ($$'empty', -2147483648$$),
    ($$'empty', 5, 0$$), ($$'empty', 5, -1$$), ($$'empty', 5, 0.00004999$$), ($$'empty', 5, 100000.00006$$), ($$'empty', 5, 'nan'$$),
    ($$'empty', 5, 'infinity'$$), ($$'empty', 5, '-infinity'$$), ($$'empty', 5, 1e300$$),
    ($$'empty', 5, day => 'infinity'$$), ($$'empty', 5, until => '-infinity'$$), ($$'empty', 5, day => '1899-12-31'$$), ($$'empty', 5, until => '10000-01-01'$$),
    ($$'empty', 5, 1, '2026-03-01', '2026-03-01'$$), ($$'empty', 5, 1, '2026-03-02', '2026-03-01'$$),
    ($$'empty', 5, 1, '2026-03-01', NULL, -1$$), ($$'empty', 5, 1, '2026-03-01', NULL, 36501$$), ($$'empty', 5, half_life => 30$$),
    ($$(SELECT member.to_tagset(array_agg(n)) FROM generate_series(1, 4096) n), 4097$$), ($$(SELECT member.to_tagset(array_agg(n)) FROM generate_series(1, 4096) n), 4096$$)
) v (call);
SELECT pg_temp.failure($$SELECT member.to_tagset('{5,NULL}')$$) AS null_id, pg_temp.failure($$SELECT member.to_tagset('{5,0}')$$) AS zero,
       pg_temp.failure($$SELECT member.to_tagset(array_agg(n)) FROM generate_series(1, 4097) n$$) AS many;

SELECT tag_drop('5*2@2026-01-01,6,7', 5), tag_drop('5,6', 7), tag_drop('5', 5), tag_drop('5', -1), tag_drop('empty', 5);
SELECT tags_drop('5*2,6,7,9', '{9,5,8,5}'), tags_drop('5,6', '{}'), tags_drop('5,6', '{NULL,6}'), tags_drop('5', '{4,5,6}');
SELECT call, pg_temp.failure('SELECT member.' || call) FROM (VALUES
    ('tag_drop(NULL, 5)'), ($$tag_drop('5', NULL)$$), ('tags_drop(NULL, ARRAY[5])'), ($$tags_drop('5', NULL)$$)) v (call);

-- together: set later, then the later end, then the heavier, then the slower to decay
SELECT a, b, a + b AS sum, a + b = b + a AS commutes, a + b + b = a + b AS idempotent FROM (VALUES
    ('empty'::tagset, 'empty'::tagset),
    ('1,3,5', '2,4,6'),
    ('1,2,3', '2,3,4'),
    ('5', 'empty'),
    ('5*9/2026-12-31', '5*2@2026-01-01/2026-02-01'),
    ('5*9@2026-01-01', '5*2@2026-01-02/2026-02-01'),
    ('5*9@2026-01-01/2026-02-01', '5*2@2026-01-01/2026-02-02'),
    ('5*9@2026-01-01/2026-02-01', '5*2@2026-01-01'),
    ('5*9@2026-01-01~30', '5*2@2026-01-01'),
    ('5*2@2026-01-01~30', '5*2@2026-01-01'),
    ('5*2@2026-01-01~30', '5*2@2026-01-01~60')
) v (a, b);
SELECT pg_temp.failure($$SELECT member.to_tagset(array_agg(n)) OPERATOR(member.+) '4097' FROM generate_series(1, 4096) n$$);
SELECT tags_agg(t) AS of_none FROM sent WHERE false;
SELECT tags_agg(t) AS of_nulls FROM (VALUES (NULL::tagset), ('5'), (NULL), ('6')) v (t);

-- the same in parallel, also where one worker has little and another much
CREATE TABLE public.many (g int, t tagset) WITH (parallel_workers = 4);
INSERT INTO public.many SELECT n % 10, format('%s*%s@%s/%s,%s@%s~%s', n % 97 + 1, n % 7 + 1, '2026-01-01'::date + n % 700, '2028-01-01'::date + n % 13,
                                             n % 89 + 200, '2026-01-01'::date + n * 7 % 700, n % 11)::tagset
FROM generate_series(1, 20000) n;
INSERT INTO public.many VALUES (99, '2147483647');
ANALYZE public.many;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4; SET parallel_leader_participation = off;
EXPLAIN (costs off) SELECT tags_agg(t) FROM public.many;
CREATE TEMP TABLE together AS SELECT tags_agg(t) AS t FROM public.many;
CREATE TEMP TABLE by_group AS SELECT g, tags_agg(t) AS t FROM public.many GROUP BY g;
SET max_parallel_workers_per_gather = 0;
SELECT tags_agg(t) = (SELECT t FROM together) AS same, tag_count(tags_agg(t)) FROM public.many;
SELECT count(*), bool_and(b.t = s.t) AS same
FROM by_group b JOIN (SELECT g, tags_agg(t) AS t FROM public.many GROUP BY g) s USING (g);
-- and as rows
SELECT count(*) AS tags, count(*) FILTER (WHERE x IS DISTINCT FROM y) AS different
FROM (SELECT u.* FROM together t, unnest(t.t) u) x
FULL JOIN (SELECT DISTINCT ON (u.tag) u.* FROM public.many m, unnest(m.t) u
           ORDER BY u.tag, u.since DESC NULLS LAST, u.until DESC NULLS FIRST, u.weight DESC, nullif(u.half_life, 0) DESC NULLS FIRST) y USING (tag);
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather; RESET parallel_leader_participation;
DROP TABLE public.many;

-- ---- reading ----

SELECT * FROM unnest('5*0.4@2026-03-01/2026-06-01~90,7,9/2026-06-01,11*100000@2026-01-01'::tagset);
SELECT * FROM unnest('empty'::tagset);
SELECT t, tag_count(t), tag_ids(t) FROM (VALUES ('empty'::tagset), ('5'), ('2147483647,7*2@2026-01-01/2026-01-02')) v (t);

-- one day before, at and one after each boundary
SELECT d::date AS day, live(t, d::date), is_live(t, 1, d::date) AS live1, next_change(t, d::date),
       weight(t, 1, d::date) AS weight1, weight(t, 2, d::date) AS weight2, weight(t, 3, d::date) AS weight3, weight(t, 9, d::date) AS weight9
FROM (SELECT '1*2@2026-03-08/2026-03-12~1,2*0.5/2026-03-10,3*4@2026-03-10~2,4@2026-03-09,5,6@2026-03-08/2026-03-09'::tagset AS t) v,
     generate_series('2026-03-06'::date, '2026-03-13', '1 day') d;
SELECT n AS days, weight('5*0.4@2026-03-01~90', 5, '2026-03-01'::date + n) FROM (VALUES (0), (1), (45), (90), (180), (900), (90000), (120000)) v (n);
SELECT weight('5@1900-01-01~1', 5, '9999-12-31') AS nothing_left, weight('5*100000@1900-01-01~36500', 5, '9999-12-31') AS a_little;
SELECT next_change(t, '2026-03-01'), next_change(t, '9999-12-31'), next_change(t, '1900-01-01') FROM (VALUES
    ('empty'::tagset), ('5'), ('5@2026-03-01'), ('5@2026-03-02'), ('5/2026-03-01'), ('5/2026-03-02'), ('5@1900-01-01/9999-12-31'), ('5@1900-01-02,6@2026-03-05/2026-03-06,7/2026-03-04')) v (t);
-- strict: a null argument, a null answer
SELECT weight(NULL, 5, '2026-01-01'), weight('5', NULL, '2026-01-01'), weight('5', 5, NULL), live('5', NULL), is_live('5', NULL, '2026-01-01'),
       next_change('5', NULL), tag_count(NULL), tag_ids(NULL), NULL + '5'::tagset AS sum;
-- what is no day of the calendar
SELECT call, pg_temp.failure('SELECT ' || call) FROM (VALUES
    ($$member.weight('5', 5, 'infinity')$$), ($$member.live('5', '-infinity')$$), ($$member.is_live('5', 5, 'infinity')$$), ($$member.next_change('5', 'infinity')$$),
    ($$member.weight('empty', 5, '1899-12-31')$$), ($$member.live('5', '10000-01-01')$$)
) v (call);

-- ---- presence: days and weights do not matter ----

SELECT t, id, t ? id AS has FROM (VALUES ('5/1999-01-01,7,300'::tagset, 5), ('5,7,300', 6), ('5,7,300', 300), ('5,7,300', 301), ('5,7,300', 0), ('5,7,300', -7), ('empty', 5)) v (t, id);
SELECT a, b, a @> b AS contains, a <@ b AS contained, a && b AS overlaps,
       a @> tag_ids(b) AS contains_array, a <@ tag_ids(b) AS contained_array, a && tag_ids(b) AS overlaps_array,
       tag_ids(b) <@ a AS array_contained, tag_ids(b) @> a AS array_contains, tag_ids(b) && a AS array_overlaps
FROM (VALUES
    ('empty'::tagset, 'empty'::tagset), ('5', 'empty'), ('empty', '5'), ('5', '5*2@2026-01-01/2026-02-01'), ('5,6', '6'), ('6', '5,6'), ('5,6', '6,7'),
    ('5,6', '7,8'), ('1,2,3,4,5,6', '2,4,6'), ('2,4,6', '1,3,5'), ('1,300,70000', '300'), ('1,300,70000', '299,301,70000'), ('2147483647', '2147483647')
) v (a, b);
SELECT a, a @> '5,6' AS contains, a <@ '5,6,7' AS contained, a && '6,9' AS overlaps FROM (VALUES ('5,6'::tagset), ('6'), ('7')) v (a);
-- arrays as they come: unsorted, twice, with nulls, with what is no tag
SELECT i, t @> i AS contains, t <@ i AS contained, t && i AS overlaps FROM (VALUES
    ('5,6'::tagset, '{6,5,6}'::int[]), ('5,6', '{}'), ('5,6', '{NULL}'), ('5,6', '{5,NULL}'), ('5,6', '{6,NULL,5}'), ('5,6', '{-1,0,5}'), ('5,6', '{{5,6},{7,8}}'), ('empty', '{NULL}')) v (t, i);

-- ---- the index ----

SELECT o.opcname, m.amname, amvalidate(o.oid) FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod WHERE o.opcintype = 'tagset'::regtype ORDER BY 1;
SELECT amopstrategy, amopopr::regoperator FROM pg_amop WHERE amopfamily = (SELECT opcfamily FROM pg_opclass WHERE opcname = 'tagset_ops') ORDER BY 1;
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_operator o ON o.oprcode = p.oid
WHERE 'tagset'::regtype IN (o.oprleft, o.oprright) AND o.oprname NOT IN ('=', '<>', '+') AND NOT p.proleakproof;

CREATE TABLE public.member_tags (m int PRIMARY KEY, tags tagset);
INSERT INTO public.member_tags SELECT m, to_tagset(ARRAY(SELECT DISTINCT (1 + m * n * 31 % (20 + m % 181))::int FROM generate_series(1, m % 40) n)) FROM generate_series(1, 4000) m;
INSERT INTO public.member_tags SELECT m, NULL FROM generate_series(4001, 4100) m;
CREATE INDEX member_tags_tags ON public.member_tags USING gin (tags tagset_ops);
ANALYZE public.member_tags;

CREATE TEMP TABLE condition (n serial, c text);
INSERT INTO condition (c) VALUES ('tags ? 5'), ('tags ? 999'), ('tags ? 0'),
    ('tags @> ''5,6'''), ('tags @> ''5*2@2026-01-01'''), ('tags @> ''empty'''), ('tags @> ''5,999'''),
    ('tags && ''5,6'''), ('tags && ''empty'''), ('tags && ''998,999'''),
    ('tags <@ ''1,2,3,4,5,6,7,8,9,10'''), ('tags <@ ''empty'''), ('tags <@ ''999'''),
    ('tags @> ''{6,5,6}''::int[]'), ('tags @> ''{}''::int[]'), ('tags @> ''{5,NULL}''::int[]'), ('tags @> ''{NULL}''::int[]'),
    ('tags && ''{6,5,NULL}''::int[]'), ('tags && ''{}''::int[]'), ('tags && ''{NULL}''::int[]'),
    ('tags <@ ''{1,2,3,4,5,NULL}''::int[]'), ('tags <@ ''{}''::int[]'),
    ('''{5,6}''::int[] <@ tags'), ('''{5,6}''::int[] && tags'), ('''{1,2,3,4,5}''::int[] @> tags'), ('''5,6''::tagset <@ tags'),
    ('tags ? 5 AND NOT tags ? 6'), ('tags ? 5 OR tags @> ''7,8'''), ('tags ? NULL'), ('tags && NULL::tagset');
-- rows found by a sequential scan and by the index, and whether the index was used
CREATE FUNCTION pg_temp.both(c text, OUT scan text, OUT index text, OUT indexed boolean) LANGUAGE plpgsql AS $$
DECLARE
    q text := 'SELECT count(*) || '' '' || coalesce(sum(m), 0) FROM public.member_tags WHERE ' || c;
    plan text;
BEGIN
    SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off;
    SET LOCAL enable_bitmapscan = off;
    EXECUTE q INTO scan;
    SET LOCAL enable_bitmapscan = on; SET LOCAL enable_seqscan = off;
    EXECUTE q INTO index;
    EXECUTE 'EXPLAIN (FORMAT json) ' || q INTO plan;
    indexed := plan LIKE '%member_tags_tags%';
    SET LOCAL enable_seqscan = on;
END $$;
SELECT c, (pg_temp.both(c)).* FROM condition ORDER BY n;

-- ---- statistics and estimates ----

SELECT null_frac > 0.02 AS nulls, n_distinct, cardinality(most_common_elems::text::int[]) AS common, cardinality(most_common_elem_freqs) - 2 AS shares
FROM pg_stats WHERE tablename = 'member_tags' AND attname = 'tags';
SELECT count(*) AS tags, count(*) FILTER (WHERE abs(found - share) > 0.0001) AS different
FROM (SELECT e, f AS share FROM pg_stats s, unnest(s.most_common_elems::text::int[], s.most_common_elem_freqs[:cardinality(s.most_common_elem_freqs) - 2]) u (e, f)
      WHERE tablename = 'member_tags' AND attname = 'tags') x
FULL JOIN (SELECT e, count(*) / 4000.0 AS found FROM public.member_tags, unnest(tag_ids(tags)) e GROUP BY e) y USING (e);
CREATE FUNCTION pg_temp.estimated(c text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM public.member_tags WHERE ' || c INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
SELECT c, split_part((pg_temp.both(c)).scan, ' ', 1)::int AS rows, pg_temp.estimated(c) FROM condition ORDER BY n;
-- of an expression and of a value not known nothing is known
SELECT pg_temp.estimated('to_tagset(tag_ids(tags)) ? 5') AS expression, pg_temp.estimated('tags ? m') AS variable;
-- a rare tag by the index, a common one by a scan
SET enable_bitmapscan = on;
EXPLAIN (costs off) SELECT FROM public.member_tags WHERE tags @> '199';
EXPLAIN (costs off) SELECT FROM public.member_tags WHERE NOT tags @> '199';
EXPLAIN (costs off) SELECT FROM public.member_tags WHERE tags @> '199,7';
EXPLAIN (costs off) SELECT FROM public.member_tags WHERE tags <@ '{1,2}'::int[];
EXPLAIN (costs off) SELECT FROM public.member_tags a JOIN public.member_tags b ON a.tags @> b.tags WHERE b.m < 2;

-- no rows, only nulls, only empty sets
CREATE TABLE public.no_tags (tags tagset);
ANALYZE public.no_tags;
INSERT INTO public.no_tags VALUES (NULL), (NULL);
ANALYZE public.no_tags;
SELECT null_frac, n_distinct, most_common_elems FROM pg_stats WHERE tablename = 'no_tags';
TRUNCATE public.no_tags;
INSERT INTO public.no_tags VALUES ('empty'), ('empty');
ANALYZE public.no_tags;
SELECT null_frac, n_distinct, most_common_elems FROM pg_stats WHERE tablename = 'no_tags';

-- changed rows are found by their tags of now
CREATE INDEX no_tags_tags ON public.no_tags USING gin (tags);
SET enable_seqscan = off;
UPDATE public.no_tags SET tags = tag_add(tags, 5, 2, '2026-01-01');
SELECT count(*) FROM public.no_tags WHERE tags ? 5;
UPDATE public.no_tags SET tags = tag_drop(tags, 5);
SELECT count(*) FROM public.no_tags WHERE tags ? 5;
SELECT count(*) FROM public.no_tags WHERE tags <@ '1';
RESET enable_seqscan;
DROP TABLE public.member_tags, public.no_tags;
