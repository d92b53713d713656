-- Streams by rules on the event at hand: what they hold is what a query over the facts says, whether they were there from
-- the start or added later and filled, and replay makes the same of them.
\set ON_ERROR_STOP 1
SET client_min_messages = error;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-01-05 08:00+08';
SELECT NULL FROM member.setup('retail');
SELECT * FROM no_plan();

INSERT INTO member.stream (stream_id, code, name, of, rule, amount) VALUES
    (11, 'tea', '茶', 'line', 'event.category = ''tea''', NULL),
    (12, 'discount', '优惠', 'line', NULL, 'event.discount'),
    (13, 'cups', '杯数', 'line', 'event.category <> ''cake'' and event.store = ''SH01''', 'event.quantity'),
    (14, 'coupon_order', '用券', 'purchase', 'event.coupon is known', NULL),
    (15, 'afternoon', '下午', 'purchase', 'event.hour between 14 and 16 and event.weekday < 6', 'event.lines'),
    (16, 'reading', '阅读', 'event', 'event.kind in (''read_end'', ''read'') and event.seconds >= 30', 'event.seconds'),
    (17, 'click', '点击', 'event', NULL, NULL),
    (18, 'refunded', '退货', 'refund', 'event.store = ''SH01''', NULL),
    (19, 'redeem', '兑换', 'spend', 'event.source = ''mall''', NULL),
    (20, 'short', '短存', 'event', 'event.kind = ''click''', 'event.amount * 2 - 1');
UPDATE member.stream SET keep_days = 31, keep_months = 1 WHERE code = 'short';
-- a rule that earns: a point for each line of tea
INSERT INTO member.earn_rule (code, name, stream, wallet, give) VALUES ('tea_line', '茶', 'tea', 'growth', '{1}');
SELECT is(member.publish('streams'), 2, 'streams of every sort');
SELECT is((SELECT count(*)::int FROM member.stream_unfilled), 0, 'nothing happened yet: nothing to fill');

-- imported history counts, too
INSERT INTO member.import_row (kind, member_key, at, purchase_no, refund_no, amount, store, lines) VALUES
    ('purchase', 'I', '2025-12-01 15:00', 'I1', NULL, '30', 'SH01', '[{"product": "a", "category": "tea", "quantity": 2, "amount": 20, "list_amount": 26}, {"product": "b", "category": "cake", "amount": 10}]'),
    ('purchase', 'I', '2025-12-02 15:00', 'I2', NULL, '12.50', 'SH02', '[{"product": "a", "category": "tea", "amount": 12.50}]'),
    ('refund', 'I', '2025-12-03 15:00', 'I1', 'RI1', '10', NULL, NULL);
SELECT is(rows_loaded, 3::bigint, 'imported purchases and a refund') FROM member.import_purchases();
SELECT is((SELECT activity::text FROM member.state), '1{2025-12-01:1/2000, 2025-12-02:1/1250} 11{2025-12-01:1/1334, 2025-12-02:1/1250} 12{2025-12-01:2/400, 2025-12-02:1} 13{2025-12-01:1/134} 15{2025-12-01:1/134, 2025-12-02:1/100} 18{2025-12-03:1/1000}',
    'feed the same streams, and a refund by amount falls on the lines in proportion');
SELECT NULL FROM generate_series(1, 11) n, member.enroll('shop', key => n::text);

-- ---- a random life ----

SELECT setseed(0.31);
CREATE FUNCTION pg_temp.random_lines(OUT lines jsonb, OUT total numeric) LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('product', 'p' || n, 'category', c.category, 'quantity', c.quantity, 'amount', c.amount, 'list_amount', c.list))), coalesce(sum(c.amount), round((random() * 90)::numeric, 2) + 1)
    FROM (SELECT n, (ARRAY['tea', 'cake', 'coffee', NULL])[ceil(random() * 4)] AS category, CASE WHEN random() < 0.5 THEN ceil(random() * 3) END AS quantity,
                 CASE WHEN random() < 0.1 THEN 0 ELSE round((random() * 60)::numeric, 2) + 1 END AS amount, CASE WHEN random() < 0.5 THEN round((random() * 80)::numeric, 2) END AS list
          FROM generate_series(1, floor(random() * 5)::int) n OFFSET 0) c
$$;
CREATE FUNCTION pg_temp.live(events integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    present timestamptz := member.now();
    p record;
    l record;
    k float8;
    m bigint;
    late timestamptz;
BEGIN
    FOR i IN 1 .. events LOOP
        present := present + interval '1 hour' * round((random() * 6)::numeric, 3)::float8;
        PERFORM set_config('member.clock', present::text, false);
        m := ceil(random() * 12);
        k := random();
        late := CASE WHEN random() < 0.2 THEN present - interval '1 day' * random() * 20 END;
        IF k < 0.35 THEN
            l := pg_temp.random_lines();
            PERFORM member.purchase_record(m, 'N' || nextval('number'), l.total, store => (ARRAY['SH01', 'SH02', NULL])[ceil(random() * 3)], lines => l.lines, at => late,
                attributes => CASE WHEN random() < 0.4 THEN '{"coupon": "c1", "n": [1, {"a": 2}]}'::jsonb END);
        ELSIF k < 0.55 THEN
            SELECT q.purchase_no, q.amount - q.refunded AS rest, q.at, (SELECT array_agg(x.line_no) FROM member.purchase_line x WHERE x.member_id = q.member_id AND x.entry_no = q.entry_no AND x.refunded < x.amount AND random() < 0.5) AS lines,
                   (SELECT sum(x.refunded) FROM member.purchase_line x WHERE x.member_id = q.member_id AND x.entry_no = q.entry_no) AS by_lines INTO p
            FROM member.purchase q WHERE q.member_id = m AND q.refunded < q.amount AND q.amount > 0 ORDER BY random() LIMIT 1;
            CONTINUE WHEN NOT FOUND;
            BEGIN
                IF random() < 0.4 AND p.lines IS NOT NULL THEN
                    PERFORM member.purchase_refund(m, p.purchase_no, 'R' || nextval('number'), lines => p.lines);
                ELSIF random() < 0.6 THEN
                    PERFORM member.purchase_refund(m, p.purchase_no, 'R' || nextval('number'), round((0.01 + random() * p.rest::float8 * 0.99)::numeric, 2));
                ELSE
                    PERFORM member.purchase_refund(m, p.purchase_no, 'R' || nextval('number'));
                END IF;
            EXCEPTION WHEN SQLSTATE 'MB304' OR SQLSTATE 'MB303' THEN -- lines that come to more than is left
            END;
        ELSIF k < 0.85 THEN
            PERFORM member.event_record(m, (ARRAY['click', 'read_end', 'read', 'signin', 'look'])[ceil(random() * 5)], (ARRAY['a', 'b', NULL])[ceil(random() * 3)],
                CASE WHEN random() < 0.7 THEN round((random() * 9)::numeric, 2) END, CASE WHEN random() < 0.8 THEN jsonb_build_object('seconds', round((random() * 120)::numeric, 1)) END, late);
        ELSIF k < 0.93 THEN
            CONTINUE WHEN member.points_balance(m) < 1;
            PERFORM member.points_spend(m, ceil(random() * member.points_balance(m))::bigint, source => (ARRAY['mall', 'draw'])[ceil(random() * 2)]);
        ELSE
            SELECT e.entry_no, -e.points - coalesce((SELECT sum(b.ref_part) FROM member.entry b WHERE b.member_id = m AND b.ref = e.entry_no), 0) AS rest INTO p
            FROM member.entry e WHERE e.member_id = m AND e.kind = 'spend' ORDER BY random() LIMIT 1;
            CONTINUE WHEN NOT FOUND OR p.rest < 1;
            PERFORM member.points_reverse(m, p.entry_no, ceil(random() * p.rest)::bigint);
        END IF;
    END LOOP;
END
$$;
CREATE TEMP SEQUENCE number;

-- What each event gives each stream, by SQL over the tables: member, stream, day, count, amount in minor units.
CREATE FUNCTION pg_temp.model() RETURNS TABLE (member_id bigint, stream smallint, day date, count bigint, amount bigint) LANGUAGE sql AS $$
    WITH p AS (
        SELECT q.member_id, q.entry_no, q.at, q.amount, q.refunded, q.store, q.attributes, q.refunded = q.amount AND q.amount > 0 AS whole,
               (SELECT array_agg(n) FROM member.refund f, unnest(f.lines) n WHERE f.member_id = q.member_id AND f.purchase = q.entry_no) AS given,
               (SELECT count(*) FROM member.purchase_line l WHERE l.member_id = q.member_id AND l.entry_no = q.entry_no) AS lines
        FROM member.purchase q
    ), l AS (
        SELECT p.*, l.category, l.quantity, l.amount AS paid, greatest(coalesce(l.list_amount, l.amount) - l.amount, 0) AS off,
               p.whole OR coalesce(l.line_no = ANY (p.given), false) AS gone,
               coalesce(sum(l.amount) FILTER (WHERE l.line_no = ANY (p.given)) OVER (PARTITION BY l.member_id, l.entry_no), 0) AS by_lines
        FROM p JOIN member.purchase_line l USING (member_id, entry_no)
    ), f AS (
        SELECT l.member_id, s.stream, l.at, NOT l.gone AS counts, s.amount,
               CASE WHEN l.gone THEN s.amount WHEN l.refunded <= l.by_lines THEN 0 ELSE div(s.amount * (l.refunded - l.by_lines), l.amount - l.by_lines) END AS back
        FROM l CROSS JOIN LATERAL (VALUES (11, l.category = 'tea', l.paid * 100), (12, true, l.off * 100),
                                          (13, l.category <> 'cake' AND l.store = 'SH01', l.quantity * 100)) s (stream, fits, amount) WHERE s.fits
        UNION ALL
        SELECT p.member_id, s.stream, p.at, NOT p.whole, s.amount, CASE WHEN p.whole THEN s.amount WHEN p.amount = 0 THEN 0 ELSE div(s.amount * p.refunded, p.amount) END
        FROM p CROSS JOIN LATERAL (VALUES (14, p.attributes ? 'coupon', p.amount * 100),
                                          (15, extract(hour FROM p.at) BETWEEN 14 AND 16 AND extract(isodow FROM p.at) < 6, p.lines * 100.0)) s (stream, fits, amount) WHERE s.fits
        UNION ALL
        SELECT v.member_id, s.stream, v.at, true, s.amount, 0
        FROM member.event v CROSS JOIN LATERAL (VALUES (16, v.kind LIKE 'read%' AND (v.attributes ->> 'seconds')::numeric >= 30, (v.attributes ->> 'seconds')::numeric * 100),
                                                       (17, v.kind = 'click', coalesce(v.value, 0) * 100), (20, v.kind = 'click', coalesce(v.value, 0) * 200 - 100)) s (stream, fits, amount) WHERE s.fits
        UNION ALL
        SELECT r.member_id, 18, r.at, true, r.amount * 100, 0 FROM member.refund r JOIN p ON p.member_id = r.member_id AND p.entry_no = r.purchase AND p.store = 'SH01'
        UNION ALL
        SELECT e.member_id, 19, e.at, b.back < -e.points, -e.points * 100, b.back * 100
        FROM member.entry e, LATERAL (SELECT coalesce(sum(b.ref_part), 0) AS back FROM member.entry b WHERE b.member_id = e.member_id AND b.ref = e.entry_no) b
        WHERE e.kind = 'spend' AND e.source = 'mall'
    )
    SELECT f.member_id, f.stream::smallint, f.at::date, count(*) FILTER (WHERE f.counts), sum(f.amount - f.back)::bigint FROM f GROUP BY 1, 2, 3 HAVING count(*) FILTER (WHERE f.counts) > 0 OR sum(f.amount - f.back) <> 0
$$;
-- By day; of the stream that is folded soon the totals.
CREATE FUNCTION pg_temp.held(first integer) RETURNS TABLE (member_id bigint, stream smallint, day date, count bigint, amount bigint) LANGUAGE sql AS $$
    SELECT s.member_id, (a.stream - first + 11)::smallint, CASE WHEN a.stream - first = 9 THEN '2000-01-01' ELSE a.since END, sum(a.count)::bigint, sum(a.amount)::bigint FROM member.state s, member.unnest(s.activity) a
    WHERE a.stream BETWEEN first AND first + 9 GROUP BY 1, 2, 3
$$;
CREATE FUNCTION pg_temp.wanted() RETURNS TABLE (member_id bigint, stream smallint, day date, count bigint, amount bigint) LANGUAGE sql AS $$
    SELECT m.member_id, m.stream, CASE WHEN m.stream = 20 THEN '2000-01-01' ELSE m.day END, sum(m.count)::bigint, sum(m.amount)::bigint FROM pg_temp.model() m GROUP BY 1, 2, 3
$$;
CREATE FUNCTION pg_temp.wrong(first integer) RETURNS TABLE (what text, member_id bigint, stream smallint, day date, count bigint, amount bigint) LANGUAGE sql AS $$
    SELECT 'held', x.* FROM (SELECT * FROM pg_temp.held(first) EXCEPT SELECT * FROM pg_temp.wanted()) x
    UNION ALL SELECT 'wanted', x.* FROM (SELECT * FROM pg_temp.wanted() EXCEPT SELECT * FROM pg_temp.held(first)) x
$$;

SELECT pg_temp.live(700);
SELECT is_empty('SELECT * FROM pg_temp.wrong(11)', 'every stream holds what the facts say, day by day');
SELECT is_empty('SELECT s.member_id, r.part, r.stored, r.replayed FROM member.state s, member.replay(s.member_id) r WHERE NOT r.same', 'replay makes the same');

-- ---- the same streams once more, added later ----

INSERT INTO member.stream (stream_id, code, name, of, rule, amount, keep_days, keep_months)
SELECT s.stream_id + 100, CASE s.code WHEN 'click' THEN 'click_again' ELSE s.code || '_2' END, s.name, s.of, CASE s.code WHEN 'click' THEN 'event.kind = ''click''' ELSE s.rule END, s.amount, s.keep_days, s.keep_months
FROM member.stream s WHERE s.stream_id BETWEEN 11 AND 20;
SELECT is(member.publish('added later'), 3, 'twins of the streams');
SELECT results_eq('SELECT stream_id::int, program_version, position FROM member.stream_unfilled ORDER BY 1', 'SELECT n, 3, 0::bigint FROM generate_series(111, 120) n', 'are still to be filled');
SELECT pg_temp.live(150);
SELECT isnt_empty('SELECT * FROM pg_temp.wrong(111)', 'meanwhile they hold what came since');
SELECT is(member_internal.streams_fill_batch(5), true, 'a batch of members');
SELECT pg_temp.live(60);
CALL member.streams_fill();
SELECT is_empty('SELECT * FROM member.stream_unfilled', 'all are filled');
SELECT is_empty('SELECT * FROM pg_temp.wrong(111)', 'and hold what the facts say');
CREATE FUNCTION pg_temp.stream_texts(first integer) RETURNS TABLE (member_id bigint, stream integer, holds text) LANGUAGE sql AS $$
    SELECT s.member_id, r[1]::integer - first, r[2] FROM member.state s, regexp_matches(s.activity::text, '(\d+)(\{[^}]*\})', 'g') r WHERE r[1]::integer BETWEEN first AND first + 9
$$;
SELECT set_eq('SELECT * FROM pg_temp.stream_texts(111)', 'SELECT * FROM pg_temp.stream_texts(11)', 'they are the very same as those there from the start: runs, months, largest');
SELECT cmp_ok((SELECT count(*)::int FROM pg_temp.stream_texts(11)), '>', 80, 'of which there are many');
SELECT cmp_ok((SELECT count(*)::int FROM pg_temp.stream_texts(11) t WHERE t.holds ~ '~'), '>', 5, 'some with folded history');
CALL member.daily_run();
SELECT pg_temp.live(300);
CALL member.daily_run();
SELECT is_empty('SELECT * FROM pg_temp.wrong(11)', 'life goes on: the streams hold what the facts say');
SELECT set_eq('SELECT * FROM pg_temp.stream_texts(111)', 'SELECT * FROM pg_temp.stream_texts(11)', 'and so do their twins');
SELECT is_empty('SELECT s.member_id, r.part, r.stored, r.replayed FROM member.state s, member.replay(s.member_id) r WHERE NOT r.same', 'replay goes through the fills and makes the same');

-- ---- a rule that changes ----

UPDATE member.stream SET rule = 'event.category = ''cake''' WHERE stream_id = 111;
SELECT is(member.publish('cake for tea'), 4, 'another rule');
SELECT results_eq('SELECT stream_id::int, program_version FROM member.stream_unfilled', 'VALUES (111, 4)', 'is counted anew');
-- a refund of what the old rule had counted and the new one does not know finds nothing to take back, and goes through
SELECT pg_temp.live(100);
CALL member.daily_run();
SELECT is_empty('SELECT * FROM member.stream_unfilled', 'the daily run fills it');
UPDATE member.stream SET rule = 'event.category = ''tea''' WHERE stream_id = 111;
SELECT NULL FROM member.publish('and back');
CALL member.streams_fill();
SELECT set_eq('SELECT * FROM pg_temp.stream_texts(111)', 'SELECT * FROM pg_temp.stream_texts(11)', 'with its old rule back it holds what it held');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');

SELECT * FROM finish();
