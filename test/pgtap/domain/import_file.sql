-- A first file is taken as it lies, sorted by workers; one that needs a second look at its rows goes by a table. Both do the same.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('tea');
SELECT * FROM no_plan();

-- workers for any table
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;

-- Rows of 400 keys, one in a dozen of which can't be taken; a few keys have none that can.
CREATE PROCEDURE pg_temp.stage(n integer) LANGUAGE sql AS $$
    INSERT INTO member.import_row (line, member_key, at, purchase_no, amount, store, channel, reject)
    SELECT i, CASE WHEN k % 97 = 0 THEN '' WHEN k % 89 = 0 THEN repeat('k', 201) ELSE 'K' || k END,
           CASE WHEN h % 31 = 0 THEN '2026-13-01' WHEN h % 37 = 0 THEN '2026-03-02' ELSE (timestamp '2024-03-01 08:00' + h % 1000000 * interval '1 minute')::text END,
           CASE WHEN h % 211 = 0 THEN repeat('n', 101) || i ELSE 'N' || i END,
           CASE WHEN k % 83 = 0 OR h % 41 = 0 THEN 'ten' WHEN h % 43 = 0 THEN '-1' ELSE (h % 30000 / 100.0)::numeric(14,2)::text END,
           CASE h % 4 WHEN 0 THEN '' WHEN 1 THEN 'S1' ELSE 'S2' END, CASE h % 3 WHEN 0 THEN 'pos' END,
           CASE WHEN h % 401 = 0 THEN 'broken line' END
    FROM generate_series(1, n) i, LATERAL (SELECT abs(hashint4(i)) AS h, 1 + abs(hashint4(-i)) % 400 AS k) x
$$;

-- All that a load leaves, in a line, but for numbers of members, of imports and of the row that makes the difference.
CREATE FUNCTION pg_temp.outcome() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ',
        (SELECT md5(string_agg(concat_ws('|', i.value, m.joined_at, m.channel, m.store, s.lots, s.activity, s.standing, s.at, s.entries, s.next_due), E'\n' ORDER BY i.value))
         FROM member.identity i JOIN member.member m USING (member_id) JOIN member.state s USING (member_id)),
        (SELECT md5(string_agg(concat_ws('|', i.value, e.entry_no, e.kind, e.at, e.booked_at, e.wallet, e.points, e.balance, e.delta, e.tier, e.source), E'\n' ORDER BY i.value, e.entry_no))
         FROM member.entry e JOIN member.identity i USING (member_id)),
        (SELECT md5(string_agg(concat_ws('|', i.value, p.purchase_no, p.entry_no, p.at, p.amount, p.refunded, p.store, p.channel), E'\n' ORDER BY p.purchase_no))
         FROM member.purchase p JOIN member.identity i USING (member_id)),
        (SELECT md5(string_agg(concat_ws('|', i.value, t.change_no, t.ladder_id, t.from_level, t.to_level, t.day, t.until, t.kind, t.entry_no, t.reason), E'\n' ORDER BY i.value, t.change_no))
         FROM member.tier_change t JOIN member.identity i USING (member_id)),
        (SELECT md5(string_agg(concat_ws('|', j.reject_no, j.line, j.kind, j.reason, j.detail), E'\n' ORDER BY j.reject_no)) FROM member.import_reject j WHERE j.line < 1000000),
        (SELECT concat_ws('|', count(*), min(u.rows_loaded), min(u.amount_loaded)) FROM member.import_run u))
$$;

-- ---- in one look ----

BEGIN;
CALL pg_temp.stage(30000);
SELECT ok(member_internal.import_file(member_internal.import_begin('purchases'), NULL), 'a file of purchases with a number each is taken in one look');
ROLLBACK;

BEGIN;
CALL pg_temp.stage(30000);
SELECT results_eq('SELECT rows_read, rows_loaded + rows_known + rows_rejected, rows_rejected > 2000, amount_read > amount_loaded FROM member.import_purchases()',
    $$ VALUES (30000::bigint, 30000::bigint, true, true) $$, 'read = loaded + rejected');
SELECT is_empty('SELECT FROM member.import_row', 'nothing is left in the staging table');
SELECT is((SELECT count(*) FROM member.member), (SELECT count(DISTINCT member_id) FROM member.entry), 'whose rows are all rejected is no member');
SELECT is((SELECT max(member_id) - min(member_id) + 1 FROM member.member), (SELECT count(*) FROM member.member), 'members are numbered without gaps');
SELECT cmp_ok(member.enroll('shop'), '>', (SELECT max(member_id) FROM member.identity), 'the next to be enrolled has a number of his own');
SET LOCAL client_min_messages = error;
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT is_empty('SELECT s.member_id, r.part FROM member.state s, member.replay(s.member_id) r WHERE s.member_id % 20 = 0 AND NOT r.same', 'replay makes the same of the facts');
ROLLBACK;

BEGIN;
CALL pg_temp.stage(30000);
SELECT NULL FROM member.import_purchases('online');
SELECT pg_temp.outcome() AS outcome \gset
ROLLBACK;

-- ---- with a table, because of a row more ----

BEGIN;
CALL pg_temp.stage(30000);
INSERT INTO member.import_row (line, kind, member_key, at, amount) VALUES (1000000, 'refund', 'K1', '2026-02-01', '10');
SELECT ok(NOT member_internal.import_file(member_internal.import_begin('purchases'), NULL), 'a refund takes a second look');
ROLLBACK;
BEGIN;
CALL pg_temp.stage(30000);
INSERT INTO member.import_row (line, kind, member_key, at, amount) VALUES (1000000, 'refund', 'K1', '2026-02-01', '10');
SELECT NULL FROM member.import_purchases('online');
SELECT is(pg_temp.outcome(), :'outcome', 'both ways do the same');
ROLLBACK;

BEGIN;
CALL pg_temp.stage(100);
UPDATE member.import_row SET purchase_no = '' WHERE line = 50;
SELECT ok(NOT member_internal.import_file(member_internal.import_begin('purchases'), NULL), 'so does a purchase without a number');
ROLLBACK;
BEGIN;
CALL pg_temp.stage(100);
UPDATE member.import_row SET lines = '[{"product": "x", "amount": 1}]' WHERE line = 50;
SELECT ok(NOT member_internal.import_file(member_internal.import_begin('purchases'), NULL), 'and one with lines');
ROLLBACK;
BEGIN;
SELECT NULL FROM member.enroll('shop', external => 'K7');
CALL pg_temp.stage(100);
SELECT ok(NOT member_internal.import_file(member_internal.import_begin('purchases'), NULL), 'and members who may be known');
ROLLBACK;

-- ---- a number twice: found when the rows are in, and all of it undone ----

CREATE TEMP TABLE index_before AS SELECT indexrelid FROM pg_index WHERE indrelid IN ('member.entry'::regclass, 'member.purchase'::regclass);
BEGIN;
CALL pg_temp.stage(30000);
UPDATE member.import_row SET member_key = 'K1', at = '2026-01-01', purchase_no = 'twice', amount = '10', reject = NULL WHERE line IN (1, 29999);
SELECT ok(NOT member_internal.import_file(member_internal.import_begin('purchases'), NULL), 'a number twice');
SELECT is((SELECT count(*) FROM index_before b JOIN pg_class c ON c.oid = b.indexrelid), (SELECT count(*) FROM index_before), 'the indexes are those of before');
SELECT is_empty('SELECT FROM member.member UNION ALL SELECT FROM member.state UNION ALL SELECT FROM member.entry', 'nobody is there');
ROLLBACK;
BEGIN;
CALL pg_temp.stage(100);
UPDATE member.import_row SET member_key = 'K' || line, at = '2026-01-01', purchase_no = 'twice', amount = '10', reject = NULL WHERE line IN (1, 99);
SELECT is((SELECT rows_loaded + rows_rejected FROM member.import_purchases()), 100::bigint, '… and the rest is loaded');
SELECT is((SELECT string_agg(reason, ', ') FROM member.import_reject j WHERE j.line IN (1, 99)), 'purchase number occurs before in the file', '… but for one of the two');
ROLLBACK;

-- ---- a key that stands for very many, as a till's guest does ----

BEGIN;
INSERT INTO member.import_row (member_key, at, purchase_no, amount)
SELECT CASE WHEN n % 50 = 0 THEN 'K' || n ELSE 'guest' END, '2026-01-01', 'G' || n, '1' FROM generate_series(1, 200000) n;
SELECT ok(member_internal.import_file(member_internal.import_begin('purchases'), NULL), 'a key of very many rows is taken too');
SELECT is((SELECT count(*) FROM member.purchase JOIN member.identity i USING (member_id) WHERE i.value = 'guest'), 196000::bigint, '… with every row');
SELECT is((SELECT s.entries FROM member.state s JOIN member.identity i USING (member_id) WHERE i.value = 'guest'), (SELECT max(e.entry_no) FROM member.entry e), '… and the state of the last');
ROLLBACK;

-- ---- without a worker to be had; and with one for two parts ----

BEGIN;
SET LOCAL max_parallel_workers = 0;
CALL pg_temp.stage(30000);
SELECT NULL FROM member.import_purchases('online');
SELECT is(pg_temp.outcome(), :'outcome', 'without workers the outcome is the same');
ROLLBACK;
BEGIN;
SET LOCAL max_parallel_workers = 1;
CALL pg_temp.stage(30000);
SELECT NULL FROM member.import_purchases('online');
SELECT is(pg_temp.outcome(), :'outcome', 'so it is with one');
ROLLBACK;

-- ---- what a worker can't do, it says ----

BEGIN;
ALTER TABLE member.purchase ADD CONSTRAINT own CHECK (store <> 'S2');
CALL pg_temp.stage(30000);
CREATE FUNCTION pg_temp.failure() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    place text;
BEGIN
    PERFORM member.import_purchases();
    RETURN 'none';
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
    RETURN substring(place FROM 'parallel worker');
END $$;
SELECT is(pg_temp.failure(), 'parallel worker', 'a constraint of the DBA''s is held where rows are formed');
SELECT is_empty('SELECT FROM member.member UNION ALL SELECT FROM member.state UNION ALL SELECT FROM member.entry', 'nothing is there');
ROLLBACK;

-- ---- tables a DBA changed: row by row, without workers ----

BEGIN;
CREATE TEMP TABLE seen (member_id bigint, entry_no integer) ON COMMIT DROP;
GRANT INSERT ON seen TO PUBLIC;
CREATE FUNCTION pg_temp.saw() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO pg_temp.seen VALUES (NEW.member_id, NEW.entry_no); RETURN NULL; END $$;
CREATE TRIGGER own AFTER INSERT ON member.entry FOR EACH ROW EXECUTE FUNCTION pg_temp.saw();
CALL pg_temp.stage(30000);
SELECT NULL FROM member.import_purchases('online');
SELECT is((SELECT count(*) FROM seen), (SELECT count(*) FROM member.entry), 'the trigger saw every entry');
SELECT is(pg_temp.outcome(), :'outcome', 'and the outcome is the same');
ROLLBACK;

-- ---- an empty file ----

SELECT results_eq('SELECT rows_read, rows_loaded, rows_rejected, amount_read, amount_loaded FROM member.import_purchases()', $$ VALUES (0::bigint, 0::bigint, 0::bigint, 0.00::numeric, 0.00::numeric) $$, 'an empty file');
CALL pg_temp.stage(0);
INSERT INTO member.import_row (member_key, at, purchase_no, amount) VALUES ('', 'x', 'N1', 'y');
SELECT results_eq('SELECT rows_read, rows_loaded, rows_rejected, amount_read, amount_loaded FROM member.import_purchases()', $$ VALUES (1::bigint, 0::bigint, 1::bigint, 0.00::numeric, 0.00::numeric) $$, 'a file of nothing that can be taken');
SELECT * FROM finish();
