-- What a shop writes itself: a ledger with a key and a balance.
CREATE TABLE bench.entry (
    member_id bigint NOT NULL,
    entry_no  integer NOT NULL,
    at        timestamptz NOT NULL,
    points    bigint NOT NULL,
    balance   bigint NOT NULL,
    until     date,
    kind      text NOT NULL,
    source    text,
    key       text NOT NULL,
    PRIMARY KEY (member_id, entry_no)
);
CREATE UNIQUE INDEX ON bench.entry (member_id, key);
CREATE TABLE bench.balance (
    member_id bigint PRIMARY KEY,
    entries   integer NOT NULL,
    points    bigint NOT NULL
) WITH (fillfactor = 80);
INSERT INTO bench.balance SELECT n, 0, 0 FROM generate_series(1, :members) n;
CREATE TABLE bench.customer AS SELECT i.value AS member_key, i.member_id FROM member.identity i WHERE i.kind = 'external';
ALTER TABLE bench.customer ADD PRIMARY KEY (member_key);
VACUUM ANALYZE bench.balance, bench.customer;
