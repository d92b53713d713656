CREATE TABLE member.message_template (
    code      text PRIMARY KEY CHECK (code ~ '^[a-z_][a-z0-9_]{0,22}$'),
    class     text NOT NULL CHECK (class IN ('benefit', 'invitation', 'service')),
    marketing boolean NOT NULL DEFAULT false,
    channels  text[] NOT NULL,
    body      text NOT NULL,
    enabled   boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE member.message_template IS 'Message templates: benefit ≤ 100 characters, invitation ≤ 150, service ≤ 50, with every variable at its longest.';
COMMENT ON COLUMN member.message_template.channels IS 'In order of preference: template, subscription, service, mass, work, sms, mail, popup.';

CREATE TABLE member.outbox (
    member_id     bigint NOT NULL,
    dedupe        text NOT NULL,
    outbox_id     bigint GENERATED ALWAYS AS IDENTITY,
    queued_at     timestamptz NOT NULL,
    not_before    timestamptz NOT NULL,
    claimed_until timestamptz,
    done_at       timestamptz,
    attempts      smallint NOT NULL DEFAULT 0,
    marketing     boolean NOT NULL,
    template      text NOT NULL,
    class         text NOT NULL,
    body          text NOT NULL,
    vars          jsonb NOT NULL,
    claimed_by    text,
    result        text,
    PRIMARY KEY (member_id, dedupe)
);
CREATE INDEX outbox_open ON member.outbox (outbox_id) WHERE done_at IS NULL;
COMMENT ON TABLE member.outbox IS 'Messages to send, queued in the transaction that caused them.';
COMMENT ON COLUMN member.outbox.dedupe IS 'What it is about: the same is queued once.';
COMMENT ON COLUMN member.outbox.done_at IS 'When it was sent or given up; null: open.';
COMMENT ON COLUMN member.outbox.result IS 'sent, retry or failed, with the sender''s words.';
