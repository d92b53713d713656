CREATE OR REPLACE FUNCTION member_internal.parse_time(text, zone text) RETURNS timestamptz
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_parse_time';
COMMENT ON FUNCTION member_internal.parse_time(text, text) IS
    'A moment from 2026-03-01, 2026/3/1, 20260301, with or without time and offset; without an offset it is in the zone. Null if it can''t be read.';

CREATE OR REPLACE FUNCTION member_internal.parse_minor(text) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_parse_minor';
COMMENT ON FUNCTION member_internal.parse_minor(text) IS
    'An amount with at most two decimals, in minor units; null if it can''t be read.';

CREATE OR REPLACE FUNCTION member_internal.is_json(text) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_is_json';
COMMENT ON FUNCTION member_internal.is_json(text) IS 'Whether a text can be read as jsonb.';

CREATE OR REPLACE FUNCTION member_internal.purchase_lines_error(lines text, minor bigint) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF lines IS NULL THEN
        RETURN NULL;
    END IF;
    IF NOT member_internal.is_json(lines) THEN
        RETURN 'lines are not JSON';
    END IF;
    PERFORM member_internal.purchase_lines(lines::jsonb, minor / 100.0);
    RETURN NULL;
EXCEPTION WHEN SQLSTATE 'MB305' OR data_exception THEN
    RETURN SQLERRM;
END
$$;
COMMENT ON FUNCTION member_internal.purchase_lines_error(text, bigint) IS
    'What is wrong with the lines of an imported purchase; null: nothing.';
