-- The same by the published ladder, rules, validity, grace and standing of each member included.
SELECT program FROM member.setting g JOIN member.program_version p ON p.version = g.program_version \gset
SELECT member.level(member.tier_decide(:'program'::member.program, lots, activity, standing, '2026-03-01', '2026-03-01'), 1::smallint) AS level, count(*)
FROM member.state
GROUP BY 1;
