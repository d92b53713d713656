-- Two years of a tea-drink brand, made inside the server: the same seed, the same history.
-- Variables: members, seed. Leaves demo.member, demo.purchase and demo.refund; the days from
-- plan.live_day on are not imported but lived.
--
-- Chance is a hash of (seed, purpose, member, number) instead of random(): it depends on no
-- order, so it runs in parallel and comes out alike on every machine.

SET client_min_messages = warning;
DROP SCHEMA IF EXISTS demo CASCADE;
CREATE SCHEMA demo;

CREATE TABLE demo.plan (first_day date, live_day date, last_day date);
INSERT INTO demo.plan VALUES ('2024-07-01', '2026-05-02', '2026-06-30');

-- a number in [0, 1)
CREATE FUNCTION demo.chance(purpose int, member_no bigint, n bigint DEFAULT 0) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((hashint8extended((member_no << 12) | n, :seed * 1000 + purpose) >> 11) & 9007199254740991)
       / 9007199254740992.0::float8;

CREATE TABLE demo.product (product_no int PRIMARY KEY, name text, category text, price int, popularity float8);
INSERT INTO demo.product VALUES
    (1, '茉莉奶绿', '奶茶', 14, 9), (2, '黑糖珍珠奶茶', '奶茶', 16, 8), (3, '四季春茶', '纯茶', 9, 8),
    (4, '柠檬红茶', '果茶', 12, 8), (5, '多肉葡萄', '果茶', 22, 6), (6, '芝士草莓', '果茶', 26, 3),
    (7, '杨枝甘露', '果茶', 24, 5), (8, '满杯百香果', '果茶', 15, 6), (9, '茉莉绿茶', '纯茶', 9, 7),
    (10, '高山乌龙', '纯茶', 11, 5), (11, '桂花乌龙', '纯茶', 13, 4), (12, '芋泥波波', '奶茶', 18, 5),
    (13, '烤奶', '奶茶', 13, 6), (14, '红豆奶茶', '奶茶', 14, 5), (15, '椰椰奶冻', '奶茶', 17, 4),
    (16, '生椰拿铁', '咖啡', 18, 5), (17, '美式咖啡', '咖啡', 12, 4), (18, '拿铁', '咖啡', 16, 4),
    (19, '芒果冰沙', '冰沙', 22, 3), (20, '抹茶冰沙', '冰沙', 20, 2), (21, '西瓜椰椰', '果茶', 19, 3),
    (22, '奶盖乌龙', '奶盖', 19, 3), (23, '厚芝士奶盖', '奶盖', 21, 2), (24, '燕窝银耳', '甜品', 32, 1),
    (25, '双皮奶', '甜品', 14, 2);

-- The days and their pull: July twice January, Saturday half more than Tuesday, spring festival quiet.
CREATE TABLE demo.day AS
SELECT d::date AS day, d::date - p.first_day AS day_no,
       (1 + 0.33 * cos(2 * pi() * (extract(doy FROM d) - 200) / 365.25))
       * (ARRAY[0.85, 0.83, 0.86, 0.92, 1.12, 1.32, 1.22])[extract(isodow FROM d)::int]
       * CASE WHEN d::date BETWEEN '2025-01-28' AND '2025-02-03'
                OR d::date BETWEEN '2026-02-16' AND '2026-02-22' THEN 0.5 ELSE 1 END AS pull
FROM demo.plan p, generate_series(p.first_day, p.last_day, '1 day') d;

-- Members: when they join (a rush at the opening, then steadily), through which channel, how often
-- they buy (a power law), when they are lost.
CREATE TABLE demo.member AS
WITH weights AS (
    SELECT d.day_no, d.pull * (0.6 + 0.2 * d.day_no / 730 + 6 * exp(-d.day_no / 45.0)) AS weight FROM demo.day d
), cut AS (
    SELECT array_agg(c.upto ORDER BY c.day_no) AS joining
    FROM (SELECT w.day_no, sum(w.weight) OVER (ORDER BY w.day_no) / sum(w.weight) OVER () AS upto FROM weights w) c
), m AS (
    SELECT g AS member_no, width_bucket(demo.chance(1, g), c.joining) AS joined
    FROM cut c, generate_series(1, (:members)::bigint) g
)
SELECT m.member_no, 'M' || lpad(m.member_no::text, 7, '0') AS member_key, m.joined,
       least(0.9, 0.019 * (1 - demo.chance(2, m.member_no)) ^ (-1 / 1.5)) AS orders_a_day,
       -- one in eight never comes back
       least(729 - m.joined, CASE WHEN demo.chance(3, m.member_no) < 0.125 THEN 0
                                  ELSE ceil(-ln(1 - demo.chance(4, m.member_no)) * 260) END)::int AS stays,
       (ARRAY['payment', 'scan', 'mini_program', 'follow', 'shop', 'referral'])
           [width_bucket(demo.chance(5, m.member_no), ARRAY[0, .38, .60, .78, .90, .96]::float8[])] AS channel,
       1 + floor(60 * demo.chance(6, m.member_no) ^ 1.7)::int AS store,
       (13000000000 + (m.member_no * 1000003 + :seed) % 6999999999)::text AS phone
FROM m;
ANALYZE demo.member;

-- Purchases: the first one makes the member; then, while it stays, at random under the pull of the day.
CREATE UNLOGGED TABLE demo.purchase AS
WITH goods AS (
    SELECT array_agg(p.name ORDER BY p.product_no) AS names, array_agg(p.category ORDER BY p.product_no) AS categories,
           array_agg(p.price ORDER BY p.product_no) AS prices, array_agg(p.before ORDER BY p.product_no) AS cut
    FROM (SELECT p.*, (sum(p.popularity) OVER (ORDER BY p.product_no) - p.popularity)
                      / sum(p.popularity) OVER () AS before FROM demo.product p) p
), days AS (
    SELECT array_agg(d.pull ORDER BY d.day_no) AS pulls, max(d.pull) AS most, min(d.day) AS first FROM demo.day d
), visit AS (
    SELECT m.member_no, k.n, m.store, x.most, x.pulls, x.first,
           CASE WHEN k.n = 0 THEN m.joined
                ELSE m.joined + 1 + floor(demo.chance(10, m.member_no, k.n) * m.stays)::int END AS day_no
    FROM demo.member m, days x,
         LATERAL generate_series(0, floor(m.orders_a_day * x.most * m.stays + demo.chance(9, m.member_no))::int) k (n)
)
SELECT v.member_no, v.n, v.first + v.day_no AS day,
       -- ten to ten, most of it between noon and six
       (v.first + v.day_no)::timestamp AT TIME ZONE 'Asia/Shanghai' + interval '1 second' *
           CASE WHEN demo.chance(11, v.member_no, v.n) < 0.55
                THEN 43200 + floor(10800 * (demo.chance(12, v.member_no, v.n) + demo.chance(13, v.member_no, v.n)))
                ELSE 36000 + floor(43000 * demo.chance(12, v.member_no, v.n)) END AS at,
       'T' || lpad(v.member_no::text, 7, '0') || '-' || v.n AS purchase_no,
       'S' || lpad(CASE WHEN demo.chance(14, v.member_no, v.n) < 0.8 THEN v.store
                        ELSE 1 + floor(60 * demo.chance(15, v.member_no, v.n))::int END::text, 2, '0') AS store,
       (ARRAY['mini_program', 'pos', 'delivery'])
           [width_bucket(demo.chance(16, v.member_no, v.n), ARRAY[0, .55, .82]::float8[])] AS channel,
       l.cups, l.amount, l.first_cup, l.lines
FROM visit v, goods g, LATERAL (
    -- one to four lines; on every fifth order a voucher of three yuan
    SELECT count(*) AS cups, sum(p.price) AS amount, min(p.price) FILTER (WHERE p.i = 1) AS first_cup,
           '[' || string_agg(format('{"product":"%s","category":"%s","amount":%s,"list_amount":%s}',
                                    g.names[p.no], g.categories[p.no], p.price, g.prices[p.no]), ',') || ']' AS lines
    FROM (SELECT d.i, d.no, g.prices[d.no]
                 - CASE WHEN d.i = 1 AND demo.chance(18, v.member_no, v.n) < 0.2 THEN 3 ELSE 0 END AS price
          FROM (SELECT i, width_bucket(demo.chance(20 + i, v.member_no, v.n), g.cut) AS no
                FROM generate_series(1, width_bucket(demo.chance(17, v.member_no, v.n),
                                                     ARRAY[0, .80, .94, .985]::float8[])) i) d) p) l
WHERE v.n = 0 OR demo.chance(19, v.member_no, v.n) * v.most < v.pulls[v.day_no + 1];

-- Refunds: three in two hundred, most within the hour, some the day after; of a larger order the first line.
CREATE TABLE demo.refund AS
SELECT p.member_no, p.n, p.purchase_no, 'R' || substr(p.purchase_no, 2) AS refund_no, p.cups,
       least(p.at + interval '10 minutes' + interval '50 minutes' * demo.chance(31, p.member_no, p.n)
                  + CASE WHEN demo.chance(32, p.member_no, p.n) < 0.2 THEN interval '1 day' ELSE interval '0' END,
             (SELECT last_day FROM demo.plan)::timestamp AT TIME ZONE 'Asia/Shanghai' + interval '22 hours') AS at,
       CASE WHEN p.cups > 1 THEN p.first_cup ELSE p.amount END AS amount
FROM demo.purchase p WHERE demo.chance(30, p.member_no, p.n) < 0.015;

SELECT format('%s members, %s purchases of %s yuan on average, %s refunds',
              to_char((SELECT count(*) FROM demo.member), 'FM999,999,999'), to_char(count(*), 'FM999,999,999'),
              round(avg(p.amount), 2), to_char((SELECT count(*) FROM demo.refund), 'FM999,999,999'))
FROM demo.purchase p;
