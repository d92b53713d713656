# s: points_spend with a key against one statement that writes the same columns and indexes; every member has points.

history
query bench_history -c "SET client_min_messages = warning" -c "DROP TABLE IF EXISTS bench.state, bench.entry" \
	-o /dev/null -f s-spend/points.sql -f b-earn/tables.sql
spend_baseline() { rate bench_history s-spend/baseline.pgbench; }
spend_member() { rate bench_history s-spend/member.pgbench; }
for PROTOCOL in prepared simple; do
	spend_baseline >/dev/null # both warm
	spend_member >/dev/null
	pairs "$PAIRS" spend_baseline spend_member share
	result "s points_spend, $PROTOCOL, share of the rate" ">=" 0.7 /s
done
PROTOCOL=prepared
query bench_history -c "DROP TABLE bench.state, bench.entry"
