-- Baskets of 1 to 15 of 1000 items, some much more frequent than others; a row an item, and a row a basket.
CREATE TABLE bench.line AS
SELECT DISTINCT n AS basket, 1 + floor(1000 * power((hashint8extended(n * 16 + j, 5) & 2147483647) / 2147483648.0::float8, 2))::integer AS item
FROM generate_series(1, :members) n, generate_series(1, 15) j WHERE j <= 1 + abs(hashint8(n)) % 15;
CREATE TABLE bench.basket AS SELECT basket, array_agg(item) AS items FROM bench.line GROUP BY 1;
CREATE INDEX ON bench.line (basket, item);
VACUUM (FREEZE, ANALYZE) bench.line, bench.basket;
