CREATE TABLE member.tier_ladder (
    ladder_id smallint PRIMARY KEY CHECK (ladder_id > 0),
    code      text NOT NULL UNIQUE CHECK (code ~ '^[a-z_][a-z0-9_]{0,22}$'),
    name      text NOT NULL,
    validity  text NOT NULL DEFAULT 'rolling' CHECK (validity IN ('rolling', 'calendar', 'anniversary')),
    fall      text NOT NULL DEFAULT 'step' CHECK (fall IN ('step', 'qualified', 'soft')),
    refund    text NOT NULL DEFAULT 'review' CHECK (refund IN ('review', 'now')),
    warn_days smallint NOT NULL DEFAULT 30 CHECK (warn_days BETWEEN 0 AND 366),
    reference_spend numeric(14,2) NOT NULL DEFAULT 3000 CHECK (reference_spend > 0),
    budget_share numeric(5,4) NOT NULL DEFAULT 0.30 CHECK (budget_share BETWEEN 0 AND 1)
);
COMMENT ON TABLE member.tier_ladder IS 'Ladders of levels (draft). Number 1 is the main one; the rules of a ladder may ask for the level of ladders with lower numbers.';
COMMENT ON COLUMN member.tier_ladder.validity IS 'rolling: validity_months from the day a level is reached; calendar, anniversary: and on to the end of the calendar period of so many months, or of the one counted from entering the ladder.';
COMMENT ON COLUMN member.tier_ladder.fall IS 'Who does not keep a level falls one step; or to the highest level she is still qualified for; or softly: one step for one more validity, then to what she is qualified for.';
COMMENT ON COLUMN member.tier_ladder.refund IS 'A refund or reversal by which the keep rule no longer holds costs the level now, or at its review.';
COMMENT ON COLUMN member.tier_ladder.warn_days IS 'So many days before a level ends a member who would not keep it is told what is missing (template tier_warn); 0: not.';
COMMENT ON COLUMN member.tier_ladder.reference_spend IS 'Yearly spend, yuan, at which the worth of its levels is compared.';
COMMENT ON COLUMN member.tier_ladder.budget_share IS 'Share of all cost of the ladder that one level may take.';

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
    lose            text,
    rollover        boolean NOT NULL DEFAULT false,
    archived        boolean NOT NULL DEFAULT false,
    share_low       numeric(5,2) CHECK (share_low BETWEEN 0 AND 100),
    share_high      numeric(5,2) CHECK (share_high BETWEEN 0 AND 100),
    PRIMARY KEY (ladder_id, level),
    UNIQUE (ladder_id, code)
);
COMMENT ON TABLE member.tier_level IS 'Levels of the ladders (draft), from 0.';
COMMENT ON COLUMN member.tier_level.multiplier IS 'Points of tiered earning rules are multiplied by it.';
COMMENT ON COLUMN member.tier_level.validity_months IS 'How long a level reached or kept is secured; null: for good.';
COMMENT ON COLUMN member.tier_level.grace_days IS 'Days after that in which the keep rule may still be met.';
COMMENT ON COLUMN member.tier_level.extend_months IS 'Months that spendable points earned at this level last longer.';
COMMENT ON COLUMN member.tier_level.qualify IS 'Rule to reach it, in the rule language: spend(12mo) >= 500, orders(30d) >= 4 or max_order(30d) >= 50 …';
COMMENT ON COLUMN member.tier_level.keep IS 'Rule to keep it at review 保级; null: the qualify rule.';
COMMENT ON COLUMN member.tier_level.lose IS 'Rule that costs it one step before its end, on the day it comes to hold: falling_months(orders) >= 3.';
COMMENT ON COLUMN member.tier_level.rollover IS 'What the figure of the keep rule has above its bound counts at the next review, too.';
COMMENT ON COLUMN member.tier_level.archived IS 'It can''t be reached any more; who has it keeps it by its rules. Levels once published are never deleted.';
COMMENT ON COLUMN member.tier_level.share_low IS 'Percent of the members that should hold it at least; null: no bound. Read when used.';
COMMENT ON COLUMN member.tier_level.share_high IS 'Percent of the members that should hold it at most; null: no bound. Read when used.';

CREATE TABLE member.tier_fast (
    ladder_id   smallint NOT NULL,
    level       smallint NOT NULL CHECK (level > 0),
    sale        text NOT NULL,
    sale_since  date NOT NULL,
    sale_until  date NOT NULL CHECK (sale_until > sale_since),
    days_before smallint NOT NULL DEFAULT 0 CHECK (days_before BETWEEN 0 AND 366),
    qualify     text NOT NULL,
    PRIMARY KEY (ladder_id, level, sale),
    FOREIGN KEY (ladder_id, level) REFERENCES member.tier_level
);
COMMENT ON TABLE member.tier_fast IS 'Faster ways to a level 加速升级 around a sale (draft): from days_before its begin until its end another rule qualifies, too.';
COMMENT ON COLUMN member.tier_fast.sale IS 'Its name, for example 双11.';
COMMENT ON COLUMN member.tier_fast.sale_until IS 'First day after it.';
COMMENT ON COLUMN member.tier_fast.qualify IS 'The rule, in the rule language.';

CREATE TABLE member.tier_change (
    member_id       bigint NOT NULL,
    change_no       integer NOT NULL,
    ladder_id       smallint NOT NULL,
    from_level      smallint NOT NULL,
    to_level        smallint NOT NULL,
    day             date NOT NULL,
    until           date,
    kind            text NOT NULL CHECK (kind IN ('rise', 'keep', 'fall', 'set', 'end')),
    entry_no        integer,
    program_version integer NOT NULL,
    reason          text NOT NULL,
    booked_at       timestamptz NOT NULL,
    PRIMARY KEY (member_id, change_no)
);
COMMENT ON TABLE member.tier_change IS 'Every decision on a level with its conditions, their values and the program version. Levels are those that count, granted ones included.';
COMMENT ON COLUMN member.tier_change.kind IS 'rise, keep, fall; set and end of a level granted by hand.';
COMMENT ON COLUMN member.tier_change.change_no IS 'Numbered per member in the order decided.';
COMMENT ON COLUMN member.tier_change.entry_no IS 'Entry that qualified, or granted it; null: time, or new rules.';
COMMENT ON COLUMN member.tier_change.until IS 'First day the level is no longer secured; null: for good.';

CREATE TABLE member.benefit (
    code         text PRIMARY KEY CHECK (code ~ '^[a-z_][a-z0-9_]{0,22}$'),
    name         text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('discount', 'birthday_gift', 'free_shipping', 'free_return', 'service', 'trial', 'event_seat',
                                               'health_check', 'early_access', 'no_queue', 'live_priority', 'mark', 'coupon', 'other')),
    unit_value   numeric(14,2) NOT NULL DEFAULT 0 CHECK (unit_value >= 0),
    unit_cost    numeric(14,2) NOT NULL DEFAULT 0 CHECK (unit_cost >= 0),
    expected_uses numeric(8,2) NOT NULL DEFAULT 0 CHECK (expected_uses >= 0)
);
COMMENT ON TABLE member.benefit IS 'Benefits 权益 that levels may have. Read when used; needs no publishing.';
COMMENT ON COLUMN member.benefit.kind IS 'discount 折扣, birthday_gift 生日礼, free_shipping 包邮, free_return 免费退换, service 专属客服, trial 新品试用, event_seat 活动名额, health_check 体检, early_access 提前购, no_queue 免排队, live_priority 直播优先, mark 专属标识, coupon 礼券, other.';
COMMENT ON COLUMN member.benefit.unit_value IS 'Worth of one use to the member, yuan; of a discount nothing: it is a share of what is spent.';
COMMENT ON COLUMN member.benefit.unit_cost IS 'Cost of one use, yuan; of a discount nothing.';
COMMENT ON COLUMN member.benefit.expected_uses IS 'Expected uses a member and year, as far as the quota allows.';

CREATE TABLE member.tier_benefit (
    ladder_id smallint NOT NULL,
    level     smallint NOT NULL,
    benefit   text NOT NULL REFERENCES member.benefit (code),
    quota     integer CHECK (quota > 0),
    period    text NOT NULL DEFAULT 'year' CHECK (period IN ('month', 'quarter', 'year')),
    discount  numeric(5,4) CHECK (discount > 0 AND discount < 1),
    shown     text NOT NULL DEFAULT '✓',
    PRIMARY KEY (ladder_id, level, benefit),
    FOREIGN KEY (ladder_id, level) REFERENCES member.tier_level
);
COMMENT ON TABLE member.tier_benefit IS 'Which level has which benefit.';
COMMENT ON COLUMN member.tier_benefit.quota IS 'Uses a calendar period; null: without limit.';
COMMENT ON COLUMN member.tier_benefit.discount IS 'Of a discount: the part of the price that is given off, 0.05 for 九五折.';
COMMENT ON COLUMN member.tier_benefit.shown IS 'What the comparison table 权益对比表 says.';

CREATE TABLE member.benefit_use (
    member_id bigint NOT NULL,
    use_no    integer NOT NULL,
    benefit   text NOT NULL,
    ladder_id smallint NOT NULL,
    level     smallint NOT NULL,
    at        timestamptz NOT NULL,
    booked_at timestamptz NOT NULL,
    source    text,
    actor     text,
    key       text,
    PRIMARY KEY (member_id, use_no)
);
CREATE UNIQUE INDEX benefit_use_key ON member.benefit_use (member_id, key) WHERE key IS NOT NULL;
COMMENT ON TABLE member.benefit_use IS 'Each use of a benefit, with the level that gave it.';
COMMENT ON COLUMN member.benefit_use.use_no IS 'Numbered per member.';
COMMENT ON COLUMN member.benefit_use.source IS 'What it was used for, as the caller names it.';
COMMENT ON COLUMN member.benefit_use.key IS 'Idempotency key of the call.';
