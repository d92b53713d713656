-- Benefits of levels: whether a ladder is what it seems, and their use against a quota.

-- Of "growth >= 300 and spend(12mo) >= 5000" one may follow from the other, by what an award of growth takes.
CREATE OR REPLACE FUNCTION member_internal.tier_warnings() RETURNS TABLE (place text, message text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    names CONSTANT jsonb := member_internal.rule_dictionary();
BEGIN
    RETURN QUERY
        SELECT format('tier_level %s/%s', v.ladder, v.tier),
               format('its yearly worth of %s yuan is less than 30 %% above the %s yuan of level "%s", at a spend of %s',
                      v.value, v.lower_value, v.lower_tier, trim_scale(v.reference_spend))
        FROM (SELECT x.*, lag(x.value) OVER w AS lower_value, lag(x.tier) OVER w AS lower_tier
              FROM member_report.tier_value x JOIN member.tier_level l USING (ladder_id, level) WHERE NOT l.archived
              WINDOW w AS (PARTITION BY x.ladder_id ORDER BY x.level)) v
        WHERE v.value < 1.3 * v.lower_value
        ORDER BY v.ladder_id, v.level;
    RETURN QUERY
        SELECT format('tier_level %s/%s', d.code, l.code),
               CASE WHEN f.implied >= f.points
                    THEN format('in its %s rule %s >= %s says nothing: who spends %s has %s of it', r.which, f.wallet, f.points, f.spend, trim_scale(f.implied))
                    ELSE format('in its %s rule spend >= %s says nothing: %s of %s take a spend of %s', r.which, f.spend, f.points, f.wallet, trim_scale(f.needed)) END
        FROM member.tier_level l JOIN member.tier_ladder d USING (ladder_id)
        CROSS JOIN LATERAL (VALUES ('qualify', l.qualify), ('keep', l.keep)) r (which, rule)
        CROSS JOIN LATERAL (SELECT member_internal.tier_rule(r.rule, names) AS text) t
        CROSS JOIN LATERAL (
            SELECT w.code AS wallet, m.b[2]::numeric AS points, m.a[2]::numeric AS spend, m.a[2]::numeric * e.rate AS implied,
                   CASE WHEN e.only_spend THEN m.b[2]::numeric / e.rate END AS needed
            FROM (SELECT regexp_match(t.text, '(?:^| and )balance\((\d+)\) >= (\d+(?:\.\d+)?)(?: and |$)') AS b,
                         regexp_match(t.text, '(?:^| and )amount\((\d+)(?:, \w+)?\) >= (\d+(?:\.\d+)?)(?: and |$)') AS a) m
            JOIN member.stream s ON s.stream_id = m.a[1]::integer AND s.purchases
            JOIN member.wallet w ON w.wallet_id = m.b[1]::integer AND NOT w.spendable
            CROSS JOIN LATERAL (SELECT sum(x.give[1] / x.per) FILTER (WHERE x.stream = s.code AND x.per IS NOT NULL) AS rate,
                                       bool_and(x.stream = s.code AND x.per IS NOT NULL) AS only_spend
                                FROM member.earn_rule x WHERE x.wallet = w.code) e
            WHERE e.rate > 0) f
        WHERE t.text NOT LIKE '% or %' AND (f.implied >= f.points OR f.needed >= f.spend)
        ORDER BY l.ladder_id, l.level, r.which DESC;
END
$$;
COMMENT ON FUNCTION member_internal.tier_warnings() IS
    'What publish() warns of: levels worth less than 30 % more than the one below, and double conditions of which one follows from the other because spend feeds the wallet.';

CREATE OR REPLACE FUNCTION member.benefits_of(member_id bigint, as_of date DEFAULT NULL)
RETURNS TABLE (benefit text, name text, kind text, tier text, quota integer, period text, used bigint, remaining bigint, discount numeric, shown text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    day CONSTANT date := member_internal.day_or_today(as_of);
    standing CONSTANT member.standing := (member_internal.state_on(member_id, day)).standing;
BEGIN
    RETURN QUERY
        SELECT DISTINCT ON (b.code) b.code, b.name, b.kind, l.code, t.quota, t.period, u.used,
               CASE WHEN t.quota IS NOT NULL THEN greatest(t.quota - u.used, 0) END, t.discount, t.shown
        FROM member.tier_level l
        JOIN member.tier_benefit t USING (ladder_id, level)
        JOIN member.benefit b ON b.code = t.benefit
        CROSS JOIN LATERAL (SELECT count(*) AS used FROM member.benefit_use x
                            WHERE x.member_id = benefits_of.member_id AND x.benefit = b.code
                              AND x.at >= member.day_start(date_trunc(t.period, day::timestamp)::date)
                              AND x.at < member.day_start((date_trunc(t.period, day::timestamp) + ('1 ' || CASE t.period WHEN 'quarter' THEN '3 month' ELSE t.period END)::interval)::date)) u
        WHERE l.level = member.level(standing, l.ladder_id)
        -- of several ladders what leaves most
        ORDER BY b.code, t.quota - u.used DESC NULLS FIRST, t.discount DESC NULLS LAST;
END
$$;
COMMENT ON FUNCTION member.benefits_of(bigint, date) IS
    'Benefits a member has by her levels on a day (default today), with what of the quota of the calendar period is used and left (null: without limit). Errors: MB101, MB403.';

CREATE OR REPLACE FUNCTION member.benefit_use(
    member_id bigint, benefit text, source text DEFAULT NULL, at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz;
    day date;
    had record;
    b record;
BEGIN
    PERFORM member_internal.require_ready();
    IF length(key) NOT BETWEEN 1 AND 250 THEN
        PERFORM member_internal.refuse('MB405', 'a key must have 1 to 250 characters');
    END IF;
    -- written, not only locked: a caller with an older snapshot must not count
    UPDATE member.state s SET active = true WHERE s.member_id = benefit_use.member_id AND s.active;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse_member(member_id);
    END IF;
    IF at IS NOT NULL THEN
        PERFORM member_internal.check_at('benefit_use', at);
    END IF;
    IF NOT EXISTS (SELECT FROM member.benefit x WHERE x.code = benefit_use.benefit) THEN
        PERFORM member_internal.refuse('MB903', format('unknown benefit "%s"', benefit), hint => 'The benefits are in member.benefit.');
    END IF;
    SELECT u.benefit, u.source, u.actor, u.at INTO had FROM member.benefit_use u WHERE u.member_id = benefit_use.member_id AND u.key = benefit_use.key;
    IF FOUND AND (had.benefit IS DISTINCT FROM benefit OR had.source IS DISTINCT FROM source OR had.actor IS DISTINCT FROM actor
                  OR (benefit_use.at IS NOT NULL AND had.at IS DISTINCT FROM benefit_use.at)) THEN
        PERFORM member_internal.refuse('MB404', format('key "%s" was used before with other arguments', key), format('By benefit_use, member %s.', member_id),
            'A repeated call must be the same in every argument; a new operation needs a new key.');
    END IF;
    moment := coalesce(had.at, at, member.now());
    day := member.day_of(moment);
    SELECT x.* INTO b FROM member.benefits_of(member_id, day) x WHERE x.benefit = benefit_use.benefit;
    IF had.benefit IS NOT NULL THEN
        RETURN b.remaining;
    END IF;
    IF b IS NULL THEN
        PERFORM member_internal.refuse('MB904', format('member %s has no benefit "%s"', member_id, benefit), format('On %s, by her levels.', day));
    END IF;
    IF b.remaining = 0 THEN
        PERFORM member_internal.refuse('MB904', format('benefit "%s" is used up', benefit), format('%s of %s a %s.', b.used, b.quota, b.period));
    END IF;
    INSERT INTO member.benefit_use (member_id, use_no, benefit, ladder_id, level, at, booked_at, source, actor, key)
    SELECT benefit_use.member_id, coalesce((SELECT max(u.use_no) FROM member.benefit_use u WHERE u.member_id = benefit_use.member_id), 0) + 1,
           benefit_use.benefit, l.ladder_id, l.level, moment, member.now(), benefit_use.source, benefit_use.actor, benefit_use.key
    FROM member.tier_level l JOIN member.tier_benefit t USING (ladder_id, level)
    WHERE l.code = b.tier AND t.benefit = benefit_use.benefit ORDER BY l.ladder_id LIMIT 1;
    RETURN b.remaining - 1;
END
$$;
COMMENT ON FUNCTION member.benefit_use(bigint, text, text, timestamptz, text, text) IS
    'Counts one use of a benefit a member has by her level against its quota. Returns how many are left in the calendar period, null without a limit; a call repeated with its key is counted once. Errors: MB903 unknown benefit, MB904 not hers or used up, MB101, MB102, MB401 to MB405.';
