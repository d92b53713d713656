-- The type standing: where a member stands in each ladder.

CREATE TYPE member.standing;

CREATE OR REPLACE FUNCTION member.standing_in(cstring) RETURNS member.standing
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'standing_in';
COMMENT ON FUNCTION member.standing_in(cstring) IS
    'Text input of standing: LADDER:LEVEL@SINCE[/UNTIL[!REVIEW]] [soft] [carry MILLIONTHS] [floor|lock|trial LEVEL[/UNTIL]], separated by commas, or empty.';

CREATE OR REPLACE FUNCTION member.standing_out(member.standing) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'standing_out';
COMMENT ON FUNCTION member.standing_out(member.standing) IS
    'Text output of standing; what standing_in reads.';

CREATE OR REPLACE FUNCTION member.standing_recv(internal) RETURNS member.standing
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'standing_recv';
COMMENT ON FUNCTION member.standing_recv(internal) IS
    'Binary input of standing, checked as text input is.';

CREATE OR REPLACE FUNCTION member.standing_send(member.standing) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'standing_send';
COMMENT ON FUNCTION member.standing_send(member.standing) IS
    'Binary output of standing: number of ladders, then ladder, level, since, until, review, landed, mode, granted, granted until, carry of each.';

CREATE TYPE member.standing (
    INPUT = member.standing_in,
    OUTPUT = member.standing_out,
    RECEIVE = member.standing_recv,
    SEND = member.standing_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE member.standing IS
    'A member''s level in each ladder: since when, until when it is secured (exclusive), and when it is reviewed next; beside it what was granted by hand. No ladder named: level 0.';

CREATE OR REPLACE FUNCTION member.standing_eq(member.standing, member.standing) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_eq';
COMMENT ON FUNCTION member.standing_eq(member.standing, member.standing) IS 'Equality of standings.';

CREATE OR REPLACE FUNCTION member.standing_ne(member.standing, member.standing) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_ne';
COMMENT ON FUNCTION member.standing_ne(member.standing, member.standing) IS 'Inequality of standings.';

CREATE OR REPLACE FUNCTION member.standing_hash(member.standing) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_hash';
COMMENT ON FUNCTION member.standing_hash(member.standing) IS 'Hash of a standing.';

CREATE OPERATOR member.= (LEFTARG = member.standing, RIGHTARG = member.standing, FUNCTION = member.standing_eq,
    COMMUTATOR = OPERATOR(member.=), NEGATOR = OPERATOR(member.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
CREATE OPERATOR member.<> (LEFTARG = member.standing, RIGHTARG = member.standing, FUNCTION = member.standing_ne,
    COMMUTATOR = OPERATOR(member.<>), NEGATOR = OPERATOR(member.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR CLASS member.standing_hash_ops DEFAULT FOR TYPE member.standing USING hash AS
    OPERATOR 1 member.=,
    FUNCTION 1 member.standing_hash(member.standing);

CREATE OR REPLACE FUNCTION member.level(standing member.standing, ladder smallint) RETURNS smallint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'standing_level';
COMMENT ON FUNCTION member.level(member.standing, smallint) IS
    'Level held in a ladder, from 0. The state says what was decided last; tier_of() decides what is due.';

CREATE OR REPLACE FUNCTION member.level_since(standing member.standing, ladder smallint) RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'standing_since';
COMMENT ON FUNCTION member.level_since(member.standing, smallint) IS
    'Day the level in a ladder was reached; null if the member never left level 0.';

CREATE OR REPLACE FUNCTION member.level_until(standing member.standing, ladder smallint) RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'standing_until';
COMMENT ON FUNCTION member.level_until(member.standing, smallint) IS
    'First day the level in a ladder is no longer secured; null if it has no end.';

CREATE OR REPLACE FUNCTION member.level_review(standing member.standing, ladder smallint) RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'standing_review';
COMMENT ON FUNCTION member.level_review(member.standing, smallint) IS
    'Day of the next review in a ladder: the end of the validity, or of the grace after it; null if none.';

CREATE OR REPLACE FUNCTION member.unnest(standing member.standing)
RETURNS TABLE (ladder smallint, level smallint, earned smallint, since date, until date, review date, mode text, granted smallint, granted_until date)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 1 AS 'MODULE_PATHNAME', 'standing_unnest';
COMMENT ON FUNCTION member.unnest(member.standing) IS
    'The ladders of a standing: level that counts, level earned with its days (until, review: null for good), and what was granted by hand: mode floor, lock or trial (null: nothing), level, until (exclusive; null: for good).';
