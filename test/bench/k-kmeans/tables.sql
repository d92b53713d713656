-- Points of four features around eight places, as an array and as columns; the same centres for both.
CREATE TABLE bench.point AS
SELECT n AS key, ARRAY[(n % 8) + u1, (n * 3 % 8) + u2, u3 * 2, (n % 2) * 5 + u4]::double precision[] AS point
FROM generate_series(1, :members) n,
     LATERAL (SELECT (hashint8extended(n, 1) & 1048575) / 1048576.0 AS u1, (hashint8extended(n, 2) & 1048575) / 1048576.0 AS u2,
                     (hashint8extended(n, 3) & 1048575) / 1048576.0 AS u3, (hashint8extended(n, 4) & 1048575) / 1048576.0 AS u4) u;
CREATE TABLE bench.wide AS SELECT key, point[1] AS a, point[2] AS b, point[3] AS c, point[4] AS d FROM bench.point;
CREATE TABLE bench.center AS SELECT n AS cluster, (n - 1) % 8 + 0.5::double precision AS a, (n - 1) * 3 % 8 + 0.5::double precision AS b, 1::double precision AS c, (n - 1) % 2 * 5 + 0.5::double precision AS d FROM generate_series(1, 8) n;
VACUUM (FREEZE, ANALYZE) bench.point, bench.wide, bench.center;
