-- What the facts make of each member, beside what stands there; and the way back for all that can be derived.
-- The entries and the facts (purchases, refunds, events) are the source; state, sums and totals follow from them.

CREATE OR REPLACE FUNCTION member_internal.replay_difference(since_member bigint, until_member bigint)
RETURNS TABLE (problem text, member_id bigint, entry_no integer, detail text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    SELECT x.problem, s.member_id, x.entry_no, x.detail
    FROM member.state s
    LEFT JOIN member_internal.replay_members(since_member, until_member) r USING (member_id)
    CROSS JOIN LATERAL (VALUES
        ((s.entries, s.hash) IS DISTINCT FROM (coalesce(r.entries, 0), r.hash), 'facts do not make the entries there are', s.entries,
         format('replay ends with entry %s', coalesce(r.entries, 0))),
        (s.activity OPERATOR(member.<>) coalesce(r.activity, 'empty'), 'activity is not what the facts make', NULL::integer,
         format('state %s, replay %s', left(s.activity::text, 200), left(r.activity::text, 200))),
        (s.standing OPERATOR(member.<>) coalesce(r.standing, 'empty'), 'levels are not what the facts make', NULL,
         format('state %s, replay %s', s.standing, r.standing)),
        (coalesce(s.next_due, 'infinity') > coalesce(r.next_due, 'infinity'), 'daily run would come too late', NULL,
         format('state due %s, replay %s', s.next_due, r.next_due))
    ) AS x (wrong, problem, entry_no, detail)
    WHERE s.member_id BETWEEN since_member AND until_member AND x.wrong
$$;
COMMENT ON FUNCTION member_internal.replay_difference(bigint, bigint) IS
    'What of the states of a range of members replay makes otherwise. Errors: those of step, where the facts do not fit together.';

-- In pieces: where the facts of one member do not fit together, step refuses the piece, which is then gone through
-- member by member.
CREATE OR REPLACE FUNCTION member_internal.verify_by_replay(since_member bigint, until_member bigint)
RETURNS TABLE (problem text, member_id bigint, entry_no integer, detail text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    piece CONSTANT integer := 5000;
    low bigint := since_member;
    members bigint[];
    one bigint;
BEGIN
    LOOP
        members := ARRAY(SELECT s.member_id FROM member.state s WHERE s.member_id BETWEEN low AND until_member
                         ORDER BY s.member_id LIMIT piece);
        EXIT WHEN cardinality(members) = 0;
        BEGIN
            RETURN QUERY SELECT * FROM member_internal.replay_difference(members[1], members[cardinality(members)]);
        EXCEPTION WHEN OTHERS THEN
            FOREACH one IN ARRAY members LOOP
                BEGIN
                    RETURN QUERY SELECT * FROM member_internal.replay_difference(one, one);
                EXCEPTION WHEN OTHERS THEN
                    RETURN QUERY SELECT 'facts can''t be replayed', one, NULL::integer, format('%s: %s', SQLSTATE, SQLERRM);
                END;
            END LOOP;
        END;
        EXIT WHEN cardinality(members) < piece;
        low := members[piece] + 1;
    END LOOP;
END
$$;
COMMENT ON FUNCTION member_internal.verify_by_replay(bigint, bigint) IS
    'What verify() finds by replay: entries, activity, levels and due days that the facts do not make.';

-- A chain that is whole and ends where the state says proves the entries; without such a witness the state may be
-- right and the ledger wrong, and is left alone.
CREATE OR REPLACE FUNCTION member_internal.repair_state(only_member bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    s record;
    b record;
    r record;
BEGIN
    SELECT x.* INTO s FROM member.state x WHERE x.member_id = only_member FOR NO KEY UPDATE;
    SELECT count(*) AS n, coalesce(max(e.entry_no), 0) AS last, coalesce(member.lots_sum(e.delta), 'empty') AS book,
           (array_agg(e.hash ORDER BY e.entry_no DESC))[1] AS head, max(e.at) AS last_at, coalesce(bool_and(e.sound), true) AS sound
    INTO b
    FROM (SELECT e.*, e.hash = member.entry_hash(lag(e.hash) OVER w, e.member_id, e.entry_no, e.kind, e.at, e.program_version,
                     e.ref, e.ref_part, e.delta, e.points, e.balance, e.key, e.digest) AS sound
          FROM member.entry e WHERE e.member_id = only_member WINDOW w AS (ORDER BY e.entry_no)) e;
    IF NOT b.sound OR b.n <> b.last OR NOT member.is_book(b.book) THEN
        RETURN false;
    END IF;
    BEGIN
        SELECT x.* INTO r FROM member_internal.replay_members(only_member, only_member) x;
    EXCEPTION WHEN OTHERS THEN
        r := NULL;
    END;
    IF s.member_id IS NULL THEN
        IF r.hash IS DISTINCT FROM b.head OR NOT EXISTS (SELECT FROM member.member m WHERE m.member_id = only_member) THEN
            RETURN false;
        END IF;
        INSERT INTO member.state (member_id, salt, active) SELECT m.member_id, member_internal.new_salt(), m.status = 'active'
        FROM member.member m WHERE m.member_id = only_member;
    ELSIF s.hash IS DISTINCT FROM b.head AND (s.lots OPERATOR(member.<>) b.book OR s.entries <> b.last) THEN
        RETURN false;
    END IF;
    UPDATE member.state x SET lots = b.book, entries = b.last, hash = b.head, touched_at = member.now(),
        at = CASE WHEN x.at IS NULL OR x.at < b.last_at THEN b.last_at ELSE x.at END
    WHERE x.member_id = only_member;
    -- what was bought and done counts only if it makes these very entries
    IF b.n = 0 OR r.hash = b.head AND r.entries = b.last THEN
        -- with the moment it is brought to mended, time may have passed further
        SELECT x.* INTO r FROM member_internal.replay_members(only_member, only_member) x;
        IF r.hash IS NOT DISTINCT FROM b.head THEN
            UPDATE member.state x SET activity = coalesce(r.activity, 'empty'), standing = coalesce(r.standing, 'empty'), next_due = r.next_due
            WHERE x.member_id = only_member;
        END IF;
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION member_internal.repair_state(bigint) IS
    'Makes a member''s state anew: points, number and hash from the entries, activity and levels from the facts if these make the very entries; false: the entries themselves are not proved, nothing is changed.';

CREATE OR REPLACE FUNCTION member.repair(
    dry_run boolean DEFAULT true, since_member bigint DEFAULT NULL, until_member bigint DEFAULT NULL)
RETURNS TABLE (problem text, member_id bigint, entry_no integer, detail text, remedy text, derivable boolean, repaired boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = error
AS $$
#variable_conflict use_column
DECLARE
    problems jsonb;
    after jsonb;
    remedies CONSTANT jsonb := jsonb_build_object(
        'entries without a state', 'state made anew by replay, with a new salt: old keys are refused (MB404)',
        'member without a state', 'state made anew by replay, with a new salt: old keys are refused (MB404)',
        'state is behind its entries', 'state made anew from the ledger',
        'last entry is not the one the state names', 'state made anew from the ledger',
        'hash of the state is not that of the last entry', 'state made anew from the ledger',
        'state is not the sum of the entries', 'state made anew from the ledger',
        'a lot is negative that is not debt', 'state made anew from the ledger',
        'activity is not what the facts make', 'activity made anew by replay',
        'levels are not what the facts make', 'levels made anew by replay',
        'level held is not the last one decided', 'levels made anew by replay',
        'daily run would come too late', 'due day made anew by replay',
        'refunds of a purchase do not add up', 'refunded amount of the purchase taken from the entries',
        'refund is not in the ledger', 'refund without an entry removed, one that differs from its entry set to it',
        'refund is missing', 'refund made anew from its entry, without lines and reason',
        'points_rollup is not the sum of the entries', 'sums made anew from the entries');
BEGIN
    SELECT coalesce(jsonb_agg(to_jsonb(v)), '[]') INTO problems FROM member.verify(since_member, until_member) v;
    IF NOT dry_run THEN
        -- members first: their rows are locked in ascending order before anything of theirs is touched
        PERFORM FROM member.state s
        WHERE s.member_id IN (SELECT x.member_id FROM jsonb_to_recordset(problems) AS x (member_id bigint))
        ORDER BY s.member_id FOR NO KEY UPDATE;
        DELETE FROM member.refund f USING jsonb_to_recordset(problems) AS x (problem text, member_id bigint, entry_no integer)
        WHERE x.problem = 'refund is not in the ledger' AND f.member_id = x.member_id AND f.entry_no = x.entry_no
          AND NOT EXISTS (SELECT FROM member.entry e WHERE e.member_id = f.member_id AND e.entry_no = f.entry_no AND e.kind = 'refund'
                          AND e.ref = f.purchase AND e.source = f.refund_no);
        UPDATE member.refund f SET amount = e.ref_part / 100.0, at = e.at
        FROM member.entry e, jsonb_to_recordset(problems) AS x (problem text, member_id bigint, entry_no integer)
        WHERE x.problem = 'refund is not in the ledger' AND f.member_id = x.member_id AND f.entry_no = x.entry_no
          AND e.member_id = f.member_id AND e.entry_no = f.entry_no;
        INSERT INTO member.refund (member_id, purchase, refund_no, entry_no, at, amount, reason, undone_by)
        SELECT e.member_id, e.ref, e.source, e.entry_no, e.at, e.ref_part / 100.0, e.reason,
               (SELECT u.entry_no FROM member.entry u WHERE u.member_id = e.member_id AND u.ref = e.entry_no AND u.kind = 'unrefund')
        FROM member.entry e, jsonb_to_recordset(problems) AS x (problem text, member_id bigint, entry_no integer)
        WHERE x.problem = 'refund is missing' AND e.member_id = x.member_id AND e.entry_no = x.entry_no;
        UPDATE member.purchase p
        SET refunded = coalesce((SELECT sum(e.ref_part) FROM member.entry e
                                 WHERE e.member_id = p.member_id AND e.ref = p.entry_no AND e.kind = 'refund'
                                   AND NOT EXISTS (SELECT FROM member.entry u WHERE u.member_id = e.member_id AND u.ref = e.entry_no AND u.kind = 'unrefund')), 0) / 100.0
        FROM member.entry o, jsonb_to_recordset(problems) AS x (problem text, member_id bigint, entry_no integer)
        WHERE x.problem = 'refunds of a purchase do not add up' AND o.member_id = x.member_id AND o.entry_no = x.entry_no
          AND p.purchase_no = o.source AND p.member_id = o.member_id;
        PERFORM member_internal.repair_state(m.member_id)
        FROM (SELECT DISTINCT x.member_id FROM jsonb_to_recordset(problems) AS x (problem text, member_id bigint)
              WHERE remedies ->> x.problem LIKE '%made anew%' AND x.member_id IS NOT NULL ORDER BY 1) m;
        IF problems @> '[{"problem": "points_rollup is not the sum of the entries"}]' THEN
            PERFORM FROM member.points_rollup_mark FOR UPDATE;
            DELETE FROM member.points_rollup;
            INSERT INTO member.points_rollup (month, wallet, kind, source, points, entries)
            SELECT date_trunc('month', e.at AT TIME ZONE g.zone)::date, e.wallet, e.kind,
                   member_internal.summed_source(e.kind, e.source), sum(e.points), count(*)
            FROM member.entry e, member.setting g
            WHERE e.booked_at < (SELECT k.booked_before FROM member.points_rollup_mark k)
            GROUP BY 1, 2, 3, 4;
        END IF;
        SELECT coalesce(jsonb_agg(to_jsonb(v)), '[]') INTO after FROM member.verify(since_member, until_member) v;
    END IF;
    RETURN QUERY
        SELECT x.problem, x.member_id, x.entry_no, x.detail,
               coalesce(remedies ->> x.problem, 'not derivable: bring the row back from a backup or replica'),
               remedies ? x.problem,
               CASE WHEN NOT dry_run
                    THEN NOT EXISTS (SELECT FROM jsonb_to_recordset(after) AS y (problem text, member_id bigint, entry_no integer)
                                     WHERE y.problem = x.problem AND y.member_id IS NOT DISTINCT FROM x.member_id
                                       AND y.entry_no IS NOT DISTINCT FROM x.entry_no) END
        FROM jsonb_to_recordset(problems) AS x (problem text, member_id bigint, entry_no integer, detail text);
END
$$;
COMMENT ON FUNCTION member.repair(boolean, bigint, bigint) IS
    'What verify() finds in all members or a range, and what can be done: dry_run only tells; otherwise states, activity, levels, refund totals and sums by month are made anew from entries and facts, and repaired says of each problem whether it is gone. Entries are never changed: what is not derivable has to come from a backup. States of members whose entries are not proved (broken chain, a last entry missing) stay as they are.';
