# a: RFM of everybody, cuts and scores, against GROUP BY and three ntile over the purchases.
# Both have the whole work_mem they can use, and the parallel workers of the server.

history
query bench_history -c "DROP TABLE IF EXISTS bench.purchase" -f a-rfm/tables.sql 2>/dev/null
rfm_baseline() { PGOPTIONS="-c work_mem=256MB" seconds bench_history a-rfm/baseline.sql; }
rfm_member() { PGOPTIONS="-c work_mem=256MB" seconds bench_history a-rfm/member.sql; }
rfm_baseline >/dev/null # both warm
rfm_member >/dev/null
pairs "$PAIRS" rfm_baseline rfm_member speedup
result "a RFM, times as fast" ">=" 15 s
query bench_history -c "DROP TABLE bench.purchase"

# the same through the API, after a first day on which everybody was new
query bench_history -o /dev/null -c "SELECT member_internal.value_refresh('2026-02-28')" -c "VACUUM ANALYZE"
for what in refit refresh; do
	for run in 1 2 3; do
		echo "0 0 $(seconds bench_history a-rfm/$what.sql)"
	done >"$work/pairs"
	target=3
	if [ $what = refresh ]; then
		target=5
	fi
	verdict "a $what of $members members" "<=" "$(awk -v s="$SCALE" -v t=$target 'BEGIN { print s < 1 ? t : t * s }')" "$(median 3)" "s; target $target s a million"
done
