-- Scores of everybody over 365 days from the purchases; how many have each.
SELECT r, f, m, count(*)
FROM (SELECT ntile(5) OVER (ORDER BY last_at) AS r, ntile(5) OVER (ORDER BY orders) AS f,
             ntile(5) OVER (ORDER BY spend) AS m
      FROM (SELECT member_id, max(at) AS last_at, count(*) AS orders, sum(amount) AS spend
            FROM bench.purchase
            WHERE at >= timestamptz '2025-03-02 00:00+08' AND at < timestamptz '2026-03-02 00:00+08'
            GROUP BY member_id) g) s
GROUP BY r, f, m;
