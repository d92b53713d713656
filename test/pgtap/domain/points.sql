-- Points: dated lots, balances of any day, exactly once, reversal, debt, the statement; and the same answers
-- whether the daily run ran every day, some days or never.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('tea');
SELECT NULL FROM generate_series(1, 9) n, member.enroll('shop', at => '2026-02-01 10:00+08', key => n::text);
SELECT * FROM no_plan();

-- ---- as the README writes it ----

SELECT lives_ok($$ SELECT member.points_earn(7, 100, until => '2026-06-01') $$, 'points_earn(7, 100, until => ''2026-06-01'')');
SELECT is(member.points_balance(7, 'points', '2026-05-31'), 100::bigint, 'usable on the last day before until');
SELECT is(member.points_balance(7, 'points', '2026-06-01'), 0::bigint, 'gone on the day of until');
SELECT is(member.points_balance(7, 'points', '2026-02-28'), 0::bigint, 'nothing the day before they were earned');
SELECT is(member.points_balance(7), 100::bigint, 'points_balance(7)');
SELECT is(member.points_balance(7, 'growth'), 0::bigint, 'other wallets are other points');

-- ---- receipts; exactly once ----

CREATE TEMP TABLE receipt (n int, r member.receipt);
INSERT INTO receipt VALUES (1, member.points_earn(1, 100, until => '2026-09-01', source => 'shop', reason => 'gift', actor => 'li', key => 'e1')),
    (2, member.points_earn(1, 50, until => '2026-04-01', key => 'e2')), (3, member.points_spend(1, 60, source => 'mall', key => 's1'));
SELECT row_eq('SELECT (r).* FROM receipt WHERE n = 1', ROW(1, 1, 'earn', '2026-03-01 10:00+08', 'points', 100, 100, 'normal')::member.receipt, 'the receipt of earning');
SELECT row_eq('SELECT (r).* FROM receipt WHERE n = 3', ROW(1, 3, 'spend', '2026-03-01 10:00+08', 'points', -60, 90, 'normal')::member.receipt, 'the receipt of spending: points are negative');
SET member.clock = '2026-03-05 10:00+08';
SELECT NULL FROM member.points_earn(1, 5, until => '2026-12-01');
INSERT INTO receipt VALUES (11, member.points_earn(1, 100, until => '2026-09-01', source => 'shop', reason => 'gift', actor => 'li', key => 'e1')),
    (12, member.points_earn(1, 50, until => '2026-04-01', key => 'e2')), (13, member.points_spend(1, 60, source => 'mall', key => 's1'));
SELECT results_eq('SELECT (r).* FROM receipt WHERE n > 10 ORDER BY n', 'SELECT (r).* FROM receipt WHERE n < 10 ORDER BY n', 'the same call with its key, days later: the first receipt, to the letter');
SELECT is(member.points_balance(1), 95::bigint, 'and nothing happened twice');
SELECT is((SELECT entries FROM member.state WHERE member_id = 1), 4, 'no entry was made');
SELECT throws_ok($$ SELECT member.points_earn(1, 101, until => '2026-09-01', source => 'shop', reason => 'gift', actor => 'li', key => 'e1') $$, 'MB404', 'key "e1" was used before with other arguments', 'one argument differs: refused');
SELECT throws_ok($$ SELECT member.points_spend(1, 50, key => 'e2') $$, 'MB404', NULL, 'another verb: refused');
SELECT lives_ok($$ SELECT member.points_earn(2, 1, key => 'e1') $$, 'keys are each member''s own');
SELECT is(r.points, 100::bigint, 'at in another time zone''s writing is the same moment')
FROM member.points_earn(3, 100, at => '2026-03-04 10:00+08', key => 'z') q, member.points_earn(3, 100, at => '2026-03-04 02:00+00', key => 'z') r;
SELECT is(member.points_balance(3), 100::bigint, 'and one award');

-- ---- first-expiring first; pending ----

SELECT is((SELECT lots::text FROM member.state WHERE member_id = 1), '1:90/2026-09-01,1:5/2026-12-01', 'what expires first was spent first: 50 of April, 10 of September');
SELECT NULL FROM member.points_earn(4, 30, usable_from => '2026-03-08', until => '2026-05-01');
SELECT is(member.points_balance(4), 0::bigint, 'pending points can''t be used');
SELECT throws_ok('SELECT member.points_spend(4, 1)', 'MB203', NULL, 'nor spent');
SELECT is(member.points_balance(4, as_of => '2026-03-07'), 0::bigint, 'the day before');
SELECT is(member.points_balance(4, as_of => '2026-03-08'), 30::bigint, 'on the day');
SET member.clock = '2026-03-08 00:00+08';
SELECT is(balance, 20::bigint, 'spent from midnight on') FROM member.points_spend(4, 10);
SELECT throws_ok('SELECT member.points_spend(4, 21)', 'MB203', 'not enough points: 21 asked, 20 usable', 'to the last point, not one more');
SELECT is(balance, 0::bigint, 'to the last point') FROM member.points_spend(4, 20);
SELECT throws_ok($$ SELECT member.points_spend(7, 1, 'growth') $$, 'MB202', NULL, 'growth is not spendable');

-- ---- a balance is a function of the day asked, and of what was known ----

SET member.clock = '2026-03-10 10:00+08';
SELECT NULL FROM member.points_earn(5, 40, until => '2026-04-01', at => '2026-03-09 12:00+08');
SET member.clock = '2026-03-12 10:00+08';
SELECT NULL FROM member.points_earn(5, 7, until => '2026-04-01', at => '2026-03-08 12:00+08'); -- booked on the 12th, of the 8th
SELECT NULL FROM member.points_spend(5, 2);
SELECT is(ARRAY[member.points_balance(5, as_of => '2026-03-07'), member.points_balance(5, as_of => '2026-03-08'), member.points_balance(5, as_of => '2026-03-09'), member.points_balance(5, as_of => '2026-03-11'),
    member.points_balance(5, as_of => '2026-03-12'), member.points_balance(5), member.points_balance(5, as_of => '2026-03-31'), member.points_balance(5, as_of => '2026-04-01')],
    ARRAY[0, 7, 47, 47, 45, 45, 45, 0]::bigint[], 'as_of: by when it happened');
SELECT is(ARRAY[member.points_balance(5, as_of => '2026-03-08', known_at => '2026-03-11 00:00+08'), member.points_balance(5, as_of => '2026-03-09', known_at => '2026-03-09 23:00+08'),
    member.points_balance(5, as_of => '2026-03-09', known_at => '2026-03-10 10:00+08'), member.points_balance(5, as_of => '2026-03-09', known_at => '2026-03-12 10:00+08'),
    member.points_balance(5, as_of => '2026-03-31', known_at => '2026-03-11 00:00+08'), member.points_balance(5, as_of => '2026-04-01', known_at => '2026-03-11 00:00+08')],
    ARRAY[0, 0, 40, 47, 40, 0]::bigint[], 'known_at: of what had been booked by then');

-- expiry is right with no job at all, booked or not
SET member.clock = '2026-04-02 10:00+08';
SELECT is(member.points_balance(5), 0::bigint, 'expired, though nothing has booked it');
SELECT is_empty($$ SELECT FROM member.entry WHERE member_id = 5 AND kind = 'expire' $$, 'nothing has');
SELECT throws_ok('SELECT member.points_spend(5, 1)', 'MB203', 'not enough points: 1 asked, 0 usable', 'expired points can''t be spent');
SELECT NULL FROM member.points_earn(5, 1);
SELECT results_eq($$ SELECT kind, points, balance, delta::text FROM member.entry WHERE member_id = 5 ORDER BY entry_no $$,
    $$ VALUES ('earn', 40::bigint, 40::bigint, '1:40/2026-04-01'), ('earn', 7, 47, '1:7/2026-04-01'), ('spend', -2, 45, '1:-2/2026-04-01'), ('expire', -45, 0, '1:-45/2026-04-01'), ('earn', 1, 1, '1:1/2026-11-01') $$,
    'the next write books it, before its own entry');
SELECT is(member.points_balance(5, as_of => '2026-03-31'), 45::bigint, 'and the past stays what it was');

-- ---- reversal ----

SET member.clock = '2026-04-10 10:00+08';
SELECT NULL FROM member.points_earn(6, 10, until => '2026-05-01');
SELECT NULL FROM member.points_earn(6, 20, until => '2026-06-01');
SELECT NULL FROM member.points_spend(6, 25, key => 'sp');
SELECT row_eq('SELECT * FROM member.points_reverse(6, 3, 10, key => ''rv'')', ROW(6, 4, 'reverse', '2026-04-10 10:00+08', 'points', 10, 15, 'normal')::member.receipt, 'ten of a spend of 25 given back');
SELECT row_eq('SELECT * FROM member.points_reverse(6, 3)', ROW(6, 5, 'reverse', '2026-04-10 10:00+08', 'points', 15, 30, 'normal')::member.receipt, 'then all that is left');
SELECT is((SELECT lots::text FROM member.state WHERE member_id = 6), '1:10/2026-05-01,1:20/2026-06-01', 'to the very lots they came from');
SELECT throws_ok('SELECT member.points_reverse(6, 3)', 'MB206', 'entry 3 is reversed already', 'not twice');
SELECT row_eq('SELECT * FROM member.points_reverse(6, 3, 10, key => ''rv'')', ROW(6, 4, 'reverse', '2026-04-10 10:00+08', 'points', 10, 15, 'normal')::member.receipt, 'a repeated reversal gets its first receipt');
-- an award that is spent: debt, which the next award pays
SELECT NULL FROM member.points_spend(6, 30);
SELECT is(points || ' ' || balance, '-20 -20', 'an award taken back after it was spent: debt') FROM member.points_reverse(6, 2);
SELECT is(member.points_balance(6), -20::bigint, 'the balance is negative');
SELECT throws_ok('SELECT member.points_spend(6, 1)', 'MB203', 'not enough points: 1 asked, -20 usable', 'nothing can be spent');
SELECT is(balance, -5::bigint, 'what comes pays it') FROM member.points_earn(6, 15, until => '2026-07-01');
SELECT is(balance, 10::bigint, 'and the rest is left') FROM member.points_earn(6, 15, until => '2026-08-01');
SELECT is(balance, 0::bigint, 'to spend') FROM member.points_spend(6, 10);
SELECT results_eq('SELECT until, points FROM member.points_expiring(within => 1000, only_member => 6)', 'SELECT ''2026-01-01''::date, 1::bigint WHERE false', 'nothing is left to expire');

-- the other policies
SELECT lives_ok($$ UPDATE member.wallet SET debt_policy = 'within_balance' WHERE code = 'points'; SELECT member.publish('within balance') $$, 'policy within_balance');
SELECT NULL FROM member.points_earn(8, 10);
SELECT NULL FROM member.points_earn(8, 5, until => '2026-05-01');
SELECT NULL FROM member.points_spend(8, 11);
SELECT is(points || ' ' || balance, '-4 0', 'takes what there is, own lots and others, no more') FROM member.points_reverse(8, 1);
SELECT lives_ok($$ UPDATE member.wallet SET debt_policy = 'only_pending' WHERE code = 'points'; SELECT member.publish('only pending') $$, 'policy only_pending');
SELECT NULL FROM member.points_earn(8, 10, usable_from => '2026-04-20');
SELECT NULL FROM member.points_earn(8, 7);
SELECT is(array_agg(r.points ORDER BY r.entry_no), ARRAY[0, -10]::bigint[],
    'takes pending points, and not what could have been spent')
FROM (SELECT entry_no FROM member.entry WHERE member_id = 8 AND kind = 'earn' ORDER BY entry_no DESC LIMIT 2) e, member.points_reverse(8, e.entry_no) r;
SELECT is(member.points_balance(8), 7::bigint, 'which stays');
UPDATE member.wallet SET debt_policy = 'debt' WHERE code = 'points';
SELECT NULL FROM member.publish('debt');

-- an expired spend is given back to lots that are gone: no points come alive
SELECT NULL FROM member.points_earn(9, 10, until => '2026-04-20');
SELECT NULL FROM member.points_spend(9, 10);
SET member.clock = '2026-04-25 10:00+08';
SELECT is(balance, 0::bigint, 'what had expired by now stays expired') FROM member.points_reverse(9, 2);
SELECT is(member.points_balance(9), 0::bigint, 'whoever asks');

-- ---- the statement ----

SELECT results_eq($$ SELECT entry_no, kind, points, booked_balance, source, reason, ref FROM member.points_statement(1) $$,
    $$ VALUES (1, 'earn', 100::bigint, 100::bigint, 'shop', 'gift', NULL::int), (2, 'earn', 50, 150, NULL, NULL, NULL), (3, 'spend', -60, 90, 'mall', NULL, NULL), (4, 'earn', 5, 95, NULL, NULL, NULL) $$, 'every movement in its order');
SELECT results_eq($$ SELECT entry_no FROM member.points_statement(1, since => '2026-03-05') $$, 'VALUES (4)', 'since a day, inclusive');
SELECT results_eq($$ SELECT entry_no FROM member.points_statement(1, until => '2026-03-05') $$, 'VALUES (1), (2), (3)', 'until a day, exclusive');
SELECT is_empty($$ SELECT FROM member.points_statement(1, '2026-03-02', '2026-03-05') $$, 'both');
SELECT is_empty($$ SELECT FROM member.points_statement(1, wallet => 'growth') $$, 'of a wallet');
SELECT results_eq('SELECT kind, points, ref FROM member.points_statement(6) WHERE kind = ''reverse''', $$ VALUES ('reverse', 10::bigint, 3), ('reverse', 15, 3), ('reverse', -20, 2) $$, 'reversals name the entry');

-- ---- points_expiring ----

SELECT results_eq($$ SELECT until, points FROM member.points_expiring('2026-08-02', 30, only_member => 1) $$, $$ VALUES ('2026-09-01'::date, 90::bigint) $$, 'within 30 days: until included');
SELECT is_empty($$ SELECT FROM member.points_expiring('2026-08-01', 30, only_member => 1) $$, 'not a day earlier');
SELECT results_eq($$ SELECT until, points FROM member.points_expiring('2026-08-02', 121, only_member => 1) $$, $$ VALUES ('2026-09-01'::date, 90::bigint), ('2026-12-01', 5) $$, 'by the day they are gone');
SELECT is_empty($$ SELECT FROM member.points_expiring('2026-09-01', 30, only_member => 1) $$, 'what is gone does not expire');
SELECT results_eq($$ SELECT member_id, until, points FROM member.points_expiring('2026-05-31', 1) $$, $$ VALUES (7::bigint, '2026-06-01'::date, 100::bigint) $$, 'of all members');

-- ---- the ledger ----

SELECT throws_ok(format('%s', x), 'MB207', NULL, 'the ledger can''t be changed, not by a superuser: ' || x)
FROM unnest(ARRAY['UPDATE member.entry SET points = 1', 'DELETE FROM member.entry', 'TRUNCATE member.entry']) x;
SELECT is_empty($$ SELECT member_id FROM (SELECT member_id, entry_no, row_number() OVER (PARTITION BY member_id ORDER BY entry_no) AS n FROM member.entry) x WHERE n <> entry_no $$, 'entries are numbered without gaps');
SELECT is_empty($$ SELECT s.member_id FROM member.state s LEFT JOIN (SELECT member_id, member.lots_sum(delta) AS book FROM member.entry GROUP BY 1) e USING (member_id)
    WHERE s.lots OPERATOR(member.<>) coalesce(e.book, 'empty') $$, 'the state is the sum of the entries');
SELECT is_empty('SELECT s.member_id, r.part FROM member.state s, member.replay(s.member_id) r WHERE NOT r.same', 'replay makes the same of the facts');

-- what verify() finds: each kind of damage, done behind the engine's back
ALTER TABLE member.entry DISABLE TRIGGER entry_append_only;
SET client_min_messages = error;
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
SELECT is(pg_temp.damage('SELECT 1'), 'nothing', 'sound books: nothing');
SELECT matches(pg_temp.damage('UPDATE member.entry SET points = points + 1 WHERE member_id = 1 AND entry_no = 2'), 'hash chain is broken', 'a changed figure');
SELECT matches(pg_temp.damage('UPDATE member.entry SET at = at + interval ''1 second'' WHERE member_id = 1 AND entry_no = 2'), 'hash chain is broken', 'a changed moment');
SELECT matches(pg_temp.damage('UPDATE member.entry SET kind = ''gift'' WHERE member_id = 1 AND entry_no = 4'), 'hash chain is broken', 'a changed kind, of the last entry');
SELECT matches(pg_temp.damage('UPDATE member.entry SET key = ''x'' WHERE member_id = 1 AND entry_no = 2'), 'hash chain is broken', 'a changed key');
SELECT matches(pg_temp.damage('DELETE FROM member.entry WHERE member_id = 1 AND entry_no = 2'), 'entries are not numbered without gaps.*hash chain is broken.*state is not the sum', 'a missing entry');
SELECT matches(pg_temp.damage('DELETE FROM member.entry WHERE member_id = 1 AND entry_no = 4'), 'last entry is not the one the state names', 'a missing last entry');
SELECT matches(pg_temp.damage('UPDATE member.state SET lots = lots OPERATOR(member.+) ''1:1'' WHERE member_id = 1'), 'state is not the sum of the entries', 'a changed state');
SELECT matches(pg_temp.damage('UPDATE member.state SET hash = ''\x00'' WHERE member_id = 1'), 'hash of the state is not that of the last entry', 'a changed hash');
SELECT matches(pg_temp.damage('UPDATE member.state SET lots = ''1:-5/2027-01-01'' WHERE member_id = 1'), 'a lot is negative that is not debt', 'a negative lot');
ALTER TABLE member.entry ENABLE TRIGGER entry_append_only;

-- ---- the property: jobs every day, some days, never ----

-- Three members live the same random life; the daily run visits the first every day, the second now and then, the third
-- never. Late events, refunds, reversals, debt, holds, transfers and points kept alive included.
UPDATE member.wallet SET transferable = true, transfer_fee = 10, transfer_cooling_days = 2 WHERE code = 'points';
INSERT INTO member.wallet (wallet_id, code, name, expiry, expiry_n, transferable) VALUES (9, 'alive', '活跃币', 'inactivity', 1, true);
INSERT INTO member.earn_rule (code, name, stream, wallet, give, per) SELECT 'buy_alive', '消费送', stream, 'alive', '{1}', 2 FROM member.earn_rule WHERE code = 'buy';
SELECT NULL FROM member.publish('transfers');
CREATE TEMP TABLE triple (t int, which int, m bigint PRIMARY KEY, jobs text);
INSERT INTO triple SELECT t, w, member.enroll('shop', at => '2026-02-01 10:00+08'), (ARRAY['every day', 'some days', 'never'])[w] FROM (SELECT w, t FROM generate_series(1, 3) w, generate_series(1, 8) t ORDER BY w, t) x;
CREATE TEMP TABLE answer (day date, what text, t int, jobs text, value text);

CREATE PROCEDURE pg_temp.job(day date, which int) LANGUAGE sql AS $$
    SELECT member_internal.daily_members(day, ARRAY(SELECT m FROM triple WHERE triple.which = job.which ORDER BY m))
$$;

CREATE PROCEDURE pg_temp.live(days int) LANGUAGE plpgsql AS $$
DECLARE
    today date;
    x record;
    dice int;
    back timestamptz;
    e int;
BEGIN
    FOR d IN 1..days LOOP
        today := '2026-05-01'::date + d;
        PERFORM set_config('member.clock', format('%s 00:10+08', today), false);
        CALL pg_temp.job(today, 1);
        IF abs(hashint4(d)) % 5 = 0 THEN
            CALL pg_temp.job(today, 2);
        END IF;
        PERFORM set_config('member.clock', format('%s 12:00+08', today), false);
        FOR x IN SELECT * FROM triple ORDER BY t, which LOOP
            dice := abs(hashint8(x.t * 100000 + d)) % 100;
            CONTINUE WHEN dice >= 94 OR x.t = 8 AND today BETWEEN '2026-06-01' AND '2026-07-10';
            back := CASE WHEN dice % 7 = 0 THEN (today - dice % 6) + time '11:00' END;
            BEGIN
                IF dice < 20 THEN
                    PERFORM member.purchase_record(x.m, format('%s/%s', x.m, d), 5 + dice, at => back);
                ELSIF dice < 28 THEN
                    PERFORM member.purchase_refund(x.m, p.purchase_no, 'R' || d, least(p.amount - p.refunded, dice)) FROM member.purchase p
                    WHERE p.member_id = x.m AND p.refunded < p.amount ORDER BY hashtext(split_part(p.purchase_no, '/', 2) || '/' || d), p.purchase_no LIMIT 1;
                ELSIF dice < 38 THEN
                    PERFORM member.event_record(x.m, (ARRAY['signin', 'browse', 'look'])[1 + dice % 3], at => back);
                ELSIF dice < 46 THEN
                    PERFORM member.points_earn(x.m, dice, usable_from => CASE WHEN dice % 2 = 0 THEN today + 3 END, until => today + 5 + dice % 8, at => back);
                ELSIF dice < 54 THEN
                    PERFORM member.points_spend(x.m, dice / 2, at => coalesce(back, CASE WHEN d % 2 = 0 THEN (today - 1 - dice % 4) + time '11:00' END));
                ELSIF dice BETWEEN 57 AND 59 THEN
                    PERFORM member.purchase_refund_undo(x.m, p.purchase_no, f.refund_no, at => back)
                    FROM member.refund f JOIN member.purchase p ON p.member_id = f.member_id AND p.entry_no = f.purchase
                    WHERE f.member_id = x.m AND f.undone_by IS NULL AND NOT EXISTS (SELECT FROM member.part_payment y WHERE y.member_id = x.m AND y.entry_no = f.purchase)
                    ORDER BY f.at DESC, f.entry_no DESC LIMIT 1;
                ELSIF dice BETWEEN 60 AND 67 THEN
                    PERFORM member.points_hold(x.m, 1 + dice % 25, lapses_at => CASE WHEN dice % 3 > 0 THEN (today + dice % 5) + time '13:30' END, at => back);
                ELSIF dice BETWEEN 68 AND 74 THEN
                    PERFORM CASE WHEN dice < 72 THEN member.points_capture(x.m, h.hold_id, 1 + h.points * (dice % 3) / 3) ELSE member.points_void(x.m, h.hold_id) END
                    FROM member.points_holds(x.m) h ORDER BY h.held_at, h.hold_id OFFSET dice % 2 LIMIT 1;
                ELSIF dice BETWEEN 75 AND 77 THEN
                    PERFORM member.points_earn(x.m, dice, usable_from => 'infinity');
                ELSIF dice BETWEEN 82 AND 85 THEN
                    PERFORM member.points_transfer(x.m, y.m, 1 + dice % 30, CASE WHEN d % 3 = 0 THEN 'alive' ELSE 'points' END, at => back)
                    FROM triple y WHERE y.jobs = x.jobs AND y.t = 1 + (x.t + dice) % 8;
                ELSIF dice = 86 THEN
                    PERFORM member.points_transfer_undo(x.m, f.entry_no) FROM member.transfer f
                    WHERE f.member_id = x.m AND f.undone_by IS NULL AND f.usable_from > today ORDER BY f.entry_no LIMIT 1;
                ELSIF dice BETWEEN 87 AND 89 THEN
                    PERFORM member.points_adjust(x.m, CASE WHEN d % 2 = 0 THEN 20 ELSE -9 END, 'by hand', 'li', CASE WHEN d % 3 = 0 THEN 'alive' ELSE 'points' END, at => back);
                ELSIF dice > 89 THEN
                    PERFORM member.points_pay(x.m, format('%s/%s', x.m, d), 3 + dice % 9, 4 + dice % 5, CASE WHEN d % 3 = 0 THEN 'alive' ELSE 'points' END, at => back);
                ELSIF dice > 77 THEN
                    PERFORM member.points_release(x.m, e.entry_no) FROM member.entry e
                    WHERE e.member_id = x.m AND e.kind = 'earn' AND member_internal.waiting_lots(x.m, e.entry_no) OPERATOR(member.<>) 'empty' ORDER BY e.booked_at LIMIT 1;
                ELSE
                    -- the n-th operation, not the entry of that number: expiry may have been booked in between
                    PERFORM member.points_reverse(x.m, e.entry_no, at => back) FROM member.entry e
                    WHERE e.member_id = x.m AND e.kind IN ('earn', 'spend', 'capture', 'adjust') AND e.key IS DISTINCT FROM 'pay:' || e.source AND NOT EXISTS (SELECT FROM member.entry r WHERE r.member_id = e.member_id AND r.ref = e.entry_no AND r.kind = 'reverse')
                    ORDER BY e.booked_at DESC, e.entry_no DESC OFFSET dice % 3 LIMIT 1;
                END IF;
                INSERT INTO answer VALUES (today, 'accepted', x.t, x.jobs, dice);
            EXCEPTION WHEN SQLSTATE 'MB203' OR SQLSTATE 'MB206' OR SQLSTATE 'MB403' OR SQLSTATE 'MB402' OR SQLSTATE 'MB212' THEN
                INSERT INTO answer VALUES (today, 'refused', x.t, x.jobs, SQLERRM);
            END;
        END LOOP;
        IF d % 10 = 0 THEN
            INSERT INTO answer
                SELECT today, a.what, y.t, y.jobs, a.value FROM triple y
                CROSS JOIN LATERAL (
                    SELECT 'balance of ' || day, member.points_balance(y.m, as_of => day::date)::text FROM generate_series(today - 30, today + 60, interval '15 days') day
                    UNION ALL SELECT 'growth', member.points_balance(y.m, 'growth')::text
                    UNION ALL SELECT 'alive on ' || day, member.points_balance(y.m, 'alive', day::date)::text FROM generate_series(today - 30, today + 60, interval '15 days') day
                    UNION ALL SELECT 'tier of ' || day, member.tier_of(y.m, day::date) FROM generate_series(today - 30, today + 60, interval '15 days') day
                    UNION ALL SELECT 'progress', string_agg(p::text, '|' ORDER BY p::text) FROM member.tier_progress(y.m) p
                    UNION ALL SELECT 'expiring', string_agg(format('%s %s', until, points), '|' ORDER BY until) FROM member.points_expiring(within => 60, only_member => y.m)
                    UNION ALL SELECT 'activity', activity::text FROM member.state WHERE member_id = y.m AND y.t <> 8 -- folded only where somebody comes by
                    UNION ALL SELECT 'levels', string_agg(format('%s %s→%s %s', kind, from_level, to_level, day), '|' ORDER BY change_no) FROM member.tier_change WHERE member_id = y.m AND kind = 'rise'
                    UNION ALL SELECT 'replay ' || part, CASE WHEN same THEN 'same' ELSE format('%s %s', stored, replayed) END FROM member.replay(y.m)) a (what, value);
        END IF;
    END LOOP;
END $$;
CALL pg_temp.live(100);
SELECT cmp_ok(count(*)::int, '>=', 1200, 'enough happened') FROM answer WHERE what IN ('accepted', 'refused');
SELECT cmp_ok(count(*)::int, '>=', 20, 'some of it refused') FROM answer WHERE what = 'refused';
SELECT cmp_ok(count(*)::int, '>=', 20, 'points expired by the job') FROM member.entry JOIN triple ON m = member_id WHERE kind = 'expire' AND jobs = 'every day';
SELECT cmp_ok(count(*)::int, '>=', 20, 'levels rose and fell') FROM member.tier_change JOIN triple ON m = member_id WHERE kind IN ('rise', 'fall');
SELECT cmp_ok(count(*)::int, '>=', 5, format('enough of kind %s', kind)) FROM member.entry JOIN triple ON m = member_id
WHERE kind IN ('hold', 'capture', 'void', 'lapse', 'release', 'give', 'receive', 'adjust', 'keep', 'reopen', 'unrefund') GROUP BY kind ORDER BY kind;
SELECT is_empty($$ SELECT a.day, a.t, a.what, a.value AS every_day, s.value AS some_days, n.value AS never
    FROM (SELECT * FROM answer WHERE jobs = 'every day') a
    FULL JOIN (SELECT * FROM answer WHERE jobs = 'some days') s USING (day, what, t) FULL JOIN (SELECT * FROM answer WHERE jobs = 'never') n USING (day, what, t)
    WHERE (a.value, s.value) IS DISTINCT FROM (s.value, n.value) ORDER BY a.day, a.t, a.what LIMIT 5 $$, 'every answer is the same whether the daily run came every day, some days or never');
SELECT is_empty('SELECT s.member_id, r.part, r.stored, r.replayed FROM member.state s, member.replay(s.member_id) r WHERE NOT r.same ORDER BY 1 LIMIT 5', 'and replay makes the same of the facts of each');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT * FROM finish();
