-- tagset @@ rule: who may match a rule, by the index on tags. See docs/internals/tagset.md.

CREATE OR REPLACE FUNCTION member.tagset_matches(member.tagset, member.rule) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'tagset_matches';
COMMENT ON FUNCTION member.tagset_matches(member.tagset, member.rule) IS
    'Whether who has these tags may match the rule: false only if the rule certainly does not hold, on whatever day and whatever else is known. Of tags it takes presence, and that a tag without days is in force always; anything but tags is unknown. Never raises.';

CREATE OR REPLACE FUNCTION member.tagset_matches_sel(internal, oid, internal, integer) RETURNS double precision
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_matches_sel';
COMMENT ON FUNCTION member.tagset_matches_sel(internal, oid, internal, integer) IS
    'Share of the rows that @@ of tagset is expected to keep, from the common tags that ANALYZE found.';

CREATE OPERATOR member.@@ (LEFTARG = member.tagset, RIGHTARG = member.rule, FUNCTION = member.tagset_matches,
    RESTRICT = member.tagset_matches_sel, JOIN = matchingjoinsel);

ALTER OPERATOR FAMILY member.tagset_ops USING gin ADD
    OPERATOR 8 member.@@ (member.tagset, member.rule);
