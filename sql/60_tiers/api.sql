CREATE OR REPLACE FUNCTION member_internal.tier_conditions(
    lots member.lots, activity member.activity, standing member.standing, program member.program, day date)
RETURNS TABLE (ladder smallint, level smallint, purpose text, any_of boolean, condition text, money boolean,
               actual bigint, required bigint)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 4 AS 'MODULE_PATHNAME', 'member_tier_conditions';
COMMENT ON FUNCTION member_internal.tier_conditions(member.lots, member.activity, member.standing, member.program, date) IS
    'Conditions of each ladder to reach the next level (qualify) and to keep the present one (keep), with actual values; money in minor units.';

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
            ROW(s.member_id, 'day', greatest(s.at, member.day_start(state_on.day)), NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::member.step_event, p.program) x
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
               missing numeric, met boolean, any_of boolean, by date)
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
        SELECT d.code, held.code, aim.code, c.purpose, c.condition, trim_scale(c.actual / c.unit), trim_scale(c.required / c.unit),
               trim_scale(greatest(c.required - c.actual, 0) / c.unit), c.actual >= c.required, c.any_of,
               CASE WHEN c.purpose = 'keep' THEN member.level_review(r.standing, c.ladder) END
        FROM (SELECT t.*, CASE WHEN t.money THEN 100.0 ELSE 1 END AS unit
              FROM member_internal.tier_conditions(r.lots, r.activity, r.standing, program, day) t) c
        JOIN member.tier_ladder d ON d.ladder_id = c.ladder
        JOIN member.tier_level held ON held.ladder_id = c.ladder AND held.level = member.level(r.standing, c.ladder)
        JOIN member.tier_level aim ON aim.ladder_id = c.ladder AND aim.level = c.level
        ORDER BY d.ladder_id, c.level DESC, c.purpose DESC, c.condition;
END
$$;
COMMENT ON FUNCTION member.tier_progress(bigint, date) IS
    'What a member has and misses, condition by condition: to reach the next level (qualify) and to keep the present one (keep: what so far counts on the day of its review, by). Money in yuan; any_of: one condition of the level is enough. As of today or a later day; for an earlier day than the last event, as of that event. Errors: MB101.';
