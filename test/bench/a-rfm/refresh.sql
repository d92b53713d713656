-- What the daily run does about value on any day but the first of a month: cuts, and whose group and stage changed.
SELECT member_internal.rfm_refresh('2026-03-01'), member_internal.lifecycle_refresh('2026-03-01');
