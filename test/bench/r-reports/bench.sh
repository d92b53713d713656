# r: every view of member_report, all rows and columns; median of three.

history
query bench_history -o /dev/null -c "SELECT member_internal.rfm_refresh('2026-03-01')"
for view in $(query bench_history -c "SELECT viewname FROM pg_views WHERE schemaname = 'member_report' ORDER BY 1"); do
	echo "SELECT * FROM member_report.$view;" >"$work/view.sql"
	for run in 1 2 3; do
		took=$(seconds bench_history "$work/view.sql")
		echo "0 0 $took"
	done >"$work/pairs"
	verdict "r member_report.$view" "<=" 2 "$(median 3)" s
done
