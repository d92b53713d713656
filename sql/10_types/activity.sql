-- The type activity: what a member did, by stream and day. See docs/internals/activity.md.

CREATE TYPE member.activity;

CREATE OR REPLACE FUNCTION member.activity_in(cstring) RETURNS member.activity
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_in';
COMMENT ON FUNCTION member.activity_in(cstring) IS
    'Text input of activity: STREAM{DATE:COUNT/AMOUNT^LARGEST, ...; KINDxRUN} ..., or empty. Errors: 22P02 syntax, 22000 what no activity can be, 54000 more than 200 streams or 5000 entries.';

CREATE OR REPLACE FUNCTION member.activity_out(member.activity) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_out';
COMMENT ON FUNCTION member.activity_out(member.activity) IS
    'Text output of activity; what activity_in reads.';

CREATE OR REPLACE FUNCTION member.activity_recv(internal) RETURNS member.activity
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_recv';
COMMENT ON FUNCTION member.activity_recv(internal) IS
    'Binary input of activity, checked as text input is.';

CREATE OR REPLACE FUNCTION member.activity_send(member.activity) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_send';
COMMENT ON FUNCTION member.activity_send(member.activity) IS
    'Binary output of activity: version, then of each stream id, last kind, run and entries.';

CREATE TYPE member.activity (
    INPUT = member.activity_in,
    OUTPUT = member.activity_out,
    RECEIVE = member.activity_recv,
    SEND = member.activity_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE member.activity IS
    'What a member did, by stream (1 to 32767) and day: count, amount in minor units, largest single amount; old days folded into months, old months into one total; and the run of last events of one kind. At most 200 streams and 5000 entries.';

CREATE OR REPLACE FUNCTION member.activity_eq(member.activity, member.activity) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_eq';
COMMENT ON FUNCTION member.activity_eq(member.activity, member.activity) IS
    'Equality of activity: the same entries, kept at the same grain.';

CREATE OR REPLACE FUNCTION member.activity_ne(member.activity, member.activity) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_ne';
COMMENT ON FUNCTION member.activity_ne(member.activity, member.activity) IS
    'Inequality of activity: the same entries, kept at the same grain.';

CREATE OR REPLACE FUNCTION member.activity_lt(member.activity, member.activity) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_lt';
COMMENT ON FUNCTION member.activity_lt(member.activity, member.activity) IS
    'Whether the first is less than the second in the order of their bytes, which is total and has no other meaning.';

CREATE OR REPLACE FUNCTION member.activity_le(member.activity, member.activity) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_le';
COMMENT ON FUNCTION member.activity_le(member.activity, member.activity) IS
    'Whether the first is less than or equal the second in the order of their bytes, which is total and has no other meaning.';

CREATE OR REPLACE FUNCTION member.activity_gt(member.activity, member.activity) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_gt';
COMMENT ON FUNCTION member.activity_gt(member.activity, member.activity) IS
    'Whether the first is greater than the second in the order of their bytes, which is total and has no other meaning.';

CREATE OR REPLACE FUNCTION member.activity_ge(member.activity, member.activity) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_ge';
COMMENT ON FUNCTION member.activity_ge(member.activity, member.activity) IS
    'Whether the first is greater than or equal the second in the order of their bytes, which is total and has no other meaning.';

CREATE OR REPLACE FUNCTION member.activity_cmp(member.activity, member.activity) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_cmp';
COMMENT ON FUNCTION member.activity_cmp(member.activity, member.activity) IS
    'Comparison of activity by bytes: below, at or above 0. The order is total and has no other meaning.';

CREATE OR REPLACE FUNCTION member.activity_hash(member.activity) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_hash';
COMMENT ON FUNCTION member.activity_hash(member.activity) IS
    'Hash of activity.';

CREATE OR REPLACE FUNCTION member.activity_hash_extended(member.activity, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_hash_extended';
COMMENT ON FUNCTION member.activity_hash_extended(member.activity, bigint) IS
    'Hash of activity with a seed.';

CREATE OPERATOR member.= (LEFTARG = member.activity, RIGHTARG = member.activity, FUNCTION = member.activity_eq,
    COMMUTATOR = OPERATOR(member.=), NEGATOR = OPERATOR(member.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR member.<> (LEFTARG = member.activity, RIGHTARG = member.activity, FUNCTION = member.activity_ne,
    COMMUTATOR = OPERATOR(member.<>), NEGATOR = OPERATOR(member.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR member.< (LEFTARG = member.activity, RIGHTARG = member.activity, FUNCTION = member.activity_lt,
    COMMUTATOR = OPERATOR(member.>), NEGATOR = OPERATOR(member.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR member.<= (LEFTARG = member.activity, RIGHTARG = member.activity, FUNCTION = member.activity_le,
    COMMUTATOR = OPERATOR(member.>=), NEGATOR = OPERATOR(member.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR member.> (LEFTARG = member.activity, RIGHTARG = member.activity, FUNCTION = member.activity_gt,
    COMMUTATOR = OPERATOR(member.<), NEGATOR = OPERATOR(member.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR member.>= (LEFTARG = member.activity, RIGHTARG = member.activity, FUNCTION = member.activity_ge,
    COMMUTATOR = OPERATOR(member.<=), NEGATOR = OPERATOR(member.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
CREATE OPERATOR CLASS member.activity_ops DEFAULT FOR TYPE member.activity USING btree AS
    OPERATOR 1 member.<,
    OPERATOR 2 member.<=,
    OPERATOR 3 member.=,
    OPERATOR 4 member.>=,
    OPERATOR 5 member.>,
    FUNCTION 1 member.activity_cmp(member.activity, member.activity);
CREATE OPERATOR CLASS member.activity_hash_ops DEFAULT FOR TYPE member.activity USING hash AS
    OPERATOR 1 member.=,
    FUNCTION 1 member.activity_hash(member.activity),
    FUNCTION 2 member.activity_hash_extended(member.activity, bigint);

-- Changing

CREATE OR REPLACE FUNCTION member.add(activity member.activity, stream smallint, day date, count bigint, amount bigint, largest bigint DEFAULT NULL, kind integer DEFAULT 0) RETURNS member.activity
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_add';
COMMENT ON FUNCTION member.add(member.activity, smallint, date, bigint, bigint, bigint, integer) IS
    'Activity with count events of a day added, amount in minor units altogether. Largest is the largest single amount (null: the amount, of one event or of none worth anything). Kind (0 or null: none) of these events continues or replaces the run, unless the day is before the last one. A day that is folded already goes into its month, or into the older total. Errors: 22023 stream or count, MB403 day, 22003 overflow, 22004 null value or largest of several not given, 54000 too many streams or entries.';

CREATE OR REPLACE FUNCTION member.correct(activity member.activity, stream smallint, day date, count bigint, amount bigint, largest bigint DEFAULT NULL) RETURNS member.activity
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_correct';
COMMENT ON FUNCTION member.correct(member.activity, smallint, date, bigint, bigint, bigint) IS
    'Activity with count events (0 for a part of one) and amount of a day taken back, as of a refund of what was done that day. Largest is what the largest amount of the day is now (null: the smaller of what it was and what is left). Of a folded day its month, or the older total, is lowered. A run is never longer than the events that are left. Errors: 22003 more events than there are, or overflow; 22023 stream or count, MB403 day, 22004 null value.';

CREATE OR REPLACE FUNCTION member.trim(activity member.activity, stream smallint, day date, keep_days integer, keep_months integer) RETURNS member.activity
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_trim';
COMMENT ON FUNCTION member.trim(member.activity, smallint, date, integer, integer) IS
    'Activity of which old days are folded: months that ended more than keep_days before the day become one entry each, such months more than keep_months before the month of the day become one older total. Null keeps all. Idempotent; what is folded stays so. Errors: 22023 stream or retention, MB403 day, 22004 null value.';

CREATE OR REPLACE FUNCTION member.activity_plus(member.activity, member.activity) RETURNS member.activity
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_merge';
COMMENT ON FUNCTION member.activity_plus(member.activity, member.activity) IS
    'Activity of both, as of two members who were one. Where one keeps a total the other is folded to it. The run is that of the later last event; on the same day the longer, then the greater kind. Errors: 22003 overflow, 54000 too many streams or entries.';

CREATE OPERATOR member.+ (LEFTARG = member.activity, RIGHTARG = member.activity, FUNCTION = member.activity_plus,
    COMMUTATOR = OPERATOR(member.+));
CREATE AGGREGATE member.activity_sum(member.activity) (
    SFUNC = member.activity_plus,
    STYPE = member.activity,
    COMBINEFUNC = member.activity_plus,
    INITCOND = 'empty',
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.activity_sum(member.activity) IS
    'Activity of all rows together, in any order; of no rows empty. Nulls are left out. Errors: 22003 overflow, 54000 too many streams or entries.';

CREATE OR REPLACE FUNCTION member.activity_step(member.activity, stream smallint, day date, amount bigint) RETURNS member.activity
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_agg_step';
COMMENT ON FUNCTION member.activity_step(member.activity, smallint, date, bigint) IS
    'Transition of activity_agg: one event more.';

CREATE AGGREGATE member.activity_agg(stream smallint, day date, amount bigint) (
    SFUNC = member.activity_step,
    STYPE = member.activity,
    COMBINEFUNC = member.activity_plus,
    INITCOND = 'empty',
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.activity_agg(smallint, date, bigint) IS
    'Activity of rows that are one event each, amount in minor units, in any order, without kinds; of no rows empty. Rows with a null are left out. Errors: 22023 stream, MB403 day, 22003 overflow, 54000 too many streams or entries.';

-- Reading

CREATE OR REPLACE FUNCTION member.count(activity member.activity, stream smallint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_count';
COMMENT ON FUNCTION member.count(member.activity, smallint) IS
    'Events of a stream in all of a member''s life.';

CREATE OR REPLACE FUNCTION member.count(activity member.activity, stream smallint, since date, until date) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_count';
COMMENT ON FUNCTION member.count(member.activity, smallint, date, date) IS
    'Events of a stream in the window, until exclusive, infinite dates open. Errors: MB501 a boundary cuts a folded month or the older total, 22003 overflow.';

CREATE OR REPLACE FUNCTION member.amount(activity member.activity, stream smallint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_amount';
COMMENT ON FUNCTION member.amount(member.activity, smallint) IS
    'Amount of a stream in all of a member''s life, minor units.';

CREATE OR REPLACE FUNCTION member.amount(activity member.activity, stream smallint, since date, until date) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_amount';
COMMENT ON FUNCTION member.amount(member.activity, smallint, date, date) IS
    'Amount of a stream in the window, minor units, until exclusive, infinite dates open. Errors: MB501 a boundary cuts a folded month or the older total, 22003 overflow.';

CREATE OR REPLACE FUNCTION member.largest(activity member.activity, stream smallint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_largest';
COMMENT ON FUNCTION member.largest(member.activity, smallint) IS
    'Largest single amount of a stream in all of a member''s life, minor units; null without events.';

CREATE OR REPLACE FUNCTION member.largest(activity member.activity, stream smallint, since date, until date) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_largest';
COMMENT ON FUNCTION member.largest(member.activity, smallint, date, date) IS
    'Largest single amount of a stream in the window, minor units, until exclusive, infinite dates open; null without events. Errors: MB501 a boundary cuts a folded month or the older total, 22003 overflow.';

CREATE OR REPLACE FUNCTION member.active_days(activity member.activity, stream smallint) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_active_days';
COMMENT ON FUNCTION member.active_days(member.activity, smallint) IS
    'Days with events of a stream in all of a member''s life. Days that reached a folded month one by one may count twice, up to its length.';

CREATE OR REPLACE FUNCTION member.active_days(activity member.activity, stream smallint, since date, until date) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_active_days';
COMMENT ON FUNCTION member.active_days(member.activity, smallint, date, date) IS
    'Days with events of a stream in the window, until exclusive, infinite dates open. Days that reached a folded month one by one may count twice, up to its length. Errors: MB501 a boundary cuts a folded month or the older total, 22003 overflow.';

CREATE OR REPLACE FUNCTION member.first_day(activity member.activity, stream smallint) RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_first_day';
COMMENT ON FUNCTION member.first_day(member.activity, smallint) IS
    'First day with an event of a stream; null without events.';

CREATE OR REPLACE FUNCTION member.last_day(activity member.activity, stream smallint) RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_last_day';
COMMENT ON FUNCTION member.last_day(member.activity, smallint) IS
    'Last day with an event of a stream; null without events.';

CREATE OR REPLACE FUNCTION member.mean_gap(activity member.activity, stream smallint) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_mean_gap';
COMMENT ON FUNCTION member.mean_gap(member.activity, smallint) IS
    'Mean number of days from one active day of a stream to the next; null with less than two active days.';

CREATE OR REPLACE FUNCTION member.streak(activity member.activity, stream smallint, day date) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_streak';
COMMENT ON FUNCTION member.streak(member.activity, smallint, date) IS
    'Active days of a stream in a row, up to the day, or up to the day before when there is nothing yet that day. Errors: MB501 it reaches into a folded month that is not active throughout, MB403 day.';

CREATE OR REPLACE FUNCTION member.falling_months(activity member.activity, stream smallint, day date) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_falling_months';
COMMENT ON FUNCTION member.falling_months(member.activity, smallint, date) IS
    'How many times in a row the monthly count of a stream fell, up to the last complete month before the day; a month without events counts 0. Errors: MB501 it reaches into the older total, MB403 day.';

CREATE OR REPLACE FUNCTION member.run(activity member.activity, stream smallint, kind integer) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_run';
COMMENT ON FUNCTION member.run(member.activity, smallint, integer) IS
    'How many of the last events of a stream in a row were of the kind.';

CREATE OR REPLACE FUNCTION member.last_kind(activity member.activity, stream smallint) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_last_kind';
COMMENT ON FUNCTION member.last_kind(member.activity, smallint) IS
    'Kind of the last event of a stream, 0 when it has none.';

CREATE OR REPLACE FUNCTION member.streams(activity member.activity) RETURNS smallint[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_sql_streams';
COMMENT ON FUNCTION member.streams(member.activity) IS
    'Streams that have activity, ascending.';

CREATE OR REPLACE FUNCTION member.unnest(activity member.activity) RETURNS TABLE (stream smallint, grain text, since date, until date, count bigint, amount bigint, largest bigint, active_days integer)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 20 AS 'MODULE_PATHNAME', 'activity_sql_unnest';
COMMENT ON FUNCTION member.unnest(member.activity) IS
    'The entries of activity: grain day, month or older, the days from the first that it holds to the last (until exclusive), and their numbers, amounts in minor units.';

-- Over members, by day

CREATE OR REPLACE FUNCTION member.active_spans(activity member.activity, stream smallint, bounds date[]) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_active_spans';
COMMENT ON FUNCTION member.active_spans(member.activity, smallint, date[]) IS
    'In which of the spans between 2 to 63 ascending days a stream has events, as bits: 1 from the first bound to before the second, 2 from the second to before the third, 4, 8 and so on. Errors: MB501 a bound cuts a folded month or the older total, MB502 bounds.';

CREATE OR REPLACE FUNCTION member.activity_by_day_step(state bigint[], activity member.activity, stream smallint, since date, days integer) RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_by_day_step';
COMMENT ON FUNCTION member.activity_by_day_step(bigint[], member.activity, smallint, date, integer) IS
    'Transition of activity_by_day: one member more.';

CREATE AGGREGATE member.activity_by_day(activity member.activity, stream smallint, since date, days integer) (
    SFUNC = member.activity_by_day_step,
    STYPE = bigint[],
    SSPACE = 4096,
    COMBINEFUNC = member.counts_plus,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.activity_by_day(member.activity, smallint, date, integer) IS
    'A stream over members, one a row, by day: for each of so many days (1 to 3660) from a day on the row {events, amount in minor units, members with events, members whose first day it was}. The window is the same in every row. Null over no members. Errors: MB501 a day of it is folded into a month, MB403 day, MB502 number of days, 22003, 22004, 22023.';

CREATE OR REPLACE FUNCTION member.activity_by_day_step(state bigint[], activity member.activity, streams smallint[], since date, days integer) RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_by_day_streams_step';
COMMENT ON FUNCTION member.activity_by_day_step(bigint[], member.activity, smallint[], date, integer) IS
    'Transition of activity_by_day over several streams: one member more.';

CREATE AGGREGATE member.activity_by_day(activity member.activity, streams smallint[], since date, days integer) (
    SFUNC = member.activity_by_day_step,
    STYPE = bigint[],
    SSPACE = 8192,
    COMBINEFUNC = member.counts_plus,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.activity_by_day(member.activity, smallint[], date, integer) IS
    'The same of several streams in one walk: the days of the first stream, then those of the second and so on; streams times days are up to 3660. Errors: as of one stream, MB502 streams.';

CREATE OR REPLACE FUNCTION member.activity_gaps_step(state bigint[], activity member.activity, stream smallint, since date, days integer) RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_gaps_step';
COMMENT ON FUNCTION member.activity_gaps_step(bigint[], member.activity, smallint, date, integer) IS
    'Transition of activity_gaps: one member more.';

CREATE AGGREGATE member.activity_gaps(activity member.activity, stream smallint, since date, days integer) (
    SFUNC = member.activity_gaps_step,
    STYPE = bigint[],
    SSPACE = 8192,
    COMBINEFUNC = member.counts_plus,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.activity_gaps(member.activity, smallint, date, integer) IS
    'Gaps between one active day of a stream and the next, over members, one a row, where the later lies in so many days (1 to 3660) from a day on: 366 rows by length in days, the last also of longer ones, of {gaps, sum of their days}. Null over no members. Errors: MB501 a day of the window is folded into a month, MB403 day, MB502 number of days, 22004.';

-- How evenly amounts are spread.

CREATE OR REPLACE FUNCTION member.amounts_by_decile(amounts bigint[]) RETURNS bigint[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_amounts_by_decile';
COMMENT ON FUNCTION member.amounts_by_decile(bigint[]) IS 'The end of deciles: ten rows of {amounts, their sum}, the largest amounts first. Errors: 22004 null among them, 22003.';

CREATE AGGREGATE member.deciles(amount bigint) (
    SFUNC = pg_catalog.array_append,
    STYPE = bigint[],
    SSPACE = 512,
    FINALFUNC = member.amounts_by_decile,
    COMBINEFUNC = pg_catalog.array_cat,
    INITCOND = '{}',
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.deciles(bigint) IS
    'Amounts, a row each, in ten parts of as many, the largest first, as ntile(10): ten rows of {amounts, their sum}; eight bytes a row. Errors: 22004 null, 22003 sum.';

CREATE OR REPLACE FUNCTION member.amounts_gini(amounts bigint[]) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_amounts_gini';
COMMENT ON FUNCTION member.amounts_gini(bigint[]) IS 'The end of gini. Errors: 22004 null among them, 22003 negative.';

CREATE AGGREGATE member.gini(amount bigint) (
    SFUNC = pg_catalog.array_append,
    STYPE = bigint[],
    SSPACE = 512,
    FINALFUNC = member.amounts_gini,
    COMBINEFUNC = pg_catalog.array_cat,
    INITCOND = '{}',
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.gini(bigint) IS
    'Gini coefficient of amounts, a row each: 0 when all are equal, near 1 when one has nearly all; null when they are all 0. Shares its state with deciles. Errors: 22004 null, 22003 negative.';

CREATE OR REPLACE FUNCTION member.distance_km(latitude double precision, longitude double precision, other_latitude double precision, other_longitude double precision) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_distance_km';
COMMENT ON FUNCTION member.distance_km(double precision, double precision, double precision, double precision) IS
    'Great-circle distance of two positions in kilometres, on a sphere of the earth''s mean radius: within 0.6 % of the ellipsoid. Errors: MB502 position.';

-- Different members, where count(DISTINCT) would keep workers out.

CREATE OR REPLACE FUNCTION member.count_different(ids bigint[]) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_count_different';
COMMENT ON FUNCTION member.count_different(bigint[]) IS
    'How many different numbers there are in an array. Errors: 22004 null among them.';

CREATE AGGREGATE member.count_members(member_id bigint) (
    SFUNC = pg_catalog.array_append,
    STYPE = bigint[],
    SSPACE = 512,
    FINALFUNC = member.count_different,
    COMBINEFUNC = pg_catalog.array_cat,
    INITCOND = '{}',
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.count_members(bigint) IS
    'How many different members there are among the rows, exactly, as count(DISTINCT member_id), in parallel; eight bytes a row. Errors: 22004 null.';
