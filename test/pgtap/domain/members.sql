-- Members: enrolling, the values that are theirs, exactly once.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('tea', '茶语');
SELECT * FROM no_plan();

-- ---- a member ----

SELECT is(member.enroll(channel => 'shop'), 1::bigint, 'enroll(channel => ''shop'') makes member 1');
SELECT is(member.enroll('scan', '13800000002', 'o2', 'u2', 'e2', '李四', 'SH01', '{"gender": "F"}', '2026-02-20 08:00+08', 'till 3', 'k2'), 2::bigint, 'the next is 2');
SELECT row_eq('SELECT * FROM member.member WHERE member_id = 1',
    ROW(1, '2026-03-01 10:00+08', 'active', 'shop', NULL, NULL, '{}')::member.member, 'it joined now, and nothing else is known');
SELECT row_eq('SELECT * FROM member.member WHERE member_id = 2',
    ROW(2, '2026-02-20 08:00+08', 'active', 'scan', 'SH01', '李四', '{"gender": "F"}')::member.member, 'or with all that is known, when it said');
SELECT results_eq('SELECT lots::text, activity::text, standing::text, entries, active, at FROM member.state ORDER BY member_id',
    $$ VALUES ('empty', 'empty', 'empty', 0, true, NULL::timestamptz), ('empty', 'empty', 'empty', 0, true, NULL) $$, 'a new member has nothing and did nothing');
SELECT is(member.points_balance(1), 0::bigint, 'no points');
SELECT is(member.tier_of(1), 'normal', 'the lowest level');
SELECT is_empty('SELECT * FROM member.points_statement(1)', 'no statement');

-- ---- the values that are theirs ----

SELECT is(member.find('phone', '13800000002'), 2::bigint, 'found by phone');
SELECT is(member.find('openid', 'o2'), 2::bigint, 'by openid');
SELECT is(member.find('unionid', 'u2'), 2::bigint, 'by unionid');
SELECT is(member.find('external', 'e2'), 2::bigint, 'by the brand''s own key');
SELECT is(member.find('phone', '13800000003'), NULL, 'an unknown phone is nobody''s');
SELECT is(member.find('openid', '13800000002'), NULL, 'a phone is no openid');
SELECT NULL FROM member.purchase_record(1, 'P1', 10);
SELECT is(member.find('purchase', 'P1'), 1::bigint, 'and by the number of a purchase');

SELECT throws_ok($$ SELECT member.enroll('shop', phone => '13800000009', openid => 'o2') $$, 'MB103', 'openid "o2" belongs to another member', 'a value is one member''s only');
SELECT is(member.find('phone', '13800000009'), NULL, 'and a refused enrolment takes nothing');
SELECT results_eq('SELECT count(*) FROM member.member', 'VALUES (2::bigint)', 'nor leaves a member');

-- ---- exactly once ----

SELECT is(member.enroll('scan', '13800000002', 'o2', 'u2', 'e2', '李四', 'SH01', '{"gender": "F"}', '2026-02-20 08:00+08', 'till 3', 'k2'), 2::bigint, 'the same call with its key: the same member');
SELECT results_eq('SELECT count(*) FROM member.member', 'VALUES (2::bigint)', 'and no other');
SELECT throws_ok($$ SELECT member.enroll('scan', '13800000002', 'o2', 'u2', 'e2', '李四', 'SH02', '{"gender": "F"}', '2026-02-20 08:00+08', 'till 3', 'k2') $$, 'MB404', NULL, 'the same key with another argument is refused');
SELECT isnt(member.enroll('shop'), member.enroll('shop'), 'without a key each call is a member');
SELECT lives_ok($$ SELECT member.points_earn(1, 5, key => 'k2') $$, 'the key of an enrolment is free for a write');

-- ---- the welcome ----

SELECT results_eq($$ SELECT member_id, template, class, marketing, body, not_before FROM member.outbox WHERE template = 'welcome' AND member_id <= 2 ORDER BY 1 $$,
    $$ VALUES (1::bigint, 'welcome', 'benefit', false, '欢迎加入茶语会员!消费、签到均可获得积分,点此查看您的会员权益。', '2026-03-01 10:00+08'::timestamptz), (2, 'welcome', 'benefit', false, '欢迎加入茶语会员!消费、签到均可获得积分,点此查看您的会员权益。', '2026-02-20 08:00+08') $$,
    'one welcome each, with the brand''s name');

-- ---- a member who is frozen ----

UPDATE member.state SET active = false WHERE member_id = 2;
UPDATE member.member SET status = 'frozen' WHERE member_id = 2;
SELECT throws_ok($$ SELECT member.points_earn(2, 5) $$, 'MB102', 'member 2 is not active', 'is not written');
SELECT is(member.points_balance(2), 0::bigint, 'but read');
SELECT is(member.tier_of(2), 'normal', 'and its level known');

SET client_min_messages = error;
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT * FROM finish();
