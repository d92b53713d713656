CREATE TABLE member.points_survival (
    wallet      smallint NOT NULL,
    level       smallint NOT NULL,
    cohort      date NOT NULL,
    months_left smallint NOT NULL,
    at_risk     bigint NOT NULL,
    spent       bigint NOT NULL,
    PRIMARY KEY (wallet, level, cohort, months_left)
);
COMMENT ON TABLE member.points_survival IS 'How points that expire are used, month by month until they do: made anew by the daily run once a month, of the months that are over.';
COMMENT ON COLUMN member.points_survival.level IS 'Level of the members in ladder 1 when it was made.';
COMMENT ON COLUMN member.points_survival.cohort IS 'First day of the last month the points are usable in.';
COMMENT ON COLUMN member.points_survival.months_left IS 'Months from the month counted to that month; 0: the last.';
COMMENT ON COLUMN member.points_survival.at_risk IS 'Points there were to spend: left at the month''s beginning, and issued in it, less those taken back.';
COMMENT ON COLUMN member.points_survival.spent IS 'Of these, spent in that month, or paid for debt.';

CREATE TABLE member.points_survival_mark (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    month date NOT NULL
);
COMMENT ON TABLE member.points_survival_mark IS 'Up to which month, exclusive, points_survival counts: one row, or none before the first run.';
