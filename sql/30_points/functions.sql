CREATE OR REPLACE FUNCTION member_internal.wallet_id(code text) RETURNS smallint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    id smallint;
BEGIN
    IF to_regclass('member.wallet') IS NULL THEN
        PERFORM member_internal.require_ready();
    END IF;
    SELECT w.wallet_id INTO id FROM member.wallet w WHERE w.code = wallet_id.code;
    IF id IS NULL THEN
        PERFORM member_internal.refuse('MB201', format('unknown wallet %s', coalesce('"' || code || '"', 'null')),
            hint => 'The wallets are in member.wallet; a new one counts after member.publish().');
    END IF;
    RETURN id;
END
$$;
COMMENT ON FUNCTION member_internal.wallet_id(text) IS 'Number of a wallet. Errors: MB001, MB201.';

CREATE OR REPLACE FUNCTION member_internal.day_or_today(day date) RETURNS date
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF to_regclass('member.setting') IS NULL THEN
        PERFORM member_internal.require_ready();
    END IF;
    IF day NOT BETWEEN '1901-01-01' AND '9998-12-31' THEN
        PERFORM member_internal.refuse('MB403', format('day is out of range: %s', day),
            'Days lie between 1901-01-01 and 9998-12-31.');
    END IF;
    RETURN coalesce(day, member.day_of(member.now()));
END
$$;
COMMENT ON FUNCTION member_internal.day_or_today(date) IS 'The day asked for, default today. Errors: MB001, MB403.';

CREATE OR REPLACE FUNCTION member.day_of(at timestamptz) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT (at AT TIME ZONE s.zone)::date FROM member.setting s $$;
COMMENT ON FUNCTION member.day_of(timestamptz) IS 'The day of a moment in the program''s time zone.';

CREATE OR REPLACE FUNCTION member.day_start(day date) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT day::timestamp AT TIME ZONE s.zone FROM member.setting s $$;
COMMENT ON FUNCTION member.day_start(date) IS 'The moment a day begins in the program''s time zone.';

CREATE OR REPLACE FUNCTION member_internal.summed_source(kind text, source text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN kind IN ('event', 'earn', 'spend', 'hold', 'capture', 'void', 'lapse') THEN coalesce(source, '') ELSE '' END;
COMMENT ON FUNCTION member_internal.summed_source(text, text) IS 'The source by which an entry is summed up: of events, earning, spending and holds; empty of the others, whose sources are numbers.';

-- Entries are added up once, when no transaction is left that could still commit one booked before the mark. Such a
-- transaction read the clock before it wrote, so it is older than one that was told the mark an hour of the clock
-- later; the hour is for what lies between reading and writing, as waiting for a lock, and for a clock set back.
CREATE OR REPLACE FUNCTION member_internal.points_rollup() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    m record;
BEGIN
    INSERT INTO member.points_rollup_mark DEFAULT VALUES ON CONFLICT DO NOTHING;
    SELECT k.* INTO m FROM member.points_rollup_mark k FOR UPDATE;
    -- a number that is still to come is from the server this database was restored from
    IF m.next_xid <= pg_snapshot_xmin(pg_current_snapshot()) OR m.next_xid > pg_current_xact_id() THEN
        INSERT INTO member.points_rollup AS r (month, wallet, kind, source, points, entries)
        SELECT date_trunc('month', q.at AT TIME ZONE g.zone)::date, q.wallet, q.kind, q.source, sum(q.points), sum(q.entries)
        FROM (SELECT date_bin('15 minutes', e.at, '2000-01-01 00:00+00') AS at, e.wallet, e.kind, -- months begin with one
                     member_internal.summed_source(e.kind, e.source) AS source, sum(e.points) AS points, count(*) AS entries
              FROM member.entry e WHERE e.booked_at >= m.booked_before AND e.booked_at < m.next_before
              GROUP BY 1, 2, 3, 4) q, member.setting g
        GROUP BY 1, 2, 3, 4
        ON CONFLICT (month, wallet, kind, source) DO UPDATE SET points = r.points + excluded.points, entries = r.entries + excluded.entries;
        m.booked_before := m.next_before;
        m.next_before := NULL;
        m.next_xid := NULL;
    END IF;
    IF m.next_before IS NULL AND member.now() - interval '1 hour' > m.booked_before THEN
        m.next_before := member.now() - interval '1 hour';
        m.next_xid := pg_current_xact_id();
    END IF;
    UPDATE member.points_rollup_mark SET booked_before = m.booked_before, next_before = m.next_before, next_xid = m.next_xid;
END
$$;
COMMENT ON FUNCTION member_internal.points_rollup() IS
    'Adds to points_rollup what was booked before the moment the call before named, if no transaction of then is left, and names the next: an hour ago.';

-- A spend that is booked late may take what could have been spent then and has expired since: of each lot what the books
-- of that day hold of it, and at most what expired of it and was not given back.
CREATE OR REPLACE FUNCTION member_internal.late_lots(
    member_id bigint, wallet text, at timestamptz, OUT expired_by integer[], OUT expired_at timestamptz[], OUT expired_lots member.lots[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH d AS (
        SELECT member.day_of(late_lots.at) AS day, w.wallet_id AS id FROM member.wallet w WHERE w.code = late_lots.wallet
    ), held AS (
        SELECT l.usable_from, l.until, l.points
        FROM d CROSS JOIN LATERAL member_internal.settled_lots(member_internal.book_at(late_lots.member_id, d.day, NULL), d.day) l
        WHERE l.wallet = d.id AND l.points > 0 AND (l.usable_from IS NULL OR l.usable_from <= d.day)
    ), gone AS (
        SELECT e.entry_no, e.at, u.usable_from, u.until, -u.points AS points, -member.total(e.delta, d.id) - coalesce(b.back, 0) AS rest
        FROM d CROSS JOIN member.entry e CROSS JOIN LATERAL member.unnest(e.delta) u
        CROSS JOIN LATERAL (SELECT sum(r.points) AS back FROM member.entry r
                            WHERE r.member_id = e.member_id AND r.ref = e.entry_no AND r.kind IN ('reinstate', 'reopen') AND r.wallet = d.id) b
        WHERE e.member_id = late_lots.member_id AND e.kind = 'expire' AND e.at > late_lots.at
          AND u.wallet = d.id AND u.points < 0 AND u.until > d.day AND u.until <= member.day_of(e.at)
    ), matched AS (
        SELECT g.entry_no, g.at, g.usable_from, g.until,
               least(g.points, t.points - coalesce(sum(g.points) OVER (PARTITION BY g.usable_from, g.until ORDER BY g.entry_no
                                                                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))::bigint AS points,
               g.rest
        FROM gone g JOIN held t ON t.usable_from IS NOT DISTINCT FROM g.usable_from AND t.until = g.until
    ), lots AS (
        SELECT m.entry_no, m.at, member.first_expiring(member.lots_sum(member.earn('empty', d.id, m.points, m.usable_from, m.until)), least(sum(m.points), min(m.rest))::bigint) AS lots
        FROM matched m, d WHERE m.points > 0 AND m.rest > 0 GROUP BY m.entry_no, m.at
    )
    SELECT array_agg(x.entry_no), array_agg(x.at), array_agg(x.lots)
    FROM (SELECT * FROM lots ORDER BY at, entry_no LIMIT 8) x
$$;
COMMENT ON FUNCTION member_internal.late_lots(bigint, text, timestamptz) IS
    'Lots of a wallet that a spend of a moment could have taken and that have expired since, with the entries that booked it and their moments; null: none.';
