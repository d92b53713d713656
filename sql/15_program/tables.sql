CREATE TABLE member.program_version (
    version      integer PRIMARY KEY,
    published_at timestamptz NOT NULL,
    published_by text NOT NULL DEFAULT session_user,
    note         text NOT NULL,
    program      member.program NOT NULL,
    ruleset      member.ruleset NOT NULL DEFAULT 'empty',
    catalog      jsonb NOT NULL
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE member.program_version IS 'Every published version, immutable. Awards and decisions name theirs.';
COMMENT ON COLUMN member.program_version.ruleset IS 'The rules of tags, compiled, each under the number of its tag.';
COMMENT ON COLUMN member.program_version.program IS 'The compiled program; its text form reads as one statement a part.';
COMMENT ON COLUMN member.program_version.catalog IS 'The rows of the catalog it was made from, by table; program_export() gives them by names.';
