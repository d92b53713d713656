-- Proof: each kind of damage, done by hand as a superuser, is found and named by verify(); repair() tells first, then
-- mends what can be derived, and leaves alone what can't.
\set ON_ERROR_STOP 1
SET client_min_messages = error;
SET timezone = 'Asia/Shanghai';
SET datestyle = iso;
SET member.clock = '2026-02-01 10:00+08';
SELECT NULL FROM member.setup('tea');
SELECT * FROM no_plan();

-- ---- a sound history: member 1 all sorts, 2 a refund by lines, 3 quiet, 4 never did anything, 5 imported ----

SELECT NULL FROM generate_series(1, 4) n, member.enroll('shop', key => n::text);
SELECT NULL FROM member.purchase_record(1, 'P1', 120);                              -- 1/1
SELECT NULL FROM member.event_record(1, 'signin');                                  -- 1/2
SELECT NULL FROM member.points_earn(1, 50, until => '2026-02-20', key => 'k3');     -- 1/3
SELECT NULL FROM member.points_spend(1, 30, source => 'mall');                      -- 1/4
SELECT NULL FROM member.purchase_record(2, 'P2', 80, lines => '[{"product": "a", "amount": 50}, {"product": "b", "amount": 30}]'); -- 2/1
SELECT NULL FROM member.purchase_refund(2, 'P2', 'R2', lines => '{2}');             -- 2/2
SELECT NULL FROM member.points_earn(3, 10);                                         -- 3/1
INSERT INTO member.import_row (kind, member_key, at, purchase_no, refund_no, amount)
VALUES ('purchase', 'old', '2025-06-01 10:00', 'P5', NULL, '40'), ('refund', 'old', '2025-06-02 10:00', 'P5', 'R5', '10');
SELECT is(rows_loaded, 2::bigint, 'member 5 is imported') FROM member.import_purchases();
SET member.clock = '2026-03-01 10:00+08';
CALL member.daily_run();                                                            -- 1/5 expire
SELECT NULL FROM member.points_reverse(1, 4);                                       -- 1/6
SELECT NULL FROM member.purchase_record(1, 'P1b', 500);                             -- 1/7 expire: the points given back were gone; 1/8 a rise
UPDATE member.points_rollup_mark SET next_before = '2026-03-01 00:00+08', next_xid = '3';
SELECT NULL FROM member_internal.points_rollup();
SELECT results_eq('SELECT kind FROM member.entry WHERE member_id = 1 ORDER BY entry_no', ARRAY['purchase', 'event', 'earn', 'spend', 'expire', 'reverse', 'expire', 'purchase'], 'the entries the damage is done to');
SELECT isnt_empty('SELECT FROM member.tier_change WHERE member_id = 1', 'there are levels');
SELECT isnt_empty('SELECT FROM member.chain_head', 'there are exported heads');
SELECT isnt_empty('SELECT FROM member.points_rollup', 'and sums by month');
SELECT is_empty('SELECT * FROM member.verify()', 'the books are sound');
SELECT is_empty('SELECT * FROM member.repair()', 'there is nothing to repair');

-- ---- the damage ----

-- Somebody who knows the format: the hashes of a member's entries made anew from one on, and the state's with them.
CREATE FUNCTION pg_temp.rehash(victim bigint, since integer, with_state boolean DEFAULT true) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    e member.entry;
    before bytea := (SELECT hash FROM member.entry WHERE member_id = victim AND entry_no = since - 1);
BEGIN
    FOR e IN SELECT * FROM member.entry WHERE member_id = victim AND entry_no >= since ORDER BY entry_no LOOP
        before := member.entry_hash(before, e.member_id, e.entry_no, e.kind, e.at, e.program_version, e.ref, e.ref_part, e.delta, e.points, e.balance, e.key, e.digest);
        UPDATE member.entry SET hash = before WHERE member_id = victim AND entry_no = e.entry_no;
    END LOOP;
    IF with_state THEN
        UPDATE member.state s SET hash = before, lots = (SELECT member.lots_sum(delta) FROM member.entry x WHERE x.member_id = victim),
            entries = (SELECT max(entry_no) FROM member.entry x WHERE x.member_id = victim) WHERE s.member_id = victim;
    END IF;
END $$;

-- problem, member, entry: a row that must be among those found; derivable: repair(false) leaves nothing to find
CREATE TEMP TABLE damage (n integer GENERATED ALWAYS AS IDENTITY, what text, statement text, problem text, member_id bigint, entry_no integer, derivable boolean);
INSERT INTO damage (what, statement, problem, member_id, entry_no, derivable) VALUES
-- the ledger: proved by the chain, not derivable
('changed amount', $$UPDATE member.entry SET points = points + 1 WHERE member_id = 1 AND entry_no = 3$$, 'hash chain is broken', 1, 3, false),
('changed amount, told otherwise than its lots', $$UPDATE member.entry SET points = points + 1 WHERE member_id = 1 AND entry_no = 3$$, 'points of the entry are not those of its lots', 1, 3, false),
('changed lots of an entry', $$UPDATE member.entry SET delta = '1:99/2026-02-20', points = 99 WHERE member_id = 1 AND entry_no = 3$$, 'hash chain is broken', 1, 3, false),
('changed wallet of an entry', $$UPDATE member.entry SET wallet = 2 WHERE member_id = 1 AND entry_no = 3$$, 'points of the entry are not those of its lots', 1, 3, false),
('changed moment', $$UPDATE member.entry SET at = at - interval '1 second' WHERE member_id = 1 AND entry_no = 2$$, 'hash chain is broken', 1, 2, false),
('changed kind', $$UPDATE member.entry SET kind = 'earn' WHERE member_id = 1 AND entry_no = 6$$, 'hash chain is broken', 1, 6, false),
('changed version', $$UPDATE member.entry SET program_version = 7 WHERE member_id = 1 AND entry_no = 1$$, 'hash chain is broken', 1, 1, false),
('changed reference', $$UPDATE member.entry SET ref = 3 WHERE member_id = 1 AND entry_no = 6$$, 'hash chain is broken', 1, 6, false),
('changed balance', $$UPDATE member.entry SET balance = 0 WHERE member_id = 3 AND entry_no = 1$$, 'hash chain is broken', 3, 1, false),
('re-keyed entry', $$UPDATE member.entry SET key = 'k4' WHERE member_id = 1 AND entry_no = 3$$, 'hash chain is broken', 1, 3, false),
('changed digest', $$UPDATE member.entry SET digest = sha256('x') WHERE member_id = 1 AND entry_no = 3$$, 'hash chain is broken', 1, 3, false),
('changed hash', $$UPDATE member.entry SET hash = sha256('x') WHERE member_id = 1 AND entry_no = 3$$, 'hash chain is broken', 1, 3, false),
('booked earlier than the entry before', $$UPDATE member.entry SET booked_at = '2026-02-15 10:00+08', at = '2026-02-15 10:00+08' WHERE member_id = 1 AND entry_no = 6$$, 'entry is booked before it happened or a day before the one before it', 1, 6, false),
('booked before it happened', $$UPDATE member.entry SET booked_at = at - interval '1 second' WHERE member_id = 1 AND entry_no = 6$$, 'entry is booked before it happened or a day before the one before it', 1, 6, false),
('booked later than the entry after', $$UPDATE member.entry SET booked_at = '2026-05-15 10:00+08' WHERE member_id = 1 AND entry_no = 2$$, 'entry is booked before it happened or a day before the one before it', 1, 3, false),
('deleted entry', $$DELETE FROM member.entry WHERE member_id = 1 AND entry_no = 3$$, 'entries are not numbered without gaps', 1, 4, false),
('deleted last entry', $$DELETE FROM member.entry WHERE member_id = 1 AND entry_no = 8$$, 'last entry is not the one the state names', 1, 7, false),
('deleted last entry, the state set to it', $$DELETE FROM member.entry WHERE member_id = 2 AND entry_no = 2; SELECT pg_temp.rehash(2, 1)$$, 'chain head is not the one exported', 2, 2, false),
('deleted all entries of a member', $$DELETE FROM member.entry WHERE member_id = 3$$, 'last entry is not the one the state names', 3, 0, false),
('swapped entries', $$UPDATE member.entry SET entry_no = -entry_no WHERE member_id = 1 AND entry_no IN (3, 4); UPDATE member.entry SET entry_no = CASE entry_no WHEN -3 THEN 4 ELSE 3 END WHERE member_id = 1 AND entry_no < 0$$, 'hash chain is broken', 1, 3, false),
('added entry', $$INSERT INTO member.entry SELECT (e).* FROM (SELECT jsonb_populate_record(e, '{"entry_no": 9, "key": null}') AS e FROM member.entry e WHERE member_id = 1 AND entry_no = 3) x$$, 'last entry is not the one the state names', 1, 9, false),
('entries moved to another member', $$UPDATE member.entry SET member_id = 4 WHERE member_id = 3$$, 'hash chain is broken', 4, 1, false),
('re-hashed tail', $$UPDATE member.entry SET delta = '1:40/2026-02-20', points = 40 WHERE member_id = 1 AND entry_no = 3; SELECT pg_temp.rehash(1, 3)$$, 'chain head is not the one exported', 1, 5, false),
('re-hashed tail with an award the facts do not make', $$UPDATE member.entry SET delta = '1:999/2027-01-01', points = 999 WHERE member_id = 1 AND entry_no = 8; SELECT pg_temp.rehash(1, 8)$$, 'facts do not make the entries there are', 1, 8, false),
('more reversed than there was', $$UPDATE member.entry SET ref_part = 31 WHERE member_id = 1 AND entry_no = 6; SELECT pg_temp.rehash(1, 6)$$, 'more is given back than was given', 1, 4, false),
-- facts beside the ledger
('missing purchase', $$DELETE FROM member.purchase WHERE purchase_no = 'P1'$$, 'purchase is missing', 1, 1, false),
('changed amount of a purchase', $$UPDATE member.purchase SET amount = 90 WHERE purchase_no = 'P1'$$, 'facts do not make the entries there are', 1, 8, false),
('changed amount of a purchase with lines', $$UPDATE member.purchase SET amount = 81 WHERE purchase_no = 'P2'$$, 'lines of a purchase do not add up', 2, 1, false),
('purchase of an entry that is none', $$INSERT INTO member.purchase (member_id, entry_no, purchase_no, at, amount) VALUES (1, 2, 'X', '2026-02-01', 9)$$, 'purchase is not in the ledger', 1, 2, false),
('purchase moved to another day', $$UPDATE member.purchase SET at = at + interval '1 day' WHERE purchase_no = 'P1'$$, 'purchase is not in the ledger', 1, 1, false),
('missing event', $$DELETE FROM member.event WHERE member_id = 1$$, 'event is missing', 1, 2, false),
('event of another kind', $$UPDATE member.event SET kind = 'look' WHERE member_id = 1$$, 'event is not in the ledger', 1, 2, false),
('changed level change', $$UPDATE member.tier_change SET to_level = 3 WHERE member_id = 1$$, 'level held is not the last one decided', 1, NULL, false),
('changed start of a level change', $$UPDATE member.tier_change SET from_level = 2 WHERE member_id = 1 AND change_no = 1$$, 'level changes do not follow from one another', 1, 1, false),
('deleted level change', $$DELETE FROM member.tier_change WHERE member_id = 1$$, 'level held is not the last one decided', 1, NULL, false),
('edited chain head', $$UPDATE member.chain_head SET hashes[1] = '\x0000000000000000'$$, 'chain head is not the one exported', 1, 5, false),
('deleted member', $$DELETE FROM member.member WHERE member_id = 3$$, 'state without a member', 3, NULL, false),
-- what follows from the ledger: derivable
('edited lots', $$UPDATE member.state SET lots = lots OPERATOR(member.+) '1:1000/2027-01-01' WHERE member_id = 1$$, 'state is not the sum of the entries', 1, NULL, true),
('a negative lot', $$UPDATE member.state SET lots = '1:-5/2027-01-01' WHERE member_id = 3$$, 'a lot is negative that is not debt', 3, NULL, true),
('points of a member without entries', $$UPDATE member.state SET lots = '1:5' WHERE member_id = 4$$, 'state is not the sum of the entries', 4, NULL, true),
('changed standing', $$UPDATE member.state SET standing = 'empty' WHERE member_id = 1$$, 'levels are not what the facts make', 1, NULL, true),
('changed activity', $$UPDATE member.state SET activity = 'empty' WHERE member_id = 1$$, 'activity is not what the facts make', 1, NULL, true),
('changed number', $$UPDATE member.state SET entries = 9 WHERE member_id = 1$$, 'last entry is not the one the state names', 1, 8, true),
('changed hash of the state', $$UPDATE member.state SET hash = sha256('x') WHERE member_id = 1$$, 'hash of the state is not that of the last entry', 1, 8, true),
('state set back', $$UPDATE member.state SET at = '2026-01-01 10:00+08' WHERE member_id = 1$$, 'state is behind its entries', 1, 8, true),
('due day taken away', $$UPDATE member.state SET next_due = NULL WHERE member_id = 3$$, 'daily run would come too late', 3, NULL, true),
('deleted state', $$DELETE FROM member.state WHERE member_id = 1$$, 'entries without a state', 1, NULL, true),
('deleted state of a quiet member', $$DELETE FROM member.state WHERE member_id = 4$$, 'member without a state', 4, NULL, true),
('state of before a restore', $$UPDATE member.state s SET lots = o.lots, entries = o.entries, hash = o.hash, activity = o.activity FROM member.state o WHERE s.member_id = 2 AND o.member_id = 4$$, 'state is not the sum of the entries', 2, NULL, false),
('missing refund', $$DELETE FROM member.refund$$, 'refund is missing', 2, 2, true),
('duplicate refund', $$INSERT INTO member.refund (member_id, purchase, refund_no, entry_no, at, amount) VALUES (2, 1, 'R2b', 2, '2026-02-01', 30)$$, 'refund is not in the ledger', 2, 2, true),
('changed amount of a refund', $$UPDATE member.refund SET amount = 3$$, 'refund is not in the ledger', 2, 2, true),
('edited refunded amount', $$UPDATE member.purchase SET refunded = 0 WHERE purchase_no = 'P2'$$, 'refunds of a purchase do not add up', 2, 1, true),
('edited refunded amount of an imported purchase', $$UPDATE member.purchase SET refunded = 40 WHERE purchase_no = 'P5'$$, 'refunds of a purchase do not add up', 5, 1, true),
('edited rollup', $$UPDATE member.points_rollup SET points = points + 1 WHERE kind = 'earn'$$, 'points_rollup is not the sum of the entries', NULL, NULL, true),
('deleted rollup', $$DELETE FROM member.points_rollup WHERE kind = 'purchase'$$, 'points_rollup is not the sum of the entries', NULL, NULL, true);
SELECT cmp_ok(count(*)::integer, '>=', 20, 'kinds of damage') FROM damage;

-- Does the damage, looks, repairs, looks again, and undoes it all.
CREATE FUNCTION pg_temp.suffer(statement text, OUT seen jsonb, OUT told jsonb, OUT after_dry jsonb, OUT done jsonb, OUT after jsonb) LANGUAGE plpgsql AS $$
BEGIN
    ALTER TABLE member.entry DISABLE TRIGGER entry_append_only;
    EXECUTE statement;
    ALTER TABLE member.entry ENABLE ALWAYS TRIGGER entry_append_only;
    SELECT coalesce(jsonb_agg(to_jsonb(v)), '[]') INTO seen FROM member.verify() v;
    SELECT coalesce(jsonb_agg(to_jsonb(v)), '[]') INTO told FROM member.repair() v;
    SELECT coalesce(jsonb_agg(to_jsonb(v)), '[]') INTO after_dry FROM member.verify() v;
    SELECT coalesce(jsonb_agg(to_jsonb(v)), '[]') INTO done FROM member.repair(false) v;
    SELECT coalesce(jsonb_agg(to_jsonb(v)), '[]') INTO after FROM member.verify() v;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
END $$;
CREATE TEMP TABLE suffered AS SELECT d.*, s.* FROM damage d CROSS JOIN LATERAL pg_temp.suffer(d.statement) s;

SELECT ok(s.seen @> jsonb_build_array(jsonb_build_object('problem', s.problem, 'member_id', s.member_id, 'entry_no', s.entry_no)), format('%s: %s', s.what, s.problem))
FROM suffered s ORDER BY s.n;
SELECT is(s.seen, s.after_dry, format('%s: a dry run changes nothing', s.what)) FROM suffered s ORDER BY s.n;
SELECT ok(s.after = '[]' AND NOT s.done @> '[{"repaired": false}]', format('%s: repaired', s.what)) FROM suffered s WHERE s.derivable ORDER BY s.n;
SELECT ok(s.after @> jsonb_build_array(jsonb_build_object('problem', s.problem, 'member_id', s.member_id)) AND s.done @> '[{"repaired": false}]', format('%s: not hidden by a repair', s.what))
FROM suffered s WHERE NOT s.derivable ORDER BY s.n;
SELECT ok(s.told @> '[{"derivable": false, "remedy": "not derivable: bring the row back from a backup or replica"}]', format('%s: told that it is not derivable', s.what))
FROM suffered s WHERE s.problem IN ('hash chain is broken', 'purchase is missing', 'event is missing') ORDER BY s.n;
SELECT is_empty('SELECT * FROM member.verify()', 'undone, the books are sound');

-- ---- parts ----

UPDATE member.state SET activity = 'empty', lots = '1:7' WHERE member_id = 1;
UPDATE member.state SET lots = '1:7' WHERE member_id = 3;
SELECT results_eq($$ SELECT DISTINCT member_id FROM member.verify(2, 3) $$, 'VALUES (3::bigint)', 'of a range of members');
SELECT results_eq($$ SELECT problem FROM member.verify(1, 1, by_replay => false) $$, $$ VALUES ('state is not the sum of the entries') $$, 'without replay: sums only');
SELECT results_eq($$ SELECT member_id, repaired FROM member.repair(false, 3, 3) $$, 'VALUES (3::bigint, true)', 'one member repaired');
SELECT results_eq($$ SELECT DISTINCT member_id FROM member.verify() $$, 'VALUES (1::bigint)', 'and only that');
SELECT ok(bool_and(repaired), 'then all') FROM member.repair(false);
SELECT lives_ok('SELECT member.points_spend(1, 5)', 'what was repaired goes on');
SELECT is_empty('SELECT * FROM member.verify()', 'soundly');

-- a refund that comes before its purchase: the facts can't be replayed, the others of the piece are
ALTER TABLE member.entry DISABLE TRIGGER entry_append_only;
UPDATE member.purchase SET amount = 20, refunded = 20 WHERE purchase_no = 'P2';
UPDATE member.state SET activity = 'empty' WHERE member_id = 1;
SELECT is(string_agg(format('%s: %s', member_id, problem), ', ' ORDER BY member_id), '1: activity is not what the facts make, 2: facts can''t be replayed', 'facts that do not fit together, among others')
FROM member.verify() WHERE problem ~ 'fact';
SELECT * FROM finish();
