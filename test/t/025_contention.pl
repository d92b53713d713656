# Many sessions at the same few members, half of them under REPEATABLE READ, while days pass, versions are
# published and messages are claimed: no error but the expected, no deadlock, nothing given or taken twice.
# CONTENTION_SECONDS=60 goes on for so long.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use MemberNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('contention');
$node->append_conf('postgresql.conf', "max_connections = 60\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION member;
SET member.clock = '2026-03-01 10:00+08';
SELECT member.setup('tea');
UPDATE member.wallet SET transferable = true WHERE code = 'points';
SELECT member.publish('transfers');
SELECT member.enroll('shop') FROM generate_series(1, 10);
SELECT member.points_earn(1, 1000, until => 'infinity');
SELECT member.points_earn(n, 20, until => '2026-03-01'::date + n) FROM generate_series(2, 10) n;
CREATE TABLE answer (call text, outcome text);
-- what is refused by rule is an answer, all else ends the session
CREATE PROCEDURE attempt(what text, call text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT ' || call;
	INSERT INTO answer VALUES (what, 'done');
EXCEPTION WHEN SQLSTATE 'MB203' OR SQLSTATE 'MB301' OR SQLSTATE 'MB302' OR SQLSTATE 'MB304' OR SQLSTATE 'MB404' OR SQLSTATE 'MB103'
	OR SQLSTATE 'MB206' OR SQLSTATE 'MB208' OR SQLSTATE 'MB209' OR SQLSTATE 'MB212' OR SQLSTATE 'MB403' THEN
	INSERT INTO answer VALUES (what, SQLSTATE);
END
$$;
-- distinct answers to each key
CREATE TABLE receipt (member_id bigint, key text, entry_no integer);
SQL

my $directory = PostgreSQL::Test::Utils::tempdir();
append_to_file("$directory/spend.sql", "CALL attempt('one', 'member.points_spend(1, 7)');\n");
append_to_file("$directory/mixed.sql", <<'END');
\set m random(2, 10)
\set n random(1, 60)
\set o random(2, 10)
\set what random(1, 13)
\if :what = 1
INSERT INTO receipt SELECT member_id, 'e:n', entry_no FROM member.points_earn(:m, 10, key => 'e' || :n);
\elif :what = 2
CALL attempt('spend', format('member.points_spend(%s, 25)', :m));
\elif :what = 3
CALL attempt('buy', format('member.purchase_record(%s, ''P%s'', 20 + %s)', :m, :n, :n));
\elif :what = 4
CALL attempt('refund', format('member.purchase_refund(%s, ''P%s'', ''R1'')', :m, :n));
\elif :what = 5
CALL attempt('part', format('member.purchase_refund(%s, ''P%s'', ''R2'', 12.34)', :m, :n));
\elif :what = 6
CALL attempt('signin', format('member.event_record(%s, ''signin'', category => ''c%s'')', :m, :n));
\elif :what = 7
CALL attempt('enroll', format('member.enroll(''shop'', phone => ''%s'', key => ''m%s'')', :n, :n));
\elif :what = 8
CALL attempt('hold', format('member.points_hold(%s, 7, lapses_at => %L)', :m, ('2026-03-01'::timestamptz + :n * interval '6 hours') + interval '1 day'));
\elif :what = 9
CALL attempt('capture', format('member.points_capture(%s, (SELECT hold_id FROM member.points_holds(%s) ORDER BY random() LIMIT 1), 3)', :m, :m));
\elif :what = 10
CALL attempt('void', format('member.points_void(%s, (SELECT hold_id FROM member.points_holds(%s) ORDER BY random() LIMIT 1))', :m, :m));
\elif :what = 11
CALL attempt('reverse', format('member.points_reverse(%s, (SELECT entry_no FROM member.entry WHERE member_id = %s AND kind IN (''earn'', ''spend'') ORDER BY random() LIMIT 1), 2)', :m, :m));
\elif :what = 12
CALL attempt('transfer', format('member.points_transfer(%s, %s, 4)', :m, :o));
\else
CALL attempt('claim', 'count(*) FROM member.outbox_claim(''w'', 3)');
\endif
END
append_to_file("$directory/days.sql", join '', map { sprintf "SET member.clock = '2026-03-%02d 00:10+08'; CALL member.daily_run();\n", $_ } 2 .. 20);
append_to_file("$directory/publish.sql", "SET member.clock = '2026-03-01 12:00+08';\n" . "SELECT member.publish('again');\n" x 10);

my $seconds = $ENV{CONTENTION_SECONDS};
my @running;
for my $level ('read committed', 'repeatable read')
{
	local $ENV{PGOPTIONS} = "-c member.clock=2026-03-01\\ 11:00+08 -c default_transaction_isolation=" . ($level =~ s/ /\\ /gr);
	for my $work ('spend', 'mixed')
	{
		my $times = $work eq 'spend' ? 40 : 350;
		my @long = $seconds && $work eq 'mixed' ? ('-T', $seconds) : ('-t', $times);
		push @running, [ "$work, $level", IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-j', 1, @long, '--max-tries=10000', '--random-seed=7',
			'-f', "$directory/$work.sql", $node->connstr('postgres') ],
			'>', "$directory/$work, $level.out", '2>', "$directory/$work, $level.err") ];
	}
}
for my $job (qw(days publish))
{
	push @running, [ $job, IPC::Run::start([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', "$directory/$job.sql" ],
		'>', '/dev/null', '2>', "$directory/$job.err") ];
}
for (@running)
{
	my ($name, $handle) = @$_;
	ok($handle->finish, "$name: no unexpected error") or diag(-e "$directory/$name.err" ? slurp_file("$directory/$name.err") : '');
}
for my $level ('read committed', 'repeatable read')
{
	for my $work ('spend', 'mixed')
	{
		my $out = slurp_file("$directory/$work, $level.out");
		like($out, qr/number of failed transactions: 0 /, "$work, $level: every transaction went through");
		note("$work, $level: $1") if $out =~ /^(number of transactions retried: .*)$/m;
	}
}

# Days went by in one session and not in the others: what those booked "before" is missing in the sums by month, which
# verify() tells. Emptied, they are made anew.
$node->safe_psql('postgres', 'TRUNCATE member.points_rollup, member.points_rollup_mark');

if (my $n = $node->safe_psql('postgres', 'SELECT count(*) FROM member.entry'))
{
	note("$n entries");
}
my %checks = (
	'one balance of 1000 is spent by 7 as often as it goes, and no more' =>
	  [ "SELECT count(*), member.points_balance(1, as_of => '2026-03-20') FROM member.entry WHERE member_id = 1 AND kind = 'spend'", '142|6' ],
	'… the others were refused' => [ "SELECT count(*) FILTER (WHERE outcome = 'done'), count(*) FILTER (WHERE outcome = 'MB203') FROM answer WHERE call = 'one'", '142|178' ],
	'one entry for each key' => [ "SELECT count(*) - count(DISTINCT (member_id, key)) FROM member.entry WHERE key LIKE 'e%'", '0' ],
	'one receipt for each key' => [ 'SELECT count(*) FROM (SELECT FROM receipt GROUP BY member_id, key HAVING count(DISTINCT entry_no) > 1) x', '0' ],
	'every number of a purchase is taken once' => [ <<'END', '0|0' ],
SELECT count(*) - count(DISTINCT purchase_no), count(*) FILTER (WHERE e.source IS DISTINCT FROM p.purchase_no)
FROM member.purchase p LEFT JOIN member.entry e USING (member_id, entry_no)
END
	'a phone and a key make one member' => [ <<'END', '0|0' ],
SELECT count(*) FILTER (WHERE k.member_id <> p.member_id), (SELECT count(*) FROM member.member m LEFT JOIN member.state s USING (member_id) WHERE s.member_id IS NULL)
FROM member.identity k JOIN member.identity p ON p.kind = 'phone' AND k.kind = 'enroll' AND k.value = 'm' || p.value
END
	'only the first sign-in of a day earns' => [ <<'END', '0' ],
SELECT count(*) FROM (SELECT FROM member.entry e JOIN member.event v USING (member_id, entry_no) WHERE v.kind = 'signin' AND e.points > 0
	GROUP BY e.member_id, member.day_of(e.at) HAVING count(*) > 1) x
END
	'what is given is received' => [ "SELECT coalesce(sum(points), 0), count(*) FILTER (WHERE kind = 'give') = count(*) FILTER (WHERE kind = 'receive') FROM member.entry WHERE kind IN ('give', 'receive')", '0|t' ],
	'a hold ends once' => [ "SELECT count(*) - count(DISTINCT (member_id, ref)) FROM member.entry WHERE kind IN ('capture', 'void', 'lapse')", '0' ],
	'points of one day expire once, but for those that come back to, or are given from, lots that are gone' => [ <<'END', '0' ],
SELECT count(*) FROM (SELECT FROM member.entry WHERE kind IN ('expire', 'reverse', 'refund', 'capture', 'void', 'lapse', 'receive')
	GROUP BY member_id, member.day_of(booked_at) HAVING count(*) FILTER (WHERE kind = 'expire') > 1 + count(*) FILTER (WHERE kind <> 'expire')) x
END
	'every day was run' => [ "SELECT count(*), count(finished_at), max(day) FROM member.job_run", '19|19|2026-03-20' ],
	'every version has a number' => [ 'SELECT count(*), max(version) FROM member.program_version', '12|12' ],
	'the books are sound' => [ 'SELECT count(*) FROM member.verify()', '0' ],
	'state and facts agree' => [ 'SELECT count(*) FROM member.state s, member.replay(s.member_id) r WHERE NOT r.same', '0' ],
	'nobody was in a deadlock' => [ "SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'", '0' ]);
for my $check (sort keys %checks)
{
	my ($query, $answer) = @{ $checks{$check} };
	is($node->safe_psql('postgres', $query), $answer, $check);
}
is($node->safe_psql('postgres', "SELECT count(DISTINCT call) FROM answer WHERE outcome = 'done'"), '13', 'each kind of call succeeded at times');

$node->stop;
done_testing();
