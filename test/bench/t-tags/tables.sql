-- The tags of members twice: as int[] with intarray's index, and as tagset with its own. Each member has one tag of
-- each of 30 groups of 7, some common, some rare; tags 1 to 210. The tagset has days, ends, weights and half-lives
-- besides, as a program sets them.
-- :members
CREATE EXTENSION IF NOT EXISTS intarray;
SELECT setseed(0.1);
CREATE TABLE bench.tags_array (member_id bigint PRIMARY KEY, store int NOT NULL, tags int[] NOT NULL);
CREATE TABLE bench.tags_set (member_id bigint PRIMARY KEY, store int NOT NULL, tags member.tagset NOT NULL);
INSERT INTO bench.tags_array
    SELECT m, m % 20, ARRAY(SELECT (g * 7 + 1 + floor(7 * power(random(), 2 + g + 0 * m)))::int FROM generate_series(0, 29) g)
    FROM generate_series(1, :members) m;
INSERT INTO bench.tags_set
    SELECT member_id, store, (SELECT string_agg(tag || CASE
               WHEN g <= 10 THEN '@' || date '2025-01-01' + (member_id * 7 % 420)::int
               WHEN g <= 20 THEN '@' || date '2026-02-28' - (member_id * g % 60)::int || '/' || date '2026-02-28' - (member_id * g % 60)::int + 60 || '~30'
               ELSE CASE WHEN g % 3 = 0 THEN '*0.' || 4 + member_id % 5 ELSE '' END || '@2026-02-01/2026-04-04~90' END, ',')
           FROM unnest(tags) WITH ORDINALITY u (tag, g))::member.tagset
    FROM bench.tags_array;
CREATE INDEX ON bench.tags_array USING gin (tags public.gin__int_ops);
CREATE INDEX ON bench.tags_set USING gin (tags member.tagset_ops);
VACUUM (FREEZE, ANALYZE) bench.tags_array;
VACUUM (FREEZE, ANALYZE) bench.tags_set;
-- a store sees its own members
CREATE ROLE bench_staff;
GRANT USAGE ON SCHEMA bench, member TO bench_staff;
GRANT SELECT ON bench.tags_array, bench.tags_set TO bench_staff;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA member TO bench_staff;
CREATE POLICY own ON bench.tags_array TO bench_staff USING (store = (SELECT current_setting('bench.store')::int));
CREATE POLICY own ON bench.tags_set TO bench_staff USING (store = (SELECT current_setting('bench.store')::int));
ALTER TABLE bench.tags_array ENABLE ROW LEVEL SECURITY;
ALTER TABLE bench.tags_set ENABLE ROW LEVEL SECURITY;
