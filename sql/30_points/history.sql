-- The books of any past moment, and where a balance comes from.

CREATE OR REPLACE FUNCTION member_internal.book_at(member_id bigint, day date, known_at timestamptz) RETURNS member.lots
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    s record;
    present CONSTANT timestamptz := coalesce(known_at, member.now());
    over CONSTANT timestamptz := member.day_start(day + 1);
    -- of the present day only so much has passed: holds lapse to the minute
    moment CONSTANT timestamptz := CASE WHEN day = member.day_of(present) THEN present ELSE over - interval '1 microsecond' END;
BEGIN
    SELECT x.lots, x.at, x.next_lapse INTO s FROM member.state x WHERE x.member_id = book_at.member_id;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB101', format('unknown member %s', member_id));
    END IF;
    IF known_at IS NULL AND (s.at IS NULL OR day >= member.day_of(s.at)) THEN
        RETURN CASE WHEN s.next_lapse <= moment THEN member_internal.with_lapses(member_id, s.lots, moment) ELSE s.lots END;
    END IF;
    RETURN (SELECT member_internal.with_lapses(book_at.member_id, coalesce(member.lots_sum(e.delta), 'empty'), moment,
                                               over, coalesce(known_at, 'infinity'))
            FROM member.entry e
            WHERE e.member_id = book_at.member_id AND e.at < over AND (known_at IS NULL OR e.booked_at <= known_at));
END
$$;
COMMENT ON FUNCTION member_internal.book_at(bigint, date, timestamptz) IS
    'Sum of a member''s postings dated before the end of a day and booked by known_at (null: all). A late entry may have taken from lots that came after the day: then a lot is negative. Errors: MB101.';

CREATE OR REPLACE FUNCTION member_internal.settled_lots(book member.lots, day date)
RETURNS TABLE (wallet smallint, points bigint, usable_from date, until date)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT l.wallet, l.points, l.usable_from, l.until
    FROM member.unnest(CASE WHEN member.is_book(book) THEN member.settle(book, day) ELSE book END) l
    WHERE l.until IS NULL OR l.until > day
$$;
COMMENT ON FUNCTION member_internal.settled_lots(member.lots, date) IS
    'Lots of a book that stand at a day, debt paid and expired ones left out.';

CREATE OR REPLACE FUNCTION member.points_lots(member_id bigint, as_of date DEFAULT NULL, known_at timestamptz DEFAULT NULL)
RETURNS TABLE (wallet text, points bigint, usable_from date, until date, usable boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    day CONSTANT date := member_internal.day_or_today(as_of);
BEGIN
    RETURN QUERY
        SELECT w.code, l.points, l.usable_from, l.until, coalesce(l.usable_from <= day, true)
        FROM member_internal.settled_lots(member_internal.book_at(points_lots.member_id, day, known_at), day) l
        JOIN member.wallet w ON w.wallet_id = l.wallet
        ORDER BY l.wallet, l.until, l.usable_from;
END
$$;
COMMENT ON FUNCTION member.points_lots(bigint, date, timestamptz) IS
    'Lots a member holds at the end of a day (default today): wallet, points, first day usable (null: at once), first day gone (null: never), whether usable that day; debt is a negative lot without days. Of all entries dated before the day''s end; known_at bounds what had been booked by then. The usable ones of a wallet add up to points_balance(). Errors: MB101, MB403.';

-- Depth first; each row's points are the sum of its children's, but that pending lots are not in the balance.
CREATE OR REPLACE FUNCTION member.points_explain(
    member_id bigint, wallet text DEFAULT 'points', as_of date DEFAULT NULL, known_at timestamptz DEFAULT NULL)
RETURNS TABLE (node integer, parent integer, level integer, item text, points bigint, entry_no integer, at timestamptz,
               usable_from date, until date, detail jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    id CONSTANT smallint := member_internal.wallet_id(wallet);
    day CONSTANT date := member_internal.day_or_today(as_of);
    book CONSTANT member.lots := member_internal.book_at(member_id, day, known_at);
BEGIN
    RETURN QUERY
    WITH lot AS MATERIALIZED (
        -- what the postings left in each lot, and what of it stands
        SELECT row_number() OVER (ORDER BY until, usable_from) AS no, usable_from, until, coalesce(b.points, 0) AS booked,
               coalesce(s.points, 0) AS points, coalesce(usable_from <= day, true) AS usable
        FROM (SELECT l.points, coalesce(l.usable_from, '-infinity') AS usable_from, coalesce(l.until, 'infinity') AS until
              FROM member.unnest(book) l WHERE l.wallet = id) b
        FULL JOIN (SELECT l.points, coalesce(l.usable_from, '-infinity') AS usable_from, coalesce(l.until, 'infinity') AS until
                   FROM member_internal.settled_lots(book, day) l WHERE l.wallet = id) s USING (usable_from, until)
    ), moved AS MATERIALIZED (
        SELECT l.no, e.entry_no, u.points
        FROM member.entry e CROSS JOIN LATERAL member.unnest(e.delta) u
        JOIN lot l ON l.usable_from = coalesce(u.usable_from, '-infinity') AND l.until = coalesce(u.until, 'infinity')
        WHERE e.member_id = points_explain.member_id AND u.wallet = id AND e.at < member.day_start(day + 1)
          AND (known_at IS NULL OR e.booked_at <= known_at)
    ), flow AS (
        SELECT l.*, (l.booked - coalesce((SELECT sum(m.points) FROM moved m WHERE m.no = l.no), 0))::bigint AS lapsed FROM lot l
    ), tree AS (
        SELECT ARRAY[]::bigint[] AS path, 1 AS level, format('balance of %s on %s', wallet, day) AS item, sum(l.points) FILTER (WHERE l.usable)::bigint AS points,
               NULL::integer AS entry_no, NULL::timestamptz AS at, NULL::date AS usable_from, NULL::date AS until,
               jsonb_build_object('wallet', wallet, 'day', day, 'known_at', known_at) AS detail
        FROM (SELECT l.points, l.usable FROM lot l UNION ALL SELECT 0, true) l
        UNION ALL
        SELECT ARRAY[l.no], 2, CASE WHEN l.until = 'infinity' AND l.usable_from = '-infinity' AND l.points + l.booked < 0 THEN 'debt'
                    WHEN l.usable_from = 'infinity' THEN 'lot that waits for its release, not in the balance'
                    ELSE concat_ws(' ', CASE WHEN l.until <= day THEN 'expired lot' WHEN l.usable THEN 'lot' ELSE 'pending lot, not in the balance,' END,
                        'from ' || CASE WHEN isfinite(l.usable_from) THEN l.usable_from END,
                        CASE WHEN isfinite(l.until) THEN format('until %s', l.until) ELSE 'for good' END) END,
               l.points, NULL, NULL, CASE WHEN isfinite(l.usable_from) THEN l.usable_from END, CASE WHEN isfinite(l.until) THEN l.until END,
               jsonb_build_object('usable', l.usable AND l.until > day)
        FROM lot l
        UNION ALL
        SELECT ARRAY[l.no, 2147483646], 3, 'back from a hold that lapsed, not booked yet', l.lapsed, NULL, NULL, NULL, NULL, '{}'
        FROM flow l WHERE l.lapsed <> 0
        UNION ALL
        SELECT ARRAY[l.no, 2147483647], 3, CASE WHEN l.until <= day THEN 'expired or paid debt, not booked yet' ELSE 'pays debt, not booked yet' END,
               l.points - l.booked, NULL, NULL, NULL, NULL, '{}'
        FROM lot l WHERE l.points <> l.booked
        UNION ALL
        SELECT ARRAY[m.no, m.entry_no], 3, format('entry %s: %s', m.entry_no, e.kind), m.points, m.entry_no, e.at, NULL, NULL,
               jsonb_strip_nulls(jsonb_build_object('kind', e.kind, 'booked_at', e.booked_at, 'reason', e.reason, 'actor', e.actor,
                   'ref', e.ref, 'moved_in_all', nullif(member.total(e.delta, id), m.points)))
        FROM moved m JOIN member.entry e ON e.member_id = points_explain.member_id AND e.entry_no = m.entry_no
        UNION ALL
        SELECT ARRAY[m.no, m.entry_no, 1], 4,
               concat_ws(', ',
                   CASE WHEN p.purchase_no IS NOT NULL THEN format('purchase %s of %s', p.purchase_no, p.amount) || coalesce(' in ' || p.store, '')
                        WHEN e.kind = 'refund' THEN format('refund %s of %s for entry %s', e.source, round(e.ref_part / 100.0, 2), e.ref)
                        WHEN e.kind = 'unrefund' THEN format('refund %s of entry %s taken back', e.source, e.ref)
                        WHEN v.kind IS NOT NULL THEN concat_ws(' ', 'event', v.kind, v.category)
                        WHEN e.kind = 'reverse' THEN format('%s points of entry %s', e.ref_part, e.ref)
                        WHEN e.kind IN ('expire', 'settle') THEN 'time'
                        WHEN e.kind IN ('capture', 'void', 'lapse') THEN format('end of hold %s', e.ref)
                        WHEN e.kind = 'release' THEN format('release of entry %s', e.ref)
                        WHEN e.kind = 'keep' THEN 'kept alive by what the member did'
                        WHEN e.kind = 'reopen' THEN format('spent before they expired by entry %s', e.ref)
                        WHEN e.kind = 'reinstate' THEN format('expired by entry %s, given back', e.ref)
                        WHEN e.kind = 'give' THEN 'transfer to another member'
                        WHEN e.kind = 'receive' THEN format('transfer from member %s, entry %s', split_part(e.key, ':', 2), split_part(e.key, ':', 3))
                        WHEN e.kind = 'adjust' THEN concat('by hand', ', from ' || e.source)
                        ELSE concat_ws(' ', 'call', 'from ' || e.source) END,
                   e.reason, format('program %s', e.program_version)),
               m.points, m.entry_no, e.at, NULL, NULL,
               jsonb_strip_nulls(jsonb_build_object('purchase_no', p.purchase_no, 'amount', p.amount, 'store', p.store, 'event', v.kind, 'source', e.source,
                   'program_version', e.program_version, 'program_note', g.note))
        FROM moved m JOIN member.entry e ON e.member_id = points_explain.member_id AND e.entry_no = m.entry_no
        LEFT JOIN member.purchase p ON e.kind = 'purchase' AND p.purchase_no = e.source
        LEFT JOIN member.event v ON v.member_id = e.member_id AND v.entry_no = e.entry_no
        LEFT JOIN member.program_version g ON g.version = e.program_version
    ), numbered AS (
        SELECT t.*, row_number() OVER (ORDER BY t.path)::integer AS node FROM tree t
    )
    SELECT n.node, p.node, n.level, repeat('  ', n.level - 1) || n.item, n.points, n.entry_no, n.at, n.usable_from, n.until, n.detail
    FROM numbered n LEFT JOIN numbered p ON n.path <> '{}' AND p.path = n.path[:cardinality(n.path) - 1]
    ORDER BY n.node;
END
$$;
COMMENT ON FUNCTION member.points_explain(bigint, text, date, timestamptz) IS
    'Where a balance comes from, as a tree: the balance (level 1), its lots (2), the entries that moved each lot (3), what these came from and the program version that decided (4). The rows are in the order to read them; item is indented. The points of a row are the sum of those under it, pending lots apart. As of a day, and as known at a moment, as points_balance(). Errors: MB101, MB201, MB403.';

CREATE OR REPLACE FUNCTION member.points_explain_json(
    member_id bigint, wallet text DEFAULT 'points', as_of date DEFAULT NULL, known_at timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    open jsonb[] := ARRAY[]::jsonb[]; -- the nodes from the top to the one whose children come
    row record;
    done jsonb;
BEGIN
    FOR row IN
        SELECT x.level, x.item, x.points, x.entry_no, x.at, x.usable_from, x.until, x.detail
        FROM member.points_explain(points_explain_json.member_id, points_explain_json.wallet, points_explain_json.as_of, points_explain_json.known_at) x
        UNION ALL SELECT 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    LOOP
        WHILE cardinality(open) >= greatest(row.level, 2) OR row.item IS NULL AND cardinality(open) > 1 LOOP
            done := open[cardinality(open)];
            open := open[:cardinality(open) - 1];
            open[cardinality(open)] := jsonb_set(open[cardinality(open)], '{parts}', coalesce(open[cardinality(open)] -> 'parts', '[]') || jsonb_build_array(done));
        END LOOP;
        EXIT WHEN row.item IS NULL;
        open := open || (jsonb_strip_nulls(jsonb_build_object('item', ltrim(row.item), 'points', row.points, 'entry_no', row.entry_no,
            'at', row.at, 'usable_from', row.usable_from, 'until', row.until)) || row.detail);
    END LOOP;
    RETURN open[1];
END
$$;
COMMENT ON FUNCTION member.points_explain_json(bigint, text, date, timestamptz) IS
    'points_explain() as one jsonb object: item, points, days and details of each node, its children in "parts". Errors: MB101, MB201, MB403.';
