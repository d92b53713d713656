-- Members with eight lots each, one gone every 40 days from 2026-03-01 (so that no day is one of reminders);
-- one in a hundred has a ninth that is gone on 2026-02-10. The same in the rows of the alternative.
INSERT INTO member.member (member_id, joined_at, channel)
SELECT n, '2026-01-01 12:00+08', 'import' FROM generate_series(1, :members) n;

CREATE TEMP TABLE opening AS
SELECT CASE WHEN ninth THEN '1:10/2026-02-10,' ELSE '' END || string_agg(format('1:100/%s', u), ',' ORDER BY u) AS lots,
       ninth, 800 + ninth::integer * 10 AS points
FROM (SELECT date '2026-03-01' + 40 * k AS u FROM generate_series(0, 7) k) g, (VALUES (true), (false)) n (ninth)
GROUP BY ninth;

INSERT INTO member.entry (member_id, entry_no, kind, at, booked_at, wallet, points, balance, program_version, delta, tier, hash)
SELECT n, 1, 'earn', '2026-01-01 12:00+08', '2026-01-01 12:00+08', 1, o.points, o.points, 1, o.lots::member.lots, 'normal',
       member.entry_hash(NULL, n, 1, 'earn', '2026-01-01 12:00+08', 1, NULL, NULL, o.lots::member.lots, o.points, o.points, NULL, NULL)
FROM generate_series(1, :members) n JOIN opening o ON o.ninth = (n % 100 = 0);

INSERT INTO member.state (member_id, at, salt, entries, next_due, lots, hash)
SELECT e.member_id, e.at, e.member_id, 1, CASE WHEN e.member_id % 100 = 0 THEN date '2026-02-10' ELSE '2026-03-01' END, e.delta, e.hash
FROM member.entry e;

INSERT INTO bench.entry (member_id, at, booked_at, points, balance, entry_no, program_version, wallet, kind, delta, tier, hash)
SELECT member_id, at, booked_at, points, balance, entry_no, program_version, wallet, kind, member.lots_send(delta), tier, hash
FROM member.entry;
INSERT INTO bench.balance (member_id, at, balance, entries, hash)
SELECT member_id, at, balance, 1, hash FROM bench.entry;
INSERT INTO bench.lot (member_id, lot_no, wallet, earned_at, until, points, remaining)
SELECT n, k, 1, '2026-01-01 12:00+08', CASE k WHEN 8 THEN date '2026-02-10' ELSE date '2026-03-01' + 40 * k END,
       CASE k WHEN 8 THEN 10 ELSE 100 END, CASE k WHEN 8 THEN 10 ELSE 100 END
FROM generate_series(1, :members) n, generate_series(0, 8) k
WHERE k < 8 OR n % 100 = 0
ORDER BY 5, n;
