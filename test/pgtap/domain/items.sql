-- What is bought together, what sells, and where: rules, recommendations, hot items, stores nearby.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'America/New_York';
SET datestyle = iso;
SET member.clock = '2026-06-30 10:00+08';
SELECT NULL FROM member.setup('tea');
SELECT * FROM no_plan();

SELECT is_empty($$ SELECT * FROM member.recommend('{latte}') UNION ALL SELECT * FROM member.recommend_for(1) $$, 'nothing goes with anything before the first refresh');
SELECT is(member.baskets_refresh(), 0::bigint, 'of no purchases there are no rules');

-- 300 purchases of 60 members: what each buys is its number's, and a few that do not count
SELECT NULL FROM generate_series(1, 62) n, member.enroll('shop', at => '2024-01-01', key => n::text);
CREATE TEMP TABLE product AS SELECT * FROM (VALUES (1, 'latte', 'coffee'), (2, 'mocha', 'coffee'), (3, 'oolong', 'tea'), (4, 'cake', 'food'), (5, 'cookie', 'food'), (6, 'mug', NULL)) v (no, product, category);
SELECT count(p) FROM (
    SELECT member.purchase_record(1 + n % 60, 'P' || n, (SELECT sum(no * 2) FROM product WHERE hashint4(n * 31 + no) & 3 < 2 OR no = 1 + n % 6), store => 'S' || 1 + n % 3,
        lines => (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('product', product, 'category', category, 'amount', no * 2, 'quantity', 1 + n % 2))) FROM product WHERE hashint4(n * 31 + no) & 3 < 2 OR no = 1 + n % 6),
        at => timestamptz '2026-06-30 09:00+08' - make_interval(days => n % 60)) AS p
    FROM generate_series(1, 300) n) x \gset
SELECT NULL FROM member.purchase_record(61, 'old', 8, lines => '[{"product": "kettle", "category": "ware", "amount": 4}, {"product": "latte", "amount": 4}]', at => '2026-03-01 12:00+08');
SELECT NULL FROM member.purchase_record(61, 'back', 8, lines => '[{"product": "kettle", "category": "ware", "amount": 4}, {"product": "latte", "amount": 4}]', at => '2026-06-20 12:00+08');
SELECT NULL FROM member.purchase_refund(61, 'back', 'R1');
SELECT NULL FROM member.purchase_refund(2, 'P1', 'R1', lines => '{1}');

CREATE TEMP VIEW line AS
SELECT p.purchase_no, p.member_id, p.store, p.at, l.product, l.category, l.quantity, l.amount - l.refunded AS amount FROM member.purchase p JOIN member.purchase_line l USING (member_id, entry_no)
WHERE p.refunded < p.amount AND l.refunded < l.amount;
CREATE TEMP VIEW recent AS SELECT * FROM line WHERE at >= '2026-04-02 00:00+08'; -- 90 days
CREATE TEMP VIEW pair AS
SELECT a.product AS one, b.product AS two, count(DISTINCT a.purchase_no) AS n, (SELECT count(DISTINCT purchase_no) FROM recent WHERE product = a.product) AS n1, (SELECT count(DISTINCT purchase_no) FROM recent WHERE product = b.product) AS n2,
    (SELECT count(DISTINCT purchase_no) FROM recent)::double precision AS total
FROM recent a JOIN recent b ON b.purchase_no = a.purchase_no AND b.product <> a.product GROUP BY 1, 2;

-- ---- rules ----

SELECT cmp_ok(member.baskets_refresh(min_support => 0.02, min_confidence => 0.2, min_lift => 0), '>', 20::bigint, 'rules of 90 days');
SELECT results_eq($$ SELECT antecedent[1], consequent, occurrences, round(confidence::numeric, 9), round(lift::numeric, 9) FROM member_report.association_rule WHERE what = 'product' AND cardinality(antecedent) = 1 ORDER BY 1, 2 $$,
    $$ SELECT one, two, n, round((n::double precision / n1)::numeric, 9), round((n / (n1 * (n2 / total)))::numeric, 9) FROM pair WHERE n / total >= 0.02 AND n::double precision / n1 >= 0.2 ORDER BY one COLLATE "C", two COLLATE "C" $$, 'pairs as a self-join has them, old and refunded ones left out');
SELECT is_empty($$ SELECT r.* FROM member_report.association_rule r WHERE r.occurrences <> (SELECT count(*) FROM (SELECT array_agg(product) AS items FROM recent GROUP BY purchase_no) b WHERE b.items @> (r.antecedent || r.consequent)) $$, 'and larger ones');
SELECT is(count(*) > 0, true, 'of which there are some') FROM member_report.association_rule WHERE cardinality(antecedent) = 2;
SELECT results_eq('SELECT what, day, days, baskets FROM member.basket_run', $$ SELECT 'product', date '2026-06-30', 90, count(DISTINCT purchase_no) FROM recent $$, 'every refresh takes the place of the one before');

SELECT results_eq($$ SELECT item, confidence FROM member.recommend('{latte}', max_rows => 3) $$,
    $$ SELECT two, n::double precision / n1 FROM pair WHERE one = 'latte' ORDER BY 2 DESC, n / (n1 * (n2 / total)) DESC, 1 LIMIT 3 $$, 'what goes with latte, the surest first');
SELECT is_empty($$ SELECT * FROM member.recommend('{latte,cake}') WHERE item IN ('latte', 'cake') OR NOT because <@ '{latte,cake}' $$, 'what goes with both is neither, and by what is in the basket');
SELECT cmp_ok((SELECT confidence FROM member.recommend('{latte,cake}', max_rows => 1)), '>=', (SELECT max(confidence) FROM member.recommend('{latte}') WHERE item <> 'cake'), 'more items, no less sure');
SELECT is_empty($$ SELECT * FROM member.recommend('{bicycle}') $$, 'nothing goes with what nobody buys');
SELECT is_empty($$ SELECT m, r.* FROM generate_series(1, 60) m, member.recommend_for(m) r WHERE r.item IN (SELECT product FROM recent WHERE member_id = m) $$, 'a member is told what it does not have');
SELECT is_empty($$ (SELECT m, r.item, r.because FROM generate_series(1, 60) m, member.recommend_for(m) r)
    EXCEPT SELECT m, r.item, r.because FROM generate_series(1, 60) m, member.recommend((SELECT array_agg(DISTINCT product) FROM member.purchase_line l WHERE member_id = m)) r $$, 'by all it had');
SELECT isnt_empty('SELECT FROM generate_series(1, 60) m, member.recommend_for(m)', 'some are told something');
SELECT is_empty('SELECT * FROM member.recommend_for(62)', 'of whom nothing is known nothing is told');
SELECT cmp_ok(member.baskets_refresh('category', min_support => 0.1, min_lift => 0), '>', 3::bigint, 'rules of categories');
SELECT isnt_empty($$ SELECT * FROM member.recommend('{coffee}', 'category') $$, 'beside those of products');
-- benefits: those used, a basket a member
INSERT INTO member.benefit_use (member_id, use_no, benefit, ladder_id, level, at, booked_at)
SELECT m, n, b, 1, 0, at, at FROM (SELECT m, 1, 'gift', timestamptz '2026-06-10 10:00+08' FROM generate_series(1, 20) m UNION ALL SELECT m, 2, 'trial', '2026-06-11 10:00+08' FROM generate_series(1, 15) m
    UNION ALL SELECT m, 3, 'gift', '2026-06-12 10:00+08' FROM generate_series(1, 5) m UNION ALL SELECT 30, 1, 'seat', '2026-01-12 10:00+08') x (m, n, b, at);
SELECT is(member.baskets_refresh('benefit', min_lift => 0), 2::bigint, 'rules of benefits');
SELECT results_eq($$ SELECT item, because, confidence FROM member.recommend_for(18, 'benefit') $$, $$ VALUES ('trial', '{gift}'::text[], 0.75::float8) $$, 'who had the gift may like the trial');
SELECT is_empty($$ SELECT * FROM member.recommend_for(3, 'benefit') $$, 'who had both is told nothing');
-- content: categories of events, a basket a member
SELECT count(r) FROM (SELECT member.event_record(m, 'read', (ARRAY['recipes', 'news', 'brewing'])[i], at => '2026-06-01 10:00+08') AS r FROM generate_series(1, 40) m, generate_series(1, 3) i WHERE i <> 3 OR m % 2 = 0) x \gset
SELECT NULL FROM member.event_record(62, 'read', 'recipes', at => '2026-06-29 10:00+08');
SELECT is(member.baskets_refresh('content', min_lift => 0), 9::bigint, 'rules of content');
SELECT results_eq($$ SELECT item, round(confidence::numeric, 4) FROM member.recommend_for(62, 'content') $$, $$ VALUES ('news', round(40.0 / 41, 4)), ('brewing', round(20.0 / 41, 4)) $$, 'who read recipes may like news');
SELECT throws_ok($$ SELECT member.baskets_refresh('colour') $$, 'MB502', 'unknown items "colour"', 'a sort of item there is not');
SELECT throws_ok($$ SELECT member.baskets_refresh(days => 0) $$, 'MB502', NULL, 'no days');
SELECT throws_ok($$ SELECT member.baskets_refresh(min_support => 0) $$, 'MB502', NULL, 'a support of nothing');
SELECT isnt_empty($$ SELECT * FROM member.recommend('{latte}') $$, 'what was refused changed nothing');

-- ---- hot items ----

CALL member.daily_run();
CREATE TEMP VIEW month AS SELECT * FROM line WHERE at >= '2026-06-01 00:00+08'; -- 30 days
SELECT results_eq('SELECT store, product, category, lines, quantity, amount, buyers FROM member_report.hot_item_store ORDER BY 1, 2',
    'SELECT store, product, category, count(*), sum(quantity), sum(amount), count(DISTINCT member_id) FROM month GROUP BY 1, 2, 3 ORDER BY store COLLATE "C", product COLLATE "C"', 'hot items of a store');
SELECT results_eq('SELECT product, quantity, amount, stores, place FROM member_report.hot_item ORDER BY 1',
    'SELECT product, sum(quantity), sum(amount), count(DISTINCT store), rank() OVER (ORDER BY sum(quantity) DESC) FROM month GROUP BY 1 ORDER BY product COLLATE "C"', 'and of all');
SET member.clock = '2026-07-20 10:00+08';
CALL member.daily_run();
SELECT results_eq('SELECT max(day), sum(lines) FROM member_report.hot_item', $$ SELECT date '2026-07-20', count(*)::numeric FROM line WHERE at >= '2026-06-21 00:00+08' $$, 'the daily run makes them of the 30 days to its own');

-- ---- stores nearby ----

SELECT is_empty('SELECT * FROM member.nearest_stores(31.2, 121.5)', 'no store has a position yet');
INSERT INTO member.store VALUES ('S1', '人民广场', 31.2304, 121.4737), ('S2', '陆家嘴', 31.2397, 121.4998), ('S3', '天安门', 39.9042, 116.4074), ('S4', '网店', NULL, NULL);
SELECT results_eq('SELECT store, round(km::numeric, 1) FROM member.nearest_stores(31.2304, 121.4737)', $$ VALUES ('S1', 0.0), ('S2', 2.7), ('S3', 1067.3) $$, 'the nearest first, as the crow flies');
SELECT results_eq('SELECT store FROM member.nearest_stores(31.2304, 121.4737, 1)', $$ VALUES ('S1') $$, 'so many');
SELECT results_eq('SELECT store FROM member.nearest_stores(31.2304, 121.4737, within_km => 10)', $$ VALUES ('S1'), ('S2') $$, 'so far');
SELECT throws_ok('SELECT * FROM member.nearest_stores(91, 0)', 'MB502', 'invalid position: 91, 0', 'a latitude there is not');
SELECT throws_ok('SELECT * FROM member.nearest_stores(NULL, 0)', '22004', NULL, 'no position');
SELECT throws_ok($$ INSERT INTO member.store VALUES ('S5', 'half', 1, NULL) $$, '23514', NULL, 'half a position');
-- a member of the law of cosines
SELECT is_empty($$ SELECT a, b, c, d FROM generate_series(-80, 80, 40) a, generate_series(-170, 170, 85) b, generate_series(-85, 85, 34) c, generate_series(-180, 180, 72) d
    WHERE abs(member.distance_km(a, b, c, d) - 6371.0088 * acos(least(1, greatest(-1, sind(a) * sind(c) + cosd(a) * cosd(c) * cosd(b - d))))) > 0.01 $$, 'distances by the law of cosines');

SELECT results_eq('SELECT store, place, product, quantity, taste FROM member.nearby_items(2, 31.2304, 121.4737, 2, 2)',
    $$ WITH taste AS (SELECT category, sum(amount) / sum(sum(amount)) OVER () AS share FROM member.purchase_line WHERE member_id = 2 AND category IS NOT NULL GROUP BY 1)
       SELECT store, place, product, quantity, round(100 * share, 2) FROM (SELECT s.store, s.product, s.quantity, t.share, row_number() OVER (PARTITION BY s.store ORDER BY s.quantity * t.share DESC, s.product COLLATE "C")::int AS place
           FROM (SELECT store, product, category, sum(quantity) AS quantity FROM line WHERE at >= '2026-06-21 00:00+08' GROUP BY 1, 2, 3) s JOIN taste t USING (category) WHERE store IN ('S1', 'S2')) x WHERE place <= 2 ORDER BY store, place $$,
    'what sells nearby, by the member''s categories');
SELECT results_eq('SELECT product, taste FROM member.nearby_items(62, 31.2304, 121.4737, 1, 1)', $$ SELECT product, NULL::numeric FROM member_report.hot_item_store WHERE store = 'S1' ORDER BY place, product COLLATE "C" LIMIT 1 $$, 'of whom nothing is known: whatever sells');
-- who may
SET ROLE member_app;
SELECT lives_ok($$ SELECT member.recommend('{latte}'), member.recommend_for(1), member.nearest_stores(1, 1), member.nearby_items(1, 1, 1), member.cluster_of(1) $$, 'the app may ask');
SELECT throws_ok('SELECT member.baskets_refresh()', '42501', NULL, 'not refresh');
RESET ROLE;
SELECT * FROM finish();
