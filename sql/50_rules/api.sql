-- Rules with the names of the catalog.

CREATE OR REPLACE FUNCTION member_internal.rule_dictionary() RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.require_ready();
    RETURN jsonb_build_object(
        'streams', (SELECT coalesce(jsonb_object_agg(s.code, s.stream_id), '{}') FROM member.stream s),
        'purchases', (SELECT min(s.stream_id) FROM member.stream s WHERE s.purchases),
        'wallets', (SELECT coalesce(jsonb_object_agg(w.code, w.wallet_id), '{}') FROM member.wallet w),
        'wallet', (SELECT min(w.wallet_id) FROM member.wallet w),
        'ladders', (SELECT coalesce(jsonb_object_agg(d.code, d.ladder_id), '{}') FROM member.tier_ladder d),
        'ladder', (SELECT min(d.ladder_id) FROM member.tier_ladder d),
        'levels', (SELECT coalesce(jsonb_object_agg(x.ladder_id, x.levels), '{}')
                   FROM (SELECT l.ladder_id, jsonb_object_agg(l.code, l.level) AS levels FROM member.tier_level l GROUP BY l.ladder_id) x),
        'kinds', (SELECT coalesce(jsonb_object_agg(c.code, c.category_id), '{}') FROM member.category c),
        'tags', (SELECT coalesce(jsonb_object_agg(t.code, t.tag_id), '{}') FROM member.tag t),
        'segments', (SELECT coalesce(jsonb_object_agg(t.code, t.rule), '{}') FROM member.tag t WHERE t.dimension = 'segment' AND t.rule IS NOT NULL));
END
$$;
COMMENT ON FUNCTION member_internal.rule_dictionary() IS
    'The numbers that the names of the catalog draft stand for: what rules are compiled with. Errors: MB001, MB002.';

CREATE OR REPLACE FUNCTION member.compile_rule(rule text) RETURNS member.rule
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN member_internal.rule_compile(compile_rule.rule, member_internal.rule_dictionary());
END
$$;
COMMENT ON FUNCTION member.compile_rule(text) IS
    'The rule of a text in the rule language with the names of the catalog: spend(90d) >= 500 and tier >= ''gold''. Null for null. Errors: MB801 syntax, MB802 unknown name, MB803 types, MB804 too large, each with the place in the text; MB001, MB002.';

CREATE OR REPLACE FUNCTION member.rule_text(rule member.rule) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN member_internal.rule_text(rule_text.rule, member_internal.rule_dictionary());
END
$$;
COMMENT ON FUNCTION member.rule_text(member.rule) IS
    'The text of a rule with the names of the catalog; a number stays where there is no name. Null for null. Errors: MB001, MB002.';
