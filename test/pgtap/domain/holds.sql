-- Points set apart: holds (capture, void, lapse), and awards that are usable only later or once they are released.
\set ON_ERROR_STOP 1
SET client_min_messages = error;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('tea');
INSERT INTO member.wallet (wallet_id, code, name, expiry, expiry_n, hold_grace_days) VALUES (3, 'coins', '品牌币', 'days', 30, 7);
INSERT INTO member.wallet (wallet_id, code, name, expiry, expiry_n, pending_release, debt_policy) VALUES (4, 'later', '待发放', 'months', 3, true, 'only_pending');
INSERT INTO member.earn_rule (code, name, stream, wallet, give, per) SELECT 'buy_later', '下单送', stream, 'later', '{1}', 1 FROM member.earn_rule WHERE per IS NOT NULL LIMIT 1;
SELECT NULL FROM member.publish('holds');
SELECT NULL FROM generate_series(1, 12) n, member.enroll('shop', at => '2026-02-01 10:00+08', key => n::text);
SELECT * FROM no_plan();

-- ---- hold, capture, void ----

SELECT NULL FROM member.points_earn(1, 100, until => '2026-04-01');
SELECT NULL FROM member.points_earn(1, 100, until => '2026-09-01');
SELECT row_eq($$ SELECT (member.points_hold(1, 150, source => 'mall', key => 'h')).* $$, ROW(1, 3, 'hold', '2026-03-01 10:00+08', 'points', -150, 50, 'normal')::member.receipt, 'a hold takes points out, first-expiring first');
SELECT row_eq($$ SELECT (member.points_hold(1, 150, source => 'mall', key => 'h')).* $$, ROW(1, 3, 'hold', '2026-03-01 10:00+08', 'points', -150, 50, 'normal')::member.receipt, 'once a key');
SELECT throws_ok($$ SELECT member.points_hold(1, 151, source => 'mall', key => 'h') $$, 'MB404', NULL, 'another hold needs another key');
SELECT is(member.points_balance(1), 50::bigint, 'what is held can''t be spent');
SELECT throws_ok('SELECT member.points_spend(1, 51)', 'MB203', NULL, 'really not');
SELECT row_eq($$ SELECT * FROM member.points_holds(1) $$, ROW(3, 'points'::text, 150::bigint, '2026-03-01 10:00+08'::timestamptz, NULL::timestamptz, NULL::text, NULL::bigint, 'mall'::text), 'points_holds shows it');
SELECT throws_ok('SELECT member.points_capture(1, 3, 151)', 'MB203', NULL, 'no more is captured than is held');
SELECT throws_ok('SELECT member.points_capture(1, 3, 0)', 'MB204', NULL, 'nor nothing');
SELECT throws_ok('SELECT member.points_capture(1, 4)', 'MB208', NULL, 'of a hold there is');
SELECT throws_ok('SELECT member.points_capture(1, 2)', 'MB208', NULL, 'an award is none');
SELECT throws_ok($$ SELECT member.points_capture(1, 3, at => '2026-02-28 10:00+08') $$, 'MB402', NULL, 'not before it began');
SELECT row_eq($$ SELECT (member.points_capture(1, 3, 120, source => 'mall', key => 'c')).* $$, ROW(1, 4, 'capture', '2026-03-01 10:00+08', 'points', 30, 80, 'normal')::member.receipt, 'a part is captured, the rest comes back');
SELECT row_eq($$ SELECT (member.points_capture(1, 3, 120, source => 'mall', key => 'c')).* $$, ROW(1, 4, 'capture', '2026-03-01 10:00+08', 'points', 30, 80, 'normal')::member.receipt, 'once a key, though the hold is over');
SELECT is(lots::text, '1:80/2026-09-01', 'to the very lots: those that expire first are spent') FROM member.state WHERE member_id = 1;
SELECT throws_ok('SELECT member.points_capture(1, 3)', 'MB209', 'hold 3 is over', 'no second capture');
SELECT throws_ok('SELECT member.points_void(1, 3)', 'MB209', 'hold 3 is over', 'nor a void');
SELECT is_empty('SELECT FROM member.points_holds(1)', 'it stands no more');
SELECT is(format('%s %s', ended, captured), 'capture 120', 'but is remembered') FROM member.points_holds(1, false);
SELECT is((member.points_reverse(1, 4, 20)).balance, 100::bigint, 'of what was captured a part is given back');
SELECT is(lots::text, '1:100/2026-09-01', 'the lots that expire last first') FROM member.state WHERE member_id = 1;
SELECT is((member.points_reverse(1, 4)).balance, 200::bigint, 'then the rest');
SELECT throws_ok('SELECT member.points_reverse(1, 4)', 'MB206', NULL, 'once');
SELECT throws_ok('SELECT member.points_reverse(1, 3)', 'MB206', NULL, 'a hold itself is voided, not reversed');
SELECT is((member.points_void(1, (member.points_hold(1, 200)).entry_no)).balance, 200::bigint, 'voided: all is back');
SELECT throws_ok($$ SELECT member.points_hold(1, 5, 'growth') $$, 'MB202', NULL, 'only spendable wallets');
SELECT throws_ok($$ SELECT member.points_hold(1, 5, lapses_at => '2026-03-01 10:00+08') $$, 'MB403', NULL, 'a hold lapses after it begins');
SELECT throws_ok($$ SELECT member.points_hold(99, 5) $$, 'MB101', NULL, 'of a member there is');
SELECT throws_ok($$ SELECT member.points_holds(99) $$, 'MB101', NULL, 'points_holds too');

-- ---- lapse: to the minute, without any job ----

SELECT NULL FROM member.points_earn(2, 100, until => '2026-09-01');
SELECT NULL FROM member.points_hold(2, 60, lapses_at => '2026-03-01 10:30+08');
SELECT NULL FROM member.points_hold(2, 30, lapses_at => '2026-03-02 09:00+08');
SET member.clock = '2026-03-01 10:29:59.999999+08';
SELECT is(member.points_balance(2), 10::bigint, 'a moment before');
SET member.clock = '2026-03-01 10:30+08';
SELECT is(member.points_balance(2), 70::bigint, 'at the moment');
SELECT is(member.points_balance(2, as_of => '2026-03-02'), 100::bigint, 'as of a day to come: what lapses until its end is back');
SELECT is(entries, 3, 'and nothing is booked') FROM member.state WHERE member_id = 2;
SELECT is(string_agg(format('%s %s', hold_id, coalesce(ended, '-')), ' ' ORDER BY hold_id), '2 lapse 3 -', 'points_holds says so') FROM member.points_holds(2, false);
SELECT throws_ok('SELECT member.points_capture(2, 2)', 'MB209', 'hold 2 is over', 'it can''t be captured');
SELECT is(sum(points), 70::numeric, 'lots know it') FROM member.points_lots(2) WHERE usable;
SELECT is(points, 70::bigint, 'so does the explanation') FROM member.points_explain(2) WHERE level = 1;
SELECT results_eq('SELECT p.points FROM member.points_explain(2) p WHERE level < 4', 'SELECT CASE WHEN level < 3 THEN (SELECT sum(c.points)::bigint FROM member.points_explain(2) c WHERE c.parent = p.node) ELSE p.points END FROM member.points_explain(2) p WHERE level < 4', 'whose parts add up');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound meanwhile');
SELECT is((member.points_spend(2, 70)).balance, 0::bigint, 'what came back is spent');
SELECT results_eq('SELECT kind, at, points FROM member.entry WHERE member_id = 2 AND entry_no > 3 ORDER BY entry_no',
    $$ VALUES ('lapse', '2026-03-01 10:30+08'::timestamptz, 60::bigint), ('spend', '2026-03-01 10:30+08', -70) $$, 'the next write books the lapse, as of its moment');
SELECT is(member.points_balance(2, as_of => '2026-03-01', known_at => '2026-03-01 10:29+08'), 10::bigint, 'known before: held');
SET member.clock = '2026-03-03 00:10+08';
CALL member.daily_run();
SELECT is(kind || ' ' || at, 'lapse 2026-03-02 09:00:00+08', 'or the daily run does') FROM member.entry WHERE member_id = 2 ORDER BY entry_no DESC LIMIT 1;
SELECT is(next_lapse, NULL, 'no other lapses') FROM member.state WHERE member_id = 2;
SELECT is(member.points_balance(2, as_of => '2026-03-01'), 0::bigint, 'as of the day before the second lapsed');

-- a post, an import and a frozen member
SELECT NULL FROM member.points_earn(3, 100);
SELECT NULL FROM member.points_hold(3, 100, lapses_at => '2026-03-03 01:00+08');
SET member.clock = '2026-03-03 02:00+08';
SELECT is(balance, 1::bigint, 'a posted spend finds the points back') FROM member.points_post(ARRAY['{"member_id": 3, "kind": "spend", "points": 99}']::jsonb[]);

-- ---- a lot that expires while it is held ----

SELECT NULL FROM member.points_earn(4, 50, until => '2026-03-05');
SELECT NULL FROM member.points_earn(4, 50, 'coins', until => '2026-03-05');
SELECT NULL FROM member.points_hold(4, 50);
SELECT NULL FROM member.points_hold(4, 50, 'coins');
SET member.clock = '2026-03-10 10:00+08';
SELECT is((member.points_void(4, 3)).balance, 0::bigint, 'is gone when it comes back');
SELECT is((member.points_void(4, 4)).balance, 50::bigint, 'or lasts hold_grace_days');
SELECT is(until, '2026-03-17'::date, 'of the wallet') FROM member.points_lots(4);
SET member.clock = '2026-03-11 10:00+08';
SELECT is((member.points_earn(4, 1)).balance, 1::bigint, 'the points that were gone expire for good');
SELECT is(member.points_balance(4, 'coins', '2026-03-17'), 0::bigint, 'the others on their day');
SELECT NULL FROM member.points_earn(5, 50, until => '2026-03-15');
SELECT NULL FROM member.points_hold(5, 50);
SET member.clock = '2026-03-20 10:00+08';
SELECT is(format('%s %s', kind, points), 'capture 10', 'what expired while held can still be captured') FROM member.points_capture(5, 2, 40);
SELECT is(member.points_balance(5), 0::bigint, 'what then comes back is gone');
-- lapsed before it expired, asked long after
SELECT NULL FROM member.points_earn(6, 50, 'coins', until => '2026-03-22');
SELECT NULL FROM member.points_hold(6, 50, 'coins', lapses_at => '2026-03-23 12:00+08');
SELECT is(member.points_balance(6, 'coins', '2026-03-29'), 50::bigint, 'grace counts from the day of the lapse');
SELECT is(member.points_balance(6, 'coins', '2026-03-30'), 0::bigint, 'not a day longer');
SET member.clock = '2026-03-29 10:00+08';
SELECT is((member.points_spend(6, 50, 'coins')).balance, 0::bigint, 'booked late it is the same');

-- ---- pending by days, and until released ----

SELECT NULL FROM member.points_earn(7, 40, usable_from => '2026-04-05');
SELECT is(member.points_balance(7), 0::bigint, 'pending by days');
SELECT is(member.points_balance(7, as_of => '2026-04-05'), 40::bigint, 'usable on the day');
SELECT is(format('%s %s', points, balance), '30 0', 'until released: told, not usable') FROM member.points_earn(7, 30, 'later', usable_from => 'infinity', source => 'task');
SELECT row_eq($$ SELECT * FROM member.points_lots(7) WHERE wallet = 'later' $$, ROW('later'::text, 30::bigint, 'infinity'::date, NULL::date, false), 'waits');
SELECT throws_ok($$ SELECT member.points_earn(7, 30, 'later', usable_from => 'infinity', until => '2027-01-01') $$, 'MB403', NULL, 'the day it is gone is decided later');
SELECT throws_ok($$ SELECT member.points_spend(7, 1, 'later') $$, 'MB203', NULL, 'not spent before');
SET member.clock = '2026-05-15 10:00+08';
SELECT is(format('%s %s %s', kind, points, balance), 'release 0 30', 'released') FROM member.points_release(7, 2, reason => 'task approved', key => 'r');
SELECT is(format('%s %s', kind, balance), 'release 30', 'once a key') FROM member.points_release(7, 2, reason => 'task approved', key => 'r');
SELECT is(until, '2026-08-15'::date, 'it lasts as long as the wallet says, from then on') FROM member.points_lots(7) WHERE wallet = 'later';
SELECT throws_ok($$ SELECT member.points_release(7, 2) $$, 'MB211', 'no points of entry 2 wait for their release', 'nothing waits any more');
SELECT throws_ok($$ SELECT member.points_release(7, 99) $$, 'MB205', NULL, 'no such entry');
SELECT throws_ok($$ SELECT member.points_release(7, purchase_no => 'none') $$, 'MB301', NULL, 'no such purchase');
SELECT throws_ok($$ SELECT member.points_release(7) $$, 'MB502', NULL, 'of what?');
SELECT throws_ok($$ SELECT member.points_release(7, 2, at => '2026-03-01 10:00+08') $$, 'MB402', NULL, 'not before it was earned');

SELECT NULL FROM member.purchase_record(8, 'P8', 100);
SELECT is(member.points_balance(8, 'later'), 0::bigint, 'points of a purchase wait');
SELECT NULL FROM member.purchase_refund(8, 'P8', 'R8a', 30);
SELECT is((member.points_release(8, purchase_no => 'P8')).entry_no, 3, 'what was refunded meanwhile is not released');
SELECT is(member.points_balance(8, 'later'), 70::bigint, '70 of 100');
SELECT NULL FROM member.purchase_refund(8, 'P8', 'R8b', 20);
SELECT is(member.points_balance(8, 'later'), 70::bigint, 'only_pending takes nothing that is released');
SELECT is_empty('SELECT member_id, part FROM member.state s, member.replay(s.member_id) WHERE NOT same', 'replay makes the same of all this');

-- ---- reports ----

SELECT NULL FROM member.points_hold(1, 75);
SELECT is((SELECT sum(points) FROM member_report.points_outstanding WHERE wallet = 'points'),
    (SELECT sum(member.points_balance(member_id)) FROM member.state) + (SELECT sum(h.points) FROM member.state s, member.points_holds(s.member_id) h WHERE h.wallet = 'points') , 'outstanding counts what is held');
SELECT is(spent, (SELECT -sum(points)::bigint FROM member.entry WHERE wallet = 1 AND kind IN ('spend', 'hold', 'capture', 'void', 'lapse') AND at >= '2026-03-01 00:00+08' AND at < '2026-04-01 00:00+08'), 'spent by month counts what is captured')
FROM member_report.points_month WHERE month = '2026-03-01' AND wallet = 'points';
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT * FROM finish();
