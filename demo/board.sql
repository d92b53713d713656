-- The board: the member_report views, made readable. Nothing is wider than eighty columns.

SET client_min_messages = error;
\pset border 2
\pset linestyle unicode
\pset numericlocale on
\pset footer off

\pset title 'Levels, and how many ever got so far: tier_distribution, tier_funnel'
SELECT d.tier_name AS "level", d.members, d.share AS "%", rpad(repeat('█', round(d.share * 0.12)::int), 12, '·') AS "now",
       f.reached AS "ever", f.share AS "% ever", CASE WHEN d.level > 0 THEN round(f.median_days::numeric) END AS "after days"
FROM member_report.tier_distribution d JOIN member_report.tier_funnel f USING (ladder, level)
ORDER BY d.ladder, d.level;

\pset title 'The last 30 days: activity'
SELECT members, active_30d AS "bought", silent, silent_share AS "% silent", orders_30d AS "orders", spend_30d AS "spend"
FROM member_report.activity;

\pset title 'Points by month: points_month'
SELECT * FROM (
    SELECT to_char(month, 'YYYY-MM') AS month, issued, spent, taken_back AS "taken back", expired, entries
    FROM member_report.points_month WHERE wallet = 'points' ORDER BY month DESC LIMIT 12) m
UNION ALL
SELECT 'all time', sum(issued), sum(spent), sum(taken_back), sum(expired), sum(entries)
FROM member_report.points_month WHERE wallet = 'points'
ORDER BY 1;

\pset title 'Points outstanding by the last month they are good in: points_outstanding'
SELECT CASE WHEN last_month IS NOT NULL THEN to_char(last_month, 'YYYY-MM') WHEN points < 0 THEN 'debt' ELSE 'for good' END AS "last month",
       points, cost AS "their cost"
FROM member_report.points_outstanding WHERE wallet = 'points' ORDER BY last_month;

SELECT NOT EXISTS (SELECT FROM member_report.points_expiring) AS nothing \gset
\if :nothing
\echo 'No points expire within 31 days: points_expiring'
\echo
\else
\pset title 'About to expire, within 31 days: points_expiring'
SELECT until AS "gone on", members, points FROM member_report.points_expiring ORDER BY until;
\pset title 'The five who would lose most: member.points_expiring()'
SELECT member_id::text AS member, until AS "gone on", points
FROM member.points_expiring(within => 31) ORDER BY points DESC, member_id LIMIT 5;
\endif

\pset title 'Who bought in 365 days, by RFM group: rfm_group'
SELECT value_group_name AS "group", members, share AS "%", rpad(repeat('█', round(share * 0.12)::int), 12, '·') AS "now",
       mean_recency AS "days ago", mean_orders AS "orders", mean_spend AS "spend each"
FROM member_report.rfm_group ORDER BY value_group;

SELECT NOT EXISTS (SELECT FROM member_report.retention) AS nothing \gset
\if :nothing
\echo 'Nobody bought for the first time in the last eleven months: retention'
\echo
\else
\pset title 'Bought again after the first purchase, %: retention'
SELECT to_char(cohort, 'YYYY-MM') AS "first purchase", members, again_7d AS "in 7 days", again_30d AS "in 30 days",
       again_90d AS "in 90 days"
FROM member_report.retention ORDER BY cohort;
\endif

SELECT NOT EXISTS (SELECT FROM member_report.messages) AS nothing \gset
\if :nothing
\echo 'No messages are queued: messages'
\echo
\else
\pset title 'Messages: messages'
SELECT template, class, queued, open, sent, failed FROM member_report.messages ORDER BY queued DESC, template;
\endif
