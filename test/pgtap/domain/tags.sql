-- Tags: by hand and by rule, every change told; audiences of a rule.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT * FROM no_plan();

SELECT is(member.setup('retail'), 1, 'a program');
SELECT NULL FROM generate_series(1, 12) n, member.enroll('shop', store => 'S' || n % 3, attributes => jsonb_build_object('city', CASE WHEN n % 2 = 0 THEN '上海' ELSE '杭州' END), at => '2026-02-01', key => n::text);
SELECT NULL FROM generate_series(1, 6) n, generate_series(1, n) k, member.purchase_record(n, 'P' || n || '-' || k, 100, at => timestamptz '2026-02-20 09:00+08' + make_interval(hours => k));

-- ---- by hand ----

INSERT INTO member.tag (code, dimension, sub_dimension, weight, half_life, lifetime_days)
VALUES ('vegan', 'preference', 'food', 1, 0, NULL), ('tea', 'preference', 'taste', 0.8, 30, 90);
SELECT is(member.tag_set(1, 'vegan', reason => 'told us', actor => 'staff 1'), true, 'a tag is set');
SELECT is(member.tag_set(1, 'vegan', reason => 'told us', actor => 'staff 1'), false, 'again it changes nothing');
SELECT is(member.tag_set(1, 'tea'), true, 'one with a lifetime');
SELECT results_eq('SELECT tag, weight, since, until, by_rule, reason FROM member.tags_of(1)',
    $$ VALUES ('vegan', 1::float8, '2026-03-01'::date, NULL::date, false, 'told us'), ('tea', 0.8, '2026-03-01', '2026-05-30', false, NULL) $$,
    'tags of a member, why and until when');
SELECT is((SELECT weight FROM member.tags_of(1, '2026-03-31') WHERE tag = 'tea'), 0.4::float8, 'the weight halves in its half-life');
SELECT is((SELECT count(*) FROM member.tags_of(1, '2026-05-29') WHERE tag = 'tea'), 1::bigint, 'the day before its end it is there');
SELECT is((SELECT count(*) FROM member.tags_of(1, '2026-05-30') WHERE tag = 'tea'), 0::bigint, 'on its end it is not');
SELECT is(member.tag_set(1, 'tea', weight => 0.5, until => '2026-04-01'), true, 'other weight and end');
SELECT results_eq($$ SELECT weight, until FROM member.tags_of(1) WHERE tag = 'tea' $$, $$ VALUES (0.5::float8, '2026-04-01'::date) $$, 'replace those before');
SET member.clock = '2026-03-02 10:00+08';
SELECT is(member.tag_unset(1, 'vegan', 'asked to', 'staff 2'), true, 'a tag is dropped');
SELECT is(member.tag_unset(1, 'vegan'), false, 'what is not there is not dropped');
SELECT results_eq($$ SELECT day, kind, by_rule, weight, reason, actor FROM member.tag_change WHERE member_id = 1 ORDER BY booked_at, tag_id $$,
    $$ VALUES ('2026-03-01'::date, 'set', false, 1::float8, 'told us', 'staff 1'), ('2026-03-01', 'set', false, 0.5, NULL, NULL), ('2026-03-02', 'drop', false, NULL, 'asked to', 'staff 2') $$,
    'each change is told; of several at one moment the last');
SELECT throws_ok($$ SELECT member.tag_set(1, 'vegn') $$, 'MB703', 'unknown tag "vegn"', 'a tag that is not in the dictionary');
SELECT throws_ok($$ SELECT member.tag_set(99, 'vegan') $$, 'MB101', NULL, 'an unknown member');
SELECT throws_ok($$ SELECT member.tag_set(1, 'vegan', weight => -1) $$, 'MB702', NULL, 'a negative weight');
SELECT throws_ok($$ SELECT member.tags_of(99) $$, 'MB101', NULL, 'tags of an unknown member');

-- ---- by rule ----

INSERT INTO member.tag (code, dimension, sub_dimension, rule) VALUES
    ('frequent', 'preference', 'frequency', 'orders(30d) >= 4'),
    ('asleep', 'behaviour', 'silence', 'recency >= 30d'),
    ('big', 'segment', '', '#frequent and spend(12mo) >= 500'),
    ('shanghai', 'basic', 'region', 'city = ''上海''');
SELECT is(member.tags_refresh(), 0::bigint, 'a draft changes nothing');
SELECT is(member.publish('tags'), 2, 'published');
SELECT is(member.tags_refresh(), 7::bigint, 'then it counts');
SELECT is(member.tags_refresh(), 0::bigint, 'once');
SELECT results_eq('SELECT t.code, array_agg(m.member_id ORDER BY m.member_id) FROM member.tag t, member.tags m WHERE t.rule IS NOT NULL AND t.tag_id = ANY (m.by_rule) GROUP BY t.code ORDER BY t.code',
    $$ VALUES ('big', '{5,6}'::bigint[]), ('frequent', '{4,5,6}'), ('shanghai', '{2,4,6,8,10,12}') $$, 'who has which, also of a rule on a tag by rule');
SELECT is((SELECT tags::text FROM member.tags WHERE member_id = 1), '2*0.5@2026-03-01/2026-04-01~30', 'what was set by hand stays');
SELECT throws_ok($$ SELECT member.tag_set(1, 'frequent') $$, 'MB704', 'tag "frequent" is kept by a rule', 'nobody sets by hand what a rule keeps');
SELECT results_eq('SELECT tag FROM member.rules_of(6)', $$ VALUES ('shanghai'), ('frequent'), ('big') $$, 'the rules that hold of a member');
SELECT results_eq($$ SELECT condition, actual, missing, holds FROM member.rule_explain(4, 'orders(30d) >= 6 or #shanghai') $$,
    $$ VALUES ('orders(30d) >= 6', '4', 2::numeric, false), ('#shanghai', 'true', NULL, true) $$, 'and why a rule does');

-- a day comes, nothing else: the daily run flips what depends on time alone
SET member.clock = '2026-03-21 00:10+08';
SELECT is(member.audience_count('#frequent'), 3::bigint, 'what is stored stays until the daily run');
CALL member.daily_run();
SELECT is(member.audience_count('#frequent'), 3::bigint, 'after 30 days all were within 30 days');
SET member.clock = '2026-03-22 00:10+08';
CALL member.daily_run();
SELECT results_eq($$ SELECT kind, code, count(*) FROM member.tag_change c JOIN member.tag USING (tag_id) WHERE c.day = '2026-03-22' GROUP BY 1, 2 ORDER BY 1, 2 $$,
    $$ VALUES ('drop', 'big', 2::bigint), ('drop', 'frequent', 3), ('set', 'asleep', 6) $$, 'the day after they are not: each told');
SELECT results_eq('SELECT tag FROM member.rules_of(6, ''2026-03-21'')', $$ VALUES ('shanghai'), ('frequent') $$, 'rules can be asked of another day; tags in them are those of today');

-- a rule that goes
UPDATE member.tag SET rule = NULL WHERE code = 'asleep';
SELECT is(member.publish('no asleep'), 3, 'a tag that loses its rule');
SELECT is(member.tags_refresh(), 6::bigint, 'is dropped where the rule had set it');
SELECT is(member.tag_set(1, 'asleep'), true, 'and then is set by hand');

-- only who was written, only one
SET member.clock = '2026-03-23 10:00+08';
SELECT NULL FROM generate_series(1, 4) k, member.purchase_record(7, 'Q' || k, 10);
SELECT NULL FROM generate_series(1, 4) k, member.purchase_record(8, 'R' || k, 10);
SELECT is(member.tags_refresh(only_member => 7), 1::bigint, 'one member');
SELECT is(member.tags_refresh(touched_since => '2026-03-23 00:00+08'), 1::bigint, 'those written since a moment');
SELECT is(member.audience_count('#frequent'), 2::bigint, 'both have it now');

-- ---- publishing refuses ----

INSERT INTO member.tag (code, dimension, rule) VALUES ('a', 'segment', '#b'), ('b', 'segment', 'not #a'), ('c', 'segment', 'spnd(30d) > 1');
CREATE FUNCTION pg_temp.faults() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    faults text;
BEGIN
    PERFORM member.publish('x');
    RETURN 'none';
EXCEPTION WHEN SQLSTATE 'MB005' THEN
    GET STACKED DIAGNOSTICS faults = PG_EXCEPTION_DETAIL;
    RETURN faults;
END
$$;
SELECT is(pg_temp.faults(), E'tag c: invalid rule: unknown word "spnd". At character 1: expected a measure, an attribute, a wallet or a stream. In: spnd(30d) > 1\n'
    'tag a: its rule depends on itself through other tags\ntag b: its rule depends on itself through other tags', 'all faults at once');
DELETE FROM member.tag WHERE code IN ('a', 'b', 'c', 'frequent');
SELECT is(pg_temp.faults(), E'tag big: invalid rule: unknown tag "frequent". At character 2: there is no tag of this name. In: #frequent and spend(12mo) >= 500\n'
    'tag 3: members have it: it can''t be deleted', 'nor is a tag deleted that members have');

UPDATE member.tag SET rule = replace(rule, '#frequent and', '') WHERE code = 'big';
INSERT INTO member.tag (tag_id, code, dimension, rule) VALUES (3, 'frequent', 'preference', 'orders(30d) >= 4');
SELECT is(member.publish('mended'), 4, 'mended, it is published');

-- ---- audiences ----

SELECT NULL FROM member.tags_refresh();
SELECT results_eq($$ SELECT * FROM member.audience('orders(12mo) >= 4') $$, $$ VALUES (4::bigint), (5), (6), (7), (8) $$, 'whom a rule holds of');
SELECT results_eq($$ SELECT * FROM member.audience('orders(12mo) >= 4', after => 5, max_rows => 2) $$, $$ VALUES (6::bigint), (7) $$, 'by pages');
SELECT results_eq($$ SELECT * FROM member.audience('#shanghai and orders(12mo) >= 4', after => 4) $$, $$ VALUES (6::bigint), (8) $$, 'by the index of tags, by pages too');
SELECT is_empty($$ SELECT * FROM member.audience('#shanghai and not #shanghai') $$, 'of nobody');
SELECT is(member.audience_count('true'), 12::bigint, 'of everybody');
SELECT is(member.audience_count('orders(30d) >= 4', '2026-03-21'), 3::bigint, 'on another day, without what came later');
SELECT results_eq($$ SELECT * FROM member.audience_overlap('#shanghai', 'orders(12mo) >= 4') $$, $$ VALUES (12::bigint, 6::bigint, 5::bigint, 3::bigint, 1.2000) $$, 'two audiences: in each, in both, lift');
SELECT results_eq($$ SELECT * FROM member.tag_cross() WHERE tag_a = 'frequent' OR tag_b = 'frequent' $$, $$ VALUES ('frequent', 'shanghai', 1::bigint, 0.0833, 1.0000) $$, 'tags that go together');
SELECT is(member.tag_set(8, 'vegan'), true, 'one more tag');
SELECT results_eq($$ SELECT * FROM member.tag_cross('shanghai') $$, $$ VALUES ('vegan', 'frequent', 1::bigint, 0.1667, 6.0000) $$, 'and with a third');
SELECT throws_ok($$ SELECT member.audience('spend(') $$, 'MB801', NULL, 'a rule that is none');
SELECT throws_ok($$ SELECT member.audience(NULL) $$, '22004', NULL, 'no rule');
SELECT throws_ok($$ SELECT member.audience('true', max_rows => -1) $$, 'MB502', NULL, 'a negative page');
SELECT throws_ok($$ SELECT * FROM member.tag_cross('none') $$, 'MB703', NULL, 'a tag that is not there');

-- whoever left is in no audience and has no call
UPDATE member.state SET active = false WHERE member_id = 8;
SELECT is(member.audience_count('#shanghai'), 5::bigint, 'who left is in no audience');
SELECT throws_ok($$ SELECT member.tag_set(8, 'vegan') $$, 'MB102', NULL, 'and gets no tag');

SELECT * FROM finish();
