-- Tags that are decided at the event, in its transaction: given by it for a time, or kept while their rule holds.
\set ON_ERROR_STOP 1
SET client_min_messages = error;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('retail');
DELETE FROM member.tag;
SELECT * FROM no_plan();

INSERT INTO member.category (code) VALUES ('tech'), ('scene');
INSERT INTO member.stream (stream_id, code, name, of, rule) VALUES (101, 'article', '文章', 'event', 'event.kind = ''read'''), (102, 'menu', '菜单', 'event', NULL);
INSERT INTO member.tag (code, dimension, cadence, lifetime_days, half_life, rule, on_event) VALUES
    ('爱看技术', 'behaviour', 'real_time', 90, 30, NULL, 'run(article, tech) >= 3'),
    ('大单', 'preference', 'real_time', 30, 0, NULL, 'event.kind = ''purchase'' and event.amount >= 50'),
    ('首购', 'behaviour', 'real_time', NULL, 0, NULL, 'event.kind = ''purchase'' and orders = 1'),
    ('投诉', 'behaviour', 'real_time', 10, 0, NULL, 'event.kind = ''complaint'' and event.grade = ''bad'''),
    ('常点菜单', 'behaviour', 'real_time', NULL, 0, 'count(menu, 7d) >= 3', NULL),
    ('高频', 'preference', 'real_time', NULL, 0, 'orders(30d) >= 2', NULL),
    ('百分', 'behaviour', 'real_time', NULL, 0, 'points >= 100', NULL),
    ('金卡', 'segment', 'real_time', NULL, 0, 'tier >= ''gold''', NULL),
    ('高频技术', 'segment', 'day', NULL, 0, '#高频 and #爱看技术', NULL);
SELECT is(member.publish('real time'), 2, 'published');
SELECT NULL FROM generate_series(1, 9) n, member.enroll('shop', external => 'm' || n);
SELECT NULL FROM member.tags_refresh();
CREATE TEMP VIEW has AS SELECT m.member_id, array_agg(t.tag ORDER BY t.tag COLLATE "C") AS tags FROM generate_series(1::bigint, 9) m (member_id), member.tags_of(m.member_id) t GROUP BY 1;

-- ---- given: runs, first time, thresholds ----

SELECT NULL FROM member.event_record(1, 'read', 'tech') a, member.event_record(1, 'read', 'tech') b;
SELECT is((SELECT tags FROM has WHERE member_id = 1), NULL, 'two clicks on one kind of article give nothing');
SELECT NULL FROM member.event_record(1, 'read', 'scene');
SELECT NULL FROM member.event_record(1, 'read', 'tech');
SELECT NULL FROM member.event_record(1, 'read', 'tech');
SELECT is((SELECT tags FROM has WHERE member_id = 1), NULL, 'nor do four that are not three in a row');
SELECT NULL FROM member.event_record(1, 'read', 'tech');
SELECT results_eq('SELECT tag, weight, since, until, by_rule, reason FROM member.tags_of(1)',
    $$VALUES ('爱看技术'::text, 1::float8, date '2026-03-01', date '2026-05-30', false, 'run(article, 1) >= 3 (3)'::text)$$, 'the third in a row gives the tag, for its lifetime, and says why');
SELECT results_eq('SELECT kind, by_rule, entry_no, program_version, day, until FROM member.tag_change WHERE member_id = 1',
    $$VALUES ('set'::text, true, 6, 2, date '2026-03-01', date '2026-05-30')$$, 'with the entry that did it in the history');
SELECT NULL FROM member.event_record(1, 'read', 'tech');
SELECT is((SELECT count(*) FROM member.tag_change WHERE member_id = 1), 1::bigint, 'on the same day it is not given again');
SELECT NULL FROM member.event_record(1, 'read', 'scene');
SELECT is((SELECT tags FROM has WHERE member_id = 1), '{爱看技术}', 'and what ends the run does not take it');

SELECT NULL FROM member.purchase_record(2, 'P1', 49.99);
SELECT is((SELECT tags FROM has WHERE member_id = 2), '{首购}', 'the first purchase is the first; one cent below the threshold is below');
SELECT NULL FROM member.purchase_record(2, 'P2', 50);
SELECT is((SELECT tags FROM has WHERE member_id = 2), '{大单,首购,高频}', 'at the threshold it is given, and what the second order makes hold is kept');
SELECT NULL FROM member.event_record(3, 'complaint', attributes => '{"grade": "bad"}');
SELECT is((SELECT tags FROM has WHERE member_id = 3), '{投诉}', 'an event that feeds no stream gives a tag by what it says');
SELECT is(member.tag_unset(3, '投诉', reason => '误报'), true, 'which can be taken by hand: no rule keeps it');
SELECT throws_ok($$SELECT member.tag_unset(2, '高频')$$, 'MB704', NULL, 'one that a rule keeps can''t');

-- ---- kept: up and down in the transaction of the event ----

SELECT NULL FROM member.purchase_refund(2, 'P2', 'R1');
SELECT is((SELECT tags FROM has WHERE member_id = 2), '{大单,首购}', 'the refund of the order drops what is kept, and not what was given');
SELECT NULL FROM member.points_earn(4, 99);
SELECT is((SELECT tags FROM has WHERE member_id = 4), NULL, '99 points are below 100');
SELECT NULL FROM member.points_earn(4, 1);
SELECT is((SELECT tags FROM has WHERE member_id = 4), '{百分}', '100 are not');
SELECT NULL FROM member.points_spend(4, 1);
SELECT is((SELECT tags FROM has WHERE member_id = 4), NULL, 'and 99 are again');
SELECT NULL FROM member.purchase_record(5, 'Q1', 2000);
SELECT is((SELECT tags FROM has WHERE member_id = 5), '{大单,百分,金卡,首购}', 'a level reached by the purchase counts in the same transaction');
SELECT results_eq($$SELECT e.segment, e.event FROM member_report.segment_events e WHERE member_id = 5$$, $$VALUES ('金卡'::text, 'enter'::text)$$, 'and is an entry into the segment');

-- ---- late, early, again ----

SELECT NULL FROM member.purchase_record(6, 'L1', 60, at => '2026-02-20 10:00+08');
SELECT results_eq($$SELECT tag, since, until FROM member.tags_of(6) WHERE tag = '大单'$$, $$VALUES ('大单'::text, date '2026-02-20', date '2026-03-22')$$, 'a purchase told late gives from its own day');
SELECT NULL FROM member.event_record(7, 'complaint', attributes => '{"grade": "bad"}', at => '2026-02-19 10:00+08');
SELECT is((SELECT tags FROM has WHERE member_id = 7), NULL, 'for a lifetime that is over, nothing');
SET member.clock = '2026-03-10 10:00+08';
SELECT NULL FROM member.purchase_record(6, 'L2', 60);
SELECT results_eq($$SELECT until FROM member.tags_of(6) WHERE tag = '大单'$$, $$VALUES (date '2026-04-09')$$, 'given again it stays for a lifetime from then');
SELECT NULL FROM member.purchase_record(6, 'L3', 60, at => '2026-03-05 10:00+08');
SELECT results_eq($$SELECT until FROM member.tags_of(6) WHERE tag = '大单'$$, $$VALUES (date '2026-04-09')$$, 'and never shorter than it was');

-- ---- with the transaction, once ----

BEGIN;
SELECT NULL FROM member.purchase_record(8, 'T1', 60, key => 'k');
SELECT is((SELECT tags FROM has WHERE member_id = 8), '{大单,首购}', 'there within the transaction');
ROLLBACK;
SELECT is((SELECT tags FROM has WHERE member_id = 8), NULL, 'and gone with it');
SELECT NULL FROM member.purchase_record(8, 'T1', 60, key => 'k');
SELECT is(member.tag_unset(8, '大单'), true, 'taken by hand');
SELECT NULL FROM member.purchase_record(8, 'T1', 60, key => 'k');
SELECT is((SELECT tags FROM has WHERE member_id = 8), '{首购}', 'the call repeated gives it not again');
SELECT results_eq($$SELECT name, was, becomes, why FROM member.preview(9, '{"kind": "purchase", "amount": 50}') WHERE what = 'tag'$$,
    $$VALUES ('大单'::text, NULL::text, 'set'::text, 'event.kind = ''purchase'' and event.amount >= 50 (50)'::text), ('首购', NULL, 'set', 'event.kind = ''purchase'' and orders = 1 (1)')$$, 'a preview tells what would be given');
SELECT NULL FROM member.purchase_record(9, 'V1', 50);
SELECT is((SELECT tags FROM has WHERE member_id = 9), '{大单,首购}', 'as it then is');
SELECT is_empty($$SELECT * FROM member.preview(9, '{"kind": "purchase", "amount": 50, "at": "2026-03-10 11:00+08"}') WHERE what = 'tag' AND name = '大单'$$, 'what is there is not given');

-- ---- by time, and tags of tags: the daily run ----

SELECT NULL FROM member.event_record(1, 'menu') a, member.event_record(1, 'menu') b;
SELECT is((SELECT tags FROM has WHERE member_id = 1), '{爱看技术}', 'twice in seven days is not three times');
SELECT NULL FROM member.event_record(1, 'menu') a, member.purchase_record(1, 'W1', 10) b, member.purchase_record(1, 'W2', 10) c;
SELECT is((SELECT tags FROM has WHERE member_id = 1), '{常点菜单,爱看技术,首购,高频}', 'three times are');
SELECT is(member.tags_refresh(), 1::bigint, 'rules on tags follow when all are looked at');
SELECT is((SELECT tags FROM has WHERE member_id = 1), '{常点菜单,爱看技术,首购,高频,高频技术}', 'as this one');
SET member.clock = '2026-03-16 23:59+08';
SELECT is(member.tags_refresh(), 0::bigint, 'on the seventh day nothing has changed');
SET member.clock = '2026-03-17 00:00+08';
SELECT is(member.tags_refresh(), 1::bigint, 'on the eighth the window has passed');
SELECT is((SELECT tags FROM has WHERE member_id = 1), '{爱看技术,首购,高频,高频技术}', 'and the tag with it');

-- ---- what an import and a post bring waits for the pass ----

INSERT INTO member.import_row (kind, member_key, at, purchase_no, amount) VALUES ('purchase', 'm4', '2026-03-16 10:00+08', 'I1', '70'), ('purchase', 'm4', '2026-03-16 11:00+08', 'I2', '70');
SELECT is((SELECT rows_loaded FROM member.import_purchases()), 2::bigint, 'two imported purchases');
SELECT is((SELECT tags FROM has WHERE member_id = 4), NULL, 'are history: they decide no tags');
SELECT is(member.tags_refresh(), 1::bigint, 'those that are kept come with the next pass');
SELECT is((SELECT tags FROM has WHERE member_id = 4), '{百分,高频}', 'from points and orders');

-- ---- refused ----

INSERT INTO member.tag (code, dimension, cadence, rule, on_event) VALUES ('a', 'behaviour', 'real_time', 'event.amount > 3', NULL), ('b', 'behaviour', 'real_time', 'city = ''上海''', NULL),
    ('c', 'behaviour', 'day', NULL, '#高频 and event.amount > 3'), ('d', 'behaviour', 'day', NULL, 'r > 3'), ('e', 'behaviour', 'real_time', 'count(article, 900d) > 3', NULL), ('f', 'behaviour', 'day', NULL, 'event.amount =>');
SELECT throws_ok('SELECT member.publish(''wrong'')', 'MB005', NULL, 'rules that ask for what is not at hand are refused');
SELECT is((SELECT string_agg(e.place, ',' ORDER BY e.place) FROM member_internal.program_errors() e), 'a,b,c,d,e,f', 'all at once');
UPDATE member.tag SET cadence = 'day' WHERE code = 'b';
DELETE FROM member.tag WHERE code IN ('a', 'c', 'd', 'e', 'f');
SELECT is(member.publish('right'), 3, 'a rule looked at daily may ask for anything');
SELECT throws_ok($$UPDATE member.tag SET on_event = 'true' WHERE code = 'b'$$, '23514', NULL, 'a tag is kept or given, not both');

-- ---- from kept to given ----

INSERT INTO member.tag (code, dimension, cadence, lifetime_days, rule) VALUES ('看过菜单', 'behaviour', 'real_time', 30, 'count(menu, 30d) >= 1');
SELECT is(member.publish('kept'), 4, 'a tag that is kept');
SELECT NULL FROM member.event_record(9, 'menu');
SELECT is((SELECT until FROM member.tags_of(9) WHERE tag = '看过菜单'), NULL, 'stays while its rule holds');
UPDATE member.tag SET on_event = rule, rule = NULL WHERE code = '看过菜单';
SELECT is(member.publish('given'), 5, 'and is then given');
SELECT NULL FROM member.event_record(9, 'menu');
SELECT is((SELECT until FROM member.tags_of(9) WHERE tag = '看过菜单'), '2026-04-16', 'for its lifetime');
SELECT NULL FROM member.tags_refresh();
SELECT is((SELECT until FROM member.tags_of(9) WHERE tag = '看过菜单'), '2026-04-16', 'which the pass after that leaves alone');
DELETE FROM member.tag WHERE code = '看过菜单';
SELECT NULL FROM member.event_record(8, 'menu');
SELECT is((SELECT count(*) FROM member.tags t, member.unnest(t.tags) u WHERE t.member_id = 8 AND NOT EXISTS (SELECT FROM member.tag g WHERE g.tag_id = u.tag)), 0::bigint,
    'one that is no more in the dictionary is not given, though the program in force knows it');
SELECT throws_ok('SELECT member.publish(''gone'')', 'MB005', NULL, 'and can''t be published away from those who have it');

-- ---- at random: after every event what is kept is what a pass over all would make it ----

CREATE TEMP TABLE difference (step integer, operation integer, member_id bigint, changed bigint);
DO $$
DECLARE
    operation integer;
    who bigint;
    bought text[] := '{}';
    changed bigint;
BEGIN
    PERFORM setseed(0.4);
    FOR n IN 1 .. 1500 LOOP
        who := 1 + floor(random() * 9);
        IF random() < 0.1 THEN
            PERFORM set_config('member.clock', (member.now() + random() * interval '4 days')::text, false);
            PERFORM member.tags_refresh(); -- time may have changed some
        END IF;
        PERFORM set_config('member.clock', (least(member.now() + interval '1 second' + random() * interval '1 hour', date_trunc('day', member.now()) + interval '23:59:59' + n * interval '0.1 ms'))::text, false);
        operation := floor(random() * 8);
        BEGIN
            CASE operation
                WHEN 0, 1 THEN
                    PERFORM member.purchase_record(who, 'Z' || n, round((random() * 120)::numeric, 2));
                    bought := bought || format('%s Z%s', who, n);
                WHEN 2 THEN PERFORM member.event_record(who, 'menu');
                WHEN 3 THEN PERFORM member.event_record(who, 'read', CASE WHEN random() < 0.7 THEN 'tech' ELSE 'scene' END);
                WHEN 4 THEN PERFORM member.points_spend(who, 1 + floor(random() * 60)::bigint);
                WHEN 5 THEN PERFORM member.points_earn(who, 1 + floor(random() * 60)::bigint);
                WHEN 6 THEN
                    IF cardinality(bought) > 0 THEN
                        who := split_part(bought[cardinality(bought)], ' ', 1)::bigint;
                        PERFORM member.purchase_refund(who, split_part(bought[cardinality(bought)], ' ', 2), 'ZR' || n);
                        bought := trim_array(bought, 1);
                    END IF;
                ELSE PERFORM member.points_hold(who, 1 + floor(random() * 20)::bigint);
            END CASE;
        EXCEPTION WHEN SQLSTATE 'MB203' THEN
            NULL; -- not enough points
        END;
        changed := member.tags_refresh(only_member => who);
        IF changed > 0 AND EXISTS (SELECT FROM member.tag_change c JOIN member.tag t USING (tag_id)
                                   WHERE c.member_id = who AND c.booked_at = member.now() AND c.entry_no IS NULL AND t.cadence = 'real_time') THEN
            INSERT INTO difference VALUES (n, operation, who, changed);
        END IF;
    END LOOP;
END $$;
SELECT is_empty('SELECT * FROM difference', '1500 events at random: a pass after each finds nothing that is kept in real time to change');
SELECT cmp_ok((SELECT count(*) FROM member.tag_change WHERE entry_no IS NOT NULL), '>', 300::bigint, 'and events did change tags');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT * FROM finish();
