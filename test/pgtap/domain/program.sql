-- The program: drafts count when they are published, versions stay, every award names its own.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT * FROM no_plan();

SELECT is(member.setup('retail', '店', 'Asia/Tokyo'), 1, 'setup publishes the first version');
SELECT NULL FROM generate_series(1, 9) n, member.enroll('shop', at => '2026-02-01', key => n::text);
SELECT results_eq('SELECT version, published_at, published_by, note FROM member.program_version', format($$ VALUES (1, '2026-03-01 10:00+08'::timestamptz, %L, '预置:retail') $$, session_user), 'which says when, by whom and why');
SELECT matches((SELECT program::text FROM member.program_version), '^program 1 zone ''Asia/Tokyo'' remind 30,15,3;', 'its zone is the one asked for');
SELECT results_eq('SELECT preset, brand, zone, program_version FROM member.setting', $$ VALUES ('retail', '店', 'Asia/Tokyo', 1) $$, 'and the settings');

-- ---- the preset retail: a point a yuan, usable at once, for twelve months to the end of the month ----

SELECT is(points || ' ' || balance, '128 128', 'a point a yuan, at once') FROM member.purchase_record(1, 'P1', 128.99);
SELECT is((SELECT lots::text FROM member.state WHERE member_id = 1), '1:128/2027-04-01', 'for twelve months to the end of the month');
SELECT results_eq('SELECT tier FROM (VALUES (1, 499.99), (2, 0.01), (3, 1499.99), (4, 0.01)) v (n, amount), member.purchase_record(2, ''R'' || n, amount) ORDER BY n', $$ VALUES ('normal'), ('silver'), ('silver'), ('gold') $$, 'silver from 500, gold from 2000 yuan in twelve months');
SELECT results_eq($$ SELECT condition, actual, missing FROM member.tier_progress(2) WHERE purpose = 'qualify' ORDER BY condition $$, $$ VALUES ('growth >= 300', 0::numeric, 300::numeric), ('spend(12mo) >= 5000', 2000, 3000) $$, 'diamond takes 5000 and growth');
SELECT is(points, 150::bigint, 'gold multiplies by 1.5') FROM member.purchase_record(2, 'R5', 100);

-- ---- the day is the zone's ----

SELECT is(member.day_of('2026-03-01 23:59:59+09'), '2026-03-01'::date, 'the last second of a day in Tokyo');
SELECT is(member.day_of('2026-03-01 23:00+08'), '2026-03-02'::date, 'which ends an hour before Shanghai''s');
SELECT is(member.day_start('2026-03-02'), '2026-03-02 00:00+09'::timestamptz, 'and begins so');
SELECT throws_ok($$ SET LOCAL member.clock = '2026-03-01 10:00+08'; UPDATE member.setting SET zone = 'Asia/Shanghai'; SELECT member.publish('move') $$, 'MB005', 'the time zone is fixed after the first entry', 'it stays after the first entry');

-- ---- a draft counts when it is published ----

UPDATE member.earn_rule SET give = '{2}' WHERE code = 'buy';
SELECT is(points, 10::bigint, 'a draft changes nothing') FROM member.purchase_record(3, 'D1', 10);
SELECT is(member.publish('double'), 2, 'publish gives the next number');
SELECT is(points, 20::bigint, 'then it counts') FROM member.purchase_record(3, 'D2', 10);
SELECT results_eq('SELECT program_version FROM member.entry WHERE member_id = 3 ORDER BY entry_no', 'VALUES (1), (2)', 'each award names its version');
SELECT is(points, -10::bigint, 'a refund takes back what was given then') FROM member.purchase_refund(3, 'D1', 'R');
SELECT matches((SELECT program::text FROM member.program_version WHERE version = 1), 'earn buy stream 1 wallet 1 give 1 per', 'the version before stays as it was');
SELECT is(member.publish('the same again'), 3, 'publishing without a change is a version too');
SELECT is((SELECT regexp_replace(program::text, '^program \d+', '') FROM member.program_version WHERE version = 2), (SELECT regexp_replace(program::text, '^program \d+', '') FROM member.program_version WHERE version = 3), 'of the same contents');

-- a draft with faults leaves the published version in force
UPDATE member.earn_rule SET give = '{3}', stream = 'nothing' WHERE code = 'buy';
SELECT throws_ok($$ SELECT member.publish('broken') $$, 'MB005', 'the catalog draft can''t be published', 'a draft with a fault is refused');
SELECT is((SELECT program_version FROM member.setting), 3, 'the version in force stays');
SELECT is(points, 20::bigint, 'and counts') FROM member.purchase_record(3, 'D3', 10);
UPDATE member.earn_rule SET give = '{2}', stream = 'orders' WHERE code = 'buy';

-- ---- a new wallet, a new stream, a new rule ----

INSERT INTO member.wallet (wallet_id, code, name, spendable, expiry, expiry_n, pending_days) VALUES (3, 'coins', '金币', true, 'days', 10, 2);
SELECT throws_ok('SELECT member.points_earn(4, 5, ''coins'')', 'MB201', NULL, 'a wallet counts after publishing');
INSERT INTO member.stream (stream_id, code, name, keep_days) VALUES (5, 'review', '评价', 31);
INSERT INTO member.earn_rule (code, name, stream, wallet, give, per, rounding) VALUES ('coins', '金币', 'orders', 'coins', '{1}', 30, 'up');
INSERT INTO member.earn_rule (code, name, stream, wallet, give, day_cap) VALUES ('review', '评价', 'review', 'points', '{10}', 3);
SELECT is(member.publish('coins and reviews'), 4, 'all of it');
SELECT is(points, 200::bigint, 'a purchase earns points') FROM member.purchase_record(4, 'C1', 100);
SELECT is(ARRAY[member.points_balance(4, 'coins'), member.points_balance(4, 'coins', '2026-03-02'), member.points_balance(4, 'coins', '2026-03-03'), member.points_balance(4, 'coins', '2026-03-10'), member.points_balance(4, 'coins', '2026-03-11')], '{0,0,4,4,0}',
    'and coins: four for each thirty yuan begun, usable the day after tomorrow, for ten days');
SELECT is(array_agg(points ORDER BY n), '{10,10,10,0}', 'three reviews a day earn') FROM generate_series(1, 4) n, member.event_record(4, 'review', key => 'r' || n);
SELECT results_eq('SELECT program_version, count(*) FROM member.entry WHERE member_id = 4 GROUP BY 1', 'VALUES (4, 5::bigint)', 'by version four');

-- ---- a publish that is undone leaves its number to the next, and nothing else ----

BEGIN;
UPDATE member.earn_rule SET give = '{99}' WHERE code = 'review';
SELECT NULL FROM member.publish('undone');
SELECT is(points, 99::bigint, 'a publish counts at once') FROM member.event_record(6, 'review');
ROLLBACK;
BEGIN;
UPDATE member.earn_rule SET give = '{98}' WHERE code = 'review';
SELECT NULL FROM member.publish('undone too');
SELECT is(points, 98::bigint, 'another of its number is another') FROM member.event_record(6, 'review');
ROLLBACK;
SELECT is(points, 10::bigint, 'undone, it is gone') FROM member.event_record(6, 'review');
SELECT is((SELECT program_version FROM member.entry WHERE member_id = 6), 4, 'with its number');

-- ---- levels are judged by the version in force ----

SELECT is(member.tier_of(1), 'normal', '128 yuan are no silver');
UPDATE member.tier_level SET qualify = 'spend(12mo) >= 100', keep = NULL WHERE code = 'silver';
SELECT is(member.publish('cheap silver'), 5, 'silver from 100');
SELECT is(member.tier_of(1), 'normal', 'a level is reached by an event');
SELECT is(tier, 'silver', 'the next') FROM member.event_record(1, 'look');
SELECT is((SELECT program_version FROM member.tier_change WHERE member_id = 1), 5, 'by the version that decided');

-- ---- replay takes each by the version of its time ----

-- also a review that the daily run decided before the rules changed
SELECT is(tier, 'silver', 'silver for a year') FROM member.purchase_record(5, 'T1', 600);
SET member.clock = '2027-03-31 02:00+08';
CALL member.daily_run();
SELECT is((SELECT kind || ' ' || day FROM member.tier_change WHERE member_id = 5 ORDER BY change_no DESC LIMIT 1), 'fall 2027-03-31', 'it falls at the end of its grace, by the job');
UPDATE member.tier_level SET keep = 'spend >= 1' WHERE code = 'silver';
SELECT is(member.publish('silver for good'), 6, 'then the rule is another');
SET member.clock = '2027-04-02 10:00+08';
SELECT is(tier, 'normal', 'what was decided stays decided') FROM member.event_record(5, 'look');

SET client_min_messages = error;
SELECT is_empty('SELECT s.member_id, r.part, r.stored, r.replayed FROM member.state s, member.replay(s.member_id) r WHERE s.at IS NOT NULL AND NOT r.same', 'replay makes the same of the facts');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT is(member.migrate(), member_internal.layout(), 'migrate leaves the layout as it is');

-- ---- a session outlives the extension ----

DROP EXTENSION member CASCADE;
CREATE EXTENSION member;
SELECT throws_ok('SELECT member.points_earn(1, 5)', 'MB001', NULL, 'made anew it wants a set-up');
SELECT is(member.setup('retail'), 1, 'gets it');
SELECT is(points, 5::bigint, 'and writes') FROM member.enroll('shop') m, member.points_earn(m, 5);
SELECT * FROM finish();
