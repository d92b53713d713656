# As the application's login the API works and nothing else does; the clock can't be faked; the ledger is
# append-only for everybody.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MemberNode;
use Test::More;

my $node = new_node('privileges');
$node->start;
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION member;
SELECT member.setup('tea');
CREATE ROLE app LOGIN IN ROLE member_app;
CREATE ROLE operator LOGIN IN ROLE member_operator;
CREATE ROLE admin LOGIN IN ROLE member_admin;
CREATE ROLE bi LOGIN IN ROLE member_report;
CREATE ROLE nobody LOGIN;
END

my %api = (
	enroll => "SELECT member.enroll('shop', phone => '13800000000', key => 'e1')",
	find => "SELECT member.find('phone', '13800000000')",
	purchase_record => q{SELECT member.purchase_record(1, 'P1', 60, lines => '[{"product": "tea", "amount": 60}]', key => 'k1')},
	purchase_refund => "SELECT member.purchase_refund(1, 'P1', 'R1', 10, key => 'k2')",
	event_record => "SELECT member.event_record(1, 'signin', key => 'k3')",
	points_earn => "SELECT member.points_earn(1, 100, key => 'k4')",
	points_spend => "SELECT member.points_spend(1, 30, key => 'k5')",
	points_reverse => "SELECT member.points_reverse(1, 5, key => 'k6')",
	points_balance => 'SELECT member.points_balance(1)',
	points_statement => 'SELECT count(*) FROM member.points_statement(1)',
	points_post => q{SELECT count(*) FROM member.points_post(ARRAY['{"member_id": 1, "kind": "earn", "points": 1}']::jsonb[])},
	points_lots => 'SELECT count(*) FROM member.points_lots(1)',
	points_explain => 'SELECT count(*) FROM member.points_explain(1)',
	points_explain_json => 'SELECT member.points_explain_json(1)',
	points_expiring => 'SELECT count(*) FROM member.points_expiring()',
	tier_of => 'SELECT member.tier_of(1)',
	tier_progress => 'SELECT count(*) FROM member.tier_progress(1)',
	rfm_of => 'SELECT count(*) FROM member.rfm_of(1)',
	value_of => 'SELECT count(*) FROM member.value_of(1)',
	churn_signals => 'SELECT count(*) FROM member.churn_signals(1)',
	lifecycle_of => 'SELECT count(*) FROM member.lifecycle_of(1)',
	outbox_claim => "SELECT count(*) FROM member.outbox_claim('w')",
	outbox_ack => "SELECT member.outbox_ack(1, 'sent')");
my @api = qw(enroll find purchase_record purchase_refund event_record points_earn points_spend points_reverse points_post points_balance
  points_lots points_explain points_explain_json points_statement points_expiring tier_of tier_progress rfm_of value_of churn_signals lifecycle_of outbox_claim outbox_ack);
my %admin = (
	setup => "SELECT member.setup('tea')",
	migrate => 'SELECT member.migrate()',
	publish => "SELECT member.publish('mine')",
	import_members => 'SELECT * FROM member.import_members()',
	import_purchases => 'SELECT * FROM member.import_purchases()',
	import_balances => 'SELECT * FROM member.import_balances()',
	import_points => 'SELECT * FROM member.import_points()',
	verify => 'SELECT * FROM member.verify()',
	repair => 'SELECT * FROM member.repair()',
	replay => 'SELECT * FROM member.replay(1)',
	value_refit => 'SELECT member.value_refit()',
	jobs_install => 'SELECT * FROM member.jobs_install()',
	jobs_remove => 'SELECT * FROM member.jobs_remove()',
	daily_run => 'CALL member.daily_run()');

# The API, and only it
is(refusal($node, 'postgres', $api{$_}, user => 'app'), '', "app: $_") for @api;
is(refusal($node, 'postgres', $admin{$_}, user => 'app'), '42501', "app: $_ is refused") for sort keys %admin;
is(refusal($node, 'postgres', $api{$_}, user => 'nobody'), '42501', "nobody: $_ is refused") for @api;
is(refusal($node, 'postgres', $api{$_}, user => 'bi'), '42501', "bi: $_ is refused") for @api;
is(refusal($node, 'postgres', $api{$_}, user => 'operator'), '', "operator: $_")
  for grep { !/points_reverse|points_spend/ } @api;
is(refusal($node, 'postgres', $admin{$_}, user => 'admin'), $_ eq 'setup' ? 'MB003' : '', "admin: $_")
  for sort keys %admin;

# Tables, views and internals
my @relations = split /\n/, value($node, 'postgres', <<'END');
SELECT c.oid::regclass FROM pg_class c
WHERE c.relnamespace IN ('member'::regnamespace, 'member_report'::regnamespace) AND c.relkind IN ('r', 'v', 'S') ORDER BY 1
END
cmp_ok(scalar(@relations), '>', 30, 'there are tables, views and sequences');
for my $relation (@relations)
{
	is(refusal($node, 'postgres', "SELECT * FROM $relation", user => 'app'), '42501', "app: $relation is refused");
}
is(value($node, 'postgres', <<'END'), '', 'app may do nothing with any table, view, sequence or column');
SELECT string_agg(format('%s %s', x.privilege, c.oid::regclass), ', ')
FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS x (privilege)
WHERE c.relnamespace IN ('member'::regnamespace, 'member_report'::regnamespace) AND c.relkind IN ('r', 'v')
  AND CASE WHEN x.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') THEN has_any_column_privilege('app', c.oid, x.privilege)
      ELSE has_table_privilege('app', c.oid, x.privilege) END
END
is(value($node, 'postgres', <<'END'), '', 'app may call nothing of member_internal');
SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p
WHERE p.pronamespace = 'member_internal'::regnamespace AND has_function_privilege('app', p.oid, 'EXECUTE')
END
is(refusal($node, 'postgres', "SELECT member_internal.refuse('MB001', 'x')", user => 'app'), '42501', 'app: member_internal is closed');
is(value($node, 'postgres', <<'END'), '', 'PUBLIC may call nothing');
SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE p.pronamespace IN ('member'::regnamespace, 'member_internal'::regnamespace) AND a.grantee = 0
END
is(refusal($node, 'postgres', $_, user => 'app'), '42501', "app: $_")
  for 'CREATE TABLE member.mine (n int)', 'CREATE FUNCTION member.mine() RETURNS int LANGUAGE sql RETURN 1', 'SET ROLE member_owner';

# Functions that run as the owner do not look at what the caller puts in their way
is(value($node, 'postgres', <<'END', user => 'app'), '154', 'a search path and temporary tables of the caller do not matter');
CREATE TEMP TABLE state (member_id bigint, lots text);
CREATE TEMP TABLE setting (layout int, zone text);
CREATE TEMP TABLE entry (member_id bigint);
CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '2000-01-01'::timestamptz $$;
SET search_path = pg_temp, member, pg_catalog;
SELECT (member.points_earn(1, 1, key => 'k7')).balance;
END

# How far back an event may be dated binds the application, not the admin
my $old = "SELECT member.points_earn(1, 1, at => now() - interval '40 days')";
is(refusal($node, 'postgres', $old, user => 'app'), 'MB402', 'app: no earning of 40 days ago');
is(refusal($node, 'postgres', $old, user => 'admin'), '', 'admin: earning of 40 days ago');

# The clock is set by superusers only, whether or not the library is loaded yet. What a session sees first is
# the real time, and nothing that ends a transaction or resets a setting brings a fake one back.
my $real = 'SELECT abs(extract(epoch FROM member.now() - clock_timestamp())) < 60';
for my $fake (
	"SET member.clock = '2099-01-01'",
	"SET MEMBER.Clock = '2099-01-01'",
	"SELECT set_config('member.clock', '2099-01-01', false) <> ''",
	"BEGIN; SET member.clock = '2099-01-01'",
	"BEGIN; SET LOCAL member.clock = '2099-01-01'")
{
	# the first answer loads the library; the setting is made before
	(my $silent = $fake) =~ s/^SELECT (.*)$/DO \$\$ BEGIN PERFORM $1; END \$\$/;
	is(value($node, 'postgres', "$silent; $real", user => 'app'), 't', "$fake has no effect");
	is(value($node, 'postgres', "$silent; $real; ROLLBACK; $real; RESET ALL; $real; DISCARD ALL; $real", user => 'app'),
		"t\nt\nt\nt", '… nor later');
	is(value($node, 'postgres', "$silent; BEGIN; SAVEPOINT a; $real; ROLLBACK TO a; $real; ROLLBACK; $real", user => 'app'),
		"t\nt\nt", '… nor when the transaction that loaded the library is undone');
	is(refusal($node, 'postgres', "$silent; SELECT member.points_earn(1, 1, at => '2098-12-31')", user => 'app'),
		'MB401', '… nor for a write');
	is(refusal($node, 'postgres', "$real; $silent", user => 'app'), '42501', "$fake is refused once the library is loaded");
}
{
	local $ENV{PGOPTIONS} = '-c member.clock=2099-01-01';
	is(value($node, 'postgres', "$real; RESET ALL; $real", user => 'app'), "t\nt", 'PGOPTIONS has no effect');
	is(value($node, 'postgres', 'SELECT member.now()::date'), '2099-01-01', 'but for a superuser');
}
is(refusal($node, 'postgres', "ALTER ROLE app SET member.clock = '2099-01-01'", user => 'app'), '42501', 'app can not keep a clock');
is(value($node, 'postgres', $real, user => 'app'), 't', '… and has none');
is(refusal($node, 'postgres', "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql SET member.clock = '2099-01-01' RETURN 1", user => 'app'),
	'42501', 'nor hide one in a function');

# The ledger is append-only, for the owner and superusers too; others may not even try
my @changes = (
	'UPDATE member.entry SET points = points + 1',
	'UPDATE member.entry SET points = 0 WHERE false',
	'DELETE FROM member.entry',
	'TRUNCATE member.entry',
	'MERGE INTO member.entry e USING (SELECT 1) x ON e.member_id = 1 WHEN MATCHED THEN DELETE',
	q{INSERT INTO member.entry SELECT * FROM member.entry ON CONFLICT (member_id, entry_no) DO UPDATE SET points = 0});
my $before = value($node, 'postgres', 'SELECT md5(string_agg(e::text, e.entry_no::text ORDER BY e.entry_no)) FROM member.entry e');
for my $change (@changes)
{
	is(refusal($node, 'postgres', $change), 'MB207', "superuser: $change");
	is(refusal($node, 'postgres', "SET ROLE member_owner; $change"), 'MB207', "owner: $change");
	is(refusal($node, 'postgres', "BEGIN; SET LOCAL session_replication_role = replica; $change"), 'MB207', "firing no triggers: $change");
	is(refusal($node, 'postgres', $change, user => $_), '42501', "$_: $change") for qw(admin app);
}
is(value($node, 'postgres', 'SELECT md5(string_agg(e::text, e.entry_no::text ORDER BY e.entry_no)) FROM member.entry e'), $before,
	'the ledger is as it was');
is(value($node, 'postgres', 'SELECT count(*) FROM member.verify()'), '0', 'the books are sound');

$node->stop;
done_testing();
