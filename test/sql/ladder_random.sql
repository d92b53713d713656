-- ladders on random rules, levels and histories: against a slow reference that goes day by day, and the same whether the daily run ran or not.
SET client_min_messages = warning;
SET datestyle = iso;
SET timezone = 'Asia/Shanghai';
SET search_path = member, public;
SELECT setseed(0.5);

CREATE FUNCTION pg_temp.pick(VARIADIC a text[]) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT a[1 + floor(random() * cardinality(a))::int] $$;
CREATE FUNCTION pg_temp.some_rule(hard int) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT format(pg_temp.pick('spend(60d) >= %s', 'spend(2mo) > %s', 'orders(30d) >= %3$s', 'growth >= %s', '0.5*spend(90d) + growth >= %s', 'orders(last_month) >= %3$s', 'spend(month) >= %s',
        'spend(90d) >= %s and growth >= %2$s', 'orders(90d) >= %3$s or max_order(30d) >= %2$s', 'recency(orders) <= %3$s', 'not (orders(20d) < %3$s)', 'orders(45d) between %3$s and 9', 'growth >= %s and recency(orders) >= %3$s'),
        hard * 30, hard * 10, hard)
$$;

CREATE TYPE pg_temp.lvl AS (level int, qualify text, keep text, lose text, months int, grace int, archived boolean);
-- the reference: one ladder, day by day, by matches()
CREATE FUNCTION pg_temp.reference(levels pg_temp.lvl[], fall text, validity text, lots lots, activity activity, since date, day date) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    names CONSTANT jsonb := '{"streams": {"orders": 1}, "purchases": 1, "wallets": {"points": 1, "growth": 2}, "wallet": 1}';
    f CONSTANT facts := ROW(lots, activity, 'empty'::standing, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::facts;
    top CONSTANT int := cardinality(levels) - 1;
    held int := 0;
    came date := NULL; until date; due date; landed boolean := false;
    today date; target int; l pg_temp.lvl;
    q boolean; k boolean;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS truth (level int, rule text, day date, holds boolean, PRIMARY KEY (level, rule, day));
    TRUNCATE truth;
    INSERT INTO truth
        SELECT v.level, v.name, d::date, coalesce(matches(member_internal.rule_compile(v.rule, names), f, d::date), false)
        FROM unnest(levels) x CROSS JOIN LATERAL (VALUES (x.level, 'qualify', x.qualify), (x.level, 'keep', coalesce(x.keep, x.qualify)), (x.level, 'lose', x.lose)) v (level, name, rule),
             generate_series(since - 1, day, '1 day') d WHERE v.rule IS NOT NULL;
    FOR today IN SELECT generate_series(since, day, '1 day')::date LOOP
        -- a level lost before its end; reviews
        WHILE due <= today LOOP
            l := levels[held + 1];
            IF EXISTS (SELECT FROM truth t WHERE t.level = held AND t.rule IN ('qualify', 'keep') AND t.day = today AND t.holds) THEN
                until := (until + make_interval(months => l.months))::date; due := until; landed := false;
            ELSIF due < until + l.grace THEN
                due := until + l.grace;
            ELSE
                target := held - 1;
                WHILE target > 0 AND levels[target + 1].archived LOOP target := target - 1; END LOOP;
                IF fall = 'qualified' OR landed THEN
                    WHILE target > 0 AND (levels[target + 1].archived OR NOT EXISTS
                          (SELECT FROM truth t WHERE t.level = target AND t.rule IN ('qualify', 'keep') AND t.day = today AND t.holds)) LOOP target := target - 1; END LOOP;
                END IF;
                landed := fall = 'soft' AND NOT landed AND target > 0;
                held := target; came := today; until := NULL;
                IF held > 0 AND (levels[held + 1].months IS NOT NULL OR landed) THEN
                    until := (today + make_interval(months => coalesce(levels[held + 1].months, l.months)))::date;
                    IF validity = 'calendar' THEN
                        until := (SELECT min(m)::date FROM generate_series('2026-01-01'::timestamp, '2029-01-01', make_interval(months => coalesce(levels[held + 1].months, l.months))) m WHERE m >= until);
                    END IF;
                END IF;
                due := until;
            END IF;
        END LOOP;
        IF held > 0 AND today > since AND came < today AND (SELECT t.holds FROM truth t WHERE t.level = held AND t.rule = 'lose' AND t.day = today)
           AND NOT (SELECT t.holds FROM truth t WHERE t.level = held AND t.rule = 'lose' AND t.day = today - 1) THEN
            l := levels[held + 1];
            target := held - 1;
            WHILE target > 0 AND levels[target + 1].archived LOOP target := target - 1; END LOOP;
            IF landed THEN
                WHILE target > 0 AND (levels[target + 1].archived OR NOT EXISTS
                      (SELECT FROM truth t WHERE t.level = target AND t.rule IN ('qualify', 'keep') AND t.day = today AND t.holds)) LOOP target := target - 1; END LOOP;
            END IF;
            landed := false;
            held := target; came := today; until := NULL;
            IF held > 0 AND levels[held + 1].months IS NOT NULL THEN
                until := (today + make_interval(months => levels[held + 1].months))::date;
                IF validity = 'calendar' THEN
                    until := (SELECT min(m)::date FROM generate_series('2026-01-01'::timestamp, '2029-01-01', make_interval(months => levels[held + 1].months)) m WHERE m >= until);
                END IF;
            END IF;
            due := until;
        END IF;
        -- up: what is reached today and was not yesterday; on the first day as after an event
        FOR i IN REVERSE top .. held + 1 LOOP
            q := (SELECT t.holds FROM truth t WHERE t.level = i AND t.rule = 'qualify' AND t.day = today)
                 AND NOT coalesce((SELECT t.holds FROM truth t WHERE t.level = i AND t.rule = 'lose' AND t.day = today), false);
            k := (SELECT t.holds FROM truth t WHERE t.level = i AND t.rule = 'qualify' AND t.day = today - 1)
                 AND NOT coalesce((SELECT t.holds FROM truth t WHERE t.level = i AND t.rule = 'lose' AND t.day = today - 1), false);
            IF NOT levels[i + 1].archived AND q AND (today = since OR NOT k) THEN
                held := i; came := today; until := NULL; landed := false;
                IF levels[i + 1].months IS NOT NULL THEN
                    until := (today + make_interval(months => levels[i + 1].months))::date;
                    IF validity = 'calendar' THEN
                        until := (SELECT min(m)::date FROM generate_series('2026-01-01'::timestamp, '2029-01-01', make_interval(months => levels[i + 1].months)) m WHERE m >= until);
                    END IF;
                END IF;
                due := until;
                EXIT;
            END IF;
        END LOOP;
    END LOOP;
    RETURN CASE WHEN came IS NULL THEN 'empty' ELSE format('1:%s@%s%s%s%s', held, came, '/' || until, CASE WHEN due <> until THEN '!' || due END, CASE WHEN landed THEN ' soft' END) END;
END $$;

CREATE FUNCTION pg_temp.compare(n int) RETURNS TABLE (program text, activity text, lots text, day date, got text, want text) LANGUAGE plpgsql AS $$
DECLARE
    levels pg_temp.lvl[]; p program; a activity; b lots; fall text; validity text; x date;
BEGIN
    FOR i IN 1 .. n LOOP
        fall := pg_temp.pick('step', 'qualified', 'soft');
        validity := pg_temp.pick('rolling', 'calendar');
        levels := ARRAY[ROW(0, NULL, NULL, NULL, NULL, 0, false)::pg_temp.lvl];
        FOR l IN 1 .. 2 + (random() * 2)::int LOOP
            levels := levels || ROW(l, pg_temp.some_rule(l + 1), CASE WHEN random() < 0.5 THEN pg_temp.some_rule(l) END, CASE WHEN random() < 0.2 THEN format('recency(orders) >= %s', 20 + l * 10) END,
                CASE WHEN random() < 0.8 THEN (ARRAY[1, 3])[1 + (random())::int] END, CASE WHEN random() < 0.4 THEN (random() * 20)::int ELSE 0 END, random() < 0.1)::pg_temp.lvl;
        END LOOP;
        p := ('program 1; wallet 1 points; wallet 2 growth; stream 1 orders purchases; ladder 1 l ' || format('validity %s fall %s; ', validity, fall) ||
              (SELECT string_agg(format('level 1 %s l%1$s%s%s%s%s%s%s;', l.level, ' months ' || l.months, CASE WHEN l.grace > 0 THEN ' grace ' || l.grace END, CASE WHEN l.archived THEN ' archived' END,
                   ' qualify {' || l.qualify || '}', ' keep {' || l.keep || '}', ' lose {' || l.lose || '}'), ' ' ORDER BY l.level) FROM unnest(levels) l))::program;
        a := coalesce((SELECT ('1{' || string_agg(format('%s:%s/%s', d, c, c * m) || CASE WHEN c > 1 THEN '^' || m ELSE '' END, ',' ORDER BY d) || '}')::activity
              FROM (SELECT DISTINCT ON (d) d, 1 + (random() * 3)::int AS c, 100 + (random() * 5000)::int AS m FROM (SELECT '2026-01-01'::date + (random() * 100)::int AS d FROM generate_series(1, (random() * 12)::int)) z) y), 'empty');
        b := coalesce((SELECT string_agg(format('2:%s%s/%s', 1 + (random() * 60)::int, CASE WHEN random() < 0.4 THEN '@' || '2026-04-15'::date + (random() * 60)::int ELSE '' END, '2026-07-01'::date + (random() * 200)::int), ',')::lots
              FROM generate_series(1, (random() * 4)::int)), 'empty');
        FOREACH x IN ARRAY ARRAY['2026-04-11'::date, '2026-04-11'::date + (random() * 120)::int, '2027-01-15'] LOOP
            RETURN QUERY SELECT p::text, a::text, b::text, x, tier_decide(p, b, a, tier_decide(p, b, a, 'empty', '2026-04-11', '2026-04-11'), '2026-04-11', x)::text,
                pg_temp.reference(levels, fall, validity, b, a, '2026-04-11', x);
        END LOOP;
    END LOOP;
END $$;
CREATE TEMP TABLE compared AS SELECT * FROM pg_temp.compare(150);
SELECT count(*) AS compared, count(*) FILTER (WHERE got = want) AS same, count(DISTINCT got) > 60 AS of_many_sorts FROM compared;
SELECT * FROM compared WHERE got <> want LIMIT 3;
SELECT count(*) FILTER (WHERE got LIKE '%soft') > 0 AS landed, count(*) FILTER (WHERE got LIKE '%!%') > 0 AS in_grace, count(*) FILTER (WHERE got LIKE '1:0@%') > 5 AS fallen, count(*) FILTER (WHERE got ~ '^1:[34]@') > 5 AS high FROM compared;

-- ---- the daily run on every day, on some days, or never: the same decisions ----

CREATE FUNCTION pg_temp.run(events step_event[], p program, with_days float) RETURNS step_result LANGUAGE plpgsql AS $$
DECLARE
    s step_state := ROW(NULL, NULL, NULL, NULL, NULL, NULL);
    r step_result; e step_event; d date;
BEGIN
    FOREACH e IN ARRAY events LOOP
        IF s.at IS NOT NULL THEN
            FOR d IN SELECT generate_series(s.at::date + 1, e.at::date, '1 day') LOOP
                CONTINUE WHEN random() >= with_days;
                r := step(s, jsonb_populate_record(NULL::step_event, jsonb_build_object('member_id', 1, 'kind', 'day', 'at', d::text)), p);
                s := ROW(r.lots, r.activity, r.standing, r.at, r.entries, r.hash);
            END LOOP;
        END IF;
        r := step(s, e, p);
        s := ROW(r.lots, r.activity, r.standing, r.at, r.entries, r.hash);
    END LOOP;
    RETURN r;
END $$;
CREATE TEMP TABLE history AS
SELECT n, (SELECT array_agg(jsonb_populate_record(NULL::step_event, jsonb_build_object('member_id', 1, 'kind', kind, 'at', d::text || ' 10:00+08', 'amount', 100 + (random() * 8000)::int, 'wallet', CASE kind WHEN 'earn' THEN 'growth' END,
               'points', CASE kind WHEN 'earn' THEN 1 + (random() * 80)::int END, 'usable_from', CASE WHEN kind = 'earn' AND random() < 0.5 THEN d + (random() * 30)::int END, 'event_kind', CASE kind WHEN 'tier' THEN '1:2:' || pg_temp.pick('floor', 'lock', 'trial', 'none') END,
               'until', CASE kind WHEN 'tier' THEN d + 1 + (random() * 90)::int WHEN 'earn' THEN d + 31 + (random() * 90)::int END)) ORDER BY d, k)
           FROM (SELECT k, '2026-01-01'::date + (random() * 300)::int AS d, CASE WHEN k = 20 THEN 'day' ELSE pg_temp.pick('purchase', 'purchase', 'earn', 'tier') END AS kind FROM generate_series(1, 20) k WHERE n > 0) x) AS events,
       ('program 1; wallet 1 points; wallet 2 growth days 90; stream 1 orders purchases; stream 2 signin; ladder 1 l ' || format('validity %s fall %s; ', pg_temp.pick('rolling', 'calendar', 'anniversary'), pg_temp.pick('step', 'qualified', 'soft')) ||
        format('level 1 0 a; level 1 1 b months 1 grace 7 qualify {%s} keep {%s}; level 1 2 c months 3 qualify {%s} lose {recency(orders) >= 25}; level 1 3 d qualify {%s} months 3 keep {spend(60d) >= 40} rollover;
            ladder 2 m; level 2 0 a; level 2 1 b months 1 qualify {tier(1) >= 2 and %s}; fast 1 3 since 2026-06-01 until 2026-06-20 {spend(60d) >= 50};',
            pg_temp.some_rule(1), pg_temp.some_rule(1), pg_temp.some_rule(2), pg_temp.some_rule(3), pg_temp.some_rule(1)))::program AS p
FROM generate_series(1, 80) n;
SELECT count(*) AS histories, count(*) FILTER (WHERE (never).standing = (daily).standing AND (never).standing = (sometimes).standing) AS same, count(DISTINCT (never).standing::text) > 40 AS of_many_sorts
FROM (SELECT pg_temp.run(events, p, 0) AS never, pg_temp.run(events, p, 1) AS daily, pg_temp.run(events, p, 0.2) AS sometimes FROM history) x;
-- next_due is never late: on no day before it is anything decided
SELECT count(*) AS days, count(*) FILTER (WHERE tier_decide(p, (x).lots, (x).activity, (x).standing, (x).at::date, ((x).next_due - 1)) = (x).standing) AS quiet
FROM (SELECT p, pg_temp.run(events[:10], p, 0) AS x FROM history) y WHERE (x).next_due > (x).at::date + 1;
