CREATE OR REPLACE FUNCTION member_internal.render(body text, vars jsonb) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_render';
COMMENT ON FUNCTION member_internal.render(text, jsonb) IS 'A template''s body with its {variables} filled in; one that is not given is left as it stands.';

CREATE OR REPLACE FUNCTION member_internal.queue_message(
    member_id bigint, template text, subject text, at timestamptz, vars jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO member.outbox (member_id, dedupe, queued_at, not_before, marketing, template, class, body, vars)
    SELECT queue_message.member_id, t.code || ':' || queue_message.subject, queue_message.at, queue_message.at, t.marketing, t.code, t.class,
           member_internal.render(t.body, queue_message.vars || jsonb_build_object('brand', s.brand)), queue_message.vars
    FROM member.message_template t, member.setting s
    WHERE t.code = queue_message.template AND t.enabled
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION member_internal.queue_message(bigint, text, text, timestamptz, jsonb) IS
    'Queues a message about a subject, once; a template that is absent or switched off queues nothing.';
