-- member_report: what BI tools read. Names and columns stay; new columns come at the end.

CREATE OR REPLACE VIEW member_report.tier_distribution AS
SELECT d.code AS ladder, l.level, l.code AS tier, l.name AS tier_name, count(s.member_id) AS members,
       round(100.0 * count(s.member_id) / nullif(sum(count(s.member_id)) OVER (PARTITION BY d.ladder_id), 0), 2) AS share
FROM member.tier_ladder d
JOIN member.tier_level l USING (ladder_id)
LEFT JOIN (SELECT h.member_id, g.ladder_id, member.level(h.standing, g.ladder_id) AS level
           FROM member.state h, member.tier_ladder g WHERE h.active) s
    ON s.ladder_id = d.ladder_id AND s.level = l.level
GROUP BY d.ladder_id, d.code, l.level, l.code, l.name;
COMMENT ON VIEW member_report.tier_distribution IS 'Active members by level 等级占比.';
COMMENT ON COLUMN member_report.tier_distribution.share IS 'Percent of the members of the ladder.';

CREATE OR REPLACE VIEW member_report.tier_funnel AS
SELECT d.code AS ladder, l.level, l.code AS tier, l.name AS tier_name, count(r.member_id) AS reached,
       round(100.0 * count(r.member_id) / nullif(max(count(r.member_id)) OVER (PARTITION BY d.ladder_id), 0), 2) AS share,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY r.days) AS median_days
FROM member.tier_ladder d
JOIN member.tier_level l USING (ladder_id)
LEFT JOIN (SELECT m.member_id, g.ladder_id, v.level, coalesce(c.days, 0) AS days
           FROM member.member m CROSS JOIN member.tier_ladder g JOIN member.tier_level v USING (ladder_id)
           LEFT JOIN (SELECT t.member_id, t.ladder_id, t.to_level, min(t.day) - min(min((j.joined_at AT TIME ZONE (SELECT zone FROM member.setting))::date)) OVER (PARTITION BY t.member_id) AS days
                      FROM member.tier_change t JOIN member.member j USING (member_id)
                      WHERE t.kind = 'rise' GROUP BY 1, 2, 3) c
               ON c.member_id = m.member_id AND c.ladder_id = g.ladder_id AND c.to_level = v.level
           WHERE v.level = 0 OR c.member_id IS NOT NULL) r
    ON r.ladder_id = d.ladder_id AND r.level = l.level
GROUP BY d.ladder_id, d.code, l.level, l.code, l.name;
COMMENT ON VIEW member_report.tier_funnel IS 'How many members ever reached each level, and how long it took 转化漏斗 · 晋级周期.';
COMMENT ON COLUMN member_report.tier_funnel.reached IS 'Members that ever rose to exactly this level; of level 0 all members.';
COMMENT ON COLUMN member_report.tier_funnel.median_days IS 'Median days from joining to first reaching it.';

CREATE OR REPLACE VIEW member_report.points_month AS
SELECT date_trunc('month', e.at AT TIME ZONE (SELECT zone FROM member.setting))::date AS month, w.code AS wallet,
       coalesce(sum(e.points) FILTER (WHERE e.kind IN ('purchase', 'event', 'earn')), 0)::bigint AS issued,
       coalesce(-sum(e.points) FILTER (WHERE e.kind = 'spend'), 0)::bigint AS spent,
       coalesce(-sum(e.points) FILTER (WHERE e.kind = 'refund'), 0)::bigint AS taken_back,
       coalesce(sum(e.points) FILTER (WHERE e.kind = 'reverse'), 0)::bigint AS reversed,
       coalesce(-sum(e.points) FILTER (WHERE e.kind = 'expire'), 0)::bigint AS expired,
       count(*) AS entries
FROM member.entry e JOIN member.wallet w ON w.wallet_id = e.wallet
GROUP BY 1, 2;
COMMENT ON VIEW member_report.points_month IS 'Points by month and wallet: issued, spent, taken back by refunds, reversed, expired (booked).';
COMMENT ON COLUMN member_report.points_month.wallet IS 'The wallet each entry is told in; of purchases and events the main one.';

CREATE OR REPLACE VIEW member_report.points_outstanding AS
SELECT w.code AS wallet, date_trunc('month', l.until - 1)::date AS last_month, sum(l.points)::bigint AS points,
       count(*) AS lots, round(sum(l.points) * max(s.cost_per_point), 2) AS cost
FROM (SELECT u.wallet, u.until, u.points
      FROM (SELECT member.lots_sum(h.lots) AS book FROM member.state h) t CROSS JOIN LATERAL member.unnest(t.book) u
      WHERE u.until IS NULL OR u.until > (SELECT member.day_of(member.now()))) l
JOIN member.wallet w ON w.wallet_id = l.wallet CROSS JOIN member.setting s
GROUP BY 1, 2;
COMMENT ON VIEW member_report.points_outstanding IS 'Points outstanding today by the last month they are usable in; null: they do not expire. Debt is negative.';
COMMENT ON COLUMN member_report.points_outstanding.cost IS 'At the cost of a point, yuan.';

CREATE OR REPLACE VIEW member_report.points_expiring AS
SELECT x.until, count(*) AS members, sum(x.points)::bigint AS points
FROM (SELECT s.member_id, l.until, sum(l.points) AS points
      FROM member.state s CROSS JOIN LATERAL member.unnest(member.settle(s.lots, (SELECT member.day_of(member.now())))) l
      WHERE member.expiring(s.lots, 1::smallint, (SELECT member.day_of(member.now())), 31) > 0
        AND l.wallet = 1 AND l.until > (SELECT member.day_of(member.now()))
        AND l.until <= (SELECT member.day_of(member.now())) + 31
        AND (l.usable_from IS NULL OR l.usable_from <= (SELECT member.day_of(member.now())))
      GROUP BY 1, 2) x
GROUP BY 1;
COMMENT ON VIEW member_report.points_expiring IS 'Main points that are gone within 31 days, by the first day they are gone.';

CREATE OR REPLACE VIEW member_report.rfm_group AS
SELECT g.code AS value_group, member.rfm_value_group_name(g.code) AS value_group_name, count(x.member_id) AS members,
       round(100.0 * count(x.member_id) / nullif(sum(count(x.member_id)) OVER (), 0), 2) AS share,
       round(avg(x.recency), 1) AS mean_recency, round(avg(x.frequency), 2) AS mean_orders,
       round(avg(x.monetary) / 100, 2) AS mean_spend, round(sum(x.monetary) / 100, 2) AS spend
FROM (SELECT n::smallint FROM generate_series(1, 8) n) AS g (code)
LEFT JOIN (SELECT f.*, member.rfm_value_group(member.rfm_score(c.cuts, f.recency, f.frequency, f.monetary), c.cuts) AS code
           FROM (SELECT s.member_id, d.day - member.last_day(s.activity, 1::smallint) AS recency,
                        member.count(s.activity, 1::smallint, d.day - 364, d.day + 1) AS frequency,
                        member.amount(s.activity, 1::smallint, d.day - 364, d.day + 1) AS monetary
                 FROM member.state s, (SELECT member.day_of(member.now()) AS day) d
                 WHERE member.last_day(s.activity, 1::smallint) BETWEEN d.day - 364 AND d.day) f,
                (SELECT r.cuts FROM member.rfm_run r ORDER BY r.day DESC LIMIT 1) c) x ON x.code = g.code
GROUP BY g.code;
COMMENT ON VIEW member_report.rfm_group IS 'Members with a purchase in 365 days by RFM value group today, by the cuts of the last refresh.';
COMMENT ON COLUMN member_report.rfm_group.mean_recency IS 'Days since the last purchase.';

CREATE OR REPLACE VIEW member_report.rfm_migration AS
SELECT c.day, member.rfm_value_group_name(c.from_group) AS from_group, member.rfm_value_group_name(c.to_group) AS to_group,
       count(*) AS members
FROM member.rfm_change c GROUP BY 1, 2, 3;
COMMENT ON VIEW member_report.rfm_migration IS 'Members by the RFM value group they left and entered at each refresh; from_group null: first scored.';

CREATE OR REPLACE VIEW member_report.retention AS
SELECT c.cohort, count(*) AS members,
       round(100.0 * avg((c.again_7)::integer), 2) AS again_7d, round(100.0 * avg((c.again_30)::integer), 2) AS again_30d,
       round(100.0 * avg((c.again_90)::integer), 2) AS again_90d
FROM (SELECT date_trunc('month', f.first)::date AS cohort,
             member.count(f.activity, 1::smallint, f.first + 1, f.first + 8) > 0 AS again_7,
             member.count(f.activity, 1::smallint, f.first + 1, f.first + 31) > 0 AS again_30,
             member.count(f.activity, 1::smallint, f.first + 1, f.first + 91) > 0 AS again_90
      FROM (SELECT s.activity, member.first_day(s.activity, 1::smallint) AS first FROM member.state s) f
      WHERE f.first >= date_trunc('month', (SELECT member.day_of(member.now()) - 330))) c
GROUP BY 1;
COMMENT ON VIEW member_report.retention IS 'Members of the last eleven months by the month of their first purchase: percent that bought again within 7, 30 and 90 days.';

CREATE OR REPLACE VIEW member_report.activity AS
SELECT count(*) AS members, count(*) FILTER (WHERE a.last > d.day - 30) AS active_30d,
       count(*) FILTER (WHERE a.last IS NULL OR a.last <= d.day - 30) AS silent,
       round(100.0 * count(*) FILTER (WHERE a.last IS NULL OR a.last <= d.day - 30) / nullif(count(*), 0), 2) AS silent_share,
       coalesce(sum(a.orders), 0)::bigint AS orders_30d, round(coalesce(sum(a.spend), 0) / 100, 2) AS spend_30d
FROM (SELECT member.day_of(member.now()) AS day) d
CROSS JOIN LATERAL (SELECT member.last_day(s.activity, 1::smallint) AS last,
                           member.count(s.activity, 1::smallint, d.day - 29, d.day + 1) AS orders,
                           member.amount(s.activity, 1::smallint, d.day - 29, d.day + 1) AS spend
                    FROM member.state s WHERE s.active) a;
COMMENT ON VIEW member_report.activity IS 'Active and silent members by purchases of the last 30 days 沉默占比.';

CREATE OR REPLACE VIEW member_report.growth AS
SELECT date_trunc('month', m.joined_at AT TIME ZONE (SELECT zone FROM member.setting))::date AS month, m.channel,
       count(*) AS joined
FROM member.member m GROUP BY 1, 2;
COMMENT ON VIEW member_report.growth IS 'Members by the month and channel they joined 新增.';

CREATE OR REPLACE VIEW member_report.messages AS
SELECT o.template, o.class, count(*) AS queued, count(*) FILTER (WHERE o.done_at IS NULL) AS open,
       count(*) FILTER (WHERE o.result LIKE 'sent%') AS sent, count(*) FILTER (WHERE o.result LIKE 'failed%') AS failed
FROM member.outbox o GROUP BY 1, 2;
COMMENT ON VIEW member_report.messages IS 'Messages by template: queued, still open, sent, failed.';

CREATE OR REPLACE VIEW member_report.job_health AS
SELECT j.job, j.day, j.stage, j.done AS members, j.started_at, j.finished_at, j.finished_at IS NULL AS unfinished,
       member.clock_is_set() AS clock_is_set
FROM member.job_run j;
COMMENT ON VIEW member_report.job_health IS 'Runs of the scheduled work; clock_is_set: this session does not go by the real time.';

CREATE OR REPLACE VIEW member_report.import_health AS
SELECT r.import_id, r.kind, r.started_at, r.rows_read, r.rows_loaded, r.rows_known, r.rows_rejected, r.amount_read, r.amount_loaded,
       r.rows_read = r.rows_loaded + r.rows_known + r.rows_rejected AS reconciled FROM member.import_run r;
COMMENT ON VIEW member_report.import_health IS 'Imports with their reconciliation.';
