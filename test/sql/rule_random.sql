-- rule: random rules on random facts. Text comes back as the same rule; next_change() is the first day on which
-- matches() differs, found by trying every day.
SET client_min_messages = warning;
SET datestyle = iso;
SET search_path = member, public;
SET extra_float_digits = 0;
\pset null '(null)'
SELECT setseed(0.42) \g /dev/null

CREATE FUNCTION pg_temp.pick(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE
AS $$ SELECT choices[1 + floor(random() * cardinality(choices))::int] $$;

CREATE FUNCTION pg_temp.upto(n int) RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT floor(random() * (n + 1))::int $$;

CREATE FUNCTION pg_temp.random_window() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN pg_temp.pick('', ', ' || 1 + pg_temp.upto(90) || 'd', ', ' || 1 + pg_temp.upto(90) || 'd', ', ' || 1 + pg_temp.upto(14) || 'mo', ', 365d',
        ', month', ', quarter', ', year', ', last_month', ', last_quarter', ', last_year', ', membership_year', ', last_membership_year');
END $$;

-- a measure that stays, or goes on by days
CREATE FUNCTION pg_temp.random_measure() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    s int := 1 + pg_temp.upto(3);
BEGIN
    RETURN pg_temp.pick(
        format('%s(%s%s)', pg_temp.pick('count', 'amount', 'largest', 'visits', 'has'), s, pg_temp.random_window()),
        format('%s(%s%s)', pg_temp.pick('count', 'amount', 'largest', 'visits', 'has'), s, pg_temp.random_window()),
        format('%s(%s)', pg_temp.pick('recency', 'since_first', 'mean_gap', 'streak', 'falling_months', 'run'), s),
        format('%s(%s)', pg_temp.pick('recency', 'since_first', 'streak', 'falling_months'), s),
        'run(2, ' || 1 + pg_temp.upto(2) || ')',
        format('%s(%s)', pg_temp.pick('balance', 'pending'), 1 + pg_temp.upto(2)),
        format('expiring(%s, %sd)', 1 + pg_temp.upto(2), pg_temp.upto(60)),
        format('%s(%s)', pg_temp.pick('tier', 'tier_days', 'tier_left'), 1 + pg_temp.upto(1)),
        format('%s(1)', pg_temp.pick('r', 'f', 'm', 'value_group', 'strategy_group', 'rfm_segment')),
        pg_temp.pick('idle', 'age', 'birthday_in', 'anniversary_in', 'tenure', 'plan_days', 'plan_left'),
        format('%s(1)', pg_temp.pick('p_alive', 'expected_purchases', 'clv')),
        pg_temp.pick('since(attr.d)', 'until(attr.d)', 'attr.n'));
END $$;

CREATE FUNCTION pg_temp.random_value(depth int) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    m text := pg_temp.random_measure();
BEGIN
    IF depth = 0 OR random() < 0.6 THEN
        RETURN m;
    END IF;
    RETURN CASE pg_temp.upto(5)
        WHEN 0 THEN format('%s + %s', m, pg_temp.random_value(depth - 1))
        WHEN 1 THEN format('%s - (%s)', m, pg_temp.random_value(depth - 1))
        WHEN 2 THEN format('%s * %s', round((random() * 3)::numeric, 1), m)
        WHEN 3 THEN format('(%s) / %s', pg_temp.random_value(depth - 1), 1 + pg_temp.upto(4))
        WHEN 4 THEN format('-(%s)', pg_temp.random_value(depth - 1))
        ELSE format('%s * %s', m, pg_temp.upto(3)) END;
END $$;

-- a bound in the range where the measure is
CREATE FUNCTION pg_temp.random_bound(measure text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN measure ~ '^p_alive' THEN round(random()::numeric, 2)
                WHEN measure ~ '^expected' THEN round((random() * 6)::numeric, 2)
                WHEN measure ~ '^clv' THEN pg_temp.upto(600)
                WHEN measure ~ '^(amount|largest|balance|pending|expiring)' THEN pg_temp.upto(300)
                WHEN measure ~ '^(recency|since|idle|tenure|tier_|plan_|birthday|anniv|until)' THEN pg_temp.upto(500)
                WHEN measure ~ '^age' THEN 20 + pg_temp.upto(40)
                WHEN measure ~ '^(r|f|m|value_group|strategy_group)\(' THEN 1 + pg_temp.upto(4)
                WHEN measure ~ '^mean_gap' THEN pg_temp.upto(60)
                ELSE pg_temp.upto(6) END::text $$;

CREATE FUNCTION pg_temp.random_condition() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v text := pg_temp.random_value(2);
    m text;
BEGIN
    CASE pg_temp.upto(13)
    WHEN 0 THEN RETURN '#' || 1 + pg_temp.upto(5);
    WHEN 1 THEN RETURN format('weight(#%s) %s %s', 1 + pg_temp.upto(5), pg_temp.pick('<', '<=', '>', '>='), round((random() * 2)::numeric, 2));
    WHEN 2 THEN RETURN format('%s between %s and %s', v, pg_temp.random_bound(v), pg_temp.random_bound(v));
    WHEN 3 THEN RETURN format('%s in (%s, %s, %s)', v, pg_temp.random_bound(v), pg_temp.random_bound(v), pg_temp.random_bound(v));
    WHEN 4 THEN RETURN format('%s is %s', v, pg_temp.pick('known', 'unknown'));
    WHEN 5 THEN RETURN format('city %s', pg_temp.pick('= ''上海''', '<> ''上海''', 'in (''上海'', ''杭州'')', 'is known'));
    WHEN 6 THEN RETURN format('plan %s', pg_temp.pick('= ''year''', '<> ''year''', 'within 30d'));
    WHEN 7 THEN
        m := pg_temp.pick('recency(1)', 'since_first(1)', 'idle', 'tenure', 'tier_days(1)', 'plan_days', 'since(attr.d)');
        RETURN format('%s %s %smo', m, pg_temp.pick('<', '<=', '>', '>=', '=', '<>'), 1 + pg_temp.upto(14));
    WHEN 8 THEN RETURN format('%s %s %s', v, pg_temp.pick('<', '>=', '>'), pg_temp.random_value(1));
    ELSE RETURN format('%s %s %s', v, pg_temp.pick('<', '<=', '>', '>=', '=', '<>', '>=', '>='), pg_temp.random_bound(v));
    END CASE;
END $$;

CREATE FUNCTION pg_temp.random_rule(depth int) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF depth = 0 OR random() < 0.3 THEN
        RETURN pg_temp.random_condition();
    END IF;
    RETURN CASE pg_temp.upto(3)
        WHEN 0 THEN format('(%s) and (%s)', pg_temp.random_rule(depth - 1), pg_temp.random_rule(depth - 1))
        WHEN 1 THEN format('(%s or %s)', pg_temp.random_rule(depth - 1), pg_temp.random_rule(depth - 1))
        WHEN 2 THEN format('not (%s)', pg_temp.random_rule(depth - 1))
        ELSE format('%s and %s or %s', pg_temp.random_condition(), pg_temp.random_rule(depth - 1), pg_temp.random_condition()) END;
END $$;

-- facts around 2026-03-01, events before and after it
CREATE FUNCTION pg_temp.random_day(back int, ahead int) RETURNS date LANGUAGE sql VOLATILE
AS $$ SELECT date '2026-03-01' - back + pg_temp.upto(back + ahead) $$;

CREATE FUNCTION pg_temp.random_activity() RETURNS activity LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    a activity := 'empty';
    spread int := pg_temp.pick('10', '40', '200', '700')::int;
BEGIN
    FOR i IN 1 .. pg_temp.upto(14) LOOP
        a := add(a, (1 + pg_temp.upto(2))::smallint, pg_temp.random_day(spread, pg_temp.pick('0', '0', '0', '30')::int), 1, (100 * pg_temp.upto(150))::bigint, kind => pg_temp.upto(2));
    END LOOP;
    IF random() < 0.3 THEN
        a := member.trim(a, 1::smallint, '2026-03-01', 31 + pg_temp.upto(60), pg_temp.upto(6));
    END IF;
    RETURN a;
END $$;

CREATE FUNCTION pg_temp.random_lots() RETURNS lots LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    l lots := 'empty';
BEGIN
    FOR i IN 1 .. pg_temp.upto(6) LOOP
        l := l + earn('empty', (1 + pg_temp.upto(1))::smallint, 1 + pg_temp.upto(200), CASE WHEN random() < 0.4 THEN pg_temp.random_day(20, 60) END,
                      CASE WHEN random() < 0.7 THEN date '2026-03-01' + 61 + pg_temp.upto(200) END);
    END LOOP;
    IF random() < 0.2 THEN
        l := l + '1:-30'::lots;
    END IF;
    RETURN l;
END $$;

CREATE FUNCTION pg_temp.random_tags() RETURNS tagset LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(string_agg(format('%s*%s@%s%s%s', n, round((0.1 + random() * 2)::numeric, 2), pg_temp.random_day(100, 20),
        CASE WHEN random() < 0.5 THEN '/' || date '2026-03-01' + 21 + pg_temp.upto(200) END,
        CASE WHEN random() < 0.5 THEN '~' || 10 + pg_temp.upto(100) END), ','), 'empty')::tagset
    FROM generate_series(1, 6) n WHERE random() < 0.5 $$;

CREATE FUNCTION pg_temp.random_facts() RETURNS facts LANGUAGE sql VOLATILE AS $$
    SELECT ROW(
        pg_temp.random_lots(), pg_temp.random_activity(),
        pg_temp.pick('empty', '1:1@2026-01-15', '1:2@2025-06-01/2026-06-01,2:1@2026-04-01', '1:1@2025-12-31/2026-12-31!2027-01-31')::standing,
        pg_temp.random_tags(),
        CASE WHEN random() < 0.8 THEN 'n=100 r(225,155,92,44) f(2,3,4,*) m(5001,12002,23003,44004)'::rfm_cuts END,
        CASE WHEN random() < 0.9 THEN pg_temp.random_day(1500, 30) END,
        CASE WHEN random() < 0.9 THEN date '1980-02-29' + pg_temp.upto(3) * 366 + pg_temp.pick('0', '10', '100')::int END,
        pg_temp.pick('F', 'M', NULL), pg_temp.pick('上海', '杭州', '北京', NULL), NULL, 'scan', NULL,
        pg_temp.pick('year', 'trial', NULL), pg_temp.random_day(200, 30), CASE WHEN random() < 0.8 THEN date '2026-03-01' + 31 + pg_temp.upto(200) END,
        jsonb_build_object('n', pg_temp.upto(10), 'd', pg_temp.random_day(400, 400)), NULL,
        CASE WHEN random() < 0.9 THEN ROW(pg_temp.pick('bg(0.6,20,0.8,2.4) gg(6.25,3.74,15440)', 'bg(0.243,30.9,0.793,2.426) gg(6.25,3.74,1544)', 'bg(1.5,40,1,3)'),
                                      (ARRAY[30, 365])[1 + pg_temp.upto(1)], (ARRAY[0, 0.1])[1 + pg_temp.upto(1)], 0.8)::value_terms END)::facts $$;

-- text: canonical, and the same again
CREATE TEMP TABLE random_rule AS SELECT i, pg_temp.random_rule(3) AS source FROM generate_series(1, 4000) i;
SELECT count(*) AS rules, count(*) FILTER (WHERE source::rule::text::rule::text = source::rule::text) AS canonical,
       count(*) FILTER (WHERE source::rule::text::rule = source::rule) AS equal,
       count(*) FILTER (WHERE length(source::rule::text) > 0) AS told
FROM random_rule;

-- Changes that come back every year are followed for thirty years only.
-- next_change by brute force: every day up to it answers as the first, and it does not
CREATE TEMP TABLE trial AS
SELECT r.source::rule AS r, pg_temp.random_facts() AS f, pg_temp.random_day(40, 40) AS day FROM random_rule r;
CREATE TEMP TABLE verdict AS
SELECT t.r, t.f, t.day, next_change(t.r, t.f, t.day) AS said,
       (SELECT d.day FROM (SELECT t.day + n AS day, now.holds <> matches(t.r, t.f, t.day + n) AS differs FROM generate_series(1, 250) n) d
        WHERE d.differs LIMIT 1) AS found
FROM trial t, LATERAL (SELECT matches(t.r, t.f, t.day) AS holds OFFSET 0) now;
SELECT count(*) AS trials, sum(coalesce(found - day, 250)) > 200000 AS days_tried, count(found) > 600 AS changes,
       count(*) FILTER (WHERE found IS DISTINCT FROM CASE WHEN said <= day + 250 THEN said END) AS faults
FROM verdict;
SELECT r, f, day, said, found FROM verdict WHERE found IS DISTINCT FROM CASE WHEN said <= day + 250 THEN said END
ORDER BY length(r::text) LIMIT 5;

-- and step by step along the changes; a number made of p_alive and the like may stop early, after ten years, never late
CREATE FUNCTION pg_temp.walk(r rule, f facts, day date, OUT steps int, OUT faults int) LANGUAGE plpgsql AS $$
DECLARE
    answer boolean := matches(r, f, day);
    far CONSTANT date := day + 8000;
BEGIN
    steps := 0;
    faults := 0;
    LOOP
        day := next_change(r, f, day);
        EXIT WHEN day > far OR steps = 12;
        steps := steps + 1;
        IF matches(r, f, day - 1) <> answer OR (matches(r, f, day) = answer AND r::text !~ 'p_alive|expected_purchases|clv') THEN
            faults := faults + 1;
        END IF;
        answer := matches(r, f, day);
    END LOOP;
END $$;
SELECT sum(steps) > 1000 AS steps, sum(faults) AS faults FROM trial t, pg_temp.walk(t.r, t.f, t.day);

-- A ruleset says what its rules say one by one, and its text is lossless.
CREATE TEMP TABLE rule_group AS
SELECT i / 100 AS g, ruleset(array_agg(i ORDER BY i), array_agg(source::rule ORDER BY i)) AS s FROM random_rule GROUP BY 1;
SELECT count(*) AS sets, count(*) FILTER (WHERE s::text::ruleset = s AND s::text::ruleset::text = s::text) AS same FROM rule_group;
CREATE TEMP TABLE met AS SELECT pg_temp.random_facts() AS f, pg_temp.random_day(40, 40) AS day FROM generate_series(1, 20);
SELECT count(*) AS members, sum(cardinality(x.holding)) > 10000 AS rules_hold, count(*) FILTER (WHERE x.holding IS DISTINCT FROM x.single) AS faults
FROM (SELECT matching(g.s, m.f, m.day) AS holding,
             (SELECT coalesce(array_agg(r.i ORDER BY r.i), '{}') FROM random_rule r WHERE r.i / 100 = g.g AND matches(r.source::rule, m.f, m.day)) AS single
      FROM rule_group g, met m) x;

-- What rules say of activity is what the functions of the type say, which read the packed form; unknown where they raise MB501.
CREATE FUNCTION pg_temp.by_type(what text, a activity, since date, until date, day date) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE what
        WHEN 'count' THEN count(a, 1::smallint, since, until) WHEN 'amount' THEN amount(a, 1::smallint, since, until) / 100
        WHEN 'largest' THEN coalesce(largest(a, 1::smallint, since, until), 0) / 100 WHEN 'visits' THEN active_days(a, 1::smallint, since, until)
        WHEN 'falling_months' THEN falling_months(a, 1::smallint, day) WHEN 'streak' THEN streak(a, 1::smallint, day)
        WHEN 'run' THEN run(a, 1::smallint, last_kind(a, 1::smallint))
        ELSE (round(mean_gap(a, 1::smallint)::numeric, 6))::text::numeric END;
EXCEPTION WHEN SQLSTATE 'MB501' THEN
    RETURN NULL;
END $$;
CREATE TEMP TABLE compared AS
SELECT x.what, x.answer, (x.call || coalesce(' = ' || x.answer, ' is unknown'))::rule AS r, x.f, x.day
FROM (SELECT m.f, m.day, w.what,
             CASE WHEN w.days > 0 THEN format('%s(1, %sd)', w.what, w.days) ELSE format('%s(1)', w.what) END AS call,
             pg_temp.by_type(w.what, (m.f).activity, m.day - w.days + 1, m.day + 1, m.day) AS answer
      FROM (SELECT pg_temp.random_facts() AS f, pg_temp.random_day(40, 40) AS day FROM generate_series(1, 3000)) m,
           (VALUES ('count', 7), ('count', 90), ('amount', 30), ('amount', 400), ('largest', 60), ('visits', 30), ('falling_months', 0), ('streak', 0), ('run', 0), ('mean_gap', 0)) w (what, days)
     ) x;
SELECT what, count(*) AS compared, count(answer) > 200 AND count(DISTINCT answer) > 2 AS known, count(*) FILTER (WHERE NOT matches(r, f, day)) AS faults,
       count(*) FILTER (WHERE matching(ruleset(ARRAY[1], ARRAY[r]), f, day) <> ARRAY[1]) AS of_sets
FROM compared GROUP BY 1 ORDER BY 1;
SELECT r, f, day FROM compared WHERE NOT matches(r, f, day) ORDER BY length(f::text) LIMIT 3;
