-- ladders: validity, falling, grants, faster ways, losing, rolling over: each on the day before, the day and the day after.
SET client_min_messages = warning;
SET datestyle = iso;
SET timezone = 'Asia/Shanghai';
SET search_path = member, public;
\pset null '(null)'

CREATE FUNCTION pg_temp.program(parts text) RETURNS program LANGUAGE sql IMMUTABLE AS $$
    SELECT ('program 1; wallet 1 points; wallet 2 growth; stream 1 orders purchases; stream 2 signin; ' || parts)::program
$$;
-- the decisions from a day on, in one line each
CREATE FUNCTION pg_temp.decided(p program, lots lots, activity activity, standing standing, since date, day date) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s %s %s→%s on %s until %s: %s', t.ladder, t.kind, t.from_level, t.to_level, t.on_day, coalesce(t.until::text, 'ever'), t.reason), E'\n' ORDER BY t.ord), 'nothing')
           || E'\n= ' || tier_decide(p, lots, activity, standing, since, day)
    FROM tier_decisions(p, lots, activity, standing, since, day) WITH ORDINALITY AS t (ladder, kind, from_level, to_level, on_day, until, reason, ord)
$$;

-- ---- thresholds: one below, exactly at, one above; a comparison of each sort ----

SELECT op, string_agg(level(tier_decide(pg_temp.program(format('level 1 0 a; level 1 1 b qualify {spend(12mo) %s 500};', op)), 'empty', format('1{2026-03-01:1/%s}', cents)::activity, 'empty', '2026-03-01', '2026-03-01'), 1::smallint)::text, ' ' ORDER BY cents) AS at_49999_50000_50001
FROM (VALUES (1, '>='), (2, '>'), (3, '<='), (4, '<'), (5, '='), (6, '<>')) o (n, op), (VALUES (49999), (50000), (50001)) c (cents) GROUP BY n, op ORDER BY n;
-- a composite score, and both of two conditions
SELECT cents, growth, level(tier_decide(pg_temp.program('level 1 0 a; level 1 1 b qualify {0.7*spend(12mo) + 0.3*growth >= 380}; level 1 2 c qualify {spend(12mo) >= 500 and growth >= 100};'),
    coalesce('2:' || nullif(growth, 0), 'empty')::lots, format('1{2026-03-01:1/%s}', cents)::activity, 'empty', '2026-03-01', '2026-03-01'), 1::smallint)
FROM (VALUES (50000, 99), (50000, 100), (49999, 100), (50001, 101), (50000, 10), (54285, 1), (54285, 0), (54286, 0), (10000, 1033), (10000, 1034)) v (cents, growth);
-- the first and the last day of a window
SELECT d::date, level(tier_decide(pg_temp.program('level 1 0 a; level 1 1 b qualify {orders(30d) >= 1}; level 2 0 a; level 2 1 b qualify {orders(1mo) >= 1}; level 3 0 a; level 3 1 b qualify {orders(month) >= 1};'),
    'empty', '1{2026-01-31:1/100}', 'empty', d::date, d::date), l::smallint) AS level, l AS ladder
FROM unnest('{2026-01-30,2026-01-31,2026-02-01,2026-02-27,2026-02-28,2026-03-01,2026-03-02}'::date[]) d, generate_series(1, 3) l ORDER BY l, d;

-- ---- validity ----

SELECT validity, day, months, until FROM (VALUES ('rolling'), ('calendar'), ('anniversary')) v (validity),
    (VALUES ('2026-01-01'::date), ('2026-03-31'), ('2026-12-31'), ('2024-02-29')) d (day), (VALUES (3), (12)) m (months),
    LATERAL (SELECT level_until(tier_decide(pg_temp.program(format('ladder 1 l validity %s; level 1 0 a; level 1 1 b months %s qualify {orders >= 1};', validity, months)),
        'empty', format('1{%s:1/100}', day)::activity, 'empty', day, day), 1::smallint) AS until) x ORDER BY 1, 3, 2;
-- a rise in the middle of a year of membership runs to the end of a year; what is kept, from end to end
SELECT validity, pg_temp.decided(pg_temp.program(format('ladder 1 l validity %s; level 1 0 a; level 1 1 b months 12 qualify {orders >= 1}; level 1 2 c months 12 qualify {orders >= 3};', validity)),
    'empty', '1{2026-08-15:3/300^100}', '1:1@2026-05-10/2027-05-10', '2026-08-14', '2026-08-15')
FROM (VALUES ('rolling'), ('calendar'), ('anniversary')) v (validity);

-- ---- falling ----

CREATE TEMP TABLE fall (mode text PRIMARY KEY, p program);
INSERT INTO fall SELECT mode, pg_temp.program(format('ladder 1 l fall %s; level 1 0 a; level 1 1 b qualify {spend(12mo) >= 100} keep {spend(12mo) >= 50} months 12;
    level 1 2 c qualify {spend(12mo) >= 200} months 12 grace 10; level 1 3 d qualify {spend(12mo) >= 300} months 12;', mode)) FROM unnest('{step,qualified,soft}'::text[]) mode;
SELECT mode, cents, pg_temp.decided(p, 'empty', format('1{2026-06-01:1/%s}', cents)::activity, '1:3@2026-02-01/2026-07-01', '2026-06-01', '2029-01-01') FROM fall, (VALUES (0), (20000), (5000)) v (cents) ORDER BY mode, cents;
-- a level that is kept within the grace, and on its last day
SELECT d, pg_temp.decided(p, 'empty', '1{2026-07-05:1/20000}', '1:2@2026-02-01/2026-07-01!2026-07-11', '2026-07-04', d) FROM fall, (VALUES ('2026-07-05'::date), ('2026-07-10'), ('2026-07-11')) v (d) WHERE mode = 'step';
-- an archived level keeps who has it, takes nobody, and nobody falls on it
SELECT standing, pg_temp.decided(pg_temp.program('level 1 0 a; level 1 1 b qualify {spend(12mo) >= 100} months 12; level 1 2 c archived qualify {spend(12mo) >= 200} months 12; level 1 3 d qualify {spend(12mo) >= 300} months 12;'),
    'empty', '1{2026-06-01:1/25000}', standing, '2026-06-01', '2026-07-01') FROM (VALUES ('empty'::standing), ('1:2@2026-02-01/2026-07-01'), ('1:3@2026-02-01/2026-07-01')) v (standing);

-- ---- lost before its end: three months of fewer orders ----

SELECT d, pg_temp.decided(pg_temp.program('level 1 0 a; level 1 1 b qualify {orders >= 1} lose {falling_months(orders) >= 3}; level 1 2 c qualify {orders >= 2} months 12 lose {falling_months(orders) >= 3};'),
    'empty', '1{2026-01-05:8/800^100,2026-02-05:6/600^100,2026-03-05:4/400^100,2026-04-05:2/200^100}', '1:2@2026-01-05/2027-01-05', '2026-04-05', d)
FROM (VALUES ('2026-04-30'::date), ('2026-05-01'), ('2026-05-31'), ('2026-06-01'), ('2026-08-01')) v (d);

-- ---- rolling over ----

SELECT cents, pg_temp.decided(pg_temp.program('level 1 0 a; level 1 1 b qualify {spend(1mo) >= 1000} keep {spend(12mo) >= 500} months 12 rollover;'),
    'empty', format('1{2026-02-10:1/%s,2027-01-10:1/10000}', cents)::activity, '1:1@2025-06-30/2026-06-30', '2026-02-10', '2027-07-01')
FROM (VALUES (50000), (89999), (90000), (150000)) v (cents);

-- ---- faster ways: on the day they open, not before, not after ----

SELECT d, pg_temp.decided(pg_temp.program('level 1 0 a; level 1 1 b months 12 qualify {spend(12mo) >= 500}; fast 1 1 since 2026-10-28 until 2026-11-12 {spend(12mo) >= 400};'),
    'empty', '1{2026-06-01:1/45000}', 'empty', s, d) FROM (VALUES ('2026-06-01'::date, '2026-10-27'::date), ('2026-06-01', '2026-10-28'), ('2026-06-01', '2026-12-01'), ('2026-11-11', '2026-11-11'), ('2026-11-12', '2026-11-12')) v (s, d);

-- ---- by time alone: pending growth becomes usable; points that expire take nothing at once ----

SELECT d, pg_temp.decided(pg_temp.program('level 1 0 a; level 1 1 b months 3 qualify {growth >= 100}; level 2 0 a; level 2 1 b qualify {tier(1) >= 1 and recency(orders) >= 60};'),
    '2:60/2026-05-01,2:50@2026-03-08/2026-05-01', '1{2026-02-01:1/100}', 'empty', '2026-03-01', d) FROM (VALUES ('2026-03-07'::date), ('2026-03-08'), ('2026-04-02'), ('2026-06-08')) v (d);

-- ---- granted by hand: what is earned goes on beside it ----

SELECT standing, pg_temp.decided(p, 'empty', '1{2026-06-01:1/20000}', standing, '2026-05-01', '2026-09-01') FROM fall, (VALUES ('1:0@2026-05-01 floor 3/2026-08-01'::standing), ('1:0@2026-05-01 lock 1/2026-08-01'), ('1:0@2026-05-01 trial 1/2026-08-01'),
    ('1:3@2026-02-01/2026-07-01 floor 1'), ('1:3@2026-02-01/2026-07-01 lock 0'), ('1:1@2026-02-01/2026-06-01 floor 2')) v (standing) WHERE mode = 'step' AND standing IS NOT NULL;

-- ---- a refund costs the level at once, where it does ----

SELECT mode, kept, r.level, r.standing, (SELECT string_agg(t.kind || ' ' || t.reason, '; ') FROM unnest(r.tiers) t) AS tiers
FROM (VALUES ('', true), (' lower_now', true), (' lower_now', false)) v (mode, kept),
    LATERAL step(ROW('empty', CASE WHEN kept THEN '1{2026-03-01:1/60000}' ELSE '1{2026-03-01:1/30000}' END, '1:1@2026-03-01/2027-03-01', '2026-03-01 10:00+08', 1, NULL)::step_state,
        jsonb_populate_record(NULL::step_event, '{"member_id": 1, "kind": "refund", "at": "2026-03-02 10:00+08", "amount": 25000, "ref": 1, "origin_lots": "empty", "origin_of": 60000, "origin_at": "2026-03-01 10:00+08"}'),
        pg_temp.program(format('ladder 1 l fall step%s; level 1 0 a; level 1 1 b months 12 qualify {spend(12mo) >= 500} keep {spend(12mo) >= 400};', mode))) r;

-- ---- a grant as a step: an entry, a decision, what it leaves ----

SELECT what, until, r.level, r.standing, r.delta, r.next_due, (SELECT string_agg(format('%s %s→%s %s', t.kind, t.from_level, t.to_level, t.reason), '; ') FROM unnest(r.tiers) t) AS tiers
FROM (VALUES ('1:2:floor', NULL), ('1:2:trial', '2026-04-01'), ('1:0:lock', '2026-04-01'), ('1:0:none', NULL)) v (what, until), fall,
    LATERAL step(ROW('empty', 'empty', '1:1@2026-03-01/2027-03-01 floor 3', '2026-03-01 10:00+08', 1, NULL)::step_state,
        jsonb_populate_record(NULL::step_event, jsonb_build_object('member_id', 1, 'kind', 'tier', 'at', '2026-03-02 10:00+08', 'event_kind', what, 'until', until)), p) r WHERE mode = 'step';

-- ---- review: a day on which rules are new ----

SELECT kind, r.level, r.entries, r.delta, r.standing FROM (VALUES ('day'), ('review')) v (kind), fall, LATERAL step(ROW('empty', '1{2026-03-01:1/20000}', 'empty', '2026-03-01 10:00+08', 1, NULL)::step_state,
    jsonb_populate_record(NULL::step_event, jsonb_build_object('member_id', 1, 'kind', kind, 'at', '2026-03-02 10:00+08')), p) r WHERE mode = 'step';

-- ---- what is missing ----

SELECT c.* FROM member_internal.tier_conditions(pg_temp.program('level 1 0 a; level 1 1 b months 12 qualify {orders >= 1} keep {spend(12mo) >= 100};
    level 1 2 c qualify {0.7*spend(12mo) + 0.3*growth >= 500 or orders(30d) >= 4 and growth >= 20 or max_order(30d) >= 50 or signin(30d) >= 5 or recency(orders) <= 3}; fast 1 2 since 2026-10-28 until 2026-11-12 {spend(12mo) >= 70};'),
    '2:10', '1{2026-02-20:3/6000^3000}', '1:1@2026-02-20/2027-02-20', '2026-03-01') c;
SELECT member_internal.tier_conditions(pg_temp.program('level 1 0 a;'), 'empty', 'empty', 'empty', '2026-03-01') AS none;
