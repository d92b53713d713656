# n: the balance of a member, lots looked at as of today, against a bare read of a number by primary key.

history
query bench_history -c "SET client_min_messages = warning" -c "DROP TABLE IF EXISTS bench.balance" -f n-balance/tables.sql
read_baseline() { rate bench_history n-balance/baseline.pgbench; }
read_member() { rate bench_history n-balance/member.pgbench; }
read_baseline >/dev/null # both warm
read_member >/dev/null
pairs "$PAIRS" read_baseline read_member share
result "n points_balance, share of the rate" ">=" 0.65 /s
query bench_history -c "DROP TABLE bench.balance"
