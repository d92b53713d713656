#!/usr/bin/perl
# Streams a CSV file of purchases into member.import_row, by COPY through psql.
#
# Usage: demo/load.pl FILE
#
# Columns by the names of the first line, English or Chinese, in any order: member key, time, amount
# and, if there are such, order number, store, product lines (JSON). Without such a line they stand in
# this order. Separator comma, semicolon or tab; UTF-8, with or without a byte order mark.
#
# What cannot even be read (not CSV, not UTF-8, too few fields …) becomes a row with the reason in
# `reject`: no line is left out but blank ones. Whether a time or an amount makes sense, the import
# decides. Prints what it counted as name=value lines.
use strict;
use warnings;
use Encode ();
use Text::CSV;

use constant {
	CHUNK => 1 << 20,
	LONGEST => 1 << 20,     # bytes of a record
	MOST_LINES => 1000,     # of the file in a record
	SHOWN => 200,           # bytes of an unreadable line that are kept
};

my %names = (
	member => [qw(member memberkey memberid memberno customer customerid customerno client clientid user userid card cardno
			会员 会员号 会员编号 会员id 会员卡号 卡号 客户 客户号 客户编号 客户id 用户 用户id)],
	time => [qw(time at date day datetime timestamp purchasetime purchasedate ordertime orderdate paidat paytime createdat
			时间 日期 消费时间 消费日期 购买时间 购买日期 下单时间 支付时间 交易时间 交易日期 订单时间)],
	amount => [qw(amount total sum paid money payment totalamount paidamount orderamount
			金额 消费金额 实付 实付金额 支付金额 订单金额 交易金额 金额(元) 金额(元))],
	order => [qw(order orderno orderid ordernumber purchaseno purchaseid invoice invoiceno transactionid receipt receiptno
			订单号 订单编号 订单 单号 交易号 流水号 小票号)],
	store => [qw(store storeid storecode shop shopid branch 门店 门店编号 门店名称 店铺 分店)],
	lines => [qw(lines items products 商品 商品明细 明细)],
);
my @order = qw(member time amount order store lines);
my %column_of;
for my $column (@order)
{
	$column_of{$_} = $column for @{ $names{$column} };
}

sub fail
{
	print STDERR "load: @_\n";
	exit 1;
}

# ---- lines of the file, a record may span several ---------------------------------

my ($file) = @ARGV;
fail('usage: demo/load.pl FILE') unless defined $file && @ARGV == 1;
fail("$file is not a file") if -e $file && !-f _ && !-p _;
open my $in, '<:raw', $file or fail("can't open $file: $!");

my ($buffer, $at, $ended) = ('', 0, 0);
my @ahead;              # lines read but given back
my $lines_read = 0;

# The next line without its end, and whether it was too long to be kept whole; nothing at the end.
sub next_line
{
	return @{ shift @ahead } if @ahead;
	my ($kept, $long) = ('', 0);
	while (1)
	{
		my $end = index $buffer, "\n", $at;
		if ($end >= 0 || $ended)
		{
			my $line = $end >= 0 ? substr($buffer, $at, $end - $at) : substr($buffer, $at);
			return if $end < 0 && $line eq '' && !$long;
			$at = $end >= 0 ? $end + 1 : length $buffer;
			$lines_read++;
			$long = 1 if length $line > LONGEST;
			$line = $kept if $long && $kept ne '';
			$line =~ s/\r\z//;
			return ($line, $long);
		}
		substr($buffer, 0, $at, '');
		$at = 0;
		if (length $buffer > LONGEST)
		{
			$kept = substr $buffer, 0, SHOWN if !$long;
			$long = 1;
			$buffer = '';
		}
		my $n = sysread $in, $buffer, CHUNK, length $buffer;
		fail("can't read $file: $!") unless defined $n;
		$ended = 1 if $n == 0;
	}
}

# ---- records ------------------------------------------------------------------------

my ($separator, $csv);

sub set_separator
{
	($separator) = @_;
	$csv = Text::CSV->new({ binary => 1, sep_char => $separator, decode_utf8 => 0, auto_diag => 0 });
}

# Fields of a record that begins with this line, or the reason why there are none; and how many more lines it took.
sub fields_of
{
	my ($line) = @_;
	return ([ split /\Q$separator\E/, $line, -1 ], undef, 0) if index($line, '"') < 0;

	my $record = $line;
	my @more;
	my $open = ($line =~ tr/"//) % 2;
	while ($open && @more < MOST_LINES && length $record < LONGEST)
	{
		my ($next, $long) = next_line() or last;
		push @more, [ $next, $long ];
		last if $long;
		$record .= "\n$next";
		$open = 0 if ($next =~ tr/"//) % 2;
	}
	my $reason = 'a quoted field has no end';
	if (!$open)
	{
		return ([ $csv->fields ], undef, scalar @more) if $csv->parse($record);
		$reason = 'not CSV: ' . lcfirst((($csv->error_diag)[1] // 'unknown') =~ s/^\w+ - //r);
	}
	# the fault is in the first line: the others get their own chance
	unshift @ahead, @more;
	return (undef, $reason, 0);
}

sub unreadable
{
	my ($bytes) = @_;
	return 'line is longer than ' . LONGEST . ' bytes' if length $bytes > LONGEST;
	return 'line holds a NUL byte' if index($bytes, "\0") >= 0;
	if ($bytes =~ /[\x80-\xff]/)
	{
		my $copy = $bytes;
		return 'line is not UTF-8' unless eval { Encode::decode('UTF-8', $copy, Encode::FB_CROAK); 1 };
	}
	return undef;
}

# What can be shown of a line that can't be read.
sub shown
{
	my ($bytes) = @_;
	my $text = Encode::decode('UTF-8', substr($bytes, 0, SHOWN), sub { sprintf '<%02X>', shift });
	$text =~ s/([\x00-\x08\x0b-\x1f\x7f])/sprintf '<%02X>', ord $1/ge;
	return Encode::encode('UTF-8', $text);
}

sub cell
{
	my ($value) = @_;
	return '\N' unless defined $value;
	$value =~ s/([\\\n\r\t])/$1 eq "\n" ? '\\n' : $1 eq "\r" ? '\\r' : $1 eq "\t" ? '\\t' : '\\\\'/ge;
	return $value;
}

# ---- the columns ----------------------------------------------------------------------

my ($first, $first_long) = next_line();
fail("$file is empty") unless defined $first;
fail("$file is UTF-16; save it as UTF-8") if $first =~ /^(?:\xff\xfe|\xfe\xff)/;
$first =~ s/^\xef\xbb\xbf//;
if (my $reason = $first_long ? 'it is too long' : unreadable($first))
{
	fail("the first line of $file tells no columns: $reason; a file in another encoding: iconv -f GB18030 -t UTF-8");
}
my %count = map { $_ => scalar(() = $first =~ /\Q$_\E/g) } ',', ';', "\t";
set_separator((sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0]);

my ($head, $reason, $more) = fields_of($first);
fail("the first line of $file: $reason") unless $head;
my (%place, @found);
for my $i (0 .. $#$head)
{
	my $name = lc $head->[$i];
	$name =~ s/[\s_\-]+//g;
	my $column = $column_of{$name};
	next if !defined $column || exists $place{$column};
	$place{$column} = $i;
	push @found, "$column = $head->[$i]";
}
my $header = 1 + $more;
my $width = @$head;
my $list = 'member, time, amount, and if it likes order, store, lines';
if (!%place && $width >= 3 && $head->[2] =~ /^\s*-?[0-9]+(?:\.[0-9]*)?\s*$/)
{
	# data from the first line on
	%place = map { $order[$_] => $_ } grep { $_ < $width } 0 .. $#order;
	@found = ('by position: ' . join ', ', grep { exists $place{$_} } @order);
	unshift @ahead, [ $first, 0 ];
	$header = 0;
	$lines_read = 1;
	$width = @order if $width > @order;
	fail("can't begin with a record of several lines") if $more;
}
my @missing = grep { !exists $place{$_} } qw(member time amount);
fail("$file names no column for " . join(', ', @missing) . ". First line: " . shown($first) . ". It should name $list.")
	if @missing;
my $needed = (sort { $b <=> $a } map { $place{$_} } qw(member time amount))[0] + 1;

# ---- into the server ------------------------------------------------------------------

my @copy = (qw(psql -Xq -v ON_ERROR_STOP=1 -c),
	q(COPY member.import_row (line, member_key, at, amount, purchase_no, store, lines, reject) FROM STDIN));
$ENV{PGCLIENTENCODING} = 'UTF8';
open my $out, '|-:raw', @copy or fail("can't start psql: $!");
$SIG{PIPE} = 'IGNORE';

my ($rows, $blank, $continued, $unread, $cents) = (0, 0, 0, 0, 0);
my $line_no = $header;

while (my ($line, $long) = next_line())
{
	$line_no++;
	if (!$long && $line =~ /^\s*$/)
	{
		$blank++;
		next;
	}
	$rows++;
	my ($fields, $extra);
	my $why = $long ? 'line is longer than ' . LONGEST . ' bytes' : unreadable($line);
	if (!$why)
	{
		($fields, $why, $extra) = fields_of($line);
		if ($fields && $extra)
		{
			$why = unreadable(join $separator, @$fields);
		}
		if ($fields && !$why)
		{
			pop @$fields while @$fields > $width && $fields->[-1] =~ /^\s*$/;
			$why = @$fields < $needed ? sprintf('%d fields where %d are needed', scalar @$fields, $needed)
				: @$fields > $width ? sprintf('%d fields where there should be %d', scalar @$fields, $width)
				: undef;
		}
	}
	if ($why)
	{
		$unread++;
		print $out join("\t", $line_no, ('\N') x 5, cell(shown($line)), cell($why)), "\n" or fail('psql ended early');
	}
	else
	{
		my %row = map { $_ => $fields->[ $place{$_} ] } keys %place;
		# the sum of what reads as an amount, to be compared with what the server read
		if ($row{amount} =~ /^[ \t]*(-?)([0-9]{1,13})(?:\.([0-9]{0,2})0*)?[ \t]*$/)
		{
			my $value = $2 * 100 + substr(($3 // '') . '00', 0, 2);
			$cents += $1 ? -$value : $value;
		}
		print $out join("\t", $line_no, map { cell($row{$_}) } qw(member time amount order store lines)), "\t\\N\n"
			or fail('psql ended early');
	}
	if ($extra)
	{
		$line_no += $extra;
		$continued += $extra;
	}
}
close $out or fail('the server did not take the rows');

my $amount = sprintf '%03d', abs $cents;
substr($amount, -2, 0, '.');
$amount = "-$amount" if $cents < 0;
print "$_\n" for "lines=$lines_read", "header=$header", "rows=$rows", "continued=$continued", "blank=$blank",
	"unread=$unread", "amount=$amount", 'columns=' . shown(join ', ', @found);
