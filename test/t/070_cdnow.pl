# Real purchases through the path of `make demo DATA=`: 23 570 customers, their 69 659 purchases. What the engine
# keeps equals plain SQL over the file, member by member.
# The file is found by MEMBER_DATA, or beside the tree; without it the test is skipped.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MemberNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = $ENV{MEMBER_DATA} // "$FindBin::RealBin/../../../shared/data";
plan skip_all => "no cdnow.csv in $data; set MEMBER_DATA" unless -r "$data/cdnow.csv";

my $node = new_node('cdnow');
$node->append_conf('postgresql.conf', "shared_buffers = 256MB\nmax_wal_size = 2GB\nsynchronous_commit = off\n");
$node->start;

# its line ends are of both kinds, which COPY does not read
my $file = PostgreSQL::Test::Utils::tempdir() . '/cdnow.csv';
append_to_file($file, slurp_file("$data/cdnow.csv") =~ s/\r//gr);
my $clock = "SET member.clock = '1998-07-01 00:05+08'";
my $before = $node->safe_psql('postgres', <<"END");
CREATE EXTENSION member;
$clock;
SELECT member.setup('retail');
CREATE TABLE cdnow (line bigint GENERATED ALWAYS AS IDENTITY, customer text, day date, quantity integer, amount numeric);
\\copy cdnow (customer, day, quantity, amount) FROM '$file' WITH (FORMAT csv, HEADER)
ANALYZE cdnow;
SELECT count(*), count(DISTINCT customer), sum(amount), count(*) FILTER (WHERE amount = 0) FROM cdnow;
END
is($before, "1\n69659|23570|2500315.63|80", 'the file is the classic one, 80 purchases of amount 0 in it');

my $import = <<"END";
$clock;
INSERT INTO member.import_row (line, member_key, at, amount) SELECT line, customer, day::text, amount::text FROM cdnow;
SELECT rows_read, rows_loaded, rows_known, rows_rejected, round(amount_read, 2), round(amount_loaded, 2) FROM member.import_purchases();
END
is($node->safe_psql('postgres', $import), '69659|69659|0|0|2500315.63|2500315.63', 'every purchase is loaded');
is($node->safe_psql('postgres', 'SELECT count(*) FROM member.member'), '23570', 'every customer is a member');
is($node->safe_psql('postgres', 'SELECT count(*), sum(amount), count(DISTINCT purchase_no), count(DISTINCT member_id) FROM member.purchase'),
	'69659|2500315.63|69659|23570', 'purchases');
is($node->safe_psql('postgres', 'SELECT count(*), sum(amount) FROM member.purchase WHERE amount = 0'), '80|0.00', '… those of amount 0 too');

is($node->safe_psql('postgres', 'SELECT count(*) FROM member.outbox'), '0', 'history makes no messages');

# What the state holds of each member, and what SQL makes of the file
is($node->safe_psql('postgres', <<'END'), '23570|0', 'count, sum, first and last day, largest amount are equal for every member');
SELECT count(*), count(*) FILTER (WHERE (k.orders, k.amount, k.first, k.last, k.largest) IS DISTINCT FROM (f.orders, f.amount, f.first, f.last, f.largest))
FROM (SELECT i.value AS customer, member.count(s.activity, 1::smallint) AS orders, member.amount(s.activity, 1::smallint)::numeric AS amount,
             member.first_day(s.activity, 1::smallint) AS first, member.last_day(s.activity, 1::smallint) AS last,
             member.largest(s.activity, 1::smallint)::numeric AS largest
      FROM member.state s JOIN member.identity i USING (member_id) WHERE i.kind = 'external') k
FULL JOIN (SELECT customer, count(*) AS orders, sum(amount) * 100 AS amount, min(day) AS first, max(day) AS last, max(amount) * 100 AS largest
           FROM cdnow GROUP BY customer) f USING (customer)
END
is($node->safe_psql('postgres', <<'END'), '0', '… orders and spend of 365 days, of 90 days and of a month too');
WITH w (since, until) AS (VALUES ('1997-07-02'::date, '1998-07-02'::date), ('1998-04-03', '1998-07-02'), ('1998-05-01', '1998-06-01')),
     f AS (SELECT w.since, c.customer, count(*) AS orders, sum(c.amount) * 100 AS amount
           FROM w JOIN cdnow c ON c.day >= w.since AND c.day < w.until GROUP BY 1, 2)
SELECT count(*) FROM w CROSS JOIN member.state s JOIN member.identity i ON i.member_id = s.member_id AND i.kind = 'external'
LEFT JOIN f ON f.since = w.since AND f.customer = i.value
WHERE (member.count(s.activity, 1::smallint, w.since, w.until), member.amount(s.activity, 1::smallint, w.since, w.until)::numeric)
      IS DISTINCT FROM (coalesce(f.orders, 0), coalesce(f.amount, 0))
END

# Points: one a whole yuan, gone at the end of the twelfth month, for those who never rose
is($node->safe_psql('postgres', <<"END"), '0', 'the balance of those who stayed in the lowest level');
$clock;
SELECT count(*) FROM member.identity i
JOIN (SELECT customer, coalesce(sum(floor(amount)) FILTER (WHERE date_trunc('month', day) + interval '13 months' > '1998-07-01'), 0) AS points
      FROM cdnow GROUP BY customer) f ON f.customer = i.value
WHERE i.kind = 'external' AND NOT EXISTS (SELECT FROM member.tier_change t WHERE t.member_id = i.member_id)
  AND member.points_balance(i.member_id) <> f.points
END

# RFM over whole lives: everybody has a score and a group; plain SQL gives the same means of the groups
is($node->safe_psql('postgres', <<'END'), '23570|23570|69659|2500315.63', 'RFM groups of the whole history add up');
WITH f AS (SELECT '1998-07-01' - member.last_day(s.activity, 1::smallint) AS r, member.count(s.activity, 1::smallint) AS f,
                  member.amount(s.activity, 1::smallint) AS m FROM member.state s),
     c AS (SELECT member.rfm_cuts_agg(f.r, f.f, f.m) AS cuts FROM f),
     g AS (SELECT member.rfm_value_group(member.rfm_score(c.cuts, f.r, f.f, f.m), c.cuts) AS code, count(*) AS members, sum(f.f) AS orders, sum(f.m) AS spend
           FROM f, c GROUP BY 1)
SELECT sum(members), sum(members) FILTER (WHERE code BETWEEN 1 AND 8), sum(orders), round(sum(spend) / 100, 2) FROM g
END

# … and those of the daily run, over 365 days
is(refusal($node, 'postgres', "$clock; CALL member.daily_run()"), '', 'the daily run');
is($node->safe_psql('postgres', "$clock; SELECT sum(members), sum(spend), count(*) FILTER (WHERE members > 0) FROM member_report.rfm_group"),
	$node->safe_psql('postgres', "SELECT count(DISTINCT customer), sum(amount), 8 FROM cdnow WHERE day > '1998-07-01'::date - 365"),
	'RFM groups of the last 365 days add up');
is($node->safe_psql('postgres', 'SELECT count(*) FROM member.rfm_change'),
	$node->safe_psql('postgres', "SELECT count(DISTINCT customer) FROM cdnow WHERE day > '1998-07-01'::date - 365"), '… and each member is told once');

is($node->safe_psql('postgres', 'SELECT count(*) FROM member.verify()'), '0', 'the books are sound');
is($node->safe_psql('postgres', 'SELECT count(*) FROM generate_series(1, 23570, 47) n, member.replay(n) r WHERE NOT r.same'), '0', 'state and facts agree');

# The same file again, with rows that can't be taken: known, rejected by line, nothing lost
my $sums = "SELECT md5(string_agg(s::text, ' ' ORDER BY member_id)) FROM member.state s";
my $sum = $node->safe_psql('postgres', $sums);
$node->safe_psql('postgres', <<'END');
INSERT INTO member.import_row (line, member_key, at, amount)
VALUES (70001, '00001', '1998-02-30', '10'), (70002, '00001', '1998-02-03', 'ten'), (70003, '', '1998-02-03', '10'), (70004, '00001', '1998-07-02', '10');
END
is($node->safe_psql('postgres', $import), '69663|0|69659|4|2500345.63|0.00', 'loaded again, every purchase is known');
is($node->safe_psql('postgres', 'SELECT string_agg(line::text, E\' \' ORDER BY line) FROM member.import_reject'), '70001 70002 70003 70004',
	'what can not be taken is told by line');
is($node->safe_psql('postgres', $sums), $sum, 'and nothing is changed');

$node->stop;
done_testing();
