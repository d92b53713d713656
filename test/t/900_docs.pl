# Every example of README and docs is run on a fresh server and gives what the page says; the reference is what the
# catalog says; the table of errors names the SQLSTATEs the code raises; links lead somewhere.
use strict;
use warnings;
use utf8;

use File::Basename qw(dirname);
use File::Find;
use File::Spec;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub slurp
{
	my ($path) = @_;
	open(my $in, '<:encoding(UTF-8)', $path) or die "$path: $!";
	local $/;
	return scalar <$in>;
}

my @pages = grep { -f } qw(README.md README.zh-CN.md CHANGELOG.md);
find({ no_chdir => 1, wanted => sub { push @pages, $_ if /\.md\z/ } }, 'docs');
@pages = sort @pages;

my $node = PostgreSQL::Test::Cluster->new('docs');
$node->init(extra => [ '-E', 'UTF8', '--locale', 'C', '-U', 'postgres', '-A', 'trust' ]);
$node->append_conf('postgresql.conf', "max_worker_processes = 16\n");
my $cron = -e `$ENV{PG_CONFIG} --pkglibdir` =~ s/\n//r . '/pg_cron.so';
if ($cron)
{
	$node->append_conf('postgresql.conf', <<'END');
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.use_background_workers = on
END
}
$node->start;
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGUSER} = 'postgres';

# Examples
for my $page (@pages)
{
	my $answer = `perl tools/examples $page 2>&1`;
	ok($? == 0, "examples of $page") or diag($answer);
}

# Reference
my $fresh = PostgreSQL::Test::Utils::tempdir();
is(system('perl', 'tools/reference', $fresh), 0, 'the reference can be made');
for my $path (glob "$fresh/*.md")
{
	my $name = $path =~ s{.*/}{}r;
	my $old = -e "docs/reference/$name" ? slurp("docs/reference/$name") : '';
	ok($old eq slurp($path), "docs/reference/$name is what the catalog says")
	  or diag('run tools/reference on a server with this version of the extension');
}
is_deeply(
	[ sort grep { $_ ne 'errors.md' } map { s{.*/}{}r } glob 'docs/reference/*.md' ],
	[ sort map { s{.*/}{}r } glob "$fresh/*.md" ],
	'no page of the reference is left over');

# Errors: the header, the page, what SQL raises.
my %header = map { /MB\('(.)', '(.)', '(.)'\)/ ? ("MB$1$2$3" => s/ .*//sr) : () }
  split /#define ERRCODE_/, slurp('src/errors.h');
my %page = slurp('docs/reference/errors.md') =~ /^\| (MB\d{3}) \| `(\w+)` \|/mg;
is_deeply(\%page, \%header, 'docs/reference/errors.md has the SQLSTATEs of src/errors.h by their names');
my %raised;
find(
	{
		no_chdir => 1,
		wanted => sub {
			return unless /\.sql\z/;
			my $text = slurp($_);
			$raised{$1} = 1 while $text =~ /\b(MB\d{3})\b/g;
		}
	},
	'sql');
is_deeply([ grep { !$header{$_} } sort keys %raised ], [], 'SQL raises and names no other');

# Links
for my $page (@pages)
{
	my $text = slurp($page);
	$text =~ s/^```.*?^```//msg;
	my @broken;
	while ($text =~ /\]\(([^)\s]+)\)/g)
	{
		my ($target, $anchor) = split /#/, $1, 2;
		next if $target =~ /^\w+:/;
		my $path = length $target ? File::Spec->catfile(dirname($page), $target) : $page;
		if (!-e $path)
		{
			push @broken, $1;
		}
		elsif (defined $anchor && $path =~ /\.md\z/)
		{
			my %anchors;
			my $there = slurp($path) =~ s/^```.*?^```//msgr;
			$anchors{ lc($1) =~ s/[^\w -]//gr =~ tr/ /-/r } = 1 while $there =~ /^#+ +(.*?) *$/mg;
			push @broken, "$target#$anchor" unless $anchors{$anchor};
		}
	}
	is_deeply(\@broken, [], "links of $page");
}

$node->stop;
done_testing();
