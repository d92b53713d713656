-- Tiers: up at once with reason and message, down at review, right with every job dead; what is missing and by when.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('tea', '茶语');
SELECT NULL FROM generate_series(1, 12) n, member.enroll('shop', at => '2026-02-01 10:00+08', key => n::text);
SELECT * FROM no_plan();

CREATE FUNCTION pg_temp.buy(m bigint, day text, amount numeric DEFAULT 20) RETURNS member.receipt LANGUAGE sql AS $$
    SELECT member.purchase_record(m, format('%s/%s', m, day), amount, at => (day || ' 09:00+08')::timestamptz)
$$;

-- ---- up at once ----

SELECT is(tier, 'normal', 'one order') FROM pg_temp.buy(1, '2026-02-10');
SELECT is(tier, 'normal', 'two') FROM pg_temp.buy(1, '2026-02-20');
SELECT is(tier, 'silver', 'the third in 30 days: silver in the same answer') FROM pg_temp.buy(1, '2026-02-25');
SELECT is(tier, 'gold', 'the fourth: gold') FROM pg_temp.buy(1, '2026-03-01');
SELECT results_eq('SELECT change_no, kind, from_level, to_level, day, until, entry_no, program_version, reason FROM member.tier_change WHERE member_id = 1 ORDER BY change_no', $$ VALUES
    (1, 'rise', 0::smallint, 1::smallint, '2026-03-01'::date, '2026-06-01'::date, 3, 1, 'orders(30d) >= 3 (3)'),
    (2, 'rise', 1::smallint, 2::smallint, '2026-03-01'::date, '2026-06-01'::date, 4, 1, 'orders(30d) >= 4 (4) or max_order(30d) >= 50 (20)') $$,
    'the history: when, by which entry and rules, with the values that decided');
SELECT results_eq($$ SELECT class, marketing, body, not_before FROM member.outbox WHERE member_id = 1 AND template = 'tier_up' ORDER BY outbox_id $$, $$ VALUES
    ('benefit', false, '恭喜升级为常饮茶友!新增特权已生效,有效至2026-06-01。', '2026-03-01 10:00+08'::timestamptz), ('benefit', false, '恭喜升级为VIP茶友!新增特权已生效,有效至2026-06-01。', '2026-03-01 10:00+08') $$, 'and a message for each');
SELECT is(tier, 'normal', 'an order of 49.99 is not 50') FROM pg_temp.buy(2, '2026-03-01', 49.99);
SELECT is(tier, 'gold', 'an order of 50 is') FROM pg_temp.buy(3, '2026-03-01', 50);
SELECT is(ARRAY[member.tier_of(1), member.tier_of(2), member.tier_of(3), member.tier_of(4)], '{gold,normal,gold,normal}', 'tier_of says so');
SELECT is(member.tier_of(1, ladder => 'consumer'), 'gold', 'by the name of the ladder');

-- ---- tier_of any day, with every job dead ----

SELECT is(member.tier_of(1, '2026-02-28'), 'normal', 'the day before');
SELECT is(member.tier_of(1, '2026-03-01'), 'gold', 'the day it rose');
SELECT is(member.tier_of(1, '2026-05-31'), 'gold', 'secured for three months');
SELECT is(member.tier_of(1, '2026-06-01'), 'gold', 'not kept at the review, but in its grace');
SELECT is(member.tier_of(1, '2026-06-30'), 'gold', 'thirty days');
SELECT is(member.tier_of(1, '2026-07-01'), 'silver', 'then one step down');
SELECT is(member.tier_of(1, '2026-09-30'), 'silver', 'for silver''s three months');
SELECT is(member.tier_of(1, '2026-10-30'), 'silver', 'and its grace');
SELECT is(member.tier_of(1, '2026-10-31'), 'normal', 'then another');
SELECT is(member.tier_of(1, '2030-01-01'), 'normal', 'and no further');
SET member.clock = '2026-07-04 10:00+08';
SELECT is(member.tier_of(1), 'silver', 'nothing booked it, still it is so');
SELECT is((SELECT level FROM (SELECT member.level(standing, 1::smallint) AS level FROM member.state WHERE member_id = 1) x), 2::smallint, 'the state has not been touched');
SELECT is((SELECT count(*)::int FROM member.tier_change WHERE member_id = 1), 2, 'nor the history');
SELECT is(points, 24::bigint, 'a purchase then earns at silver: 20 at 1.2') FROM member.purchase_record(1, '1/late', 20);
SELECT results_eq('SELECT kind, from_level, to_level, day, entry_no, reason FROM member.tier_change WHERE member_id = 1 AND change_no > 2', $$ VALUES
    ('fall', 2::smallint, 1::smallint, '2026-07-01'::date, NULL::int, 'orders(90d) >= 9 (0)') $$, 'and books the fall, of its own day');
SELECT results_eq($$ SELECT body FROM member.outbox WHERE member_id = 1 AND template = 'tier_down' $$, $$ VALUES ('您的等级已调整为常饮茶友') $$, 'with a message');
SET member.clock = '2026-07-05 10:00+08';
SELECT is(tier, 'silver', 'another is booked a day later') FROM member.event_record(3, 'look');
SELECT is_empty($$ SELECT FROM member.outbox WHERE member_id = 3 AND template = 'tier_down' $$, 'without one: what fell more than three days ago is no news');
SELECT is(member.tier_of(1, '2026-06-30'), 'gold', 'the past stays: before the fall');
SELECT is(member.tier_of(1, '2026-07-01'), 'silver', 'and after');

-- ---- kept ----

SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM generate_series('2026-02-25'::date, '2026-02-28', '1 day') d, pg_temp.buy(5, d::date::text);
SELECT is(member.tier_of(5), 'gold', 'gold on the first of March');
SET member.clock = '2026-05-31 23:00+08';
SELECT NULL FROM generate_series('2026-03-04'::date, '2026-03-11', '1 day') d, pg_temp.buy(5, d::date::text);
SELECT is(member.tier_of(5, '2026-06-01'), 'gold', 'eight orders in the 90 days: in the grace');
SELECT is(member.tier_of(5, '2026-07-01'), 'silver', 'which will end');
SELECT NULL FROM pg_temp.buy(5, '2026-03-12');
SELECT is(member.tier_of(5, '2026-07-01'), 'gold', 'nine: kept at the review');
SELECT is(member.tier_of(5, '2026-08-31'), 'gold', 'for three months more');
SET member.clock = '2026-06-15 10:00+08';
SELECT NULL FROM member.points_earn(5, 1);
SELECT results_eq($$ SELECT kind, from_level, to_level, day, until, reason FROM member.tier_change WHERE member_id = 5 AND kind <> 'rise' $$, $$ VALUES
    ('keep', 2::smallint, 2::smallint, '2026-06-01'::date, '2026-09-01'::date, 'orders(90d) >= 9 (9)') $$, 'the decision to keep is history too');
SELECT is_empty($$ SELECT FROM member.outbox WHERE member_id = 5 AND template = 'tier_down' $$, 'without a message');

-- an order in the grace secures it again
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM pg_temp.buy(6, '2026-03-01', 60);
SET member.clock = '2026-06-20 10:00+08';
SELECT NULL FROM generate_series('2026-06-05'::date, '2026-06-12', '1 day') d, pg_temp.buy(6, d::date::text, 1);
SELECT is(member.tier_of(6, '2026-07-01'), 'gold', 'orders(30d) >= 4 is met in the grace: kept');

-- ---- refunds: the level stays until its review ----

SET member.clock = '2026-03-02 10:00+08';
SELECT NULL FROM pg_temp.buy(7, '2026-03-01', 80);
SELECT is(tier, 'gold', 'a refund does not lower the level') FROM member.purchase_refund(7, '7/2026-03-01', 'R');
SELECT is(member.tier_of(7, '2026-07-02'), 'silver', 'the review does: booked on the second, it was secured until the second');

-- ---- progress ----

SET member.clock = '2026-03-01 10:00+08';
SELECT is_empty('SELECT * FROM member.tier_progress(8) WHERE purpose = ''keep''', 'the lowest level has nothing to keep');
SELECT results_eq('SELECT ladder, tier, target, purpose, condition, actual, required, missing, met, any_of, by FROM member.tier_progress(8)', $$ VALUES
    ('consumer', 'normal', 'silver', 'qualify', 'orders(30d) >= 3', 0::numeric, 3::numeric, 3::numeric, false, false, NULL::date) $$, 'a new member: three orders to silver');
SELECT NULL FROM pg_temp.buy(8, '2026-02-10');
SELECT NULL FROM pg_temp.buy(8, '2026-02-20', 30.50);
SELECT results_eq('SELECT condition, actual, required, missing, met FROM member.tier_progress(8)', $$ VALUES ('orders(30d) >= 3', 2::numeric, 3::numeric, 1::numeric, false) $$, 'one is missing');
SELECT results_eq('SELECT condition, actual, missing FROM member.tier_progress(8, ''2026-03-11'')', $$ VALUES ('orders(30d) >= 3', 2::numeric, 1::numeric) $$, 'the last day the first counts');
SELECT results_eq('SELECT condition, actual, missing FROM member.tier_progress(8, ''2026-03-12'')', $$ VALUES ('orders(30d) >= 3', 1::numeric, 2::numeric) $$, 'the day after it does not');
SELECT NULL FROM pg_temp.buy(8, '2026-03-01', 10);
SELECT set_eq('SELECT tier, target, purpose, condition, actual, required, missing, met, any_of FROM member.tier_progress(8) WHERE purpose = ''qualify''', $$ VALUES
    ('silver', 'gold', 'qualify', 'orders(30d) >= 4', 3::numeric, 4::numeric, 1::numeric, false, true), ('silver', 'gold', 'qualify', 'max_order(30d) >= 50', 30.5, 50, 19.5, false, true) $$,
    'to gold: any of the two is enough, in orders and in yuan');
SELECT results_eq('SELECT tier, target, condition, required, by FROM member.tier_progress(8) WHERE purpose = ''keep''', $$ VALUES ('silver', 'silver', 'orders(90d) >= 6', 6::numeric, '2026-06-01'::date) $$,
    'and to keep silver: by the day of its review');
SELECT is((SELECT member.tier_of(8, '2026-05-31') || ' ' || (SELECT DISTINCT tier FROM member.tier_progress(8, '2026-07-01'))), 'silver normal', 'progress of a later day is from the level of that day');
SELECT NULL FROM pg_temp.buy(10, '2026-03-01', 60);
SELECT is_empty('SELECT FROM member.tier_progress(10) WHERE purpose = ''qualify''', 'at the top there is nothing to reach');

-- ---- another ladder, and rules of two dimensions ----

INSERT INTO member.tier_ladder VALUES (2, 'fan', '粉丝');
INSERT INTO member.tier_level (ladder_id, level, code, name, qualify) VALUES (2, 0, 'guest', '路人', NULL), (2, 1, 'fan', '粉丝', 'growth >= 3 and spend(12mo) >= 100.50'), (2, 2, 'idol', '铁粉', 'growth >= 100');
SELECT is(member.publish('another ladder'), 2, 'a second ladder');
SELECT NULL FROM generate_series(1, 3) n, member.event_record(9, (ARRAY['signin', 'browse', 'share'])[n]);
SELECT is(member.points_balance(9, 'growth'), 3::bigint, 'three of growth');
SELECT is(member.tier_of(9, ladder => 'fan'), 'guest', 'one of two conditions');
SELECT NULL FROM pg_temp.buy(9, '2026-03-01', 100.49);
SELECT is(member.tier_of(9, ladder => 'fan'), 'guest', 'a cent short');
SELECT set_eq($$ SELECT condition, actual, missing, met, any_of FROM member.tier_progress(9) WHERE ladder = 'fan' AND target = 'fan' $$, $$ VALUES ('growth >= 3', 3::numeric, 0::numeric, true, false), ('spend(12mo) >= 100.5', 100.49, 0.01, false, false) $$, 'of which it says so');
SELECT NULL FROM pg_temp.buy(9, '2026-02-28', 0.01);
SELECT is(member.tier_of(9, ladder => 'fan') || ' ' || member.tier_of(9), 'fan gold', 'both: a fan, and gold besides');
SELECT is(member.tier_of(9, '2031-03-01', 'fan'), 'fan', 'a level without an end stays');
SELECT is((SELECT array_agg(DISTINCT ladder_id ORDER BY ladder_id) FROM member.tier_change WHERE member_id = 9), '{1,2}', 'each ladder has its history');

-- ---- by hand: beside what is earned, on any day, with every job dead ----

SET member.clock = '2026-03-01 12:00+08';
SELECT is(tier, 'gold', 'a trial: the answer has the level that counts') FROM member.tier_set(11, 'gold', 'trial', '2026-04-01', 'new', actor => 'li', key => 'try');
SELECT is(entry_no, 1, 'said again it is answered, and done once') FROM member.tier_set(11, 'gold', 'trial', '2026-04-01', 'new', actor => 'li', key => 'try');
SELECT is(points, 30::bigint, 'it earns as gold does: 20 at 1.5') FROM pg_temp.buy(11, '2026-03-01');
SELECT is(ARRAY[member.tier_of(11), member.tier_of(11, '2026-03-31'), member.tier_of(11, '2026-04-01'), member.tier_of(11, '2026-02-28')], '{gold,gold,normal,normal}', 'until its day, and not before it was granted');
SELECT results_eq('SELECT tier, earned, granted, granted_until, decided_on, decision, reason, program_version, entry_no, actor FROM member.tier_explain(11) WHERE ladder = ''consumer''', $$ VALUES
    ('gold', 'normal', 'trial gold', '2026-04-01'::date, '2026-03-01'::date, 'set', 'trial gold: new', 2, 1, 'li') $$, 'explained by who granted it, and why');
SELECT results_eq('SELECT tier, earned, granted, decided_on, decision, reason, entry_no FROM member.tier_explain(11, ''2026-04-01'') WHERE ladder = ''consumer''', $$ VALUES
    ('normal', 'normal', NULL, '2026-04-01'::date, 'end', 'trial ended', NULL::int) $$, 'and what will end it');
SELECT results_eq($$ SELECT body FROM member.outbox WHERE member_id = 11 AND template = 'tier_up' $$, $$ VALUES ('恭喜升级为VIP茶友!新增特权已生效,有效至2026-04-01。') $$, 'with a message');
SELECT is(tier, 'normal', 'a lock holds down, too') FROM member.tier_set(10, 'normal', 'lock', reason => 'abuse');
SELECT is(tier, 'normal', 'whatever is bought') FROM pg_temp.buy(10, '2026-02-28', 500);
SELECT is(tier, 'gold', 'taken back, what is earned counts') FROM member.tier_set(10, NULL, 'none');
SELECT is(tier, 'silver', 'a floor') FROM member.tier_set(12, 'silver', reason => 'guest of the house');
SELECT is(member.tier_of(12, '2030-01-01'), 'silver', 'stays for good');
SELECT is(tier, 'gold', 'and does not keep her down') FROM pg_temp.buy(12, '2026-03-01', 50);
SELECT is(ARRAY[member.tier_of(12, '2026-06-30'), member.tier_of(12, '2026-07-01'), member.tier_of(12, '2027-07-01')], '{gold,silver,silver}', 'what is earned falls to the floor');
SELECT results_eq('SELECT kind, from_level, to_level, day, until, entry_no IS NULL FROM member.tier_change WHERE member_id = 10 AND kind IN (''set'', ''end'')', $$ VALUES
    ('set', 2::smallint, 0::smallint, '2026-03-01'::date, NULL::date, false), ('end', 0::smallint, 2::smallint, '2026-03-01'::date, '2026-06-01'::date, true) $$, 'each is history');
SET member.clock = '2026-04-02 10:00+08';
SELECT NULL FROM member.points_earn(11, 1);
SELECT results_eq('SELECT kind, from_level, to_level, day FROM member.tier_change WHERE member_id = 11', $$ VALUES ('set', 0::smallint, 2::smallint, '2026-03-01'::date), ('end', 2::smallint, 0::smallint, '2026-04-01'::date) $$, 'the end is booked, of its own day');

-- an archived level keeps who has it; a deleted one is refused
UPDATE member.tier_level SET archived = true WHERE code = 'silver';
SELECT is(member.publish('no more silver'), 3, 'a level is taken out of use');
SELECT is(member.tier_of(8), 'silver', 'who has it keeps it');
SELECT NULL FROM generate_series('2026-03-25'::date, '2026-03-27', '1 day') d, pg_temp.buy(4, d::date::text);
SELECT is(member.tier_of(4), 'normal', 'three orders do not reach it any more');
SELECT is(tier, 'gold', 'four reach gold') FROM pg_temp.buy(4, '2026-03-28');

-- the ways to go, and the cheapest
UPDATE member.tier_level SET qualify = 'orders(30d) >= 40 or spend(12mo) >= 300 and orders(12mo) >= 2 or growth >= 9' WHERE code = 'gold';
SELECT is(member.publish('three ways'), 4, 'a rule of three ways');
SELECT NULL FROM member.enroll('shop', at => '2026-03-01 10:00+08', key => 'ways');
SELECT NULL FROM generate_series('2026-03-30'::date, '2026-04-01', '1 day') d, pg_temp.buy(member.find('enroll', 'ways'), d::date::text, 50);
SELECT results_eq('SELECT condition, missing, spend, cheapest, advice FROM member.tier_progress(member.find(''enroll'', ''ways'')) WHERE ladder = ''consumer''', $$ VALUES
    ('orders(30d) >= 40', 37::numeric, 1850::numeric, false, '距VIP茶友还需 37 单'), ('spend(12mo) >= 300', 150, 150, true, '距VIP茶友还需消费 150 元'),
    ('orders(12mo) >= 2', 0, 0, true, NULL), ('growth >= 9', 9, NULL, false, '距VIP茶友还需 9 分') $$,
    'what is missing to the next level that can be reached, and the way that takes least');

-- ---- the preset retail has its levels ----

SET client_min_messages = error;
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT is_empty('SELECT s.member_id, r.part, r.stored, r.replayed FROM member.state s, member.replay(s.member_id) r WHERE s.at IS NOT NULL AND NOT r.same', 'replay makes the same of the facts');
SELECT * FROM finish();
