CREATE TABLE member.job_run (
    job         text NOT NULL,
    day         date NOT NULL,
    stage       text NOT NULL DEFAULT 'due',
    position    bigint NOT NULL DEFAULT 0,
    done        bigint NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL,
    beat_at     timestamptz NOT NULL,
    finished_at timestamptz,
    pid         integer NOT NULL,
    program_version integer,
    PRIMARY KEY (job, day)
);
COMMENT ON TABLE member.job_run IS 'Progress of scheduled work: a run that was killed goes on from position.';
COMMENT ON COLUMN member.job_run.stage IS 'What it is at: due, streams, levels, value, tags, heads, done.';
COMMENT ON COLUMN member.job_run.position IS 'Last member of the last batch that was committed.';
COMMENT ON COLUMN member.job_run.done IS 'Members brought forward.';
COMMENT ON COLUMN member.job_run.pid IS 'Backend that runs it; when it is gone another takes over.';
COMMENT ON COLUMN member.job_run.program_version IS 'The version by whose rules all levels are decided once the stage levels is over.';
