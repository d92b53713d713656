# v: the value models. A whole fit against one evaluation of the likelihood in SQL, which a fit outside takes at every
# step; and whether RFM, fit and value of a member cost the same with ten times the members.

history
query bench_history -c "DROP TABLE IF EXISTS bench.large, bench.small, bench.history" -c "DROP FUNCTION IF EXISTS bench.log_gamma" \
	-f v-value/tables.sql 2>/dev/null
value_baseline() { seconds bench_history v-value/baseline.sql; }
value_fit() { seconds bench_history v-value/fit.sql -v size=large; }
value_baseline >/dev/null # both warm
value_fit >/dev/null
grep '|' "$work/timing" | sed 's/^/  fit: /' >&2
pairs "$PAIRS" value_baseline value_fit speedup
result "v value fit, times as fast as one evaluation" ">=" 1 s
verdict "v value fit of $members members" "<=" "$(awk -v s="$SCALE" 'BEGIN { print s < 1 ? 3 : 3 * s }')" "$(median 2)" "s; target 3 s a million"

# Of the same work on a tenth of the members and on all: seconds a member, the larger over the smaller.
for what in rfm fit clv; do
	value_small() { seconds bench_history "v-value/$what.sql" -v size=small | awk '{ print $1 * 10 }'; }
	value_large() { seconds bench_history "v-value/$what.sql" -v size=large; }
	pairs "$PAIRS" value_small value_large cost
	result "v $what a member, of ten times the members" "<=" 1.25 s
done
query bench_history -c "DROP TABLE bench.large, bench.small, bench.history" -c "DROP FUNCTION bench.log_gamma"
