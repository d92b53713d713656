-- Points given from one member to another. Two books, one transaction: both rows are locked in ascending order, then
-- each has its step. The giver's entry has the caller's key; the receiver's is named after the giver's.

CREATE OR REPLACE FUNCTION member_internal.lock_members(a bigint, b bigint) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$ SELECT FROM member.state s WHERE s.member_id IN (a, b) ORDER BY s.member_id FOR NO KEY UPDATE $$;
COMMENT ON FUNCTION member_internal.lock_members(bigint, bigint) IS 'Locks the states of two members in the order everybody takes them.';

CREATE OR REPLACE FUNCTION member.points_transfer(
    member_id bigint, to_member bigint, points bigint, wallet text DEFAULT 'points', reason text DEFAULT NULL,
    at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL, pass text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    arguments CONSTANT jsonb := jsonb_build_array(to_member, points, wallet, reason, actor);
    w member_internal.written;
    r member.receipt;
    p record;
    today bigint;
    received integer;
BEGIN
    PERFORM member_internal.require_ready();
    PERFORM member_internal.lock_members(member_id, to_member);
    w := member_internal.write_event(member_id, 'points_transfer', arguments, at, key,
        kind => 'give', reason => reason, actor => actor, wallet => wallet, points => points, pass => pass);
    r := w.receipt;
    IF w.answered THEN
        RETURN r;
    END IF;
    IF to_member = member_id THEN
        PERFORM member_internal.refuse('MB212', 'points can''t be given to oneself');
    END IF;
    SELECT x.day_cap, x.cooling_days, e.delta INTO p
    FROM member.entry e JOIN member.program_version v ON v.version = e.program_version
    CROSS JOIN LATERAL member_internal.wallet_rules(v.program, e.wallet) x
    WHERE e.member_id = r.member_id AND e.entry_no = r.entry_no;
    IF p.day_cap IS NOT NULL THEN
        SELECT coalesce(sum(t.points), 0) INTO today
        FROM member.transfer t JOIN member.entry e ON e.member_id = t.member_id AND e.entry_no = t.entry_no
        JOIN member.wallet q ON q.wallet_id = e.wallet
        WHERE t.member_id = r.member_id AND t.undone_by IS NULL AND q.code = r.wallet AND member.day_of(e.at) = member.day_of(r.at);
        IF today + points > p.day_cap THEN
            PERFORM member_internal.refuse('MB212', format('a member may give %s points a day', p.day_cap), format('%s are given already, %s asked.', today, points));
        END IF;
    END IF;
    received := (member_internal.write_event(to_member, 'points_transfer', jsonb_build_array(r.member_id, r.entry_no), at,
        format('received:%s:%s', r.member_id, r.entry_no), kind => 'receive', reason => reason, actor => actor, wallet => wallet, points => points,
        origin_at => r.at, origin_lots => member.first_expiring(OPERATOR(member.-) p.delta, points))).receipt.entry_no;
    INSERT INTO member.transfer (member_id, entry_no, peer, peer_entry, points, usable_from)
    SELECT r.member_id, r.entry_no, to_member, received, points_transfer.points, member.day_of(e.at) + p.cooling_days
    FROM member.entry e WHERE e.member_id = to_member AND e.entry_no = received;
    RETURN r;
END
$$;
COMMENT ON FUNCTION member.points_transfer(bigint, bigint, bigint, text, text, timestamptz, text, text, text) IS
    'Gives points of a member to another: the very lots, first-expiring first, with the days they still have; the giver pays the wallet''s transfer_fee (per cent, rounded up) on top. The receiver can use them after transfer_cooling_days. pass: of pass_issue(), where the wallet asks for it. Returns the giver''s receipt, points negative with the fee. Errors: MB212 not transferable, to oneself or over the day''s cap, MB203 not enough, MB210 the receiver''s wallet is full, MB214 and MB215 pass, MB101, MB102, MB201, MB204, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member.points_transfer_undo(
    member_id bigint, entry_no integer, reason text DEFAULT NULL,
    at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    arguments CONSTANT jsonb := jsonb_build_array(entry_no, reason, actor);
    peer bigint;
    r member.receipt;
    t record;
    taken integer;
BEGIN
    PERFORM member_internal.require_ready();
    SELECT x.peer INTO peer FROM member.transfer x WHERE x.member_id = points_transfer_undo.member_id AND x.entry_no = points_transfer_undo.entry_no;
    PERFORM member_internal.lock_members(member_id, peer);
    r := member_internal.begin_write(member_id, 'points_transfer_undo', arguments, at, key);
    IF r.entry_no IS NOT NULL THEN
        RETURN r;
    END IF;
    SELECT x.*, w.code, e.at, e.delta, f.at AS received_at, f.delta AS received INTO t
    FROM member.transfer x JOIN member.entry e ON e.member_id = x.member_id AND e.entry_no = x.entry_no
    JOIN member.entry f ON f.member_id = x.peer AND f.entry_no = x.peer_entry JOIN member.wallet w ON w.wallet_id = e.wallet
    WHERE x.member_id = points_transfer_undo.member_id AND x.entry_no = points_transfer_undo.entry_no;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB205', format('member %s gave nothing by entry %s', member_id, coalesce(entry_no::text, 'null')),
            hint => 'The entry_no of the receipt of points_transfer() names it.');
    END IF;
    IF t.undone_by IS NOT NULL THEN
        PERFORM member_internal.refuse('MB213', format('the transfer of entry %s is taken back already', entry_no), format('By entry %s.', t.undone_by));
    END IF;
    IF at < greatest(t.at, t.received_at) THEN
        PERFORM member_internal.refuse('MB402', 'a transfer can''t be taken back before it was made', format('It was at %s.', greatest(t.at, t.received_at)));
    END IF;
    IF member.day_of(greatest(member.now(), at)) >= t.usable_from THEN
        PERFORM member_internal.refuse('MB213', format('the transfer of entry %s is final', entry_no), format('The receiver can use the points since %s.', t.usable_from),
            'A transfer can be taken back during transfer_cooling_days of its wallet.');
    END IF;
    r := (member_internal.write_event(member_id, 'points_transfer_undo', arguments, at, key,
        kind => 'reverse', reason => reason, actor => actor, wallet => t.code, points => abs(member.total(t.delta, member_internal.wallet_id(t.code))),
        ref => entry_no, origin_at => t.at, origin_lots => t.delta, origin_of => abs(member.total(t.delta, member_internal.wallet_id(t.code))), origin_back => 0)).receipt;
    taken := (member_internal.write_event(t.peer, 'points_transfer_undo', jsonb_build_array(r.member_id, r.entry_no), at,
        format('returned:%s:%s', r.member_id, r.entry_no), kind => 'reverse', reason => reason, actor => actor, wallet => t.code, points => t.points,
        ref => t.peer_entry, origin_at => t.received_at, origin_lots => t.received, origin_of => t.points, origin_back => 0)).receipt.entry_no;
    UPDATE member.transfer x SET undone_by = r.entry_no, peer_undone_by = taken
    WHERE x.member_id = t.member_id AND x.entry_no = t.entry_no;
    RETURN r;
END
$$;
COMMENT ON FUNCTION member.points_transfer_undo(bigint, integer, text, timestamptz, text, text) IS
    'Takes a transfer back while the receiver can''t use the points yet (transfer_cooling_days): these go back to the giver''s very lots, the fee too. entry_no: of the giver''s receipt. Returns the giver''s receipt. Errors: MB213 final or taken back already, MB205 no such transfer, MB101, MB102, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member.points_transfers(member_id bigint, since date DEFAULT NULL)
RETURNS TABLE (entry_no integer, at timestamptz, wallet text, direction text, peer bigint, points bigint, fee bigint, usable_from date, undone boolean, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.require_member(points_transfers.member_id);
    RETURN QUERY
        SELECT e.entry_no, e.at, w.code, x.direction, x.peer, x.points, CASE x.direction WHEN 'out' THEN -e.points - x.points ELSE 0 END, x.usable_from, x.undone, e.reason
        FROM (SELECT t.entry_no, 'out' AS direction, t.peer, t.points, t.usable_from, t.undone_by IS NOT NULL AS undone
              FROM member.transfer t WHERE t.member_id = points_transfers.member_id
              UNION ALL
              SELECT t.peer_entry, 'in', t.member_id, t.points, t.usable_from, t.undone_by IS NOT NULL
              FROM member.transfer t WHERE t.peer = points_transfers.member_id) x
        JOIN member.entry e ON e.member_id = points_transfers.member_id AND e.entry_no = x.entry_no
        JOIN member.wallet w ON w.wallet_id = e.wallet
        WHERE since IS NULL OR e.at >= member.day_start(since)
        ORDER BY e.entry_no;
END
$$;
COMMENT ON FUNCTION member.points_transfers(bigint, date) IS
    'What a member gave (out) and was given (in), since a day or ever: the other member, points without the fee, the fee, first day the receiver can use them, whether it was taken back. Errors: MB101.';

CREATE OR REPLACE FUNCTION member_internal.verify_transfers(low bigint, high bigint)
RETURNS TABLE (problem text, member_id bigint, entry_no integer, detail text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'transfer does not fit its entries', t.member_id, t.entry_no, format('%s points to member %s, entry %s', t.points, t.peer, t.peer_entry)
    FROM member.transfer t
    LEFT JOIN member.entry g ON g.member_id = t.member_id AND g.entry_no = t.entry_no
    LEFT JOIN member.entry r ON r.member_id = t.peer AND r.entry_no = t.peer_entry
    LEFT JOIN member.entry u ON u.member_id = t.member_id AND u.entry_no = t.undone_by
    LEFT JOIN member.entry v ON v.member_id = t.peer AND v.entry_no = t.peer_undone_by
    WHERE t.member_id BETWEEN low AND high
      AND (g.kind IS DISTINCT FROM 'give' OR r.kind IS DISTINCT FROM 'receive' OR g.wallet <> r.wallet OR r.points <> t.points OR -g.points < t.points
           OR r.key IS DISTINCT FROM format('received:%s:%s', t.member_id, t.entry_no)
           OR (t.undone_by IS NULL) <> (t.peer_undone_by IS NULL)
           OR t.undone_by IS NOT NULL AND (u.kind IS DISTINCT FROM 'reverse' OR u.ref IS DISTINCT FROM t.entry_no OR v.kind IS DISTINCT FROM 'reverse' OR v.ref IS DISTINCT FROM t.peer_entry
               OR v.key IS DISTINCT FROM format('returned:%s:%s', t.member_id, t.undone_by)))
    UNION ALL
    SELECT 'transfer is missing', e.member_id, e.entry_no, e.kind
    FROM member.entry e
    WHERE e.kind IN ('give', 'receive') AND e.member_id BETWEEN low AND high
      AND NOT EXISTS (SELECT FROM member.transfer t WHERE e.kind = 'give' AND t.member_id = e.member_id AND t.entry_no = e.entry_no
                      OR e.kind = 'receive' AND t.peer = e.member_id AND t.peer_entry = e.entry_no)
    UNION ALL
    SELECT 'transfer is taken back on one side only', e.member_id, e.entry_no, format('of entry %s', e.ref)
    FROM member.entry e JOIN member.entry o ON o.member_id = e.member_id AND o.entry_no = e.ref
    WHERE e.kind = 'reverse' AND o.kind IN ('give', 'receive') AND e.member_id BETWEEN low AND high
      AND NOT EXISTS (SELECT FROM member.transfer t WHERE t.member_id = e.member_id AND t.entry_no = o.entry_no AND t.undone_by = e.entry_no
                      OR t.peer = e.member_id AND t.peer_entry = o.entry_no AND t.peer_undone_by = e.entry_no)
$$;
COMMENT ON FUNCTION member_internal.verify_transfers(bigint, bigint) IS 'What verify() finds wrong with transfers.';
