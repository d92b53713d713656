-- Mutated texts and bytes for every type: input refuses with an error of its own, or takes a value that comes back the
-- same. `make fuzz` does so for longer, under sanitizers, from the same seeds.
SET client_min_messages = warning;
SET datestyle = iso;
SET search_path = member, public;

-- ---- seeds ----

CREATE TEMP TABLE seed (type text, value text);
INSERT INTO seed VALUES
    ('lots', 'empty'), ('lots', '1:100/2026-12-31,1:40@2026-03-20,2:150,1:-30'), ('lots', '1:5@2026-03-01/2026-06-01,12:1000000000000000'),
    ('activity', 'empty'), ('activity', '1{2025-03-04:1/1200, 2026-01-05:3/1800^600, 2026-02-10:2/9800^6000} 3{2026-02-20:4; 7x3}'),
    ('activity', '1{~2024-02-05..2024-04-10:3/30^12*2, 2024-06-03..20:2/20^15, 2026-03-01:1/40, 2026-03-09:0/3} 32767{2026-03-01:1}'),
    ('standing', 'empty'), ('standing', '1:1@2026-01-01/2026-04-01'), ('standing', '1:1@2025-12-31/2026-12-31!2027-01-31,2:1@2026-04-01'),
    ('rfm', '3-3-2'), ('rfm', '99-12-1'), ('rfm_cuts', 'n=100 r(225,92) f(2,4) m(5001,23003)'), ('rfm_cuts', 'n=7 r(225,155,92,44) f(2,3,4,*) m(-5,0)'),
    ('rfm_sketch', 'bins=5,5,5 r() f() m()'), ('rfm_sketch', 'bins=5,4,3 r(0:2,2147483647:1) f(0:1,9223372036854775807:2) m(-9223372036854775808:1,0:1,9223372036854775807:1)'),
    ('value_stats', 'times() money()'), ('value_stats', 'times~3(0/0/40:70000,2/24/64:1) money~1(2/25600:1)'),
    ('value_model', 'bg(0.243,30.9,0.793,2.426) gg(6.25,3.74,1544)'), ('value_model', 'bg(0.243,30.9,0.793,2.426)'),
    ('tagset', 'empty'), ('tagset', '3,17*0.4@2026-03-01/2026-06-01~90,2147483647*100000/9999-12-31'),
    ('rule', 'amount(1, 90d) >= 100.5 and not (#3 or tier(1) in (1, 2)) or city = ''上''''海'''),
    ('rule', '-(0.7 * balance(2) - count(3, last_month)) / 2 between 1 and 1000000000000 and attr."a b" is unknown'),
    ('rule', 'weight(#12) > 0.3 and birthday within 3d and since(attr.x) >= 18mo and event.store <> ''S'' and true'),
    ('ruleset', '1: #3; 12: gender = ''F;'' or attr."x;y" > 1; 2147483647: streak(2) >= 7'), ('ruleset', 'empty'),
    ('program', 'program 3 remind 30,15,3,1000 zone ''America/New_York''; wallet 1 points month_end 6 pending 0 lots 24 debt spendable; wallet 2 growth days 10;
        stream 1 orders purchases; stream 2 signin days 31 months 0; earn a stream 1 wallet 1 give 1000000000 per 12.50 round half_up tiered;
        earn b stream 2 wallet 1 give 1,2,3,4,5 cap 1 every 7; level 1 0 normal; level 1 1 silver multiplier 1200 months 3 grace 30
        qualify {spend(12mo) >= 500 and growth >= 300} keep {orders(90d) >= 6 or max_order(30d) >= 0.05};');

SELECT typname AS without_a_seed FROM pg_type t WHERE typnamespace = 'member'::regnamespace AND typtype = 'b' AND typelem = 0
EXCEPT SELECT type::name FROM seed ORDER BY 1;

-- ---- mutation ----

SELECT setseed(0.42) \g /dev/null
CREATE FUNCTION pg_temp.upto(n int) RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT floor(random() * (n + 1))::int $$;

-- some of: a piece left out, doubled, taken from another seed, or put in
CREATE FUNCTION pg_temp.mutated(t text, other text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    words CONSTANT text[] := ARRAY['0', '9', '-', '-1', ',', ';', '(', ')', ':', '/', '@', '^', '{', '}', '''', '"', '.', '~', '#', '*', '!', '..', ' ', '上', E'\t', E'\n',
        '2147483648', '99999999999999999999', '-9223372036854775808', '2026-02-30', '0000-00-00', '9999-12-31', 'infinity', '-infinity', 'empty', 'and', 'not', 'null', '1e9', 'NaN'];
    at int;
    n int;
BEGIN
    FOR i IN 0 .. pg_temp.upto(3) LOOP
        at := pg_temp.upto(length(t));
        n := pg_temp.upto(8);
        t := left(t, at) || CASE pg_temp.upto(4)
            WHEN 0 THEN substr(t, at + 1 + n)
            WHEN 1 THEN substr(t, at + 1, n) || substr(t, at + 1)
            WHEN 2 THEN substr(other, 1 + pg_temp.upto(length(other)), n) || substr(t, at + 1 + pg_temp.upto(1) * n)
            WHEN 3 THEN pg_temp.upto(9)::text || substr(t, at + 2)
            ELSE words[1 + pg_temp.upto(cardinality(words) - 1)] || substr(t, at + 1 + pg_temp.upto(1)) END;
    END LOOP;
    RETURN t;
END $$;

CREATE FUNCTION pg_temp.mutated(b bytea) RETURNS bytea LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    words CONSTANT bytea[] := ARRAY['\x00', '\xff', '\x80', '\x7fffffff', '\x80000000', '\xffffffff', '\x7fffffffffffffff', '\x8000000000000000', '\x0000000000000001'];
    at int;
BEGIN
    FOR i IN 0 .. pg_temp.upto(2) LOOP
        at := pg_temp.upto(length(b));
        b := substr(b, 1, at) || CASE pg_temp.upto(3)
            WHEN 0 THEN substr(b, at + 1 + pg_temp.upto(8))
            WHEN 1 THEN substr(b, at + 1, pg_temp.upto(8)) || substr(b, at + 1)
            WHEN 2 THEN set_byte('\x00', 0, pg_temp.upto(255)) || substr(b, at + 2)
            ELSE words[1 + pg_temp.upto(cardinality(words) - 1)] || substr(b, at + 1 + pg_temp.upto(8)) END;
    END LOOP;
    RETURN b;
END $$;

-- own errors, and those that every input function has: of values, texts, numbers, dates, encodings, messages and limits
CREATE FUNCTION pg_temp.allowed(state text) RETURNS boolean LANGUAGE sql
AS $$ SELECT state LIKE 'MB%' OR state IN ('22000', '22P02', '22P03', '22003', '22023', '22007', '22008', '22021', '08P01', '54000') $$;

CREATE TEMP TABLE outcome (type text, input text, state text, fault text);

CREATE FUNCTION pg_temp.fuzz_text(type text, n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    seeds text[] := ARRAY(SELECT s.value FROM seed s WHERE s.type = fuzz_text.type);
    input text;
    printed text;
    again text;
BEGIN
    FOR i IN 1 .. n LOOP
        input := pg_temp.mutated(seeds[1 + pg_temp.upto(cardinality(seeds) - 1)], seeds[1 + pg_temp.upto(cardinality(seeds) - 1)]);
        BEGIN
            EXECUTE format('SELECT ($1::%1$I)::text, ($1::%1$I)::text::%1$I::text', type) INTO printed, again USING input;
            INSERT INTO outcome VALUES (type, input, 'taken', CASE WHEN printed IS DISTINCT FROM again THEN printed END);
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO outcome VALUES (type, input, SQLSTATE, CASE WHEN NOT pg_temp.allowed(SQLSTATE) THEN SQLERRM END);
        END;
    END LOOP;
END $$;

-- Bytes go through a file: the copy of a bytea has the form of a copy of the type.
CREATE FUNCTION pg_temp.fuzz_bytes(type text, n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    seeds bytea[];
    file CONSTANT text := current_setting('data_directory') || '/member_fuzz.' || pg_backend_pid();
    input bytea;
    fault text;
BEGIN
    EXECUTE format('SELECT array_agg(%1$I(s.value::%2$I)) FROM seed s WHERE s.type = %2$L', type || '_send', type) INTO seeds;
    EXECUTE format('CREATE TEMP TABLE taken (value %I)', type);
    FOR i IN 1 .. n LOOP
        input := pg_temp.mutated(seeds[1 + pg_temp.upto(cardinality(seeds) - 1)]);
        EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', input, file);
        BEGIN
            DELETE FROM taken;
            EXECUTE format('COPY taken FROM %L (FORMAT binary)', file);
            EXECUTE format('SELECT value::text FROM taken WHERE (value::text::%1$I)::text <> value::text OR %2$I(value::text::%1$I) <> %2$I(value)', type, type || '_send') INTO fault;
            INSERT INTO outcome VALUES (type || ', bytes', input::text, 'taken', fault);
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO outcome VALUES (type || ', bytes', input::text, SQLSTATE, CASE WHEN NOT pg_temp.allowed(SQLSTATE) THEN SQLERRM END);
        END;
    END LOOP;
    DROP TABLE taken;
    EXECUTE format('COPY (SELECT WHERE false) TO PROGRAM %L', 'rm ' || file);
END $$;

SELECT count(pg_temp.fuzz_text(type, 5000)) AS types FROM (SELECT DISTINCT type COLLATE "C" FROM seed ORDER BY 1) t (type);
SELECT count(pg_temp.fuzz_bytes(type, 1000)) AS types FROM (SELECT DISTINCT type COLLATE "C" FROM seed ORDER BY 1) t (type);
SELECT type, count(*) AS tried, count(*) FILTER (WHERE state = 'taken') > 50 AS some_taken, count(*) FILTER (WHERE state <> 'taken') > 200 AS many_refused,
       count(fault) AS faults
FROM outcome GROUP BY type ORDER BY type COLLATE "C";
SELECT * FROM (SELECT DISTINCT ON (type, state) type, state, fault, left(input, 200) AS input FROM outcome WHERE fault IS NOT NULL ORDER BY type, state, length(input)) f
ORDER BY type COLLATE "C", state;
