# e: import of all purchases, members enrolled on the way, staging COPY included, against COPY of the same rows
# into a bare table with a primary key. Baseline before and after.

import_baseline() {
	fresh bench_baseline
	query bench_baseline -f e-import/tables.sql
	seconds bench_baseline e-import/baseline.sql -v file="$file"
	drop bench_baseline
}

history_file
before=$(import_baseline)
subject=$(history_import)
after=$(import_baseline)
for baseline in "$before" "$after"; do
	awk -v b="$baseline" -v s="$subject" 'BEGIN { printf "%s %s %.4f\n", b, s, s / b }'
done >"$work/pairs"
result "e import, times the COPY" "<=" 4 s
