# Writes before setup() and at another layout than the code's are refused and write nothing; migrate() heals.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MemberNode;
use Test::More;

my $node = new_node('readiness');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION member');

# every function that writes, in calls that are right but for the state of the database
my %writes = (
	enroll => "SELECT member.enroll('shop')",
	purchase_record => "SELECT member.purchase_record(1, 'P2', 10)",
	purchase_refund => "SELECT member.purchase_refund(1, 'P1', 'R1')",
	event_record => "SELECT member.event_record(1, 'signin')",
	points_earn => 'SELECT member.points_earn(1, 10)',
	points_spend => 'SELECT member.points_spend(1, 10)',
	points_reverse => 'SELECT member.points_reverse(1, 2)',
	outbox_claim => "SELECT count(*) FROM member.outbox_claim('w')",
	outbox_ack => "SELECT member.outbox_ack(1, 'sent')",
	publish => "SELECT member.publish('again')",
	import_members => 'SELECT * FROM member.import_members()',
	import_purchases => 'SELECT * FROM member.import_purchases()',
	import_balances => 'SELECT * FROM member.import_balances()',
	import_points => 'SELECT * FROM member.import_points()',
	points_post => q{SELECT * FROM member.points_post(ARRAY['{"member_id": 1, "kind": "earn", "points": 1}']::jsonb[])},
	daily_run => 'CALL member.daily_run()');
my %reads = (
	points_balance => 'SELECT member.points_balance(1)',
	points_statement => 'SELECT * FROM member.points_statement(1)',
	points_lots => 'SELECT * FROM member.points_lots(1)',
	points_explain => 'SELECT * FROM member.points_explain(1)',
	points_explain_json => 'SELECT member.points_explain_json(1)',
	points_expiring => 'SELECT * FROM member.points_expiring()',
	tier_of => 'SELECT member.tier_of(1)',
	tier_progress => 'SELECT * FROM member.tier_progress(1)',
	verify => 'SELECT * FROM member.verify()',
	repair => 'SELECT * FROM member.repair()',
	replay => 'SELECT * FROM member.replay(1)');

# Before setup
is(refusal($node, 'postgres', $writes{$_}), 'MB001', "$_ before setup") for sort keys %writes;
is(refusal($node, 'postgres', $reads{$_}), 'MB001', "$_ before setup") for sort keys %reads;
is(refusal($node, 'postgres', 'SELECT member.migrate()'), 'MB001', 'migrate before setup');
is(refusal($node, 'postgres', 'SELECT * FROM member.jobs_install()'), 'MB001', 'jobs_install before setup');

# Setup, once, of a preset there is
for my $preset ("'nonsense'", 'NULL', "''", "'common'", q{'tea"(); --'}, "'TEA'")
{
	is(refusal($node, 'postgres', "SELECT member.setup($preset)"), 'MB004', "setup($preset)");
}
is(value($node, 'postgres', "SELECT to_regclass('member.setting') IS NULL"), 't', 'which set nothing up');
is(value($node, 'postgres', "SELECT member.setup('tea')"), '1', 'setup publishes version 1');
is(refusal($node, 'postgres', "SELECT member.setup('$_')"), 'MB003', "setup('$_') again") for qw(tea retail);
is(value($node, 'postgres', 'SELECT preset FROM member.setting'), 'tea', 'the first stands');

$node->safe_psql('postgres', <<'END');
SELECT member.enroll('shop');
SELECT member.purchase_record(1, 'P1', 128.50);
SELECT member.points_earn(1, 100);
INSERT INTO member.import_row (member_key, at, amount) VALUES ('k', '2026-03-01', '10');
END

# The rows of all tables, as they may not change while writes are refused
my $counts = <<'END';
SELECT string_agg(format('%s %s', c.relname, (xpath('/row/n/text()',
	query_to_xml(format('SELECT count(*) AS n FROM %s', c.oid::regclass), false, true, '')))[1]), ', ' ORDER BY c.relname)
	|| (SELECT string_agg(s::text, ' ') FROM member.state s)
FROM pg_class c WHERE c.relnamespace = 'member'::regnamespace AND c.relkind = 'r'
END

for my $layout (0, 999)
{
	$node->safe_psql('postgres', "UPDATE member.setting SET layout = $layout");
	my $before = $node->safe_psql('postgres', $counts);
	is(refusal($node, 'postgres', $writes{$_}), 'MB002', "$_ at layout $layout") for sort keys %writes;
	is($node->safe_psql('postgres', $counts), $before, "nothing is written at layout $layout");
}

# Tables of a newer layout are no business of older code; of an older one they are
is(refusal($node, 'postgres', 'SELECT member.migrate()'), 'MB002', 'migrate does not go back');
$node->safe_psql('postgres', 'UPDATE member.setting SET layout = 0');
is(value($node, 'postgres', 'SELECT member.migrate()'), value($node, 'postgres', 'SELECT member_internal.layout()'),
	'migrate brings the tables forward');
is(refusal($node, 'postgres', $writes{$_}), '', "$_ after migrate") for sort keys %writes;
is(refusal($node, 'postgres', $reads{$_}), '', "$_ after migrate") for sort keys %reads;
is(value($node, 'postgres', 'SELECT member.migrate()'), value($node, 'postgres', 'SELECT member_internal.layout()'),
	'migrate again changes nothing');
is(value($node, 'postgres', 'SELECT count(*) FROM member.verify()'), '0', 'the books are sound');

# The extension stays while there are data
is(refusal($node, 'postgres', 'DROP EXTENSION member'), '2BP01', 'DROP EXTENSION is refused while there are tables');

$node->stop;
done_testing();
