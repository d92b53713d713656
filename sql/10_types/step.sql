-- The step engine: what an event does to a member.
-- Attributes of these composites are only ever added at the end; no column of a table has their type.

CREATE TYPE member.step_state AS (
    lots member.lots,
    activity member.activity,
    standing member.standing,
    at timestamptz,
    entries integer,
    hash bytea
);
COMMENT ON TYPE member.step_state IS
    'State of one member: points, activity, levels, the moment it was brought to, number and hash of the last entry. All null: a new member.';

CREATE TYPE member.step_event AS (
    member_id bigint,
    kind text,
    at timestamptz,
    wallet text,
    points bigint,
    amount bigint,
    usable_from date,
    until date,
    event_kind text,
    category integer,
    key text,
    digest bytea,
    ref integer,
    origin_at timestamptz,
    origin_lots member.lots,
    origin_of bigint,
    origin_back bigint,
    origin_largest bigint,
    source text,
    journal boolean,
    booked_at timestamptz,
    is_last boolean,
    facts jsonb,
    filled member.activity,
    fill smallint[],
    expired_by integer[],
    expired_at timestamptz[],
    expired_lots member.lots[]
);
COMMENT ON TYPE member.step_event IS
    'What happens to a member: kind purchase, refund, event, earn, spend, reverse, tier (event_kind LADDER:LEVEL:MODE until a day: a level granted), day, review (a day on which levels are decided by new rules), or fill (no time passes: streams hold what was counted of them); amount in minor units; origin_*: of the operation a refund or reversal refers to; source and journal: how a run finds it itself; booked_at: when it is recorded, up to which time passes (null: at); is_last: of a run, whether the state is wanted after it (null: yes); facts: what rules of streams see besides, {"store", "channel", "category", "source", "reason", "attributes": {}, "lines": []}, of a refund those of its purchase with the numbers of the lines given back before, "refunded", and now, "refund"; fill and filled: streams, and what they hold from then on; expired_*: of a late spend, the entries that booked an expiry since, their moments, and the lots that could have been spent.';

-- What only some events have stands in one place.
CREATE OR REPLACE FUNCTION member_internal.plain_event(member_id bigint, kind text, at timestamptz, filled member.activity DEFAULT NULL,
    fill smallint[] DEFAULT NULL) RETURNS member.step_event
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ROW(member_id, kind, at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           NULL, NULL, NULL, filled, fill, NULL, NULL, NULL)::member.step_event;
COMMENT ON FUNCTION member_internal.plain_event(bigint, text, timestamptz, member.activity, smallint[]) IS
    'An event that is but a kind and a moment: day, review, or fill with the streams and what they hold.';

CREATE TYPE member.step_tier AS (
    ladder smallint,
    kind text,
    from_level smallint,
    to_level smallint,
    day date,
    until date,
    reason text
);
COMMENT ON TYPE member.step_tier IS
    'A decision on a level: rise, keep or fall, set or end of a grant, with its day and the conditions that decided, each with its actual value.';

CREATE TYPE member.step_tag AS (
    tag integer,
    kind text,
    reason text
);
COMMENT ON TYPE member.step_tag IS
    'A tag decided at an event: keep, it is to be there; drop, it is not; give, for its lifetime from the event''s day; with the conditions that decided, each with its actual value.';

CREATE TYPE member.step_result AS (
    lots member.lots,
    activity member.activity,
    standing member.standing,
    at timestamptz,
    entries integer,
    hash bytea,
    next_due date,
    level smallint,
    expired bigint,
    tiers member.step_tier[],
    wallet smallint,
    delta member.lots,
    points bigint,
    balance bigint,
    ref integer,
    ref_part bigint,
    time_kind text,
    time_wallet smallint,
    time_delta member.lots,
    time_points bigint,
    time_balance bigint,
    time_hash bytea,
    remind boolean,
    tags member.step_tag[]
);
COMMENT ON TYPE member.step_result IS
    'State after a step (to hash), next day something is due, first ladder''s level, points that expired, tier decisions (null: none); the entry of the operation, numbered entries, with hash (delta null: a day makes none); the entry of what time did before it, numbered one less, or last if there is no operation (time_kind null: none); remind: whether points will be gone in one of the reminders'' days; tags: those that rules decide at the event and that it may have changed (null: none, or the step is one of a run), whatever the member has.';

CREATE OR REPLACE FUNCTION member.step(state member.step_state, event member.step_event, program member.program)
RETURNS member.step_result
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_step';
COMMENT ON FUNCTION member.step(member.step_state, member.step_event, member.program) IS
    'What one event does to one member under one program: time passes (reviews, debt, expiry), then the event, then levels it reaches. Pure: no table, setting or clock. Errors: those of the operation (MB2xx, MB3xx, MB4xx).';

CREATE OR REPLACE FUNCTION member_internal.step_run_step(internal, member.step_state, member.step_event, member.program)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_step_run_step';
COMMENT ON FUNCTION member_internal.step_run_step(internal, member.step_state, member.step_event, member.program) IS
    'Transition of step_run.';

CREATE OR REPLACE FUNCTION member_internal.step_run_result(internal) RETURNS member.step_result
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_step_run_result';
COMMENT ON FUNCTION member_internal.step_run_result(internal) IS 'Result of step_run.';

CREATE AGGREGATE member.step_run(state member.step_state, event member.step_event, program member.program) (
    SFUNC = member_internal.step_run_step,
    STYPE = internal,
    SSPACE = 8192,
    FINALFUNC = member_internal.step_run_result,
    FINALFUNC_MODIFY = READ_ONLY
);
COMMENT ON AGGREGATE member.step_run(member.step_state, member.step_event, member.program) IS
    'step over a member''s events in their order, from a first state: as a window function OVER (PARTITION BY member_id ORDER BY … ROWS UNBOUNDED PRECEDING) a row for each event; its last row is the final state.';

CREATE OR REPLACE FUNCTION member_internal.streams_run_step(internal, member.step_state, member.step_event, member.program)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_streams_run_step';
COMMENT ON FUNCTION member_internal.streams_run_step(internal, member.step_state, member.step_event, member.program) IS
    'Transition of streams_run.';

CREATE OR REPLACE FUNCTION member_internal.streams_run_result(internal) RETURNS member.activity
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_streams_run_result';
COMMENT ON FUNCTION member_internal.streams_run_result(internal) IS 'Result of streams_run.';

CREATE AGGREGATE member_internal.streams_run(state member.step_state, event member.step_event, program member.program) (
    SFUNC = member_internal.streams_run_step,
    STYPE = internal,
    SSPACE = 8192,
    FINALFUNC = member_internal.streams_run_result,
    FINALFUNC_MODIFY = READ_ONLY
);
COMMENT ON AGGREGATE member_internal.streams_run(member.step_state, member.step_event, member.program) IS
    'What a member''s events, in their order, make of the streams of the program, that of the purchases apart: step_run that counts and does nothing else.';

CREATE OR REPLACE FUNCTION member.entry_hash(
    previous bytea, member_id bigint, entry_no integer, kind text, at timestamptz, program_version integer,
    ref integer, ref_part bigint, delta member.lots, points bigint, balance bigint, key text, digest bytea)
RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_entry_hash';
COMMENT ON FUNCTION member.entry_hash(bytea, bigint, integer, text, timestamptz, integer, integer, bigint, member.lots, bigint, bigint, text, bytea) IS
    'SHA-256 an entry with these columns has in the chain after the entry with hash previous (null: the first). Format in docs/internals/ledger.md.';

CREATE OR REPLACE FUNCTION member_internal.digest(salt bigint, verb text, arguments jsonb, at timestamptz) RETURNS bytea
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_digest';
COMMENT ON FUNCTION member_internal.digest(bigint, text, jsonb, timestamptz) IS
    'What an idempotency key is bound to: SHA-256 of the member''s salt, the verb, its arguments and the moment given.';

CREATE OR REPLACE FUNCTION member.now() RETURNS timestamptz
LANGUAGE c VOLATILE PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_now';
COMMENT ON FUNCTION member.now() IS
    'The time the engine goes by: the real time, or what a superuser has set as member.clock.';

CREATE OR REPLACE FUNCTION member.clock_is_set() RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_clock_is_set';
COMMENT ON FUNCTION member.clock_is_set() IS
    'Whether member.clock overrides the real time in this session; never in production.';
