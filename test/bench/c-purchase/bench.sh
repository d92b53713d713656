# c: purchase_record against pgbench's own TPC-B-like script at scale 50 (its DDL: pgbench -i). Both return what
# a client needs; a purchase is one statement and one transaction, TPC-B-like is seven statements in one.

history
drop bench_tpcb
query postgres -c "CREATE DATABASE bench_tpcb"
pgbench -i -q -s 50 bench_tpcb >"$work/pgbench" 2>&1 || fail "pgbench -i failed: $(cat "$work/pgbench")"
purchase_baseline() { rate bench_tpcb tpcb; }
purchase_member() { rate bench_history c-purchase/member.pgbench; }
purchase_baseline >/dev/null # both warm
purchase_member >/dev/null
query bench_history -o /dev/null -c "SELECT pg_stat_reset_single_table_counters('member.state'::regclass)"
pairs "$PAIRS" purchase_baseline purchase_member share
result "c purchase_record, share of the TPC-B rate" ">=" 0.6 /s
query bench_history -F ' ' -c "SELECT pg_stat_force_next_flush()" -c "SELECT n_tup_upd,
	round(n_tup_hot_upd::numeric / greatest(n_tup_upd, 1), 4) FROM pg_stat_all_tables
	WHERE relid = 'member.state'::regclass" | tail -n 1 >"$work/hot"
read -r updates share <"$work/hot"
verdict "c HOT share of the updates of member.state" ">=" 0.9 "$share" "$updates updates"
drop bench_tpcb
