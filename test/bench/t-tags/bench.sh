# t: tags @@ rule against intarray's @@ query_int with gin__int_ops, on the same tags; also under row security.
# A pair is the time of all rules of a set, each of them so many times; besides, the rule that fares worst. Serial
# plans, so that the workers' start is not what is measured. With "not", the rule keeps those whose tag may have
# ended, so it finds more rows than the query.

fresh bench_tags
query bench_tags -o /dev/null -v members="$members" -f t-tags/tables.sql 2>"$work/notices" || { cat "$work/notices" >&2 && fail "t-tags/tables.sql failed"; }
made="$made bench_tags"

# tags_file SIDE SET TIMES ROLE: the statements
tags_file() {
	echo "SET max_parallel_workers_per_gather = 0;"
	if [ "$4" = staff ]; then
		echo "SET ROLE bench_staff; SET bench.store = 3;"
	fi
	awk -F'|' -v side="$1" -v set="$2" -v times="$3" '{ gsub(/\\\|/, "\001"); $0 = $0 } $1 == set {
		gsub(/\001/, "|", $2)
		query = side == "array" ? "tags_array WHERE tags OPERATOR(public.@@) \047" $2 "\047::public.query_int" \
			: "tags_set WHERE tags OPERATOR(member.@@) \047" $3 "\047::member.rule"
		print "SELECT count(*) FROM bench." query ";" # to warm up
		for (i = 0; i < times; i++) print "SELECT count(*) FROM bench." query ";"
	}' t-tags/rules.txt
}

# tags_time SIDE: seconds of the statements but the first of each rule; those of each rule to $work/rules-SIDE
tags_time() {
	psql -X -A -t -q -v ON_ERROR_STOP=1 -d bench_tags -c '\timing on' -f "$work/tags-$1.sql" >"$work/timing" ||
		fail "tags-$1.sql failed"
	awk -v times="$tags_times" -v before="$tags_before" -v file="$work/rules-$1" '/^Time: / && ++n > before {
			if ((n - before - 1) % (times + 1) == 0) { rule++; next }
			total += $2; of[rule] += $2 }
		END { for (i = 1; i <= rule; i++) print of[i] > file; printf "%.4f\n", total / 1000 }' "$work/timing"
}

tags_array() { tags_time array; }
tags_set() { tags_time set; }

# tags_compare NAME SET TIMES ROLE
tags_compare() {
	tags_times=$3
	tags_before=1 # statements before the first rule
	if [ "$4" = staff ]; then
		tags_before=3
	fi
	for side in array set; do
		tags_file $side "$2" "$3" "$4" >"$work/tags-$side.sql"
	done
	: >"$work/all-pairs"
	: >"$work/all-rules"
	round=1
	while [ "$round" -le "$PAIRS" ]; do
		pairs 1 tags_array tags_set speedup
		cat "$work/pairs" >>"$work/all-pairs"
		paste "$work/rules-array" "$work/rules-set" | awk '{ print NR, $1 / $2 }' >>"$work/all-rules"
		round=$((round + 1))
	done
	mv "$work/all-pairs" "$work/pairs"
	result "t tags, $1" ">=" 1 s
	worst=$(sort -k 1,1n -k 2,2n "$work/all-rules" | awk '{ v[$1, ++n[$1]] = $2; if ($1 > rules) rules = $1 }
		END { for (r = 1; r <= rules; r++) { m = v[r, int((n[r] + 1) / 2)]; if (!r1 || m < least) { least = m; r1 = r } } print least, r1 }')
	verdict "t tags, $1, worst rule" "" "" "${worst% *}" \
		"$(grep "^$2|" t-tags/rules.txt | sed -n "${worst#* }p" | sed 's/.*|//'), median of $PAIRS"
}

tags_compare "selective" selective 10 owner
tags_compare "unselective" unselective 2 owner
tags_compare "selective, row security" selective 2 staff
tags_compare "unselective, row security" unselective 2 staff
query bench_tags -F ' ' -c "SELECT round(avg(pg_column_size(s.tags)), 1), round(avg(pg_column_size(a.tags)), 1), max(pg_column_size(s.tags)),
	pg_relation_size('bench.tags_set') / 1048576, pg_relation_size('bench.tags_array') / 1048576,
	pg_relation_size('bench.tags_set_tags_idx') / 1048576, pg_relation_size('bench.tags_array_tags_idx') / 1048576
	FROM bench.tags_set s JOIN bench.tags_array a USING (member_id)" >"$work/size"
read -r set_bytes array_bytes largest set_mb array_mb set_index array_index <"$work/size"
verdict "t bytes of 30 tags" "<=" 300 "$set_bytes" \
	"largest $largest; int[] $array_bytes without days; tables $set_mb and $array_mb MB, indexes $set_index and $array_index MB"
query bench_tags -c "DROP OWNED BY bench_staff" -c "DROP ROLE bench_staff"
drop bench_tags
