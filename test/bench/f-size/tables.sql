-- What the state stands for in rows: a lot for each award with its balance, and the purchases themselves.
CREATE TABLE bench.lot (
    member_id bigint NOT NULL,
    lot_no    integer NOT NULL,
    wallet    smallint NOT NULL,
    earned_at timestamptz NOT NULL,
    until     date NOT NULL,
    points    bigint NOT NULL,
    remaining bigint NOT NULL,
    expired   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (member_id, lot_no)
);
CREATE INDEX ON bench.lot (until);
CREATE TABLE bench.balance (
    member_id bigint PRIMARY KEY,
    at        timestamptz NOT NULL,
    balance   bigint NOT NULL
);
CREATE TABLE bench.purchase (
    purchase_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member_id   bigint NOT NULL,
    at          timestamptz NOT NULL,
    amount      numeric(14,2) NOT NULL,
    store       text
);
CREATE INDEX ON bench.purchase (member_id, at);
INSERT INTO bench.lot (member_id, lot_no, wallet, earned_at, until, points, remaining)
SELECT e.member_id, e.entry_no, l.wallet, e.at, l.until, l.points, l.points
FROM member.entry e CROSS JOIN LATERAL member.unnest(e.delta) l WHERE e.kind = 'purchase' AND l.points > 0 ORDER BY e.at;
INSERT INTO bench.balance (member_id, at, balance)
SELECT member_id, max(earned_at), sum(remaining) FROM bench.lot GROUP BY member_id;
INSERT INTO bench.purchase (member_id, at, amount, store) SELECT member_id, at, amount, store FROM member.purchase ORDER BY at;
