-- Preview: a random event is previewed, then happens; the preview said what came of it, and wrote nothing.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-01-01 10:00+08';
SELECT * FROM no_plan();

SELECT is(member.setup('tea'), 1, 'a program');
UPDATE member.wallet SET pending_days = 3 WHERE code = 'points';
INSERT INTO member.stream (stream_id, code, name, of, rule, amount) VALUES (11, 'cake', '蛋糕', 'line', 'event.category = ''cake'' and event.store = ''S1''', 'event.quantity'),
    (12, 'mall', '兑换', 'spend', 'event.source = ''mall''', NULL), (13, 'long', '久读', 'event', 'event.kind = ''browse'' and event.seconds > 30', NULL);
INSERT INTO member.earn_rule (code, name, stream, wallet, give) VALUES ('cake', '蛋糕', 'cake', 'points', '{7}'), ('long', '久读', 'long', 'points', '{4}');
INSERT INTO member.tag (code, dimension, rule) VALUES ('often', 'behaviour', 'orders(30d) >= 2'), ('signed', 'behaviour', 'count(signin, 30d) >= 2'),
    ('liked', 'segment', '#often and spend(90d) >= 60'), ('rich', 'basic', 'points >= 100 or pending(points) >= 80'),
    ('sweet', 'behaviour', 'amount(cake, 30d) >= 3 or amount(mall) >= 50');
SELECT is(member.publish('tags'), 2, 'with tags');
SELECT NULL FROM generate_series(1, 6) n, member.enroll('shop', key => n::text);
SELECT is(points, 30::bigint, 'a first purchase') FROM member.purchase_record(1, 'A', 30);
SELECT is(member.tags_refresh(), 0::bigint, 'no tags yet');

-- ---- what it says ----

SELECT results_eq($$ SELECT * FROM member.preview(1, '{"kind": "purchase", "amount": 60}') $$, $$ VALUES
    ('entry', 'purchase', NULL, '60', 'points'), ('pending', 'points', '30', '90', NULL),
    ('tier', 'consumer', 'normal', 'gold', 'orders(30d) >= 4 (2) or max_order(30d) >= 50 (60)'),
    ('tag', 'often', NULL, 'set', 'orders(30d) >= 2'), ('tag', 'liked', NULL, 'set', '#often and spend(90d) >= 60'),
    ('tag', 'rich', NULL, 'set', 'points >= 100 or pending(points) >= 80') $$, 'entries, points, tier, tags, rules on tags too');
SELECT results_eq($$ SELECT * FROM member.preview(1, '{"kind": "day", "at": "2026-01-05 00:00+08"}') $$, $$ SELECT NULL::text, NULL::text, NULL::text, NULL::text, NULL::text WHERE false $$, 'a day changes nothing that counts: what was pending is usable on it either way');
SELECT results_eq($$ SELECT what, name, was, becomes FROM member.preview(1, '{"kind": "refund", "purchase_no": "A", "amount": 10}') $$,
    $$ VALUES ('entry', 'refund', NULL, '-10'), ('pending', 'points', '30', '20') $$, 'a refund');
UPDATE member.earn_rule SET give = '{3}' WHERE code = 'buy';
UPDATE member.tag SET rule = 'orders >= 1' WHERE code = 'signed';
SELECT results_eq($$ SELECT what, name, becomes FROM member.preview(1, '{"kind": "purchase", "amount": 10}', draft => true) WHERE what <> 'tier' $$,
    $$ VALUES ('entry', 'purchase', '30'), ('pending', 'points', '60'), ('tag', 'often', 'set'), ('tag', 'signed', 'set') $$, 'by the draft');
UPDATE member.tag SET rule = 'orders >' WHERE code = 'signed';
SELECT throws_ok($$ SELECT member.preview(1, '{"kind": "purchase", "amount": 10}', true) $$, 'MB005', NULL, 'a draft with faults');
UPDATE member.tag SET rule = 'count(signin, 30d) >= 2' WHERE code = 'signed';
UPDATE member.earn_rule SET give = '{1}' WHERE code = 'buy';
SELECT throws_ok(format('SELECT member.preview(1, %L)', v.event), v.state, NULL, v.event) FROM (VALUES
    ('{"kind": "gift"}', 'MB502'), ('{}', 'MB502'), ('{"kind": "purchase", "amont": 3}', 'MB502'), ('{"kind": "purchase", "amount": -1}', 'MB303'), ('{"kind": "refund", "purchase_no": "Z"}', 'MB301'),
    ('{"kind": "refund", "purchase_no": "A", "amount": 31}', 'MB304'), ('{"kind": "spend", "points": 31}', 'MB203'), ('{"kind": "earn", "points": 0}', 'MB204'), ('{"kind": "spend", "points": 1, "wallet": "coins"}', 'MB201'),
    ('7', '22004')) v (event, state);
SELECT throws_ok($$ SELECT member.preview(99, '{"kind": "day"}') $$, 'MB101', NULL, 'an unknown member');
SELECT lives_ok($$ SET TRANSACTION READ ONLY; SELECT member.preview(1, '{"kind": "purchase", "amount": 60}') $$, 'it can''t write');

-- ---- and what then comes ----

CREATE FUNCTION pg_temp.books() RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(x, ' ')) FROM (SELECT string_agg(s::text, ' ' ORDER BY member_id) FROM member.state s UNION ALL SELECT count(*)::text FROM member.entry UNION ALL SELECT count(*)::text FROM member.outbox
        UNION ALL SELECT string_agg(t::text, ' ' ORDER BY member_id) FROM member.tags t UNION ALL SELECT count(*)::text FROM member.tag_change UNION ALL SELECT string_agg(p::text, ' ' ORDER BY purchase_no) FROM member.purchase p
        UNION ALL SELECT count(*)::text FROM member.tier_change UNION ALL SELECT count(*)::text FROM member.category) v (x) $$;
CREATE FUNCTION pg_temp.some(n integer) RETURNS integer LANGUAGE sql VOLATILE AS $$ SELECT floor(random() * n)::integer $$;
CREATE FUNCTION pg_temp.live(n integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    m CONSTANT bigint := 1 + pg_temp.some(6);
    event jsonb;
    books text;
    said text[];
    came text[];
    refused text;
    before record;
    r member.receipt;
    bought text := (SELECT purchase_no FROM member.purchase WHERE member_id = m AND refunded < amount ORDER BY random() LIMIT 1);
BEGIN
    PERFORM set_config('member.clock', (timestamptz '2026-01-02 08:00+08' + n * interval '17 hours')::text, false);
    CASE pg_temp.some(6)
        WHEN 0 THEN event := jsonb_build_object('kind', 'event', 'event', (ARRAY['signin', 'browse', 'other'])[1 + pg_temp.some(3)], 'category', 'c' || pg_temp.some(3),
            'attributes', jsonb_build_object('seconds', pg_temp.some(90)));
        WHEN 1 THEN event := jsonb_build_object('kind', 'earn', 'points', 1 + pg_temp.some(90));
        WHEN 2 THEN event := jsonb_build_object('kind', 'spend', 'points', 1 + pg_temp.some(60), 'source', (ARRAY['mall', 'draw'])[1 + pg_temp.some(2)]);
        WHEN 3 THEN event := CASE WHEN bought IS NULL THEN jsonb_build_object('kind', 'earn', 'points', 7, 'wallet', 'growth') ELSE jsonb_build_object('kind', 'refund', 'purchase_no', bought) END;
        ELSE event := (SELECT jsonb_build_object('kind', 'purchase', 'store', 'S' || pg_temp.some(3), 'amount', sum(l.amount), 'lines', jsonb_agg(to_jsonb(l))) FROM (
            SELECT 'p' AS product, (ARRAY['cake', 'tea'])[1 + pg_temp.some(2)] AS category, 1 + pg_temp.some(3) AS quantity, pg_temp.some(2500) / 100.0 AS amount FROM generate_series(0, pg_temp.some(3))) l);
    END CASE;
    PERFORM member.tags_refresh(only_member => m);
    books := pg_temp.books();
    SELECT s.lots, s.standing, t.by_rule INTO before FROM member.state s LEFT JOIN member.tags t USING (member_id) WHERE s.member_id = m;
    BEGIN
        said := ARRAY(SELECT concat_ws(' ', p.what, p.name, p.becomes) FROM member.preview(m, event) p WHERE p.why IS NULL OR p.why NOT LIKE 'by time%' ORDER BY 1);
    EXCEPTION WHEN SQLSTATE 'MB203' THEN refused := SQLSTATE;
    END;
    IF pg_temp.books() <> books THEN RETURN 'it wrote'; END IF;
    BEGIN
        CASE event ->> 'kind'
            WHEN 'purchase' THEN r := member.purchase_record(m, 'N' || n, (event ->> 'amount')::numeric, store => event ->> 'store', lines => event -> 'lines');
            WHEN 'refund' THEN r := member.purchase_refund(m, bought, 'R' || n);
            WHEN 'event' THEN r := member.event_record(m, event ->> 'event', event ->> 'category', attributes => event -> 'attributes');
            WHEN 'earn' THEN r := member.points_earn(m, (event ->> 'points')::bigint, coalesce(event ->> 'wallet', 'points'));
            ELSE r := member.points_spend(m, (event ->> 'points')::bigint, source => event ->> 'source');
        END CASE;
    EXCEPTION WHEN SQLSTATE 'MB203' THEN RETURN CASE WHEN refused = SQLSTATE THEN NULL ELSE 'it was not refused' END;
    END;
    PERFORM member.tags_refresh(only_member => m);
    came := ARRAY(
        SELECT * FROM (
            SELECT concat_ws(' ', 'entry', r.kind, r.points)
            UNION ALL SELECT concat_ws(' ', x.what, w.code, x.becomes) FROM member.wallet w, member.state s,
                LATERAL (VALUES ('balance', member.balance(before.lots, w.wallet_id, member.day_of(member.now())), member.balance(s.lots, w.wallet_id, member.day_of(member.now()))),
                                ('pending', member.pending(before.lots, w.wallet_id, member.day_of(member.now())), member.pending(s.lots, w.wallet_id, member.day_of(member.now())))) x (what, was, becomes)
                WHERE s.member_id = m AND x.was IS DISTINCT FROM x.becomes
            UNION ALL SELECT concat_ws(' ', 'tier consumer', l.code) FROM member.tier_change c JOIN member.tier_level l ON l.ladder_id = c.ladder_id AND l.level = c.to_level
                WHERE c.member_id = m AND c.booked_at = member.now()
            UNION ALL SELECT concat_ws(' ', 'tag', g.code, CASE WHEN g.tag_id = ANY (t.by_rule) THEN 'set' END) FROM member.tag g, member.tags t
                WHERE t.member_id = m AND (g.tag_id = ANY (coalesce(before.by_rule, '{}'))) <> (g.tag_id = ANY (t.by_rule))) v (x) ORDER BY 1);
    RETURN CASE WHEN said IS DISTINCT FROM came THEN format('%s of %s: said %s, came %s', event, m, said, came) END;
END
$$;
SELECT setseed(0.42);
SELECT is_empty('SELECT n, v FROM generate_series(1, 300) n, pg_temp.live(n) v WHERE v IS NOT NULL', '300 random events: what the preview said came, and nothing was written before');
SELECT ok((SELECT count(DISTINCT tag_id) FROM member.tag_change) = 5 AND (SELECT count(*) FROM member.tier_change) > 10 AND (SELECT count(*) FROM member.refund) > 10, 'tags, levels and refunds were among them');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT * FROM finish();
