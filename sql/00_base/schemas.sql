-- Schemas and roles. The roles are cluster-wide: another brand's database may have made them already.

SET LOCAL search_path = pg_catalog, pg_temp;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['member_owner', 'member_admin', 'member_operator', 'member_app',
                                'member_report', 'member_store']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA member;
COMMENT ON SCHEMA member IS 'Membership and loyalty engine: types, tables and the functions applications call.';
CREATE SCHEMA member_report;
COMMENT ON SCHEMA member_report IS 'Views for BI tools. Names and columns are stable; new columns come at the end.';
CREATE SCHEMA member_internal;
COMMENT ON SCHEMA member_internal IS 'Functions the engine calls itself. Nothing here is promised.';
