-- Audiences: whom a rule holds of, why, and how tags go together.

CREATE OR REPLACE FUNCTION member.facts_of(member_id bigint) RETURNS member.facts
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    f member.facts;
BEGIN
    PERFORM member_internal.require_ready();
    SELECT (member_internal.facts(s.lots, s.activity, s.standing, t.tags, member_internal.cuts_of('infinity'), member_internal.value_terms_of('infinity'), m.joined_at, m.channel,
        m.store, m.attributes, g.zone)).* INTO f
    FROM member.setting g, member.state s JOIN member.member m USING (member_id) LEFT JOIN member.tags t USING (member_id)
    WHERE s.member_id = facts_of.member_id;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB101', format('unknown member %s', member_id));
    END IF;
    RETURN f;
END
$$;
COMMENT ON FUNCTION member.facts_of(bigint) IS
    'What rules see of a member, as stored now: for matches(), explain() and next_change(). Errors: MB101.';

CREATE OR REPLACE FUNCTION member.rule_explain(member_id bigint, rule text, as_of date DEFAULT NULL)
RETURNS TABLE (no integer, condition text, actual text, required text, missing numeric, holds boolean, negated boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    names CONSTANT jsonb := member_internal.rule_dictionary();
BEGIN
    RETURN QUERY SELECT e.* FROM member_internal.rule_explain(member_internal.rule_compile(rule_explain.rule, names),
        member.facts_of(rule_explain.member_id), member_internal.day_or_today(as_of), names) e;
END
$$;
COMMENT ON FUNCTION member.rule_explain(bigint, text, date) IS
    'Why a rule holds of a member or not, condition by condition: the value the member has, what is required, how much is missing. as_of: the day asked (default today), of the facts as they are. Errors: MB101, MB403, MB801 to MB804.';

-- A pass over all members takes what is not known for not met; who asks is told why there is nobody.
CREATE OR REPLACE FUNCTION member_internal.require_fits(rule member.rule, cuts member.rfm_cuts, terms member.value_terms, day date) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    needs CONSTANT text[] := member.needs(rule);
BEGIN
    IF cuts IS NULL AND 'cuts' = ANY (needs) THEN
        PERFORM member_internal.refuse('MB503', format('there are no RFM cuts on %s', day), 'The rule asks for a score or its group.',
            'The daily run makes cuts of the purchases of 365 days.');
    END IF;
    IF (terms).model IS NULL AND 'value' = ANY (needs) THEN
        PERFORM member_internal.refuse('MB503', format('no fit of the value models is in force on %s', day),
            'The rule asks for p_alive, expected_purchases or clv.', 'member.value_refit() fits them now, the daily run once a month; value_run tells whether it converged.');
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.require_fits(member.rule, member.rfm_cuts, member.value_terms, date) IS
    'Refuses a rule on scores or value when nobody can have them. Errors: MB503.';

-- With an index where tags narrow it down; else everybody is looked at.
CREATE OR REPLACE FUNCTION member.audience(rule text, as_of date DEFAULT NULL, after bigint DEFAULT 0, max_rows integer DEFAULT NULL)
RETURNS TABLE (member_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    compiled CONSTANT member.rule := member.compile_rule(audience.rule);
    on_day CONSTANT date := member_internal.day_or_today(as_of);
    cuts CONSTANT member.rfm_cuts := member_internal.cuts_of(on_day);
    terms CONSTANT member.value_terms := member_internal.value_terms_of(on_day);
    zone CONSTANT text := (SELECT s.zone FROM member.setting s);
BEGIN
    IF compiled IS NULL THEN
        PERFORM member_internal.refuse('22004', 'argument "rule" must not be null');
    END IF;
    IF max_rows < 0 THEN
        PERFORM member_internal.refuse('MB502', format('max_rows is negative: %s', max_rows));
    END IF;
    PERFORM member_internal.require_fits(compiled, cuts, terms, on_day);
    IF 'empty'::member.tagset OPERATOR(member.@@) compiled THEN
        RETURN QUERY
            SELECT s.member_id
            FROM member.state s JOIN member.member m USING (member_id) LEFT JOIN member.tags t USING (member_id)
            WHERE s.active AND s.member_id > audience.after
              AND member.matches(compiled, member_internal.facts(s.lots, s.activity, s.standing, t.tags, cuts, terms, m.joined_at, m.channel, m.store, m.attributes, zone), on_day)
            ORDER BY s.member_id LIMIT audience.max_rows;
    ELSE
        RETURN QUERY
            SELECT t.member_id
            FROM member.tags t JOIN member.state s USING (member_id) JOIN member.member m USING (member_id)
            WHERE t.tags OPERATOR(member.@@) compiled AND s.active AND t.member_id > audience.after
              AND member.matches(compiled, member_internal.facts(s.lots, s.activity, s.standing, t.tags, cuts, terms, m.joined_at, m.channel, m.store, m.attributes, zone), on_day)
            ORDER BY t.member_id LIMIT audience.max_rows;
    END IF;
END
$$;
COMMENT ON FUNCTION member.audience(text, date, bigint, integer) IS
    'Active members a rule holds of on a day (default today), ascending; by pages: after the last of the page before, so many rows (null: all). Errors: MB801 to MB804 rule, MB503 it asks for scores or value and there are no cuts or no fit on the day, MB403 day, MB502, 22004.';

CREATE OR REPLACE FUNCTION member.audience_count(rule text, as_of date DEFAULT NULL) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT count(*) FROM member.audience(rule, as_of) $$;
COMMENT ON FUNCTION member.audience_count(text, date) IS
    'How many active members a rule holds of on a day (default today). Errors: MB801 to MB804, MB503, MB403, 22004.';

CREATE OR REPLACE FUNCTION member.audience_overlap(rule_a text, rule_b text, as_of date DEFAULT NULL)
RETURNS TABLE (members bigint, in_a bigint, in_b bigint, in_both bigint, lift numeric)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT n.members, x.in_a, x.in_b, x.in_both, round(x.in_both::numeric * n.members / nullif(x.in_a * x.in_b, 0), 4)
    FROM (SELECT count(*) AS members FROM member.state s WHERE s.active) n,
         (SELECT count(a.member_id) AS in_a, count(b.member_id) AS in_b, count(*) FILTER (WHERE a.member_id = b.member_id) AS in_both
          FROM member.audience(rule_a, as_of) a FULL JOIN member.audience(rule_b, as_of) b USING (member_id)) x
$$;
COMMENT ON FUNCTION member.audience_overlap(text, text, date) IS
    'How two audiences overlap: active members, those in the first, in the second, in both, and the lift: in both times members over in_a times in_b; 1: no more than by chance, null: one is empty. Errors: MB801 to MB804, MB503, MB403, 22004.';

-- Pairs, or with a tag given the pairs among those who have it: triples.
CREATE OR REPLACE FUNCTION member.tag_cross(given text DEFAULT NULL, at_least bigint DEFAULT 1)
RETURNS TABLE (tag_a text, tag_b text, members bigint, share numeric, lift numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    base CONSTANT member.tagset := CASE WHEN given IS NULL THEN 'empty' ELSE member.to_tagset(ARRAY[member_internal.tag_id(given)]) END;
    today CONSTANT date := member_internal.day_or_today(NULL);
BEGIN
    RETURN QUERY
        WITH h AS MATERIALIZED (
            SELECT t.member_id, member.tag_ids(member.live(t.tags, today)) AS ids
            FROM member.tags t JOIN member.state s USING (member_id)
            WHERE s.active AND t.tags OPERATOR(member.@>) base
        ), n AS (
            SELECT CASE WHEN given IS NULL THEN (SELECT count(*) FROM member.state s WHERE s.active) ELSE (SELECT count(*) FROM h) END AS members
        ), one AS (
            SELECT a AS tag, count(*) AS members FROM h, unnest(h.ids) a GROUP BY 1
        ), pair AS (
            SELECT a, b, count(*) AS members FROM h, unnest(h.ids) a, unnest(h.ids) b
            WHERE a < b AND NOT ARRAY[a, b] && member.tag_ids(base) GROUP BY 1, 2 HAVING count(*) >= at_least
        )
        SELECT x.code, y.code, p.members, round(p.members::numeric / nullif(n.members, 0), 4),
               round(p.members::numeric * n.members / (oa.members * ob.members), 4)
        FROM pair p CROSS JOIN n JOIN one oa ON oa.tag = p.a JOIN one ob ON ob.tag = p.b
        JOIN member.tag x ON x.tag_id = p.a JOIN member.tag y ON y.tag_id = p.b
        ORDER BY p.members DESC, 1, 2;
END
$$;
COMMENT ON FUNCTION member.tag_cross(text, bigint) IS
    'Cross analysis of tags 交叉分析: how many active members have both of two tags today, their share of the members, and the lift (1: no more than by chance); with a tag given, among those who have it: triples. at_least: leave out rarer pairs. Errors: MB703.';

CREATE OR REPLACE FUNCTION member.rules_of(member_id bigint, as_of date DEFAULT NULL)
RETURNS TABLE (tag text, dimension text, rule text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT g.code, g.dimension, g.rule
        FROM (SELECT member.matching(v.ruleset, member.facts_of(rules_of.member_id), member_internal.day_or_today(as_of)) AS ids
              FROM member.setting s JOIN member.program_version v ON v.version = s.program_version) x
        JOIN member.tag g ON g.tag_id = ANY (x.ids) ORDER BY g.dimension, g.sub_dimension, g.code;
END
$$;
COMMENT ON FUNCTION member.rules_of(bigint, date) IS
    'The published rules of tags and segments that hold of a member on a day (default today), by its facts as they are now; tags that rules name are those it has. Errors: MB101, MB403.';
