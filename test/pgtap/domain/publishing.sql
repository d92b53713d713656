-- The catalog as a value: export, import, differences, going back. Random drafts go out and come back the same.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT * FROM no_plan();

SELECT is(member.setup('retail', '店'), 1, 'a program');
INSERT INTO member.tag (code, dimension, rule) VALUES ('often', 'preference', 'orders(30d) >= 4'), ('said', 'basic', NULL);
SELECT is(member.publish('tags'), 2, 'and another');

-- ---- export ----

SELECT set_eq('SELECT jsonb_object_keys(member.program_export())', 'SELECT part FROM member_internal.catalog()', 'an export has every table');
SELECT is(member.program_export() -> 'tier_level' -> 1 ->> 'ladder', 'consumer', 'names what it refers to');
SELECT is_empty($$ SELECT k FROM jsonb_each(member.program_export()) p, jsonb_array_elements(p.value) r, jsonb_object_keys(r) k WHERE k LIKE '%\_id' $$, 'and has no number of a row');
SELECT is(member.program_export(), member.program_export(0), 'published, the draft is the version in force');
SELECT ok(NOT member.program_export(1) -> 'tag' @> '[{"code": "often"}]', 'each version keeps its own');
SELECT throws_ok('SELECT member.program_export(9)', 'MB008', 'there is no program version 9', 'one that is not');

-- ---- differences ----

SELECT is_empty('SELECT * FROM member.program_diff()', 'nothing is to be published');
UPDATE member.tier_level SET qualify = 'spend(12mo) >= 600', keep = NULL WHERE code = 'silver';
INSERT INTO member.stream (stream_id, code, name) VALUES (5, 'review', '评价');
DELETE FROM member.earn_rule WHERE code = 'share';
UPDATE member.setting SET reminders = '{30,3}';
SELECT results_eq('SELECT part, name, field, was, becomes FROM member.program_diff() WHERE field IS NOT NULL', $$ VALUES
    ('setting', '', 'reminders', '[30, 15, 3]', '[30, 3]'),
    ('tier_level', 'consumer/silver', 'keep', 'spend(12mo) >= 400', NULL),
    ('tier_level', 'consumer/silver', 'qualify', 'spend(12mo) >= 500', 'spend(12mo) >= 600') $$, 'what changed, column by column');
SELECT results_eq($$ SELECT part, name, was::jsonb ->> 'code', becomes::jsonb ->> 'code' FROM member.program_diff() WHERE field IS NULL $$,
    $$ VALUES ('stream', 'review', NULL, 'review'), ('earn_rule', 'share', 'share', NULL) $$, 'what came and went, whole');
SELECT results_eq('SELECT part, name, field, becomes, was FROM member.program_diff(0, 2)', 'SELECT part, name, field, was, becomes FROM member.program_diff(2, 0)', 'backwards it is the reverse');
UPDATE member.stream SET code = 'comment' WHERE stream_id = 4;
SELECT results_eq($$ SELECT name, field, was, becomes FROM member.program_diff() WHERE part = 'stream' AND field IS NOT NULL $$, $$ VALUES ('comment', 'code', 'share', 'comment') $$, 'a row by another name is the same row');
UPDATE member.stream SET code = 'share' WHERE stream_id = 4;

-- ---- going back ----

SELECT throws_ok($$ SELECT member.program_revert(1, 'back') $$, 'MB009', 'the draft has changes that are not published', 'work in the draft is not thrown away unasked');
SELECT is(member.publish('changes'), 3, 'published');
SELECT is(member.program_revert(1, 'back to the first'), 4, 'going back is a new version');
SELECT is((SELECT program_version FROM member.setting), 4, 'in force');
SELECT results_eq('SELECT part, name, becomes IS NOT NULL FROM member.program_diff(1, 4)', $$ VALUES ('stream', 'review', true), ('tag', 'often', true), ('tag', 'said', true) $$, 'but what members may hold stays');
SELECT is((SELECT rule FROM member.tag WHERE code = 'often'), NULL, 'a tag without its rule');
SELECT is((SELECT regexp_replace(regexp_replace(program::text, 'program \d+', ''), '\nstream 5[^\n]*', '') FROM member.program_version WHERE version = 4),
    (SELECT regexp_replace(program::text, 'program \d+', '') FROM member.program_version WHERE version = 1), 'it decides as the first did');
UPDATE member.setting SET brand = 'x';
SELECT is(member.program_revert(3, 'again', true), 5, 'the draft may be given up');
SELECT is_empty('SELECT * FROM member.program_diff(3, 5)', 'all of the third is there again');
SELECT is((SELECT brand FROM member.setting), '店', 'the brand too');
SELECT throws_ok($$ SELECT member.program_revert(9, 'x') $$, 'MB008', NULL, 'no such version');
SELECT is(member.tags_refresh(), 0::bigint, 'and rules count again');

-- ---- import ----

SELECT is(member.program_import('{"earn_rule": [{"code": "buy", "give": [2]}], "tag": [{"code": "new", "dimension": "basic"}]}'), 2::bigint, 'a part of a catalog: rows and columns given');
SELECT results_eq('SELECT part, name, field, was, becomes FROM member.program_diff() WHERE field IS NOT NULL', $$ VALUES ('earn_rule', 'buy', 'give', '[1]', '[2]') $$, 'all else stays');
SELECT is((SELECT tag_id FROM member.tag WHERE code = 'new'), 3, 'a new row gets the next number');
INSERT INTO member.tag (code, dimension) VALUES ('later', 'basic');
SELECT is((SELECT tag_id FROM member.tag WHERE code = 'later') > 3, true, 'and the one after it another');
SELECT is(member.program_import('{"tag": [{"code": "said"}]}', prune => true), 3::bigint, 'pruned, what is not given goes');
SELECT results_eq('SELECT code, rule FROM member.tag ORDER BY tag_id', $$ VALUES ('often', NULL), ('said', NULL) $$, 'but for what was published');
SELECT is(member.program_import(member.program_export(5), true), 2::bigint, 'a version is put into the draft');
SELECT is_empty('SELECT * FROM member.program_diff()', 'whole');
SELECT throws_ok($$ SELECT member.program_import('[]') $$, 'MB007', NULL, 'no catalog');
SELECT throws_ok($$ SELECT member.program_import(NULL) $$, '22004', NULL, 'nothing');

CREATE FUNCTION pg_temp.faults(catalog jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    faults text;
BEGIN
    PERFORM member.program_import(catalog, true);
EXCEPTION WHEN SQLSTATE 'MB007' THEN
    GET STACKED DIAGNOSTICS faults = PG_EXCEPTION_DETAIL;
    RETURN QUERY SELECT string_to_table(faults, E'\n');
END
$$;
SELECT results_eq($$ SELECT * FROM pg_temp.faults('{"wallets": [], "verb": 3, "wallet": [{"code": "gold", "name": "x", "expiry": "soon"}, {"code": "points", "nane": "y"}, 7, {"name": "z"}],
        "tier_level": [{"ladder": "svip", "level": 0, "code": "a", "name": "b"}, {"ladder": "consumer", "level": "one", "code": "c", "name": "d"}],
        "earn_rule": [{"code": "buy"}, {"code": "buy"}, {"code": "x", "name": "x", "stream": "orders", "wallet": "none", "give": [1]}],
        "value_setting": [{"rfm_bins": [5, 0, 5]}, {"rfm_cuts": "none"}]}') $$, ARRAY[
    'wallets: there is no such table in the catalog',
    'wallet points: there is no column "nane"', 'wallet row 3: an object is expected', 'wallet row 4: it has no code',
    'tier_level svip/a: unknown tier_ladder "svip"', 'verb: an array of rows is expected',
    'wallet gold: new row for relation "wallet" violates check constraint "wallet_expiry_check"',
    'earn_rule buy: it is there twice', 'earn_rule x: insert or update on table "earn_rule" violates foreign key constraint "earn_rule_wallet_fkey"',
    'tier_level consumer/c: column "level": invalid input syntax for type smallint: "one"',
    'value_setting : new row for relation "value_setting" violates check constraint "value_setting_rfm_bins_check"',
    'value_setting : it is there twice'], 'every fault at once, with its table, row and column');
SELECT is_empty('SELECT * FROM member.program_diff()', 'and nothing is written');

-- ---- random drafts ----

CREATE FUNCTION pg_temp.some(n integer) RETURNS integer LANGUAGE sql VOLATILE AS $$ SELECT floor(random() * n)::integer $$;
-- whatever the order of the rows
CREATE FUNCTION pg_temp.sorted(catalog jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(p.key, (SELECT coalesce(jsonb_agg(x ORDER BY x::text COLLATE "C"), '[]') FROM jsonb_array_elements(p.value) x)) FROM jsonb_each(catalog) p
$$;
CREATE FUNCTION pg_temp.stir() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. 1 + pg_temp.some(6) LOOP
        CASE pg_temp.some(10)
            WHEN 0 THEN INSERT INTO member.tag (code, dimension, weight, half_life, rule) VALUES ('标签' || pg_temp.some(1000), 'basic', 1 + random(), pg_temp.some(9), NULLIF('orders >= ' || pg_temp.some(5), 'orders >= 0')) ON CONFLICT DO NOTHING;
            WHEN 1 THEN DELETE FROM member.tag WHERE tag_id > 2 AND tag_id % 3 = pg_temp.some(3);
            WHEN 2 THEN UPDATE member.earn_rule SET give = ARRAY[1 + pg_temp.some(9)], rounding = 'up' WHERE code = 'buy';
            WHEN 3 THEN DELETE FROM member.earn_rule WHERE code <> 'buy' AND length(code) % 3 = pg_temp.some(3);
            WHEN 4 THEN INSERT INTO member.earn_rule (code, name, stream, wallet, give, per) VALUES ('r' || pg_temp.some(99), '"规则"\', 'orders', 'points', '{1,2}', 0.5 + pg_temp.some(9)) ON CONFLICT DO NOTHING;
            WHEN 5 THEN UPDATE member.tier_level SET multiplier = 1 + random()::numeric(7,3), grace_days = pg_temp.some(30), name = name || pg_temp.some(9) WHERE level = 1 + pg_temp.some(3);
            WHEN 6 THEN INSERT INTO member.wallet (wallet_id, code, name) SELECT max(wallet_id) + 1, 'w' || max(wallet_id) + 1, E'a\tb' FROM member.wallet HAVING max(wallet_id) < 9;
            WHEN 7 THEN UPDATE member.setting SET cost_per_point = random()::numeric(12,6), reminders = ARRAY[1 + pg_temp.some(9)];
            WHEN 8 THEN UPDATE member.value_setting SET discount = random()::numeric(5,4), rfm_cuts = CASE pg_temp.some(2) WHEN 0 THEN 'n=100 r(225,92) f(2,4) m(5001,23003)'::member.rfm_cuts END;
            ELSE UPDATE member.message_template SET body = body || '…', channels = '{sms}' WHERE code = 'welcome';
        END CASE;
    END LOOP;
END
$$;
SELECT setseed(0.42);
CREATE TEMP TABLE kept (n integer, catalog jsonb);
INSERT INTO kept VALUES (0, member.program_export(0));
CREATE FUNCTION pg_temp.round(n integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before CONSTANT jsonb := member.program_export(0);
    after jsonb;
    old CONSTANT jsonb := (SELECT k.catalog FROM kept k ORDER BY random() LIMIT 1);
    moved bigint;
BEGIN
    PERFORM pg_temp.stir();
    after := member.program_export(0);
    IF member.program_import(after, true) <> 0 OR member.program_export(0) <> after THEN RETURN 'it changes on its way'; END IF;
    IF (pg_temp.sorted(before) = pg_temp.sorted(after)) <> (NOT EXISTS (SELECT FROM member_internal.catalog_diff((member_internal.catalog_numbered(before)).catalog, (member_internal.catalog_numbered(after)).catalog))) THEN
        RETURN 'the differences do not say so';
    END IF;
    moved := member.program_import(old, true);
    IF pg_temp.sorted(member.program_export(0)) <> pg_temp.sorted(old) THEN RETURN 'an old one does not come back'; END IF;
    IF (moved = 0) <> (pg_temp.sorted(after) = pg_temp.sorted(old)) THEN RETURN 'the count is wrong'; END IF;
    PERFORM member.program_import(after, true);
    IF pg_temp.sorted(member.program_export(0)) <> pg_temp.sorted(after) THEN RETURN 'nor the new one'; END IF;
    INSERT INTO kept VALUES (n, after);
    RETURN NULL;
END
$$;
SELECT is_empty('SELECT n, r FROM generate_series(1, 25) n, pg_temp.round(n) r WHERE r IS NOT NULL', 'random drafts go out and come back the same');
SELECT cmp_ok((SELECT count(DISTINCT pg_temp.sorted(catalog)) FROM kept), '>', 20::bigint, 'and they were not all the same');

SELECT * FROM finish();
