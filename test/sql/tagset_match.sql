-- tagset @@ rule: may match, by a scan and by the index; estimates, row security, damaged values; and random rules
-- against SQL's own logic of three values.
SET client_min_messages = warning;
SET datestyle = iso;
SET search_path = member, public;
SET jit = off;
\pset null '(null)'
SELECT setseed(0.20260303);

-- ---- false only if the rule certainly does not hold ----

SELECT t, r, t @@ r AS may FROM (VALUES
    ('5'::tagset, '#5'::rule), ('5', '#6'), ('empty', '#5'), ('5@2026-01-01/2026-02-01', '#5'),
    -- a tag that is there may not be in force; one without days is
    ('empty', 'not #5'), ('5', 'not #5'), ('5*2', 'not #5'), ('5@2026-01-01', 'not #5'), ('5/2026-01-01', 'not #5'),
    ('1@2026-01-01/2026-03-01~30,2*7@2026-01-02/2026-03-05~31,3/2026-01-01,4*9,5', 'not #5'),
    ('1@2026-01-01/2026-03-01~30,2*7@2026-01-02/2026-03-05~31,3/2026-01-01,4*9,5@2026-01-01', 'not #5'),
    ('5,6', '#5 and #6'), ('5', '#5 and #6'), ('5', '#5 or #6'), ('7', '#5 or #6'), ('5', '#5 and not #6'), ('5,6', '#5 and not #6'),
    ('5,6', 'not (#5 and #6)'), ('5', 'not (#5 and #6)'), ('5', 'not (#5 or #6)'), ('7', 'not (#5 or #6)'), ('5', 'not not #5'), ('6', 'not not #5'),
    ('5', '#5 and not #5'), ('5@2026-01-01', '#5 and not #5'), ('6', '#5 or not #5'),
    -- anything else is unknown
    ('empty', 'age > 30'), ('empty', 'not age > 30'), ('5', '#5 and age > 30'), ('6', '#5 and age > 30'), ('6', '#5 or age > 30'),
    ('6', 'not (#6 or age > 30)'), ('5', 'not (#6 or age > 30)'), ('5', 'not (#6 and age > 30)'), ('empty', 'weight(#5) > 1'), ('empty', 'not weight(#5) > 1'),
    ('empty', 'true'), ('empty', 'false'), ('5', '#5 and false'), ('5', '#6 or true'), ('5', 'not false and #5'), ('6', 'not false and #5')
) v (t, r);
SELECT NULL::tagset @@ '#5' AS no_tags, '5'::tagset @@ NULL::rule AS no_rule;

-- ---- the index ----

SELECT amopstrategy, amopopr::regoperator, amvalidate(c.oid) FROM pg_opclass c JOIN pg_amop a ON a.amopfamily = c.opcfamily WHERE opcname = 'tagset_ops' AND amopstrategy = 8;
SELECT proleakproof, provolatile, proparallel FROM pg_proc WHERE proname = 'tagset_matches';

-- tag n of 1 to 12 is there in n of 13; half of the tags have no days
CREATE TABLE public.member_tags (m int PRIMARY KEY, tags tagset);
INSERT INTO public.member_tags
    SELECT m, tags_agg(tag_add('empty', n, CASE WHEN random() < 0.2 THEN 2 END, CASE WHEN random() < 0.3 THEN '2026-01-01'::date + m % 50 END,
                               CASE WHEN random() < 0.3 THEN '2026-03-01'::date + n END)) FILTER (WHERE random() * 13 < n)
    FROM generate_series(1, 3000) m, generate_series(1, 12) n GROUP BY m;
INSERT INTO public.member_tags SELECT m, tag_add('5,6,300,70000', m) FROM generate_series(3001, 3100) m;
INSERT INTO public.member_tags SELECT m, 'empty' FROM generate_series(3101, 3200) m;
INSERT INTO public.member_tags SELECT m, NULL FROM generate_series(3201, 3300) m;
CREATE INDEX member_tags_tags ON public.member_tags USING gin (tags);
ANALYZE public.member_tags;

-- rows found by a sequential scan and by the index, whether it was used, and how many were expected
CREATE FUNCTION pg_temp.both(r rule, OUT scan text, OUT index text, OUT indexed boolean, OUT expected int) LANGUAGE plpgsql AS $$
DECLARE
    q text := format('SELECT count(*) || '' '' || coalesce(sum(m), 0) FROM public.member_tags WHERE tags @@ %L::member.rule', r);
    plan json;
BEGIN
    SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off;
    SET LOCAL enable_bitmapscan = off;
    EXECUTE q INTO scan;
    SET LOCAL enable_bitmapscan = on; SET LOCAL enable_seqscan = off;
    EXECUTE q INTO index;
    EXECUTE 'EXPLAIN (FORMAT json) ' || q INTO plan;
    indexed := plan::text LIKE '%member_tags_tags%';
    EXECUTE 'EXPLAIN (FORMAT json) ' || replace(q, 'count(*) || '' '' || coalesce(sum(m), 0)', '') INTO plan;
    expected := plan -> 0 -> 'Plan' ->> 'Plan Rows';
    SET LOCAL enable_seqscan = on;
END $$;
SELECT r, (pg_temp.both(r)).* FROM unnest(ARRAY[
    '#1', '#12', '#3050', '#9999', '#1 and #2', '#1 and #12', '#1 or #2', '(#1 or #2) and #3', '#1 and not #12', 'not #12', 'not #1 and not #2',
    '#1 or not #2', 'age > 30', '#1 and age > 30', '#1 or age > 30', '#1 and (age > 30 or not #12)', 'not (#1 or age > 30)', 'true', 'false', '#1 and false',
    '#300 and #70000 and #3001', '#1 and #1', 'not (not #1 or not #2)', '#3 and (#1 or #2 or #4) and (#5 or #6 and #7)']::rule[]) r;

EXPLAIN (costs off) SELECT FROM public.member_tags WHERE tags @@ '#3050';
EXPLAIN (costs off) SELECT FROM public.member_tags WHERE tags @@ '#12';
EXPLAIN (costs off) SELECT FROM public.member_tags WHERE tags @@ '#3050 and age > 30 and not #12';
EXPLAIN (costs off) SELECT FROM public.member_tags WHERE tags @@ 'not #3050';
-- a rule only known when it is run; one of a table
SET plan_cache_mode = force_generic_plan;
PREPARE audience(rule) AS SELECT count(*) FROM public.member_tags WHERE tags @@ $1;
EXECUTE audience('#1');
EXECUTE audience('not #1');
EXPLAIN (costs off) EXECUTE audience('#1');
RESET plan_cache_mode;
CREATE TABLE public.some_rule (id int, r rule);
INSERT INTO public.some_rule VALUES (1, '#1'), (2, '#2 and age > 30'), (3, 'not #12'), (4, 'false'), (5, NULL);
SELECT id, count(m) FROM public.some_rule LEFT JOIN public.member_tags ON tags @@ r GROUP BY id ORDER BY id;
-- the inverse: which rules one member may satisfy
SELECT id FROM public.some_rule WHERE (SELECT tags FROM public.member_tags WHERE m = 3005) @@ r ORDER BY id;
EXPLAIN (costs off) SELECT FROM public.some_rule WHERE '5'::tagset @@ r;

-- ---- row security: the index is used, as the operator is leakproof ----

CREATE ROLE tagset_match_staff;
GRANT USAGE ON SCHEMA public, member TO tagset_match_staff;
GRANT SELECT ON public.member_tags TO tagset_match_staff;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA member TO tagset_match_staff;
ALTER TABLE public.member_tags ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_store ON public.member_tags USING (m % 7 = length(current_setting('search_path')) % 7 OR m > 3000);
SET ROLE tagset_match_staff;
EXPLAIN (costs off) SELECT FROM public.member_tags WHERE tags @@ '#3050';
EXPLAIN (costs off) SELECT FROM public.member_tags WHERE tags @@ '#12';
EXPLAIN (costs off) SELECT FROM public.member_tags WHERE tags ? 3050;
EXPLAIN (costs off) SELECT FROM public.member_tags WHERE tags && '{3050,3051}'::int[];
SELECT count(*) FROM public.member_tags WHERE tags @@ '#300 and #3050';
RESET ROLE;
ALTER TABLE public.member_tags DISABLE ROW LEVEL SECURITY;
DROP POLICY own_store ON public.member_tags;
DROP OWNED BY tagset_match_staff;
DROP ROLE tagset_match_staff;

-- ---- damaged values, and such of a later version: everything is possible, nothing raises ----

BEGIN;
CREATE CAST (bytea AS tagset) WITHOUT FUNCTION;
CREATE CAST (tagset AS bytea) WITHOUT FUNCTION;
SELECT b, b::bytea::tagset @@ '#5' AS there, b::bytea::tagset @@ 'not #5' AS not_there
FROM (VALUES ('\x'), ('\x01'), ('\x0200'), ('\x010001'), ('\x01000104'), ('\x0100010400'), ('\x0100020004'), ('\x010002000400'), ('\x0100020300440080'), ('\x010002030044008000')) v (b);
-- rules are aligned otherwise than bytea: a function of the server that gives back its argument as it is
CREATE FUNCTION pg_temp.as_rule(bytea, int, boolean) RETURNS rule LANGUAGE internal IMMUTABLE STRICT AS 'varchar';
CREATE FUNCTION pg_temp.as_bytea(rule, int, boolean) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'varchar';
CREATE TEMP TABLE bytes_of AS SELECT r, pg_temp.as_bytea(r, -1, true) AS b
    FROM unnest(ARRAY['#5', 'not #5 and (#6 or #7)', '#5 and (age > 3 or not (#6 or #300)) or #1 and not #12']::rule[]) r;
SELECT what, '6'::tagset @@ pg_temp.as_rule(x.b, -1, true) AS may FROM bytes_of r, LATERAL (VALUES
    ('whole', r.b), ('nothing', ''), ('its head', substr(b, 1, 4)), ('cut short', substr(b, 1, length(b) - 1)), ('another format', '\x02' || substr(b, 2)),
    ('no nodes', overlay(b PLACING '\x0000' FROM 3 FOR 2)), ('more nodes', overlay(b PLACING '\xff0f' FROM 3 FOR 2)), ('longer text', overlay(b PLACING '\x20000000' FROM 5 FOR 4)),
    ('no length', overlay(b PLACING '\xffffffff' FROM 5 FOR 4))) x (what, b) WHERE r.r = '#5';
-- whatever bytes
SELECT count(*) AS pairs, count(may) AS answers
FROM (SELECT set_byte(t, (random() * (length(t) - 1))::int, (random() * 255)::int)::tagset
             @@ pg_temp.as_rule(set_byte(r.b, (random() * (length(r.b) - 1))::int, (random() * 255)::int), -1, true) AS may
      FROM (SELECT tags::bytea AS t FROM public.member_tags WHERE m <= 2000 AND tags IS NOT NULL) x, bytes_of r, generate_series(1, 10)) z;
ROLLBACK;

-- ---- random rules ----

-- The rule as text, and the same as SQL over columns t1 … t12: true if the tag is there without days, false if it is
-- not there, else null; what is no tag is null.
CREATE FUNCTION pg_temp.random_rule(depth int, OUT r text, OUT s text) LANGUAGE plpgsql AS $$
DECLARE
    dice float8 := random();
    part record;
    word text := CASE WHEN random() < 0.5 THEN ' and ' ELSE ' or ' END;
BEGIN
    IF depth = 0 OR dice < 0.15 THEN
        r := '#' || ceil(random() * 12);
        s := 't' || substr(r, 2);
        IF dice > 0.9 THEN r := 'age > 30'; s := 'NULL::boolean'; END IF;
        IF dice > 0.98 THEN r := 'true'; s := r; END IF;
        IF dice > 0.99 THEN r := 'false'; s := r; END IF;
    ELSIF dice < 0.35 THEN
        SELECT * INTO part FROM pg_temp.random_rule(depth - 1);
        r := 'not (' || part.r || ')';
        s := 'NOT (' || part.s || ')';
    ELSE
        FOR part IN SELECT x.* FROM generate_series(1, 2 + (random() * 1.5)::int) n, pg_temp.random_rule(depth - 1 + 0 * n) x LOOP
            r := coalesce(r || word, '') || '(' || part.r || ')';
            s := coalesce(s || word, '') || '(' || part.s || ')';
        END LOOP;
    END IF;
END $$;

CREATE TEMP TABLE truth AS
    SELECT m, tags, t[1] AS t1, t[2] AS t2, t[3] AS t3, t[4] AS t4, t[5] AS t5, t[6] AS t6, t[7] AS t7, t[8] AS t8, t[9] AS t9, t[10] AS t10, t[11] AS t11, t[12] AS t12
    FROM (SELECT m, tags, (SELECT array_agg(CASE WHEN u.tag IS NULL THEN false WHEN u.since IS NULL AND u.until IS NULL THEN true END ORDER BY n)
                           FROM generate_series(1, 12) n LEFT JOIN unnest(tags) u ON u.tag = n) AS t
          FROM public.member_tags WHERE tags IS NOT NULL AND m % 3 = 0) x;
CREATE TEMP TABLE difference (r text, got text, expected text);
CREATE PROCEDURE pg_temp.play(rules int) LANGUAGE plpgsql AS $$
DECLARE
    rule record;
    found text; by_index text; expected text;
BEGIN
    FOR i IN 1..rules LOOP
        SELECT * INTO rule FROM pg_temp.random_rule(i % 5);
        EXECUTE format('SELECT coalesce(string_agg(m::text, '' '' ORDER BY m), '''') FROM truth WHERE (%s) IS DISTINCT FROM false', rule.s) INTO expected;
        SET LOCAL enable_seqscan = on; SET LOCAL enable_bitmapscan = off;
        EXECUTE format('SELECT coalesce(string_agg(m::text, '' '' ORDER BY m), '''') FROM public.member_tags WHERE m %% 3 = 0 AND tags @@ %L', rule.r) INTO found;
        SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = on;
        EXECUTE format('SELECT coalesce(string_agg(m::text, '' '' ORDER BY m), '''') FROM public.member_tags WHERE m %% 3 = 0 AND tags @@ %L', rule.r) INTO by_index;
        IF found <> expected OR by_index <> expected THEN
            INSERT INTO difference VALUES (rule.r, found || E'\n' || by_index, expected);
        END IF;
        -- who matches on a day may match
        INSERT INTO difference
            SELECT rule.r, 'does not match', format('%s matches on %s', m, d)
            FROM public.member_tags, LATERAL (VALUES ('2026-01-01'::date + i % 90)) day (d)
            WHERE NOT tags @@ rule.r::rule
              AND matches(rule.r::rule, ROW (NULL, NULL, NULL, tags, NULL, NULL, '1980-01-01'::date + m * 10, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::facts, d);
    END LOOP;
END $$;
SET enable_indexscan = off;
CALL pg_temp.play(300);
SELECT r, left(got, 100) AS got, left(expected, 100) AS expected FROM difference LIMIT 3;
SELECT (SELECT count(*) FROM truth) * 300 > 300000 AS many, count(*) AS differences FROM difference;
-- that the rules tell members apart, on a day and without
SELECT count(*) FILTER (WHERE tags @@ r) BETWEEN 1 AND 3000 AS may, count(*) FILTER (WHERE matches(r, ROW (NULL, NULL, NULL, tags, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::facts, '2026-03-05')) BETWEEN 1 AND 2000 AS match
FROM public.member_tags, (VALUES ('#9 and not #12'::rule)) x (r);
-- and the estimate is a share of the rows
SELECT count(*) AS rules, count(*) FILTER (WHERE expected NOT BETWEEN 0 AND 3200) AS out_of_range
FROM (SELECT (pg_temp.both(r::rule)).expected FROM generate_series(1, 30) n, pg_temp.random_rule(n % 5)) x;

DROP TABLE public.member_tags, public.some_rule;
