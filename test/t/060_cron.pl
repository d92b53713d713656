# jobs_install() with the real pg_cron: the daily run runs by itself, in pg_cron's own database and in another.
# pg_cron runs jobs at full minutes and, scheduled @reboot, when the server starts: no need to wait for a minute.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MemberNode;
use PostgreSQL::Test::Cluster;
use Test::More;

chomp(my $libraries = `$ENV{PG_CONFIG} --pkglibdir`);
plan skip_all => 'pg_cron is not installed' unless -e "$libraries/pg_cron.so";

my $node = new_node('cron');
$node->append_conf('postgresql.conf', <<'END');
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.use_background_workers = on
max_worker_processes = 16
END
$node->start;

# In each database points of long ago, which only a daily run books as expired
$node->safe_psql('postgres', 'CREATE DATABASE brand');
for my $database (qw(postgres brand))
{
	$node->safe_psql($database, <<'END');
CREATE EXTENSION member;
SET member.clock = '2020-01-01 10:00+08';
SELECT member.setup('retail');
SELECT member.points_earn(member.enroll('shop'), 100, until => '2020-06-01');
END
}
is(value($node, 'postgres', 'SELECT installed FROM member.jobs_install()'), 'f', 'without pg_cron nothing is installed');
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_cron;
CREATE ROLE admin LOGIN IN ROLE member_admin;
GRANT USAGE ON SCHEMA cron TO member_admin;
END

# In pg_cron's own database, by an admin who is no superuser
is(value($node, 'postgres', 'SELECT job, installed FROM member.jobs_install()', user => 'admin'), 'member daily postgres|t', 'installed');
my $jobs = 'SELECT jobname, schedule, command, database, username FROM cron.job ORDER BY 1';
is(value($node, 'postgres', $jobs), 'member daily postgres|7 * * * *|CALL member.daily_run()|postgres|admin', '… hourly, a single CALL');
is(value($node, 'postgres', "SELECT installed FROM member.jobs_install('\@reboot')", user => 'admin'), 't', 'installed with a schedule');
is(value($node, 'postgres', $jobs), 'member daily postgres|@reboot|CALL member.daily_run()|postgres|admin', '… in the place of the first');

# From another database: the statement is for pg_cron's own
my ($job, $statement, $installed) = split /\|/, value($node, 'brand', "SELECT * FROM member.jobs_install('\@reboot')");
is($installed, 'f', 'from another database it is returned');
$node->safe_psql('postgres', $statement);
is(value($node, 'postgres', "SELECT database, command FROM cron.job WHERE jobname = '$job'"), 'brand|CALL member.daily_run()',
	'… and schedules the run there');

$node->restart;
for my $database (qw(postgres brand))
{
	ok($node->poll_query_until($database, "SELECT count(*) > 0 FROM member.job_run WHERE job = 'daily' AND finished_at IS NOT NULL"),
		"$database: the job ran");
	is(value($node, $database, 'SELECT kind, points FROM member.entry ORDER BY entry_no'), "earn|100\nexpire|-100", '… and booked what time did');
	is(value($node, $database, 'SELECT unfinished, clock_is_set FROM member_report.job_health'), 'f|f', '… by the real clock');
	is(value($node, $database, 'SELECT count(*) FROM member.verify()'), '0', '… the books are sound');
}
ok($node->poll_query_until('postgres', "SELECT count(*) = 2 FROM cron.job_run_details WHERE status = 'succeeded'"), 'pg_cron says they succeeded');

# Removed
is(value($node, 'postgres', 'SELECT removed FROM member.jobs_remove()', user => 'admin'), 't', 'removed');
is(value($node, 'postgres', 'SELECT removed FROM member.jobs_remove()', user => 'admin'), 'f', '… once');
($job, $statement) = split /\|/, value($node, 'brand', 'SELECT job, statement FROM member.jobs_remove()');
$node->safe_psql('postgres', $statement);
is(value($node, 'postgres', $jobs), '', 'nothing is left');

$node->stop;
done_testing();
