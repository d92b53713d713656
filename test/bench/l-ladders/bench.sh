# l: levels of everybody by the published ladder against GROUP BY over the purchases; a simulation of a draft over
# everybody; and on a day on which one in fifty is due, the decisions on those against deciding everybody.

history
drop bench_ladders
query postgres -c "CREATE DATABASE bench_ladders TEMPLATE bench_history" -c "ALTER DATABASE bench_ladders SET member.clock = '$CLOCK'"
made="$made bench_ladders"
ladders_baseline() { seconds bench_ladders l-ladders/baseline.sql; }
ladders_member() { seconds bench_ladders l-ladders/member.sql; }
ladders_simulate() { seconds bench_ladders l-ladders/simulate.sql; }
ladders_all() { seconds bench_ladders l-ladders/all.sql; }
ladders_due() { seconds bench_ladders l-ladders/due.sql; }
ladders_baseline >/dev/null # both warm
ladders_member >/dev/null
pairs "$PAIRS" ladders_baseline ladders_member speedup
result "l full evaluation, times as fast" ">=" 2 s
verdict "l full evaluation, s a million members" "<=" 3 "$(median 2 | awk -v m="$members" '{ print $1 * 1000000 / m }')" "2 workers"
query bench_ladders -c "UPDATE member.tier_level SET qualify = 'spend(12mo) >= 1500' WHERE code = 'gold'"
ladders_simulate >/dev/null
pairs "$PAIRS" ladders_baseline ladders_simulate speedup
result "l simulation of a draft, times as fast" "" "" s
verdict "l simulation, s a million members" "<=" 6 "$(median 2 | awk -v m="$members" '{ print $1 * 1000000 / m }')" "2 workers"
query bench_ladders -c "UPDATE member.state SET standing = '1:1@2025-03-02/2026-03-02', next_due = CASE WHEN member_id % 50 = 0 THEN date '2026-03-02' ELSE '2026-06-01' END" \
	-c "VACUUM (FULL, FREEZE, ANALYZE) member.state" # an update of everyone leaves the table twice its size
ladders_due >/dev/null
ladders_all >/dev/null
pairs "$PAIRS" ladders_all ladders_due speedup
result "l 2 % due, times as fast as everybody" ">=" 10 s
drop bench_ladders
