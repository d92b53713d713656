-- Of everyone, whether due or not, as the engine itself does on the day after a publish: where each stands, and when that
-- is next to be decided. Without workers, as the daily run goes through them.
SET max_parallel_workers_per_gather = 0;
SELECT cardinality(x.members) FROM member_internal.tiers_stale('2026-03-02', 0, 100000000) x;
