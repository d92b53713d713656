CREATE OR REPLACE FUNCTION member_internal.claim_identity(kind text, value text, member_id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    owner bigint;
BEGIN
    IF value IS NULL THEN
        RETURN;
    END IF;
    IF length(value) NOT BETWEEN 1 AND 200 THEN
        PERFORM member_internal.refuse('MB103', format('a value of %s must have 1 to 200 characters', kind));
    END IF;
    INSERT INTO member.identity (kind, value, member_id)
    VALUES (claim_identity.kind, claim_identity.value, claim_identity.member_id)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT i.member_id INTO owner FROM member.identity i
        WHERE i.kind = claim_identity.kind AND i.value = claim_identity.value;
        PERFORM member_internal.refuse('MB103', format('%s "%s" belongs to another member', kind, value),
            format('Member %s.', owner));
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.claim_identity(text, text, bigint) IS
    'Takes a value for a member; null does nothing. Errors: MB103 when another member has it.';

CREATE OR REPLACE FUNCTION member.enroll(
    channel text, phone text DEFAULT NULL, openid text DEFAULT NULL, unionid text DEFAULT NULL,
    external text DEFAULT NULL, name text DEFAULT NULL, store text DEFAULT NULL, attributes jsonb DEFAULT '{}',
    at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    arguments CONSTANT jsonb := jsonb_build_array(channel, phone, openid, unionid, external, name, store,
        attributes, actor);
    joined timestamptz;
    new_id bigint;
    new_salt bigint := member_internal.new_salt();
    known record;
BEGIN
    PERFORM member_internal.require_ready();
    IF channel IS NULL OR channel = '' THEN
        PERFORM member_internal.refuse('22004', 'argument "channel" must not be null or empty',
            hint => 'For example shop, payment, follow, scan, mini_program, referral, import, pos.');
    END IF;
    IF length(key) NOT BETWEEN 1 AND 250 THEN
        PERFORM member_internal.refuse('MB405', 'a key must have 1 to 250 characters');
    END IF;
    IF at IS NOT NULL THEN
        PERFORM member_internal.check_at('enroll', at);
    END IF;
    joined := coalesce(at, member.now());
    new_id := nextval(pg_get_serial_sequence('member.member', 'member_id'));
    IF key IS NOT NULL THEN
        INSERT INTO member.identity (kind, value, member_id, digest)
        VALUES ('enroll', enroll.key, new_id, member_internal.digest(new_salt, 'enroll', arguments, at))
        ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            SELECT i.member_id, i.digest, s.salt INTO known
            FROM member.identity i JOIN member.state s USING (member_id) WHERE i.kind = 'enroll' AND i.value = enroll.key;
            IF known.digest IS DISTINCT FROM member_internal.digest(known.salt, 'enroll', arguments, at) THEN
                PERFORM member_internal.refuse('MB404', format('key "%s" was used before with other arguments', enroll.key),
                    format('By enroll, member %s.', known.member_id),
                    'A repeated call must be the same in every argument; a new operation needs a new key.');
            END IF;
            RETURN known.member_id;
        END IF;
    END IF;
    INSERT INTO member.member (member_id, joined_at, channel, store, name, attributes)
    VALUES (new_id, joined, enroll.channel, enroll.store, enroll.name, coalesce(enroll.attributes, '{}'));
    INSERT INTO member.state (member_id, salt) VALUES (new_id, new_salt);
    PERFORM member_internal.claim_identity('phone', phone, new_id);
    PERFORM member_internal.claim_identity('openid', openid, new_id);
    PERFORM member_internal.claim_identity('unionid', unionid, new_id);
    PERFORM member_internal.claim_identity('external', external, new_id);
    PERFORM member_internal.queue_message(new_id, 'welcome', '', joined,
        jsonb_build_object('name', coalesce(name, '')));
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION member.enroll(text, text, text, text, text, text, text, jsonb, timestamptz, text, text) IS
    'Makes a member and returns its number. channel: how it came (shop, payment, follow, scan …); phone, openid, unionid, external (the brand''s own key) are taken for it and must be free; at: when it joined, default now; key: the same call repeated returns the same member. Errors: MB103 value taken, MB401 to MB405, 22004.';

CREATE OR REPLACE FUNCTION member.find(kind text, value text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT i.member_id FROM member.identity i WHERE i.kind = find.kind AND i.value = find.value
    UNION ALL
    SELECT p.member_id FROM member.purchase p WHERE find.kind = 'purchase' AND p.purchase_no = find.value
$$;
COMMENT ON FUNCTION member.find(text, text) IS
    'The member a value belongs to: kind phone, openid, unionid, external or purchase (its number); null if none.';
