-- step: what one event does to one member, as a pure function of state, event and program.
SET client_min_messages = warning;
SET datestyle = iso;
SET timezone = 'Asia/Shanghai';
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

-- composites from the attributes that matter; the others are null
CREATE FUNCTION pg_temp.event(kind text, at text, VARIADIC more text[] DEFAULT '{}') RETURNS step_event LANGUAGE sql AS $$
    SELECT jsonb_populate_record(NULL::step_event, jsonb_object(more) || jsonb_build_object('member_id', 1, 'kind', kind, 'at', at))
$$;
CREATE FUNCTION pg_temp.state(VARIADIC more text[] DEFAULT '{}') RETURNS step_state LANGUAGE sql AS $$
    SELECT jsonb_populate_record(NULL::step_state, jsonb_object(more))
$$;
CREATE FUNCTION pg_temp.state_of(r step_result) RETURNS step_state LANGUAGE sql AS $$
    SELECT ROW(r.lots, r.activity, r.standing, r.at, r.entries, r.hash)::step_state
$$;
-- the entries a step makes: what time did, then the operation
CREATE FUNCTION pg_temp.entries(r step_result, e step_event)
RETURNS TABLE (entry_no int, kind text, at timestamptz, wallet smallint, delta lots, points bigint, balance bigint, ref int, ref_part bigint, hash bytea) LANGUAGE sql AS $$
    SELECT r.entries - (r.delta IS NOT NULL)::int, r.time_kind, r.at, r.time_wallet, r.time_delta, r.time_points, r.time_balance, NULL::int, NULL::bigint, r.time_hash
    WHERE r.time_kind IS NOT NULL
    UNION ALL SELECT r.entries, e.kind, e.at, r.wallet, r.delta, r.points, r.balance, r.ref, r.ref_part, r.hash WHERE r.delta IS NOT NULL
$$;
CREATE FUNCTION pg_temp.made(r step_result) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s%s %s=%s', x.entry_no, x.kind || ' ', x.delta, x.points, x.balance), '; ' ORDER BY x.entry_no) FROM pg_temp.entries(r, NULL) x
$$;
CREATE FUNCTION pg_temp.tiers(r step_result) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s→%s on %s until %s: %s', t.ladder, t.kind, t.from_level, t.to_level, t.day, coalesce(t.until::text, 'ever'), t.reason), '; ' ORDER BY t.ord)
    FROM pg_catalog.unnest(r.tiers) WITH ORDINALITY t (ladder, kind, from_level, to_level, day, until, reason, ord)
$$;
-- a history in one line an event: kind, moment, then attributes
CREATE FUNCTION pg_temp.play(program program, first step_state, VARIADIC events step_event[]) RETURNS SETOF step_result LANGUAGE plpgsql AS $$
DECLARE
    s step_state := first;
    r step_result;
    e step_event;
BEGIN
    FOREACH e IN ARRAY events LOOP
        r := step(s, e, program);
        s := pg_temp.state_of(r);
        RETURN NEXT r;
    END LOOP;
END $$;

CREATE FUNCTION pg_temp.program(parts text) RETURNS program LANGUAGE sql AS $$ SELECT ('program 1; ' || parts)::program $$;
CREATE TEMP TABLE p (name text PRIMARY KEY, program program);
INSERT INTO p VALUES
    ('plain', pg_temp.program('wallet 1 points month_end 6 spendable; wallet 2 growth month_end 12; stream 1 orders purchases; stream 2 signin;
        earn buy stream 1 wallet 1 give 1 per 1;')),
    ('tiers', pg_temp.program('wallet 1 points month_end 6 spendable; wallet 2 growth never; stream 1 orders purchases; stream 2 signin;
        earn buy stream 1 wallet 1 give 1 per 1 tiered; earn signin stream 2 wallet 2 give 1;
        level 1 0 normal multiplier 1000; level 1 1 silver multiplier 1200 months 3 grace 30 qualify {orders(30d) >= 3} keep {orders(90d) >= 6};
        level 1 2 gold multiplier 1500 months 3 grace 30 qualify {orders(30d) >= 4 or max_order(30d) >= 50} keep {orders(90d) >= 9};'));
CREATE FUNCTION pg_temp.p(text) RETURNS program LANGUAGE sql STABLE AS $$ SELECT program FROM p WHERE name = $1 $$;

-- ---- a new member, a first purchase: every attribute of the result ----

\x
SELECT (step(pg_temp.state(), pg_temp.event('purchase', '2026-03-01 10:00+08', 'amount', '12850'), pg_temp.p('plain'))).*;
-- time did something first: two entries
SELECT (step(pg_temp.state('lots', '1:10/2026-02-01,1:50', 'at', '2026-01-01', 'entries', '1'), pg_temp.event('spend', '2026-03-01 10:00+08', 'points', '3'), pg_temp.p('plain'))).*;
\x
-- the hashes are those of the entries' columns, each after the one before
SELECT x.entry_no, x.kind, x.hash = entry_hash(lag(x.hash, 1, ('\x' || repeat('11', 32))::bytea) OVER (ORDER BY x.entry_no), 1, x.entry_no, x.kind, x.at, 1, x.ref, x.ref_part, x.delta, x.points, x.balance,
                                               CASE WHEN x.kind = 'spend' THEN 'k1' END, CASE WHEN x.kind = 'spend' THEN '\x22'::bytea END) AS hash_is_of_the_entry
FROM (SELECT pg_temp.event('spend', '2026-03-01 10:00+08', 'points', '3', 'key', 'k1', 'digest', '\x22') AS e) y,
    LATERAL step(pg_temp.state('lots', '1:10/2026-02-01,1:50', 'at', '2026-01-01', 'entries', '1', 'hash', '\x' || repeat('11', 32)), y.e, pg_temp.p('plain')) r,
    LATERAL pg_temp.entries(r, y.e) x;
-- strict; and nothing happens on a day without anything due
SELECT step(NULL, pg_temp.event('day', '2026-03-01'), pg_temp.p('plain')) IS NULL AS strict;
SELECT delta, time_kind, tiers, points, balance, expired, next_due, entries FROM step(pg_temp.state(), pg_temp.event('day', '2026-03-01'), pg_temp.p('plain'));

-- ---- earning: rounding, per, multiplier ----

SELECT amount, string_agg(points::text, ' ' ORDER BY ord) AS down_half_up
FROM (VALUES ('down', 1), ('half_up', 2), ('up', 3)) r (rounding, ord), (VALUES (0), (1), (1249), (1250), (1251), (1874), (1875), (1876), (2499), (2500), (2501)) a (amount),
     LATERAL step(pg_temp.state(), pg_temp.event('purchase', '2026-03-01 10:00+08', 'amount', amount::text),
                  pg_temp.program(format('wallet 1 points; stream 1 orders purchases; earn buy stream 1 wallet 1 give 1 per 12.50 round %s;', rounding)))
GROUP BY amount ORDER BY amount;
-- the multiplier works before rounding: 33.50 yuan at 1, 1.2, 1.5
SELECT held, string_agg(points::text, ' ' ORDER BY ord) AS down_half_up
FROM (VALUES ('down', 1), ('half_up', 2), ('up', 3)) r (rounding, ord), generate_series(0, 2) held,
     LATERAL step(pg_temp.state('standing', format('1:%s@2026-01-01', held)), pg_temp.event('purchase', '2026-03-01 10:00+08', 'amount', '3350'),
                  pg_temp.program(format('wallet 1 points; stream 1 orders purchases; earn buy stream 1 wallet 1 give 1 per 1 tiered round %s;
                      level 1 0 a; level 1 1 b multiplier 1200 qualify {orders >= 99}; level 1 2 c multiplier 1500 qualify {orders >= 100};', rounding)))
GROUP BY held ORDER BY held;
-- of several ladders the highest counts; 0 is 0; a rule that is not tiered takes none
SELECT standing, points FROM (VALUES ('empty'), ('1:1@2026-01-01'), ('2:1@2026-01-01'), ('1:1@2026-01-01,2:1@2026-01-01'), ('1:1@2026-01-01,2:2@2026-01-01')) v (standing),
     LATERAL (SELECT points FROM step(pg_temp.state('standing', v.standing), pg_temp.event('purchase', '2026-03-01 10:00+08', 'amount', '10000'),
         pg_temp.program('wallet 1 points; stream 1 orders purchases; earn buy stream 1 wallet 1 give 1 per 1 tiered; level 1 0 a multiplier 900; level 1 1 b multiplier 0 qualify {orders >= 99};
                          level 2 0 c multiplier 0; level 2 1 d multiplier 3000 qualify {orders >= 99}; level 2 2 e multiplier 0 qualify {orders >= 99};'))) x;
-- several rules, several wallets; a purchase of nothing counts and gives nothing
SELECT pg_temp.made(r), r.activity FROM (VALUES ('0'), ('100'), ('3000')) v (amount), LATERAL step(pg_temp.state(), pg_temp.event('purchase', '2026-03-01 10:00+08', 'amount', v.amount),
    pg_temp.program('wallet 1 points; wallet 2 coins days 10; stream 1 orders purchases; earn a stream 1 wallet 1 give 2 per 1; earn b stream 1 wallet 2 give 5 per 10; earn c stream 1 wallet 1 give 1;')) r;
-- as much as there can be, and too much
SELECT points FROM step(pg_temp.state(), pg_temp.event('purchase', '2026-03-01 10:00+08', 'amount', '100000000000000'),
    pg_temp.program('wallet 1 points; stream 1 orders purchases; earn a stream 1 wallet 1 give 1000 per 1;'));
SELECT pg_temp.failure($$SELECT member.step(pg_temp.state(), pg_temp.event('purchase', '2026-03-01 10:00+08', 'amount', '100000000000000'),
    pg_temp.program('wallet 1 points; stream 1 orders purchases; earn a stream 1 wallet 1 give 1001 per 1;'))$$);

-- ---- earning: how long points last, from when they are usable ----

SELECT expiry, r.lots FROM (VALUES ('never'), ('days 1'), ('days 10'), ('months 1'), ('months 12'), ('month_end 0'), ('month_end 1'), ('month_end 6')) v (expiry),
    LATERAL step(pg_temp.state(), pg_temp.event('purchase', '2026-01-31 23:59:59+08', 'amount', '100'),
                 pg_temp.program(format('wallet 1 points %s; stream 1 orders purchases; earn a stream 1 wallet 1 give 1 per 1;', expiry))) r;
-- the day is that of the program's zone: an hour later it is February there, an hour earlier January in London
SELECT moment, zone, r.lots, r.activity FROM (VALUES ('2026-01-31 23:59:59+08'), ('2026-02-01 00:00:00+08'), ('2026-02-01 08:00:00+08')) a (moment),
    (VALUES ('Asia/Shanghai'), ('UTC'), ('America/New_York')) z (zone),
    LATERAL step(pg_temp.state(), pg_temp.event('purchase', moment, 'amount', '100'),
                 ('program 1 zone ' || quote_literal(zone) || '; wallet 1 points month_end 0; stream 1 orders purchases; earn a stream 1 wallet 1 give 1 per 1;')::program) r;
-- pending: purchases only; usable so many days later; not gone before
SELECT kind, expiry, r.lots, r.balance, r.next_due FROM (VALUES ('purchase'), ('event')) k (kind), (VALUES ('never'), ('month_end 0'), ('days 8')) v (expiry),
    LATERAL step(pg_temp.state(), pg_temp.event(kind, '2026-01-28 10:00+08', 'amount', '100', 'event_kind', 'signin'),
                 pg_temp.program(format('wallet 1 points %s pending 7 spendable; stream 1 orders purchases; stream 2 signin; earn a stream 1 wallet 1 give 1 per 1; earn b stream 2 wallet 1 give 1;', expiry))) r;
SELECT moment, balance(r.lots, 1::smallint, '2026-02-03') AS before, balance(r.lots, 1::smallint, '2026-02-04') AS usable
FROM (VALUES ('2026-01-28 00:00+08'), ('2026-01-28 23:59+08')) v (moment), LATERAL step(pg_temp.state(), pg_temp.event('purchase', moment, 'amount', '100'),
    pg_temp.program('wallet 1 points pending 7; stream 1 orders purchases; earn a stream 1 wallet 1 give 1 per 1;')) r;

-- ---- events: day cap, streak schedule, every ----

SELECT pg_temp.made(r), r.activity FROM pg_temp.play(
    pg_temp.program('wallet 1 points; wallet 2 growth; stream 1 orders purchases; stream 2 signin; earn a stream 2 wallet 1 give 5 cap 2; earn b stream 2 wallet 2 give 1;'), pg_temp.state(),
    pg_temp.event('event', '2026-03-01 00:00+08', 'event_kind', 'signin'), pg_temp.event('event', '2026-03-01 12:00+08', 'event_kind', 'signin'),
    pg_temp.event('event', '2026-03-01 23:59:59+08', 'event_kind', 'signin'), pg_temp.event('event', '2026-03-02 00:00+08', 'event_kind', 'signin'),
    pg_temp.event('event', '2026-03-01 13:00+08', 'event_kind', 'signin'), pg_temp.event('event', '2026-02-28 13:00+08', 'event_kind', 'signin')) r;
-- sixteen days in a row, a gap, again; each third day twice
SELECT string_agg(format('%s:%s/%s', e.days[r.n], total((r.x).delta, 1::smallint), total((r.x).delta, 2::smallint)), ' ' ORDER BY r.n) AS points_and_growth
FROM (SELECT array_agg(pg_temp.event('event', format('2026-03-%s %s:00+08', lpad(d::text, 2, '0'), 10 + again), 'event_kind', 'signin') ORDER BY d, again) AS events,
             array_agg(CASE WHEN again = 1 THEN 'again' ELSE d::text END ORDER BY d, again) AS days
      FROM generate_series(1, 20) d, generate_series(0, 1) again WHERE d <> 17 AND (again = 0 OR d % 3 = 0)) e,
    LATERAL (SELECT x, row_number() OVER () AS n FROM pg_temp.play(pg_temp.program('wallet 1 points; wallet 2 growth; stream 1 orders purchases; stream 2 signin;
        earn a stream 2 wallet 1 give 1,2,3,4,5 cap 1; earn b stream 2 wallet 2 give 10 every 7 cap 1;'), pg_temp.state(), VARIADIC e.events) x) r;
-- a kind without a stream is an entry and nothing else; a stream of purchases is not fed by an event of its name
SELECT k.kind, pg_temp.made(r), r.activity FROM (VALUES ('look'), ('orders'), ('signin')) k (kind),
    LATERAL step(pg_temp.state(), pg_temp.event('event', '2026-03-01', 'event_kind', k.kind, 'amount', '4200', 'category', '7'), pg_temp.p('plain')) r;

-- ---- earn ----

SELECT usable_from, until, pg_temp.made(r) FROM (VALUES
    ('', ''), ('', '2026-03-02'), ('', 'infinity'), ('2026-03-01', ''), ('2026-02-01', '2026-06-01'), ('2026-03-02', ''), ('2026-03-31', ''), ('2026-04-01', ''),
    ('2026-04-01', '2026-04-02'), ('2026-04-01', 'infinity'), ('9999-12-30', '9999-12-31')) v (usable_from, until),
    LATERAL step(pg_temp.state(), pg_temp.event('earn', '2026-03-01 10:00+08', VARIADIC ARRAY['points', '100'] || CASE WHEN usable_from <> '' THEN ARRAY['usable_from', usable_from] ELSE '{}' END
        || CASE WHEN until <> '' THEN ARRAY['until', until] ELSE '{}' END), pg_temp.p('plain')) r;
SELECT more, pg_temp.failure(format($$SELECT member.step(pg_temp.state(), pg_temp.event('earn', '2026-03-01 10:00+08', VARIADIC %L::text[]), pg_temp.p('plain'))$$, more)) FROM (VALUES
    ('{points,0}'), ('{points,-1}'), ('{points,1000000000000001}'), ('{}'), ('{points,1,wallet,coins}'), ('{points,1,wallet,""}'),
    ('{points,1,until,2026-03-01}'), ('{points,1,until,2026-02-28}'), ('{points,1,usable_from,2026-04-01,until,2026-04-01}'), ('{points,1,usable_from,infinity}'),
    ('{points,1,usable_from,9999-12-31}'), ('{points,1,until,10000-01-01}'), ('{points,1,usable_from,10000-01-01,until,infinity}')) v (more);
-- another wallet: the entry tells its points and its balance
SELECT pg_temp.made(r), r.points, r.balance FROM step(pg_temp.state('lots', '1:70,2:5'), pg_temp.event('earn', '2026-03-01 10:00+08', 'points', '100', 'wallet', 'growth'), pg_temp.p('plain')) r;

-- ---- spend ----

SELECT n, pg_temp.made(r), r.lots FROM (VALUES ('1'), ('10'), ('11'), ('40')) v (n),
    LATERAL step(pg_temp.state('lots', '1:10/2026-03-02,1:20/2026-04-01,1:10,1:99@2026-03-02,2:50'), pg_temp.event('spend', '2026-03-01 10:00+08', 'points', n), pg_temp.p('plain')) r;
SELECT lots, more, pg_temp.failure(format($$SELECT member.step(pg_temp.state('lots', %L), pg_temp.event('spend', '2026-03-01 10:00+08', VARIADIC %L::text[]), pg_temp.p('plain'))$$, lots, more)) FROM (VALUES
    ('1:10/2026-03-02', '{points,11}'), ('1:10/2026-03-01', '{points,1}'), ('1:10@2026-03-02', '{points,1}'), ('1:-5', '{points,1}'), ('empty', '{points,1}'),
    ('1:10', '{points,0}'), ('1:10', '{points,-1}'), ('1:10', '{}'), ('2:10', '{points,1,wallet,growth}'), ('1:10', '{points,1,wallet,coins}')) v (lots, more);

-- ---- time passes first: expiry and debt are entries of their own ----

SELECT what, pg_temp.made(r), r.expired, r.lots FROM (VALUES
    ('nothing due', '1:10/2026-03-02'), ('due today', '1:10/2026-03-01,1:5/2026-04-01'), ('long due', '1:10/2025-01-01,2:7/2026-02-01,1:5'),
    ('debt paid', '1:-3,1:10/2026-04-01'), ('debt paid by what expires', '1:-3,1:10/2026-03-01'), ('debt paid by what became usable', '1:-3,1:10@2026-03-01/2026-04-01'),
    ('pending pays nothing', '1:-3,1:10@2026-03-02/2026-04-01')) v (what, lots),
    LATERAL step(pg_temp.state('lots', v.lots, 'entries', '7', 'at', '2024-12-01 00:00+08'), pg_temp.event('earn', '2026-03-01 10:00+08', 'points', '1', 'until', '2026-05-01'), pg_temp.p('plain')) r;
-- a day alone: no operation, so no entry but that of time; next_due is the first day with something to do
SELECT d, pg_temp.made(r), r.points, r.balance, r.expired, r.next_due, r.at FROM (VALUES ('2026-03-31'), ('2026-04-01'), ('2026-04-02'), ('2026-06-01')) v (d),
    LATERAL step(pg_temp.state('lots', '1:10/2026-04-01,1:20/2026-05-01', 'at', '2026-03-01 10:00+08', 'entries', '1'), pg_temp.event('day', d), pg_temp.p('plain')) r;
-- reminders: so many days before, of wallets that can be spent
SELECT today, r.next_due FROM (VALUES ('2026-03-01'), ('2026-03-02'), ('2026-03-17'), ('2026-03-29'), ('2026-03-31'), ('2026-04-01')) v (today),
    LATERAL step(pg_temp.state('lots', '1:10/2026-04-01,2:10/2026-03-20'), pg_temp.event('day', today),
                 'program 1 remind 30,15,3; wallet 1 points spendable; wallet 2 growth;'::program) r;
-- given back to a lot that is gone: it is due at once
SELECT r.next_due FROM step(pg_temp.state('lots', '1:10/2026-03-01'), pg_temp.event('reverse', '2026-03-05', 'points', '4', 'ref', '2', 'origin_lots', '1:-4/2026-03-01', 'origin_of', '4'), pg_temp.p('plain')) r;
-- time does not run backwards for a late event, and passes up to its booking
SELECT what, pg_temp.made(r), r.at FROM (VALUES
    ('late, state ahead', '{at,2026-04-05 00:00+08}', '{}'), ('late, booked ahead', '{at,2026-03-01 00:00+08}', '{booked_at,2026-04-05 00:00+08}'), ('in time', '{at,2026-03-01 00:00+08}', '{}'))
    v (what, state, event), LATERAL step(pg_temp.state(VARIADIC ARRAY['lots', '1:10/2026-04-01', 'entries', '3'] || state::text[]),
        pg_temp.event('purchase', '2026-03-20 10:00+08', VARIADIC ARRAY['amount', '100'] || event::text[]), pg_temp.p('plain')) r;

-- ---- open lots are capped: into the later date, never earlier usable ----

SELECT v.lots, pg_temp.made(r), r.lots AS left FROM (VALUES
    ('1:1/2026-04-01,1:2/2026-05-01'), ('1:1/2026-04-01,1:2/2026-05-01,1:4/2026-07-01'), ('1:1/2026-04-01,1:2/2026-04-02,1:4/2026-07-01,1:8,2:1/2026-05-01,2:2/2026-06-01'),
    ('1:1@2026-03-05/2026-04-01,1:2/2026-05-01,1:4/2026-07-01'), ('1:1/2026-04-01,1:2@2026-03-05/2026-05-01,1:4/2026-07-01'),
    ('1:1@2026-03-05/2026-04-01,1:2@2026-03-05/2026-05-01,1:4@2026-03-06/2026-07-01'), ('1:1@2026-02-05/2026-04-01,1:2@2026-02-07/2026-05-01,1:4/2026-07-01')) v (lots),
    LATERAL step(pg_temp.state('lots', v.lots), pg_temp.event('day', '2026-03-01'), pg_temp.program('wallet 1 points lots 3; wallet 2 growth lots 9;')) r;
-- room for what the event gives: never more than the cap afterwards
SELECT (SELECT count(*) FROM unnest(r.lots) u WHERE u.wallet = 1) AS lots, total(r.lots, 1::smallint) AS points
FROM step(pg_temp.state('lots', '1:1/2026-04-01,1:2/2026-05-01,1:4/2026-07-01'), pg_temp.event('earn', '2026-03-01', 'points', '8', 'until', '2026-06-01'), pg_temp.program('wallet 1 points lots 3;')) r;

-- ---- refund ----

CREATE FUNCTION pg_temp.refund(amount int, back int, VARIADIC more text[] DEFAULT '{}') RETURNS step_event LANGUAGE sql AS $$
    SELECT pg_temp.event('refund', '2026-03-05 10:00+08', VARIADIC ARRAY['amount', amount::text, 'ref', '1', 'origin_at', '2026-03-01 10:00+08', 'origin_lots', '1:100/2026-10-01,2:7/2027-04-01',
        'origin_of', '10000', 'origin_back', back::text] || more)
$$;
SELECT amount, back, pg_temp.made(r), r.activity, format('ref %s part %s', r.ref, r.ref_part) AS refers
FROM (VALUES (10000, 0), (1, 0), (99, 0), (100, 0), (5050, 0), (4950, 5050), (1, 9999)) v (amount, back),
    LATERAL step(pg_temp.state('lots', '1:100/2026-10-01,2:7/2027-04-01', 'activity', '1{2026-03-01:1/10000}', 'entries', '1', 'at', '2026-03-01 10:00+08'), pg_temp.refund(amount, back), pg_temp.p('plain')) r;
-- the largest order left that day
SELECT largest, r.activity FROM (VALUES ('7000'), ('2000'), ('0')) v (largest),
    LATERAL step(pg_temp.state('lots', '1:170', 'activity', '1{2026-03-01:3/19000^10000}'), pg_temp.refund(8000, 0, 'origin_largest', largest), pg_temp.p('plain')) r;
-- what is spent by then: by the wallet's policy
SELECT policy, pg_temp.made(r), r.lots FROM (VALUES ('only_pending'), ('within_balance'), ('debt')) v (policy),
    LATERAL step(pg_temp.state('lots', '1:30/2026-10-01,1:20/2026-05-01', 'activity', '1{2026-03-01:1/10000}'), pg_temp.refund(10000, 0), pg_temp.program(
        format('wallet 1 points %s; wallet 2 growth %s; stream 1 orders purchases;', policy, policy))) r;
SELECT amount, back, pg_temp.failure(format('SELECT member.step(pg_temp.state(), pg_temp.refund(%s, %s), pg_temp.p(%L))', amount, back, 'plain'))
FROM (VALUES (0, 0), (-1, 0), (10001, 0), (5001, 5000), (1, 10000)) v (amount, back);
SELECT kind, more, pg_temp.failure(format($$SELECT member.step(pg_temp.state(), pg_temp.event(%L, '2026-03-01', VARIADIC %L::text[]), pg_temp.p('plain'))$$, kind, more))
FROM (VALUES ('refund', '{amount,1}'), ('refund', '{amount,1,origin_of,5}'), ('refund', '{amount,1,origin_lots,1:5}'), ('refund', '{amount,1,origin_lots,1:5,origin_of,0}'),
             ('reverse', '{points,1}'), ('reverse', '{points,1,origin_lots,1:5}')) v (kind, more);

-- any split of refunds takes back the award, lot by lot, and never more than is due so far
CREATE FUNCTION pg_temp.split(seed int) RETURNS TABLE (whole lots, taken lots, growing boolean, parts int) LANGUAGE plpgsql AS $$
DECLARE
    amount int := 1 + abs(hashint4(seed)) % 100000;
    back int := 0;
    part int;
    s step_state;
    r step_result;
BEGIN
    r := step(pg_temp.state(), pg_temp.event('purchase', '2026-03-01 10:00+08', 'amount', amount::text),
        pg_temp.program('wallet 1 points month_end 6; wallet 2 growth; stream 1 orders purchases; earn a stream 1 wallet 1 give 3 per 2.50 round half_up; earn b stream 1 wallet 2 give 1 per 100 round up;'));
    whole := r.lots; taken := 'empty'; growing := true; parts := 0;
    WHILE back < amount LOOP
        part := CASE WHEN abs(hashint4(seed * 100 + parts)) % 5 = 0 THEN 1 ELSE 1 + abs(hashint4(seed * 100 + parts)) % (amount - back) END;
        r := step(pg_temp.state_of(r), pg_temp.event('refund', '2026-03-02 10:00+08', 'amount', part::text, 'ref', '1', 'origin_at', '2026-03-01 10:00+08', 'origin_lots', whole::text,
            'origin_of', amount::text, 'origin_back', back::text), pg_temp.program('wallet 1 points month_end 6; wallet 2 growth; stream 1 orders purchases;'));
        back := back + part; parts := parts + 1;
        taken := taken + r.delta;
        growing := growing AND is_book(- r.delta);
        EXIT WHEN parts > 200;
    END LOOP;
    IF r.lots <> 'empty' OR r.activity::text <> 'empty' THEN growing := NULL; END IF;
    RETURN NEXT;
END $$;
SELECT count(*) AS splits, max(parts) > 8 AS some_long, count(*) FILTER (WHERE taken <> - whole) AS wrong_sum, bool_and(growing) AND count(growing) = count(*) AS clean
FROM generate_series(1, 400) seed, pg_temp.split(seed);

-- ---- reverse ----

SELECT what, v.points, pg_temp.made(r), r.lots FROM (VALUES
    ('an earn', '1:100/2026-09-01', '1:100/2026-09-01', '100', '0', '100'), ('part of it', '1:100/2026-09-01', '1:100/2026-09-01', '100', '0', '30'),
    ('the rest', '1:70/2026-09-01', '1:100/2026-09-01', '100', '30', '70'), ('spent meanwhile', '1:10/2026-09-01', '1:100/2026-09-01', '100', '0', '100'),
    ('a spend: to the very lots', '1:1/2026-05-01', '1:-10/2026-04-01,1:-20/2026-05-01', '30', '0', '30'), ('half a spend', 'empty', '1:-10/2026-04-01,1:-20/2026-05-01', '30', '0', '15'),
    ('a spend of what has expired', 'empty', '1:-10/2026-02-01,1:-20/2026-05-01', '30', '0', '30'), ('a spend, in debt', '1:-25', '1:-30/2026-05-01', '30', '0', '30'))
    v (what, lots, origin, of, back, points),
    LATERAL step(pg_temp.state('lots', v.lots, 'entries', '5'), pg_temp.event('reverse', '2026-03-01', 'points', v.points, 'ref', '2', 'origin_lots', v.origin, 'origin_of', v.of, 'origin_back', v.back), pg_temp.p('plain')) r;
SELECT points, pg_temp.failure(format($$SELECT member.step(pg_temp.state('lots', '1:100'), pg_temp.event('reverse', '2026-03-01', 'points', %L, 'ref', '2', 'origin_lots', '1:100', 'origin_of', '100', 'origin_back', '40'), pg_temp.p('plain'))$$, points))
FROM (VALUES ('0'), ('-1'), ('61'), ('60')) v (points);

-- ---- tiers: up at once, exactly at the threshold ----

SELECT v.activity, amount, r.level, pg_temp.tiers(r) FROM (VALUES
    ('1{2026-03-01:1/100}', '4999'), ('1{2026-03-01:1/100}', '5000'), ('1{2026-03-01:1/100}', '5001'), -- one order of 50 in 30 days: gold
    ('1{2026-03-02:1/100}', '100'), ('1{2026-03-02:2/200^100}', '100'), ('1{2026-03-02:3/300^100}', '100'), -- two, three, four orders
    ('1{2026-03-01:2/200^100}', '100'),                                   -- the window: 30 days, the last one today
    ('1{2026-02-28:2/200^100}', '100'), ('1{2026-03-01:1/5000}', '100'), ('1{2026-02-28:1/5000}', '100')) v (activity, amount),
    LATERAL step(pg_temp.state('activity', v.activity, 'at', '2026-03-02 00:00+08'), pg_temp.event('purchase', '2026-03-30 10:00+08', 'amount', v.amount), pg_temp.p('tiers')) r;
-- the purchase that qualifies earns at the old level, the next at the new one
SELECT r.points, r.level, r.standing FROM pg_temp.play(pg_temp.p('tiers'), pg_temp.state(), pg_temp.event('purchase', '2026-03-01 10:00+08', 'amount', '10000'),
    pg_temp.event('purchase', '2026-03-01 11:00+08', 'amount', '10000')) r;
-- all of, any of, spend, growth: each at, below and above
SELECT spend, growth, r.level FROM (VALUES (49999, 5), (50000, 4), (50000, 5), (50001, 6), (9, 6)) v (spend, growth),
    LATERAL step(pg_temp.state('lots', format('2:%s', growth)), pg_temp.event('purchase', '2026-03-01 10:00+08', 'amount', spend::text),
        pg_temp.program('wallet 1 points; wallet 2 growth; stream 1 orders purchases; level 1 0 a; level 1 1 b qualify {spend(12mo) >= 500 and growth >= 5};')) r;
-- twelve months: from the day after the same day a year ago
SELECT first, r.level FROM (VALUES ('2025-02-28'), ('2025-03-01'), ('2025-03-02'), ('2026-02-28')) v (first),
    LATERAL step(pg_temp.state('activity', format('1{%s:1/49999}', first)), pg_temp.event('purchase', '2026-03-01 10:00+08', 'amount', '1'),
        pg_temp.program('wallet 1 points; stream 1 orders purchases; level 1 0 a; level 1 1 b qualify {spend(12mo) >= 500};')) r;
-- growth that an event gives lifts too; a refund does not lower at once
SELECT r.level, pg_temp.tiers(r) FROM step(pg_temp.state('lots', '2:4'), pg_temp.event('event', '2026-03-01', 'event_kind', 'signin'),
    pg_temp.program('wallet 1 points; wallet 2 growth; stream 1 orders purchases; stream 2 signin; earn s stream 2 wallet 2 give 1; level 1 0 a; level 1 1 b qualify {growth >= 5};')) r;
SELECT r.level, r.standing FROM step(pg_temp.state('lots', '1:100/2026-10-01,2:7/2027-04-01', 'activity', '1{2026-03-01:1/10000}', 'standing', '1:2@2026-03-01/2026-06-01'), pg_temp.refund(10000, 0), pg_temp.p('tiers')) r;
-- several ladders at once, several levels at once
SELECT r.standing, pg_temp.tiers(r) FROM step(pg_temp.state(), pg_temp.event('purchase', '2026-03-01 10:00+08', 'amount', '5000'),
    pg_temp.program('wallet 1 points; stream 1 orders purchases; level 1 0 a; level 1 1 b qualify {orders >= 1} months 1; level 1 2 c qualify {orders >= 2}; level 2 0 a; level 2 1 b qualify {spend >= 50}; level 2 2 c qualify {max_order >= 50} months 2;
        level 3 0 a; level 3 1 b qualify {spend >= 50.01};')) r;

-- ---- tiers: secured, reviewed, grace, one step down: on the day before, the day and the day after ----

SELECT d, r.level, r.standing, pg_temp.tiers(r), r.next_due FROM (VALUES ('2026-05-31'), ('2026-06-01'), ('2026-06-02'), ('2026-06-30'), ('2026-07-01'), ('2026-07-02'), ('2026-10-30'), ('2026-10-31'), ('2027-06-01')) v (d),
    LATERAL step(pg_temp.state('standing', '1:2@2026-03-01/2026-06-01', 'activity', '1{2026-03-01:4/400^100}', 'at', '2026-03-01 00:00+08'), pg_temp.event('day', d), pg_temp.p('tiers')) r;
-- kept: nine orders in the 90 days that end with the review
SELECT v.activity, pg_temp.tiers(r) FROM (VALUES ('1{2026-03-04:9/900^100}'), ('1{2026-03-03:9/900^100}'), ('1{2026-03-03:1/100,2026-03-04:8/800^100}'), ('1{2026-05-03:4/400^100}'), ('1{2026-05-02:4/400^100}')) v (activity),
    LATERAL step(pg_temp.state('standing', '1:2@2026-03-01/2026-06-01', 'activity', v.activity, 'at', '2026-05-04 00:00+08'), pg_temp.event('day', '2026-06-01'), pg_temp.p('tiers')) r;
-- the grace: an event may still secure it, until the day before it ends
SELECT moment, r.level, r.standing, pg_temp.tiers(r) FROM (VALUES ('2026-05-31 10:00+08'), ('2026-06-01 10:00+08'), ('2026-06-30 23:59+08'), ('2026-07-01 00:00+08')) v (moment),
    LATERAL step(pg_temp.state('standing', '1:1@2026-03-01/2026-06-01', 'activity', '1{2026-05-20:5/500^100}', 'at', '2026-05-20 00:00+08'), pg_temp.event('purchase', moment, 'amount', '100'),
        pg_temp.program('wallet 1 points; stream 1 orders purchases; level 1 0 a; level 1 1 b months 3 grace 30 qualify {orders(30d) >= 30} keep {orders(90d) >= 6};')) r;
-- without a keep rule the qualify rule keeps; what qualifies keeps anyway
SELECT v.activity, pg_temp.tiers(r) FROM (VALUES ('1{2026-05-20:3/300^100}'), ('1{2026-05-20:2/200^100}')) v (activity),
    LATERAL step(pg_temp.state('standing', '1:1@2026-03-01/2026-06-01', 'activity', v.activity), pg_temp.event('day', '2026-06-01'),
        pg_temp.program('wallet 1 points; stream 1 orders purchases; level 1 0 a; level 1 1 b months 3 qualify {orders(30d) >= 3};')) r;
-- several reviews at once, each as of its own day; a level without an end stays
SELECT pg_temp.tiers(r), r.standing FROM step(pg_temp.state('standing', '1:1@2026-01-31/2026-02-28', 'activity', '1{2026-01-31:1/100,2026-02-20:1/100,2026-04-20:1/100}'), pg_temp.event('day', '2026-07-15'),
        pg_temp.program('wallet 1 points; stream 1 orders purchases; level 1 0 a; level 1 1 b months 1 qualify {orders(30d) >= 1};')) r;
SELECT r.standing, r.tiers FROM step(pg_temp.state('standing', '1:1@2026-01-31'), pg_temp.event('day', '2036-07-15'),
        pg_temp.program('wallet 1 points; stream 1 orders purchases; level 1 0 a; level 1 1 b qualify {orders(30d) >= 1};')) r;
-- after the grace of gold there is silver's time; whoever falls and qualifies again rises again in the same step
SELECT r.standing, pg_temp.tiers(r) FROM step(pg_temp.state('standing', '1:2@2026-03-01/2026-06-01!2026-07-01', 'activity', '1{2026-06-10:3/300^100}', 'at', '2026-06-10 00:00+08'),
    pg_temp.event('purchase', '2026-07-02 10:00+08', 'amount', '100'), pg_temp.p('tiers')) r;
-- levels and ladders the program no longer has
SELECT r.standing, r.level, pg_temp.tiers(r) FROM step(pg_temp.state('standing', '1:5@2026-03-01/2026-06-01,7:2@2026-03-01/2026-06-01'), pg_temp.event('day', '2026-06-02'), pg_temp.p('tiers')) r;

-- ---- activity is folded as the stream says; late events on folded days do not earn twice a day ----

SELECT r.activity FROM step(pg_temp.state('activity', '1{2026-01-15:1/100,2026-01-16:1/100,2026-02-20:1/100}'), pg_temp.event('day', '2026-03-20'),
    pg_temp.program('wallet 1 points; stream 1 orders purchases days 31 months 1;')) r;
SELECT pg_temp.made(r), r.activity FROM pg_temp.play(pg_temp.program('wallet 1 points; stream 1 orders purchases; stream 2 signin days 31; earn s stream 2 wallet 1 give 1 cap 1;'),
    pg_temp.state('activity', '2{2026-01-15:1,2026-01-16:1,2026-03-20:1}', 'at', '2026-03-20 00:00+08'), pg_temp.event('event', '2026-01-16 10:00+08', 'event_kind', 'signin'),
    pg_temp.event('event', '2026-01-18 10:00+08', 'event_kind', 'signin'), pg_temp.event('event', '2026-01-18 11:00+08', 'event_kind', 'signin'),
    pg_temp.event('event', '2026-01-17 10:00+08', 'event_kind', 'signin')) r;
-- a rule's window is as long as the days kept: never an error on the day itself, nor at a review
SELECT count(*) AS steps, max(r.level) AS level FROM (SELECT array_agg(pg_temp.event(CASE WHEN n % 3 = 0 THEN 'purchase' ELSE 'day' END, ('2026-01-01'::date + n)::text, 'amount', '100') ORDER BY n) AS events
    FROM generate_series(0, 150) n) e, pg_temp.play(pg_temp.program('wallet 1 points; stream 1 orders purchases days 31 months 1; level 1 0 a;
        level 1 1 b months 1 qualify {orders(31d) >= 5 and spend(1mo) >= 1 and max_order(31d) >= 1};'), pg_temp.state(), VARIADIC e.events) r;

-- ---- errors of the composites ----

SELECT what, pg_temp.failure(format('SELECT member.step(%s, %s, pg_temp.p(%L))', state, event, 'plain')) FROM (VALUES
    ('kind', 'pg_temp.state()', $$pg_temp.event('gift', '2026-03-01')$$),
    ('no kind', 'pg_temp.state()', $$pg_temp.event(NULL, '2026-03-01')$$),
    ('no at', 'pg_temp.state()', $$pg_temp.event('day', NULL)$$),
    ('no member', 'pg_temp.state()', $$jsonb_populate_record(pg_temp.event('day', '2026-03-01'), '{"member_id": null}')$$),
    ('infinity', 'pg_temp.state()', $$pg_temp.event('day', 'infinity')$$),
    ('before 1900', 'pg_temp.state()', $$pg_temp.event('day', '1899-12-31 12:00+08')$$),
    ('2000-01-01', 'pg_temp.state()', $$pg_temp.event('day', '2000-01-01 10:00+08')$$),
    ('not a book', $$pg_temp.state('lots', '1:-5/2027-01-01')$$, $$pg_temp.event('day', '2026-03-01')$$),
    ('hash', $$pg_temp.state('hash', '\x00')$$, $$pg_temp.event('day', '2026-03-01')$$)
) v (what, state, event);

-- ---- step_run: the same step over a history ----

-- errors
SELECT what, pg_temp.failure(format('SELECT member.step_run(pg_temp.state(), e, p ORDER BY n) FROM (VALUES %s) v (e, p, n)', rows)) FROM (VALUES
    ('no event', $$(NULL::member.step_event, pg_temp.p('plain'), 1)$$),
    ('no program', $$(pg_temp.event('day', '2026-03-01'), NULL::member.program, 1)$$),
    ('no purchase', $$(pg_temp.event('refund', '2026-03-01', 'amount', '1', 'source', 'P1'), pg_temp.p('plain'), 1)$$),
    ('not in the journal', $$(pg_temp.event('purchase', '2026-03-01', 'amount', '100', 'source', 'P1'), pg_temp.p('plain'), 1), (pg_temp.event('refund', '2026-03-01', 'amount', '1', 'source', 'P1'), pg_temp.p('plain'), 2)$$),
    ('too much', $$(pg_temp.event('purchase', '2026-03-01', 'amount', '100', 'source', 'P1', 'journal', 'true'), pg_temp.p('plain'), 1), (pg_temp.event('refund', '2026-03-01', 'amount', '60', 'source', 'P1'), pg_temp.p('plain'), 2),
        (pg_temp.event('refund', '2026-03-01', 'amount', '41', 'source', 'P1'), pg_temp.p('plain'), 3)$$)
) v (what, rows);
SELECT step_run(pg_temp.state(), e, pg_temp.p('plain')) IS NULL AS of_nothing FROM (SELECT pg_temp.event('day', '2026-03-01') AS e) x WHERE false;
-- null is a new member
SELECT (step_run(NULL, e, pg_temp.p('plain'))).lots FROM (SELECT pg_temp.event('purchase', '2026-03-01', 'amount', '100') AS e) x;

-- random histories: the run equals the fold of step, where the fold names the origin of every refund itself
CREATE TEMP TABLE history (m int, n int, kind text, at timestamptz, amount int, points int, source text, PRIMARY KEY (m, n));
INSERT INTO history
    SELECT m, n, CASE WHEN n = 1 OR x < 40 THEN 'purchase' WHEN x < 60 THEN 'refund' WHEN x < 75 THEN 'event' WHEN x < 85 THEN 'earn' WHEN x < 92 THEN 'spend' ELSE 'day' END,
           '2026-01-01 08:00+08'::timestamptz + (n * 3 + x % 7) * (m % 6) * interval '13 hours', 1 + x * 131 % CASE WHEN x < 40 THEN 9000 ELSE 900 END, 1 + x % 9,
           CASE WHEN n = 1 OR x < 40 THEN format('P%s', n) WHEN x < 60 THEN format('P%s', 1 + abs(hashint4(m * 77 + n)) % n) END
    FROM generate_series(1, 60) m, generate_series(1, 60) n, LATERAL (SELECT abs(hashint4(m * 1000 + n)) % 100 AS x) y;
-- refunds of what was not bought, or twice over, and spending what is not there are left out as they come up
CREATE TEMP TABLE folded (m int, n int, r text, event step_event);
CREATE FUNCTION pg_temp.fold(_m int, program program) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    h history;
    s step_state := pg_temp.state();
    r step_result;
    e step_event;
    o record;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS bought (m int, source text, at timestamptz, amount int, back int, delta lots, entry_no int);
    FOR h IN SELECT * FROM history WHERE m = _m ORDER BY n LOOP
        e := pg_temp.event(h.kind, h.at::text, 'amount', h.amount::text, 'points', h.points::text, 'event_kind', 'signin');
        e.member_id := _m;
        IF h.kind = 'refund' THEN
            SELECT b.*, (SELECT max(q.amount - q.back - CASE WHEN q.source = b.source THEN h.amount ELSE 0 END) FROM bought q WHERE q.m = _m AND (q.at AT TIME ZONE 'Asia/Shanghai')::date = (b.at AT TIME ZONE 'Asia/Shanghai')::date) AS largest
            INTO o FROM bought b WHERE b.m = _m AND b.source = h.source AND b.amount - b.back >= h.amount;
            CONTINUE WHEN NOT FOUND;
            e.origin_at := o.at; e.origin_lots := o.delta; e.origin_of := o.amount; e.origin_back := o.back; e.origin_largest := greatest(o.largest, 0); e.ref := o.entry_no;
            UPDATE bought b SET back = b.back + h.amount WHERE b.m = _m AND b.source = h.source;
        END IF;
        CONTINUE WHEN h.kind = 'spend' AND balance(coalesce(s.lots, 'empty'), 1::smallint, (h.at AT TIME ZONE 'Asia/Shanghai')::date) < h.points;
        r := step(s, e, program);
        s := pg_temp.state_of(r);
        INSERT INTO folded VALUES (_m, h.n, r::text, e);
        IF h.kind = 'purchase' THEN
            INSERT INTO bought VALUES (_m, h.source, h.at, h.amount, 0, r.delta, r.entries);
        END IF;
    END LOOP;
END $$;
SELECT count(pg_temp.fold(m, pg_temp.p('tiers'))) AS members FROM generate_series(1, 60) m;
SELECT count(*) > 2500 AS many, count(*) FILTER (WHERE f.r IS DISTINCT FROM x.r) AS different, count(DISTINCT (f.event).kind) AS kinds,
       count(*) FILTER (WHERE (f.event).kind = 'refund') > 150 AS refunds, count(*) FILTER (WHERE f.r LIKE '%rise%') > 60 AS rises, count(*) FILTER (WHERE f.r LIKE '%fall%') > 5 AS falls
FROM folded f JOIN (
    SELECT m, n, (step_run(NULL, e, pg_temp.p('tiers')) OVER (PARTITION BY m ORDER BY n ROWS UNBOUNDED PRECEDING))::text AS r
    FROM (SELECT h.m, h.n, jsonb_populate_record(pg_temp.event(h.kind, h.at::text, 'amount', h.amount::text, 'points', h.points::text, 'event_kind', 'signin'),
                    jsonb_build_object('member_id', h.m, 'source', h.source, 'journal', true)) AS e
          FROM history h JOIN folded USING (m, n)) y) x USING (m, n);
-- as an aggregate with an order: the last row of the window; continued from a state in the middle: the same end
SELECT count(*) AS members, count(*) FILTER (WHERE whole::text <> f.r) AS different, count(*) FILTER (WHERE continued::text <> f.r) AS different_in_two
FROM (SELECT DISTINCT ON (m) m, r FROM folded ORDER BY m, n DESC) f
JOIN LATERAL (SELECT step_run(NULL, g.event, pg_temp.p('tiers') ORDER BY g.n) AS whole FROM folded g WHERE g.m = f.m) a ON true
JOIN LATERAL (SELECT step_run(b.middle, g.event, pg_temp.p('tiers') ORDER BY g.n) AS continued
              FROM folded g, LATERAL (SELECT pg_temp.state_of(step_run(NULL, i.event, pg_temp.p('tiers') ORDER BY i.n)) AS middle FROM folded i WHERE i.m = f.m AND i.n <= 30) b
              WHERE g.m = f.m AND g.n > 30) c ON true;
-- the book is the sum of its entries, and the chain is whole
SELECT count(*) AS members, count(*) FILTER (WHERE x.lots <> x.book) AS sums_wrong, count(*) FILTER (WHERE NOT x.sound) AS chains_broken, sum(x.entries) > 2500 AS many FROM (
    SELECT m, (array_agg(e.lots ORDER BY e.entry_no DESC))[1] AS lots, lots_sum(e.delta) AS book, bool_and(e.sound) AS sound, count(*) AS entries
    FROM (SELECT f.m, (f.r::step_result).lots, d.entry_no, d.delta, d.entry_no = row_number() OVER w
                 AND d.hash = entry_hash(lag(d.hash) OVER w, f.m, d.entry_no, d.kind, d.at, 1, d.ref, d.ref_part, d.delta, d.points, d.balance, NULL, NULL) AS sound
          FROM folded f CROSS JOIN LATERAL pg_temp.entries(f.r::step_result, f.event) d WINDOW w AS (PARTITION BY f.m ORDER BY d.entry_no)) e GROUP BY m) x;

-- ---- house rules ----

SELECT p.oid::regprocedure::text AS function, provolatile, proparallel, proisstrict FROM pg_proc p
WHERE p.oid IN ('step'::regproc, 'step_run'::regproc, 'entry_hash'::regproc) ORDER BY 1;
-- in a parallel plan
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
CREATE TABLE public.many WITH (parallel_workers = 2) AS SELECT n FROM generate_series(1, 1000) n;
EXPLAIN (costs off) SELECT sum((step(ROW(NULL, NULL, NULL, NULL, NULL, NULL)::step_state, jsonb_populate_record(NULL::step_event, jsonb_build_object('member_id', n, 'kind', 'purchase', 'at', '2026-03-01', 'amount', n * 100)),
    'program 1; wallet 1 points; stream 1 orders purchases; earn a stream 1 wallet 1 give 1 per 1;')).points) FROM public.many;
SELECT sum((step(ROW(NULL, NULL, NULL, NULL, NULL, NULL)::step_state, jsonb_populate_record(NULL::step_event, jsonb_build_object('member_id', n, 'kind', 'purchase', 'at', '2026-03-01', 'amount', n * 100)),
    'program 1; wallet 1 points; stream 1 orders purchases; earn a stream 1 wallet 1 give 1 per 1;')).points) FROM public.many;
DROP TABLE public.many;
