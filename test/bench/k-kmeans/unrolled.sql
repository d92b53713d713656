-- The same with the distances written out, which is as fast as SQL gets: a statement made for eight centres of four features.
SELECT format('SELECT n.cluster, count(*), avg(n.a), avg(n.b), avg(n.c), avg(n.d), sum(n.least)
    FROM (SELECT a, b, c, d, least, CASE least %s END AS cluster FROM (SELECT *, least(%s) AS least FROM (SELECT w.a, w.b, w.c, w.d, %s FROM bench.wide w OFFSET 0) x OFFSET 0) y) n GROUP BY 1 ORDER BY 1',
    string_agg(format('WHEN d%s THEN %s', cluster, cluster), ' ' ORDER BY cluster), string_agg('d' || cluster, ', ' ORDER BY cluster),
    string_agg(format('(w.a - %s) * (w.a - %s) + (w.b - %s) * (w.b - %s) + (w.c - %s) * (w.c - %s) + (w.d - %s) * (w.d - %s) AS d%s', a, a, b, b, c, c, d, d, cluster), ', ' ORDER BY cluster)) AS statement
FROM bench.center \gset
:statement;
