-- The alternative: a plain table of purchases, in the order they came in.
CREATE TABLE bench.purchase (
    purchase_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member_id   bigint NOT NULL,
    at          timestamptz NOT NULL,
    amount      numeric(14,2) NOT NULL,
    store       text
);
CREATE INDEX ON bench.purchase (member_id, at);
INSERT INTO bench.purchase (member_id, at, amount, store)
SELECT member_id, at, amount, store FROM member.purchase ORDER BY at;
VACUUM (FREEZE, ANALYZE) bench.purchase;
