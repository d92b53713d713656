-- One row that says what this program is. Tables that other domains add refer to nothing here.

CREATE TABLE member.setting (
    one             boolean PRIMARY KEY DEFAULT true CHECK (one),
    layout          integer NOT NULL,
    preset          text NOT NULL,
    program_version integer,
    zone            text NOT NULL DEFAULT 'Asia/Shanghai',
    brand           text NOT NULL DEFAULT '',
    reminders       smallint[] NOT NULL DEFAULT '{30,15,3}' CHECK (cardinality(reminders) <= 4),
    cost_per_point  numeric(12,6) NOT NULL DEFAULT 0.05 CHECK (cost_per_point >= 0),
    face_value      numeric(12,6) NOT NULL DEFAULT 0.10 CHECK (face_value >= 0),
    limited_sources text[] NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE member.setting IS 'Settings of the program: one row. Changes count after member.publish().';
COMMENT ON COLUMN member.setting.layout IS 'Layout of the tables; member.migrate() brings it to what the code needs.';
COMMENT ON COLUMN member.setting.program_version IS 'The published version in force.';
COMMENT ON COLUMN member.setting.zone IS 'Time zone whose days count; fixed after the first entry.';
COMMENT ON COLUMN member.setting.reminders IS 'Days before expiry on which members are reminded.';
COMMENT ON COLUMN member.setting.cost_per_point IS 'Cost of a point, yuan: liability and ROI.';
COMMENT ON COLUMN member.setting.limited_sources IS 'Sources of awards that points_limit limits, where each write sees them; points_limit_set() keeps it.';
COMMENT ON COLUMN member.setting.face_value IS 'Worth of a point to the member, yuan.';

CREATE TABLE member.verb (
    verb      text PRIMARY KEY,
    back_days integer NOT NULL CHECK (back_days >= 0)
);
COMMENT ON TABLE member.verb IS 'How many days back the app role may date each writing verb; admins are not bound.';
