# A dump restored into a new database, by a superuser or without one, holds every row and definition, also what
# the DBA added; work goes on there.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MemberNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('dump');
$node->start;
my $today = "SET member.clock = '2026-03-10 12:00+08'";
my $tomorrow = "SET member.clock = '2026-03-11 00:10+08'";

# A program that has seen a bit of everything
$node->safe_psql('postgres', 'CREATE ROLE dba LOGIN; CREATE ROLE store_east; CREATE DATABASE brand');
$node->safe_psql('brand', <<"END");
CREATE EXTENSION member;
SET member.clock = '2026-03-01 10:00+08';
SELECT member.setup('tea', brand => '茶');
SELECT member.enroll('shop', phone => '138-' || n, name => 'n' || n, store => 'SH0' || n % 3, key => 'e' || n) FROM generate_series(1, 30) n;
SELECT member.purchase_record(n, format('P%s-%s', n, o), 15 + n, store => 'SH01', key => format('p%s', o),
	lines => jsonb_build_array(jsonb_build_object('product', 'tea', 'amount', 15 + n)))
FROM generate_series(1, 20) n, generate_series(1, 1 + n % 5) o;
SELECT member.event_record(n, 'browse', category => 'beauty', value => n, attributes => '{"page": 1}') FROM generate_series(1, 10) n;
SELECT member.points_earn(n, 50, until => '2026-03-11', reason => 'gift', actor => 'staff 1') FROM generate_series(1, 10) n;
SELECT member.points_spend(n, 40, source => 'S1') FROM generate_series(1, 5) n;
SELECT member.purchase_refund(n, format('P%s-1', n), 'R1', lines => '{1}') FROM generate_series(1, 3) n;
INSERT INTO member.import_row (member_key, at, purchase_no, amount)
VALUES ('old', '2025-01-01', 'O1', '10'), ('old', '2025-02-30', 'O2', '10'), ('new', '2025-03-01', NULL, '7.50');
SELECT member.import_purchases();
INSERT INTO member.import_row (member_key, at, amount) VALUES ('left', '2025-04-01', '3');
$today;
CALL member.daily_run();
UPDATE member.earn_rule SET give = '{2}' WHERE code = 'buy';
INSERT INTO member.tag (code, dimension, rule) VALUES ('vegan', 'preference', NULL), ('frequent', 'segment', 'orders(90d) >= 3');
SELECT member.publish('double');
SELECT member.tags_refresh(), member.tag_set(1, 'vegan', until => '2026-05-01', reason => 'told us');
SELECT member.purchase_record(1, 'P1-double', 20);
SELECT count(*) FROM member.outbox_claim('w', 5);
SELECT member.outbox_ack(1, 'sent: 200'), member.outbox_ack(2, 'retry: busy');

-- what the DBA added
ALTER TABLE member.member ADD COLUMN vip_note text;
UPDATE member.member SET vip_note = 'likes oolong' WHERE member_id = 2;
ALTER TABLE member.entry ADD COLUMN settled_in bigint;
ALTER TABLE member.purchase ADD COLUMN pos text DEFAULT 'till 1';
ALTER TABLE member.import_run ADD COLUMN file text;
CREATE INDEX own_purchase_store ON member.purchase (store, at);
CREATE INDEX own_entry_at ON member.entry USING brin (at);
ALTER TABLE member.member ENABLE ROW LEVEL SECURITY;
CREATE POLICY east ON member.member FOR SELECT TO store_east USING (store = 'SH01');
GRANT USAGE ON SCHEMA member TO store_east;
GRANT SELECT ON member.member TO store_east;
CREATE PUBLICATION books FOR TABLE member.entry, member.purchase;
ALTER TABLE member.outbox SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE member.entry ALTER COLUMN reason SET STATISTICS 300;
COMMENT ON COLUMN member.member.vip_note IS 'What the shop knows';
CREATE SCHEMA own AUTHORIZATION dba;
SET ROLE dba;
CREATE TABLE own.visit (member_id bigint, at timestamptz);
INSERT INTO own.visit VALUES (1, '2026-03-01 10:00+08');
END
$node->safe_psql('brand', 'ANALYZE');

# One line for each row of each table, and for each definition
my $rows = <<'END';
SELECT format('%s: %s rows, %s', c.oid::regclass, (x.row)[1], (x.row)[2])
FROM pg_class c, LATERAL (SELECT xpath('/row/*/text()', query_to_xml(format(
	'SELECT count(*) AS n, md5(string_agg(t::text, E''\n'' ORDER BY t::text COLLATE "C")) AS md5 FROM %s t', c.oid::regclass),
	true, true, '')) AS row) x
WHERE c.relnamespace IN ('member'::regnamespace, to_regnamespace('own')) AND c.relkind = 'r' ORDER BY 1
END
my $definitions = <<'END';
SELECT line FROM (
	SELECT format('%s %s owner %s options %s persistence %s rls %s replica %s grants %s', c.relkind, c.oid::regclass,
		c.relowner::regrole, c.reloptions, c.relpersistence, c.relrowsecurity, c.relreplident,
		(SELECT array_agg(a::text ORDER BY a::text) FROM unnest(c.relacl) a)) AS line
	FROM pg_class c WHERE c.relnamespace IN ('member'::regnamespace, 'member_report'::regnamespace) AND c.relkind IN ('r', 'v', 'S')
	UNION ALL
	SELECT format('column %s.%s %s not null %s default %s storage %s statistics %s grants %s comment %s', a.attrelid::regclass, a.attname,
		format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attstorage,
		coalesce(nullif((to_jsonb(a) ->> 'attstattarget')::int, -1), -1), a.attacl, col_description(a.attrelid, a.attnum))
	FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	WHERE c.relnamespace IN ('member'::regnamespace, 'member_report'::regnamespace) AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
	UNION ALL
	SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
	FROM pg_constraint WHERE connamespace = 'member'::regnamespace
	UNION ALL
	SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'member'::regnamespace
	UNION ALL
	SELECT format('%s %s', t.tgenabled, pg_get_triggerdef(t.oid)) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
	WHERE c.relnamespace = 'member'::regnamespace AND NOT t.tgisinternal
	UNION ALL
	SELECT format('policy %s %s %s %s %s', tablename, policyname, roles, cmd, qual) FROM pg_policies WHERE schemaname = 'member'
	UNION ALL
	SELECT format('view %s %s', c.oid::regclass, pg_get_viewdef(c.oid)) FROM pg_class c
	WHERE c.relnamespace = 'member_report'::regnamespace AND c.relkind = 'v'
	UNION ALL
	SELECT format('publication %s %s.%s', pubname, schemaname, tablename) FROM pg_publication_tables
	UNION ALL
	SELECT format('function %s owner %s grants %s', p.oid::regprocedure, p.proowner::regrole,
		(SELECT array_agg(a::text ORDER BY a::text) FROM unnest(p.proacl) a))
	FROM pg_proc p WHERE p.pronamespace IN ('member'::regnamespace, 'member_internal'::regnamespace) AND p.prosecdef
	UNION ALL
	SELECT format('sequence %s.%s at %s', schemaname, sequencename, last_value) FROM pg_sequences WHERE schemaname = 'member'
	UNION ALL
	SELECT format('schema %s %s', nspname, (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(nspacl) a))
	FROM pg_namespace WHERE nspname LIKE 'member%') x
ORDER BY line COLLATE "C"
END

my $dump = PostgreSQL::Test::Utils::tempdir() . '/brand.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, 'brand' ], 'pg_dump');
my %before = (rows => $node->safe_psql('brand', $rows), definitions => $node->safe_psql('brand', $definitions));
like($before{rows}, qr/^member\.$_: [1-9]/m, "$_ has rows")
  for qw(setting verb program_version member identity wallet earn_rule state entry chain_head stream category purchase
	purchase_line refund event tier_ladder tier_level tier_change rfm_run rfm_change rfm_action value_setting value_run stage_change message_template outbox job_run import_row
	import_reject import_run);

sub same
{
	my ($database, $how) = @_;
	is($node->safe_psql($database, $rows), $before{rows}, "$how: every table has the same rows");
	is($node->safe_psql($database, $definitions), $before{definitions}, "$how: every definition is the same");
	is($node->safe_psql($database, 'SELECT count(*) FROM member.verify()'), '0', "$how: the books are sound");
	is($node->safe_psql($database, 'SELECT count(*) FROM member.member m, member.replay(m.member_id) r WHERE NOT r.same'), '0',
		"$how: state and facts agree");
	is($node->safe_psql($database, 'SET ROLE store_east; SELECT count(*) FROM member.member'), '10', "$how: the policy holds");
}

# Both databases are taken on by the same calls and must answer the same.
my $work = <<"END";
$today;
SELECT member.purchase_record(1, 'P1-double', 20);
SELECT member.purchase_record(1, 'P1-next', 33, lines => '[{"product": "tea", "amount": 33}]');
SELECT member.purchase_refund(4, 'P4-1', 'R1');
SELECT member.event_record(2, 'signin');
SELECT member.enroll('shop', phone => '139-1', key => 'e-next');
SELECT member.enroll('shop', phone => '138-1', name => 'n1', store => 'SH01', key => 'e1');
SELECT * FROM member.points_statement(1);
SELECT * FROM member.tier_progress(1);
SELECT import_id, rows_read, rows_loaded FROM member.import_purchases();
$tomorrow;
CALL member.daily_run();
SELECT member_id, kind, points, balance FROM member.entry WHERE at >= '2026-03-10 12:00+08' ORDER BY member_id, entry_no;
SELECT vars, attempts FROM member.outbox_claim('w') ORDER BY outbox_id;
SELECT member.publish('after');
SELECT problem FROM member.verify();
SELECT member_id, part FROM member.member m, member.replay(m.member_id) r WHERE NOT r.same;
SELECT member.migrate() = member_internal.layout();
END
my $answer;

sub goes_on
{
	my ($database, $how) = @_;
	is(refusal($node, $database, "SELECT member.setup('tea')"), 'MB003', "$how: it is set up");
	is(refusal($node, $database, 'DELETE FROM member.entry'), 'MB207', "$how: the ledger is append-only");
	is(refusal($node, $database, 'DROP EXTENSION member'), '2BP01', "$how: DROP EXTENSION is refused while there are data");
	my ($status, $out, $errors) = $node->psql($database, $work);
	is($status, 0, "$how: work goes on") or diag($errors);
	$answer //= $out;
	is($out, $answer, "$how: … with the same answers");
}

goes_on('brand', 'with what the DBA added');

# As superuser, into an empty database
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'copy', $dump ], 'pg_restore as superuser');
same('copy', 'restored');
goes_on('copy', 'restored');

# As SQL
$node->safe_psql('postgres', 'CREATE DATABASE sql TEMPLATE template0');
$node->command_ok([ 'pg_restore', '-f', "$dump.sql", $dump ], 'the dump as SQL');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'sql', '-f', "$dump.sql" ], 'restored by psql');
same('sql', 'by psql');

# Without a superuser: one makes the extension beforehand, and the DBA is a member of member_owner. What stays with
# the superuser is the comment on the extension, grants on its schemas, and publications.
$node->safe_psql('postgres', <<'END');
GRANT member_owner TO dba;
CREATE DATABASE own TEMPLATE template0 OWNER dba;
END
$node->safe_psql('own', 'CREATE EXTENSION member');
my ($contents) = run_command([ 'pg_restore', '-l', $dump ]);
my $list = "$dump.list";
open(my $out, '>', $list) or die "$list: $!";
print $out join("\n", grep { !/ COMMENT - EXTENSION | PUBLICATION | ACL - SCHEMA / } split /\n/, $contents), "\n";
close $out;
$node->command_ok([ 'pg_restore', '--exit-on-error', '-U', 'dba', '-L', $list, '-d', 'own', $dump ], 'pg_restore without a superuser');
$node->safe_psql('own', <<'END');
CREATE PUBLICATION books FOR TABLE member.entry, member.purchase;
GRANT USAGE ON SCHEMA member TO store_east;
END
same('own', 'without a superuser');
goes_on('own', 'without a superuser');

# With the data gone it can be dropped, and leaves nothing
$node->safe_psql('copy', 'DROP EXTENSION member CASCADE');
is($node->safe_psql('copy', "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text LIKE 'member%' AND relkind <> 'i'"), '0',
	'DROP EXTENSION CASCADE takes the tables with it');

$node->stop;
done_testing();
