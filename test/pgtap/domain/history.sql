-- The past: balances, lots, statement and explanation of any day, as known at any moment, against a recount by hand of
-- a random history with late entries.
\set ON_ERROR_STOP 1
SET client_min_messages = error;
SET timezone = 'America/New_York'; -- days are the program's, not the session's
SET datestyle = iso;
SET member.clock = '2026-01-01 10:00+08';
SELECT NULL FROM member.setup('tea');
UPDATE member.wallet SET pending_days = 3 WHERE code = 'points';
SELECT NULL FROM member.publish('a return window');
SELECT * FROM no_plan();

-- ---- 12 members, 120 days, entries dated up to 20 days back ----

SELECT NULL FROM generate_series(1, 12) n, member.enroll('shop', key => n::text);
CREATE PROCEDURE pg_temp.live(days integer) LANGUAGE plpgsql AS $$
DECLARE
    dice integer;
    back timestamptz;
    clock timestamptz;
BEGIN
    FOR d IN 1..days LOOP
        FOR m IN 1..12 LOOP
            dice := abs(hashint8(m * 1000 + d)) % 100;
            CONTINUE WHEN dice >= 55;
            clock := '2026-01-05 00:00+08'::timestamptz + d * interval '1 day' + m * interval '97 minutes';
            PERFORM set_config('member.clock', clock::text, false);
            back := CASE WHEN dice % 3 = 0 THEN clock - (dice * 11 % 20) * interval '1 day' - dice * interval '13 minutes' END;
            BEGIN
                IF dice < 15 THEN
                    PERFORM member.purchase_record(m, format('%s/%s', m, d), 3 + dice, at => back);
                ELSIF dice < 22 THEN
                    PERFORM member.purchase_refund(m, p.purchase_no, 'R' || d, least(p.amount - p.refunded, dice), at => greatest(back, p.at)) FROM member.purchase p
                    WHERE p.member_id = m AND p.refunded < p.amount ORDER BY hashint4(p.entry_no + d), p.purchase_no LIMIT 1;
                ELSIF dice < 30 THEN
                    PERFORM member.event_record(m, 'signin', at => back);
                ELSIF dice < 40 THEN
                    PERFORM member.points_earn(m, dice, usable_from => CASE WHEN dice % 2 = 0 THEN (clock + interval '4 days')::date END,
                        until => (clock + interval '1 day' * (7 + dice % 40))::date, at => back);
                ELSIF dice < 50 THEN
                    PERFORM member.points_spend(m, dice, at => back);
                ELSE
                    PERFORM member.points_reverse(m, e.entry_no, at => back) FROM member.entry e
                    WHERE e.member_id = m AND e.kind IN ('earn', 'spend') AND NOT EXISTS (SELECT FROM member.entry r WHERE r.member_id = m AND r.ref = e.entry_no)
                    ORDER BY e.entry_no DESC LIMIT 1;
                END IF;
            EXCEPTION WHEN SQLSTATE 'MB203' OR SQLSTATE 'MB206' OR SQLSTATE 'MB403' THEN
            END;
        END LOOP;
        IF d % 7 = 0 THEN
            PERFORM member_internal.daily_members(member.day_of(member.now()), ARRAY(SELECT member_id FROM member.state ORDER BY 1));
        END IF;
    END LOOP;
END $$;
CALL pg_temp.live(120);
SELECT cmp_ok(count(*)::integer, '>=', 500, 'enough happened') FROM member.entry;
SELECT cmp_ok(count(*)::integer, '>=', 80, 'much of it dated back') FROM member.entry WHERE at < booked_at - interval '1 day';
SELECT isnt_empty($$ SELECT FROM member.entry WHERE kind = 'expire' $$, 'points expired');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');

-- ---- the recount: rows, not lots values ----

CREATE TEMP TABLE moved AS
SELECT e.member_id, e.entry_no, e.at, e.booked_at, e.kind, u.points, coalesce(u.usable_from, '-infinity') AS usable_from, coalesce(u.until, 'infinity') AS until
FROM member.entry e, member.unnest(e.delta) u WHERE u.wallet = 1;
CREATE FUNCTION pg_temp.recount(m bigint, day date, known timestamptz, OUT balance bigint, OUT lots text, OUT is_book boolean) LANGUAGE plpgsql AS $$
DECLARE
    l record;
    debt bigint;
BEGIN
    CREATE TEMP TABLE hand ON COMMIT DROP AS
        SELECT x.usable_from, x.until, sum(x.points)::bigint AS points FROM moved x
        WHERE x.member_id = m AND (x.at AT TIME ZONE 'Asia/Shanghai')::date <= day AND (known IS NULL OR x.booked_at <= known)
        GROUP BY 1, 2 HAVING sum(x.points) <> 0;
    SELECT coalesce(sum(h.points), 0) INTO debt FROM hand h WHERE h.usable_from = '-infinity' AND h.until = 'infinity' AND h.points < 0;
    is_book := NOT EXISTS (SELECT FROM hand h WHERE h.points < 0 AND NOT (h.usable_from = '-infinity' AND h.until = 'infinity'));
    IF debt < 0 AND is_book THEN
        FOR l IN SELECT * FROM hand h WHERE h.points > 0 AND h.usable_from <= day ORDER BY h.usable_from, h.until LOOP
            UPDATE hand h SET points = h.points - least(l.points, -debt) WHERE h.usable_from = l.usable_from AND h.until = l.until;
            debt := debt + least(l.points, -debt);
        END LOOP;
        UPDATE hand h SET points = debt WHERE h.usable_from = '-infinity' AND h.until = 'infinity';
    END IF;
    SELECT coalesce(sum(h.points), 0) INTO balance FROM hand h WHERE h.usable_from <= day AND h.until > day;
    SELECT string_agg(format('%s:%s-%s', h.points, h.usable_from, h.until), ' ' ORDER BY h.until, h.usable_from) INTO lots FROM hand h WHERE h.until > day AND h.points <> 0;
    DROP TABLE hand;
END $$;

CREATE TEMP TABLE question AS
SELECT DISTINCT m, '2025-12-28'::date + abs(hashint8(m * 7919 + n)) % 160 AS day,
       CASE WHEN n % 3 > 0 THEN '2026-01-01 00:00+08'::timestamptz + abs(hashint8(m * 104729 + n)) % 150 * interval '1 day' + n * interval '53 minutes' END AS known
FROM generate_series(1, 12) m, generate_series(1, 60) n;
CREATE TEMP TABLE answer AS
SELECT q.*, r.*, member.points_balance(q.m, as_of => q.day, known_at => q.known) AS asked,
       (SELECT string_agg(format('%s:%s-%s', l.points, coalesce(l.usable_from, '-infinity'), coalesce(l.until, 'infinity')), ' ' ORDER BY l.until, l.usable_from NULLS FIRST)
        FROM member.points_lots(q.m, q.day, q.known) l WHERE l.wallet = 'points') AS asked_lots,
       (SELECT coalesce(sum(l.points), 0)::bigint FROM member.points_lots(q.m, q.day, q.known) l WHERE l.wallet = 'points' AND l.usable) AS usable
FROM question q CROSS JOIN LATERAL pg_temp.recount(q.m, q.day, q.known) r;
SELECT cmp_ok(count(*) FILTER (WHERE balance > 0)::integer, '>=', 200, 'of many days there is something to answer') FROM answer;
SELECT isnt_empty('SELECT FROM answer WHERE balance < 0', 'of some, debt');
SELECT isnt_empty('SELECT FROM answer WHERE NOT is_book', 'of some, lots that a late entry took from before they came');
SELECT is_empty('SELECT m, day, known, balance, asked FROM answer WHERE balance <> asked LIMIT 5', 'points_balance() of any day, as known at any moment');
SELECT is_empty('SELECT m, day, known, lots, asked_lots FROM answer WHERE lots IS DISTINCT FROM asked_lots LIMIT 5', 'points_lots()');
SELECT is_empty('SELECT m, day, known, balance, usable FROM answer WHERE balance <> usable LIMIT 5', 'the usable ones are the balance');
SELECT is_empty($$ SELECT q.m, q.day, q.known FROM question q WHERE
    (SELECT coalesce(string_agg(format('%s %s', s.entry_no, s.points), ' ' ORDER BY s.entry_no), '') FROM member.points_statement(q.m, '2026-01-20', q.day, known_at => q.known) s) <>
    (SELECT coalesce(string_agg(format('%s %s', x.entry_no, x.points), ' ' ORDER BY x.entry_no), '')
     FROM (SELECT v.entry_no, sum(v.points) AS points FROM moved v WHERE v.member_id = q.m AND v.at >= '2026-01-20 00:00+08' AND v.at < q.day::timestamp AT TIME ZONE 'Asia/Shanghai'
             AND (q.known IS NULL OR v.booked_at <= q.known) GROUP BY 1 HAVING sum(v.points) <> 0) x) LIMIT 5 $$, 'points_statement()');
SELECT is_empty($$ SELECT q.m, q.known FROM question q WHERE
    (SELECT s.booked_balance FROM member.points_statement(q.m, known_at => q.known) s ORDER BY s.entry_no DESC LIMIT 1) <>
    (SELECT sum(v.points) FROM moved v WHERE v.member_id = q.m AND (q.known IS NULL OR v.booked_at <= q.known)) LIMIT 5 $$, 'its last balance is the sum');
-- what was answered then: known at the moment of a spend, the balance is what its receipt said
SELECT is_empty($$ SELECT e.member_id, e.entry_no FROM member.entry e WHERE e.at = e.booked_at AND e.kind IN ('spend', 'earn') AND e.wallet = 1
    AND e.balance <> member.points_balance(e.member_id, as_of => member.day_of(e.at), known_at => e.booked_at)
    AND NOT EXISTS (SELECT FROM member.entry x WHERE x.member_id = e.member_id AND x.booked_at = e.booked_at AND x.entry_no > e.entry_no) LIMIT 5 $$, 'as known then it is what was answered then');

-- ---- the explanation ----

CREATE TEMP TABLE tree AS
SELECT q.*, x.* FROM (SELECT m, day, known, balance, lots FROM answer WHERE m <= 6) q CROSS JOIN LATERAL member.points_explain(q.m, 'points', q.day, q.known) x;
SELECT is_empty('SELECT m, day, known, balance, points FROM tree WHERE level = 1 AND points <> balance LIMIT 5', 'its root is the balance');
SELECT is_empty($$ SELECT t.m, t.day, t.known, t.node FROM tree t WHERE (t.level < 3 OR t.level = 3 AND t.entry_no IS NOT NULL)
    AND t.points <> (SELECT coalesce(sum(c.points), 0) FROM tree c WHERE (c.m, c.day) = (t.m, t.day) AND c.known IS NOT DISTINCT FROM t.known AND c.parent = t.node
                     AND NOT (c.level = 2 AND c.item ~ '^ *pending')) LIMIT 5 $$, 'each node is the sum of its parts');
SELECT is_empty($$ SELECT FROM tree t WHERE t.level = 3 AND t.entry_no IS NOT NULL AND NOT EXISTS (SELECT FROM tree c WHERE (c.m, c.day) = (t.m, t.day) AND c.known IS NOT DISTINCT FROM t.known
    AND c.parent = t.node AND c.level = 4 AND c.detail ? 'program_version') $$, 'each entry has its source and program');
SELECT is_empty('SELECT FROM tree t WHERE (t.level = 1) <> (t.parent IS NULL) OR t.parent >= t.node', 'children come after their parents');
SELECT is_empty($$ SELECT q.m, q.day FROM (SELECT * FROM answer WHERE m <= 6) q,
    LATERAL (WITH RECURSIVE n AS (SELECT member.points_explain_json(q.m, 'points', q.day, q.known) AS j, 1 AS level
                 UNION ALL SELECT p, n.level + 1 FROM n, jsonb_array_elements(n.j -> 'parts') p)
             SELECT string_agg(format('%s %s %s', level, j ->> 'item', j ->> 'points'), E'\n' ORDER BY level, j ->> 'item', (j ->> 'points')::bigint) AS parts FROM n) j
    WHERE j.parts IS DISTINCT FROM (SELECT string_agg(format('%s %s %s', t.level, ltrim(t.item), t.points), E'\n' ORDER BY t.level, ltrim(t.item), t.points)
        FROM member.points_explain(q.m, 'points', q.day, q.known) t) LIMIT 5 $$, 'points_explain_json() is the same tree');

SET member.clock = '2026-06-01 10:00+08';
SELECT NULL FROM member.enroll('shop');
SELECT NULL FROM member.purchase_record(13, 'X1', 80, store => 'SH01');
SELECT NULL FROM member.points_earn(13, 20, until => '2026-08-01', source => 'shop', reason => 'sorry');
SELECT NULL FROM member.points_spend(13, 5);
SELECT results_eq($$ SELECT node, parent, level, item, points, entry_no FROM member.points_explain(13) $$, $$ VALUES
    (1, NULL::integer, 1, 'balance of points on 2026-06-01', 15::bigint, NULL::integer),
    (2, 1, 2, '  lot until 2026-08-01', 15, NULL), (3, 2, 3, '    entry 2: earn', 20, 2), (4, 3, 4, '      call from shop, sorry, program 2', 20, 2),
    (5, 2, 3, '    entry 3: spend', -5, 3), (6, 5, 4, '      call, program 2', -5, 3),
    (7, 1, 2, '  pending lot, not in the balance, from 2026-06-04 until 2027-01-01', 80, NULL),
    (8, 7, 3, '    entry 1: purchase', 80, 1), (9, 8, 4, '      purchase X1 of 80.00 in SH01, program 2', 80, 1) $$, 'as it reads');
SELECT is(member.points_explain_json(13) #>> '{parts,1,parts,0,parts,0,program_note}', 'a return window', 'as an app reads it');
SELECT results_eq('SELECT level, item, points FROM member.points_explain(13, ''growth'', ''2025-01-01'')', $$ VALUES (1, 'balance of growth on 2025-01-01', 0::bigint) $$, 'of nothing: nothing');
SELECT throws_ok('SELECT * FROM member.points_lots(99)', 'MB101', 'unknown member 99', 'no such member');
SELECT throws_ok('SELECT * FROM member.points_explain(99)', 'MB101', 'unknown member 99', 'no such member');
SELECT throws_ok('SELECT * FROM member.points_explain(1, ''coins'')', 'MB201', NULL, 'no such wallet');
SELECT throws_ok('SELECT * FROM member.points_lots(1, ''1800-01-01'')', 'MB403', NULL, 'no such day');
SELECT * FROM finish();
