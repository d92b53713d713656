-- That the member is there: spending much takes a pass, which is given for the member's PIN or for a code sent to them.
-- A failure is counted where it is answered, not raised: an error would take the count back.

CREATE OR REPLACE FUNCTION member_internal.secret_hash(secret text, salt bytea) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_secret_hash';
COMMENT ON FUNCTION member_internal.secret_hash(text, bytea) IS 'What is kept of a PIN or a code: PBKDF2 with HMAC-SHA-256, 4096 rounds, as SCRAM keeps passwords.';

-- The member's row is locked by whoever spends; this row is locked alone, or after it.
CREATE OR REPLACE FUNCTION member_internal.lock_credential(member_id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.require_ready();
    IF NOT EXISTS (SELECT FROM member.state s WHERE s.member_id = lock_credential.member_id AND s.active) THEN
        PERFORM member_internal.refuse_member(lock_credential.member_id);
    END IF;
    INSERT INTO member.credential AS c (member_id, salt) VALUES (lock_credential.member_id, uuid_send(gen_random_uuid()))
    ON CONFLICT (member_id) DO NOTHING;
    PERFORM FROM member.credential c WHERE c.member_id = lock_credential.member_id FOR UPDATE;
END
$$;
COMMENT ON FUNCTION member_internal.lock_credential(bigint) IS 'Makes and locks the row of a member''s PIN and passes. Errors: MB001, MB002, MB101, MB102.';

CREATE OR REPLACE FUNCTION member.pin_set(member_id bigint, pin text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF pin !~ '^[0-9]{4,12}$' THEN
        PERFORM member_internal.refuse('MB502', 'a PIN has 4 to 12 digits');
    END IF;
    PERFORM member_internal.lock_credential(member_id);
    UPDATE member.credential c SET pin = member_internal.secret_hash(pin_set.pin, c.salt), failures = 0, locked_until = NULL,
        pass = NULL, pass_until = NULL
    WHERE c.member_id = pin_set.member_id;
END
$$;
COMMENT ON FUNCTION member.pin_set(bigint, text) IS
    'Sets the PIN of a member, 4 to 12 digits, or removes it (null), and unlocks it. Only a slow salted hash is kept. Errors: MB502, MB101, MB102.';

CREATE OR REPLACE FUNCTION member.code_issue(member_id bigint, valid_for interval DEFAULT '5 minutes') RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    digits CONSTANT text := lpad((abs(member_internal.new_salt() % 1000000))::text, 6, '0');
BEGIN
    IF valid_for IS NULL OR valid_for NOT BETWEEN interval '1 second' AND interval '1 day' THEN
        PERFORM member_internal.refuse('MB502', format('a code can''t be valid for %s', coalesce(valid_for::text, 'null')), 'One second to one day.');
    END IF;
    PERFORM member_internal.lock_credential(member_id);
    UPDATE member.credential c SET code = member_internal.secret_hash(digits, c.salt), code_until = member.now() + valid_for
    WHERE c.member_id = code_issue.member_id;
    RETURN digits;
END
$$;
COMMENT ON FUNCTION member.code_issue(bigint, interval) IS
    'A code of six digits for one use, to be sent to the member by SMS or message; it replaces the one before. Only its hash is kept. Errors: MB502, MB101, MB102.';

CREATE OR REPLACE FUNCTION member.pass_issue(member_id bigint, secret text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    hash bytea;
    issued text;
BEGIN
    PERFORM member_internal.lock_credential(member_id);
    SELECT x.* INTO c FROM member.credential x WHERE x.member_id = pass_issue.member_id;
    IF c.locked_until > member.now() THEN
        PERFORM member_internal.refuse('MB215', format('PIN and codes of member %s are locked', member_id),
            format('Until %s, after five wrong ones.', c.locked_until), 'pin_set() unlocks them.');
    END IF;
    hash := member_internal.secret_hash(secret, c.salt);
    IF coalesce(hash <> c.pin, true) AND coalesce(hash <> c.code OR c.code_until <= member.now(), true) THEN
        UPDATE member.credential x SET failures = (x.failures + 1) % 5,
            locked_until = CASE WHEN x.failures = 4 THEN member.now() + interval '15 minutes' END
        WHERE x.member_id = pass_issue.member_id;
        RETURN NULL;
    END IF;
    issued := gen_random_uuid();
    UPDATE member.credential x SET failures = 0, code = NULL, code_until = NULL, pass = sha256(issued::bytea), pass_until = member.now() + interval '5 minutes'
    WHERE x.member_id = pass_issue.member_id;
    RETURN issued;
END
$$;
COMMENT ON FUNCTION member.pass_issue(bigint, text) IS
    'A pass for the member''s PIN or the code sent to them: good for one spending, hold or transfer above the wallet''s code_above within five minutes. Null: wrong; commit, so that it counts: the fifth in a row locks for 15 minutes. Errors: MB215 locked, MB101, MB102.';

CREATE OR REPLACE FUNCTION member_internal.use_pass(member_id bigint, pass text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    UPDATE member.credential c SET pass = NULL, pass_until = NULL
    WHERE c.member_id = use_pass.member_id AND c.pass = sha256(use_pass.pass::bytea) AND c.pass_until > member.now();
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB215', 'the pass is not valid', 'It is another member''s, used, replaced, or older than five minutes.',
            'pass_issue() gives a new one.');
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.use_pass(bigint, text) IS 'Takes a pass in: it is good once, and only if what it is for is committed. Errors: MB215.';
