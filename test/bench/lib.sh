# What the benches share. Sourced by run, after cd to this directory.
# shellcheck shell=sh

# query DATABASE [psql arguments]: unaligned answer of SQL on standard input or -c
query() {
	database=$1
	shift
	psql -X -A -t -q -v ON_ERROR_STOP=1 -d "$database" "$@"
}

# seconds DATABASE FILE [psql arguments]: the server's time for all statements of a file
seconds() {
	database=$1
	file=$2
	shift 2
	psql -X -A -t -q -v ON_ERROR_STOP=1 -d "$database" -c '\timing on' -f "$file" "$@" >"$work/timing" ||
		fail "$file failed"
	awk '/^Time: / { t += $2 } END { printf "%.3f\n", t / 1000 }' "$work/timing"
}

# megabytes DATABASE FILE [psql arguments]: memory of its own that a backend had at most, when it ran the file without workers and without
# compiling expressions; what it shares with others is not in it
megabytes() {
	database=$1
	file=$2
	shift 2
	psql -X -A -t -q -v ON_ERROR_STOP=1 -d "$database" "$@" <<-END || fail "$file failed"
		SET max_parallel_workers_per_gather = 0;
		SET jit = off;
		\o /dev/null
		\i $file
		\o
		SELECT pg_backend_pid() AS backend \gset
		\setenv BACKEND :backend
		\! awk '/^VmHWM/ { most = \$2 } /^RssShmem/ { shared = \$2 } END { printf "%.0f\\n", (most - shared) / 1024 }' /proc/\$BACKEND/status
	END
}

# rate DATABASE SCRIPT: transactions a second of a pgbench script; `tpcb` is the built-in one
rate() {
	case $2 in
		tpcb) script=-btpcb-like ;;
		*) script=-f$2 ;;
	esac
	pgbench -n -c "$CLIENTS" -j 2 -T "$SECONDS_EACH" -M "$PROTOCOL" -D members="$members" "$script" "$1" \
		>"$work/pgbench" 2>&1 || { cat "$work/pgbench" >&2 && fail "pgbench $2 failed"; }
	if ! grep -q '^number of failed transactions: 0 ' "$work/pgbench"; then
		cat "$work/pgbench" >&2
		fail "pgbench $2: transactions failed"
	fi
	awk '/^tps = / { printf "%.0f\n", $3 }' "$work/pgbench"
}

# fresh DATABASE: an empty one with the extension
fresh() {
	drop "$1"
	query postgres -c "CREATE DATABASE $1"
	query "$1" -c "CREATE EXTENSION member" -c "CREATE SCHEMA bench"
	# the data end on this day, whatever day it is today
	query postgres -c "ALTER DATABASE $1 SET member.clock = '$CLOCK'"
}

drop() {
	query postgres -c "SET client_min_messages = warning" -c "DROP DATABASE IF EXISTS $1 WITH (FORCE)"
}

has_database() {
	[ "$(query postgres -c "SELECT count(*) FROM pg_database WHERE datname = '$1'")" = 1 ]
}

# pairs N BASELINE SUBJECT OPERATION: runs the two commands in turn N times, baseline first, and leaves in
# $work/pairs a line a pair: baseline subject ratio. OPERATION says what the ratio is: speedup (of seconds),
# share (of rates) or cost (of seconds).
pairs() {
	: >"$work/pairs"
	pair=1
	while [ "$pair" -le "$1" ]; do
		baseline=$($2)
		subject=$($3)
		awk -v b="$baseline" -v s="$subject" -v o="$4" \
			'BEGIN { printf "%s %s %.4f\n", b, s, o == "speedup" ? b / s : s / b }' >>"$work/pairs"
		say "  pair $pair: baseline $baseline, member $subject"
		pair=$((pair + 1))
	done
}

# column N of the pairs: its median
median() {
	sort -n -k "$1,$1" "$work/pairs" | awk -v c="$1" '{ v[NR] = $c }
		END { printf "%.4g", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# result NAME SIGN TARGET UNIT: the line of a bench from its pairs
result() {
	ratio=$(median 3)
	spread=$(sort -n -k 3,3 "$work/pairs" | awk 'NR == 1 { low = $3 } END { printf "%.3g to %.3g", low, $3 }')
	verdict "$1" "$2" "$3" "$ratio" "spread $spread of $(wc -l <"$work/pairs"); $(median 2) $4 against $(median 1)"
}

# verdict NAME SIGN TARGET MEASURED REMARK: a line of the summary
verdict() {
	awk -v name="$1" -v sign="$2" -v target="$3" -v measured="$4" -v remark="$5" 'BEGIN {
		pass = sign == ">=" ? measured >= target : sign == "<=" ? measured <= target : 1
		printf "%-46s %-9s %9.3g  %s  (%s)\n", name, target == "" ? "-" : sign " " target, measured,
			target == "" ? "    " : pass ? "pass" : "MISS", remark
	}' | tee -a "$work/summary"
}

say() {
	echo "$*" >&2
}

fail() {
	echo "bench: $*" >&2
	exit 1
}

# history: a database with the imported purchases of $members members, made if it is not there
history() {
	if has_database bench_history; then
		return
	fi
	say "making the history: $members members, $purchases purchases"
	history_file
	history_import >"$work/history-seconds"
}

# history_file: the purchases as a text file beside the data, written by the server
history_file() {
	file=$data/bench_purchases.txt
	if [ ! -e "$work/file-made" ]; then
		query postgres -v members="$members" -v purchases="$purchases" -v clock="$CLOCK" -v file="$file" \
			-f e-import/file.sql
		touch "$work/file-made"
	fi
}

# history_import: loads the file into a fresh database; prints the seconds it took
history_import() {
	fresh bench_history
	query bench_history -o /dev/null -c "SELECT member.setup('retail')"
	seconds bench_history e-import/member.sql -v file="$file"
	loaded=$(query bench_history -c "SELECT rows_loaded FROM member.import_run")
	[ "$loaded" = "$purchases" ] || fail "the import took $loaded of $purchases rows"
	query bench_history -c "VACUUM (FREEZE, ANALYZE)"
}
