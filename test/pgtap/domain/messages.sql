-- Messages: queued with what caused them, claimed by one worker, acknowledged, tried again, never twice.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('tea', '茶语');
SELECT NULL FROM generate_series(1, 4) n, member.enroll('shop', key => n::text);
SELECT * FROM no_plan();

SELECT results_eq('SELECT member_id, template, attempts FROM member.outbox ORDER BY outbox_id', $$ SELECT n::bigint, 'welcome', 0::smallint FROM generate_series(1, 4) n $$, 'four welcomes wait');
SELECT is_empty($$ SELECT code, t.body, length(t.body) FROM member.message_template t
    WHERE length(t.body) > CASE class WHEN 'service' THEN 50 WHEN 'benefit' THEN 100 ELSE 150 END OR cardinality(channels) = 0 $$, 'the templates are as short as their class asks');
SELECT is_empty($$ SELECT code FROM member.message_template WHERE marketing AND channels && '{template}' $$, 'marketing never goes by the channel that forbids it');

-- ---- claim ----

SELECT results_eq($$ SELECT member_id, template, class, marketing, channels, vars, attempts FROM member.outbox_claim('a', 2) ORDER BY outbox_id $$,
    $$ SELECT n::bigint, 'welcome', 'benefit', false, '{service,popup}'::text[], '{"name": ""}'::jsonb, 1::smallint FROM generate_series(1, 2) n $$, 'a worker claims two, the oldest');
SELECT results_eq($$ SELECT member_id FROM member.outbox_claim('b', 100) ORDER BY outbox_id $$, 'VALUES (3::bigint), (4)', 'another gets the others');
SELECT is_empty($$ SELECT * FROM member.outbox_claim('c', 100) $$, 'a third none');
SET member.clock = '2026-03-01 10:04:59+08';
SELECT is_empty($$ SELECT * FROM member.outbox_claim('c', 100) $$, 'nor before the lease of five minutes is over');
SET member.clock = '2026-03-01 10:05:00+08';
SELECT results_eq($$ SELECT member_id, attempts FROM member.outbox_claim('c', 1, '1 hour') $$, 'VALUES (1::bigint, 2::smallint)', 'then what was not acknowledged is to be had again');

-- ---- acknowledge ----

CREATE TEMP TABLE box AS SELECT outbox_id AS id, member_id AS m FROM member.outbox;
SELECT ok(member.outbox_ack(id, 'sent'), 'sent') FROM box WHERE m = 1;
SELECT ok(NOT member.outbox_ack(id, 'sent'), 'said again: it was done already') FROM box WHERE m = 1;
SELECT ok(NOT member.outbox_ack(id, 'retry'), 'nor does it come back') FROM box WHERE m = 1;
SELECT ok(member.outbox_ack(id, 'failed: no such user'), 'failed, with the channel''s words') FROM box WHERE m = 2;
SELECT results_eq('SELECT member_id, done_at, result FROM member.outbox WHERE done_at IS NOT NULL ORDER BY 1', $$ VALUES (1::bigint, '2026-03-01 10:05+08'::timestamptz, 'sent'), (2, '2026-03-01 10:05+08', 'failed: no such user') $$, 'both are done');
SELECT results_eq($$ SELECT member_id FROM member.outbox_claim('d', 100) ORDER BY 1 $$, 'VALUES (3::bigint), (4)', 'done is not claimed again');

-- ---- retry: 1, 2, 4 … minutes, ten attempts ----

SELECT ok(member.outbox_ack(id, 'sent'), 'one of the two is sent') FROM box WHERE m = 4;
CREATE TEMP TABLE wait (attempt smallint, minutes numeric);
DO $$
DECLARE
    present timestamptz := '2026-03-01 10:05+08';
    a smallint;
    next timestamptz;
BEGIN
    LOOP
        SELECT o.attempts INTO a FROM member.outbox o WHERE o.member_id = 3;
        PERFORM member.outbox_ack(o.outbox_id, 'retry: busy') FROM member.outbox o WHERE o.member_id = 3;
        SELECT o.not_before INTO next FROM member.outbox o WHERE o.member_id = 3 AND o.done_at IS NULL;
        EXIT WHEN NOT FOUND OR a > 12;
        INSERT INTO wait VALUES (a, extract(epoch FROM next - present) / 60);
        PERFORM set_config('member.clock', (next - interval '1 second')::text, false);
        IF EXISTS (SELECT FROM member.outbox_claim('d', 100)) THEN
            INSERT INTO wait VALUES (a, -1); -- too early
        END IF;
        present := next;
        PERFORM set_config('member.clock', present::text, false);
        PERFORM FROM member.outbox_claim('d', 100);
    END LOOP;
END $$;
SELECT results_eq('SELECT attempt, minutes FROM wait', 'SELECT n::smallint, (2 ^ (n - 1))::numeric FROM generate_series(2, 9) n', 'each retry waits twice as long, and is not to be had earlier');
SELECT results_eq('SELECT attempts, result, done_at IS NOT NULL FROM member.outbox WHERE member_id = 3', $$ VALUES (10::smallint, 'failed: given up after 10 attempts', true) $$, 'the tenth is the last');

-- ---- about the same, once ----

SET member.clock = '2026-04-01 10:00+08';
SELECT NULL FROM member.purchase_record(1, 'P1', 60);
SELECT NULL FROM member.purchase_record(1, 'P1', 60);
SELECT is((SELECT count(*)::int FROM member.outbox WHERE template = 'points_in'), 1, 'a repeated call queues nothing');
SELECT NULL FROM member.purchase_record(1, 'P2', 60);
SELECT is((SELECT count(*)::int FROM member.outbox WHERE template = 'points_in'), 2, 'another purchase is another message');
SELECT throws_ok($$ INSERT INTO member.outbox (member_id, dedupe, queued_at, not_before, marketing, template, class, body, vars) SELECT member_id, dedupe, queued_at, not_before, marketing, template, class, body, vars FROM member.outbox LIMIT 1 $$,
    '23505', NULL, 'the table itself holds one of each subject');
SELECT throws_ok($$ DO $x$ BEGIN PERFORM member.purchase_record(2, 'P3', 60); RAISE EXCEPTION 'no'; END $x$ $$, 'P0001', NULL, 'a purchase that is rolled back');
SELECT is_empty($$ SELECT FROM member.outbox WHERE member_id = 2 AND template <> 'welcome' $$, 'leaves no message');

-- ---- templates ----

UPDATE member.message_template SET enabled = false WHERE code = 'points_in';
SELECT NULL FROM member.purchase_record(1, 'P4', 10);
SELECT is((SELECT count(*)::int FROM member.outbox WHERE template = 'points_in'), 2, 'a template that is switched off queues nothing');
UPDATE member.message_template SET enabled = true, body = '{brand}:+{points},共{balance},{unknown}' WHERE code = 'points_in';
SELECT NULL FROM member.purchase_record(1, 'P5', 10);
SELECT is((SELECT body FROM member.outbox WHERE template = 'points_in' ORDER BY outbox_id DESC LIMIT 1), '茶语:+15,共180,{unknown}', 'variables are filled in, others left alone');
SELECT is((SELECT vars FROM member.outbox WHERE template = 'points_in' ORDER BY outbox_id DESC LIMIT 1), '{"points": 15, "balance": 180}'::jsonb, 'and handed over as they are');
SELECT results_eq('SELECT template, queued, sent, failed FROM member_report.messages WHERE template = ''welcome''', $$ VALUES ('welcome', 4::bigint, 2::bigint, 2::bigint) $$, 'the report counts them');
SELECT * FROM finish();
