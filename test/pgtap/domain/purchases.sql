-- Purchases and refunds: points, activity, level and message in one transaction; refunds take back what was given.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-02 10:00+08';
SELECT NULL FROM member.setup('tea', '茶语');
SELECT NULL FROM generate_series(1, 9) n, member.enroll('shop', at => '2026-02-01 10:00+08', key => n::text);
SELECT * FROM no_plan();

-- ---- as the README writes it: everything one purchase does ----

SELECT row_eq($$ SELECT * FROM member.purchase_record(7, 'P1', 128.50, at => '2026-03-01 10:00+08', key => 'k1') $$,
    ROW(7, 1, 'purchase', '2026-03-01 10:00+08', 'points', 128, 128, 'gold')::member.receipt, 'the receipt: 128 points, and gold for an order of 50');
SELECT row_eq($$ SELECT * FROM member.purchase_record(7, 'P1', 128.50, at => '2026-03-01 10:00+08', key => 'k1') $$,
    ROW(7, 1, 'purchase', '2026-03-01 10:00+08', 'points', 128, 128, 'gold')::member.receipt, 'again: the same receipt');
SELECT results_eq('SELECT lots::text, activity::text, standing::text, entries FROM member.state WHERE member_id = 7',
    $$ VALUES ('1:128/2026-10-01', '1{2026-03-01:1/12850}', '1:2@2026-03-02/2026-06-02', 1) $$, 'one award, one order on its own day, one level on the day it was booked');
SELECT results_eq('SELECT purchase_no COLLATE "default", at, amount, refunded, store, channel, attributes FROM member.purchase WHERE member_id = 7',
    $$ VALUES ('P1', '2026-03-01 10:00+08'::timestamptz, 128.50, 0.00, NULL::text, NULL::text, NULL::jsonb) $$, 'the purchase');
SELECT results_eq('SELECT kind, wallet, points, balance, ref, program_version, tier, source, key, delta::text FROM member.entry WHERE member_id = 7',
    $$ VALUES ('purchase', 1::smallint, 128::bigint, 128::bigint, NULL::int, 1, 'gold', 'P1', 'k1', '1:128/2026-10-01') $$, 'its entry');
SELECT results_eq($$ SELECT template, class, body FROM member.outbox WHERE member_id = 7 AND template <> 'welcome' ORDER BY template $$,
    $$ VALUES ('points_in', 'service', '您本次消费获128积分,累计积分128'), ('tier_up', 'benefit', '恭喜升级为VIP茶友!新增特权已生效,有效至2026-06-02。') $$, 'a message for the points and one for the level');
SELECT results_eq('SELECT kind, from_level, to_level, day, until, entry_no, program_version, reason FROM member.tier_change WHERE member_id = 7',
    $$ VALUES ('rise', 0::smallint, 2::smallint, '2026-03-02'::date, '2026-06-02'::date, 1, 1, 'orders(30d) >= 4 (1) or max_order(30d) >= 50 (128.5)') $$, 'the level''s history with its reason');
SELECT is(points, 15::bigint, 'the next purchase earns at the new level: 10 at 1.5') FROM member.purchase_record(7, 'P2', 10);

-- all that is known of a purchase
SELECT NULL FROM member.purchase_record(1, 'A1', 100, 'SH01', 'pos', '[{"product": "latte", "quantity": 2, "amount": 60.00, "category": "coffee", "list_amount": 64}, {"product": "cake", "amount": 40}]', '{"table": 4}', '2026-02-20 12:00+08', 'till 3');
SELECT results_eq('SELECT store, channel, attributes FROM member.purchase WHERE member_id = 1', $$ VALUES ('SH01', 'pos', '{"table": 4}'::jsonb) $$, 'store, channel, attributes');
SELECT results_eq('SELECT line_no, product, category, quantity, amount, list_amount, refunded FROM member.purchase_line WHERE member_id = 1 ORDER BY 1',
    $$ VALUES (1::smallint, 'latte', 'coffee', 2::numeric, 60.00, 64.00, 0.00), (2::smallint, 'cake', NULL, 1, 40, NULL, 0) $$, 'lines');
SELECT is(actor, 'till 3', 'who did it') FROM member.entry WHERE member_id = 1;

-- ---- the number serves as the key; it is one purchase's only ----

SELECT is(entry_no, 2, 'a purchase without a key') FROM member.purchase_record(1, 'A2', 10);
SELECT is(entry_no, 2, 'the same call again is the same purchase') FROM member.purchase_record(1, 'A2', 10);
SELECT throws_ok($$ SELECT member.purchase_record(1, 'A2', 11) $$, NULL, NULL, 'another amount under its number is refused');
SELECT throws_ok($$ SELECT member.purchase_record(2, 'A2', 10) $$, 'MB302', 'purchase "A2" is recorded already', 'another member can''t have it');
SELECT is_empty('SELECT FROM member.entry WHERE member_id = 2', 'and nothing of it is left');
SELECT is((SELECT lots::text FROM member.state WHERE member_id = 2), 'empty', 'no points either');

-- ---- amounts ----

SELECT is(points || ' ' || tier, '0 normal', 'a purchase of nothing counts as an order and gives nothing') FROM member.purchase_record(3, 'Z1', 0);
SELECT is((SELECT activity::text FROM member.state WHERE member_id = 3), '1{2026-03-02:1}', 'in the activity');
SELECT is_empty($$ SELECT FROM member.outbox WHERE member_id = 3 AND template = 'points_in' $$, 'without a message');
SELECT is(points, 0::bigint, 'half a yuan gives no point: rounded down') FROM member.purchase_record(3, 'Z2', 0.99);
SELECT is(points, 999999999999, 'as much as there can be') FROM member.purchase_record(4, 'M1', 999999999999.99);

-- ---- refunds: whole, by amount, by line ----

SELECT row_eq($$ SELECT * FROM member.purchase_refund(1, 'A1', 'R1', lines => '{2}', reason => 'cold') $$,
    ROW(1, 3, 'refund', '2026-03-02 10:00+08', 'points', -40, 75, 'gold')::member.receipt, 'a line of 40 of 100: 40 of its 100 points');
SELECT row_eq($$ SELECT * FROM member.purchase_refund(1, 'A1', 'R1', lines => '{2}', reason => 'cold') $$,
    ROW(1, 3, 'refund', '2026-03-02 10:00+08', 'points', -40, 75, 'gold')::member.receipt, 'again: the same receipt');
SELECT results_eq('SELECT purchase, refund_no, entry_no, amount, lines, reason FROM member.refund WHERE member_id = 1', $$ VALUES (1, 'R1', 3, 40.00, '{2}'::smallint[], 'cold') $$, 'the refund');
SELECT results_eq('SELECT refunded FROM member.purchase_line WHERE member_id = 1 ORDER BY line_no', 'VALUES (0.00), (40.00)', 'its line');
SELECT is((SELECT refunded FROM member.purchase WHERE purchase_no = 'A1'), 40.00, 'its purchase');
SELECT results_eq($$ SELECT kind, ref, ref_part, source, reason FROM member.entry WHERE member_id = 1 AND entry_no = 3 $$, $$ VALUES ('refund', 1, 4000::bigint, 'R1', 'cold') $$, 'its entry names the purchase and how much of it');
SELECT results_eq($$ SELECT body FROM member.outbox WHERE member_id = 1 AND template = 'points_back' $$, $$ VALUES ('订单退款已完成,扣回40积分,现有积分75') $$, 'and a message');
SELECT throws_ok($$ SELECT member.purchase_refund(1, 'A1', 'R2', lines => '{2}') $$, 'MB304', NULL, 'a line is refunded once');
SELECT throws_ok($$ SELECT member.purchase_refund(1, 'A1', 'R2', 60.01) $$, 'MB304', 'refund of 60.01 exceeds what is left of purchase "A1"', 'no more than is left');
SELECT is(points, -60::bigint, 'then all that is left') FROM member.purchase_refund(1, 'A1', 'R2');
SELECT throws_ok($$ SELECT member.purchase_refund(1, 'A1', 'R3') $$, 'MB304', 'purchase "A1" is refunded already', 'nothing is left');
SELECT is((SELECT activity::text FROM member.state WHERE member_id = 1), '1{2026-03-02:1/1000}', 'a purchase refunded in whole is no order any more');
SELECT is(member.tier_of(1), 'gold', 'the level stays until its review');

-- the largest order of a day that is left
SELECT NULL FROM (VALUES (30), (20), (25)) v (amount), member.purchase_record(2, 'B' || v.amount, v.amount);
SELECT is((SELECT activity::text FROM member.state WHERE member_id = 2), '1{2026-03-02:3/7500^3000}', 'three orders of a day');
SELECT NULL FROM member.purchase_refund(2, 'B30', 'R', 8);
SELECT is((SELECT activity::text FROM member.state WHERE member_id = 2), '1{2026-03-02:3/6700^2500}', 'the largest after 8 of 30 are refunded');
SELECT NULL FROM member.purchase_refund(2, 'B25', 'R');
SELECT is((SELECT activity::text FROM member.state WHERE member_id = 2), '1{2026-03-02:2/4200^2200}', 'and after another is');

-- refunded months later: what of the award has expired is not taken again
SELECT NULL FROM member.purchase_record(5, 'C1', 40);
SET member.clock = '2026-10-05 10:00+08';
SELECT is(points || ' ' || balance, '0 0', 'a refund after the points have expired takes none') FROM member.purchase_refund(5, 'C1', 'R');
SELECT is((SELECT activity::text FROM member.state WHERE member_id = 5), 'empty', 'but the order is gone');
-- refunded when its day is no longer kept by itself
SET member.clock = '2027-06-05 10:00+08';
SELECT NULL FROM member.purchase_record(2, 'B9', 9);
SELECT matches((SELECT activity::text FROM member.state WHERE member_id = 2), '2026-03-02\.\.02:2/4200', 'sixteen months later its month is kept');
SELECT lives_ok($$ SELECT member.purchase_refund(2, 'B20', 'R') $$, 'a refund still finds it');
SELECT matches((SELECT activity::text FROM member.state WHERE member_id = 2), '2026-03-02\.\.02:1/2200', 'and corrects it');

-- ---- the property: any split of partial refunds takes back the award, growth too ----

INSERT INTO member.earn_rule (code, name, stream, wallet, give, per, rounding) VALUES ('grow', '成长', 'orders', 'growth', '{3}', 10, 'half_up');
SELECT is(member.publish('purchases give growth'), 2, 'a rule by which purchases give growth');
CREATE TEMP TABLE split (i int, m bigint, gave member.lots, took member.lots, left_over member.lots);
CREATE FUNCTION pg_temp.split(i int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    m CONSTANT bigint := member.enroll('shop', at => '2027-06-01');
    cents bigint := 100 + abs(hashint4(i)) % 40000;
    part bigint;
    n int := 0;
    gave member.lots;
BEGIN
    IF i % 3 = 0 THEN -- at a level, with a multiplier
        PERFORM member.purchase_record(m, 'before' || i, 60);
        PERFORM member.purchase_refund(m, 'before' || i, 'R');
    END IF;
    PERFORM member.purchase_record(m, 'S' || i, cents / 100.0);
    SELECT s.lots INTO gave FROM member.state s WHERE s.member_id = m;
    WHILE cents > 0 AND n < 100 LOOP
        n := n + 1;
        part := CASE WHEN n % 3 = 0 THEN 1 ELSE 1 + abs(hashint4(i * 1000 + n)) % cents END;
        PERFORM member.purchase_refund(m, 'S' || i, 'R' || n, CASE WHEN part < cents OR n % 2 = 0 THEN part / 100.0 END);
        cents := cents - part;
    END LOOP;
    INSERT INTO split SELECT i, m, gave, (SELECT member.lots_sum(e.delta) FROM member.entry e JOIN member.purchase p USING (member_id) WHERE e.member_id = m AND e.kind = 'refund' AND e.ref = p.entry_no AND p.purchase_no = 'S' || i), s.lots
        FROM member.state s WHERE s.member_id = m;
END $$;
SELECT NULL FROM generate_series(1, 60) i, pg_temp.split(i);
SELECT is_empty($$ SELECT * FROM split WHERE gave OPERATOR(member.+) took OPERATOR(member.<>) 'empty' OR left_over OPERATOR(member.<>) 'empty' $$, 'what was given is taken back, lot by lot, and nothing is left');
SELECT cmp_ok(max(n)::int, '>', 8, 'in up to so many parts') FROM (SELECT count(*) AS n FROM member.refund GROUP BY member_id) x;
SELECT is_empty('SELECT p.* FROM member.purchase p JOIN split s ON s.m = p.member_id WHERE refunded <> amount', 'and the purchases are refunded');
SELECT is_empty($$ SELECT m FROM split JOIN member.state ON member_id = m WHERE activity::text NOT IN ('empty') $$, 'nothing counts as bought');

-- spent in between, refunded in parts: the balance is what the debt policy says, in the end the same
SELECT NULL FROM member.purchase_record(8, 'D1', 100);
SELECT NULL FROM member.points_spend(8, 70);
SELECT is(points || ' ' || balance, '-33 -3', 'a third back') FROM member.purchase_refund(8, 'D1', 'R1', 33);
SELECT is(points || ' ' || balance, '-67 -70', 'the rest: debt') FROM member.purchase_refund(8, 'D1', 'R2');
SELECT is(member.points_balance(8), -70::bigint, 'what was spent is owed');

SET client_min_messages = error;
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT is_empty('SELECT s.member_id, r.part, r.stored, r.replayed FROM member.state s, member.replay(s.member_id) r WHERE NOT r.same', 'replay makes the same of the facts');
-- ---- a refund taken back ----

SET member.clock = '2026-03-20 10:00+08';
CREATE TEMP TABLE undo AS SELECT member.enroll('shop', at => '2026-03-01 10:00+08') AS m;
SELECT NULL FROM undo, member.purchase_record(m, 'U0', 20) a, member.purchase_record(m, 'U1', 100, lines => '[{"product": "a", "amount": 60}, {"product": "b", "amount": 40}]') b;
CREATE TEMP TABLE as_it_was AS SELECT 0 AS n, s.lots, s.activity, s.standing FROM member.state s, undo WHERE s.member_id = m;
SELECT NULL FROM undo, member.purchase_refund(m, 'U1', 'A', lines => '{2}');
INSERT INTO as_it_was SELECT 1, s.lots, s.activity, s.standing FROM member.state s, undo WHERE s.member_id = m;
SELECT NULL FROM undo, member.purchase_refund(m, 'U1', 'B', 33.33);
INSERT INTO as_it_was SELECT 2, s.lots, s.activity, s.standing FROM member.state s, undo WHERE s.member_id = m;
SELECT NULL FROM undo, member.purchase_refund(m, 'U1', 'C');
SELECT throws_ok(format('SELECT member.purchase_refund_undo(%s, ''U1'', ''A'')', m), 'MB206', 'refund "A" is not the last of purchase "U1"', 'from the last on') FROM undo;
SELECT throws_ok(format('SELECT member.purchase_refund_undo(%s, ''U1'', ''X'')', m), 'MB301', NULL, 'one that there is') FROM undo;
SELECT throws_ok(format('SELECT member.purchase_refund_undo(%s, ''U1'', ''C'', at => ''2026-03-19 10:00+08'')', m), 'MB402', NULL, 'not before it was made') FROM undo;
SELECT is(r.kind || r.points, 'unrefund' || (SELECT -e.points FROM member.entry e, undo WHERE e.member_id = m AND e.source = 'C'), 'what it took comes back') FROM undo, member.purchase_refund_undo(m, 'U1', 'C', reason => 'wrong order', key => 'undo') r;
SELECT is(r.entry_no, (SELECT f.undone_by FROM member.refund f, undo WHERE f.member_id = m AND refund_no = 'C'), 'once a key') FROM undo, member.purchase_refund_undo(m, 'U1', 'C', reason => 'wrong order', key => 'undo') r;
SELECT row_eq('SELECT s.lots, s.activity, s.standing FROM member.state s, undo WHERE s.member_id = m', (SELECT ROW(lots, activity, standing) FROM as_it_was WHERE n = 2), 'all is as it was');
SELECT throws_ok(format('SELECT member.purchase_refund_undo(%s, ''U1'', ''C'', key => ''again'')', m), 'MB206', 'refund "C" is taken back already', 'once') FROM undo;
SELECT NULL FROM undo, member.purchase_refund_undo(m, 'U1', 'B');
SELECT row_eq('SELECT s.lots, s.activity, s.standing FROM member.state s, undo WHERE s.member_id = m', (SELECT ROW(lots, activity, standing) FROM as_it_was WHERE n = 1), 'and one further');
SELECT NULL FROM undo, member.purchase_refund(m, 'U1', 'D', 33.33);
SELECT row_eq('SELECT s.lots, s.activity, s.standing FROM member.state s, undo WHERE s.member_id = m', (SELECT ROW(lots, activity, standing) FROM as_it_was WHERE n = 2), 'refunded anew as before');
SELECT NULL FROM undo, member.purchase_refund_undo(m, 'U1', 'D');
SELECT NULL FROM undo, member.purchase_refund_undo(m, 'U1', 'A');
SELECT row_eq('SELECT s.lots, s.activity, s.standing FROM member.state s, undo WHERE s.member_id = m', (SELECT ROW(lots, activity, standing) FROM as_it_was WHERE n = 0), 'to the beginning');
SELECT is(sum(l.refunded), 0.00, 'its lines too') FROM undo, member.purchase_line l WHERE l.member_id = m;
SELECT NULL FROM undo, member.purchase_refund(m, 'U1', 'E', lines => '{2}');
-- an award that was spent: the debt is paid off, and what later awards had paid of it is points again
SELECT NULL FROM undo, member.points_spend(m, member.points_balance(m));
SELECT NULL FROM undo, member.purchase_refund(m, 'U1', 'F');
CREATE TEMP TABLE debt AS SELECT -member.points_balance(m) AS owed FROM undo;
SELECT cmp_ok(owed, '>', 0::bigint, 'points are owed') FROM debt;
SELECT NULL FROM undo, debt, member.points_earn(m, owed - 10), member_internal.book_time(m);
SELECT NULL FROM undo, member.purchase_refund_undo(m, 'U1', 'F');
SELECT is(member.points_balance(m), (SELECT owed - 10 FROM debt), 'none are now, and what had paid them is there') FROM undo;
SELECT is(bool_and(until IS NOT NULL), true, 'with a day on which they expire') FROM undo, member.points_lots(m);
SELECT is_empty('SELECT r.* FROM undo, member.replay(m) r WHERE NOT same', 'replay makes the same of the facts');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');

SELECT * FROM finish();
