# k: a pass of k-means, 8 centres of 4 features, against the same pass in plain SQL: with a sort of the centres for each
# point, and with the distances written out. Both sides with the parallel workers of the server.

fresh bench_kmeans
query bench_kmeans -v members="$members" -f k-kmeans/tables.sql
kmeans_member() { seconds bench_kmeans k-kmeans/member.sql; }
for against in baseline unrolled; do
	kmeans_baseline() { seconds bench_kmeans "k-kmeans/$against.sql"; }
	kmeans_baseline >/dev/null # both warm
	kmeans_member >/dev/null
	pairs "$PAIRS" kmeans_baseline kmeans_member speedup
	if [ $against = baseline ]; then
		result "k k-means pass, times as fast" ">=" 5 s
	else
		result "k k-means pass, distances written out" "" "" s
	fi
done
echo "SELECT sum(members) FROM member.kmeans('SELECT key, point FROM bench.point', 8);" >"$work/kmeans.sql"
echo "0 0 $(seconds bench_kmeans "$work/kmeans.sql")" >"$work/pairs"
verdict "k k-means of all to the end" "" "" "$(median 3)" "s: scaling, ten starts on the sample, passes over all"
drop bench_kmeans
