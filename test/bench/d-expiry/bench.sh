# d: the expiry of a night, in batches with commits and messages looked at, of members with eight lots, one due each,
# against row-per-lot tables that get the same ledger rows; first a day on which one in a hundred is due. The expiry is the
# stages due and rest of the daily run, by its own clock; the whole run, with RFM cuts, life-cycle stages and chain heads, of
# which the alternative has nothing, is compared with it as well.

# expiry_prepare SINCE DAY: as if the days before were done, and what is done once a month; neither side has yesterday's litter
expiry_prepare() {
	query bench_expiry -c "INSERT INTO member.job_run (job, day, stage, started_at, beat_at, finished_at, pid, program_version)
		VALUES ('daily', date '$2' - 1, 'done', '$1', '$1', '$1', 0, 1)" \
		-c "INSERT INTO member.points_survival_mark (month) VALUES (date_trunc('month', date '$2'))
			ON CONFLICT (one) DO UPDATE SET month = excluded.month" \
		-c "VACUUM (ANALYZE) member.state" -c "VACUUM (ANALYZE) bench.lot" -c "VACUUM (ANALYZE) bench.balance" \
		-c "CHECKPOINT"
}
# expiry_check DAY MEMBERS: both booked it, and alike
expiry_check() {
	for table in member.entry bench.entry; do
		booked=$(query bench_expiry -c "SELECT count(*) FROM $table WHERE kind = 'expire' AND at = '$1 00:00+08'")
		[ "$booked" = "$2" ] || fail "$table has $booked entries of $1, not $2"
	done
}
expiry_baseline() { seconds bench_expiry d-expiry/baseline.sql -v since="$since" -v day="$day" -v at="$day 00:00+08"; }
expiry_member() {
	whole=$(seconds bench_expiry d-expiry/member.sql -v at="$day 03:00+08")
	query bench_expiry -c "SELECT round((seconds ->> 'due')::numeric + (seconds ->> 'rest')::numeric, 3)
		FROM member.job_run WHERE day = '$day'"
	echo "$baseline $whole" >>"$work/nights"
}

fresh bench_expiry
query bench_expiry -o /dev/null -c "SELECT member.setup('retail')"
query bench_expiry -f d-expiry/tables.sql -v members="$members" -f d-expiry/fill.sql -c "VACUUM (FREEZE, ANALYZE)"
since=2026-01-01
day=2026-02-10
expiry_prepare "$since" "$day"
pairs 1 expiry_baseline expiry_member speedup
expiry_check "$day" $((members / 100))
result "d expiry at 1 % due, times as fast" "" "" s
: >"$work/expiry"
count=0
while [ "$count" -lt "$PAIRS" ] && [ "$count" -lt 8 ]; do
	since=$day
	day=$(query postgres -c "SELECT date '2026-03-01' + 40 * $count")
	expiry_prepare "$since" "$day"
	pairs 1 expiry_baseline expiry_member speedup
	cat "$work/pairs" >>"$work/expiry"
	expiry_check "$day" "$members"
	count=$((count + 1))
done
mv "$work/expiry" "$work/pairs"
result "d expiry, all due, times as fast" ">=" 2.5 s
tail -n "$count" "$work/nights" | awk '{ printf "%s %s %.4f\n", $1, $2, $1 / $2 }' >"$work/pairs"
result "d whole night, all due, times as fast" "" "" s
drop bench_expiry
