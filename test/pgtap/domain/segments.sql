-- Tags of many members at once, how common each is, core tags, saved segments, personas.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT * FROM no_plan();

SELECT is(member.setup('retail'), 1, 'a program');
SELECT NULL FROM generate_series(1, 12) n, member.enroll('shop', store => 'S' || n % 3, at => '2026-02-01', key => n::text, attributes =>
    jsonb_strip_nulls(jsonb_build_object('gender', (ARRAY['female', 'male', NULL])[1 + n % 3], 'city', CASE WHEN n % 2 = 0 THEN '上海' ELSE '杭州' END, 'birthday', CASE WHEN n <> 5 THEN (1980 + 2 * n) || '-03-01' END)));
SELECT NULL FROM generate_series(1, 6) n, generate_series(1, n) k, member.purchase_record(n, 'P' || n || '-' || k, 100, at => timestamptz '2026-02-20 09:00+08' + make_interval(days => k), key => 'p' || n || '-' || k);
SELECT NULL FROM member.purchase_record(1, 'L', 30, at => '2026-03-01 09:00+08',
    lines => '[{"product": "a", "category": "tea", "quantity": 1, "amount": 20}, {"product": "b", "category": "cake", "quantity": 1, "amount": 10}]');
SELECT NULL FROM member.event_record(1, 'signin', at => '2026-03-01 09:30+08');
UPDATE member.state SET active = false WHERE member_id = 12;
INSERT INTO member.tag (code, dimension, weight, half_life, lifetime_days, rule) VALUES
    ('vegan', 'preference', 1, 0, NULL, NULL), ('tea', 'preference', 0.8, 30, 90, NULL),
    ('frequent', 'behaviour', 1, 0, NULL, 'orders(30d) >= 4'), ('asleep', 'behaviour', 1, 0, NULL, 'recency >= 6d'),
    ('big', 'segment', 1, 0, NULL, '#frequent and spend(12mo) >= 500'), ('shanghai', 'basic', 1, 0, NULL, 'city = ''上海''');
SELECT is(member.publish('tags'), 2, 'with tags');

-- ---- many at once ----

SELECT results_eq($$ SELECT * FROM member.tag_set_many('tea', ARRAY(SELECT member_id FROM member.audience('orders >= 4')) || ARRAY[4, 12, 99]::bigint[], actor => 'campaign', reason => 'tasting') $$,
    $$ VALUES (4::bigint, 'set'), (5, 'set'), (6, 'set'), (12, 'not active'), (99, 'unknown') $$, 'a row for each, given twice or not');
SELECT results_eq($$ SELECT * FROM member.tag_set_many('tea', '{3,4,5,6}') $$, $$ VALUES (3::bigint, 'set'), (4, 'unchanged'), (5, 'unchanged'), (6, 'unchanged') $$, 'again only what is new');
SELECT results_eq('SELECT tag, weight, since, until, reason FROM member.tags_of(4)', $$ VALUES ('tea', 0.8::float8, '2026-03-01'::date, '2026-05-30'::date, 'tasting') $$, 'as tag_set() does it');
SELECT results_eq($$ SELECT * FROM member.tag_unset_many('tea', '{1,3}', actor => 'campaign') $$, $$ VALUES (1::bigint, 'unchanged'), (3, 'drop') $$, 'taken away');
SELECT results_eq('SELECT member_id, kind, actor FROM member.tag_change WHERE tag_id = 2 ORDER BY 1, 2', $$ VALUES (3::bigint, 'drop', 'campaign'), (3, 'set', NULL), (4, 'set', 'campaign'), (5, 'set', 'campaign'), (6, 'set', 'campaign') $$,
    'each change is told once');
SELECT throws_ok($$ SELECT member.tag_set_many('vegn', '{1}') $$, 'MB703', 'unknown tag "vegn"', 'a tag that is not in the dictionary');
SELECT throws_ok($$ SELECT member.tag_set_many('big', '{1}') $$, 'MB704', 'tag "big" is kept by a rule', 'one that a rule keeps');
SELECT throws_ok($$ SELECT member.tag_unset_many('big', '{1}') $$, 'MB704', 'tag "big" is kept by a rule', 'is not taken either');
SELECT throws_ok($$ SELECT member.tag_set_many('vegan', '{1}', weight => -1) $$, 'MB702', NULL, 'a negative weight');
SELECT throws_ok($$ SELECT member.tag_set_many('vegan', NULL) $$, '22004', 'argument "members" must not be null', 'nobody');
SELECT is_empty($$ SELECT member.tag_set_many('vegan', '{}') $$, 'an empty list');

-- the one is the many: the same tags and the same history
CREATE FUNCTION pg_temp.told() RETURNS text LANGUAGE sql AS
    $$ SELECT string_agg(concat_ws('|', m.member_id, m.tags, c.n), ' ' ORDER BY m.member_id) FROM member.tags m CROSS JOIN LATERAL (SELECT count(*) AS n FROM member.tag_change h WHERE h.member_id = m.member_id) c WHERE m.tags::text <> '' $$;
CREATE FUNCTION pg_temp.one_by_one(many boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    told text;
BEGIN
    PERFORM setseed(0.3);
    FOR n IN 1 .. 40 LOOP
        DECLARE
            who bigint[] := ARRAY(SELECT g FROM generate_series(1, 11) g WHERE random() < 0.4);
            t text := CASE WHEN random() < 0.5 THEN 'vegan' ELSE 'tea' END;
            w double precision := 0.1 * floor(1 + 9 * random());
            give boolean := random() < 0.6;
        BEGIN
            PERFORM set_config('member.clock', (timestamptz '2026-03-02 10:00+08' + n * interval '7 hours')::text, true);
            IF many AND give THEN PERFORM member.tag_set_many(t, who, w);
            ELSIF many THEN PERFORM member.tag_unset_many(t, who);
            ELSIF give THEN PERFORM member.tag_set(u, t, w) FROM unnest(who) u;
            ELSE PERFORM member.tag_unset(u, t) FROM unnest(who) u;
            END IF;
        END;
    END LOOP;
    told := pg_temp.told();
    RAISE EXCEPTION USING ERRCODE = 'P0099', MESSAGE = told;
EXCEPTION WHEN SQLSTATE 'P0099' THEN RETURN told;
END
$$;
SELECT is(pg_temp.one_by_one(true), pg_temp.one_by_one(false), '40 random lists: one call for many leaves what a call for each leaves');
SELECT isnt(pg_temp.one_by_one(true), pg_temp.told(), 'which is something');

-- ---- how common, and what tells most ----

SELECT is(member.tags_refresh(), 7::bigint, 'everybody is looked at');
SELECT results_eq($$ SELECT tag, members, share, rarity FROM member_report.tag ORDER BY tag COLLATE "C" $$, $$ VALUES
    ('asleep', 2::bigint, 18.18, round(ln(11 / 2.0), 4)), ('big', 2, 18.18, round(ln(11 / 2.0), 4)), ('frequent', 3, 27.27, round(ln(11 / 3.0), 4)),
    ('shanghai', 5, 45.45, round(ln(11 / 5.0), 4)), ('tea', 3, 27.27, round(ln(11 / 3.0), 4)), ('vegan', 0, 0.00, round(ln(11.0), 4)) $$, 'each tag is counted, of the active');
SELECT results_eq('SELECT place, tag, round(score::numeric, 4) FROM member.core_tags(6)', $$ VALUES (1::bigint, 'frequent', round(ln(11 / 3.0), 4)), (2, 'tea', round(0.8 * ln(11 / 3.0), 4)), (3, 'shanghai', round(ln(11 / 5.0), 4)) $$,
    'core tags: weight times rarity, no segment');
SELECT results_eq($$ SELECT place, tag FROM member.core_tags(6, 2, '2026-03-31') $$, $$ VALUES (1::bigint, 'frequent'), (2, 'shanghai') $$, 'on a later day a weight that decays tells less');
SELECT is_empty('SELECT * FROM member.core_tags(1, 0)', 'none of none');
SELECT throws_ok('SELECT member.core_tags(99)', 'MB101', 'unknown member 99', 'of an unknown member');
SELECT throws_ok('SELECT member.core_tags(1, -1)', 'MB502', 'max_rows is negative: -1', 'a negative number of rows');

-- ---- segments ----

SELECT results_eq('SELECT segment, members, share, entered_30d, left_30d FROM member_report.segment', $$ VALUES ('big', 2::bigint, 18.18, 2::bigint, 0::bigint) $$, 'a segment and its size');
SELECT results_eq('SELECT segment, member_id, since FROM member_report.segment_members ORDER BY 2', $$ VALUES ('big', 5::bigint, '2026-03-01'::date), ('big', 6, '2026-03-01') $$, 'who is in it, since when');
SET member.clock = '2026-03-24 00:10+08';
CALL member.daily_run();
SET member.clock = '2026-03-25 00:10+08';
CALL member.daily_run();
SET member.clock = '2026-03-26 00:10+08';
CALL member.daily_run();
SELECT results_eq('SELECT day, member_id, event FROM member_report.segment_events ORDER BY 1, 2, 3', $$ VALUES ('2026-03-01'::date, 5::bigint, 'enter'), ('2026-03-01', 6, 'enter'), ('2026-03-24', 5, 'leave'), ('2026-03-25', 6, 'leave') $$,
    'who enters and leaves, on which day');
SELECT is_empty('SELECT * FROM member_report.segment_members', 'nobody is left');
SELECT results_eq('SELECT members, entered_30d, left_30d FROM member_report.segment', $$ VALUES (0::bigint, 2::bigint, 2::bigint) $$, 'and counted anew by the daily run');

-- ---- personas ----

SELECT results_eq('SELECT gender, age, city, channel, store, tenure_days, tier, orders_12mo, spend_12mo, mean_order_12mo, last_order, recency_days, mean_gap_days, top_category, points, events_30d, last_active, core_tags, segments
    FROM member_report.persona WHERE member_id = 1', $$ VALUES ('male', 44, '杭州', 'shop', 'S1', 53, (SELECT code FROM member.tier_level WHERE ladder_id = 1 AND level = 0),
    2::bigint, 130.00, 65.00, '2026-03-01'::date, 25, 8.0, 'tea', 131::bigint, 1::bigint, '2026-03-01'::date, '{asleep}'::text[], '{}'::text[]) $$, 'basic attributes, purchases and interaction of a member');
SELECT results_eq('SELECT member_id, age, gender, orders_12mo, spend_12mo, last_order, top_category, last_active, core_tags FROM member_report.persona WHERE member_id IN (5, 8) ORDER BY 1',
    $$ VALUES (5::bigint, NULL::integer, NULL::text, 5::bigint, 500.00, '2026-02-25'::date, NULL::text, '2026-02-25'::date, '{asleep,tea}'::text[]), (8, 30, NULL, 0, 0.00, NULL, NULL, NULL, '{shanghai}') $$,
    'what is not known is null');
SELECT is((SELECT count(*) FROM member_report.persona), 11::bigint, 'of all who are active');
SELECT is_empty('SELECT p.member_id FROM member_report.persona p WHERE p.core_tags IS DISTINCT FROM ARRAY(SELECT c.tag FROM member.core_tags(p.member_id) c ORDER BY c.place)', 'with the core tags that core_tags() gives');
SELECT results_eq($$ SELECT field, value, members, share, share_of_all, index FROM member.audience_persona('orders(12mo) >= 4') WHERE field IN ('gender', 'age', 'city', 'core_tag') $$,
    $$ VALUES ('gender', 'female', 1::bigint, 33.33, 27.27, 122.0), ('gender', 'male', 1, 33.33, 36.36, 92), ('age', '25-35', 1, 33.33, 45.45, 73), ('age', '36-', 1, 33.33, 36.36, 92),
              ('city', '上海', 2, 66.67, 45.45, 147), ('city', '杭州', 1, 33.33, 54.55, 61), ('core_tag', 'asleep', 3, 100.00, 54.55, 183), ('core_tag', 'tea', 3, 100.00, 27.27, 367), ('core_tag', 'shanghai', 2, 66.67, 45.45, 147) $$,
    'an audience against all: percent, and how typical');
SELECT is_empty($$ SELECT * FROM member.audience_persona('false') $$, 'of nobody');
SELECT throws_ok($$ SELECT * FROM member.audience_persona('spend(') $$, 'MB801', NULL, 'a rule that is none');
SELECT throws_ok($$ SELECT * FROM member.audience_persona(NULL) $$, '22004', NULL, 'no rule');

SELECT * FROM finish();
