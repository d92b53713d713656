-- Points that change hands or are moved by hand: transfers, points and money, corrections, points given back after they
-- expired, passes, limits and budgets, points that activity keeps alive, and spends that are booked late.
\set ON_ERROR_STOP 1
SET client_min_messages = error;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('retail');
UPDATE member.wallet SET transferable = true, transfer_fee = 5, transfer_cooling_days = 3, transfer_day_cap = 300, reinstate_days = 10,
    code_above = 500, approve_above = 1000 WHERE code = 'points';
INSERT INTO member.wallet (wallet_id, code, name, transferable, balance_cap, max_lots) VALUES (3, 'coins', '品牌币', true, 100, 8);
INSERT INTO member.wallet (wallet_id, code, name, expiry, expiry_n) VALUES (4, 'alive', '活跃币', 'inactivity', 3);
SELECT NULL FROM member.publish('transfers');
SELECT NULL FROM generate_series(1, 60) n, member.enroll('shop', at => '2026-02-01 10:00+08', key => n::text);
SELECT * FROM no_plan();

CREATE FUNCTION pg_temp.lots(m bigint) RETURNS text LANGUAGE sql AS 'SELECT lots::text FROM member.state WHERE member_id = m';

-- ---- transfer ----

SELECT NULL FROM member.points_earn(1, 100, until => '2026-05-01') x1, member.points_earn(1, 100, until => '2026-04-01');
SELECT row_eq($$ SELECT * FROM member.points_transfer(1, 2, 110, reason => 'birthday', key => 't1') $$, ROW(1, 3, 'give', '2026-03-01 10:00+08', 'points', -116, 84, 'normal')::member.receipt,
    'the giver pays the points and the fee, rounded up');
SELECT row_eq($$ SELECT * FROM member.points_transfer(1, 2, 110, reason => 'birthday', key => 't1') $$, ROW(1, 3, 'give', '2026-03-01 10:00+08', 'points', -116, 84, 'normal')::member.receipt,
    'once a key');
SELECT is(pg_temp.lots(1), '1:84/2026-05-01', 'what expires first is given first');
SELECT is(pg_temp.lots(2), '1:100@2026-03-04/2026-04-01,1:10@2026-03-04/2026-05-01', 'the receiver has the very lots, with the days they had, after the cooling-off');
SELECT is(ARRAY[member.points_balance(2), member.points_balance(2, as_of => '2026-03-03'), member.points_balance(2, as_of => '2026-03-04')], ARRAY[0, 0, 110]::bigint[], 'usable from the third day on');
SELECT throws_ok('SELECT member.points_spend(2, 1)', 'MB203', NULL, 'and not before');
SELECT row_eq('SELECT * FROM member.points_transfers(1)', ROW(3, '2026-03-01 10:00+08'::timestamptz, 'points'::text, 'out'::text, 2::bigint, 110::bigint, 6::bigint, '2026-03-04'::date, false, 'birthday'::text), 'the giver sees it');
SELECT row_eq('SELECT * FROM member.points_transfers(2, since => ''2026-03-01'')', ROW(1, '2026-03-01 10:00+08'::timestamptz, 'points'::text, 'in'::text, 1::bigint, 110::bigint, 0::bigint, '2026-03-04'::date, false, 'birthday'::text), 'so does the receiver');
SELECT is_empty('SELECT FROM member.points_transfers(2, since => ''2026-03-02'')', 'since a day');
SELECT is(key, 'received:1:3', 'the receiver''s entry names the giver''s') FROM member.entry WHERE member_id = 2 AND entry_no = 1;
SET member.clock = '2026-03-03 23:59:59+08';
SELECT row_eq($$ SELECT * FROM member.points_transfer_undo(1, 3, key => 'u1') $$, ROW(1, 4, 'reverse', '2026-03-03 23:59:59+08', 'points', 116, 200, 'normal')::member.receipt, 'taken back until the last moment of the cooling-off, with the fee');
SELECT row_eq($$ SELECT * FROM member.points_transfer_undo(1, 3, key => 'u1') $$, ROW(1, 4, 'reverse', '2026-03-03 23:59:59+08', 'points', 116, 200, 'normal')::member.receipt, 'once a key');
SELECT is(ARRAY[pg_temp.lots(1), pg_temp.lots(2)], ARRAY['1:100/2026-04-01,1:100/2026-05-01', 'empty'], 'as it was, lot by lot');
SELECT is(bool_and(undone), true, 'both see it') FROM (SELECT undone FROM member.points_transfers(1) UNION ALL SELECT undone FROM member.points_transfers(2)) x;
SELECT is(member.points_balance(2, as_of => '2026-03-04'), 0::bigint, 'there is nothing to come');
SELECT is(points, -105::bigint, 'given anew: the cap counts what stands') FROM member.points_transfer(1, 2, 100);
SET member.clock = '2026-03-06 00:00+08';
SELECT throws_ok('SELECT member.points_transfer_undo(1, 5)', 'MB213', 'the transfer of entry 5 is final', 'from the first moment they can be used');
SELECT is(points, -100::bigint, 'then they can') FROM member.points_spend(2, 100);
-- a lot that would be gone before it could be used
SET member.clock = '2026-03-31 10:00+08';
SELECT NULL FROM member.points_earn(3, 10, until => '2026-04-01') x1, member.points_earn(3, 10, until => '2026-04-04');
SELECT NULL FROM member.points_transfer(3, 4, 19);
SELECT is(pg_temp.lots(4), '1:19@2026-04-03/2026-04-04', 'lasts the one day');
-- without fee and cooling-off; a full receiver
SELECT NULL FROM member.points_earn(5, 60, 'coins') x1, member.points_earn(6, 60, 'coins');
SELECT throws_ok('SELECT member.points_transfer(5, 6, 41, ''coins'')', 'MB210', 'wallet "coins" is full', 'over the receiver''s cap');
SELECT is(ARRAY[entries, member.points_balance(5, 'coins')], ARRAY[1, 60]::bigint[], 'nothing is taken') FROM member.state WHERE member_id = 5;
SELECT is((r).balance, 20::bigint, 'to the last point') FROM member.points_transfer(5, 6, 40, 'coins') r;
SELECT throws_ok('SELECT member.points_transfer_undo(5, 2)', 'MB213', NULL, 'without a cooling-off it is final at once');
SELECT is((r).balance, 20::bigint, 'given on and back') FROM member.points_transfer(6, 5, 80, 'coins') r;
SELECT is(member.points_balance(5, 'coins'), 100::bigint, 'full');
-- dated back
SELECT NULL FROM member.points_earn(7, 50, at => '2026-03-20 10:00+08');
SELECT NULL FROM member.points_transfer(7, 8, 20, at => '2026-03-25 10:00+08');
SELECT is(ARRAY[member.points_balance(7, as_of => '2026-03-24'), member.points_balance(7, as_of => '2026-03-25'), member.points_balance(8, as_of => '2026-03-27'), member.points_balance(8, as_of => '2026-03-28')],
    ARRAY[50, 29, 0, 20]::bigint[], 'a transfer dated back counts on its own day, in both books');
-- with holds that lapse in the meantime, and expiry, both sides book what time did first
SELECT NULL FROM member.points_hold(7, 10, lapses_at => '2026-03-31 12:00+08');
SET member.clock = '2026-04-02 10:00+08';
SELECT is(points, -29::bigint, 'what lapsed can be given') FROM member.points_transfer(7, 8, 27);
SELECT set_eq($$ SELECT member_id, bool_and(same) FROM generate_series(1, 8) m (member_id), member.replay(m.member_id) GROUP BY 1 $$, 'SELECT m::bigint, true FROM generate_series(1, 8) m', 'replay makes the same of the facts of both sides');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');

-- ---- PIN, code, pass ----

CREATE TEMP TABLE got (what text, value text);
SELECT NULL FROM member.points_earn(11, 5000) x1, member.points_earn(12, 5000);
SELECT is(points, -500::bigint, 'up to code_above without') FROM member.points_spend(11, 500);
SELECT throws_ok('SELECT member.points_spend(11, 501)', 'MB214', NULL, 'one more takes a pass');
SELECT is(member.pass_issue(11, '4321'), NULL, 'who has no PIN gets none');
SELECT NULL FROM member.pin_set(11, '4321');
SELECT is(member.pass_issue(11, '1234'), NULL, 'a wrong PIN');
INSERT INTO got SELECT 'pass', member.pass_issue(11, '4321');
SELECT throws_ok(format('SELECT member.points_spend(12, 501, pass => %L)', value), 'MB215', NULL, 'a pass is its member''s') FROM got;
SELECT is(points, -501::bigint, 'the right one') FROM got, member.points_spend(11, 501, key => 'big', pass => value);
SELECT is(points, -501::bigint, 'the call repeated needs none') FROM member.points_spend(11, 501, key => 'big');
SELECT throws_ok(format('SELECT member.points_spend(11, 501, pass => %L)', value), 'MB215', NULL, 'it is good once') FROM got;
UPDATE got SET value = member.pass_issue(11, '4321');
SELECT throws_ok(format('SELECT member.points_spend(11, 5001, pass => %L)', value), 'MB203', NULL, 'what fails') FROM got;
SELECT is(points, -600::bigint, 'leaves it good') FROM got, member.points_hold(11, 600, pass => value);
UPDATE got SET value = member.pass_issue(11, '4321');
SELECT is(points, -210::bigint, 'a transfer below needs none') FROM member.points_transfer(11, 13, 200);
UPDATE member.wallet SET transfer_day_cap = NULL WHERE code = 'points';
SELECT NULL FROM member.publish('no cap');
SELECT throws_ok('SELECT member.points_transfer(11, 13, 501)', 'MB214', NULL, 'above it does');
SELECT is(points, -527::bigint, 'with it') FROM got, member.points_transfer(11, 13, 501, pass => value);
UPDATE got SET value = member.pass_issue(11, '4321');
SET member.clock = '2026-04-02 10:05+08';
SELECT throws_ok(format('SELECT member.points_spend(11, 501, pass => %L)', value), 'MB215', NULL, 'after five minutes it is over') FROM got;
UPDATE got SET value = member.code_issue(12, '2 minutes');
SELECT matches(value, '^[0-9]{6}$', 'a code of six digits') FROM got;
SELECT isnt(member.pass_issue(12, value), NULL, 'is as good as a PIN') FROM got;
SELECT is(member.pass_issue(12, value), NULL, 'once') FROM got;
UPDATE got SET value = member.code_issue(12, '2 minutes');
SET member.clock = '2026-04-02 10:07+08';
SELECT is(member.pass_issue(12, value), NULL, 'in time') FROM got;
-- five wrong ones in a row lock, for fifteen minutes
SELECT is(count(member.pass_issue(11, 'no')), 0::bigint, 'four wrong ones') FROM generate_series(1, 4);
SELECT isnt(member.pass_issue(11, '4321'), NULL, 'then the right one: counted anew');
SELECT is(count(member.pass_issue(11, 'no')), 0::bigint, 'five wrong ones') FROM generate_series(1, 5);
SELECT throws_ok($$ SELECT member.pass_issue(11, '4321') $$, 'MB215', NULL, 'lock, for the right one too');
SET member.clock = '2026-04-02 10:21:59+08';
SELECT throws_ok($$ SELECT member.pass_issue(11, '4321') $$, 'MB215', NULL, 'for fifteen minutes');
SET member.clock = '2026-04-02 10:22+08';
SELECT isnt(member.pass_issue(11, '4321'), NULL, 'no longer');
SELECT NULL FROM member.pin_set(11, NULL);
SELECT is(member.pass_issue(11, '4321'), NULL, 'a PIN taken away');
SELECT is(sqlstate, 'MB214', 'a batch has no pass') FROM member.points_post(ARRAY['{"member_id": 12, "kind": "spend", "points": 501}']::jsonb[]);

-- ---- corrections ----

SELECT row_eq($$ SELECT * FROM member.points_adjust(14, 40, 'lost parcel', 'li', until => '2026-06-01', source => 'T-17', key => 'a') $$, ROW(14, 1, 'adjust', '2026-04-02 10:22+08', 'points', 40, 40, 'normal')::member.receipt, 'points by hand');
SELECT row_eq($$ SELECT * FROM member.points_adjust(14, 40, 'lost parcel', 'li', until => '2026-06-01', source => 'T-17', key => 'a') $$, ROW(14, 1, 'adjust', '2026-04-02 10:22+08', 'points', 40, 40, 'normal')::member.receipt, 'once a key');
SELECT is((r).balance, 15::bigint, 'and away') FROM member.points_adjust(14, -25, 'double', 'li') r;
SELECT throws_ok($$ SELECT member.points_adjust(14, -16, 'double', 'li') $$, 'MB203', NULL, 'not below nothing');
SELECT is((r).balance, 9::bigint, 'growth too') FROM member.points_adjust(14, 9, 'told', 'li', 'growth') r;
SELECT is((r).balance, 2::bigint, 'down as well, though it can''t be spent') FROM member.points_adjust(14, -7, 'told', 'li', 'growth') r;
SELECT is((r).balance, 40::bigint, 'a correction is reversed as an award or a spend is') FROM member.points_reverse(14, 2) r;
SELECT is((r).points, 1000::bigint, 'up to approve_above alone') FROM member.points_adjust(14, 1000, 'x', 'li') r;
SELECT throws_ok($$ SELECT member.points_adjust(14, 1001, 'x', 'li') $$, 'MB216', NULL, 'above by two');
SELECT is(member.points_adjust_ask(14, 1001, 'big', 'li', until => '2026-07-01'), 1, 'asked for');
SELECT is(member.points_adjust_ask(14, -5, 'small', 'li'), 2, 'numbered per member');
SELECT is(member.points_balance(14), 1040::bigint, 'nothing is booked yet');
SELECT row_eq($$ SELECT * FROM member.points_adjust_decide(14, 1, true, 'wang') $$, ROW(14, 7, 'adjust', '2026-04-02 10:22+08', 'points', 1001, 2041, 'normal')::member.receipt, 'approved by another: booked');
SELECT row_eq($$ SELECT * FROM member.points_adjust_decide(14, 1, true, 'wang') $$, ROW(14, 7, 'adjust', '2026-04-02 10:22+08', 'points', 1001, 2041, 'normal')::member.receipt, 'once');
SELECT is(actor || ' ' || reason, 'li, wang big', 'by both') FROM member.entry WHERE member_id = 14 AND entry_no = 7;
SELECT is(r.entry_no, NULL, 'refused: no receipt') FROM member.points_adjust_decide(14, 2, false, 'wang', 'why?') r;
SELECT is(member.points_balance(14), 2041::bigint, 'and nothing booked');
SELECT results_eq('SELECT adjustment_no, approved, decided_by, remark, entry_no FROM member.adjustment ORDER BY 1', $$ VALUES (1, true, 'wang', NULL, 7), (2, false, 'wang', 'why?', NULL) $$, 'it is remembered');

-- ---- reinstatement ----

SELECT NULL FROM member.points_earn(15, 30, until => '2026-04-05') x1, member.points_earn(15, 20, until => '2026-04-08') x2, member.points_earn(15, 5);
SET member.clock = '2026-04-10 10:00+08';
SELECT NULL FROM member_internal.book_time(15);
SELECT is(points, 25::bigint, 'of an expiry some') FROM member.points_reinstate(15, 4, 25, reason => 'was ill', key => 'r');
SELECT is(points, 25::bigint, 'once a key') FROM member.points_reinstate(15, 4, 25, reason => 'was ill', key => 'r');
SELECT throws_ok('SELECT member.points_reinstate(15, 4, 26)', 'MB219', NULL, 'no more than expired');
SELECT is((r).balance, 55::bigint, 'then the rest') FROM member.points_reinstate(15, 4, until => '2026-05-01') r;
SELECT throws_ok('SELECT member.points_reinstate(15, 4)', 'MB219', NULL, 'then nothing');
SELECT NULL FROM member.points_earn(16, 30, until => '2026-04-12') x1, member.points_earn(16, 20, until => '2026-04-14');
SET member.clock = '2026-04-22 00:00+08';
SELECT NULL FROM member_internal.book_time(16);
SELECT throws_ok('SELECT member.points_reinstate(16, 3, 21)', 'MB219', '20 points of entry 3 can be given back', 'what expired ten days ago is past the window');
SET member.clock = '2026-04-21 23:59+08';
SELECT is(member_internal.reinstatable(16, 3, 1::smallint, '2026-04-21'), ROW(50::bigint, 0::bigint), 'nine days ago it was not');
SET member.clock = '2026-04-22 00:01+08';
SELECT is((r).points, 20::bigint, 'so much') FROM member.points_reinstate(16, 3) r;

-- ---- points and money ----

SELECT NULL FROM member.points_earn(17, 400, until => '2026-09-01') x1, member.points_earn(17, 100, until => '2026-06-01');
SELECT row_eq($$ SELECT * FROM member.points_pay(17, 'PP1', 333, 99.90, key => 'pp') $$, ROW(17, 4, 'purchase', '2026-04-22 00:01+08', 'points', 99, 266, 'normal')::member.receipt, 'points are spent, the money earns');
SELECT row_eq($$ SELECT * FROM member.points_pay(17, 'PP1', 333, 99.90, key => 'pp') $$, ROW(17, 4, 'purchase', '2026-04-22 00:01+08', 'points', 99, 266, 'normal')::member.receipt, 'once');
SELECT throws_ok($$ SELECT member.points_pay(17, 'PP1', 332, 99.90, key => 'pp') $$, 'MB404', NULL, 'with the same points');
SELECT throws_ok($$ SELECT member.points_pay(17, 'PP1', 333, 99.91, key => 'pp') $$, 'MB404', NULL, 'and the same money');
SELECT is(amount, 99.90, 'the purchase is what was paid in money') FROM member.purchase WHERE purchase_no = 'PP1';
SELECT throws_ok('SELECT member.points_reverse(17, 3)', 'MB206', NULL, 'its points come back with the money only');
SELECT NULL FROM member.purchase_refund(17, 'PP1', 'A', 33.30);
SELECT NULL FROM member.purchase_refund(17, 'PP1', 'B', 0.01);
SELECT is(sum(ref_part), 111::numeric, 'a third of the money, a third of the points, rounded down') FROM member.entry WHERE member_id = 17 AND ref = 3;
SELECT NULL FROM member.purchase_refund(17, 'PP1', 'C');
SELECT is(pg_temp.lots(17), '1:100/2026-06-01,1:400/2026-09-01', 'all refunded: every lot is as it was');
-- any split, in any order, of any amounts
DO $$
DECLARE
    n integer;
    part numeric;
    rest numeric;
BEGIN
    FOR n IN 1 .. 40 LOOP
        PERFORM member.points_earn(18, 50 + n, until => date '2026-09-01' + n);
        PERFORM member.points_pay(18, 'S' || n, 7 * n + 1, round(3.37 * n + 0.01, 2));
        rest := round(3.37 * n + 0.01, 2);
        WHILE rest > 0 LOOP
            part := least(rest, round(0.01 + (abs(hashint4(n * 100 + (rest * 100)::integer)) % 300) / 100.0, 2));
            PERFORM member.purchase_refund(18, 'S' || n, 'R' || rest, part);
            rest := rest - part;
        END LOOP;
        PERFORM member.points_spend(18, 3 + n);
    END LOOP;
END $$;
SELECT is_empty($$ SELECT p.spend_entry, p.points, sum(e.ref_part) FROM member.part_payment p LEFT JOIN member.entry e ON e.member_id = p.member_id AND e.ref = p.spend_entry WHERE p.member_id = 18
    GROUP BY 1, 2 HAVING sum(e.ref_part) <> p.points $$, 'refunds that add up to the money give back exactly the points');
SELECT is(member.points_balance(18), (SELECT sum(50 + n - (3 + n)) FROM generate_series(1, 40) n)::bigint, 'and to the point');

-- ---- limits ----

SELECT NULL FROM member.points_limit_set('day', 'checkin', 10, 'member_day') x1, member.points_limit_set('month', 'checkin', 25, 'member_month') x2, member.points_limit_set('camp', 'checkin', 60, 'all', slots => 4);
SELECT is(ARRAY[(member.points_earn(21, 8, source => 'checkin', key => 'c1')).points, (member.points_earn(21, 8, source => 'checkin')).points], ARRAY[8, 2]::bigint[], 'cut to what the day leaves');
SELECT is((member.points_earn(21, 8, source => 'checkin', key => 'c1')).points, 8::bigint, 'a call repeated gets its answer, and takes nothing');
SELECT throws_ok($$ SELECT member.points_earn(21, 8, source => 'checkin') $$, 'MB218', 'limit "day" is used up', 'then refused');
SELECT is((member.points_earn(21, 8, source => 'other')).points, 8::bigint, 'another source is another matter');
SELECT is((member.points_earn(21, 8, source => 'checkin', at => '2026-04-21 10:00+08')).points, 8::bigint, 'as is another day');
SET member.clock = '2026-04-23 10:00+08';
SELECT is((member.points_earn(21, 10, source => 'checkin')).points, 7::bigint, 'the month leaves 7');
SELECT is(ARRAY[(member.points_earn(22, 10, source => 'checkin')).points, (member.points_earn(23, 10, source => 'checkin')).points, (member.points_earn(24, 10, source => 'checkin')).points], ARRAY[10, 10, 10]::bigint[], 'others have theirs');
SELECT is((member.points_earn(25, 10, source => 'checkin')).points, 5::bigint, 'to the last point of the budget, from whichever slots');
SELECT throws_ok($$ SELECT member.points_earn(26, 1, source => 'checkin') $$, 'MB218', 'limit "camp" is used up', 'then nothing');
SELECT is_empty($$ SELECT FROM member.points_limit_use WHERE member_id = 26 $$, 'what is refused is not counted');
SELECT results_eq('SELECT code, used, room FROM member.points_limits(21)', $$ VALUES ('camp', 60::bigint, 0::bigint), ('day', 7, 3), ('month', 25, 0) $$, 'points_limits shows it');
SELECT NULL FROM member.points_limit_set('camp', 'checkin', 70, 'all', slots => 4);
SELECT is((member.points_earn(26, 10, source => 'checkin')).points, 10::bigint, 'raised: so much more');
SELECT NULL FROM member.points_limit_set('camp', 'checkin', 100, 'all', slots => 4) x1, member.points_limit_set('camp', 'checkin', 40, 'all', slots => 4);
SELECT is(room, 0::bigint, 'lowered below what is used: it ends') FROM member.points_limits() WHERE code = 'camp';
SELECT NULL FROM member.points_limit_set('camp', 'checkin', NULL);
SET member.clock = '2026-05-01 10:00+08';
SELECT results_eq($$ SELECT sqlstate, points FROM member.points_post(ARRAY['{"member_id": 21, "kind": "earn", "points": 8, "source": "checkin", "key": "p1"}', '{"member_id": 21, "kind": "earn", "points": 8, "source": "checkin", "key": "p1"}',
    '{"member_id": 21, "kind": "earn", "points": 8, "source": "checkin"}', '{"member_id": 21, "kind": "earn", "points": 8, "source": "checkin"}', '{"member_id": 21, "kind": "spend", "points": 3}', '{"member_id": 99, "kind": "spend", "points": 3}']::jsonb[]) $$,
    $$ VALUES (NULL, 8::bigint), (NULL, 8), (NULL, 2), ('MB218', NULL), (NULL, -3), ('MB101', NULL) $$, 'a batch keeps limits as calls do');
SELECT throws_ok($$ SELECT member.points_post(ARRAY['{"member_id": 21, "kind": "earn", "points": 8, "source": "checkin"}', '{"member_id": 21, "kind": "spend", "points": 3}']::jsonb[], true) $$, 'MB230', NULL, 'all or nothing too');
SELECT NULL FROM member.points_limit_set('daily', 'tv', 5, 'all_day', slots => 2);
SELECT is(ARRAY[(member.points_earn(27, 4, source => 'tv')).points, (member.points_earn(28, 4, source => 'tv')).points], ARRAY[4, 1]::bigint[], 'a budget of the day');
SET member.clock = '2026-05-02 10:00+08';
SELECT is((member.points_earn(28, 4, source => 'tv')).points, 4::bigint, 'is new the next');

-- ---- kept alive by activity ----

SELECT NULL FROM member.points_earn(31, 50, 'alive') x1, member.points_earn(32, 50, 'alive');
SELECT is(pg_temp.lots(31), '4:50/2026-08-02', 'three months from the day');
SET member.clock = '2026-08-01 10:00+08';
SELECT NULL FROM member.event_record(31, 'look');
SELECT is(pg_temp.lots(31), '4:50/2026-11-01', 'from the last thing the member did');
SELECT results_eq('SELECT kind, points, delta::text FROM member.entry WHERE member_id = 31 AND entry_no > 1', $$ VALUES ('keep', 0::bigint, '4:-50/2026-08-02,4:50/2026-11-01'), ('event', 0, 'empty') $$, 'an entry of its own says so');
SELECT is(ARRAY[member.points_balance(31, 'alive', '2026-10-31'), member.points_balance(31, 'alive', '2026-11-01')], ARRAY[50, 0]::bigint[], 'to that day');
SET member.clock = '2026-08-02 10:00+08';
SELECT is(member.points_balance(32, 'alive'), 0::bigint, 'who did nothing has nothing left');
SELECT NULL FROM member.event_record(32, 'look');
SELECT is(member.points_balance(32, 'alive'), 0::bigint, 'coming back does not bring it back');
SELECT NULL FROM member.points_adjust(31, 1, 'x', 'li');
SELECT is(pg_temp.lots(31), '1:1/2027-09-01,4:50/2026-11-01', 'what others do does not keep it alive');
SELECT NULL FROM member.points_spend(31, 20, 'alive');
SELECT NULL FROM member.points_reverse(31, 1);
SELECT is(member.points_balance(31, 'alive'), -20::bigint, 'an award taken back finds its lots where they are now; what was spent is owed');

-- ---- spent late ----

-- as many pairs: one spends in time, the other says so only after the points are gone
DO $$
DECLARE
    n integer;
    late timestamptz;
    pair bigint[];
    m bigint;
BEGIN
    FOR n IN 1 .. 12 LOOP
        pair := ARRAY[34 + 2 * n, 35 + 2 * n];
        PERFORM set_config('member.clock', '2026-09-01 10:00+08', false);
        FOREACH m IN ARRAY pair LOOP
            PERFORM member.points_earn(m, 10 + n, until => '2026-09-04'), member.points_earn(m, 20, until => date '2026-09-05' + n % 3), member.points_earn(m, 30, usable_from => '2026-09-03', until => '2026-09-06'),
                member.points_earn(m, 15, until => '2026-12-01');
        END LOOP;
        late := '2026-09-02 11:00+08';
        PERFORM set_config('member.clock', '2026-09-02 11:00+08', false);
        PERFORM member.points_spend(pair[1], 12 + 2 * n);
        IF n % 2 = 0 THEN
            PERFORM set_config('member.clock', '2026-09-05 09:00+08', false);
            PERFORM member.points_earn(pair[2], 1), member.points_earn(pair[1], 1);
        END IF;
        PERFORM set_config('member.clock', '2026-09-09 10:00+08', false);
        PERFORM member.points_spend(pair[2], 12 + 2 * n, at => late, key => 'late');
        PERFORM member.points_spend(pair[2], 12 + 2 * n, at => late, key => 'late');
        PERFORM member_internal.book_time(pair[1]);
    END LOOP;
END $$;
SELECT is_empty($$ SELECT n, d, a, b FROM generate_series(1, 12) n, generate_series(date '2026-09-02', '2026-12-02', interval '1 day') d,
    LATERAL (SELECT member.points_balance(34 + 2 * n, as_of => d::date) AS a, member.points_balance(35 + 2 * n, as_of => d::date) AS b) x WHERE a <> b ORDER BY 1, 2 LIMIT 5 $$,
    'the balance of every day is as if it had been booked in time');
SELECT is_empty($$ SELECT n, a.lots, b.lots FROM generate_series(1, 12) n JOIN member.state a ON a.member_id = 34 + 2 * n JOIN member.state b ON b.member_id = 35 + 2 * n WHERE a.lots OPERATOR(member.<>) b.lots $$, 'so is what is left, lot by lot');
SELECT cmp_ok(count(*), '>=', 12::bigint, 'expiry was taken back') FROM member.entry WHERE kind = 'reopen';
SELECT is(sum(points), (SELECT sum(x.points) FROM member.entry x WHERE x.kind IN ('expire', 'reopen') AND x.member_id > 34 AND x.member_id % 2 = 1), 'as much as was spent of it')
FROM member.entry WHERE kind = 'expire' AND member_id > 34 AND member_id % 2 = 0;
SELECT throws_ok($$ SELECT member.points_spend(37, 100, at => '2026-09-02 11:00+08') $$, 'MB203', NULL, 'more than there was is not there');
SELECT NULL FROM (SELECT entry_no FROM member.entry WHERE member_id = 37 AND key = 'late') e, member.points_reverse(37, e.entry_no);
SELECT is(member.points_balance(37), 15::bigint, 'reversed, what had expired has expired');

-- ---- as a whole; what verify() finds ----

SELECT is_empty('SELECT s.member_id, r.part, r.stored, r.replayed FROM member.state s, member.replay(s.member_id) r WHERE NOT r.same ORDER BY 1 LIMIT 5', 'replay makes the same of the facts of each');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT is((SELECT sum(points) FROM member.entry WHERE kind IN ('give', 'receive')), (SELECT -sum(fee)::numeric FROM member.state s, member.points_transfers(s.member_id)), 'what was given and not received are the fees');

ALTER TABLE member.entry DISABLE TRIGGER entry_append_only;
CREATE FUNCTION pg_temp.damage(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    EXECUTE statement;
    SELECT string_agg(DISTINCT problem, '; ' ORDER BY problem) INTO found FROM member.verify();
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = coalesce(found, 'nothing');
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    RETURN SQLERRM;
END $$;
SELECT matches(pg_temp.damage(s), p, w) FROM (VALUES
    ('DELETE FROM member.transfer WHERE member_id = 1 AND entry_no = 5', 'transfer is missing', 'a deleted transfer'),
    ('UPDATE member.transfer SET points = points + 1 WHERE member_id = 1 AND entry_no = 5', 'transfer does not fit its entries', 'a changed one'),
    ('UPDATE member.transfer SET peer = 9 WHERE member_id = 1 AND entry_no = 5', 'transfer does not fit its entries; transfer is missing', 'one turned to another member'),
    ('UPDATE member.transfer SET undone_by = NULL, peer_undone_by = NULL WHERE member_id = 1 AND entry_no = 3', 'transfer is taken back on one side only', 'one that stands again'),
    ('UPDATE member.transfer SET undone_by = 4 WHERE member_id = 1 AND entry_no = 5', 'transfer does not fit its entries', 'one half taken back'),
    ('UPDATE member.adjustment SET points = 999 WHERE adjustment_no = 1', 'adjustment does not fit its entry', 'a changed adjustment'),
    ('DELETE FROM member.adjustment WHERE adjustment_no = 1', 'adjustment is missing', 'a deleted one'),
    ('UPDATE member.part_payment SET points = points + 1 WHERE member_id = 17', 'part payment does not fit its entries', 'a changed part payment'),
    ('DELETE FROM member.part_payment WHERE member_id = 17', 'part payment is missing', 'a deleted one'),
    ('UPDATE member.points_limit_slot SET used = used - 1 WHERE code = ''daily'' AND slot = 1', 'budget is not what members had of it', 'a changed budget')) d (s, p, w);
SELECT * FROM finish();
