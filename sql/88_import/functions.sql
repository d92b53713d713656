CREATE OR REPLACE FUNCTION member_internal.parse_time(text, zone text) RETURNS timestamptz
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_parse_time';
COMMENT ON FUNCTION member_internal.parse_time(text, text) IS
    'A moment from 2026-03-01, 2026/3/1, 20260301, with or without time and offset; without an offset it is in the zone. Null if it can''t be read.';

CREATE OR REPLACE FUNCTION member_internal.parse_minor(text) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_parse_minor';
COMMENT ON FUNCTION member_internal.parse_minor(text) IS
    'An amount with at most two decimals, in minor units; null if it can''t be read.';

CREATE OR REPLACE FUNCTION member_internal.purchase_lines_error(lines text, paid numeric) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_purchase_lines_error';
COMMENT ON FUNCTION member_internal.purchase_lines_error(text, numeric) IS
    'What is wrong with the lines of an imported purchase; null: nothing.';

CREATE OR REPLACE FUNCTION member_internal.money(minor bigint) RETURNS numeric
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_money';
COMMENT ON FUNCTION member_internal.money(bigint) IS 'Minor units as yuan, with two decimals.';
