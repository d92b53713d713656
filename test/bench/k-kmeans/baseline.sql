-- Each point's nearest centre by ordering them, then means, sizes and the sum of squares.
SELECT n.cluster, count(*), avg(w.a), avg(w.b), avg(w.c), avg(w.d), sum(n.distance)
FROM bench.wide w, LATERAL (SELECT c.cluster, (w.a - c.a) ^ 2 + (w.b - c.b) ^ 2 + (w.c - c.c) ^ 2 + (w.d - c.d) ^ 2 AS distance FROM bench.center c ORDER BY 2 LIMIT 1) n
GROUP BY 1 ORDER BY 1;
