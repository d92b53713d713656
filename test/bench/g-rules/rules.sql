-- 207 rules, and the same by hand as conditions on the columns of bench.wide; the day is 2026-03-01. Most are of the
-- presets, one for each of 20 categories (streams 3 to 22) where a preset says so; the rest are what levels, campaigns and
-- groups ask. Columns: count_1_30d and the like are aggregates of a stream over a window, amounts in yuan.
CREATE TABLE bench.rule (id int GENERATED ALWAYS AS IDENTITY, rule text NOT NULL, condition text NOT NULL);
INSERT INTO bench.rule (rule, condition) VALUES
    ('gender = ''F''', 'gender = ''F'''), ('gender = ''M''', 'gender = ''M'''),
    ('age between 18 and 24', 'age BETWEEN 18 AND 24'), ('age between 25 and 35', 'age BETWEEN 25 AND 35'), ('age >= 36', 'age >= 36'),
    ('city in (''北京'', ''上海'', ''广州'', ''深圳'')', 'city IN (''北京'', ''上海'', ''广州'', ''深圳'')'),
    ('channel = ''payment''', 'channel = ''payment'''), ('channel = ''follow''', 'channel = ''follow'''),
    ('channel = ''scan''', 'channel = ''scan'''), ('channel = ''referral''', 'channel = ''referral'''),
    ('tenure <= 30d', 'tenure <= 30'), ('tenure >= 1y', 'joined <= date ''2025-03-01'''), ('tenure >= 3y', 'joined <= date ''2023-03-01'''),
    ('attr.phone_bound', 'phone_bound'), ('attr.profile_pct = 100', 'profile_pct = 100'),
    ('plan = ''trial''', 'plan = ''trial'''), ('plan = ''year''', 'plan = ''year'''),
    ('visits(2, 30d) >= 12', 'visits_2_30d >= 12'), ('streak(2) >= 7', 'streak_2 >= 7'),
    ('idle >= 15d', 'idle >= 15'), ('idle >= 30d', 'idle >= 30'),
    ('attr.in_group and count(4, 30d) = 0', 'in_group AND count_4_30d = 0'),
    ('recency(1) >= 30d', 'recency_1 >= 30'), ('recency(1) > mean_gap(1)', 'recency_1 > mean_gap_1'),
    ('recency(1) > mean_gap(1) * 1.2', 'recency_1 > round((mean_gap_1 * 1.2)::numeric, 6)'),
    ('mean_gap(1) between 60 and 120', 'mean_gap_1 BETWEEN 60 AND 120'), ('falling_months(1) >= 3', 'falling_months_1 >= 3'),
    ('expiring(1, 30d) > 0', 'expiring_30d > 0'), ('balance(1) >= 500 and count(23) = 0', 'points >= 500 AND count_23 = 0'),
    ('idle >= 15d and balance(2) >= 100', 'idle >= 15 AND growth >= 100'),
    ('r(1) = 3 and f(1) = 3 and m(1) = 3', 'r = 3 AND f = 3 AND m = 3'), ('r(1) = 3 and f(1) = 1 and m(1) = 3', 'r = 3 AND f = 1 AND m = 3'),
    ('r(1) = 1 and f(1) = 3 and m(1) = 2', 'r = 1 AND f = 3 AND m = 2'), ('r(1) = 1 and f(1) = 1 and m(1) = 1', 'r = 1 AND f = 1 AND m = 1'),
    ('birthday_in <= 3d', 'birthday_in <= 3'), ('anniversary_in <= 0d and tenure >= 1y', 'anniversary_in <= 0 AND joined <= date ''2025-03-01'''),
    ('tier(1) >= 1', 'tier >= 1'), ('tier(1) >= 2', 'tier >= 2'), ('tier(1) >= 2 or plan = ''year''', 'tier >= 2 OR plan = ''year'''),
    ('0.7 * amount(1, 12mo) + 0.3 * balance(2) >= 5000', '0.7 * amount_1_12mo + 0.3 * growth >= 5000'),
    ('amount(1, 12mo) + 50 * visits(1, 12mo) >= 1000', 'amount_1_12mo + 50 * visits_1_12mo >= 1000'),
    ('amount(1, 12mo) + 50 * visits(1, 12mo) >= 5000', 'amount_1_12mo + 50 * visits_1_12mo >= 5000'),
    ('#1 and not #2 and amount(1, 12mo) >= 2000 and city in (''上海'', ''杭州'')', 'tag_1 AND NOT tag_2 AND amount_1_12mo >= 2000 AND city IN (''上海'', ''杭州'')'),
    ('#3 or (#4 and not #5)', 'tag_3 OR (tag_4 AND NOT tag_5)'),
    ('#1 and (#2 or #3) and tier(1) >= 1', 'tag_1 AND (tag_2 OR tag_3) AND tier >= 1');
INSERT INTO bench.rule (rule, condition)
    SELECT format('amount(%1$s, 12mo) / amount(1, 12mo) >= 0.4', s), format('amount_%1$s_12mo / nullif(amount_1_12mo, 0) >= 0.4', s) FROM generate_series(3, 22) s
    UNION ALL
    SELECT format('count(%1$s, 30d) >= %2$s', s, n), format('count_%1$s_30d >= %2$s', s, n) FROM generate_series(3, 22) s, unnest(ARRAY[2, 4]) n
    UNION ALL
    SELECT format('count(%1$s, 90d) >= 1', s), format('count_%1$s_90d >= 1', s) FROM generate_series(3, 22) s
    UNION ALL
    SELECT format('run(%1$s) >= 3', s), format('run_%1$s >= 3', s) FROM generate_series(3, 12) s
    UNION ALL
    SELECT format('amount(1, %1$s) >= %2$s', w, n), format('amount_1_%1$s >= %2$s', w, n)
    FROM unnest(ARRAY['30d', '90d', '180d', '12mo']) w, unnest(ARRAY[500, 1000, 2000, 5000]) n
    UNION ALL
    SELECT format('count(1, %1$s) >= %2$s', w, n), format('count_1_%1$s >= %2$s', w, n)
    FROM unnest(ARRAY['30d', '90d', '12mo', 'last_month']) w, unnest(ARRAY[1, 2, 4, 9]) n
    UNION ALL
    SELECT format('largest(1, %1$s) >= %2$s', w, n), format('largest_1_%1$s >= %2$s', w, n)
    FROM unnest(ARRAY['30d', '12mo']) w, unnest(ARRAY[35, 50, 600, 2000]) n
    UNION ALL
    SELECT format('amount(1, 12mo) / count(1, 12mo) >= %1$s and #%2$s', n, t), format('amount_1_12mo / nullif(count_1_12mo, 0) >= %1$s AND tag_%2$s', n, t)
    FROM unnest(ARRAY[35, 200, 600]) n, generate_series(6, 9) t
    UNION ALL
    SELECT format('#%1$s and (#%2$s or not #%3$s) and recency(1) <= %4$sd', t, t + 1, t + 2, 10 * t), format('tag_%1$s AND (tag_%2$s OR NOT tag_%3$s) AND recency_1 <= %4$s', t, t + 1, t + 2, 10 * t)
    FROM generate_series(10, 29) t;
