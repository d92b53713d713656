-- Of the members that are due.
SET max_parallel_workers_per_gather = 0;
SELECT program FROM member.setting g JOIN member.program_version p ON p.version = g.program_version \gset
SELECT member.level(member.tier_decide(:'program'::member.program, lots, activity, standing, '2026-03-01', '2026-03-02'), 1::smallint) AS level, count(*)
FROM member.state WHERE next_due <= '2026-03-02'
GROUP BY 1;
