-- The alternative: a row for each lot, a row for each balance, and the same ledger.
-- Lots lie in the order they were earned, so those of a day lie together. Only open lots are indexed by their day.
-- (A full index on until, lots in the order of members and room in their pages, so that updates stay HOT, is
-- no faster.)
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
CREATE INDEX lot_until ON bench.lot (until) WHERE remaining > 0;

CREATE TABLE bench.balance (
    member_id bigint PRIMARY KEY,
    at        timestamptz NOT NULL,
    balance   bigint NOT NULL,
    entries   integer NOT NULL,
    hash      bytea NOT NULL
) WITH (fillfactor = 80);

CREATE TABLE bench.entry (
    member_id       bigint NOT NULL,
    at              timestamptz NOT NULL,
    booked_at       timestamptz NOT NULL,
    points          bigint NOT NULL,
    balance         bigint NOT NULL,
    ref_part        bigint,
    entry_no        integer NOT NULL,
    program_version integer NOT NULL,
    ref             integer,
    wallet          smallint NOT NULL,
    kind            text NOT NULL,
    delta           bytea NOT NULL,
    tier            text,
    source          text,
    reason          text,
    actor           text,
    key             text,
    digest          bytea,
    hash            bytea NOT NULL,
    PRIMARY KEY (member_id, entry_no)
);
CREATE UNIQUE INDEX ON bench.entry (member_id, key) WHERE key IS NOT NULL;
CREATE INDEX ON bench.entry (member_id, ref) WHERE ref IS NOT NULL;
CREATE INDEX ON bench.entry USING brin (booked_at) WITH (autosummarize = on);
