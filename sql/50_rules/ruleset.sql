-- The type ruleset: many rules as one program. See docs/internals/rule-language.md.

CREATE TYPE member.ruleset;

CREATE OR REPLACE FUNCTION member.ruleset_in(cstring) RETURNS member.ruleset
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ruleset_in';
COMMENT ON FUNCTION member.ruleset_in(cstring) IS
    'Text input of ruleset: NUMBER: RULE; NUMBER: RULE, numbers ascending, rules with ids only; or empty. Errors: MB801, MB802, MB803, MB804.';

CREATE OR REPLACE FUNCTION member.ruleset_out(member.ruleset) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ruleset_out';
COMMENT ON FUNCTION member.ruleset_out(member.ruleset) IS 'Text output of ruleset; what ruleset_in reads.';

CREATE OR REPLACE FUNCTION member.ruleset_recv(internal) RETURNS member.ruleset
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ruleset_recv';
COMMENT ON FUNCTION member.ruleset_recv(internal) IS 'Binary input of ruleset: its text, checked as text input is.';

CREATE OR REPLACE FUNCTION member.ruleset_send(member.ruleset) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ruleset_send';
COMMENT ON FUNCTION member.ruleset_send(member.ruleset) IS 'Binary output of ruleset: its text.';

CREATE TYPE member.ruleset (
    INPUT = member.ruleset_in,
    OUTPUT = member.ruleset_out,
    RECEIVE = member.ruleset_recv,
    SEND = member.ruleset_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE member.ruleset IS
    'Many rules as one program: what they have in common is computed once for a member.';

CREATE OR REPLACE FUNCTION member.ruleset_eq(member.ruleset, member.ruleset) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ruleset_eq';
COMMENT ON FUNCTION member.ruleset_eq(member.ruleset, member.ruleset) IS 'Equality of rulesets: of their texts.';

CREATE OR REPLACE FUNCTION member.ruleset_ne(member.ruleset, member.ruleset) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ruleset_ne';
COMMENT ON FUNCTION member.ruleset_ne(member.ruleset, member.ruleset) IS 'Inequality of rulesets.';

CREATE OR REPLACE FUNCTION member.ruleset_hash(member.ruleset) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ruleset_hash';
COMMENT ON FUNCTION member.ruleset_hash(member.ruleset) IS 'Hash of a ruleset.';

CREATE OPERATOR member.= (LEFTARG = member.ruleset, RIGHTARG = member.ruleset, FUNCTION = member.ruleset_eq,
    COMMUTATOR = OPERATOR(member.=), NEGATOR = OPERATOR(member.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
CREATE OPERATOR member.<> (LEFTARG = member.ruleset, RIGHTARG = member.ruleset, FUNCTION = member.ruleset_ne,
    COMMUTATOR = OPERATOR(member.<>), NEGATOR = OPERATOR(member.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR CLASS member.ruleset_hash_ops DEFAULT FOR TYPE member.ruleset USING hash AS
    OPERATOR 1 member.=,
    FUNCTION 1 member.ruleset_hash(member.ruleset);

CREATE OR REPLACE FUNCTION member.ruleset(numbers integer[], rules member.rule[]) RETURNS member.ruleset
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ruleset_make';
COMMENT ON FUNCTION member.ruleset(integer[], member.rule[]) IS
    'The rules as one program, under numbers from 1 that ascend. Errors: MB502 numbers, 22004 null.';

CREATE OR REPLACE FUNCTION member.matching(ruleset member.ruleset, facts member.facts, day date) RETURNS integer[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ruleset_matching';
COMMENT ON FUNCTION member.matching(member.ruleset, member.facts, date) IS
    'Numbers of the rules that hold of the facts at the end of the day, ascending. Errors: MB403 day.';

CREATE OR REPLACE FUNCTION member_internal.matching(
    ruleset member.ruleset, day date, lots member.lots, activity member.activity, standing member.standing, tags member.tagset,
    cuts member.rfm_cuts, joined date, birthday date, gender text, city text, region text, channel text, store text, plan text,
    plan_since date, plan_until date, attributes jsonb, event jsonb, value member.value_terms) RETURNS integer[]
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'ruleset_matching_parts';
COMMENT ON FUNCTION member_internal.matching(member.ruleset, date, member.lots, member.activity, member.standing, member.tagset, member.rfm_cuts, date, date, text, text, text, text, text, text, date, date, jsonb, jsonb, member.value_terms) IS
    'As member.matching(), of facts given part by part: forming the composite is a sixth of the time when many members are looked at. Null: no ruleset or day. Errors: MB403 day.';
