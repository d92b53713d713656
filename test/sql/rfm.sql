-- The types rfm, rfm_cuts and rfm_sketch: every operation, its boundaries and its errors.
SET search_path = member, public;
\set SHOW_CONTEXT never

-- what an expression gives, or its error with code, detail and hint
CREATE FUNCTION pg_temp.try(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    detail text;
    hint text;
BEGIN
    EXECUTE 'SELECT (' || expression || ')::text' INTO result;
    RETURN coalesce(result, 'null');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(hint, ''));
END
$$;

-- what the binary input of a type makes of some bytes: COPY is the way to it from SQL
CREATE FUNCTION pg_temp.receive(type regtype, bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    stream bytea := '\x5047434f50590aff0d0a000000000000000000' || '\x0001'::bytea || int4send(length(bytes)) || bytes || '\xffff'::bytea;
    octal text;
    result text;
    detail text;
    hint text;
BEGIN
    SELECT string_agg('\' || lpad((get_byte(stream, i) / 64)::text, 1) || (get_byte(stream, i) / 8 % 8) || (get_byte(stream, i) % 8), '' ORDER BY i)
    INTO octal FROM generate_series(0, length(stream) - 1) i;
    EXECUTE format('CREATE TEMPORARY TABLE received (v %s)', type);
    EXECUTE format('COPY pg_temp.received FROM PROGRAM %L (FORMAT binary)', 'printf ''' || octal || '''');
    SELECT v::text INTO result FROM pg_temp.received;
    DROP TABLE pg_temp.received;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(hint, ''));
END
$$;

--
-- rfm
--
SELECT typlen, typbyval, typalign, typstorage FROM pg_type WHERE oid = 'rfm'::regtype;
SELECT '5-4-3'::rfm, ' 1 - 99-12 '::rfm, rfm(7, 8, 9), r('7-8-9'::rfm), f('7-8-9'::rfm), m('7-8-9'::rfm);
SELECT input, pg_temp.try(format('%L::rfm', input))
FROM (VALUES (''), ('5'), ('5-4'), ('5-4-'), ('5-4-3-2'), ('a-4-3'), ('5/4/3'), ('5--4-3'), ('0-4-3'), ('5-100-3'), ('5-4-99999999999'), ('5-4-3 x')) t (input);
SELECT input, pg_temp.try(input)
FROM (VALUES ('rfm(0, 1, 1)'), ('rfm(1, 100, 1)'), ('rfm(1, 1, -5)'), ('rfm(99, 99, 99)'), ('rfm(null, 1, 1)'), ('rfm(1, null, 1)'), ('rfm(1, 1, null)')) t (input);
SELECT rfm_send('5-4-99'), pg_temp.receive('rfm', rfm_send('5-4-99'));
SELECT bytes, pg_temp.receive('rfm', bytes)
FROM (VALUES ('\x'::bytea), ('\x0504'), ('\x05040302'), ('\x000403'), ('\x056403'), ('\x0504ff')) t (bytes);

SELECT a, b, a = b AS eq, a <> b AS ne, a < b AS lt, a <= b AS le, a > b AS gt, a >= b AS ge, rfm_cmp(a, b)
FROM (VALUES ('5-4-3'::rfm, '5-4-3'::rfm), ('5-4-3', '5-4-4'), ('5-4-3', '5-3-9'), ('5-4-3', '10-1-1'), ('99-99-99', '1-1-1')) t (a, b);
SELECT rfm_hash('5-4-3') = rfm_hash(rfm(5, 4, 3)) AS hash, rfm_hash_extended('5-4-3', 7) = rfm_hash_extended(rfm(5, 4, 3), 7) AS extended,
    rfm_hash('5-4-3') <> rfm_hash('5-3-4') AS apart;
CREATE TABLE scored AS SELECT rfm(r, f, m) AS score FROM generate_series(1, 12) r, generate_series(1, 12) f, generate_series(1, 12) m;
SELECT count(DISTINCT score), count(*) FROM scored;
SELECT count(*) FROM (SELECT score, lag(score) OVER (ORDER BY r(score), f(score), m(score)) AS before FROM scored) t WHERE before >= score;
CREATE INDEX scored_score ON scored (score);
CREATE INDEX scored_hash ON scored USING hash (score);
ANALYZE scored;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM scored WHERE score >= '11-12-12';
SELECT count(*) FROM scored WHERE score >= '11-12-12';
SELECT count(*) FROM scored a JOIN scored b USING (score);
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT opcname, amvalidate(oid) FROM pg_opclass WHERE opcname LIKE 'rfm%' ORDER BY 1;

--
-- rfm_cuts: text and binary
--
SELECT input, pg_temp.try(format('%L::rfm_cuts', input))
FROM (VALUES ('n=1000 r(365,180,90,30) f(2,3,5,10) m(9900,20000,50000,120000)'),
    (' n = 5  r ( 3 , 3 ) f(*,*) m ~ ( -7,-7 ,* ) '),
    ('n=0 r() f() m()'),
    ('n=10000000000000000 r(2147483647,0) f(0,9223372036854775807) m(-9223372036854775808,9223372036854775807)')) t (input);
SELECT input, pg_temp.try(format('%L::rfm_cuts', input))
FROM (VALUES (''), ('x=1'), ('n 1'), ('n=x'), ('n=-1 r() f() m()'), ('n=10000000000000001 r() f() m()'), ('n=1'), ('n=1 f()'), ('n=1 r'), ('n=1 r('), ('n=1 r(1'), ('n=1 r(1,)'),
    ('n=1 r(*,1) f() m()'), ('n=1 r() f() m() x'), ('n=1 r(1,2) f() m()'), ('n=1 r() f(2,1) m()'), ('n=1 r() f() m(2,1)'),
    ('n=1 r(-1) f() m()'), ('n=1 r(2147483648) f() m()'), ('n=1 r() f(-1) m()'), ('n=1 r() f() m(9223372036854775808)'),
    ('n=1 r~() f() m()'), ('n=1 r() f~(*) m()')) t (input);
SELECT left(pg_temp.try(format('%L::rfm_cuts', 'n=1 r() f(' || (SELECT string_agg(i::text, ',') FROM generate_series(1, 98) i) || ') m()')), 30) AS "98",
    right(pg_temp.try(format('%L::rfm_cuts', 'n=1 r() f(' || (SELECT string_agg(i::text, ',') FROM generate_series(1, 99) i) || ') m()')), 60) AS "99";
SELECT pg_temp.receive('rfm_cuts', rfm_cuts_send(c)) = c::text AS same, length(rfm_cuts_send(c)), pg_column_size(c)
FROM (VALUES ('n=1000 r(365,180,90,30) f(2,3,5,10) m(9900,20000,50000,120000)'::rfm_cuts), ('n=5 r(3,3) f(*,*) m~(-7,-7,*)'), ('n=0 r() f() m()')) t (c);
SELECT what, pg_temp.receive('rfm_cuts', bytes)
FROM (VALUES ('nothing', '\x'::bytea),
    ('members only', '\x0000000000000001'),
    ('no bins', '\x0000000000000001 000000 010000 010000'),
    ('100 bins', '\x0000000000000001 010000 640000 010000'),
    ('as many cuts as bins', '\x0000000000000001 010001 0000000000000001 010000 010000'),
    ('99 cuts', '\x0000000000000001 630063'),
    ('flag 2', '\x0000000000000001 020200'),
    ('approximate nothing', '\x0000000000000001 010000 020100 010000'),
    ('order', '\x0000000000000001 010000 030002 0000000000000005 0000000000000004 010000'),
    ('negative days', '\x0000000000000001 020001 ffffffffffffffff 010000 010000'),
    ('negative members', '\xffffffffffffffff 010000 010000 010000'),
    ('one byte more', '\x0000000000000001 010000 010000 010000 00'),
    ('one byte less', '\x0000000000000001 010000 010000 0100'),
    ('right', '\x0000000000000001 020001 0000000000000009 010000 010000')) t (what, bytes);
SELECT a = b AS eq, a <> b AS ne, rfm_cuts_hash(a) = rfm_cuts_hash(b) AS hash, rfm_cuts_hash_extended(a, 3) = rfm_cuts_hash_extended(b, 3) AS extended
FROM (VALUES ('n=1 r(3) f() m()'::rfm_cuts, ' n=1 r( 3) f() m() '::rfm_cuts), ('n=1 r(3) f() m()', 'n=1 r(4) f() m()'), ('n=1 r(3) f() m()', 'n=1 r(3) f() m(*)')) t (a, b);
SELECT count(*) FROM (VALUES ('n=1 r(3) f() m()'::rfm_cuts), ('n=1 r(3) f() m()'), ('n=2 r(3) f() m()')) t (c) GROUP BY c ORDER BY 1;

--
-- own thresholds and scores
--
CREATE TABLE own AS SELECT rfm_cuts('{30,90,180,365}', '{2,3,5,10}', '{9900,20000,50000,120000}') AS cuts;
SELECT cuts, rfm_members(cuts), rfm_bins(cuts), rfm_error(cuts), rfm_collapsed(cuts), pg_column_size(cuts) < 200 AS small FROM own;
SELECT t.* FROM own, rfm_thresholds(cuts) t;
SELECT days, orders, money, rfm_score(cuts, days, orders, money) FROM own,
    (VALUES (0, 0, 0), (30, 1, 9899), (31, 2, 9900), (90, 2, 19999), (91, 3, 20000), (180, 4, 49999), (181, 5, 50000), (365, 9, 119999), (366, 10, 120000),
        (2147483647, 9223372036854775807, 9223372036854775807), (-2147483648, -9223372036854775808, -9223372036854775808)) t (days, orders, money);
SELECT rfm_score(cuts, null, 1, 1), rfm_score(cuts, 1, null, 1), rfm_score(cuts, 1, 1, null), rfm_score(null, 1, 1, 1) FROM own;
SELECT input, pg_temp.try(input)
FROM (VALUES ('rfm_cuts(''{}'', ''{}'', ''{}'')'),
    ('rfm_cuts(''{0}'', ''{0}'', ''{-500,0,500}'')'),
    ('rfm_cuts(null, ''{}'', ''{}'')'), ('rfm_cuts(''{}'', null, ''{}'')'), ('rfm_cuts(''{}'', ''{}'', null)'),
    ('rfm_cuts(''{1,null}'', ''{}'', ''{}'')'),
    ('rfm_cuts(''{30,30}'', ''{}'', ''{}'')'), ('rfm_cuts(''{90,30}'', ''{}'', ''{}'')'), ('rfm_cuts(''{}'', ''{2,2}'', ''{}'')'), ('rfm_cuts(''{}'', ''{}'', ''{5,4}'')'),
    ('rfm_cuts(''{-1}'', ''{}'', ''{}'')'), ('rfm_cuts(''{}'', ''{-1}'', ''{}'')'),
    ('rfm_cuts(''{{1,2},{3,4}}'', ''{}'', ''{}'')'),
    ('rfm_bins(rfm_cuts(''{}'', array(SELECT generate_series(1, 98)::bigint), ''{}''))'),
    ('rfm_bins(rfm_cuts(''{}'', array(SELECT generate_series(1, 99)::bigint), ''{}''))')) t (input);
SELECT rfm_score(rfm_cuts('{}', array(SELECT generate_series(1, 98)::bigint), '{}'), 5, f, 5) FROM unnest('{0,1,50,97,98,99}'::bigint[]) f;
SELECT * FROM rfm_thresholds('n=9 r(90,30,30,*) f(*) m(-9223372036854775808,5)');
SELECT rfm_collapsed('n=9 r(5) f(5) m(5)'), rfm_collapsed('n=9 r(5,5) f(5) m(5)'), rfm_collapsed('n=9 r(5) f(*) m(5)'), rfm_collapsed('n=9 r() f() m()');
SELECT rfm_error('n=9 r(5) f(5) m(5)'), rfm_error('n=9 r(5) f(5) m~(5)');

--
-- the aggregate: score = 1 + floor(bins * members with a worse value / members)
--
CREATE TABLE member_values (id int, recency int, frequency bigint, monetary bigint);
INSERT INTO member_values VALUES (1, 3, 12, 98000), (2, 10, 1, 9900), (3, 15, 1, 9900), (4, 40, 2, 19800), (5, 41, 1, 15000),
    (6, 90, 3, 30000), (7, 100, 1, 9900), (8, 200, 7, 71000), (9, 365, 1, 500), (10, 700, 1, 9900), (11, null, 0, 0), (12, null, null, null);
SELECT rfm_cuts_agg(recency, frequency, monetary) FROM member_values;
SELECT rfm_cuts_agg(recency, frequency, monetary, '{3,2,10}') FROM member_values;
SELECT id, recency, frequency, monetary, rfm_score(cuts, recency, frequency, monetary)
FROM member_values, (SELECT rfm_cuts_agg(recency, frequency, monetary) AS cuts FROM member_values) c ORDER BY id;
SELECT rfm_members(cuts), rfm_collapsed(cuts), rfm_error(cuts) FROM (SELECT rfm_cuts_agg(recency, frequency, monetary) AS cuts FROM member_values) c;
-- none, one, all alike, two, only members without purchase
SELECT rfm_cuts_agg(recency, frequency, monetary) IS NULL AS none FROM member_values WHERE false;
SELECT rfm_cuts_agg(recency, frequency, monetary) IS NULL AS none FROM member_values WHERE id > 10;
SELECT rfm_cuts_agg(recency, frequency, monetary) FROM member_values WHERE id = 1;
SELECT rfm_cuts_agg(5, 5, 5) FROM generate_series(1, 1000);
SELECT rfm_cuts_agg(i, i, i) FROM generate_series(1, 2) i;
SELECT rfm_cuts_agg(i, i, i, '{2,2,2}') FROM generate_series(1, 2) i;
SELECT rfm_cuts_agg(i, i, i, '{1,1,1}') FROM generate_series(1, 2) i;
SELECT rfm_bins(rfm_cuts_agg(i, i, i, '{99,99,99}')) FROM generate_series(1, 1000) i;
-- the ends of the ranges, refunds above purchases
SELECT rfm_cuts_agg(r, f, m, '{2,2,3}') FROM (VALUES (0, 0, -9223372036854775808), (2147483647, 9223372036854775807, 0), (5, 5, 9223372036854775807)) t (r, f, m);
SELECT rfm_cuts_agg(1, 1, m, '{1,1,4}') FROM unnest('{-300,-300,-20,0,0,0,40,500}'::bigint[]) m;
-- bins null: five each
SELECT rfm_cuts_agg(i, i, i, null) = rfm_cuts_agg(i, i, i) AS eq FROM generate_series(1, 20) i;
SELECT rfm_cuts_agg(recency, frequency, monetary, '{2,2,2}') OVER (ORDER BY id) FROM member_values WHERE id <= 4;
SELECT id % 2 AS odd, rfm_cuts_agg(recency, frequency, monetary, '{2,2,2}') FROM member_values GROUP BY 1 ORDER BY 1;
SELECT input, pg_temp.try(input)
FROM (VALUES ('rfm_sketch_add(null, 1, null, 1)'), ('rfm_sketch_add(null, 1, 1, null)'), ('rfm_sketch_add(null, null, null, null)'), ('rfm_sketch_add(null, null, null, null, ''{0}'')'),
    ('rfm_sketch_add(null, -1, 1, 1)'), ('rfm_sketch_add(null, 1, -1, 1)'), ('rfm_sketch_add(null, 1, 1, -1)'), ('rfm_sketch_add(null, 1, 1, 1, null)'),
    ('rfm_sketch_add(null, 1, 1, 1, ''{}'')'), ('rfm_sketch_add(null, 1, 1, 1, ''{5,5}'')'), ('rfm_sketch_add(null, 1, 1, 1, ''{5,5,5,5}'')'), ('rfm_sketch_add(null, 1, 1, 1, ''{5,5,null}'')'),
    ('rfm_sketch_add(null, 1, 1, 1, ''{{5,5,5}}'')'), ('rfm_sketch_add(null, 1, 1, 1, ''{0,5,5}'')'), ('rfm_sketch_add(null, 1, 1, 1, ''{5,100,5}'')'), ('rfm_sketch_add(null, 1, 1, 1, ''{5,5,-1}'')'),
    ('rfm_sketch_add(''bins=5,5,5 r(1:1) f(1:1) m(1:1)'', null, 1, 1)'),
    ('rfm_sketch_add(''bins=5,5,5 r(1:1) f(1:1) m(1:1)'', 2, 1, 1, ''{5,5,4}'')'),
    ('rfm_sketch_add(''bins=5,5,5 r(1:10000000000000000) f(1:10000000000000000) m(1:10000000000000000)'', 2, 1, 1)')) t (input);
SELECT pg_temp.try('(SELECT rfm_cuts_agg(i, i, i, array[2, 2, i]) FROM generate_series(1, 2) i)');

--
-- rfm_sketch
--
SELECT rfm_sketch_agg(recency, frequency, monetary) FROM member_values;
SELECT rfm_sketch_agg(recency, frequency, monetary, '{3,2,10}') FROM member_values;
SELECT input, pg_temp.try(format('%L::rfm_sketch', input))
FROM (VALUES ('bins=5,5,5 r() f() m()'), (' bins = 5 , 4, 3 r(0:2, 2147483647:1)f(0:1,9223372036854775807:2) m(-9223372036854775808:1,0:1,9223372036854775807:1)'),
    ('bins=5,5,5 r(1:70000) f(1:70000) m~(-55296:1,0:69998,55295:1)'),
    (''), ('5,5,5'), ('bins=5,5'), ('bins=0,5,5 r() f() m()'), ('bins=5,100,5 r() f() m()'), ('bins=5,5,5 f()'), ('bins=5,5,5 r(1)'), ('bins=5,5,5 r(1:1'), ('bins=5,5,5 r(1:1,)'),
    ('bins=5,5,5 r(1:1) f(1:1) m(1:1) x'), ('bins=5,5,5 r(1:1) f(1:2) m(1:1)'), ('bins=5,5,5 r(1:1) f(1:1) m()'), ('bins=5,5,5 r(1:0) f() m()'), ('bins=5,5,5 r(1:-1) f() m()'),
    ('bins=5,5,5 r(1:10000000000000001) f() m()'), ('bins=5,5,5 r(1:9000000000000000,2:9000000000000000) f() m()'),
    ('bins=5,5,5 r(2:1,1:1) f() m()'), ('bins=5,5,5 r(1:1,1:1) f() m()'), ('bins=5,5,5 r(-1:1) f() m()'), ('bins=5,5,5 r(2147483648:1) f() m()'), ('bins=5,5,5 r(1:1) f(-1:1) m()'),
    ('bins=5,5,5 r~(1:1) f(1:1) m(1:1)'), ('bins=5,5,5 r(1:70000) f~(-1:70000) m()'), ('bins=5,5,5 r(1:70000) f~(55296:70000) m()'), ('bins=5,5,5 r~(22528:70000) f() m()'),
    ('bins=5,5,5 r(1:70000) f(1:70000) m~(-55297:70000)')) t (input);
SELECT pg_temp.try(format('%L::rfm_sketch', 'bins=5,5,5 r(1:65537) f(1:65537) m(' || string_agg(i || ':1', ',') || ')')) FROM generate_series(1, 65537) i;
SELECT pg_temp.receive('rfm_sketch', rfm_sketch_send(s)) = s::text AS same, length(rfm_sketch_send(s))
FROM (VALUES ('bins=5,5,5 r() f() m()'::rfm_sketch), ('bins=5,4,3 r(0:2,2147483647:1) f(0:1,9223372036854775807:2) m(-9223372036854775808:1,0:1,9223372036854775807:1)'),
    ('bins=5,5,5 r(1:70000) f(1:70000) m~(-55296:1,0:69998,55295:1)')) t (s);
SELECT what, pg_temp.receive('rfm_sketch', bytes)
FROM (VALUES ('nothing', '\x'::bytea),
    ('bins', '\x050005'), ('no measure', '\x050505'), ('flag', '\x050505 02 00000000'), ('entries', '\x050505 00 7fffffff'), ('entries promised', '\x050505 00 00000001'),
    ('count', '\x050505 00 00000001 0000000000000001 0000000000000000'),
    ('order', '\x050505 00 00000002 0000000000000002 0000000000000001 0000000000000001 0000000000000001'),
    ('range', '\x050505 00 00000001 ffffffffffffffff 0000000000000001'),
    ('bucket', '\x050505 01 00000001 00000000000fffff 0000000000011170'),
    ('too few for buckets', '\x050505 01 00000001 0000000000000001 0000000000000001'),
    ('sums', '\x050505 00 00000001 0000000000000001 0000000000000001 00 00000000 00 00000000'),
    ('one byte more', '\x050505 00 00000000 00 00000000 00 00000000 00'),
    ('right', '\x050505 00 00000000 00 00000000 00 00000000')) t (what, bytes);
SELECT a = b AS eq, a <> b AS ne, rfm_sketch_hash(a) = rfm_sketch_hash(b) AS hash, rfm_sketch_hash_extended(a, 3) = rfm_sketch_hash_extended(b, 3) AS extended
FROM (VALUES ('bins=5,5,5 r(1:1) f(1:1) m(1:1)'::rfm_sketch, rfm_sketch_add(null, 1, 1, 1)), ('bins=5,5,5 r(1:1) f(1:1) m(1:1)', rfm_sketch_add(null, 1, 1, 2))) t (a, b);
SELECT rfm_sketch_cuts('bins=5,5,5 r() f() m()') IS NULL AS none;
SELECT rfm_sketch_cuts(rfm_sketch_agg(recency, frequency, monetary)) = rfm_cuts_agg(recency, frequency, monetary) AS eq FROM member_values;

-- combining: null and the empty sketch change nothing, order does not matter, tiny with huge
SELECT input, pg_temp.try(input)
FROM (VALUES ('rfm_sketch_combine(null, null)'), ('rfm_sketch_combine(null, ''bins=5,5,5 r(1:1) f(1:1) m(1:1)'')'), ('rfm_sketch_combine(''bins=5,5,5 r(1:1) f(1:1) m(1:1)'', null)'),
    ('rfm_sketch_combine(''bins=5,5,5 r() f() m()'', ''bins=5,5,5 r(1:1) f(1:1) m(1:1)'')'),
    ('rfm_sketch_combine(''bins=5,5,5 r(1:1) f(1:1) m(1:1)'', ''bins=5,5,5 r(1:1,2:1) f(0:2) m(-1:1,1:1)'')'),
    ('rfm_sketch_combine(''bins=5,5,5 r(1:1) f(1:1) m(1:1)'', ''bins=5,5,5 r(9:9999999999999999) f(7:9999999999999999) m(7:9999999999999999)'')'),
    ('rfm_sketch_combine(''bins=5,5,5 r(1:2) f(1:2) m(1:2)'', ''bins=5,5,5 r(9:9999999999999999) f(7:9999999999999999) m(7:9999999999999999)'')'),
    ('rfm_sketch_combine(''bins=5,5,5 r(1:1) f(1:1) m(5000001:1)'', ''bins=5,5,5 r(9:80000) f(7:80000) m~(3:80000)'')'),
    ('rfm_sketch_combine(''bins=5,5,5 r(9:80000) f(7:80000) m~(3:80000)'', ''bins=5,5,5 r(1:1) f(1:1) m(5000001:1)'')'),
    ('rfm_sketch_combine(''bins=5,5,5 r(1:1) f(1:1) m(1:1)'', ''bins=5,5,4 r(1:1) f(1:1) m(1:1)'')')) t (input);
SELECT rfm_sketch_cuts('bins=99,5,5 r(1:1,9:9999999999999999) f(1:1,7:9999999999999999) m(1:1,7:9999999999999999)');
SELECT rfm_sketch_sum(s) FROM (SELECT rfm_sketch_agg(recency, frequency, monetary) AS s FROM member_values GROUP BY id % 3) t;
SELECT rfm_sketch_sum(s) = (SELECT rfm_sketch_agg(recency, frequency, monetary) FROM member_values) AS eq
FROM (SELECT rfm_sketch_agg(recency, frequency, monetary) AS s FROM member_values GROUP BY id) t;
-- a sketch in a variable is a value: changing a copy leaves it alone
DO $$
DECLARE
    a rfm_sketch;
    b rfm_sketch;
BEGIN
    SELECT rfm_sketch_agg(i, i, i) INTO a FROM generate_series(1, 3) i;
    b := a;
    b := rfm_sketch_add(b, 9, 9, 9);
    b := rfm_sketch_combine(b, b);
    RAISE INFO '% and %', a, b;
END
$$;
-- collapsing: 65536 distinct values are kept, one more makes buckets
SELECT rfm_error(rfm_cuts_agg(i % 1000, i % 30, 1000000 + i)) FROM generate_series(1, 65536) i;
SELECT rfm_error(rfm_cuts_agg(i % 1000, i % 30, 1000000 + i)), rfm_cuts_agg(i % 1000, i % 30, 1000000 + i) FROM generate_series(1, 65537) i;
-- stored out of line and read back
CREATE TABLE kept AS SELECT rfm_sketch_agg(i % 1000, i % 30, i::bigint * i) AS s FROM generate_series(1, 40000) i;
SELECT s = s::text::rfm_sketch AS text, rfm_sketch_cuts(s) = (SELECT rfm_cuts_agg(i % 1000, i % 30, i::bigint * i) FROM generate_series(1, 40000) i) AS cuts,
    s = (SELECT rfm_sketch_agg(i % 1000, i % 30, i::bigint * i) FROM generate_series(1, 40000) i) AS value FROM kept;

--
-- damaged values, and values of a newer version: bytes taken as they are
--
SET client_min_messages = error;
CREATE CAST (bytea AS rfm_cuts) WITHOUT FUNCTION;
CREATE CAST (bytea AS rfm_sketch) WITHOUT FUNCTION;
RESET client_min_messages;
SELECT what, pg_temp.try(format('%L::bytea::rfm_cuts', bytes)) AS text, pg_temp.try(format('rfm_score(%L::bytea::rfm_cuts, 1, 1, 1)', bytes)) AS score
FROM (VALUES ('nothing', '\x'::bytea), ('newer', '\x02'), ('short', '\x0100010101000000'), ('one cut too few', '\x0100 020101 010000 00 0100000000000000'), ('one byte too many', '\x0100 010101 000000 00 0100000000000000 00'),
    ('sound', '\x0100 010101 000000 00 0000000000000000')) t (what, bytes);
SELECT what, pg_temp.try(format('%L::bytea::rfm_sketch', bytes)) AS text, pg_temp.try(format('rfm_sketch_cuts(%L::bytea::rfm_sketch)', bytes)) AS cuts
FROM (VALUES ('nothing', '\x'::bytea), ('newer', '\x02'), ('short', '\x01000505'), ('bins', '\x0100 050005 00 00 00 00'), ('no measure', '\x0100 050505 00'), ('entry missing', '\x0100 050505 00 01'),
    ('count 0', '\x0100 050505 00 01 02 00'), ('count huge', '\x0100 050505 00 01 02 ffffffffffffffff7f'), ('long integer', '\x0100 050505 00 01 ffffffffffffffffffffff7f'), ('many entries', '\x0100 050505 00 ffffff7f'),
    ('bucket', '\x0100 050505 01 01 ffffffff07 01'), ('sums', '\x0100 050505 00 01 02 01 01 02 02 00'), ('sound', '\x0100 050505 00 01 02 01 01 02 01 01 02 01')) t (what, bytes);

--
-- a parallel plan counts as a serial one
--
CREATE TABLE many AS SELECT i % 730 AS recency, (i * 7919::bigint) % 23 AS frequency, (i * 104729::bigint) % 3000017 AS monetary FROM generate_series(1, 150000) i;
ANALYZE many;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial_result AS SELECT rfm_sketch_agg(recency, frequency, monetary, '{5,4,10}') AS s, rfm_cuts_agg(recency, frequency, monetary, '{5,4,10}') AS c FROM many;
CREATE TABLE serial_groups AS SELECT recency % 7 AS g, rfm_cuts_agg(recency, frequency, monetary) AS c FROM many GROUP BY 1;
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT rfm_cuts_agg(recency, frequency, monetary, '{5,4,10}') FROM many;
SELECT s = (SELECT rfm_sketch_agg(recency, frequency, monetary, '{5,4,10}') FROM many) AS sketch,
    c = (SELECT rfm_cuts_agg(recency, frequency, monetary, '{5,4,10}') FROM many) AS cuts FROM serial_result;
SELECT count(*) FROM (SELECT recency % 7 AS g, rfm_cuts_agg(recency, frequency, monetary) AS c FROM many GROUP BY 1) p FULL JOIN serial_groups s USING (g) WHERE p.c IS DISTINCT FROM s.c;
EXPLAIN (COSTS OFF) SELECT count(rfm_score('n=0 r(30) f(2) m(5)', recency, frequency, monetary)) FROM many;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET parallel_leader_participation;

--
-- groups
--
CREATE TABLE grid AS
SELECT bins, rfm_cuts(array(SELECT i FROM generate_series(1, bins - 1) i), array(SELECT i::bigint FROM generate_series(1, bins - 1) i), array(SELECT i::bigint FROM generate_series(1, bins - 1) i)) AS cuts
FROM generate_series(1, 6) bins;
-- from which scores a measure is high, and which thirds the scores are
SELECT bins, string_agg(s::text, ',' ORDER BY s) FILTER (WHERE rfm_value_group(rfm(s, s, s), cuts) = 1) AS high,
    string_agg(s::text, ',' ORDER BY s) FILTER (WHERE rfm_strategy_group(rfm(s, s, s), cuts) = 4) AS first_third,
    string_agg(s::text, ',' ORDER BY s) FILTER (WHERE rfm_strategy_group(rfm(1, bins, s), cuts) = 3) AS second_third,
    string_agg(s::text, ',' ORDER BY s) FILTER (WHERE rfm_strategy_group(rfm(s, s, s), cuts) = 1) AS last_third
FROM grid, generate_series(1, bins) s GROUP BY bins ORDER BY bins;
SELECT r, f, m, g, rfm_value_group_name(g), rfm_value_group_name(g, 'en'),
    g = rfm_value_group(rfm(r - 1, f - 1, m - 1), (SELECT cuts FROM grid WHERE bins = 4)) AS four
FROM unnest('{5,3}'::int[]) r, unnest('{5,3}'::int[]) f, unnest('{5,3}'::int[]) m, grid, rfm_value_group(rfm(r, f, m), cuts) g WHERE bins = 5 ORDER BY g;
SELECT s, g, rfm_strategy_group_name(g), rfm_strategy_group_name(g, 'en')
FROM unnest('{3-3-3,3-1-3,1-3-2,1-1-1,3-3-2,2-2-2,1-3-3,3-1-2,1-1-2}'::rfm[]) s, grid, rfm_strategy_group(s, cuts) g WHERE bins = 3;
-- every score in exactly one group
SELECT g, count(*) FROM grid, generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m, rfm_value_group(rfm(r, f, m), cuts) g WHERE bins = 5 GROUP BY g ORDER BY g;
SELECT g, count(*) FROM grid, generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m, rfm_strategy_group(rfm(r, f, m), cuts) g WHERE bins = 5 GROUP BY g ORDER BY g;
-- each measure has bins of its own
SELECT rfm_value_group('2-3-6', 'n=0 r(1) f(1,2) m(1,2,3,4,5,6,7,8,9)'), rfm_strategy_group('2-3-10', 'n=0 r(1) f(1,2) m(1,2,3,4,5,6,7,8,9)');
SELECT input, pg_temp.try(input)
FROM (VALUES ('rfm_value_group(''4-1-1'', ''n=0 r(2,1) f() m()'')'), ('rfm_value_group(''1-2-1'', ''n=0 r() f() m()'')'), ('rfm_strategy_group(''1-1-2'', ''n=0 r() f() m()'')'),
    ('rfm_value_group(null, ''n=0 r() f() m()'')'), ('rfm_value_group_name(0::smallint)'), ('rfm_value_group_name(9::smallint)'), ('rfm_value_group_name(1::smallint, ''fr'')'),
    ('rfm_value_group_name(1::smallint, null)'), ('rfm_strategy_group_name(-1::smallint)'), ('rfm_strategy_group_name(5::smallint)'), ('rfm_strategy_group_name(0::smallint, ''zh_CN'')')) t (input);

-- segments: all 125 scores are in one of ten
SELECT g, rfm_segment_name(g), rfm_segment_name(g, 'en'), count(*), min(rfm(r, f, m)::text) AS one, max(rfm(r, f, m)::text) AS another
FROM grid, generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m, rfm_segment(rfm(r, f, m), cuts) g WHERE bins = 5 GROUP BY g ORDER BY g;
SELECT count(*) AS scores, count(DISTINCT g) AS segments FROM grid, generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m, rfm_segment(rfm(r, f, m), cuts) g WHERE bins = 5;
-- of other numbers of bins the fifth counts that the middle of the bin lies in
SELECT bins, string_agg(format('%s:%s', s, rfm_segment(rfm(s, s, s), cuts)), ' ' ORDER BY s) FROM grid, generate_series(1, bins) s GROUP BY bins ORDER BY bins;
SELECT input, pg_temp.try(input) FROM (VALUES ('rfm_segment(''4-1-1'', ''n=0 r(2,1) f() m()'')'), ('rfm_segment_name(0::smallint)'), ('rfm_segment_name(11::smallint)'), ('rfm_segment_name(1::smallint, ''fr'')')) t (input);

-- why a score is given to nobody
SELECT rfm_cuts_agg(1, CASE WHEN i <= 7 THEN 1 ELSE i END, i) AS cuts FROM generate_series(1, 10) i \gset
SELECT :'cuts', c.* FROM rfm_collapse(:'cuts') c;
SELECT c.* FROM rfm_collapse('n=0 r(90,30) f() m(100)') c;
SELECT bool_and(rfm_collapsed(cuts) = (reasons > 0)) AS agree FROM (SELECT cuts, (SELECT count(reason) FROM rfm_collapse(cuts)) AS reasons
    FROM (SELECT rfm_cuts_agg(i % (1 + s % 7), (i * 7919) % (1 + s), i * s) AS cuts FROM generate_series(1, 40) s, generate_series(1, 30) i GROUP BY s) x) y;

-- straight from activity
SELECT d, w.*, rfm_score('n=0 r(90,30) f(2,3) m(100)', activity, 1::smallint, d, 30) FROM (SELECT activity_agg(1::smallint, day, amount) AS activity FROM (VALUES ('2026-01-01'::date, 70), ('2026-01-20', 80), ('2026-01-20', 5)) v (day, amount)) a,
    unnest('{2025-12-31,2026-01-19,2026-01-20,2026-01-31,2026-02-20}'::date[]) d, rfm_measures(activity, 1::smallint, d, 30) w;
SELECT rfm_cuts_agg(activity, 1::smallint, '2026-01-31', 31, '{2,3,4}') = rfm_cuts_agg(11 + k % 13, 1, k * 10::bigint, '{2,3,4}') AS same, rfm_cuts_agg(activity, 1::smallint, '2026-01-31', 31, NULL) = rfm_cuts_agg(activity, 1::smallint, '2026-01-31', 31) AS five
FROM (SELECT k, activity_agg(1::smallint, '2026-01-20'::date - k % 13, k * 10) AS activity FROM generate_series(1, 100) k GROUP BY k) a;
SELECT input, pg_temp.try(input) FROM (VALUES ('rfm_sketch_add_activity(NULL, activity_agg(1::smallint, ''2026-01-20'', 5), 1::smallint, ''2026-01-31'', 31, ''{5,5}'')'),
    ('rfm_sketch_add_activity(''bins=5,5,5 r(1:1) f(1:1) m(1:1)'', activity_agg(1::smallint, ''2026-01-20'', 5), 1::smallint, ''2026-01-31'', 31, ''{5,5,4}'')'),
    ('rfm_measures(''empty'', 1::smallint, ''2026-01-31'', 0)')) t (input);
