CREATE TABLE member.value_setting (
    one             boolean PRIMARY KEY DEFAULT true CHECK (one),
    rfm_bins        integer[] NOT NULL DEFAULT '{5,5,5}' CHECK (cardinality(rfm_bins) = 3 AND 1 <= ALL (rfm_bins) AND 99 >= ALL (rfm_bins)),
    rfm_cuts        member.rfm_cuts,
    horizon_days    integer NOT NULL DEFAULT 365 CHECK (horizon_days BETWEEN 1 AND 3650),
    discount        numeric(5,4) NOT NULL DEFAULT 0.10 CHECK (discount BETWEEN 0 AND 9),
    margin          numeric(5,4) NOT NULL DEFAULT 1 CHECK (margin BETWEEN 0 AND 1),
    interval_factor numeric(5,2) NOT NULL DEFAULT 1 CHECK (interval_factor > 0),
    silent_days     integer NOT NULL DEFAULT 30 CHECK (silent_days > 0),
    idle_days       integer NOT NULL DEFAULT 15 CHECK (idle_days > 0),
    p_alive_below   numeric(4,3) NOT NULL DEFAULT 0.5 CHECK (p_alive_below BETWEEN 0 AND 1),
    new_days        integer NOT NULL DEFAULT 30 CHECK (new_days > 0),
    slip_factor     numeric(5,2) NOT NULL DEFAULT 1.5 CHECK (slip_factor > 0),
    slip_days       integer NOT NULL DEFAULT 30 CHECK (slip_days > 0),
    dormant_days    integer NOT NULL DEFAULT 90 CHECK (dormant_days > slip_days),
    lost_days       integer NOT NULL DEFAULT 180 CHECK (lost_days > dormant_days)
);
COMMENT ON TABLE member.value_setting IS 'Settings of RFM, value, churn and life cycle: one row. They count at once, but for RFM from the next refresh.';
COMMENT ON COLUMN member.value_setting.rfm_bins IS 'Scores of recency, frequency and monetary value, 1 to 99 each.';
COMMENT ON COLUMN member.value_setting.rfm_cuts IS 'Own thresholds, as rfm_cuts(…) makes them; null: by rank, in rfm_bins.';
COMMENT ON COLUMN member.value_setting.horizon_days IS 'Days ahead that purchases are expected and value is counted in.';
COMMENT ON COLUMN member.value_setting.discount IS 'Yearly rate at which later money is worth less: 0.10 is 10 %.';
COMMENT ON COLUMN member.value_setting.margin IS 'Share of the spend that is profit: 1 values members by spend.';
COMMENT ON COLUMN member.value_setting.interval_factor IS 'Sign of churn 消费间隔超过平均值: so many times its own mean interval without a purchase.';
COMMENT ON COLUMN member.value_setting.silent_days IS 'Sign of churn: so many days without a purchase.';
COMMENT ON COLUMN member.value_setting.idle_days IS 'Sign of churn: so many days without any event.';
COMMENT ON COLUMN member.value_setting.p_alive_below IS 'Sign of churn: less likely to buy again than this.';
COMMENT ON COLUMN member.value_setting.new_days IS 'Stage new 新客: less than so many days after the first purchase.';
COMMENT ON COLUMN member.value_setting.slip_factor IS 'Stage slipping 流失预警: so many times its own mean interval without a purchase …';
COMMENT ON COLUMN member.value_setting.slip_days IS '… and so many days at least; who bought on one day only by these.';
COMMENT ON COLUMN member.value_setting.dormant_days IS 'Stage dormant 沉默: so many days without a purchase.';
COMMENT ON COLUMN member.value_setting.lost_days IS 'Stage lost 流失: so many days without a purchase.';
INSERT INTO member.value_setting DEFAULT VALUES;

CREATE TABLE member.rfm_action (
    sort   text NOT NULL,
    number smallint NOT NULL,
    action text NOT NULL,
    PRIMARY KEY (sort, number),
    CHECK (CASE sort WHEN 'strategy_group' THEN number BETWEEN 0 AND 4 WHEN 'value_group' THEN number BETWEEN 1 AND 8
                     WHEN 'segment' THEN number BETWEEN 1 AND 10 ELSE false END)
);
COMMENT ON TABLE member.rfm_action IS 'What is done for the members of each RFM group or segment 分组策略.';
COMMENT ON COLUMN member.rfm_action.sort IS 'strategy_group, value_group or segment.';
COMMENT ON COLUMN member.rfm_action.number IS 'Number of the group or segment; strategy group 0: the rest.';
COMMENT ON COLUMN member.rfm_action.action IS 'The action in words.';

CREATE TABLE member.rfm_run (
    day     date PRIMARY KEY,
    bins    integer[] NOT NULL,
    members bigint NOT NULL,
    cuts    member.rfm_cuts NOT NULL,
    made_at timestamptz NOT NULL
);
COMMENT ON TABLE member.rfm_run IS 'RFM cuts of each refresh. Scores are not stored: rfm_score(cuts, …) of the state gives them.';

CREATE TABLE member.rfm_change (
    member_id  bigint NOT NULL,
    day        date NOT NULL,
    from_group smallint,
    to_group   smallint,
    PRIMARY KEY (member_id, day)
);
COMMENT ON TABLE member.rfm_change IS 'Members whose RFM value group changed at a refresh. So the group on a day is that of the last row up to it.';
COMMENT ON COLUMN member.rfm_change.from_group IS 'Null: it had none.';
COMMENT ON COLUMN member.rfm_change.to_group IS 'Null: no purchase in 365 days any more.';

CREATE TABLE member.value_run (
    day             date PRIMARY KEY,
    model           member.value_model NOT NULL,
    standard_errors double precision[] NOT NULL,
    members         bigint NOT NULL,
    repeat_members  bigint NOT NULL,
    repeats         bigint NOT NULL,
    log_likelihood  double precision NOT NULL,
    iterations      integer NOT NULL,
    gradient        double precision NOT NULL,
    converged       boolean NOT NULL,
    spend_log_likelihood double precision,
    spend_iterations integer,
    spend_gradient  double precision,
    spend_converged boolean NOT NULL,
    grain_days      integer NOT NULL,
    program_version integer NOT NULL,
    made_at         timestamptz NOT NULL
);
COMMENT ON TABLE member.value_run IS 'Fits of the value models. The last that converged up to a day is in force on it; values are not stored: p_alive, expected_purchases and clv of the model and the state give them.';
COMMENT ON COLUMN member.value_run.day IS 'Day up to which purchases counted.';
COMMENT ON COLUMN member.value_run.standard_errors IS 'Of r, alpha, a, b, p, q, gamma, in the units of the model; NaN: not known.';
COMMENT ON COLUMN member.value_run.members IS 'Members that had bought.';
COMMENT ON COLUMN member.value_run.repeat_members IS 'Of these, on a second day too.';
COMMENT ON COLUMN member.value_run.repeats IS 'Days with a purchase after the first, of them all.';
COMMENT ON COLUMN member.value_run.log_likelihood IS 'Of BG/NBD, time in days.';
COMMENT ON COLUMN member.value_run.iterations IS 'Steps of Newton''s method.';
COMMENT ON COLUMN member.value_run.gradient IS 'Length of the gradient by the logarithms of the parameters, at the end.';
COMMENT ON COLUMN member.value_run.converged IS 'Whether BG/NBD has a maximum here; if not, the run is not used.';
COMMENT ON COLUMN member.value_run.spend_log_likelihood IS 'Of Gamma-Gamma, money in minor units; null: nobody spent twice.';
COMMENT ON COLUMN member.value_run.spend_converged IS 'Whether Gamma-Gamma has a maximum; if not, the model has none of spend, and there is no clv.';
COMMENT ON COLUMN member.value_run.grain_days IS 'Days that times were rounded to: 1 is not at all.';
COMMENT ON COLUMN member.value_run.program_version IS 'Program version in force when it was made.';

CREATE TABLE member.stage_change (
    member_id  bigint NOT NULL,
    day        date NOT NULL,
    from_stage smallint,
    to_stage   smallint NOT NULL,
    PRIMARY KEY (member_id, day)
);
COMMENT ON TABLE member.stage_change IS 'Members whose life-cycle stage changed at a refresh. So the stage on a day is that of the last row up to it.';
COMMENT ON COLUMN member.stage_change.from_stage IS 'Null: the first that was told.';
COMMENT ON COLUMN member.stage_change.to_stage IS 'Number of the stage: lifecycle_stage_name() has the names.';
