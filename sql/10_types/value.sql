-- The types value_stats and value_model: what members will buy, by BG/NBD and Gamma-Gamma, and how the parameters are
-- found. See docs/internals/value.md.

CREATE TYPE member.value_stats;
CREATE TYPE member.value_model;

-- ---- value_stats ------------------------------------------------------------------

CREATE OR REPLACE FUNCTION member.value_stats_in(cstring) RETURNS member.value_stats
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_stats_in';
COMMENT ON FUNCTION member.value_stats_in(cstring) IS
    'Text input of value_stats: times(X/T_X/T:MEMBERS,...) money(X/AMOUNT:MEMBERS,...), ascending, "~GRAIN" before a rounded list. Errors: 22P02, 22003, 22023, 54000.';

CREATE OR REPLACE FUNCTION member.value_stats_out(member.value_stats) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_stats_out';
COMMENT ON FUNCTION member.value_stats_out(member.value_stats) IS
    'Text output of value_stats; what value_stats_in reads.';

CREATE OR REPLACE FUNCTION member.value_stats_recv(internal) RETURNS member.value_stats
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_stats_recv';
COMMENT ON FUNCTION member.value_stats_recv(internal) IS
    'Binary input of value_stats, checked as text input is.';

CREATE OR REPLACE FUNCTION member.value_stats_send(member.value_stats) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_stats_send';
COMMENT ON FUNCTION member.value_stats_send(member.value_stats) IS
    'Binary output of value_stats: per list the grain, the number of entries and the entries.';

CREATE TYPE member.value_stats (
    INPUT = member.value_stats_in,
    OUTPUT = member.value_stats_out,
    RECEIVE = member.value_stats_recv,
    SEND = member.value_stats_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE member.value_stats IS
    'How many members have which purchase history: x days with a purchase after the first, the last of them t_x days after it, the first t days ago; and what was spent on those x days, minor units. Exact up to 262144 different ones of each, then rounded (grain_days of value_fit). The state of value_stats_agg: parts combine to the whole.';

CREATE OR REPLACE FUNCTION member.value_stats_eq(member.value_stats, member.value_stats) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_stats_eq';
COMMENT ON FUNCTION member.value_stats_eq(member.value_stats, member.value_stats) IS
    'Equality of value_stats.';

CREATE OR REPLACE FUNCTION member.value_stats_ne(member.value_stats, member.value_stats) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_stats_ne';
COMMENT ON FUNCTION member.value_stats_ne(member.value_stats, member.value_stats) IS
    'Inequality of value_stats.';

CREATE OR REPLACE FUNCTION member.value_stats_hash(member.value_stats) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_stats_hash';
COMMENT ON FUNCTION member.value_stats_hash(member.value_stats) IS
    'Hash of value_stats.';

CREATE OR REPLACE FUNCTION member.value_stats_hash_extended(member.value_stats, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_stats_hash_extended';
COMMENT ON FUNCTION member.value_stats_hash_extended(member.value_stats, bigint) IS
    'Hash of value_stats with a seed.';

CREATE OPERATOR member.= (LEFTARG = member.value_stats, RIGHTARG = member.value_stats, FUNCTION = member.value_stats_eq,
    COMMUTATOR = OPERATOR(member.=), NEGATOR = OPERATOR(member.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
CREATE OPERATOR member.<> (LEFTARG = member.value_stats, RIGHTARG = member.value_stats, FUNCTION = member.value_stats_ne,
    COMMUTATOR = OPERATOR(member.<>), NEGATOR = OPERATOR(member.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR CLASS member.value_stats_hash_ops DEFAULT FOR TYPE member.value_stats USING hash AS
    OPERATOR 1 member.=,
    FUNCTION 1 member.value_stats_hash(member.value_stats),
    FUNCTION 2 member.value_stats_hash_extended(member.value_stats, bigint);

CREATE OR REPLACE FUNCTION member.value_stats_add(stats member.value_stats, activity member.activity, stream smallint, day date) RETURNS member.value_stats
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_stats_add_activity';
COMMENT ON FUNCTION member.value_stats_add(member.value_stats, member.activity, smallint, date) IS
    'The statistics with one member more, by its purchases up to the day; null is no statistics yet. A member without a purchase is not counted, and one that spent nothing on later days only in times. Errors: MB403 day, MB501 it cuts a folded month or the older total, 22003, 22004, 54000.';

CREATE OR REPLACE FUNCTION member.value_stats_add(stats member.value_stats, x integer, t_x integer, t integer, amount bigint) RETURNS member.value_stats
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_stats_add_numbers';
COMMENT ON FUNCTION member.value_stats_add(member.value_stats, integer, integer, integer, bigint) IS
    'The statistics with one member more: days with a purchase after the first (null: never bought, not counted), days from the first to the last, days since the first, spent on the x days in minor units (null: unknown). Errors: 22003 numbers that cannot be, 22004 null t_x or t, 54000.';

CREATE OR REPLACE FUNCTION member.value_stats_combine(member.value_stats, member.value_stats) RETURNS member.value_stats
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_stats_combine';
COMMENT ON FUNCTION member.value_stats_combine(member.value_stats, member.value_stats) IS
    'The statistics of the members of both; null is of none. Errors: 22003 too many members of one history, 54000.';

CREATE OR REPLACE AGGREGATE member.value_stats_agg(member.activity, smallint, date) (
    SFUNC = member.value_stats_add,
    STYPE = member.value_stats,
    SSPACE = 65536,
    COMBINEFUNC = member.value_stats_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.value_stats_agg(member.activity, smallint, date) IS
    'Purchase histories of members, one a row: activity, stream of purchases, day up to which. Null over no member that bought. At most 16 MB, however many members. Errors: MB403, MB501, 22003, 22004, 54000.';

CREATE OR REPLACE AGGREGATE member.value_stats_agg(integer, integer, integer, bigint) (
    SFUNC = member.value_stats_add,
    STYPE = member.value_stats,
    SSPACE = 65536,
    COMBINEFUNC = member.value_stats_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.value_stats_agg(integer, integer, integer, bigint) IS
    'Purchase histories of members, one a row: x, t_x, t in days and the amount spent on the x days in minor units, as value_stats_add takes them. Null over no members. Errors: 22003, 22004, 54000.';

CREATE OR REPLACE AGGREGATE member.value_stats_sum(member.value_stats) (
    SFUNC = member.value_stats_combine,
    STYPE = member.value_stats,
    SSPACE = 65536,
    COMBINEFUNC = member.value_stats_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.value_stats_sum(member.value_stats) IS
    'Statistics of the members of all statistics. Null over none. Errors: 22003, 54000.';

-- ---- value_model ------------------------------------------------------------------

CREATE OR REPLACE FUNCTION member.value_model_in(cstring) RETURNS member.value_model
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_model_in';
COMMENT ON FUNCTION member.value_model_in(cstring) IS
    'Text input of value_model: bg(r,alpha,a,b) gg(p,q,gamma), the second part only where spend has a model. Errors: 22P02, 22003.';

CREATE OR REPLACE FUNCTION member.value_model_out(member.value_model) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_model_out';
COMMENT ON FUNCTION member.value_model_out(member.value_model) IS
    'Text output of value_model; what value_model_in reads, to the last bit.';

CREATE OR REPLACE FUNCTION member.value_model_recv(internal) RETURNS member.value_model
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_model_recv';
COMMENT ON FUNCTION member.value_model_recv(internal) IS
    'Binary input of value_model, checked as text input is.';

CREATE OR REPLACE FUNCTION member.value_model_send(member.value_model) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_model_send';
COMMENT ON FUNCTION member.value_model_send(member.value_model) IS
    'Binary output of value_model: seven double precision numbers, the last three 0 without a model of spend.';

CREATE TYPE member.value_model (
    INPUT = member.value_model_in,
    OUTPUT = member.value_model_out,
    RECEIVE = member.value_model_recv,
    SEND = member.value_model_send,
    INTERNALLENGTH = 56,
    ALIGNMENT = double,
    STORAGE = plain
);
COMMENT ON TYPE member.value_model IS
    'Parameters of a fit: BG/NBD r, alpha (days), a, b; Gamma-Gamma p, q, gamma (minor units of money).';

CREATE OR REPLACE FUNCTION member.value_model_eq(member.value_model, member.value_model) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_model_eq';
COMMENT ON FUNCTION member.value_model_eq(member.value_model, member.value_model) IS
    'Equality of value_model.';

CREATE OR REPLACE FUNCTION member.value_model_ne(member.value_model, member.value_model) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_model_ne';
COMMENT ON FUNCTION member.value_model_ne(member.value_model, member.value_model) IS
    'Inequality of value_model.';

CREATE OR REPLACE FUNCTION member.value_model_hash(member.value_model) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_model_hash';
COMMENT ON FUNCTION member.value_model_hash(member.value_model) IS
    'Hash of value_model.';

CREATE OR REPLACE FUNCTION member.value_model_hash_extended(member.value_model, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_model_hash_extended';
COMMENT ON FUNCTION member.value_model_hash_extended(member.value_model, bigint) IS
    'Hash of value_model with a seed.';

CREATE OPERATOR member.= (LEFTARG = member.value_model, RIGHTARG = member.value_model, FUNCTION = member.value_model_eq,
    COMMUTATOR = OPERATOR(member.=), NEGATOR = OPERATOR(member.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
CREATE OPERATOR member.<> (LEFTARG = member.value_model, RIGHTARG = member.value_model, FUNCTION = member.value_model_ne,
    COMMUTATOR = OPERATOR(member.<>), NEGATOR = OPERATOR(member.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR CLASS member.value_model_hash_ops DEFAULT FOR TYPE member.value_model USING hash AS
    OPERATOR 1 member.=,
    FUNCTION 1 member.value_model_hash(member.value_model),
    FUNCTION 2 member.value_model_hash_extended(member.value_model, bigint);

CREATE OR REPLACE FUNCTION member.value_parameter(model member.value_model, name text) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_parameter';
COMMENT ON FUNCTION member.value_parameter(member.value_model, text) IS
    'A parameter by its name: r, alpha (days), a, b, p, q, gamma (minor units); null: spend has no model. Errors: MB502 no such name.';

CREATE OR REPLACE FUNCTION member.value_fit(stats member.value_stats, OUT model member.value_model, OUT standard_errors double precision[],
    OUT members bigint, OUT repeat_members bigint, OUT repeats bigint,
    OUT log_likelihood double precision, OUT iterations integer, OUT gradient double precision, OUT converged boolean,
    OUT spend_log_likelihood double precision, OUT spend_iterations integer, OUT spend_gradient double precision, OUT spend_converged boolean,
    OUT grain_days integer)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'value_fit';
COMMENT ON FUNCTION member.value_fit(member.value_stats) IS
    'The likeliest parameters and how they were found: standard errors in the order of the model (NaN: not known), members, those that bought again, and on how many days; of each model the log-likelihood (days, minor units), the steps of Newton''s method, the length of the gradient by the logarithms of the parameters, and whether a maximum was found; the days that times were rounded to. Where spend found none, the model has BG/NBD alone.';

CREATE OR REPLACE FUNCTION member.value_likelihood(stats member.value_stats, model member.value_model) RETURNS double precision[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'value_likelihood';
COMMENT ON FUNCTION member.value_likelihood(member.value_stats, member.value_model) IS
    'Log-likelihood of the statistics under a model: BG/NBD, Gamma-Gamma, then the derivatives by r, alpha, a, b, p, q, gamma.';

-- ---- what a model says of a member ------------------------------------------------

CREATE OR REPLACE FUNCTION member.p_alive(model member.value_model, x integer, t_x integer, t integer) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_p_alive_numbers';
COMMENT ON FUNCTION member.p_alive(member.value_model, integer, integer, integer) IS
    'Probability that a member still buys, 0 to 1: x days with a purchase after the first, the last t_x days after it, the first t days ago. 1 who bought once. Errors: 22003 numbers that cannot be.';

CREATE OR REPLACE FUNCTION member.p_alive(model member.value_model, activity member.activity, stream smallint, day date) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_p_alive_activity';
COMMENT ON FUNCTION member.p_alive(member.value_model, member.activity, smallint, date) IS
    'Probability that a member still buys on a day, 0 to 1; null who has not bought by then. Errors: MB403 day, MB501 it cuts a folded month or the older total.';

CREATE OR REPLACE FUNCTION member.p_purchase(model member.value_model, x integer, t_x integer, t integer, horizon integer) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_p_purchase_numbers';
COMMENT ON FUNCTION member.p_purchase(member.value_model, integer, integer, integer, integer) IS
    'Probability that a member buys in the horizon, days, that follows. Errors: 22003, MB502 horizon.';

CREATE OR REPLACE FUNCTION member.p_purchase(model member.value_model, activity member.activity, stream smallint, day date, horizon integer) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_p_purchase_activity';
COMMENT ON FUNCTION member.p_purchase(member.value_model, member.activity, smallint, date, integer) IS
    'Probability that a member buys in the horizon, days, that follows a day; null who has not bought by then. Errors: MB403, MB501, MB502 horizon.';

CREATE OR REPLACE FUNCTION member.expected_purchases(model member.value_model, x integer, t_x integer, t integer, horizon integer) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_expected_purchases_numbers';
COMMENT ON FUNCTION member.expected_purchases(member.value_model, integer, integer, integer, integer) IS
    'Days with a purchase expected in the horizon, days, that follows; of x 0, t_x 0, t 0 those of a newcomer after the first. Errors: 22003, MB502 horizon.';

CREATE OR REPLACE FUNCTION member.expected_purchases(model member.value_model, activity member.activity, stream smallint, day date, horizon integer) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_expected_purchases_activity';
COMMENT ON FUNCTION member.expected_purchases(member.value_model, member.activity, smallint, date, integer) IS
    'Days with a purchase expected in the horizon, days, that follows a day; null who has not bought by then. Errors: MB403, MB501, MB502 horizon.';

CREATE OR REPLACE FUNCTION member.expected_spend(model member.value_model, x integer, t_x integer, t integer, amount bigint) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_expected_spend_numbers';
COMMENT ON FUNCTION member.expected_spend(member.value_model, integer, integer, integer, bigint) IS
    'Spend expected of a day with a purchase, minor units, of a member that spent an amount on x of them; times do not matter. Null: the model has none. Errors: 22003.';

CREATE OR REPLACE FUNCTION member.expected_spend(model member.value_model, activity member.activity, stream smallint, day date) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_expected_spend_activity';
COMMENT ON FUNCTION member.expected_spend(member.value_model, member.activity, smallint, date) IS
    'Spend expected of a day with a purchase, minor units, by the purchases up to a day; null who has not bought by then, or the model has none. Errors: MB403, MB501.';

CREATE OR REPLACE FUNCTION member.clv(model member.value_model, x integer, t_x integer, t integer, amount bigint, horizon integer, discount double precision, margin double precision) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_clv_numbers';
COMMENT ON FUNCTION member.clv(member.value_model, integer, integer, integer, bigint, integer, double precision, double precision) IS
    'Value of a member, minor units: margin (share of spend, 0 to 1) times the spend expected in the horizon, days, that follows, discounted by a yearly rate (0 to 10). Null: the model has no spend. Errors: 22003, MB502.';

CREATE OR REPLACE FUNCTION member.clv(model member.value_model, activity member.activity, stream smallint, day date, horizon integer, discount double precision, margin double precision) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'value_clv_activity';
COMMENT ON FUNCTION member.clv(member.value_model, member.activity, smallint, date, integer, double precision, double precision) IS
    'Value of a member on a day, minor units: margin (share of spend, 0 to 1) times the spend expected in the horizon, days, that follows, discounted by a yearly rate (0 to 10). Null: no purchase by then, or the model has no spend. Errors: MB403, MB501, MB502.';

-- ---- where a member stands --------------------------------------------------------

CREATE OR REPLACE FUNCTION member.purchase_history(activity member.activity, stream smallint, day date, OUT x integer, OUT t_x integer, OUT t integer, OUT amount bigint)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_purchase_history';
COMMENT ON FUNCTION member.purchase_history(member.activity, smallint, date) IS
    'What the models know of a member on a day: days with a purchase after the first, days from the first to the last of them, days since the first, and what was spent on the x days, minor units. So t - t_x days are since the last, and t_x / x days lie between two. Null without a purchase by then. Of a folded first month its share is taken off. Errors: MB403, MB501.';

CREATE OR REPLACE FUNCTION member.idle_days(activity member.activity, day date) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_idle_days';
COMMENT ON FUNCTION member.idle_days(member.activity, date) IS
    'Days since the last event of any stream up to a day; null without one. When a folded month goes on past the day, the least it can be.';

CREATE OR REPLACE FUNCTION member.churn_signs(activity member.activity, stream smallint, day date, model member.value_model, interval_factor double precision, silent_days integer, idle_days integer, p_alive_below double precision) RETURNS integer
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_churn_signs';
COMMENT ON FUNCTION member.churn_signs(member.activity, smallint, date, member.value_model, double precision, integer, integer, double precision) IS
    'Signs that a member is going, on a day, as bits: 1 days since the last purchase exceed its own mean interval times a factor, 2 reach silent_days, 4 days without any event reach idle_days, 8 p_alive is below the threshold (never, with a null model). Null without a purchase by then. Errors: MB403, MB501, 22004 another null.';

CREATE OR REPLACE FUNCTION member.lifecycle_stage(activity member.activity, stream smallint, day date, cuts member.rfm_cuts, new_days integer, slip_factor double precision, slip_days integer, dormant_days integer, lost_days integer) RETURNS smallint
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_lifecycle_stage';
COMMENT ON FUNCTION member.lifecycle_stage(member.activity, smallint, date, member.rfm_cuts, integer, double precision, integer, integer, integer) IS
    'Stage of a member on a day 生命周期, the first that fits, by the days since its last purchase: 0 never bought; 6 lost from lost_days, 5 dormant from dormant_days, 4 slipping from slip_days if that is past its own mean interval times slip_factor; 1 new less than new_days after the first purchase; 3 of high value in RFM value group 1 of the cuts (null: not told); 2 active. Errors: MB403, MB501, 22004 another null.';

CREATE OR REPLACE FUNCTION member.lifecycle_stage_name(stage smallint, lang text DEFAULT 'zh') RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'member_lifecycle_stage_name';
COMMENT ON FUNCTION member.lifecycle_stage_name(smallint, text) IS
    'Name of a stage, in Chinese (zh) or English (en): 潜客 prospect, 新客 new, 活跃 active, 高价值 high value, 流失预警 slipping, 沉默 dormant, 流失 lost. Errors: 22023 no such stage, MB502 language.';
