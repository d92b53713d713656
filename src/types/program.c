/*
 * program.c: looking things up in a program.
 */
#include "compat.h"

#include "common/hashfn.h"
#include "pgtime.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "types/program.h"
#include "util/day.h"
#include "util/read.h"

const Program *
program_open(Datum value)
{
	const Program *p = (const Program *) PG_DETOAST_DATUM(value);

	if (VARSIZE(p) < sizeof(Program) || p->format != PROGRAM_FORMAT || p->flags != 0)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED), errmsg("unknown format of a program value"),
				errhint("Publish the catalog again with this version of the extension."));
	return p;
}

const ProgramWallet *
program_wallet(const Program *p, int16 id)
{
	const ProgramWallet *w = program_wallets(p);

	for (int i = 0; i < p->n_wallets; i++)
		if (w[i].id == id)
			return &w[i];
	return NULL;
}

const ProgramWallet *
program_wallet_named(const Program *p, const char *code)
{
	const ProgramWallet *w = program_wallets(p);

	for (int i = 0; i < p->n_wallets; i++)
		if (strcmp(w[i].code, code) == 0)
			return &w[i];
	ereport(ERROR, errcode(ERRCODE_UNKNOWN_WALLET), errmsg("unknown wallet \"%s\"", code),
			errhint("The wallets are in member.wallet; a new one counts after member.publish()."));
	return NULL;
}

/* The stream that purchases feed. */
const ProgramStream *
program_purchases(const Program *p)
{
	const ProgramStream *s = program_streams(p);

	for (int i = 0; i < p->n_streams; i++)
		if (s[i].purchases)
			return &s[i];
	return NULL;
}

/* NULL: one of which only levels are known. */
const ProgramLadder *
program_ladder(const Program *p, int16 id)
{
	const ProgramLadder *d = program_ladders(p);

	for (int i = 0; i < p->n_ladders; i++)
		if (d[i].id == id)
			return &d[i];
	return NULL;
}

const ProgramLevel *
program_level(const Program *p, int16 ladder, int16 level)
{
	const ProgramLevel *l = program_levels(p);

	for (int i = 0; i < p->n_levels; i++)
		if (l[i].ladder == ladder && l[i].level == level)
			return &l[i];
	return NULL;
}

static DateADT
find_hour(const char *zone_name, TimestampTz at, int *hour)
{
	pg_tz *zone = find_zone(zone_name, strlen(zone_name));
	struct pg_tm tm = {0};
	fsec_t fsec;
	int offset;
	DateADT day = DATEVAL_NOBEGIN;

	if (zone && !TIMESTAMP_NOT_FINITE(at) && timestamp2tm(at, &offset, &tm, &fsec, NULL, zone) == 0)
		day = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) - POSTGRES_EPOCH_JDATE;
	if (!day_in_range(day))
		ereport(ERROR, errcode(ERRCODE_DAY_OUT_OF_RANGE), errmsg("moment is out of range"),
				errdetail("It must lie between the years 1900 and 9999."));
	*hour = tm.tm_hour;
	return day;
}

/*
 * The day of a moment in a time zone, and the hour of that day.  A step asks for the same moments several times, and
 * those of a night ask for the same: the last answers are kept, each in the place of its moment.
 */
static DateADT
zone_hour(const char *zone, TimestampTz at, int *hour)
{
	static struct
	{
		char zone[TZ_STRLEN_MAX + 1]; /* empty: no answer */
		TimestampTz at;
		DateADT day;
		int hour;
	} kept[16];
	int place = (int) (murmurhash32((uint32) (at ^ (at >> 32))) % lengthof(kept));

	if (at != kept[place].at || strcmp(zone, kept[place].zone) != 0)
	{
		kept[place].zone[0] = '\0';
		kept[place].day = find_hour(zone, at, &kept[place].hour);
		kept[place].at = at;
		strlcpy(kept[place].zone, zone, sizeof(kept[place].zone));
	}
	*hour = kept[place].hour;
	return kept[place].day;
}

DateADT
program_hour(const Program *p, TimestampTz at, int *hour)
{
	return zone_hour(p->zone, at, hour);
}

DateADT
zone_day(const char *zone, TimestampTz at)
{
	int hour;

	return zone_hour(zone, at, &hour);
}

DateADT
program_day(const Program *p, TimestampTz at)
{
	int hour;

	return program_hour(p, at, &hour);
}

/* The first day on which points earned that day are gone. */
DateADT
program_until(const ProgramWallet *w, DateADT earned)
{
	switch ((Expiry) w->expiry)
	{
		case EXPIRY_NEVER:
			break;
		case EXPIRY_DAYS:
			return earned + w->expiry_n;
		case EXPIRY_MONTHS:
		case EXPIRY_INACTIVITY:
			return add_months(earned, w->expiry_n);
		case EXPIRY_MONTH_END:
			return month_start(month_of(earned) + w->expiry_n + 1);
		case EXPIRY_QUARTER_END:
			return month_start((month_of(earned) / 3 + w->expiry_n + 1) * 3);
		case EXPIRY_YEAR_END:
			return month_start((month_of(earned) / 12 + w->expiry_n + 1) * 12);
		case EXPIRY_YEARLY:
		{
			DateADT least = Max(add_months(earned, w->expiry_n), earned + 1);
			DateADT day =
				month_start(month_of(least) / 12 * 12 + w->expiry_month - 1) + w->expiry_day - 1;

			return day >= least ? day : add_months(day, 12);
		}
	}
	return DATEVAL_NOEND;
}
