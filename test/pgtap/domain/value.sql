-- RFM: cuts of each refresh, scores by them, groups that add up, changes of group.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('retail');
SELECT * FROM no_plan();

SELECT is_empty('SELECT * FROM member.rfm_of(1)', 'nobody has a score before the first refresh');
CALL member.daily_run();
SELECT is_empty('SELECT * FROM member.rfm_run', 'a refresh of nobody leaves nothing');

-- 200 members; some bought long ago only, some never
SELECT NULL FROM generate_series(1, 200) n, member.enroll('shop', at => '2024-01-01', key => n::text);
SELECT count(p) FROM (SELECT member.purchase_record(m, format('%s/%s', m, n), 5 + abs(hashint4(m * 100 + n)) % 300,
        at => '2026-02-28 12:00+08'::timestamptz - (abs(hashint4(m * 7 + n * n)) % (30 + m)) * interval '1 day') AS p
    FROM generate_series(1, 180) m, generate_series(1, 1 + m % 9) n ORDER BY m, n) x \gset
SELECT NULL FROM member.purchase_record(181, 'old', 5000, at => '2025-03-02 12:00+08');
SELECT NULL FROM member.purchase_record(182, 'just old enough', 5000, at => '2025-03-03 12:00+08');
SET member.clock = '2026-03-02 02:00+08';
CALL member.daily_run();

-- what the members are, by plain SQL over the purchases of the 365 days that end with the day asked
CREATE TEMP VIEW plain AS
    SELECT p.member_id, d.day - max((p.at AT TIME ZONE 'Asia/Shanghai')::date) AS recency, count(*) AS frequency, sum(p.amount) AS monetary
    FROM member.purchase p, (SELECT member.day_of(member.now()) AS day) d WHERE (p.at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN d.day - 364 AND d.day GROUP BY p.member_id, d.day;
SELECT results_eq('SELECT day, members FROM member.rfm_run', $$ VALUES ('2026-03-02'::date, 181::bigint) $$, 'the refresh of the second of March: who bought in the 365 days to it, the first day of them included');
SELECT is_empty('SELECT FROM member.rfm_of(181)', 'who bought last 365 days ago has no score');
SELECT isnt_empty('SELECT FROM member.rfm_of(182)', 'who bought 364 days ago has');
SELECT is_empty('SELECT FROM member.rfm_of(199)', 'who never bought has none');
SELECT is_empty($$ SELECT p.*, r.recency, r.frequency, r.monetary FROM plain p LEFT JOIN LATERAL member.rfm_of(p.member_id) r ON true
    WHERE (p.recency, p.frequency, p.monetary) IS DISTINCT FROM (r.recency, r.frequency, r.monetary) $$, 'recency, orders and yuan are those of the purchases');
SELECT is_empty($$ SELECT p.member_id FROM plain p, member.rfm_of(p.member_id) r, member.rfm_run c
    WHERE r.score OPERATOR(member.<>) member.rfm_score(c.cuts, p.recency, p.frequency, (p.monetary * 100)::bigint) OR r.cuts_of <> c.day $$, 'the score is by the cuts of the refresh');
-- equal figures, equal scores; better figures, no lower score
SELECT is_empty($$ SELECT a.member_id, b.member_id FROM (SELECT p.*, member.r(r.score) AS r, member.f(r.score) AS f, member.m(r.score) AS m FROM plain p, member.rfm_of(p.member_id) r) a
    JOIN (SELECT p.*, member.r(r.score) AS r, member.f(r.score) AS f, member.m(r.score) AS m FROM plain p, member.rfm_of(p.member_id) r) b ON a.member_id <> b.member_id
    WHERE a.recency <= b.recency AND a.r < b.r OR a.frequency >= b.frequency AND a.f < b.f OR a.monetary >= b.monetary AND a.m < b.m LIMIT 3 $$, 'no one is below who is no better');

-- ---- groups ----

SELECT is((SELECT sum(members) FROM member_report.rfm_group), 181::numeric, 'the groups add up to everyone with a score');
SELECT is((SELECT count(*)::int FROM member_report.rfm_group), 8, 'eight groups, the empty ones too');
SELECT results_eq('SELECT value_group_name, members FROM member_report.rfm_group WHERE members > 0 ORDER BY 1', 'SELECT r.value_group, count(*) FROM plain p, member.rfm_of(p.member_id) r GROUP BY 1 ORDER BY 1', 'each as rfm_of says');
SELECT is((SELECT sum(spend) FROM member_report.rfm_group), (SELECT sum(monetary) FROM plain), 'with all their spend');
SELECT is((SELECT round(sum(share)) FROM member_report.rfm_group), 100::numeric, 'shares make a hundred');
SELECT is_empty('SELECT r.strategy_group FROM plain p, member.rfm_of(p.member_id) r WHERE r.strategy_group IS NULL OR r.value_group IS NULL', 'everybody is in one group of each sort');

-- ---- changes of group ----

SELECT results_eq('SELECT count(*), count(from_group) FROM member.rfm_change', 'VALUES (181::bigint, 0::bigint)', 'at the first refresh everyone is new in a group');
SET member.clock = '2026-03-03 02:00+08';
CALL member.daily_run();
SELECT is_empty($$ SELECT c.* FROM member.rfm_change c WHERE day = '2026-03-03' AND from_group IS NOT DISTINCT FROM to_group $$, 'later only who changed');
-- one who did little becomes one of the best
SELECT NULL FROM generate_series(1, 30) n, member.purchase_record(9, 'boost' || n, 400);
SET member.clock = '2026-03-04 02:00+08';
CALL member.daily_run();
SELECT is((SELECT to_group FROM member.rfm_change WHERE member_id = 9 ORDER BY day DESC LIMIT 1), (SELECT member.rfm_value_group(score, cuts) FROM member.rfm_of(9), member.rfm_run WHERE day = '2026-03-04'), 'who changed: to the group of its score');
SELECT is((SELECT members FROM member_report.rfm_migration WHERE day = '2026-03-02' AND from_group IS NULL ORDER BY members DESC LIMIT 1), (SELECT max(n) FROM (SELECT count(*) AS n FROM member.rfm_change WHERE day = '2026-03-02' GROUP BY to_group) x), 'the report counts them');
-- by day: scores of a day are by the cuts of the last refresh up to it
SELECT is((SELECT cuts_of FROM member.rfm_of(9, '2026-03-03')), '2026-03-03'::date, 'a score of an earlier day is by its cuts');
SELECT is_empty($$ SELECT FROM member.rfm_of(9, '2026-03-01') $$, 'before the first there is none');
-- the same day again gives the same
CREATE TEMP TABLE before AS SELECT day, members, cuts::text FROM member.rfm_run;
SELECT NULL FROM member_internal.rfm_refresh('2026-03-04');
SELECT results_eq('SELECT day, members, cuts::text FROM member.rfm_run ORDER BY day', 'SELECT * FROM before ORDER BY day', 'a refresh done again is the same');

-- ---- segments, actions, medians ----

SELECT is((SELECT count(*)::int FROM member_report.rfm_segment), 10, 'ten segments');
SELECT results_eq('SELECT segment_name, members FROM member_report.rfm_segment WHERE members > 0 ORDER BY 1', 'SELECT r.segment, count(*) FROM plain p, member.rfm_of(p.member_id) r GROUP BY 1 ORDER BY 1', 'each as rfm_of says');
SELECT results_eq('SELECT segment_name, median_recency, median_orders, median_spend FROM member_report.rfm_segment WHERE members > 0 ORDER BY 1',
    $$ SELECT r.segment, round((percentile_cont(0.5) WITHIN GROUP (ORDER BY p.recency))::numeric, 1), round((percentile_cont(0.5) WITHIN GROUP (ORDER BY p.frequency))::numeric, 1),
              round((percentile_cont(0.5) WITHIN GROUP (ORDER BY p.monetary))::numeric, 2) FROM plain p, member.rfm_of(p.member_id) r GROUP BY 1 ORDER BY 1 $$, 'with their medians');
SELECT results_eq('SELECT r, f, m, members FROM member_report.rfm_cell ORDER BY 1, 2, 3', 'SELECT member.r(r.score), member.f(r.score), member.m(r.score), count(*) FROM plain p, member.rfm_of(p.member_id) r GROUP BY 1, 2, 3 ORDER BY 1, 2, 3', 'members by score');
SELECT is_empty('SELECT r.* FROM plain p, member.rfm_of(p.member_id) r LEFT JOIN member_report.rfm_strategy g ON g.strategy_group_name = r.strategy_group WHERE r.action IS DISTINCT FROM g.action OR r.action IS NULL', 'each strategy group, and the rest, has its action');
SELECT is_empty('SELECT r.* FROM plain p, member.rfm_of(p.member_id) r LEFT JOIN member_report.rfm_group g ON g.value_group_name = r.value_group WHERE r.value_action IS DISTINCT FROM g.action OR g.action IS NULL', 'each value group too');
SELECT results_eq('SELECT count(action), count(DISTINCT action) FROM member_report.rfm_group', 'VALUES (8::bigint, 8::bigint)', 'one of its own');
SELECT throws_ok($$ INSERT INTO member.rfm_action VALUES ('value_group', 9, 'x') $$, '23514');
UPDATE member.rfm_action SET action = '电话回访' WHERE sort = 'strategy_group' AND number = 4;
SELECT is((SELECT action FROM member_report.rfm_strategy WHERE strategy_group = 4), '电话回访', 'which is the brand''s to change');

-- ---- everybody at once, by cuts of any sort ----

SELECT set_eq('SELECT s.member_id, s.score::text FROM member.rfm_scores(''2026-03-04'') s', 'SELECT p.member_id, r.score::text FROM plain p, member.rfm_of(p.member_id) r', 'by rank into five: as rfm_of says');
SELECT set_eq($$ SELECT s.member_id, s.score::text FROM member.rfm_scores(bins => '{3,4,2}') s $$,
    $$ SELECT p.member_id, format('%s-%s-%s', 1 + 3 * (rank() OVER (ORDER BY recency DESC) - 1) / count(*) OVER (), 1 + 4 * (rank() OVER (ORDER BY frequency) - 1) / count(*) OVER (), 1 + 2 * (rank() OVER (ORDER BY monetary) - 1) / count(*) OVER ()) FROM plain p $$, 'bins of each measure');
SELECT set_eq($$ SELECT s.member_id, s.score::text FROM member.rfm_scores(bins => '{3,4,2}', nested => true) s $$,
    $$ SELECT member_id, format('%s-%s-%s', r, f, 1 + 2 * (rank() OVER (PARTITION BY r, f ORDER BY monetary) - 1) / count(*) OVER (PARTITION BY r, f))
       FROM (SELECT p.*, 1 + 4 * (rank() OVER (PARTITION BY r ORDER BY frequency) - 1) / count(*) OVER (PARTITION BY r) AS f
             FROM (SELECT p.*, 1 + 3 * (rank() OVER (ORDER BY recency DESC) - 1) / count(*) OVER () AS r FROM plain p) p) p $$, 'nested: ranks among those of the same score before');
SELECT set_eq($$ SELECT s.member_id, s.score::text FROM member.rfm_scores(thresholds => member.rfm_cuts('{20,60}', '{3,6,9}', '{50000}')) s $$,
    $$ SELECT p.member_id, format('%s-%s-%s', 1 + (recency <= 60)::int + (recency <= 20)::int, 1 + (frequency >= 3)::int + (frequency >= 6)::int + (frequency >= 9)::int, 1 + (monetary >= 500)::int) FROM plain p $$, 'own thresholds');

-- ---- settings, and leaving ----

UPDATE member.value_setting SET rfm_bins = '{3,3,3}';
SET member.clock = '2026-03-05 02:00+08';
CALL member.daily_run();
SELECT is((SELECT bins FROM member.rfm_run WHERE day = '2026-03-05'), '{3,3,3}', 'the refresh uses the bins of the settings');
UPDATE member.value_setting SET rfm_cuts = member.rfm_cuts('{20,60}', '{3,6,9}', '{50000}');
SET member.clock = '2026-03-06 02:00+08';
CALL member.daily_run();
SELECT results_eq($$ SELECT bins, cuts::text FROM member.rfm_run WHERE day = '2026-03-06' $$, $$ VALUES ('{3,4,2}'::int[], 'n=0 r(60,20) f(3,6,9) m(50000)') $$, 'or their thresholds');
SELECT results_eq($$ SELECT from_group, to_group, members FROM member.rfm_migration('2026-03-04', '2026-03-06') $$,
    $$ SELECT a.value_group, b.value_group, count(*) FROM member.state s LEFT JOIN LATERAL member.rfm_of(s.member_id, '2026-03-04') a ON true LEFT JOIN LATERAL member.rfm_of(s.member_id, '2026-03-06') b ON true
       WHERE a.value_group IS NOT NULL OR b.value_group IS NOT NULL GROUP BY 1, 2
       ORDER BY min(member.rfm_value_group(a.score, (SELECT cuts FROM member.rfm_run WHERE day = '2026-03-04'))), min(member.rfm_value_group(b.score, (SELECT cuts FROM member.rfm_run WHERE day = '2026-03-06'))) $$, 'migration between any two days, those who stayed and those who left too');
-- from a day before the first refresh: the books with cuts of that day (the thresholds are of ranks then)
UPDATE member.value_setting SET rfm_cuts = NULL, rfm_bins = '{5,5,5}';
SELECT results_eq($$ SELECT from_group, sum(members) FROM member.rfm_migration('2026-02-10', '2026-03-04') WHERE from_group IS NOT NULL GROUP BY 1 ORDER BY 1 $$,
    $$ SELECT member.rfm_value_group_name((1 + CASE WHEN m THEN 0 ELSE 4 END + CASE WHEN r THEN 0 ELSE 2 END + CASE WHEN f THEN 0 ELSE 1 END)::smallint), count(*)::numeric
       FROM (SELECT 5 * (rank() OVER (ORDER BY min(date '2026-02-10' - day) DESC) - 1) / count(*) OVER () >= 3 AS r, 5 * (rank() OVER (ORDER BY count(*)) - 1) / count(*) OVER () >= 3 AS f,
                    5 * (rank() OVER (ORDER BY sum(amount)) - 1) / count(*) OVER () >= 3 AS m
             FROM (SELECT p.member_id, (p.at AT TIME ZONE 'Asia/Shanghai')::date AS day, p.amount FROM member.purchase p) p WHERE day BETWEEN date '2026-02-10' - 364 AND '2026-02-10' GROUP BY member_id) x GROUP BY 1 ORDER BY 1 $$, 'migration from a day before the first refresh');
SET member.clock = '2027-03-03 02:00+08';
SELECT NULL FROM member.purchase_record(1, 'the last', 10);
CALL member.daily_run();
SELECT results_eq($$ SELECT count(*) FILTER (WHERE to_group IS NULL), count(*) FILTER (WHERE from_group IS NULL) FROM member.rfm_migration('2026-03-06', '2027-03-03') $$, $$ SELECT count(DISTINCT from_group), 0::bigint FROM member.rfm_migration('2026-03-06', '2027-03-03') WHERE to_group IS NULL $$, 'who has not bought for a year has left its group');
SELECT is((SELECT sum(members) FROM member.rfm_migration('2026-03-06', '2027-03-03') WHERE to_group IS NOT NULL), 1::numeric, 'but for the one who did');
SELECT throws_ok($$ SELECT * FROM member.rfm_migration('2026-03-06', '2026-03-05') $$, '22023');
SELECT throws_ok($$ SELECT * FROM member.rfm_scores(bins => '{5,5}') $$, '22023');
SELECT throws_ok($$ UPDATE member.value_setting SET rfm_bins = '{0,5,5}' $$, '23514');
SELECT * FROM finish();
