-- Batch posting: each row is answered as the call it stands for, one after the other of a member, whatever else is in
-- the batch.
\set ON_ERROR_STOP 1
SET client_min_messages = error;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('tea');
INSERT INTO member.tier_ladder VALUES (2, 'grower', '成长榜');
INSERT INTO member.tier_level (ladder_id, level, code, name, validity_months, qualify)
VALUES (2, 0, 'seed', '种', NULL, NULL), (2, 1, 'sprout', '芽', 2, 'growth >= 100'), (2, 2, 'tree', '树', 2, 'growth >= 400');
SELECT NULL FROM member.publish('a ladder of growth');
SELECT * FROM no_plan();

-- ---- the property: twins, one posted in batches, one called ----

-- 1 to 10 are posted, 101 to 110 called
SELECT NULL FROM generate_series(1, 10) n, member.enroll('shop', at => '2026-02-01 10:00+08', key => n::text);
SELECT setval(pg_get_serial_sequence('member.member', 'member_id'), 100);
SELECT NULL FROM generate_series(1, 10) n, member.enroll('shop', at => '2026-02-01 10:00+08', key => 't' || n);
UPDATE member.state SET active = false WHERE member_id IN (10, 110);

CREATE TEMP TABLE answer (batch integer, row_no bigint, posted boolean, member_id bigint, entry_no integer, points bigint, balance bigint, tier text, sqlstate text, reason text);
CREATE FUNCTION pg_temp.call(r jsonb, OUT answered member.receipt, OUT state text, OUT reason text) LANGUAGE plpgsql AS $$
BEGIN
    IF r ->> 'kind' = 'earn' THEN
        answered := member.points_earn((r ->> 'member_id')::bigint + 100, (r ->> 'points')::bigint, coalesce(r ->> 'wallet', 'points'), (r ->> 'usable_from')::date, (r ->> 'until')::date,
            r ->> 'source', r ->> 'reason', (r ->> 'at')::timestamptz, r ->> 'actor', r ->> 'key');
    ELSE
        answered := member.points_spend((r ->> 'member_id')::bigint + 100, (r ->> 'points')::bigint, coalesce(r ->> 'wallet', 'points'), r ->> 'source', r ->> 'reason',
            (r ->> 'at')::timestamptz, r ->> 'actor', r ->> 'key');
    END IF;
EXCEPTION WHEN OTHERS THEN
    state := SQLSTATE;
    reason := SQLERRM;
END $$;
CREATE PROCEDURE pg_temp.live(batches integer) LANGUAGE plpgsql AS $$
DECLARE
    clock timestamptz;
    rows jsonb[];
BEGIN
    FOR batch_no IN 1..batches LOOP
        clock := '2026-03-01 12:00+08'::timestamptz + batch_no * interval '2 days';
        PERFORM set_config('member.clock', clock::text, false);
        SELECT array_agg(jsonb_strip_nulls(jsonb_build_object(
                'member_id', 1 + d.m, 'kind', CASE WHEN d.a % 5 < 3 THEN 'earn' ELSE 'spend' END,
                'points', CASE WHEN d.a % 31 = 0 THEN 0 ELSE 1 + d.a % 60 END,
                'wallet', CASE WHEN d.a % 37 = 0 THEN 'coins' WHEN d.b % 3 = 0 THEN 'growth' WHEN d.b % 3 = 1 THEN 'points' END,
                'usable_from', CASE WHEN d.b % 7 = 0 THEN (clock + interval '3 days')::date END,
                'until', CASE WHEN d.b % 4 = 0 THEN (clock + (d.b % 30 - 1) * interval '1 day')::date END,
                'source', CASE WHEN d.b % 2 = 0 THEN 'shop' END, 'reason', CASE WHEN d.b % 5 = 0 THEN '礼物' END, 'actor', CASE WHEN d.b % 6 = 0 THEN 'li' END,
                'at', CASE WHEN d.c % 5 = 0 THEN clock - (d.c % 9) * interval '11 hours' WHEN d.c % 41 = 0 THEN clock + interval '1 minute' END,
                -- of earning: repeated within the batch and across, some with other arguments
                'key', CASE WHEN d.a % 5 < 3 AND d.c % 3 = 0 THEN 'k' || d.c % 7 || '/' || batch_no / 3 WHEN d.a % 5 >= 3 AND d.c % 3 = 0 THEN format('s%s/%s', batch_no, d.i) END)) ORDER BY d.i)
        INTO rows
        FROM (SELECT i, abs(hashint8(batch_no * 1000 + i)) % 10 AS m, abs(hashint8(batch_no * 7000 + i)) AS a, abs(hashint8(batch_no * 11000 + i)) AS b, abs(hashint8(batch_no * 13000 + i)) AS c
              FROM generate_series(1, 60) i) d;
        IF batch_no % 4 = 0 THEN -- a batch sent again
            rows := rows || rows[1:20];
        END IF;
        INSERT INTO answer SELECT batch_no, p.row_no, true, p.member_id, p.entry_no, p.points, p.balance, p.tier, p.sqlstate, p.reason FROM member.points_post(rows) p;
        INSERT INTO answer SELECT batch_no, u.n, false, (u.r ->> 'member_id')::bigint, (c.answered).entry_no, (c.answered).points, (c.answered).balance, (c.answered).tier, c.state, c.reason
        FROM (SELECT * FROM unnest(rows) WITH ORDINALITY v (r, n) ORDER BY n) u CROSS JOIN LATERAL pg_temp.call(u.r) c;
    END LOOP;
END $$;
CALL pg_temp.live(40);
SELECT cmp_ok(count(*)::integer, '>=', 1000, 'much was posted') FROM answer WHERE posted AND sqlstate IS NULL;
SELECT is(array_agg(DISTINCT sqlstate ORDER BY sqlstate), ARRAY['MB102', 'MB201', 'MB202', 'MB203', 'MB204', 'MB401', 'MB403', 'MB404'], 'some of it refused, for many reasons') FROM answer WHERE posted AND sqlstate IS NOT NULL;
SELECT is_empty($$ SELECT p.batch, p.row_no, p.member_id, p.entry_no, c.entry_no, p.balance, c.balance, p.sqlstate, c.sqlstate, p.reason, c.reason
    FROM (SELECT * FROM answer WHERE posted) p FULL JOIN (SELECT * FROM answer WHERE NOT posted) c USING (batch, row_no)
    WHERE (p.entry_no, p.points, p.balance, p.tier, p.sqlstate, replace(p.reason, 'member 10 ', 'member 110 ')) IS DISTINCT FROM (c.entry_no, c.points, c.balance, c.tier, c.sqlstate, c.reason)
    ORDER BY 1, 2 LIMIT 5 $$, 'every row is answered as the call it stands for');
SELECT is_empty($$ SELECT p.member_id, p.entry_no FROM (SELECT * FROM member.entry WHERE member_id <= 10) p FULL JOIN (SELECT * FROM member.entry WHERE member_id > 100) c
    ON c.member_id = p.member_id + 100 AND c.entry_no = p.entry_no
    WHERE to_jsonb(p) - '{member_id,hash,digest}'::text[] IS DISTINCT FROM to_jsonb(c) - '{member_id,hash,digest}'::text[] LIMIT 5 $$, 'and made the same entry');
SELECT is_empty($$ SELECT p.member_id, to_jsonb(p), to_jsonb(c) FROM member.state p FULL JOIN member.state c ON c.member_id = p.member_id + 100 WHERE (p.member_id <= 10 OR c.member_id > 100)
    -- the due day of a batch may be nearer to the truth
    AND to_jsonb(p) - '{member_id,hash,salt,next_due}'::text[] IS DISTINCT FROM to_jsonb(c) - '{member_id,hash,salt,next_due}'::text[] LIMIT 5 $$, 'the same state');
SELECT is_empty($$ SELECT FROM (SELECT * FROM member.tier_change WHERE member_id <= 10) p FULL JOIN (SELECT * FROM member.tier_change WHERE member_id > 100) c
    ON c.member_id = p.member_id + 100 AND c.change_no = p.change_no WHERE to_jsonb(p) - 'member_id' IS DISTINCT FROM to_jsonb(c) - 'member_id' $$, 'the same levels');
SELECT cmp_ok(count(*)::integer, '>=', 10, 'of which some rose') FROM member.tier_change WHERE kind = 'rise' AND member_id <= 10;
SELECT is_empty($$ SELECT FROM (SELECT * FROM member.outbox WHERE member_id <= 10) p FULL JOIN (SELECT * FROM member.outbox WHERE member_id > 100) c
    ON c.member_id = p.member_id + 100 AND c.dedupe = p.dedupe WHERE p.body IS DISTINCT FROM c.body $$, 'the same messages');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');

-- ---- a key is one key, posted or called ----

SELECT results_eq($$ SELECT entry_no, repeated FROM member.points_post(ARRAY['{"member_id": 1, "kind": "earn", "points": 4, "key": "once", "until": "2026-12-01"}']::jsonb[]) $$,
    $$ SELECT entries + 1, false FROM member.state WHERE member_id = 1 $$, 'posted');
SELECT is(entry_no, (SELECT entries FROM member.state WHERE member_id = 1), 'called: the receipt of the row') FROM member.points_earn(1, 4, until => '2026-12-01', key => 'once');
SELECT is(sqlstate || ' ' || reason, 'MB404 key "once" was used before with other arguments', 'other arguments') FROM member.points_post(ARRAY['{"member_id": 1, "kind": "spend", "points": 4, "key": "once"}']::jsonb[]);

-- ---- rows that can't be read ----

SELECT results_eq($$ SELECT row_no, sqlstate, reason FROM member.points_post(ARRAY['7', NULL, '{}', '{"member_id": 1, "kind": "earn"}', '{"member_id": 1, "kind": "earn", "points": 1.5}',
    '{"member_id": "x", "kind": "earn", "points": 1}', '{"member_id": 1, "kind": "gift", "points": 1}', '{"member_id": 1, "kind": "earn", "points": 1, "at": "soon"}',
    '{"member_id": 1, "kind": "earn", "points": 1, "until": "2026-02-31"}', '{"member_id": 1, "kind": "earn", "points": 1, "usable_from": "x"}', '{"member_id": 1, "kind": "earn", "points": 1, "key": ""}',
    '{"member_id": 1, "kind": "earn", "points": 1, "at": "1900-06-01"}', '{"member_id": 1, "kind": "earn", "points": "1"}']::jsonb[]) $$,
    $$ VALUES (1::bigint, 'MB502', 'a row must be an object'), (2, 'MB502', 'a row must be an object'), (3, 'MB502', 'unknown kind of post ""'), (4, 'MB204', 'points can''t be read: ""'),
        (5, 'MB204', 'points can''t be read: "1.5"'), (6, 'MB101', 'unknown member null'), (7, 'MB502', 'unknown kind of post "gift"'), (8, 'MB403', '"at" can''t be read: "soon"'),
        (9, 'MB403', '"until" can''t be read: "2026-02-31"'), (10, 'MB403', '"usable_from" can''t be read: "x"'), (11, 'MB405', 'a key must have 1 to 250 characters'),
        (12, 'MB403', '"at" can''t be read: "1900-06-01"'), (13, NULL, NULL) $$, 'each is told what is wrong with it; the others go on');
SELECT is_empty('SELECT * FROM member.points_post(ARRAY[]::jsonb[])', 'no rows: no answers');
SELECT is_empty('SELECT * FROM member.points_post(NULL)', 'nor of null');

-- ---- all or nothing ----

SELECT throws_ok($$ SELECT * FROM member.points_post(ARRAY['{"member_id": 2, "kind": "earn", "points": 4}', '{"member_id": 3, "kind": "spend", "points": 1000000}']::jsonb[], true) $$,
    'MB230', '1 of 2 rows are refused, nothing is posted', 'one refusal refuses them all');
SELECT is((SELECT max(entry_no) FROM member.entry WHERE member_id = 2), (SELECT max(entry_no) FROM member.entry WHERE member_id = 102), 'the other is not posted');
SELECT is(count(entry_no), 2::bigint, 'without a refusal all are') FROM member.points_post(ARRAY['{"member_id": 2, "kind": "earn", "points": 4}', '{"member_id": 3, "kind": "earn", "points": 1}']::jsonb[], true);

-- ---- from the staging table ----

INSERT INTO member.identity (kind, value, member_id) SELECT 'external', 'x' || n, n FROM generate_series(1, 10) n;
CREATE TEMP TABLE file AS SELECT * FROM (VALUES
    ('earn', 'x4', '2026-05-20 10:00', '50', NULL, '2026-09-01', 'f1'), ('spend', 'x4', '2026-05-20 11:00', '30', NULL, NULL, 'f2'), ('earn', 'x5', NULL, '8', 'growth', NULL, NULL),
    ('spend', 'x4', NULL, '100000', NULL, NULL, 'f3'), ('earn', 'nobody', NULL, '5', NULL, NULL, NULL), ('earn', NULL, NULL, '5', NULL, NULL, NULL), ('earn', 'x4', NULL, 'five', NULL, NULL, NULL),
    ('earn', 'x4', NULL, '5', 'coins', NULL, NULL), ('earn', 'x4', 'noon', '5', NULL, NULL, NULL), ('earn', 'x4', NULL, '5', NULL, 'ever', NULL)) f (kind, member_key, at, points, wallet, until, key);
INSERT INTO member.import_row (kind, member_key, at, points, wallet, until, key) TABLE file;
SELECT results_eq('SELECT rows_read, rows_loaded, rows_known, rows_rejected FROM member.import_points()', 'VALUES (10::bigint, 3::bigint, 0::bigint, 7::bigint)', 'import_points(): the reconciliation');
SELECT results_eq($$ SELECT kind, reason FROM member.import_reject WHERE import_id = (SELECT max(import_id) FROM member.import_run) ORDER BY reject_no $$,
    $$ SELECT 'spend', format('not enough points: 100000 asked, %s usable', member.points_balance(4)) UNION ALL VALUES ('earn', 'unknown member "nobody"'), ('earn', 'member key is missing'), ('earn', 'points can''t be read'),
        ('earn', 'unknown wallet "coins"'), ('earn', 'time can''t be read'), ('earn', 'until can''t be read') $$, 'and why');
SELECT is_empty('SELECT FROM member.import_row', 'the staging table is empty again');
SELECT results_eq($$ SELECT kind, points, key FROM member.entry WHERE member_id = 4 AND key IN ('f1', 'f2') ORDER BY entry_no $$, $$ VALUES ('earn', 50::bigint, 'f1'), ('spend', -30, 'f2') $$, 'by the time they name');
INSERT INTO member.import_row (kind, member_key, at, points, wallet, until, key) SELECT * FROM file WHERE key IN ('f1', 'f2');
SELECT results_eq('SELECT rows_read, rows_loaded, rows_known, rows_rejected FROM member.import_points(true)', 'VALUES (2::bigint, 0::bigint, 2::bigint, 0::bigint)', 'the same file again: known by its keys');
INSERT INTO member.import_row (kind, member_key, at, points, wallet, until, key) SELECT * FROM file WHERE key = 'f3' OR member_key = 'x5';
SELECT throws_ok('SELECT * FROM member.import_points(true)', 'MB230', '1 of 2 rows are refused, nothing is posted', 'all or nothing');
SELECT is(count(*), 2::bigint, 'which leaves them there') FROM member.import_row;
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT * FROM finish();
