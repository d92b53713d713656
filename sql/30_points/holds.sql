-- Points set apart: holds (reserve, then capture, void or lapse), and awards that wait for their release.

CREATE OR REPLACE FUNCTION member_internal.book_lapses(member_id bigint, moment timestamptz) RETURNS integer
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'member_book_lapses';
COMMENT ON FUNCTION member_internal.book_lapses(bigint, timestamptz) IS
    'Books the holds of a member that lapsed by a moment, each as of its own. Every verb does so first; this is for batches. Returns how many.';

CREATE OR REPLACE FUNCTION member_internal.book_time(member_id bigint) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'member_book_time';
COMMENT ON FUNCTION member_internal.book_time(bigint) IS 'Brings a member to the present, as the daily run does. Errors: MB101, MB102.';

-- Lapses are taken in their order, time passing in between: as if each had been booked when it fell due.
CREATE OR REPLACE FUNCTION member_internal.with_lapses(
    member_id bigint, book member.lots, moment timestamptz, as_of timestamptz DEFAULT 'infinity', known_at timestamptz DEFAULT 'infinity')
RETURNS member.lots
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    h record;
BEGIN
    FOR h IN
        SELECT h.lots, h.lapses_at, w.hold_grace_days AS grace
        FROM member.hold h
        CROSS JOIN member.setting g JOIN member.program_version v ON v.version = g.program_version
        CROSS JOIN LATERAL member_internal.wallet_rules(v.program, h.wallet) w
        JOIN member.entry o ON o.member_id = h.member_id AND o.entry_no = h.hold_id
        LEFT JOIN member.entry c ON c.member_id = h.member_id AND c.entry_no = h.closed_by
        WHERE h.member_id = with_lapses.member_id AND h.lapses_at <= moment
          -- the book has the hold in it, and not yet its end
          AND o.at < as_of AND o.booked_at <= with_lapses.known_at
          AND (h.closed_by IS NULL OR c.at >= as_of OR c.booked_at > with_lapses.known_at)
        ORDER BY h.lapses_at, h.hold_id
    LOOP
        IF member.is_book(book) THEN
            book := member.settle(book, member.day_of(h.lapses_at));
        END IF;
        book := book OPERATOR(member.+) CASE WHEN h.grace > 0 THEN member.extend(h.lots, member.day_of(h.lapses_at) + h.grace) ELSE h.lots END;
    END LOOP;
    RETURN book;
END
$$;
COMMENT ON FUNCTION member_internal.with_lapses(bigint, member.lots, timestamptz, timestamptz, timestamptz) IS
    'A member''s book (of entries before as_of, booked by known_at) with the holds that lapsed by a moment given back, booked or not.';

CREATE OR REPLACE FUNCTION member.points_hold(
    member_id bigint, points bigint, wallet text DEFAULT 'points', lapses_at timestamptz DEFAULT NULL,
    source text DEFAULT NULL, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, actor text DEFAULT NULL,
    key text DEFAULT NULL, pass text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    w member_internal.written;
    r member.receipt;
BEGIN
    w := member_internal.write_event(member_id, 'points_hold',
        jsonb_build_array(points, wallet, lapses_at, source, reason, actor), at, key,
        kind => 'hold', source => source, reason => reason, actor => actor, wallet => wallet, points => points, pass => pass);
    r := w.receipt;
    IF w.answered THEN
        RETURN r;
    END IF;
    IF lapses_at NOT BETWEEN r.at + interval '1 microsecond' AND '9990-01-01' THEN
        PERFORM member_internal.refuse('MB403', format('a hold can''t lapse at %s', lapses_at),
            format('It begins at %s.', r.at), 'Leave lapses_at out for a hold that stands until it is captured or voided.');
    END IF;
    INSERT INTO member.hold (member_id, hold_id, wallet, points, held_at, lapses_at, lots)
    SELECT e.member_id, e.entry_no, e.wallet, -e.points, e.at, points_hold.lapses_at, OPERATOR(member.-) e.delta
    FROM member.entry e WHERE e.member_id = r.member_id AND e.entry_no = r.entry_no;
    IF lapses_at IS NOT NULL THEN
        UPDATE member.state s SET next_lapse = least(s.next_lapse, points_hold.lapses_at),
            next_due = least(s.next_due, member.day_of(points_hold.lapses_at) + 1)
        WHERE s.member_id = r.member_id;
    END IF;
    RETURN r;
END
$$;
COMMENT ON FUNCTION member.points_hold(bigint, bigint, text, timestamptz, text, text, timestamptz, text, text, text) IS
    'Reserves usable points of a wallet, first-expiring first, until they are captured, voided, or the moment lapses_at has come (null: it stands). The receipt''s entry_no is the hold_id. pass: of pass_issue(), for more than the wallet''s code_above. Errors: MB203 not enough, MB202 wallet not spendable, MB214 and MB215 pass, MB403 lapses_at, MB101, MB102, MB201, MB204, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member_internal.open_hold(
    member_id bigint, hold_id integer, at timestamptz, OUT wallet text, OUT points bigint, OUT held_at timestamptz, OUT lots member.lots, OUT source text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    h record;
BEGIN
    SELECT x.*, o.source, member_internal.wallet_code(v.program, x.wallet) AS code, c.kind, c.at AS closed_at INTO h
    FROM member.hold x CROSS JOIN member.setting g JOIN member.program_version v ON v.version = g.program_version
    LEFT JOIN member.entry o ON o.member_id = x.member_id AND o.entry_no = x.hold_id
    LEFT JOIN member.entry c ON c.member_id = x.member_id AND c.entry_no = x.closed_by
    WHERE x.member_id = open_hold.member_id AND x.hold_id = open_hold.hold_id;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB208', format('member %s has no hold %s', member_id, coalesce(hold_id::text, 'null')),
            hint => 'The entry_no of the receipt of points_hold() is the hold_id.');
    END IF;
    IF h.closed_by IS NOT NULL OR h.lapses_at <= member.now() THEN
        PERFORM member_internal.refuse('MB209', format('hold %s is over', hold_id),
            CASE WHEN h.kind IS NULL OR h.kind = 'lapse' THEN format('It lapsed at %s.', h.lapses_at)
                 ELSE format('Closed by entry %s, %s, at %s.', h.closed_by, h.kind, h.closed_at) END);
    END IF;
    IF at < h.held_at THEN
        PERFORM member_internal.refuse('MB402', 'a hold can''t end before it began', format('Hold %s began at %s.', hold_id, h.held_at));
    END IF;
    wallet := h.code;
    points := h.points;
    held_at := h.held_at;
    lots := h.lots;
    source := h.source;
END
$$;
COMMENT ON FUNCTION member_internal.open_hold(bigint, integer, timestamptz) IS
    'A hold that stands now. Errors: MB208 no such hold, MB209 captured, voided or lapsed, MB402 dated before it.';

CREATE OR REPLACE FUNCTION member_internal.close_hold(member_id bigint, hold_id integer, entry_no integer) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    UPDATE member.hold h SET closed_by = close_hold.entry_no
    WHERE h.member_id = close_hold.member_id AND h.hold_id = close_hold.hold_id AND h.closed_by IS NULL;
    IF NOT FOUND THEN
        -- it lapsed between the look and the entry, which goes back with this
        PERFORM member_internal.refuse('MB209', format('hold %s is over', hold_id));
    END IF;
    UPDATE member.state s SET next_lapse = (SELECT min(h.lapses_at) FROM member.hold h
                                            WHERE h.member_id = close_hold.member_id AND h.closed_by IS NULL)
    WHERE s.member_id = close_hold.member_id AND s.next_lapse IS NOT NULL;
END
$$;
COMMENT ON FUNCTION member_internal.close_hold(bigint, integer, integer) IS 'Marks a hold as ended by an entry. Errors: MB209.';

CREATE OR REPLACE FUNCTION member.points_capture(
    member_id bigint, hold_id integer, points bigint DEFAULT NULL, source text DEFAULT NULL, reason text DEFAULT NULL,
    at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    arguments CONSTANT jsonb := jsonb_build_array(hold_id, points, source, reason, actor);
    r member.receipt;
    h record;
BEGIN
    r := member_internal.begin_write(member_id, 'points_capture', arguments, at, key);
    IF r.entry_no IS NOT NULL THEN
        RETURN r;
    END IF;
    SELECT * INTO h FROM member_internal.open_hold(member_id, hold_id, at);
    r := (member_internal.write_event(member_id, 'points_capture', arguments, at, key,
        kind => 'capture', source => coalesce(source, h.source), reason => reason, actor => actor,
        wallet => h.wallet, points => coalesce(points, h.points),
        ref => hold_id, origin_at => h.held_at, origin_lots => h.lots)).receipt;
    PERFORM member_internal.close_hold(member_id, hold_id, r.entry_no);
    RETURN r;
END
$$;
COMMENT ON FUNCTION member.points_capture(bigint, integer, bigint, text, text, timestamptz, text, text) IS
    'Spends so many points of a hold (null: all), first-expiring first, also those that expired while they were held; the rest comes back to its lots. Returns the receipt, points: what came back. points_reverse() of its entry gives the captured points back. Errors: MB208 no such hold, MB209 over, MB203 more than is held, MB204, MB101, MB102, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member.points_void(
    member_id bigint, hold_id integer, reason text DEFAULT NULL, at timestamptz DEFAULT NULL, actor text DEFAULT NULL,
    key text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    arguments CONSTANT jsonb := jsonb_build_array(hold_id, reason, actor);
    r member.receipt;
    h record;
BEGIN
    r := member_internal.begin_write(member_id, 'points_void', arguments, at, key);
    IF r.entry_no IS NOT NULL THEN
        RETURN r;
    END IF;
    SELECT * INTO h FROM member_internal.open_hold(member_id, hold_id, at);
    r := (member_internal.write_event(member_id, 'points_void', arguments, at, key,
        kind => 'void', source => h.source, reason => reason, actor => actor,
        wallet => h.wallet, points => h.points,
        ref => hold_id, origin_at => h.held_at, origin_lots => h.lots)).receipt;
    PERFORM member_internal.close_hold(member_id, hold_id, r.entry_no);
    RETURN r;
END
$$;
COMMENT ON FUNCTION member.points_void(bigint, integer, text, timestamptz, text, text) IS
    'Gives all points of a hold back to their lots; what expired while held is gone, or lasts hold_grace_days of its wallet. Errors: MB208 no such hold, MB209 over, MB101, MB102, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member.points_holds(member_id bigint, only_open boolean DEFAULT true)
RETURNS TABLE (hold_id integer, wallet text, points bigint, held_at timestamptz, lapses_at timestamptz, ended text, captured bigint, source text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.require_member(points_holds.member_id);
    RETURN QUERY
        SELECT h.hold_id, w.code, h.points, h.held_at, h.lapses_at,
               coalesce(c.kind, CASE WHEN h.lapses_at <= member.now() THEN 'lapse' END),
               CASE WHEN c.kind = 'capture' THEN c.ref_part END, o.source
        FROM member.hold h JOIN member.wallet w ON w.wallet_id = h.wallet
        JOIN member.entry o ON o.member_id = h.member_id AND o.entry_no = h.hold_id
        LEFT JOIN member.entry c ON c.member_id = h.member_id AND c.entry_no = h.closed_by
        WHERE h.member_id = points_holds.member_id
          AND (NOT only_open OR h.closed_by IS NULL AND (h.lapses_at IS NULL OR h.lapses_at > member.now()))
        ORDER BY h.hold_id;
END
$$;
COMMENT ON FUNCTION member.points_holds(bigint, boolean) IS
    'Holds of a member, those that stand now or all; ended: capture, void or lapse, booked or not, null while it stands; captured: points spent of it. Errors: MB101.';

-- ---- awards that wait for their release ----

-- Where the points of an entry lie now that it gave: released points lie elsewhere than they were first put.
CREATE OR REPLACE FUNCTION member_internal.origin_lots(member_id bigint, entry_no integer, before_entry integer DEFAULT 2147483647)
RETURNS member.lots
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT member.lots_sum(e.delta) FROM member.entry e
    WHERE e.member_id = origin_lots.member_id
      AND (e.entry_no = origin_lots.entry_no OR e.ref = origin_lots.entry_no AND e.kind = 'release' AND e.entry_no < before_entry)
$$;
COMMENT ON FUNCTION member_internal.origin_lots(bigint, integer, integer) IS
    'Lots an entry gave, with what was released of them where it went, as before another entry.';

CREATE OR REPLACE FUNCTION member_internal.waiting_lots(member_id bigint, entry_no integer, before_entry integer DEFAULT 2147483647)
RETURNS member.lots
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(member.lots_sum(member.earn('empty', l.wallet, l.points, 'infinity')), 'empty')
    FROM (SELECT u.wallet, sum(u.points)::bigint AS points
          FROM member.entry e CROSS JOIN LATERAL member.unnest(e.delta) u
          WHERE e.member_id = waiting_lots.member_id AND e.entry_no < before_entry
            AND (e.entry_no = waiting_lots.entry_no OR e.ref = waiting_lots.entry_no) AND u.usable_from = 'infinity'
          GROUP BY 1 HAVING sum(u.points) > 0) l
$$;
COMMENT ON FUNCTION member_internal.waiting_lots(bigint, integer, integer) IS
    'Lots of an entry that wait for their release, less what was taken back or released of it before another entry.';

CREATE OR REPLACE FUNCTION member.points_release(
    member_id bigint, entry_no integer DEFAULT NULL, purchase_no text DEFAULT NULL, reason text DEFAULT NULL,
    at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    arguments CONSTANT jsonb := jsonb_build_array(entry_no, purchase_no, reason, actor);
    r member.receipt;
    o record;
    waiting member.lots;
BEGIN
    r := member_internal.begin_write(member_id, 'points_release', arguments, at, key);
    IF r.entry_no IS NOT NULL THEN
        RETURN r;
    END IF;
    IF (entry_no IS NULL) = (purchase_no IS NULL) THEN
        PERFORM member_internal.refuse('MB502', 'either the number of an entry or of a purchase is to be given');
    END IF;
    SELECT e.entry_no, e.at, w.code INTO o
    FROM member.entry e JOIN member.wallet w ON w.wallet_id = e.wallet
    WHERE e.member_id = points_release.member_id
      AND e.entry_no = coalesce(points_release.entry_no, (SELECT p.entry_no FROM member.purchase p
          WHERE p.purchase_no = points_release.purchase_no AND p.member_id = points_release.member_id));
    IF NOT FOUND AND purchase_no IS NOT NULL THEN
        PERFORM member_internal.refuse('MB301', format('member %s has no purchase "%s"', member_id, purchase_no));
    ELSIF NOT FOUND THEN
        PERFORM member_internal.refuse('MB205', format('member %s has no entry %s', member_id, entry_no));
    END IF;
    IF at < o.at THEN
        PERFORM member_internal.refuse('MB402', 'points can''t be released before they were earned', format('Entry %s was at %s.', o.entry_no, o.at));
    END IF;
    waiting := member_internal.waiting_lots(member_id, o.entry_no);
    IF waiting OPERATOR(member.=) 'empty' THEN
        PERFORM member_internal.refuse('MB211', format('no points of entry %s wait for their release', o.entry_no),
            hint => 'Points wait that were earned with usable_from infinity, or in a wallet with pending_release.');
    END IF;
    RETURN (member_internal.write_event(member_id, 'points_release', arguments, at, key,
        kind => 'release', reason => reason, actor => actor, wallet => o.code,
        ref => o.entry_no, origin_at => o.at, origin_lots => waiting)).receipt;
END
$$;
COMMENT ON FUNCTION member.points_release(bigint, integer, text, text, timestamptz, text, text) IS
    'Makes the points of an entry or a purchase usable that waited for it, less what was refunded meanwhile; from today on they last as long as the wallet says. The receipt''s points are 0, its balance has them. Errors: MB211 none wait, MB205 no such entry, MB301 no such purchase, MB502, MB101, MB102, MB401 to MB405.';

-- ---- proof ----

CREATE OR REPLACE FUNCTION member_internal.verify_holds(low bigint, high bigint)
RETURNS TABLE (problem text, member_id bigint, entry_no integer, detail text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'hold is not in the ledger', h.member_id, h.hold_id, h.lots::text
    FROM member.hold h LEFT JOIN member.entry o ON o.member_id = h.member_id AND o.entry_no = h.hold_id
    WHERE h.member_id BETWEEN low AND high
      AND (o.kind IS DISTINCT FROM 'hold' OR o.delta OPERATOR(member.<>) (OPERATOR(member.-) h.lots) OR o.points <> -h.points
           OR o.wallet <> h.wallet OR o.at <> h.held_at)
    UNION ALL
    SELECT 'hold is missing', o.member_id, o.entry_no, ''
    FROM member.entry o LEFT JOIN member.hold h ON h.member_id = o.member_id AND h.hold_id = o.entry_no
    WHERE o.kind = 'hold' AND o.member_id BETWEEN low AND high AND h.member_id IS NULL
    UNION ALL
    SELECT 'hold is not closed by the entry that ended it', coalesce(h.member_id, c.member_id), coalesce(h.hold_id, c.ref),
           format('closed by %s, ended by %s', h.closed_by, c.entry_no)
    FROM (SELECT h.* FROM member.hold h WHERE h.member_id BETWEEN low AND high) h
    FULL JOIN (SELECT c.member_id, c.ref, c.entry_no, c.kind, c.at FROM member.entry c
               WHERE c.kind IN ('capture', 'void', 'lapse') AND c.member_id BETWEEN low AND high) c
        ON c.member_id = h.member_id AND c.ref = h.hold_id
    WHERE h.closed_by IS DISTINCT FROM c.entry_no OR c.kind = 'lapse' AND c.at IS DISTINCT FROM h.lapses_at
    UNION ALL
    SELECT 'state names another moment at which a hold lapses', s.member_id, NULL, format('state %s, holds %s', s.next_lapse, h.lapses_at)
    FROM (SELECT s.member_id, s.next_lapse FROM member.state s WHERE s.member_id BETWEEN low AND high) s
    LEFT JOIN (SELECT h.member_id, min(h.lapses_at) AS lapses_at FROM member.hold h
               WHERE h.closed_by IS NULL AND h.member_id BETWEEN low AND high GROUP BY 1) h USING (member_id)
    WHERE s.next_lapse IS DISTINCT FROM h.lapses_at
$$;
COMMENT ON FUNCTION member_internal.verify_holds(bigint, bigint) IS 'What verify() finds wrong with holds.';
