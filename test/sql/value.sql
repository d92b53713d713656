-- The types value_stats and value_model, the fit, and what a model says of a member.
SET search_path = member, public;
SET datestyle = iso;
SET extra_float_digits = -3; -- the last digits may differ from machine to machine
\pset null '(null)'
\set m '\'bg(0.243,30.9,0.793,2.426) gg(6.25,3.74,1544)\'::value_model'

-- ---- value_stats: text ----

SELECT 'times() money()'::value_stats;
SELECT ' times ( 0/0/40 : 12 , 2/31/64 : 1 ) money( 2 / 25800 : 1 ) '::value_stats;
SELECT 'times~3(0/0/40:70000,2/24/64:1) money~1(2/25600:1)'::value_stats;
SELECT 'times(2/31/64:1,0/0/40:1) money()'::value_stats;
SELECT 'times(0/0/40:1,0/0/40:1) money()'::value_stats;
SELECT 'times~3(0/0/41:1) money()'::value_stats;
SELECT 'times() money~1(1/4097:1)'::value_stats;
SELECT 'times~23() money()'::value_stats;
SELECT 'times~-1() money()'::value_stats;
SELECT 'times(0/1/40:1) money()'::value_stats;
SELECT 'times(1/41/40:1) money()'::value_stats;
SELECT 'times(1/0/4194304:1) money()'::value_stats;
SELECT 'times(-1/0/4:1) money()'::value_stats;
SELECT 'times(0/0/4:0) money()'::value_stats;
SELECT 'times(0/0/4:4294967296) money()'::value_stats;
SELECT 'times() money(0/5:1)'::value_stats;
SELECT 'times() money(1/0:1)'::value_stats;
SELECT 'times() money(1/9007199254740992:1)'::value_stats;
SELECT 'money() times()'::value_stats;
SELECT 'times(0/0/40) money()'::value_stats;
SELECT 'times() money() x'::value_stats;
SELECT ''::value_stats;

SELECT s = s AS eq, s <> t AS ne, hashed, s = t AS other
FROM (SELECT 'times(0/0/40:1) money()'::value_stats AS s, 'times(0/0/41:1) money()'::value_stats AS t,
             value_stats_hash('times(0/0/40:1) money()') = value_stats_hash(' times(0/0/40:1) money()') AS hashed) x;
-- binary: out and in again by COPY, and what is damaged
CREATE FUNCTION pg_temp.received(type text, b bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    row CONSTANT bytea := '\x5047434f50590aff0d0a000000000000000000'::bytea || '\x0001'::bytea || int4send(length(b)) || b || '\xffff'::bytea;
    octal text := '';
    value text;
BEGIN
    FOR i IN 0 .. length(row) - 1 LOOP
        octal := octal || format('\%s%s%s', get_byte(row, i) / 64, get_byte(row, i) / 8 % 8, get_byte(row, i) % 8);
    END LOOP;
    EXECUTE format('CREATE TEMP TABLE received (v %s)', type);
    EXECUTE format('COPY pg_temp.received FROM PROGRAM %L (FORMAT binary)', format('printf ''%s''', octal));
    EXECUTE 'SELECT v::text FROM pg_temp.received' INTO value;
    DROP TABLE pg_temp.received;
    RETURN value;
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END $$;
SELECT pg_temp.received('value_stats', value_stats_send(s)) = s::text AS same FROM unnest('{"times~3(0/0/40:70000,2/24/64:1) money~1(2/25600:1)","times() money()"}'::value_stats[]) s;
SELECT pg_temp.received('value_model', value_model_send(m)) = m::text AS same FROM unnest(ARRAY[:m, 'bg(1,2,3,4)']) m;
SELECT pg_temp.received('value_stats', b) FROM (VALUES ('\x17000000000000000000'::bytea), ('\x0000000001000000000000000100000000000000000000000100000000'), ('\x0000000001'), ('\x')) v (b);
SELECT pg_temp.received('value_model', float8send(1) || float8send(1) || float8send(1) || float8send(b) || float8send(p) || float8send(q) || float8send(q)) FROM (VALUES (0::float8, 0::float8, 0::float8), ('NaN', 0, 0), (1, 0, 1), (1, 1, '-1'), (1, '-0', 0)) v (b, p, q);

-- ---- the aggregate ----

SELECT value_stats_agg(x, t_x, t, amount)
FROM (VALUES (0, 0, 40, NULL::bigint), (0, 0, 40, 7), (2, 31, 64, 25800), (1, 5, 64, 0), (1, 5, 64, -3), (NULL, NULL, NULL, NULL)) v (x, t_x, t, amount);
SELECT value_stats_agg(x, 1, 1, 1) FROM (VALUES (NULL::int)) v (x);
SELECT value_stats_add(NULL, -1, 0, 5, 1);
SELECT value_stats_add(NULL, 3, 2, 5, 1);
SELECT value_stats_add(NULL, 1, 6, 5, 1);
SELECT value_stats_add(NULL, 0, 1, 5, 1);
SELECT value_stats_add(NULL, 0, 0, 4194304, 1);
SELECT value_stats_add(NULL, 1, NULL, 5, 1);
SELECT value_stats_add(NULL, 1, 1, 5, 9007199254740992);
SELECT value_stats_combine('times(0/0/40:4294967295) money()', 'times(0/0/40:1) money()');
SELECT value_stats_combine('times(0/0/40:2) money()', NULL), value_stats_combine(NULL, 'times(0/0/40:2) money()'), value_stats_combine(NULL, NULL);

-- of activity: the first day counts for nothing, days after the day asked are not there
CREATE TEMP TABLE a AS SELECT activity_agg(1::smallint, day, amount) AS activity
FROM (VALUES ('2026-01-01'::date, 500), ('2026-01-01', 600), ('2026-01-11', 1000), ('2026-01-21', 3000), ('2026-01-21', 70)) v (day, amount);
SELECT d, h.*, value_stats_add(NULL, activity, 1::smallint, d), idle_days(activity, d)
FROM a, unnest('{2025-12-31,2026-01-01,2026-01-15,2026-02-10}'::date[]) d, purchase_history(activity, 1::smallint, d) h;
SELECT purchase_history(activity, 2::smallint, '2026-02-10') FROM a;
-- one of months: its first month has 3 active days, so that two thirds of it are repeat spend; a day within it can't be told
CREATE TEMP TABLE folded AS SELECT member.trim(activity, 1::smallint, '2026-06-01', 31, 12) AS activity FROM a;
SELECT h.*, idle_days(activity, '2026-06-01') FROM folded, purchase_history(activity, 1::smallint, '2026-06-01') h;
SELECT purchase_history(activity, 1::smallint, '2026-01-15') FROM folded;
SELECT purchase_history(activity, 1::smallint, 'infinity') FROM a;
SELECT value_stats_add(NULL, activity, NULL, '2026-01-01') FROM a;

-- ---- value_model ----

SELECT :m, 'bg(1,2,3,4)'::value_model, ' bg ( 1e-3 , 2.50, 3, 4 ) '::value_model;
SELECT 'bg(1,2,3)'::value_model;
SELECT 'bg(1,2,3,0)'::value_model;
SELECT 'bg(1,2,3,4) gg(0,1,1)'::value_model;
SELECT 'bg(1,2,3,-4)'::value_model;
SELECT 'bg(1,2,3,inf)'::value_model;
SELECT 'bg(1,2,3,1e999)'::value_model;
SELECT 'bg(1,2,3,4) gg(1,1,1) x'::value_model;
SELECT 'gg(1,1,1)'::value_model;
SELECT n, value_parameter(:m, n), value_parameter('bg(1,2,3,4)', n) FROM unnest('{r,alpha,a,b,p,q,gamma}'::text[]) n;
SELECT value_parameter(:m, 'beta');
SELECT :m = :m, :m <> 'bg(1,2,3,4)', value_model_hash(:m) = value_model_hash(:m);

-- ---- what it says ----

-- weeks instead of days give the figures of the authors' spreadsheet: 1.2 purchases in 39 weeks, 2 before
SELECT round(expected_purchases(:m, 2, 213, 272, 273)::numeric, 3) AS purchases, round(p_alive(:m, 2, 213, 272)::numeric, 3) AS p_alive;
SELECT p_alive(:m, 0, 0, 1000) AS once, round(p_purchase(:m, 0, 0, 1000, 365)::numeric, 6) AS p_purchase, round(expected_purchases(:m, 0, 0, 1000, 365)::numeric, 6) AS purchases,
       round(expected_purchases(:m, 0, 0, 0, 364)::numeric, 3) AS newcomer;
SELECT expected_purchases(:m, 5, 100, 100, 0), p_purchase(:m, 5, 100, 100, 0), clv(:m, 5, 100, 100, 5000, 0, 0.1, 1);
SELECT round(expected_spend(:m, 0, 0, 0, 0)::numeric, 2) AS mean, round(expected_spend(:m, 1, 1, 1, 100)::numeric, 2) AS small, round(expected_spend(:m, 1000, 1000, 1000, 5000000)::numeric, 2) AS as_before;
SELECT round(clv(:m, 2, 213, 272, 5000, 365, 0, 1)::numeric, 2) AS plain, round((expected_purchases(:m, 2, 213, 272, 365) * expected_spend(:m, 2, 213, 272, 5000))::numeric, 2) AS is_product,
       round(clv(:m, 2, 213, 272, 5000, 365, 0.1, 1)::numeric, 2) AS discounted, round(clv(:m, 2, 213, 272, 5000, 365, 0.1, 0.25)::numeric, 2) AS margin;
-- no model of spend, no finite mean
SELECT clv('bg(1,2,3,4)', 1, 1, 1, 100, 365, 0, 1), expected_spend('bg(1,2,3,4) gg(1,0.5,1)', 0, 0, 0, 0), round(expected_spend('bg(1,2,3,4) gg(1,0.5,1)', 1, 1, 1, 9)::numeric, 2);
-- the same of activity
SELECT p_alive(:m, activity, 1::smallint, d) = p_alive(:m, h.x, h.t_x, h.t) AS p_alive, p_purchase(:m, activity, 1::smallint, d, 90) = p_purchase(:m, h.x, h.t_x, h.t, 90) AS p_purchase,
       expected_purchases(:m, activity, 1::smallint, d, 90) = expected_purchases(:m, h.x, h.t_x, h.t, 90) AS purchases, expected_spend(:m, activity, 1::smallint, d) = expected_spend(:m, h.x, h.t_x, h.t, h.amount) AS spend,
       clv(:m, activity, 1::smallint, d, 90, 0.1, 0.5) = clv(:m, h.x, h.t_x, h.t, h.amount, 90, 0.1, 0.5) AS clv
FROM a, unnest('{2026-01-01,2026-02-10}'::date[]) d, purchase_history(activity, 1::smallint, d) h;
SELECT p_alive(:m, activity, 1::smallint, '2025-12-31'), clv(:m, activity, 2::smallint, '2026-12-31', 90, 0.1, 0.5) FROM a;
SELECT p_alive(:m, 1, 6, 5);
SELECT p_alive(:m, 0, 3, 5);
SELECT p_alive(:m, -1, 3, 5);
SELECT expected_purchases(:m, 1, 3, 5, -1);
SELECT expected_purchases(:m, 1, 3, 5, 100001);
SELECT clv(:m, 1, 3, 5, 100, 10, -0.1, 1);
SELECT clv(:m, 1, 3, 5, 100, 10, 'NaN', 1);
SELECT clv(:m, 1, 3, 5, 100, 10, 0.1, 1.1);

-- ---- the fit of what has no maximum says so ----

SELECT members, repeat_members, repeats, converged, spend_converged, spend_log_likelihood, grain_days FROM value_fit('times(0/0/40:12,0/0/50:3) money()');
SELECT members, repeat_members, repeats, converged, spend_converged, grain_days FROM value_fit('times(0/0/0:5) money()');
SELECT value_fit('times() money()');
SELECT value_fit(NULL);

-- ---- stages and signs ----

SELECT d, lifecycle_stage_name(lifecycle_stage(activity, 1::smallint, d, NULL, 30, 1.5, 20, 60, 120)) AS stage,
       lifecycle_stage_name(lifecycle_stage(activity, 1::smallint, d, rfm_cuts('{100}', '{3}', '{5000}'), 20, 1.5, 20, 60, 120), 'en') AS with_cuts,
       churn_signs(activity, 1::smallint, d, NULL, 1, 30, 15, 0.5) AS signs, churn_signs(activity, 1::smallint, d, 'bg(0.243,3,0.793,2.426)', 1, 30, 15, 0.5) AS with_model, round(p_alive('bg(0.243,3,0.793,2.426)', activity, 1::smallint, d)::numeric, 3) AS p_alive
FROM a, unnest('{2025-12-31,2026-01-01,2026-01-20,2026-01-21,2026-01-30,2026-02-01,2026-02-09,2026-02-10,2026-02-20,2026-03-21,2026-03-22,2026-05-20,2026-05-21}'::date[]) d;
SELECT lifecycle_stage_name(7::smallint);
SELECT lifecycle_stage_name(1::smallint, 'fr');
SELECT lifecycle_stage(activity, 1::smallint, NULL, NULL, 30, 1.5, 20, 60, 120) FROM a;
SELECT churn_signs(activity, 1::smallint, '2026-01-01', NULL, NULL, 30, 15, 0.5) FROM a;
SELECT idle_days('empty', '2026-01-01');
