CREATE TABLE member.stream (
    stream_id   smallint PRIMARY KEY CHECK (stream_id > 0),
    code        text NOT NULL UNIQUE CHECK (code ~ '^[a-z_][a-z0-9_]{0,22}$'),
    name        text NOT NULL,
    purchases   boolean NOT NULL DEFAULT false,
    keep_days   smallint NOT NULL DEFAULT 400 CHECK (keep_days BETWEEN 31 AND 10000),
    keep_months smallint NOT NULL DEFAULT 24 CHECK (keep_months BETWEEN 0 AND 1200),
    of          text NOT NULL DEFAULT 'event' CHECK (of IN ('purchase', 'line', 'event', 'refund', 'spend')),
    rule        text CHECK (rule !~ '[{}]'),
    amount      text CHECK (amount !~ '[{}]'),
    CHECK (NOT purchases OR of = 'purchase' AND rule IS NULL AND amount IS NULL)
);
COMMENT ON TABLE member.stream IS 'Streams of activity (draft): what is counted of each member by day. One event may feed many.';
COMMENT ON COLUMN member.stream.code IS 'Its name in rules; of a stream of events without a rule also the kind of event that feeds it.';
COMMENT ON COLUMN member.stream.purchases IS 'The one that stands for buying: all purchases feed it; spend(), orders() and RFM are of it.';
COMMENT ON COLUMN member.stream.of IS 'What may feed it: purchase, line of a purchase, event, refund, or spend of points. What is refunded or reversed is taken back from the first two and the last.';
COMMENT ON COLUMN member.stream.rule IS 'Which of these do: a rule on the event at hand, event.kind, event.category, event.amount …; null: all, of events the kind that is its code.';
COMMENT ON COLUMN member.stream.amount IS 'What is summed up: an expression such as event.discount or event.seconds; null: the amount paid, given back or spent, or the value of the event.';
COMMENT ON COLUMN member.stream.keep_days IS 'Days kept one by one, then by month for keep_months, then as one total.';

CREATE TABLE member.stream_unfilled (
    stream_id       smallint PRIMARY KEY,
    program_version integer NOT NULL,
    position        bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE member.stream_unfilled IS 'Published streams that what happened before is not counted in yet.';
COMMENT ON COLUMN member.stream_unfilled.stream_id IS 'The stream.';
COMMENT ON COLUMN member.stream_unfilled.program_version IS 'The version that added or changed it.';
COMMENT ON COLUMN member.stream_unfilled.position IS 'Last member it was counted for.';

CREATE TABLE member.stream_fill (
    member_id       bigint NOT NULL,
    filled_at       timestamptz NOT NULL,
    fill_no         integer NOT NULL,
    entry_no        integer NOT NULL,
    program_version integer NOT NULL,
    streams         smallint[] NOT NULL,
    PRIMARY KEY (member_id, fill_no)
);
COMMENT ON TABLE member.stream_fill IS 'When streams of a member were counted from its history, for replay; members of whom nothing changed are left out.';
COMMENT ON COLUMN member.stream_fill.member_id IS 'The member.';
COMMENT ON COLUMN member.stream_fill.filled_at IS 'When it was counted.';
COMMENT ON COLUMN member.stream_fill.fill_no IS 'Number among the member''s fills, from 1.';
COMMENT ON COLUMN member.stream_fill.streams IS 'The streams that were counted.';
COMMENT ON COLUMN member.stream_fill.entry_no IS 'The last entry that was counted.';
COMMENT ON COLUMN member.stream_fill.program_version IS 'The version whose rules said what feeds them.';

CREATE TABLE member.category (
    category_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        text NOT NULL UNIQUE
);
COMMENT ON TABLE member.category IS 'Categories events are counted by in runs; known once an event named them.';

-- Keyed by its number as member.identity is by its value: unique across members. A member's purchases are found
-- through its entries, whose source is the number.
CREATE TABLE member.purchase (
    member_id   bigint NOT NULL,
    at          timestamptz NOT NULL,
    entry_no    integer NOT NULL,
    purchase_no text COLLATE "C" PRIMARY KEY,
    amount      numeric(14,2) NOT NULL,
    refunded    numeric(14,2) NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    store       text,
    channel     text,
    attributes  jsonb
);
COMMENT ON TABLE member.purchase IS 'Purchases, by their number, which is unique across members.';
COMMENT ON COLUMN member.purchase.entry_no IS 'Its entry in the member''s ledger.';
COMMENT ON COLUMN member.purchase.amount IS 'Paid, net of freight, coupon and points part: what earns.';
COMMENT ON COLUMN member.purchase.refunded IS 'Given back of it so far.';

CREATE TABLE member.purchase_line (
    member_id     bigint NOT NULL,
    entry_no      integer NOT NULL,
    line_no       smallint NOT NULL,
    product       text NOT NULL,
    category      text,
    quantity      numeric(12,3) NOT NULL CHECK (quantity > 0),
    amount        numeric(14,2) NOT NULL CHECK (amount >= 0),
    list_amount   numeric(14,2),
    refunded      numeric(14,2) NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    PRIMARY KEY (member_id, entry_no, line_no)
);
COMMENT ON TABLE member.purchase_line IS 'Lines of purchases; their amounts add up to the purchase.';
COMMENT ON COLUMN member.purchase_line.amount IS 'Paid for the line.';
COMMENT ON COLUMN member.purchase_line.list_amount IS 'At list price.';

CREATE TABLE member.refund (
    member_id   bigint NOT NULL,
    purchase    integer NOT NULL,
    refund_no   text NOT NULL,
    entry_no    integer NOT NULL,
    at          timestamptz NOT NULL,
    amount      numeric(14,2) NOT NULL CHECK (amount > 0),
    lines       smallint[],
    reason      text,
    undone_by   integer,
    PRIMARY KEY (member_id, purchase, refund_no)
);
COMMENT ON TABLE member.refund IS 'Refunds of purchases, whole, partial or by line.';
COMMENT ON COLUMN member.refund.purchase IS 'Entry of the purchase.';
COMMENT ON COLUMN member.refund.undone_by IS 'Entry that took it back; null: it stands.';
COMMENT ON COLUMN member.refund.lines IS 'Numbers of the lines it gives back; null: by amount.';

CREATE TABLE member.event (
    member_id  bigint NOT NULL,
    at         timestamptz NOT NULL,
    value      numeric(14,2),
    entry_no   integer NOT NULL,
    kind       text NOT NULL,
    category   text,
    attributes jsonb,
    PRIMARY KEY (member_id, entry_no)
);
COMMENT ON TABLE member.event IS 'What members did besides buying: sign-in, click, read, share.';

CREATE TABLE member.store (
    store     text PRIMARY KEY CHECK (length(store) BETWEEN 1 AND 100),
    name      text NOT NULL,
    latitude  double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    CHECK ((latitude IS NULL) = (longitude IS NULL))
);
COMMENT ON TABLE member.store IS 'Stores with their position, by the code purchases name them by. Purchases may name stores that are not here.';
COMMENT ON COLUMN member.store.latitude IS 'Degrees north, WGS 84; null: unknown.';
COMMENT ON COLUMN member.store.longitude IS 'Degrees east.';
