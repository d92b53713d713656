/*
 * names.c: the dictionary that gives names their ids: a jsonb value
 *
 *	 {"tags": {"美妆": 12}, "streams": {"orders": 1}, "purchases": 1, "wallets": {"points": 1}, "wallet": 1,
 *	  "ladders": {"consumer": 1}, "ladder": 1, "levels": {"1": {"normal": 0}}, "kinds": {"tea": 3},
 *	  "segments": {"vip": "spend(12mo) >= 5000"}}
 *
 * or a program, which names its own parts; and for a name it does not have, the nearest that it has.
 */
#include "compat.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/varlena.h"

#include "rule/compile.h"

static JsonbContainer *
section_of(const JsonbContainer *in, const char *section)
{
	JsonbValue value;

	if (in == NULL || !JsonContainerIsObject(in) ||
		getKeyJsonValueFromContainer((JsonbContainer *) in, section, strlen(section), &value) ==
			NULL ||
		value.type != jbvBinary)
		return NULL;
	return value.val.binary.data;
}

static JsonbContainer *
names_section(const RuleNames *names, const char *section)
{
	return names && names->json ? section_of(&names->json->root, section) : NULL;
}

static JsonbContainer *
levels_of(const RuleNames *names, int32 ladder)
{
	char key[16];

	pg_ltoa(ladder, key);
	return section_of(names_section(names, NAMES_LEVELS), key);
}

static bool
number_of(const JsonbValue *value, int32 *number)
{
	bool error = false;

	if (value->type != jbvNumeric)
		return false;
	*number = numeric_int4_opt_error(value->val.numeric, &error);
	return !error;
}

static bool
find_number(JsonbContainer *in, const char *name, int len, int32 *id)
{
	JsonbValue value;

	return in && JsonContainerIsObject(in) && getKeyJsonValueFromContainer(in, name, len, &value) &&
		   number_of(&value, id);
}

/* ---- the names of a program ---- */

/* The i-th name of a section, NULL after the last; level: of that ladder. */
static const char *
program_name(const Program *p, const char *section, int32 ladder, int i, int32 *id)
{
	if (strcmp(section, NAMES_WALLETS) == 0 && i < p->n_wallets)
	{
		*id = program_wallets(p)[i].id;
		return program_wallets(p)[i].code;
	}
	if (strcmp(section, NAMES_STREAMS) == 0 && i < p->n_streams)
	{
		*id = program_streams(p)[i].id;
		return program_streams(p)[i].code;
	}
	if (strcmp(section, NAMES_LADDERS) == 0 && i < p->n_ladders)
	{
		*id = program_ladders(p)[i].id;
		return program_ladders(p)[i].code;
	}
	if (strcmp(section, NAMES_LEVELS) == 0 && i < p->n_levels)
	{
		*id = program_levels(p)[i].ladder == ladder ? program_levels(p)[i].level : -1;
		return program_levels(p)[i].code;
	}
	return NULL;
}

static bool
program_find(const Program *p, const char *section, int32 ladder, const char *name, int len,
			 int32 *id)
{
	const char *code;

	for (int i = 0; (code = program_name(p, section, ladder, i, id)) != NULL; i++)
		if (*id >= 0 && strlen(code) == len && memcmp(code, name, len) == 0)
			return true;
	return false;
}

static char *
program_name_of(const Program *p, const char *section, int32 ladder, int32 id)
{
	const char *code;
	int32 found;

	for (int i = 0; (code = program_name(p, section, ladder, i, &found)) != NULL; i++)
		if (found == id)
			return pstrdup(code);
	return NULL;
}

static int32
program_default(const Program *p, const char *key)
{
	if (strcmp(key, "purchases") == 0)
		return program_purchases(p) ? program_purchases(p)->id : 0;
	if (strcmp(key, "wallet") == 0)
		return p->n_wallets ? program_wallets(p)->id : 0;
	return p->n_levels ? program_levels(p)->ladder : 0;
}

static void
near_program(NearName *near, const Program *p, const char *section, int32 ladder)
{
	const char *code;
	int32 id;

	for (int i = 0; (code = program_name(p, section, ladder, i, &id)) != NULL; i++)
		if (id >= 0)
			near_try(near, code, strlen(code));
}

/* ---- ids of names ---- */

bool
names_find(const RuleNames *names, const char *section, const char *name, int len, int32 *id)
{
	if (names && names->program)
		return program_find(names->program, section, 0, name, len, id);
	return find_number(names_section(names, section), name, len, id);
}

bool
names_level(const RuleNames *names, int32 ladder, const char *name, int len, int32 *id)
{
	if (names && names->program)
		return program_find(names->program, NAMES_LEVELS, ladder, name, len, id);
	return find_number(levels_of(names, ladder), name, len, id);
}

/* The id that stands when none is named; 0: there is none. */
int32
names_default(const RuleNames *names, const char *key)
{
	int32 id = 0;

	if (names && names->program)
		return program_default(names->program, key);
	if (names && find_number(&names->json->root, key, strlen(key), &id))
		return id;
	return 0;
}

/* The text of a segment's rule, or NULL. */
char *
names_segment(const RuleNames *names, const char *name, int len)
{
	JsonbContainer *segments = names_section(names, "segments");
	JsonbValue value;

	if (segments == NULL || !JsonContainerIsObject(segments) ||
		getKeyJsonValueFromContainer(segments, name, len, &value) == NULL ||
		value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* ---- back from ids ---- */

static char *
find_name(JsonbContainer *in, int32 id)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value;
	char *name = NULL;

	if (in == NULL || !JsonContainerIsObject(in))
		return NULL;
	it = JsonbIteratorInit(in);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		int32 number;

		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && number_of(&value, &number) && number == id)
			return name;
	}
	return NULL;
}

/* The name of an id, palloc'd; NULL when the dictionary has none. */
char *
names_of(const RuleNames *names, const char *section, int32 id)
{
	if (names && names->program)
		return program_name_of(names->program, section, 0, id);
	return find_name(names_section(names, section), id);
}

char *
names_of_level(const RuleNames *names, int32 ladder, int32 level)
{
	if (names && names->program)
		return program_name_of(names->program, NAMES_LEVELS, ladder, level);
	return find_name(levels_of(names, ladder), level);
}

/* ---- near names ---- */

#define NEAR_MAX 60 /* bytes of a name that is compared */

void
near_begin(NearName *near, const char *name, int len)
{
	near->name = name;
	near->len = len;
	near->distance = len > NEAR_MAX ? 0 : 1 + Min(2, Max(1, pg_mbstrlen_with_len(name, len) / 2));
	near->best[0] = '\0';
}

void
near_try(NearName *near, const char *candidate, int len)
{
	int distance;

	if (len > NEAR_MAX || near->distance == 0)
		return;
	distance = varstr_levenshtein_less_equal(near->name, near->len, candidate, len, 1, 1, 1,
											 near->distance - 1, true);
	if (distance < near->distance)
	{
		near->distance = distance;
		memcpy(near->best, candidate, len);
		near->best[len] = '\0';
	}
}

static void
near_container(NearName *near, JsonbContainer *in)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue value;

	if (in == NULL || !JsonContainerIsObject(in))
		return;
	it = JsonbIteratorInit(in);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY)
			near_try(near, value.val.string.val, value.val.string.len);
}

void
near_section(NearName *near, const RuleNames *names, const char *section)
{
	if (names && names->program)
		near_program(near, names->program, section, 0);
	near_container(near, names_section(names, section));
}

void
near_levels(NearName *near, const RuleNames *names, int32 ladder)
{
	if (names && names->program)
		near_program(near, names->program, NAMES_LEVELS, ladder);
	near_container(near, levels_of(names, ladder));
}
