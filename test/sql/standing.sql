-- standing: every operation, boundary and error.
SET client_min_messages = warning;
SET datestyle = iso;
SET search_path = member, public;
\pset null '(null)'

-- what a statement fails with: SQLSTATE, message, detail, hint
CREATE FUNCTION pg_temp.failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, nullif(detail, ''), nullif(hint, ''));
END $$;

-- ---- text ----

SELECT s::standing FROM (VALUES
    ('empty'),
    ('  empty '),
    ('1:2@2026-03-01'),
    ('1:2@2026-03-01/infinity'),
    ('1:2@2026-03-01/2026-06-01'),
    ('1:2@2026-03-01/2026-06-01!2026-06-01'),
    ('1:2@2026-03-01/2026-06-01!2026-07-01'),
    ('1:2@2026-03-01/2026-03-01'),
    ('1:0@1900-01-01/9999-12-31!9999-12-31'),
    ('1:1@2026-03-01/2027-03-01 soft carry 120000000 floor 3/2026-12-31,2:0@2026-03-01 lock 0,3:2@2026-03-01 trial 3/2026-04-01'),
    ('1:2@2026-03-01 soft'), ('1:2@2026-03-01/2026-06-01!2026-07-01 carry 1'), ('1:0@2026-03-01 floor 100/infinity'),
    (' 1 : 100 @ 2026-03-01 / 2026-06-01 ! 2026-07-01 , 2 : 0 @ 2000-01-01 , 32767 : 1 @ 1999-12-31 ')
) v (s);

SELECT s, pg_temp.failure(format('SELECT %L::member.standing', s)) FROM (VALUES
    (''), (' '), ('none'), ('empty,'), ('1'), ('1:2'), ('1:2@'), ('1:@2026-03-01'), (':2@2026-03-01'), ('1:2/2026-03-01'),
    ('1:2@2026-03-01/'), ('1:2@2026-03-01!'), ('1:2@2026-03-01,'), ('1:2@2026-03-01 2:1@2026-03-01'), ('1:2@2026-03-01/2026-06-01!2026-07-01!'),
    ('0:2@2026-03-01'), ('-1:2@2026-03-01'), ('32768:2@2026-03-01'), ('1:-1@2026-03-01'), ('1:101@2026-03-01'), ('1:a@2026-03-01'),
    ('1:2@2026-03-01,1:3@2026-03-01'), ('2:2@2026-03-01,1:3@2026-03-01'),
    ('1:2@2026-02-29'), ('1:2@-infinity'), ('1:2@infinity'), ('1:2@1899-12-31'), ('1:2@2026-03-01/10000-01-01'),
    ('1:2@2026-03-01/2026-02-28'), ('1:2@2026-03-01/-infinity'), ('1:2@2026-03-01/2026-06-01!2026-05-31'),
    ('1:2@2026-03-01/2026-06-01!infinity'), ('1:2@2026-03-01/2026-06-01!-infinity'), ('1:2@2026-03-01!2026-07-01'),
    ('1:2@2026-03-01 floor'), ('1:2@2026-03-01 floor 101'), ('1:2@2026-03-01 carry -1'), ('1:2@2026-03-01 carry 1 soft'), ('1:2@2026-03-01 ceiling 3'), ('1:2@2026-03-01 lock 3/-infinity')
) v (s);

-- as many ladders as there may be, and one more
SELECT string_agg(format('%s:1@2026-03-01', n), ',')::standing::text = string_agg(format('%s:1@2026-03-01', n), ',') AS sixteen
FROM generate_series(1, 16) n;
SELECT pg_temp.failure($$SELECT string_agg(format('%s:1@2026-03-01', n), ',')::member.standing FROM generate_series(1, 17) n$$);

-- ---- binary ----

CREATE TEMP TABLE received (s standing);
CREATE FUNCTION pg_temp.recv(b bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    file text := current_setting('data_directory') || '/standing_recv';
    object oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0)
                                   || int2send(1::smallint) || int4send(length(b)) || b || int2send((-1)::smallint));
    message text; detail text;
BEGIN
    PERFORM lo_export(object, file), lo_unlink(object);
    DELETE FROM received;
    EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
    RETURN (SELECT s::text FROM received);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, nullif(detail, ''));
END $$;

-- COPY BINARY out and in again
CREATE TEMP TABLE sent (s standing);
INSERT INTO sent VALUES ('empty'), ('1:2@2026-03-01'), ('1:2@2026-03-01/2026-06-01,3:0@2026-03-01/2026-06-01!2026-07-01'), ('1:1@2026-03-01/2027-03-01 soft carry 120000000 floor 3/2026-12-31,2:0@2026-03-01 lock 0'),
    ('32767:100@1900-01-01/1900-01-01!9999-12-31');
INSERT INTO sent SELECT string_agg(format('%s:1@2026-03-01/2027-03-01', n), ',')::standing FROM generate_series(1, 16) n;
DO $$
DECLARE
    file text := current_setting('data_directory') || '/standing_copy';
BEGIN
    EXECUTE format('COPY sent TO %L (FORMAT binary)', file);
    EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
END $$;
SELECT count(*) AS sent, count(r.s) AS same FROM sent x LEFT JOIN received r ON r.s = x.s AND r.s::text = x.s::text;

SELECT standing_send('1:2@2026-03-01/2026-06-01!2026-07-01,2:1@2026-03-01');
CREATE FUNCTION pg_temp.rank(ladder int, level int, since int, until int, due int) RETURNS bytea LANGUAGE sql AS $$
    SELECT int2send(ladder::smallint) || int2send(level::smallint) || int4send(since) || int4send(until) || int4send(due)
        -- landed, mode, granted, until, carry
        || '\x0000' || int2send(0::smallint) || int4send(2147483647) || int8send(0)
$$;
SELECT what, pg_temp.recv(b) FROM (VALUES
    ('nothing', ''::bytea),
    ('none', '\x0000'),
    ('one', '\x0001' || pg_temp.rank(1, 2, 9000, 9100, 9130)),
    ('no end', '\x0001' || pg_temp.rank(1, 2, 9000, 2147483647, 2147483647)),
    ('cut short', '\x0001' || substr(pg_temp.rank(1, 2, 9000, 9100, 9130), 1, 10)),
    ('one missing', '\x0002' || pg_temp.rank(1, 2, 9000, 9100, 9130)),
    ('trailing', '\x000000'),
    ('too many', '\xffff' || (SELECT string_agg(pg_temp.rank(n, 2, 9000, 9100, 9130), '' ORDER BY n) FROM generate_series(1, 17) n)),
    ('ladder 0', '\x0001' || pg_temp.rank(0, 2, 9000, 9100, 9130)),
    ('ladder -1', '\x0001' || pg_temp.rank(-1, 2, 9000, 9100, 9130)),
    ('level -1', '\x0001' || pg_temp.rank(1, -1, 9000, 9100, 9130)),
    ('level 101', '\x0001' || pg_temp.rank(1, 101, 9000, 9100, 9130)),
    ('twice', '\x0002' || pg_temp.rank(1, 2, 9000, 9100, 9130) || pg_temp.rank(1, 2, 9000, 9100, 9130)),
    ('order', '\x0002' || pg_temp.rank(2, 2, 9000, 9100, 9130) || pg_temp.rank(1, 2, 9000, 9100, 9130)),
    ('since -infinity', '\x0001' || pg_temp.rank(1, 2, -2147483648, 9100, 9130)),
    ('since infinity', '\x0001' || pg_temp.rank(1, 2, 2147483647, 2147483647, 2147483647)),
    ('until before since', '\x0001' || pg_temp.rank(1, 2, 9000, 8999, 9130)),
    ('review before until', '\x0001' || pg_temp.rank(1, 2, 9000, 9100, 9099)),
    ('review without until', '\x0001' || pg_temp.rank(1, 2, 9000, 2147483647, 9099)),
    ('until without review', '\x0001' || pg_temp.rank(1, 2, 9000, 9100, 2147483647))
) v (what, b);

-- ---- storage ----

BEGIN;
CREATE CAST (standing AS bytea) WITHOUT FUNCTION;
CREATE CAST (bytea AS standing) WITHOUT FUNCTION;
SELECT s, s::bytea FROM (VALUES
    ('empty'::standing),
    ('1:2@2026-03-01'),
    ('1:2@2026-03-01/2026-06-01'),
    ('1:2@2026-03-01/2026-06-01!2026-07-01,3:1@2026-03-01')
) v (s);
SELECT b, pg_temp.failure(format('SELECT %L::bytea::member.standing::text', b)) FROM (VALUES
    ('\x'), ('\x01'), ('\x0200'), ('\x0101'), ('\x010001'), ('\x01000102d680'), ('\x01000102d6950180'), ('\x0100' || repeat('01020000', 17))
) v (b);
ROLLBACK;

-- ---- comparison ----

SELECT a, b, a = b AS eq, a <> b AS ne, standing_hash(a) = standing_hash(b) AS hash FROM (VALUES
    ('empty'::standing, 'empty'::standing),
    ('1:2@2026-03-01/2026-06-01', '1:2@2026-03-01/2026-06-01!2026-06-01'),
    ('1:2@2026-03-01', '1:2@2026-03-01/infinity'),
    ('1:2@2026-03-01', 'empty'),
    ('1:2@2026-03-01', '1:1@2026-03-01'),
    ('1:2@2026-03-01', '2:2@2026-03-01'),
    ('1:2@2026-03-01', '1:2@2026-03-02'),
    ('1:2@2026-03-01', '1:2@2026-03-01/2026-06-01'),
    ('1:2@2026-03-01/2026-06-01', '1:2@2026-03-01/2026-06-01!2026-06-02'),
    ('1:2@2026-03-01', '1:2@2026-03-01,2:1@2026-03-01')
) v (a, b);
SET enable_sort = off;
SELECT s, count(*) FROM (VALUES ('1:2@2026-03-01'::standing), ('1:2@2026-03-01/infinity'), ('empty')) v (s) GROUP BY s ORDER BY s::text;
RESET enable_sort;
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'standing_hash_ops';

-- ---- readers ----

SELECT l AS ladder, level(s, l::smallint), level_since(s, l::smallint), level_until(s, l::smallint), level_review(s, l::smallint)
FROM (VALUES ('1:2@2026-03-01/2026-06-01!2026-07-01,3:1@2026-03-01,4:0@2026-03-02/2026-09-02'::standing)) v (s), generate_series(0, 5) l;
SELECT level('empty', 1::smallint), level_since('empty', 1::smallint), level_until('empty', 1::smallint), level_review('empty', 1::smallint),
       level(NULL, 1::smallint) AS strict;
-- what was granted by hand counts: at least, exactly, at least
SELECT s, u.* FROM (VALUES ('1:2@2026-03-01/2026-06-01 floor 3,2:2@2026-03-01 floor 1/2026-04-01,3:2@2026-03-01 lock 0,4:0@2026-03-01 trial 1/2026-04-01'::standing), ('empty')) v (s), unnest(s) u;
SELECT level('1:2@2026-03-01 floor 3,2:2@2026-03-01 lock 1'::standing, l::smallint) FROM generate_series(1, 3) l;
