-- Limits on what points_earn() gives of a source: each member's own (a cap), or of all together (a budget).
-- A cap is counted in a row of the member, under the member's lock. A budget is spread over slots: whoever earns takes
-- a slot nobody else holds and that has room; only when there is none are all slots taken, in their order. So nobody
-- is refused while there is room, and no more is given than there is.

CREATE OR REPLACE FUNCTION member_internal.limit_since(per text, day date) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE per WHEN 'member_day' THEN day WHEN 'all_day' THEN day WHEN 'member_month' THEN date_trunc('month', day::timestamp)::date
                WHEN 'member_year' THEN date_trunc('year', day::timestamp)::date ELSE date '1900-01-01' END;
COMMENT ON FUNCTION member_internal.limit_since(text, date) IS 'First day of the period of a limit that a day is in.';

CREATE OR REPLACE FUNCTION member_internal.limit_take_slot(code text, since date, points bigint, total bigint, slots smallint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    s record;
    taken bigint := 0;
    part bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM member.points_limit_slot x WHERE x.code = limit_take_slot.code AND x.since = limit_take_slot.since) THEN
        INSERT INTO member.points_limit_slot (code, since, slot, room)
        SELECT limit_take_slot.code, limit_take_slot.since, n, total / slots + (n <= total % slots)::integer FROM generate_series(1, slots) n
        ON CONFLICT DO NOTHING;
    END IF;
    UPDATE member.points_limit_slot x SET used = x.used + points, room = x.room - points
    WHERE (x.code, x.since, x.slot) = (SELECT y.code, y.since, y.slot FROM member.points_limit_slot y
                                       WHERE y.code = limit_take_slot.code AND y.since = limit_take_slot.since AND y.room >= points
                                       LIMIT 1 FOR UPDATE SKIP LOCKED);
    IF FOUND THEN
        RETURN points;
    END IF;
    FOR s IN SELECT x.slot, x.room FROM member.points_limit_slot x
             WHERE x.code = limit_take_slot.code AND x.since = limit_take_slot.since ORDER BY x.slot FOR UPDATE
    LOOP
        part := least(s.room, points - taken);
        CONTINUE WHEN part = 0;
        UPDATE member.points_limit_slot x SET used = x.used + part, room = x.room - part
        WHERE x.code = limit_take_slot.code AND x.since = limit_take_slot.since AND x.slot = s.slot;
        taken := taken + part;
    END LOOP;
    RETURN taken;
END
$$;
COMMENT ON FUNCTION member_internal.limit_take_slot(text, date, bigint, bigint, smallint) IS
    'Takes points of a budget, all of them or what there is; the slots are made when the period is new.';

CREATE OR REPLACE FUNCTION member_internal.limit_take(member_id bigint, source text, wallet text, points bigint, at timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    l record;
    grant_points bigint := points;
    had bigint;
BEGIN
    FOR l IN
        SELECT x.*, member_internal.limit_since(x.per, member.day_of(coalesce(limit_take.at, member.now()))) AS since
        FROM member.points_limit x WHERE x.source = limit_take.source AND x.wallet = limit_take.wallet
        -- the member's own first: of a budget only so much is taken as is then given
        ORDER BY x.per LIKE 'all%', x.code
    LOOP
        IF l.per LIKE 'all%' THEN
            grant_points := member_internal.limit_take_slot(l.code, l.since, grant_points, l.points, l.slots);
        ELSE
            SELECT u.used INTO had FROM member.points_limit_use u
            WHERE u.member_id = limit_take.member_id AND u.code = l.code AND u.since = l.since;
            grant_points := least(grant_points, greatest(l.points - coalesce(had, 0), 0));
        END IF;
        IF grant_points <= 0 THEN
            PERFORM member_internal.refuse('MB218', format('limit "%s" is used up', l.code),
                format('%s points %s of source "%s".', l.points, l.per, source), 'points_limits() shows what is used.');
        END IF;
    END LOOP;
    INSERT INTO member.points_limit_use AS u (member_id, code, since, used)
    SELECT limit_take.member_id, x.code, member_internal.limit_since(x.per, member.day_of(coalesce(limit_take.at, member.now()))), grant_points
    FROM member.points_limit x WHERE x.source = limit_take.source AND x.wallet = limit_take.wallet
    ON CONFLICT (member_id, code, since) DO UPDATE SET used = u.used + excluded.used;
    RETURN grant_points;
END
$$;
COMMENT ON FUNCTION member_internal.limit_take(bigint, text, text, bigint, timestamptz) IS
    'How many of the points the limits of a source still leave, counted as taken; all of them where there is none. Called under the member''s lock. Errors: MB218 none.';

CREATE OR REPLACE FUNCTION member_internal.limits_changed() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE member.setting g SET limited_sources = l.sources
    FROM (SELECT coalesce(array_agg(DISTINCT x.source), '{}') AS sources FROM member.points_limit x) l
    WHERE g.limited_sources <> l.sources
$$;
COMMENT ON FUNCTION member_internal.limits_changed() IS 'Brings setting.limited_sources to what points_limit holds.';

CREATE OR REPLACE FUNCTION member.points_limit_set(
    code text, source text, points bigint, per text DEFAULT 'member', wallet text DEFAULT 'points', slots integer DEFAULT 16) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    l record;
    more bigint;
    s record;
BEGIN
    PERFORM member_internal.require_ready();
    PERFORM member_internal.wallet_id(wallet);
    PERFORM FROM member.setting FOR UPDATE; -- one at a time
    SELECT x.* INTO l FROM member.points_limit x WHERE x.code = points_limit_set.code;
    IF points IS NULL THEN
        DELETE FROM member.points_limit x WHERE x.code = points_limit_set.code;
        PERFORM member_internal.limits_changed();
        RETURN;
    END IF;
    IF code IS NULL OR code !~ '^[a-z_][a-z0-9_]{0,22}$' OR coalesce(source, '') = '' OR coalesce(points, 0) NOT BETWEEN 1 AND 1000000000000000
        OR coalesce(slots, 0) NOT BETWEEN 1 AND 256 OR per NOT IN ('member', 'member_day', 'member_month', 'member_year', 'all', 'all_day') THEN
        PERFORM member_internal.refuse('MB502', format('limit "%s" can''t be: %s points %s of source "%s", %s slots', code, points, per, source, slots),
            'A code of small letters, a source, 1 to 10^15 points; per member, member_day, member_month, member_year, all or all_day; 1 to 256 slots.');
    END IF;
    IF l.code IS NOT NULL AND (l.source, l.wallet, l.per) IS DISTINCT FROM (points_limit_set.source, points_limit_set.wallet, points_limit_set.per) THEN
        PERFORM member_internal.refuse('MB502', format('limit "%s" is of other points', code), format('Of source "%s", wallet "%s", %s.', l.source, l.wallet, l.per),
            'Remove it first (points null), or take another code.');
    END IF;
    INSERT INTO member.points_limit AS x (code, source, wallet, per, points, slots)
    VALUES (points_limit_set.code, points_limit_set.source, points_limit_set.wallet, points_limit_set.per, points_limit_set.points, points_limit_set.slots)
    ON CONFLICT (code) DO UPDATE SET points = excluded.points, slots = excluded.slots;
    PERFORM member_internal.limits_changed();
    -- the running period gets more room, or less as far as there is any
    more := points - l.points;
    FOR s IN SELECT x.since, x.slot, x.room FROM member.points_limit_slot x
             WHERE x.code = points_limit_set.code AND x.since = member_internal.limit_since(l.per, member.day_of(member.now()))
             ORDER BY x.slot FOR UPDATE
    LOOP
        EXIT WHEN more = 0;
        UPDATE member.points_limit_slot x SET room = x.room + greatest(more, -s.room)
        WHERE x.code = points_limit_set.code AND x.since = s.since AND x.slot = s.slot;
        more := more - greatest(more, -s.room);
    END LOOP;
END
$$;
COMMENT ON FUNCTION member.points_limit_set(text, text, bigint, text, text, integer) IS
    'Limits what points_earn() gives of a source in a wallet, from now on: per member (for ever), member_day, member_month, member_year, or of all members together, all or all_day: a budget. An award that exceeds it is cut to what is left; where nothing is, it is refused (MB218). Set again it is raised or lowered, below what is used it just ends; points null removes it. Errors: MB502, MB201.';

CREATE OR REPLACE FUNCTION member.points_limits(only_member bigint DEFAULT NULL)
RETURNS TABLE (code text, source text, wallet text, per text, points bigint, since date, used bigint, room bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.require_ready();
    RETURN QUERY
        SELECT l.code, l.source, l.wallet, l.per, l.points, l.since, coalesce(u.used, s.used, 0)::bigint,
               CASE WHEN l.per LIKE 'all%' THEN coalesce(s.room, l.points) ELSE greatest(l.points - coalesce(u.used, 0), 0) END::bigint
        FROM (SELECT x.*, member_internal.limit_since(x.per, member.day_of(member.now())) AS since FROM member.points_limit x) l
        LEFT JOIN LATERAL (SELECT sum(y.used) AS used, sum(y.room) AS room FROM member.points_limit_slot y WHERE y.code = l.code AND y.since = l.since) s ON l.per LIKE 'all%'
        LEFT JOIN member.points_limit_use u ON NOT l.per LIKE 'all%' AND u.member_id = only_member AND u.code = l.code AND u.since = l.since
        WHERE l.per LIKE 'all%' OR only_member IS NOT NULL
        ORDER BY l.code;
END
$$;
COMMENT ON FUNCTION member.points_limits(bigint) IS
    'Budgets, and the caps of a member if one is named: points of the limit, first day of the period that runs, what is used in it and what is left.';

CREATE OR REPLACE FUNCTION member_internal.verify_limits()
RETURNS TABLE (problem text, member_id bigint, entry_no integer, detail text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'budget is not what members had of it', NULL::bigint, NULL::integer, format('%s since %s: slots %s, members %s', s.code, s.since, s.used, coalesce(u.used, 0))
    FROM (SELECT s.code, s.since, sum(s.used) AS used FROM member.points_limit_slot s GROUP BY 1, 2) s
    LEFT JOIN (SELECT u.code, u.since, sum(u.used) AS used FROM member.points_limit_use u GROUP BY 1, 2) u USING (code, since)
    WHERE s.used <> coalesce(u.used, 0)
    ORDER BY s.code, s.since
$$;
COMMENT ON FUNCTION member_internal.verify_limits() IS 'What verify() finds wrong with budgets.';
