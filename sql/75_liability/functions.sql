-- Breakage: what share of the points that are outstanding will expire. A point leaves by being spent or by expiring on
-- its day, so its life is counted backwards from that day: of the points with so many months left, what part is spent in
-- the month? The product of what is left over is the estimate of Kaplan and Meier (1958) with delayed entry: points
-- count from the month they are issued in.

CREATE OR REPLACE FUNCTION member_internal.points_survival_refresh(day date) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '128MB' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    this_month CONSTANT date := date_trunc('month', points_survival_refresh.day::timestamp)::date;
BEGIN
    IF EXISTS (SELECT FROM member.points_survival_mark k WHERE k.month >= this_month) THEN
        RETURN false;
    END IF;
    DELETE FROM member.points_survival;
    INSERT INTO member.points_survival (wallet, level, cohort, months_left, at_risk, spent)
    WITH flow AS MATERIALIZED (
        SELECT u.wallet, member.level(s.standing, 1::smallint) AS level, c.no AS cohort, least(m.no, c.no) AS month,
               -- what a reversal or a hold gives back had been spent, what it takes had been issued
               coalesce(sum(u.points) FILTER (WHERE d.in_issue), 0) AS issued, coalesce(-sum(u.points) FILTER (WHERE NOT d.in_issue), 0) AS spent
        FROM member.entry e CROSS JOIN member.setting g JOIN member.state s USING (member_id)
        CROSS JOIN LATERAL member.unnest(e.delta) u
        -- what changes hands or is moved to another day had been issued, and is so again
        CROSS JOIN LATERAL (SELECT CASE WHEN e.kind IN ('purchase', 'event', 'earn', 'refund', 'unrefund', 'release', 'give', 'receive', 'adjust', 'reinstate') THEN true
                                        WHEN e.kind IN ('spend', 'hold') THEN false WHEN e.kind = 'settle' THEN u.points > 0 ELSE u.points < 0 END AS in_issue) d
        CROSS JOIN LATERAL (SELECT (extract(year FROM u.until - 1) * 12 + extract(month FROM u.until - 1))::integer AS no) c
        CROSS JOIN LATERAL (SELECT (extract(year FROM e.at AT TIME ZONE g.zone) * 12 + extract(month FROM e.at AT TIME ZONE g.zone))::integer AS no) m
        WHERE u.until IS NOT NULL AND e.kind NOT IN ('expire', 'reopen') AND e.at < (SELECT member.day_start(this_month))
        GROUP BY 1, 2, 3, 4
    ), life AS (
        SELECT f.wallet, f.level, f.cohort, n AS month
        FROM (SELECT f.wallet, f.level, f.cohort, min(f.month) AS first FROM flow f GROUP BY 1, 2, 3) f
        CROSS JOIN LATERAL generate_series(f.first, least(f.cohort, extract(year FROM this_month)::integer * 12 + extract(month FROM this_month)::integer - 1)) n
    )
    SELECT x.wallet, x.level, make_date((x.cohort - 1) / 12, (x.cohort - 1) % 12 + 1, 1), x.cohort - x.month, x.at_risk, x.spent
    FROM (SELECT l.*, coalesce(f.spent, 0)::bigint AS spent,
                 (sum(coalesce(f.issued, 0) - coalesce(f.spent, 0)) OVER w + coalesce(f.spent, 0))::bigint AS at_risk
          FROM life l LEFT JOIN flow f USING (wallet, level, cohort, month)
          WINDOW w AS (PARTITION BY l.wallet, l.level, l.cohort ORDER BY l.month)) x
    WHERE x.at_risk > 0 AND x.spent BETWEEN 0 AND x.at_risk;
    INSERT INTO member.points_survival_mark (month) VALUES (this_month) ON CONFLICT (one) DO UPDATE SET month = excluded.month;
    RETURN true;
END
$$;
COMMENT ON FUNCTION member_internal.points_survival_refresh(date) IS
    'Makes points_survival anew from the whole ledger, once a month: returns whether it did. Reads every entry.';
