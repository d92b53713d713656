-- tagset against a naive model: 1 000 members, each kept as a value and as rows of a plain table, one row a tag.
-- A round gives every member a random operation, applies it to both and compares the tags, and every reader and
-- operator on random days, tags and lists. Then damaged values. Prints the number of operations and of differences.
--
-- The model, from the documented meaning:
--   A tag has a weight in steps of 0.0001, the day it was set (-infinity: none), the first day it is gone (infinity:
--   never) and a half-life in days (0: none). Setting it again replaces all four.
--   Put together, of two settings of one tag that stands which was set later, then the one with the later end, then
--   the heavier, then the one that decays slower.
--   In force on a day: set by then and not gone. The weight that day: halved every half-life since it was set.
SET client_min_messages = warning;
SET datestyle = iso;
SET search_path = member, public;
SET jit = off;
SET enable_seqscan = off; -- the tables have no statistics
SET work_mem = '64MB';
SELECT setseed(0.20260302);

CREATE TEMP TABLE set_of (m int PRIMARY KEY, t tagset NOT NULL);
CREATE TEMP TABLE tag (m int, id int, weight numeric, since date, until date, half_life int, PRIMARY KEY (m, id));
CREATE TEMP TABLE op (m int PRIMARY KEY, round int, kind text, day date, t tagset);
CREATE TEMP TABLE given (m int, id int, weight numeric, since date, until date, half_life int, PRIMARY KEY (m, id));
CREATE TEMP TABLE difference (round int, m int, what text, got text, expected text);
CREATE TEMP TABLE tally (kind text PRIMARY KEY, operations int DEFAULT 0);
INSERT INTO tally VALUES ('add'), ('drop'), ('drop some'), ('merge'), ('live'), ('text');

-- few ids that meet often, some far apart, some at the ends
CREATE FUNCTION pg_temp.random_id(r float8) RETURNS int LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN r < 0.7 THEN 1 + (random() * 40)::int WHEN r < 0.9 THEN 100 + (random() * 300)::int
                WHEN r < 0.99 THEN 1 + (random() * 2000000000)::int ELSE 2147483647 - (random() * 2)::int END
$$;

CREATE FUNCTION pg_temp.given_of(_m int) RETURNS tagset LANGUAGE sql STABLE AS $$
    SELECT tags_agg(tag_add('empty', g.id, g.weight, g.since, g.until, g.half_life)) FROM given g WHERE g.m = _m
$$;

CREATE PROCEDURE pg_temp.model() LANGUAGE sql AS $$
    DELETE FROM tag USING op, given g WHERE (tag.m, tag.id) = (g.m, g.id) AND op.m = g.m AND op.kind IN ('drop', 'drop some');
    INSERT INTO tag AS t SELECT g.* FROM given g JOIN op USING (m) WHERE op.kind = 'add'
    ON CONFLICT (m, id) DO UPDATE SET (weight, since, until, half_life) = (excluded.weight, excluded.since, excluded.until, excluded.half_life);
    INSERT INTO tag AS t SELECT g.* FROM given g JOIN op USING (m) WHERE op.kind = 'merge'
    ON CONFLICT (m, id) DO UPDATE SET (weight, since, until, half_life) = (excluded.weight, excluded.since, excluded.until, excluded.half_life)
        WHERE (excluded.since, excluded.until, excluded.weight, CASE excluded.half_life WHEN 0 THEN 99999 ELSE excluded.half_life END)
            > (t.since, t.until, t.weight, CASE t.half_life WHEN 0 THEN 99999 ELSE t.half_life END);
    DELETE FROM tag USING op WHERE op.m = tag.m AND op.kind = 'live' AND NOT (tag.since <= op.day AND op.day < tag.until);
$$;

CREATE PROCEDURE pg_temp.apply() LANGUAGE sql AS $$
    UPDATE set_of s SET t = CASE op.kind
        WHEN 'add' THEN (SELECT tag_add(s.t, g.id, g.weight, nullif(g.since, '-infinity'), g.until, g.half_life) FROM given g WHERE g.m = s.m)
        WHEN 'drop' THEN (SELECT tag_drop(s.t, g.id) FROM given g WHERE g.m = s.m)
        WHEN 'drop some' THEN tags_drop(s.t, ARRAY(SELECT g.id FROM given g WHERE g.m = s.m ORDER BY hashint4(g.id)))
        WHEN 'merge' THEN s.t + pg_temp.given_of(s.m)
        WHEN 'live' THEN live(s.t, op.day)
        WHEN 'text' THEN s.t::text::tagset END
    FROM op WHERE op.m = s.m;
$$;

CREATE PROCEDURE pg_temp.compare(_round int) LANGUAGE plpgsql AS $$
BEGIN
    -- the tags themselves
    INSERT INTO difference
        SELECT _round, m, 'tags', x::text, y::text
        FROM (SELECT s.m, u.tag AS id, u.weight::numeric AS weight, coalesce(u.since, '-infinity') AS since, coalesce(u.until, 'infinity') AS until, u.half_life
              FROM set_of s, unnest(s.t) u) x
        FULL JOIN tag y USING (m, id)
        WHERE (x.weight, x.since, x.until, x.half_life) IS DISTINCT FROM (y.weight, y.since, y.until, y.half_life);
    -- equal sets are equal bytes, however they were made; another set is another
    INSERT INTO difference
        SELECT _round, s.m, 'bytes', s.t::text, y.t::text
        FROM set_of s JOIN (SELECT m, tags_agg(tag_add('empty', id, weight, since, until, half_life)) AS t FROM tag GROUP BY m) y USING (m)
        WHERE s.t <> y.t OR tagset_hash(s.t) <> tagset_hash(y.t) OR tag_add(s.t, 77, 77) = y.t;
    -- readers: a tag it has or not, on a day of its own, the one before or any
    INSERT INTO difference
        SELECT _round, got.m, format('tag %s on %s', got.id, got.d), got.figures, expected.figures
        FROM (SELECT s.m, q.id, q.d,
                     concat_ws(' ', tag_count(s.t), s.t ? q.id, is_live(s.t, q.id, q.d), round(weight(s.t, q.id, q.d)::numeric, 6), tag_ids(live(s.t, q.d)),
                               next_change(s.t, q.d)) AS figures
              FROM set_of s
              CROSS JOIN LATERAL (SELECT CASE WHEN random() < 0.3 THEN pg_temp.random_id(random()) ELSE x.id END AS id,
                                         coalesce(CASE WHEN random() < 0.6 THEN nullif(nullif(CASE WHEN random() < 0.5 THEN x.since ELSE x.until END, 'infinity'), '-infinity') END
                                                  - (random() * 1.2)::int, '2026-01-01'::date + (random() * 200)::int) AS d
                                  FROM (SELECT 0 * s.m) dummy
                                  LEFT JOIN LATERAL (SELECT * FROM tag WHERE tag.m = s.m ORDER BY hashint4(tag.id # _round) LIMIT 1) x ON true) q
              WHERE q.id IS NOT NULL) got
        CROSS JOIN LATERAL (
            SELECT concat_ws(' ', count(*), bool_or(tag.id = got.id) IS TRUE,
                             bool_or(tag.id = got.id AND tag.since <= got.d AND got.d < tag.until) IS TRUE,
                             round(coalesce(sum((CASE WHEN half_life = 0 THEN weight ELSE weight * power(0.5::float8, least((got.d - since)::float8 / half_life, 400)) END)::numeric)
                                       FILTER (WHERE tag.id = got.id AND tag.since <= got.d AND got.d < tag.until), 0), 6),
                             coalesce(array_agg(tag.id ORDER BY tag.id) FILTER (WHERE tag.since <= got.d AND got.d < tag.until), '{}'),
                             (SELECT min(c.d) FROM tag z CROSS JOIN LATERAL (VALUES (z.since), (z.until)) c (d) WHERE z.m = got.m AND c.d > got.d AND isfinite(c.d))) AS figures
            FROM tag WHERE tag.m = got.m) expected
        WHERE got.figures IS DISTINCT FROM expected.figures;
    -- operators against a list and a set of about the same tags
    INSERT INTO difference
        SELECT _round, got.m, format('list %s', got.list), got.figures, expected.figures
        FROM (SELECT s.m, l.list,
                     concat_ws(' ', s.t @> l.list, s.t <@ l.list, s.t && l.list, s.t @> to_tagset(l.list), s.t <@ to_tagset(l.list), s.t && to_tagset(l.list),
                               l.list <@ s.t, l.list @> s.t, l.list && s.t) AS figures
              FROM set_of s
              CROSS JOIN LATERAL (SELECT ARRAY(SELECT id FROM tag WHERE tag.m = s.m AND random() < CASE s.m % 4 WHEN 0 THEN 0.2 WHEN 1 THEN 0.9 WHEN 2 THEN 1 ELSE 0 END
                                               UNION ALL SELECT pg_temp.random_id(random()) FROM generate_series(1, (random() * 3)::int * (s.m % 3)))
                                         AS list) l) got
        CROSS JOIN LATERAL (SELECT ARRAY(SELECT id FROM tag WHERE tag.m = got.m) AS ids) y
        CROSS JOIN LATERAL (SELECT concat_ws(' ', c, d, o, c, d, o, c, d, o) AS figures FROM (VALUES (y.ids @> got.list, y.ids <@ got.list, y.ids && got.list)) z (c, d, o)) expected
        WHERE got.figures IS DISTINCT FROM expected.figures;
END $$;

CREATE PROCEDURE pg_temp.play(rounds int) LANGUAGE plpgsql AS $$
BEGIN
    FOR _round IN 1..rounds LOOP
        TRUNCATE op, given;
        INSERT INTO op
            SELECT s.m, _round, (ARRAY['add', 'add', 'add', 'add', 'drop', 'drop some', 'merge', 'merge', 'live', 'text'])[ceil(random() * 10)],
                   '2026-01-01'::date + (random() * 200)::int, s.t
            FROM set_of s;
        INSERT INTO given
            SELECT op.m, i.id, CASE WHEN random() < 0.6 THEN 1 ELSE round((1 + random() * random() * CASE WHEN random() < 0.1 THEN 999999998 ELSE 50000 END)::numeric) / 10000 END,
                   d.since,
                   CASE WHEN random() < 0.4 THEN 'infinity' WHEN d.since = '-infinity' THEN '2026-01-01'::date + (random() * 300)::int
                        WHEN random() < 0.3 THEN d.since + 30 ELSE d.since + 1 + (random() * 100)::int END,
                   CASE WHEN d.since = '-infinity' OR random() < 0.4 THEN 0 WHEN random() < 0.7 THEN 30 ELSE 1 + (random() * 200)::int END
            FROM op
            CROSS JOIN LATERAL generate_series(1, CASE WHEN op.kind IN ('add', 'drop') THEN 1 WHEN op.kind IN ('live', 'text') THEN 0 ELSE (random() * 6)::int END) n
            CROSS JOIN LATERAL (SELECT CASE WHEN op.kind LIKE 'drop%' AND random() < 0.6 THEN
                                                coalesce((SELECT tag.id FROM tag WHERE tag.m = op.m ORDER BY hashint4(tag.id # (n * 1000 + _round)) LIMIT 1), 1)
                                            ELSE pg_temp.random_id(random() + 0 * op.m) END AS id) i
            CROSS JOIN LATERAL (SELECT CASE WHEN random() + 0 * op.m < 0.2 THEN '-infinity' WHEN random() < 0.3 THEN '2026-03-01'
                                            WHEN random() < 0.01 THEN '1900-01-02' ELSE '2026-01-01'::date + (random() * 150)::int END::date AS since) d
        ON CONFLICT DO NOTHING;
        CALL pg_temp.apply();
        CALL pg_temp.model();
        CALL pg_temp.compare(_round);
        UPDATE tally t SET operations = t.operations + x.n FROM (SELECT kind, count(*) AS n FROM op GROUP BY kind) x WHERE x.kind = t.kind;
        EXIT WHEN EXISTS (SELECT FROM difference);
        -- nothing is vacuumed within a transaction
        CREATE TEMP TABLE copy AS SELECT * FROM tag;
        TRUNCATE tag;
        INSERT INTO tag SELECT * FROM copy;
        DROP TABLE copy;
        CREATE TEMP TABLE copy AS SELECT * FROM set_of;
        TRUNCATE set_of;
        INSERT INTO set_of SELECT * FROM copy;
        DROP TABLE copy;
    END LOOP;
END $$;

INSERT INTO set_of SELECT m, 'empty' FROM generate_series(1, 1000) m;
CALL pg_temp.play(101);

SELECT sum(operations) AS operations FROM tally;
SELECT kind, operations > 9000 AS many FROM tally ORDER BY kind;
SELECT max(tag_count(t)) > 20 AS large, min(tag_count(t)) < 5 AS small FROM set_of;
-- the first that differed, if any
SELECT d.*, op.kind, op.day, pg_temp.given_of(d.m) AS given, op.t AS before, s.t AS after
FROM difference d JOIN op USING (m) JOIN set_of s USING (m) ORDER BY d.m, d.what LIMIT 5;
SELECT count(*) AS differences FROM difference;

-- ---- damaged values ----

-- what is read of a value, if it can be read
CREATE FUNCTION pg_temp.read(t tagset) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n int := tag_count(t);
    found text := concat_ws(' ', tag_ids(t), t ? 5, t @> '{5,7}'::int[], t <@ '{5,7}'::int[], t && '{5,7}'::int[], t @> '5,7', t <@ '5,7', t && '5,7'); -- never raise
BEGIN
    RETURN t::text;
EXCEPTION WHEN data_corrupted THEN
    RETURN NULL;
END $$;
CREATE FUNCTION pg_temp.damaged(b bytea, r float8) RETURNS bytea LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN length(b) = 0 THEN b WHEN r < 0.5 THEN set_byte(b, (random() * (length(b) - 1))::int, (random() * 255)::int)
                WHEN r < 0.7 THEN set_bit(b, (random() * (length(b) * 8 - 1))::int, (random() * 1)::int)
                WHEN r < 0.8 THEN substr(b, 1, (random() * length(b))::int)
                WHEN r < 0.9 THEN substr(b, 1, (random() * length(b))::int) || decode(md5(random()::text), 'hex')
                ELSE overlay(b PLACING '\xffffffffff'::bytea FROM 1 + (random() * (length(b) - 1))::int FOR 5) END
$$;
BEGIN;
CREATE CAST (tagset AS bytea) WITHOUT FUNCTION;
CREATE CAST (bytea AS tagset) WITHOUT FUNCTION;
CREATE TEMP TABLE broken AS
    SELECT n, pg_temp.damaged(CASE WHEN n % 3 = 0 THEN pg_temp.damaged(s.t::bytea, random()) ELSE s.t::bytea END, random()) AS b
    FROM set_of s, generate_series(1, 40) n;
INSERT INTO broken SELECT 0, '\x0100'::bytea || decode(md5(n::text), 'hex') FROM generate_series(1, 20000) n;
-- what is read is a value like any other: its text is one of it
SELECT count(*) AS values, count(*) FILTER (WHERE x.read IS NULL) BETWEEN 20000 AND 50000 AS found_out, count(*) FILTER (WHERE x.read::tagset::text <> x.read) AS not_values
FROM (SELECT pg_temp.read(b::tagset) AS read FROM broken OFFSET 0) x;
ROLLBACK;

-- binary input: an error of a known class or a value
CREATE TEMP TABLE received (t tagset);
CREATE FUNCTION pg_temp.recv(b bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    file text := current_setting('data_directory') || '/tagset_random_recv';
    object oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0)
                                   || int2send(1::smallint) || int4send(length(b)) || b || int2send((-1)::smallint));
BEGIN
    PERFORM lo_export(object, file), lo_unlink(object);
    DELETE FROM received;
    EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
    RETURN (SELECT t::text FROM received);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT count(*) AS inputs, count(*) FILTER (WHERE outcome IN ('08P01', '22P03', 'MB701', 'MB702', 'MB403')) BETWEEN 300 AND 950 AS refused,
       count(*) FILTER (WHERE outcome NOT IN ('08P01', '22P03', 'MB701', 'MB702', 'MB403') AND outcome::tagset::text <> outcome) AS not_values
FROM (SELECT pg_temp.recv(pg_temp.damaged(tagset_send(t), random())) AS outcome FROM set_of OFFSET 0) x;

-- text input likewise
CREATE FUNCTION pg_temp.input(s text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN s::tagset::text;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT count(*) AS inputs, count(*) FILTER (WHERE outcome IN ('22P02', '22003', 'MB701', 'MB702', 'MB403')) BETWEEN 10000 AND 19000 AS refused,
       count(*) FILTER (WHERE outcome NOT IN ('22P02', '22003', 'MB701', 'MB702', 'MB403') AND outcome::tagset::text <> outcome) AS not_values
FROM (SELECT pg_temp.input(overlay(t::text PLACING substr('*@/~,-.0123456789 empty', 1 + (random() * 22)::int, (random() * 3)::int)
                                   FROM 1 + (random() * length(t::text))::int FOR (random() * 2)::int)) AS outcome FROM set_of, generate_series(1, 20) OFFSET 0) x;
