-- The daily run: books what time did, reminds, catches up, does nothing twice; and its schedule.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-01-01 10:00+08';
SELECT NULL FROM member.setup('tea', '茶语');
SELECT NULL FROM generate_series(1, 30) n, member.enroll('shop', key => n::text);
SELECT * FROM no_plan();

-- the daily run of each day at two in the morning
CREATE PROCEDURE pg_temp.nights(first date, last date) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 0..last - first LOOP
        PERFORM set_config('member.clock', format('%s 02:00+08', first + i), false);
        CALL member.daily_run();
    END LOOP;
END $$;

-- ---- expiry is booked on its day, reminders come 30, 15 and 3 days ahead ----

SELECT NULL FROM member.points_earn(1, 100, until => '2026-03-01');
SELECT NULL FROM member.points_earn(1, 40, until => '2026-03-20');
SELECT NULL FROM member.points_earn(2, 7, 'growth', until => '2026-03-01');
SELECT NULL FROM member.points_earn(3, 9, usable_from => '2026-02-20', until => '2026-03-01');
CALL pg_temp.nights('2026-01-02', '2026-03-02');
SELECT results_eq($$ SELECT member_id, queued_at::date, template, body FROM member.outbox WHERE template LIKE 'expire%' AND queued_at < '2026-03-02' ORDER BY queued_at, member_id $$, $$ VALUES
    (1::bigint, '2026-01-30'::date, 'expire30', '您有100积分将于2026-03-01到期,请及时使用'), (3, '2026-01-30', 'expire30', '您有9积分将于2026-03-01到期,请及时使用'),
    (1, '2026-02-14', 'expire15', '100积分将于2026-03-01到期,专属兑换已为您开启'), (3, '2026-02-14', 'expire15', '9积分将于2026-03-01到期,专属兑换已为您开启'), (1, '2026-02-18', 'expire30', '您有40积分将于2026-03-20到期,请及时使用'),
    (1, '2026-02-26', 'expire3', '仅剩3天:100积分即将失效,点此兑换'), (3, '2026-02-26', 'expire3', '仅剩3天:9积分即将失效,点此兑换') $$, 'each reminder on its day, once, of what can be spent');
SELECT results_eq($$ SELECT member_id, entry_no, at, points, balance, delta::text, key FROM member.entry WHERE kind = 'expire' ORDER BY member_id $$, $$ VALUES
    (1::bigint, 3, '2026-03-01 00:00+08'::timestamptz, -100::bigint, 40::bigint, '1:-100/2026-03-01', NULL::text), (2, 2, '2026-03-01 00:00+08', 0, 0, '2:-7/2026-03-01', NULL), (3, 2, '2026-03-01 00:00+08', -9, 0, '1:-9@2026-02-20/2026-03-01', NULL) $$,
    'expiry booked at the beginning of its day');
SELECT is(member.points_balance(1), 40::bigint, 'the balance is what it was without');

-- only who is due is touched
SELECT is((SELECT sum(done) FROM member.job_run), (SELECT count(*)::numeric FROM (SELECT DISTINCT member_id, queued_at::date FROM member.outbox WHERE template LIKE 'expire%' UNION SELECT member_id, at::date FROM member.entry WHERE kind = 'expire') x),
    'the runs touched who was due, and nobody else');
SELECT is((SELECT next_due FROM member.state WHERE member_id = 1), '2026-03-05'::date, 'and know when next: the second lot''s fifteen days');
SELECT is_empty('SELECT FROM member.state WHERE member_id > 3 AND (next_due IS NOT NULL OR at IS NOT NULL)', 'the others have nothing due');

-- ---- done is done ----

CREATE TEMP TABLE before AS SELECT (SELECT count(*) FROM member.entry) AS entries, (SELECT count(*) FROM member.outbox) AS messages, (SELECT count(*) FROM member.job_run) AS runs, (SELECT count(*) FROM member.chain_head) AS heads;
CALL member.daily_run();
CALL member.daily_run('2026-02-01');
SELECT results_eq('SELECT (SELECT count(*) FROM member.entry), (SELECT count(*) FROM member.outbox), (SELECT count(*) FROM member.job_run), (SELECT count(*) FROM member.chain_head)', 'SELECT * FROM before', 'a run of a day that is done does nothing');
SELECT throws_ok('CALL member.daily_run(''2026-03-03'')', 'MB403', 'day 2026-03-03 is in the future', 'of a day to come there is none');
SELECT is_empty('SELECT * FROM member.job_run WHERE finished_at IS NULL OR stage <> ''done''', 'every run is finished');
SELECT results_eq('SELECT min(day), max(day), count(*) FROM member.job_run', $$ VALUES ('2026-01-02'::date, '2026-03-02'::date, 60::bigint) $$, 'one a day');
SELECT is((SELECT max(day) FROM member_report.job_health), '2026-03-02'::date, 'the report shows them');

-- ---- missed days are caught up ----

SELECT NULL FROM member.points_earn(4, 11, until => '2026-04-20');
SELECT NULL FROM member.points_earn(5, 12, until => '2026-03-10');
SELECT NULL FROM member.purchase_record(6, 'P6', 60);
SET member.clock = '2026-04-10 02:00+08';
CALL member.daily_run('2026-03-09');
SELECT is((SELECT max(day) FROM member.job_run), '2026-03-09'::date, 'up to the day asked, one after the other');
SELECT is_empty('SELECT FROM member.entry WHERE member_id = 5 AND kind = ''expire''', 'what expires the day after is not booked');
CALL member.daily_run();
SELECT is((SELECT max(day) FROM member.job_run), '2026-04-10'::date, 'then up to today');
SELECT is((SELECT count(*)::int FROM member.job_run WHERE day > '2026-03-02'), 39, 'each day once');
SELECT results_eq($$ SELECT points, at FROM member.entry WHERE member_id = 5 AND kind = 'expire' $$, $$ VALUES (-12::bigint, '2026-03-10 00:00+08'::timestamptz) $$, 'expiry dated on its day, though booked a month later');
SELECT results_eq($$ SELECT template FROM member.outbox WHERE member_id = 4 AND template LIKE 'expire%' ORDER BY 1 $$, $$ VALUES ('expire15'), ('expire30') $$, 'reminders of the days missed');
SELECT is((SELECT count(*)::int FROM member.rfm_run WHERE day BETWEEN '2026-03-03' AND '2026-04-09'), 0, 'RFM cuts are made of the last day only');
SELECT is((SELECT max(day) FROM member.rfm_run), '2026-04-10'::date, 'of today');

-- ---- a member who acts on the very day, before the job ----

SET member.clock = '2026-04-10 10:00+08';
SELECT NULL FROM generate_series(7, 9) m, member.points_earn(m, 5, until => '2026-05-30');
CALL pg_temp.nights('2026-04-11', '2026-04-29');
SET member.clock = '2026-04-30 00:30+08';
SELECT NULL FROM member.event_record(7, 'look');
SELECT NULL FROM member.points_spend(8, 5);
SELECT NULL FROM member.points_spend(9, 2);
CALL pg_temp.nights('2026-04-30', '2026-04-30');
SELECT results_eq($$ SELECT member_id, vars ->> 'points' FROM member.outbox WHERE template = 'expire30' AND member_id BETWEEN 7 AND 9 ORDER BY 1 $$, $$ VALUES (7::bigint, '5'), (9, '3') $$, 'is reminded all the same, of what is left');

-- and one who acts after a day the job missed: caught up, it says the same to those who did nothing
SELECT NULL FROM generate_series(11, 12) m, member.points_earn(m, 5, until => '2026-06-01');
SET member.clock = '2026-05-04 10:00+08';
SELECT NULL FROM member.event_record(11, 'look');
CALL pg_temp.nights('2026-05-05', '2026-05-05');
SELECT results_eq($$ SELECT member_id FROM member.outbox WHERE template = 'expire30' AND member_id IN (11, 12) ORDER BY 1 $$, 'VALUES (11::bigint), (12)', 'who acts after a day the job missed is reminded as others are');

-- ---- tiers are reviewed ----

SELECT is((SELECT member.level(standing, 1::smallint) FROM member.state WHERE member_id = 6), 2::smallint, 'gold since March');
CALL pg_temp.nights('2026-05-06', '2026-07-01');
SELECT is((SELECT member.level(standing, 1::smallint) FROM member.state WHERE member_id = 6), 2::smallint, 'secured till June, and a month of grace');
CALL pg_temp.nights('2026-07-02', '2026-07-02');
SELECT is((SELECT member.level(standing, 1::smallint) FROM member.state WHERE member_id = 6), 1::smallint, 'then down, by the job');
SELECT results_eq('SELECT kind, day, from_level, to_level FROM member.tier_change WHERE member_id = 6 ORDER BY change_no', $$ VALUES ('rise', '2026-03-02'::date, 0::smallint, 2::smallint), ('fall', '2026-07-02', 2::smallint, 1::smallint) $$, 'in its history');
SELECT is((SELECT count(*)::int FROM member.outbox WHERE member_id = 6 AND template = 'tier_down'), 1, 'with a message');

-- ---- debt is paid when pending points become usable ----

SELECT NULL FROM member.points_earn(10, 20);
SELECT NULL FROM member.points_spend(10, 20);
SELECT NULL FROM member.points_reverse(10, 1);
SELECT NULL FROM member.points_earn(10, 50, usable_from => '2026-07-05', until => '2026-12-01');
SELECT is((SELECT next_due FROM member.state WHERE member_id = 10), '2026-07-05'::date, 'a debtor with pending points is due when they become usable');
CALL pg_temp.nights('2026-07-03', '2026-07-05');
SELECT is((SELECT lots::text FROM member.state WHERE member_id = 10), '1:30@2026-07-05/2026-12-01', 'and then the job books what is paid');

-- ---- chain heads ----

SELECT is_empty($$ SELECT s.member_id FROM member.state s WHERE s.entries > 0 AND NOT EXISTS (SELECT FROM member.chain_head c, unnest(c.members, c.entries, c.hashes) h (member_id, entry_no, hash)
    WHERE h.member_id = s.member_id AND h.entry_no = s.entries AND h.hash = substr(s.hash, 1, 8)) $$, 'the head of every chain is exported');
ALTER TABLE member.entry DISABLE TRIGGER ALL;
BEGIN;
UPDATE member.entry SET hash = sha256('x') WHERE member_id = 1 AND entry_no = 3;
SET LOCAL client_min_messages = error;
SELECT isnt_empty($$ SELECT FROM member.verify() WHERE problem = 'chain head is not the one exported' $$, 'who rewrites a chain is found out by the export');
ROLLBACK;
ALTER TABLE member.entry ENABLE TRIGGER ALL;

-- ---- a run that was killed goes on where it was ----

SET member.clock = '2026-07-06 02:00+08';
SELECT is(member_internal.daily_next(), '2026-07-06'::date, 'a run begins');
SELECT ok(member_internal.daily_batch('2026-07-06'), 'does a batch');
UPDATE member.job_run SET pid = 2147483647; -- and its backend is gone
SELECT is(member_internal.daily_next(), '2026-07-06'::date, 'the next to come goes on with it');
SELECT is((SELECT pid FROM member.job_run WHERE finished_at IS NULL), pg_backend_pid(), 'as its own');
CALL member.daily_run();
SELECT is((SELECT stage FROM member.job_run WHERE day = '2026-07-06'), 'done', 'and finishes it');
SELECT is(member_internal.daily_next(), NULL, 'then there is nothing to do');
SELECT throws_ok('SELECT member_internal.daily_batch(''2026-07-07'')', 'MB601', NULL, 'a day nobody began has no batches');

-- ---- the schedule, without pg_cron here ----

SELECT results_eq('SELECT job, statement, installed FROM member.jobs_install()', format($$ VALUES (%L, %L, false) $$, 'member daily ' || current_database(),
    format('SELECT cron.schedule_in_database(%L, %L, %L, %L)', 'member daily ' || current_database(), '7 * * * *', 'CALL member.daily_run()', current_database())), 'the statement to run where pg_cron lives');
SELECT matches((SELECT statement FROM member.jobs_install('5 3 * * *')), '5 3 \* \* \*', 'at the time asked');
SELECT results_eq('SELECT statement, removed FROM member.jobs_remove()', format($$ VALUES (%L, false) $$, format('SELECT cron.unschedule(%L)', 'member daily ' || current_database())), 'and the one that takes it out');

SET client_min_messages = error;
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT is_empty('SELECT s.member_id, r.part, r.stored, r.replayed FROM member.state s, member.replay(s.member_id) r WHERE s.at IS NOT NULL AND NOT r.same', 'replay makes the same of the facts');
SELECT * FROM finish();
