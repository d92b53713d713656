SELECT count(*) FROM (SELECT member.basket_agg(items) AS baskets FROM bench.basket) b, member.association_rules(baskets, 0.0005, 0.1, 1);
