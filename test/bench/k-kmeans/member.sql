SELECT k.* FROM (SELECT member.kmeans_pass(point, (SELECT array_agg(ARRAY[a, b, c, d] ORDER BY cluster) FROM bench.center)) AS pass FROM bench.point) p, member.kmeans_clusters(p.pass) k;
