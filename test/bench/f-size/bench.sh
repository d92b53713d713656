# f: bytes a member, indexes and TOAST included; one member in a thousand buys daily.

# size TABLE: bytes a member of it, its indexes apart
size() {
	query bench_history -F ' ' -c "SELECT round(pg_total_relation_size('$1')::numeric / $members),
		round(pg_indexes_size('$1')::numeric / $members)"
}

history
query bench_history -c "VACUUM member.state" -c "VACUUM member.entry" -f f-size/tables.sql
for table in member.state member.entry bench.lot bench.balance bench.purchase; do
	size $table >"$work/size"
	read -r total indexes <"$work/size"
	verdict "f bytes a member, $table" "" "" "$total" "indexes $indexes of it"
	eval "size_${table#*.}=$total"
done
awk -v s="$size_state" -v e="$size_entry" -v l="$size_lot" -v b="$size_balance" -v p="$size_purchase" 'BEGIN {
	printf "%.4f %.4f\n", (l + b + p) / s, (l + b + p) / (s + e) }' >"$work/size"
read -r of_state of_both <"$work/size"
verdict "f rows take, times the state" "" "" "$of_state" "lots, balances and purchases against the state"
verdict "f rows take, times state and entries" "" "" "$of_both" "the entries are the ledger besides"
query bench_history -F ' ' -c "SELECT round(avg(w)), max(w), round(avg(w) FILTER (WHERE days > 300)),
	count(*) FILTER (WHERE days > 300), (SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'member.state'::regclass)
	FROM (SELECT pg_column_size(s.*) AS w, member.active_days(s.activity, 1::smallint) AS days FROM member.state s) x" >"$work/size"
read -r mean largest daily dailies toast <"$work/size"
verdict "f bytes of a state row" "" "" "$mean" "largest $largest; $dailies daily buyers $daily; $toast bytes out of line"
query bench_history -F ' ' -c "SELECT round((pg_relation_size('member.entry') + pg_indexes_size('member.entry'))::numeric / count(*)),
	round(pg_relation_size('member.entry')::numeric / count(*)), count(*) FROM member.entry" >"$work/size"
read -r total heap entries <"$work/size"
verdict "f bytes of an entry" "" "" "$total" "$heap without indexes; $entries entries, as imported, without keys"
query bench_history -c "DROP TABLE bench.lot, bench.balance, bench.purchase"
