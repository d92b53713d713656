-- The type lots: a member's points as dated lots. See docs/internals/storage.md.

CREATE TYPE member.lots;

CREATE OR REPLACE FUNCTION member.lots_in(cstring) RETURNS member.lots
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_in';
COMMENT ON FUNCTION member.lots_in(cstring) IS
    'Text input of lots: WALLET:AMOUNT[@FROM][/UNTIL], separated by commas, or empty.';

CREATE OR REPLACE FUNCTION member.lots_out(member.lots) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_out';
COMMENT ON FUNCTION member.lots_out(member.lots) IS
    'Text output of lots; what lots_in reads.';

CREATE OR REPLACE FUNCTION member.lots_recv(internal) RETURNS member.lots
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_recv';
COMMENT ON FUNCTION member.lots_recv(internal) IS
    'Binary input of lots, checked as text input is.';

CREATE OR REPLACE FUNCTION member.lots_send(member.lots) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_send';
COMMENT ON FUNCTION member.lots_send(member.lots) IS
    'Binary output of lots: number of lots, then wallet, from, until, amount of each.';

CREATE TYPE member.lots (
    INPUT = member.lots_in,
    OUTPUT = member.lots_out,
    RECEIVE = member.lots_recv,
    SEND = member.lots_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE member.lots IS
    'Points by wallet, day usable from and day until (exclusive). As a state: a book without negative lots but one debt a wallet; as a posting: signed amounts. A balance is a function of lots and a day.';

CREATE OR REPLACE FUNCTION member.lots_eq(member.lots, member.lots) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_eq';
COMMENT ON FUNCTION member.lots_eq(member.lots, member.lots) IS
    'Equality of lots.';

CREATE OR REPLACE FUNCTION member.lots_ne(member.lots, member.lots) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_ne';
COMMENT ON FUNCTION member.lots_ne(member.lots, member.lots) IS
    'Inequality of lots.';

CREATE OR REPLACE FUNCTION member.lots_hash(member.lots) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_hash';
COMMENT ON FUNCTION member.lots_hash(member.lots) IS
    'Hash of lots.';

CREATE OR REPLACE FUNCTION member.lots_hash_extended(member.lots, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_hash_extended';
COMMENT ON FUNCTION member.lots_hash_extended(member.lots, bigint) IS
    'Hash of lots with a seed.';

CREATE OPERATOR member.= (LEFTARG = member.lots, RIGHTARG = member.lots, FUNCTION = member.lots_eq,
    COMMUTATOR = OPERATOR(member.=), NEGATOR = OPERATOR(member.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
CREATE OPERATOR member.<> (LEFTARG = member.lots, RIGHTARG = member.lots, FUNCTION = member.lots_ne,
    COMMUTATOR = OPERATOR(member.<>), NEGATOR = OPERATOR(member.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR CLASS member.lots_hash_ops DEFAULT FOR TYPE member.lots USING hash AS
    OPERATOR 1 member.=,
    FUNCTION 1 member.lots_hash(member.lots),
    FUNCTION 2 member.lots_hash_extended(member.lots, bigint);

CREATE OR REPLACE FUNCTION member.lots_plus(member.lots, member.lots) RETURNS member.lots
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_plus';
COMMENT ON FUNCTION member.lots_plus(member.lots, member.lots) IS
    'Sum of lots, lot by lot. Errors: MB204 on overflow.';

CREATE OR REPLACE FUNCTION member.lots_minus(member.lots, member.lots) RETURNS member.lots
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_minus';
COMMENT ON FUNCTION member.lots_minus(member.lots, member.lots) IS
    'Difference of lots, lot by lot. Errors: MB204 on overflow.';

CREATE OR REPLACE FUNCTION member.lots_negate(member.lots) RETURNS member.lots
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_negate';
COMMENT ON FUNCTION member.lots_negate(member.lots) IS
    'Lots with every amount negated.';

CREATE OPERATOR member.+ (LEFTARG = member.lots, RIGHTARG = member.lots, FUNCTION = member.lots_plus,
    COMMUTATOR = OPERATOR(member.+));
CREATE OPERATOR member.- (LEFTARG = member.lots, RIGHTARG = member.lots, FUNCTION = member.lots_minus);
CREATE OPERATOR member.- (RIGHTARG = member.lots, FUNCTION = member.lots_negate);
CREATE AGGREGATE member.lots_sum(member.lots) (
    SFUNC = member.lots_plus,
    STYPE = member.lots,
    COMBINEFUNC = member.lots_plus,
    INITCOND = 'empty',
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.lots_sum(member.lots) IS
    'Sum of lots over rows, lot by lot: the book from its postings, or a total over members.';

CREATE OR REPLACE FUNCTION member.earn(lots member.lots, wallet smallint, points bigint, usable_from date DEFAULT NULL, until date DEFAULT NULL) RETURNS member.lots
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_earn';
COMMENT ON FUNCTION member.earn(member.lots, smallint, bigint, date, date) IS
    'Lots with points added that are usable from a day (null: at once) until a day, exclusive (null: never expire). Errors: MB201 wallet, MB204 points, MB403 days, 22004 null value.';

CREATE OR REPLACE FUNCTION member.take(lots member.lots, wallet smallint, points bigint, day date) RETURNS member.lots
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_take';
COMMENT ON FUNCTION member.take(member.lots, smallint, bigint, date) IS
    'Which lots so many points come from that day, first-expiring first, as positive amounts. Errors: MB203 not enough usable, MB204 points out of range.';

CREATE OR REPLACE FUNCTION member.first_expiring(lots member.lots, points bigint) RETURNS member.lots
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_first_expiring';
COMMENT ON FUNCTION member.first_expiring(member.lots, bigint) IS
    'So many points of positive lots, first-expiring first, whatever the day: what a capture takes of the lots held. Errors: MB204 points out of range.';

CREATE OR REPLACE FUNCTION member.extend(lots member.lots, day date) RETURNS member.lots
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_extend';
COMMENT ON FUNCTION member.extend(member.lots, date) IS
    'The same lots, but those that would be gone before the day last until it. Errors: MB403.';

CREATE OR REPLACE FUNCTION member.settle(lots member.lots, day date) RETURNS member.lots
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_settle';
COMMENT ON FUNCTION member.settle(member.lots, date) IS
    'The book after the passing of time up to the day: debt paid from lots in the order they became usable, lots at or past their until removed. Idempotent.';

CREATE OR REPLACE FUNCTION member.reverse(lots member.lots, award member.lots, day date, policy text) RETURNS member.lots
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_reverse';
COMMENT ON FUNCTION member.reverse(member.lots, member.lots, date, text) IS
    'The posting (negative) that takes an award back: what is left of its own lots, then other usable points, then debt. Policy: only_pending, within_balance or debt. A lot of the award already past its until is not taken. Errors: MB502 policy.';

CREATE OR REPLACE FUNCTION member.share(lots member.lots, part bigint, whole bigint) RETURNS member.lots
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_share';
COMMENT ON FUNCTION member.share(member.lots, bigint, bigint) IS
    'The share part/whole of a posting: of each wallet''s points, rounded down, the lots that expire last first; share(a, whole, whole) = a. A wallet''s lots have one sign. Errors: MB502.';

CREATE OR REPLACE FUNCTION member.balance(lots member.lots, wallet smallint, day date) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_balance';
COMMENT ON FUNCTION member.balance(member.lots, smallint, date) IS
    'Usable points of a wallet that day, debt taken off; may be negative.';

CREATE OR REPLACE FUNCTION member.pending(lots member.lots, wallet smallint, day date) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_pending';
COMMENT ON FUNCTION member.pending(member.lots, smallint, date) IS
    'Points of a wallet that become usable after that day.';

CREATE OR REPLACE FUNCTION member.expired(lots member.lots, wallet smallint, day date) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_expired';
COMMENT ON FUNCTION member.expired(member.lots, smallint, date) IS
    'Points of a wallet that have expired by that day and are still in the book.';

CREATE OR REPLACE FUNCTION member.expiring(lots member.lots, wallet smallint, day date, within integer) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_expiring';
COMMENT ON FUNCTION member.expiring(member.lots, smallint, date, integer) IS
    'Points usable that day that will be gone at the latest so many days after it if nothing happens. Errors: MB502.';

CREATE OR REPLACE FUNCTION member.next_expiry(lots member.lots, wallet smallint, day date) RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_next_expiry';
COMMENT ON FUNCTION member.next_expiry(member.lots, smallint, date) IS
    'The first day after the given one on which points of the wallet are gone; null if none.';

CREATE OR REPLACE FUNCTION member.total(lots member.lots, wallet smallint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_total';
COMMENT ON FUNCTION member.total(member.lots, smallint) IS
    'Plain sum of the amounts of a wallet, whatever their days: what a posting moves.';

CREATE OR REPLACE FUNCTION member.is_book(lots member.lots) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_is_book';
COMMENT ON FUNCTION member.is_book(member.lots) IS
    'Whether no lot is negative but debt: true of every members state.';

CREATE OR REPLACE FUNCTION member.unnest(lots member.lots)
RETURNS TABLE (wallet smallint, points bigint, usable_from date, until date)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 8 AS 'MODULE_PATHNAME', 'lots_unnest';
COMMENT ON FUNCTION member.unnest(member.lots) IS
    'A row for each lot: wallet, points, first day usable (null: at once), first day gone (null: never).';

-- Over members, by day

CREATE OR REPLACE FUNCTION member.counts_plus(bigint[], bigint[]) RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_counts_plus';
COMMENT ON FUNCTION member.counts_plus(bigint[], bigint[]) IS
    'Sum of two states of an aggregate by day, number by number; null is the state of no rows. Errors: 22023 not of one shape, 22003 overflow.';

CREATE OR REPLACE FUNCTION member.expiring_by_day_step(state bigint[], lots member.lots, wallet smallint, day date, within integer) RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'lots_expiring_by_day_step';
COMMENT ON FUNCTION member.expiring_by_day_step(bigint[], member.lots, smallint, date, integer) IS
    'Transition of expiring_by_day: one member more.';

CREATE AGGREGATE member.expiring_by_day(lots member.lots, wallet smallint, day date, within integer) (
    SFUNC = member.expiring_by_day_step,
    STYPE = bigint[],
    SSPACE = 1024,
    COMBINEFUNC = member.counts_plus,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.expiring_by_day(member.lots, smallint, date, integer) IS
    'Points of a wallet usable that day that will be gone if nothing happens, over members, one a row: for each of so many days after it (1 to 3660) the row {members that lose some, points}. The day and the number are the same in every row. Null over no members. Errors: MB204 overflow of a lot, MB403 day, MB502 number of days, 22003, 22004, 22023.';
