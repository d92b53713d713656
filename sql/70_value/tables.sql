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
    to_group   smallint NOT NULL,
    PRIMARY KEY (member_id, day)
);
COMMENT ON TABLE member.rfm_change IS 'Members whose RFM value group changed at a refresh; from_group null: scored for the first time.';
