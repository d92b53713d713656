-- Everybody's probability to be alive and value in the year to come, added up.
SELECT sum(member.p_alive('bg(0.3,40,0.8,2.4) gg(6,4,1500)', activity, 1::smallint, '2026-03-01')),
       sum(member.clv('bg(0.3,40,0.8,2.4) gg(6,4,1500)', activity, 1::smallint, '2026-03-01', 365, 0.1, 1))
FROM bench.:size;
