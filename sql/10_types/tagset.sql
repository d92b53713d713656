-- The type tagset: the tags of a member. See docs/internals/tagset.md.

CREATE TYPE member.tagset;

CREATE OR REPLACE FUNCTION member.tagset_in(cstring) RETURNS member.tagset
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_in';
COMMENT ON FUNCTION member.tagset_in(cstring) IS
    'Text input of tagset: TAG[*WEIGHT][@SINCE][/UNTIL][~HALF_LIFE], separated by commas, or empty.';

CREATE OR REPLACE FUNCTION member.tagset_out(member.tagset) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_out';
COMMENT ON FUNCTION member.tagset_out(member.tagset) IS
    'Text output of tagset; what tagset_in reads.';

CREATE OR REPLACE FUNCTION member.tagset_recv(internal) RETURNS member.tagset
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_recv';
COMMENT ON FUNCTION member.tagset_recv(internal) IS
    'Binary input of tagset, checked as text input is.';

CREATE OR REPLACE FUNCTION member.tagset_send(member.tagset) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_send';
COMMENT ON FUNCTION member.tagset_send(member.tagset) IS
    'Binary output of tagset: number of tags, then id, weight in ten-thousandths, since, until, half-life of each.';

CREATE OR REPLACE FUNCTION member.tagset_typanalyze(internal) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_typanalyze';
COMMENT ON FUNCTION member.tagset_typanalyze(internal) IS
    'What ANALYZE collects of tagset: the commonest tags and how common they are.';

CREATE TYPE member.tagset (
    INPUT = member.tagset_in,
    OUTPUT = member.tagset_out,
    RECEIVE = member.tagset_recv,
    SEND = member.tagset_send,
    ANALYZE = member.tagset_typanalyze,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE member.tagset IS
    'The tags of a member by id, each with a weight, the day it was set, the day it ends (exclusive) and the half-life of its weight. Whether a tag is in force is a function of tags and a day; operators and index ask for presence only.';

CREATE OR REPLACE FUNCTION member.tagset_eq(member.tagset, member.tagset) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_eq';
COMMENT ON FUNCTION member.tagset_eq(member.tagset, member.tagset) IS
    'Equality of tagsets: the same tags with the same weights and days.';

CREATE OR REPLACE FUNCTION member.tagset_ne(member.tagset, member.tagset) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_ne';
COMMENT ON FUNCTION member.tagset_ne(member.tagset, member.tagset) IS
    'Inequality of tagsets.';

CREATE OR REPLACE FUNCTION member.tagset_hash(member.tagset) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_hash';
COMMENT ON FUNCTION member.tagset_hash(member.tagset) IS
    'Hash of a tagset.';

CREATE OR REPLACE FUNCTION member.tagset_hash_extended(member.tagset, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_hash_extended';
COMMENT ON FUNCTION member.tagset_hash_extended(member.tagset, bigint) IS
    'Hash of a tagset with a seed.';

CREATE OPERATOR member.= (LEFTARG = member.tagset, RIGHTARG = member.tagset, FUNCTION = member.tagset_eq,
    COMMUTATOR = OPERATOR(member.=), NEGATOR = OPERATOR(member.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
CREATE OPERATOR member.<> (LEFTARG = member.tagset, RIGHTARG = member.tagset, FUNCTION = member.tagset_ne,
    COMMUTATOR = OPERATOR(member.<>), NEGATOR = OPERATOR(member.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR CLASS member.tagset_hash_ops DEFAULT FOR TYPE member.tagset USING hash AS
    OPERATOR 1 member.=,
    FUNCTION 1 member.tagset_hash(member.tagset),
    FUNCTION 2 member.tagset_hash_extended(member.tagset, bigint);

-- ---- making and changing ----

CREATE OR REPLACE FUNCTION member.to_tagset(ids integer[]) RETURNS member.tagset
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_from_array';
COMMENT ON FUNCTION member.to_tagset(integer[]) IS
    'A tagset of these ids, of weight 1 and without days. Errors: MB701 tag, 22004 null element.';

CREATE OR REPLACE FUNCTION member.tag_add(tags member.tagset, tag integer, weight double precision DEFAULT NULL, day date DEFAULT NULL, until date DEFAULT NULL, half_life integer DEFAULT NULL) RETURNS member.tagset
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_tag_add';
COMMENT ON FUNCTION member.tag_add(member.tagset, integer, double precision, date, date, integer) IS
    'Tags with a tag set, in place of what it was before: its weight (null: 1; rounded to four decimals), the day it is set (null: it has always been there), the first day it is gone (null: never) and the days in which the weight halves (null or 0: it does not). Errors: MB701 tag, MB702 weight or half-life, MB403 days, 22004 null value.';

CREATE OR REPLACE FUNCTION member.tag_drop(tags member.tagset, tag integer) RETURNS member.tagset
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_tag_drop';
COMMENT ON FUNCTION member.tag_drop(member.tagset, integer) IS
    'Tags without a tag; the same tags if it is not there. Errors: 22004 null value.';

CREATE OR REPLACE FUNCTION member.tags_drop(tags member.tagset, ids integer[]) RETURNS member.tagset
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_tags_drop';
COMMENT ON FUNCTION member.tags_drop(member.tagset, integer[]) IS
    'Tags without those of the list; null elements name none. Errors: 22004 null value.';

CREATE OR REPLACE FUNCTION member.tagset_plus(member.tagset, member.tagset) RETURNS member.tagset
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_plus';
COMMENT ON FUNCTION member.tagset_plus(member.tagset, member.tagset) IS
    'All tags of both. Where both have one, that stands which was set later; of one day, the one with the later end, then the heavier, then the one that decays slower.';

CREATE OPERATOR member.+ (LEFTARG = member.tagset, RIGHTARG = member.tagset, FUNCTION = member.tagset_plus,
    COMMUTATOR = OPERATOR(member.+));
CREATE AGGREGATE member.tags_agg(member.tagset) (
    SFUNC = member.tagset_plus,
    STYPE = member.tagset,
    COMBINEFUNC = member.tagset_plus,
    INITCOND = 'empty',
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.tags_agg(member.tagset) IS
    'All tags of the rows, put together as + does; the order of the rows does not matter.';

-- ---- reading ----

CREATE OR REPLACE FUNCTION member.weight(tags member.tagset, tag integer, day date) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_weight';
COMMENT ON FUNCTION member.weight(member.tagset, integer, date) IS
    'Weight of a tag that day, halved with each half-life since it was set; 0 if the tag is not there or not in force that day. Errors: MB403.';

CREATE OR REPLACE FUNCTION member.is_live(tags member.tagset, tag integer, day date) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_is_live';
COMMENT ON FUNCTION member.is_live(member.tagset, integer, date) IS
    'Whether a tag is there and in force that day: set by then and not ended. Errors: MB403.';

CREATE OR REPLACE FUNCTION member.live(tags member.tagset, day date) RETURNS member.tagset
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_live';
COMMENT ON FUNCTION member.live(member.tagset, date) IS
    'The tags in force that day. Errors: MB403.';

CREATE OR REPLACE FUNCTION member.next_change(tags member.tagset, day date) RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_next_change';
COMMENT ON FUNCTION member.next_change(member.tagset, date) IS
    'The first day after the given one on which the tags in force are others than the day before; null if there is none. Errors: MB403.';

CREATE OR REPLACE FUNCTION member.tag_count(tags member.tagset) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_tag_count';
COMMENT ON FUNCTION member.tag_count(member.tagset) IS
    'Number of tags, in force or not.';

CREATE OR REPLACE FUNCTION member.tag_ids(tags member.tagset) RETURNS integer[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_tag_ids';
COMMENT ON FUNCTION member.tag_ids(member.tagset) IS
    'Ids of all tags, in force or not, ascending.';

CREATE OR REPLACE FUNCTION member.unnest(tags member.tagset)
RETURNS TABLE (tag integer, weight double precision, since date, until date, half_life integer)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 30 AS 'MODULE_PATHNAME', 'tagset_unnest';
COMMENT ON FUNCTION member.unnest(member.tagset) IS
    'A row for each tag: id, weight when set, day set (null: none), first day gone (null: none), half-life in days (0: none).';

-- ---- presence: leakproof, and what the index is for ----

CREATE OR REPLACE FUNCTION member.tagset_has(member.tagset, integer) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_has';
COMMENT ON FUNCTION member.tagset_has(member.tagset, integer) IS
    'Whether the tag is there. Presence only: days and weights do not matter.';

CREATE OR REPLACE FUNCTION member.tagset_contains(member.tagset, member.tagset) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_contains';
COMMENT ON FUNCTION member.tagset_contains(member.tagset, member.tagset) IS
    'Whether every tag of the second is in the first. Presence only: days and weights do not matter.';

CREATE OR REPLACE FUNCTION member.tagset_contained(member.tagset, member.tagset) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_contained';
COMMENT ON FUNCTION member.tagset_contained(member.tagset, member.tagset) IS
    'Whether every tag of the first is in the second. Presence only: days and weights do not matter.';

CREATE OR REPLACE FUNCTION member.tagset_overlaps(member.tagset, member.tagset) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_overlaps';
COMMENT ON FUNCTION member.tagset_overlaps(member.tagset, member.tagset) IS
    'Whether a tag is in both. Presence only: days and weights do not matter.';

CREATE OR REPLACE FUNCTION member.tagset_contains(member.tagset, integer[]) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_contains_array';
COMMENT ON FUNCTION member.tagset_contains(member.tagset, integer[]) IS
    'Whether every id of the list is there; never with a null element. Presence only: days and weights do not matter.';

CREATE OR REPLACE FUNCTION member.tagset_contained(member.tagset, integer[]) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_contained_array';
COMMENT ON FUNCTION member.tagset_contained(member.tagset, integer[]) IS
    'Whether every tag is in the list. Presence only: days and weights do not matter.';

CREATE OR REPLACE FUNCTION member.tagset_overlaps(member.tagset, integer[]) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_overlaps_array';
COMMENT ON FUNCTION member.tagset_overlaps(member.tagset, integer[]) IS
    'Whether one of the list is there. Presence only: days and weights do not matter.';

CREATE OR REPLACE FUNCTION member.tagset_contains(integer[], member.tagset) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'array_contains_tagset';
COMMENT ON FUNCTION member.tagset_contains(integer[], member.tagset) IS
    'Whether every tag is in the list. Presence only: days and weights do not matter.';

CREATE OR REPLACE FUNCTION member.tagset_contained(integer[], member.tagset) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'array_contained_tagset';
COMMENT ON FUNCTION member.tagset_contained(integer[], member.tagset) IS
    'Whether every id of the list is there; never with a null element. Presence only: days and weights do not matter.';

CREATE OR REPLACE FUNCTION member.tagset_overlaps(integer[], member.tagset) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'array_overlaps_tagset';
COMMENT ON FUNCTION member.tagset_overlaps(integer[], member.tagset) IS
    'Whether one of the list is there. Presence only: days and weights do not matter.';

CREATE OR REPLACE FUNCTION member.tagset_contains_sel(internal, oid, internal, integer) RETURNS double precision
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_contains_sel';
COMMENT ON FUNCTION member.tagset_contains_sel(internal, oid, internal, integer) IS
    'Share of the rows that ? and @> of tagset are expected to keep, from the common tags that ANALYZE found.';

CREATE OR REPLACE FUNCTION member.tagset_contained_sel(internal, oid, internal, integer) RETURNS double precision
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_contained_sel';
COMMENT ON FUNCTION member.tagset_contained_sel(internal, oid, internal, integer) IS
    'Share of the rows that <@ of tagset is expected to keep.';

CREATE OR REPLACE FUNCTION member.tagset_overlaps_sel(internal, oid, internal, integer) RETURNS double precision
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_overlaps_sel';
COMMENT ON FUNCTION member.tagset_overlaps_sel(internal, oid, internal, integer) IS
    'Share of the rows that && of tagset is expected to keep.';

CREATE OPERATOR member.? (LEFTARG = member.tagset, RIGHTARG = integer, FUNCTION = member.tagset_has,
    RESTRICT = member.tagset_contains_sel, JOIN = contjoinsel);

CREATE OPERATOR member.@> (LEFTARG = member.tagset, RIGHTARG = member.tagset, FUNCTION = member.tagset_contains,
    COMMUTATOR = OPERATOR(member.<@), RESTRICT = member.tagset_contains_sel, JOIN = contjoinsel);
CREATE OPERATOR member.<@ (LEFTARG = member.tagset, RIGHTARG = member.tagset, FUNCTION = member.tagset_contained,
    COMMUTATOR = OPERATOR(member.@>), RESTRICT = member.tagset_contained_sel, JOIN = contjoinsel);
CREATE OPERATOR member.&& (LEFTARG = member.tagset, RIGHTARG = member.tagset, FUNCTION = member.tagset_overlaps,
    COMMUTATOR = OPERATOR(member.&&), RESTRICT = member.tagset_overlaps_sel, JOIN = contjoinsel);

CREATE OPERATOR member.@> (LEFTARG = member.tagset, RIGHTARG = integer[], FUNCTION = member.tagset_contains,
    COMMUTATOR = OPERATOR(member.<@), RESTRICT = member.tagset_contains_sel, JOIN = contjoinsel);
CREATE OPERATOR member.<@ (LEFTARG = member.tagset, RIGHTARG = integer[], FUNCTION = member.tagset_contained,
    COMMUTATOR = OPERATOR(member.@>), RESTRICT = member.tagset_contained_sel, JOIN = contjoinsel);
CREATE OPERATOR member.&& (LEFTARG = member.tagset, RIGHTARG = integer[], FUNCTION = member.tagset_overlaps,
    COMMUTATOR = OPERATOR(member.&&), RESTRICT = member.tagset_overlaps_sel, JOIN = contjoinsel);

CREATE OPERATOR member.@> (LEFTARG = integer[], RIGHTARG = member.tagset, FUNCTION = member.tagset_contains,
    COMMUTATOR = OPERATOR(member.<@), RESTRICT = member.tagset_contains_sel, JOIN = contjoinsel);
CREATE OPERATOR member.<@ (LEFTARG = integer[], RIGHTARG = member.tagset, FUNCTION = member.tagset_contained,
    COMMUTATOR = OPERATOR(member.@>), RESTRICT = member.tagset_contained_sel, JOIN = contjoinsel);
CREATE OPERATOR member.&& (LEFTARG = integer[], RIGHTARG = member.tagset, FUNCTION = member.tagset_overlaps,
    COMMUTATOR = OPERATOR(member.&&), RESTRICT = member.tagset_overlaps_sel, JOIN = contjoinsel);

-- ---- the index ----

CREATE OR REPLACE FUNCTION member.tagset_extract_value(member.tagset, internal, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_extract_value';
COMMENT ON FUNCTION member.tagset_extract_value(member.tagset, internal, internal) IS
    'GIN support of tagset: the keys of a value, its ids.';

CREATE OR REPLACE FUNCTION member.tagset_extract_query(member.tagset, internal, smallint, internal, internal, internal, internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_extract_query';
COMMENT ON FUNCTION member.tagset_extract_query(member.tagset, internal, smallint, internal, internal, internal, internal) IS
    'GIN support of tagset: the ids a condition looks for.';

CREATE OR REPLACE FUNCTION member.tagset_tri_consistent(internal, smallint, member.tagset, integer, internal, internal, internal) RETURNS "char"
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tagset_tri_consistent';
COMMENT ON FUNCTION member.tagset_tri_consistent(internal, smallint, member.tagset, integer, internal, internal, internal) IS
    'GIN support of tagset: whether ids that are there or not meet a condition.';

CREATE OPERATOR CLASS member.tagset_ops DEFAULT FOR TYPE member.tagset USING gin AS
    OPERATOR 1 member.&& (member.tagset, member.tagset),
    OPERATOR 2 member.@> (member.tagset, member.tagset),
    OPERATOR 3 member.<@ (member.tagset, member.tagset),
    OPERATOR 4 member.&& (member.tagset, integer[]),
    OPERATOR 5 member.@> (member.tagset, integer[]),
    OPERATOR 6 member.<@ (member.tagset, integer[]),
    OPERATOR 7 member.? (member.tagset, integer),
    FUNCTION 1 btint4cmp(integer, integer),
    FUNCTION 2 member.tagset_extract_value(member.tagset, internal, internal),
    FUNCTION 3 member.tagset_extract_query(member.tagset, internal, smallint, internal, internal, internal, internal),
    FUNCTION 6 member.tagset_tri_consistent(internal, smallint, member.tagset, integer, internal, internal, internal),
    STORAGE integer;
