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
                     member.tier_decide(tier_moves.now, s.lots, s.activity, s.standing, s.since, greatest(day, s.since)) AS before,
                     CASE WHEN anew THEN member.tier_decide(draft, s.lots, s.activity, 'empty', greatest(day, s.since), greatest(day, s.since))
                          ELSE member.tier_decide(draft, s.lots, s.activity, s.standing, s.since, greatest(day, s.since)) END AS after
              FROM (SELECT h.lots, h.activity, h.standing, coalesce((h.at AT TIME ZONE zone)::date, day) AS since
                    FROM member.state h
                    WHERE h.active AND (sample = 100 OR hashint8(h.member_id) & 1048575 < sample * 10485.76)
                    OFFSET 0) s -- the day is computed once
              OFFSET 0) x, member.tier_ladder g
        GROUP BY 1, 2, 3;
END
$$;
COMMENT ON FUNCTION member_internal.tier_moves(member.program, member.program, boolean, date, numeric) IS
    'How many active members of a sample stand on each level by a program, and by another; with their spend of the last 365 days in minor units.';

-- The facts by the step, first to last; what was decided in between is not among them, but decided anew.
CREATE OR REPLACE FUNCTION member_internal.tier_history(
    member_id bigint, now member.program, draft member.program, day date,
    OUT before member.standing, OUT after member.standing, OUT activity member.activity)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    SELECT (y.before).standing, (y.after).standing, (y.before).activity
    FROM (SELECT member.step_run(NULL, e.event, tier_history.now ORDER BY e.entry_no) AS before,
                 member.step_run(NULL, e.event, draft ORDER BY e.entry_no) AS after
          FROM (SELECT v.entry_no, v.event FROM member_internal.events_of(tier_history.member_id, tier_history.member_id) v
                -- as far as was known that day
                WHERE v.part = 0 AND coalesce((v.event).booked_at, (v.event).at) < member.day_start(day + 1)
                UNION ALL
                SELECT 2147483647, member_internal.plain_event(tier_history.member_id, 'review', member.day_start(day + 1) - interval '1 second')) e
          OFFSET 0) y
$$;
COMMENT ON FUNCTION member_internal.tier_history(bigint, member.program, member.program, date) IS
    'Where a member would stand at the end of a day if a program, and if another, had been in force from the first event on; and what was done by then.';

CREATE OR REPLACE FUNCTION member_internal.tier_moves_history(now member.program, draft member.program, day date, sample numeric)
RETURNS TABLE (ladder_id smallint, from_level smallint, to_level smallint, members bigint, cents numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    stream CONSTANT smallint := member_internal.purchase_stream();
BEGIN
    RETURN QUERY
        SELECT g.ladder_id, member.level(x.before, g.ladder_id), member.level(x.after, g.ladder_id), count(*), sum(member.amount(x.activity, stream, day - 364, day + 1))
        FROM (SELECT y.before, y.after, y.activity
              FROM member.state h, LATERAL member_internal.tier_history(h.member_id, tier_moves_history.now, draft, day) y
              WHERE h.active AND (sample = 100 OR hashint8(h.member_id) & 1048575 < sample * 10485.76)
              OFFSET 0) x, member.tier_ladder g
        GROUP BY 1, 2, 3;
END
$$;
COMMENT ON FUNCTION member_internal.tier_moves_history(member.program, member.program, date, numeric) IS
    'As tier_moves(), each program as if it had been in force from the first event on, as of a day.';

CREATE OR REPLACE FUNCTION member_internal.tier_simulation(as_of date, how text, sample numeric, OUT day date, OUT now member.program, OUT draft member.program)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.require_ready();
    day := member_internal.day_or_today(as_of);
    IF how IS NULL OR how NOT IN ('publish', 'anew', 'history') THEN
        PERFORM member_internal.refuse('MB502', format('unknown way to simulate "%s"', how),
            hint => 'publish: what publishing it does; anew: everyone placed by what she has now; history: as if it had always been in force.');
    END IF;
    IF sample IS NULL OR sample <= 0 OR sample > 100 THEN
        PERFORM member_internal.refuse('MB502', format('sample is out of range: %s', sample), 'It is a percentage of the members.');
    END IF;
    IF day < member.day_of(member.now()) AND how <> 'history' THEN
        PERFORM member_internal.refuse('MB502', format('a day in the past takes how => ''history'', not ''%s''', how));
    END IF;
    draft := member_internal.tier_draft();
    SELECT v.program INTO now FROM member.setting g JOIN member.program_version v ON v.version = g.program_version;
END
$$;
COMMENT ON FUNCTION member_internal.tier_simulation(date, text, numeric) IS
    'The arguments of a simulation, checked: its day, the program in force and the draft. Errors: MB005, MB502, MB403.';

CREATE OR REPLACE FUNCTION member.tier_simulate(as_of date DEFAULT NULL, how text DEFAULT 'publish', sample numeric DEFAULT 100)
RETURNS TABLE (ladder text, from_tier text, to_tier text, moves integer, members bigint, share numeric, spend numeric, cost numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    s record;
BEGIN
    SELECT x.* INTO s FROM member_internal.tier_simulation(as_of, how, sample) x;
    RETURN QUERY
        SELECT d.code, f.code, t.code, (m.to_level - m.from_level)::integer, m.members, round(100.0 * m.members / sum(m.members) OVER (PARTITION BY m.ladder_id), 2), m.spend,
               -- at what these members spend, not at the reference
               round(m.members * (coalesce(tv.cost - tv.points_cost - tv.discount, 0) - coalesce(fv.cost - fv.points_cost - fv.discount, 0))
                     + m.spend / d.reference_spend * (coalesce(tv.points_cost + tv.discount, 0) - coalesce(fv.points_cost + fv.discount, 0)), 2)
        FROM (SELECT x.ladder_id, x.from_level, x.to_level, x.members, (x.cents / 100)::numeric(18,2) AS spend
              FROM member_internal.tier_moves(s.now, s.draft, how = 'anew', s.day, CASE WHEN how <> 'history' THEN sample ELSE 0 END) x
              UNION ALL
              SELECT x.ladder_id, x.from_level, x.to_level, x.members, (x.cents / 100)::numeric(18,2)
              FROM member_internal.tier_moves_history(s.now, s.draft, s.day, CASE WHEN how = 'history' THEN sample ELSE 0 END) x) m
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

CREATE OR REPLACE FUNCTION member.tier_simulate_members(as_of date DEFAULT NULL, how text DEFAULT 'publish', sample numeric DEFAULT 100, after bigint DEFAULT 0, max_rows integer DEFAULT 1000)
RETURNS TABLE (member_id bigint, ladder text, from_tier text, to_tier text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    zone CONSTANT text := (SELECT g.zone FROM member.setting g);
    s record;
BEGIN
    SELECT x.* INTO s FROM member_internal.tier_simulation(as_of, how, sample) x;
    RETURN QUERY
        SELECT x.member_id, d.code, f.code, t.code
        FROM (SELECT h.member_id, y.before, y.after
              FROM member.state h, LATERAL (SELECT coalesce((h.at AT TIME ZONE zone)::date, s.day) AS since) z,
                   LATERAL (SELECT member.tier_decide(s.now, h.lots, h.activity, h.standing, z.since, greatest(z.since, s.day)) AS before,
                                   CASE WHEN how = 'anew' THEN member.tier_decide(s.draft, h.lots, h.activity, 'empty', greatest(z.since, s.day), greatest(z.since, s.day))
                                        ELSE member.tier_decide(s.draft, h.lots, h.activity, h.standing, z.since, greatest(z.since, s.day)) END AS after
                            WHERE how <> 'history'
                            UNION ALL
                            SELECT p.before, p.after FROM member_internal.tier_history(h.member_id, s.now, s.draft, s.day) p WHERE how = 'history' OFFSET 0) y
              WHERE h.active AND h.member_id > tier_simulate_members.after AND (sample = 100 OR hashint8(h.member_id) & 1048575 < sample * 10485.76)) x
        CROSS JOIN member.tier_ladder d
        LEFT JOIN member.tier_level f ON f.ladder_id = d.ladder_id AND f.level = member.level(x.before, d.ladder_id)
        LEFT JOIN member.tier_level t ON t.ladder_id = d.ladder_id AND t.level = member.level(x.after, d.ladder_id)
        WHERE member.level(x.before, d.ladder_id) <> member.level(x.after, d.ladder_id)
        ORDER BY x.member_id, d.ladder_id LIMIT max_rows;
END
$$;
COMMENT ON FUNCTION member.tier_simulate_members(date, text, numeric, bigint, integer) IS
    'Who moves in tier_simulate(): members whose level in a ladder would be another, by number; the next page after the last number seen. Changes nothing. Errors: those of tier_simulate.';
