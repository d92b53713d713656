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
    seconds     jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (job, day)
);
COMMENT ON TABLE member.job_run IS 'Progress of scheduled work: a run that was killed goes on from position.';
COMMENT ON COLUMN member.job_run.stage IS 'What it is at: due, rest, streams, levels, value, tags, heads, done.';
COMMENT ON COLUMN member.job_run.position IS 'How far the batches that were committed came in the stage: due: block of member.state; else last member.';
COMMENT ON COLUMN member.job_run.done IS 'Members brought forward.';
COMMENT ON COLUMN member.job_run.pid IS 'Backend that runs it; when it is gone another takes over.';
COMMENT ON COLUMN member.job_run.program_version IS 'The version by whose rules all levels are decided once the stage levels is over.';
COMMENT ON COLUMN member.job_run.seconds IS 'How long each stage took so far, by its name.';
