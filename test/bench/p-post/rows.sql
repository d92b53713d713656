-- A row a member, as a file brings them: in no order, with a key.
INSERT INTO member.import_row (kind, member_key, points, until, source, key)
SELECT 'earn', 'c' || n, (1 + n % 500)::text, '2026-12-31', 'campaign', :'key' || n
FROM generate_series(1, :members) n ORDER BY hashint8(n);
ANALYZE member.import_row;
