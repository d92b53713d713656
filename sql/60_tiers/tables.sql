CREATE TABLE member.tier_ladder (
    ladder_id smallint PRIMARY KEY CHECK (ladder_id > 0),
    code      text NOT NULL UNIQUE CHECK (code ~ '^[a-z_][a-z0-9_]{0,22}$'),
    name      text NOT NULL
);
COMMENT ON TABLE member.tier_ladder IS 'Ladders of levels (draft). Number 1 is the main one.';

CREATE TABLE member.tier_level (
    ladder_id       smallint NOT NULL REFERENCES member.tier_ladder,
    level           smallint NOT NULL CHECK (level BETWEEN 0 AND 100),
    code            text NOT NULL CHECK (code ~ '^[a-z_][a-z0-9_]{0,22}$'),
    name            text NOT NULL,
    multiplier      numeric(7,3) NOT NULL DEFAULT 1 CHECK (multiplier BETWEEN 0 AND 1000),
    validity_months smallint CHECK (validity_months BETWEEN 1 AND 120),
    grace_days      smallint NOT NULL DEFAULT 0 CHECK (grace_days BETWEEN 0 AND 366),
    extend_months   smallint NOT NULL DEFAULT 0 CHECK (extend_months BETWEEN 0 AND 120),
    qualify         text,
    keep            text,
    PRIMARY KEY (ladder_id, level),
    UNIQUE (ladder_id, code)
);
COMMENT ON TABLE member.tier_level IS 'Levels of the ladders (draft), from 0.';
COMMENT ON COLUMN member.tier_level.multiplier IS 'Points of tiered earning rules are multiplied by it.';
COMMENT ON COLUMN member.tier_level.validity_months IS 'How long a level reached or kept is secured; null: for good.';
COMMENT ON COLUMN member.tier_level.grace_days IS 'Days after that in which the keep rule may still be met.';
COMMENT ON COLUMN member.tier_level.extend_months IS 'Months that spendable points earned at this level last longer.';
COMMENT ON COLUMN member.tier_level.qualify IS 'Rule to reach it: spend(12mo) >= 500, orders(30d) >= 4 or max_order(30d) >= 50 …';
COMMENT ON COLUMN member.tier_level.keep IS 'Rule to keep it at review; null: the qualify rule.';

CREATE TABLE member.tier_change (
    member_id       bigint NOT NULL,
    change_no       integer NOT NULL,
    ladder_id       smallint NOT NULL,
    from_level      smallint NOT NULL,
    to_level        smallint NOT NULL,
    day             date NOT NULL,
    until           date,
    kind            text NOT NULL CHECK (kind IN ('rise', 'keep', 'fall')),
    entry_no        integer,
    program_version integer NOT NULL,
    reason          text NOT NULL,
    booked_at       timestamptz NOT NULL,
    PRIMARY KEY (member_id, change_no)
);
COMMENT ON TABLE member.tier_change IS 'Every decision on a level with its conditions, their values and the program version.';
COMMENT ON COLUMN member.tier_change.change_no IS 'Numbered per member in the order decided.';
COMMENT ON COLUMN member.tier_change.entry_no IS 'Entry that qualified; null: a review.';
COMMENT ON COLUMN member.tier_change.until IS 'First day the level is no longer secured; null: for good.';
