-- Events: what members do besides buying, and what they earn by it.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 08:00+08';
SELECT NULL FROM member.setup('tea');
SELECT NULL FROM generate_series(1, 9) n, member.enroll('shop', at => '2026-02-01 10:00+08', key => n::text);
SELECT * FROM no_plan();

-- ---- sign-in: 1 to 5 points by the days in a row, growth besides, 10 more each seventh day ----

CREATE TEMP TABLE given (day date, points bigint, growth bigint);
DO $$
DECLARE
    d date;
BEGIN
    FOR d IN SELECT generate_series('2026-03-01'::date, '2026-03-16', '1 day') LOOP
        CONTINUE WHEN d = '2026-03-10';
        PERFORM set_config('member.clock', d || ' 08:00+08', false);
        INSERT INTO given SELECT d, points FROM member.event_record(1, 'signin');
        UPDATE given SET growth = member.total(e.delta, 2::smallint) FROM (SELECT delta FROM member.entry WHERE member_id = 1 ORDER BY entry_no DESC LIMIT 1) e WHERE day = d;
    END LOOP;
END $$;
SELECT results_eq('SELECT points FROM given ORDER BY day', 'VALUES (1::bigint), (2), (3), (4), (5), (5), (15), (5), (5), (1), (2), (3), (4), (5), (5)', 'sixteen days, the tenth missed');
SELECT results_eq('SELECT growth FROM given ORDER BY day', 'VALUES (1::bigint), (1), (1), (1), (1), (1), (6), (1), (1), (1), (1), (1), (1), (1), (1)', 'growth each day, five more on the seventh');
SELECT is(points, 0::bigint, 'a second sign-in of a day gives nothing') FROM member.event_record(1, 'signin');
SELECT is(member.points_balance(1, 'growth'), 20::bigint, 'no growth either');

-- ---- daily tasks ----

SELECT is(points, 2::bigint, 'browsing gives 2') FROM member.event_record(2, 'browse', 'coffee', 12.5, '{"sku": "L1"}', actor => 'app', key => 'b1');
SELECT is(points, 0::bigint, 'once a day') FROM member.event_record(2, 'browse');
SELECT is(points, 3::bigint, 'sharing gives 3') FROM member.event_record(2, 'share');
SELECT is(member.points_balance(2, 'growth'), 2::bigint, 'and each a point of growth');
SELECT row_eq($$ SELECT * FROM member.event_record(2, 'browse', 'coffee', 12.5, '{"sku": "L1"}', actor => 'app', key => 'b1') $$,
    ROW(2, 1, 'event', '2026-03-16 08:00+08', 'points', 2, 2, 'normal')::member.receipt, 'the same call with its key: the first receipt');
SELECT throws_ok($$ SELECT member.event_record(2, 'browse', 'tea', 12.5, '{"sku": "L1"}', actor => 'app', key => 'b1') $$, 'MB404', NULL, 'another category under its key is refused');
SELECT results_eq('SELECT kind, category, value, attributes FROM member.event WHERE member_id = 2 ORDER BY entry_no',
    $$ VALUES ('browse', 'coffee', 12.50, '{"sku": "L1"}'::jsonb), ('browse', NULL, NULL, NULL), ('share', NULL, NULL, NULL) $$, 'the events as they were told');

-- ---- any other kind is kept and gives nothing ----

SELECT row_eq($$ SELECT * FROM member.event_record(3, 'article_read', 'brewing', 300) $$, ROW(3, 1, 'event', '2026-03-16 08:00+08', 'points', 0, 0, 'normal')::member.receipt, 'a kind without a stream');
SELECT is((SELECT activity::text FROM member.state WHERE member_id = 3), 'empty', 'is not counted');
SELECT is((SELECT count(*)::int FROM member.event WHERE member_id = 3), 1, 'but kept');
SELECT is(points, 0::bigint, 'the name of the purchases'' stream is no kind that counts') FROM member.event_record(3, 'orders', value => 100);
SELECT is((SELECT activity::text FROM member.state WHERE member_id = 3), 'empty', 'nobody buys by an event');

-- ---- runs of one category ----

SELECT NULL FROM (VALUES (1, 'coffee'), (2, 'coffee'), (3, 'tea'), (4, 'tea'), (5, 'tea')) v (n, category), member.event_record(4, 'browse', v.category, key => v.n::text);
SELECT is((SELECT member.run(activity, 3::smallint, (SELECT category_id FROM member.category WHERE code = 'tea')) FROM member.state WHERE member_id = 4), 3::bigint, 'three of one category in a row');
SELECT is((SELECT member.run(activity, 3::smallint, (SELECT category_id FROM member.category WHERE code = 'coffee')) FROM member.state WHERE member_id = 4), 0::bigint, 'the run before it is over');
SELECT is((SELECT count(*)::int FROM member.category WHERE code IN ('coffee', 'tea', 'brewing')), 3, 'a category is known once it was named');

-- ---- late events ----

SELECT is(points, 1::bigint, 'a late sign-in counts on its own day') FROM member.event_record(5, 'signin', at => '2026-03-14 23:00+08');
SELECT is(points, 2::bigint, 'as the day before the next') FROM member.event_record(5, 'signin', at => '2026-03-15 00:00+08');
SELECT is(points, 3::bigint, 'today is the third in a row') FROM member.event_record(5, 'signin');
SELECT is((SELECT activity::text FROM member.state WHERE member_id = 5), '2{2026-03-14:1, 2026-03-15:1, 2026-03-16:1}', 'three days');
SELECT is(points, 0::bigint, 'a second of a day that had its one') FROM member.event_record(5, 'signin', at => '2026-03-14 01:00+08');
SELECT is((SELECT lots::text FROM member.state WHERE member_id = 5), '1:6/2026-10-01,2:3/2027-04-01', 'points last from the day they are for');
-- months later a day is kept with its month only: nothing is given twice for it
SET member.clock = '2026-07-16 08:00+08';
SELECT NULL FROM member.event_record(5, 'signin');
SELECT is(points, 0::bigint, 'a day of a month that is folded') FROM member.event_record(5, 'signin', at => '2026-03-15 08:00+08');

-- ---- taking back what an event gave ----

SET member.clock = '2026-07-17 08:00+08';
SELECT NULL FROM member.event_record(6, 'signin');
SELECT is(points || ' ' || balance, '-1 0', 'points') FROM member.points_reverse(6, 1);
SELECT is(member.points_balance(6, 'growth'), 0::bigint, 'and growth');
SELECT throws_ok('SELECT member.points_reverse(3, 1)', 'MB206', NULL, 'an event that gave nothing has nothing to reverse');
-- an event that gave in another wallet only
UPDATE member.earn_rule SET give = '{0}' WHERE code = 'share';
SELECT NULL FROM member.publish('sharing gives growth only');
SELECT is(points, 0::bigint, 'sharing gives no points') FROM member.event_record(7, 'share');
SELECT is(member.points_balance(7, 'growth'), 1::bigint, 'but growth');
SELECT lives_ok('SELECT member.points_reverse(7, 1)', 'it can be reversed too');
SELECT is(member.points_balance(7, 'growth'), 0::bigint, 'the growth is gone');
SELECT throws_ok('SELECT member.points_reverse(7, 1)', 'MB206', NULL, 'once');

SET client_min_messages = error;
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT is_empty('SELECT s.member_id, r.part, r.stored, r.replayed FROM member.state s, member.replay(s.member_id) r WHERE NOT r.same', 'replay makes the same of the facts');
SELECT * FROM finish();
