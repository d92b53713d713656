/*
 * print.c: the text of a rule, canonical with ids, or for people with the names of a dictionary.
 *
 * What is printed is read as the same tree.  Parentheses stand only where they are needed.
 */
#include "compat.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "rule/compile.h"

typedef struct Printer
{
	StringInfo out;
	const RuleNode *nodes;
	const char *strings;
	const RuleNames *names;
	int depth;
	int deepest;
} Printer;

/* How strongly an operator binds its arguments. */
typedef enum Binding
{
	BINDS_OR = 1,
	BINDS_AND,
	BINDS_NOT,
	BINDS_COMPARISON,
	BINDS_SUM,
	BINDS_PRODUCT,
	BINDS_SIGN,
	BINDS_VALUE
} Binding;

static void print_node(Printer *p, int at, Binding around);

static Binding
binding(const RuleNode *node)
{
	switch ((RuleOp) node->op)
	{
		case RULE_OR:
			return BINDS_OR;
		case RULE_AND:
			return BINDS_AND;
		case RULE_NOT:
			return BINDS_NOT;
		case RULE_COMPARE:
		case RULE_BETWEEN:
		case RULE_IN:
		case RULE_KNOWN:
			return BINDS_COMPARISON;
		case RULE_ADD:
		case RULE_SUBTRACT:
			return BINDS_SUM;
		case RULE_MULTIPLY:
		case RULE_DIVIDE:
			return BINDS_PRODUCT;
		case RULE_NEGATE:
			return BINDS_SIGN;
		default:
			return BINDS_VALUE;
	}
}

/* ---- literals and names ---- */

void
rule_print_number(StringInfo out, int64 micro, uint8 unit)
{
	uint64 size = micro < 0 ? 0 - (uint64) micro : (uint64) micro;

	if (micro < 0)
		appendStringInfoChar(out, '-');
	appendStringInfo(out, UINT64_FORMAT, size / RULE_MICRO);
	if (size % RULE_MICRO)
	{
		appendStringInfo(out, ".%06d", (int) (size % RULE_MICRO));
		while (out->data[out->len - 1] == '0')
			out->data[--out->len] = '\0';
	}
	if (unit == RULE_DAYS)
		appendStringInfoChar(out, 'd');
	else if (unit == RULE_MONTHS)
		appendStringInfoString(out, "mo");
}

static void
print_quoted(StringInfo out, const char *text, int len, char quote)
{
	appendStringInfoChar(out, quote);
	for (int i = 0; i < len; i++)
	{
		if (text[i] == quote)
			appendStringInfoChar(out, quote);
		appendStringInfoChar(out, text[i]);
	}
	appendStringInfoChar(out, quote);
}

static bool
is_word(const char *text, int len)
{
	if (len == 0 || (text[0] >= '0' && text[0] <= '9'))
		return false;
	for (int i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (!(c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			  (c >= 'A' && c <= 'Z')))
			return false;
	}
	return true;
}

/* A name as an argument: a window's name is quoted, so that it is none. */
static void
print_name(StringInfo out, const char *name, char quote)
{
	bool plain = is_word(name, (int) strlen(name));

	for (int i = RULE_THIS_MONTH; i <= RULE_LAST_MEMBER_YEAR && plain; i++)
		plain = pg_strcasecmp(name, rule_windows[i]) != 0;
	if (plain)
		appendStringInfoString(out, name);
	else
		print_quoted(out, name, (int) strlen(name), quote);
}

static void
print_id(Printer *p, const char *section, int32 id, char quote)
{
	char *name = names_of(p->names, section, id);

	if (name)
		print_name(p->out, name, quote);
	else
		appendStringInfo(p->out, "%d", id);
}

static void
print_key(Printer *p, const RuleNode *node, const char *of)
{
	const char *key = p->strings + node->id;

	appendStringInfo(p->out, "%s.", of);
	if (is_word(key, node->arg))
		appendBinaryStringInfo(p->out, key, node->arg);
	else
		print_quoted(p->out, key, node->arg, '"');
}

/* ---- measures ---- */

static void
print_window(Printer *p, const RuleNode *node)
{
	if (node->unit == RULE_DAYS || node->unit == RULE_MONTHS)
		rule_print_number(p->out, (int64) node->arg * RULE_MICRO, node->unit);
	else
		appendStringInfoString(p->out, rule_windows[node->unit]);
}

/* Of a measure of all purchases the name it has without a stream, or NULL. */
static const char *
purchase_name(const Printer *p, const RuleNode *node)
{
	if (p->names == NULL || node->id != names_default(p->names, "purchases"))
		return NULL;
	switch ((RuleMeasure) node->what)
	{
		case MEASURE_COUNT_OF:
			return "orders";
		case MEASURE_AMOUNT_OF:
			return "spend";
		case MEASURE_LARGEST_OF:
			return "max_order";
		default:
			return rule_measures[node->what].name;
	}
}

/* name(stream, window or kind), or short_name(window), which stands for a stream */
static void
print_stream_measure(Printer *p, const RuleNode *node, const char *name, const char *short_name)
{
	bool windowed = node->unit != RULE_LIFE;
	bool kind = !windowed && node->arg != 0;

	if (kind)
		short_name = NULL;
	appendStringInfoString(p->out, short_name ? short_name : name);
	if (short_name && !windowed)
		return;
	appendStringInfoChar(p->out, '(');
	if (!short_name)
		print_id(p, NAMES_STREAMS, node->id, '\'');
	if (!short_name && (windowed || kind))
		appendStringInfoString(p->out, ", ");
	if (windowed)
		print_window(p, node);
	else if (kind)
		print_id(p, NAMES_KINDS, node->arg, '\'');
	appendStringInfoChar(p->out, ')');
}

static void
print_wallet_measure(Printer *p, const RuleNode *node, const MeasureSpec *spec)
{
	char *name = names_of(p->names, NAMES_WALLETS, node->id);

	if (name && node->what == MEASURE_BALANCE && is_word(name, (int) strlen(name)) &&
		!rule_word_is_taken(name))
	{
		appendStringInfoString(p->out, name);
		return;
	}
	appendStringInfo(p->out, "%s(", spec->name);
	print_id(p, NAMES_WALLETS, node->id, '\'');
	if (spec->days)
		appendStringInfo(p->out, ", %dd", node->arg);
	appendStringInfoChar(p->out, ')');
}

static void
print_measure(Printer *p, const RuleNode *node)
{
	const MeasureSpec *spec = &rule_measures[node->what];

	switch ((RuleTakes) spec->takes)
	{
		case TAKES_NOTHING:
			appendStringInfoString(p->out, spec->name);
			break;
		case TAKES_STREAM:
			print_stream_measure(p, node, spec->name, purchase_name(p, node));
			break;
		case TAKES_WALLET:
			print_wallet_measure(p, node, spec);
			break;
		case TAKES_LADDER:
			appendStringInfoString(p->out, spec->name);
			if (p->names && node->id == names_default(p->names, "ladder"))
				break;
			appendStringInfoChar(p->out, '(');
			print_id(p, NAMES_LADDERS, node->id, '\'');
			appendStringInfoChar(p->out, ')');
			break;
		case TAKES_TAG:
			appendStringInfo(p->out, "%s(#", spec->name);
			print_id(p, NAMES_TAGS, node->id, '"');
			appendStringInfoChar(p->out, ')');
			break;
		case TAKES_KEY:
			appendStringInfo(p->out, "%s(", spec->name);
			print_key(p, node, rule_fields[FIELD_ATTR]);
			appendStringInfoChar(p->out, ')');
			break;
	}
}

/* amount(s, w) / count(s, w), written as the average it is; not in canonical text */
static bool
print_average(Printer *p, int at)
{
	const RuleNode *a = &p->nodes[at + 1];
	const RuleNode *b = a + 1;
	const char *purchases;

	if (p->names == NULL || a->op != RULE_MEASURE || b->op != RULE_MEASURE ||
		a->what != MEASURE_AMOUNT_OF || b->what != MEASURE_COUNT_OF || a->id != b->id ||
		a->unit != b->unit || a->arg != b->arg)
		return false;
	purchases = purchase_name(p, a) ? "avg_order" : NULL;
	print_stream_measure(p, a, "avg", purchases);
	return true;
}

/* ---- operators ---- */

/* The name of a bound that is a level or a group; NULL: it has none. */
static const char *
bound_name(const Printer *p, const RuleNode *value, const RuleNode *bound)
{
	int64 number = bound->micro / RULE_MICRO;
	const RfmGroups *groups;

	if (p->names == NULL || bound->op != RULE_NUMBER || value->op != RULE_MEASURE ||
		bound->micro % RULE_MICRO != 0)
		return NULL;
	if (value->what == MEASURE_TIER)
		return names_of_level(p->names, value->id, (int32) number);
	groups = rule_measures[value->what].groups;
	if (groups == NULL || number < groups->first || number > groups->last)
		return NULL;
	return groups->names[number - groups->first].zh;
}

static void
print_bound(Printer *p, const RuleNode *value, int at, Binding around)
{
	const char *name = bound_name(p, value, &p->nodes[at]);

	if (name)
		print_quoted(p->out, name, (int) strlen(name), '\'');
	else
		print_node(p, at, around);
}

static void
print_chain(Printer *p, int at, const char *word, Binding around)
{
	int arg = at + 1;

	for (int i = 0; i < p->nodes[at].n; i++, arg += p->nodes[arg].size)
	{
		if (i > 0)
			appendStringInfo(p->out, " %s ", word);
		print_node(p, arg, around + 1);
	}
}

static void
print_binary(Printer *p, int at, const char *sign, Binding left, Binding right)
{
	int a = at + 1;

	print_node(p, a, left);
	appendStringInfo(p->out, " %s ", sign);
	print_bound(p, &p->nodes[a], a + p->nodes[a].size, right);
}

static void
print_in(Printer *p, int at)
{
	int value = at + 1;
	int item = value + p->nodes[value].size;

	print_node(p, value, BINDS_SUM);
	appendStringInfoString(p->out, " in (");
	for (int i = 1; i < p->nodes[at].n; i++, item += p->nodes[item].size)
	{
		if (i > 1)
			appendStringInfoString(p->out, ", ");
		print_bound(p, &p->nodes[value], item, BINDS_SUM);
	}
	appendStringInfoChar(p->out, ')');
}

static void
print_between(Printer *p, int at)
{
	int value = at + 1;
	int low = value + p->nodes[value].size;
	int high = low + p->nodes[low].size;

	print_node(p, value, BINDS_SUM);
	appendStringInfoString(p->out, " between ");
	print_bound(p, &p->nodes[value], low, BINDS_SUM);
	appendStringInfoString(p->out, " and ");
	print_bound(p, &p->nodes[value], high, BINDS_SUM);
}

static void
print_field(Printer *p, const RuleNode *node)
{
	if (node->what == FIELD_ATTR || node->what == FIELD_EVENT)
		print_key(p, node, rule_fields[node->what]);
	else
		appendStringInfoString(p->out, rule_fields[node->what]);
}

static void
print_plain(Printer *p, int at)
{
	const RuleNode *node = &p->nodes[at];

	switch ((RuleOp) node->op)
	{
		case RULE_BOOL:
			appendStringInfoString(p->out, node->arg ? "true" : "false");
			break;
		case RULE_TAG:
			appendStringInfoChar(p->out, '#');
			print_id(p, NAMES_TAGS, node->id, '"');
			break;
		case RULE_NUMBER:
			rule_print_number(p->out, node->micro, node->what);
			break;
		case RULE_STRING:
			print_quoted(p->out, p->strings + node->id, node->arg, '\'');
			break;
		case RULE_MEASURE:
			print_measure(p, node);
			break;
		default:
			print_field(p, node);
			break;
	}
}

static void
print_operator(Printer *p, int at)
{
	const RuleNode *node = &p->nodes[at];

	switch ((RuleOp) node->op)
	{
		case RULE_AND:
			print_chain(p, at, "and", BINDS_AND);
			break;
		case RULE_OR:
			print_chain(p, at, "or", BINDS_OR);
			break;
		case RULE_NOT:
			appendStringInfoString(p->out, "not ");
			print_node(p, at + 1, BINDS_NOT);
			break;
		case RULE_COMPARE:
			print_binary(p, at, rule_comparisons[node->what], BINDS_SUM, BINDS_SUM);
			break;
		case RULE_BETWEEN:
			print_between(p, at);
			break;
		case RULE_IN:
			print_in(p, at);
			break;
		case RULE_KNOWN:
			print_node(p, at + 1, BINDS_SUM);
			appendStringInfoString(p->out, " is known");
			break;
		case RULE_NEGATE:
			appendStringInfoChar(p->out, '-');
			print_node(p, at + 1, BINDS_SIGN);
			break;
		case RULE_ADD:
			print_binary(p, at, "+", BINDS_SUM, BINDS_PRODUCT);
			break;
		case RULE_SUBTRACT:
			print_binary(p, at, "-", BINDS_SUM, BINDS_PRODUCT);
			break;
		case RULE_MULTIPLY:
			print_binary(p, at, "*", BINDS_PRODUCT, BINDS_SIGN);
			break;
		case RULE_DIVIDE:
			if (!print_average(p, at))
				print_binary(p, at, "/", BINDS_PRODUCT, BINDS_SIGN);
			break;
		default:
			print_plain(p, at);
			break;
	}
}

static void
print_node(Printer *p, int at, Binding around)
{
	const RuleNode *node = &p->nodes[at];
	Binding binds = binding(node);
	bool parentheses = binds < around;
	int nests = parentheses + (node->op == RULE_NOT) + (node->op == RULE_NEGATE) +
				(node->op == RULE_NUMBER && node->micro < 0);

	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	p->depth += nests;
	p->deepest = Max(p->deepest, p->depth);
	if (parentheses)
		appendStringInfoChar(p->out, '(');
	print_operator(p, at);
	if (parentheses)
		appendStringInfoChar(p->out, ')');
	p->depth -= nests;
}

int
rule_print(StringInfo out, const RuleNode *nodes, const char *strings, int at,
		   const RuleNames *names)
{
	Printer p = {out, nodes, strings, names};

	print_node(&p, at, BINDS_OR);
	return p.deepest;
}
