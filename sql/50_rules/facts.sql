-- Rules on the facts of a member. Attributes of the composite are only ever added at the end.

CREATE TYPE member.value_terms AS (
    model member.value_model,
    horizon_days integer,
    discount double precision,
    margin double precision
);
COMMENT ON TYPE member.value_terms IS
    'What p_alive, expected_purchases and clv are computed by in rules: a fit of the models of value; days ahead that are counted; yearly rate at which later money is worth less; share of the spend that is profit.';

CREATE TYPE member.facts AS (
    lots member.lots,
    activity member.activity,
    standing member.standing,
    tags member.tagset,
    cuts member.rfm_cuts,
    joined date,
    birthday date,
    gender text,
    city text,
    region text,
    channel text,
    store text,
    plan text,
    plan_since date,
    plan_until date,
    attributes jsonb,
    event jsonb,
    value member.value_terms
);
COMMENT ON TYPE member.facts IS
    'What rules see of a member: points, activity, levels, tags, the RFM cuts in force, profile, plan (since, until exclusive), attributes of the brand, the event at hand, and the models of value in force. No number in it depends on the day. Null: not known.';

CREATE OR REPLACE FUNCTION member.matches(rule member.rule, facts member.facts, day date) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_matches';
COMMENT ON FUNCTION member.matches(member.rule, member.facts, date) IS
    'Whether the rule holds of the facts at the end of the day; not if that hangs on something unknown. Errors: MB403 day.';

CREATE OR REPLACE FUNCTION member.next_change(rule member.rule, facts member.facts, day date) RETURNS date
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_next_change';
COMMENT ON FUNCTION member.next_change(member.rule, member.facts, date) IS
    'The first day after the given one on which matches() answers differently if nothing happens; infinity: never. Earlier than that, but not later, only where a rule multiplies or divides two counts of days, or calculates with a decaying weight, p_alive, expected_purchases or clv. Errors: MB403 day.';

CREATE OR REPLACE FUNCTION member.explain(rule member.rule, facts member.facts, day date)
RETURNS TABLE (no integer, condition text, actual text, required text, missing numeric, holds boolean, negated boolean)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 5 AS 'MODULE_PATHNAME', 'rule_explain';
COMMENT ON FUNCTION member.explain(member.rule, member.facts, date) IS
    'Why a rule holds or not: a row for each condition with the value the member has (null: not known), what is required, how much the value must change for it to hold, whether it holds (null: not known), and whether it stands under "not". Errors: MB403 day.';

CREATE OR REPLACE FUNCTION member_internal.rule_explain(rule member.rule, facts member.facts, day date, dictionary jsonb)
RETURNS TABLE (no integer, condition text, actual text, required text, missing numeric, holds boolean, negated boolean)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 5 AS 'MODULE_PATHNAME', 'rule_explain';
COMMENT ON FUNCTION member_internal.rule_explain(member.rule, member.facts, date, jsonb) IS
    'As member.explain(), with the names of the dictionary.';

CREATE OR REPLACE FUNCTION member.needs(rule member.rule) RETURNS text[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rule_needs';
COMMENT ON FUNCTION member.needs(member.rule) IS
    'The facts a rule names: "tag 12", "activity 1 90d" (stream and window; without one all of life), "lots 1", "standing 1", "cuts", "value" (the models of value), "joined", "birthday", "plan", gender and the like, "attr key", "event key".';
