-- The catalog as a value. It is kept with every version by numbers, and exported by names; the list of its tables is
-- the one place that export, import, diff and going back are made from.

CREATE OR REPLACE FUNCTION member_internal.catalog()
RETURNS TABLE (place bigint, part text, number_column text, label text[], stays jsonb, left_out text[])
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT row_number() OVER (), c.* FROM (VALUES
        ('setting', NULL, '{}'::text[], NULL::jsonb, '{one,layout,preset,program_version,limited_sources}'::text[]),
        ('wallet', 'wallet_id', '{code}', '{}', '{}'),
        ('stream', 'stream_id', '{code}', '{}', '{}'),
        ('earn_rule', NULL, '{code}', NULL, '{}'),
        ('tier_ladder', 'ladder_id', '{code}', '{}', '{}'),
        ('tier_level', NULL, '{ladder,code}', '{"archived": true}', '{}'),
        ('tier_fast', NULL, '{ladder,level,sale}', NULL, '{}'),
        ('benefit', NULL, '{code}', NULL, '{}'),
        ('tier_benefit', NULL, '{ladder,level,benefit}', NULL, '{}'),
        ('tag', 'tag_id', '{code}', '{"rule": null, "on_event": null}', '{}'),
        ('value_setting', NULL, '{}', NULL, '{one}'),
        ('rfm_action', NULL, '{sort,number}', NULL, '{}'),
        ('message_template', NULL, '{code}', NULL, '{}'),
        ('verb', NULL, '{verb}', NULL, '{}')) c
$$;
COMMENT ON FUNCTION member_internal.catalog() IS
    'The tables of the catalog, each after those it refers to. number_column: its rows have numbers of this name, here and where others refer to them, and are exported by their code instead; label: columns that name a row; stays: members hold its rows, so one that was published is never deleted but set to this; left_out: columns that are no catalog.';

CREATE OR REPLACE FUNCTION member_internal.catalog_key(part text) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(a.attname::text ORDER BY k.n) FILTER (WHERE a.attname <> 'one')
    FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k (attnum, n)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = format('member.%I', part)::regclass AND i.indisprimary
$$;
COMMENT ON FUNCTION member_internal.catalog_key(text) IS
    'Columns of the primary key of a table of the catalog; null: the table is one row.';

CREATE OR REPLACE FUNCTION member_internal.catalog_draft() RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    c record;
    rows jsonb;
    draft jsonb := jsonb '{}';
BEGIN
    FOR c IN SELECT l.part, l.left_out, member_internal.catalog_key(l.part) AS key FROM member_internal.catalog() l ORDER BY l.place
    LOOP
        EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(t) - $1 ORDER BY %s), ''[]'') FROM member.%I t',
            coalesce((SELECT string_agg(format('t.%I%s', k.name, CASE WHEN a.attcollation <> 0 THEN ' COLLATE "C"' END), ', ' ORDER BY k.n)
                      FROM unnest(c.key) WITH ORDINALITY k (name, n)
                      JOIN pg_attribute a ON a.attrelid = format('member.%I', c.part)::regclass AND a.attname = k.name), '1'), c.part)
            INTO rows USING c.left_out;
        draft := draft || jsonb_build_object(c.part, rows);
    END LOOP;
    RETURN draft;
END
$$;
COMMENT ON FUNCTION member_internal.catalog_draft() IS 'The catalog draft as a value: the rows of each table, with numbers.';

CREATE OR REPLACE FUNCTION member_internal.catalog_of(version integer) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    found jsonb;
BEGIN
    PERFORM member_internal.require_ready();
    IF version = 0 THEN
        RETURN member_internal.catalog_draft();
    END IF;
    SELECT v.catalog INTO found FROM member.program_version v
    WHERE v.version = coalesce(catalog_of.version, (SELECT s.program_version FROM member.setting s));
    IF found IS NULL THEN
        PERFORM member_internal.refuse('MB008', format('there is no program version %s', version),
            hint => 'The versions are in member.program_version; 0 is the draft.');
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION member_internal.catalog_of(integer) IS
    'The catalog of a version, with numbers; null: the one in force, 0: the draft. Errors: MB001, MB002, MB008.';

CREATE OR REPLACE FUNCTION member_internal.catalog_named(catalog jsonb) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    SELECT jsonb_object_agg(c.part, (
        SELECT coalesce(jsonb_agg((
            SELECT jsonb_object_agg(CASE WHEN n.part IS NULL THEN f.key ELSE left(f.key, -3) END,
                                    CASE WHEN n.part IS NULL THEN f.value
                                         ELSE (SELECT x -> 'code' FROM jsonb_array_elements(catalog -> n.part) x WHERE x -> f.key = f.value) END)
            FROM jsonb_each(r.value) f LEFT JOIN member_internal.catalog() n ON n.number_column = f.key
            WHERE n.part IS DISTINCT FROM c.part) ORDER BY r.ordinality), '[]')
        FROM jsonb_array_elements(catalog -> c.part) WITH ORDINALITY r))
    FROM member_internal.catalog() c
$$;
COMMENT ON FUNCTION member_internal.catalog_named(jsonb) IS
    'A catalog by names: without the numbers of its rows, and with codes where it refers to others.';

CREATE OR REPLACE FUNCTION member_internal.catalog_label(part text, named jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(string_agg(named ->> l.name, '/' ORDER BY l.n), '')
    FROM member_internal.catalog() c CROSS JOIN LATERAL unnest(c.label) WITH ORDINALITY l (name, n) WHERE c.part = catalog_label.part
$$;
COMMENT ON FUNCTION member_internal.catalog_label(text, jsonb) IS 'What a row of an exported catalog is called in messages.';

CREATE OR REPLACE FUNCTION member_internal.catalog_diff(a jsonb, b jsonb)
RETURNS TABLE (part text, name text, field text, was text, becomes text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    WITH c AS MATERIALIZED (
        SELECT l.place, l.part, member_internal.catalog_key(l.part) AS key FROM member_internal.catalog() l
    ), side AS (
        SELECT s.side, c.place, c.part, r.named AS value, coalesce((SELECT jsonb_agg(r.numbered -> k ORDER BY k) FROM unnest(c.key) k), '[]') AS key
        FROM (VALUES (1, a, member_internal.catalog_named(a)), (2, b, member_internal.catalog_named(b))) s (side, numbered, named)
        CROSS JOIN c
        CROSS JOIN LATERAL ROWS FROM (jsonb_array_elements(s.named -> c.part), jsonb_array_elements(s.numbered -> c.part)) AS r (named, numbered)
    ), pair AS (
        SELECT place, part, key, x.value AS was, y.value AS becomes
        FROM (SELECT * FROM side WHERE side = 1) x FULL JOIN (SELECT * FROM side WHERE side = 2) y USING (place, part, key)
        WHERE x.value IS DISTINCT FROM y.value
    )
    SELECT p.part, member_internal.catalog_label(p.part, coalesce(p.becomes, p.was)), f.field, f.was, f.becomes
    FROM pair p CROSS JOIN LATERAL (
        SELECT NULL AS field, p.was::text AS was, p.becomes::text AS becomes WHERE p.was IS NULL OR p.becomes IS NULL
        UNION ALL
        SELECT key, x.value #>> '{}', y.value #>> '{}' FROM jsonb_each(p.was) x FULL JOIN jsonb_each(p.becomes) y USING (key)
        WHERE p.was IS NOT NULL AND p.becomes IS NOT NULL AND x.value IS DISTINCT FROM y.value) f
    ORDER BY p.place, p.key, f.field COLLATE "C"
$$;
COMMENT ON FUNCTION member_internal.catalog_diff(jsonb, jsonb) IS
    'What differs between two catalogs with numbers, rows being the same by their primary key.';

-- ---- changing the draft ----

CREATE OR REPLACE FUNCTION member_internal.catalog_numbered(named jsonb, OUT catalog jsonb, OUT errors text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    draft CONSTANT jsonb := member_internal.catalog_draft();
    numbers jsonb := jsonb '{}'; -- part → code → number
    c record;
    r record;
    f record;
    given jsonb;
    made jsonb;
    place text;
    last integer;
BEGIN
    catalog := '{}';
    errors := ARRAY(SELECT format('%s: there is no such table in the catalog', k) FROM jsonb_object_keys(named) k
                    WHERE NOT EXISTS (SELECT FROM member_internal.catalog() l WHERE l.part = k));
    FOR c IN SELECT l.*, ARRAY(SELECT a.attname::text FROM pg_attribute a
                               WHERE a.attrelid = format('member.%I', l.part)::regclass AND a.attnum > 0 AND NOT a.attisdropped
                                 AND a.attname <> ALL (l.left_out) AND a.attname IS DISTINCT FROM l.number_column) AS columns
             FROM member_internal.catalog() l ORDER BY l.place
    LOOP
        IF c.number_column IS NOT NULL THEN
            numbers := numbers || jsonb_build_object(c.part, (
                SELECT coalesce(jsonb_object_agg(x ->> 'code', x -> c.number_column), '{}') FROM jsonb_array_elements(draft -> c.part) x));
            SELECT coalesce(max((x ->> c.number_column)::integer), 0) INTO last
            FROM (SELECT draft AS rows UNION ALL SELECT v.catalog FROM member.program_version v) s CROSS JOIN LATERAL jsonb_array_elements(s.rows -> c.part) x;
        END IF;
        CONTINUE WHEN NOT named ? c.part;
        IF jsonb_typeof(named -> c.part) <> 'array' THEN
            errors := errors || format('%s: an array of rows is expected', c.part);
            CONTINUE;
        END IF;
        made := '[]';
        FOR r IN SELECT e.value, e.ordinality AS no FROM jsonb_array_elements(named -> c.part) WITH ORDINALITY e
        LOOP
            IF jsonb_typeof(r.value) <> 'object' THEN
                errors := errors || format('%s row %s: an object is expected', c.part, r.no);
                CONTINUE;
            END IF;
            place := format('%s %s', c.part, coalesce(nullif(member_internal.catalog_label(c.part, r.value), ''), 'row ' || r.no));
            given := r.value;
            FOR f IN SELECT k.key, k.value, n.part, n.number_column
                     FROM jsonb_each(r.value) k LEFT JOIN member_internal.catalog() n
                       ON n.number_column = k.key || '_id' AND n.number_column = ANY (c.columns)
            LOOP
                IF f.part IS NOT NULL THEN
                    IF numbers -> f.part -> (f.value #>> '{}') IS NULL AND f.value <> 'null' THEN
                        errors := errors || format('%s: unknown %s %s', place, f.part, f.value);
                        given := NULL;
                    END IF;
                    given := given - f.key || jsonb_build_object(f.number_column, numbers -> f.part -> (f.value #>> '{}'));
                ELSIF f.key <> ALL (c.columns) OR EXISTS (SELECT FROM member_internal.catalog() n WHERE n.number_column = f.key) THEN
                    errors := errors || format('%s: there is no column "%s"', place, f.key);
                    given := given - f.key;
                END IF;
            END LOOP;
            IF c.number_column IS NOT NULL THEN
                IF r.value ->> 'code' IS NULL THEN
                    errors := errors || format('%s: it has no code', place);
                    CONTINUE;
                END IF;
                IF NOT numbers -> c.part ? (r.value ->> 'code') THEN
                    last := last + 1;
                    numbers := jsonb_set(numbers, ARRAY[c.part, r.value ->> 'code'], to_jsonb(last));
                END IF;
                given := given || jsonb_build_object(c.number_column, numbers -> c.part -> (r.value ->> 'code'));
            END IF;
            made := made || CASE WHEN given IS NULL THEN '[]' ELSE jsonb_build_array(given) END;
        END LOOP;
        catalog := catalog || jsonb_build_object(c.part, made);
    END LOOP;
END
$$;
COMMENT ON FUNCTION member_internal.catalog_numbered(jsonb) IS
    'An exported catalog with numbers: those that the draft has for its codes, else the next; and what is wrong with its names.';

CREATE OR REPLACE FUNCTION member_internal.catalog_put(part text, key text[], given jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    columns CONSTANT text[] := ARRAY(SELECT jsonb_object_keys(given));
    changed bigint;
BEGIN
    EXECUTE format('UPDATE member.%I t SET %s FROM jsonb_populate_record(NULL::member.%1$I, $1) r WHERE %3$s', part,
        (SELECT string_agg(format('%I = r.%1$I', c), ', ') FROM unnest(columns) c),
        coalesce((SELECT string_agg(format('t.%I = r.%1$I', k), ' AND ') FROM unnest(key) k), 'true')) USING given;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed = 0 THEN
        EXECUTE format('INSERT INTO member.%I (%s) SELECT %2$s FROM jsonb_populate_record(NULL::member.%1$I, $1) r', part,
            (SELECT string_agg(quote_ident(c), ', ') FROM unnest(columns) c)) USING given;
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.catalog_put(text, text[], jsonb) IS
    'Writes a row into the catalog draft: of one that is there the columns given, a new one with the defaults of the others.';

-- What can't be written is told with the column it comes from, where that can be found.
CREATE OR REPLACE FUNCTION member_internal.catalog_fault(part text, given jsonb, message text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    f record;
BEGIN
    FOR f IN SELECT e.key, e.value FROM jsonb_each(given) e
    LOOP
        BEGIN
            EXECUTE format('SELECT jsonb_populate_record(NULL::member.%I, $1)', part) USING jsonb_build_object(f.key, f.value);
        EXCEPTION WHEN data_exception THEN
            RETURN format('column "%s": %s', f.key, SQLERRM);
        END;
    END LOOP;
    RETURN message;
END
$$;
COMMENT ON FUNCTION member_internal.catalog_fault(text, jsonb, text) IS
    'Which column of a row can''t be read, and why; else the message.';

CREATE OR REPLACE FUNCTION member_internal.catalog_apply(catalog jsonb, prune boolean) RETURNS text[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    c record;
    r record;
    named CONSTANT jsonb := member_internal.catalog_named(member_internal.catalog_draft() || catalog);
    keys jsonb;
    seen jsonb := jsonb '{}'; -- part → keys of its rows
    errors text[] := ARRAY[]::text[];
    numbers text;
BEGIN
    FOR c IN SELECT l.*, member_internal.catalog_key(l.part) AS key FROM member_internal.catalog() l WHERE catalog ? l.part ORDER BY l.place
    LOOP
        keys := '[]';
        FOR r IN SELECT e.value AS given, (SELECT jsonb_object_agg(k, e.value -> k) FROM unnest(c.key) k) AS key,
                     format('%s %s', c.part, member_internal.catalog_label(c.part, e.named)) AS place
                 FROM ROWS FROM (jsonb_array_elements(catalog -> c.part), jsonb_array_elements(named -> c.part)) AS e (value, named)
        LOOP
            IF keys @> jsonb_build_array(r.key) THEN
                errors := errors || format('%s: it is there twice', r.place);
                CONTINUE;
            END IF;
            keys := keys || jsonb_build_array(r.key);
            BEGIN
                PERFORM member_internal.catalog_put(c.part, c.key, r.given);
            EXCEPTION WHEN data_exception OR integrity_constraint_violation OR SQLSTATE 'MB501' OR SQLSTATE 'MB502' THEN
                errors := errors || format('%s: %s', r.place, member_internal.catalog_fault(c.part, r.given, SQLERRM));
            END;
        END LOOP;
        seen := seen || jsonb_build_object(c.part, keys);
        numbers := pg_get_serial_sequence(format('member.%I', c.part), c.number_column);
        IF numbers IS NOT NULL THEN
            EXECUTE format('SELECT setval(%L, greatest(nextval(%1$L), max(t.%I))) FROM member.%I t', numbers, c.number_column, c.part);
        END IF;
    END LOOP;
    IF prune AND cardinality(errors) = 0 THEN
        FOR c IN SELECT l.*, member_internal.catalog_key(l.part) AS key FROM member_internal.catalog() l WHERE catalog ? l.part ORDER BY l.place DESC
        LOOP
            CONTINUE WHEN c.key IS NULL;
            FOR r IN SELECT k.key, c.stays IS NOT NULL AND EXISTS (
                         SELECT FROM member.program_version v CROSS JOIN LATERAL jsonb_array_elements(v.catalog -> c.part) p WHERE p @> k.key) AS published
                     FROM jsonb_array_elements(member_internal.catalog_draft() -> c.part) x
                     CROSS JOIN LATERAL (SELECT jsonb_object_agg(n, x -> n) AS key FROM unnest(c.key) n) k
                     WHERE NOT seen -> c.part @> jsonb_build_array(k.key)
            LOOP
                IF r.published THEN
                    PERFORM member_internal.catalog_put(c.part, c.key, r.key || c.stays);
                ELSE
                    EXECUTE format('DELETE FROM member.%I t USING jsonb_populate_record(NULL::member.%1$I, $1) r WHERE %2$s', c.part,
                        (SELECT string_agg(format('t.%I = r.%1$I', k), ' AND ') FROM unnest(c.key) k)) USING r.key;
                END IF;
            END LOOP;
        END LOOP;
    END IF;
    RETURN errors;
END
$$;
COMMENT ON FUNCTION member_internal.catalog_apply(jsonb, boolean) IS
    'Writes the rows of a catalog with numbers into the draft; prune: and takes away those of its tables that it does not have. What could not be written.';

-- ---- the API ----

CREATE OR REPLACE FUNCTION member.program_export(version integer DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN member_internal.catalog_named(member_internal.catalog_of(version));
END
$$;
COMMENT ON FUNCTION member.program_export(integer) IS
    'The catalog of a version (null: the one in force, 0: the draft), by names: for each table an array of its rows. What program_import() reads, here or in another database. Errors: MB008 no such version.';

CREATE OR REPLACE FUNCTION member.program_diff(a integer DEFAULT NULL, b integer DEFAULT 0)
RETURNS TABLE (part text, name text, field text, was text, becomes text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT d.* FROM member_internal.catalog_diff(member_internal.catalog_of(a), member_internal.catalog_of(b)) d;
END
$$;
COMMENT ON FUNCTION member.program_diff(integer, integer) IS
    'What differs between the catalogs of two versions (null: the one in force, 0: the draft; by default what the next publish changes): table, row, column, value before and after; a row that is only in one is given whole, without a column. Errors: MB008 no such version.';

CREATE OR REPLACE FUNCTION member.program_import(catalog jsonb, prune boolean DEFAULT false) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    before jsonb;
    read record;
    errors text[];
BEGIN
    PERFORM member_internal.require_ready();
    PERFORM FROM member.setting FOR UPDATE; -- nobody publishes half of it
    IF catalog IS NULL OR prune IS NULL THEN
        PERFORM member_internal.refuse('22004', 'arguments "catalog" and "prune" must not be null');
    END IF;
    IF jsonb_typeof(catalog) <> 'object' THEN
        PERFORM member_internal.refuse('MB007', 'the catalog can''t be imported', 'An object of tables is expected.');
    END IF;
    before := member_internal.catalog_draft();
    read := member_internal.catalog_numbered(catalog);
    errors := read.errors || member_internal.catalog_apply(read.catalog, prune AND cardinality(read.errors) = 0);
    IF cardinality(errors) > 0 THEN
        PERFORM member_internal.refuse('MB007', 'the catalog can''t be imported', array_to_string(errors, E'\n'),
            'The draft stays as it was.');
    END IF;
    RETURN (SELECT count(*) FROM member_internal.catalog_diff(before, member_internal.catalog_draft()));
END
$$;
COMMENT ON FUNCTION member.program_import(jsonb, boolean) IS
    'Writes an exported catalog, or a part of one, into the draft, by names: rows that are there get the columns given, others are added; prune: rows of the tables given that are not in it are taken away, but those that members may hold (wallets, streams, ladders, levels and tags that were published) stay, tags without their rule, levels archived. Returns how many values changed; publish() puts them in force. Errors: MB007 with every fault at once; the draft is then as it was.';

CREATE OR REPLACE FUNCTION member.program_revert(version integer, note text, discard_draft boolean DEFAULT false) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    target jsonb;
    errors text[];
    unpublished text;
BEGIN
    target := member_internal.catalog_of(version);
    PERFORM FROM member.setting FOR UPDATE;
    SELECT string_agg(DISTINCT concat_ws(' ', d.part, d.name), ', ') INTO unpublished
    FROM member_internal.catalog_diff(member_internal.catalog_of(NULL), member_internal.catalog_draft()) d;
    IF unpublished IS NOT NULL AND discard_draft IS NOT TRUE THEN
        PERFORM member_internal.refuse('MB009', 'the draft has changes that are not published', format('Of %s.', unpublished),
            'Publish them, keep what program_export(0) gives, or pass discard_draft => true.');
    END IF;
    errors := member_internal.catalog_apply(target, true);
    IF cardinality(errors) > 0 THEN
        PERFORM member_internal.refuse('MB007', format('version %s can''t be put back', version), array_to_string(errors, E'\n'));
    END IF;
    RETURN member.publish(note);
END
$$;
COMMENT ON FUNCTION member.program_revert(integer, text, boolean) IS
    'Goes back to the catalog of an earlier version, published as the next one, whose number it returns. Wallets, streams, ladders, levels and tags published since stay, tags without their rule, levels archived: members may hold them. Errors: MB008 no such version, MB009 the draft has unpublished changes and discard_draft is not given, MB005, MB007.';
