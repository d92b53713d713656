# What the server tests share: a node that can hold a program, and the SQLSTATE a statement is refused with.
package MemberNode;

use strict;
use warnings;

use Exporter qw(import);
use PostgreSQL::Test::Cluster;

our @EXPORT = qw(new_node refusal value);

# A node that is not started yet; %options go to init().
sub new_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(%options, extra => [ '-E', 'UTF8', '--locale', 'C' ]);
	$node->append_conf('postgresql.conf', "timezone = 'Asia/Shanghai'\njit = off\n");
	return $node;
}

# SQLSTATE of the first statement refused, '' when all went well. user => another role to log in as.
sub refusal
{
	my ($node, $database, $sql, %options) = @_;
	my $connection = $node->connstr($database);
	$connection .= " user=$options{user}" if $options{user};
	my ($status, $out, $errors) = $node->psql($database, $sql, connstr => $connection,
		extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	return $1 if $errors =~ /(?:ERROR|FATAL):\s+(\w{5})\b/;
	return $status == 0 ? '' : "psql ended with $status: $errors";
}

# The answer, as that role; dies when it is refused.
sub value
{
	my ($node, $database, $sql, %options) = @_;
	my $connection = $node->connstr($database);
	$connection .= " user=$options{user}" if $options{user};
	return $node->safe_psql($database, $sql, connstr => $connection);
}

1;
