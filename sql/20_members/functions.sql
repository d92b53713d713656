CREATE OR REPLACE FUNCTION member_internal.new_salt() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_new_salt';
COMMENT ON FUNCTION member_internal.new_salt() IS 'Salt of a new member''s argument digests.';

-- Writing: every verb locks the member's row, looks its key up, takes one step and writes what came of it.

CREATE TYPE member.receipt AS (
    member_id bigint,
    entry_no integer,
    kind text,
    at timestamptz,
    wallet text,
    points bigint,
    balance bigint,
    tier text
);
COMMENT ON TYPE member.receipt IS
    'Answer of a writing verb: entry, what it moved in the wallet, usable balance of that wallet and level after it. A call repeated with its key gets the first answer.';

CREATE TYPE member_internal.write AS (
    version integer,
    program member.program,
    state member.step_state,
    event member.step_event,
    answered boolean,
    answer member.receipt
);
COMMENT ON TYPE member_internal.write IS 'A write under way: the locked state, the program in force and the event to be filled in by the verb, or the answer given before.';

CREATE OR REPLACE FUNCTION member_internal.wallet_code(program member.program, wallet_id smallint) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_wallet_code';
COMMENT ON FUNCTION member_internal.wallet_code(member.program, smallint) IS 'Code of a wallet in a program.';

CREATE OR REPLACE FUNCTION member_internal.level_code(program member.program, ladder smallint, level smallint) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_level_code';
COMMENT ON FUNCTION member_internal.level_code(member.program, smallint, smallint) IS 'Code of a level in a program.';

CREATE OR REPLACE FUNCTION member_internal.back_days(verb text) RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT v.back_days FROM member.verb v WHERE v.verb = back_days.verb $$;
COMMENT ON FUNCTION member_internal.back_days(text) IS 'How far back the app role may date a verb; null: as far as it likes.';

CREATE OR REPLACE FUNCTION member_internal.check_at(verb text, at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    present CONSTANT timestamptz := member.now();
    back integer;
BEGIN
    IF check_at.at < '1901-01-01 00:00+00' THEN
        PERFORM member_internal.refuse('MB403', format('"at" is out of range: %s', check_at.at));
    END IF;
    IF check_at.at > present THEN
        PERFORM member_internal.refuse('MB401', format('"at" is in the future: %s', check_at.at),
            format('It is %s now.', present));
    END IF;
    IF check_at.at < present - interval '1 day' AND NOT pg_has_role(session_user, 'member_admin', 'usage') THEN
        back := member_internal.back_days(check_at.verb);
        IF check_at.at < present - make_interval(days => back) THEN
            PERFORM member_internal.refuse('MB402', format('"at" is too far back: %s', check_at.at),
                format('%s may be dated back %s days.', check_at.verb, back),
                'A member of member_admin may date further back.');
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.check_at(text, timestamptz) IS
    'Refuses a moment in the future (MB401), further back than the verb allows (MB402) or before 1901 (MB403).';

CREATE OR REPLACE FUNCTION member_internal.refuse_member(member_id bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.require_ready();
    IF refuse_member.member_id IS NULL
        OR NOT EXISTS (SELECT FROM member.state s WHERE s.member_id = refuse_member.member_id) THEN
        PERFORM member_internal.refuse('MB101', format('unknown member %s', coalesce(refuse_member.member_id::text, 'null')),
            hint => 'enroll() makes members.');
    END IF;
    PERFORM member_internal.refuse('MB102', format('member %s is not active', refuse_member.member_id),
        format('Status: %s.', (SELECT m.status FROM member.member m WHERE m.member_id = refuse_member.member_id)));
END
$$;
COMMENT ON FUNCTION member_internal.refuse_member(bigint) IS
    'Says why a member can''t be written: MB001, MB002, MB101 unknown or MB102 not active.';

CREATE OR REPLACE FUNCTION member_internal.answer_of(member_id bigint, entry_no integer) RETURNS member.receipt
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ROW(e.member_id, e.entry_no, e.kind, e.at, w.code, e.points, e.balance, e.tier)::member.receipt
    FROM member.entry e JOIN member.wallet w ON w.wallet_id = e.wallet WHERE e.member_id = answer_of.member_id AND e.entry_no = answer_of.entry_no
$$;
COMMENT ON FUNCTION member_internal.answer_of(bigint, integer) IS 'The receipt of an entry, as it was first given.';

-- Lock order: the member's state row first, then keys of identity, then rows of that member.
CREATE OR REPLACE FUNCTION member_internal.begin_write(
    member_id bigint, verb text, kind text, arguments jsonb, at timestamptz, key text) RETURNS member_internal.write
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    present CONSTANT timestamptz := member.now();
    w member_internal.write;
    bound bytea;
    cur record;
    known record;
BEGIN
    IF to_regclass('member.state') IS NULL THEN
        PERFORM member_internal.require_ready();
    END IF;
    SELECT s.lots, s.activity, s.standing, s.at, s.entries, s.hash, s.salt, s.active, g.layout, p.version, p.program
    INTO cur
    FROM member.state s, member.setting g JOIN member.program_version p ON p.version = g.program_version
    WHERE s.member_id = begin_write.member_id
    FOR NO KEY UPDATE OF s;
    IF NOT FOUND OR NOT cur.active OR cur.layout <> member_internal.layout() THEN
        PERFORM member_internal.refuse_member(begin_write.member_id);
    END IF;
    IF begin_write.key IS NOT NULL THEN
        IF length(begin_write.key) NOT BETWEEN 1 AND 250 THEN
            PERFORM member_internal.refuse('MB405', 'a key must have 1 to 250 characters');
        END IF;
        bound := member_internal.digest(cur.salt, begin_write.verb, begin_write.arguments, begin_write.at);
        SELECT n.entry_no, n.kind, n.digest INTO known
        FROM member.entry n WHERE n.member_id = begin_write.member_id AND n.key = begin_write.key;
        IF FOUND THEN
            IF known.digest IS DISTINCT FROM bound THEN
                PERFORM member_internal.refuse('MB404',
                    format('key "%s" was used before with other arguments', begin_write.key),
                    format('By %s, entry %s of member %s.', known.kind, known.entry_no, begin_write.member_id),
                    'A repeated call must be the same in every argument; a new operation needs a new key.');
            END IF;
            w.answered := true;
            w.answer := member_internal.answer_of(begin_write.member_id, known.entry_no);
            RETURN w;
        END IF;
    ELSE
        bound := member_internal.digest(cur.salt, begin_write.verb, begin_write.arguments, begin_write.at);
    END IF;
    IF begin_write.at IS NOT NULL THEN
        PERFORM member_internal.check_at(begin_write.verb, begin_write.at);
    END IF;
    -- in one expression: each of a function's expressions is made ready anew in every transaction
    RETURN ROW(cur.version, cur.program,
        ROW(cur.lots, cur.activity, cur.standing, cur.at, cur.entries, cur.hash)::member.step_state,
        ROW(begin_write.member_id, begin_write.kind, coalesce(begin_write.at, greatest(present, cur.at)), NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, begin_write.key, bound, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            greatest(present, coalesce(begin_write.at, cur.at)), NULL)::member.step_event,
        false, NULL)::member_internal.write;
END
$$;
COMMENT ON FUNCTION member_internal.begin_write(bigint, text, text, jsonb, timestamptz, text) IS
    'Locks the member''s row and finds the state, the program in force and, if the key was used before, its answer. Errors: MB001, MB002, MB101, MB102, MB401, MB402, MB404, MB405.';

CREATE OR REPLACE FUNCTION member_internal.record_tiers(
    member_id bigint, tiers member.step_tier[], entry_no integer, version integer, at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    before CONSTANT integer := coalesce((SELECT max(c.change_no) FROM member.tier_change c
                                         WHERE c.member_id = record_tiers.member_id), 0);
    change record;
BEGIN
    INSERT INTO member.tier_change (member_id, change_no, ladder_id, from_level, to_level, day, until, kind, entry_no,
                                    program_version, reason, booked_at)
    SELECT record_tiers.member_id, before + t.ord, t.ladder, t.from_level, t.to_level, t.day, t.until, t.kind,
           CASE WHEN t.kind = 'rise' THEN record_tiers.entry_no END, record_tiers.version, t.reason, record_tiers.at
    FROM unnest(record_tiers.tiers) WITH ORDINALITY
        AS t (ladder, kind, from_level, to_level, day, until, reason, ord);
    FOR change IN
        SELECT t.kind, t.day, t.until, l.name FROM unnest(record_tiers.tiers) t
        JOIN member.tier_level l ON l.ladder_id = t.ladder AND l.level = t.to_level
        WHERE t.kind IN ('rise', 'fall')
          -- what fell long ago, and is booked only now, is no news
          AND t.day >= member.day_of(record_tiers.at) - 3
    LOOP
        PERFORM member_internal.queue_message(record_tiers.member_id,
            CASE change.kind WHEN 'rise' THEN 'tier_up' ELSE 'tier_down' END,
            format('%s:%s', change.day, change.name), record_tiers.at,
            jsonb_build_object('tier', change.name, 'date', coalesce(to_char(change.until, 'YYYY-MM-DD'), '长期')));
    END LOOP;
END
$$;
COMMENT ON FUNCTION member_internal.record_tiers(bigint, member.step_tier[], integer, integer, timestamptz) IS
    'Writes the decisions of a step on levels, and a message for each rise and fall of the last three days.';

CREATE OR REPLACE FUNCTION member_internal.end_write(
    write member_internal.write, event member.step_event, source text DEFAULT NULL, reason text DEFAULT NULL,
    actor text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    r member.step_result;
    tier_code text;
BEGIN
    r := member.step(write.state, event, write.program);
    tier_code := member_internal.level_code(write.program, 1::smallint, r.level);
    IF r.time_kind IS NOT NULL THEN
        INSERT INTO member.entry (member_id, entry_no, kind, at, booked_at, wallet, points, balance, program_version,
                                  delta, tier, hash)
        VALUES (event.member_id, r.entries - 1, r.time_kind, r.at, r.at, r.time_wallet, r.time_points, r.time_balance,
                write.version, r.time_delta, tier_code, r.time_hash);
    END IF;
    WITH made AS (
        INSERT INTO member.entry (member_id, entry_no, kind, at, booked_at, wallet, points, balance, ref, ref_part,
                                  program_version, delta, tier, source, reason, actor, key, digest, hash)
        VALUES (event.member_id, r.entries, event.kind, event.at, r.at, r.wallet, r.points, r.balance, r.ref, r.ref_part,
                write.version, r.delta, tier_code, end_write.source, end_write.reason, end_write.actor, event.key,
                event.digest, r.hash)
    )
    UPDATE member.state SET lots = r.lots, activity = r.activity, standing = r.standing, at = r.at,
        touched_at = r.at, entries = r.entries, next_due = least(next_due, r.next_due), hash = r.hash
    WHERE member_id = event.member_id;
    IF r.tiers IS NOT NULL THEN
        PERFORM member_internal.record_tiers(event.member_id, r.tiers, r.entries, write.version, r.at);
    END IF;
    RETURN ROW(event.member_id, r.entries, event.kind, event.at,
               coalesce(event.wallet, member_internal.wallet_code(write.program, 1::smallint)), r.points, r.balance, tier_code);
END
$$;
COMMENT ON FUNCTION member_internal.end_write(member_internal.write, member.step_event, text, text, text) IS
    'Takes the step and writes what came of it: entries, state, level changes. Returns the receipt.';

-- What batches write by: the query yields (member_id, state: lots, activity, standing, at, entries, hash; event: kind,
-- at, wallet, points, amount, until, purchase_no, refund_no; store, channel, journal), each member's rows together and
-- in their order; $1 in it are the members. Who calls it has locked the states.
CREATE OR REPLACE FUNCTION member_internal.write_events(
    query text, members bigint[], version integer, program member.program, present timestamptz)
RETURNS TABLE (member_id bigint, lots member.lots, activity member.activity, standing member.standing, at timestamptz,
               entries integer, hash bytea, next_due date, is_new boolean, remind boolean, tiers member.step_tier[],
               tier_entries integer[])
LANGUAGE c VOLATILE ROWS 5000 AS 'MODULE_PATHNAME', 'member_write_events';
COMMENT ON FUNCTION member_internal.write_events(text, bigint[], integer, member.program, timestamptz) IS
    'Takes the events of many members through step and writes entries and purchases; a row a member with its state afterwards, for the caller to write, and the decisions on levels with the entry that brought each.';
