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
SELECT * FROM finish();
