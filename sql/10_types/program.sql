-- The type program: a published version as the step engine reads it.

CREATE TYPE member.program;

CREATE OR REPLACE FUNCTION member.program_in(cstring) RETURNS member.program
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'program_in';
COMMENT ON FUNCTION member.program_in(cstring) IS
    'Text input of program: statements program, wallet, stream, earn, level, each ended by a semicolon. Errors: MB006, 22P02.';

CREATE OR REPLACE FUNCTION member.program_out(member.program) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'program_out';
COMMENT ON FUNCTION member.program_out(member.program) IS 'Text output of program; what program_in reads.';

CREATE OR REPLACE FUNCTION member.program_recv(internal) RETURNS member.program
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'program_recv';
COMMENT ON FUNCTION member.program_recv(internal) IS 'Binary input of program: its text.';

CREATE OR REPLACE FUNCTION member.program_send(member.program) RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'program_send';
COMMENT ON FUNCTION member.program_send(member.program) IS 'Binary output of program: its text.';

CREATE TYPE member.program (
    INPUT = member.program_in,
    OUTPUT = member.program_out,
    RECEIVE = member.program_recv,
    SEND = member.program_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);
COMMENT ON TYPE member.program IS
    'A program as a value: wallets, streams, earning rules and ladders. What an event does to a member is decided by it and nothing else.';

CREATE OR REPLACE FUNCTION member.program_eq(member.program, member.program) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'program_eq';
COMMENT ON FUNCTION member.program_eq(member.program, member.program) IS 'Equality of programs.';

CREATE OPERATOR member.= (LEFTARG = member.program, RIGHTARG = member.program, FUNCTION = member.program_eq,
    COMMUTATOR = OPERATOR(member.=), RESTRICT = eqsel, JOIN = eqjoinsel);
