CREATE OR REPLACE FUNCTION member.outbox_claim(worker text, max_rows integer DEFAULT 100, lease interval DEFAULT '5 minutes')
RETURNS TABLE (outbox_id bigint, member_id bigint, template text, class text, marketing boolean, channels text[],
               body text, vars jsonb, attempts smallint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    present CONSTANT timestamptz := member.now();
BEGIN
    PERFORM member_internal.require_ready();
    IF (worker <> '' AND max_rows BETWEEN 1 AND 10000 AND lease > interval '0') IS NOT TRUE THEN
        PERFORM member_internal.refuse('MB502', 'invalid arguments of outbox_claim',
            'A worker has a name, claims 1 to 10000 rows and a positive lease.');
    END IF;
    RETURN QUERY
        WITH open AS (
            SELECT o.member_id, o.dedupe FROM member.outbox o
            WHERE o.done_at IS NULL AND o.not_before <= present
              AND (o.claimed_until IS NULL OR o.claimed_until <= present)
            ORDER BY o.outbox_id LIMIT max_rows
            FOR UPDATE SKIP LOCKED
        )
        UPDATE member.outbox o
        SET claimed_by = worker, claimed_until = present + lease, attempts = o.attempts + 1
        FROM open
        WHERE o.member_id = open.member_id AND o.dedupe = open.dedupe
        RETURNING o.outbox_id, o.member_id, o.template, o.class, o.marketing,
            (SELECT t.channels FROM member.message_template t WHERE t.code = o.template), o.body, o.vars, o.attempts;
END
$$;
COMMENT ON FUNCTION member.outbox_claim(text, integer, interval) IS
    'Claims up to max_rows open messages for a worker, oldest first; after the lease others may claim what was not acknowledged. Several workers never get the same row. Errors: MB502.';

CREATE OR REPLACE FUNCTION member.outbox_ack(id bigint, result text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    present CONSTANT timestamptz := member.now();
    word CONSTANT text := split_part(result, ':', 1);
    o record;
BEGIN
    PERFORM member_internal.require_ready();
    IF word IS NULL OR word NOT IN ('sent', 'retry', 'failed') THEN
        PERFORM member_internal.refuse('MB502', format('unknown result "%s"', result),
            hint => 'sent, retry or failed; after a colon what the channel said.');
    END IF;
    SELECT m.member_id, m.dedupe, m.attempts, m.done_at INTO o
    FROM member.outbox m WHERE m.outbox_id = outbox_ack.id AND m.done_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        IF NOT EXISTS (SELECT FROM member.outbox m WHERE m.outbox_id = outbox_ack.id) THEN
            PERFORM member_internal.refuse('MB602', format('unknown message %s', id));
        END IF;
        RETURN false;
    END IF;
    -- Retries wait 1, 2, 4 … minutes; the tenth failure is the last.
    UPDATE member.outbox m
    SET done_at = CASE WHEN word <> 'retry' OR m.attempts >= 10 THEN present END,
        not_before = CASE WHEN word = 'retry' THEN present + interval '1 minute' * power(2, m.attempts - 1) ELSE m.not_before END,
        claimed_until = NULL,
        result = CASE WHEN word = 'retry' AND m.attempts >= 10 THEN 'failed: given up after 10 attempts' ELSE outbox_ack.result END
    WHERE m.member_id = o.member_id AND m.dedupe = o.dedupe;
    RETURN true;
END
$$;
COMMENT ON FUNCTION member.outbox_ack(bigint, text) IS
    'Says what became of a claimed message: sent, failed, or retry (again after 1, 2, 4 … minutes, ten attempts in all), each with words after a colon. False when it was done already. Errors: MB602 unknown, MB502.';
