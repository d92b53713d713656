-- Cuts, then the segment of everybody by them.
SELECT member.rfm_cuts_agg(activity, 1::smallint, '2026-03-01', 365) AS cuts FROM bench.:size \gset
SELECT member.rfm_segment(member.rfm_score(:'cuts'::member.rfm_cuts, activity, 1::smallint, '2026-03-01', 365), :'cuts') AS segment, count(*)
FROM bench.:size GROUP BY 1;
