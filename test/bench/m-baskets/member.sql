SELECT count(*) FROM (SELECT member.basket_agg(items) AS baskets FROM bench.basket) b, member.frequent_sets(baskets, 0.001, 2) WHERE cardinality(items) = 2;
