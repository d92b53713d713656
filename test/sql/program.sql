-- program: every statement of its text, the round trip, and every error.
SET client_min_messages = warning;
SET datestyle = iso;
SET search_path = member, public;
\pset null '(null)'

-- what a statement fails with: SQLSTATE, message, detail, hint
CREATE FUNCTION pg_temp.failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, nullif(detail, ''), nullif(hint, ''));
END $$;

-- ---- every statement, with its defaults and with every option ----

CREATE TEMP TABLE good (n int GENERATED ALWAYS AS IDENTITY, text text);
INSERT INTO good (text) VALUES
    ('program 0; wallet 1 points;'),
    ('program 2147483647 zone ''UTC'' remind 1; wallet 1 points;'),
    ('program 3 remind 30,15,3,1000 zone ''America/New_York''; wallet 1 points;'),
    -- wallets: each expiry at its bounds, each policy, every option in any order
    ('program 1; wallet 1 a never; wallet 2 b days 1; wallet 3 c days 10000; wallet 4 d months 1; wallet 5 e months 1000;
      wallet 6 f month_end 0; wallet 7 g month_end 1000;'),
    ('program 1; wallet 1 a spendable lots 2 pending 0 only_pending; wallet 2 b within_balance lots 1000 pending 1000; wallet 3 c debt;
      wallet 4 d days 10 pending 9; wallet 32767 _x9_;'),
    ('program 1; wallet 1 points days 5 months 6 never; wallet 2 growth never days 7 only_pending debt;'),
    -- streams
    ('program 1; wallet 1 points; stream 1 orders purchases; stream 2 signin days 31 months 0; stream 32767 browse days 10000 months 1200;'),
    ('program 1; wallet 1 points; stream 1 orders purchases of purchase; stream 2 tea of line where {event.category = ''tea'' or event.store in (''S1'', ''S2'')};
      stream 3 off amount {event.discount * 2 - 0.01} of line days 31; stream 4 live where {event.live_id is known} of purchase; stream 5 back of refund;
      stream 6 mall of spend where {event.source = ''mall''} months 0; stream 7 read of event where {event.seconds >= 30} amount {event.seconds};'),
    -- earning rules
    ('program 1; wallet 1 points; wallet 2 growth; stream 1 orders purchases; stream 2 signin;
      earn a stream 1 wallet 1 give 1 per 1; earn b stream 1 wallet 1 give 1000000000 per 10000000000000.00 round up tiered;
      earn c stream 1 wallet 2 give 0 per 0.01 round half_up; earn d stream 1 wallet 1 give 3 per 12.50 round down;
      earn e stream 2 wallet 2 give 1,2,3,4,5,6,7,8 cap 1 every 1; earn f stream 2 wallet 1 give 10 cap 10000 every 400;
      earn g give 5 wallet 2 stream 2 tiered;'),
    -- levels and their rules
    ('program 1; wallet 1 points; wallet 2 growth; stream 1 orders purchases;
      level 1 0 normal; level 1 1 silver qualify {spend(12mo) >= 500}; level 1 2 gold multiplier 1500 months 12 grace 30
          qualify {spend(12mo) >= 2000 and growth >= 300 and orders >= 1} keep {spend(365d) >= 1600.50 or max_order(30d) >= 0.05 or points >= 7};
      level 2 0 base multiplier 0; level 2 1 top multiplier 1000000 months 120 grace 366 qualify { max_order >= 49.90 } keep {orders ( 400d ) >= 0};
      level 32767 0 alone keep {growth >= 1000000000000} grace 0 months 1;'),
    ('program 1; wallet 1 points; stream 1 orders purchases days 31; level 7 0 a; level 7 1 b qualify {orders(31d) >= 1}; level 7 2 c qualify {orders(1mo) >= 3};'),
    -- ladders, faster ways, and rules of every kind a purchase has at hand
    ('program 1; wallet 1 points; wallet 2 growth; stream 1 orders purchases; stream 2 signin; ladder 1 consumer; ladder 2 paid validity calendar fall soft lower_now;
      ladder 3 partner fall qualified validity anniversary;
      level 1 0 normal; level 1 1 silver qualify {0.7*spend(12mo) + 0.3*growth >= 500.5} months 12 keep {spend(12mo) >= 400} rollover lose {falling_months(orders) >= 3};
      level 1 2 gold archived qualify {growth >= 10 and spend(year) > 5 or not (streak(signin) < 7)};
      level 2 0 base; level 2 1 svip qualify {tier(consumer) >= ''silver'' and run(signin) >= 1};
      level 3 0 none; level 3 1 partner qualify {tier >= 1 and tier_days(2) > 30 or signin(30d) between 3 and 5};
      fast 1 1 since 2026-10-28 until 2026-11-12 {spend(12mo) >= 400}; fast 3 1 since 2026-10-28 until 2026-10-29 {true};'),
    -- tags that are decided at the event
    ('program 1; wallet 1 points; stream 1 orders purchases; stream 2 signin; level 1 0 normal; level 1 1 silver qualify {spend >= 500};
      tag 2147483647 kept {orders(30d) >= 3 and points >= 5 or tier >= ''silver''}; tag 7 given { event.kind = ''purchase'' and event.amount>=100 }; tag 8 kept {idle < 15d};'),
    -- what a preset publishes
    ('program 3 zone ''Asia/Shanghai'' remind 30,15,3;
wallet 1 points month_end 6 pending 0 lots 24 debt spendable;
wallet 2 growth month_end 12 pending 0 lots 24 debt;
stream 1 orders days 400 months 24 purchases;
stream 2 signin days 400 months 12;
earn buy stream 1 wallet 1 give 1 per 1.00 round down tiered;
earn daily stream 2 wallet 1 give 1,2,3,4,5 round down cap 1;
level 1 0 normal multiplier 1000;
level 1 1 regular multiplier 1200 months 3 grace 30 qualify {orders(30d) >= 3} keep {orders(90d) >= 6};');
SELECT n, text::program FROM good ORDER BY n;

-- what is written is read as the same value, text and binary
SELECT count(*) AS programs, bool_and(text::program = text::program::text::program) AS same_value,
       bool_and(text::program::text = text::program::text::program::text) AS same_text FROM good;
CREATE TEMP TABLE sent (n int, p program);
CREATE TEMP TABLE received (LIKE sent);
INSERT INTO sent SELECT n, text::program FROM good;
DO $$
DECLARE
    file text := current_setting('data_directory') || '/program_copy';
BEGIN
    EXECUTE format('COPY sent TO %L (FORMAT binary)', file);
    EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
END $$;
SELECT count(*) AS sent, count(*) FILTER (WHERE s.p = r.p AND s.p::text = r.p::text) AS same FROM sent s LEFT JOIN received r USING (n);
SELECT count(*) AS equal_pairs FROM sent a JOIN sent b ON a.p = b.p;

-- as many parts as there may be, and one more
SELECT what, pg_temp.failure(format('SELECT %L::member.program', 'program 1; ' || text)) FROM (
    SELECT 'wallets', string_agg(format('wallet %s w%s;', n, n), ' ') FROM generate_series(1, 199) n UNION ALL
    SELECT 'wallets', string_agg(format('wallet %s w%s;', n, n), ' ') FROM generate_series(1, 201) n UNION ALL
    SELECT 'streams', 'wallet 1 w; ' || string_agg(format('stream %s s%s;', n, n), ' ') FROM generate_series(1, 201) n UNION ALL
    SELECT 'earning rules', 'wallet 1 w; stream 1 s; ' || string_agg(format('earn e%s stream 1 wallet 1 give 1;', n, n), ' ') FROM generate_series(1, 201) n UNION ALL
    SELECT 'levels', 'wallet 1 w; ' || string_agg(format('level %s 0 l;', n), ' ') FROM generate_series(1, 201) n UNION ALL
    SELECT 'conditions', 'wallet 1 w; level 1 0 a; level 1 1 b qualify {' || string_agg('w >= 1', ' and ') || '};' FROM generate_series(1, 201) n
) v (what, text);

-- ---- errors ----

SELECT text, pg_temp.failure(format('SELECT %L::member.program', text)) FROM (VALUES
    (''), ('programme 1;'), ('wallet 1 points;'), ('program;'), ('program 1'), ('program -1;'), ('program 2147483648;'), ('program 1;'),
    ('program 1 zone;'), ('program 1 zone Asia;'), ('program 1 zone ''Asia'), ('program 1 zone ''Nowhere''; wallet 1 points;'),
    ('program 1 zone ''Asia/a-name-that-is-much-longer-than-any-time-zone-has''; wallet 1 points;'),
    ('program 1 remind; wallet 1 points;'), ('program 1 remind 0; wallet 1 points;'), ('program 1 remind 1001; wallet 1 points;'),
    ('program 1 remind 5,4,3,2,1; wallet 1 points;'), ('program 1 remind 5,; wallet 1 points;'), ('program 1 expire 5;'),
    ('program 1; purse 1 points;'), ('program 1; wallet 1 points; program 2;')
) v (text);

-- errors within a statement: the position counts from the start of the text
SELECT text, pg_temp.failure(format('SELECT %L::member.program', 'program 1; ' || text)) FROM (VALUES
    ('wallet points;'), ('wallet 0 points;'), ('wallet 32768 points;'), ('wallet 1;'), ('wallet 1 Points;'), ('wallet 1 9a;'),
    ('wallet 1 积分;'), ('wallet 1 a_name_of_twenty_four___;'), ('wallet 1 points'), ('wallet 1 points yearly;'),
    ('wallet 1 points days;'), ('wallet 1 points days 0;'), ('wallet 1 points days 10001;'), ('wallet 1 points months 0;'),
    ('wallet 1 points months 1001;'), ('wallet 1 points month_end -1;'), ('wallet 1 points month_end 1001;'),
    ('wallet 1 points pending -1;'), ('wallet 1 points pending 1001;'), ('wallet 1 points lots 1;'), ('wallet 1 points lots 1001;'),
    ('wallet 1 points days 9 pending 9;'),
    ('wallet 2 growth;'), ('wallet 2 growth; wallet 1 points;'), ('wallet 1 points; wallet 1 growth;'), ('wallet 1 points; wallet 2 points;')
) v (text);
SELECT text, pg_temp.failure(format('SELECT %L::member.program', 'program 1; wallet 1 points; ' || text)) FROM (VALUES
    ('stream orders;'), ('stream 0 orders;'), ('stream 32768 orders;'), ('stream 1;'), ('stream 1 orders days 30;'), ('stream 1 orders days 10001;'),
    ('stream 1 orders months -1;'), ('stream 1 orders months 1201;'), ('stream 1 orders weeks 3;'), ('stream 1 orders'),
    ('stream 1 orders; stream 1 signin;'), ('stream 1 orders; stream 2 orders;'),
    ('stream 1 a of;'), ('stream 1 a of sale;'), ('stream 1 a where;'), ('stream 1 a where event.x;'), ('stream 1 a where {};'), ('stream 1 a where {event.x'),
    ('stream 1 a where {event.x = };'), ('stream 1 a where {event.amount};'), ('stream 1 a where {spend(30d) > 1};'), ('stream 1 a where {event.x = 1 and city = ''SH''};'),
    ('stream 1 a where {#3};'), ('stream 1 a amount {event.x = 1};'), ('stream 1 a amount {''x''};'), ('stream 1 a amount {points};'), ('stream 1 a amount {event.x +};'),
    ('stream 1 a purchases where {event.amount > 1};'), ('stream 1 a purchases amount {event.lines};'), ('stream 1 a purchases of line;')
) v (text);
SELECT text, pg_temp.failure(format('SELECT %L::member.program', 'program 1; wallet 1 points; stream 1 orders purchases; ' || text)) FROM (VALUES
    ('earn;'), ('earn buy;'), ('earn buy stream 1 wallet 1;'), ('earn buy stream 1 wallet 1 give 1'), ('earn buy stream 1 give 1;'), ('earn buy wallet 1 give 1;'),
    ('earn buy stream 2 wallet 1 give 1;'), ('earn buy stream 1 wallet 2 give 1;'), ('earn buy stream 0 wallet 1 give 1;'),
    ('earn buy stream 1 wallet 1 give;'), ('earn buy stream 1 wallet 1 give -1;'), ('earn buy stream 1 wallet 1 give 1000000001;'),
    ('earn buy stream 1 wallet 1 give 1,;'), ('earn buy stream 1 wallet 1 give 1,2,3,4,5,6,7,8,9;'),
    ('earn buy stream 1 wallet 1 give 1 per;'), ('earn buy stream 1 wallet 1 give 1 per 0;'), ('earn buy stream 1 wallet 1 give 1 per 0.00;'),
    ('earn buy stream 1 wallet 1 give 1 per -1;'), ('earn buy stream 1 wallet 1 give 1 per 1.5;'), ('earn buy stream 1 wallet 1 give 1 per 1.005;'),
    ('earn buy stream 1 wallet 1 give 1 per 10000000000001;'),
    ('earn buy stream 1 wallet 1 give 1,2 per 1;'), ('earn buy stream 1 wallet 1 give 1 per 1 every 7;'),
    ('earn buy stream 1 wallet 1 give 1 cap 0;'), ('earn buy stream 1 wallet 1 give 1 cap 10001;'),
    ('earn buy stream 1 wallet 1 give 1 every 0;'), ('earn buy stream 1 wallet 1 give 1 every 401;'),
    ('earn buy stream 1 wallet 1 give 1 round;'), ('earn buy stream 1 wallet 1 give 1 round nearest;'), ('earn buy stream 1 wallet 1 give 1 twice;')
) v (text);
SELECT text, pg_temp.failure(format('SELECT %L::member.program', 'program 1; wallet 1 points; stream 1 orders purchases; ' || text)) FROM (VALUES
    ('level;'), ('level 1;'), ('level 1 0;'), ('level 0 0 a;'), ('level 32768 0 a;'), ('level 1 -1 a;'), ('level 1 101 a;'), ('level 1 0 a'),
    ('level 1 1 a qualify {orders >= 1};'), ('level 1 0 a; level 1 2 b qualify {orders >= 1};'), ('level 1 0 a; level 1 0 b;'),
    ('level 1 0 a; level 2 0 a; level 1 1 b qualify {orders >= 1};'),
    ('level 1 0 a; level 2 0 a; level 1 0 b;'),
    ('level 1 0 a; level 1 1 b;'), ('level 1 0 a; level 1 1 b keep {orders >= 1};'),
    ('level 1 0 a multiplier;'), ('level 1 0 a multiplier -1;'), ('level 1 0 a multiplier 1000001;'), ('level 1 0 a multiplier 1.5;'),
    ('level 1 0 a months 0;'), ('level 1 0 a months 121;'), ('level 1 0 a grace -1;'), ('level 1 0 a grace 367;'), ('level 1 0 a forever;'),
    ('level 1 0 a qualify;'), ('level 1 0 a qualify {};'), ('level 1 0 a qualify {orders};'), ('level 1 0 a qualify {orders > 1};'),
    ('level 1 0 a qualify {orders = 1};'), ('level 1 0 a qualify {orders >= };'), ('level 1 0 a qualify {orders >= -1};'),
    ('level 1 0 a qualify {orders >= 1.5};'), ('level 1 0 a qualify {orders >= 1000000000000001};'),
    ('level 1 0 a qualify {spend >= 1.5};'), ('level 1 0 a qualify {spend >= 10000000000001};'), ('level 1 0 a qualify {spend >= -1};'),
    ('level 1 0 a qualify {orders >= 1 and};'), ('level 1 0 a qualify {orders >= 1 or orders >= 2 and orders >= 3};'),
    ('level 1 0 a qualify {orders >= 1 xor orders >= 2};'), ('level 1 0 a qualify {orders >= 1'), ('level 1 0 a qualify {orders >= 1};}'),
    ('level 1 0 a qualify {coins >= 1};'), ('level 1 0 a qualify {points(30d) >= 1};'),
    ('level 1 0 a qualify {orders() >= 1};'), ('level 1 0 a qualify {orders(0d) >= 1};'), ('level 1 0 a qualify {orders(10001d) >= 1};'),
    ('level 1 0 a qualify {orders(30) >= 1};'), ('level 1 0 a qualify {orders(30days) >= 1};'), ('level 1 0 a qualify {orders(1y) >= 1};'),
    ('level 1 0 a qualify {orders(30d >= 1};'), ('level 1 0 a qualify {orders(400d) >= 1};'), ('level 1 0 a qualify {orders(401d) >= 1};'),
    ('level 1 0 a qualify {orders(12mo) >= 1};'), ('level 1 0 a qualify {orders(13mo) >= 1};'),
    ('level 1 0 a qualify {orders >= 1} qualify {orders >= 2};'), ('level 1 0 a keep {orders >= 1} keep {orders >= 2};')
) v (text);
-- what a rule may ask for, and the other statements of ladders
SELECT text, pg_temp.failure(format('SELECT %L::member.program', 'program 1; wallet 1 points; stream 1 orders purchases; stream 2 signin days 31 months 1; ' || text)) FROM (VALUES
    ('level 1 0 a qualify {#3};'), ('level 1 0 a qualify {city = ''上海''};'), ('level 1 0 a qualify {age > 3};'), ('level 1 0 a qualify {m >= 5};'), ('level 1 0 a qualify {idle > 3};'),
    ('level 1 0 a qualify {spend(membership_year) >= 5};'), ('level 1 0 a qualify {attr.vip};'), ('level 1 0 a qualify {weight(#3) > 1};'),
    ('level 1 0 a qualify {signin(32d) > 1};'), ('level 1 0 a qualify {signin(last_month) > 1};'), ('level 1 0 a qualify {signin(month) > 1};'),
    ('level 1 0 a qualify {count(9, 3d) > 1};'), ('level 1 0 a qualify {balance(9) > 1};'),
    ('level 1 0 a qualify {tier >= 1};'), ('level 1 0 a; level 2 0 b qualify {tier(2) > 0};'), ('level 1 0 a; level 2 0 b qualify {tier(1) > 0};'), ('level 1 0 a; level 1 1 b qualify {tier(1) = ''c''};'),
    ('level 1 0 a qualify {spendd >= 1};'), ('level 1 0 a qualify {attr.x = ''}''} keep {attr.x = "};'),
    ('level 1 0 a rollover;'), ('level 1 0 a keep {orders >= 1 and orders >= 2} rollover;'), ('level 1 0 a keep {orders > 1} rollover;'), ('level 1 0 a keep {orders >= 1} rollover;'),
    ('level 2 0 a; level 1 0 a;'),
    ('ladder a;'), ('ladder 0 a;'), ('ladder 1 a; ladder 1 b;'), ('ladder 1 a; ladder 2 a;'), ('ladder 1 a fall deep;'), ('ladder 1 a validity short;'), ('ladder 1 a high;'),
    ('fast 1 1 since 2026-01-01 until 2026-02-01 {true};'), ('level 1 0 a; level 1 1 b qualify {true}; fast 1 1 since 2026-01-01 until 2026-01-01 {true};'),
    ('level 1 0 a; level 1 1 b qualify {true}; fast 1 1 until 2026-01-01 {true};'), ('level 1 0 a; level 1 1 b qualify {true}; fast 1 1 since 2026-01-01 {true};'),
    ('level 1 0 a; level 1 1 b qualify {true}; fast 1 0 since 2026-01-01 until 2026-01-02 {true};'), ('level 1 0 a; level 1 1 b qualify {true}; fast 1 1 since 2026-01-01 until 2026-01-02 {#7};'),
    ('tag x kept {true};'), ('tag 0 kept {true};'), ('tag 1 {true};'), ('tag 1 kept true;'), ('tag 1 kept {true} {true};'), ('tag 1 kept {true}'), ('tag 1 kept {true}; tag 1 given {true};'),
    ('tag 1 kept {event.amount > 3};'), ('tag 1 kept {#2};'), ('tag 1 given {city = ''a''};'), ('tag 1 given {r >= 3};'), ('tag 1 kept {signin(32d) > 1};'), ('tag 1 kept {balance(9) > 1};'), ('tag 1 kept {spend(membership_year) > 1};')
) v (text);
-- a measure of purchases needs the stream they feed
SELECT pg_temp.failure($$SELECT 'program 1; wallet 1 points; stream 1 orders; level 1 0 a qualify {orders >= 1};'::member.program$$);

-- ---- binary ----

CREATE FUNCTION pg_temp.recv(b bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    file text := current_setting('data_directory') || '/program_recv';
    object oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0) || int2send(2::smallint) || int4send(4) || int4send(1)
                                   || int4send(length(b)) || b || int2send((-1)::smallint));
    message text; detail text;
BEGIN
    PERFORM lo_export(object, file), lo_unlink(object);
    DELETE FROM received;
    EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
    RETURN (SELECT p::text FROM received);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, nullif(detail, ''));
END $$;
SELECT what, pg_temp.recv(b) FROM (VALUES
    ('good', convert_to('program 1; wallet 1 points;', 'UTF8')),
    ('nothing', ''),
    ('text', 'program 1; wallet 1 po'),
    ('encoding', '\xff')
) v (what, b);

-- an ordinary order reads no more than this
SELECT pg_column_size(p) < 2048 AS small FROM sent WHERE n = 12;
