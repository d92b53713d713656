-- Ladders as a program: new rules reach everyone, a simulation changes nothing and says what happens, benefits and their quotas, warnings.
\set ON_ERROR_STOP 1
SET client_min_messages = error;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('retail', '清茶');
SELECT NULL FROM generate_series(1, 40) n, member.enroll('shop', at => '2026-02-01 10:00+08', key => n::text);
SELECT NULL FROM generate_series(1, 38) n, member.purchase_record(n, 'P' || n, n * 60, at => '2026-02-20 10:00+08');
CALL member.daily_run();
SELECT * FROM no_plan();

CREATE FUNCTION pg_temp.levels() RETURNS TABLE (member_id bigint, level smallint) LANGUAGE sql AS $$ SELECT member_id, member.level(standing, 1::smallint) FROM member.state WHERE active ORDER BY member_id $$;
-- what a full evaluation of everyone comes to, by the rules in force
CREATE FUNCTION pg_temp.full_evaluation(day date) RETURNS TABLE (member_id bigint, standing text) LANGUAGE sql AS $$
    SELECT s.member_id, member.tier_decide(p.program, s.lots, s.activity, s.standing, coalesce(member.day_of(s.at), day), day)::text
    FROM member.state s, member.setting g JOIN member.program_version p ON p.version = g.program_version
    WHERE s.active AND s.at IS NOT NULL ORDER BY 1
$$;
-- every row of every table of the schema
CREATE FUNCTION pg_temp.everything() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    t regclass; sum text; all_sums text := '';
BEGIN
    FOR t IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'member'::regnamespace AND c.relkind = 'r' ORDER BY c.relname LOOP
        EXECUTE format('SELECT md5(coalesce(string_agg(x::text, E''\n'' ORDER BY x::text), '''')) FROM %s x', t) INTO sum;
        all_sums := all_sums || t || ' ' || sum || E'\n';
    END LOOP;
    RETURN all_sums;
END $$;

SELECT results_eq('SELECT level, count(*) FROM pg_temp.levels() GROUP BY 1 ORDER BY 1', $$ VALUES (0::smallint, 10::bigint), (1::smallint, 25::bigint), (2::smallint, 5::bigint) $$, 'to begin with: 500 and 2000 a year');

-- ---- simulation ----

UPDATE member.tier_level SET qualify = 'spend(12mo) >= 300', keep = NULL WHERE code = 'silver';
UPDATE member.tier_level SET qualify = 'spend(12mo) >= 2100' WHERE code = 'gold';
CREATE TEMP TABLE before AS SELECT pg_temp.everything() AS everything;
SELECT results_eq('SELECT ladder, from_tier, to_tier, moves, members FROM member.tier_simulate()', $$ VALUES
    ('consumer', 'normal', 'normal', 0, 6::bigint), ('consumer', 'normal', 'silver', 1, 4), ('consumer', 'silver', 'silver', 0, 25), ('consumer', 'gold', 'gold', 0, 5) $$,
    'publishing it: four rise, and nobody falls before her review');
SELECT results_eq('SELECT from_tier, to_tier, moves, members FROM member.tier_simulate(how => ''anew'') WHERE moves <> 0', $$ VALUES ('normal', 'silver', 1, 4::bigint), ('gold', 'silver', -1, 1::bigint) $$,
    'placed anew: one of the gold would be silver');
SELECT results_eq('SELECT from_tier, to_tier, members FROM member.tier_simulate(''2026-02-28'', ''history'')', $$ VALUES ('normal', 'normal', 40::bigint) $$, 'back-test: the day before it was told what they bought');
SELECT results_eq('SELECT from_tier, to_tier, members FROM member.tier_simulate(''2026-03-01'', ''history'') WHERE moves <> 0', $$ VALUES ('normal', 'silver', 4::bigint), ('gold', 'silver', 1) $$, 'and on the day');
SELECT results_eq('SELECT tier, before, after, in_band FROM member.tier_simulate_levels(how => ''anew'')', $$ VALUES ('normal', 10::bigint, 6::bigint, false), ('silver', 25, 30, false), ('gold', 5, 4, true), ('diamond', 0, 0, true) $$, 'by level, against the bands');
SELECT results_eq('SELECT members, spend, cost FROM member.tier_simulate() WHERE moves <> 0', $$ SELECT 4::bigint, 300 + 360 + 420 + 480::numeric, round(4 * (12 + 5 + 12 + 60 - 6) + 1.56 * (10 + 50 - 20), 2) $$, 'what it costs: benefits as expected, points and discount at what these spend');
SELECT results_eq('SELECT member_id, from_tier, to_tier FROM member.tier_simulate_members(how => ''anew'')', $$ VALUES
    (5::bigint, 'normal', 'silver'), (6, 'normal', 'silver'), (7, 'normal', 'silver'), (8, 'normal', 'silver'), (34, 'gold', 'silver') $$, 'and who they are');
SELECT results_eq('SELECT member_id FROM member.tier_simulate_members(after => 5, max_rows => 2)', ARRAY[6, 7]::bigint[], 'page by page');
SELECT results_eq('SELECT member_id, to_tier FROM member.tier_simulate_members(''2026-03-01'', ''history'', after => 7)', $$ VALUES (8::bigint, 'silver'), (34, 'silver') $$, 'of a back-test, too');
SELECT cmp_ok((SELECT sum(members)::int FROM member.tier_simulate(sample => 50)), '<', 40, 'a sample is a part');
SELECT is(pg_temp.everything(), (SELECT everything FROM before), 'and nothing has changed: every row of every table is what it was');

-- ---- published: the daily run finds everyone whom the new rules concern ----

SELECT is(member.publish('silver at 300'), 2, 'published');
SELECT results_eq('SELECT level, count(*) FROM pg_temp.levels() GROUP BY 1 ORDER BY 1', $$ VALUES (0::smallint, 10::bigint), (1::smallint, 25::bigint), (2::smallint, 5::bigint) $$, 'nobody has moved yet');
SET member.clock = '2026-03-02 10:00+08';
CREATE TEMP TABLE expected AS SELECT * FROM pg_temp.full_evaluation('2026-03-02');
CALL member.daily_run();
SELECT results_eq('SELECT member_id, standing::text FROM member.state WHERE active AND at IS NOT NULL ORDER BY 1', 'SELECT * FROM expected ORDER BY 1', 'the daily run after a publish comes to what a full evaluation does');
SELECT results_eq('SELECT member_id, kind, from_level, to_level, day, entry_no, program_version, reason FROM member.tier_change WHERE day = ''2026-03-02'' ORDER BY 1', $$
    SELECT n::bigint, 'rise', 0::smallint, 1::smallint, '2026-03-02'::date, NULL::int, 2, format('spend(12mo) >= 300 (%s)', n * 60) FROM generate_series(5, 8) n $$, 'each with its reason and the version');
SELECT is((SELECT count(*)::int FROM member.outbox WHERE template = 'tier_up' AND member_id BETWEEN 5 AND 8), 4, 'and a message');
SELECT results_eq('SELECT program_version, stage FROM member.job_run WHERE day = ''2026-03-02''', $$ VALUES (2, 'done') $$, 'by which version all were decided');
SELECT is((SELECT xmin::text FROM member.state WHERE member_id = 1), (SELECT xmin::text FROM member.state WHERE member_id = 2), 'members whom it does not concern are not written');
CREATE TEMP TABLE written AS SELECT member_id, xmin::text AS by FROM member.state;
SET member.clock = '2026-03-03 10:00+08';
CALL member.daily_run();
SELECT is_empty('SELECT member_id FROM member.state s JOIN written w USING (member_id) WHERE s.xmin::text <> w.by', 'the day after touches nobody: nothing is due');
-- new cuts change no level: the rules of levels do not see them
SELECT is((SELECT count(*)::int > 0 FROM member.rfm_run WHERE day = '2026-03-03'), true, 'there are new cuts');
SELECT results_eq('SELECT member_id, standing::text FROM member.state WHERE active AND at IS NOT NULL ORDER BY 1', 'SELECT * FROM pg_temp.full_evaluation(''2026-03-03'')', 'and a full evaluation after them changes nothing');
-- a faster way that opens later
INSERT INTO member.tier_fast VALUES (1, 3, '双11', '2026-04-01', '2026-04-03', 5, 'spend(12mo) >= 2200');
SELECT is(member.publish('faster'), 3, 'a faster way to diamond');
CALL member.daily_run();
SET member.clock = '2026-03-04 10:00+08';
CALL member.daily_run();
SELECT is((SELECT array_agg(member_id ORDER BY member_id) FROM member.state WHERE next_due = '2026-03-27'), '{37,38}', 'who qualifies on its first day is due then');
SET member.clock = '2026-03-27 10:00+08';
SELECT is(ARRAY[member.tier_of(36), member.tier_of(37), member.tier_of(38, '2026-03-26')], '{gold,diamond,gold}', 'and rises on that day, with every job dead');
CALL member.daily_run();
SELECT is((SELECT count(*)::int FROM member.tier_change WHERE to_level = 3 AND day = '2026-03-27'), 2, 'the daily run books it');
SELECT is_empty('SELECT s.member_id, r.part FROM member.state s, member.replay(s.member_id) r WHERE s.at IS NOT NULL AND NOT r.same', 'replay makes the same of the facts');

-- ---- benefits ----

SET member.clock = '2026-03-27 12:00+08';
SELECT is(member.benefit_use(37, 'trial', 'N1', key => 'a'), 3::bigint, 'four a year: three are left');
SELECT is(member.benefit_use(37, 'trial', 'N1', key => 'a'), 3::bigint, 'said again it is counted once');
SELECT is(member.benefit_use(35, 'trial'), 1::bigint, 'gold has two');
SELECT is(member.benefit_use(35, 'trial'), 0::bigint, 'and has had them');
SELECT throws_ok('SELECT member.benefit_use(35, ''trial'')', 'MB904', 'benefit "trial" is used up', 'a third is refused');
SELECT throws_ok('SELECT member.benefit_use(1, ''trial'')', 'MB904', 'member 1 has no benefit "trial"', 'who does not have it can''t use it');
SELECT is(member.benefit_use(35, 'events'), 1::bigint, 'two events a month');
SELECT is((SELECT used || ' ' || remaining FROM member.benefits_of(35) WHERE benefit = 'events'), '1 1', 'one used');
SELECT is((SELECT used || ' ' || remaining FROM member.benefits_of(35, '2026-04-01') WHERE benefit = 'events'), '0 2', 'the next month begins anew');
SELECT is(member.benefit_use(37, 'early'), NULL::bigint, 'one without a quota has nothing left to count');
SELECT results_eq('SELECT tier, benefit, members, users FROM member_report.benefit_low_use WHERE benefit IN (''events'', ''trial'', ''early'') ORDER BY 1, 2', $$ VALUES
    ('diamond', 'events', 2::bigint, 0::bigint), ('gold', 'early', 3, 0), ('silver', 'events', 29, 0) $$, 'what is hardly used');
SELECT results_eq('SELECT tier, value, cost, above_lower FROM member_report.tier_value ORDER BY level', $$ VALUES
    ('normal', 30.00, 26.00, NULL), ('silver', 182.00, 149.00, 506.7), ('gold', 352.00, 256.00, 93.4), ('diamond', 732.00, 481.00, 108.0) $$, 'what a level is worth at 1000 a year');
SELECT is((SELECT line FROM member_report.tier_benefits WHERE benefit = 'trial'), '普通会员 — · 银卡 — · 金卡 2次/年 · 钻石 4次/年', 'the comparison table');

-- ---- views ----

SELECT results_eq('SELECT tier, members, spend, arpu, orders FROM member_report.tier_cost ORDER BY level', $$ VALUES
    ('normal', 6::bigint, 600.00, 100.00, 4::numeric), ('silver', 29, 33060.00, 1140.00, 29), ('gold', 3, 6300.00, 2100.00, 3), ('diamond', 2, 4500.00, 2250.00, 2) $$, 'ARPU of each level');
SELECT is((SELECT bool_or(NOT in_budget) FROM member_report.tier_cost), true, 'a level that takes more than its share of the budget is named');
SELECT results_eq('SELECT month, from_tier, to_tier, kind, members FROM member_report.tier_migration WHERE kind = ''rise'' AND to_tier = ''diamond''', $$ VALUES ('2026-03-01'::date, 'gold', 'diamond', 'rise', 2::bigint) $$, 'migration by month');
SELECT is((SELECT share_low || ' ' || share_high || ' ' || in_band FROM member_report.tier_distribution WHERE tier = 'gold'), '5.00 10.00 true', 'the distribution says whether it is in its band');
SELECT is((SELECT count(*)::int FROM member_report.tier_reviews), 0, 'no review within 90 days');

-- ---- what publish warns of ----

UPDATE member.tier_level SET qualify = 'growth >= 4000 and spend(12mo) >= 5000' WHERE code = 'diamond';
INSERT INTO member.earn_rule (code, name, stream, wallet, give, per) VALUES ('grow', '成长', 'orders', 'growth', '{1}', 1);
CREATE TEMP TABLE taken AS SELECT * FROM member.tier_benefit WHERE level = 3;
DELETE FROM member.tier_benefit WHERE level = 3;
SELECT results_eq('SELECT * FROM member_internal.tier_warnings()', $$ VALUES
    ('tier_level consumer/diamond', 'its yearly worth of 100.00 yuan is less than 30 % above the 352.00 yuan of level "gold", at a spend of 1000'),
    ('tier_level consumer/diamond', 'in its qualify rule growth >= 4000 says nothing: who spends 5000 has 5000 of it'),
    ('tier_level consumer/diamond', 'in its keep rule growth >= 240 says nothing: who spends 4000 has 4000 of it') $$, 'levels that are worth hardly more, conditions that follow from others: with figures');
INSERT INTO member.tier_benefit SELECT * FROM taken;
DELETE FROM member.earn_rule WHERE wallet = 'growth' AND code <> 'grow';
UPDATE member.tier_level SET qualify = 'growth >= 6000 and spend(12mo) >= 5000', keep = 'growth >= 6000 or spend(12mo) >= 5000' WHERE code = 'diamond';
SELECT results_eq('SELECT message FROM member_internal.tier_warnings()', $$ VALUES ('in its qualify rule spend >= 5000 says nothing: 6000 of growth take a spend of 6000') $$, 'and the other way round, if spend alone feeds it');
SELECT is(member.publish('warned'), 4, 'publishing warns and goes on');

-- ---- a warning ahead of a fall ----

SET member.clock = '2027-01-21 10:00+08';
SELECT NULL FROM member.purchase_record(10, 'W10', 500) a, member.purchase_record(9, 'W9', 100) b;
CALL member.daily_run();
SET member.clock = '2027-01-30 10:00+08';
CALL member.daily_run();
SELECT results_eq($$ SELECT member_id, body FROM member.outbox WHERE template = 'tier_warn' AND member_id IN (9, 10, 37) ORDER BY 1 $$, $$ VALUES (9::bigint, '您的银卡将于2027-03-01到期,再消费 200 元即可保级') $$,
    'thirty days before the end, what is missing; not to who keeps it, nor before the day');

SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT is_empty('SELECT s.member_id, r.part FROM member.state s, member.replay(s.member_id) r WHERE s.at IS NOT NULL AND NOT r.same', 'replay makes the same of the facts');
SELECT * FROM finish();
