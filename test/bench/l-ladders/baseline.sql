-- How many members stand on each level by the spend of 12 months, from the purchases.
SELECT CASE WHEN spend >= 5000 THEN 3 WHEN spend >= 2000 THEN 2 WHEN spend >= 500 THEN 1 ELSE 0 END AS level, count(*)
FROM (SELECT member_id, sum(amount - refunded) AS spend
      FROM member.purchase
      WHERE at >= timestamptz '2025-03-02 00:00+08' AND at < timestamptz '2026-03-02 00:00+08'
      GROUP BY member_id) s
GROUP BY 1;
