-- Baskets of items: an integer array, each basket its number of different items and then these ascending.

CREATE OR REPLACE FUNCTION member.basket_agg_step(baskets integer[], items integer[]) RETURNS integer[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'basket_agg_step';
COMMENT ON FUNCTION member.basket_agg_step(integer[], integer[]) IS 'Transition of basket_agg: one basket more.';

CREATE AGGREGATE member.basket_agg(items integer[]) (
    SFUNC = member.basket_agg_step,
    STYPE = integer[],
    SSPACE = 65536,
    COMBINEFUNC = pg_catalog.array_cat,
    INITCOND = '{}',
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE member.basket_agg(integer[]) IS
    'Baskets, a row each, as one value for frequent_sets() and association_rules(): of each basket how many different items it has, then these ascending. An item named twice counts once; null rows are left out. Errors: MB714 null item, 54000 more than fit into an array.';

CREATE OR REPLACE FUNCTION member.frequent_sets(baskets integer[], min_support double precision, max_size integer DEFAULT 4, max_sets integer DEFAULT 1000000)
RETURNS TABLE (items integer[], occurrences bigint, support double precision)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 1000 AS 'MODULE_PATHNAME', 'basket_frequent_sets';
COMMENT ON FUNCTION member.frequent_sets(integer[], double precision, integer, integer) IS
    'The sets of up to max_size (1 to 16) items that are together in at least the share min_support of the baskets: items ascending, number and share of the baskets that have them all. Takes memory up to maintenance_work_mem. Errors: MB713 more than max_sets, MB714 not baskets, MB502 options, 53400 memory.';

CREATE OR REPLACE FUNCTION member.association_rules(baskets integer[], min_support double precision, min_confidence double precision DEFAULT 0.1, min_lift double precision DEFAULT 1, max_size integer DEFAULT 4, max_consequent integer DEFAULT 1, max_sets integer DEFAULT 1000000)
RETURNS TABLE (antecedent integer[], consequent integer[], occurrences bigint, support double precision, confidence double precision, lift double precision, leverage double precision, conviction double precision)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 1000 AS 'MODULE_PATHNAME', 'basket_rules';
COMMENT ON FUNCTION member.association_rules(integer[], double precision, double precision, double precision, integer, integer, integer) IS
    'Association rules 关联规则 of the frequent sets: baskets with the antecedent have the consequent (up to max_consequent items) too. With p the share of the baskets that have what is named: support = p(both), confidence = p(both) / p(antecedent), lift = confidence / p(consequent), leverage = p(both) - p(antecedent) p(consequent), conviction = (1 - p(consequent)) / (1 - confidence), Infinity of a rule without exception. Takes memory up to maintenance_work_mem. Errors: MB713 more than max_sets sets or rules, MB714 not baskets, MB502 options, 53400 memory.';
