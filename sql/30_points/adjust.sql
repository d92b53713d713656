-- By hand: corrections, which above a limit take a second actor, and points given back that expired.

CREATE OR REPLACE FUNCTION member_internal.write_adjustment(
    member_id bigint, verb text, arguments jsonb, points bigint, reason text, wallet text, until date, source text, approved boolean,
    at timestamptz, actor text, key text) RETURNS member_internal.written
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    above bigint;
BEGIN
    IF coalesce(reason, '') = '' OR coalesce(actor, '') = '' THEN
        PERFORM member_internal.refuse('MB502', 'an adjustment takes a reason and an actor');
    END IF;
    SELECT r.approve_above INTO above
    FROM member.setting g JOIN member.program_version v ON v.version = g.program_version
    CROSS JOIN LATERAL member_internal.wallet_rules(v.program, member_internal.wallet_id(write_adjustment.wallet)) r;
    IF NOT approved AND abs(points) > above THEN
        PERFORM member_internal.refuse('MB216', format('an adjustment of more than %s points takes a second actor', above),
            format('Asked: %s.', points), 'points_adjust_ask() puts it down for points_adjust_decide().');
    END IF;
    RETURN member_internal.write_event(member_id, verb, arguments, at, key, kind => 'adjust', source => source, reason => reason, actor => actor,
        wallet => wallet, points => points, until => until);
END
$$;
COMMENT ON FUNCTION member_internal.write_adjustment(bigint, text, jsonb, bigint, text, text, date, text, boolean, timestamptz, text, text) IS
    'Books an adjustment; above the wallet''s approve_above only what is approved. Errors: MB216, MB502 and those of the operation.';

CREATE OR REPLACE FUNCTION member.points_adjust(
    member_id bigint, points bigint, reason text, actor text, wallet text DEFAULT 'points', until date DEFAULT NULL, source text DEFAULT NULL,
    at timestamptz DEFAULT NULL, key text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    arguments CONSTANT jsonb := jsonb_build_array(points, reason, actor, wallet, until, source);
    r member.receipt;
BEGIN
    r := member_internal.begin_write(member_id, 'points_adjust', arguments, at, key);
    IF r.entry_no IS NOT NULL THEN
        RETURN r;
    END IF;
    RETURN (member_internal.write_adjustment(member_id, 'points_adjust', arguments, points, reason, wallet, until, source, false, at, actor, key)).receipt;
END
$$;
COMMENT ON FUNCTION member.points_adjust(bigint, bigint, text, text, text, date, text, timestamptz, text) IS
    'Corrects a wallet by hand: points to give, usable at once until a day (null: as the wallet says), or, negative, to take of what is usable, first-expiring first, also of wallets that members can''t spend. reason and actor are required. More than the wallet''s approve_above takes points_adjust_ask(). Returns the receipt. Errors: MB216 needs a second actor, MB502 no reason or actor, MB203 not that many, MB201, MB204, MB210, MB101, MB102, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member.points_adjust_ask(
    member_id bigint, points bigint, reason text, actor text, wallet text DEFAULT 'points', until date DEFAULT NULL, source text DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    id CONSTANT smallint := member_internal.wallet_id(wallet);
    no integer;
BEGIN
    PERFORM member_internal.require_ready();
    IF coalesce(reason, '') = '' OR coalesce(actor, '') = '' THEN
        PERFORM member_internal.refuse('MB502', 'an adjustment takes a reason and an actor');
    END IF;
    IF points IS NULL OR points = 0 OR abs(points) > 1000000000000000 THEN
        PERFORM member_internal.refuse('MB204', format('points out of range: %s', coalesce(points::text, 'null')));
    END IF;
    -- the number is the member's, so the row is locked
    PERFORM FROM member.state s WHERE s.member_id = points_adjust_ask.member_id AND s.active FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse_member(points_adjust_ask.member_id);
    END IF;
    INSERT INTO member.adjustment (member_id, adjustment_no, wallet, points, until, source, reason, asked_by, asked_at)
    VALUES (points_adjust_ask.member_id, 1 + coalesce((SELECT max(a.adjustment_no) FROM member.adjustment a WHERE a.member_id = points_adjust_ask.member_id), 0),
            id, points_adjust_ask.points, points_adjust_ask.until, points_adjust_ask.source, points_adjust_ask.reason, points_adjust_ask.actor, member.now())
    RETURNING adjustment.adjustment_no INTO no;
    RETURN no;
END
$$;
COMMENT ON FUNCTION member.points_adjust_ask(bigint, bigint, text, text, text, date, text) IS
    'Puts an adjustment down for another actor to decide (member.adjustment); nothing is booked yet. Returns its number, counted per member. Arguments as of points_adjust(). Errors: MB502, MB204, MB201, MB101, MB102.';

CREATE OR REPLACE FUNCTION member.points_adjust_decide(
    member_id bigint, adjustment_no integer, approve boolean, actor text, remark text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    a record;
    r member.receipt;
BEGIN
    PERFORM member_internal.require_ready();
    PERFORM FROM member.state s WHERE s.member_id = points_adjust_decide.member_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse_member(points_adjust_decide.member_id);
    END IF;
    IF approve IS NULL OR coalesce(actor, '') = '' THEN
        PERFORM member_internal.refuse('MB502', 'a decision takes yes or no and an actor');
    END IF;
    SELECT x.*, w.code INTO a FROM member.adjustment x JOIN member.wallet w ON w.wallet_id = x.wallet
    WHERE x.member_id = points_adjust_decide.member_id AND x.adjustment_no = points_adjust_decide.adjustment_no;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB217', format('member %s has no adjustment %s', member_id, coalesce(adjustment_no::text, 'null')));
    END IF;
    IF a.approved IS NOT NULL THEN
        IF a.approved = approve AND a.decided_by = actor THEN
            SELECT e.member_id, e.entry_no, e.kind, e.at, a.code, e.points, e.balance, e.tier INTO r
            FROM member.entry e WHERE e.member_id = a.member_id AND e.entry_no = a.entry_no;
            RETURN r;
        END IF;
        PERFORM member_internal.refuse('MB217', format('adjustment %s is decided already', adjustment_no),
            format('%s by %s at %s.', CASE WHEN a.approved THEN 'Approved' ELSE 'Refused' END, a.decided_by, a.decided_at));
    END IF;
    IF a.asked_by = actor THEN
        PERFORM member_internal.refuse('MB217', 'who asks for an adjustment can''t decide on it', format('Adjustment %s was asked for by %s.', adjustment_no, a.asked_by));
    END IF;
    IF approve THEN
        r := (member_internal.write_adjustment(member_id, 'points_adjust_decide', jsonb_build_array(adjustment_no, a.points, a.reason, a.asked_by, actor, a.code, a.until, a.source),
            a.points, a.reason, a.code, a.until, a.source, true, NULL, format('%s, %s', a.asked_by, actor), 'adjustment:' || adjustment_no)).receipt;
    END IF;
    UPDATE member.adjustment x SET approved = approve, decided_by = points_adjust_decide.actor, decided_at = member.now(), remark = points_adjust_decide.remark, entry_no = r.entry_no
    WHERE x.member_id = a.member_id AND x.adjustment_no = a.adjustment_no;
    RETURN r;
END
$$;
COMMENT ON FUNCTION member.points_adjust_decide(bigint, integer, boolean, text, text) IS
    'Decides on an adjustment that another actor asked for: approved, it is booked now, by both. Returns the receipt, or null when it is refused; the same decision repeated gets the same answer. Errors: MB217 unknown, decided otherwise, or asked for by the same actor, MB502, and those of points_adjust().';

-- What expired by an entry within the wallet's window, less what was given back of it, or spent late.
CREATE OR REPLACE FUNCTION member_internal.reinstatable(member_id bigint, entry_no integer, wallet smallint, day date, OUT points bigint, OUT back bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT least(-member.total(e.delta, reinstatable.wallet),
                 (SELECT coalesce(-sum(u.points), 0) FROM member.unnest(e.delta) u
                  WHERE u.wallet = reinstatable.wallet AND u.points < 0 AND u.until <= member.day_of(e.at)
                    AND u.until > reinstatable.day - w.reinstate_days))::bigint,
           (SELECT coalesce(sum(r.points), 0) FROM member.entry r
            WHERE r.member_id = e.member_id AND r.ref = e.entry_no AND r.kind IN ('reinstate', 'reopen') AND r.wallet = reinstatable.wallet)::bigint
    FROM member.entry e CROSS JOIN member.setting g JOIN member.program_version v ON v.version = g.program_version
    CROSS JOIN LATERAL member_internal.wallet_rules(v.program, reinstatable.wallet) w
    WHERE e.member_id = reinstatable.member_id AND e.entry_no = reinstatable.entry_no AND e.kind = 'expire'
$$;
COMMENT ON FUNCTION member_internal.reinstatable(bigint, integer, smallint, date) IS
    'Points of a wallet that expired by an entry at most reinstate_days ago, and how many of the entry were given back; null: no such entry.';

CREATE OR REPLACE FUNCTION member.points_reinstate(
    member_id bigint, entry_no integer, points bigint DEFAULT NULL, wallet text DEFAULT 'points', until date DEFAULT NULL, reason text DEFAULT NULL,
    at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    arguments CONSTANT jsonb := jsonb_build_array(entry_no, points, wallet, until, reason, actor);
    id CONSTANT smallint := member_internal.wallet_id(wallet);
    r member.receipt;
    o record;
BEGIN
    r := member_internal.begin_write(member_id, 'points_reinstate', arguments, at, key);
    IF r.entry_no IS NOT NULL THEN
        RETURN r;
    END IF;
    SELECT x.points, x.back, e.at INTO o
    FROM member.entry e CROSS JOIN LATERAL member_internal.reinstatable(e.member_id, e.entry_no, id, member.day_of(coalesce(points_reinstate.at, member.now()))) x
    WHERE e.member_id = points_reinstate.member_id AND e.entry_no = points_reinstate.entry_no AND e.kind = 'expire';
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB205', format('no points of member %s expired by entry %s', member_id, coalesce(entry_no::text, 'null')),
            hint => 'points_statement() shows the entries of kind expire.');
    END IF;
    IF at < o.at THEN
        PERFORM member_internal.refuse('MB402', 'points can''t be given back before they expired', format('Entry %s was at %s.', entry_no, o.at));
    END IF;
    IF o.points - o.back < greatest(points, 1) THEN
        PERFORM member_internal.refuse('MB219', format('%s points of entry %s can be given back', greatest(o.points - o.back, 0), entry_no),
            format('%s expired within the wallet''s reinstate_days, %s are given back already.', o.points, o.back));
    END IF;
    RETURN (member_internal.write_event(member_id, 'points_reinstate', arguments, at, key,
        kind => 'reinstate', reason => reason, actor => actor, wallet => wallet, points => coalesce(points, o.points - o.back), until => until,
        ref => entry_no, origin_at => o.at, origin_lots => 'empty')).receipt;
END
$$;
COMMENT ON FUNCTION member.points_reinstate(bigint, integer, bigint, text, date, text, timestamptz, text, text) IS
    'Gives points back that expired by an entry of kind expire, at most reinstate_days of the wallet ago: so many (null: all), usable at once until a day (null: as the wallet says of today). Returns the receipt. Errors: MB219 not that many, or too long ago, MB205 nothing expired by that entry, MB210, MB201, MB101, MB102, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member_internal.verify_adjustments(low bigint, high bigint)
RETURNS TABLE (problem text, member_id bigint, entry_no integer, detail text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'adjustment does not fit its entry', a.member_id, a.entry_no, format('adjustment %s of %s points', a.adjustment_no, a.points)
    FROM member.adjustment a LEFT JOIN member.entry e ON e.member_id = a.member_id AND e.entry_no = a.entry_no
    WHERE a.member_id BETWEEN low AND high AND a.approved
      AND (e.kind IS DISTINCT FROM 'adjust' OR e.key IS DISTINCT FROM 'adjustment:' || a.adjustment_no OR e.wallet <> a.wallet
           OR e.points <> a.points AND NOT (a.points > 0 AND e.points BETWEEN 1 AND a.points))
    UNION ALL
    SELECT 'adjustment is missing', e.member_id, e.entry_no, e.key
    FROM member.entry e LEFT JOIN member.adjustment a ON a.member_id = e.member_id AND a.entry_no = e.entry_no AND a.approved
    WHERE e.member_id BETWEEN low AND high AND e.kind = 'adjust' AND e.key LIKE 'adjustment:%' AND e.actor LIKE '%, %' AND a.member_id IS NULL
$$;
COMMENT ON FUNCTION member_internal.verify_adjustments(bigint, bigint) IS 'What verify() finds wrong with adjustments that two actors made.';
