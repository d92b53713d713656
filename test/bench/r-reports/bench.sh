# r: every view of member_report, all rows and columns; median of three. As on the day after the import: what the
# daily run makes for the views is there, also the sums of the ledger, which it makes from an hour on. 300 stores
# that sell 1 000 products each.

history
query bench_history -o /dev/null -c "SELECT member_internal.rfm_refresh('2026-03-01')" \
	-c "SELECT member_internal.points_survival_refresh('2026-03-01')" \
	-c "SET member.clock = '2026-03-02 01:00+08'" -c "SELECT member_internal.points_rollup()"
until [ "$(query bench_history -c 'SELECT count(*) > 0 FROM member.points_rollup')" = t ]; do
	query bench_history -o /dev/null -c "SET member.clock = '2026-03-02 01:00+08'" -c "SELECT member_internal.points_rollup()"
done
query bench_history -c "INSERT INTO member.item_sales SELECT 'S' || s, 'P' || p, 'C' || p % 20, '2026-03-01', 1 + p % 50, 1 + p % 50, 10 * (1 + p % 50), 1
	FROM generate_series(0, 299) s, generate_series(1, 1000) p ON CONFLICT DO NOTHING"
query bench_history -c "ANALYZE member.points_rollup, member.points_survival, member.item_sales"
for view in $(query bench_history -c "SELECT viewname FROM pg_views WHERE schemaname = 'member_report' ORDER BY 1"); do
	echo "SELECT * FROM member_report.$view;" >"$work/view.sql"
	for run in 1 2 3; do
		took=$(seconds bench_history "$work/view.sql")
		echo "0 0 $took"
	done >"$work/pairs"
	verdict "r member_report.$view" "<=" 2 "$(median 3)" s
done
