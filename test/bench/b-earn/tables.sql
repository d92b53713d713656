-- The alternative: tables of the same columns, indexes and contents, written by one SQL statement.
CREATE TABLE bench.state (LIKE member.state INCLUDING ALL)
    WITH (fillfactor = 80, toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE bench.entry (LIKE member.entry INCLUDING ALL) WITH (fillfactor = 100, toast_tuple_target = 8160);
INSERT INTO bench.state SELECT * FROM member.state ORDER BY member_id;
INSERT INTO bench.entry SELECT * FROM member.entry ORDER BY member_id, entry_no;
VACUUM (FREEZE, ANALYZE) bench.state;
VACUUM (FREEZE, ANALYZE) bench.entry;
