# A streaming replica answers everything that reads, the same as the primary, and refuses to write (25006);
# promoted, it takes the work over.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MemberNode;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = new_node('primary', allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', <<'END');
CREATE EXTENSION member;
SET member.clock = '2026-03-01 10:00+08';
SELECT member.setup('tea');
CREATE ROLE app LOGIN IN ROLE member_app;
CREATE ROLE bi LOGIN IN ROLE member_report;
SELECT member.enroll('shop', phone => '138-' || n) FROM generate_series(1, 20) n;
SELECT member.purchase_record(n, format('P%s-%s', n, o), 20 + n) FROM generate_series(1, 20) n, generate_series(1, 1 + n % 4) o;
SELECT member.points_earn(n, 50, until => '2026-03-08') FROM generate_series(1, 10) n;
SELECT member.event_record(n, 'signin') FROM generate_series(1, 10) n;
SELECT member.points_spend(1, 30);
SELECT member.purchase_refund(2, 'P2-1', 'R1');
SET member.clock = '2026-03-02 00:10+08';
CALL member.daily_run();
END

$primary->backup('base');
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init_from_backup($primary, 'base', has_streaming => 1);
$replica->start;
$primary->safe_psql('postgres', "SET member.clock = '2026-03-02 10:00+08'; SELECT member.points_earn(3, 7)");
$primary->wait_for_catchup($replica);
is($replica->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 't', 'the replica is one');

# A week after the last write: expiry and reviews that nobody has booked
my $later = "SET member.clock = '2026-03-09 10:00+08'";
my @reads = (
	'SELECT member_id, member.points_balance(member_id) FROM member.member ORDER BY 1',
	"SELECT member_id, member.points_balance(member_id, 'points', '2026-03-01') FROM member.member ORDER BY 1",
	"SELECT member.points_balance(1, known_at => '2026-03-01 12:00+08')",
	'SELECT * FROM member.points_statement(1)',
	'SELECT * FROM member.points_expiring(within => 365)',
	'SELECT member_id, member.tier_of(member_id) FROM member.member ORDER BY 1',
	"SELECT member_id, member.tier_of(member_id, '2026-09-01') FROM member.member ORDER BY 1",
	'SELECT * FROM member.tier_progress(4)',
	'SELECT r.* FROM member.member m, member.rfm_of(m.member_id) r ORDER BY m.member_id',
	'SELECT v.* FROM member.member m, member.value_of(m.member_id) v ORDER BY m.member_id',
	'SELECT m.member_id, l.* FROM member.member m, member.lifecycle_of(m.member_id) l ORDER BY m.member_id',
	"SELECT member.find('phone', '138-7')",
	'SELECT * FROM member.verify()',
	'SELECT m.member_id, r.* FROM member.member m, member.replay(m.member_id) r ORDER BY 1, 2');
my @views = split /\n/, $primary->safe_psql('postgres',
	"SELECT oid::regclass FROM pg_class WHERE relnamespace = 'member_report'::regnamespace AND relkind = 'v' ORDER BY 1");
cmp_ok(scalar(@views), '>=', 10, 'there are views');
for my $read (@reads, map { "SELECT * FROM $_ x ORDER BY x::text" } @views)
{
	is($replica->safe_psql('postgres', "$later; $read"), $primary->safe_psql('postgres', "$later; $read"), $read);
}
is(value($replica, 'postgres', 'SELECT member.points_balance(1) IS NOT NULL', user => 'app'), 't', 'for the application too');
is(refusal($replica, 'postgres', "SELECT * FROM $_", user => 'bi'), '', "for BI too: $_") for @views;

# Writing
is(refusal($replica, 'postgres', $_), '25006', "$_ is refused")
  for "SELECT member.enroll('shop')", 'SELECT member.points_earn(1, 1)', "SELECT member.purchase_record(1, 'N', 10)",
  "SELECT * FROM member.outbox_claim('w')", "SELECT member.publish('x')", 'CALL member.daily_run()', 'SELECT member.migrate()';

# Promoted
$primary->stop;
$replica->promote;
is(refusal($replica, 'postgres', "$later; SELECT member.points_earn(1, 1, key => 'after'); CALL member.daily_run()"), '',
	'promoted, it takes the work over');
is($replica->safe_psql('postgres', 'SELECT count(*) FROM member.verify()'), '0', 'the books are sound');

$replica->stop;
done_testing();
