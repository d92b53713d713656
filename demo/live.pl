#!/usr/bin/perl
# Lives the last days of the demo: each day two tills side by side, each a session of its own;
# each night the daily run. Shows how far it is.
use strict;
use warnings;
use IPC::Open2;

binmode STDOUT, ':encoding(UTF-8)';
$| = 1;

# A psql session that is told one line and answers with what it printed.
sub session
{
	my $pid = open2(my $out, my $in, qw(psql -XqAt -F), ' ', qw(-v ON_ERROR_STOP=1));
	my $self = { in => $in, out => $out, pid => $pid };
	$in->autoflush(1);
	return $self;
}

sub ask
{
	my ($session, $sql) = @_;
	print { $session->{in} } "$sql\n\\echo .\n";
}

sub answer
{
	my ($session) = @_;
	my @lines;
	while (defined(my $line = readline $session->{out}))
	{
		chomp $line;
		return @lines if $line eq '.';
		push @lines, $line;
	}
	die "live: a session ended early\n";
}

sub grouped
{
	my ($n) = @_;
	1 while $n =~ s/^(\d+)(\d{3})/$1,$2/;
	return $n;
}

sub show
{
	my ($done, $days, $day, $sum) = @_;
	my $full = int(24 * $done / $days + 0.5);
	my $line = sprintf '       %s  %s%s  %s purchases, %s sign-ins', $day, "\x{2588}" x $full, "\x{2591}" x (24 - $full),
		grouped($sum->[0]), grouped($sum->[1]);
	if (-t STDOUT)
	{
		print "\r$line\e[K";
		print "\r\e[K" if $done == $days;
	}
	elsif ($done % 10 == 0 || $done == $days)
	{
		print "$line\n";
	}
}

$SIG{PIPE} = 'IGNORE';
my $night = session();
ask($night, q(SELECT d FROM demo.plan, generate_series(live_day, last_day, '1 day') d;));
my @days = map { substr $_, 0, 10 } answer($night);
my @tills = map { session() } 0, 1;
ask($_, 'SET client_min_messages = warning;') for @tills, $night;
answer($_) for @tills, $night;

my @sum = (0) x 8;
my $done = 0;
for my $day (@days)
{
	ask($night, "SET member.clock = '$day 00:05+08'; CALL member.daily_run();");
	answer($night);
	ask($tills[$_], "CALL demo.live('$day', $_);") for 0, 1;
	answer($_) for @tills;
	ask($night, 'SELECT purchases, signins, refunds, redeemed, enrolled, repeated, refused, answered FROM demo.lived '
			. "WHERE day = '$day';");
	for my $row (answer($night))
	{
		my @n = split / /, $row;
		$sum[$_] += $n[$_] for 0 .. $#n;
	}
	show(++$done, scalar @days, $day, \@sum);
}
