-- The alternative: a number that somebody keeps right.
CREATE TABLE bench.balance (
    member_id bigint PRIMARY KEY,
    at        timestamptz NOT NULL,
    balance   bigint NOT NULL
) WITH (fillfactor = 80);
INSERT INTO bench.balance SELECT s.member_id, s.at, member.balance(s.lots, 1::smallint, '2026-03-01') FROM member.state s ORDER BY s.member_id;
VACUUM (FREEZE, ANALYZE) bench.balance;
