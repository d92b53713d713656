# g: 207 rules of 1 000 000 members: as one ruleset over what is stored of each, against the same conditions written
# by hand over columns that are already aggregated for them. Both give the numbers of the rules that hold, on one core;
# it is checked that they are the same. Then the full pass of tags, the pass over 1 000 members that were touched, and
# audiences by the index against a scan.

fresh bench_rules
made="$made bench_rules"
query bench_rules -o /dev/null -v members="$members" -f g-rules/tables.sql 2>"$work/notices" || { cat "$work/notices" >&2 && fail "g-rules/tables.sql failed"; }

# the statements
rules_ruleset="(SELECT v.ruleset FROM member.program_version v JOIN member.setting s ON s.program_version = v.version)"
{
	echo "SET max_parallel_workers_per_gather = 0; SET jit = off; SET search_path = member, pg_catalog;"
	echo "SELECT sum(cardinality(member_internal.matching($rules_ruleset, '2026-03-01', lots, activity, standing, tags, cuts,"
	echo "	joined, birthday, gender, city, NULL, channel, NULL, plan, NULL, NULL, attributes, NULL, NULL))) FROM bench.parts;"
} >"$work/rules-set.sql"
rules_hand=$(query bench_rules -c "SELECT string_agg(format('CASE WHEN %s THEN %s END', condition, 1000 + id), ', ' ORDER BY id) FROM bench.rule")
for table in wide wide_double; do
	echo "SET max_parallel_workers_per_gather = 0; SET jit = off;"
	echo "SELECT sum(cardinality(array_remove(ARRAY[$rules_hand], NULL))) FROM bench.$table;"
done >"$work/rules-all.sql"
sed -n 1,2p "$work/rules-all.sql" >"$work/rules-wide.sql"
sed -n 3,4p "$work/rules-all.sql" >"$work/rules-wide_double.sql"
for table in wide wide_double; do
	differ=$(query bench_rules -c "SET search_path = member, pg_catalog" -c "SELECT count(*) FROM bench.$table JOIN bench.facts USING (member_id)
		WHERE matching($rules_ruleset, facts, '2026-03-01') IS DISTINCT FROM array_remove(ARRAY[$rules_hand], NULL)")
	# a quotient in binary that is a bound in decimal may fall on the other side of it
	case $table in wide) allowed=0 ;; *) allowed=$((members / 100000)) ;; esac
	[ "$differ" -le "$allowed" ] || fail "rules and conditions on bench.$table differ for $differ members"
done

rules_set() { seconds bench_rules "$work/rules-set.sql"; }
rules_wide() { seconds bench_rules "$work/rules-wide.sql"; }
rules_wide_double() { seconds bench_rules "$work/rules-wide_double.sql"; }
rules_set >/dev/null # to warm up
pairs "$PAIRS" rules_wide rules_set speedup
result "g rules, SQL by hand, numeric" ">=" 3 s
set_seconds=$(median 2)
verdict "g rules, ns a rule and member" "<=" 30 \
	"$(awk -v s="$set_seconds" -v m="$members" 'BEGIN { printf "%.4g", s * 1e9 / m / 207 }')" "207 rules, $members members"
pairs "$PAIRS" rules_wide_double rules_set speedup
result "g rules, SQL by hand, double" "" "" s

# ---- tags of all, and of those touched ----

cat >"$work/rules-pass.sql" <<SQL
DO \$\$
DECLARE
	b record;
	place bigint := 0;
BEGIN
	LOOP
		b := member_internal.tags_stale('2026-03-01', place, 20000, NULL);
		EXIT WHEN b.last IS NULL;
		IF cardinality(b.members) > 0 THEN
			RAISE EXCEPTION 'tags of % members are stale', cardinality(b.members);
		END IF;
		place := b.last;
	END LOOP;
END
\$\$;
SQL
rules_pass() { seconds bench_rules "$work/rules-pass.sql"; }
rules_pass >/dev/null
pairs "$PAIRS" rules_set rules_pass cost
result "g full pass of tags, cost of the rules alone" "" "" s
verdict "g full pass of tags, us a member" "" "" "$(awk -v s="$(median 2)" -v m="$members" 'BEGIN { printf "%.4g", s * 1e6 / m }')" \
	"nothing to change, one core"

echo "SELECT member.tags_refresh('2026-03-01 00:00+08');" >"$work/rules-touched.sql"
: >"$work/pairs"
for run in 1 2 3; do
	query bench_rules -o /dev/null -c "SELECT count(member.event_record((i * 7919 + $run) % $members + 1, 'category_5', key => 'touch $run ' || i))
		FROM generate_series(1, 1000) i"
	took=$(seconds bench_rules "$work/rules-touched.sql")
	echo "0 0 $took" >>"$work/pairs"
done
verdict "g tags of 1 000 members touched, s" "<=" 1 "$(median 3)" "of $members; written and put into the history"

# ---- audiences ----

# rules_audience NAME RULE
rules_audience() {
	echo "SELECT member.audience_count('$2');" >"$work/rules-index.sql"
	{ echo "SET enable_bitmapscan = off;" && cat "$work/rules-index.sql"; } >"$work/rules-scan.sql"
	[ "$(query bench_rules -f "$work/rules-index.sql")" = "$(query bench_rules -f "$work/rules-scan.sql")" ] || fail "audience of $2"
	pairs "$PAIRS" rules_by_scan rules_by_index speedup
	result "g audience by index, $1" "" "" s
}
rules_by_index() { seconds bench_rules "$work/rules-index.sql"; }
rules_by_scan() { seconds bench_rules "$work/rules-scan.sql"; }
rules_audience "selective" '#1 and #2 and #3 and #4 and #5 and amount(1, 12mo) >= 1000'
rules_audience "unselective" '(#1 or #2 or #3) and amount(1, 12mo) >= 1000'
drop bench_rules
