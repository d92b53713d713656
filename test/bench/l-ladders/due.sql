-- The same of the members that are due.
SET max_parallel_workers_per_gather = 0;
SELECT program FROM member.setting g JOIN member.program_version p ON p.version = g.program_version \gset
SELECT count(*) FILTER (WHERE decided OPERATOR(member.<>) standing), min(next)
FROM (SELECT s.standing, member.tier_decide(:'program'::member.program, s.lots, s.activity, s.standing, '2026-03-01', '2026-03-02') AS decided,
             member_internal.tier_next(:'program'::member.program, s.lots, s.activity, s.standing, '2026-03-02') AS next
      FROM member.state s WHERE s.next_due <= '2026-03-02' OFFSET 0) d;
