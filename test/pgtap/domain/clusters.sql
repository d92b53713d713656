-- Clusters of members: who is compared, by what, what is stored of a run, and that a member's cluster is that of the run.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'America/New_York';
SET datestyle = iso;
SET member.clock = '2026-06-30 10:00+08';
SELECT NULL FROM member.setup('retail');
SELECT * FROM no_plan();

SELECT is_empty('SELECT * FROM member.cluster_of(1)', 'nobody is in a cluster before the first run');
SELECT throws_ok('SELECT member.clusters_refresh(2)', 'MB712', 'there are no points', 'nobody bought: nothing to cluster');

-- 90 members in three sorts: many small purchases in one store, few large ones in another, one long ago
SELECT NULL FROM generate_series(1, 92) n, member.enroll('shop', at => '2024-01-01', key => n::text);
SELECT count(p) FROM (
    SELECT member.purchase_record(m, format('%s/%s', m, i), CASE m % 3 WHEN 0 THEN 10 + m % 7 WHEN 1 THEN 900 + m ELSE 50 END, store => CASE m % 3 WHEN 0 THEN 'S1' WHEN 1 THEN 'S2' END,
        lines => CASE m % 3 WHEN 0 THEN jsonb_build_array(jsonb_build_object('product', 'tea', 'category', 'drink', 'amount', 7 + m % 7, 'list_amount', 10 + m % 7), '{"product": "cake", "category": "food", "amount": 3}'::jsonb)
                         WHEN 1 THEN jsonb_build_array(jsonb_build_object('product', 'pot', 'category', 'ware', 'amount', 900 + m, 'list_amount', 1000 + m)) END,
        at => timestamptz '2026-06-30 09:00+08' - make_interval(days => CASE m % 3 WHEN 0 THEN i * 3 + m % 4 WHEN 1 THEN 20 + i * 30 ELSE 300 + m % 5 END)) AS p
    FROM generate_series(1, 90) m, generate_series(1, 12) i WHERE i <= CASE m % 3 WHEN 0 THEN 12 WHEN 1 THEN 2 ELSE 1 END ORDER BY m, i) x \gset
SELECT NULL FROM member.purchase_record(91, 'too old', 10, at => '2025-06-30 12:00+08');
SELECT NULL FROM member.purchase_refund(3, '3/1', 'R1');

SELECT is(member.clusters_refresh(3), 1, 'the first run');
SELECT results_eq('SELECT day, features, k, members FROM member.cluster_run', $$ VALUES ('2026-06-30'::date, '{recency,frequency,monetary}'::text[], 3, 90::bigint) $$, 'of who bought in the 365 days, by recency, frequency, monetary');
SELECT results_eq('SELECT members FROM member.cluster ORDER BY cluster', 'VALUES (30::bigint), (30), (30)', 'the three sorts are the three clusters');
SELECT is_empty($$ SELECT m, c.* FROM generate_series(1, 90) m LEFT JOIN LATERAL member.cluster_of(m) c ON true JOIN generate_series(1, 90) n ON n % 3 = m % 3 LEFT JOIN LATERAL member.cluster_of(n) d ON true
    WHERE c.cluster IS DISTINCT FROM d.cluster OR c.run IS DISTINCT FROM 1 $$, 'members of a sort are in one cluster');
SELECT is(count(DISTINCT c.cluster), 3::bigint, 'of three') FROM generate_series(1, 3) m, member.cluster_of(m) c;
SELECT is_empty('SELECT * FROM member.cluster_of(91) UNION ALL SELECT * FROM member.cluster_of(92) UNION ALL SELECT * FROM member.cluster_of(999)', 'who did not buy in that time is in none');
-- features against plain SQL
CREATE TEMP VIEW plain AS
SELECT p.member_id, (date '2026-06-30' - max((p.at AT TIME ZONE 'Asia/Shanghai')::date))::float8 AS recency, count(*)::float8 AS frequency, sum(p.amount)::float8 AS monetary,
    (max((p.at AT TIME ZONE 'Asia/Shanghai')::date) - min((p.at AT TIME ZONE 'Asia/Shanghai')::date))::float8 / nullif(count(DISTINCT (p.at AT TIME ZONE 'Asia/Shanghai')::date) - 1, 0) AS gap, date '2026-06-30' - min((p.at AT TIME ZONE 'Asia/Shanghai')::date) AS tenure
FROM member.purchase p WHERE p.at >= '2025-07-01 00:00+08' AND p.refunded < p.amount GROUP BY 1;
SELECT is_empty($$ SELECT p.*, c.point FROM plain p LEFT JOIN LATERAL member.cluster_of(p.member_id) c ON true WHERE c.point IS DISTINCT FROM ARRAY[p.recency, p.frequency, p.monetary] $$, 'features are those of the purchases');
SELECT is_empty($$ SELECT r.cluster FROM member_report.cluster r JOIN member.cluster c USING (run_id, cluster),
    LATERAL (SELECT array[round(avg(p.recency)::numeric, 6), round(avg(p.frequency)::numeric, 6), round(avg(p.monetary)::numeric, 6)] AS mean FROM plain p, member.cluster_of(p.member_id) x WHERE x.cluster = r.cluster) m
    WHERE m.mean <> ARRAY(SELECT round(x::numeric, 6) FROM unnest(c.center) x) $$, 'a centre is the mean of its members, in their units');
SELECT results_eq($$ SELECT c.cluster, c.orders, c.spend, c.mean_order, c.store, c.store_share, c.category FROM member_report.cluster c ORDER BY 1 $$,
    $$ SELECT x.cluster, count(*), sum(p.amount - p.refunded), round(sum(p.amount - p.refunded) / count(*), 2), max(p.store), CASE WHEN max(p.store) IS NOT NULL THEN 100.00 END,
              CASE max(p.store) WHEN 'S1' THEN 'drink' WHEN 'S2' THEN 'ware' END
       FROM member.purchase p, member.cluster_of(p.member_id) x WHERE p.at >= '2025-07-01 00:00+08' AND p.refunded < p.amount GROUP BY 1 ORDER BY 1 $$, 'the profile is that of the purchases');
SELECT is(round(category_share), round(100.0 * (SELECT sum(amount - refunded) FILTER (WHERE category = 'drink') / sum(amount - refunded) FROM member.purchase_line WHERE member_id % 3 = 0)), 'the share of a category is of what lines that name one come to')
FROM member_report.cluster WHERE category = 'drink';
SELECT is_empty('SELECT FROM member_report.cluster WHERE content IS NOT NULL OR content_share IS NOT NULL', 'of no events there is no preference of content');
SELECT results_eq('SELECT round(sum(share)), round(sum(spend_share)), bool_and(latest) FROM member_report.cluster', 'VALUES (100::numeric, 100::numeric, true)', 'shares make a hundred');
SELECT results_eq('SELECT feature, count(*), round(sum(scaled * c.members)::numeric, 6) FROM member_report.cluster_feature f JOIN member.cluster c USING (run_id, cluster) GROUP BY place, feature ORDER BY place',
    $$ VALUES ('recency', 3::bigint, 0.000000), ('frequency', 3, 0.000000), ('monetary', 3, 0.000000) $$, 'scaled, a feature has mean 0 over all');

-- what they read: of the first sort two recipes and a story each, of the second stories, and some too long ago or without a category
SELECT NULL FROM generate_series(1, 90) m, generate_series(1, 3) i, member.event_record(m, 'read', category => CASE WHEN m % 3 = 0 AND i < 3 THEN 'recipes' ELSE 'stories' END, at => '2026-06-01 10:00+08') WHERE m % 3 < 2;
SELECT NULL FROM generate_series(1, 5) i, member.event_record(2, 'read', category => 'news', at => '2025-06-30 10:00+08');
SELECT NULL FROM member.event_record(2, 'read', at => '2026-06-01 10:00+08');
-- the number of clusters by itself, every feature, the same again
SELECT is(member.clusters_refresh(), 2, 'a run of as many clusters as there are');
SELECT is(k, 3, 'three, by the silhouette') FROM member.cluster_run WHERE run_id = 2;
SELECT set_eq('SELECT c.content, c.content_share, member_id % 3 FROM generate_series(1, 3) member_id, member.cluster_of(member_id) x JOIN member_report.cluster c ON c.run_id = x.run AND c.cluster = x.cluster', $$ VALUES ('recipes', 66.67, 0), ('stories', 100.00, 1), (NULL, NULL, 2) $$, 'a cluster has its preference of content');
SELECT set_eq('SELECT cluster, members, center, within, orders, store FROM member.cluster WHERE run_id = 2', 'SELECT cluster, members, center, within, orders, store FROM member.cluster WHERE run_id = 1', 'which are the same to the last bit');
SELECT is(member.clusters_refresh(3, '{recency,frequency,monetary,log_frequency,log_monetary,mean_order,mean_gap,active_days,tenure,points,discount_share}'), 3, 'by every feature there is');
SELECT is_empty($$ SELECT p.*, c.point FROM plain p LEFT JOIN LATERAL member.cluster_of(p.member_id) c ON true
    WHERE ARRAY(SELECT round(x::numeric, 8) FROM unnest(c.point) x) IS DISTINCT FROM ARRAY(SELECT round(x::numeric, 8) FROM unnest(ARRAY[p.recency, p.frequency, p.monetary, ln(1 + p.frequency), ln(1 + p.monetary), p.monetary / p.frequency,
        coalesce(p.gap, 365), (SELECT count(DISTINCT (q.at AT TIME ZONE 'Asia/Shanghai')::date) FROM member.purchase q WHERE q.member_id = p.member_id AND q.refunded < q.amount), p.tenure, member.points_balance(p.member_id),
        coalesce((SELECT 1 - sum(l.amount) / sum(l.list_amount) FROM member.purchase_line l WHERE l.member_id = p.member_id AND l.list_amount > 0), 0)]) x) $$, 'as plain SQL has them');
SELECT is((SELECT cluster FROM member.cluster_of(1, 1)), (SELECT cluster FROM member.cluster_of(1, 2)), 'an earlier run can be asked');
SELECT is(count(*), 3::bigint, 'BI has them all, one is the latest') FROM member_report.cluster WHERE latest;
SELECT throws_ok('SELECT member.clusters_refresh(91)', 'MB712', NULL, 'more clusters than members');
SELECT throws_ok($$ SELECT member.clusters_refresh(2, '{recency,luck}') $$, 'MB502', 'unknown feature "luck"', 'a feature there is not');
SELECT throws_ok($$ SELECT member.clusters_refresh(2, '{}') $$, 'MB502', NULL, 'no feature');
SELECT throws_ok($$ SELECT member.clusters_refresh(2, days => 400) $$, 'MB502', NULL, 'days are within a year');
-- who may
SET ROLE member_admin;
SELECT results_eq($$ SELECT cluster, members FROM member.kmeans('SELECT n, ARRAY[n % 2]::float8[] FROM pg_catalog.generate_series(1, 10) n', 2) $$, 'VALUES (1, 5::bigint), (2, 5)', 'an admin may cluster anything it may read');
SELECT is(member.clusters_refresh(3), 4, 'and the members, in the same session');
SELECT lives_ok($$ UPDATE member.cluster SET name = '常客' WHERE cluster = 1 AND run_id = 4 $$, 'and name what it finds');
RESET ROLE;
SELECT is(name, '常客', 'which a member''s cluster is called') FROM member.cluster c JOIN LATERAL member.cluster_of(c.run_id) x USING (name) LIMIT 1;
SELECT * FROM finish();
