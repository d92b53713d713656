# b: points_earn with a key against one statement that writes the same columns and indexes; as prepared statements,
# then as text that is parsed and planned each time.

history
query bench_history -c "SET client_min_messages = warning" -c "DROP TABLE IF EXISTS bench.state, bench.entry" \
	-f b-earn/tables.sql
earn_baseline() { rate bench_history b-earn/baseline.pgbench; }
earn_member() { rate bench_history b-earn/member.pgbench; }
for PROTOCOL in prepared simple; do
	earn_baseline >/dev/null # both warm
	earn_member >/dev/null
	pairs "$PAIRS" earn_baseline earn_member share
	result "b points_earn, $PROTOCOL, share of the rate" ">=" 0.75 /s
done
PROTOCOL=prepared
query bench_history -c "DROP TABLE bench.state, bench.entry"
