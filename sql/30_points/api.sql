CREATE OR REPLACE FUNCTION member.points_earn(
    member_id bigint, points bigint, wallet text DEFAULT 'points', usable_from date DEFAULT NULL,
    until date DEFAULT NULL, source text DEFAULT NULL, reason text DEFAULT NULL,
    at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL) RETURNS member.receipt
LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'member_points_earn';
COMMENT ON FUNCTION member.points_earn(bigint, bigint, text, date, date, text, text, timestamptz, text, text) IS
    'Gives points of a wallet, usable from a day (null: at once) until a day, exclusive (null: as the wallet says). Limits of the source (points_limit_set) may cut it: the receipt says what was given. Returns the receipt. Errors: MB218 limit used up, MB101, MB102, MB201 wallet, MB204 points below 1 or above 10^15, MB210, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member.points_spend(
    member_id bigint, points bigint, wallet text DEFAULT 'points', source text DEFAULT NULL,
    reason text DEFAULT NULL, at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL, pass text DEFAULT NULL)
RETURNS member.receipt
LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'member_points_spend';
COMMENT ON FUNCTION member.points_spend(bigint, bigint, text, text, text, timestamptz, text, text, text) IS
    'Spends usable points of a wallet, first-expiring first; dated back, also points that have expired since. pass: of pass_issue(), for more than the wallet''s code_above. Returns the receipt, points negative. Errors: MB203 not enough, MB202 wallet not spendable, MB214 and MB215 pass, MB101, MB102, MB201, MB204, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member.points_reverse(
    member_id bigint, entry_no integer, points bigint DEFAULT NULL, reason text DEFAULT NULL,
    at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    arguments CONSTANT jsonb := jsonb_build_array(entry_no, points, reason, actor);
    answer member.receipt;
    origin record;
BEGIN
    answer := member_internal.begin_write(member_id, 'points_reverse', arguments, at, key);
    IF answer.entry_no IS NOT NULL THEN
        RETURN answer;
    END IF;
    SELECT o.kind, o.at, member_internal.wallet_code(v.program, l.wallet) AS wallet, d.lots, abs(member.total(d.lots, l.wallet)) AS of,
           coalesce((SELECT sum(r.ref_part) FROM member.entry r
                     WHERE r.member_id = o.member_id AND r.ref = o.entry_no), 0)::bigint AS back
    INTO origin
    FROM member.entry o
    CROSS JOIN member.setting g JOIN member.program_version v ON v.version = g.program_version
    LEFT JOIN member.hold h ON o.kind = 'capture' AND h.member_id = o.member_id AND h.hold_id = o.ref
    CROSS JOIN LATERAL (SELECT CASE WHEN h.hold_id IS NOT NULL THEN OPERATOR(member.-) member.first_expiring(h.lots, o.ref_part)
                                    ELSE member_internal.origin_lots(o.member_id, o.entry_no) END AS lots) d
    -- told in the main wallet if it moved that, else in the first it moved
    LEFT JOIN LATERAL (SELECT min(u.wallet) AS wallet FROM member.unnest(d.lots) u) l ON true
    WHERE o.member_id = points_reverse.member_id AND o.entry_no = points_reverse.entry_no;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB205', format('member %s has no entry %s', member_id, entry_no));
    END IF;
    IF origin.kind NOT IN ('earn', 'spend', 'event', 'capture', 'adjust', 'reinstate') OR origin.of IS NULL THEN
        PERFORM member_internal.refuse('MB206', format('entry %s can''t be reversed: kind %s', entry_no, origin.kind),
            hint => 'A purchase is given back by purchase_refund(), a hold by points_void(), a transfer by points_transfer_undo(); what time did, reversals and events that gave nothing stand.');
    END IF;
    IF EXISTS (SELECT FROM member.part_payment p WHERE p.member_id = points_reverse.member_id AND p.spend_entry = points_reverse.entry_no) THEN
        PERFORM member_internal.refuse('MB206', format('entry %s paid part of a purchase', entry_no), hint => 'purchase_refund() gives its points back with the money.');
    END IF;
    IF origin.back >= origin.of THEN
        PERFORM member_internal.refuse('MB206', format('entry %s is reversed already', entry_no));
    END IF;
    RETURN (member_internal.write_event(member_id, 'points_reverse', arguments, at, key,
        kind => 'reverse', reason => reason, actor => actor,
        wallet => origin.wallet, points => coalesce(points, origin.of - origin.back),
        ref => entry_no, origin_at => origin.at, origin_lots => origin.lots,
        origin_of => origin.of, origin_back => origin.back)).receipt;
END
$$;
COMMENT ON FUNCTION member.points_reverse(bigint, integer, bigint, text, timestamptz, text, text) IS
    'Takes back an earn or event entry, or gives back a spend or what a capture took, to the very same lots; points: so many of it, null for all that is left. Points of an award already spent come from other lots or debt, as the wallet says. Errors: MB205 no such entry, MB206 not reversible or more than is left, MB101, MB102, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member_internal.balance_at(member_id bigint, wallet text, as_of date, known_at timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    id CONSTANT smallint := member_internal.wallet_id(wallet);
    day CONSTANT date := member_internal.day_or_today(as_of);
BEGIN
    RETURN member.balance(member_internal.book_at(member_id, day, known_at), id, day);
END
$$;
COMMENT ON FUNCTION member_internal.balance_at(bigint, text, date, timestamptz) IS 'points_balance() where more than the state as it stands has to be looked at. Errors: MB101, MB201, MB403.';

CREATE OR REPLACE FUNCTION member.points_balance(
    member_id bigint, wallet text DEFAULT 'points', as_of date DEFAULT NULL, known_at timestamptz DEFAULT NULL)
RETURNS bigint
LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'member_points_balance';
COMMENT ON FUNCTION member.points_balance(bigint, text, date, timestamptz) IS
    'Usable points of a wallet at the end of a day (default today): of all entries dated before its end; known_at bounds what had been booked by then. Right whether or not expiry is booked. Negative: debt. Errors: MB101, MB201.';

CREATE OR REPLACE FUNCTION member.points_statement(
    member_id bigint, since date DEFAULT NULL, until date DEFAULT NULL, wallet text DEFAULT 'points',
    known_at timestamptz DEFAULT NULL)
RETURNS TABLE (entry_no integer, at timestamptz, kind text, points bigint, booked_balance bigint, source text,
               reason text, ref integer, program_version integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    id CONSTANT smallint := member_internal.wallet_id(wallet);
BEGIN
    IF NOT EXISTS (SELECT FROM member.state s WHERE s.member_id = points_statement.member_id) THEN
        PERFORM member_internal.refuse('MB101', format('unknown member %s', member_id));
    END IF;
    RETURN QUERY
        SELECT x.entry_no, x.at, x.kind, x.moved, x.booked, x.source, x.reason, x.ref, x.program_version
        FROM (SELECT e.entry_no, e.at, e.kind, e.source, e.reason, e.ref, e.program_version,
                     member.total(e.delta, id) AS moved,
                     sum(member.total(e.delta, id)) OVER (ORDER BY e.entry_no)::bigint AS booked
              FROM member.entry e WHERE e.member_id = points_statement.member_id
                AND (known_at IS NULL OR e.booked_at <= known_at)) x
        WHERE x.moved <> 0
          AND (since IS NULL OR x.at >= member.day_start(since))
          AND (points_statement.until IS NULL OR x.at < member.day_start(points_statement.until))
        ORDER BY x.entry_no;
END
$$;
COMMENT ON FUNCTION member.points_statement(bigint, date, date, text, timestamptz) IS
    'Entries that moved a wallet, in the order booked, dated from since (inclusive) until (exclusive); known_at: as the statement was at that moment; booked_balance: sum of the postings so far, all lots. Errors: MB101, MB201.';

CREATE OR REPLACE FUNCTION member.points_expiring(
    as_of date DEFAULT NULL, within integer DEFAULT 30, wallet text DEFAULT 'points', only_member bigint DEFAULT NULL)
RETURNS TABLE (member_id bigint, until date, points bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    id CONSTANT smallint := member_internal.wallet_id(wallet);
    day CONSTANT date := member_internal.day_or_today(as_of);
    moment CONSTANT timestamptz := CASE WHEN day = member.day_of(member.now()) THEN member.now() ELSE member.day_start(day + 1) - interval '1 microsecond' END;
BEGIN
    RETURN QUERY
        SELECT s.member_id, l.until, sum(l.points)::bigint
        FROM (SELECT x.member_id, CASE WHEN x.next_lapse <= moment THEN member_internal.with_lapses(x.member_id, x.lots, moment) ELSE x.lots END AS lots
              FROM member.state x WHERE only_member IS NULL OR x.member_id = only_member) s
        CROSS JOIN LATERAL member.unnest(member.settle(s.lots, day)) l
        WHERE member.expiring(s.lots, id, day, within) > 0
          AND l.wallet = id AND l.until <= day + within
          AND (l.usable_from IS NULL OR l.usable_from <= day)
        GROUP BY s.member_id, l.until
        ORDER BY s.member_id, l.until;
END
$$;
COMMENT ON FUNCTION member.points_expiring(date, integer, text, bigint) IS
    'Points usable on a day (default today) that are gone within so many days after it if nothing happens, by member and the day they are gone; one member or all. Errors: MB201, MB502.';
