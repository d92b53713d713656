-- The dictionaries of tags that presets bring: whole, published without a fault, and alive from the first event on.
\set ON_ERROR_STOP 1
SET client_min_messages = error;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT * FROM no_plan();
SELECT is(member.setup('retail', tags => true), 1, 'retail is set up with its tags');
SELECT is((SELECT count(*) FROM member.tag), 63::bigint, 'so many');
DROP EXTENSION member CASCADE;
CREATE EXTENSION member;
SELECT is(member.setup('tea', tags => true), 1, 'and so is tea');
SELECT is((SELECT count(*) FROM member.tag), 68::bigint, 'so many');
SELECT cmp_ok((SELECT count(DISTINCT (dimension, sub_dimension)) FROM member.tag WHERE dimension <> 'segment'), '>=', 22::bigint, 'in 22 sub-dimensions at least');
SELECT is_empty('SELECT code FROM member.tag WHERE length(code) > 10', 'names are short enough for the platform');
SELECT is_empty('SELECT code FROM member.tag WHERE (rule IS NULL) = (on_event IS NULL)', 'each has a rule');
SELECT is_empty($$SELECT * FROM member_internal.program_errors()$$, 'without a fault');
SELECT throws_ok('SELECT member.setup(''tea'', tags => NULL)', 'MB003', NULL, 'set up once');

SELECT NULL FROM member.enroll('scan', attributes => '{"gender": "F", "birthday": "2003-03-03", "city": "上海"}');
SELECT count(member.event_record(1, 'read', category => 'tech', attributes => '{"seconds": 110}')) AS events FROM generate_series(1, 3);
SELECT count(member.event_record(1, 'menu', category => 'mall')) AS events FROM generate_series(1, 2);
SELECT NULL FROM member.event_record(1, 'task_given') a, member.event_record(1, 'task_done') b;
SELECT set_eq('SELECT tag FROM member.tags_of(1)', '{爱看技术解析,长停留,关注积分商城,任务达人}'::text[], 'behaviour counts at once');
SELECT NULL FROM generate_series(1, 4) n, member.purchase_record(1, 'P' || n, 36, attributes => '{"coupon": "second"}', at => timestamptz '2026-02-24 14:30+08' + n * interval '1 day',
    lines => '[{"product": "p", "category": "fruit_tea", "amount": 30, "list_amount": 90}, {"product": "q", "category": "cake", "amount": 6, "list_amount": 10}]');
CALL member.daily_run();
SELECT set_eq('SELECT tag FROM member.tags_of(1)', '{爱看技术解析,长停留,关注积分商城,任务达人,女性,18至24岁,一线城市,扫码入会,新会员,新手,VIP群,爱用券,价格敏感,高客单,高频,水果茶控,偏好水果茶,第二杯用户,下午茶时段,沉睡}'::text[],
    'the rest with the daily run; the scores of an only buyer are all 1');
SELECT is(member.tags_refresh(), 0::bigint, 'and stays');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT * FROM finish();
