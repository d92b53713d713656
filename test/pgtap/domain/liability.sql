-- Liability: sources, survival of lots, and the forecast of expiry against a year that was held out.
\set ON_ERROR_STOP 1
SET client_min_messages = error;
SET timezone = 'America/New_York'; -- days are the program's, not the session's
SET datestyle = iso;
SET member.clock = '2023-01-01 00:30+08';
SELECT NULL FROM member.setup('retail');
SELECT * FROM no_plan();

-- ---- two years, then a third that the forecast does not see ----

-- 800 members of three kinds: half never spend, some spend a part now and then, some all they have. Points are gone at
-- the end of the month a year later.
INSERT INTO member.import_row (kind, member_key, at) SELECT 'member', 'm' || n, '2023-01-01' FROM generate_series(1, 800) n;
SELECT NULL FROM member.import_members();
CREATE FUNCTION pg_temp.dice(m bigint, month integer, what integer) RETURNS double precision LANGUAGE sql AS $$
    SELECT (hashint8extended(m * 1000003 + month * 101 + what, 42) & 1048575) / 1048576.0
$$;
CREATE PROCEDURE pg_temp.live(first date, months integer) LANGUAGE plpgsql AS $$
DECLARE
    month date;
    no integer;
BEGIN
    FOR i IN 0..months - 1 LOOP
        month := first + i * interval '1 month';
        no := extract(year FROM month) * 12 + extract(month FROM month);
        PERFORM set_config('member.clock', format('%s 05:40+08', month), false);
        PERFORM member_internal.daily_members(month, ARRAY(SELECT member_id FROM member.state ORDER BY 1));
        PERFORM set_config('member.clock', format('%s 12:00+08', month + 26), false);
        INSERT INTO member.import_row (kind, member_key, at, purchase_no, amount)
        SELECT 'purchase', 'm' || m, format('%s 12:00', month + (pg_temp.dice(m, no, 1) * 25)::integer), format('%s/%s', m, month), (40 + 400 * pg_temp.dice(m, no, 2) ^ 3)::numeric(9,2)
        FROM generate_series(1, 800) m WHERE pg_temp.dice(m, no, 3) < 0.7;
        PERFORM member.import_purchases();
        PERFORM member.points_post(ARRAY(
            SELECT jsonb_build_object('member_id', s.member_id, 'kind', 'spend', 'source', CASE WHEN s.member_id % 3 = 0 THEN 'mall' ELSE 'shop' END, 'points', greatest(1, (b.points * share)::bigint))
            FROM member.state s CROSS JOIN LATERAL (SELECT member.balance(s.lots, 1::smallint, month + 26) AS points) b
            CROSS JOIN LATERAL (SELECT CASE WHEN s.member_id % 10 < 5 THEN 0 WHEN s.member_id % 10 < 8 THEN 0.6 ELSE 1 END AS share, CASE WHEN s.member_id % 10 < 8 THEN 0.25 ELSE 0.5 END AS chance) k
            WHERE share > 0 AND b.points > 0 AND pg_temp.dice(s.member_id, no, 4) < chance));
    END LOOP;
END $$;
CALL pg_temp.live('2023-01-01', 24);
SET member.clock = '2025-01-01 00:30+08';
SELECT is_empty('SELECT * FROM member_report.points_survival', 'no survival before the first run');
SELECT results_eq($$ SELECT expiring, points = used FROM member_report.points_forecast WHERE wallet = 'points' GROUP BY 1, 2 $$, 'VALUES (0::bigint, true)', 'and without history nothing is expected to expire');
SELECT is(member_internal.points_survival_refresh('2025-01-01'), true, 'the run of the month makes it');
SELECT is(member_internal.points_survival_refresh('2025-01-31'), false, 'once a month');
CREATE TEMP TABLE forecast AS SELECT * FROM member_report.points_forecast WHERE wallet = 'points';
SELECT is(count(*), 12::bigint, 'all points of the year before expire in twelve months') FROM forecast;
SELECT is(sum(points), (SELECT sum(member.points_balance(member_id)) FROM member.state), 'the forecast is of all points') FROM forecast;
SELECT is_empty('SELECT FROM forecast WHERE expiring + used <> points', 'used or expired');

-- ---- survival, recounted: points as rows, month after month ----

CREATE TEMP TABLE moved AS
SELECT member.level(s.standing, 1::smallint) AS level, date_trunc('month', (u.until - 1)::timestamp)::date AS cohort, date_trunc('month', e.at AT TIME ZONE 'Asia/Shanghai')::date AS month, e.kind, u.points
FROM member.entry e JOIN member.state s USING (member_id), member.unnest(e.delta) u WHERE u.wallet = 1 AND e.at < '2025-01-01 00:00+08';
CREATE FUNCTION pg_temp.recount(OUT level smallint, OUT cohort date, OUT month date, OUT at_risk bigint, OUT spent bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    FOR level, cohort, month, at_risk IN SELECT m.level, m.cohort, min(m.month), 0 FROM moved m GROUP BY 1, 2 LOOP
        WHILE month <= least(cohort, '2024-12-01') LOOP
            SELECT at_risk + coalesce(sum(m.points) FILTER (WHERE m.kind = 'purchase'), 0), coalesce(-sum(m.points) FILTER (WHERE m.kind = 'spend'), 0) INTO at_risk, spent
            FROM moved m WHERE (m.level, m.cohort, m.month) = (recount.level, recount.cohort, recount.month);
            IF at_risk > 0 THEN
                RETURN NEXT;
            END IF;
            at_risk := at_risk - spent;
            month := month + interval '1 month';
        END LOOP;
    END LOOP;
END $$;
SELECT set_eq($$ SELECT t.level, s.cohort, (s.cohort - s.months_left * interval '1 month')::date, s.at_risk, s.spent FROM member_report.points_survival s JOIN member.tier_level t ON t.ladder_id = 1 AND t.code = s.tier WHERE s.wallet = 'points' $$,
    'SELECT * FROM pg_temp.recount()', 'points at risk and spent, by level, cohort and month');
SELECT cmp_ok(count(*)::integer, '>=', 200, 'there are many of them') FROM member_report.points_survival;
SELECT is_empty($$ SELECT s.wallet, s.tier, s.cohort, s.months_left FROM (SELECT *, lag(survival, 1, 1) OVER (PARTITION BY wallet, tier, cohort ORDER BY months_left DESC) AS before FROM member_report.points_survival) s
    WHERE abs(s.survival - s.before * (1 - s.spent::numeric / s.at_risk)) > 0.0002 $$, 'survival is the product of what is left month by month');
SELECT is_empty($$ SELECT b.tier, b.months_left FROM member_report.points_breakage b WHERE b.wallet = 'points' AND abs(b.hazard - (SELECT sum(s.spent)::numeric / sum(s.at_risk) FROM member_report.points_survival s
    WHERE (s.wallet, s.tier, s.months_left) = (b.wallet, b.tier, b.months_left))) > 0.0001 $$, 'breakage takes the cohorts together');
SELECT is_empty($$ SELECT FROM (SELECT expire_share, lag(expire_share) OVER (PARTITION BY wallet, tier ORDER BY months_left) AS shorter FROM member_report.points_breakage) x WHERE expire_share > shorter $$, 'the longer points have, the fewer expire');

-- ---- liability ----

UPDATE member.setting SET cost_per_point = 0.03, face_value = 0.1;
SELECT is_empty($$ SELECT l.* FROM member_report.points_liability l JOIN (SELECT wallet, sum(points) AS points, sum(expiring) AS expiring FROM member_report.points_forecast GROUP BY 1) f USING (wallet)
    WHERE (l.outstanding, l.expected_expired, l.cost, l.expected_cost, l.face_value, l.deferred_revenue, l.breakage_rate) IS DISTINCT FROM
    (f.points, f.expiring, round(f.points * 0.03, 2), round((f.points - f.expiring) * 0.03, 2), round(f.points * 0.1, 2), round((f.points - f.expiring) * 0.1, 2), round(100 * f.expiring / f.points, 2)) $$, 'points_liability: cost and face value, of all and of what will be used');
SELECT is(unused_rate, (SELECT round(100.0 * sum(member.points_balance(member_id)) / (SELECT sum(points) FROM moved WHERE kind = 'purchase'), 2) FROM member.state), '沉淀率 is what is outstanding of all that was issued')
FROM member_report.points_liability WHERE wallet = 'points';

-- ---- sources ----

SELECT NULL FROM member.event_record(1, 'signin');
SELECT NULL FROM member.points_earn(2, 31, source => 'wheel');
SELECT NULL FROM member.points_earn(2, 31);
-- held, then captured in part, voided, lapsed: what is gone is gone through the mall
SELECT NULL FROM member.points_hold(2, 20, source => 'stall') h, member.points_capture(2, h.entry_no, 15);
SELECT NULL FROM member.points_hold(2, 9, source => 'stall') h, member.points_void(2, h.entry_no);
SELECT NULL FROM member.points_hold(2, 7, source => 'stall', lapses_at => (SELECT member.now() + interval '1 minute'));
SELECT NULL FROM set_config('member.clock', (member.now() + interval '1 minute')::text, false), member_internal.book_time(2);
SELECT is(sum(spent), 15::numeric, 'held points count by the source of the hold') FROM member_report.points_source WHERE source = 'stall';
CREATE TEMP VIEW by_source AS
SELECT month, wallet, kind, CASE WHEN kind <> 'purchase' THEN source END AS source, sum(points) FILTER (WHERE kind <> 'spend')::bigint AS issued, -sum(points) FILTER (WHERE kind = 'spend')::bigint AS spent, count(*) AS entries
FROM (SELECT date_trunc('month', e.at AT TIME ZONE 'Asia/Shanghai')::date AS month, w.code AS wallet,
             CASE WHEN e.kind IN ('hold', 'capture', 'void', 'lapse') THEN 'spend' ELSE e.kind END AS kind, e.source, e.points FROM member.entry e JOIN member.wallet w ON w.wallet_id = e.wallet
      WHERE e.kind IN ('purchase', 'event', 'earn', 'spend', 'hold', 'capture', 'void', 'lapse')) x GROUP BY 1, 2, 3, 4;
SELECT set_eq('SELECT month, wallet, kind, source, issued, spent, entries FROM member_report.points_source', 'TABLE by_source', 'points_source, from the entries');
SELECT results_eq($$ SELECT kind, source, issued, issued_a_day FROM member_report.points_source WHERE month = '2025-01-01' ORDER BY kind, source $$,
    $$ SELECT kind, source, issued, round(issued / 1.0, 2) FROM by_source WHERE month = '2025-01-01' ORDER BY kind, source $$, 'a day of this month, which has had one');
SELECT is_empty($$ SELECT FROM member_report.points_source WHERE month = '2024-02-01' AND kind = 'purchase' AND issued_a_day <> round(issued / 29.0, 2) $$, 'a day of a month that is over');
SELECT is(sum(issued_share), 100.00, 'the shares of a month add up') FROM member_report.points_source WHERE month = '2024-02-01';
SELECT cmp_ok(abs(sum(use_rate) - (SELECT 100.0 * sum(spent) / sum(issued) FROM by_source WHERE month = '2024-02-01')), '<', 0.02, 'used of what was issued') FROM member_report.points_source WHERE month = '2024-02-01';
SET member.clock = '2025-01-01 03:00+08';
DO $$ BEGIN PERFORM member_internal.points_rollup(); END $$;
UPDATE member.points_rollup_mark SET next_xid = '3';
DO $$ BEGIN PERFORM member_internal.points_rollup(); END $$;
SELECT is((SELECT sum(entries) FROM member.points_rollup), (SELECT count(*)::numeric FROM member.entry), 'all is summed up');
SELECT set_eq('SELECT month, wallet, kind, source, issued, spent, entries FROM member_report.points_source', 'TABLE by_source', 'points_source, from the sums');
SELECT is_empty('SELECT * FROM member.verify(by_replay => false)', 'which are right');

-- ---- the year that was held out ----

CALL pg_temp.live('2025-01-01', 12);
SET member.clock = '2026-01-01 00:40+08';
SELECT NULL FROM member_internal.daily_members('2026-01-01', ARRAY(SELECT member_id FROM member.state ORDER BY 1));
CREATE TEMP TABLE outcome AS
SELECT f.last_month, f.points, f.expiring, a.expired
FROM forecast f JOIN (SELECT date_trunc('month', (u.until - 1)::timestamp)::date AS last_month, -sum(u.points)::bigint AS expired
                      FROM member.entry e, member.unnest(e.delta) u WHERE e.kind = 'expire' AND u.wallet = 1 AND e.at >= '2025-01-15' GROUP BY 1) a USING (last_month);
SELECT is(count(*), 12::bigint, 'twelve months expired since') FROM outcome;
SELECT diag(format('forecast of the held-out year: %s points expected to expire, %s did: %s %%; mean error of a month %s %%, largest %s %%', sum(expiring), sum(expired),
    round(100.0 * (sum(expiring) - sum(expired)) / sum(expired), 1), round(avg(100.0 * abs(expiring - expired) / expired), 1), round(max(100.0 * abs(expiring - expired) / expired), 1))) FROM outcome;
SELECT cmp_ok(abs(sum(expiring) - sum(expired)) / sum(expired), '<=', 0.03, 'the year: within 3 %') FROM outcome;
SELECT cmp_ok(avg(abs(expiring - expired)::numeric / expired), '<=', 0.06, 'a month: within 6 % in the mean') FROM outcome;
SELECT cmp_ok(max(abs(expiring - expired)::numeric / expired), '<=', 0.15, 'each month: within 15 %') FROM outcome;
SELECT cmp_ok(avg(abs(points - expired)::numeric / expired), '>', 0.2, 'to take all outstanding points for expiring would be off by far') FROM outcome;
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT * FROM finish();
