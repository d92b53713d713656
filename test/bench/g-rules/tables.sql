-- Members with activity in 22 streams, points, levels, tags and a profile, twice: in the tables of the extension, with the
-- rules published as tags, and as bench.wide, one column for each value that a condition by hand asks for: amounts numeric as
-- sum() gives them, in bench.wide_double double.
-- :members
SET search_path = member, pg_catalog;
SET synchronize_seqscans = off;
SELECT setseed(0.1);
\ir rules.sql

-- what rules see: orders (1), sign-ins (2), 20 categories (3 to 22)
CREATE TABLE bench.parts AS
WITH a AS (
    SELECT id, (SELECT activity_agg(x.s::smallint, x.d, x.a::bigint) FROM (
        SELECT 1 AS s, date '2026-03-01' - (random() * 380)::int AS d, 1000 + (random() * 30000)::int AS a FROM generate_series(1, 1 + (random() * 18)::int + id % 2)
        UNION ALL SELECT 2, date '2026-03-01' - (random() * 60)::int, 0 FROM generate_series(1, (random() * 8)::int + id % 1)
        UNION ALL SELECT 3 + (random() * 19)::int, date '2026-03-01' - (random() * 360)::int, (random() * 9000)::int FROM generate_series(1, (random() * 12)::int + id % 1)) x) AS activity
    FROM generate_series(1, :members) id
)
SELECT id AS member_id, activity,
       (ARRAY['empty', '1:1@2026-01-15/2027-01-15', '1:2@2025-11-30/2026-11-30', 'empty'])[1 + id % 4]::standing AS standing,
       format('1:%s/2026-03-20,1:%s/2026-09-30,1:%s/2026-12-31,2:%s/2027-01-31', 1 + id % 90, 1 + id % 400, 1 + id % 300, 1 + id % 500)::lots AS lots,
       (SELECT coalesce(string_agg(t::text, ','), 'empty')::tagset FROM generate_series(1, 60) t WHERE random() < 0.3 AND id > 0) AS tags,
       date '2026-03-01' - (random() * 1500)::int AS joined, date '1971-01-01' + (random() * 13000)::int AS birthday,
       (ARRAY['F', 'M'])[1 + id % 2] AS gender, (ARRAY['上海', '杭州', '北京', '成都', '苏州'])[1 + id % 5] AS city,
       (ARRAY['payment', 'follow', 'scan', 'referral', 'menu'])[1 + (random() * 4)::int] AS channel,
       CASE id % 10 WHEN 0 THEN 'year' WHEN 1 THEN 'trial' ELSE '' END AS plan,
       jsonb_build_object('phone_bound', id % 3 = 0, 'profile_pct', id % 101, 'in_group', id % 7 = 0) AS attributes,
       'n=100 r(225,92) f(2,4) m(5001,23003)'::rfm_cuts AS cuts
FROM a;

-- the columns: name and value
CREATE TABLE bench.col AS
    WITH w (code, since, until) AS (
        VALUES ('30d', '2026-01-31', '2026-03-02'), ('90d', '2025-12-02', '2026-03-02'), ('180d', '2025-09-03', '2026-03-02'),
               ('12mo', '2025-03-02', '2026-03-02'), ('last_month', '2026-02-01', '2026-03-01'), ('all', '-infinity', 'infinity'))
    SELECT DISTINCT CASE WHEN w.code = 'all' THEN format('%s_%s', m[1], m[2]) ELSE format('%s_%s_%s', m[1], m[2], w.code) END AS name,
           format(CASE m[1] WHEN 'count' THEN 'count(activity, %s::smallint, %L, %L)'
                            WHEN 'visits' THEN 'active_days(activity, %s::smallint, %L, %L)'
                            WHEN 'amount' THEN 'round(amount(activity, %s::smallint, %L, %L) / 100.0, 2)'
                            ELSE 'round(coalesce(largest(activity, %s::smallint, %L, %L), 0) / 100.0, 2)' END, m[2], w.since, w.until) AS value
    FROM bench.rule r, regexp_matches(r.condition, '(count|visits|amount|largest)_(\d+)(?:_(\w+))?', 'g') m JOIN w ON w.code = coalesce(m[3], 'all')
    UNION ALL SELECT DISTINCT format('tag_%s', m[1]), format('tags @> to_tagset(ARRAY[%s])', m[1])
    FROM bench.rule r, regexp_matches(r.condition, 'tag_(\d+)', 'g') m
    UNION ALL SELECT DISTINCT format('run_%s', m[1]), format('run(activity, %1$s::smallint, last_kind(activity, %1$s::smallint))', m[1])
    FROM bench.rule r, regexp_matches(r.condition, 'run_(\d+)', 'g') m
    UNION ALL SELECT 'idle', '''2026-03-01'' - greatest(joined, ' || string_agg(format('last_day(activity, %s::smallint)', s), ', ') || ')' FROM generate_series(1, 22) s
    UNION ALL VALUES
        ('member_id', 'member_id'), ('gender', 'gender'), ('city', 'city'), ('channel', 'channel'), ('plan', 'plan'), ('joined', 'joined'),
        ('tenure', '''2026-03-01'' - joined'), ('age', 'extract(year FROM age(''2026-03-01'', birthday))::int'),
        ('birthday_in', '(birthday + make_interval(years => 2026 - extract(year FROM birthday)::int + (to_char(birthday, ''MMDD'') < ''0301'')::int))::date - ''2026-03-01'''),
        ('anniversary_in', 'nullif((joined + make_interval(years => 2026 - extract(year FROM joined)::int + (to_char(joined, ''MMDD'') < ''0301'')::int))::date, joined) - ''2026-03-01'''),
        ('phone_bound', '(attributes ->> ''phone_bound'')::boolean'), ('profile_pct', '(attributes ->> ''profile_pct'')::int'), ('in_group', '(attributes ->> ''in_group'')::boolean'),
        ('streak_2', 'streak(activity, 2::smallint, ''2026-03-01'')'), ('recency_1', '''2026-03-01'' - last_day(activity, 1::smallint)'), ('mean_gap_1', 'mean_gap(activity, 1::smallint)'),
        ('falling_months_1', 'falling_months(activity, 1::smallint, ''2026-03-01'')'), ('expiring_30d', 'expiring(lots, 1::smallint, ''2026-03-01'', 30)'),
        ('points', 'balance(lots, 1::smallint, ''2026-03-01'')'), ('growth', 'balance(lots, 2::smallint, ''2026-03-01'')'), ('tier', 'level(standing, 1::smallint)'),
        ('r', 'r(score)'), ('f', 'f(score)'), ('m', 'm(score)');
SELECT format('CREATE TABLE bench.wide AS SELECT %s FROM bench.parts, LATERAL (SELECT CASE WHEN count(activity, 1::smallint, ''2025-03-02'', ''2026-03-02'') > 0 THEN
    rfm_score(cuts, ''2026-03-01'' - last_day(activity, 1::smallint), count(activity, 1::smallint, ''2025-03-02'', ''2026-03-02''), amount(activity, 1::smallint, ''2025-03-02'', ''2026-03-02'')) END AS score OFFSET 0) s',
    string_agg(format('%s AS %I', value, name), ', ' ORDER BY name)) FROM bench.col \gexec
SELECT format('CREATE TABLE bench.wide_double AS SELECT %s FROM bench.wide', string_agg(format(CASE
    WHEN name ~ '^(amount|largest)' THEN '%1$I::float8' WHEN name ~ '^count' THEN '%1$I::int' ELSE '%1$I' END, name), ', ' ORDER BY name))
FROM bench.col \gexec

-- the program
SELECT setup('retail') \g /dev/null
INSERT INTO stream (stream_id, code, name) SELECT s, 'category_' || s, 'category ' || s FROM generate_series(5, 23) s;
INSERT INTO tag (tag_id, code, dimension) SELECT t, 'by hand ' || t, 'basic' FROM generate_series(1, 60) t;
INSERT INTO tag (tag_id, code, dimension, rule) SELECT 1000 + id, 'rule ' || id, 'behaviour', rule FROM bench.rule;
DELETE FROM tag WHERE tag_id > 60 AND tag_id <= 1000;
SELECT publish('rules') \g /dev/null
INSERT INTO rfm_run (day, bins, members, cuts, made_at) SELECT '2026-03-01', '{3,3,3}', :members, cuts, now() FROM bench.parts LIMIT 1;
CREATE VIEW bench.facts AS
    SELECT member_id, ROW(lots, activity, standing, tags, cuts, joined, birthday, gender, city, NULL, channel, NULL, plan, NULL, NULL, attributes, NULL, NULL)::facts AS facts
    FROM bench.parts;

-- the members, their tags as the rules say
INSERT INTO member (member_id, joined_at, channel, attributes)
    SELECT member_id, joined::timestamp AT TIME ZONE 'Asia/Shanghai', channel,
           attributes || jsonb_build_object('birthday', birthday, 'gender', gender, 'city', city, 'plan', plan) FROM bench.parts;
INSERT INTO state (member_id, at, touched_at, salt, lots, activity, standing)
    SELECT member_id, '2026-02-01', '2026-02-01', member_id, lots, activity, standing FROM bench.parts;
INSERT INTO tags (member_id, tags, by_rule)
    SELECT member_id, tags + to_tagset(ids), ids
    FROM (SELECT p.member_id, p.tags, matching((SELECT ruleset FROM program_version WHERE version = (SELECT program_version FROM setting)), f.facts, '2026-03-01') AS ids
          FROM bench.parts p JOIN bench.facts f USING (member_id)) x;
VACUUM (FREEZE, ANALYZE);
