-- The types rfm, rfm_cuts and rfm_sketch: recency-frequency-monetary scores and how they are made.
-- See docs/internals/rfm.md.

CREATE TYPE member.rfm;
CREATE TYPE member.rfm_cuts;
CREATE TYPE member.rfm_sketch;

-- ---- rfm --------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION member.rfm_in(cstring) RETURNS member.rfm
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_in';
COMMENT ON FUNCTION member.rfm_in(cstring) IS
    'Text input of rfm: R-F-M, each 1 to 99. Errors: 22P02, 22003.';

CREATE OR REPLACE FUNCTION member.rfm_out(member.rfm) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_out';
COMMENT ON FUNCTION member.rfm_out(member.rfm) IS
    'Text output of rfm; what rfm_in reads.';

CREATE OR REPLACE FUNCTION member.rfm_recv(internal) RETURNS member.rfm
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_recv';
COMMENT ON FUNCTION member.rfm_recv(internal) IS
    'Binary input of rfm, checked as text input is.';

CREATE OR REPLACE FUNCTION member.rfm_send(member.rfm) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_send';
COMMENT ON FUNCTION member.rfm_send(member.rfm) IS
    'Binary output of rfm: three bytes, the scores.';

CREATE TYPE member.rfm (
    INPUT = member.rfm_in,
    OUTPUT = member.rfm_out,
    RECEIVE = member.rfm_recv,
    SEND = member.rfm_send,
    INTERNALLENGTH = 4,
    PASSEDBYVALUE,
    ALIGNMENT = int4,
    STORAGE = plain
);
COMMENT ON TYPE member.rfm IS
    'Scores of a member by recency, frequency and monetary value, each from 1 (worst) to at most 99, as in 5-4-3.';

CREATE OR REPLACE FUNCTION member.rfm_eq(member.rfm, member.rfm) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_eq';
COMMENT ON FUNCTION member.rfm_eq(member.rfm, member.rfm) IS
    'Equality of rfm.';

CREATE OR REPLACE FUNCTION member.rfm_ne(member.rfm, member.rfm) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_ne';
COMMENT ON FUNCTION member.rfm_ne(member.rfm, member.rfm) IS
    'Inequality of rfm.';

CREATE OR REPLACE FUNCTION member.rfm_lt(member.rfm, member.rfm) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_lt';
COMMENT ON FUNCTION member.rfm_lt(member.rfm, member.rfm) IS
    'Order of rfm: <, by recency, then frequency, then monetary.';

CREATE OR REPLACE FUNCTION member.rfm_le(member.rfm, member.rfm) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_le';
COMMENT ON FUNCTION member.rfm_le(member.rfm, member.rfm) IS
    'Order of rfm: <=, by recency, then frequency, then monetary.';

CREATE OR REPLACE FUNCTION member.rfm_gt(member.rfm, member.rfm) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_gt';
COMMENT ON FUNCTION member.rfm_gt(member.rfm, member.rfm) IS
    'Order of rfm: >, by recency, then frequency, then monetary.';

CREATE OR REPLACE FUNCTION member.rfm_ge(member.rfm, member.rfm) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_ge';
COMMENT ON FUNCTION member.rfm_ge(member.rfm, member.rfm) IS
    'Order of rfm: >=, by recency, then frequency, then monetary.';

CREATE OR REPLACE FUNCTION member.rfm_cmp(member.rfm, member.rfm) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_cmp';
COMMENT ON FUNCTION member.rfm_cmp(member.rfm, member.rfm) IS
    'Order of rfm for btree: -1, 0 or 1.';

CREATE OR REPLACE FUNCTION member.rfm_hash(member.rfm) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_hash';
COMMENT ON FUNCTION member.rfm_hash(member.rfm) IS
    'Hash of rfm.';

CREATE OR REPLACE FUNCTION member.rfm_hash_extended(member.rfm, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_hash_extended';
COMMENT ON FUNCTION member.rfm_hash_extended(member.rfm, bigint) IS
    'Hash of rfm with a seed.';

CREATE OPERATOR member.= (LEFTARG = member.rfm, RIGHTARG = member.rfm, FUNCTION = member.rfm_eq,
    COMMUTATOR = OPERATOR(member.=), NEGATOR = OPERATOR(member.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR member.<> (LEFTARG = member.rfm, RIGHTARG = member.rfm, FUNCTION = member.rfm_ne,
    COMMUTATOR = OPERATOR(member.<>), NEGATOR = OPERATOR(member.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR member.< (LEFTARG = member.rfm, RIGHTARG = member.rfm, FUNCTION = member.rfm_lt,
    COMMUTATOR = OPERATOR(member.>), NEGATOR = OPERATOR(member.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR member.<= (LEFTARG = member.rfm, RIGHTARG = member.rfm, FUNCTION = member.rfm_le,
    COMMUTATOR = OPERATOR(member.>=), NEGATOR = OPERATOR(member.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR member.> (LEFTARG = member.rfm, RIGHTARG = member.rfm, FUNCTION = member.rfm_gt,
    COMMUTATOR = OPERATOR(member.<), NEGATOR = OPERATOR(member.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR member.>= (LEFTARG = member.rfm, RIGHTARG = member.rfm, FUNCTION = member.rfm_ge,
    COMMUTATOR = OPERATOR(member.<=), NEGATOR = OPERATOR(member.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
CREATE OPERATOR CLASS member.rfm_ops DEFAULT FOR TYPE member.rfm USING btree AS
    OPERATOR 1 member.<,
    OPERATOR 2 member.<=,
    OPERATOR 3 member.=,
    OPERATOR 4 member.>=,
    OPERATOR 5 member.>,
    FUNCTION 1 member.rfm_cmp(member.rfm, member.rfm);
CREATE OPERATOR CLASS member.rfm_hash_ops DEFAULT FOR TYPE member.rfm USING hash AS
    OPERATOR 1 member.=,
    FUNCTION 1 member.rfm_hash(member.rfm),
    FUNCTION 2 member.rfm_hash_extended(member.rfm, bigint);

CREATE OR REPLACE FUNCTION member.rfm(r integer, f integer, m integer) RETURNS member.rfm
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_make';
COMMENT ON FUNCTION member.rfm(integer, integer, integer) IS
    'Scores from their three numbers, 1 to 99 each. Errors: 22003 out of range, 22004 null.';

CREATE OR REPLACE FUNCTION member.r(rfm member.rfm) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_r';
COMMENT ON FUNCTION member.r(member.rfm) IS
    'The score by recency.';

CREATE OR REPLACE FUNCTION member.f(rfm member.rfm) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_f';
COMMENT ON FUNCTION member.f(member.rfm) IS
    'The score by frequency.';

CREATE OR REPLACE FUNCTION member.m(rfm member.rfm) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_m';
COMMENT ON FUNCTION member.m(member.rfm) IS
    'The score by monetary value.';

-- ---- rfm_cuts ---------------------------------------------------------------------

CREATE OR REPLACE FUNCTION member.rfm_cuts_in(cstring) RETURNS member.rfm_cuts
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_cuts_in';
COMMENT ON FUNCTION member.rfm_cuts_in(cstring) IS
    'Text input of rfm_cuts: n=MEMBERS r(CUT,...) f(CUT,...) m(CUT,...), the values from which the scores 2, 3, ... are given, "*" where nobody reaches a score, "~" before approximate cuts. Errors: 22P02, 22003, 22023.';

CREATE OR REPLACE FUNCTION member.rfm_cuts_out(member.rfm_cuts) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_cuts_out';
COMMENT ON FUNCTION member.rfm_cuts_out(member.rfm_cuts) IS
    'Text output of rfm_cuts; what rfm_cuts_in reads.';

CREATE OR REPLACE FUNCTION member.rfm_cuts_recv(internal) RETURNS member.rfm_cuts
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_cuts_recv';
COMMENT ON FUNCTION member.rfm_cuts_recv(internal) IS
    'Binary input of rfm_cuts, checked as text input is.';

CREATE OR REPLACE FUNCTION member.rfm_cuts_send(member.rfm_cuts) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_cuts_send';
COMMENT ON FUNCTION member.rfm_cuts_send(member.rfm_cuts) IS
    'Binary output of rfm_cuts: members; per measure number of bins, whether approximate, number of cuts, cuts.';

CREATE TYPE member.rfm_cuts (
    INPUT = member.rfm_cuts_in,
    OUTPUT = member.rfm_cuts_out,
    RECEIVE = member.rfm_cuts_recv,
    SEND = member.rfm_cuts_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE member.rfm_cuts IS
    'The values where scores step up, per measure: of days since the last purchase the most, of orders and of minor units of money the least. Equal values have equal scores.';

CREATE OR REPLACE FUNCTION member.rfm_cuts_eq(member.rfm_cuts, member.rfm_cuts) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_cuts_eq';
COMMENT ON FUNCTION member.rfm_cuts_eq(member.rfm_cuts, member.rfm_cuts) IS
    'Equality of rfm_cuts.';

CREATE OR REPLACE FUNCTION member.rfm_cuts_ne(member.rfm_cuts, member.rfm_cuts) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_cuts_ne';
COMMENT ON FUNCTION member.rfm_cuts_ne(member.rfm_cuts, member.rfm_cuts) IS
    'Inequality of rfm_cuts.';

CREATE OR REPLACE FUNCTION member.rfm_cuts_hash(member.rfm_cuts) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_cuts_hash';
COMMENT ON FUNCTION member.rfm_cuts_hash(member.rfm_cuts) IS
    'Hash of rfm_cuts.';

CREATE OR REPLACE FUNCTION member.rfm_cuts_hash_extended(member.rfm_cuts, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_cuts_hash_extended';
COMMENT ON FUNCTION member.rfm_cuts_hash_extended(member.rfm_cuts, bigint) IS
    'Hash of rfm_cuts with a seed.';

CREATE OPERATOR member.= (LEFTARG = member.rfm_cuts, RIGHTARG = member.rfm_cuts, FUNCTION = member.rfm_cuts_eq,
    COMMUTATOR = OPERATOR(member.=), NEGATOR = OPERATOR(member.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
CREATE OPERATOR member.<> (LEFTARG = member.rfm_cuts, RIGHTARG = member.rfm_cuts, FUNCTION = member.rfm_cuts_ne,
    COMMUTATOR = OPERATOR(member.<>), NEGATOR = OPERATOR(member.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR CLASS member.rfm_cuts_hash_ops DEFAULT FOR TYPE member.rfm_cuts USING hash AS
    OPERATOR 1 member.=,
    FUNCTION 1 member.rfm_cuts_hash(member.rfm_cuts),
    FUNCTION 2 member.rfm_cuts_hash_extended(member.rfm_cuts, bigint);

CREATE OR REPLACE FUNCTION member.rfm_cuts(recency integer[], frequency bigint[], monetary bigint[]) RETURNS member.rfm_cuts
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_cuts_make';
COMMENT ON FUNCTION member.rfm_cuts(integer[], bigint[], bigint[]) IS
    'Cuts from own thresholds, each array ascending: up to so many days, from so many orders, from so much money in minor units; n thresholds make n + 1 scores. Errors: 22004 null, 22023 not ascending, 22003 out of range or more than 98.';

CREATE OR REPLACE FUNCTION member.rfm_thresholds(cuts member.rfm_cuts) RETURNS TABLE (measure text, score integer, at_least bigint, at_most bigint)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 15 AS 'MODULE_PATHNAME', 'rfm_thresholds';
COMMENT ON FUNCTION member.rfm_thresholds(member.rfm_cuts) IS
    'The values of each score of each measure, both ends included, null for no end: days, orders, minor units. Scores no value has are left out.';

CREATE OR REPLACE FUNCTION member.rfm_members(cuts member.rfm_cuts) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_members';
COMMENT ON FUNCTION member.rfm_members(member.rfm_cuts) IS
    'How many members were counted; 0 for own thresholds.';

CREATE OR REPLACE FUNCTION member.rfm_bins(cuts member.rfm_cuts) RETURNS integer[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_bins';
COMMENT ON FUNCTION member.rfm_bins(member.rfm_cuts) IS
    'The numbers of bins of recency, frequency and monetary value: the best scores.';

CREATE OR REPLACE FUNCTION member.rfm_error(cuts member.rfm_cuts) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_error';
COMMENT ON FUNCTION member.rfm_error(member.rfm_cuts) IS
    'Bound of the relative error of the cuts: 0 when exact, else 1/1024.';

CREATE OR REPLACE FUNCTION member.rfm_collapsed(cuts member.rfm_cuts) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_collapsed';
COMMENT ON FUNCTION member.rfm_collapsed(member.rfm_cuts) IS
    'Whether some score of some measure is given to no value, because there are fewer distinct values than bins or because too many members tie.';

CREATE OR REPLACE FUNCTION member.rfm_score(cuts member.rfm_cuts, recency integer, frequency bigint, monetary bigint) RETURNS member.rfm
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_score';
COMMENT ON FUNCTION member.rfm_score(member.rfm_cuts, integer, bigint, bigint) IS
    'Scores of a member: days since the last purchase, number of orders, money in minor units. Null when any is null.';

CREATE OR REPLACE FUNCTION member.rfm_value_group(score member.rfm, cuts member.rfm_cuts) RETURNS smallint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_value_group';
COMMENT ON FUNCTION member.rfm_value_group(member.rfm, member.rfm_cuts) IS
    'The value group, 1 to 8: whether each score is above the middle of its bins; rfm_value_group_name has the names. Errors: 22023 a score above the bins of the cuts.';

CREATE OR REPLACE FUNCTION member.rfm_value_group_name(value_group smallint, lang text DEFAULT 'zh') RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_value_group_name';
COMMENT ON FUNCTION member.rfm_value_group_name(smallint, text) IS
    'Name of a value group 1 to 8 in zh or en. Errors: 22023 no such group, MB502 language.';

CREATE OR REPLACE FUNCTION member.rfm_strategy_group(score member.rfm, cuts member.rfm_cuts) RETURNS smallint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_strategy_group';
COMMENT ON FUNCTION member.rfm_strategy_group(member.rfm, member.rfm_cuts) IS
    'The strategy group, 1 to 4, or 0 for the rest, by the thirds of the bins that the scores lie in; rfm_strategy_group_name has the names. Errors: 22023 a score above the bins of the cuts.';

CREATE OR REPLACE FUNCTION member.rfm_strategy_group_name(strategy_group smallint, lang text DEFAULT 'zh') RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_strategy_group_name';
COMMENT ON FUNCTION member.rfm_strategy_group_name(smallint, text) IS
    'Name of a strategy group 0 to 4 in zh or en. Errors: 22023 no such group, MB502 language.';

-- ---- rfm_sketch -------------------------------------------------------------------

CREATE OR REPLACE FUNCTION member.rfm_segment(score member.rfm, cuts member.rfm_cuts) RETURNS smallint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_segment';
COMMENT ON FUNCTION member.rfm_segment(member.rfm, member.rfm_cuts) IS
    'Segment 1 to 10 of the scores, by recency and the mean of frequency and monetary value, in fifths of the scale; every score is in one. Errors: 22023 not of these cuts.';

CREATE OR REPLACE FUNCTION member.rfm_segment_name(segment smallint, lang text DEFAULT 'zh') RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_segment_name';
COMMENT ON FUNCTION member.rfm_segment_name(smallint, text) IS
    'Name of a segment, in Chinese (zh) or English (en): 核心冠军 champions to 冬眠客户 hibernating. Errors: 22023 no such group, MB502 language.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_in(cstring) RETURNS member.rfm_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_in';
COMMENT ON FUNCTION member.rfm_sketch_in(cstring) IS
    'Text input of rfm_sketch: bins=R,F,M r(VALUE:COUNT,...) f(VALUE:COUNT,...) m(VALUE:COUNT,...), ascending, "~" before buckets. Errors: 22P02, 22003, 22023, 54000.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_out(member.rfm_sketch) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_out';
COMMENT ON FUNCTION member.rfm_sketch_out(member.rfm_sketch) IS
    'Text output of rfm_sketch; what rfm_sketch_in reads.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_recv(internal) RETURNS member.rfm_sketch
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_recv';
COMMENT ON FUNCTION member.rfm_sketch_recv(internal) IS
    'Binary input of rfm_sketch, checked as text input is.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_send(member.rfm_sketch) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_send';
COMMENT ON FUNCTION member.rfm_sketch_send(member.rfm_sketch) IS
    'Binary output of rfm_sketch: bins; per measure whether collapsed, number of entries, value and count of each.';

CREATE TYPE member.rfm_sketch (
    INPUT = member.rfm_sketch_in,
    OUTPUT = member.rfm_sketch_out,
    RECEIVE = member.rfm_sketch_recv,
    SEND = member.rfm_sketch_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE member.rfm_sketch IS
    'How many members have which recency, frequency and monetary value: exact up to 65536 distinct values of a measure, then in buckets narrower than their values by 1024. The state of rfm_cuts_agg; sketches of parts combine to the sketch of the whole.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_eq(member.rfm_sketch, member.rfm_sketch) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_eq';
COMMENT ON FUNCTION member.rfm_sketch_eq(member.rfm_sketch, member.rfm_sketch) IS
    'Equality of rfm_sketch.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_ne(member.rfm_sketch, member.rfm_sketch) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_ne';
COMMENT ON FUNCTION member.rfm_sketch_ne(member.rfm_sketch, member.rfm_sketch) IS
    'Inequality of rfm_sketch.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_hash(member.rfm_sketch) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_hash';
COMMENT ON FUNCTION member.rfm_sketch_hash(member.rfm_sketch) IS
    'Hash of rfm_sketch.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_hash_extended(member.rfm_sketch, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_hash_extended';
COMMENT ON FUNCTION member.rfm_sketch_hash_extended(member.rfm_sketch, bigint) IS
    'Hash of rfm_sketch with a seed.';

CREATE OPERATOR member.= (LEFTARG = member.rfm_sketch, RIGHTARG = member.rfm_sketch, FUNCTION = member.rfm_sketch_eq,
    COMMUTATOR = OPERATOR(member.=), NEGATOR = OPERATOR(member.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
CREATE OPERATOR member.<> (LEFTARG = member.rfm_sketch, RIGHTARG = member.rfm_sketch, FUNCTION = member.rfm_sketch_ne,
    COMMUTATOR = OPERATOR(member.<>), NEGATOR = OPERATOR(member.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR CLASS member.rfm_sketch_hash_ops DEFAULT FOR TYPE member.rfm_sketch USING hash AS
    OPERATOR 1 member.=,
    FUNCTION 1 member.rfm_sketch_hash(member.rfm_sketch),
    FUNCTION 2 member.rfm_sketch_hash_extended(member.rfm_sketch, bigint);

CREATE OR REPLACE FUNCTION member.rfm_sketch_add(sketch member.rfm_sketch, recency integer, frequency bigint, monetary bigint) RETURNS member.rfm_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_add';
COMMENT ON FUNCTION member.rfm_sketch_add(member.rfm_sketch, integer, bigint, bigint) IS
    'The sketch with one member more and five bins each; null is the empty sketch. A null recency (no purchase) is not counted. Errors: 22004 null frequency or monetary, 22003 negative recency or frequency, 22023 bins.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_add(sketch member.rfm_sketch, recency integer, frequency bigint, monetary bigint, bins integer[]) RETURNS member.rfm_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_add';
COMMENT ON FUNCTION member.rfm_sketch_add(member.rfm_sketch, integer, bigint, bigint, integer[]) IS
    'The sketch with one member more and the bins of the three measures (null: five each), the same for all; null is the empty sketch. A null recency (no purchase) is not counted. Errors: 22004 null frequency or monetary, 22003 negative recency or frequency, 22023 bins.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_combine(member.rfm_sketch, member.rfm_sketch) RETURNS member.rfm_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_combine';
COMMENT ON FUNCTION member.rfm_sketch_combine(member.rfm_sketch, member.rfm_sketch) IS
    'The sketch of the members of both; null is the empty sketch. Errors: 22023 different bins, 22003 more than 10^16 members.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_cuts(sketch member.rfm_sketch) RETURNS member.rfm_cuts
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_cuts';
COMMENT ON FUNCTION member.rfm_sketch_cuts(member.rfm_sketch) IS
    'The cuts: a value scores 1 + floor(bins * members with a worse value / members). Null when no member was counted.';

CREATE OR REPLACE AGGREGATE member.rfm_cuts_agg(integer, bigint, bigint) (
    SFUNC = member.rfm_sketch_add,
    STYPE = member.rfm_sketch,
    SSPACE = 16384,
    FINALFUNC = member.rfm_sketch_cuts,
    COMBINEFUNC = member.rfm_sketch_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.rfm_cuts_agg(integer, bigint, bigint) IS
    'Cuts into five scores each by rank over members, one a row: days since the last purchase (null: none, not counted), number of orders, money in minor units. Null over no members. Errors: 22004, 22003.';

CREATE OR REPLACE AGGREGATE member.rfm_cuts_agg(integer, bigint, bigint, integer[]) (
    SFUNC = member.rfm_sketch_add,
    STYPE = member.rfm_sketch,
    SSPACE = 16384,
    FINALFUNC = member.rfm_sketch_cuts,
    COMBINEFUNC = member.rfm_sketch_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.rfm_cuts_agg(integer, bigint, bigint, integer[]) IS
    'Cuts by rank over members, one a row: days since the last purchase (null: none, not counted), number of orders, money in minor units; then the numbers of bins of the three, 1 to 99 (null: five each), the same in every row. Null over no members. Errors: 22004, 22003, 22023.';

CREATE OR REPLACE AGGREGATE member.rfm_sketch_agg(integer, bigint, bigint) (
    SFUNC = member.rfm_sketch_add,
    STYPE = member.rfm_sketch,
    SSPACE = 16384,
    COMBINEFUNC = member.rfm_sketch_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.rfm_sketch_agg(integer, bigint, bigint) IS
    'Sketch, five bins each, of members, one a row: days since the last purchase (null: none, not counted), number of orders, money in minor units; to be kept and combined. Null over no members. Errors: 22004, 22003.';

CREATE OR REPLACE AGGREGATE member.rfm_sketch_agg(integer, bigint, bigint, integer[]) (
    SFUNC = member.rfm_sketch_add,
    STYPE = member.rfm_sketch,
    SSPACE = 16384,
    COMBINEFUNC = member.rfm_sketch_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.rfm_sketch_agg(integer, bigint, bigint, integer[]) IS
    'Sketch of members, one a row: days since the last purchase (null: none, not counted), number of orders, money in minor units; then the numbers of bins, as in rfm_cuts_agg. Null over no members. Errors: 22004, 22003, 22023.';

CREATE OR REPLACE AGGREGATE member.rfm_sketch_sum(member.rfm_sketch) (
    SFUNC = member.rfm_sketch_combine,
    STYPE = member.rfm_sketch,
    SSPACE = 16384,
    COMBINEFUNC = member.rfm_sketch_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.rfm_sketch_sum(member.rfm_sketch) IS
    'Sketch of the members of all sketches, which must have the same bins. Null over none. Errors: 22023, 22003.';

-- Straight from a member's activity, in one walk over it.

CREATE OR REPLACE FUNCTION member.rfm_score(cuts member.rfm_cuts, activity member.activity, stream smallint, day date, days integer) RETURNS member.rfm
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_score_activity';
COMMENT ON FUNCTION member.rfm_score(member.rfm_cuts, member.activity, smallint, date, integer) IS
    'Scores of a member by the purchases of so many days that end with the day; null when there are none. Errors: MB501 window finer than the grain kept, MB502.';

CREATE OR REPLACE FUNCTION member.rfm_measures(activity member.activity, stream smallint, day date, days integer, OUT recency integer, OUT frequency bigint, OUT monetary bigint)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_measures_activity';
COMMENT ON FUNCTION member.rfm_measures(member.activity, smallint, date, integer) IS
    'What a member''s purchases of so many days that end with the day come to: days since the last, orders, money in minor units; null when there are none. Errors: MB501 window finer than the grain kept, MB502.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_add_activity(sketch member.rfm_sketch, activity member.activity, stream smallint, day date, days integer) RETURNS member.rfm_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_add_activity';
COMMENT ON FUNCTION member.rfm_sketch_add_activity(member.rfm_sketch, member.activity, smallint, date, integer) IS
    'The sketch with one member more, by its purchases of so many days that end with the day, five bins each; a member without one is not counted. Errors: MB501, MB502, 22004.';

CREATE OR REPLACE AGGREGATE member.rfm_cuts_agg(member.activity, smallint, date, integer) (
    SFUNC = member.rfm_sketch_add_activity,
    STYPE = member.rfm_sketch,
    SSPACE = 16384,
    FINALFUNC = member.rfm_sketch_cuts,
    COMBINEFUNC = member.rfm_sketch_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.rfm_cuts_agg(member.activity, smallint, date, integer) IS
    'Cuts into five scores each by rank over members, one a row: activity, stream of purchases, day, and the number of days that end with it. Null over no member with a purchase in them. Errors: MB501, MB502, 22004.';

CREATE OR REPLACE FUNCTION member.rfm_sketch_add_activity(sketch member.rfm_sketch, activity member.activity, stream smallint, day date, days integer, bins integer[]) RETURNS member.rfm_sketch
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'rfm_sketch_add_activity';
COMMENT ON FUNCTION member.rfm_sketch_add_activity(member.rfm_sketch, member.activity, smallint, date, integer, integer[]) IS
    'The same with the bins of the three measures (null: five each), the same for all. Errors: MB501, MB502, 22004, 22023 bins.';

CREATE OR REPLACE AGGREGATE member.rfm_cuts_agg(member.activity, smallint, date, integer, integer[]) (
    SFUNC = member.rfm_sketch_add_activity,
    STYPE = member.rfm_sketch,
    SSPACE = 16384,
    FINALFUNC = member.rfm_sketch_cuts,
    COMBINEFUNC = member.rfm_sketch_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.rfm_cuts_agg(member.activity, smallint, date, integer, integer[]) IS
    'Cuts by rank over members, one a row: activity, stream of purchases, day, the number of days that end with it; then the numbers of bins of the three measures, 1 to 99 (null: five each), the same in every row. Null over no member with a purchase in them. Errors: MB501, MB502, 22004, 22023.';
