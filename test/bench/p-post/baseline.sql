BEGIN;
INSERT INTO bench.entry (member_id, entry_no, at, points, balance, until, kind, source, key)
SELECT b.member_id, b.entries + 1, now(), r.points::bigint, b.points + r.points::bigint, r.until::date, r.kind, r.source, r.key
FROM member.import_row r JOIN bench.customer c USING (member_key) JOIN bench.balance b ON b.member_id = c.member_id;
UPDATE bench.balance b SET entries = b.entries + 1, points = b.points + r.points::bigint
FROM member.import_row r JOIN bench.customer c USING (member_key) WHERE b.member_id = c.member_id;
COMMIT;
