-- Proof: the books are the sum of their entries, and the state is what the facts make of it.

CREATE OR REPLACE FUNCTION member.verify(
    since_member bigint DEFAULT NULL, until_member bigint DEFAULT NULL, by_replay boolean DEFAULT true)
RETURNS TABLE (problem text, member_id bigint, entry_no integer, detail text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '128MB' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    low CONSTANT bigint := coalesce(since_member, -9223372036854775808);
    high CONSTANT bigint := coalesce(until_member, 9223372036854775807);
BEGIN
    PERFORM member_internal.require_ready();
    IF member.clock_is_set() THEN
        RAISE WARNING 'member.clock is set in this session: the engine does not go by the real time'
            USING HINT = 'For tests only; RESET member.clock.';
    END IF;
    -- one pass over the entries in their order
    RETURN QUERY
        WITH e AS (
            SELECT e.member_id, e.entry_no, e.hash, e.delta, e.at, e.booked_at, row_number() OVER w AS place,
                   e.points = member.total(e.delta, e.wallet) AS adds_up,
                   -- who waits for the lock may have read the clock before
                   e.booked_at >= e.at AND e.booked_at > lag(e.booked_at, 1, '-infinity') OVER w - interval '1 day' AS in_time,
                   e.hash = member.entry_hash(lag(e.hash) OVER w, e.member_id, e.entry_no, e.kind, e.at, e.program_version,
                       e.ref, e.ref_part, e.delta, e.points, e.balance, e.key, e.digest) AS sound
            FROM member.entry e WHERE e.member_id BETWEEN low AND high
            WINDOW w AS (PARTITION BY e.member_id ORDER BY e.entry_no)
        ), b AS (
            SELECT e.member_id, count(*) AS n, max(e.entry_no) AS last, member.lots_sum(e.delta) AS book,
                   (array_agg(e.hash ORDER BY e.entry_no DESC))[1] AS head,
                   min(e.entry_no) FILTER (WHERE NOT e.sound) AS broken,
                   min(e.entry_no) FILTER (WHERE e.entry_no <> e.place) AS gap,
                   min(e.entry_no) FILTER (WHERE NOT e.adds_up) AS wrong_points,
                   min(e.entry_no) FILTER (WHERE NOT e.in_time) AS wrong_time,
                   max(e.at) AS last_at
            FROM e GROUP BY e.member_id
        ), s AS (
            SELECT coalesce(s.member_id, b.member_id) AS member_id, s.member_id IS NULL AS orphan, s.lots, s.entries, s.hash, s.at,
                   b.wrong_points, b.wrong_time, b.last_at, coalesce(b.n, 0) AS n, coalesce(b.last, 0) AS last, coalesce(b.book, 'empty') AS book, b.head, b.broken, b.gap
            FROM (SELECT * FROM member.state s WHERE s.member_id BETWEEN low AND high) s FULL JOIN b USING (member_id)
        )
        SELECT x.problem, s.member_id, x.entry_no, x.detail
        FROM s CROSS JOIN LATERAL (VALUES
            (s.orphan, 'entries without a state', NULL::integer, format('%s entries', s.n)),
            (s.broken IS NOT NULL, 'hash chain is broken', s.broken, 'the entry or the one before it was changed'),
            (s.gap IS NOT NULL, 'entries are not numbered without gaps', s.gap, 'an entry before it is missing'),
            (s.wrong_points IS NOT NULL, 'points of the entry are not those of its lots', s.wrong_points, 'wallet, points or delta was changed'),
            (s.wrong_time IS NOT NULL, 'entry is booked before it happened or a day before the one before it', s.wrong_time, 'booked_at was changed, or the clock set back'),
            (s.at < s.last_at OR s.at IS NULL AND s.n > 0 AND NOT s.orphan, 'state is behind its entries', s.last::integer,
             format('state brought to %s, last at %s', s.at, s.last_at)),
            (s.entries <> s.last, 'last entry is not the one the state names', s.last::integer, format('state names %s', s.entries)),
            (s.hash IS DISTINCT FROM s.head AND s.entries = s.last, 'hash of the state is not that of the last entry', s.last::integer, ''),
            (s.lots OPERATOR(member.<>) s.book, 'state is not the sum of the entries', NULL, format('state %s, sum %s', s.lots, s.book)),
            (NOT member.is_book(s.lots), 'a lot is negative that is not debt', NULL, s.lots::text)
        ) AS x (wrong, problem, entry_no, detail)
        WHERE x.wrong;
    RETURN QUERY
        SELECT 'more is given back than was given', r.member_id, r.ref, format('%s of %s', r.back, r.of)
        FROM (SELECT r.member_id, r.ref, sum(CASE r.kind WHEN 'reinstate' THEN r.points ELSE r.ref_part END)
                         FILTER (WHERE NOT (r.kind = 'refund' AND EXISTS (SELECT FROM member.entry u WHERE u.member_id = r.member_id AND u.ref = r.entry_no AND u.kind = 'unrefund'))) AS back,
                     max(CASE o.kind WHEN 'purchase' THEN (p.amount * 100)::bigint WHEN 'capture' THEN o.ref_part WHEN 'refund' THEN o.ref_part
                         WHEN 'expire' THEN -member.total(o.delta, r.wallet) ELSE abs(member.total(o.delta, l.wallet)) END) AS of
              FROM member.entry r JOIN member.entry o ON o.member_id = r.member_id AND o.entry_no = r.ref
              LEFT JOIN member.purchase p ON o.kind = 'purchase' AND p.purchase_no = o.source
              LEFT JOIN LATERAL (SELECT min(u.wallet) AS wallet FROM member.unnest(o.delta) u) l ON true
              WHERE r.ref IS NOT NULL AND r.member_id BETWEEN low AND high
              GROUP BY r.member_id, r.ref, CASE WHEN r.kind IN ('reinstate', 'reopen') THEN r.wallet END) r
        WHERE r.back > r.of;
    -- the facts beside the entries: each has its other half
    RETURN QUERY
        SELECT 'purchase is not in the ledger', p.member_id, p.entry_no, p.purchase_no
        FROM member.purchase p LEFT JOIN member.entry e ON e.member_id = p.member_id AND e.entry_no = p.entry_no
        WHERE p.member_id BETWEEN low AND high
          AND (e.kind IS DISTINCT FROM 'purchase' OR e.source IS DISTINCT FROM p.purchase_no OR e.at IS DISTINCT FROM p.at)
        UNION ALL
        SELECT 'purchase is missing', e.member_id, e.entry_no, e.source
        FROM member.entry e
        LEFT JOIN member.purchase p ON p.purchase_no = e.source AND p.member_id = e.member_id AND p.entry_no = e.entry_no
        WHERE e.kind = 'purchase' AND e.member_id BETWEEN low AND high AND p.member_id IS NULL
        UNION ALL
        SELECT 'lines of a purchase do not add up', p.member_id, p.entry_no, format('lines %s, purchase %s', l.amount, p.amount)
        FROM (SELECT l.member_id, l.entry_no, sum(l.amount) AS amount FROM member.purchase_line l
              WHERE l.member_id BETWEEN low AND high GROUP BY 1, 2) l
        LEFT JOIN member.entry e ON e.member_id = l.member_id AND e.entry_no = l.entry_no
        LEFT JOIN member.purchase p ON p.purchase_no = e.source
        WHERE l.amount IS DISTINCT FROM p.amount
        UNION ALL
        -- imported refunds are entries alone
        SELECT 'refunds of a purchase do not add up', coalesce(p.member_id, f.member_id), coalesce(p.entry_no, f.ref),
               format('purchase says %s, entries say %s', coalesce(p.refunded, 0), coalesce(round(f.amount, 2), 0))
        FROM (SELECT p.* FROM member.purchase p WHERE p.refunded <> 0 AND p.member_id BETWEEN low AND high) p
        FULL JOIN (SELECT e.member_id, e.ref, sum(e.ref_part) / 100.0 AS amount FROM member.entry e
                   WHERE e.kind = 'refund' AND e.member_id BETWEEN low AND high
                     AND NOT EXISTS (SELECT FROM member.entry u WHERE u.member_id = e.member_id AND u.ref = e.entry_no AND u.kind = 'unrefund') GROUP BY 1, 2) f
            ON f.member_id = p.member_id AND f.ref = p.entry_no
        WHERE coalesce(f.amount, 0) <> coalesce(p.refunded, 0)
        UNION ALL
        SELECT 'refund is not in the ledger', f.member_id, f.entry_no, format('refund %s of entry %s: %s', f.refund_no, f.purchase, f.amount)
        FROM member.refund f LEFT JOIN member.entry e ON e.member_id = f.member_id AND e.entry_no = f.entry_no
        WHERE f.member_id BETWEEN low AND high
          AND (e.kind IS DISTINCT FROM 'refund' OR e.ref <> f.purchase OR e.ref_part <> f.amount * 100 OR e.source <> f.refund_no OR e.at <> f.at
               OR f.undone_by IS DISTINCT FROM (SELECT u.entry_no FROM member.entry u WHERE u.member_id = f.member_id AND u.ref = f.entry_no AND u.kind = 'unrefund'))
        UNION ALL
        SELECT 'refund is missing', e.member_id, e.entry_no, e.source
        FROM member.entry e
        LEFT JOIN member.refund f ON f.member_id = e.member_id AND f.purchase = e.ref AND f.refund_no = e.source
        WHERE e.kind = 'refund' AND e.member_id BETWEEN low AND high AND f.member_id IS NULL
        UNION ALL
        SELECT 'event is not in the ledger', v.member_id, v.entry_no, v.kind
        FROM member.event v LEFT JOIN member.entry e ON e.member_id = v.member_id AND e.entry_no = v.entry_no
        WHERE v.member_id BETWEEN low AND high
          AND (e.kind IS DISTINCT FROM 'event' OR e.source IS DISTINCT FROM v.kind OR e.at IS DISTINCT FROM v.at)
        UNION ALL
        SELECT 'event is missing', e.member_id, e.entry_no, e.source
        FROM member.entry e LEFT JOIN member.event v ON v.member_id = e.member_id AND v.entry_no = e.entry_no
        WHERE e.kind = 'event' AND e.member_id BETWEEN low AND high AND v.member_id IS NULL
        UNION ALL
        SELECT 'level changes do not follow from one another', c.member_id, c.entry_no,
               format('change %s of ladder %s: from level %s, held was %s', c.change_no, c.ladder_id, c.from_level, c.held)
        FROM (SELECT c.member_id, c.entry_no, c.change_no, c.ladder_id, c.from_level, lag(c.to_level, 1, 0::smallint) OVER w AS held
              FROM member.tier_change c WHERE c.member_id BETWEEN low AND high
              WINDOW w AS (PARTITION BY c.member_id, c.ladder_id ORDER BY c.change_no)) c
        WHERE c.from_level <> c.held
        UNION ALL
        SELECT 'level held is not the last one decided', s.member_id, NULL,
               format('ladder %s: held %s, decided %s', g.ladder_id, member.level(s.standing, g.ladder_id), coalesce(c.to_level, 0))
        FROM member.state s CROSS JOIN member.tier_ladder g
        LEFT JOIN (SELECT DISTINCT ON (c.member_id, c.ladder_id) c.member_id, c.ladder_id, c.to_level FROM member.tier_change c
                   WHERE c.member_id BETWEEN low AND high ORDER BY c.member_id, c.ladder_id, c.change_no DESC) c
            ON c.member_id = s.member_id AND c.ladder_id = g.ladder_id
        WHERE s.member_id BETWEEN low AND high AND coalesce(member.level(s.standing, g.ladder_id), 0) <> coalesce(c.to_level, 0)
        UNION ALL
        SELECT 'member without a state', m.member_id, NULL, ''
        FROM member.member m LEFT JOIN member.state s USING (member_id) WHERE m.member_id BETWEEN low AND high AND s.member_id IS NULL
        UNION ALL
        SELECT 'state without a member', s.member_id, NULL, ''
        FROM member.state s LEFT JOIN member.member m USING (member_id) WHERE s.member_id BETWEEN low AND high AND m.member_id IS NULL;
    RETURN QUERY SELECT * FROM member_internal.verify_holds(low, high);
    RETURN QUERY SELECT * FROM member_internal.verify_transfers(low, high);
    RETURN QUERY SELECT * FROM member_internal.verify_adjustments(low, high);
    RETURN QUERY SELECT * FROM member_internal.verify_part_payments(low, high);
    IF by_replay THEN
        RETURN QUERY SELECT * FROM member_internal.verify_by_replay(low, high);
    END IF;
    -- What stood at the heads when they were exported must still stand in the ledger.
    RETURN QUERY
        SELECT 'chain head is not the one exported', h.member_id, h.entry_no, format('export of %s', c.day)
        FROM member.chain_head c
        CROSS JOIN LATERAL unnest(c.members, c.entries, c.hashes) AS h (member_id, entry_no, hash)
        LEFT JOIN member.entry e ON e.member_id = h.member_id AND e.entry_no = h.entry_no
        WHERE h.member_id BETWEEN low AND high AND substr(e.hash, 1, 8) IS DISTINCT FROM h.hash;
    -- Budgets and the rollup are of all members.
    IF since_member IS NULL AND until_member IS NULL THEN
        RETURN QUERY SELECT * FROM member_internal.verify_limits();
        RETURN QUERY
            SELECT 'points_rollup is not the sum of the entries', NULL::bigint, NULL::integer,
                   format('%s, wallet %s, %s%s: rollup %s in %s, entries %s in %s', month, wallet, kind, ' from ' || nullif(source, ''),
                          coalesce(r.points, 0), coalesce(r.entries, 0), coalesce(e.points, 0), coalesce(e.entries, 0))
            FROM member.points_rollup r
            FULL JOIN (SELECT date_trunc('month', x.at AT TIME ZONE g.zone)::date AS month, x.wallet, x.kind,
                              member_internal.summed_source(x.kind, x.source) AS source,
                              sum(x.points) AS points, count(*) AS entries
                       FROM member.entry x, member.setting g
                       WHERE x.booked_at < (SELECT k.booked_before FROM member.points_rollup_mark k)
                       GROUP BY 1, 2, 3, 4) e USING (month, wallet, kind, source)
            WHERE r.points IS DISTINCT FROM e.points OR r.entries IS DISTINCT FROM e.entries
            ORDER BY month, wallet, kind, source;
    END IF;
END
$$;
COMMENT ON FUNCTION member.verify(bigint, bigint, boolean) IS
    'A row for each broken thing in the books of all members or a range of numbers: sums, numbering, hash chain, debt, purchases, refunds and events beside their entries, level changes, exported heads; by_replay: also whether the facts taken through step again make the same entries, activity and levels (most of the time it takes); over all members points_rollup too. No row: sound. Warns when member.clock is set. repair() mends what can be derived.';

-- The events of members' ledgers, as they went into step.
CREATE OR REPLACE FUNCTION member_internal.events_of(since_member bigint, until_member bigint)
RETURNS TABLE (member_id bigint, entry_no integer, part bigint, version integer, event member.step_event)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.member_id, e.entry_no, 0::bigint, e.program_version,
           ROW(e.member_id, CASE WHEN e.kind IN ('expire', 'settle') THEN 'day' ELSE e.kind END, e.at,
               CASE WHEN e.kind IN ('earn', 'spend', 'reverse', 'hold', 'capture', 'void', 'lapse', 'release', 'give', 'receive', 'adjust', 'reinstate')
                   THEN w.code END,
               CASE WHEN e.kind IN ('earn', 'adjust', 'receive') THEN e.points WHEN e.kind IN ('spend', 'hold') THEN -e.points
                   WHEN e.kind = 'give' THEN (SELECT t.points FROM member.transfer t WHERE t.member_id = e.member_id AND t.entry_no = e.entry_no)
                   WHEN e.kind IN ('reverse', 'capture', 'void', 'lapse', 'reinstate') THEN e.ref_part END,
               CASE e.kind WHEN 'purchase' THEN p.amount * 100 WHEN 'refund' THEN e.ref_part WHEN 'unrefund' THEN e.ref_part WHEN 'event' THEN v.value * 100 END,
               CASE WHEN e.kind = 'earn' THEN l.usable_from END,
               CASE WHEN e.kind IN ('earn', 'adjust', 'reinstate') THEN coalesce(l.until, 'infinity') WHEN e.kind = 'tier' THEN nullif(split_part(e.source, '/', 2), '')::date END,
               CASE WHEN e.kind = 'tier' THEN split_part(e.source, '/', 1) ELSE v.kind END, c.category_id, e.key, e.digest, e.ref,
               CASE WHEN e.kind <> 'refund' THEN o.at END, g.lots,
               CASE WHEN e.kind = 'reverse' THEN abs(member.total(g.lots, e.wallet)) END,
               CASE WHEN e.kind = 'reverse' THEN (SELECT coalesce(sum(b.ref_part), 0) FROM member.entry b
                   WHERE b.member_id = e.member_id AND b.ref = e.ref AND b.entry_no < e.entry_no)::bigint END,
               NULL::bigint,
               CASE e.kind WHEN 'purchase' THEN p.purchase_no WHEN 'refund' THEN o.source
                   WHEN 'unrefund' THEN (SELECT b.source FROM member.entry b WHERE b.member_id = o.member_id AND b.entry_no = o.ref) END, true,
               -- imported history was not booked at a time of its own
               CASE WHEN e.digest IS NOT NULL THEN e.booked_at END, NULL,
               CASE WHEN (SELECT bool_or(m.looks) FROM member.program_version g, member_internal.program_streams(g.program) m) THEN
                   CASE e.kind
                       WHEN 'purchase' THEN jsonb_build_object('store', p.store, 'channel', p.channel, 'attributes', p.attributes,
                           'lines', member_internal.purchase_lines_of(e.member_id, e.entry_no))
                       WHEN 'event' THEN jsonb_build_object('category', v.category, 'attributes', v.attributes)
                       WHEN 'refund' THEN jsonb_build_object('source', e.source, 'reason', e.reason, 'refund', (SELECT to_jsonb(f.lines)
                           FROM member.refund f WHERE f.member_id = e.member_id AND f.purchase = e.ref AND f.refund_no = e.source))
                       WHEN 'unrefund' THEN jsonb_build_object('refund', (SELECT to_jsonb(f.lines)
                           FROM member.refund f WHERE f.member_id = e.member_id AND f.purchase = o.ref AND f.refund_no = o.source))
                       WHEN 'spend' THEN jsonb_build_object('source', e.source, 'reason', e.reason)
                       WHEN 'capture' THEN jsonb_build_object('source', e.source, 'reason', e.reason)
                       WHEN 'reverse' THEN jsonb_build_object('source', o.source, 'reason', o.reason) END END,
               NULL, NULL, x.by, x.at, x.lots)::member.step_event
    FROM member.entry e
    JOIN member.wallet w ON w.wallet_id = e.wallet
    LEFT JOIN member.purchase p ON e.kind = 'purchase' AND p.purchase_no = e.source AND p.member_id BETWEEN since_member AND until_member
    LEFT JOIN member.event v ON v.member_id = e.member_id AND v.entry_no = e.entry_no AND v.member_id BETWEEN since_member AND until_member
    LEFT JOIN member.category c ON c.code = v.category
    LEFT JOIN member.entry o ON o.member_id = e.member_id AND o.entry_no = e.ref
    -- what only some entries have is looked for inside, not where it is joined: so it is looked for with those alone
    LEFT JOIN LATERAL (SELECT u.usable_from, u.until FROM member.unnest(e.delta) u WHERE e.kind IN ('earn', 'adjust', 'reinstate') LIMIT 1) l ON true
    LEFT JOIN member.hold h ON o.kind = 'capture' AND h.member_id = e.member_id AND h.hold_id = o.ref
    -- what an operation gave, held or made wait that this one refers to; a refund finds its purchase in the run
    LEFT JOIN LATERAL (SELECT CASE WHEN e.kind NOT IN ('reverse', 'capture', 'void', 'lapse', 'release', 'receive', 'reinstate', 'unrefund') THEN NULL
                                   WHEN e.kind IN ('capture', 'void', 'lapse') THEN OPERATOR(member.-) o.delta
                                   WHEN e.kind = 'release' THEN member_internal.waiting_lots(e.member_id, e.ref, e.entry_no)
                                   WHEN e.kind = 'receive' THEN (SELECT member.first_expiring(OPERATOR(member.-) f.delta, t.points)
                                       FROM member.transfer t JOIN member.entry f ON f.member_id = t.member_id AND f.entry_no = t.entry_no
                                       WHERE t.peer = e.member_id AND t.peer_entry = e.entry_no)
                                   WHEN e.kind = 'reinstate' THEN 'empty'
                                   WHEN e.kind = 'unrefund' THEN o.delta
                                   WHEN o.kind = 'capture' THEN OPERATOR(member.-) member.first_expiring(h.lots, o.ref_part)
                                   ELSE member_internal.origin_lots(e.member_id, e.ref, e.entry_no) END AS lots) g
        ON true
    -- what it took of lots that had expired
    LEFT JOIN LATERAL (SELECT array_agg(r.ref ORDER BY r.entry_no) AS by, array_agg(r.at ORDER BY r.entry_no) AS at, array_agg(r.delta ORDER BY r.entry_no) AS lots
                       FROM member.entry r
                       WHERE e.kind = 'spend' AND e.booked_at > e.at AND r.member_id = e.member_id AND r.kind = 'reopen' AND r.booked_at = e.booked_at
                         AND r.entry_no BETWEEN e.entry_no - 8 AND e.entry_no - 1
                         AND NOT EXISTS (SELECT FROM member.entry m WHERE m.member_id = e.member_id AND m.kind <> 'reopen'
                                         AND m.entry_no > r.entry_no AND m.entry_no < e.entry_no)) x ON true
    -- these the step of the operation after them makes again
    WHERE e.member_id BETWEEN since_member AND until_member AND e.kind NOT IN ('keep', 'reopen')
    UNION ALL
    -- reviews, and rises by new rules, that a daily run booked where no points moved, by the version of then
    SELECT c.member_id, coalesce((SELECT max(e.entry_no) FROM member.entry e
                     WHERE e.member_id = c.member_id AND e.booked_at < c.booked_at), 0),
           c.change_no * 1000000::bigint, c.program_version,
           member_internal.plain_event(c.member_id, CASE c.kind WHEN 'rise' THEN 'review' ELSE 'day' END, member.day_start(c.day))
    FROM member.tier_change c
    WHERE c.member_id BETWEEN since_member AND until_member AND (c.kind <> 'rise' OR c.entry_no IS NULL)
      AND NOT EXISTS (SELECT FROM member.entry e WHERE e.member_id = c.member_id AND e.booked_at = c.booked_at)
    UNION ALL
    -- brought forward by a day on which nothing had to be booked
    SELECT s.member_id, 2147483647, 0, g.program_version,
           member_internal.plain_event(s.member_id, 'day', s.at)
    FROM member.state s, member.setting g
    WHERE s.member_id BETWEEN since_member AND until_member AND s.at IS NOT NULL
      AND s.at > ALL (SELECT CASE WHEN e.digest IS NOT NULL THEN e.booked_at ELSE e.at END FROM member.entry e WHERE e.member_id = s.member_id)
$$;
COMMENT ON FUNCTION member_internal.events_of(bigint, bigint) IS
    'The events of the ledgers of a range of members in the form step takes, each member''s in the order of entry_no and part, with the program version each was decided by.';

CREATE OR REPLACE FUNCTION member_internal.replay_members(since_member bigint, until_member bigint)
RETURNS TABLE (member_id bigint, lots member.lots, activity member.activity, standing member.standing, at timestamptz,
               entries integer, hash bytea, next_due date)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    WITH v AS MATERIALIZED (
        SELECT * FROM member_internal.events_of(since_member, until_member)
    ), w AS (
        SELECT v.member_id, v.entry_no, v.part, v.version, v.event FROM v
        UNION ALL
        -- streams that were counted from history: what stood in the books by then, by the rules of then
        SELECT f.member_id, f.entry_no, 1000000 * coalesce((SELECT max(c.change_no) FROM member.tier_change c
                                                     WHERE c.member_id = f.member_id AND c.booked_at <= f.filled_at), 0)::bigint + f.fill_no,
               f.program_version,
               member_internal.plain_event(f.member_id, 'fill', f.filled_at, (SELECT member_internal.streams_run(NULL, v.event, p.program ORDER BY v.entry_no, v.part)
                                                        FROM v WHERE v.member_id = f.member_id AND v.entry_no <= f.entry_no), f.streams)
        FROM member.stream_fill f JOIN member.program_version p ON p.version = f.program_version
        WHERE f.member_id BETWEEN since_member AND until_member
    )
    SELECT y.member_id, (y.r).lots, (y.r).activity, (y.r).standing, (y.r).at, (y.r).entries, (y.r).hash, (y.r).next_due
    FROM (SELECT v.member_id, member.step_run(NULL, v.event, p.program ORDER BY v.entry_no, v.part) AS r
          FROM w v JOIN member.program_version p ON p.version = v.version
          GROUP BY v.member_id OFFSET 0) y
$$;
COMMENT ON FUNCTION member_internal.replay_members(bigint, bigint) IS
    'States of a range of members computed anew from the facts; members to whom nothing happened are left out. Errors: those of step, where the facts do not fit together.';

CREATE OR REPLACE FUNCTION member.replay(member_id bigint)
RETURNS TABLE (part text, stored text, replayed text, same boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    s record;
    r record;
BEGIN
    IF to_regclass('member.state') IS NULL THEN
        PERFORM member_internal.require_ready();
    END IF;
    SELECT x.* INTO s FROM member.state x WHERE x.member_id = replay.member_id;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse_member(replay.member_id);
    END IF;
    SELECT x.* INTO r FROM member_internal.replay_members(replay.member_id, replay.member_id) x;
    RETURN QUERY
        SELECT v.part, v.stored, v.replayed, v.stored IS NOT DISTINCT FROM v.replayed
        FROM (VALUES ('lots', s.lots::text, coalesce(r.lots, 'empty')::text),
                     ('activity', s.activity::text, coalesce(r.activity, 'empty')::text),
                     ('standing', s.standing::text, coalesce(r.standing, 'empty')::text),
                     ('entries', s.entries::text, coalesce(r.entries, 0)::text),
                     ('hash', s.hash::text, r.hash::text)) AS v (part, stored, replayed);
END
$$;
COMMENT ON FUNCTION member.replay(bigint) IS
    'Computes a member''s state anew from the facts (purchases, events, entries) by the same step and the program versions of the time, and sets it beside the stored one, part by part. Errors: MB101.';
