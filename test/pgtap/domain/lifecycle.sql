-- Value models, signs of churn, life-cycle stages: what the functions and reports say against plain SQL over the purchases.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2025-10-01 10:00+08';
SELECT NULL FROM member.setup('retail');
SELECT * FROM no_plan();

SELECT is(member.value_refit(), NULL, 'of nobody there is no fit');
SELECT is_empty('SELECT * FROM member.value_run', 'and none is kept');
SELECT is_empty('SELECT * FROM member_report.value', 'nor a report');

-- 400 members, of whom the last ten never buy; one in five stops after each purchase
SELECT NULL FROM generate_series(1, 400) n, member.enroll('shop', at => '2025-10-01', key => n::text);
CREATE TEMP TABLE deed AS
SELECT m, k, day, 20 + abs(hashint8(m * 1000 + k)) % 400 AS amount
FROM generate_series(1, 390) m, generate_series(0, 40) k,
     LATERAL (SELECT '2025-10-01'::date + abs(hashint4(m)) % 60 + k * (5 + m % 40) + abs(hashint8(m * 77 + k)) % 3 AS day) d
WHERE k <= ln((1 + abs(hashint8(m * 13)) % 1000) / 1001.0) / ln(0.8) AND day <= '2026-02-28';
SET member.clock = '2026-03-01 10:00+08';
UPDATE member.verb SET back_days = 1000;
SELECT count(p) FROM (SELECT member.purchase_record(m, format('%s/%s', m, k), amount, at => (day + time '12:00') AT TIME ZONE 'Asia/Shanghai') AS p FROM deed ORDER BY day, m) x \gset
-- two days with two purchases, a whole refund, a part
SELECT NULL FROM member.purchase_record(1, '1/twice', 30, at => (SELECT (min(day) + time '13:00') AT TIME ZONE 'Asia/Shanghai' FROM deed WHERE m = 1));
SELECT NULL FROM member.purchase_refund(2, '2/0', 'whole', at => (SELECT (day + time '14:00') AT TIME ZONE 'Asia/Shanghai' FROM deed WHERE m = 2 AND k = 0));
SELECT NULL FROM member.purchase_refund(3, '3/0', 'part', 5, at => (SELECT (day + time '14:00') AT TIME ZONE 'Asia/Shanghai' FROM deed WHERE m = 3 AND k = 0));
SELECT NULL FROM generate_series(10, 390, 10) m, member.event_record(m, 'signin', at => '2026-02-20 10:00+08');

-- what purchases are, by plain SQL, on a day
CREATE FUNCTION pg_temp.plain(on_day date) RETURNS TABLE (member_id bigint, x int, t_x int, t int, amount numeric, gap numeric, silent int, idle int) LANGUAGE sql AS $$
    SELECT p.member_id, count(DISTINCT p.day)::int - 1, max(p.day) - min(p.day), on_day - min(p.day), sum(p.amount) FILTER (WHERE p.day > p.first),
           (max(p.day) - min(p.day))::numeric / nullif(count(DISTINCT p.day) - 1, 0), on_day - max(p.day),
           on_day - greatest(max(p.day), (SELECT max((e.at AT TIME ZONE 'Asia/Shanghai')::date) FROM member.event e WHERE e.member_id = p.member_id AND e.at < (on_day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'))
    FROM (SELECT p.member_id, (p.at AT TIME ZONE 'Asia/Shanghai')::date AS day, p.amount - p.refunded AS amount, min((p.at AT TIME ZONE 'Asia/Shanghai')::date) OVER (PARTITION BY p.member_id) AS first
          FROM member.purchase p WHERE p.refunded < p.amount AND (p.at AT TIME ZONE 'Asia/Shanghai')::date <= on_day) p
    GROUP BY p.member_id $$;
SELECT is_empty($$ SELECT s.member_id, h.*, p.* FROM unnest('{2025-12-15,2026-03-01}'::date[]) d CROSS JOIN member.state s CROSS JOIN LATERAL member.purchase_history(s.activity, 1::smallint, d) h
    LEFT JOIN LATERAL (SELECT * FROM pg_temp.plain(d) p WHERE p.member_id = s.member_id) p ON true
    WHERE (h.x, h.t_x, h.t, h.amount) IS DISTINCT FROM (p.x, p.t_x, p.t, CASE WHEN p.member_id IS NOT NULL THEN coalesce(p.amount, 0) * 100 END) $$, 'the history of a member is that of its purchases');

-- ---- the fit ----

SELECT throws_ok('SELECT * FROM member.audience(''p_alive < 0.3'')', 'MB503', 'no fit of the value models is in force on 2026-03-01', 'before a fit nobody can be asked for');
SELECT throws_ok('SELECT member.audience_count(''not (clv >= 500 or f = 5)'')', 'MB503', 'there are no RFM cuts on 2026-03-01', 'nor for scores before there are cuts');
SELECT lives_ok('SELECT member.audience_count(''spend(90d) >= 500'')', 'others can');
INSERT INTO member.tag (tag_id, code, dimension, rule) VALUES (9001, 'leaving', 'segment', 'p_alive < 0.3 and clv >= 200');
SELECT member.publish('tag by value') \g /dev/null
CALL member.daily_run();
SELECT results_eq('SELECT day, members, converged, spend_converged, program_version FROM member.value_run', $$ SELECT '2026-03-01'::date, count(*), true, true, 2 FROM pg_temp.plain('2026-03-01') $$, 'the daily run fits the models');
SELECT is((SELECT r.model::text FROM member.value_run r), (SELECT f.model::text FROM (SELECT member.value_stats_agg(p.x, p.t_x, p.t, (p.amount * 100)::bigint) AS s FROM pg_temp.plain('2026-03-01') p) s, member.value_fit(s.s) f), 'to the purchases as plain SQL sums them');
SET member.clock = '2026-03-02 10:00+08';
CALL member.daily_run();
SELECT is((SELECT count(*) FROM member.value_run), 1::bigint, 'once a month');
SELECT is(member.value_refit('2026-01-15'), true, 'or when asked, for an earlier day too');
CREATE TEMP TABLE before AS SELECT r.model FROM member.value_run r WHERE day = '2026-01-15';
SELECT is(member.value_refit('2026-01-15'), true, 'again');
SELECT is((SELECT model::text FROM member.value_run WHERE day = '2026-01-15'), (SELECT model::text FROM before), 'and it is the same');
-- one that did not converge is not used
INSERT INTO member.value_run SELECT (r #>> '{}')::date, model, standard_errors, members, repeat_members, repeats, log_likelihood, iterations, gradient, false, spend_log_likelihood, spend_iterations, spend_gradient, spend_converged, grain_days, program_version, made_at
FROM member.value_run, jsonb_array_elements('["2026-02-01"]') r WHERE day = '2026-03-01';
SELECT results_eq('SELECT day, in_force FROM member_report.value_fit ORDER BY day', $$ VALUES ('2026-01-15'::date, false), ('2026-02-01', false), ('2026-03-01', true) $$, 'the last that converged is in force');
SELECT results_eq('SELECT a.fit_of, b.fit_of FROM member.value_of(5, ''2026-02-15'') a, member.value_of(5) b', $$ VALUES ('2026-01-15'::date, '2026-03-01'::date) $$, 'on each day the last before it');
SELECT is_empty('SELECT * FROM member.value_of(5, ''2026-01-14'')', 'before the first fit there is no value');
SELECT is_empty('SELECT * FROM member.value_of(395)', 'nor of one who never bought');
SELECT is_empty('SELECT * FROM member.value_of(999)', 'nor of nobody');
SELECT is_empty($$ SELECT p.member_id, v.* FROM pg_temp.plain('2026-03-02') p, member.value_run r, member.value_of(p.member_id) v WHERE r.day = '2026-03-01'
    AND (v.p_alive, v.expected_purchases, v.expected_spend, v.clv, v.horizon_days) IS DISTINCT FROM
        (round(member.p_alive(r.model, p.x, p.t_x, p.t)::numeric, 4), round(member.expected_purchases(r.model, p.x, p.t_x, p.t, 365)::numeric, 3), round((member.expected_spend(r.model, p.x, p.t_x, p.t, coalesce(p.amount * 100, 0)::bigint) / 100)::numeric, 2),
         round((member.clv(r.model, p.x, p.t_x, p.t, coalesce(p.amount * 100, 0)::bigint, 365, 0.1, 1) / 100)::numeric, 2), 365) $$, 'a value is what the model makes of the purchases');
SELECT results_eq('SELECT members, round(clv) FROM member_report.value', 'SELECT count(*), round(sum(v.clv)) FROM pg_temp.plain(''2026-03-02'') p, member.value_of(p.member_id) v', 'the report adds them up');
-- in rules
SELECT set_eq('SELECT * FROM member.audience(''p_alive < 0.3'')', 'SELECT p.member_id FROM pg_temp.plain(''2026-03-02'') p, member.value_of(p.member_id) v WHERE v.p_alive < 0.3', 'p_alive in a rule is that of the fit in force');
SELECT set_eq('SELECT * FROM member.audience(''clv >= 200 and expected_purchases < 3'')', 'SELECT p.member_id FROM pg_temp.plain(''2026-03-02'') p, member.value_of(p.member_id) v WHERE v.clv >= 200 AND v.expected_purchases < 3', 'so are clv and expected_purchases');
SELECT isnt_empty('SELECT * FROM member.audience(''clv >= 200 and p_alive < 0.3'')', 'there are such members');
SELECT set_eq('SELECT member_id FROM member.tags WHERE by_rule @> ''{9001}''', 'SELECT * FROM member.audience(''p_alive < 0.3 and clv >= 200'')', 'and a tag follows them');
SELECT throws_ok('SELECT * FROM member.audience(''p_alive < 0.3'', ''2026-01-14'')', 'MB503', NULL, 'not before the first fit');
SELECT is_empty('SELECT * FROM member.audience(''p_alive is known'') EXCEPT SELECT member_id FROM pg_temp.plain(''2026-03-02'')', 'who never bought has none');
SELECT set_eq($$ SELECT * FROM member.audience('rfm_segment = ''核心冠军'' and value_group = ''important, valued''') $$,
    $$ SELECT s.member_id FROM member.state s, member.rfm_of(s.member_id) r WHERE r.segment = '核心冠军' AND r.value_group = '重要价值' $$, 'segments and groups go by their names');
SELECT results_eq($$ SELECT member.matches(r.rule, f.f, r.next), member.matches(r.rule, f.f, r.next - 1) FROM (SELECT member.facts_of(1) AS f) f,
    LATERAL (SELECT member.compile_rule('p_alive < 0.01') AS rule, member.next_change(member.compile_rule('p_alive < 0.01'), f.f, '2026-03-02') AS next) r $$, 'VALUES (true, false)', 'and the day it comes to be so is known');
UPDATE member.value_setting SET horizon_days = 90, discount = 0, margin = 0.5;
SELECT is_empty($$ SELECT p.member_id FROM pg_temp.plain('2026-03-02') p, member.value_run r, member.value_of(p.member_id) v WHERE r.day = '2026-03-01'
    AND v.clv <> round((0.5 * member.expected_purchases(r.model, p.x, p.t_x, p.t, 90) * member.expected_spend(r.model, p.x, p.t_x, p.t, coalesce(p.amount * 100, 0)::bigint) / 100)::numeric, 2) $$, 'horizon, discount and margin are those of the settings');
UPDATE member.value_setting SET horizon_days = 365, discount = 0.1, margin = 1;

-- ---- calibration ----

SELECT results_eq($$ SELECT sum(c.members), max(c.members) - min(c.members) <= 1, count(*) FROM member.value_calibration('2026-01-15', 40, 4) c $$, $$ SELECT count(*)::numeric, true, 4::bigint FROM pg_temp.plain('2026-01-15') $$, 'everybody who had bought is in a bin, of equal size');
SELECT results_eq($$ SELECT round(sum(c.members * c.purchases)), round(sum(c.members * c.bought_share)), round(sum(c.members * c.spend), -1) FROM member.value_calibration('2026-01-15', 40, 1) c $$,
    $$ SELECT count(DISTINCT (p.member_id, (p.at AT TIME ZONE 'Asia/Shanghai')::date))::numeric, count(DISTINCT p.member_id)::numeric, round(sum(p.amount), -1) FROM member.purchase p JOIN pg_temp.plain('2026-01-15') x USING (member_id)
       WHERE (p.at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN '2026-01-16' AND '2026-02-24' $$, 'what happened is what was bought in the days after');
SELECT results_eq($$ SELECT round(c.expected_purchases, 3), round(c.p_alive, 3) FROM member.value_calibration('2026-01-15', 40, 1) c $$,
    $$ SELECT round(avg(member.expected_purchases(r.model, p.x, p.t_x, p.t, 40))::numeric, 3), round(avg(member.p_alive(r.model, p.x, p.t_x, p.t))::numeric, 3) FROM pg_temp.plain('2026-01-15') p, member.value_run r WHERE r.day = '2026-01-15' $$, 'what was expected is by the fit of the day');
SELECT ok(bool_and(c.expected_purchases > c.before) , 'bins ascend') FROM (SELECT c.expected_purchases, lag(c.expected_purchases) OVER (ORDER BY c.bin) AS before FROM member.value_calibration('2026-01-15', 40, 5) c) c;
-- signs of churn on that day, and who then did not buy
SELECT NULL FROM generate_series(15, 390, 15) m, member.event_record(m, 'share', at => '2026-01-10 10:00+08');
CREATE TEMP VIEW sign AS
SELECT p.member_id, s.signal, s.holds, NOT EXISTS (SELECT FROM member.purchase b WHERE b.member_id = p.member_id AND (b.at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN '2026-01-16' AND '2026-02-24') AS gone,
       1 - member.p_purchase(r.model, p.x, p.t_x, p.t, 40) AS predicted
FROM pg_temp.plain('2026-01-15') p, member.value_run r, LATERAL (SELECT s.signal, s.holds FROM member.churn_signals(p.member_id, '2026-01-15') s UNION ALL SELECT 'any', bool_or(s.holds) FROM member.churn_signals(p.member_id, '2026-01-15') s) s
WHERE r.day = '2026-01-15';
SELECT results_eq('SELECT * FROM member.churn_calibration(''2026-01-15'', 40) ORDER BY 1', $$ SELECT signal, count(*) FILTER (WHERE holds), round(100.0 * count(*) FILTER (WHERE holds AND gone) / count(*) FILTER (WHERE holds), 2),
    count(*) FILTER (WHERE NOT holds), round(100.0 * count(*) FILTER (WHERE NOT holds AND gone) / count(*) FILTER (WHERE NOT holds), 2),
    round(100.0 * count(*) FILTER (WHERE holds AND gone) / count(*) FILTER (WHERE gone), 2), round((100 * avg(predicted) FILTER (WHERE holds))::numeric, 2) FROM sign GROUP BY 1 ORDER BY 1 $$, 'what the signs of a day said against what happened');
SELECT ok(bool_and(members BETWEEN 10 AND 380 AND gone_share > others_gone_share) AND max(caught_share) > 90, 'each sign is of some, of whom more go than of the others') FROM member.churn_calibration('2026-01-15', 40);
SELECT results_eq('SELECT signal, predicted_share FROM member.churn_calibration(''2026-01-14'', 40) WHERE signal IN (''silent'', ''p_alive'')', $$ VALUES ('silent', NULL::numeric), ('p_alive', NULL) $$, 'without a fit p_alive says nothing');
CREATE TEMP TABLE told AS SELECT c.* FROM member.value_calibration('2026-01-15', 40, 1) c;
SELECT NULL FROM (SELECT m FROM deed GROUP BY m ORDER BY count(*) DESC, m LIMIT 1) d, LATERAL (SELECT p.* FROM member.purchase p WHERE p.member_id = d.m AND p.at < '2026-01-10' ORDER BY p.at DESC LIMIT 1) p, member.purchase_refund(d.m, p.purchase_no, 'late', at => '2026-02-20 10:00+08');
SELECT results_eq('SELECT c.members, c.expected_purchases, c.expected_spend FROM member.value_calibration(''2026-01-15'', 40, 1) c', 'SELECT members, expected_purchases, expected_spend FROM told', 'a refund after the day does not change what was known on it');
SELECT is_empty($$ SELECT * FROM member.value_calibration('2026-01-14', 40, 4) $$, 'without a fit there is nothing to tell');

-- ---- signs of churn ----

SELECT is_empty($$ SELECT p.member_id, s.* FROM unnest('{2025-12-15,2026-03-02}'::date[]) d, LATERAL pg_temp.plain(d) p, LATERAL member.churn_signals(p.member_id, d) s
    WHERE (s.holds, s.actual, s.threshold) IS DISTINCT FROM CASE s.signal
        WHEN 'own_interval' THEN (coalesce(p.silent > p.gap, false), p.silent::numeric, round(p.gap, 1))
        WHEN 'silent' THEN (p.silent >= 30, p.silent::numeric, 30::numeric)
        WHEN 'idle' THEN (p.idle >= 15, p.idle::numeric, 15::numeric)
        ELSE (CASE WHEN d = '2025-12-15' THEN false ELSE s.actual < 0.5 END, CASE WHEN d = '2025-12-15' THEN NULL ELSE round(member.p_alive((SELECT model FROM member.value_run WHERE day = '2026-03-01'), p.x, p.t_x, p.t)::numeric, 4) END, 0.5::numeric) END $$, 'signs are those of plain SQL, on earlier days too');
SELECT is((SELECT count(*) FROM pg_temp.plain('2026-03-02') p, member.churn_signals(p.member_id)), 4 * (SELECT count(*) FROM pg_temp.plain('2026-03-02')), 'four of everyone who bought');
SELECT is_empty('SELECT * FROM member.churn_signals(395)', 'none of one who never did');
SELECT results_eq('SELECT signal, coalesce(members, 0) FROM member_report.churn ORDER BY 1', $$ SELECT s.signal, count(*) FILTER (WHERE s.holds) FROM pg_temp.plain('2026-03-02') p, member.churn_signals(p.member_id) s GROUP BY 1
    UNION ALL SELECT 'any', count(DISTINCT p.member_id) FILTER (WHERE s.holds) FROM pg_temp.plain('2026-03-02') p, member.churn_signals(p.member_id) s ORDER BY 1 $$, 'the report counts them');
SELECT cmp_ok((SELECT min(members) FROM member_report.churn), '>', 0::bigint, 'each of some');
UPDATE member.value_setting SET interval_factor = 2, silent_days = 60, idle_days = 40, p_alive_below = 0.9;
SELECT is_empty($$ SELECT p.member_id, s.* FROM pg_temp.plain('2026-03-02') p, member.churn_signals(p.member_id) s
    WHERE s.holds IS DISTINCT FROM CASE s.signal WHEN 'own_interval' THEN coalesce(p.silent > 2 * p.gap, false) WHEN 'silent' THEN p.silent >= 60 WHEN 'idle' THEN p.idle >= 40 ELSE s.actual < 0.9 END $$, 'thresholds are settings');
UPDATE member.value_setting SET interval_factor = 1, silent_days = 30, idle_days = 15, p_alive_below = 0.5;

SELECT set_eq('SELECT member_id FROM member_report.winback', $$ SELECT member_id FROM pg_temp.plain('2026-03-02') WHERE silent >= 30 OR silent > gap $$, 'to win back are those silent for long, or longer than usual');
SELECT is_empty('SELECT * FROM (SELECT place, value_if_back, lag(value_if_back) OVER (ORDER BY place) AS before FROM member_report.winback) w WHERE before < value_if_back', 'worth most first');
SELECT is_empty('SELECT w.* FROM member_report.winback w, member.value_of(w.member_id) v WHERE (w.clv, w.p_alive) IS DISTINCT FROM (v.clv, v.p_alive)', 'with the values of each');
SELECT is_empty('SELECT w.* FROM member_report.winback w WHERE abs(w.value_if_back * w.p_alive - w.clv) > 0.01 * w.clv + 0.1', 'if back: if it has not gone');

-- reasons: categories of events; one gave two, one bought again
SELECT NULL FROM (VALUES (1, 'survey', '价格', '2026-02-27'), (2, 'survey', '价格', '2026-02-27'), (3, 'survey', '口味', '2026-02-27'), (3, 'survey', '价格', '2026-02-28'), (3, 'survey', '价格', '2026-03-01'), (4, 'leave', '搬家', '2026-02-28'),
    (395, 'complaint', '配送', '2026-02-28'), (5, 'complaint', NULL, '2026-02-28'), (6, 'browse', '价格', '2026-02-28'), (7, 'survey', '太久以前', '2025-03-02')) v (m, kind, reason, day), member.event_record(m, kind, category => reason, at => (day || ' 10:00+08')::timestamptz);
SELECT NULL FROM member.purchase_record(2, 'came back', 30, at => '2026-03-01 12:00+08');
SELECT results_eq('SELECT source, reason, events, members, share, gone, gone_share FROM member_report.churn_reason ORDER BY 1, 2', $$ VALUES ('complaint', '配送', 1::bigint, 1::bigint, 100.00, 1::bigint, 100.00), ('leave', '搬家', 1, 1, 100.00, 1, 100.00),
    ('survey', '价格', 4, 3, 75.00, 2, 66.67), ('survey', '口味', 1, 1, 25.00, 1, 100.00) $$, 'reasons are the categories of leave, survey and complaint of a year');
SELECT results_eq('SELECT gone_spend FROM member_report.churn_reason WHERE reason = ''价格''', 'SELECT sum(amount - refunded) FROM member.purchase WHERE member_id IN (1, 3)', 'with what those who went had spent');
SELECT NULL FROM member.purchase_refund(2, 'came back', 'sorry');

-- ---- life cycle ----

CREATE FUNCTION pg_temp.stage(on_day date) RETURNS TABLE (member_id bigint, stage smallint) LANGUAGE sql AS $$
    SELECT s.member_id, CASE WHEN p.t IS NULL THEN 0 WHEN p.silent >= 180 THEN 6 WHEN p.silent >= 90 THEN 5 WHEN p.silent >= 30 AND coalesce(p.silent > 1.5 * p.gap, true) THEN 4
        WHEN p.t < 30 THEN 1 WHEN r.value_group = '重要价值' THEN 3 ELSE 2 END::smallint
    FROM member.state s LEFT JOIN pg_temp.plain(on_day) p USING (member_id) LEFT JOIN LATERAL member.rfm_of(s.member_id, on_day) r ON true $$;
SELECT is_empty($$ SELECT p.member_id, p.stage, l.* FROM unnest('{2025-10-20,2025-12-15,2026-03-01,2026-03-02}'::date[]) d, LATERAL pg_temp.stage(d) p, LATERAL member.lifecycle_of(p.member_id, d) l
    WHERE p.stage <> l.stage OR l.stage_name <> member.lifecycle_stage_name(p.stage) $$, 'everybody is in one stage, on any day, as plain SQL says');
SELECT is((SELECT count(DISTINCT stage) FROM unnest('{2025-10-20,2026-03-02}'::date[]) d, LATERAL pg_temp.stage(d)), 6::bigint, 'all but the lost are there');
SELECT results_eq('SELECT stage, members FROM member_report.lifecycle WHERE members > 0 ORDER BY 1', 'SELECT stage, count(*) FROM pg_temp.stage(''2026-03-02'') GROUP BY 1 ORDER BY 1', 'the report counts them');
SELECT is((SELECT round(sum(share)) FROM member_report.lifecycle), 100::numeric, 'to a hundred percent');
SELECT is((SELECT count(*) FROM member.stage_change WHERE day = '2026-03-01'), 400::bigint, 'the first refresh notes everybody');
-- 60 days without anything: most slip or fall silent
SET member.clock = '2026-05-01 10:00+08';
CALL member.daily_run();
CREATE TEMP TABLE moved AS SELECT a.stage AS before, b.stage AS after, count(*) AS members FROM pg_temp.stage('2026-03-02') a JOIN pg_temp.stage('2026-05-01') b USING (member_id) GROUP BY 1, 2;
SELECT results_eq($$ SELECT from_stage, to_stage, members FROM member.lifecycle_conversion('2026-03-02', '2026-05-01') $$, 'SELECT member.lifecycle_stage_name(before), member.lifecycle_stage_name(after), members FROM moved ORDER BY before, after', 'who went where between two days');
SELECT is_empty($$ SELECT from_stage FROM member.lifecycle_conversion('2026-03-02', '2026-05-01') GROUP BY 1 HAVING abs(sum(share) - 100) > 0.1 $$, 'of each stage a hundred percent');
SELECT is_empty($$ SELECT * FROM member.lifecycle_conversion('2026-03-02', '2026-03-02') WHERE from_stage <> to_stage $$, 'on one day nobody moves');
-- before the first refresh: from the books, with cuts of the day
CREATE TEMP TABLE early AS
SELECT s.member_id, CASE WHEN s.stage = 2 AND p.high THEN 3 ELSE s.stage END::smallint AS stage
FROM pg_temp.stage('2026-02-01') s LEFT JOIN (SELECT p.member_id, 5 * (rank() OVER (ORDER BY min('2026-02-01' - (p.at AT TIME ZONE 'Asia/Shanghai')::date) DESC) - 1) / count(*) OVER () >= 3
        AND 5 * (rank() OVER (ORDER BY count(*)) - 1) / count(*) OVER () >= 3 AND 5 * (rank() OVER (ORDER BY sum(p.known)) - 1) / count(*) OVER () >= 3 AS high
    FROM (SELECT p.*, p.amount - coalesce((SELECT sum(r.amount) FROM member.refund r WHERE r.member_id = p.member_id AND r.purchase = p.entry_no AND r.at < '2026-02-02 00:00+08'), 0) AS known FROM member.purchase p) p
    WHERE p.at < '2026-02-02 00:00+08' AND p.known > 0 GROUP BY 1) p USING (member_id);
SELECT results_eq($$ SELECT from_stage, to_stage, members FROM member.lifecycle_conversion('2026-02-01', '2026-03-02') ORDER BY 1, 2 $$, $$ SELECT member.lifecycle_stage_name(e.stage), member.lifecycle_stage_name(s.stage), count(*) FROM early e JOIN pg_temp.stage('2026-03-02') s USING (member_id) GROUP BY 1, 2 ORDER BY 1, 2 $$,
    'of a day before the first refresh the books tell');
SELECT ok(count(DISTINCT stage) > 3 AND count(*) FILTER (WHERE stage = 3) > 5, 'stages of many kinds') FROM early;
SELECT results_eq($$ SELECT sum(members)::bigint FROM member.lifecycle_conversion('2025-09-30', '2026-03-01') WHERE from_stage IS NULL $$, 'VALUES (400::bigint)', 'but for those who had not joined');
SELECT is_empty($$ SELECT c.* FROM member.stage_change c WHERE c.from_stage IS NOT DISTINCT FROM c.to_stage $$, 'only who moved is noted');
SELECT results_eq($$ SELECT ended, mean_days FROM member_report.lifecycle WHERE stage = 3 $$, $$ SELECT count(*), round(avg(b.day - a.day), 1) FROM member.stage_change a
    JOIN member.stage_change b ON b.member_id = a.member_id AND b.day = (SELECT min(c.day) FROM member.stage_change c WHERE c.member_id = a.member_id AND c.day > a.day) WHERE a.to_stage = 3 $$, 'how long a stage lasted');
SELECT is((SELECT since FROM member.lifecycle_of(395)), '2026-03-01'::date, 'since when one is in it');
CREATE TEMP TABLE noted AS SELECT * FROM member.stage_change;
SELECT NULL FROM member_internal.lifecycle_refresh('2026-05-01');
SELECT set_eq('SELECT * FROM member.stage_change', 'SELECT * FROM noted', 'a refresh done again is the same');
SELECT is((SELECT count(*) FROM member.value_run WHERE day >= '2026-04-01'), 1::bigint, 'a month later there is a new fit');

-- a purchase long after folds the days of that time into months: the state can't tell any more, the refreshes can
CREATE TEMP TABLE once AS SELECT l.* FROM member.lifecycle_of(1, '2026-05-01') l;
SET member.clock = '2026-05-20 10:00+08';
SELECT NULL FROM member.purchase_record(1, 'early May', 30, at => '2026-05-02 10:00+08');
SELECT NULL FROM member.purchase_record(1, 'late May', 30);
SET member.clock = '2029-09-01 10:00+08';
SELECT NULL FROM member.purchase_record(1, 'long after', 30);
SELECT throws_ok($$ SELECT * FROM member.rfm_of(1, '2026-05-10') $$, 'MB501', NULL, 'days are folded');
SELECT results_eq('SELECT stage, stage_name FROM member.lifecycle_of(1, ''2026-05-10'')', 'SELECT stage, stage_name FROM once', 'a stage is still that of the refresh');
DELETE FROM member.stage_change WHERE member_id = 1;
SELECT throws_ok($$ SELECT * FROM member.lifecycle_of(1, '2026-05-10') $$, 'MB501', NULL, 'without one nothing is known');
SELECT throws_ok($$ SELECT * FROM member.lifecycle_conversion('2026-03-02', '2026-03-01') $$, '22023');
SELECT throws_ok($$ SELECT * FROM member.lifecycle_conversion(NULL, '2026-03-01') $$, '22004');
SELECT throws_ok($$ SELECT * FROM member.value_calibration('2026-01-15', 0) $$, 'MB502');
SELECT throws_ok($$ SELECT * FROM member.churn_calibration('2026-01-15', 0) $$, 'MB502');
SELECT throws_ok($$ UPDATE member.value_setting SET dormant_days = 20 $$, '23514', NULL, 'settings that contradict each other are refused');
SELECT * FROM finish();
