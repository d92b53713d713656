-- Simulation: a draft over everyone, with nothing changed.

CREATE OR REPLACE FUNCTION member_internal.tier_draft() RETURNS member.program
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    faults text;
BEGIN
    RETURN (SELECT string_agg(s.statement, ' ')::member.program FROM member_internal.program_statements(0) s);
EXCEPTION WHEN SQLSTATE 'MB006' OR SQLSTATE 'MB801' OR SQLSTATE 'MB802' OR SQLSTATE 'MB803' OR SQLSTATE 'MB804' OR invalid_text_representation THEN
    GET STACKED DIAGNOSTICS faults = PG_EXCEPTION_DETAIL;
    PERFORM member_internal.refuse('MB005', 'the catalog draft can''t be simulated', concat_ws('. ', SQLERRM, nullif(faults, '')), 'publish() names every fault of it.');
END
$$;
COMMENT ON FUNCTION member_internal.tier_draft() IS 'The catalog draft as a program that is not published. Errors: MB005.';

-- Apart from the back-test, which looks up the history of each member: so workers share the scan.
CREATE OR REPLACE FUNCTION member_internal.tier_moves(now member.program, draft member.program, anew boolean, day date, sample numeric)
RETURNS TABLE (ladder_id smallint, from_level smallint, to_level smallint, members bigint, cents numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    zone CONSTANT text := (SELECT g.zone FROM member.setting g);
    stream CONSTANT smallint := member_internal.purchase_stream();
BEGIN
    RETURN QUERY
        SELECT g.ladder_id, member.level(x.before, g.ladder_id), member.level(x.after, g.ladder_id), count(*), sum(x.cents)
        FROM (SELECT member.amount(s.activity, stream, day - 364, day + 1) AS cents,
                     member.tier_decide(tier_moves.now, s.lots, s.activity, s.standing, s.since, s.upto) AS before,
                     CASE WHEN anew THEN member.tier_decide(draft, s.lots, s.activity, 'empty', s.upto, s.upto)
                          ELSE member.tier_decide(draft, s.lots, s.activity, s.standing, s.since, s.upto) END AS after
              FROM (SELECT h.lots, h.activity, h.standing, coalesce((h.at AT TIME ZONE zone)::date, day) AS since,
                           greatest(day, (h.at AT TIME ZONE zone)::date) AS upto
                    FROM member.state h
                    WHERE h.active AND (sample = 100 OR hashint8(h.member_id) & 1048575 < sample * 10485.76)) s
              OFFSET 0) x, member.tier_ladder g
        GROUP BY 1, 2, 3;
END
$$;
COMMENT ON FUNCTION member_internal.tier_moves(member.program, member.program, boolean, date, numeric) IS
    'How many active members of a sample stand on each level by a program, and by another; with their spend of the last 365 days in minor units.';

-- The facts by the step, first to last; what was decided in between is not among them, but decided anew.
CREATE OR REPLACE FUNCTION member_internal.tier_moves_history(now member.program, draft member.program, day date, sample numeric)
RETURNS TABLE (ladder_id smallint, from_level smallint, to_level smallint, members bigint, cents numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    stream CONSTANT smallint := member_internal.purchase_stream();
    ends CONSTANT timestamptz := member.day_start(day + 1);
BEGIN
    RETURN QUERY
        SELECT g.ladder_id, member.level((x.before).standing, g.ladder_id), member.level((x.after).standing, g.ladder_id), count(*),
               sum(member.amount((x.before).activity, stream, day - 364, day + 1))
        FROM (SELECT y.before, y.after
              FROM member.state h
              CROSS JOIN LATERAL (
                  SELECT member.step_run(NULL, e.event, tier_moves_history.now ORDER BY e.entry_no) AS before,
                         member.step_run(NULL, e.event, draft ORDER BY e.entry_no) AS after
                  FROM (SELECT v.entry_no, v.event FROM member_internal.events_of(h.member_id, h.member_id) v
                        WHERE v.part = 0 AND coalesce((v.event).booked_at, (v.event).at) < ends -- as far as was known
                        UNION ALL
                        SELECT 2147483647, ROW(h.member_id, 'review', ends - interval '1 second', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                            NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::member.step_event) e) y
              WHERE h.active AND (sample = 100 OR hashint8(h.member_id) & 1048575 < sample * 10485.76)
              OFFSET 0) x, member.tier_ladder g
        GROUP BY 1, 2, 3;
END
$$;
COMMENT ON FUNCTION member_internal.tier_moves_history(member.program, member.program, date, numeric) IS
    'As tier_moves(), each program as if it had been in force from the first event on, as of a day.';

CREATE OR REPLACE FUNCTION member.tier_simulate(as_of date DEFAULT NULL, how text DEFAULT 'publish', sample numeric DEFAULT 100)
RETURNS TABLE (ladder text, from_tier text, to_tier text, moves integer, members bigint, share numeric, spend numeric, cost numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    today CONSTANT date := member.day_of(member.now());
    day CONSTANT date := member_internal.day_or_today(as_of);
    draft member.program;
    now member.program;
BEGIN
    PERFORM member_internal.require_ready();
    IF how IS NULL OR how NOT IN ('publish', 'anew', 'history') THEN
        PERFORM member_internal.refuse('MB502', format('unknown way to simulate "%s"', how),
            hint => 'publish: what publishing it does; anew: everyone placed by what she has now; history: as if it had always been in force.');
    END IF;
    IF sample IS NULL OR sample <= 0 OR sample > 100 THEN
        PERFORM member_internal.refuse('MB502', format('sample is out of range: %s', sample), 'It is a percentage of the members.');
    END IF;
    IF day < today AND how <> 'history' THEN
        PERFORM member_internal.refuse('MB502', format('a day in the past takes how => ''history'', not ''%s''', how));
    END IF;
    draft := member_internal.tier_draft();
    SELECT v.program INTO now FROM member.setting g JOIN member.program_version v ON v.version = g.program_version;
    RETURN QUERY
        SELECT d.code, f.code, t.code, (m.to_level - m.from_level)::integer, m.members, round(100.0 * m.members / sum(m.members) OVER (PARTITION BY m.ladder_id), 2), m.spend,
               -- at what these members spend, not at the reference
               round(m.members * (coalesce(tv.cost - tv.points_cost - tv.discount, 0) - coalesce(fv.cost - fv.points_cost - fv.discount, 0))
                     + m.spend / d.reference_spend * (coalesce(tv.points_cost + tv.discount, 0) - coalesce(fv.points_cost + fv.discount, 0)), 2)
        FROM (SELECT x.ladder_id, x.from_level, x.to_level, x.members, (x.cents / 100)::numeric(18,2) AS spend
              FROM member_internal.tier_moves(now, draft, how = 'anew', day, CASE WHEN how <> 'history' THEN sample ELSE 0 END) x
              UNION ALL
              SELECT x.ladder_id, x.from_level, x.to_level, x.members, (x.cents / 100)::numeric(18,2)
              FROM member_internal.tier_moves_history(now, draft, day, CASE WHEN how = 'history' THEN sample ELSE 0 END) x) m
        JOIN member.tier_ladder d ON d.ladder_id = m.ladder_id
        LEFT JOIN member.tier_level f ON f.ladder_id = m.ladder_id AND f.level = m.from_level
        LEFT JOIN member.tier_level t ON t.ladder_id = m.ladder_id AND t.level = m.to_level
        LEFT JOIN member_report.tier_value fv ON fv.ladder_id = m.ladder_id AND fv.level = m.from_level
        LEFT JOIN member_report.tier_value tv ON tv.ladder_id = m.ladder_id AND tv.level = m.to_level
        ORDER BY m.ladder_id, m.from_level, m.to_level;
END
$$;
COMMENT ON FUNCTION member.tier_simulate(date, text, numeric) IS
    'The ladders of the catalog draft over everyone: how many active members would move from which level to which, their spend of the last 365 days, and what a year of it costs more, yuan. how: publish, what its first daily run does; anew, everyone placed by what she has; history, as if it had always been in force, up to a day that may be in the past (from the facts; slow: take a sample, a percentage of the members). Changes nothing. Errors: MB005 faults of the draft, MB502, MB403.';

CREATE OR REPLACE FUNCTION member.tier_simulate_levels(as_of date DEFAULT NULL, how text DEFAULT 'publish', sample numeric DEFAULT 100)
RETURNS TABLE (ladder text, tier text, before bigint, after bigint, share numeric, share_low numeric, share_high numeric, in_band boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.code, l.code, coalesce(sum(m.members) FILTER (WHERE m.from_tier = l.code), 0)::bigint, coalesce(sum(m.members) FILTER (WHERE m.to_tier = l.code), 0)::bigint,
           round(100.0 * coalesce(sum(m.members) FILTER (WHERE m.to_tier = l.code), 0) / nullif(sum(m.members), 0), 2), l.share_low, l.share_high,
           round(100.0 * coalesce(sum(m.members) FILTER (WHERE m.to_tier = l.code), 0) / nullif(sum(m.members), 0), 2)
               BETWEEN coalesce(l.share_low, 0) AND coalesce(l.share_high, 100)
    FROM member.tier_level l JOIN member.tier_ladder d USING (ladder_id)
    LEFT JOIN member.tier_simulate(as_of, how, sample) m ON m.ladder = d.code
    GROUP BY d.ladder_id, d.code, l.level, l.code, l.share_low, l.share_high
    ORDER BY d.ladder_id, l.level
$$;
COMMENT ON FUNCTION member.tier_simulate_levels(date, text, numeric) IS
    'What tier_simulate() says, by level: members before and after, their share in percent, and whether it lies in the band the level should have. Errors: those of tier_simulate.';
