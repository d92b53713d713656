-- Both models, from the members' activity to parameters, standard errors and all.
SELECT f.model, f.members, f.iterations, f.spend_iterations, f.converged, f.spend_converged, f.grain_days
FROM (SELECT member.value_stats_agg(activity, 1::smallint, '2026-03-01') AS stats FROM bench.:size) s, member.value_fit(s.stats) f;
