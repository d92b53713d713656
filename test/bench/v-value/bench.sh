# v: the value models. A whole fit against one evaluation of the likelihood in SQL, which a fit outside takes at every
# step; whether RFM, fit and value of a member cost the same with ten times the members; and the memory that takes.
# SCALE=1 is 1 000 000 members and 100 000, SCALE=10 is 10 000 000 and 1 000 000.

fresh bench_value
query bench_value -v members="$members" -f v-value/tables.sql
value_baseline() { seconds bench_value v-value/baseline.sql; }
value_fit() { seconds bench_value v-value/fit.sql -v size=large; }
value_baseline >/dev/null # both warm
value_fit >/dev/null
grep '|' "$work/timing" | sed 's/^/  fit: /' >&2
pairs "$PAIRS" value_baseline value_fit speedup
result "v value fit, times as fast as one evaluation" ">=" 1 s
verdict "v value fit of $members members" "<=" "$(awk -v s="$SCALE" 'BEGIN { print s < 1 ? 3 : 3 * s }')" "$(median 2)" "s; target 3 s a million"

# Of the same work on a tenth of the members and on all: microseconds a member, and megabytes of a backend that does it alone.
idle=$(megabytes bench_value /dev/null)
for what in rfm fit clv; do
	value_small() { seconds bench_value "v-value/$what.sql" -v size=small | awk -v n=$((members / 10)) '{ print $1 / n * 1e6 }'; }
	value_large() { seconds bench_value "v-value/$what.sql" -v size=large | awk -v n="$members" '{ print $1 / n * 1e6 }'; }
	pairs "$PAIRS" value_small value_large cost
	result "v $what a member, of ten times the members" "<=" 1.25 "us a member of $members"
	verdict "v $what, MB of a backend" "<=" 64 "$(megabytes bench_value "v-value/$what.sql" -v size=large)" \
		"$(megabytes bench_value "v-value/$what.sql" -v size=small) MB of $((members / 10)) members; $idle MB doing nothing"
done
drop bench_value
