-- A first load large enough that the indexes of the ledger are built after it; and a load into tables a DBA changed.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('retail');
SELECT * FROM no_plan();

CREATE INDEX own_entry_at ON member.entry USING brin (at);
CREATE INDEX own_purchase_store ON member.purchase (store) WHERE store IS NOT NULL;
COMMENT ON INDEX member.own_purchase_store IS 'a comment the definition does not tell';
CREATE TEMP TABLE index_before AS SELECT indexrelid, pg_get_indexdef(indexrelid) AS def, pg_get_constraintdef(c.oid) AS con
FROM pg_index LEFT JOIN pg_constraint c ON conindid = indexrelid WHERE indrelid IN ('member.entry'::regclass, 'member.purchase'::regclass);

CREATE PROCEDURE pg_temp.stage(prefix text) LANGUAGE sql AS $$
    INSERT INTO member.import_row (member_key, at, purchase_no, amount, store)
    SELECT prefix || n % 500, (date '2025-03-02' + n % 360)::text, prefix || n, (n % 97 + 0.5)::text, nullif('S' || n % 5, 'S0') FROM generate_series(1, 12000) n
$$;

-- ---- the first load ----

CALL pg_temp.stage('A');
SELECT results_eq('SELECT rows_loaded, rows_rejected FROM member.import_purchases()', $$ VALUES (12000::bigint, 0::bigint) $$, 'a first load');
SELECT results_eq($$ SELECT pg_get_indexdef(indexrelid) COLLATE "C", pg_get_constraintdef(c.oid) FROM pg_index LEFT JOIN pg_constraint c ON conindid = indexrelid
    WHERE indrelid IN ('member.entry'::regclass, 'member.purchase'::regclass) ORDER BY 1 $$, 'SELECT def COLLATE "C", con FROM index_before ORDER BY 1', 'every index is there again');
SELECT isnt_empty('SELECT FROM index_before b WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = b.indexrelid)', 'built anew');
SELECT is(obj_description('member.own_purchase_store'::regclass), 'a comment the definition does not tell', 'but for one that has more to it than its definition');
SELECT is((SELECT count(*) FROM member.entry WHERE kind = 'purchase'), 12000::bigint, 'an entry each');

-- ---- tables with a trigger and a column of their own: row by row, and all of it happens ----

ALTER TABLE member.purchase ADD COLUMN till text DEFAULT 'till 1';
CREATE TEMP TABLE seen (member_id bigint, entry_no integer);
GRANT INSERT ON seen TO PUBLIC;
CREATE FUNCTION pg_temp.saw() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO pg_temp.seen VALUES (NEW.member_id, NEW.entry_no); RETURN NULL; END $$;
GRANT EXECUTE ON FUNCTION pg_temp.saw() TO PUBLIC;
CREATE TRIGGER own AFTER INSERT ON member.entry FOR EACH ROW EXECUTE FUNCTION pg_temp.saw();
CALL pg_temp.stage('B');
SELECT results_eq('SELECT rows_loaded, rows_rejected FROM member.import_purchases()', $$ VALUES (12000::bigint, 0::bigint) $$, 'a second load');
SELECT is((SELECT count(*) FROM seen), (SELECT count(*) FROM member.entry e JOIN member.identity i USING (member_id) WHERE i.kind = 'external' AND i.value LIKE 'B%'), 'the trigger saw every entry');
SELECT is((SELECT count(*) FROM member.purchase WHERE purchase_no LIKE 'B%' AND till = 'till 1'), 12000::bigint, 'the column has its default');
SELECT is_empty($$ SELECT FROM member.state a JOIN member.identity i ON i.member_id = a.member_id AND i.kind = 'external' AND i.value LIKE 'A%'
    JOIN member.identity j ON j.kind = 'external' AND j.value = 'B' || substr(i.value, 2) JOIN member.state b ON b.member_id = j.member_id
    WHERE (a.lots::text, a.activity::text, a.standing::text) IS DISTINCT FROM (b.lots::text, b.activity::text, b.standing::text) $$, 'both ways make the same states');

SET client_min_messages = error;
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT is_empty('SELECT s.member_id, r.part FROM member.state s, member.replay(s.member_id) r WHERE s.member_id % 50 = 0 AND NOT r.same', 'replay makes the same of the facts');
SELECT * FROM finish();
