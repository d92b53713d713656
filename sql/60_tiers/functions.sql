-- The ladder as pure functions: what step decides, asked without an event.

CREATE OR REPLACE FUNCTION member.tier_decide(
    program member.program, lots member.lots, activity member.activity, standing member.standing, since date, as_of date)
RETURNS member.standing
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_tier_decide';
COMMENT ON FUNCTION member.tier_decide(member.program, member.lots, member.activity, member.standing, date, date) IS
    'Where a member stands on a day by a program''s ladders: what time decides after since, each on its own day, then on the day itself what is reached, as after an event. Pure.';

CREATE OR REPLACE FUNCTION member.tier_decisions(
    program member.program, lots member.lots, activity member.activity, standing member.standing, since date, as_of date)
RETURNS TABLE (ladder smallint, kind text, from_level smallint, to_level smallint, day date, until date, reason text)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 2 AS 'MODULE_PATHNAME', 'member_tier_decisions';
COMMENT ON FUNCTION member.tier_decisions(member.program, member.lots, member.activity, member.standing, date, date) IS
    'The decisions by which tier_decide() comes to its answer, in their order, each with the conditions that decided and their values. Pure.';

CREATE OR REPLACE FUNCTION member_internal.tier_conditions(
    program member.program, lots member.lots, activity member.activity, standing member.standing, day date)
RETURNS TABLE (ladder smallint, level smallint, purpose text, no integer, condition text, actual numeric, required numeric,
               missing numeric, met boolean, any_of boolean, way integer, unit text, spend numeric, by date, counted_on date)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 4 AS 'MODULE_PATHNAME', 'member_tier_conditions';
COMMENT ON FUNCTION member_internal.tier_conditions(member.program, member.lots, member.activity, member.standing, date) IS
    'Conditions of each ladder to reach the next level (qualify, fast) and to keep the one earned (keep), with actual values and about what must be bought for each, in yuan.';

CREATE OR REPLACE FUNCTION member_internal.tier_next(
    program member.program, lots member.lots, activity member.activity, standing member.standing, day date) RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_tier_next';
COMMENT ON FUNCTION member_internal.tier_next(member.program, member.lots, member.activity, member.standing, date) IS
    'The first day after the given one on which the ladders have something to decide, or to warn of, though nothing happens; infinity: none.';
