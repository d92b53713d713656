SELECT count(*) FROM (
    SELECT a.item, b.item FROM bench.line a JOIN bench.line b ON b.basket = a.basket AND b.item > a.item
    GROUP BY a.item, b.item HAVING count(*) >= (SELECT 0.001 * count(*) FROM bench.basket)) p;
