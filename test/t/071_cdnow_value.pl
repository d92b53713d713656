# The value models on the data they were published with: the 1/10 sample of the CDNOW cohort, fitted to its first 39
# weeks, tracked over the 39 after. Published figures: Fader, Hardie and Lee (2005), tables 2 and figures 2 to 4, and
# the notes of the authors on both models.
# The files are found by MEMBER_DATA, or beside the tree; without them the test is skipped.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use MemberNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = $ENV{MEMBER_DATA} // "$FindBin::RealBin/../../../shared/data";
for my $file (qw(cdnow.csv cdnow_sample.csv))
{
	plan skip_all => "no $file in $data; set MEMBER_DATA" unless -r "$data/$file";
}

my $node = new_node('cdnow_value');
$node->append_conf('postgresql.conf', "shared_buffers = 256MB\nfsync = off\n");
$node->start;

# their line ends are of both kinds, which COPY does not read
my $copies = PostgreSQL::Test::Utils::tempdir();
append_to_file("$copies/$_", slurp_file("$data/$_") =~ s/\r//gr) for qw(cdnow.csv cdnow_sample.csv);
$node->safe_psql('postgres', <<"END");
CREATE EXTENSION member;
CREATE TABLE cdnow (customer text, day date, quantity integer, amount numeric);
CREATE TABLE sample (customer text, sample_id text);
\\copy cdnow FROM '$copies/cdnow.csv' WITH (FORMAT csv, HEADER)
\\copy sample FROM '$copies/cdnow_sample.csv' WITH (FORMAT csv, HEADER)
CREATE TABLE history AS SELECT customer, member.activity_agg(1::smallint, day, (amount * 100)::bigint) AS activity
FROM cdnow JOIN sample USING (customer) GROUP BY customer;
CREATE TABLE fit AS SELECT f.*, member.value_parameter(f.model, 'r') AS r, member.value_parameter(f.model, 'alpha') / 7 AS alpha, member.value_parameter(f.model, 'a') AS a,
    member.value_parameter(f.model, 'b') AS b, member.value_parameter(f.model, 'p') AS p, member.value_parameter(f.model, 'q') AS q, member.value_parameter(f.model, 'gamma') / 100 AS gamma
FROM (SELECT member.value_stats_agg(activity, 1::smallint, '1997-09-30') AS stats FROM history) s, member.value_fit(s.stats) f;
END

is($node->safe_psql('postgres', 'SELECT members, repeat_members, converged, spend_converged, grain_days FROM fit'), '2357|946|t|t|1',
	'2357 customers, 946 that came again');
# time in weeks: a likelihood of days is that of weeks but for the unit of each repeat purchase
is($node->safe_psql('postgres', 'SELECT round(r::numeric, 3), round(alpha::numeric, 3), round(a::numeric, 3), round(b::numeric, 3), round((log_likelihood + repeats * ln(7::float8))::numeric, 1) FROM fit'),
	'0.243|4.414|0.793|2.426|-9582.4', 'r, alpha, a, b and the log-likelihood of the paper');
is($node->safe_psql('postgres', 'SELECT round(p::numeric, 2), round(q::numeric, 2), round(gamma::numeric, 2) FROM fit'), '6.25|3.74|15.44',
	'p, q and gamma of the note');
is($node->safe_psql('postgres', 'SELECT iterations < 20 AND spend_iterations < 20, gradient < 1e-3 AND spend_gradient < 1e-3, (SELECT bool_and(e > 0) FROM unnest(standard_errors) e) FROM fit'),
	't|t|t', 'in few steps, with standard errors');

# The hold-out: mean purchases of weeks 40 to 78 by those of weeks 1 to 39, expected and actual
my $holdout = <<'END';
WITH h AS (SELECT member.active_days(activity, 1::smallint, '-infinity', '1997-10-01') - 1 AS x, member.active_days(activity, 1::smallint, '1997-10-01', 'infinity') AS actual,
                  member.expected_purchases(model, activity, 1::smallint, '1997-09-30', 39 * 7) AS expected FROM history, fit)
SELECT least(x, 7), count(*), round(avg(actual), 3), round(avg(expected)::numeric, 3) FROM h GROUP BY 1 ORDER BY 1
END
is($node->safe_psql('postgres', $holdout), <<'END' =~ s/\n\z//r, 'conditional expectations by frequency, as published');
0|1411|0.237|0.225
1|439|0.697|0.523
2|214|1.393|1.044
3|100|1.560|1.520
4|62|2.532|2.164
5|38|2.947|2.654
6|29|3.862|3.504
7|64|6.359|6.157
END

# Cumulative repeat purchases of the cohort, each customer from its first day on
is($node->safe_psql('postgres', <<'END'), '39|2457|1.5|t', 'they are tracked within the 39 weeks');
SELECT 39, sum(member.active_days(activity, 1::smallint, '-infinity', '1997-10-01') - 1), round((100 * (sum(member.expected_purchases(model, 0, 0, 0, '1997-09-30' - member.first_day(activity, 1::smallint)))
       / sum(member.active_days(activity, 1::smallint, '-infinity', '1997-10-01') - 1) - 1))::numeric, 1), true FROM history, fit
END
is($node->safe_psql('postgres', <<'END'), '4339|-4.1', '… and 4 percent below after 78, as published');
SELECT sum(member.active_days(activity, 1::smallint) - 1), round((100 * (sum(member.expected_purchases(model, 0, 0, 0, '1998-06-30' - member.first_day(activity, 1::smallint)))
       / sum(member.active_days(activity, 1::smallint) - 1) - 1))::numeric, 1) FROM history, fit
END
cmp_ok($node->safe_psql('postgres', <<'END'), '<', 0.05, 'week by week never off by more than 5 percent of the purchases so far, from week 26 on');
SELECT max(abs(expected / actual - 1)) FROM (SELECT sum(greatest(member.active_days(activity, 1::smallint, '-infinity', d + 1) - 1, 0)) AS actual,
    sum(member.expected_purchases(model, 0, 0, 0, greatest(d - member.first_day(activity, 1::smallint), 0))) AS expected
    FROM history, fit, generate_series(26, 78) w, LATERAL (SELECT '1997-01-01'::date + 7 * w - 1 AS d) d GROUP BY w) x
END
# A customer of the note: 2 purchases, the last in week 30.43, 38.86 weeks in all
is($node->safe_psql('postgres', 'SELECT round(member.expected_purchases(model, 2, 213, 272, 39 * 7)::numeric, 3) FROM fit'), '1.226', 'one customer of the note');
# One who came back 26 times up to the end; a newcomer in its first year
is($node->safe_psql('postgres', 'SELECT round(member.p_alive(model, 26, 216, 217)::numeric, 2), round(member.expected_purchases(model, 26, 216, 217, 364)::numeric, 1), round(member.expected_purchases(model, 0, 0, 0, 364)::numeric, 3) FROM fit'),
	'0.97|25.8|1.444', 'a regular and a newcomer');

$node->stop;
done_testing();
