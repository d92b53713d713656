-- rule, facts and ruleset: every construct of the language with its value, every error, text and binary input.
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

CREATE TEMP TABLE dictionary AS SELECT '{
    "tags": {"美妆": 12, "沉睡": 13, "价格敏感": 14, "2026 vip": 15},
    "streams": {"orders": 1, "signin": 2, "article": 3, "click:beauty": 4, "ugc_approved": 5, "水果茶": 6, "month": 7},
    "purchases": 1, "wallets": {"points": 1, "growth": 2, "times": 3, "age": 4}, "wallet": 1,
    "ladders": {"consumer": 1, "svip": 2}, "ladder": 1,
    "levels": {"1": {"normal": 0, "silver": 1, "gold": 2}, "2": {"free": 0, "year": 1}},
    "kinds": {"tech": 7, "promo": 8},
    "segments": {"vip": "spend(12mo) >= 5000 or #美妆", "active": "idle < 30d", "both": "segment(vip) and segment(active)",
                 "circle": "age > 3 or segment(''round'')", "round": "segment(circle)", "broken": "spend(12mo >= 3"}
}'::jsonb AS names;
CREATE FUNCTION pg_temp.compiled(source text) RETURNS rule LANGUAGE sql AS $$ SELECT member_internal.rule_compile(source, names) FROM dictionary $$;

-- ---- what is written, as a value, and with names again ----

CREATE TEMP TABLE written (no serial, source text);
INSERT INTO written (source) VALUES
    ('#美妆 and not #沉睡 and spend(365d) >= 2000 and city in (''上海'',''杭州'')'),
    ('orders(90d) >= 4 or max_order(90d) >= 50'),
    ('recency > mean_gap * 1.5'),
    ('run(article.category) >= 3'),
    ('run(article, tech) >= 3'),
    ('count(''click:beauty'', 7d) >= 3'),
    ('0.7*spend(12mo) + 0.3*growth >= 5000'),
    ('birthday within 3d'),
    ('anniversary within 0d'),
    ('tier >= ''gold'''),
    ('tier(''svip'') = ''year'''),
    ('tier between ''silver'' and ''gold'''),
    ('tier in (''silver'', ''gold'') and tier_days >= 6mo and tier_left <= 30d'),
    ('attr.industry = ''餐饮'''),
    ('attr."客户 类型" = 3 and attr.vip and not attr.blocked and attr.paid = true and attr.test <> true'),
    ('event.amount >= 100 and event.store in (''SH01'')'),
    ('avg_order(12mo) <= 200 and #价格敏感'),
    ('avg(signin, 3mo) > 1'),
    ('spend >= 2000'),
    ('streak(signin) >= 7'),
    ('tenure >= 1y and tenure < 3y'),
    ('2w <= recency'),
    ('visits(30d) >= 2 and visits(signin, 30d) >= 12'),
    ('idle >= 15d and growth >= 100'),
    ('share(''水果茶'', 6mo) >= 0.5 and share(水果茶, article) > 1 and ratio(article, signin, 7d) > 0.1'),
    ('balance(''times'') <= 1 and balance > 0 and pending(growth) = 0 and balance(age) = 0'),
    ('expiring(30d) > 0 and expiring(growth, 15d) > 0'),
    ('mean_gap between 60 and 120'),
    ('idle not between 1d and 10d'),
    ('city not in (''a'', ''b'', ''it''''s'')'),
    ('falling_months(orders) >= 3'),
    ('segment(both) and not (age >= 18 or 3 < pending)'),
    ('plan = ''year'' or plan within 30d or attr.renewal within 30d'),
    ('since(attr.contract) > 2y and until(attr.contract) < 10d'),
    ('r=3 and f=3 and m =3 and value_group = 1 and strategy_group(orders) = 0'),
    ('value_group in (''重要价值'', ''important, to keep'') and strategy_group <> ''一般'' and rfm_segment = ''champions'' and 2 <= rfm_segment'),
    ('p_alive < 0.3 and clv >= 500 and expected_purchases(orders) between 1 and 2'),
    ('- -5 < -growth and -(age + 1) < -3'),
    ('(1+2)*3-(4-5) >= spend(membership_year) / 2 / (3*4)'),
    ('spend(month) + spend(quarter) + spend(year) + spend(last_month) + spend(last_quarter) + spend(last_year) + spend(last_membership_year) > 0'),
    ('count("month", 30d) > 0'),
    ('has(signin, 7d) + has(article, 7d) >= 2'),
    ('weight(#美妆) > 0.5'),
    ('city is unknown or gender is known or attr.x is not known'),
    ('ugc_approved(90d) >= 4'),
    ('#"2026 vip" and (#1 and #2) and (#3 or (#4 or not not #5))'),
    ('gender = ''F'' and region <> ''华东'' and channel >= ''a'' and store < ''b'''),
    ('TRUE AND NOT False OR age IN (1, 2)'),
    (E'\tage\n>\r 3'),
    ('dwell(article, 7d) >= 300 and since_first < 90d');
SELECT no, pg_temp.compiled(source) AS rule, member_internal.rule_text(pg_temp.compiled(source), names) AS names FROM written, dictionary ORDER BY no;
SELECT count(*) AS rules, count(*) FILTER (WHERE r::text::rule = r) AS same, count(*) FILTER (WHERE r::text::rule::text = r::text) AS canonical,
       count(*) FILTER (WHERE pg_temp.compiled(member_internal.rule_text(r, names)) = r) AS named
FROM (SELECT pg_temp.compiled(source) AS r, names FROM written, dictionary) x;

-- ---- errors: the place, what was found, what was expected, the near name ----

SELECT source, pg_temp.failure(format('SELECT pg_temp.compiled(%L)', source)) AS failure FROM (VALUES
    (''), ('#美装'), ('spend(90d) >= '), ('spend(90d'), ('spnd(90d) > 3'), ('city = 5'), ('spend > ''x'''), ('#美妆 or'), ('(#美妆'), ('#美妆)'),
    ('1 + #美妆 > 3'), ('spend(12mo) >= 12mo'), ('recency * 2 > 12mo'), ('1y > 2y'), ('recency in (1mo)'), ('age + 1y > 3'), ('-1y < idle'),
    ('tier >= ''glod'''), ('tier >= ''no such level'''), ('tier(svp) = 1'), ('spend(90x) > 1'), ('spend(mnth) > 1'), ('count(signin, yaer) > 1'),
    ('spend(40000d) > 1'), ('spend(1201mo) > 1'), ('spend(1.5d) > 1'), ('spend(0d) > 1'), ('expiring(40000d) > 1'), ('city = ''a'), ('attr."x = 1'), ('a & b'), ('age > 3;'),
    ('spend'), ('and'), ('age > or'), ('not'), ('1234567890123456 < spend'), ('0.1234567 < spend'), ('segment(circle)'), ('segment(x)'), ('segment(broken)'), ('segment 3'),
    ('#0'), ('#1.5'), ('#99999999999'), ('#'), ('attr. = 3'), ('attr = 3'), ('city within 3d'), ('birthday'), ('birthday within 3'), ('plan within 1mo'), ('5 > 3 > 1'),
    ('city in (city)'), ('city in ()'), ('city in ''a'''), ('age in (1 2)'), ('age not 3'), ('age between 1 or 3'), ('city between ''a'' and ''b'''), ('age is 3'), ('#1 is known'),
    ('idle(3) > 1'), ('expiring(points) > 1'), ('expiring > 1'), ('attr.x > true'), ('age = true'), ('balance(growh) > 1'), ('run(article.kind) > 1'), ('run(article, tehc) > 1'),
    ('"x" = 1'), ('weight(美妆) > 1'), ('since(city) > 1'), ('count(signin 7d) > 1'), ('count(0) > 1'), ('count(32768) > 1'), ('count(signin, 7) > 1'), ('share(1d) > 1'), ('age 3'), ('#1 #2')
) v (source);
-- as a value it takes numbers only
SELECT source, pg_temp.failure(format('SELECT %L::rule', source)) AS failure FROM (VALUES
    ('#美妆'), ('spend(90d) > 1'), ('recency > 3'), ('tier >= 1'), ('tier(1) >= ''gold'''), ('count(orders) > 1'), ('points > 1'), ('segment(vip)'), ('expiring(30d) > 0')) v (source);

-- limits
SELECT pg_temp.failure(format('SELECT %L::rule', repeat('(', 10000) || 'true' || repeat(')', 10000)));
SELECT pg_temp.failure(format('SELECT %L::rule', rpad('true', 100000, ' and true')));
SELECT pg_temp.failure(format('SELECT %L::rule', repeat('(', 101) || 'true' || repeat(')', 101)));
SELECT pg_temp.failure(format('SELECT %L::rule', repeat('(', 100) || 'true' || repeat(')', 100)));
SELECT pg_temp.failure(format('SELECT %L::rule', repeat('not ', 101) || 'true'));
SELECT pg_temp.failure(format('SELECT %L::rule', 'age > ' || repeat('-', 101) || 'age'));
SELECT pg_temp.failure(format('SELECT %L::rule', repeat('#1or ', 3) || 'true'));
SELECT pg_temp.failure(format('SELECT %L::rule', repeat('#1 or ', 3332) || 'true'));
SELECT pg_temp.failure(format('SELECT %L::rule', 'age>' || repeat('1+', 1995) || '1'));
SELECT pg_temp.failure(format('SELECT %L::rule', 'age>' || repeat('1+', 3000) || '1'));
-- short forms written out are too long, or too deep
SELECT pg_temp.failure(format('SELECT member_internal.rule_compile(%L, %L)', repeat('segment(s) or ', 100) || 'true',
    jsonb_build_object('segments', jsonb_build_object('s', repeat('attr.abcdefghijklmnop = 1 and ', 20) || 'true'))));
SELECT pg_temp.failure(format('SELECT member_internal.rule_compile(%L, %L)', repeat('not (age > 3 or ', 49) || 'segment(s)' || repeat(')', 49),
    jsonb_build_object('segments', jsonb_build_object('s', repeat('not ', 3) || 'true'))));

-- ---- values ----

CREATE TEMP TABLE fact AS SELECT ROW(
    '1:100/2026-12-31,1:40/2026-03-20,1:25@2026-03-10/2026-12-31,2:50', -- lots
    '1{2025-03-04:1/12000, 2026-01-05:1/5000, 2026-02-10:2/30000^20000, 2026-02-25:1/1000} 2{2026-02-27:1, 2026-02-28:1, 2026-03-01:1; 7x3} 3{2025-06-05..20:3/900^500*3, 2026-02-01:1/300}',
    '1:2@2026-01-01/2027-01-01,3:0@2026-02-01',
    '12*0.8@2026-01-01~60,13@2026-01-01/2026-03-01,14@2026-03-15',
    'n=100 r(225,92) f(2,4) m(5001,23003)',
    '2024-02-29', '1990-03-03', 'F', '上海', NULL, 'scan', NULL, 'year', '2026-01-01', '2026-04-01',
    '{"n": 3, "vip": true, "no": false, "day": "2026-04-10", "industry": "餐饮", "null": null}', '{"amount": 120.5, "store": "SH01"}',
    ROW('bg(0.243,30.9,0.793,2.426) gg(6.25,3.74,1544)', 365, 0.1, 1))::facts AS f;

-- every measure on 2026-03-01, through explain: actual value, or null when it is not known
SELECT v.measure, e.actual FROM (VALUES
    ('count(1)'), ('count(1, 90d)'), ('count(1, 20d)'), ('count(1, 19d)'), ('amount(1)'), ('amount(1, 12mo)'), ('largest(1)'), ('largest(1, 12mo)'), ('largest(9)'), ('visits(1)'), ('visits(1, 12mo)'), ('has(1, 5d)'), ('has(1, 1d)'), ('has(9)'),
    ('amount(1, month)'), ('amount(1, quarter)'), ('amount(1, year)'), ('amount(1, last_month)'), ('amount(1, last_quarter)'), ('amount(1, last_year)'), ('amount(1, membership_year)'), ('amount(1, last_membership_year)'),
    ('count(3)'), ('count(3, 12mo)'), ('count(3, 260d)'), ('count(3, 300d)'),
    ('recency(1)'), ('recency(9)'), ('since_first(1)'), ('mean_gap(1)'), ('mean_gap(9)'), ('streak(2)'), ('streak(9)'), ('run(2)'), ('run(2, 7)'), ('run(2, 8)'), ('falling_months(1)'), ('idle'),
    ('balance(1)'), ('balance(2)'), ('balance(3)'), ('pending(1)'), ('expiring(1, 18d)'), ('expiring(1, 19d)'), ('expiring(1, 400d)'),
    ('tier(1)'), ('tier(2)'), ('tier_days(1)'), ('tier_days(2)'), ('tier_left(1)'), ('tier_left(3)'), ('r(1)'), ('f(1)'), ('m(1)'), ('value_group(1)'), ('strategy_group(1)'), ('rfm_segment(1)'), ('r(9)'), ('p_alive(1)'), ('expected_purchases(1)'), ('clv(1)'), ('p_alive(9)'), ('p_alive(3)'),
    ('age'), ('birthday_in'), ('anniversary_in'), ('tenure'), ('plan_days'), ('plan_left'), ('weight(#12)'), ('weight(#13)'), ('weight(#99)'), ('since(attr.day)'), ('until(attr.day)'), ('until(attr.industry)'),
    ('attr.n'), ('attr.nothing'), ('attr.industry'), ('event.amount'), ('1 / 0'), ('7 / 2'), ('-(2 + 3) * 4'), ('0.1 + 0.2')
) v (measure), fact, explain((v.measure || ' = 0')::rule, f, '2026-03-01') e;

SELECT condition, matches(condition::rule, f, '2026-03-01') AS holds, matches(('not (' || condition || ')')::rule, f, '2026-03-01') AS not_holds FROM fact, (VALUES
    ('true'), ('false'), ('#12'), ('#13'), ('#14'), ('#99'), ('gender = ''F'''), ('city in (''北京'', ''上海'')'), ('city in (''北京'')'), ('region = ''华东'''), ('region in (''华东'')'), ('region is known'), ('city is known'),
    ('channel > ''s'''), ('channel < ''s'''), ('plan = ''year'''), ('plan <> ''trial'''), ('plan within 31d'), ('plan within 30d'), ('attr.day within 40d'), ('attr.day within 39d'), ('attr.n = 3'), ('attr.n between 3 and 4'), ('attr.n = ''3'''), ('attr.vip'), ('attr.no'), ('attr.n'), ('attr.null is known'),
    ('attr.vip is known'), ('attr.industry in (''餐饮'', ''零售'')'), ('event.store = ''SH01'''), ('event.amount > 120.4'), ('birthday_in <= 2d'), ('birthday_in <= 1d'), ('tenure >= 24mo'), ('tenure > 24mo'), ('recency(1) < 1mo'), ('recency(9) > 1'), ('recency(9) is known'),
    ('0.1 + 0.2 = 0.3'), ('1 / 0 = 1'), ('recency(9) > 1 or #12'), ('recency(9) > 1 and #12'), ('recency(9) > 1 and #99'), ('tier(1) between 2 and 3'), ('tier(1) in (0, 1)'), ('not recency(9) > 1'), ('3 in (1, 2)'), ('''a'' = ''a''')
) v (condition);

-- debt: what is owed is paid by lots as they become usable
SELECT d.day::date, (SELECT actual FROM explain('balance(1) = 0', x.f, d.day::date)), (SELECT actual FROM explain('expiring(1, 30d) = 0', x.f, d.day::date))
FROM (SELECT ROW('1:-30,1:100@2026-03-05/2026-03-20', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::facts AS f) x,
     (VALUES ('2026-03-01'), ('2026-03-05'), ('2026-03-20')) d (day);
-- facts without anything
SELECT condition, matches(condition::rule, ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::facts, '2026-03-01')
FROM (VALUES ('true'), ('idle > 0'), ('count(1) = 0'), ('balance(1) = 0'), ('tier(1) = 0'), ('#1'), ('city = ''x'''), ('plan = '''''), ('attr.x'), ('r(1) > 0'), ('p_alive(1) >= 0'), ('clv(1) is known'), ('age > 0'), ('amount(1, membership_year) = 0')) v (condition);
SELECT matches(NULL, f, '2026-03-01') IS NULL AS null_rule, matches('true', NULL::facts, '2026-03-01') IS NULL AS null_facts, matches('true', f, NULL) IS NULL AS null_day FROM fact;
SELECT pg_temp.failure(format('SELECT matches(''true'', f, %L) FROM fact', d)) FROM (VALUES ('1899-12-31'), ('infinity'), ('10000-01-01')) v (d);

-- explain: a row a condition
SELECT e.* FROM fact, explain('amount(1, 12mo) >= 1000 and not (#12 or age between 40 and 50) and city in (''杭州'') and attr.q > 3 and tenure < 24mo and attr.vip and recency(1) <> 4', f, '2026-03-01') e;
SELECT e.no, e.condition, e.actual, e.required, e.missing, e.holds FROM fact, dictionary, member_internal.rule_explain(pg_temp.compiled('spend(12mo) >= 1000 and tier >= ''gold'' and #美妆'), f, '2026-03-01', names) e;

-- needs
SELECT source, needs(source::rule) FROM (VALUES ('true'), ('#12 and weight(#3) > 1 and #12'), ('amount(1, 90d) > 1 and count(1, 12mo) > 1 and count(1) > 1 and amount(2, last_year) > 0'),
    ('balance(1) > 0 and tier(2) > 1 and r(1) = 1'), ('idle > 3 and age > 3 and tenure > 3 and amount(1, membership_year) > 0'), ('city = ''a'' and plan = ''b'' and plan_left > 3'), ('attr.x and attr.y = 3 and event.amount > 1 and until(attr.d) < 3')) v (source);

-- next_change
SELECT source, matches(source::rule, f, '2026-03-01') AS holds, next_change(source::rule, f, '2026-03-01') FROM fact, (VALUES
    ('true'), ('amount(1, 12mo) >= 480'), ('amount(1, 12mo) >= 370'), ('amount(1) >= 1'), ('recency(1) > 30'), ('recency(1) > mean_gap(1)'), ('idle >= 15d'), ('streak(2) >= 3'), ('falling_months(1) >= 1'), ('birthday_in <= 3d'), ('birthday_in <= 1d'), ('age >= 36'), ('tenure >= 36mo'), ('balance(1) >= 140'), ('balance(1) >= 150'),
    ('expiring(1, 10d) > 0'), ('#13'), ('#14'), ('not #12'), ('weight(#12) >= 0.2'), ('plan = ''year'''), ('plan within 5d'), ('tier_left(1) < 30'), ('r(1) = 3'), ('f(1) = 3'), ('amount(1, month) > 0'), ('count(1, last_month) > 0'), ('tenure * 2 + recency(1) > 2000'), ('age >= 36 and false'), ('recency(9) > 3'), ('event.amount > 3')
) v (source);

-- ---- ruleset ----

SELECT s::ruleset FROM (VALUES ('empty'), ('1: true'), (' 1 :true;  7:  #3 and  age>3 ; 2147483647:city = '';'' or attr."a;b" ')) v (s);
SELECT ruleset(ARRAY[3, 5, 8], ARRAY['#1 and age > 3', 'age > 3', 'not #1']::rule[]), ruleset('{}', '{}');
SELECT matching(ruleset(ARRAY[1, 2, 3, 4, 5], ARRAY['#12', 'not #12', 'amount(1, 12mo) >= 370 and gender = ''F''', 'attr.nothing > 3', 'recency(1) in (1, 4)']::rule[]), f, '2026-03-01'), matching('empty', f, '2026-03-01'), matching('5: false', f, '2026-03-01') FROM fact;
SELECT matching(s::ruleset, f, '2026-03-01') FROM fact, (VALUES ('1: true'), ('2: true; 3: #12'), ('1: true'), ('4: false')) v (s);
SELECT '1: #1'::ruleset = '1:#1'::ruleset AS equal, '1: #1'::ruleset = '2: #1'::ruleset AS other, '1: #1'::ruleset <> '2: #1'::ruleset AS differs, ruleset_hash('1: #1') = ruleset_hash('1:#1') AS hash;
SELECT s, pg_temp.failure(format('SELECT %L::ruleset', s)) FROM (VALUES (''), ('x'), ('1'), ('1 true'), ('1: true;'), ('1: true; 1: true'), ('2: true; 1: true'), ('0: true'), ('2147483648: true'), ('99999999999999999999: true'), ('1: true; 2: age >'), ('1: city = ''a; 2: true')) v (s);
SELECT pg_temp.failure('SELECT ruleset(ARRAY[1], ARRAY[]::rule[])'), pg_temp.failure('SELECT ruleset(ARRAY[2, 1], ARRAY[''true'', ''true'']::rule[])'),
       pg_temp.failure('SELECT ruleset(ARRAY[0], ARRAY[''true'']::rule[])'), pg_temp.failure('SELECT ruleset(ARRAY[NULL]::int[], ARRAY[''true'']::rule[])'), pg_temp.failure('SELECT ruleset(ARRAY[1], ARRAY[NULL]::rule[])');

-- ---- comparison, hash, binary ----

SELECT 'age > 3'::rule = 'age>3.0'::rule AS equal, 'age > 3'::rule <> 'age > 4'::rule AS differs, rule_hash('age > 3') = rule_hash('age>3') AS hash,
       rule_hash_extended('age > 3', 0) = rule_hash_extended('age>3', 0) AS extended, rule_hash_extended('age > 3', 0) = rule_hash_extended('age > 3', 1) AS seeded;
SELECT r, count(*) FROM (VALUES ('#1'::rule), ('#2'), (' #1')) v (r) GROUP BY r ORDER BY r::text;

CREATE TEMP TABLE sent (r rule, s ruleset);
CREATE TEMP TABLE received (r rule, s ruleset);
INSERT INTO sent SELECT r, ruleset(ARRAY[1, 9], ARRAY[r, r]) FROM (SELECT pg_temp.compiled(source) AS r FROM written) x;
DO $$
DECLARE
    file text := current_setting('data_directory') || '/rule_copy';
BEGIN
    EXECUTE format('COPY sent TO %L (FORMAT binary)', file);
    EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
END $$;
SELECT count(*) AS sent, count(r.r) AS same FROM sent x LEFT JOIN received r ON r.r = x.r AND r.s = x.s;

CREATE FUNCTION pg_temp.recv(b bytea, type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    file text := current_setting('data_directory') || '/rule_recv';
    object oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0)
                                   || int2send(1::smallint) || int4send(length(b)) || b || int2send((-1)::smallint));
    message text; detail text;
BEGIN
    PERFORM lo_export(object, file), lo_unlink(object);
    DELETE FROM received;
    EXECUTE format('COPY received (%I) FROM %L (FORMAT binary)', type, file);
    RETURN (SELECT coalesce(r::text, s::text) FROM received);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(E'\n', SQLSTATE || ' ' || message, nullif(detail, ''));
END $$;
SELECT pg_temp.recv('age > 3', 'r'), pg_temp.recv('age >', 'r'), pg_temp.recv('', 'r'), pg_temp.recv('\x61ff', 'r'), pg_temp.recv('1: age > 3', 's'), pg_temp.recv('1 age', 's');

-- ---- garbage: whatever it is, it is a rule or an error of the language ----

SELECT setseed(0.7) \g /dev/null
CREATE FUNCTION pg_temp.mutated(source text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    at int;
    pieces text[] := ARRAY['(', ')', '#', '''', '"', '.', ',', '-', '*', '/', '>=', '<>', ' and ', ' or ', ' not ', ' in ', ' between ', ' is known', ' within ', '30d', '12mo', '0', '99999999999999999999', '0.000001',
        'attr.x', 'city', 'tier(1)', 'count(1, 7d)', 'true', '美', ' ', 'y', '#7', 'month', E'\t', '%', ';', ':', 'e', '1e9'];
BEGIN
    FOR i IN 1 .. 1 + floor(random() * random() * 4)::int LOOP
        at := 1 + floor(random() * (length(source) + 1))::int;
        source := CASE floor(random() * 4)::int
            WHEN 0 THEN overlay(source PLACING '' FROM at FOR 1 + floor(random() * 5)::int)
            WHEN 1 THEN overlay(source PLACING pieces[1 + floor(random() * cardinality(pieces))::int] FROM at FOR 0)
            WHEN 2 THEN overlay(source PLACING pieces[1 + floor(random() * cardinality(pieces))::int] FROM at FOR 3)
            ELSE source || substr(source, at, 10) END;
    END LOOP;
    RETURN source;
END $$;
CREATE FUNCTION pg_temp.verdict(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'good';
EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN SQLSTATE IN ('MB801', 'MB802', 'MB803', 'MB804') THEN 'refused' ELSE SQLSTATE || ' ' || SQLERRM END;
END $$;
CREATE TEMP TABLE mutant AS SELECT pg_temp.mutated(CASE WHEN random() < 0.5 THEN source ELSE pg_temp.compiled(source)::text END) AS source FROM written, generate_series(1, 200);
SELECT verdict, count(*) > 400 AS many FROM (SELECT pg_temp.verdict(format('SELECT pg_temp.compiled(%L)', source)) AS verdict FROM mutant) x GROUP BY 1 ORDER BY 1;
SELECT verdict, count(*) > 200 AS many FROM (SELECT pg_temp.verdict(format('SELECT %L::rule', source)) AS verdict FROM mutant) x GROUP BY 1 ORDER BY 1;
-- what is taken comes back the same, and can be computed with
DO $$
DECLARE
    m record;
    r rule;
    good int := 0;
BEGIN
    FOR m IN SELECT source FROM mutant LOOP
        BEGIN
            r := pg_temp.compiled(m.source);
        EXCEPTION WHEN OTHERS THEN
            CONTINUE;
        END;
        good := good + 1;
        IF r::text::rule <> r OR pg_temp.compiled((SELECT member_internal.rule_text(r, names) FROM dictionary)) <> r THEN
            RAISE EXCEPTION 'not the same: %', m.source;
        END IF;
        PERFORM matches(r, f, '2026-03-01'), next_change(r, f, '2026-03-01'), needs(r), (SELECT count(*) FROM explain(r, f, '2026-03-01')) FROM fact;
        IF (SELECT (matching(ruleset(ARRAY[1], ARRAY[r]), f, '2026-03-01') = ARRAY[1]) IS DISTINCT FROM matches(r, f, '2026-03-01') FROM fact) THEN
            RAISE EXCEPTION 'ruleset differs: %', m.source;
        END IF;
    END LOOP;
    IF good < 300 THEN
        RAISE EXCEPTION 'only % mutants are rules', good;
    END IF;
END $$;
-- random bytes as binary input
SELECT verdict, count(*) > 100 AS many FROM (
    SELECT split_part(pg_temp.recv((SELECT string_agg(set_byte('\x00', 0, 1 + floor(random() * 255)::int), '') FROM generate_series(1, 1 + n % 20)), CASE n % 2 WHEN 0 THEN 'r' ELSE 's' END), ' ', 1) AS verdict FROM generate_series(1, 300) n) x GROUP BY 1 ORDER BY 1;

-- ---- with the catalog ----

SELECT pg_temp.failure('SELECT compile_rule(''true'')');
SET member.clock = '2026-03-01 10:00+08';
SELECT setup('tea') > 0 AS set_up;
SELECT compile_rule(t), rule_text(compile_rule(t)) FROM (VALUES ('orders(30d) >= 4 or max_order(30d) >= 50'), ('tier >= ''gold'' and points >= 100 and streak(signin) = 7'), ('signin(30d) > 3 and growth > 1')) v (t);
SELECT pg_temp.failure('SELECT compile_rule(''tier >= ''''gld'''''')'), pg_temp.failure('SELECT compile_rule(''browze(30d) > 1'')'), pg_temp.failure('SELECT compile_rule(''value_group = ''''重要价直'''''')'), pg_temp.failure('SELECT compile_rule(''rfm_segment = ''''x'''''')'), compile_rule(NULL) IS NULL AS null_is_null;
