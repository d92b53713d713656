-- lots: every operation, boundary and error.
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

SELECT l::lots FROM (VALUES
    ('empty'),
    ('  empty '),
    ('1:100'),
    ('1:-100'),
    ('+1:+100'),
    ('1:100/2027-04-01'),
    ('1:100@2026-03-08'),
    ('1:100@2026-03-08/2027-04-01'),
    ('1:100@-infinity/infinity'),
    (' 1 : 100 @ 2026-03-08 / 2027-04-01 , 2 : -5 '),
    -- the order is by wallet, until, from; the same place is one lot; zero is none
    ('2:1,1:2,1:3/2027-01-01,1:4@2026-01-01/2027-01-01,1:5/2026-01-01,1:6@2026-01-01'),
    ('1:5/2027-01-01,1:7/2027-01-01'),
    ('1:5/2027-01-01,1:-5/2027-01-01'),
    ('1:5,2:7,1:-5'),
    ('32767:1000000000000000,32766:-1000000000000000'),
    ('1:1@1900-01-01/9999-12-31'),
    ('1:1/1900-01-01,1:1/9999-12-31'),
    ('1:1@2028-02-29/2028-03-01'),
    ('1:1@1999-12-31/2000-01-01,1:1@2000-01-01/2000-01-02')
) v (l);

SELECT l, pg_temp.failure(format('SELECT %L::member.lots', l)) FROM (VALUES
    (''), (' '), ('none'), ('Empty'), ('empty,'), ('empty 1:5'), ('1'), ('1:'), (':5'), ('1;5'), ('1:5,'), (',1:5'), ('1:5 2:5'),
    ('a:5'), ('1:a'), ('1:5.5'), ('1:5@'), ('1:5/'), ('1:5/2026-01-01@2025-01-01'), ('1:5@2025-01-01@2025-01-02'),
    ('0:5'), ('-1:5'), ('32768:5'), ('1:0'), ('1:1000000000000001'), ('1:-1000000000000001'), ('1:99999999999999999999'),
    ('1:1000000000000000,1:1'),
    ('1:5/2026-02-29'), ('1:5/2026-13-01'), ('1:5/2026-00-01'), ('1:5/2026-1-1'), ('1:5/26-01-01'), ('1:5/20260101'), ('1:5/10000-01-01'),
    ('1:5/1899-12-31'), ('1:5@1899-12-31'), ('1:5@infinity'), ('1:5/-infinity'), ('1:5@infinity/infinity'),
    ('1:5@2026-01-01/2026-01-01'), ('1:5@2026-01-02/2026-01-01'), ('1:5/today'), ('1:五'), ('1:5@一月一日二月二日三月三日四月四日五月五日六月六日')
) v (l);

-- a value holds so many lots and no more
SELECT length(string_agg(format('1:1/%s', '2000-01-01'::date + n), ',')::lots::text) AS text_of_4096
FROM generate_series(1, 4096) n;
SELECT pg_temp.failure($$SELECT string_agg(format('1:1/%s', '2000-01-01'::date + n), ',')::member.lots FROM generate_series(1, 4097) n$$);

-- ---- binary ----

CREATE TEMP TABLE received (l lots);
CREATE FUNCTION pg_temp.recv(b bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    file text := current_setting('data_directory') || '/lots_recv';
    object oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0)
                                   || int2send(1::smallint) || int4send(length(b)) || b || int2send((-1)::smallint));
    message text; detail text;
BEGIN
    PERFORM lo_export(object, file), lo_unlink(object);
    DELETE FROM received;
    EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
    RETURN (SELECT l::text FROM received);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, nullif(detail, ''));
END $$;

-- COPY BINARY out and in again
CREATE TEMP TABLE sent (l lots);
INSERT INTO sent VALUES ('empty'), ('1:100/2027-04-01,1:50@2026-03-08/2027-04-01,2:300,1:-20'),
    ('32767:1000000000000000@1900-01-01/9999-12-31,32767:-1000000000000000');
INSERT INTO sent SELECT string_agg(format('%s:%s%s%s', n % 7 + 1, n, CASE WHEN n % 3 = 0 THEN '@2020-01-01' ELSE '' END,
                                          CASE WHEN n % 5 > 0 THEN '/' || '2021-01-01'::date + n * 37 % 1000 ELSE '' END), ',')::lots
FROM generate_series(1, 500) n;
DO $$
DECLARE
    file text := current_setting('data_directory') || '/lots_copy';
BEGIN
    EXECUTE format('COPY sent TO %L (FORMAT binary)', file);
    EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
END $$;
SELECT count(*) AS sent, count(r.l) AS same FROM sent s LEFT JOIN received r ON r.l = s.l AND r.l::text = s.l::text;

SELECT lots_send('1:100/2027-04-01,2:-1@2026-03-08');
CREATE FUNCTION pg_temp.lot(wallet int, first int, until int, amount bigint) RETURNS bytea LANGUAGE sql AS $$
    SELECT int2send(wallet::smallint) || int4send(first) || int4send(until) || int8send(amount)
$$;
SELECT what, pg_temp.recv(b) FROM (VALUES
    ('nothing', ''::bytea),
    ('none', '\x0000'),
    ('one', '\x0001' || pg_temp.lot(1, -2147483648, 2147483647, 5)),
    ('unsorted and twice', '\x0003' || pg_temp.lot(2, 9000, 9001, 5) || pg_temp.lot(1, 9000, 9001, 5) || pg_temp.lot(2, 9000, 9001, 6)),
    ('adds up to nothing', '\x0002' || pg_temp.lot(1, 9000, 9001, 5) || pg_temp.lot(1, 9000, 9001, -5)),
    ('cut short', '\x0001' || substr(pg_temp.lot(1, 9000, 9001, 5), 1, 10)),
    ('one missing', '\x0002' || pg_temp.lot(1, 9000, 9001, 5)),
    ('trailing', '\x000000'),
    ('too many', '\xffff'),
    ('wallet 0', '\x0001' || pg_temp.lot(0, 9000, 9001, 5)),
    ('wallet -1', '\x0001' || pg_temp.lot(-1, 9000, 9001, 5)),
    ('amount 0', '\x0001' || pg_temp.lot(1, 9000, 9001, 0)),
    ('amount', '\x0001' || pg_temp.lot(1, 9000, 9001, 1000000000000001)),
    ('least amount', '\x0001' || pg_temp.lot(1, 9000, 9001, -9223372036854775808)),
    ('sum', '\x0002' || pg_temp.lot(1, 9000, 9001, 1000000000000000) || pg_temp.lot(1, 9000, 9001, 1)),
    ('until before from', '\x0001' || pg_temp.lot(1, 9000, 9000, 5)),
    ('from infinity', '\x0001' || pg_temp.lot(1, 2147483647, 2147483647, 5)),
    ('until -infinity', '\x0001' || pg_temp.lot(1, -2147483648, -2147483648, 5)),
    ('first day', '\x0001' || pg_temp.lot(1, '1900-01-01'::date - '2000-01-01'::date, '1900-01-02'::date - '2000-01-01'::date, 5)),
    ('before it', '\x0001' || pg_temp.lot(1, '1899-12-31'::date - '2000-01-01'::date, '1900-01-02'::date - '2000-01-01'::date, 5)),
    ('last day', '\x0001' || pg_temp.lot(1, 0, '9999-12-31'::date - '2000-01-01'::date, 5)),
    ('after it', '\x0001' || pg_temp.lot(1, 0, '10000-01-01'::date - '2000-01-01'::date, 5))
) v (what, b);

-- ---- storage ----

BEGIN;
CREATE CAST (lots AS bytea) WITHOUT FUNCTION;
CREATE CAST (bytea AS lots) WITHOUT FUNCTION;
SELECT l, l::bytea FROM (VALUES
    ('empty'::lots),
    ('1:1'),
    ('1:-1'),
    ('1:100/2027-04-01'),
    ('1:100/2027-04-01,1:50@2026-03-08/2027-04-01,1:60/2027-05-01,2:300')
) v (l);
-- a lot of a monthly wallet in the middle of others
SELECT pg_column_size(string_agg(format('1:%s/%s', 100 + n, ('2026-02-01'::date + n * interval '1 month')::date), ',')::lots) AS bytes_of_12
FROM generate_series(1, 12) n;
SELECT b, pg_temp.failure(format('SELECT %L::bytea::member.lots::text', b)) FROM (VALUES
    ('\x'), ('\x01'), ('\x0200'), ('\x0101'), ('\x010005'), ('\x01000480'), ('\x010004808080808080808080808001'), ('\x010004')
) v (b);
ROLLBACK;

-- ---- comparison ----

SELECT a, b, a = b AS eq, a <> b AS ne, lots_hash(a) = lots_hash(b) AS hash,
       lots_hash_extended(a, 0) = lots_hash_extended(b, 0) AS hash0, lots_hash_extended(a, 0) = lots_hash_extended(b, 7) AS seed
FROM (VALUES
    ('empty'::lots, 'empty'::lots),
    ('1:5,2:6', '2:6,1:5'),
    ('1:5,1:5', '1:10'),
    ('1:5', 'empty'),
    ('1:5', '1:-5'),
    ('1:5', '2:5'),
    ('1:5', '1:5/2026-01-01'),
    ('1:5/2026-01-01', '1:5@2025-01-01/2026-01-01'),
    ('1:5/2026-01-01', '1:5/2026-01-02'),
    ('1:5', '1:5,1:6/2026-01-01')
) v (a, b);
-- group, distinct and join by hash
SET enable_sort = off;
SELECT l, count(*) FROM (VALUES ('1:5,2:6'::lots), ('2:6,1:5'), ('1:5')) v (l) GROUP BY l ORDER BY l::text;
RESET enable_sort;
SET enable_nestloop = off; SET enable_mergejoin = off;
SELECT count(*) FROM sent a JOIN sent b ON a.l = b.l;
RESET enable_nestloop; RESET enable_mergejoin;
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'lots_hash_ops';

-- ---- sums ----

SELECT a + b AS sum, a - b AS difference, - a AS negated, (a + b) - b = a AS undone, a + b = b + a AS commutes
FROM (VALUES
    ('empty'::lots, 'empty'::lots),
    ('1:5', 'empty'),
    ('empty', '1:5'),
    ('1:5/2026-01-01,2:7', '1:3/2026-01-01,1:3,3:1'),
    ('1:5', '1:-5'),
    ('1:5', '1:5')
) v (a, b);
SELECT pg_temp.failure($$SELECT '1:1000000000000000'::member.lots OPERATOR(member.+) '1:1'$$);
SELECT pg_temp.failure($$SELECT '1:-1000000000000000'::member.lots OPERATOR(member.-) '1:1'$$);
SELECT '1:1000000000000000'::lots - '1:2000' + '1:2000' AS at_the_bound;
SELECT lots_sum(l) AS of_none FROM sent WHERE false;
SELECT lots_sum(l) AS of_nulls FROM (VALUES (NULL::lots), ('1:5'), (NULL)) v (l);

-- the same in parallel, also where one worker has little and another much
CREATE TABLE public.many (g int, l lots) WITH (parallel_workers = 4);
INSERT INTO public.many SELECT n % 10, format('%s:%s/%s,%s:-%s@2026-01-01', n % 3 + 1, n, '2026-01-01'::date + n % 700, n % 5 + 1, n % 11 + 1)::lots
FROM generate_series(1, 20000) n;
INSERT INTO public.many VALUES (99, '32767:1');
ANALYZE public.many;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4; SET parallel_leader_participation = off;
EXPLAIN (costs off) SELECT lots_sum(l) FROM public.many;
CREATE TEMP TABLE together AS SELECT lots_sum(l) AS l FROM public.many;
CREATE TEMP TABLE by_group AS SELECT g, lots_sum(l) AS l FROM public.many GROUP BY g;
SET max_parallel_workers_per_gather = 0;
SELECT lots_sum(l) = (SELECT l FROM together) AS same FROM public.many;
SELECT count(*), bool_and(b.l = s.l) AS same
FROM by_group b JOIN (SELECT g, lots_sum(l) AS l FROM public.many GROUP BY g) s USING (g);
-- and as rows
SELECT count(*) AS lots, count(*) FILTER (WHERE x.points IS DISTINCT FROM y.points) AS different
FROM (SELECT u.* FROM together t, unnest(t.l) u) x
FULL JOIN (SELECT * FROM (SELECT u.wallet, u.usable_from, u.until, sum(u.points)::bigint AS points
                          FROM public.many m, unnest(m.l) u GROUP BY 1, 2, 3) z WHERE points <> 0) y
  ON (x.wallet, x.usable_from, x.until) IS NOT DISTINCT FROM (y.wallet, y.usable_from, y.until) AND x.wallet = y.wallet;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather; RESET parallel_leader_participation;
DROP TABLE public.many;

-- ---- unnest, total, is_book ----

SELECT * FROM unnest('1:100/2027-04-01,1:50@2026-03-08/2027-04-01,2:300,1:-20,3:1@2026-01-01'::lots);
SELECT * FROM unnest('empty'::lots);
SELECT l, total(l, 1::smallint), total(l, 2::smallint), total(l, 9::smallint), is_book(l) FROM (VALUES
    ('empty'::lots), ('1:100/2027-04-01,1:-20,2:3'), ('1:-20'), ('1:-20/2027-04-01'), ('1:-20@2027-04-01'),
    ('1:5,2:-20@2026-01-01/2027-04-01')
) v (l);

-- ---- earn ----

SELECT earn('empty', 1::smallint, 100);
SELECT earn('1:5/2026-06-01', 1::smallint, 100, NULL, '2026-06-01');
SELECT earn('1:5/2026-06-01', 1::smallint, 100, '2026-03-01', '2026-06-01');
SELECT earn('1:-30', 1::smallint, 100, usable_from => '-infinity', until => 'infinity') AS over_debt;
SELECT earn('1:-30', 1::smallint, 100, until => '2026-06-01') AS beside_debt;
SELECT earn('empty', 1::smallint, 1000000000000000, '1900-01-01', '9999-12-31');
SELECT call, pg_temp.failure(format('SELECT member.earn(%s)', call)) FROM (VALUES
    ('NULL, 1::smallint, 1'), ($$'empty', NULL, 1$$), ($$'empty', 1::smallint, NULL$$),
    ($$'empty', 0::smallint, 1$$), ($$'empty', -1::smallint, 1$$),
    ($$'empty', 1::smallint, 0$$), ($$'empty', 1::smallint, -1$$), ($$'empty', 1::smallint, 1000000000000001$$),
    ($$'1:1000000000000000', 1::smallint, 1$$),
    ($$'empty', 1::smallint, 1, '2026-01-01', '2026-01-01'$$), ($$'empty', 1::smallint, 1, '2026-01-02', '2026-01-01'$$),
    ($$'empty', 1::smallint, 1, 'infinity'$$), ($$'empty', 1::smallint, 1, NULL, '-infinity'$$),
    ($$'empty', 1::smallint, 1, '1899-12-31'$$), ($$'empty', 1::smallint, 1, NULL, '10000-01-01'$$)
) v (call);

-- ---- the day: one before, at and one after each boundary ----

SELECT d::date AS day, balance(l, 1::smallint, d::date), pending(l, 1::smallint, d::date), expired(l, 1::smallint, d::date),
       expiring(l, 1::smallint, d::date, 0) AS expiring0, expiring(l, 1::smallint, d::date, 1) AS expiring1,
       expiring(l, 1::smallint, d::date, 8) AS expiring8, next_expiry(l, 1::smallint, d::date), settle(l, d::date)
FROM (SELECT '1:100@2026-03-08/2026-03-18,1:7/2026-03-18,1:20/2026-03-12,1:3@2026-03-09,2:1000/2026-03-10'::lots AS l) v,
     generate_series('2026-03-06'::date, '2026-03-19', '1 day') d;
SELECT balance(l, 9::smallint, '2026-03-06'), pending(l, 9::smallint, '2026-03-06'), expired(l, 9::smallint, '2026-03-06'),
       expiring(l, 9::smallint, '2026-03-06', 10), next_expiry(l, 9::smallint, '2026-03-06')
FROM (VALUES ('empty'::lots), ('1:5/2026-03-07')) v (l);
SELECT within, pg_temp.failure(format($$SELECT member.expiring('1:5/2026-03-07', 1::smallint, '2026-03-01', %s)$$, within))
FROM (VALUES (-1), (0), (100000), (100001)) v (within);

-- strict: a null argument, a null answer
SELECT balance(NULL, 1::smallint, '2026-01-01'), settle(NULL, '2026-01-01'), take(NULL, 1::smallint, 1, '2026-01-01'),
       next_expiry('1:5', 1::smallint, '2026-01-01') AS never;

-- the last days there are
SELECT balance(l, 1::smallint, '9999-12-30'), balance(l, 1::smallint, '9999-12-31'), balance(l, 1::smallint, '1900-01-01')
FROM (VALUES ('1:5@1900-01-01/9999-12-31'::lots)) v (l);
SELECT expiring('1:5/9999-12-31', 1::smallint, '9999-12-30', 100000), next_expiry('1:5/9999-12-31', 1::smallint, '9999-12-31');
-- what is no day of the calendar
SELECT call, pg_temp.failure('SELECT ' || call) FROM (VALUES
    ($$member.balance('1:5', 1::smallint, 'infinity')$$), ($$member.settle('1:5', 'infinity')$$), ($$member.expired('1:5', 1::smallint, 'infinity')$$),
    ($$member.pending('1:5', 1::smallint, '-infinity')$$), ($$member.expiring('1:5', 1::smallint, 'infinity', 1)$$),
    ($$member.next_expiry('1:5', 1::smallint, '-infinity')$$), ($$member.take('1:5', 1::smallint, 1, 'infinity')$$),
    ($$member.reverse('1:5', '1:5', 'infinity', 'debt')$$),
    ($$member.balance('1:5', 1::smallint, '1899-12-31')$$), ($$member.balance('1:5', 1::smallint, '10000-01-01')$$)
) v (call);

-- ---- take: first-expiring first, from what is usable that day ----

SELECT n, take(l, 1::smallint, n, '2026-03-10'), l - take(l, 1::smallint, n, '2026-03-10') AS left
FROM (SELECT '1:10/2026-03-11,1:20/2026-03-20,1:5@2026-03-10/2026-03-20,1:7@2026-03-11/2026-03-12,1:9/2026-03-10,1:30,2:100'::lots AS l) v,
     (VALUES (1), (9), (10), (11), (30), (31), (35), (36), (65)) t (n);
SELECT l, n, pg_temp.failure(format('SELECT member.take(%L, 1::smallint, %s, %L)', l, n, '2026-03-10')) FROM (VALUES
    ('1:10/2026-03-11', 11), ('1:10/2026-03-11', 10), ('1:10/2026-03-10', 1), ('1:10@2026-03-11', 1), ('2:10', 1), ('empty', 1), ('1:-5', 1),
    ('1:-5,1:10/2026-04-01', 6), ('1:-5,1:10/2026-04-01', 5),
    ('1:10', 0), ('1:10', -1), ('1:10', 1000000000000001), ('1:10,2:-5/2026-04-01', 1)
) v (l, n);

-- ---- settle: debt, in the order lots become usable; then expiry ----

SELECT l, d, settle(l, d::date) AS settled, settle(settle(l, d::date), d::date) = settle(l, d::date) AS idempotent,
       balance(l, 1::smallint, d::date), expired(l, 1::smallint, d::date), next_expiry(l, 1::smallint, d::date)
FROM (VALUES
    ('1:-10,1:30@2026-03-08/2026-03-18'::lots),   -- paid on the day it becomes usable
    ('1:-30,1:30@2026-03-08/2026-03-18'),         -- exactly
    ('1:-31,1:30@2026-03-08/2026-03-18'),         -- one is left owed
    ('1:-10,1:8@2026-03-08/2026-03-18,1:9/2026-03-19'),              -- at once usable pays first
    ('1:-10,1:8@2026-03-08/2026-03-18,1:9@2026-03-07/2026-03-19'),   -- earlier usable pays first, whichever expires first
    ('1:-10,1:8@2026-03-08/2026-03-19,1:9@2026-03-08/2026-03-18'),   -- usable the same day: first-expiring first
    ('1:-10,2:30/2026-03-18'),                    -- another wallet pays nothing
    ('2:-10,1:30/2026-03-18,2:4/2026-03-18')
) v (l), (VALUES ('2026-03-06'), ('2026-03-07'), ('2026-03-08'), ('2026-03-17'), ('2026-03-18'), ('2026-03-19')) t (d);
SELECT pg_temp.failure(format('SELECT member.settle(%L, %L)', l, '2026-03-01')) FROM (VALUES ('1:-5/2026-04-01'), ('1:-5@2026-04-01')) v (l);
SELECT balance('1:-5/2026-04-01,1:2', 1::smallint, '2026-03-31') AS of_a_posting, balance('1:-5/2026-04-01,1:2', 1::smallint, '2026-04-01') AS later;

-- ---- reverse ----

SELECT l AS book, award, policy, reverse(l, award, '2026-03-10', policy) AS posting, l + reverse(l, award, '2026-03-10', policy) AS after
FROM (VALUES
    ('1:100/2026-09-01'::lots, '1:100/2026-09-01'::lots),                  -- all of it is there
    ('1:150/2026-09-01', '1:100/2026-09-01'),                              -- and more
    ('1:30/2026-09-01,1:50/2026-06-01,1:40', '1:100/2026-09-01'),          -- own lot first, then first-expiring
    ('1:30/2026-09-01,1:50/2026-06-01', '1:100/2026-09-01'),               -- 20 are missing
    ('empty', '1:100/2026-09-01'),
    ('1:-5', '1:100/2026-09-01'),
    ('1:100@2026-03-11/2026-09-01', '1:100@2026-03-11/2026-09-01'),        -- pending: becomes usable tomorrow
    ('1:60@2026-03-11/2026-09-01,1:50', '1:100@2026-03-11/2026-09-01'),
    ('1:100@2026-03-10/2026-09-01', '1:100@2026-03-10/2026-09-01'),        -- usable since today
    ('1:100/2026-03-11', '1:100/2026-03-11'),                              -- gone tomorrow
    ('1:80', '1:100/2026-03-10'),                                          -- gone since today: not taken twice
    ('1:80@2026-04-01', '1:100/2026-09-01'),                               -- others' pending points are not touched
    ('1:100/2026-09-01,2:7', '1:60/2026-09-01,2:10'),                      -- wallet by wallet
    ('1:100', '1:-60'),                                                    -- what the award took is not its to give back
    ('1:100', 'empty')
) v (l, award), (VALUES ('only_pending'), ('within_balance'), ('debt')) p (policy);
-- debt is paid first: what is left of the award's own lot after that is taken
SELECT reverse('1:-30,1:100/2026-09-01', '1:100/2026-09-01', '2026-03-10', p) FROM (VALUES ('within_balance'), ('debt')) v (p);
SELECT pg_temp.failure($$SELECT member.reverse('1:5', '1:5', '2026-03-10', 'DEBT')$$);
SELECT pg_temp.failure($$SELECT member.reverse('1:-5/2027-01-01', '1:5', '2026-03-10', 'debt')$$);

-- ---- share ----

SELECT part, share('1:100/2026-09-01,1:7@2026-04-01,2:-10,3:1'::lots, part, 3) FROM generate_series(0, 3) part;
SELECT share('1:1000000000000000', 9223372036854775806, 9223372036854775807);
SELECT p, w, pg_temp.failure(format($$SELECT member.share('1:5', %s, %s)$$, p, w))
FROM (VALUES (-1, 3), (4, 3), (0, 0), (1, -1), (0, 1), (1, 1)) v (p, w);
-- parts of any split add up to the whole
SELECT count(*) AS splits, bool_and(s.sum = s.whole) AS whole, bool_and(s.steady) AS never_back
FROM (SELECT v.whole, lots_sum(share(v.whole, c.until, v.n) - share(v.whole, c.since, v.n)) AS sum,
             bool_and(total(share(v.whole, c.until, v.n) - share(v.whole, c.since, v.n), 1::smallint) >= 0) AS steady
      FROM (SELECT i, 1 + abs(hashint4(i)) % 100000 AS n,
                   format('1:%s/2027-01-01,1:%s,2:-%s', 1 + abs(hashint4(i + 1)) % 1000, 1 + abs(hashint4(i + 2)) % 100000, 1 + abs(hashint4(i + 3)) % 50)::lots AS whole
            FROM generate_series(1, 300) i) v
      CROSS JOIN LATERAL (
          SELECT coalesce(lag(cut) OVER (ORDER BY cut), 0) AS since, cut AS until
          FROM (SELECT DISTINCT abs(hashint4(v.i * 31 + k)) % v.n AS cut FROM generate_series(1, v.i % 9) k UNION SELECT v.n) x) c
      GROUP BY v.i, v.whole) s;

-- ---- over members, by day ----

-- debt of the second pays the lot that became usable first; the third has two lots of one day, the fourth what is pending, gone, for good or another wallet's
CREATE TEMP TABLE holder AS SELECT * FROM (VALUES (1, '1:10/2026-03-02,1:5/2026-03-05'::lots), (2, '1:10@2026-02-01/2026-03-05,1:10@2026-01-01/2026-03-05,1:-15'),
    (3, '1:7@2026-02-01/2026-03-04,1:8/2026-03-04'), (4, '1:1/2026-03-01,1:2@2026-03-02/2026-03-03,1:4/2026-03-06,1:8,2:16/2026-03-02'), (5, 'empty'), (6, '1:-3')) v (m, l);
SELECT expiring_by_day(l, 1::smallint, '2026-03-01', 4), expiring_by_day(l, 2::smallint, '2026-03-01', 2), expiring_by_day(l, 1::smallint, '2026-03-01', 4) FILTER (WHERE m > 9) AS "of none" FROM holder;
SELECT d.until, count(DISTINCT h.m), sum(u.points), x.by_day[n][1] = count(DISTINCT h.m) AND x.by_day[n][2] = sum(u.points) AS same
FROM (SELECT expiring_by_day(l, 1::smallint, '2026-03-01', 31) AS by_day FROM holder) x, generate_series(1, 31) n, LATERAL (SELECT '2026-03-01'::date + n AS until) d, holder h, LATERAL member.unnest(settle(h.l, '2026-03-01')) u
WHERE u.wallet = 1 AND u.until = d.until AND (u.usable_from IS NULL OR u.usable_from <= '2026-03-01') GROUP BY d.until, n, x.by_day ORDER BY 1;
SELECT pg_temp.failure(format('SELECT expiring_by_day(%s, %s, %s, %s)', l, w, d, n)) FROM (VALUES
    ($$'empty'$$, '1::smallint', $$'2026-03-01'$$, '0'), ($$'empty'$$, '1::smallint', $$'2026-03-01'$$, '3661'), ($$'empty'$$, '1::smallint', $$'infinity'$$, '1'),
    ('NULL', '1::smallint', $$'2026-03-01'$$, '1'), ($$'empty'$$, 'NULL', $$'2026-03-01'$$, '1'), ($$'1:-5/2026-03-02'$$, '1::smallint', $$'2026-03-01'$$, '1')) v (l, w, d, n);
SELECT pg_temp.failure($$SELECT expiring_by_day('empty', 1::smallint, '2026-03-01', n) FROM generate_series(1, 2) n$$);
SELECT counts_plus('{{1,2},{3,4}}', '{{10,20},{30,40}}'), counts_plus(NULL, '{{1}}'), counts_plus('{{1}}', NULL), counts_plus(NULL, NULL);
SELECT pg_temp.failure(format('SELECT counts_plus(%L, %L)', a, b)) FROM (VALUES ('{{1,2}}', '{{1},{2}}'), ('{1}', '{1}'), ('{}', '{}'), ('{{1}}', '{{NULL}}'), ('{{9223372036854775807}}', '{{1}}')) v (a, b);
