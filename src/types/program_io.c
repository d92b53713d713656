/*
 * program_io.c: reading the text of a program.
 *
 *	 program 3 zone 'Asia/Shanghai' remind 30,15,3;
 *	 wallet 1 points month_end 6 pending 0 lots 24 debt spendable;
 *	 wallet 3 gifts yearly 6 07-01 pending release lots 24 debt spendable cap 100000 transferable fee 5 cooling 3;
 *	 stream 1 orders days 400 months 24 purchases;
 *	 stream 2 signin days 400 months 12;
 *	 stream 3 tea days 400 months 12 of line amount {event.quantity} where {event.category = 'tea'};
 *	 earn buy stream 1 wallet 1 give 1 per 1.00 round down tiered;
 *	 earn daily stream 2 wallet 1 give 1,2,3,4,5 cap 1;
 *	 ladder 1 consumer validity rolling fall step;
 *	 level 1 0 normal multiplier 1000;
 *	 level 1 1 regular multiplier 1200 months 3 grace 30 qualify {orders(30d) >= 3} keep {orders(90d) >= 6};
 *	 tag 7 given {event.amount >= 100};
 *
 * Binary form is the text.  Publishing writes this text, so what is refused here can't be published.
 */
#include "compat.h"

#include "libpq/pqformat.h"
#include "pgtime.h"
#include "utils/builtins.h"

#include "errors.h"
#include "types/program_draft.h"
#include "util/day.h"
#include "util/scan.h"

bool
program_fail(Scanner *s, const char *message)
{
	ereturn(s->soft, false, errcode(ERRCODE_INVALID_PROGRAM),
			errmsg("invalid program: %s", message),
			errdetail("At character %d.", (int) (s->p - s->start) + 1));
}

bool
scan_small(Scanner *s, int min, int max, int16 *value)
{
	int64 v = 0;

	if (!scan_int(s, min, max, &v))
		return false;
	*value = (int16) v;
	return true;
}

/* An amount such as 500 or 49.90, in minor units. */
static bool
scan_money(Scanner *s, int64 *minor)
{
	if (!scan_int(s, 0, INT64CONST(10000000000000), minor))
		return false;
	*minor *= 100;
	if (*s->p == '.')
	{
		int cents = 0;

		for (int i = 0; i < 2; i++)
		{
			s->p++;
			if (*s->p < '0' || *s->p > '9')
				return scan_fail(s, "two decimals");
			cents = cents * 10 + (*s->p - '0');
		}
		s->p++;
		*minor += cents;
	}
	return true;
}

static bool
scan_quoted(Scanner *s, char *out, Size size)
{
	const char *end;

	if (!scan_expect(s, '\''))
		return false;
	end = strchr(s->p, '\'');
	if (end == NULL || end - s->p >= size)
		return scan_fail(s, "a closing quote");
	memset(out, 0, size);
	memcpy(out, s->p, end - s->p);
	s->p = end + 1;
	return true;
}

static bool
read_head(Scanner *s, Draft *d)
{
	int64 version;

	if (!scan_int(s, 0, PG_INT32_MAX, &version))
		return false;
	d->head.version = (int32) version;
	while (!scan_is(s, ';'))
	{
		if (scan_is_word(s, "zone"))
		{
			if (!scan_quoted(s, d->head.zone, PROGRAM_ZONE))
				return false;
		}
		else if (scan_is_word(s, "remind"))
		{
			int n = 0;

			do
			{
				if (n == PROGRAM_REMINDERS)
					return program_fail(s, "too many reminders");
				if (!scan_small(s, 1, 1000, &d->head.reminders[n++]))
					return false;
			} while (scan_is(s, ','));
		}
		else
			return scan_fail(s, "zone, remind or \";\"");
	}
	return pg_tzset(d->head.zone) != NULL || program_fail(s, "unknown time zone");
}

/* yearly 6 07-01: gone on the first July 1st at least six months away */
static bool
read_yearly(Scanner *s, ProgramWallet *w)
{
	w->expiry = EXPIRY_YEARLY;
	if (!scan_small(s, 0, 1000, &w->expiry_n) || !scan_small(s, 1, 12, &w->expiry_month) ||
		!scan_expect(s, '-') || !scan_small(s, 1, 31, &w->expiry_day))
		return false;
	return w->expiry_day <= day_tab[0][w->expiry_month - 1] ||
		   program_fail(s, "no such day in every year");
}

/* What a wallet allows besides earning; *found: whether it was one of these options. */
static bool
read_wallet_rule(Scanner *s, ProgramWallet *w, bool *found)
{
	*found = true;
	if (scan_is_word(s, "grace"))
		return scan_small(s, 1, 1000, &w->hold_grace);
	if (scan_is_word(s, "reinstate"))
		return scan_small(s, 1, 1000, &w->reinstate_days);
	if (scan_is_word(s, "cap"))
		return scan_int(s, 1, LOTS_MAX_AMOUNT, &w->cap);
	if (scan_is_word(s, "code_above"))
		return scan_int(s, 1, LOTS_MAX_AMOUNT, &w->code_above);
	if (scan_is_word(s, "approve_above"))
		return scan_int(s, 1, LOTS_MAX_AMOUNT, &w->approve_above);
	if (scan_is_word(s, "transferable"))
		w->transferable = true;
	else if (scan_is_word(s, "fee"))
		return scan_small(s, 1, 1000, &w->transfer_fee);
	else if (scan_is_word(s, "cooling"))
		return scan_small(s, 1, 1000, &w->cooling_days);
	else if (scan_is_word(s, "day_cap"))
		return scan_int(s, 1, LOTS_MAX_AMOUNT, &w->transfer_day_cap);
	else
		*found = false;
	return true;
}

static bool
read_pending(Scanner *s, ProgramWallet *w)
{
	if (!scan_is_word(s, "release"))
		return scan_small(s, 0, 1000, &w->pending_days);
	w->pending_days = PENDING_RELEASE;
	return true;
}

static bool
read_wallet(Scanner *s, Draft *d)
{
	ProgramWallet *w = &d->wallet[d->head.n_wallets++];

	w->max_lots = 64;
	w->policy = REVERSE_DEBT;
	if (!scan_small(s, 1, PG_INT16_MAX, &w->id) || !scan_word(s, w->code, PROGRAM_NAME))
		return false;
	while (!scan_is(s, ';'))
	{
		bool ok = true, found;

		if (scan_is_word(s, "never"))
			w->expiry = EXPIRY_NEVER, w->expiry_n = 0;
		else if (scan_is_word(s, "days"))
			w->expiry = EXPIRY_DAYS, ok = scan_small(s, 1, 10000, &w->expiry_n);
		else if (scan_is_word(s, "months"))
			w->expiry = EXPIRY_MONTHS, ok = scan_small(s, 1, 1000, &w->expiry_n);
		else if (scan_is_word(s, "month_end"))
			w->expiry = EXPIRY_MONTH_END, ok = scan_small(s, 0, 1000, &w->expiry_n);
		else if (scan_is_word(s, "quarter_end"))
			w->expiry = EXPIRY_QUARTER_END, ok = scan_small(s, 0, 1000, &w->expiry_n);
		else if (scan_is_word(s, "year_end"))
			w->expiry = EXPIRY_YEAR_END, ok = scan_small(s, 0, 100, &w->expiry_n);
		else if (scan_is_word(s, "yearly"))
			ok = read_yearly(s, w);
		else if (scan_is_word(s, "inactivity"))
			w->expiry = EXPIRY_INACTIVITY, ok = scan_small(s, 1, 1000, &w->expiry_n);
		else if (scan_is_word(s, "pending"))
			ok = read_pending(s, w);
		else if (scan_is_word(s, "lots"))
			ok = scan_small(s, 2, 1000, &w->max_lots);
		else if (scan_is_word(s, "only_pending"))
			w->policy = REVERSE_ONLY_PENDING;
		else if (scan_is_word(s, "within_balance"))
			w->policy = REVERSE_WITHIN_BALANCE;
		else if (scan_is_word(s, "debt"))
			w->policy = REVERSE_DEBT;
		else if (scan_is_word(s, "spendable"))
			w->spendable = true;
		else if (!read_wallet_rule(s, w, &found))
			return false;
		else if (!found)
			return scan_fail(s, "a wallet option");
		if (!ok)
			return false;
	}
	if (!w->transferable && (w->transfer_fee || w->cooling_days || w->transfer_day_cap))
		return program_fail(s, "fee, cooling and day_cap are of transferable wallets");
	if (w->transferable && !w->spendable)
		return program_fail(s, "a transferable wallet must be spendable");
	if (w->expiry == EXPIRY_DAYS && w->pending_days >= w->expiry_n)
		return program_fail(s, "points would expire before they are usable");
	return true;
}

static bool
read_gives(Scanner *s, ProgramEarn *e)
{
	do
	{
		if (e->n_give == PROGRAM_GIVES)
			return program_fail(s, "too many steps in give");
		if (!scan_int(s, 0, 1000000000, &e->give[e->n_give++]))
			return false;
	} while (scan_is(s, ','));
	return true;
}

static bool
read_rounding(Scanner *s, ProgramEarn *e)
{
	if (scan_is_word(s, "down"))
		e->rounding = ROUND_DOWN;
	else if (scan_is_word(s, "half_up"))
		e->rounding = ROUND_HALF_UP;
	else if (scan_is_word(s, "up"))
		e->rounding = ROUND_UP;
	else
		return scan_fail(s, "down, half_up or up");
	return true;
}

static bool
read_earn(Scanner *s, Draft *d)
{
	ProgramEarn *e = &d->earn[d->head.n_earns++];

	if (!scan_word(s, e->code, PROGRAM_NAME))
		return false;
	while (!scan_is(s, ';'))
	{
		bool ok = true;

		if (scan_is_word(s, "stream"))
			ok = scan_small(s, 1, PG_INT16_MAX, &e->stream);
		else if (scan_is_word(s, "wallet"))
			ok = scan_small(s, 1, PG_INT16_MAX, &e->wallet);
		else if (scan_is_word(s, "per"))
			ok = scan_money(s, &e->per) && (e->per > 0 || program_fail(s, "per 0"));
		else if (scan_is_word(s, "give"))
			ok = read_gives(s, e);
		else if (scan_is_word(s, "cap"))
			ok = scan_small(s, 1, 10000, &e->day_cap);
		else if (scan_is_word(s, "every"))
			ok = scan_small(s, 1, 400, &e->every);
		else if (scan_is_word(s, "tiered"))
			e->tiered = true;
		else if (scan_is_word(s, "round"))
			ok = read_rounding(s, e);
		else
			return scan_fail(s, "an earn option");
		if (!ok)
			return false;
	}
	if (e->per > 0 && (e->n_give > 1 || e->every > 0))
		return program_fail(s, "earn by amount has one give and no streak");
	return e->n_give > 0 || program_fail(s, "earn without give");
}

/* What no single statement shows. */
static bool
check_whole(Scanner *s, Draft *d)
{
	for (int i = 0; i < d->head.n_wallets; i++)
		for (int j = 0; j < i; j++)
			if (d->wallet[i].id == d->wallet[j].id ||
				strcmp(d->wallet[i].code, d->wallet[j].code) == 0)
				return program_fail(s, "a wallet is given twice");
	for (int i = 0; i < d->head.n_streams; i++)
		for (int j = 0; j < i; j++)
			if (d->stream[i].id == d->stream[j].id ||
				strcmp(d->stream[i].code, d->stream[j].code) == 0)
				return program_fail(s, "a stream is given twice");
	for (int i = 0; i < d->head.n_earns; i++)
	{
		bool stream = false, wallet = false;

		for (int j = 0; j < d->head.n_streams; j++)
			stream |= d->stream[j].id == d->earn[i].stream;
		for (int j = 0; j < d->head.n_wallets; j++)
			wallet |= d->wallet[j].id == d->earn[i].wallet;
		if (!stream || !wallet)
			return program_fail(s, "an earn rule names an unknown stream or wallet");
	}
	if (!program_check_tiers(s, d))
		return false;
	if (d->head.n_wallets == 0 || d->wallet[0].id != 1)
		return program_fail(s, "the first wallet must be number 1");
	return true;
}

static bool
read_program(Scanner *s, Draft *d)
{
	strlcpy(d->head.zone, "Asia/Shanghai", PROGRAM_ZONE);
	if (!scan_is_word(s, "program"))
		return scan_fail(s, "program");
	if (!read_head(s, d))
		return false;
	while (scan_space(s), *s->p != '\0')
	{
		bool ok;

		if (d->head.n_wallets == PROGRAM_PARTS || d->head.n_streams == PROGRAM_PARTS ||
			d->head.n_earns == PROGRAM_PARTS || d->head.n_ladders == PROGRAM_PARTS ||
			d->head.n_levels == PROGRAM_PARTS || d->head.n_fasts == PROGRAM_PARTS ||
			d->head.n_tags == PROGRAM_PARTS)
			return program_fail(s, "too many parts");
		if (scan_is_word(s, "wallet"))
			ok = read_wallet(s, d);
		else if (scan_is_word(s, "stream"))
			ok = program_read_stream(s, d);
		else if (scan_is_word(s, "earn"))
			ok = read_earn(s, d);
		else if (scan_is_word(s, "level"))
			ok = program_read_level(s, d);
		else if (scan_is_word(s, "ladder"))
			ok = program_read_ladder(s, d);
		else if (scan_is_word(s, "fast"))
			ok = program_read_fast(s, d);
		else if (scan_is_word(s, "tag"))
			ok = program_read_tag(s, d);
		else
			return scan_fail(s, "wallet, stream, earn, ladder, level, fast or tag");
		if (!ok)
			return false;
	}
	return check_whole(s, d);
}

static Program *
program_pack(const Draft *d)
{
	const Program *head = &d->head;
	Size size = MAXALIGN(sizeof(Program)) + MAXALIGN(head->n_wallets * sizeof(ProgramWallet)) +
				MAXALIGN(head->n_streams * sizeof(ProgramStream)) +
				MAXALIGN(head->n_earns * sizeof(ProgramEarn)) +
				MAXALIGN(head->n_ladders * sizeof(ProgramLadder)) +
				MAXALIGN(head->n_levels * sizeof(ProgramLevel)) +
				MAXALIGN(head->n_fasts * sizeof(ProgramFast)) +
				MAXALIGN(head->n_tags * sizeof(ProgramTag));
	Program *p = palloc0(size);

	*p = *head;
	p->format = PROGRAM_FORMAT;
	SET_VARSIZE(p, size);
	memcpy(unconstify(ProgramWallet *, program_wallets(p)), d->wallet,
		   head->n_wallets * sizeof(ProgramWallet));
	memcpy(unconstify(ProgramStream *, program_streams(p)), d->stream,
		   head->n_streams * sizeof(ProgramStream));
	memcpy(unconstify(ProgramEarn *, program_earns(p)), d->earn,
		   head->n_earns * sizeof(ProgramEarn));
	memcpy(unconstify(ProgramLadder *, program_ladders(p)), d->ladder,
		   head->n_ladders * sizeof(ProgramLadder));
	memcpy(unconstify(ProgramLevel *, program_levels(p)), d->level,
		   head->n_levels * sizeof(ProgramLevel));
	memcpy(unconstify(ProgramFast *, program_fasts(p)), d->fast,
		   head->n_fasts * sizeof(ProgramFast));
	memcpy(unconstify(ProgramTag *, program_tags(p)), d->tag, head->n_tags * sizeof(ProgramTag));
	return p;
}

static Program *
program_parse(const char *text, Node *soft)
{
	Draft *d = palloc0(sizeof(Draft));
	Scanner s;
	Program *p;

	scan_begin(&s, "program", text, soft);
	if (!read_program(&s, d))
		return NULL;
	p = program_add_stream_rules(program_pack(d), d, soft);
	p = p ? program_add_rules(p, d, soft) : NULL;
	return p ? program_add_tag_rules(p, d, soft) : NULL;
}

PG_FUNCTION_INFO_V1(program_in);
Datum
program_in(PG_FUNCTION_ARGS)
{
	Program *p = program_parse(PG_GETARG_CSTRING(0), soft_context(fcinfo));

	if (p == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(p);
}

PG_FUNCTION_INFO_V1(program_recv);
Datum
program_recv(PG_FUNCTION_ARGS)
{
	StringInfo in = (StringInfo) PG_GETARG_POINTER(0);
	int bytes;
	char *text = pq_getmsgtext(in, in->len - in->cursor, &bytes);

	PG_RETURN_POINTER(program_parse(text, NULL));
}
