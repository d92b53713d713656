# p: batch posting of a keyed row a member, from the staging table, against the bare INSERT … SELECT into a ledger of
# one's own and the UPDATE of its balances, of the same rows.

fresh bench_post
query bench_post -o /dev/null -c "SELECT member.setup('retail')" \
	-c "INSERT INTO member.import_row (kind, member_key, at) SELECT 'member', 'c' || n, '2026-01-01' FROM generate_series(1, $members) n" \
	-c "SELECT member.import_members()" -c "VACUUM ANALYZE"
query bench_post -v members="$members" -f p-post/tables.sql

post_rows() {
	query bench_post -v members="$members" -v key="$1$(date +%s%N)-" -f p-post/rows.sql
}

post_baseline() {
	post_rows b
	seconds bench_post p-post/baseline.sql
	query bench_post -c "TRUNCATE member.import_row" -c "VACUUM ANALYZE bench.entry, bench.balance"
}

post_member() {
	post_rows m
	seconds bench_post p-post/member.sql
	query bench_post -c "VACUUM ANALYZE member.entry, member.state"
}

pairs "$PAIRS" post_baseline post_member cost
[ "$(query bench_post -c "SELECT count(*) = (SELECT count(*) FROM bench.entry) FROM member.entry")" = t ] || fail "not all rows were posted"
result "p batch posting, times INSERT and UPDATE" "<=" 3 s
drop bench_post
