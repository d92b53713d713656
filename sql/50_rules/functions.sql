-- Tags by rules: facts of members, what the published rules make of them, and the change.

CREATE OR REPLACE FUNCTION member_internal.facts(
    lots member.lots, activity member.activity, standing member.standing, tags member.tagset, cuts member.rfm_cuts,
    value member.value_terms, joined_at timestamptz, channel text, store text, attributes jsonb, zone text) RETURNS member.facts
LANGUAGE sql STABLE PARALLEL SAFE
RETURN ROW(lots, activity, standing, coalesce(tags, 'empty'::member.tagset), cuts, (joined_at AT TIME ZONE zone)::date,
           (member_internal.parse_time(attributes ->> 'birthday', zone) AT TIME ZONE zone)::date, attributes ->> 'gender',
           attributes ->> 'city', attributes ->> 'region', channel, store, attributes ->> 'plan', NULL, NULL, attributes, NULL, value)::member.facts;
COMMENT ON FUNCTION member_internal.facts(member.lots, member.activity, member.standing, member.tagset, member.rfm_cuts, member.value_terms, timestamptz, text, text, jsonb, text) IS
    'The facts rules see of a member, from its rows; birthday, gender, city, region and plan are attributes.';

-- Inlined, as facts() is: no composite is formed.
CREATE OR REPLACE FUNCTION member_internal.matching_of(
    ruleset member.ruleset, day date, lots member.lots, activity member.activity, standing member.standing, tags member.tagset,
    cuts member.rfm_cuts, value member.value_terms, joined_at timestamptz, channel text, store text, attributes jsonb, zone text) RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN member_internal.matching(ruleset, day, lots, activity, standing, coalesce(tags, 'empty'::member.tagset), cuts, (joined_at AT TIME ZONE zone)::date,
           (member_internal.parse_time(attributes ->> 'birthday', zone) AT TIME ZONE zone)::date, attributes ->> 'gender',
           attributes ->> 'city', attributes ->> 'region', channel, store, attributes ->> 'plan', NULL, NULL, attributes, NULL, value);
COMMENT ON FUNCTION member_internal.matching_of(member.ruleset, date, member.lots, member.activity, member.standing, member.tagset, member.rfm_cuts, member.value_terms, timestamptz, text, text, jsonb, text) IS
    'Numbers of the rules that hold of a member on a day, from its rows: matching() of facts(). Errors: MB403.';

CREATE OR REPLACE FUNCTION member_internal.cuts_of(day date) RETURNS member.rfm_cuts
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT r.cuts FROM member.rfm_run r WHERE r.day <= cuts_of.day ORDER BY r.day DESC LIMIT 1 $$;
COMMENT ON FUNCTION member_internal.cuts_of(date) IS 'The RFM cuts in force on a day; null: none yet.';

CREATE OR REPLACE FUNCTION member_internal.value_terms_of(day date) RETURNS member.value_terms
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ROW(r.model, v.horizon_days, v.discount, v.margin)::member.value_terms
    FROM member.value_run r, member.value_setting v WHERE r.day <= value_terms_of.day AND r.converged ORDER BY r.day DESC LIMIT 1
$$;
COMMENT ON FUNCTION member_internal.value_terms_of(date) IS 'The models of value in force on a day, with the settings of today; null: no fit converged by then.';

-- Read only: most members' tags are what they were.
CREATE OR REPLACE FUNCTION member_internal.tags_stale(day date, after bigint, max_members integer, touched_since timestamptz,
    OUT last bigint, OUT members bigint[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    cuts CONSTANT member.rfm_cuts := member_internal.cuts_of(tags_stale.day);
    terms CONSTANT member.value_terms := member_internal.value_terms_of(tags_stale.day);
    p record;
BEGIN
    SELECT v.ruleset, s.zone INTO p FROM member.setting s JOIN member.program_version v ON v.version = s.program_version;
    -- no rules, and none left anything
    IF after = 0 AND p.ruleset OPERATOR(member.=) 'empty' AND NOT EXISTS (SELECT FROM member.tags t WHERE t.by_rule <> '{}') THEN
        RETURN;
    END IF;
    IF touched_since IS NULL THEN
        SELECT max(x.member_id) INTO last
        FROM (SELECT s.member_id FROM member.state s WHERE s.member_id > tags_stale.after ORDER BY s.member_id LIMIT max_members) x;
        members := ARRAY(
            SELECT s.member_id
            FROM member.state s JOIN member.member m USING (member_id) LEFT JOIN member.tags t USING (member_id)
            WHERE s.member_id > tags_stale.after AND s.member_id <= last AND s.active
              AND member_internal.matching_of(p.ruleset, tags_stale.day, s.lots, s.activity, s.standing, t.tags, cuts, terms, m.joined_at, m.channel,
                      m.store, m.attributes, p.zone) IS DISTINCT FROM coalesce(t.by_rule, ARRAY[]::integer[])
            ORDER BY s.member_id);
    ELSE
        -- what writes a state books an entry, and those lie in the order they were booked in
        SELECT max(x.member_id), array_agg(x.member_id) INTO last, members
        FROM (SELECT DISTINCT e.member_id FROM member.entry e
              WHERE e.booked_at >= touched_since AND e.member_id > tags_stale.after ORDER BY e.member_id LIMIT max_members) x;
        members := ARRAY(
            SELECT s.member_id
            FROM member.state s JOIN member.member m USING (member_id) LEFT JOIN member.tags t USING (member_id)
            WHERE s.member_id = ANY (members) AND s.active
              AND member_internal.matching_of(p.ruleset, tags_stale.day, s.lots, s.activity, s.standing, t.tags, cuts, terms, m.joined_at, m.channel,
                      m.store, m.attributes, p.zone) IS DISTINCT FROM coalesce(t.by_rule, ARRAY[]::integer[])
            ORDER BY s.member_id);
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.tags_stale(date, bigint, integer, timestamptz) IS
    'Of so many members after one: the last, and those whose tags the published rules would change on the day; touched_since: only of those with an entry booked since then.';

-- Lock order: states in ascending order, then their tags.
CREATE OR REPLACE FUNCTION member_internal.tags_pass(day date, members bigint[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    present CONSTANT timestamptz := member.now();
    cuts CONSTANT member.rfm_cuts := member_internal.cuts_of(tags_pass.day);
    terms CONSTANT member.value_terms := member_internal.value_terms_of(tags_pass.day);
    p record;
    changed bigint[];
BEGIN
    PERFORM FROM member.state s WHERE s.member_id = ANY (members) ORDER BY s.member_id FOR NO KEY UPDATE;
    SELECT v.version, v.ruleset, s.zone INTO p FROM member.setting s JOIN member.program_version v ON v.version = s.program_version;
    WITH c AS MATERIALIZED (
        SELECT s.member_id, coalesce(t.tags, 'empty') AS tags, coalesce(t.by_rule, ARRAY[]::integer[]) AS old,
               member_internal.matching_of(p.ruleset, tags_pass.day, s.lots, s.activity, s.standing, t.tags, cuts, terms, m.joined_at, m.channel,
                   m.store, m.attributes, p.zone) AS new
        FROM member.state s JOIN member.member m USING (member_id) LEFT JOIN member.tags t USING (member_id)
        WHERE s.member_id = ANY (members) AND s.active
    ), d AS MATERIALIZED (
        SELECT c.member_id, x.tag_id, x.kind, g.weight, g.half_life
        FROM c CROSS JOIN LATERAL (SELECT n AS tag_id, 'set' AS kind FROM unnest(c.new) n WHERE n <> ALL (c.old)
                                   UNION ALL
                                   SELECT o, 'drop' FROM unnest(c.old) o WHERE o <> ALL (c.new)) x
        LEFT JOIN member.tag g USING (tag_id)
    ), history AS (
        INSERT INTO member.tag_change (member_id, tag_id, booked_at, day, kind, by_rule, weight, program_version)
        SELECT d.member_id, d.tag_id, present, tags_pass.day, d.kind, true, CASE d.kind WHEN 'set' THEN coalesce(d.weight, 1) END, p.version
        FROM d ON CONFLICT DO NOTHING
    ), made AS (
        INSERT INTO member.tags (member_id, tags, by_rule)
        SELECT c.member_id, member.tags_drop(c.tags, x.dropped) OPERATOR(member.+) x.added, c.new
        FROM (SELECT d.member_id, coalesce(array_agg(d.tag_id) FILTER (WHERE d.kind = 'drop'), ARRAY[]::integer[]) AS dropped,
                     coalesce(member.tags_agg(member.tag_add('empty', d.tag_id, d.weight, tags_pass.day, NULL, d.half_life))
                              FILTER (WHERE d.kind = 'set'), 'empty') AS added
              FROM d GROUP BY d.member_id) x JOIN c USING (member_id)
        ORDER BY c.member_id
        ON CONFLICT (member_id) DO UPDATE SET tags = excluded.tags, by_rule = excluded.by_rule
        RETURNING member_id
    )
    SELECT array_agg(m.member_id ORDER BY m.member_id) INTO changed FROM made m;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION member_internal.tags_pass(date, bigint[]) IS
    'Sets and drops the tags of some members by the published rules, as of a day; those whose tags changed, null: none.';

CREATE OR REPLACE FUNCTION member_internal.tags_apply(day date, members bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    todo bigint[] := members;
    changed bigint := 0;
BEGIN
    -- A rule may name tags of other rules. publish() refuses circles: there are fewer rounds than rules.
    WHILE todo IS NOT NULL LOOP
        todo := member_internal.tags_pass(tags_apply.day, todo);
        changed := greatest(changed, coalesce(cardinality(todo), 0));
    END LOOP;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION member_internal.tags_apply(date, bigint[]) IS
    'Brings the tags of some members to what the published rules say, rules on tags included; returns how many changed.';

-- The writer holds the lock on the member's state.
CREATE OR REPLACE FUNCTION member_internal.record_tags(
    member_id bigint, tags integer[], kinds text[], reasons text[], entry_no integer, version integer, present timestamptz, day date) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    held record;
    d record;
    given date;
    entered boolean;
    changed boolean := false;
BEGIN
    SELECT coalesce(t.tags, 'empty') AS tags, coalesce(t.by_rule, ARRAY[]::integer[]) AS by_rule INTO held
    FROM (SELECT) one LEFT JOIN member.tags t ON t.member_id = record_tags.member_id;
    FOR d IN SELECT u.tag_id, u.kind, u.reason, g.weight, g.half_life, g.lifetime_days
             FROM unnest(tags, kinds, reasons) AS u (tag_id, kind, reason) JOIN member.tag g USING (tag_id)
    LOOP
        entered := d.kind <> 'drop';
        given := CASE d.kind WHEN 'give' THEN record_tags.day + d.lifetime_days END;
        -- given again on the same day, or for a day that is past, it is what it was; but what a rule kept before is given now
        CONTINUE WHEN d.kind = 'give' AND (given <= member.day_of(present) OR d.tag_id <> ALL (held.by_rule) AND EXISTS (
            SELECT FROM member.unnest(held.tags) u WHERE u.tag = d.tag_id AND coalesce(u.until, 'infinity') >= coalesce(given, 'infinity')));
        changed := true;
        IF entered THEN
            held.tags := member.tag_add(held.tags, d.tag_id, d.weight, record_tags.day, given, d.half_life);
        ELSE
            held.tags := member.tag_drop(held.tags, d.tag_id);
        END IF;
        held.by_rule := ARRAY(SELECT r FROM unnest(held.by_rule) r WHERE r <> d.tag_id
                              UNION ALL SELECT d.tag_id WHERE d.kind = 'keep' ORDER BY 1);
        INSERT INTO member.tag_change (member_id, tag_id, booked_at, day, kind, by_rule, weight, until, program_version, entry_no, reason)
        VALUES (record_tags.member_id, d.tag_id, present, record_tags.day, CASE WHEN entered THEN 'set' ELSE 'drop' END, true,
                CASE WHEN entered THEN d.weight END, given, version, record_tags.entry_no, d.reason)
        ON CONFLICT (member_id, tag_id, booked_at, kind) DO UPDATE SET weight = excluded.weight, until = excluded.until,
            entry_no = excluded.entry_no, reason = excluded.reason;
    END LOOP;
    IF changed THEN
        INSERT INTO member.tags (member_id, tags, by_rule) VALUES (record_tags.member_id, held.tags, held.by_rule)
        ON CONFLICT (member_id) DO UPDATE SET tags = excluded.tags, by_rule = excluded.by_rule;
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.record_tags(bigint, integer[], text[], text[], integer, integer, timestamptz, date) IS
    'What an event decided of tags of a member: kinds keep, drop, give, each with the reason; a tag that is there is given again if it then stays longer.';

-- ---- publishing ----

CREATE OR REPLACE FUNCTION member_internal.tag_errors() RETURNS TABLE (code text, message text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    names CONSTANT jsonb := member_internal.rule_dictionary();
    t record;
    needed integer[] := ARRAY[]::integer[];
    needing integer[] := ARRAY[]::integer[];
    all_needs text[];
    more integer[];
    detail text;
BEGIN
    FOR t IN SELECT g.tag_id, g.code, coalesce(g.rule, g.on_event) AS rule, g.rule IS NOT NULL AS kept FROM member.tag g
             WHERE g.rule IS NOT NULL OR g.on_event IS NOT NULL ORDER BY g.tag_id
    LOOP
        BEGIN
            all_needs := member.needs(member_internal.rule_compile(t.rule, names));
            more := ARRAY(SELECT substr(n, 5)::integer FROM unnest(all_needs) n WHERE n LIKE 'tag %');
            needed := needed || more;
            needing := needing || array_fill(t.tag_id, ARRAY[cardinality(more)]);
            IF t.kept AND EXISTS (SELECT FROM unnest(all_needs) n WHERE n LIKE 'event %') THEN
                RETURN QUERY SELECT t.code, format('its rule asks for the event at hand, which only on_event may. In: %s', t.rule);
            END IF;
        EXCEPTION WHEN SQLSTATE 'MB801' OR SQLSTATE 'MB802' OR SQLSTATE 'MB803' OR SQLSTATE 'MB804' THEN
            GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
            RETURN QUERY SELECT t.code, concat_ws('. ', SQLERRM, nullif(detail, '')) || format(' In: %s', t.rule);
        END;
    END LOOP;
    RETURN QUERY
        WITH RECURSIVE e AS (
            SELECT DISTINCT x.needing, x.needed FROM unnest(needing, needed) AS x (needing, needed)
        ), w AS (
            SELECT e.needing, e.needed FROM e UNION SELECT w.needing, e.needed FROM w JOIN e ON e.needing = w.needed
        )
        SELECT g.code, 'its rule depends on itself through other tags'
        FROM w JOIN member.tag g ON g.tag_id = w.needing WHERE w.needing = w.needed ORDER BY g.tag_id;
    RETURN QUERY SELECT m.tag_id::text, 'members have it: it can''t be deleted'
        FROM (SELECT DISTINCT c.tag_id FROM member.tag_change c) m WHERE NOT EXISTS (SELECT FROM member.tag g WHERE g.tag_id = m.tag_id);
END
$$;
COMMENT ON FUNCTION member_internal.tag_errors() IS
    'What keeps the tags of the catalog draft from being published: rules that do not compile, with the place; rules that go round in circles; tags deleted that members have.';

CREATE OR REPLACE FUNCTION member_internal.tag_ruleset() RETURNS member.ruleset
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    names CONSTANT jsonb := member_internal.rule_dictionary();
BEGIN
    RETURN (SELECT coalesce(member.ruleset(array_agg(g.tag_id ORDER BY g.tag_id),
                                           array_agg(member_internal.rule_compile(g.rule, names) ORDER BY g.tag_id)), 'empty')
            FROM member.tag g WHERE g.rule IS NOT NULL);
END
$$;
COMMENT ON FUNCTION member_internal.tag_ruleset() IS 'The rules of the tags of the catalog draft as one program.';
