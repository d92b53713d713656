-- member_report: what BI tools read. Names and columns stay; new columns come at the end.
--
-- How they are kept fast over all members: what is the same for every row (today, the stream of purchases, cuts) is
-- a scalar subquery, evaluated once; it stands at the level that scans member.state, so that workers scan with it
-- (member.day_of() or a join with the setting would keep them out); what is said several times of a row is computed in
-- a subquery with OFFSET 0, which is not merged into the query around it; and counting comes before joining names.

CREATE OR REPLACE VIEW member_report.today AS
SELECT (member.now() AT TIME ZONE g.zone)::date AS day, g.zone,
       (SELECT min(r.stream_id) FROM member.stream r WHERE r.purchases) AS purchases,
       (SELECT array_agg((date_trunc('month', member.now() AT TIME ZONE g.zone) + n * interval '1 month')::date ORDER BY n)
        FROM generate_series(-11, 1) n) AS months
FROM member.setting g;
COMMENT ON VIEW member_report.today IS 'The day the other views are of: one row.';
COMMENT ON COLUMN member_report.today.day IS 'Today in the program''s time zone.';
COMMENT ON COLUMN member_report.today.zone IS 'The program''s time zone.';
COMMENT ON COLUMN member_report.today.purchases IS 'Number of the stream that purchases feed.';
COMMENT ON COLUMN member_report.today.months IS 'First days of the eleven months before this one, of this one and of the next.';

CREATE OR REPLACE VIEW member_report.tier_distribution AS
SELECT d.code AS ladder, l.level, l.code AS tier, l.name AS tier_name, coalesce(s.members, 0) AS members,
       round(100.0 * coalesce(s.members, 0) / nullif(sum(s.members) OVER (PARTITION BY d.ladder_id), 0), 2) AS share,
       l.share_low, l.share_high,
       round(100.0 * coalesce(s.members, 0) / nullif(sum(s.members) OVER (PARTITION BY d.ladder_id), 0), 2)
           BETWEEN coalesce(l.share_low, 0) AND coalesce(l.share_high, 100) AS in_band
FROM member.tier_ladder d
JOIN member.tier_level l USING (ladder_id)
LEFT JOIN (SELECT g.ladder_id, count(*) AS members,
                  -- reviews that are due count, booked or not
                  member.level(CASE WHEN h.next_due <= (SELECT t.day FROM member_report.today t)
                                    THEN (member.step(ROW(h.lots, h.activity, h.standing, h.at, h.entries, h.hash)::member.step_state,
                                          (SELECT jsonb_populate_record(NULL::member.step_event,
                                               jsonb_build_object('member_id', 0, 'kind', 'day', 'at', member.now()))),
                                          (SELECT p.program FROM member.setting g JOIN member.program_version p ON p.version = g.program_version))).standing
                                    ELSE h.standing END, g.ladder_id) AS level
           FROM member.state h, member.tier_ladder g WHERE h.active GROUP BY 1, 3) s
    ON s.ladder_id = d.ladder_id AND s.level = l.level;
COMMENT ON VIEW member_report.tier_distribution IS 'Active members by level 等级占比, due reviews decided whether or not the daily run booked them.';
COMMENT ON COLUMN member_report.tier_distribution.ladder IS 'Code of the ladder.';
COMMENT ON COLUMN member_report.tier_distribution.level IS 'Number of the level, from 0.';
COMMENT ON COLUMN member_report.tier_distribution.tier IS 'Code of the level.';
COMMENT ON COLUMN member_report.tier_distribution.tier_name IS 'Name of the level.';
COMMENT ON COLUMN member_report.tier_distribution.members IS 'Active members that hold it now; not those frozen or gone.';
COMMENT ON COLUMN member_report.tier_distribution.share IS 'Percent of the active members 等级占比; null without any.';
COMMENT ON COLUMN member_report.tier_distribution.share_low IS 'Percent it should be at least; null: no bound.';
COMMENT ON COLUMN member_report.tier_distribution.share_high IS 'Percent it should be at most; null: no bound.';
COMMENT ON COLUMN member_report.tier_distribution.in_band IS 'Whether it is; false is an alarm.';

CREATE OR REPLACE VIEW member_report.tier_funnel AS
SELECT d.code AS ladder, l.level, l.code AS tier, l.name AS tier_name, coalesce(r.reached, 0) AS reached,
       round(100.0 * coalesce(r.reached, 0) / nullif(max(r.reached) OVER (PARTITION BY d.ladder_id), 0), 2) AS share,
       r.median_days,
       round(100.0 * coalesce(r.reached, 0) / nullif(lag(r.reached) OVER (PARTITION BY d.ladder_id ORDER BY l.level), 0), 2) AS conversion
FROM member.tier_ladder d
JOIN member.tier_level l USING (ladder_id)
LEFT JOIN (SELECT c.ladder_id, c.level, c.reached,
                  (min(c.days) FILTER (WHERE c.upto >= (c.reached + 1) / 2)
                   + min(c.days) FILTER (WHERE c.upto >= c.reached / 2 + 1))::double precision / 2 AS median_days
           -- of members by days, how many it took as long at most
           FROM (SELECT h.ladder_id, h.level, h.days, sum(h.members) OVER (PARTITION BY h.ladder_id, h.level)::bigint AS reached,
                        sum(h.members) OVER (PARTITION BY h.ladder_id, h.level ORDER BY h.days) AS upto
                 FROM (SELECT t.ladder_id, v.level, count(*) AS members,
                              t.day - (m.joined_at AT TIME ZONE (SELECT t.zone FROM member_report.today t))::date AS days
                       FROM member.tier_change t
                       JOIN member.tier_level v ON v.ladder_id = t.ladder_id AND v.level > t.from_level AND v.level <= t.to_level
                       JOIN member.member m USING (member_id)
                       -- the first of its rises past that level; unlike a minimum of each member it lets workers count
                       WHERE NOT EXISTS (SELECT FROM member.tier_change e
                                         WHERE e.member_id = t.member_id AND e.ladder_id = t.ladder_id AND e.to_level > e.from_level
                                           AND v.level > e.from_level AND v.level <= e.to_level AND (e.day, e.change_no) < (t.day, t.change_no))
                       GROUP BY 1, 2, 4) h) c
           GROUP BY 1, 2, 3
           UNION ALL
           SELECT g.ladder_id, 0, m.members, 0
           FROM member.tier_ladder g, (SELECT nullif(count(*), 0) AS members FROM member.member) m) r
    ON r.ladder_id = d.ladder_id AND r.level = l.level;
COMMENT ON VIEW member_report.tier_funnel IS 'How many members ever reached each level, and how long it took 转化漏斗 · 晋级周期.';
COMMENT ON COLUMN member_report.tier_funnel.ladder IS 'Code of the ladder.';
COMMENT ON COLUMN member_report.tier_funnel.level IS 'Number of the level, from 0.';
COMMENT ON COLUMN member_report.tier_funnel.tier IS 'Code of the level.';
COMMENT ON COLUMN member_report.tier_funnel.tier_name IS 'Name of the level.';
COMMENT ON COLUMN member_report.tier_funnel.reached IS 'Members that ever rose to this level or past it; of level 0 all members.';
COMMENT ON COLUMN member_report.tier_funnel.share IS 'Percent of all members; null without any.';
COMMENT ON COLUMN member_report.tier_funnel.median_days IS 'Median days from joining to first reaching it 晋级周期; null when nobody did.';
COMMENT ON COLUMN member_report.tier_funnel.conversion IS 'Percent of those that reached the level below 升级转化率; null at level 0.';

CREATE OR REPLACE VIEW member_report.points_month AS
SELECT e.month, w.code AS wallet,
       coalesce(sum(e.points) FILTER (WHERE e.kind IN ('purchase', 'event', 'earn')), 0)::bigint AS issued,
       coalesce(-sum(e.points) FILTER (WHERE e.kind IN ('spend', 'hold', 'capture', 'void', 'lapse')), 0)::bigint AS spent,
       coalesce(-sum(e.points) FILTER (WHERE e.kind IN ('refund', 'unrefund')), 0)::bigint AS taken_back,
       coalesce(sum(e.points) FILTER (WHERE e.kind = 'reverse'), 0)::bigint AS reversed,
       coalesce(-sum(e.points) FILTER (WHERE e.kind IN ('expire', 'reopen')), 0)::bigint AS expired,
       sum(e.entries)::bigint AS entries,
       coalesce(sum(e.points) FILTER (WHERE e.kind IN ('adjust', 'reinstate')), 0)::bigint AS adjusted,
       coalesce(-sum(e.points) FILTER (WHERE e.kind IN ('give', 'receive')), 0)::bigint AS transfer_fees
FROM (SELECT r.month, r.wallet, r.kind, r.points, r.entries FROM member.points_rollup r
      UNION ALL
      -- What was booked since. The months are numbered: for millions of moments it is cheaper to look up where they lie
      -- among the firsts of the months than to compute dates, and the planner sees that the groups are few.
      SELECT (timestamp '1899-12-01' + c.no * interval '1 month')::date, c.wallet, c.kind, c.points, c.entries
      FROM (SELECT n.no, x.wallet, x.kind, sum(x.points) AS points, count(*) AS entries
            FROM member.entry x
            JOIN (SELECT n AS no FROM generate_series(0, 2400) n GROUP BY n) n
                ON n.no = width_bucket(x.at, (SELECT array_agg(f.first AT TIME ZONE g.zone ORDER BY f.first)
                       FROM generate_series(timestamp '1900-01-01', timestamp '2099-12-01', interval '1 month') f (first), member.setting g))
            -- the upper bound tells the planner that it is a part of the table
            WHERE x.booked_at >= (SELECT coalesce(max(k.booked_before), '-infinity') FROM member.points_rollup_mark k)
              AND x.booked_at <= 'infinity'
            GROUP BY 1, 2, 3) c) e
JOIN member.wallet w ON w.wallet_id = e.wallet
GROUP BY 1, 2;
COMMENT ON VIEW member_report.points_month IS 'Points by month and wallet: issued, spent, taken back by refunds, reversed, expired (booked), by hand, fees.';
COMMENT ON COLUMN member_report.points_month.month IS 'First day of the month the entries happened in, in the program''s time zone.';
COMMENT ON COLUMN member_report.points_month.wallet IS 'The wallet each entry is told in; of purchases, events and expiry the main one.';
COMMENT ON COLUMN member_report.points_month.issued IS 'Points given for purchases and events, and earned otherwise 发放.';
COMMENT ON COLUMN member_report.points_month.spent IS 'Points spent 消耗, and held ones until they come back; what was reversed of it is in reversed.';
COMMENT ON COLUMN member_report.points_month.taken_back IS 'Points taken back by refunds 退单扣回, less those of refunds that were undone.';
COMMENT ON COLUMN member_report.points_month.reversed IS 'Points given back (positive) or taken (negative) by reversals of single entries.';
COMMENT ON COLUMN member_report.points_month.expired IS 'Points whose expiry was booked that month 过期.';
COMMENT ON COLUMN member_report.points_month.entries IS 'Ledger entries.';
COMMENT ON COLUMN member_report.points_month.adjusted IS 'Points corrected by hand, and expired ones given back 人工调整.';
COMMENT ON COLUMN member_report.points_month.transfer_fees IS 'Points that givers paid for transfers between members 转赠手续费; what a transfer gives back is in reversed.';

CREATE OR REPLACE VIEW member_report.points_outstanding AS
SELECT w.code AS wallet, date_trunc('month', (l.until - 1)::timestamp)::date AS last_month, sum(l.points)::bigint AS points,
       count(*) AS lots, round(sum(l.points) * (SELECT s.cost_per_point FROM member.setting s), 2) AS cost
FROM (SELECT member.lots_sum(member.settle(h.lots, (SELECT t.day FROM member_report.today t))) AS book
      FROM (SELECT s.lots FROM member.state s
            UNION ALL SELECT o.lots FROM member.hold o WHERE o.closed_by IS NULL) h) t
CROSS JOIN LATERAL member.unnest(t.book) l
JOIN member.wallet w ON w.wallet_id = l.wallet
GROUP BY 1, 2;
COMMENT ON VIEW member_report.points_outstanding IS 'Points outstanding today by the last month they are usable in, expired ones left out, booked or not 积分负债.';
COMMENT ON COLUMN member_report.points_outstanding.wallet IS 'Code of the wallet.';
COMMENT ON COLUMN member_report.points_outstanding.last_month IS 'First day of the last month they are usable in; null: they do not expire, with debt taken off.';
COMMENT ON COLUMN member_report.points_outstanding.points IS 'Points of all members, pending and held ones too; debt is negative.';
COMMENT ON COLUMN member_report.points_outstanding.lots IS 'Different pairs of first usable and last day among them.';
COMMENT ON COLUMN member_report.points_outstanding.cost IS 'Liability 积分负债: at setting.cost_per_point, yuan.';

CREATE OR REPLACE VIEW member_report.points_expiring AS
SELECT t.day + n AS until, x.by_day[n][1] AS members, x.by_day[n][2] AS points
FROM (SELECT member.expiring_by_day(s.lots, 1::smallint, (SELECT t.day FROM member_report.today t), 31) AS by_day
      FROM (SELECT h.lots FROM member.state h WHERE h.next_lapse IS NULL OR h.next_lapse > (SELECT member.now())
            UNION ALL
            SELECT h.lots OPERATOR(member.+) o.lots
            FROM member.state h
            JOIN (SELECT x.member_id, member.lots_sum(x.lots) AS lots FROM member.hold x
                  WHERE x.closed_by IS NULL AND x.lapses_at <= (SELECT member.now()) GROUP BY 1) o USING (member_id)) s) x,
     member_report.today t, generate_series(1, 31) n
WHERE x.by_day[n][1] > 0;
COMMENT ON VIEW member_report.points_expiring IS 'Usable points of the main wallet that are gone within 31 days if nothing happens 即将过期, by the first day they are gone.';
COMMENT ON COLUMN member_report.points_expiring.until IS 'First day they are gone, tomorrow to 31 days from today.';
COMMENT ON COLUMN member_report.points_expiring.members IS 'Members that lose some that day.';
COMMENT ON COLUMN member_report.points_expiring.points IS 'Points of theirs, debt taken off.';

CREATE OR REPLACE VIEW member_report.rfm_group AS
SELECT g.code AS value_group, member.rfm_value_group_name(g.code) AS value_group_name, coalesce(x.members, 0) AS members,
       round(100.0 * coalesce(x.members, 0) / nullif(sum(x.members) OVER (), 0), 2) AS share,
       round(x.recency, 1) AS mean_recency, round(x.frequency, 2) AS mean_orders,
       round(x.monetary / x.members / 100, 2) AS mean_spend, round(x.monetary / 100, 2) AS spend,
       (SELECT a.action FROM member.rfm_action a WHERE a.sort = 'value_group' AND a.number = g.code) AS action
FROM (SELECT n::smallint FROM generate_series(1, 8) n) AS g (code)
LEFT JOIN (SELECT member.rfm_value_group(member.rfm_score((SELECT r.cuts FROM member.rfm_run r ORDER BY r.day DESC LIMIT 1),
                                                          f.recency, f.frequency, f.monetary), (SELECT r.cuts FROM member.rfm_run r ORDER BY r.day DESC LIMIT 1)) AS code,
                  count(*) AS members, avg(f.recency) AS recency, avg(f.frequency) AS frequency, sum(f.monetary) AS monetary
           FROM (SELECT (SELECT t.day FROM member_report.today t) - member.last_day(s.activity, (SELECT t.purchases FROM member_report.today t)) AS recency,
                        member.count(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, (SELECT t.day FROM member_report.today t) + 1) AS frequency,
                        member.amount(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, (SELECT t.day FROM member_report.today t) + 1) AS monetary
                 FROM member.state s
                 WHERE member.last_day(s.activity, (SELECT t.purchases FROM member_report.today t)) BETWEEN (SELECT t.day FROM member_report.today t) - 364 AND (SELECT t.day FROM member_report.today t)
                 OFFSET 0) f
           GROUP BY 1) x ON x.code = g.code;
COMMENT ON VIEW member_report.rfm_group IS 'Members with a purchase in 365 days by RFM value group today, by the cuts of the last refresh.';
COMMENT ON COLUMN member_report.rfm_group.value_group IS 'Number of the group, 1 to 8.';
COMMENT ON COLUMN member_report.rfm_group.value_group_name IS 'Its name: 重要价值 to 一般挽留.';
COMMENT ON COLUMN member_report.rfm_group.members IS 'Members in it.';
COMMENT ON COLUMN member_report.rfm_group.share IS 'Percent of the members of all groups; null without any.';
COMMENT ON COLUMN member_report.rfm_group.mean_recency IS 'Mean of the days since the last purchase.';
COMMENT ON COLUMN member_report.rfm_group.mean_orders IS 'Mean number of purchases in the 365 days that end with today.';
COMMENT ON COLUMN member_report.rfm_group.mean_spend IS 'Mean spend in that time, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.rfm_group.spend IS 'Spend of them all in that time, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.rfm_group.action IS 'What is done for them; null: nothing.';

CREATE OR REPLACE VIEW member_report.rfm_migration AS
SELECT c.day, member.rfm_value_group_name(c.from_group) AS from_group, member.rfm_value_group_name(c.to_group) AS to_group, c.members
FROM (SELECT r.day, r.from_group, r.to_group, count(*) AS members FROM member.rfm_change r GROUP BY 1, 2, 3) c;
COMMENT ON VIEW member_report.rfm_migration IS 'Members by the RFM value group they left and entered at each refresh 迁移.';
COMMENT ON COLUMN member_report.rfm_migration.day IS 'Day of the refresh.';
COMMENT ON COLUMN member_report.rfm_migration.from_group IS 'Name of the group left; null: had none.';
COMMENT ON COLUMN member_report.rfm_migration.to_group IS 'Name of the group entered; null: no purchase in 365 days any more.';
COMMENT ON COLUMN member_report.rfm_migration.members IS 'Members that went this way.';

CREATE OR REPLACE VIEW member_report.retention AS
SELECT date_trunc('month', f.first::timestamp)::date AS cohort, count(*) AS members,
       round(100.0 * count(*) FILTER (WHERE f.again_7) / nullif(count(f.again_7), 0), 2) AS again_7d,
       round(100.0 * count(*) FILTER (WHERE f.again_30) / nullif(count(f.again_30), 0), 2) AS again_30d,
       round(100.0 * count(*) FILTER (WHERE f.again_90) / nullif(count(f.again_90), 0), 2) AS again_90d
FROM (SELECT x.first, CASE WHEN x.first + 7 < x.day THEN member.count(x.activity, x.stream, x.first + 1, x.first + 8) > 0 END AS again_7,
             CASE WHEN x.first + 30 < x.day THEN member.count(x.activity, x.stream, x.first + 1, x.first + 31) > 0 END AS again_30,
             CASE WHEN x.first + 90 < x.day THEN member.count(x.activity, x.stream, x.first + 1, x.first + 91) > 0 END AS again_90
      FROM (SELECT s.activity, member.first_day(s.activity, (SELECT t.purchases FROM member_report.today t)) AS first, (SELECT t.purchases FROM member_report.today t) AS stream, (SELECT t.day FROM member_report.today t) AS day
            FROM member.state s
            WHERE member.first_day(s.activity, (SELECT t.purchases FROM member_report.today t)) >= date_trunc('month', ((SELECT t.day FROM member_report.today t) - 330)::timestamp)
            OFFSET 0) x) f
GROUP BY 1;
COMMENT ON VIEW member_report.retention IS 'Members by the month of their first purchase, this month and the eleven before at most: percent that bought again 留存.';
COMMENT ON COLUMN member_report.retention.cohort IS 'First day of the month of the first purchase, in the program''s time zone.';
COMMENT ON COLUMN member_report.retention.members IS 'Members whose first purchase lies in it.';
COMMENT ON COLUMN member_report.retention.again_7d IS 'Percent that bought again on one of the 7 days after that of the first purchase 7天留存, of the members whose 7 days are over; null: none yet.';
COMMENT ON COLUMN member_report.retention.again_30d IS 'The same of 30 days 30天留存.';
COMMENT ON COLUMN member_report.retention.again_90d IS 'The same of 90 days.';

CREATE OR REPLACE VIEW member_report.activity AS
SELECT a.members, a.active_30d, a.members - a.active_30d AS silent,
       round(100.0 * (a.members - a.active_30d) / nullif(a.members, 0), 2) AS silent_share,
       coalesce(a.orders_30d, 0)::bigint AS orders_30d, round(coalesce(a.spend_30d, 0) / 100, 2) AS spend_30d
FROM (SELECT count(*) AS members, count(*) FILTER (WHERE member.last_day(s.activity, (SELECT t.purchases FROM member_report.today t)) > (SELECT t.day FROM member_report.today t) - 30) AS active_30d,
             sum(member.count(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 29, (SELECT t.day FROM member_report.today t) + 1)) AS orders_30d,
             sum(member.amount(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 29, (SELECT t.day FROM member_report.today t) + 1)) AS spend_30d
      FROM member.state s WHERE s.active) a;
COMMENT ON VIEW member_report.activity IS 'Active and silent members by purchases of the 30 days that end with today: one row.';
COMMENT ON COLUMN member_report.activity.members IS 'Members that are neither frozen nor gone 会员总数.';
COMMENT ON COLUMN member_report.activity.active_30d IS 'Of these, members with a purchase in the 30 days 30天活跃.';
COMMENT ON COLUMN member_report.activity.silent IS 'The others, those that never bought too.';
COMMENT ON COLUMN member_report.activity.silent_share IS 'Percent of the members that are silent 沉默占比; null without members.';
COMMENT ON COLUMN member_report.activity.orders_30d IS 'Their purchases in the 30 days; those refunded in whole are not counted.';
COMMENT ON COLUMN member_report.activity.spend_30d IS 'Their spend in the 30 days, refunds taken off, yuan.';

CREATE OR REPLACE VIEW member_report.growth AS
SELECT date_trunc('month', m.joined_at AT TIME ZONE (SELECT t.zone FROM member_report.today t))::date AS month, m.channel,
       count(*) AS joined
FROM member.member m GROUP BY 1, 2;
COMMENT ON VIEW member_report.growth IS 'Members by the month and channel they joined 新增.';
COMMENT ON COLUMN member_report.growth.month IS 'First day of the month, in the program''s time zone.';
COMMENT ON COLUMN member_report.growth.channel IS 'Channel they came by: shop, payment, scan …';
COMMENT ON COLUMN member_report.growth.joined IS 'Members that joined 新增, those that left since too.';

CREATE OR REPLACE VIEW member_report.messages AS
SELECT o.template, o.class, sum(o.messages)::bigint AS queued, coalesce(sum(o.messages) FILTER (WHERE o.open), 0)::bigint AS open,
       coalesce(sum(o.messages) FILTER (WHERE o.outcome = 'sent'), 0)::bigint AS sent,
       coalesce(sum(o.messages) FILTER (WHERE o.outcome = 'fail'), 0)::bigint AS failed
FROM (SELECT x.template, x.class, x.done_at IS NULL AS open, left(x.result, 4) AS outcome, count(*) AS messages
      FROM member.outbox x GROUP BY 1, 2, 3, 4) o
GROUP BY 1, 2;
COMMENT ON VIEW member_report.messages IS 'Messages by template: queued, still open, sent, failed.';
COMMENT ON COLUMN member_report.messages.template IS 'Code of the template.';
COMMENT ON COLUMN member_report.messages.class IS 'benefit, invitation or service.';
COMMENT ON COLUMN member_report.messages.queued IS 'All messages of it.';
COMMENT ON COLUMN member_report.messages.open IS 'Of these not done yet: waiting, with a worker, or to be tried again.';
COMMENT ON COLUMN member_report.messages.sent IS 'Reported as sent.';
COMMENT ON COLUMN member_report.messages.failed IS 'Given up as failed.';

CREATE OR REPLACE VIEW member_report.job_health AS
SELECT j.job, j.day, j.stage, j.done AS members, j.started_at, j.finished_at, j.finished_at IS NULL AS unfinished,
       member.clock_is_set() AS clock_is_set
FROM member.job_run j;
COMMENT ON VIEW member_report.job_health IS 'Runs of the scheduled work.';
COMMENT ON COLUMN member_report.job_health.job IS 'Name of the job: daily.';
COMMENT ON COLUMN member_report.job_health.day IS 'Day it was run for.';
COMMENT ON COLUMN member_report.job_health.stage IS 'What it is at, or done.';
COMMENT ON COLUMN member_report.job_health.members IS 'Members brought forward so far.';
COMMENT ON COLUMN member_report.job_health.started_at IS 'When it was begun.';
COMMENT ON COLUMN member_report.job_health.finished_at IS 'When it was finished; null: it runs, or goes on when the job is called next.';
COMMENT ON COLUMN member_report.job_health.unfinished IS 'Whether it is not finished.';
COMMENT ON COLUMN member_report.job_health.clock_is_set IS 'Whether this session goes by a set clock instead of the real time; never in production.';

CREATE OR REPLACE VIEW member_report.import_health AS
SELECT r.import_id, r.kind, r.started_at, r.rows_read, r.rows_loaded, r.rows_known, r.rows_rejected, r.amount_read, r.amount_loaded,
       r.rows_read = r.rows_loaded + r.rows_known + r.rows_rejected AS reconciled FROM member.import_run r;
COMMENT ON VIEW member_report.import_health IS 'Imports with their reconciliation.';
COMMENT ON COLUMN member_report.import_health.import_id IS 'Number of the import; its rejects are in member.import_reject.';
COMMENT ON COLUMN member_report.import_health.kind IS 'members, purchases or balances.';
COMMENT ON COLUMN member_report.import_health.started_at IS 'When it was called.';
COMMENT ON COLUMN member_report.import_health.rows_read IS 'Rows read from member.import_row.';
COMMENT ON COLUMN member_report.import_health.rows_loaded IS 'Of these loaded.';
COMMENT ON COLUMN member_report.import_health.rows_known IS 'Of these known from before, not loaded again.';
COMMENT ON COLUMN member_report.import_health.rows_rejected IS 'Of these rejected with a reason.';
COMMENT ON COLUMN member_report.import_health.amount_read IS 'Sum of the purchases read, yuan.';
COMMENT ON COLUMN member_report.import_health.amount_loaded IS 'Sum of the purchases loaded, yuan.';
COMMENT ON COLUMN member_report.import_health.reconciled IS 'Whether read = loaded + known + rejected.';

CREATE OR REPLACE VIEW member_report.rfm_strategy AS
SELECT g.code AS strategy_group, member.rfm_strategy_group_name(g.code) AS strategy_group_name, coalesce(x.members, 0) AS members,
       round(100.0 * coalesce(x.members, 0) / nullif(sum(x.members) OVER (), 0), 2) AS share,
       round(x.recency, 1) AS mean_recency, round(x.frequency, 2) AS mean_orders,
       round(x.monetary / x.members / 100, 2) AS mean_spend, round(x.monetary / 100, 2) AS spend,
       (SELECT a.action FROM member.rfm_action a WHERE a.sort = 'strategy_group' AND a.number = g.code) AS action
FROM (SELECT n::smallint FROM generate_series(0, 4) n) AS g (code)
LEFT JOIN (SELECT member.rfm_strategy_group(member.rfm_score((SELECT r.cuts FROM member.rfm_run r ORDER BY r.day DESC LIMIT 1),
                                                          f.recency, f.frequency, f.monetary), (SELECT r.cuts FROM member.rfm_run r ORDER BY r.day DESC LIMIT 1)) AS code,
                  count(*) AS members, avg(f.recency) AS recency, avg(f.frequency) AS frequency, sum(f.monetary) AS monetary
           FROM (SELECT (SELECT t.day FROM member_report.today t) - member.last_day(s.activity, (SELECT t.purchases FROM member_report.today t)) AS recency,
                        member.count(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, (SELECT t.day FROM member_report.today t) + 1) AS frequency,
                        member.amount(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, (SELECT t.day FROM member_report.today t) + 1) AS monetary
                 FROM member.state s
                 WHERE member.last_day(s.activity, (SELECT t.purchases FROM member_report.today t)) BETWEEN (SELECT t.day FROM member_report.today t) - 364 AND (SELECT t.day FROM member_report.today t)
                 OFFSET 0) f
           GROUP BY 1) x ON x.code = g.code;
COMMENT ON VIEW member_report.rfm_strategy IS 'Members with a purchase in 365 days by RFM strategy group today, by the cuts of the last refresh.';
COMMENT ON COLUMN member_report.rfm_strategy.strategy_group IS 'Number of the group, 1 to 4; 0: the rest.';
COMMENT ON COLUMN member_report.rfm_strategy.strategy_group_name IS 'Its name.';
COMMENT ON COLUMN member_report.rfm_strategy.members IS 'Members in it.';
COMMENT ON COLUMN member_report.rfm_strategy.share IS 'Percent of the members of all groups; null without any.';
COMMENT ON COLUMN member_report.rfm_strategy.mean_recency IS 'Mean of the days since the last purchase.';
COMMENT ON COLUMN member_report.rfm_strategy.mean_orders IS 'Mean number of purchases in the 365 days that end with today.';
COMMENT ON COLUMN member_report.rfm_strategy.mean_spend IS 'Mean spend in that time, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.rfm_strategy.spend IS 'Spend of them all in that time, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.rfm_strategy.action IS 'What is done for them; null: nothing.';

CREATE OR REPLACE VIEW member_report.retention_month AS
SELECT t.months[c.cohort] AS cohort, n - c.cohort AS months_since, sum(c.members)::bigint AS members,
       coalesce(sum(c.members) FILTER (WHERE c.bought & (1 << (n - 1)) <> 0), 0)::bigint AS active,
       round(100.0 * coalesce(sum(c.members) FILTER (WHERE c.bought & (1 << (n - 1)) <> 0), 0) / sum(c.members), 2) AS share
-- Members by month of their first purchase and by the months they bought in, a bit each.
FROM (SELECT width_bucket(member.first_day(s.activity, (SELECT t.purchases FROM member_report.today t)), (SELECT t.months FROM member_report.today t)) AS cohort,
             member.active_spans(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.months FROM member_report.today t)) AS bought,
             count(*) AS members
      FROM member.state s
      WHERE member.first_day(s.activity, (SELECT t.purchases FROM member_report.today t)) >= (SELECT t.months[1] FROM member_report.today t)
      GROUP BY 1, 2) c,
     member_report.today t, generate_series(1, 12) n
WHERE n >= c.cohort
GROUP BY 1, 2;
COMMENT ON VIEW member_report.retention_month IS 'Cohorts by the month of the first purchase, this month and the eleven before at most, and who bought in each month after 同期群留存.';
COMMENT ON COLUMN member_report.retention_month.cohort IS 'First day of the month of the first purchase, in the program''s time zone.';
COMMENT ON COLUMN member_report.retention_month.months_since IS 'Months after that; 0: the month itself. The present month is included so far.';
COMMENT ON COLUMN member_report.retention_month.members IS 'Members of the cohort.';
COMMENT ON COLUMN member_report.retention_month.active IS 'Members of it that bought in that month.';
COMMENT ON COLUMN member_report.retention_month.share IS 'Percent of the cohort that bought in that month 留存率.';

CREATE OR REPLACE VIEW member_report.sales_day AS
SELECT d.day, d.orders, round(d.amount / 100.0, 2) AS spend, d.buyers, d.new_buyers,
       round(d.amount / nullif(d.orders, 0)::numeric / 100, 2) AS mean_order
FROM (SELECT t.day - 90 + n AS day, coalesce(x.by_day[n][1], 0) AS orders, coalesce(x.by_day[n][2], 0) AS amount,
             coalesce(x.by_day[n][3], 0) AS buyers, coalesce(x.by_day[n][4], 0) AS new_buyers
      FROM (SELECT member.activity_by_day(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 89, 90) AS by_day
            FROM member.state s) x,
           member_report.today t, generate_series(1, 90) n) d;
COMMENT ON VIEW member_report.sales_day IS 'Purchases of members by day, the 90 days that end with today; a refund counts on the day of its purchase.';
COMMENT ON COLUMN member_report.sales_day.day IS 'Day in the program''s time zone; those without purchases too.';
COMMENT ON COLUMN member_report.sales_day.orders IS 'Purchases; those refunded in whole are not counted.';
COMMENT ON COLUMN member_report.sales_day.spend IS 'Their amount, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.sales_day.buyers IS 'Members that bought.';
COMMENT ON COLUMN member_report.sales_day.new_buyers IS 'Of these, members whose first purchase it was.';
COMMENT ON COLUMN member_report.sales_day.mean_order IS 'Spend an order 客单价, yuan; null without orders.';

CREATE OR REPLACE VIEW member_report.store AS
SELECT p.store, count(*) FILTER (WHERE p.refunded < p.amount OR p.amount = 0) AS orders_30d, sum(p.amount - p.refunded) AS spend_30d,
       member.count_members(p.member_id) FILTER (WHERE p.refunded < p.amount OR p.amount = 0) AS buyers_30d,
       round(sum(p.amount - p.refunded) / nullif(count(*) FILTER (WHERE p.refunded < p.amount OR p.amount = 0), 0), 2) AS mean_order
FROM member.purchase p
WHERE p.at >= (SELECT (date_trunc('day', member.now() AT TIME ZONE g.zone) - interval '29 days') AT TIME ZONE g.zone FROM member.setting g)
GROUP BY 1;
COMMENT ON VIEW member_report.store IS 'Purchases of members by store in the 30 days that end with today.';
COMMENT ON COLUMN member_report.store.store IS 'Store as purchases name it; null: none named.';
COMMENT ON COLUMN member_report.store.orders_30d IS 'Purchases; those refunded in whole are not counted.';
COMMENT ON COLUMN member_report.store.spend_30d IS 'Their amount, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.store.buyers_30d IS 'Members that bought there.';
COMMENT ON COLUMN member_report.store.mean_order IS 'Spend an order 客单价, yuan; null without orders.';

CREATE OR REPLACE VIEW member_report.rfm_cell AS
SELECT member.r(x.score) AS r, member.f(x.score) AS f, member.m(x.score) AS m, x.members,
       round(100.0 * x.members / sum(x.members) OVER (), 2) AS share,
       member.rfm_segment_name(member.rfm_segment(x.score, (SELECT r.cuts FROM member.rfm_run r ORDER BY r.day DESC LIMIT 1))) AS segment_name,
       member.rfm_value_group_name(member.rfm_value_group(x.score, (SELECT r.cuts FROM member.rfm_run r ORDER BY r.day DESC LIMIT 1))) AS value_group_name
FROM (SELECT member.rfm_score((SELECT r.cuts FROM member.rfm_run r ORDER BY r.day DESC LIMIT 1), s.activity,
                              (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t), 365) AS score, count(*) AS members
      FROM member.state s GROUP BY 1) x
WHERE x.score IS NOT NULL;
COMMENT ON VIEW member_report.rfm_cell IS 'Members with a purchase in 365 days by RFM score today, by the cuts of the last refresh; scores that nobody has are left out.';
COMMENT ON COLUMN member_report.rfm_cell.r IS 'Score by recency, 1 worst.';
COMMENT ON COLUMN member_report.rfm_cell.f IS 'Score by frequency.';
COMMENT ON COLUMN member_report.rfm_cell.m IS 'Score by monetary value.';
COMMENT ON COLUMN member_report.rfm_cell.members IS 'Members that have it.';
COMMENT ON COLUMN member_report.rfm_cell.share IS 'Percent of them all.';
COMMENT ON COLUMN member_report.rfm_cell.segment_name IS 'The segment it is in.';
COMMENT ON COLUMN member_report.rfm_cell.value_group_name IS 'The value group it is in.';

CREATE OR REPLACE VIEW member_report.rfm_segment AS
SELECT g.code AS segment, member.rfm_segment_name(g.code) AS segment_name, coalesce(x.members, 0) AS members,
       round(100.0 * coalesce(x.members, 0) / nullif(sum(x.members) OVER (), 0), 2) AS share,
       round(x.recency::numeric, 1) AS median_recency, round(x.frequency::numeric, 1) AS median_orders,
       round((x.monetary / 100)::numeric, 2) AS median_spend, round(x.spend / 100, 2) AS spend,
       (SELECT a.action FROM member.rfm_action a WHERE a.sort = 'segment' AND a.number = g.code) AS action
FROM (SELECT n::smallint FROM generate_series(1, 10) n) AS g (code)
LEFT JOIN (SELECT f.code, count(*) AS members, sum(f.monetary) AS spend,
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY f.recency) AS recency,
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY f.frequency) AS frequency,
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY f.monetary) AS monetary
           FROM (SELECT member.rfm_segment(member.rfm_score((SELECT r.cuts FROM member.rfm_run r ORDER BY r.day DESC LIMIT 1), m.recency, m.frequency, m.monetary),
                                           (SELECT r.cuts FROM member.rfm_run r ORDER BY r.day DESC LIMIT 1)) AS code, m.*
                 FROM member.state s
                 CROSS JOIN LATERAL member.rfm_measures(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t), 365) m
                 WHERE m.recency IS NOT NULL OFFSET 0) f
           GROUP BY 1) x ON x.code = g.code;
COMMENT ON VIEW member_report.rfm_segment IS 'Members with a purchase in 365 days by RFM segment today, by the cuts of the last refresh, with medians.';
COMMENT ON COLUMN member_report.rfm_segment.segment IS 'Number of the segment, 1 to 10.';
COMMENT ON COLUMN member_report.rfm_segment.segment_name IS 'Its name: 核心冠军 to 冬眠客户.';
COMMENT ON COLUMN member_report.rfm_segment.members IS 'Members in it.';
COMMENT ON COLUMN member_report.rfm_segment.share IS 'Percent of the members of all segments; null without any.';
COMMENT ON COLUMN member_report.rfm_segment.median_recency IS 'Median of the days since the last purchase.';
COMMENT ON COLUMN member_report.rfm_segment.median_orders IS 'Median number of purchases in the 365 days that end with today.';
COMMENT ON COLUMN member_report.rfm_segment.median_spend IS 'Median spend in that time, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.rfm_segment.spend IS 'Spend of them all in that time, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.rfm_segment.action IS 'What is done for them; null: nothing.';

CREATE OR REPLACE VIEW member_report.value_fit AS
SELECT r.day, member.value_parameter(r.model, 'r') AS r, member.value_parameter(r.model, 'alpha') AS alpha,
       member.value_parameter(r.model, 'a') AS a, member.value_parameter(r.model, 'b') AS b,
       member.value_parameter(r.model, 'p') AS p, member.value_parameter(r.model, 'q') AS q,
       member.value_parameter(r.model, 'gamma') / 100 AS gamma,
       r.members, r.repeat_members, r.log_likelihood, r.converged, r.spend_converged,
       r.converged AND r.day = (SELECT max(x.day) FROM member.value_run x WHERE x.converged) AS in_force
FROM member.value_run r;
COMMENT ON VIEW member_report.value_fit IS 'Fits of the value models BG/NBD and Gamma-Gamma.';
COMMENT ON COLUMN member_report.value_fit.day IS 'Day up to which purchases counted.';
COMMENT ON COLUMN member_report.value_fit.r IS 'Purchase rates among members: shape.';
COMMENT ON COLUMN member_report.value_fit.alpha IS 'Purchase rates among members: scale, days. r / alpha is the mean rate a day.';
COMMENT ON COLUMN member_report.value_fit.a IS 'Chance to be gone after a purchase: a / (a + b) in the mean …';
COMMENT ON COLUMN member_report.value_fit.b IS '… and the smaller a + b, the more members differ.';
COMMENT ON COLUMN member_report.value_fit.p IS 'Spend of a day with a purchase: shape within a member; null: no model of spend.';
COMMENT ON COLUMN member_report.value_fit.q IS 'Scale of that among members: shape …';
COMMENT ON COLUMN member_report.value_fit.gamma IS '… and scale, yuan. p gamma / (q - 1) is the mean spend.';
COMMENT ON COLUMN member_report.value_fit.members IS 'Members that had bought.';
COMMENT ON COLUMN member_report.value_fit.repeat_members IS 'Of these, on a second day too.';
COMMENT ON COLUMN member_report.value_fit.log_likelihood IS 'Of BG/NBD, time in days.';
COMMENT ON COLUMN member_report.value_fit.converged IS 'Whether the parameters of purchases are at a maximum.';
COMMENT ON COLUMN member_report.value_fit.spend_converged IS 'Whether those of spend are.';
COMMENT ON COLUMN member_report.value_fit.in_force IS 'Whether values go by it today.';

CREATE OR REPLACE VIEW member_report.value AS
SELECT x.members, x.p_alive AS members_alive, x.purchases AS expected_purchases, x.clv, round(x.clv / x.members, 2) AS mean_clv,
       (SELECT v.horizon_days FROM member.value_setting v) AS horizon_days
FROM (SELECT count(*) AS members, round(sum(f.p_alive)::numeric, 1) AS p_alive, round(sum(f.purchases)::numeric, 1) AS purchases, round((sum(f.clv) / 100)::numeric, 2) AS clv
      FROM (SELECT member.p_alive((SELECT r.model FROM member.value_run r WHERE r.converged ORDER BY r.day DESC LIMIT 1), s.activity,
                       (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t)) AS p_alive,
                   member.expected_purchases((SELECT r.model FROM member.value_run r WHERE r.converged ORDER BY r.day DESC LIMIT 1), s.activity,
                       (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t), (SELECT v.horizon_days FROM member.value_setting v)) AS purchases,
                   member.clv((SELECT r.model FROM member.value_run r WHERE r.converged ORDER BY r.day DESC LIMIT 1), s.activity,
                       (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t), (SELECT v.horizon_days FROM member.value_setting v),
                       (SELECT v.discount::double precision FROM member.value_setting v), (SELECT v.margin::double precision FROM member.value_setting v)) AS clv
            FROM member.state s WHERE s.active) f
      WHERE f.p_alive IS NOT NULL) x
WHERE x.members > 0;
COMMENT ON VIEW member_report.value IS 'What active members that have bought are worth today by the fit in force, together: one row, none without a fit.';
COMMENT ON COLUMN member_report.value.members IS 'Active members that have bought.';
COMMENT ON COLUMN member_report.value.members_alive IS 'Members that still buy: sum of the probabilities.';
COMMENT ON COLUMN member_report.value.expected_purchases IS 'Days with a purchase expected of them in the horizon.';
COMMENT ON COLUMN member_report.value.clv IS 'Margin expected of them in the horizon, discounted, yuan 客户终身价值; null: no model of spend.';
COMMENT ON COLUMN member_report.value.mean_clv IS 'The same a member.';
COMMENT ON COLUMN member_report.value.horizon_days IS 'Days ahead.';

CREATE OR REPLACE VIEW member_report.lifecycle AS
SELECT g.code AS stage, member.lifecycle_stage_name(g.code) AS stage_name, coalesce(x.members, 0) AS members,
       round(100.0 * coalesce(x.members, 0) / nullif(sum(x.members) OVER (), 0), 2) AS share, y.ended, round(y.days, 1) AS mean_days
FROM (SELECT n::smallint FROM generate_series(0, 6) n) AS g (code)
LEFT JOIN (SELECT member.lifecycle_stage(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t),
                      (SELECT r.cuts FROM member.rfm_run r ORDER BY r.day DESC LIMIT 1), (SELECT v.new_days FROM member.value_setting v),
                      (SELECT v.slip_factor::double precision FROM member.value_setting v), (SELECT v.slip_days FROM member.value_setting v),
                      (SELECT v.dormant_days FROM member.value_setting v), (SELECT v.lost_days FROM member.value_setting v)) AS code, count(*) AS members
           FROM member.state s WHERE s.active GROUP BY 1) x USING (code)
LEFT JOIN (SELECT c.to_stage AS code, count(c.next) AS ended, avg(c.next - c.day) AS days
           FROM (SELECT s.to_stage, s.day, lead(s.day) OVER (PARTITION BY s.member_id ORDER BY s.day) AS next FROM member.stage_change s) c
           GROUP BY 1) y USING (code);
COMMENT ON VIEW member_report.lifecycle IS 'Active members by life-cycle stage today 生命周期, and how long a stage lasts.';
COMMENT ON COLUMN member_report.lifecycle.stage IS 'Number of the stage, 0 to 6.';
COMMENT ON COLUMN member_report.lifecycle.stage_name IS 'Its name: 潜客, 新客, 活跃, 高价值, 流失预警, 沉默, 流失.';
COMMENT ON COLUMN member_report.lifecycle.members IS 'Members in it; not those frozen or gone.';
COMMENT ON COLUMN member_report.lifecycle.share IS 'Percent of the members; null without any.';
COMMENT ON COLUMN member_report.lifecycle.ended IS 'How often a member left it, as the refreshes saw; null: never entered.';
COMMENT ON COLUMN member_report.lifecycle.mean_days IS 'Days these members had been in it, in the mean 阶段停留.';

CREATE OR REPLACE VIEW member_report.churn AS
SELECT g.signal, sum(f.members) FILTER (WHERE f.signs & g.bits <> 0)::bigint AS members,
       round(100.0 * sum(f.members) FILTER (WHERE f.signs & g.bits <> 0) / sum(f.members), 2) AS share,
       round(sum(f.spend) FILTER (WHERE f.signs & g.bits <> 0) / 100, 2) AS spend_365d
FROM (SELECT x.signs, count(*) AS members, sum(x.spend) AS spend
      FROM (SELECT member.churn_signs(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t),
                       (SELECT r.model FROM member.value_run r WHERE r.converged ORDER BY r.day DESC LIMIT 1),
                       (SELECT v.interval_factor::double precision FROM member.value_setting v), (SELECT v.silent_days FROM member.value_setting v),
                       (SELECT v.idle_days FROM member.value_setting v), (SELECT v.p_alive_below::double precision FROM member.value_setting v)) AS signs,
                   member.amount(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t) - 364, (SELECT t.day FROM member_report.today t) + 1) AS spend
            FROM member.state s WHERE s.active OFFSET 0) x
      WHERE x.signs IS NOT NULL
      GROUP BY 1) f,
     (VALUES ('own_interval', 1), ('silent', 2), ('idle', 4), ('p_alive', 8), ('any', 15)) g (signal, bits)
GROUP BY g.signal, g.bits;
COMMENT ON VIEW member_report.churn IS 'Active members that have bought by the sign that they are going 流失预警, by value_setting; one may show several.';
COMMENT ON COLUMN member_report.churn.signal IS 'own_interval 超自身间隔, silent 未消费, idle 未互动, p_alive, or any of these.';
COMMENT ON COLUMN member_report.churn.members IS 'Members that show it; null: none.';
COMMENT ON COLUMN member_report.churn.share IS 'Percent of the active members that have bought; null: none.';
COMMENT ON COLUMN member_report.churn.spend_365d IS 'What they spent in the 365 days that end with today, refunds taken off, yuan.';

CREATE OR REPLACE VIEW member_report.churn_reason AS
SELECT x.source, x.reason, sum(x.events)::bigint AS events, count(*) AS members,
       round(100.0 * count(*) / sum(count(*)) OVER (PARTITION BY x.source), 2) AS share,
       count(*) FILTER (WHERE x.gone) AS gone, round(100.0 * count(*) FILTER (WHERE x.gone) / count(*), 2) AS gone_share,
       round(coalesce(sum(x.spend) FILTER (WHERE x.gone), 0) / 100, 2) AS gone_spend
FROM (SELECT e.source, e.reason, e.events, member.amount(s.activity, (SELECT t.purchases FROM member_report.today t)) AS spend,
             coalesce(member.last_day(s.activity, (SELECT t.purchases FROM member_report.today t)) <= (e.last AT TIME ZONE (SELECT t.zone FROM member_report.today t))::date, true) AS gone
      FROM (SELECT v.kind AS source, v.category AS reason, v.member_id, count(*) AS events, max(v.at) AS last
            FROM member.event v
            WHERE v.kind IN ('leave', 'survey', 'complaint') AND v.category IS NOT NULL
              AND v.at >= (SELECT (t.day - 364)::timestamp AT TIME ZONE t.zone FROM member_report.today t)
            GROUP BY 1, 2, 3) e JOIN member.state s USING (member_id)) x
GROUP BY 1, 2;
COMMENT ON VIEW member_report.churn_reason IS 'Reasons to go 流失原因 that members gave in the 365 days that end with today: the categories of their events leave, survey and complaint.';
COMMENT ON COLUMN member_report.churn_reason.source IS 'Kind of the event: leave 注销, survey 调研 or complaint 投诉.';
COMMENT ON COLUMN member_report.churn_reason.reason IS 'Its category.';
COMMENT ON COLUMN member_report.churn_reason.events IS 'How often it was given.';
COMMENT ON COLUMN member_report.churn_reason.members IS 'Members that gave it.';
COMMENT ON COLUMN member_report.churn_reason.share IS 'Percent of these among the members of all reasons of the source; one that gave two counts in both.';
COMMENT ON COLUMN member_report.churn_reason.gone IS 'Of these, members that have not bought on a later day.';
COMMENT ON COLUMN member_report.churn_reason.gone_share IS 'Percent of them.';
COMMENT ON COLUMN member_report.churn_reason.gone_spend IS 'What those had spent in all their life, refunds taken off, yuan.';

CREATE OR REPLACE VIEW member_report.winback AS
SELECT rank() OVER (ORDER BY round(x.clv / nullif(x.p_alive, 0)) DESC NULLS LAST, x.spend DESC) AS place, x.member_id,
       round((x.clv / nullif(x.p_alive, 0) / 100)::numeric, 2) AS value_if_back, round((x.clv / 100)::numeric, 2) AS clv, round(x.p_alive::numeric, 4) AS p_alive,
       round(x.spend / 100.0, 2) AS spend, x.t - x.t_x AS silent_days, round(x.t_x::numeric / nullif(x.x, 0), 1) AS mean_interval,
       x.signs & 1 <> 0 AS own_interval, x.signs & 2 <> 0 AS silent, x.signs & 4 <> 0 AS idle, x.signs & 8 <> 0 AS low_p_alive
FROM (SELECT f.member_id, f.signs, h.x, h.t_x, h.t,
             member.amount(f.activity, (SELECT t.purchases FROM member_report.today t)) AS spend,
             member.p_alive((SELECT r.model FROM member.value_run r WHERE r.converged ORDER BY r.day DESC LIMIT 1), f.activity,
                 (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t)) AS p_alive,
             member.clv((SELECT r.model FROM member.value_run r WHERE r.converged ORDER BY r.day DESC LIMIT 1), f.activity,
                 (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t), (SELECT v.horizon_days FROM member.value_setting v),
                 (SELECT v.discount::double precision FROM member.value_setting v), (SELECT v.margin::double precision FROM member.value_setting v)) AS clv
      FROM (SELECT s.member_id, s.activity,
                   member.churn_signs(s.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t),
                       (SELECT r.model FROM member.value_run r WHERE r.converged ORDER BY r.day DESC LIMIT 1),
                       (SELECT v.interval_factor::double precision FROM member.value_setting v), (SELECT v.silent_days FROM member.value_setting v),
                       (SELECT v.idle_days FROM member.value_setting v), (SELECT v.p_alive_below::double precision FROM member.value_setting v)) AS signs
            FROM member.state s WHERE s.active OFFSET 0) f
      CROSS JOIN LATERAL member.purchase_history(f.activity, (SELECT t.purchases FROM member_report.today t), (SELECT t.day FROM member_report.today t)) h
      WHERE f.signs & 3 <> 0 OFFSET 0) x;
COMMENT ON VIEW member_report.winback IS 'Active members to win back 召回名单: without a purchase past their own mean interval, or as long as silent_days; those worth most first.';
COMMENT ON COLUMN member_report.winback.place IS 'Rank by value_if_back, then spend; 1 is worth most.';
COMMENT ON COLUMN member_report.winback.member_id IS 'The member.';
COMMENT ON COLUMN member_report.winback.value_if_back IS 'What it is worth in the horizon if it has not gone: clv / p_alive, yuan; null: no fit.';
COMMENT ON COLUMN member_report.winback.clv IS 'What it is worth as things are, yuan; null: no fit.';
COMMENT ON COLUMN member_report.winback.p_alive IS 'Probability that it still buys; null: no fit.';
COMMENT ON COLUMN member_report.winback.spend IS 'What it spent in all its life, refunds taken off, yuan.';
COMMENT ON COLUMN member_report.winback.silent_days IS 'Days since its last purchase.';
COMMENT ON COLUMN member_report.winback.mean_interval IS 'Mean days between its purchases; null: bought on one day.';
COMMENT ON COLUMN member_report.winback.own_interval IS 'Whether that interval is exceeded.';
COMMENT ON COLUMN member_report.winback.silent IS 'Whether silent_days is reached.';
COMMENT ON COLUMN member_report.winback.idle IS 'Whether idle_days without any event is reached.';
COMMENT ON COLUMN member_report.winback.low_p_alive IS 'Whether p_alive is below the threshold.';
