-- Catalog: what there is to earn.

CREATE TABLE member.wallet (
    wallet_id    smallint PRIMARY KEY CHECK (wallet_id > 0),
    code         text NOT NULL UNIQUE CHECK (code ~ '^[a-z_][a-z0-9_]{0,22}$'),
    name         text NOT NULL,
    spendable    boolean NOT NULL DEFAULT true,
    expiry       text NOT NULL DEFAULT 'never'
        CHECK (expiry IN ('never', 'days', 'months', 'month_end', 'quarter_end', 'year_end', 'yearly', 'inactivity')),
    expiry_n     smallint NOT NULL DEFAULT 0 CHECK (expiry_n >= 0),
    pending_days smallint NOT NULL DEFAULT 0 CHECK (pending_days >= 0),
    max_lots     smallint NOT NULL DEFAULT 64 CHECK (max_lots BETWEEN 2 AND 1000),
    debt_policy  text NOT NULL DEFAULT 'debt' CHECK (debt_policy IN ('only_pending', 'within_balance', 'debt')),
    expiry_on    text CHECK (expiry_on ~ '^\d\d-\d\d$' AND (expiry = 'yearly') = (expiry_on IS NOT NULL)),
    pending_release boolean NOT NULL DEFAULT false,
    balance_cap  bigint CHECK (balance_cap > 0),
    hold_grace_days smallint NOT NULL DEFAULT 0 CHECK (hold_grace_days >= 0),
    reinstate_days smallint NOT NULL DEFAULT 0 CHECK (reinstate_days >= 0),
    code_above   bigint CHECK (code_above > 0),
    approve_above bigint CHECK (approve_above > 0),
    transferable boolean NOT NULL DEFAULT false,
    transfer_fee smallint NOT NULL DEFAULT 0 CHECK (transfer_fee >= 0),
    transfer_cooling_days smallint NOT NULL DEFAULT 0 CHECK (transfer_cooling_days >= 0),
    transfer_day_cap bigint CHECK (transfer_day_cap > 0)
);
COMMENT ON TABLE member.wallet IS 'Wallets (draft): points, growth and what the brand adds. Number 1 is the main one.';
COMMENT ON COLUMN member.wallet.expiry IS 'never; days or months after earning; month_end, quarter_end, year_end: to the end of the month, quarter or year that many later; yearly: to the first expiry_on that many months away; inactivity: months after the member last bought, earned, spent, gave or did something.';
COMMENT ON COLUMN member.wallet.expiry_n IS 'How many days, months, quarters or years, as expiry says.';
COMMENT ON COLUMN member.wallet.expiry_on IS 'The day of the year points are gone, as 07-01.';
COMMENT ON COLUMN member.wallet.pending_release IS 'Points of purchases wait for points_release() instead of pending_days.';
COMMENT ON COLUMN member.wallet.balance_cap IS 'Awards fill a member''s wallet up to here; null: no end.';
COMMENT ON COLUMN member.wallet.hold_grace_days IS 'Days that points coming back from a hold last at least; 0: what expired while held is gone.';
COMMENT ON COLUMN member.wallet.reinstate_days IS 'Days after points expired within which points_reinstate() may give them back; 0: never.';
COMMENT ON COLUMN member.wallet.code_above IS 'Spending or holding more at once takes a pass (pass_issue); null: never.';
COMMENT ON COLUMN member.wallet.approve_above IS 'Adjusting by more takes the approval of a second actor; null: never.';
COMMENT ON COLUMN member.wallet.transferable IS 'Whether members may give points to each other.';
COMMENT ON COLUMN member.wallet.transfer_fee IS 'Per cent of a transfer that the giver pays besides, rounded up.';
COMMENT ON COLUMN member.wallet.transfer_cooling_days IS 'Days before the receiver can use the points; until then the transfer can be taken back.';
COMMENT ON COLUMN member.wallet.transfer_day_cap IS 'Most points a member gives away a day; null: no end.';
COMMENT ON COLUMN member.wallet.pending_days IS 'Days between a purchase and its points being usable (return window).';
COMMENT ON COLUMN member.wallet.max_lots IS 'Most open lots a member has; more are merged into the later date.';
COMMENT ON COLUMN member.wallet.debt_policy IS 'What taking back an award does when its points are spent: take only pending points, take within the balance, or book debt.';

CREATE TABLE member.earn_rule (
    code     text PRIMARY KEY CHECK (code ~ '^[a-z_][a-z0-9_]{0,22}$'),
    name     text NOT NULL,
    stream   text NOT NULL,
    wallet   text NOT NULL REFERENCES member.wallet (code),
    give     bigint[] NOT NULL CHECK (cardinality(give) BETWEEN 1 AND 8),
    per      numeric(14,2) CHECK (per > 0),
    rounding text NOT NULL DEFAULT 'down' CHECK (rounding IN ('down', 'half_up', 'up')),
    tiered   boolean NOT NULL DEFAULT false,
    day_cap  smallint CHECK (day_cap > 0),
    every    smallint CHECK (every > 0)
);
COMMENT ON TABLE member.earn_rule IS 'Earning rules (draft): what a purchase or an event of a stream gives.';
COMMENT ON COLUMN member.earn_rule.give IS 'Points; of several the one for the day of the streak, the last from then on.';
COMMENT ON COLUMN member.earn_rule.per IS 'For each so many yuan; null: for each event.';
COMMENT ON COLUMN member.earn_rule.tiered IS 'Times the multiplier of the member''s level.';
COMMENT ON COLUMN member.earn_rule.day_cap IS 'Only so many events a day earn; null: all.';
COMMENT ON COLUMN member.earn_rule.every IS 'Only when the streak of days is a multiple of this.';

-- State: one hot row a member. Nothing an order changes is indexed, so updates stay in the page. next_due comes first: the
-- scan that looks for those that are due reads no further, which takes half the time.

CREATE TABLE member.state (
    member_id bigint PRIMARY KEY,
    next_due  date,
    entries   integer NOT NULL DEFAULT 0,
    at        timestamptz,
    touched_at timestamptz,
    salt      bigint NOT NULL,
    active    boolean NOT NULL DEFAULT true,
    next_lapse timestamptz,
    lots      member.lots NOT NULL DEFAULT 'empty',
    activity  member.activity NOT NULL DEFAULT 'empty',
    standing  member.standing NOT NULL DEFAULT 'empty',
    hash      bytea
) WITH (fillfactor = 80, toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE member.state IS 'Points, activity and levels of each member: the sum of the entries, brought to a moment.';
COMMENT ON COLUMN member.state.at IS 'The moment the state was brought to; null: nothing happened yet.';
COMMENT ON COLUMN member.state.touched_at IS 'When the row was last written; what runs over changes looks for it.';
COMMENT ON COLUMN member.state.salt IS 'Salt of the argument digests; erased with the member.';
COMMENT ON COLUMN member.state.entries IS 'Number of the last entry: entries are numbered without gaps.';
COMMENT ON COLUMN member.state.next_due IS 'First day something has to be booked or said without an event; the daily run looks for it.';
COMMENT ON COLUMN member.state.active IS 'False while the member is frozen or has left: writes are refused.';
COMMENT ON COLUMN member.state.next_lapse IS 'When the first open hold lapses; null: none does. The next write after it books it.';
COMMENT ON COLUMN member.state.hash IS 'Hash of the last entry.';

-- The ledger.

CREATE TABLE member.entry (
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
    delta           member.lots NOT NULL,
    tier            text,
    source          text,
    reason          text,
    actor           text,
    key             text,
    digest          bytea,
    hash            bytea NOT NULL,
    PRIMARY KEY (member_id, entry_no)
) WITH (fillfactor = 100, toast_tuple_target = 8160);
CREATE UNIQUE INDEX entry_key ON member.entry (member_id, key) WHERE key IS NOT NULL;
CREATE INDEX entry_ref ON member.entry (member_id, ref) WHERE ref IS NOT NULL;
-- rows lie in the order they were booked in: a few pages find the newest
CREATE INDEX entry_booked ON member.entry USING brin (booked_at) WITH (autosummarize = on);
COMMENT ON TABLE member.entry IS 'The ledger: append-only, one row an operation; the sum of delta is the book.';
COMMENT ON COLUMN member.entry.at IS 'When it happened; balances as of a day count by it.';
COMMENT ON COLUMN member.entry.booked_at IS 'When it was recorded.';
COMMENT ON COLUMN member.entry.points IS 'What it moved in its wallet: the answer given then.';
COMMENT ON COLUMN member.entry.balance IS 'Usable points of that wallet after it: the answer given then.';
COMMENT ON COLUMN member.entry.ref IS 'Entry a refund or reversal refers to.';
COMMENT ON COLUMN member.entry.ref_part IS 'How much of that: minor units of a refund, points of a reversal.';
COMMENT ON COLUMN member.entry.kind IS 'purchase, refund, unrefund, event, earn, spend, reverse, tier, hold, capture, void, release, give, receive, adjust, reinstate; expire, settle and lapse are what time did, keep and reopen what an operation did beside.';
COMMENT ON COLUMN member.entry.delta IS 'Lots added and taken, over all wallets.';
COMMENT ON COLUMN member.entry.tier IS 'Level after it: the answer given then.';
COMMENT ON COLUMN member.entry.source IS 'Number of the purchase or refund, or what the caller names.';
COMMENT ON COLUMN member.entry.key IS 'Idempotency key; imported history has none.';
COMMENT ON COLUMN member.entry.digest IS 'Salted digest of the call''s arguments: the same key must come with the same.';
COMMENT ON COLUMN member.entry.hash IS 'SHA-256 over the hash before and this entry.';

CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON member.entry
    FOR EACH STATEMENT EXECUTE FUNCTION member_internal.refuse_change();
-- also where a session fires no ordinary triggers (session_replication_role)
ALTER TABLE member.entry ENABLE ALWAYS TRIGGER entry_append_only;

-- Points set apart: out of the book as a spend is, by the entry whose number names the hold.

CREATE TABLE member.hold (
    member_id bigint NOT NULL,
    hold_id   integer NOT NULL,
    wallet    smallint NOT NULL,
    closed_by integer,
    points    bigint NOT NULL CHECK (points > 0),
    held_at   timestamptz NOT NULL,
    lapses_at timestamptz,
    lots      member.lots NOT NULL,
    PRIMARY KEY (member_id, hold_id)
);
CREATE INDEX hold_open ON member.hold (member_id, lapses_at) WHERE closed_by IS NULL;
COMMENT ON TABLE member.hold IS 'Holds: points reserved until they are captured, voided or lapse. Right without a job: a hold past lapses_at counts as free, booked or not.';
COMMENT ON COLUMN member.hold.hold_id IS 'Number of the entry that made it.';
COMMENT ON COLUMN member.hold.closed_by IS 'Entry that captured or voided it, or booked its lapse; null: open.';
COMMENT ON COLUMN member.hold.lapses_at IS 'When it is over by itself; null: it stands until captured or voided.';
COMMENT ON COLUMN member.hold.lots IS 'The very lots held.';

-- Given from one member to another: the giver's entry and the receiver's.

CREATE TABLE member.transfer (
    member_id   bigint NOT NULL,
    entry_no    integer NOT NULL,
    peer        bigint NOT NULL,
    peer_entry  integer NOT NULL,
    points      bigint NOT NULL CHECK (points > 0),
    usable_from date NOT NULL,
    undone_by   integer,
    peer_undone_by integer,
    PRIMARY KEY (member_id, entry_no)
);
CREATE INDEX transfer_peer ON member.transfer (peer, peer_entry);
COMMENT ON TABLE member.transfer IS 'Points given from one member to another: two entries, one in each book, of one transaction.';
COMMENT ON COLUMN member.transfer.entry_no IS 'Entry of the giver: the points and the fee.';
COMMENT ON COLUMN member.transfer.peer_entry IS 'Entry of the receiver, the peer. Its key names giver and entry_no, so the chain holds the pair.';
COMMENT ON COLUMN member.transfer.points IS 'What was given, without the fee.';
COMMENT ON COLUMN member.transfer.usable_from IS 'First day the receiver can use the points: before it the transfer can be taken back.';
COMMENT ON COLUMN member.transfer.undone_by IS 'Entry of the giver that took it back; null: it stands.';
COMMENT ON COLUMN member.transfer.peer_undone_by IS 'Entry of the receiver that took it back.';

-- Corrections by hand that wait for a second actor, and what became of them.

CREATE TABLE member.adjustment (
    member_id     bigint NOT NULL,
    adjustment_no integer NOT NULL,
    wallet        smallint NOT NULL,
    points        bigint NOT NULL CHECK (points <> 0),
    until         date,
    source        text,
    reason        text NOT NULL,
    asked_by      text NOT NULL,
    asked_at      timestamptz NOT NULL,
    approved      boolean,
    decided_by    text CHECK (decided_by <> asked_by),
    decided_at    timestamptz,
    remark        text,
    entry_no      integer,
    PRIMARY KEY (member_id, adjustment_no),
    CHECK ((approved IS NULL) = (decided_by IS NULL) AND (entry_no IS NOT NULL) = coalesce(approved, false))
);
COMMENT ON TABLE member.adjustment IS 'Adjustments that were asked for: four eyes. Whoever asks can''t decide.';
COMMENT ON COLUMN member.adjustment.points IS 'To give, or negative to take.';
COMMENT ON COLUMN member.adjustment.approved IS 'Null: not decided yet.';
COMMENT ON COLUMN member.adjustment.entry_no IS 'Entry that booked it, if it was approved.';

-- Paid with points and money at once.

CREATE TABLE member.part_payment (
    member_id   bigint NOT NULL,
    entry_no    integer NOT NULL,
    spend_entry integer NOT NULL,
    points      bigint NOT NULL CHECK (points > 0),
    PRIMARY KEY (member_id, entry_no),
    UNIQUE (member_id, spend_entry)
);
COMMENT ON TABLE member.part_payment IS 'Purchases paid partly with points: refunds give these back in the same share as the money.';
COMMENT ON COLUMN member.part_payment.entry_no IS 'Entry of the purchase.';
COMMENT ON COLUMN member.part_payment.spend_entry IS 'Entry that spent the points.';

-- That the member is there: PIN, a code sent to them, and the pass given for either.

CREATE TABLE member.credential (
    member_id    bigint PRIMARY KEY,
    salt         bytea NOT NULL,
    pin          bytea,
    failures     smallint NOT NULL DEFAULT 0,
    locked_until timestamptz,
    code         bytea,
    code_until   timestamptz,
    pass         bytea,
    pass_until   timestamptz
);
COMMENT ON TABLE member.credential IS 'Slow hashes of PINs and codes, and of the pass that one of them gave. Read by nobody but the functions.';
COMMENT ON COLUMN member.credential.failures IS 'Wrong PINs and codes since the last right one; the fifth locks.';

-- Limits and budgets of awards: effective at once, as stock is; what is used is counted here.

CREATE TABLE member.points_limit (
    code    text PRIMARY KEY CHECK (code ~ '^[a-z_][a-z0-9_]{0,22}$'),
    source  text NOT NULL,
    wallet  text NOT NULL REFERENCES member.wallet (code),
    per     text NOT NULL CHECK (per IN ('member', 'member_day', 'member_month', 'member_year', 'all', 'all_day')),
    points  bigint NOT NULL CHECK (points > 0),
    slots   smallint NOT NULL DEFAULT 16 CHECK (slots BETWEEN 1 AND 256)
);
CREATE INDEX points_limit_source ON member.points_limit (source);
COMMENT ON TABLE member.points_limit IS 'How much points_earn() gives of a source: for each member, or in all (a budget), for ever or a day, month or year. Set by points_limit_set().';
COMMENT ON COLUMN member.points_limit.per IS 'member, member_day, member_month, member_year: each member''s own; all, all_day: of all members together.';
COMMENT ON COLUMN member.points_limit.slots IS 'Rows a budget is spread over, so that many who earn at once do not wait for one another.';

CREATE TABLE member.points_limit_use (
    member_id bigint NOT NULL,
    code      text NOT NULL,
    since     date NOT NULL,
    used      bigint NOT NULL,
    PRIMARY KEY (member_id, code, since)
);
COMMENT ON TABLE member.points_limit_use IS 'What members had of a limit in the period that began on the day since.';

CREATE TABLE member.points_limit_slot (
    code  text NOT NULL,
    since date NOT NULL,
    slot  smallint NOT NULL,
    used  bigint NOT NULL DEFAULT 0,
    room  bigint NOT NULL CHECK (room >= 0),
    PRIMARY KEY (code, since, slot)
) WITH (fillfactor = 50);
COMMENT ON TABLE member.points_limit_slot IS 'A budget in slots: what is used of each, and what room is left in it.';

-- Sums of the ledger up to a moment of booking; what was booked since is added when they are read.

CREATE TABLE member.points_rollup (
    month   date NOT NULL,
    wallet  smallint NOT NULL,
    kind    text NOT NULL,
    points  bigint NOT NULL,
    entries bigint NOT NULL,
    source  text NOT NULL DEFAULT '',
    PRIMARY KEY (month, wallet, kind, source)
);
COMMENT ON TABLE member.points_rollup IS 'Entries booked before points_rollup_mark.booked_before, summed up by the month they happened in, wallet, kind and source.';
COMMENT ON COLUMN member.points_rollup.source IS 'Of events, earning, spending and holds the source of the entry; empty: none, or of another kind. Name channels there, not numbers: a row for each.';

CREATE TABLE member.points_rollup_mark (
    one           boolean PRIMARY KEY DEFAULT true CHECK (one),
    booked_before timestamptz NOT NULL DEFAULT '-infinity',
    next_before   timestamptz,
    next_xid      xid8
);
COMMENT ON TABLE member.points_rollup_mark IS 'How far points_rollup reaches: one row, or none before the first run.';
COMMENT ON COLUMN member.points_rollup_mark.booked_before IS 'Entries booked before are in points_rollup, others are not.';
COMMENT ON COLUMN member.points_rollup_mark.next_before IS 'How far it is to reach next: as soon as every transaction older than next_xid is over.';
COMMENT ON COLUMN member.points_rollup_mark.next_xid IS 'The transaction that wrote next_before.';

CREATE TABLE member.chain_head (
    bucket      bigint NOT NULL,
    day         date NOT NULL,
    exported_at timestamptz NOT NULL,
    members     bigint[] NOT NULL,
    entries     integer[] NOT NULL,
    hashes      bytea[] NOT NULL,
    PRIMARY KEY (bucket, day)
);
-- out of line, but as they are: hashes can't be compressed, and trying takes longer than all else
ALTER TABLE member.chain_head ALTER members SET STORAGE EXTERNAL, ALTER entries SET STORAGE EXTERNAL, ALTER hashes SET STORAGE EXTERNAL;
COMMENT ON TABLE member.chain_head IS
    'Heads of the chains that moved since the export before, by 10 000 members: copy it elsewhere, and nobody can rewrite a tail unseen.';
COMMENT ON COLUMN member.chain_head.hashes IS 'First eight bytes of the hash of each head.';
