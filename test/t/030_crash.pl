# The server is killed under load, in the middle of a daily run. After recovery every call that was answered is
# there, with the answer it gave; repeated calls happen once; the books are sound; the run goes on where it was.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use MemberNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $due = 12000;       # members with points that expire in the night, numbered from 1
my $held = 7501;       # one that somebody else has
my $free = $due - 1;   # the others
my $writers = 4;
my $calls = 20000;     # of each writer: more than it gets through
my $answers = 300;     # of each writer, before the server is killed
my $evening = "SET member.clock = '2026-03-01 23:00+08'";
my $night = "SET member.clock = '2026-03-02 00:10+08'";

my $node = new_node('crash');
$node->append_conf('postgresql.conf', "shared_buffers = 32MB\nmax_connections = 30\n");
$node->start;
$node->safe_psql('postgres', <<"END");
CREATE EXTENSION member;
$evening;
SELECT member.setup('retail');
INSERT INTO member.import_row (kind, member_key, at) SELECT 'member', n, '2026-01-01' FROM generate_series(1, $due) n;
SELECT rows_loaded FROM member.import_members();
INSERT INTO member.import_row (kind, member_key, at, points, until)
SELECT 'balance', n, '2026-02-01', '100', '2026-03-02' FROM generate_series(1, $due) n;
SELECT rows_loaded FROM member.import_balances();
-- those the writers write, with nothing due
UPDATE member.wallet SET transferable = true WHERE code = 'points';
SELECT member.publish('transfers');
SELECT member.points_earn(member.enroll('shop', external => 'w' || n), 100) FROM generate_series(1, 20) n;
END
my $first = $node->safe_psql('postgres', "SELECT member.find('external', 'w1')");

# Call number $n of a writer; its answer begins with the key.
sub call
{
	my ($writer, $n) = @_;
	my $key = "k$writer-$n";
	my $member = $first + int($n / 4) % 20;
	my $other = $first + (int($n / 4) + 7) % 20;
	my $call =
	    $n % 40 == 6 ? "member.points_transfer($member, $other, 1, key => '$key')"
	  : $n % 40 == 17 ? "member.points_hold($member, 1, key => '$key')"
	  : $n % 40 == 34 ? "member.points_pay($member, 'Q$writer-$n', 1, 3, key => '$key')"
	  : $n % 4 == 0 ? "member.purchase_record($member, 'P$writer-$n', 12.50, key => '$key')"
	  : $n % 4 == 1 ? "member.points_earn($member, 3, key => '$key')"
	  : $n % 4 == 2 ? "member.points_spend($member, 1, key => '$key')"
	  : "member.event_record($member, 'browse', key => '$key')";
	return "SELECT '$key', member_id, entry_no, points, balance, tier FROM $call;\n";
}

my $directory = PostgreSQL::Test::Utils::tempdir();
my @writing;
for my $writer (1 .. $writers)
{
	my $script = "$directory/$writer.sql";
	open(my $out, '>', $script) or die "$script: $!";
	print $out "$evening;\n", map { call($writer, $_) } 1 .. $calls;
	close $out;
	push @writing, IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', $script ],
		'>', "$directory/$writer.out", '2>', "$directory/$writer.err");
}

# The daily run passes by a member that somebody else has, and waits for him in the end.
my $holding = $node->background_psql('postgres');
$holding->query_safe("$evening; BEGIN; SELECT member.points_earn($held, 1)");
my $run = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $night, '-c', 'CALL member.daily_run()' ],
	'>', '/dev/null', '2>', "$directory/run.err");
$node->poll_query_until('postgres', "SELECT done = $free FROM member.job_run") or die 'those that are free were not committed';
$node->poll_query_until('postgres', <<'END') or die 'the last batch does not wait';
SELECT count(*) > 0 FROM pg_stat_activity a JOIN pg_locks l USING (pid)
WHERE a.query LIKE 'CALL%' AND l.locktype IN ('transactionid', 'tuple') AND NOT l.granted
END

sub answered
{
	my ($writer) = @_;
	open(my $in, '<', "$directory/$writer.out") or return ();
	my @lines = <$in>;
	pop @lines if @lines && $lines[-1] !~ /\n\z/;
	chomp @lines;
	return @lines;
}
for my $writer (1 .. $writers)
{
	for (my $tries = 0; answered($writer) < $answers; $tries++)
	{
		die "writer $writer answers nothing: " . slurp_file("$directory/$writer.err") if $tries > 6000;
		usleep(10_000);
	}
}

# All of the server at once, as when the machine goes
my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
my @backends = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
$node->kill9;
kill 'KILL', @backends;
$_->finish for @writing, $run;
eval { $holding->quit };
for (my $tries = 0; kill(0, $postmaster, @backends) > 0; $tries++)
{
	die 'killed processes are still there' if $tries > 6000;
	usleep(10_000);
}
$node->start;

# What was answered is there, as it was answered
my @acknowledged = map { answered($_) } 1 .. $writers;
cmp_ok(scalar(@acknowledged), '>=', $writers * $answers, scalar(@acknowledged) . ' calls were answered');
my $values = join ",\n", map { my ($key, $member, $entry, $points, $balance, $tier) = split /\|/; "('$key', $member, $entry, $points, $balance, '$tier')" } @acknowledged;
$node->safe_psql('postgres', <<"END");
CREATE TABLE acknowledged (key text, member_id bigint, entry_no integer, points bigint, balance bigint, tier text);
INSERT INTO acknowledged VALUES $values;
END
is($node->safe_psql('postgres', <<'END'), '0', 'every one of them is in the ledger, with its answer');
SELECT count(*) FROM acknowledged a LEFT JOIN member.entry e USING (member_id, key)
WHERE (e.entry_no, e.points, e.balance, e.tier) IS DISTINCT FROM (a.entry_no, a.points, a.balance, a.tier)
END
is($node->safe_psql('postgres', 'SELECT count(*) FROM member.verify()'), '0', 'the books are sound');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM member.entry WHERE key LIKE 'k%'"), '<=',
	scalar(@acknowledged) + $writers, 'at most one call of each writer came in without its answer getting out');

# Each writer repeats its last calls and the one after them: once each
my $again = $evening . ";\n";
for my $writer (1 .. $writers)
{
	my $last = answered($writer);
	$again .= call($writer, $_) for $last - 20 .. $last + 1;
}
my %known = map { $_ => 1 } @acknowledged;
my @repeated = split /\n/, $node->safe_psql('postgres', $again);
is(scalar(grep { $known{$_} } @repeated), $writers * 21, 'calls repeated get their first answer');
is($node->safe_psql('postgres', <<'END'), scalar(@acknowledged) + $writers, 'every key is in the ledger once');
SELECT count(*) FROM (SELECT DISTINCT member_id, key FROM member.entry WHERE key LIKE 'k%') k
END
is($node->safe_psql('postgres', <<'END'), '0', 'state and facts agree for every member written');
SELECT count(*) FROM member.member m, member.replay(m.member_id) r WHERE m.channel = 'shop' AND NOT r.same
END

# The daily run stands where it was committed, and goes on from there
my $progress = "SELECT stage, position, done, finished_at IS NOT NULL FROM member.job_run WHERE day = '2026-03-02'";
my $expired = "SELECT count(*), count(DISTINCT member_id), sum(points) FROM member.entry WHERE kind = 'expire'";
is($node->safe_psql('postgres', $progress), "rest|0|$free|f", 'the daily run stands before the one that was held');
is($node->safe_psql('postgres', $expired), "$free|$free|" . -100 * $free, '… the points of the others have expired');
is(refusal($node, 'postgres', "$night; CALL member.daily_run()"), '', 'another session takes it over');
is($node->safe_psql('postgres', $progress), "done|0|$due|t", '… and ends it: no rules, no members to look at for tags');
is($node->safe_psql('postgres', $expired), "$due|$due|" . -100 * $due, 'the points of each member have expired once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM member.verify()'), '0', 'the books are sound');

# The same when only the backend that runs it ends
my $again_due = 2410;
my $second = "SET member.clock = '2026-03-03 00:10+08'";
$node->safe_psql('postgres', "$night; SELECT member.points_earn(n, 10, until => '2026-03-03') FROM generate_series(1, $again_due) n");
$holding = $node->background_psql('postgres');
$holding->query_safe("$night; BEGIN; SELECT member.points_earn(6, 1)");
$run = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $second, '-c', 'CALL member.daily_run()' ],
	'>', '/dev/null', '2>', "$directory/run.err");
$node->poll_query_until('postgres', "SELECT done = $again_due - 1 FROM member.job_run WHERE day = '2026-03-03'")
  or die 'those that are free were not committed';
is(refusal($node, 'postgres', "$second; SET lock_timeout = '100ms'; CALL member.daily_run()"), '55P03', 'two runs at once: the second waits for the batch');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid, 60000) FROM member.job_run WHERE finished_at IS NULL");
$run->finish;
$holding->query_safe('ROLLBACK');
$holding->quit;
is(refusal($node, 'postgres', "$second; CALL member.daily_run()"), '', 'another session takes over from a backend that is gone');
is($node->safe_psql('postgres', "SELECT stage, done FROM member.job_run WHERE day = '2026-03-03'"), "done|$again_due", '… and does the rest');
is($node->safe_psql('postgres', "SELECT count(*), sum(points) FROM member.entry WHERE kind = 'expire' AND at >= '2026-03-03 00:00+08'"),
	"$again_due|" . -10 * $again_due, 'the points of each have expired once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM member.verify()'), '0', 'the books are sound');

$node->stop;
done_testing();
