# m: pairs of items that one basket in a thousand has, against a self-join; then the rules of all sets of up to four.
# A server for it has the memory: work_mem for the join, maintenance_work_mem for the baskets.

fresh bench_baskets
query bench_baskets -v members="$members" -f m-baskets/tables.sql
export PGOPTIONS="-c work_mem=512MB -c maintenance_work_mem=512MB"
for side in baseline member; do # both warm, and of one mind
	query bench_baskets -f m-baskets/$side.sql >"$work/pairs-$side"
done
cmp -s "$work/pairs-baseline" "$work/pairs-member" || fail "the self-join finds other pairs"
baskets_baseline() { seconds bench_baskets m-baskets/baseline.sql; }
baskets_member() { seconds bench_baskets m-baskets/member.sql; }
pairs 1 baskets_baseline baskets_member speedup
result "m pairs of baskets, times as fast" ">=" 5 s
for run in 1 2 3; do
	echo "0 0 $(seconds bench_baskets m-baskets/rules.sql)"
done >"$work/pairs"
verdict "m rules of 1 000 000 x SCALE baskets, s" "<=" 10 "$(median 3)" "$(query bench_baskets -f m-baskets/rules.sql) rules"
unset PGOPTIONS
drop bench_baskets
