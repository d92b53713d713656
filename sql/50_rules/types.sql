-- The type rule: a condition on the facts of a member. See docs/internals/rule-language.md.

CREATE TYPE member.rule;

CREATE OR REPLACE FUNCTION member.rule_in(cstring) RETURNS member.rule
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_in';
COMMENT ON FUNCTION member.rule_in(cstring) IS
    'Text input of rule: the rule language with ids only; member.compile_rule() takes names. Errors: MB801, MB802, MB803, MB804.';

CREATE OR REPLACE FUNCTION member.rule_out(member.rule) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_out';
COMMENT ON FUNCTION member.rule_out(member.rule) IS
    'Text output of rule: its canonical text, with ids; what rule_in reads as the same value.';

CREATE OR REPLACE FUNCTION member.rule_recv(internal) RETURNS member.rule
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_recv';
COMMENT ON FUNCTION member.rule_recv(internal) IS 'Binary input of rule: its text, checked as text input is.';

CREATE OR REPLACE FUNCTION member.rule_send(member.rule) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_send';
COMMENT ON FUNCTION member.rule_send(member.rule) IS 'Binary output of rule: its canonical text.';

CREATE TYPE member.rule (
    INPUT = member.rule_in,
    OUTPUT = member.rule_out,
    RECEIVE = member.rule_recv,
    SEND = member.rule_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE member.rule IS
    'A condition on the facts of a member: tags, windows of spend and events, points, levels, profile. It holds on a day or not.';

CREATE OR REPLACE FUNCTION member.rule_eq(member.rule, member.rule) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_eq';
COMMENT ON FUNCTION member.rule_eq(member.rule, member.rule) IS 'Equality of rules: of their canonical texts.';

CREATE OR REPLACE FUNCTION member.rule_ne(member.rule, member.rule) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_ne';
COMMENT ON FUNCTION member.rule_ne(member.rule, member.rule) IS 'Inequality of rules.';

CREATE OR REPLACE FUNCTION member.rule_hash(member.rule) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_hash';
COMMENT ON FUNCTION member.rule_hash(member.rule) IS 'Hash of a rule.';

CREATE OR REPLACE FUNCTION member.rule_hash_extended(member.rule, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_hash_extended';
COMMENT ON FUNCTION member.rule_hash_extended(member.rule, bigint) IS 'Hash of a rule with a seed.';

CREATE OPERATOR member.= (LEFTARG = member.rule, RIGHTARG = member.rule, FUNCTION = member.rule_eq,
    COMMUTATOR = OPERATOR(member.=), NEGATOR = OPERATOR(member.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
CREATE OPERATOR member.<> (LEFTARG = member.rule, RIGHTARG = member.rule, FUNCTION = member.rule_ne,
    COMMUTATOR = OPERATOR(member.<>), NEGATOR = OPERATOR(member.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR CLASS member.rule_hash_ops DEFAULT FOR TYPE member.rule USING hash AS
    OPERATOR 1 member.=,
    FUNCTION 1 member.rule_hash(member.rule),
    FUNCTION 2 member.rule_hash_extended(member.rule, bigint);

CREATE OR REPLACE FUNCTION member_internal.rule_compile(rule text, dictionary jsonb) RETURNS member.rule
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_compile_text';
COMMENT ON FUNCTION member_internal.rule_compile(text, jsonb) IS
    'The rule of a text whose names are looked up in the dictionary (its form: docs/internals/rule-language.md). Errors: MB801, MB802, MB803, MB804.';

CREATE OR REPLACE FUNCTION member_internal.rule_text(rule member.rule, dictionary jsonb) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_text';
COMMENT ON FUNCTION member_internal.rule_text(member.rule, jsonb) IS
    'The text of a rule with the names the dictionary has for its ids; what rule_compile reads as the same rule.';
