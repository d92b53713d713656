-- Publishing: the catalog is checked, compiled into a program value and stored under the next number.

CREATE OR REPLACE FUNCTION member_internal.tier_rule(rule text, dictionary jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN member_internal.rule_compile(rule, dictionary)::text;
EXCEPTION WHEN SQLSTATE 'MB801' OR SQLSTATE 'MB802' OR SQLSTATE 'MB803' OR SQLSTATE 'MB804' THEN
    RETURN rule; -- the program will say what is wrong with it
END
$$;
COMMENT ON FUNCTION member_internal.tier_rule(text, jsonb) IS
    'A rule of a level or a tag with the numbers of the catalog for its names, as a program''s statement has it; one that does not compile as it is.';

CREATE OR REPLACE FUNCTION member_internal.program_statements(version integer)
RETURNS TABLE (part text, place text, statement text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'setting', '', format('program %s zone %L%s;', version, s.zone,
        CASE WHEN cardinality(s.reminders) > 0
             THEN ' remind ' || array_to_string(ARRAY(SELECT unnest(s.reminders) ORDER BY 1 DESC), ',') ELSE '' END)
    FROM member.setting s
    UNION ALL
    (SELECT 'wallet', w.code, format('wallet %s %s %s pending %s lots %s %s%s%s;', w.wallet_id, w.code,
        w.expiry || CASE WHEN w.expiry = 'never' THEN '' ELSE ' ' || w.expiry_n END || coalesce(' ' || w.expiry_on, ''),
        CASE WHEN w.pending_release THEN 'release' ELSE w.pending_days::text END, w.max_lots, w.debt_policy,
        CASE WHEN w.spendable THEN ' spendable' ELSE '' END,
        concat(' cap ' || w.balance_cap, ' grace ' || nullif(w.hold_grace_days, 0), ' reinstate ' || nullif(w.reinstate_days, 0),
               ' code_above ' || w.code_above, ' approve_above ' || w.approve_above,
               CASE WHEN w.transferable THEN ' transferable' END, ' fee ' || nullif(w.transfer_fee, 0),
               ' cooling ' || nullif(w.transfer_cooling_days, 0), ' day_cap ' || w.transfer_day_cap))
    FROM member.wallet w ORDER BY w.wallet_id)
    UNION ALL
    (SELECT 'stream', s.code, format('stream %s %s days %s months %s%s%s%s;', s.stream_id, s.code, s.keep_days,
        s.keep_months, CASE WHEN s.purchases THEN ' purchases' WHEN s.of <> 'event' THEN ' of ' || s.of ELSE '' END,
        CASE WHEN s.amount IS NULL THEN '' ELSE format(' amount {%s}', s.amount) END,
        CASE WHEN s.rule IS NULL THEN '' ELSE format(' where {%s}', s.rule) END)
    FROM member.stream s ORDER BY s.stream_id)
    UNION ALL
    (SELECT 'earn_rule', e.code, format('earn %s stream %s wallet %s give %s%s round %s%s%s%s;', e.code,
        coalesce(s.stream_id, 0), w.wallet_id, array_to_string(e.give, ','),
        CASE WHEN e.per IS NULL THEN '' ELSE ' per ' || e.per END, e.rounding,
        CASE WHEN e.day_cap IS NULL THEN '' ELSE ' cap ' || e.day_cap END,
        CASE WHEN e.every IS NULL THEN '' ELSE ' every ' || e.every END,
        CASE WHEN e.tiered THEN ' tiered' ELSE '' END)
    FROM member.earn_rule e JOIN member.wallet w ON w.code = e.wallet
    LEFT JOIN member.stream s ON s.code = e.stream ORDER BY e.code COLLATE "C")
    UNION ALL
    (SELECT 'tier_ladder', d.code, format('ladder %s %s validity %s fall %s%s%s;', d.ladder_id, d.code, d.validity, d.fall,
        CASE WHEN d.refund = 'now' THEN ' lower_now' ELSE '' END, CASE WHEN d.warn_days > 0 THEN ' warn ' || d.warn_days ELSE '' END)
    FROM member.tier_ladder d ORDER BY d.ladder_id)
    UNION ALL
    (SELECT 'tier_level', format('%s/%s', d.code, l.code), format('level %s %s %s multiplier %s%s%s%s%s%s%s%s%s;',
        l.ladder_id, l.level, l.code, (l.multiplier * 1000)::integer,
        CASE WHEN l.validity_months IS NULL THEN '' ELSE ' months ' || l.validity_months END,
        CASE WHEN l.grace_days = 0 THEN '' ELSE ' grace ' || l.grace_days END,
        CASE WHEN l.extend_months = 0 THEN '' ELSE ' extend ' || l.extend_months END,
        CASE WHEN l.archived THEN ' archived' ELSE '' END,
        CASE WHEN l.rollover THEN ' rollover' ELSE '' END,
        CASE WHEN l.qualify IS NULL THEN '' ELSE format(' qualify {%s}', member_internal.tier_rule(l.qualify, n.names)) END,
        CASE WHEN l.keep IS NULL THEN '' ELSE format(' keep {%s}', member_internal.tier_rule(l.keep, n.names)) END,
        CASE WHEN l.lose IS NULL THEN '' ELSE format(' lose {%s}', member_internal.tier_rule(l.lose, n.names)) END)
    FROM member.tier_level l JOIN member.tier_ladder d USING (ladder_id), (SELECT member_internal.rule_dictionary() AS names) n
    ORDER BY l.ladder_id, l.level)
    UNION ALL
    (SELECT 'tier_fast', format('%s/%s %s', f.ladder_id, f.level, f.sale), format('fast %s %s since %s until %s {%s};', f.ladder_id, f.level,
        to_char(f.sale_since - f.days_before, 'YYYY-MM-DD'), to_char(f.sale_until, 'YYYY-MM-DD'), member_internal.tier_rule(f.qualify, n.names))
    FROM member.tier_fast f, (SELECT member_internal.rule_dictionary() AS names) n ORDER BY f.ladder_id, f.level, f.sale COLLATE "C")
    UNION ALL
    (SELECT 'tag', t.code, format('tag %s %s {%s};', t.tag_id, CASE WHEN t.on_event IS NULL THEN 'kept' ELSE 'given' END,
        member_internal.tier_rule(coalesce(t.on_event, t.rule), n.names))
    FROM member.tag t, (SELECT member_internal.rule_dictionary() AS names) n
    WHERE t.on_event IS NOT NULL OR (t.rule IS NOT NULL AND t.cadence = 'real_time') ORDER BY t.tag_id)
$$;
COMMENT ON FUNCTION member_internal.program_statements(integer) IS
    'The catalog draft as the statements of a program, with the table and row each comes from.';

CREATE OR REPLACE FUNCTION member_internal.program_errors()
RETURNS TABLE (part text, place text, message text)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    -- What a part of the draft is tried in: parts that are right by themselves, then the draft's own.
    plain CONSTANT text := 'program 0; wallet 1 points never; ';
    frame text := (SELECT string_agg(s.statement, ' ') || ' '
        FROM member_internal.program_statements(0) s WHERE s.part IN ('setting', 'wallet', 'stream'));
    -- levels are there to be asked for, whatever their rules
    levels text := (SELECT coalesce(string_agg(format('level %s %s %s%s;', l.ladder_id, l.level, l.code,
            CASE WHEN l.level > 0 THEN ' qualify {true}' ELSE '' END), ' ' ORDER BY l.ladder_id, l.level) || ' ', '') FROM member.tier_level l);
    tags CONSTANT text[] := ARRAY(SELECT e.code FROM member_internal.tag_errors() e); -- with faults of their own
    sound boolean := true;
    gaps boolean;
    cur record;
    before text;
    tried text;
    detail text;
BEGIN
    IF NOT EXISTS (SELECT FROM member.wallet w WHERE w.wallet_id = 1) THEN
        RETURN QUERY SELECT 'wallet', '1', 'there is no wallet number 1, the main one';
        sound := false;
    END IF;
    IF (SELECT count(*) FROM member.stream s WHERE s.purchases) <> 1 THEN
        RETURN QUERY SELECT 'stream', '', 'exactly one stream must be fed by purchases';
        sound := false;
    END IF;
    RETURN QUERY SELECT 'stream', s.code, 'purchases must be kept by day for 366 days at least: RFM looks back a year'
        FROM member.stream s WHERE s.purchases AND s.keep_days < 366;
    -- Members hold lots, activity and levels by number: a number once published stays.
    RETURN QUERY
        SELECT CASE m.what WHEN 'level' THEN 'tier_level' ELSE m.what END, m.number, CASE m.what WHEN 'level' THEN 'it was published before and can''t be deleted: archive it' ELSE 'it was published before and can''t be deleted' END
        FROM (SELECT DISTINCT x[1] AS what, x[2] AS number
              FROM member.program_version v, regexp_matches(v.program::text, '(?:^|\n)(wallet|stream|level) (\d+(?: \d+)?)', 'g') x) m
        WHERE NOT EXISTS (SELECT FROM member_internal.program_statements(0) s
                          WHERE s.statement LIKE m.what || ' ' || m.number || ' %');
    RETURN QUERY SELECT 'earn_rule', e.code, format('unknown stream "%s"', e.stream)
        FROM member.earn_rule e WHERE NOT EXISTS (SELECT FROM member.stream s WHERE s.code = e.stream);
    RETURN QUERY SELECT 'tier_ladder', d.code, 'the levels are not numbered from 0 without gaps'
        FROM member.tier_ladder d WHERE (SELECT count(*) FROM member.tier_level l WHERE l.ladder_id = d.ladder_id)
            IS DISTINCT FROM 1 + (SELECT max(l.level) FROM member.tier_level l WHERE l.ladder_id = d.ladder_id);
    gaps := FOUND;
    RETURN QUERY SELECT 'tag', e.code, e.message FROM member_internal.tag_errors() e;
    FOR cur IN SELECT s.part, s.place, s.statement FROM member_internal.program_statements(0) s
    LOOP
        CONTINUE WHEN cur.part IN ('earn_rule', 'tier_level', 'tier_fast', 'tag') AND NOT sound;
        CONTINUE WHEN cur.part = 'tag' AND (cur.place = ANY (tags) OR gaps);
        before := CASE cur.part WHEN 'setting' THEN '' WHEN 'wallet' THEN 'program 0; ' WHEN 'stream' THEN plain WHEN 'tier_ladder' THEN plain
            WHEN 'earn_rule' THEN frame WHEN 'tag' THEN frame || levels WHEN 'tier_level' THEN frame || 'level 9999 0 base; '
            ELSE frame || 'level 9999 0 base; level 9999 1 top qualify {true}; ' END;
        -- the same length, so that positions are those of the statement
        tried := CASE cur.part
            WHEN 'wallet' THEN regexp_replace(cur.statement, '^wallet (\d+)', 'wallet ' || lpad('1', length(substring(cur.statement FROM '^wallet (\d+)')), '0'))
            WHEN 'tier_level' THEN regexp_replace(cur.statement, '^level \d+ \d+', 'level 9999 ' || CASE WHEN cur.statement ~ '^level \d+ 0 ' THEN '0' ELSE '1' END)
            WHEN 'tier_fast' THEN regexp_replace(cur.statement, '^fast \d+ \d+', 'fast 9999 1')
            WHEN 'earn_rule' THEN replace(cur.statement, ' stream 0 ', ' stream 1 ')
            ELSE cur.statement END;
        IF cur.part = 'tier_level' AND cur.statement ~ '^level \d+ 0 ' THEN
            before := frame;
        END IF;
        BEGIN
            PERFORM (before || tried || CASE WHEN cur.part = 'setting' THEN ' wallet 1 points never;' ELSE '' END)::member.program;
        EXCEPTION WHEN invalid_text_representation OR SQLSTATE 'MB006' OR SQLSTATE 'MB801' OR SQLSTATE 'MB802' OR SQLSTATE 'MB803'
            OR SQLSTATE 'MB804' OR numeric_value_out_of_range THEN
            GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
            sound := sound AND cur.part IN ('earn_rule', 'tier_ladder', 'tier_level', 'tier_fast', 'tag');
            detail := CASE WHEN SQLSTATE >= 'MB801' THEN detail ELSE regexp_replace(detail, '[Aa]t character \d+', format('at character %s of its statement',
                (regexp_match(detail, 'character (\d+)'))[1]::integer - length(before))) END;
            RETURN QUERY SELECT cur.part, cur.place,
                CASE WHEN SQLSTATE = '22P02' THEN detail ELSE concat_ws(' ', SQLERRM || ',', detail) END
                || format(' In: %s', tried);
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION member_internal.program_errors() IS
    'Everything that keeps the catalog draft from being published: table, row, what is wrong and where.';

CREATE OR REPLACE FUNCTION member_internal.refuse_faults() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    errors text;
BEGIN
    SELECT string_agg(format('%s %s: %s', e.part, e.place, e.message), E'\n') INTO errors
    FROM member_internal.program_errors() e;
    IF errors IS NOT NULL THEN
        PERFORM member_internal.refuse('MB005', 'the catalog draft can''t be published', errors,
            'The published version stays in force.');
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.refuse_faults() IS 'Refuses a catalog draft with faults. Errors: MB005 with every one of them.';

CREATE OR REPLACE FUNCTION member.publish(note text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    number integer;
    warning record;
BEGIN
    PERFORM member_internal.require_ready();
    PERFORM FROM member.setting FOR UPDATE; -- one publishing at a time, none of a stale snapshot
    IF note IS NULL THEN
        PERFORM member_internal.refuse('22004', 'argument "note" must not be null');
    END IF;
    PERFORM member_internal.refuse_faults();
    number := coalesce((SELECT max(v.version) FROM member.program_version v), 0) + 1;
    IF number > 1 AND EXISTS (SELECT FROM member.entry) AND (SELECT s.zone FROM member.setting s) IS DISTINCT FROM
        (SELECT (regexp_match(v.program::text, 'zone ''([^'']*)'''))[1] FROM member.program_version v
         WHERE v.version = number - 1) THEN
        PERFORM member_internal.refuse('MB005', 'the time zone is fixed after the first entry');
    END IF;
    BEGIN
        INSERT INTO member.program_version (version, published_at, note, program, ruleset, catalog)
        SELECT number, member.now(), publish.note, string_agg(s.statement, ' ')::member.program, member_internal.tag_ruleset(),
               member_internal.catalog_draft()
        FROM member_internal.program_statements(number) s;
    EXCEPTION WHEN SQLSTATE 'MB006' THEN -- what no part shows by itself
        PERFORM member_internal.refuse('MB005', 'the catalog draft can''t be published', SQLERRM,
            'The published version stays in force.');
    END;
    UPDATE member.setting SET program_version = number;
    PERFORM member_internal.streams_published();
    FOR warning IN SELECT w.place, w.message FROM member_internal.tier_warnings() w LOOP
        RAISE WARNING '%: %', warning.place, warning.message;
    END LOOP;
    RETURN number;
END
$$;
COMMENT ON FUNCTION member.publish(text) IS
    'Checks the catalog draft, compiles it and puts it in force as the next version; of ladders that are not what they seem it warns, with figures. Returns its number. Errors: MB005 with every fault of the draft in the detail; the running version is then untouched.';
