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

CREATE TYPE member_internal.written AS (
    answered boolean,
    receipt member.receipt
);
COMMENT ON TYPE member_internal.written IS 'What a write came to: the receipt, and whether the call was answered before, so that nothing is left to do.';

CREATE OR REPLACE FUNCTION member_internal.wallet_code(program member.program, wallet_id smallint) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_wallet_code';
COMMENT ON FUNCTION member_internal.wallet_code(member.program, smallint) IS 'Code of a wallet in a program.';

CREATE OR REPLACE FUNCTION member_internal.wallet_rules(
    program member.program, wallet_id smallint, OUT code text, OUT hold_grace_days smallint, OUT reinstate_days smallint,
    OUT code_above bigint, OUT approve_above bigint, OUT transferable boolean, OUT transfer_fee smallint, OUT cooling_days smallint,
    OUT day_cap bigint)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_wallet_rules';
COMMENT ON FUNCTION member_internal.wallet_rules(member.program, smallint) IS
    'What a wallet of a program allows besides earning; limits that are null do not bind.';

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

CREATE OR REPLACE FUNCTION member_internal.require_member(member_id bigint) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF to_regclass('member.state') IS NULL THEN
        PERFORM member_internal.require_ready();
    END IF;
    IF NOT EXISTS (SELECT FROM member.state s WHERE s.member_id = require_member.member_id) THEN
        PERFORM member_internal.refuse_member(require_member.member_id);
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.require_member(bigint) IS 'For what only reads: refuses a member that there is not. Errors: MB001, MB101.';

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
           -- what time decided before the event is not the event's
           CASE WHEN t.kind IN ('rise', 'set') AND t.day = member.day_of(record_tiers.at) THEN record_tiers.entry_no END, record_tiers.version, t.reason, record_tiers.at
    FROM unnest(record_tiers.tiers) WITH ORDINALITY
        AS t (ladder, kind, from_level, to_level, day, until, reason, ord);
    FOR change IN
        SELECT t.from_level, t.to_level, t.day, t.until, l.name FROM unnest(record_tiers.tiers) t
        JOIN member.tier_level l ON l.ladder_id = t.ladder AND l.level = t.to_level
        WHERE t.from_level <> t.to_level
          -- what fell long ago, and is booked only now, is no news
          AND t.day >= member.day_of(record_tiers.at) - 3
    LOOP
        PERFORM member_internal.queue_message(record_tiers.member_id,
            CASE WHEN change.to_level > change.from_level THEN 'tier_up' ELSE 'tier_down' END,
            format('%s:%s', change.day, change.name), record_tiers.at,
            jsonb_build_object('tier', change.name, 'date', coalesce(to_char(change.until, 'YYYY-MM-DD'), '长期')));
    END LOOP;
END
$$;
COMMENT ON FUNCTION member_internal.record_tiers(bigint, member.step_tier[], integer, integer, timestamptz) IS
    'Writes the decisions of a step on levels, and a message for each rise and fall of the last three days.';

-- The verbs write by this. Lock order: the member's state row first, then the key (identity, or the purchase number), then rows of that member.
CREATE OR REPLACE FUNCTION member_internal.write_event(
    member_id bigint, verb text, arguments jsonb, at timestamptz, key text,
    kind text, source text DEFAULT NULL, reason text DEFAULT NULL, actor text DEFAULT NULL,
    wallet text DEFAULT NULL, points bigint DEFAULT NULL, amount bigint DEFAULT NULL,
    usable_from date DEFAULT NULL, until date DEFAULT NULL, event_kind text DEFAULT NULL, category text DEFAULT NULL,
    ref integer DEFAULT NULL, origin_at timestamptz DEFAULT NULL, origin_lots member.lots DEFAULT NULL,
    origin_of bigint DEFAULT NULL, origin_back bigint DEFAULT NULL, origin_largest bigint DEFAULT NULL,
    store text DEFAULT NULL, channel text DEFAULT NULL, attributes jsonb DEFAULT NULL, lines jsonb DEFAULT NULL,
    refund_lines smallint[] DEFAULT NULL, pass text DEFAULT NULL)
RETURNS member_internal.written
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'member_write_event';
COMMENT ON FUNCTION member_internal.write_event(bigint, text, jsonb, timestamptz, text, text, text, text, text, text, bigint, bigint, date, date, text, text, integer, timestamptz, member.lots, bigint, bigint, bigint, text, text, jsonb, jsonb, smallint[], text) IS
    'Locks the member''s row, looks the key up and, unless it was used, takes one step and writes what came of it: entries, state, level changes. The arguments after actor are those of step_event, those from store on those of its facts, pass what pass_issue() gave. Errors: MB001, MB002, MB101, MB102, MB214, MB215, MB401 to MB405, those of the operation.';

CREATE OR REPLACE FUNCTION member_internal.begin_write(
    member_id bigint, verb text, arguments jsonb, at timestamptz, key text) RETURNS member.receipt
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'member_begin_write';
COMMENT ON FUNCTION member_internal.begin_write(bigint, text, jsonb, timestamptz, text) IS
    'For verbs that read before they write: locks the member''s row and looks the key up as write_event does, with its errors. Returns the answer given before, or null.';

-- What batches write by: the query yields (member_id, state: lots, activity, standing, at, entries, hash; event: kind,
-- at, wallet, points, amount, until, purchase_no, refund_no; store, channel, journal), each member's rows together and
-- in their order; $1 in it are the members. Who calls it has locked the states, but the daily run need not. An import has the lines of its purchases
-- besides. A file has one column, of what
-- file_steps() made. The daily run has the ctid of the state, by when it is due at the latest, and whether its row is wanted. A post has usable_from, reason, actor,
-- key, digest, row_no, whether another row has its key, and why it is refused (SQLSTATE, reason) besides.
CREATE OR REPLACE FUNCTION member_internal.write_events(
    query text, members bigint[], version integer, program member.program, present timestamptz)
RETURNS TABLE (member_id bigint, lots member.lots, activity member.activity, standing member.standing, at timestamptz,
               entries integer, hash bytea, next_due date, is_new boolean, remind boolean, tiers member.step_tier[],
               tier_entries integer[], row_no bigint, entry_no integer, points bigint, balance bigint, tier text,
               repeated boolean, sqlstate text, reason text)
LANGUAGE c VOLATILE ROWS 5000 AS 'MODULE_PATHNAME', 'member_write_events';
COMMENT ON FUNCTION member_internal.write_events(text, bigint[], integer, member.program, timestamptz) IS
    'Takes the events of many members through step and writes entries and purchases, and the states of new members and of the daily run; a row a member with its state afterwards, for the caller to write where it is not, and the decisions on levels with the entry that brought each; of states written only where something is left; for the daily run a last row with how many states were written (row_no). For posts also a row each (row_no is set): entry, points, balance and level, or why it was refused.';
