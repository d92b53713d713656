-- Expiry of a day, set-based, in one statement and one transaction: lots, balances, ledger with its chain of hashes.
SET work_mem = '256MB';
WITH gone AS (
    UPDATE bench.lot SET expired = remaining, remaining = 0
    WHERE until > :'since' AND until <= :'day' AND remaining > 0
    RETURNING member_id, wallet, until, expired
), per_member AS (
    SELECT member_id, wallet, sum(expired)::bigint AS points,
           string_agg(int2send(wallet) || date_send(until) || int8send(expired), '') AS delta
    FROM gone GROUP BY member_id, wallet
), balances AS (
    UPDATE bench.balance b SET balance = b.balance - p.points, entries = b.entries + 1, at = :'at',
        hash = sha256(b.hash || int8send(b.member_id) || int4send(b.entries + 1) || p.delta || int8send(b.balance - p.points))
    FROM per_member p WHERE b.member_id = p.member_id
    RETURNING b.member_id, b.at, b.balance, b.entries, b.hash, p.wallet, p.points, p.delta
)
INSERT INTO bench.entry (member_id, at, booked_at, points, balance, entry_no, program_version, wallet, kind, delta, tier, hash)
SELECT member_id, at, at, -points, balance, entries, 1, wallet, 'expire', delta, 'normal', hash
FROM balances;
