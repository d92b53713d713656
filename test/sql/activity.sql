-- activity: every operation, boundary and error.
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

SELECT a::activity FROM (VALUES
    ('empty'),
    ('  empty '),
    ('1{2026-03-01:1/12850}'),
    ('1{2026-03-01:1}'),
    ('1{2026-03-01:1/0^0}'),
    ('1{2026-03-01:2/4000^2500}'),
    ('1{2026-03-01:2/4000^4000}'),
    ('1{2026-03-01:3/-500^100}'),
    ('1{2026-03-01:1/-500}'),
    ('1{2026-03-01:0/700}'),
    ('1{2026-03-01:1/70^100}'),
    ('1{2025-03-05..28:4/5200^2000*3}'),
    ('1{2025-03-05..05:4/5200^2000*1}'),
    ('1{~2024-01-05..2024-06-30:12/34500^9900*11}'),
    ('1{~2024-01-05..2024-06-30:12/34500^9900*11, 2025-03-05..28:4/5200^2000*3, 2026-03-01:1/12850, 2026-03-04:2/4000^2500; 7x3}'),
    (' 1 { ~ 2024-01-05 . . 2024-06-30 : 12 / 34500 ^ 9900 * 11 , 2026-03-01 : 1 / 12850 ; 7 x 3 } 3{2026-01-01:1;-2x1}32767{2026-01-01:1}'),
    ('1{1900-01-01:1/9223372036854775807, 9999-12-31:9223372036854775807/-9223372036854775808^-9223372036854775808; -2147483648x9223372036854775807}')
) v (a);

SELECT a, pg_temp.failure(format('SELECT %L::member.activity', a)) FROM (VALUES
    (''), ('none'), ('empty 1'), ('1'), ('1{'), ('1{}'), ('1{2026-03-01}'), ('1{2026-03-01:}'), ('1{2026-03-01:-1}'),
    ('1{2026-03-01:1/}'), ('1{2026-03-01:1^}'), ('1{2026-03-01:1;}'), ('1{2026-03-01:1;7}'), ('1{2026-03-01:1;7x}'),
    ('1{2026-03-01:1;7x1'), ('1{2026-03-01:1},'), ('1{2026-02-29:1}'), ('1{26-03-01:1}'), ('1{infinity:1}'),
    ('1{-infinity:1}'), ('1{1899-12-31:1}'), ('1{2026-03-01:1*1}'), ('1{2026-03-01..:1}'), ('1{2026-03-01.05:1}'),
    ('1{2026-03-05..01:5}'), ('1{2026-02-05..29:5}'), ('1{2026-02-05..32:5}'), ('1{~2026-02-05:5}'),
    ('1{~2026-02-05..2026-01-05:5}'), ('1{~2026-02-05..infinity:5}'),
    ('1{2026-03-01:9223372036854775808}'), ('1{2026-03-01:1/-9223372036854775809}'), ('1{2026-03-01:1; 2147483648x1}'),
    ('0{2026-03-01:1}'), ('-1{2026-03-01:1}'), ('32768{2026-03-01:1}'),
    ('1{2026-03-01:1} 1{2026-03-01:1}'), ('2{2026-03-01:1} 1{2026-03-01:1}'),
    ('1{2026-03-01:1, 2026-03-01:1}'), ('1{2026-03-02:1, 2026-03-01:1}'),
    ('1{2026-03-01:1, ~2027-01-01..2027-02-01:1}'), ('1{~2026-01-01..2026-02-01:1, ~2026-03-01..2026-03-01:1}'),
    ('1{2026-03-01..05:1, 2026-03-09:1}'), ('1{2026-03-01:1, 2026-03-09..10:1}'), ('1{2026-03-01..03:1, 2026-03-09..10:1}'),
    ('1{~2026-01-01..2026-03-05:1, 2026-03-09:1}'), ('1{~2026-01-01..2026-03-05:1, 2026-03-09..09:1}'),
    ('1{2026-03-01:0}'), ('1{2026-03-01:0/5^5}'), ('1{2026-03-01..02:0/5*1}'),
    ('1{2026-03-01..05:2*3}'), ('1{2026-03-01..05:2*0}'),
    ('1{2026-03-01:1; 0x1}'), ('1{2026-03-01:1; 5x0}'), ('1{2026-03-01:1; 5x-1}'), ('1{2026-03-01:2, 2026-03-04:3; 5x6}'),
    ('1{2026-03-01:0/5; 5x1}')
) v (a);

-- ---- binary ----

CREATE TEMP TABLE received (a activity);
CREATE FUNCTION pg_temp.recv(b bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    file text := current_setting('data_directory') || '/activity_recv';
    object oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0)
                                   || int2send(1::smallint) || int4send(length(b)) || b || int2send((-1)::smallint));
    message text; detail text;
BEGIN
    PERFORM lo_export(object, file), lo_unlink(object);
    DELETE FROM received;
    EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
    RETURN (SELECT a::text FROM received);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, nullif(detail, ''));
END $$;

SELECT activity_send('7{2026-03-01:2/4000^2500; -1x2}');
SELECT a, pg_temp.recv(activity_send(a)) = a::text AS same FROM (VALUES
    ('empty'::activity),
    ('1{~2024-01-05..2024-06-30:12/34500^9900*11, 2025-03-05..28:4/5200^2000*3, 2026-03-01:0/-1, 2026-03-04:2/4000^2500; 7x3} 9{2026-01-01:1}')
) v (a);

CREATE FUNCTION pg_temp.stream(id int, kind int, run bigint, VARIADIC entries bytea[]) RETURNS bytea LANGUAGE sql AS $$
    SELECT int2send(id::smallint) || int4send(kind) || int8send(run) || int4send(cardinality(entries))
           || string_agg(e, '' ORDER BY n) FROM unnest(entries) WITH ORDINALITY u (e, n)
$$;
CREATE FUNCTION pg_temp.entry(grain int, first int, last int, count bigint, amount bigint, largest bigint, active int)
RETURNS bytea LANGUAGE sql AS $$
    SELECT substr(int2send(grain::smallint), 2) || int4send(first) || int4send(last) || int8send(count) || int8send(amount)
           || int8send(largest) || int4send(active)
$$;
SELECT what, pg_temp.recv(b) FROM (VALUES
    ('nothing', ''::bytea),
    ('version', '\x0200000000'),
    ('cut short', '\x01000000010001'),
    ('trailing', '\x010000000000'),
    ('many streams', '\x01ffffffff'),
    ('many entries', '\x010000000100010000000000000000000000007fffffff'),
    ('good', '\x0100000001' || pg_temp.stream(5, 7, 1, pg_temp.entry(0, 9000, 9000, 1, 10, 10, 1))),
    ('no stream', '\x0100000001' || pg_temp.stream(0, 7, 1, pg_temp.entry(0, 9000, 9000, 1, 10, 10, 1))),
    ('negative stream', '\x0100000001' || pg_temp.stream(-5, 7, 1, pg_temp.entry(0, 9000, 9000, 1, 10, 10, 1))),
    ('no entries', '\x01000000010005000000000000000000000000000000000000'),
    ('grain', '\x0100000001' || pg_temp.stream(5, 7, 1, pg_temp.entry(3, 9000, 9000, 1, 10, 10, 1))),
    ('infinity', '\x0100000001' || pg_temp.stream(5, 7, 1, pg_temp.entry(2, 9000, 2147483647, 1, 10, 10, 1))),
    ('day of two', '\x0100000001' || pg_temp.stream(5, 7, 1, pg_temp.entry(0, 9000, 9001, 1, 10, 10, 1))),
    ('month of two', '\x0100000001' || pg_temp.stream(5, 7, 1, pg_temp.entry(1, 9000, 9040, 1, 10, 10, 1))),
    ('negative count', '\x0100000001' || pg_temp.stream(5, 7, 1, pg_temp.entry(0, 9000, 9000, -1, 10, 10, 1))),
    ('void', '\x0100000001' || pg_temp.stream(5, 0, 0, pg_temp.entry(0, 9000, 9000, 0, 0, 0, 0))),
    ('largest of none', '\x0100000001' || pg_temp.stream(5, 0, 0, pg_temp.entry(0, 9000, 9000, 0, 5, 5, 0))),
    ('day active twice', '\x0100000001' || pg_temp.stream(5, 7, 1, pg_temp.entry(0, 9000, 9000, 3, 10, 10, 2))),
    ('order', '\x0100000001' || pg_temp.stream(5, 7, 1, pg_temp.entry(0, 9000, 9000, 1, 10, 10, 1), pg_temp.entry(0, 9000, 9000, 1, 10, 10, 1))),
    ('run', '\x0100000001' || pg_temp.stream(5, 7, -1, pg_temp.entry(0, 9000, 9000, 1, 10, 10, 1)))
) v (what, b);

-- ---- storage ----

BEGIN;
CREATE CAST (activity AS bytea) WITHOUT FUNCTION;
CREATE CAST (bytea AS activity) WITHOUT FUNCTION;
SELECT a, a::bytea FROM (VALUES
    ('empty'::activity),
    ('1{2024-01-01:1}'),
    ('1{2024-01-02:1/300}'),
    ('1{2024-01-01:1/100, 2024-01-02:1/100, 2024-01-05:2/300^200}'),
    ('1{2024-01-01:1; 7x1} 64{2024-01-01:1}'),
    ('1{~2024-01-01..2024-02-05:9/-100^50*8, 2024-03-05..28:4/5200^2000, 2024-04-01:0/-1}')
) v (a);
SELECT b, pg_temp.failure(format('SELECT %L::bytea::member.activity::text', b)) FROM (VALUES
    ('\x'::bytea), ('\x01'), ('\x0200'), ('\x0101'), ('\x010002'), ('\x01000205'), ('\x0100020100'), ('\x010000020000'),
    ('\x0100ffff7f020000'), ('\x01000203018000'), ('\x010002030103ff'), ('\x01000202ffff')
) v (b);
ROLLBACK;
-- 10 purchases over two years
CREATE TEMP TABLE sized AS
SELECT activity_agg(1::smallint, '2024-03-05'::date + i * i * 9, 1900 + i * 777) AS a FROM generate_series(0, 9) i;
SELECT a, pg_column_size(a) AS bytes FROM sized;

-- ---- comparison ----

SELECT a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, activity_cmp(a, b) < 0 AS cmp
  FROM (VALUES ('empty'::activity, 'empty'::activity), ('empty', '1{2026-03-01:1}'), ('1{2026-03-01:2}', '1{2026-03-01:1}')) v (a, b);
SELECT count(*), count(DISTINCT a) FROM (SELECT ('1{2026-03-01:' || 1 + i % 10 || '}')::activity a FROM generate_series(1, 100) i) s;
SELECT activity_hash('1{2026-03-01:1/5}') = activity_hash('1 { 2026-03-01:1/5^5 }') AS hash,
       activity_hash_extended('1{2026-03-01:1/5}', 8) = activity_hash_extended('1{2026-03-01:1/5}', 9) AS seed;
SELECT opcname, amvalidate(oid) FROM pg_opclass WHERE opcname LIKE 'activity%' ORDER BY 1;

-- ---- add ----

SELECT member.add('empty', 1::smallint, '2026-03-01', 1, 12850);
SELECT member.add('empty', 1::smallint, '2026-03-01', 1, 12850, largest => 5, kind => 7);
SELECT member.add('1{2026-03-01:1/12850}', 1::smallint, '2026-03-01', 1, 100);
SELECT member.add('1{2026-03-01:1/12850}', 1::smallint, '2026-03-01', 1, 20000);
SELECT member.add('1{2026-03-01:1/12850}', 1::smallint, '2026-03-01', 3, 900, 500);
SELECT member.add('1{2026-03-01:1/12850}', 1::smallint, '2026-03-01', 3, 0);
SELECT member.add('1{2026-03-01:1/12850}', 1::smallint, '2026-02-28', 1, 1);
SELECT member.add('1{2026-03-01:1/12850}', 2::smallint, '2026-02-28', 1, 1, NULL, NULL);
SELECT member.add('1{2026-03-01:1/12850}', 1::smallint, '2026-03-01', 0, -50);
SELECT member.add('1{2026-03-01:0/50}', 1::smallint, '2026-03-01', 0, -50);
SELECT member.add('1{2026-03-01:1}', 1::smallint, '2026-03-02', 0, 0);
SELECT member.add('1{2026-03-01:1/-5}', 1::smallint, '2026-03-01', 1, -9);
-- runs
SELECT member.add('1{2026-03-01:2; 7x2}', 1::smallint, '2026-03-01', 1, 0, kind => 7);
SELECT member.add('1{2026-03-01:2; 7x2}', 1::smallint, '2026-03-05', 3, 0, kind => 7);
SELECT member.add('1{2026-03-01:2; 7x2}', 1::smallint, '2026-03-05', 1, 0, kind => -8);
SELECT member.add('1{2026-03-01:2; 7x2}', 1::smallint, '2026-03-05', 1, 0);
SELECT member.add('1{2026-03-01:2; 7x2}', 1::smallint, '2026-02-28', 1, 0, kind => 8) AS "back-dated";
SELECT member.add('1{2026-03-01:2; 7x2}', 1::smallint, '2026-03-05', 0, 5, kind => 8) AS "not an event";
-- late, into what is folded
SELECT member.add(a, 1::smallint, d::date, 1, 10)
  FROM (VALUES ('1{~2024-02-05..2024-04-10:3/30*2, 2024-06-03..20:2/20, 2026-03-01:1/10}'::activity)) v (a),
       unnest(ARRAY['2023-01-01', '2024-02-29', '2024-04-11', '2024-04-30', '2024-05-01', '2024-06-01', '2024-06-20',
                    '2024-06-30', '2024-07-01']) d;
SELECT pg_temp.failure('SELECT member.add(' || args || ')') FROM (VALUES
    ($$NULL, 1::smallint, '2026-03-01', 1, 1$$), ($$'empty', NULL, '2026-03-01', 1, 1$$), ($$'empty', 1::smallint, NULL, 1, 1$$),
    ($$'empty', 1::smallint, '2026-03-01', NULL, 1$$), ($$'empty', 1::smallint, '2026-03-01', 1, NULL$$),
    ($$'empty', 0::smallint, '2026-03-01', 1, 1$$), ($$'empty', '-1'::smallint, '2026-03-01', 1, 1$$),
    ($$'empty', 1::smallint, '1899-12-31', 1, 1$$), ($$'empty', 1::smallint, 'infinity', 1, 1$$), ($$'empty', 1::smallint, '-infinity', 1, 1$$),
    ($$'empty', 1::smallint, '10000-01-01', 1, 1$$),
    ($$'empty', 1::smallint, '2026-03-01', -1, 1$$), ($$'empty', 1::smallint, '2026-03-01', 2, 1$$),
    ($$'1{2026-03-01:9223372036854775807}', 1::smallint, '2026-03-01', 1, 1$$),
    ($$'1{2026-03-01:1/9223372036854775807}', 1::smallint, '2026-03-01', 1, 1$$),
    ($$'1{2026-03-01:9223372036854775807; 5x9223372036854775807}', 1::smallint, '2026-03-02', 1, 1, kind => 5$$)
) v (args);

-- ---- correct ----

SELECT correct('1{2026-03-01:1/12850}', 1::smallint, '2026-03-01', 1, 12850);
SELECT correct('1{2026-03-01:1/12850}', 1::smallint, '2026-03-01', 0, 50);
SELECT correct('1{2026-03-01:1/12850}', 1::smallint, '2026-03-01', 1, 12000);
SELECT correct('1{2026-03-01:3/900^500; 4x3}', 1::smallint, '2026-03-01', 1, 500);
SELECT correct('1{2026-03-01:3/900^500; 4x3}', 1::smallint, '2026-03-01', 1, 500, 300);
SELECT correct('1{2026-03-01:3/900^500; 4x3}', 1::smallint, '2026-03-01', 1, 500, NULL);
SELECT correct('1{2026-03-01:3/900^500; 4x3}', 1::smallint, '2026-03-01', 2, 800, 1000);
SELECT correct('1{2026-03-01:3/900^500; 4x3}', 1::smallint, '2026-03-01', 0, 0, 450);
SELECT correct('1{2026-03-01:3/900^500; 4x3}', 1::smallint, '2026-03-01', 3, 0, 450);
SELECT correct('1{2026-03-01:3/900^500; 4x3}', 1::smallint, '2026-03-02', 0, 5);
SELECT correct('1{2026-03-01:3/900^500; 4x3}', 1::smallint, '2026-03-02', 0, 0);
SELECT correct('1{2026-03-01:3/900^500; 4x3}', 1::smallint, '2026-03-01', 0, -100);
SELECT correct('1{2024-06-03..20:5/500^200*4}', 1::smallint, '2024-06-10', 2, 200);
SELECT correct('1{2024-06-03..20:5/500^200*4}', 1::smallint, '2024-06-10', 1, 400, 90);
SELECT correct('1{2024-06-03..20:5/500^200*4}', 1::smallint, '2024-06-10', 1, 400, 150);
SELECT correct('1{2024-06-03..20:5/500^200*4}', 1::smallint, '2024-06-10', 5, 500);
SELECT correct('1{2024-06-03..20:5/500^200*4}', 1::smallint, '2024-06-25', 0, 10);
SELECT correct('1{~2024-01-03..2024-06-20:5/500^200*4, 2026-01-01:1; 8x6}', 1::smallint, '2024-03-10', 1, 100);
SELECT correct('1{~2024-01-03..2024-06-20:5/500^200*4, 2026-01-01:1; 8x6}', 1::smallint, '2024-03-10', 5, 500);
SELECT pg_temp.failure('SELECT member.correct(' || args || ')') FROM (VALUES
    ($$NULL, 1::smallint, '2026-03-01', 1, 1$$), ($$'empty', 1::smallint, '2026-03-01', 1, NULL$$),
    ($$'empty', 1::smallint, '2026-03-01', 1, 1$$),
    ($$'empty', 0::smallint, '2026-03-01', 1, 1$$), ($$'empty', 1::smallint, 'infinity', 1, 1$$), ($$'empty', 1::smallint, '2026-03-01', -1, 1$$),
    ($$'1{2026-03-01:1}', 1::smallint, '2026-03-01', 2, 0$$),
    ($$'1{2024-06-03..20:5/500^200*4}', 1::smallint, '2024-06-10', 6, 0$$),
    ($$'1{2024-06-03..20:5/500^200*4}', 1::smallint, '2024-06-02', 1, 0$$),
    ($$'1{~2024-01-03..2024-06-20:5/500^200*4}', 1::smallint, '2024-01-01', 1, 0$$),
    ($$'1{2026-03-01:1/-9223372036854775808}', 1::smallint, '2026-03-01', 0, 1$$)
) v (args);

-- ---- trim ----

CREATE TEMP TABLE daily AS
SELECT a FROM (VALUES ('1{2025-01-10:1/10, 2025-01-20:2/50^30, 2025-02-28:1/7, 2025-04-01:1/1, 2025-05-31:1/5, 2025-06-01:1/6; 3x2} 2{2025-01-10:1/10}'::activity)) v (a);
SELECT days, months, trim FROM daily, (VALUES (93, 99), (92, 99), (32, 99), (31, 99), (92, 3), (92, 4), (30, 1), (0, 0), (NULL, 0), (0, NULL), (NULL, NULL)) v (days, months),
       member.trim(a, 1::smallint, '2025-06-01', days, months);
SELECT member.trim(member.trim(a, 1::smallint, '2025-06-01', 92, 3), 1::smallint, '2025-06-01', 92, 3)
       = member.trim(a, 1::smallint, '2025-06-01', 92, 3) AS idempotent,
       member.trim(member.trim(a, 1::smallint, '2025-06-01', 30, 1), 1::smallint, '2025-06-01', 400, 24)
       = member.trim(a, 1::smallint, '2025-06-01', 30, 1) AS "stays folded",
       member.trim(member.trim(a, 1::smallint, '2025-06-01', 92, 99), 1::smallint, '2025-06-01', 30, 1)
       = member.trim(a, 1::smallint, '2025-06-01', 30, 1) AS "step by step"
  FROM daily;
SELECT member.trim('empty', 1::smallint, '2025-06-01', 1, 1), member.trim(a, 3::smallint, '2025-06-01', 1, 1) = a AS "no such stream" FROM daily;
SELECT member.trim(member.trim(a, 1::smallint, '2028-07-01', 400, 24), 1::smallint, '2029-07-01', 400, 24) FROM daily;
-- what folds to nothing vanishes
SELECT member.trim('1{2024-01-01:0/5, 2024-01-09:0/-5}', 1::smallint, '2026-01-01', 30, 12) AS nothing;
SELECT pg_temp.failure('SELECT member.trim(' || args || ')') FROM (VALUES
    ($$NULL, 1::smallint, '2026-03-01', 1, 1$$), ($$'empty', NULL, '2026-03-01', 1, 1$$), ($$'empty', 1::smallint, NULL, 1, 1$$),
    ($$'empty', 1::smallint, '2026-03-01', -1, 1$$), ($$'empty', 1::smallint, '2026-03-01', 1, -1$$),
    ($$'empty', 0::smallint, '2026-03-01', 1, 1$$), ($$'empty', 1::smallint, 'infinity', 1, 1$$)
) v (args);

-- ---- windows ----

CREATE TEMP TABLE graded AS
SELECT '1{~2024-02-05..2024-04-10:3/30^12*2, 2024-06-03..20:2/20^15, 2026-03-01:1/40, 2026-03-05:2/-10^5, 2026-03-09:0/3}'::activity AS a;
CREATE FUNCTION pg_temp.reading(a activity, s int, since date, until date) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    RETURN concat_ws(' ', member.count(a, s::smallint, since, until), member.amount(a, s::smallint, since, until),
        coalesce(member.largest(a, s::smallint, since, until)::text, '(null)'), member.active_days(a, s::smallint, since, until));
EXCEPTION WHEN SQLSTATE 'MB501' THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN detail;
END $$;
SELECT since, until, pg_temp.reading(a, 1, since::date, until::date) FROM graded, (VALUES
    ('-infinity', 'infinity'), ('-infinity', '-infinity'), ('infinity', 'infinity'), ('infinity', '-infinity'), ('2026-03-05', '2026-03-05'),
    ('2026-03-06', '2026-03-05'), ('2026-03-01', '2026-03-05'), ('2026-03-01', '2026-03-06'), ('2026-03-02', '2026-03-05'),
    ('2026-03-09', 'infinity'), ('2024-06-03', '2024-06-21'), ('2024-06-01', '2024-07-01'), ('2024-05-15', '2024-06-02'),
    ('2024-06-21', '2024-06-30'), ('2024-06-04', 'infinity'), ('2024-06-20', 'infinity'), ('-infinity', '2024-06-20'), ('-infinity', '2024-06-04'),
    ('-infinity', '2024-06-03'), ('2024-02-05', '2024-04-11'), ('2024-02-06', 'infinity'), ('-infinity', '2024-03-01'), ('-infinity', '2024-02-05'),
    ('2024-04-11', 'infinity'), ('2024-03-01', '2024-03-01'), ('2024-03-01', '2024-03-02')
) v (since, until);
SELECT member.count(a, 1::smallint), member.amount(a, 1::smallint), member.largest(a, 1::smallint), member.active_days(a, 1::smallint) FROM graded;
SELECT member.count(a, 2::smallint), member.amount(a, 2::smallint), member.largest(a, 2::smallint), member.active_days(a, 2::smallint),
       member.count(a, 0::smallint), member.count(NULL, 1::smallint), member.count(a, 1::smallint, NULL, 'infinity') FROM graded;
SELECT pg_temp.failure($$SELECT member.amount(a, 1::smallint, '2024-06-04', 'infinity') FROM graded$$);
SELECT pg_temp.failure($$SELECT member.count('1{2026-03-01:9223372036854775807, 2026-03-02:1}', 1::smallint)$$);
SELECT member.active_days('1{2024-06-03..05:9*7}', 1::smallint) AS "not more than the span";

-- ---- days, streaks, months, runs ----

SELECT first_day(a, 1::smallint), last_day(a, 1::smallint), mean_gap(a, 1::smallint), first_day(a, 2::smallint), last_day(a, 2::smallint), mean_gap(a, 2::smallint) FROM graded;
SELECT a, first_day(a, 1::smallint), last_day(a, 1::smallint), mean_gap(a, 1::smallint) FROM (VALUES
    ('1{2026-03-01:0/5}'::activity), ('1{2026-03-01:2}'), ('1{2026-03-01:2, 2026-03-04:1}'), ('1{2026-03-01:0/5, 2026-03-02:1, 2026-03-04:1, 2026-03-09:0/7}')) v (a);
SELECT d, streak(a, 1::smallint, d::date) FROM
    (VALUES ('1{2026-02-26:1, 2026-02-27:0/5, 2026-02-28:1, 2026-03-01:4, 2026-03-02:1, 2026-03-05:1}'::activity)) v (a),
    unnest(ARRAY['2026-02-25', '2026-02-26', '2026-02-27', '2026-02-28', '2026-03-02', '2026-03-03', '2026-03-04', '2026-03-05', '2026-03-06', '2026-03-07']) d;
SELECT a, d, pg_temp.failure(format('SELECT streak(%L, 1::smallint, %L)', a, d)) AS failure FROM (VALUES
    ('1{2026-02-01..28:30*28, 2026-03-01:1}', '2026-03-01'), ('1{2026-02-01..28:30*27, 2026-03-01:1}', '2026-03-01'),
    ('1{2026-02-01..27:30*20, 2026-03-01:1}', '2026-03-01'), ('1{2026-02-01..27:30*20, 2026-03-01:1}', '2026-02-27'),
    ('1{2026-02-01..27:30*20, 2026-03-01:1}', '2026-02-28'), ('1{2026-02-01..27:30*20, 2026-03-01:1}', '2026-02-15'),
    ('1{2026-02-01..27:30*20, 2026-03-01:1}', '2026-02-01'), ('1{~2026-01-01..2026-02-27:30*20}', '2026-02-27')) v (a, d);
SELECT streak('1{2026-01-30..31:2, 2026-02-01..28:30*28, 2026-03-01:1}', 1::smallint, d::date) FROM unnest(ARRAY['2026-02-10', '2026-03-01', '2026-03-02']) d;
SELECT a, d, falling_months(a::activity, 1::smallint, d::date) FROM (VALUES
    ('empty', '2026-03-01'), ('1{2026-02-01:1}', '2026-03-01'), ('1{2026-02-01:1}', '2026-03-31'), ('1{2026-02-01:1}', '2026-04-01'), ('1{2026-02-01:1}', '2026-05-01'),
    ('1{2025-11-05:4, 2025-12-31:3, 2026-01-01:2, 2026-02-01:1, 2026-03-01:9}', '2026-03-20'),
    ('1{2025-11-05:4, 2025-12-31:3, 2026-01-01:2, 2026-02-01:2}', '2026-03-20'),
    ('1{2025-11-05:4, 2025-12-31:3, 2026-01-01:2, 2026-02-01:1}', '2026-04-01'), ('1{2025-11-05:4, 2025-12-31:3, 2026-01-01:2, 2026-02-01:1}', '2026-05-01'),
    ('1{2025-10-01..20:9, 2025-11-05..30:4, 2025-12-30:2, 2025-12-31:1}', '2026-01-01'),
    ('1{~2025-10-01..2025-10-20:9, 2025-11-05..30:4, 2025-12-30:2, 2025-12-31:1}', '2026-01-01'),
    ('1{~2025-09-01..2025-10-20:9, 2025-11-05..30:4, 2025-12-30:5}', '2026-01-01'),
    ('1{~2025-09-01..2025-10-20:9, 2025-12-30:5}', '2026-01-01'),
    ('1{~2025-09-01..2025-10-20:9}', '2026-01-01'), ('1{~2025-09-01..2025-10-20:9}', '2025-09-30')) v (a, d);
SELECT a, d, pg_temp.failure(format('SELECT falling_months(%L, 1::smallint, %L)', a, d)) AS failure FROM (VALUES
    ('1{~2025-09-01..2025-10-20:9, 2025-11-05..30:4, 2025-12-30:2, 2025-12-31:1}', '2026-01-01'),
    ('1{~2025-09-01..2025-10-20:9, 2025-11-05..30:4}', '2025-12-01'), ('1{~2025-09-01..2025-10-20:9}', '2025-12-01'),
    ('1{~2025-09-01..2025-10-20:9}', '2025-11-01'), ('1{~2025-09-01..2025-10-20:9}', '2025-10-01')) v (a, d);
SELECT pg_temp.failure($$SELECT falling_months('empty', 1::smallint, 'infinity')$$), pg_temp.failure($$SELECT streak('empty', 1::smallint, '-infinity')$$);
SELECT run(a, 1::smallint, 7), run(a, 1::smallint, 8), run(a, 1::smallint, 0), run(a, 2::smallint, 0), last_kind(a, 1::smallint), last_kind(a, 2::smallint)
  FROM (VALUES ('1{2026-03-01:3; 7x3}'::activity)) v (a);
SELECT streams('empty'), streams('1{2026-03-01:3; 7x3} 5{2026-03-01:3} 32767{2026-03-01:1}');
SELECT u.* FROM graded, member.unnest(a) u;
SELECT * FROM member.unnest('empty'::activity);

-- ---- together ----

SELECT x + y AS "x + y", x + y = y + x AS commutes FROM (VALUES
    ('empty'::activity, 'empty'::activity), ('empty', '1{2026-03-01:1; 7x1}'),
    ('1{2026-03-01:1/5; 7x1}', '1{2026-03-01:1/9; 7x1}'), ('1{2026-03-01:1/5; 7x1}', '1{2026-03-01:2/9^6; 5x2}'), ('1{2026-03-01:1/5; 7x1}', '1{2026-03-02:1/9}'),
    ('1{2026-03-01:1/5; 7x1}', '2{2026-03-01:1/9; 7x1}'),
    ('1{2026-03-01..20:4/50^20*3, 2026-04-02:1/1}', '1{2026-02-28:1/2, 2026-03-09:1/90, 2026-03-25:1/3, 2026-04-01:1/4, 2026-04-02:1/1}'),
    ('1{~2026-01-05..2026-03-02:4/50^20*3, 2026-04-02:1/1}', '1{2026-01-01..20:4/50^20*3, 2026-03-25:1/3, 2026-04-01:1/4, 2026-05-03..06:2/1^1}'),
    ('1{~2026-01-05..2026-03-02:4/50^20*3}', '1{~2025-01-05..2025-03-02:4/50^20*3, 2026-03-30:1/7}'),
    ('1{2026-03-01:0/-5}', '1{2026-03-01:0/5}'), ('1{2026-03-01:0/-5}', '1{2026-03-01:1/5}')) v (x, y);
SELECT pg_temp.failure($$SELECT '1{2026-03-01:1/9223372036854775807}'::activity + '1{2026-03-01:1/1}'::activity$$);
SELECT activity_sum(a), activity_sum(a) FILTER (WHERE false) AS "of none" FROM (VALUES ('1{2026-03-01:1/5}'::activity), (NULL), ('1{2026-03-01:1/6}'), ('2{2026-03-02:1/6}')) v (a);
SELECT activity_agg(s::smallint, d::date, amount), activity_agg(s::smallint, d::date, amount) FILTER (WHERE false) AS "of none"
  FROM (VALUES (1, '2026-03-05', 5), (1, '2026-03-01', 7), (2, '2026-03-05', 5), (1, '2026-03-05', 6), (NULL, '2026-03-05', 5), (1, NULL, 5), (1, '2026-03-06', NULL)) v (s, d, amount);
SELECT pg_temp.failure($$SELECT activity_agg(0::smallint, '2026-03-01', 5)$$), pg_temp.failure($$SELECT activity_agg(1::smallint, 'infinity', 5)$$),
       pg_temp.failure($$SELECT activity_agg(1::smallint, '2026-03-01', 9223372036854775807) FROM generate_series(1, 2)$$);

-- limits
SELECT count(a, 1::smallint), pg_column_size(a) FROM (SELECT activity_agg(1::smallint, '2010-01-01'::date + i, 100) FROM generate_series(1, 5000) i) v (a);
SELECT cardinality(streams(a)) FROM (SELECT activity_agg(i::smallint, '2010-01-01', 100) FROM generate_series(1, 200) i) v (a);
SELECT pg_temp.failure($$SELECT activity_agg(1::smallint, '2010-01-01'::date + i, 100) FROM generate_series(1, 5001) i$$);
SELECT pg_temp.failure($$SELECT activity_agg(i::smallint, '2010-01-01', 100) FROM generate_series(1, 201) i$$);
SELECT pg_temp.failure(format('SELECT %L::activity', (SELECT string_agg(i || '{2026-01-01:1}', ' ' ORDER BY i) FROM generate_series(1, 201) i)));
SELECT pg_temp.failure(format('SELECT %L::activity', (SELECT '1{' || string_agg('2010-01-01'::date + i || ':1', ',' ORDER BY i) || '}' FROM generate_series(1, 5001) i)));
-- tiny with huge, both ways
SELECT count(huge + tiny, 1::smallint) AS both, huge + tiny = tiny + huge AS commutes, count(huge + tiny, 1::smallint, '2011-01-01', '2011-01-02') AS that_day
  FROM (SELECT activity_agg(1::smallint, '2010-01-01'::date + i, 100) FROM generate_series(1, 4999) i) h (huge),
       (VALUES ('1{2011-01-01:1/1}'::activity)) t (tiny);

-- ---- over members, by day ----

CREATE TEMP TABLE buyer AS SELECT * FROM (VALUES (1, '1{2026-03-01:1/5, 2026-03-02:2/9^6}'::activity), (2, '1{2026-02-27:1/1, 2026-03-02:1/10, 2026-03-04:1/100}'), (3, '1{2026-03-02:0/-5, 2026-03-03:1/20}'),
    (4, '1{2026-01-01..20:4/50^20*3, 2026-03-01:1/7}'), (5, '2{2026-03-01:1/1}'), (6, 'empty')) v (m, a);
SELECT activity_by_day(a, 1::smallint, '2026-03-01', 3), activity_by_day(a, 2::smallint, '2026-03-01', 2), activity_by_day(a, 1::smallint, '2026-03-01', 3) FILTER (WHERE m > 9) AS "of none" FROM buyer;
SELECT pg_temp.failure($$SELECT activity_by_day(a, 1::smallint, '2026-01-20', 60) FROM buyer$$), pg_temp.failure($$SELECT activity_by_day(a, 1::smallint, '2026-01-01', 60) FROM buyer$$), pg_temp.failure($$SELECT activity_by_day(a, 1::smallint, '2026-01-21', 60) FROM buyer$$);
SELECT pg_temp.failure(format('SELECT activity_by_day(%s, %s, %s, %s)', a, s, d, n)) FROM (VALUES
    ($$'empty'$$, '1::smallint', $$'2026-03-01'$$, '0'), ($$'empty'$$, '1::smallint', $$'2026-03-01'$$, '3661'), ($$'empty'$$, '1::smallint', $$'-infinity'$$, '1'), ('NULL', '1::smallint', $$'2026-03-01'$$, '1'), ($$'empty'$$, '1::smallint', 'NULL', '1')) v (a, s, d, n);
SELECT pg_temp.failure($$SELECT activity_by_day('1{2026-03-01:1/9223372036854775807}', 1::smallint, '2026-03-01', 1) FROM generate_series(1, 2)$$);
-- several streams in one walk: the same as one by one
SELECT activity_by_day(a, '{2,1}'::smallint[], '2026-03-01', 2) = (activity_by_day(a, 2::smallint, '2026-03-01', 2) || activity_by_day(a, 1::smallint, '2026-03-01', 2)) AS same FROM buyer;
SELECT pg_temp.failure(format('SELECT activity_by_day(''1{2026-03-01:1}'', %s, ''2026-03-01'', %s)', s, n)) FROM (VALUES ('''{}''::smallint[]', 2), ('''{1,NULL}''::smallint[]', 2), ('array_fill(1::smallint, ''{40}'')', 100), ('''{{1}}''::smallint[]', 2), ('''{1}''::smallint[]', 0), ('NULL::smallint[]', 1)) v (s, n);
-- gaps between days of purchase, told by the later one
CREATE FUNCTION pg_temp.gaps(bigint[]) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(format('%s: %s, %s', n, $1[n][1], $1[n][2]), '; ' ORDER BY n) FROM generate_series(1, 366) n WHERE $1[n][1] > 0 $$;
SELECT v.a, pg_temp.gaps((SELECT activity_gaps(v.a::activity, 1::smallint, '2026-01-01', 90))) AS gaps FROM (VALUES ('empty'), ('1{2026-01-05:2}'), ('1{2025-12-30:1, 2026-01-05:2, 2026-01-06:1, 2026-03-31:1, 2026-04-02:1}'), ('1{2024-06-01:1, 2026-01-05:1, 2026-01-12:0/-5, 2026-01-18:1}'), ('1{2025-11-03..20:4/50^20*3, 2026-01-01:1} 2{2026-01-01:1, 2026-01-03:1}')) v (a);
SELECT pg_temp.failure(format('SELECT activity_gaps(%s)', x)) FROM (VALUES ('''1{2026-01-03..20:4/50^20*3}'', 1::smallint, ''2026-01-01'', 90'), ('''1{2026-01-03..20:4/50^20*3}'', 1::smallint, ''2026-01-10'', 90'), ('''empty'', 1::smallint, ''2026-01-01'', 0'), ('''empty'', 1::smallint, ''2026-01-01'', 3661'), ('''empty'', 1::smallint, ''infinity'', 9'), ('NULL, 1::smallint, ''2026-01-01'', 9')) v (x);
-- how evenly amounts are spread
SELECT deciles(n), gini(n), gini(5) AS alike, deciles(n) FILTER (WHERE n < 4) AS three, gini(n) FILTER (WHERE n = 1) AS one, deciles(n) FILTER (WHERE n < 0) AS none, gini(n) FILTER (WHERE n < 0) AS none FROM generate_series(1, 25) n;
SELECT pg_temp.failure('SELECT ' || x) FROM (VALUES ('gini(-1)'), ('gini(NULL)'), ('deciles(NULL)'), ('deciles(9223372036854775807) FROM generate_series(1, 11)')) v (x);
SELECT distance_km(31.2304, 121.4737, 39.9042, 116.4074)::numeric(8,3) AS shanghai_beijing, distance_km(0, 179.5, 0, -179.5)::numeric(8,3) AS dateline, distance_km(90, 0, -90, 77)::numeric(8,3) AS poles, distance_km(5, 5, 5, 5) AS same;
SELECT pg_temp.failure(format('SELECT distance_km(%s)', x)) FROM (VALUES ('90.1, 0, 0, 0'), ('0, 0, 0, -180.5'), ('''NaN'', 0, 0, 0'), ('0, ''Infinity'', 0, 0')) v (x);
SELECT m, active_spans(a, 1::smallint, '{2026-02-01,2026-03-01,2026-03-02,2026-03-04,2026-04-01}')::bit(4) AS spans, active_spans(a, 1::smallint, '{2026-01-01,2026-02-01}') AS january FROM buyer;
SELECT active_spans('1{2025-12-31:1, 2026-03-03:1}', 1::smallint, (SELECT array_agg('2026-01-01'::date + n) FROM generate_series(0, 62) n)) = 1::bigint << 61 AS last_span;
SELECT pg_temp.failure(format('SELECT active_spans(%L, 1::smallint, %L)', '1{2026-01-01..20:4/50^20*3}', b)) FROM (VALUES ('{}'), ('{2026-01-01}'), ('{2026-01-02,2026-01-01}'), ('{2026-01-01,2026-01-01}'), ('{2026-01-01,NULL}'),
    ('{{2026-01-01,2026-01-02}}'), ('{2026-01-05,2026-02-01}'), ('{2026-01-01,2026-01-05}'), ('{2026-01-01,2026-01-21}'), ('{2026-01-21,2026-01-22}')) v (b);
SELECT pg_temp.failure($$SELECT active_spans('empty', 1::smallint, (SELECT array_agg('2026-01-01'::date + n) FROM generate_series(0, 63) n))$$);
SELECT count_members(m), count_members(m) FILTER (WHERE m > 9) AS "of none", count_different('{3,1,2,3,1}'), count_different('{}') FROM (SELECT m FROM buyer UNION ALL SELECT m FROM buyer) v;
SELECT pg_temp.failure($$SELECT count_members(NULL)$$);

-- in parallel
CREATE TABLE activity_event AS
SELECT i % 7 AS m, (1 + i % 3)::smallint AS stream, '2025-01-01'::date + (i * 37) % 200 AS day, ((i * 7919) % 10007)::bigint AS amount
  FROM generate_series(1, 20000) i;
CREATE TABLE activity_value AS SELECT m, activity_agg(stream, day, amount) AS a FROM activity_event GROUP BY m, amount % 50;
ANALYZE activity_event, activity_value;
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE serial AS SELECT m, activity_agg(stream, day, amount) AS a FROM activity_event GROUP BY m;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT activity_agg(stream, day, amount) FROM activity_event;
EXPLAIN (COSTS OFF) SELECT activity_sum(a) FROM activity_value;
SELECT activity_agg(stream, day, amount) = (SELECT activity_sum(a) FROM serial) AS same FROM activity_event;
SELECT activity_sum(a) = (SELECT activity_sum(a) FROM serial) AS same FROM activity_value;
SELECT count(*) AS differ FROM (SELECT m, activity_agg(stream, day, amount) AS a FROM activity_event GROUP BY m) p JOIN serial USING (m) WHERE p.a <> serial.a;
SELECT count(*) AS differ FROM serial,
       LATERAL (SELECT count(*) AS n, sum(e.amount) AS amount, max(e.amount) AS largest, min(day) AS first, max(day) AS last, count(DISTINCT day) AS days
                  FROM activity_event e WHERE e.m = serial.m AND e.stream = 2) e
 WHERE (e.n, e.amount, e.largest, e.first, e.last, e.days) IS DISTINCT FROM
       (count(a, 2::smallint), amount(a, 2::smallint), largest(a, 2::smallint), first_day(a, 2::smallint), last_day(a, 2::smallint), active_days(a, 2::smallint)::bigint);
EXPLAIN (COSTS OFF) SELECT activity_by_day(a, 1::smallint, '2025-01-01', 200), count_members(m) FROM activity_value;
SELECT count(*) AS days, count(*) FILTER (WHERE (x.by_day[n][1], x.by_day[n][2], x.by_day[n][3], x.by_day[n][4]) IS DISTINCT FROM (e.events, e.amount, e.values, e.first)) AS differ
  FROM (SELECT activity_by_day(a, 1::smallint, '2025-01-01', 200) AS by_day FROM activity_value) x, generate_series(1, 200) n,
       LATERAL (SELECT coalesce(sum(u.count), 0) AS events, coalesce(sum(u.amount), 0) AS amount, count(*) AS values, count(*) FILTER (WHERE u.since = first_day(v.a, 1::smallint)) AS first
                  FROM activity_value v, member.unnest(v.a) u WHERE u.stream = 1 AND u.since = '2025-01-01'::date + n - 1) e;
SELECT m % 3 AS g, count_members(m * amount) = count(DISTINCT m * amount) AS same FROM activity_event GROUP BY 1 ORDER BY 1;
DROP TABLE activity_event, activity_value;
