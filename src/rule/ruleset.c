/*
 * ruleset.c: making a program of many rules: equal parts once, in the order they are computed.
 */
#include "compat.h"

#include "common/hashfn.h"
#include "miscadmin.h"

#include "errors.h"
#include "rule/compile.h"
#include "rule/ruleset.h"

/* A node while the set is made; arguments are numbers of such nodes, each made before what uses it. */
typedef struct Part
{
	SetNode node;
	int class;
	uint32 hash;
	int32 next;	  /* in its chain of the hash table */
	int32 string; /* offset, of those that have one */
} Part;

struct RulesetBuild
{
	Part *part;
	int n;
	int room;
	int32 *chain; /* by hash: first part + 1 */
	int chains;
	int32 *arg;
	int n_args;
	int args_room;
	SetRule *rule;
	int n_rules;
	int rules_room;
	StringInfoData text;
	StringInfoData strings;
};

RulesetBuild *
ruleset_begin(void)
{
	RulesetBuild *b = palloc0(sizeof(RulesetBuild));

	b->room = 1024;
	b->part = palloc(b->room * sizeof(Part));
	b->chains = 4096;
	b->chain = palloc0(b->chains * sizeof(int32));
	b->args_room = 1024;
	b->arg = palloc(b->args_room * sizeof(int32));
	b->rules_room = 64;
	b->rule = palloc(b->rules_room * sizeof(SetRule));
	initStringInfo(&b->text);
	initStringInfo(&b->strings);
	return b;
}

/* ---- parts ---- */

static bool
has_key(const RuleNode *node)
{
	return (node->op == RULE_FIELD && (node->what == FIELD_ATTR || node->what == FIELD_EVENT)) ||
		   (node->op == RULE_MEASURE && rule_measures[node->what].takes == TAKES_KEY);
}

static bool
is_window(const RuleNode *node)
{
	return node->op == RULE_MEASURE && rule_measures[node->what].window;
}

static bool
is_number(const Part *p)
{
	return p->class == SET_WINDOW || p->class == SET_MEASURE || p->class == SET_ARITHMETIC ||
		   (p->class == SET_LITERAL && p->node.op == RULE_NUMBER) ||
		   (p->class == SET_FIELD && p->node.unit == TYPE_NUMBER);
}

/* What is compared on the fast path: numbers, without months. */
static bool
is_plain_compare(const RulesetBuild *b, const RuleNode *node, const int32 *args)
{
	const Part *bound = &b->part[args[1]];

	return node->op == RULE_COMPARE && is_number(&b->part[args[0]]) && is_number(bound) &&
		   !(bound->node.op == RULE_NUMBER && bound->node.what == RULE_MONTHS);
}

static SetClass
class_of(const RulesetBuild *b, const RuleNode *node, const int32 *args)
{
	switch ((RuleOp) node->op)
	{
		case RULE_AND:
		case RULE_OR:
		case RULE_NOT:
			return SET_JOIN;
		case RULE_TAG:
			return SET_TAG;
		case RULE_COMPARE:
			return is_plain_compare(b, node, args) ? SET_COMPARE : SET_CONDITION;
		case RULE_NUMBER:
		case RULE_STRING:
			return SET_LITERAL;
		case RULE_NEGATE:
		case RULE_ADD:
		case RULE_SUBTRACT:
		case RULE_MULTIPLY:
		case RULE_DIVIDE:
			return SET_ARITHMETIC;
		case RULE_MEASURE:
			return is_window(node) ? SET_WINDOW : SET_MEASURE;
		case RULE_FIELD:
			return node->unit == TYPE_CONDITION ? SET_CONDITION : SET_FIELD;
		default:
			return SET_CONDITION;
	}
}

static bool
same_part(const RulesetBuild *b, const Part *p, const SetNode *node, const int32 *args,
		  const char *string, int len)
{
	if (p->node.op != node->op || p->node.what != node->what || p->node.unit != node->unit ||
		p->node.n != node->n)
		return false;
	if (string ? p->node.arg != len || memcmp(b->strings.data + p->node.id, string, len) != 0
			   : p->node.micro != node->micro)
		return false;
	return node->n == 0 || memcmp(b->arg + p->node.args, args, node->n * sizeof(int32)) == 0;
}

static uint32
hash_part(const SetNode *node, const int32 *args, const char *string, int len)
{
	uint32 hash = (uint32) node->op << 24 | (uint32) node->what << 16 | (uint32) node->unit << 8;

	hash = hash_combine(hash, string ? hash_bytes((const unsigned char *) string, len)
									 : hash_bytes((const unsigned char *) &node->micro,
												  sizeof(node->micro)));
	if (node->n)
		hash = hash_combine(hash, hash_bytes((const unsigned char *) args,
											 node->n * (int) sizeof(int32)));
	return hash;
}

static void
rehash(RulesetBuild *b)
{
	b->chains *= 4;
	pfree(b->chain);
	b->chain = palloc0(b->chains * sizeof(int32));
	for (int i = 0; i < b->n; i++)
	{
		int32 *chain = &b->chain[b->part[i].hash & (b->chains - 1)];

		b->part[i].next = *chain;
		*chain = i + 1;
	}
}

static int32
new_part(RulesetBuild *b, const SetNode *node, const int32 *args, uint32 hash)
{
	Part *p;

	if (b->n == b->room)
	{
		b->room *= 2;
		b->part = repalloc_huge(b->part, b->room * sizeof(Part));
	}
	while (b->n_args + node->n > b->args_room)
	{
		b->args_room *= 2;
		b->arg = repalloc_huge(b->arg, b->args_room * sizeof(int32));
	}
	p = &b->part[b->n];
	p->node = *node;
	p->node.args = b->n_args;
	p->hash = hash;
	p->next = b->chain[hash & (b->chains - 1)];
	if (node->n)
		memcpy(b->arg + b->n_args, args, node->n * sizeof(int32));
	b->n_args += node->n;
	b->chain[hash & (b->chains - 1)] = b->n + 1;
	if (++b->n > b->chains)
		rehash(b);
	return b->n - 1;
}

/* The part that the node with these arguments is. */
static int32
find_part(RulesetBuild *b, const RuleNode *node, const int32 *args, const char *strings)
{
	bool keyed = has_key(node) || node->op == RULE_STRING;
	const char *string = keyed ? strings + node->id : NULL;
	SetNode set = {.op = node->op, .what = node->what, .unit = node->unit, .n = node->n};
	uint32 hash;
	int32 at;

	if (!keyed)
		set.micro = node->micro;
	hash = hash_part(&set, args, string, node->arg);
	for (at = b->chain[hash & (b->chains - 1)] - 1; at >= 0; at = b->part[at].next - 1)
		if (b->part[at].hash == hash && same_part(b, &b->part[at], &set, args, string, node->arg))
			return at;
	if (keyed)
	{
		set.id = b->strings.len;
		set.arg = node->arg;
		appendBinaryStringInfo(&b->strings, string, node->arg);
	}
	at = new_part(b, &set, args, hash);
	b->part[at].class = class_of(b, node, args);
	if (b->part[at].class == SET_COMPARE)
		b->part[at].node.exact = eval_is_exact(node + 1) && eval_is_exact(node + 1 + node[1].size);
	return at;
}

static int32
add_node(RulesetBuild *b, const RuleNode *node, const char *strings)
{
	int32 *args = node->n ? palloc(node->n * sizeof(int32)) : NULL;
	const RuleNode *arg = node + 1;
	int32 at;

	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	for (int i = 0; i < node->n; i++, arg += arg->size)
		args[i] = add_node(b, arg, strings);
	at = find_part(b, node, args, strings);
	if (args)
		pfree(args);
	return at;
}

void
ruleset_add(RulesetBuild *b, int32 id, const Rule *r)
{
	if (b->n_rules == b->rules_room)
	{
		b->rules_room *= 2;
		b->rule = repalloc(b->rule, b->rules_room * sizeof(SetRule));
	}
	b->rule[b->n_rules].id = id;
	b->rule[b->n_rules++].root = add_node(b, rule_nodes(r), rule_strings(r));
	appendStringInfo(&b->text, "%s%d: ", b->n_rules > 1 ? "; " : "", id);
	appendBinaryStringInfo(&b->text, r->text, r->text_len);
}

/* ---- packing ---- */

static int
by_order(const void *a, const void *b, void *arg)
{
	const Part *part = arg;
	int32 x = *(const int32 *) a;
	int32 y = *(const int32 *) b;
	const Part *p = &part[x];
	const Part *q = &part[y];

	if (p->class != q->class)
		return p->class - q->class;
	if (p->class == SET_COMPARE && p->node.exact != q->node.exact)
		return q->node.exact - p->node.exact;
	if (p->class == SET_COMPARE && p->node.what != q->node.what)
		return p->node.what - q->node.what;
	if (p->class == SET_WINDOW || p->class == SET_TAG)
	{
		if (p->node.id != q->node.id)
			return p->node.id < q->node.id ? -1 : 1;
		if (p->node.unit != q->node.unit)
			return p->node.unit - q->node.unit;
		if (p->node.arg != q->node.arg)
			return p->node.arg < q->node.arg ? -1 : 1;
	}
	return x < y ? -1 : 1;
}

/* The number of the measure's window among those of the set. */
static int32
window_number(RuleNode *windows, int *n, const SetNode *node)
{
	int i = 0;

	while (i < *n && (windows[i].unit != node->unit || windows[i].arg != node->arg))
		i++;
	if (i == *n)
	{
		windows[i] = (RuleNode){.op = RULE_MEASURE, .unit = node->unit, .size = 1};
		windows[i].arg = node->arg;
		(*n)++;
	}
	return i;
}

typedef struct SetPacking
{
	const RulesetBuild *b;
	int32 *order; /* parts in the order of registers */
	int32 *place; /* register of each part */
	SetNode *node;
	int32 *arg;
	RuleNode *window;
	int n_args;
	int n_windows;
} SetPacking;

/* The nodes in their order, arguments as registers. */
static void
place_nodes(SetPacking *k)
{
	const RulesetBuild *b = k->b;

	for (int i = 0; i < b->n; i++)
	{
		const Part *p = &b->part[k->order[i]];
		SetNode *node = &k->node[i];

		*node = p->node;
		node->args = k->n_args;
		for (int j = 0; j < node->n; j++)
			k->arg[k->n_args++] = k->place[b->arg[p->node.args + j]];
		if (p->class == SET_WINDOW)
			node->window = window_number(k->window, &k->n_windows, node);
		if (p->class == SET_COMPARE)
		{
			node->id = k->arg[node->args];
			node->arg = k->arg[node->args + 1];
		}
	}
}

static Ruleset *
assemble(const SetPacking *k)
{
	const RulesetBuild *b = k->b;
	Ruleset head = {.format = RULESET_FORMAT,
					.text_len = b->text.len,
					.n_rules = b->n_rules,
					.n_nodes = b->n,
					.n_windows = k->n_windows,
					.n_args = k->n_args,
					.strings_len = b->strings.len};
	Ruleset *set;
	Size size;
	int class = 0;

	size = ruleset_size(&head);
	set = MemoryContextAllocHuge(CurrentMemoryContext, size);
	memset(set, 0, size);
	memcpy(set, &head, offsetof(Ruleset, text));
	SET_VARSIZE(set, size);
	memcpy(set->text, b->text.data, b->text.len);
	set->hash = hash_bytes_extended((const unsigned char *) b->text.data, b->text.len, 0);
	for (int i = 0; i < b->n; i++)
		while (class <= b->part[k->order[i]].class)
			set->start[class ++] = i;
	while (class <= SET_CLASSES)
		set->start[class ++] = b->n;
	memcpy((SetNode *) ruleset_nodes(set), k->node, b->n * sizeof(SetNode));
	for (int i = 0; i < b->n_rules; i++)
		((SetRule *) ruleset_rules(set))[i] = (SetRule){b->rule[i].id, k->place[b->rule[i].root]};
	memcpy((RuleNode *) ruleset_windows(set), k->window, k->n_windows * sizeof(RuleNode));
	memcpy((int32 *) ruleset_args(set), k->arg, k->n_args * sizeof(int32));
	memcpy((char *) ruleset_strings(set), b->strings.data, b->strings.len);
	return set;
}

Ruleset *
ruleset_pack(RulesetBuild *b)
{
	SetPacking k = {.b = b};

	k.order = palloc((b->n + 1) * sizeof(int32));
	k.place = palloc((b->n + 1) * sizeof(int32));
	k.node = palloc0((b->n + 1) * sizeof(SetNode));
	k.arg = palloc((b->n_args + 1) * sizeof(int32));
	k.window = palloc((b->n + 1) * sizeof(RuleNode));
	for (int i = 0; i < b->n; i++)
		k.order[i] = i;
	qsort_arg(k.order, b->n, sizeof(int32), by_order, b->part);
	for (int i = 0; i < b->n; i++)
		k.place[k.order[i]] = i;
	place_nodes(&k);
	return assemble(&k);
}

/* ---- text ---- */

static bool
ruleset_refuse(Node *soft, int at, const char *detail)
{
	ereturn(soft, false, errcode(ERRCODE_RULE_SYNTAX), errmsg("invalid ruleset"),
			errdetail("At byte %d: %s.", at + 1, detail),
			errhint("A ruleset is written 12: rule; 13: rule, with ascending numbers."));
}

/* The number of a rule and the colon after it. */
static bool
read_id(const char **p, const char *start, int64 before, int64 *id, Node *soft)
{
	int64 n = 0;

	while (**p == ' ' || (**p >= '\t' && **p <= '\r'))
		(*p)++;
	if (**p < '0' || **p > '9')
		return ruleset_refuse(soft, *p - start, "expected the number of a rule");
	for (; **p >= '0' && **p <= '9' && n <= PG_INT32_MAX; (*p)++)
		n = n * 10 + (**p - '0');
	if (n < 1 || n > PG_INT32_MAX || n <= before)
		return ruleset_refuse(
			soft, *p - start,
			"numbers of rules ascend, from 1 to 2147483647, and each stands once");
	while (**p == ' ')
		(*p)++;
	if (*(*p)++ != ':')
		return ruleset_refuse(soft, *p - 1 - start, "expected \":\" after the number of a rule");
	*id = n;
	return true;
}

/* The end of the rule: a semicolon outside quotes, or the end. */
static const char *
rule_end(const char *p)
{
	char quote = '\0';

	for (; *p && (quote || *p != ';'); p++)
		if (quote ? *p == quote : *p == '\'' || *p == '"')
			quote = quote ? '\0' : *p;
	return p;
}

Ruleset *
ruleset_read(const char *text, Node *soft)
{
	RulesetBuild *b = ruleset_begin();
	const char *p = text;
	int64 id = 0;

	if (strlen(text) > RULESET_MAX_TEXT)
	{
		ereturn(soft, NULL, errcode(ERRCODE_RULE_TOO_LARGE),
				errmsg("invalid ruleset: it is too long"),
				errdetail("A ruleset has at most %d bytes, this one has %zu.", RULESET_MAX_TEXT,
						  strlen(text)));
	}
	if (strcmp(text, "empty") == 0)
		return ruleset_pack(b);
	for (;;)
	{
		const char *end;
		Rule *r;

		CHECK_FOR_INTERRUPTS();
		if (!read_id(&p, text, id, &id, soft))
			return NULL;
		end = rule_end(p);
		r = rule_compile_named(pnstrdup(p, end - p), NULL, soft, psprintf("rule %d", (int) id));
		if (r == NULL)
			return NULL;
		ruleset_add(b, (int32) id, r);
		pfree(r);
		if (*end == '\0')
			return ruleset_pack(b);
		p = end + 1;
	}
}
