-- Import: what can't be taken is rejected with line and reason, the rest is loaded, the counts reconcile; loaded twice it
-- is known; and the same facts make the same members whether they were imported or lived.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('tea');
SELECT * FROM no_plan();

-- ---- members ----

INSERT INTO member.import_row (line, kind, member_key, at, channel, store, phone, name) VALUES
    (1, 'member', 'A', '2025-01-01', 'shop', 'SH01', '13800000001', '张三'), (2, 'member', 'B', '2025/2/3 08:30', NULL, NULL, '', ''), (3, 'member', 'C', '20250304', NULL, NULL, NULL, NULL),
    (4, 'member', 'D', '2025-05-06T07:08:09Z', NULL, NULL, NULL, NULL), (5, 'member', '', '2025-01-01', NULL, NULL, NULL, NULL), (6, 'member', NULL, '2025-01-01', NULL, NULL, NULL, NULL),
    (7, 'member', 'E', 'yesterday', NULL, NULL, '13800000002', NULL), (8, 'member', 'E', '2025-01-01', NULL, NULL, '13800000002', NULL), (9, 'member', 'A', '2025-01-02', NULL, NULL, NULL, NULL),
    (10, 'member', 'F', '2026-03-01 10:00:01', NULL, NULL, NULL, NULL), (11, 'member', 'F', '2025-01-01', NULL, NULL, '13800000001', NULL), (12, 'member', repeat('k', 201), '2025-01-01', NULL, NULL, NULL, NULL),
    (13, 'member', 'G', '2025-01-01', NULL, NULL, repeat('1', 201), NULL), (14, 'member', repeat('长', 200), '2025-02-28', NULL, NULL, NULL, NULL), (15, 'member', 'H', '2025-02-29', NULL, NULL, NULL, NULL),
    (16, 'member', 'I', NULL, NULL, NULL, NULL, NULL);
INSERT INTO member.import_row (line, kind, member_key, at, reject) VALUES (17, 'member', 'J', '2025-01-01', 'the line has 9 fields instead of 8');
SELECT results_eq('SELECT rows_read, rows_loaded, rows_known, rows_rejected FROM member.import_members(''pos'')', 'VALUES (17::bigint, 6::bigint, 0::bigint, 11::bigint)', 'members: read = loaded + known + rejected');
SELECT results_eq('SELECT line, reason FROM member.import_reject ORDER BY line', $$ VALUES
    (5::bigint, 'member key is missing'), (6, 'member key is missing'), (7, 'time of joining can''t be read'), (9, 'member key occurs before in the file'), (10, 'time of joining is in the future'),
    (11, 'phone occurs before in the file'), (12, 'member key has more than 200 characters'), (13, 'phone has more than 200 characters'), (15, 'time of joining can''t be read'),
    (16, 'time of joining can''t be read'), (17, 'the line has 9 fields instead of 8') $$, 'what can''t be taken, with line and reason');
SELECT results_eq($$ SELECT i.value COLLATE "default", m.joined_at, m.channel, m.store, m.name FROM member.member m JOIN member.identity i USING (member_id) WHERE i.kind = 'external' AND length(i.value) = 1 ORDER BY 1 $$, $$ VALUES
    ('A', '2025-01-01 00:00+08'::timestamptz, 'pos', 'SH01', '张三'), ('B', '2025-02-03 08:30+08', 'pos', NULL, NULL), ('C', '2025-03-04 00:00+08', 'pos', NULL, NULL), ('D', '2025-05-06 15:08:09+08', 'pos', NULL, NULL),
    ('E', '2025-01-01 00:00+08', 'pos', NULL, NULL) $$, 'who was loaded; times without an offset are in the program''s zone');
SELECT is(member.find('phone', '13800000001'), member.find('external', 'A'), 'phones are taken');
SELECT is(member.find('phone', '13800000002'), member.find('external', 'E'), 'a rejected row takes no phone');
SELECT is((SELECT count(*)::int FROM member.import_row), 0, 'the staging table is empty');
SELECT is((SELECT count(*)::int FROM member.outbox), 0, 'nobody is sent a message');
INSERT INTO member.import_row (kind, member_key, at) VALUES ('member', 'A', '2024-01-01'), ('member', 'new', '2024-01-01');
SELECT results_eq('SELECT rows_read, rows_loaded, rows_known, rows_rejected FROM member.import_members()', 'VALUES (2::bigint, 1::bigint, 1::bigint, 0::bigint)', 'a key known before is known');
SELECT is(channel, 'import', 'the channel is import when nothing says another') FROM member.member WHERE member_id = member.find('external', 'new');

-- ---- purchases and refunds ----

INSERT INTO member.import_row (line, kind, member_key, at, purchase_no, refund_no, amount, store, lines) VALUES
    (1, 'purchase', 'A', '2025-12-01 10:00', 'P1', NULL, '100.50', 'SH01', '[{"product": "latte", "quantity": 2, "amount": 60.50}, {"product": "cake", "amount": 40, "category": "food"}]'),
    (2, 'purchase', 'A', '2025-12-02 10:00', 'P2', NULL, ' 20 ', NULL, NULL), (3, 'refund', 'A', '2025-12-03 10:00', 'P1', 'R1', '40.25', NULL, NULL),
    (4, 'purchase', 'Z', '2025-12-03', 'P3', NULL, '7', 'SH02', NULL),            -- a member nobody knew
    (5, 'purchase', 'A', '2025-12-02 10:00', 'P2', NULL, '20', NULL, NULL),       -- twice
    (6, 'purchase', '', '2025-12-02', 'P4', NULL, '20', NULL, NULL), (7, 'purchase', 'A', '02.12.2025', 'P5', NULL, '20', NULL, NULL), (8, 'purchase', 'A', '2025-12-02', 'P6', NULL, 'twenty', NULL, NULL),
    (9, 'purchase', 'A', '2025-12-02', 'P7', NULL, '1.005', NULL, NULL), (10, 'purchase', 'A', '2025-12-02', 'P8', NULL, '-1', NULL, NULL), (11, 'purchase', 'A', '2025-12-02', 'P9', NULL, '1000000000000', NULL, NULL),
    (12, 'purchase', 'A', '2026-03-02', 'P10', NULL, '1', NULL, NULL), (13, 'purchase', 'A', '1899-12-31', 'P11', NULL, '1', NULL, NULL), (14, 'purchase', 'A', '2025-12-02', repeat('p', 101), NULL, '1', NULL, NULL),
    (15, 'purchase', 'A', '2025-12-02', 'P12', NULL, '10', NULL, '[{"product": "x", "amount": 9}]'), (16, 'purchase', 'A', '2025-12-02', 'P13', NULL, '10', NULL, '[{"product": "x", "amount": 10'),
    (17, 'purchase', 'A', '2025-12-02', 'P14', NULL, '10', NULL, '[{"product": "\u0000", "amount": 10}]'), (18, 'purchase', 'A', '2025-12-02', 'P15', NULL, '10', NULL, '[{"product": "x", "amount": 10, "list_amount": 1e15}]'),
    (19, 'purchase', 'A', '2025-12-02', 'P16', NULL, '10', NULL, repeat('[', 50000)), (20, 'refund', 'A', '2025-12-03', 'P99', 'R1', '1', NULL, NULL), (21, 'refund', 'Z', '2025-12-03', 'P1', 'R9', '1', NULL, NULL),
    (22, 'refund', 'A', '2025-11-30', 'P1', 'R2', '1', NULL, NULL), (23, 'refund', 'A', '2025-12-04', 'P1', 'R3', '60.26', NULL, NULL), (24, 'refund', 'A', '2025-12-04', 'P2', 'R4', '0', NULL, NULL),
    (25, 'refund', 'A', '2025-12-04', 'P2', NULL, '1', NULL, NULL), (26, 'refund', 'A', '2025-12-05', 'P2', 'R5', '20', NULL, NULL), (27, 'purchase', 'A', '2000-01-01 08:00', 'P17', NULL, '0', NULL, NULL),
    (28, 'purchase', 'A', '2025-12-02 10:00+16', 'P18', NULL, '1', NULL, NULL), (29, 'purchase', 'A', '2025-12-02 10:00+', 'P19', NULL, '1', NULL, NULL), (30, 'purchase', 'A', '2025-12-02 10:00+08:61', 'P20', NULL, '1', NULL, NULL);
SELECT results_eq('SELECT rows_read, rows_loaded, rows_known, rows_rejected, amount_loaded FROM member.import_purchases(''till'')', 'VALUES (30::bigint, 6::bigint, 0::bigint, 24::bigint, 127.50)',
    'purchases: read = loaded + known + rejected, and the yuan loaded');
SELECT results_eq('SELECT line, kind, reason FROM member.import_reject WHERE import_id = 3 ORDER BY line', $$ VALUES
    (5::bigint, 'purchase', 'purchase number occurs before in the file'), (6, 'purchase', 'member key is missing'), (7, 'purchase', 'time can''t be read'), (8, 'purchase', 'amount can''t be read'),
    (9, 'purchase', 'amount can''t be read'), (10, 'purchase', 'amount is out of range'), (11, 'purchase', 'amount is out of range'), (12, 'purchase', 'time is in the future'), (13, 'purchase', 'time can''t be read'),
    (14, 'purchase', 'number has more than 100 characters'), (15, 'purchase', 'the lines add up to 9, the purchase is 10.00'), (16, 'purchase', 'lines are not JSON'), (17, 'purchase', 'lines are not JSON'),
    (18, 'purchase', 'line 1 is invalid'), (19, 'purchase', 'lines are not JSON'), (20, 'refund', 'its purchase is not among the rows loaded: use purchase_refund()'), (21, 'refund', 'its purchase is another member''s'),
    (22, 'refund', 'it is dated before its purchase'), (23, 'refund', 'refunds exceed the purchase'), (24, 'refund', 'amount is out of range'), (25, 'refund', 'a refund needs purchase_no and refund_no'),
    (28, 'purchase', 'time can''t be read'), (29, 'purchase', 'time can''t be read'), (30, 'purchase', 'time can''t be read') $$,
    'each row that can''t be taken, with line and reason');
SELECT is_empty('SELECT * FROM member.import_reject WHERE import_id = 3 AND line < 25 AND (detail = '''' OR detail NOT LIKE ''%2025%'' AND line NOT IN (12, 13))', 'and what it read');
SELECT results_eq('SELECT purchase_no COLLATE "default", at, amount, refunded, store FROM member.purchase WHERE member_id = member.find(''external'', ''A'') ORDER BY at', $$ VALUES
    ('P17', '2000-01-01 08:00+08'::timestamptz, 0.00, 0.00, NULL::text), ('P1', '2025-12-01 10:00+08', 100.50, 40.25, 'SH01'), ('P2', '2025-12-02 10:00+08', 20.00, 20.00, NULL) $$, 'the purchases');
SELECT results_eq('SELECT line_no, product, quantity, amount, category FROM member.purchase_line ORDER BY 1', $$ VALUES (1::smallint, 'latte', 2.000, 60.50, NULL::text), (2::smallint, 'cake', 1.000, 40.00, 'food') $$, 'their lines');
SELECT results_eq('SELECT refund_no, amount FROM member.refund ORDER BY 1', $$ VALUES ('R1', 40.25), ('R5', 20.00) $$, 'the refunds');
SELECT results_eq('SELECT channel, store, joined_at FROM member.member WHERE member_id = member.find(''external'', ''Z'')', $$ VALUES ('till', 'SH02', '2025-12-03 00:00+08'::timestamptz) $$, 'who was not known is enrolled with the first purchase');
SELECT is((SELECT count(*)::int FROM member.entry WHERE key IS NOT NULL OR digest IS NOT NULL), 0, 'imported entries have no key');

-- ---- the same again ----

INSERT INTO member.import_row (kind, member_key, at, purchase_no, refund_no, amount) VALUES ('purchase', 'A', '2025-12-01T10:00:00', 'P1', NULL, '100.5'), ('purchase', 'A', '2025-12-02 10:00', 'P2', NULL, '20'),
    ('refund', 'A', '2025-12-05', 'P2', 'R5', '20'), ('purchase', 'A', '2025-12-02 10:00', 'P2x', NULL, '5'), ('purchase', 'Z', '2025-12-02 10:00', 'P2', NULL, '20'), ('purchase', 'A', '2025-12-01 10:00', 'P1', NULL, '100.6');
SELECT results_eq('SELECT rows_read, rows_loaded, rows_known, rows_rejected FROM member.import_purchases()', 'VALUES (6::bigint, 1::bigint, 3::bigint, 2::bigint)', 'what was loaded before is known, but not with another amount or member');
SELECT results_eq('SELECT reason FROM member.import_reject WHERE import_id = 4', $$ VALUES ('purchase number occurs before in the file'), ('purchase number occurs before in the file') $$, 'that is rejected');
INSERT INTO member.import_row (kind, member_key, at, purchase_no, amount) VALUES ('purchase', 'Z', '2025-12-02 10:00', 'P2', '20'), ('purchase', 'A', '2025-12-01 10:00', 'P1', '100.6');
SELECT results_eq('SELECT rows_known, rows_rejected FROM member.import_purchases()', 'VALUES (0::bigint, 2::bigint)', 'in a file of its own too');
SELECT results_eq('SELECT DISTINCT reason FROM member.import_reject WHERE import_id = 5', $$ VALUES ('purchase number is taken') $$, 'as taken');

-- purchases without a number: equal ones are two; the same file again is known, whatever the session''s settings
INSERT INTO member.import_row (member_key, at, amount) VALUES ('N', '2025-12-01 10:00', '10'), ('N', '2025-12-01 10:00', '10.00'), ('N', '2025-12-01 10:00:00', '10'), ('N', '2025-12-01 10:00', '11');
SELECT results_eq('SELECT rows_loaded, amount_loaded FROM member.import_purchases()', 'VALUES (4::bigint, 41.00)', 'equal purchases without a number are purchases each');
SET timezone = 'America/New_York';
SET datestyle = 'German';
INSERT INTO member.import_row (member_key, at, amount) VALUES ('N', '2025-12-01 10:00', '10'), ('N', '2025-12-01 10:00', '11'), ('N', '2025-12-01 10:00', '10'), ('N', '2025-12-01 10:00', '10'), ('N', '2025-12-01 10:00', '10');
SELECT results_eq('SELECT rows_loaded, rows_known FROM member.import_purchases()', 'VALUES (1::bigint, 4::bigint)', 'loaded again they are known; one more is one more');
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;

-- ---- two kinds staged at once, lines numbered in each file ----

INSERT INTO member.import_row (line, kind, member_key, at, purchase_no, refund_no, amount, points) VALUES (1, 'member', 'K', '2025-01-01', NULL, NULL, NULL, NULL), (1, 'purchase', 'K', '2025-12-01 10:00', 'K1', NULL, '10', NULL),
    (1, 'refund', 'K', '2025-12-01 10:00', 'K1', 'R', '4', NULL), (2, 'purchase', 'K', 'bad', 'K2', NULL, '10', NULL), (2, 'purchase', 'K', 'bad', 'K3', NULL, '10', NULL), (1, 'balance', 'K', NULL, NULL, NULL, NULL, '5'), (2, 'member', '', '', NULL, NULL, NULL, NULL);
SELECT results_eq('SELECT rows_read, rows_loaded, rows_rejected FROM member.import_members()', 'VALUES (2::bigint, 1::bigint, 1::bigint)', 'loading members');
SELECT is((SELECT count(*)::int FROM member.import_row), 5, 'leaves the other rows, whatever their line');
SELECT results_eq('SELECT rows_read, rows_loaded, rows_rejected FROM member.import_purchases()', 'VALUES (4::bigint, 2::bigint, 2::bigint)', 'loading purchases: a refund of the same moment and line comes after its purchase');
SELECT is((SELECT count(*)::int FROM member.import_row), 1, 'leaves the balances');
SELECT results_eq('SELECT rows_read, rows_loaded, rows_rejected FROM member.import_balances()', 'VALUES (1::bigint, 1::bigint, 0::bigint)', 'loading balances');
SELECT is(member.points_balance(member.find('external', 'K')), 11::bigint, 'all of it arrived: 10 - 4 + 5');

-- ---- balances ----

INSERT INTO member.import_row (line, kind, member_key, wallet, points, until, at) VALUES (1, 'balance', 'B', NULL, '100', '2026-06-01', NULL), (2, 'balance', 'B', 'points', '50', NULL, '2026-01-15'), (3, 'balance', 'B', 'growth', '7', '', NULL),
    (4, 'balance', 'nobody', NULL, '1', NULL, NULL), (5, 'balance', 'B', 'coins', '1', NULL, NULL), (6, 'balance', 'B', NULL, '0', NULL, NULL), (7, 'balance', 'B', NULL, '-5', NULL, NULL), (8, 'balance', 'B', NULL, '1.5', NULL, NULL),
    (9, 'balance', 'B', NULL, '99999999999999999999', NULL, NULL), (10, 'balance', 'B', NULL, '5', '2026-03-01', NULL), (11, 'balance', 'B', NULL, '5', 'never', NULL), (12, 'balance', 'B', NULL, '5', NULL, '2026-03-02'),
    (13, 'balance', 'B', NULL, '5', NULL, 'x'), (14, 'balance', NULL, NULL, '5', NULL, NULL), (15, 'balance', 'C', NULL, '1000000000000000', NULL, NULL), (16, 'balance', 'C', NULL, '1000000000000000', NULL, NULL);
SELECT results_eq('SELECT rows_read, rows_loaded, rows_known, rows_rejected FROM member.import_balances()', 'VALUES (16::bigint, 3::bigint, 0::bigint, 13::bigint)', 'balances: a lot for each row');
SELECT is((SELECT lots::text FROM member.state WHERE member_id = member.find('external', 'B')), '1:100/2026-06-01,1:50/2026-08-01,2:7/2027-04-01', 'until as given, or as the wallet says from the day it is for');
SELECT results_eq('SELECT line, reason FROM member.import_reject WHERE import_id = (SELECT max(import_id) FROM member.import_run) AND line < 15 ORDER BY line', $$ VALUES
    (4::bigint, 'unknown member'), (5, 'unknown wallet'), (6, 'points are out of range'), (7, 'points can''t be read'), (8, 'points can''t be read'), (9, 'points can''t be read'), (10, 'points would be gone before they come'),
    (11, 'until can''t be read'), (12, 'time is in the future'), (13, 'time can''t be read'), (14, 'member key is missing') $$, 'and what can''t be');

-- ---- reconciliation ----

SELECT is_empty('SELECT * FROM member_report.import_health WHERE NOT reconciled', 'every import reconciles');
SELECT is_empty($$ SELECT r.import_id, r.rows_rejected, count(j.*) FROM member.import_run r LEFT JOIN member.import_reject j USING (import_id) GROUP BY r.import_id HAVING r.rows_rejected <> count(j.*) $$, 'with a reject row for each');
SELECT is((SELECT sum(amount_loaded) FROM member.import_run), (SELECT sum(amount) FROM member.purchase), 'and the yuan that arrived');

-- ---- the property: imported or lived, the same facts make the same members ----

-- forty members with random purchases and refunds: a year of them lived through the API day by day, and the same imported
CREATE TEMP TABLE fact (m int, at timestamptz, n int, kind text, no text, refund text, amount numeric, PRIMARY KEY (m, n));
INSERT INTO fact SELECT m, '2026-03-01 11:00+08'::timestamptz + (n * 4 + abs(hashint4(m * 91 + n)) % 4) * interval '13 hours' * (1 + m % 3) + CASE WHEN n > 15 THEN interval '170 days' ELSE '0' END, n, 'purchase', format('%s.%s', m, n), NULL,
        1 + abs(hashint4(m * 1000 + n)) % 8000 / 100.0 FROM generate_series(1, 40) m, generate_series(1, 30) n;
INSERT INTO fact SELECT m, at + interval '40 hours', n + 100, 'refund', no, 'a', CASE WHEN n % 2 = 0 THEN amount ELSE round(amount / 3, 2) END FROM fact WHERE n % 4 = 0;
INSERT INTO fact SELECT m, at + interval '30 hours', n + 200, 'refund', no, 'b', amount - round(amount / 3, 2) FROM fact WHERE kind = 'refund' AND n % 8 = 4 AND amount < (SELECT p.amount FROM fact p WHERE p.no = fact.no AND p.kind = 'purchase');
DO $$
DECLARE
    f fact;
BEGIN
    PERFORM member.enroll('shop', external => 'live' || m, at => '2026-03-01 10:00+08') FROM generate_series(1, 40) m;
    FOR f IN SELECT * FROM fact ORDER BY at, m, n LOOP
        PERFORM set_config('member.clock', f.at::text, false);
        IF f.kind = 'purchase' THEN
            PERFORM member.purchase_record(member.find('external', 'live' || f.m), 'L' || f.no, f.amount);
        ELSE
            PERFORM member.purchase_refund(member.find('external', 'live' || f.m), 'L' || f.no, f.refund, f.amount);
        END IF;
    END LOOP;
END $$;
SET member.clock = '2027-06-01 10:00+08';
INSERT INTO member.import_row (line, kind, member_key, at, purchase_no, refund_no, amount)
    SELECT row_number() OVER (ORDER BY at, m, n), kind, 'file' || m, at::text, 'F' || no, refund, amount::text FROM fact ORDER BY hashint4(m * 7 + n);
SELECT results_eq('SELECT rows_loaded = (SELECT count(*) FROM fact), rows_rejected FROM member.import_purchases()', 'VALUES (true, 0::bigint)', 'all of it is imported');
CREATE TEMP VIEW pair AS SELECT m, member.find('external', 'live' || m) AS live, member.find('external', 'file' || m) AS file FROM generate_series(1, 40) m;
SELECT is_empty($$ SELECT m, l.lots, f.lots FROM pair JOIN member.state l ON l.member_id = live JOIN member.state f ON f.member_id = file WHERE l.lots OPERATOR(member.<>) f.lots $$, 'equal lots');
SELECT is_empty($$ SELECT m, l.activity, f.activity FROM pair JOIN member.state l ON l.member_id = live JOIN member.state f ON f.member_id = file WHERE l.activity::text <> f.activity::text $$, 'equal activity');
SELECT is_empty($$ SELECT m, l.standing, f.standing FROM pair JOIN member.state l ON l.member_id = live JOIN member.state f ON f.member_id = file WHERE l.standing OPERATOR(member.<>) f.standing $$, 'equal levels');
SELECT is_empty($$ SELECT m, l.at, f.at, l.entries, f.entries, l.next_due, f.next_due FROM pair JOIN member.state l ON l.member_id = live JOIN member.state f ON f.member_id = file
    WHERE (l.at, l.entries) IS DISTINCT FROM (f.at, f.entries) $$, 'brought to the same moment in as many entries');
SELECT is_empty($$ SELECT m FROM pair WHERE (SELECT array_agg(ROW(kind, at, points, balance, delta::text, ref, ref_part, tier)::text ORDER BY entry_no) FROM member.entry WHERE member_id = live)
    IS DISTINCT FROM (SELECT array_agg(ROW(kind, at, points, balance, delta::text, ref, ref_part, tier)::text ORDER BY entry_no) FROM member.entry WHERE member_id = file) $$, 'equal entries');
SELECT is_empty($$ SELECT m FROM pair WHERE (SELECT array_agg(ROW(kind, from_level, to_level, day, until, entry_no, reason)::text ORDER BY change_no) FROM member.tier_change WHERE member_id = live)
    IS DISTINCT FROM (SELECT array_agg(ROW(kind, from_level, to_level, day, until, entry_no, reason)::text ORDER BY change_no) FROM member.tier_change WHERE member_id = file) $$, 'an equal history of levels');
SELECT is_empty($$ SELECT m FROM pair WHERE (SELECT array_agg(ROW(amount, refunded, at, entry_no)::text ORDER BY entry_no) FROM member.purchase WHERE member_id = live)
    IS DISTINCT FROM (SELECT array_agg(ROW(amount, refunded, at, entry_no)::text ORDER BY entry_no) FROM member.purchase WHERE member_id = file) $$, 'equal purchases');
SELECT cmp_ok(count(*)::int, '>', 20, 'levels fell too') FROM member.tier_change JOIN pair ON file = member_id WHERE kind = 'fall';
SELECT is_empty($$ SELECT m FROM pair WHERE member.points_balance(live) <> member.points_balance(file) OR member.tier_of(live) <> member.tier_of(file) $$, 'and equal answers today');

-- imported members go on living, and history can be added to members who live
SELECT lives_ok(format('SELECT member.purchase_record(%s, ''next'', 10)', file), 'an imported member buys') FROM pair WHERE m = 1;
SELECT lives_ok(format('SELECT member.purchase_refund(%s, ''F1.30'', ''later'')', file), 'and gives back what was imported') FROM pair WHERE m = 1;
INSERT INTO member.import_row (member_key, at, purchase_no, amount) SELECT 'live2', '2026-04-01 10:00', 'old' || n, '10' FROM generate_series(1, 3) n;
SELECT results_eq('SELECT rows_loaded FROM member.import_purchases()', 'VALUES (3::bigint)', 'history of a member who lives here');

-- as an admin
CREATE ROLE test_import_admin LOGIN IN ROLE member_admin;
SET SESSION AUTHORIZATION test_import_admin;
\copy member.import_row (member_key, at, amount) FROM stdin WITH (FORMAT csv)
admin,2026-04-01,10
\.
SELECT rows_loaded AS loaded FROM member.import_purchases() \gset
RESET SESSION AUTHORIZATION;
DROP ROLE test_import_admin;
SELECT is(:loaded, 1, 'an admin stages and loads');

SET client_min_messages = error;
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT is_empty('SELECT s.member_id, r.part, r.stored, r.replayed FROM member.state s, member.replay(s.member_id) r WHERE s.at IS NOT NULL AND NOT r.same', 'replay makes the same of the facts');
SELECT * FROM finish();
