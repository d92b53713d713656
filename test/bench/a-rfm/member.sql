-- The same from the state: cuts, then the score of everybody by them; how many have each.
SELECT member.rfm_cuts_agg(activity, 1::smallint, '2026-03-01', 365) AS cuts FROM member.state \gset
SELECT member.rfm_score(:'cuts'::member.rfm_cuts, activity, 1::smallint, '2026-03-01', 365) AS score, count(*)
FROM member.state
GROUP BY 1;
