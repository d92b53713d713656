-- The state as of a day not before its last event: what is due by then is decided, nothing is written.
CREATE OR REPLACE FUNCTION member_internal.state_on(member_id bigint, day date) RETURNS member.step_result
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    r member.step_result;
BEGIN
    SELECT x.* INTO r
    FROM member.state s, member.setting g JOIN member.program_version p ON p.version = g.program_version,
        LATERAL (SELECT CASE WHEN state_on.day = member.day_of(member.now()) THEN member.now() ELSE member.day_start(state_on.day + 1) END AS moment) l,
        LATERAL member.step(ROW(CASE WHEN s.next_lapse <= l.moment THEN member_internal.with_lapses(s.member_id, s.lots, l.moment) ELSE s.lots END, s.activity, s.standing, s.at, s.entries, s.hash)::member.step_state,
            member_internal.plain_event(s.member_id, 'day', greatest(s.at, member.day_start(state_on.day))), p.program) x
    WHERE s.member_id = state_on.member_id;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse_member(state_on.member_id);
    END IF;
    RETURN r;
END
$$;
COMMENT ON FUNCTION member_internal.state_on(bigint, date) IS
    'State of a member brought to a day (at least that of its last event) without writing. Errors: MB101.';

CREATE OR REPLACE FUNCTION member.tier_of(member_id bigint, as_of date DEFAULT NULL, ladder text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    on_day CONSTANT date := member_internal.day_or_today(as_of);
    ladder_no smallint := 1;
    held smallint;
    last_at timestamptz;
BEGIN
    IF ladder IS NOT NULL THEN
        SELECT l.ladder_id INTO ladder_no FROM member.tier_ladder l WHERE l.code = tier_of.ladder;
        IF NOT FOUND THEN
            PERFORM member_internal.refuse('MB502', format('unknown ladder "%s"', ladder));
        END IF;
    END IF;
    SELECT s.at INTO last_at FROM member.state s WHERE s.member_id = tier_of.member_id;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB101', format('unknown member %s', member_id));
    END IF;
    IF last_at IS NULL OR on_day >= member.day_of(last_at) THEN
        held := member.level((member_internal.state_on(member_id, on_day)).standing, ladder_no);
    ELSE
        SELECT c.to_level INTO held FROM member.tier_change c
        WHERE c.member_id = tier_of.member_id AND c.ladder_id = ladder_no AND c.day <= on_day
        ORDER BY c.change_no DESC LIMIT 1;
    END IF;
    RETURN (SELECT l.code FROM member.tier_level l WHERE l.ladder_id = ladder_no AND l.level = coalesce(held, 0));
END
$$;
COMMENT ON FUNCTION member.tier_of(bigint, date, text) IS
    'Code of the level a member has at the end of a day (default today) in a ladder (default the first). Decides reviews that have fallen due, whether or not the daily run booked them. Errors: MB101, MB502.';

CREATE OR REPLACE FUNCTION member.tier_progress(member_id bigint, as_of date DEFAULT NULL)
RETURNS TABLE (ladder text, tier text, target text, purpose text, condition text, actual numeric, required numeric,
               missing numeric, met boolean, any_of boolean, by date, spend numeric, cheapest boolean, advice text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    day date := member_internal.day_or_today(as_of);
    r member.step_result;
    program member.program;
BEGIN
    r := member_internal.state_on(member_id, day);
    day := greatest(day, member.day_of(r.at));
    SELECT p.program INTO program FROM member.setting g JOIN member.program_version p ON p.version = g.program_version;
    RETURN QUERY
        WITH c AS (
            SELECT t.*, t.purpose = 'keep' AS keeps FROM member_internal.tier_conditions(program, r.lots, r.activity, r.standing, day) t
        ), w AS (
            -- a way costs what all its conditions cost; one amount may do for several
            SELECT c.ladder, c.keeps, c.purpose, c.way,
                   max(c.spend) + CASE WHEN bool_or(c.spend IS NULL) THEN NULL ELSE 0 END AS spend
            FROM c GROUP BY 1, 2, 3, 4
        ), best AS (
            SELECT DISTINCT ON (w.ladder, w.keeps) w.ladder, w.keeps, w.purpose, w.way
            FROM w WHERE w.way > 0 OR NOT EXISTS (SELECT FROM w x WHERE x.ladder = w.ladder AND x.purpose = w.purpose AND x.way > 0)
            ORDER BY w.ladder, w.keeps, w.spend NULLS LAST, w.purpose DESC, w.way
        )
        SELECT d.code, held.code, aim.code, c.purpose, c.condition, c.actual, c.required, c.missing, c.met, c.any_of, c.by, round(c.spend, 2),
               b.ladder IS NOT NULL,
               CASE WHEN c.met OR c.missing IS NULL OR c.unit IS NULL THEN NULL
                    ELSE format(CASE WHEN c.keeps THEN '%3$s前,保%1$s还需%2$s' ELSE '距%1$s还需%2$s' END, aim.name,
                        CASE c.unit WHEN 'yuan' THEN format(CASE WHEN c.condition LIKE 'max_order%' THEN '单笔消费满 %s 元' ELSE '消费 %s 元' END,
                                                            trim_scale(CASE WHEN c.condition LIKE 'max_order%' THEN c.required ELSE c.missing END))
                                    WHEN 'order' THEN format(' %s 单', c.missing)
                                    WHEN 'event' THEN format(' %s 次', c.missing)
                                    ELSE format(' %s 分', c.missing) END, c.by) END
        FROM c
        JOIN member.tier_ladder d ON d.ladder_id = c.ladder
        JOIN member.tier_level held ON held.ladder_id = c.ladder AND held.level = member.level(r.standing, c.ladder)
        JOIN member.tier_level aim ON aim.ladder_id = c.ladder AND aim.level = c.level
        LEFT JOIN best b ON b.ladder = c.ladder AND b.purpose = c.purpose AND (c.way = 0 OR b.way = c.way)
        ORDER BY d.ladder_id, c.level DESC, c.purpose DESC, c.no;
END
$$;
COMMENT ON FUNCTION member.tier_progress(bigint, date) IS
    'What a member has and misses, condition by condition: to reach the next level (qualify, or fast: around a sale, until by) and to keep the one she earned (keep: what so far counts on the day of its review, by). any_of: not all conditions are needed; spend: about what must be bought for it, yuan (null: buying does not help); cheapest: it belongs to the way with the least; advice: the same in words. As of today or a later day; for an earlier day than the last event, as of that event. Errors: MB101.';

CREATE OR REPLACE FUNCTION member.tier_set(
    member_id bigint, level text, mode text DEFAULT 'floor', until date DEFAULT NULL, reason text DEFAULT NULL,
    ladder text DEFAULT NULL, at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    ladder_no smallint;
    level_no smallint;
    what text;
BEGIN
    PERFORM member_internal.require_ready();
    IF mode IS NULL OR mode NOT IN ('floor', 'lock', 'trial', 'none') THEN
        PERFORM member_internal.refuse('MB902', format('unknown mode "%s" of a granted level', mode),
            hint => 'floor: at least that level; lock: that level; trial: a floor to be tried, until a day; none: the grant ends.');
    END IF;
    SELECT d.ladder_id INTO ladder_no FROM member.tier_ladder d
    WHERE d.code = coalesce(tier_set.ladder, (SELECT m.code FROM member.tier_ladder m ORDER BY m.ladder_id LIMIT 1));
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB502', format('unknown ladder "%s"', ladder));
    END IF;
    SELECT l.level INTO level_no FROM member.tier_level l
    WHERE l.ladder_id = ladder_no AND (l.code = tier_set.level OR (l.level = 0 AND mode = 'none' AND tier_set.level IS NULL));
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB901', format('unknown level "%s"', level),
            format('Of ladder %s.', ladder_no), 'The levels are in member.tier_level; a new one counts after member.publish().');
    END IF;
    IF mode <> 'none' AND (reason IS NULL OR reason = '') THEN
        PERFORM member_internal.refuse('MB902', 'a level is granted with a reason');
    END IF;
    IF mode = 'trial' AND until IS NULL THEN
        PERFORM member_internal.refuse('MB902', 'a trial level needs a day on which it ends');
    END IF;
    what := format('%s:%s:%s', ladder_no, level_no, mode);
    -- the same call again is answered before the day is looked at
    IF until IS NOT NULL AND (mode = 'none' OR NOT isfinite(until) OR until > '9998-12-31' OR until <= member.day_of(member.now()))
        AND NOT EXISTS (SELECT FROM member.entry e WHERE e.member_id = tier_set.member_id AND e.key = tier_set.key) THEN
        PERFORM member_internal.refuse('MB902', format('a grant can''t end on %s', until),
            'It ends on a day after today, exclusive; mode "none" ends it now.');
    END IF;
    RETURN (member_internal.write_event(member_id, 'tier_set', jsonb_build_array(level, mode, until, reason, ladder, actor), at, key,
        kind => 'tier', source => what || coalesce('/' || to_char(until, 'YYYY-MM-DD'), ''), reason => reason, actor => actor,
        event_kind => what, until => until)).receipt;
END
$$;
COMMENT ON FUNCTION member.tier_set(bigint, text, text, date, text, text, timestamptz, text, text) IS
    'Grants a member a level by hand, with a reason: mode floor (at least that level), lock (that level, up or down) or trial (a floor that must end), until a day, exclusive (null: for good); none takes the grant back, level null. What she earns goes on beside it and is what counts when the grant ends. A new grant in a ladder (null: the first) replaces the old one. Returns the receipt. Errors: MB901 level, MB902 mode, reason or day, MB502 ladder, MB101, MB102, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member.tier_explain(member_id bigint, as_of date DEFAULT NULL)
RETURNS TABLE (ladder text, tier text, earned text, since date, until date, review date, granted text, granted_until date,
               decided_on date, decision text, reason text, program_version integer, entry_no integer, actor text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    r member.step_result;
    version integer;
BEGIN
    r := member_internal.state_on(member_id, member_internal.day_or_today(as_of));
    SELECT g.program_version INTO version FROM member.setting g;
    RETURN QUERY
        SELECT d.code, l.code, e.code, u.since, u.until, u.review, u.mode || ' ' || g.code, u.granted_until,
               coalesce(due.day, c.day), coalesce(due.kind, c.kind),
               CASE WHEN due.kind IS NULL THEN concat_ws(': ', c.reason, n.reason) ELSE due.reason END,
               coalesce(CASE WHEN due.kind IS NOT NULL THEN version END, c.program_version),
               CASE WHEN due.kind IS NULL THEN c.entry_no END, CASE WHEN due.kind IS NULL THEN n.actor END
        FROM member.tier_ladder d
        LEFT JOIN member.unnest(r.standing) u ON u.ladder = d.ladder_id
        JOIN member.tier_level l ON l.ladder_id = d.ladder_id AND l.level = coalesce(u.level, 0)
        JOIN member.tier_level e ON e.ladder_id = d.ladder_id AND e.level = coalesce(u.earned, 0)
        LEFT JOIN member.tier_level g ON g.ladder_id = d.ladder_id AND g.level = u.granted
        -- what is decided, though not booked yet
        LEFT JOIN LATERAL (SELECT t.day, t.kind, t.reason FROM unnest(r.tiers) WITH ORDINALITY AS t (ladder, kind, from_level, to_level, day, until, reason, ord)
                           WHERE t.ladder = d.ladder_id ORDER BY t.ord DESC LIMIT 1) due ON true
        LEFT JOIN LATERAL (SELECT x.* FROM member.tier_change x WHERE x.member_id = tier_explain.member_id AND x.ladder_id = d.ladder_id
                           ORDER BY x.change_no DESC LIMIT 1) c ON true
        LEFT JOIN member.entry n ON n.member_id = tier_explain.member_id AND n.entry_no = c.entry_no AND n.kind = 'tier'
        ORDER BY d.ladder_id;
END
$$;
COMMENT ON FUNCTION member.tier_explain(bigint, date) IS
    'Why a member stands where she stands, in each ladder: the level that counts, the one earned with its days (until exclusive; review: the next), what was granted by hand, and the last decision with the conditions and values that decided, the program version, and of a grant its reason and actor. As of today or a later day. Errors: MB101, MB403.';

-- ---- for the daily run ----

CREATE OR REPLACE FUNCTION member_internal.tier_missing(
    program member.program, lots member.lots, activity member.activity, standing member.standing, ladder smallint, day date) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH c AS (
        SELECT t.* FROM member_internal.tier_conditions(program, lots, activity, standing, day) t
        WHERE t.ladder = tier_missing.ladder AND t.purpose = 'keep'
    ), w AS (
        SELECT c.way, bool_and(c.met) AS met, max(c.spend) + CASE WHEN bool_or(c.spend IS NULL) THEN NULL ELSE 0 END AS spend,
               string_agg(CASE c.unit WHEN 'yuan' THEN format('消费 %s 元', trim_scale(c.missing)) WHEN 'order' THEN format('%s 单', c.missing)
                          WHEN 'event' THEN format('%s 次', c.missing) WHEN 'point' THEN format('%s 分', c.missing) ELSE c.condition END, '、' ORDER BY c.no)
               FILTER (WHERE NOT c.met) AS missing
        FROM c GROUP BY c.way
    )
    SELECT w.missing FROM w
    WHERE NOT EXISTS (SELECT FROM w x WHERE x.met AND (x.way > 0 OR NOT EXISTS (SELECT FROM w y WHERE y.way > 0)))
    ORDER BY w.spend NULLS LAST, w.way LIMIT 1
$$;
COMMENT ON FUNCTION member_internal.tier_missing(member.program, member.lots, member.activity, member.standing, smallint, date) IS
    'What is missing for the level earned to be kept at its review, in words, by the way that takes least; null: nothing.';

-- Read only: most members' levels are what they were.
CREATE OR REPLACE FUNCTION member_internal.tiers_stale(day date, after bigint, max_members integer, OUT last bigint, OUT members bigint[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    p record;
BEGIN
    SELECT v.program, g.zone INTO p FROM member.setting g JOIN member.program_version v ON v.version = g.program_version;
    SELECT max(x.member_id) INTO last
    FROM (SELECT s.member_id FROM member.state s WHERE s.member_id > tiers_stale.after ORDER BY s.member_id LIMIT max_members) x;
    members := ARRAY(
        SELECT s.member_id
        FROM (SELECT x.member_id, x.lots, x.activity, x.standing, x.next_due,
                     least((x.at AT TIME ZONE p.zone)::date, tiers_stale.day) AS since
              FROM member.state x WHERE x.member_id > tiers_stale.after AND x.member_id <= last AND x.active AND x.at IS NOT NULL OFFSET 0) s
        WHERE member.tier_decide(p.program, s.lots, s.activity, s.standing, s.since, greatest(s.since, tiers_stale.day)) OPERATOR(member.<>) s.standing
           OR member_internal.tier_next(p.program, s.lots, s.activity, s.standing, tiers_stale.day) < coalesce(s.next_due, 'infinity')
        ORDER BY s.member_id);
END
$$;
COMMENT ON FUNCTION member_internal.tiers_stale(date, bigint, integer) IS
    'Of so many members after one: the last, and those whose levels, or next review, the published rules change on the day.';
