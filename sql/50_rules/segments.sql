-- Tags over many members: set-based writes, how common each tag is, core tags, what an audience is like.

-- Lock order: states in ascending order, then their tags.
CREATE OR REPLACE FUNCTION member_internal.tag_write_many(
    members bigint[], tag text, kind text, weight double precision, until date, reason text, actor text)
RETURNS TABLE (member_id bigint, outcome text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    g record;
    present timestamptz;
    today date;
    given member.tagset;
BEGIN
    PERFORM member_internal.require_ready();
    SELECT t.* INTO g FROM member.tag t WHERE t.tag_id = member_internal.tag_id(tag_write_many.tag);
    IF g.rule IS NOT NULL THEN
        PERFORM member_internal.refuse('MB704', format('tag "%s" is kept by a rule', tag),
            format('Its rule: %s', g.rule), 'Change the rule, or make a tag without one.');
    END IF;
    IF members IS NULL THEN
        PERFORM member_internal.refuse('22004', 'argument "members" must not be null');
    END IF;
    PERFORM FROM member.state s WHERE s.member_id = ANY (members) ORDER BY s.member_id FOR NO KEY UPDATE;
    present := member.now();
    today := member.day_of(present);
    given := CASE kind WHEN 'set' THEN member.tag_add('empty', g.tag_id, coalesce(tag_write_many.weight, g.weight), today,
                                                    coalesce(tag_write_many.until, today + g.lifetime_days), g.half_life) ELSE 'empty' END;
    RETURN QUERY
        WITH m AS MATERIALIZED (
            SELECT i.member_id, s.active, coalesce(t.tags, 'empty') AS before,
                   member.tag_drop(coalesce(t.tags, 'empty'), g.tag_id) OPERATOR(member.+) given AS after
            FROM (SELECT DISTINCT u AS member_id FROM unnest(members) u) i
            LEFT JOIN member.state s USING (member_id) LEFT JOIN member.tags t USING (member_id)
        ), d AS (
            SELECT m.member_id, m.after FROM m WHERE m.active AND m.after OPERATOR(member.<>) m.before
        ), history AS (
            INSERT INTO member.tag_change (member_id, tag_id, booked_at, day, kind, by_rule, weight, until, program_version, reason, actor)
            SELECT d.member_id, g.tag_id, present, today, tag_write_many.kind, false, u.weight, u.until, s.program_version,
                   tag_write_many.reason, tag_write_many.actor
            FROM d CROSS JOIN member.setting s LEFT JOIN member.unnest(given) u ON true
            ON CONFLICT (member_id, tag_id, booked_at, kind) DO UPDATE SET weight = excluded.weight, until = excluded.until,
                reason = excluded.reason, actor = excluded.actor
        ), made AS (
            INSERT INTO member.tags (member_id, tags) SELECT d.member_id, d.after FROM d ORDER BY d.member_id
            ON CONFLICT (member_id) DO UPDATE SET tags = excluded.tags
        )
        SELECT m.member_id, CASE WHEN m.active IS NULL THEN 'unknown' WHEN NOT m.active THEN 'not active'
                                 WHEN m.after OPERATOR(member.=) m.before THEN 'unchanged' ELSE tag_write_many.kind END
        FROM m ORDER BY m.member_id;
END
$$;
COMMENT ON FUNCTION member_internal.tag_write_many(bigint[], text, text, double precision, date, text, text) IS
    'Sets or drops a tag of many members by hand: a row for each with what came of it. Errors: MB703, MB704, MB702, MB403, 22004.';

CREATE OR REPLACE FUNCTION member.tag_set_many(
    tag text, members bigint[], weight double precision DEFAULT NULL, until date DEFAULT NULL, reason text DEFAULT NULL,
    actor text DEFAULT NULL)
RETURNS TABLE (member_id bigint, outcome text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT w.* FROM member_internal.tag_write_many(members, tag, 'set', weight, until, reason, actor) w;
END
$$;
COMMENT ON FUNCTION member.tag_set_many(text, bigint[], double precision, date, text, text) IS
    'Gives many members a tag at once, as tag_set() gives it to one: ARRAY(SELECT … ) takes them from a query. A row for each member: set, unchanged, or rejected as unknown or not active. The call may be repeated. Errors: MB703 unknown tag, MB704 kept by a rule, MB702 weight, MB403 day, 22004.';

CREATE OR REPLACE FUNCTION member.tag_unset_many(tag text, members bigint[], reason text DEFAULT NULL, actor text DEFAULT NULL)
RETURNS TABLE (member_id bigint, outcome text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT w.* FROM member_internal.tag_write_many(members, tag, 'drop', NULL, NULL, reason, actor) w;
END
$$;
COMMENT ON FUNCTION member.tag_unset_many(text, bigint[], text, text) IS
    'Takes a tag from many members at once. A row for each: drop, unchanged, or rejected as unknown or not active. Errors: MB703 unknown tag, MB704 kept by a rule, 22004.';

CREATE OR REPLACE FUNCTION member_internal.tag_counts_refresh() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    INSERT INTO member.tag_count (tag_id, members, of_members, counted_at)
    SELECT g.tag_id, coalesce(c.members, 0), n.members, n.at
    FROM member.tag g CROSS JOIN (SELECT count(*) AS members, member.now() AS at FROM member.state s WHERE s.active) n
    LEFT JOIN (SELECT u AS tag_id, count(*) AS members
               FROM member.tags t JOIN member.state s USING (member_id)
               CROSS JOIN LATERAL unnest(member.tag_ids(member.live(t.tags, (SELECT d.day FROM member_report.today d)))) u
               WHERE s.active GROUP BY 1) c USING (tag_id)
    ON CONFLICT (tag_id) DO UPDATE SET members = excluded.members, of_members = excluded.of_members, counted_at = excluded.counted_at
$$;
COMMENT ON FUNCTION member_internal.tag_counts_refresh() IS 'Counts the active members that have each tag: how rare it is.';

CREATE OR REPLACE FUNCTION member.core_tags(member_id bigint, max_rows integer DEFAULT 5, as_of date DEFAULT NULL)
RETURNS TABLE (place bigint, tag text, dimension text, weight double precision, rarity double precision, score double precision)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    on_day CONSTANT date := member_internal.day_or_today(as_of);
BEGIN
    IF NOT EXISTS (SELECT FROM member.state s WHERE s.member_id = core_tags.member_id) THEN
        PERFORM member_internal.refuse('MB101', format('unknown member %s', member_id));
    END IF;
    IF max_rows < 0 THEN
        PERFORM member_internal.refuse('MB502', format('max_rows is negative: %s', max_rows));
    END IF;
    RETURN QUERY
        SELECT row_number() OVER (ORDER BY x.weight * x.rarity DESC, x.weight DESC, x.tag_id), x.code, x.dimension, x.weight, x.rarity, x.weight * x.rarity
        FROM (SELECT g.tag_id, g.code, g.dimension, member.weight(t.tags, g.tag_id, on_day) AS weight,
                     coalesce(ln(greatest(c.of_members, 1)::double precision / greatest(c.members, 1)), 0) AS rarity
              FROM member.tags t CROSS JOIN LATERAL unnest(member.tag_ids(member.live(t.tags, on_day))) u
              JOIN member.tag g ON g.tag_id = u LEFT JOIN member.tag_count c ON c.tag_id = u
              WHERE t.member_id = core_tags.member_id AND g.dimension <> 'segment') x
        ORDER BY 1 LIMIT max_rows;
END
$$;
COMMENT ON FUNCTION member.core_tags(bigint, integer, date) IS
    'Core tags of a member 核心标签 on a day (default today): the tags that tell most, by weight of that day times rarity, which is ln(active members / those with the tag) of the last count; segments are none. Errors: MB101, MB403, MB502.';

CREATE OR REPLACE FUNCTION member.audience_persona(rule text, as_of date DEFAULT NULL)
RETURNS TABLE (field text, value text, members bigint, share numeric, share_of_all numeric, index numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.require_ready();
    RETURN QUERY
        WITH a AS MATERIALIZED (
            SELECT x.member_id FROM member.audience(audience_persona.rule, as_of) x
        ), f AS (
            SELECT v.no, v.field, v.value, count(a.member_id) AS members, count(*) AS all_members
            FROM member_report.persona p LEFT JOIN a USING (member_id)
            CROSS JOIN LATERAL (
                VALUES (1, 'gender', p.gender), (2, 'age', CASE WHEN p.age < 18 THEN '-17' WHEN p.age < 25 THEN '18-24' WHEN p.age < 36 THEN '25-35' ELSE '36-' END),
                       (3, 'region', p.region), (4, 'city', p.city), (5, 'channel', p.channel), (6, 'tier', p.tier), (7, 'value_group', p.value_group_name),
                       (8, 'stage', p.stage_name), (9, 'store', p.store)
                UNION ALL SELECT 10, 'core_tag', c FROM unnest(p.core_tags) c) v (no, field, value)
            WHERE v.value IS NOT NULL AND (v.no <> 2 OR p.age IS NOT NULL)
            GROUP BY 1, 2, 3
        ), n AS (
            SELECT (SELECT count(*) FROM a) AS members, (SELECT count(*) FROM member.state s WHERE s.active) AS all_members
        )
        SELECT f.field, f.value, f.members, round(100.0 * f.members / n.members, 2), round(100.0 * f.all_members / n.all_members, 2),
               round(100.0 * f.members * n.all_members / (f.all_members * n.members), 0)
        FROM f CROSS JOIN n WHERE f.members > 0 ORDER BY f.no, f.members DESC, f.value COLLATE "C";
END
$$;
COMMENT ON FUNCTION member.audience_persona(text, date) IS
    'Persona of an audience 人群画像: how its members are spread over gender, age, region, city, channel, tier, value group, life-cycle stage, store and core tags, as member_report.persona has them now: percent of the audience, percent of all active members, and the one by the other times 100 (TGI: above 100 it is typical of the audience). What is not known of a member is in no row. Errors: MB801 to MB804 rule, MB403 day, 22004.';
