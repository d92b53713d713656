-- The same from the state: cuts, then the score of everybody by them; how many have each.
SELECT member.rfm_cuts_agg(date '2026-03-01' - member.last_day(activity, 1::smallint),
                           member.count(activity, 1::smallint, '2025-03-02', '2026-03-02'),
                           member.amount(activity, 1::smallint, '2025-03-02', '2026-03-02')) AS cuts
FROM member.state
WHERE member.last_day(activity, 1::smallint) BETWEEN '2025-03-02' AND '2026-03-01' \gset
SELECT member.rfm_score(:'cuts'::member.rfm_cuts, date '2026-03-01' - member.last_day(activity, 1::smallint),
                        member.count(activity, 1::smallint, '2025-03-02', '2026-03-02'),
                        member.amount(activity, 1::smallint, '2025-03-02', '2026-03-02')) AS score, count(*)
FROM member.state
WHERE member.last_day(activity, 1::smallint) BETWEEN '2025-03-02' AND '2026-03-01'
GROUP BY 1;
