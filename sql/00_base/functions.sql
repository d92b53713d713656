-- Set-up, layout and the errors every writer shares.

-- @layout

CREATE OR REPLACE FUNCTION member_internal.layout() RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 1;
COMMENT ON FUNCTION member_internal.layout() IS 'Layout of the tables this code needs.';

CREATE OR REPLACE FUNCTION member_internal.refuse(
    state text, message text, detail text DEFAULT NULL, hint text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_refuse';
COMMENT ON FUNCTION member_internal.refuse(text, text, text, text) IS
    'Raises an error of this extension: SQLSTATE, message, what rule it broke, what to do.';

CREATE OR REPLACE FUNCTION member_internal.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'MB207',
        MESSAGE = format('%I.%I is append-only: %s refused', tg_table_schema, tg_table_name, lower(tg_op)),
        HINT = 'Correct by a new entry: points_reverse(), purchase_refund().';
END
$$;
COMMENT ON FUNCTION member_internal.refuse_change() IS 'Trigger that keeps the ledger append-only. Errors: MB207.';

CREATE OR REPLACE FUNCTION member_internal.require_ready() RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    layout_now integer;
BEGIN
    IF to_regclass('member.setting') IS NULL THEN
        PERFORM member_internal.refuse('MB001', 'member is not set up in this database',
            hint => 'Call member.setup(''retail'') or another preset.');
    END IF;
    SELECT s.layout INTO layout_now FROM member.setting s;
    IF layout_now IS DISTINCT FROM member_internal.layout() THEN
        PERFORM member_internal.refuse('MB002', 'the tables of member have another layout than its code needs',
            format('Layout %s found, %s needed.', coalesce(layout_now::text, 'none'), member_internal.layout()),
            CASE WHEN layout_now > member_internal.layout()
                 THEN 'The tables are newer than the installed extension: install its newer version.'
                 ELSE 'Call member.migrate().' END);
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.require_ready() IS
    'Refuses with MB001 before setup() and with MB002 while the tables have another layout than the code.';

CREATE OR REPLACE FUNCTION member.migrate() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
#variable_conflict use_column
DECLARE
    step record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('member.migrate', 0));
    IF to_regclass('member.setting') IS NULL THEN
        PERFORM member_internal.refuse('MB001', 'member is not set up in this database',
            hint => 'Call member.setup(''retail'') or another preset.');
    END IF;
    IF (SELECT s.layout FROM member.setting s) > member_internal.layout() THEN
        PERFORM member_internal.require_ready();
    END IF;
    FOR step IN SELECT m.layout, m.script FROM member_internal.layout_migrations() m, member.setting s
                WHERE m.layout > s.layout ORDER BY m.layout
    LOOP
        EXECUTE step.script;
        UPDATE member.setting SET layout = step.layout;
    END LOOP;
    EXECUTE member_internal.layout_views();
    EXECUTE member_internal.layout_grants();
    UPDATE member.setting SET layout = member_internal.layout() WHERE layout <= member_internal.layout();
    RETURN (SELECT s.layout FROM member.setting s);
END
$$;
COMMENT ON FUNCTION member.migrate() IS
    'Brings tables, views and their grants to the layout the code needs; idempotent. Call it after ALTER EXTENSION member UPDATE and after restoring into a newer version. Returns the layout. Errors: MB001.';

CREATE OR REPLACE FUNCTION member.setup(preset text, brand text DEFAULT '', zone text DEFAULT 'Asia/Shanghai', tags boolean DEFAULT false)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
#variable_conflict use_column
DECLARE
    load text := format('preset_%s', setup.preset);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('member.migrate', 0));
    IF to_regclass('member.setting') IS NOT NULL THEN
        PERFORM member_internal.refuse('MB003', 'member is set up already',
            format('With preset "%s".', (SELECT s.preset FROM member.setting s)),
            'Change the catalog tables and call member.publish(); member.migrate() renews tables and views.');
    END IF;
    IF setup.brand IS NULL OR setup.zone IS NULL OR setup.tags IS NULL THEN
        PERFORM member_internal.refuse('22004', 'arguments "brand", "zone" and "tags" must not be null');
    END IF;
    IF setup.preset IS NULL OR to_regprocedure(format('member_internal.%I()', load)) IS NULL THEN
        PERFORM member_internal.refuse('MB004', format('unknown preset "%s"', setup.preset),
            hint => format('Presets are %s.', (SELECT string_agg(substr(proname, 8), ', ' ORDER BY proname)
                FROM pg_proc WHERE pronamespace = 'member_internal'::regnamespace AND proname LIKE 'preset\_%' AND pronargs = 0)));
    END IF;
    EXECUTE member_internal.layout_tables();
    INSERT INTO member.setting (layout, preset, brand, zone)
    VALUES (member_internal.layout(), setup.preset, setup.brand, setup.zone);
    EXECUTE format('SELECT member_internal.%I()', load);
    IF setup.tags THEN
        PERFORM member_internal.preset_tags(setup.preset);
    END IF;
    EXECUTE member_internal.layout_views();
    EXECUTE member_internal.layout_grants();
    RETURN member.publish(format('预置:%s', setup.preset));
END
$$;
COMMENT ON FUNCTION member.setup(text, text, text, boolean) IS
    'Creates the tables and views, loads a preset (retail, tea) into the catalog and publishes it. brand: name in messages; zone: time zone whose days count; tags: with the preset''s dictionary of tags and segments, and the streams they look at. Returns the published version. Errors: MB003 set up already, MB004 unknown preset, MB005.';
