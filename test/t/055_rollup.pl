# The sums of the ledger by month: nothing is added up while a transaction is under way that could still commit an
# entry booked before, whatever is read is right at any time, and verify() tells when it is not.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MemberNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('rollup');
$node->append_conf('postgresql.conf', "max_prepared_transactions = 2\nautovacuum = off\n");
$node->start;

my $at = '2026-03-01 10:00';

# SQL at a moment
sub at
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', "SET member.clock = '$at+08'; $sql");
}

# what the view says, whether it is what the entries say, how far the sums reach, how many entries are in them
sub figures
{
	return at(<<'END');
SELECT (SELECT issued - spent FROM member_report.points_month WHERE wallet = 'points'),
	(SELECT sum(entries) FROM member_report.points_month) = (SELECT count(*) FROM member.entry),
	(SELECT to_char(max(booked_before) AT TIME ZONE 'Asia/Shanghai', 'DD HH24:MI') FROM member.points_rollup_mark WHERE isfinite(booked_before)),
	(SELECT sum(entries) FROM member.points_rollup), (SELECT count(*) FROM member.verify())
END
}

my $rollup = 'SELECT member_internal.points_rollup()';

$node->safe_psql('postgres', 'CREATE EXTENSION member');
at("SELECT member.setup('tea'); SELECT member.enroll('shop') FROM generate_series(1, 2)");
at('SELECT member.points_earn(1, 100)');
is(figures(), '100|t|||0', 'no sums yet: the entries themselves');

at($rollup);
is(figures(), '100|t|||0', 'a first call only says how far the next is to go');
at("BEGIN; SELECT member.points_earn(2, 50); PREPARE TRANSACTION 'late'");
$at = '2026-03-01 12:00';
at($rollup);
is(figures(), '100|t|01 09:00||0', 'what was booked an hour before that is added up, nothing yet');
at("SELECT member.points_spend(1, 30)");
$at = '2026-03-01 14:00';
at($rollup);
at($rollup);
is(figures(), '70|t|01 09:00||0', 'while a transaction of then is under way it stays there');
at("COMMIT PREPARED 'late'");
is(figures(), '120|t|01 09:00||0', 'its entry counts as soon as it is committed');
at($rollup);
is(figures(), '120|t|01 11:00|2|0', 'and is in the sums with all that was booked before eleven');
at($rollup);
is(figures(), '120|t|01 13:00|3|0', 'then up to one o\'clock');
at($rollup);
is(figures(), '120|t|01 13:00|3|0', 'once more changes nothing');

at("SELECT member.points_earn(1, 5, at => '2026-02-28 12:00+08')");
is(at("SELECT string_agg(month || ' ' || issued, ', ' ORDER BY month) FROM member_report.points_month"), '2026-02-01 5, 2026-03-01 150', 'a late event counts in its month');
$at = '2026-03-02 00:30';
at('CALL member.daily_run()');
is(at('SELECT sum(entries) FROM member.points_rollup'), '4', 'the daily run calls it when it begins and when it ends');
is(at("SELECT string_agg(month || ' ' || issued, ', ' ORDER BY month) FROM member_report.points_month"), '2026-02-01 5, 2026-03-01 150', 'the same from the sums');

# a number of the server this database came from
at("UPDATE member.points_rollup_mark SET next_before = '2026-03-01 23:50+08', next_xid = '9000000000000'");
at($rollup);
is(at("SELECT booked_before = '2026-03-01 23:50+08' FROM member.points_rollup_mark"), 't', 'a transaction number that is still to come is not waited for');

# a clock set back by more than an hour
$at = '2026-03-01 12:00';
at('SELECT member.points_earn(1, 7)');
is(at("SELECT problem || ': ' || detail FROM member.verify()"),
	'points_rollup is not the sum of the entries: 2026-03-01, wallet 1, earn: rollup 150 in 2, entries 157 in 3', 'verify() tells what was booked behind it');
is(at('SELECT count(*) FROM member.verify(1, 2)'), '0', 'of all members only');
at('TRUNCATE member.points_rollup, member.points_rollup_mark');
is(at('SELECT count(*) FROM member.verify()'), '0', 'emptied it is sound');
is(at('SELECT sum(entries) FROM member_report.points_month'), '5', 'and the view right');
$at = '2026-03-02 01:30';
at($rollup);
at($rollup);
is(at("SELECT sum(entries), (SELECT count(*) FROM member.verify()) FROM member.points_rollup"), '5|0', 'two calls make it anew');

$node->stop;
done_testing();
