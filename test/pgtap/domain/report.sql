-- The views of member_report against plain SQL over the tables and against the API, on a history with refunds, debt,
-- pending points, expiry and reviews nobody booked, members that never bought, and two ladders.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'America/New_York'; -- days are the program's, not the session's
SET datestyle = iso;
SET member.clock = '2025-02-01 10:00+08';
SELECT NULL FROM member.setup('tea');
SELECT * FROM no_plan();

-- ---- nothing there yet ----

SELECT lives_ok(format('SELECT * FROM member_report.%I', c.relname), c.relname || ' of no members')
FROM pg_class c WHERE c.relnamespace = 'member_report'::regnamespace ORDER BY c.relname;
SELECT is(array_agg(format('%s.%s', c.relname, a.attname)), NULL, 'every column has its comment')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'member_report'::regnamespace AND col_description(c.oid, a.attnum) IS NULL;

-- ---- the history ----

INSERT INTO member.tier_ladder VALUES (2, 'spender', '消费榜');
INSERT INTO member.tier_level (ladder_id, level, code, name, validity_months, qualify)
VALUES (2, 0, 'none', '无', NULL, NULL), (2, 1, 'big', '大户', 1, 'spend(30d) >= 60'), (2, 2, 'huge', '豪客', 1, 'spend(30d) >= 120');
UPDATE member.wallet SET pending_days = 7 WHERE code = 'points';
SELECT NULL FROM member.publish('two ladders, a return window');

-- 80 members; every eighth never buys. 730 purchases in 500 days, some late in the evening of New York's day before.
SET member.clock = '2026-06-21 10:00+08';
INSERT INTO member.import_row (kind, member_key, at, channel)
SELECT 'member', 'm' || n, '2025-02-0' || 1 + n % 7 || ' 09:00', (ARRAY['scan', 'payment'])[1 + n % 2] FROM generate_series(1, 80) n;
SELECT NULL FROM member.import_members();
INSERT INTO member.import_row (kind, member_key, at, purchase_no, amount, store)
SELECT 'purchase', 'm' || p.m, (timestamp '2025-02-08 00:10' + interval '1 hour' * (p.i * 16.4 + p.m))::text, 'P' || p.i, p.i * 7 % 31 + 9.5, 'S' || p.i % 4
FROM (SELECT i, 1 + hashint4(i) & 127 AS m FROM generate_series(1, 1200) i) p WHERE p.m <= 80 AND p.m % 8 <> 0 AND p.i * 16.4 + p.m < 497 * 24;
INSERT INTO member.import_row (kind, member_key, at, purchase_no, refund_no, amount)
SELECT 'refund', r.member_key, (r.at::timestamp + interval '1 day')::text, r.purchase_no, 'R' || r.purchase_no,
       CASE WHEN n % 2 = 0 THEN r.amount ELSE '3' END
FROM (SELECT r.*, substr(r.purchase_no, 2)::int AS n FROM member.import_row r WHERE r.kind = 'purchase') r WHERE n % 9 = 0;
SELECT is(rows_rejected, 0::bigint, 'the history is loaded') FROM member.import_purchases();

CREATE TEMP TABLE buyer AS SELECT s.member_id, member.points_balance(s.member_id) AS balance FROM member.state s;
SELECT NULL FROM buyer b, member.points_spend(b.member_id, b.balance) WHERE b.balance > 0 AND b.member_id % 3 = 0;
SELECT NULL FROM buyer b, member.event_record(b.member_id, 'signin') WHERE b.member_id % 2 = 0;
-- spent first, taken back then: debt, with points still to come
SELECT NULL FROM buyer b, member.points_earn(b.member_id, 50, usable_from => '2026-06-29', until => '2026-07-03') WHERE b.member_id % 9 = 0;
SELECT is(count(*) > 0, true, 'members were refunded what they had spent')
FROM (SELECT DISTINCT ON (p.member_id) p.* FROM member.purchase p WHERE p.member_id % 3 = 0 AND p.refunded = 0 AND p.at < '2026-06-10' AND p.at > '2026-02-01'
      ORDER BY p.member_id, p.at DESC) p, member.purchase_refund(p.member_id, p.purchase_no, 'late') r;
SELECT isnt(count(*), 0::bigint, 'some owe points') FROM member.state s, member.unnest(s.lots) u WHERE u.points < 0;
CALL member.daily_run();
UPDATE member.state SET active = false WHERE member_id % 10 = 1;

-- Two weeks without a daily run: lots expire, pending ones become usable, levels are due.
SET member.clock = '2026-07-05 10:00+08';
\set today '''2026-07-05''::date'
SELECT isnt(sum(member.expired(s.lots, 1::smallint, :today)), 0::numeric, 'lots have expired that nobody booked') FROM member.state s;

CREATE TEMP TABLE bought AS
SELECT p.member_id, (p.at AT TIME ZONE 'Asia/Shanghai')::date AS day, p.amount - p.refunded AS paid, p.store
FROM member.purchase p WHERE p.refunded < p.amount;
CREATE TEMP TABLE first AS SELECT member_id, min(day) AS day FROM bought GROUP BY 1;

-- ---- points ----

SELECT results_eq(
    $$ SELECT wallet, sum(points)::bigint FROM member_report.points_outstanding GROUP BY 1 ORDER BY 1 $$,
    $$ SELECT w.code, (sum(member.points_balance(s.member_id, w.code)) + sum(member.pending(s.lots, w.wallet_id, '2026-07-05')))::bigint
       FROM member.state s, member.wallet w GROUP BY 1 ORDER BY 1 $$,
    'points_outstanding is the balances and what is pending');
SELECT results_eq(
    $$ SELECT wallet, last_month, points FROM member_report.points_outstanding ORDER BY 1, 2 $$,
    $$ SELECT w.code, date_trunc('month', (u.until - 1)::timestamp)::date, sum(u.points)::bigint
       FROM member.state s, member.unnest(member.settle(s.lots, '2026-07-05')) u JOIN member.wallet w ON w.wallet_id = u.wallet GROUP BY 1, 2 ORDER BY 1, 2 $$,
    'by month, member by member');
SELECT results_eq(
    $$ SELECT sum(points)::bigint FROM member_report.points_expiring $$,
    $$ SELECT sum(member.expiring(member.settle(lots, '2026-07-05'), 1::smallint, '2026-07-05', 31))::bigint FROM member.state $$,
    'points_expiring is what expires of each member');
SELECT results_eq(
    $$ SELECT until, members, points FROM member_report.points_expiring ORDER BY 1 $$,
    $$ SELECT u.until, count(DISTINCT s.member_id), sum(u.points)::bigint
       FROM member.state s, member.unnest(member.settle(s.lots, '2026-07-05')) u
       WHERE u.wallet = 1 AND u.until <= '2026-08-05' AND (u.usable_from IS NULL OR u.usable_from <= '2026-07-05') GROUP BY 1 ORDER BY 1 $$,
    'day by day');
-- once from the entries alone, once from sums that reach to the middle of the history, once from sums of all but the last hour
DELETE FROM member.points_rollup_mark;
DELETE FROM member.points_rollup;
CREATE TEMP TABLE month_of_entries AS TABLE member_report.points_month;
SELECT results_eq(
    $$ SELECT month, wallet, issued, spent, taken_back, reversed, expired, entries FROM member_report.points_month ORDER BY 1, 2 $$,
    $$ SELECT date_trunc('month', e.at AT TIME ZONE 'Asia/Shanghai')::date, w.code,
              coalesce(sum(points) FILTER (WHERE kind IN ('purchase', 'event', 'earn')), 0)::bigint,
              coalesce(-sum(points) FILTER (WHERE kind = 'spend'), 0)::bigint, coalesce(-sum(points) FILTER (WHERE kind = 'refund'), 0)::bigint,
              coalesce(sum(points) FILTER (WHERE kind = 'reverse'), 0)::bigint, coalesce(-sum(points) FILTER (WHERE kind = 'expire'), 0)::bigint, count(*)
       FROM member.entry e JOIN member.wallet w ON w.wallet_id = e.wallet GROUP BY 1, 2 ORDER BY 1, 2 $$,
    'points_month, month by month');
SELECT is(sum(issued - spent - taken_back + reversed - expired), (SELECT sum(member.total(lots, 1::smallint)) FROM member.state),
    'its months add up to the books') FROM member_report.points_month WHERE wallet = 'points';
INSERT INTO member.points_rollup
SELECT date_trunc('month', e.at AT TIME ZONE 'Asia/Shanghai')::date, e.wallet, e.kind, sum(e.points), count(*), CASE WHEN e.kind IN ('event', 'earn', 'spend', 'hold', 'capture', 'void', 'lapse') THEN coalesce(e.source, '') ELSE '' END FROM member.entry e WHERE e.booked_at < '2026-06-21 10:00+08' GROUP BY 1, 2, 3, 6;
INSERT INTO member.points_rollup_mark (booked_before) VALUES ('2026-06-21 10:00+08');
SELECT set_eq('TABLE member_report.points_month', 'TABLE month_of_entries', 'the same with sums and entries');
SELECT isnt(count(*), 0::bigint, 'of which there are both') FROM member.entry e WHERE e.booked_at >= '2026-06-21 10:00+08';
-- the next is due at once, whoever else is under way on this server
UPDATE member.points_rollup_mark SET next_before = '2026-07-01 00:00+08', next_xid = '3';
SELECT NULL FROM member_internal.points_rollup();
SELECT is(booked_before, '2026-07-01 00:00+08', 'the sums reach further') FROM member.points_rollup_mark;
SELECT is((SELECT sum(entries) FROM member.points_rollup), (SELECT count(*)::numeric FROM member.entry), 'and hold every entry');
SELECT set_eq('TABLE member_report.points_month', 'TABLE month_of_entries', 'the same from sums alone');
SELECT is(array_agg(problem), NULL, 'verify() has nothing to say') FROM member.verify();

-- ---- levels ----

SELECT results_eq(
    $$ SELECT ladder, tier, members, share FROM member_report.tier_distribution ORDER BY ladder, level $$,
    $$ SELECT d.code, l.code, count(s.member_id), round(100.0 * count(s.member_id) / 72, 2)
       FROM member.tier_level l JOIN member.tier_ladder d USING (ladder_id)
       LEFT JOIN member.state s ON s.active AND member.tier_of(s.member_id, ladder => d.code) = l.code GROUP BY d.code, l.level, l.code ORDER BY d.code, l.level $$,
    'tier_distribution is tier_of() of each active member');
SELECT isnt(count(*), 0::bigint, 'though reviews are due') FROM member.state s WHERE member.level_review(s.standing, 2::smallint) <= :today;
SELECT results_eq(
    $$ SELECT ladder, level, reached, share, median_days FROM member_report.tier_funnel ORDER BY 1, 2 $$,
    $$ SELECT d.code, l.level, CASE l.level WHEN 0 THEN 80 ELSE count(f.day) END, CASE l.level WHEN 0 THEN 100.00 ELSE round(100.0 * count(f.day) / 80, 2) END,
              CASE l.level WHEN 0 THEN 0 ELSE percentile_cont(0.5) WITHIN GROUP (ORDER BY f.day - (m.joined_at AT TIME ZONE 'Asia/Shanghai')::date) END
       FROM member.tier_level l JOIN member.tier_ladder d USING (ladder_id) CROSS JOIN member.member m
       LEFT JOIN LATERAL (SELECT min(c.day) AS day FROM member.tier_change c WHERE c.member_id = m.member_id AND c.ladder_id = l.ladder_id
                          AND c.kind = 'rise' AND c.to_level >= l.level) f ON true GROUP BY d.code, l.level ORDER BY 1, 2 $$,
    'tier_funnel: who ever rose to a level or past it, and the median of the days');
SELECT is(f.conversion, round(100.0 * f.reached / b.reached, 2), 'conversion: of those that reached the level below')
FROM member_report.tier_funnel f JOIN member_report.tier_funnel b ON b.ladder = f.ladder AND b.level = f.level - 1 ORDER BY f.ladder, f.level;

-- ---- value ----

SELECT results_eq(
    $$ SELECT value_group_name, members, mean_recency, mean_orders, spend FROM member_report.rfm_group WHERE members > 0 ORDER BY 1 $$,
    $$ SELECT r.value_group, count(*), round(avg(r.recency), 1), round(avg(r.frequency), 2), round(sum(r.monetary), 2)
       FROM member.state s, member.rfm_of(s.member_id) r GROUP BY 1 ORDER BY 1 $$, 'rfm_group is rfm_of() of each member');
SELECT results_eq(
    $$ SELECT strategy_group_name, members, mean_recency, mean_orders, spend FROM member_report.rfm_strategy WHERE members > 0 ORDER BY 1 $$,
    $$ SELECT r.strategy_group, count(*), round(avg(r.recency), 1), round(avg(r.frequency), 2), round(sum(r.monetary), 2)
       FROM member.state s, member.rfm_of(s.member_id) r GROUP BY 1 ORDER BY 1 $$, 'rfm_strategy too');
SELECT is(sum(share) BETWEEN 99.9 AND 100.1, true, 'shares are of the whole') FROM member_report.rfm_group;
SELECT is(sum(members), (SELECT count(*)::numeric FROM member.rfm_change), 'rfm_migration counts every change') FROM member_report.rfm_migration;

-- ---- purchases ----

SELECT results_eq(
    $$ SELECT members, active_30d, silent, silent_share, orders_30d, spend_30d FROM member_report.activity $$,
    $$ SELECT 72::bigint, count(DISTINCT member_id), 72 - count(DISTINCT member_id), round(100.0 * (72 - count(DISTINCT member_id)) / 72, 2), count(*), sum(paid)
       FROM bought b JOIN member.state s USING (member_id) WHERE s.active AND b.day > '2026-06-05' $$, 'activity');
SELECT results_eq(
    $$ SELECT cohort, members, again_7d, again_30d, again_90d FROM member_report.retention ORDER BY 1 $$,
    $$ SELECT date_trunc('month', f.day::timestamp)::date, count(*), round(100 * avg(a.d7::int), 2), round(100 * avg(a.d30::int), 2), round(100 * avg(a.d90::int), 2)
       FROM first f, LATERAL (SELECT CASE WHEN f.day + 7 < '2026-07-05' THEN coalesce(bool_or(b.day <= f.day + 7), false) END AS d7,
                                     CASE WHEN f.day + 30 < '2026-07-05' THEN coalesce(bool_or(b.day <= f.day + 30), false) END AS d30,
                                     CASE WHEN f.day + 90 < '2026-07-05' THEN coalesce(bool_or(b.day <= f.day + 90), false) END AS d90
                              FROM bought b WHERE b.member_id = f.member_id AND b.day > f.day) a
       WHERE f.day >= '2025-08-01' GROUP BY 1 ORDER BY 1 $$, 'retention, of those whose days are over');
SELECT results_eq(
    $$ SELECT cohort, months_since, members, active, share FROM member_report.retention_month ORDER BY 1, 2 $$,
    $$ SELECT date_trunc('month', f.day::timestamp)::date, ((extract(year FROM m) - extract(year FROM f.day)) * 12 + extract(month FROM m) - extract(month FROM f.day))::int,
              count(DISTINCT f.member_id), count(DISTINCT b.member_id), round(100.0 * count(DISTINCT b.member_id) / count(DISTINCT f.member_id), 2)
       FROM first f JOIN generate_series(timestamp '2025-08-01', '2026-07-01', '1 month') m ON m >= date_trunc('month', f.day::timestamp)
       LEFT JOIN bought b ON b.member_id = f.member_id AND b.day >= m AND b.day < m + interval '1 month'
       WHERE f.day >= '2025-08-01' GROUP BY 1, 2 ORDER BY 1, 2 $$, 'retention_month');
SELECT results_eq(
    $$ SELECT day, orders, spend, buyers, new_buyers FROM member_report.sales_day ORDER BY 1 $$,
    $$ SELECT d::date, count(b.day), coalesce(sum(b.paid), 0), count(DISTINCT b.member_id), count(DISTINCT f.member_id)
       FROM generate_series(timestamp '2026-04-07', '2026-07-05', '1 day') d LEFT JOIN bought b ON b.day = d
       LEFT JOIN first f ON f.member_id = b.member_id AND f.day = b.day GROUP BY 1 ORDER BY 1 $$, 'sales_day');
SELECT is(mean_order, round(spend / orders, 2), 'mean_order') FROM member_report.sales_day WHERE orders > 0 ORDER BY day LIMIT 1;
SELECT results_eq(
    $$ SELECT store, orders_30d, spend_30d, buyers_30d, mean_order FROM member_report.store WHERE orders_30d > 0 ORDER BY 1 $$,
    $$ SELECT store, count(*), sum(paid), count(DISTINCT member_id), round(sum(paid) / count(*), 2) FROM bought WHERE day > '2026-06-05' GROUP BY 1 ORDER BY 1 $$,
    'store');
SELECT results_eq($$ SELECT month, channel, joined FROM member_report.growth ORDER BY 2 $$,
    $$ VALUES ('2025-02-01'::date, 'payment', 40::bigint), ('2025-02-01', 'scan', 40) $$, 'growth');

-- ---- how often, when, who most: the 365 days that end with today ----

CREATE TEMP TABLE year AS SELECT * FROM bought WHERE day > :today - 365;
SELECT results_eq(
    $$ SELECT orders, members, share, spend, spend_share FROM member_report.purchase_frequency ORDER BY 1 $$,
    $$ SELECT n, count(m), round(100.0 * count(m) / sum(count(m)) OVER (), 2), round(coalesce(sum(m.spend), 0), 2), round(100 * coalesce(sum(m.spend), 0) / sum(sum(m.spend)) OVER (), 2)
       FROM generate_series(1, 13) n LEFT JOIN (SELECT count(*) AS orders, sum(paid) AS spend FROM year GROUP BY member_id) m ON least(m.orders, 13) = n GROUP BY n ORDER BY n $$, 'purchase_frequency');
CREATE TEMP TABLE gap AS SELECT g.gap FROM (SELECT day, day - lag(day) OVER (PARTITION BY member_id ORDER BY day) AS gap FROM (SELECT DISTINCT member_id, day FROM bought) d) g WHERE g.day > :today - 365 AND g.gap IS NOT NULL;
SELECT results_eq('SELECT repurchases, mean_days, first_quarter::float8, median_days::float8, third_quarter::float8 FROM member_report.repurchase',
    'SELECT count(*), round(avg(gap), 2), (percentile_disc(0.25) WITHIN GROUP (ORDER BY gap))::float8, (percentile_disc(0.5) WITHIN GROUP (ORDER BY gap))::float8, (percentile_disc(0.75) WITHIN GROUP (ORDER BY gap))::float8 FROM gap', 'repurchase');
SELECT results_eq('SELECT from_days, repurchases, share, within_share FROM member_report.repurchase_gap ORDER BY 1',
    $$ SELECT b.since, count(g.gap), round(100.0 * count(g.gap) / sum(count(g.gap)) OVER (), 2), round(100.0 * sum(count(g.gap)) OVER (ORDER BY b.since) / sum(count(g.gap)) OVER (), 2)
       FROM (SELECT r.from_days AS since, r.to_days AS until FROM member_report.repurchase_gap r) b LEFT JOIN gap g ON g.gap BETWEEN b.since AND coalesce(b.until, 9999) GROUP BY 1 ORDER BY 1 $$, 'repurchase_gap');
SELECT results_eq('SELECT min(from_days), max(from_days), count(*), sum(to_days - from_days + 1) FROM member_report.repurchase_gap', 'VALUES (1, 366, 11::bigint, 365::bigint)', 'its rows leave no day out');
SELECT results_eq('SELECT grain, part, days, orders, spend, orders_index, spend_index FROM member_report.seasonality ORDER BY 1, 2',
    $$ SELECT g.grain, g.part::int, count(DISTINCT d.day), count(y.day), coalesce(sum(y.paid), 0), round(count(y.day)::numeric / count(DISTINCT d.day) / (SELECT count(*) / 365.0 FROM year), 4), round(coalesce(sum(y.paid), 0) / count(DISTINCT d.day) / (SELECT sum(paid) / 365 FROM year), 4)
       FROM (SELECT x::date AS day FROM generate_series(timestamp '2025-07-06', '2026-07-05', '1 day') x) d CROSS JOIN LATERAL (VALUES ('month', extract(month FROM d.day)), ('weekday', extract(isodow FROM d.day))) g (grain, part)
       LEFT JOIN year y ON y.day = d.day GROUP BY 1, 2 ORDER BY 1, 2 $$, 'seasonality');
SELECT results_eq('SELECT weekday, hour, orders, spend FROM member_report.busy_hour ORDER BY 1, 2',
    $$ SELECT w, h, count(p.at), coalesce(sum(p.amount - p.refunded), 0) FROM generate_series(1, 7) w CROSS JOIN generate_series(0, 23) h
       LEFT JOIN member.purchase p ON p.refunded < p.amount AND p.at >= '2026-06-07 00:00+08' AND p.at < '2026-07-05 00:00+08'
           AND extract(isodow FROM p.at AT TIME ZONE 'Asia/Shanghai') = w AND extract(hour FROM p.at AT TIME ZONE 'Asia/Shanghai') = h GROUP BY 1, 2 ORDER BY 1, 2 $$, 'busy_hour');
SELECT is(round(avg(orders_index), 2), 1.00, 'whose index has a mean of 1') FROM member_report.busy_hour;
CREATE TEMP TABLE spender AS SELECT ntile(10) OVER (ORDER BY s.spend DESC) AS decile, row_number() OVER (ORDER BY s.spend DESC) AS no, s.spend FROM (SELECT sum(paid) AS spend FROM year GROUP BY member_id) s;
SELECT results_eq('SELECT decile, members, spend, share, upto_share FROM member_report.spend_decile ORDER BY 1',
    'SELECT decile, count(*), sum(spend), round(100 * sum(spend) / sum(sum(spend)) OVER (), 2), round(100 * sum(sum(spend)) OVER (ORDER BY decile) / sum(sum(spend)) OVER (), 2) FROM spender GROUP BY 1 ORDER BY 1', 'spend_decile');
SELECT is(r.gini, (SELECT round(sum(abs(a.spend - b.spend)) / (2 * count(*) * avg(a.spend)), 4) FROM spender a, spender b), 'gini: mean difference of any two by twice the mean') FROM member_report.spend_decile r WHERE decile = 1;
SELECT results_eq($$ SELECT day, events, members, new_members FROM member_report.activity_day WHERE stream = (SELECT code FROM member.stream WHERE purchases) ORDER BY 1 $$, 'SELECT day, orders, buyers, new_buyers FROM member_report.sales_day WHERE day > date ''2026-07-05'' - 30 ORDER BY 1', 'activity_day: of purchases, sales_day');
SELECT results_eq($$ SELECT day, events, members FROM member_report.activity_day WHERE stream = 'signin' AND events > 0 $$, $$ SELECT date '2026-06-21', count(*), count(DISTINCT member_id) FROM member.event WHERE kind = 'signin' $$, 'and of events by their kind');

-- ---- the rest ----

SELECT results_eq($$ SELECT template, queued, open, sent, failed FROM member_report.messages ORDER BY 1 $$,
    $$ SELECT template, count(*), count(*) FILTER (WHERE done_at IS NULL), count(*) FILTER (WHERE result LIKE 'sent%'), count(*) FILTER (WHERE result LIKE 'failed%')
       FROM member.outbox GROUP BY 1 ORDER BY 1 $$, 'messages');
SELECT results_eq('SELECT day, unfinished, clock_is_set FROM member_report.job_health', $$ VALUES ('2026-06-21'::date, false, true) $$, 'job_health');
SELECT is(bool_and(reconciled), true, 'import_health') FROM member_report.import_health;
SET ROLE member_report;
SELECT lives_ok(format('SELECT * FROM member_report.%I', c.relname), 'member_report reads ' || c.relname)
FROM pg_class c WHERE c.relnamespace = 'member_report'::regnamespace ORDER BY c.relname;
RESET ROLE;
SELECT * FROM finish();
