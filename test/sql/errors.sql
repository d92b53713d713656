-- The text of every error a user can cause through the API: SQLSTATE, message, detail, hint.
SET client_min_messages = warning;
SET datestyle = iso;
SET timezone = 'Asia/Shanghai';
\pset null '(null)'
\pset format unaligned
\pset footer off
\pset tuples_only on

-- what a statement fails with; if it succeeds it is rolled back
CREATE FUNCTION pg_temp.failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = 'no error';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    RETURN 'no error';
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', format('%s: %s', SQLSTATE, message), '  detail: ' || nullif(replace(detail, E'\n', E'\n    '), ''), '  hint: ' || nullif(hint, ''));
END $$;
-- the same of calls that differ in one place, {}
CREATE FUNCTION pg_temp.try(call text, VARIADIC arguments text[]) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format(E'%s\n%s', replace(call, '{}', a), pg_temp.failure('SELECT * FROM member.' || replace(call, '{}', a))) FROM unnest(arguments) WITH ORDINALITY u (a, n) ORDER BY n
$$;

-- ---- before setup ----

SELECT pg_temp.try('{}', 'enroll(''shop'')', 'purchase_record(1, ''P1'', 10)', 'purchase_refund(1, ''P1'', ''R1'')', 'purchase_refund_undo(1, ''P1'', ''R1'')', 'event_record(1, ''signin'')', 'points_earn(1, 5)',
    'points_spend(1, 5)', 'points_reverse(1, 1)', 'points_hold(1, 5)', 'points_capture(1, 1)', 'points_void(1, 1)', 'points_holds(1)', 'points_release(1, 1)', 'points_transfer(1, 2, 5)', 'points_transfer_undo(1, 1)', 'points_transfers(1)', 'points_adjust(1, 5, ''x'', ''li'')', 'points_adjust_ask(1, 5, ''x'', ''li'')', 'points_adjust_decide(1, 1, true, ''li'')', 'points_reinstate(1, 1)', 'points_pay(1, ''P1'', 5, 10)', 'pin_set(1, ''1234'')', 'code_issue(1)', 'pass_issue(1, ''1'')', 'points_limit_set(''x'', ''y'', 5)', 'points_limits()', 'points_balance(1)', 'points_lots(1)', 'points_explain(1)', 'points_explain_json(1)', 'points_statement(1)', 'points_expiring()', 'tier_of(1)', 'tier_progress(1)', 'rfm_of(1)',
    'rfm_scores()', 'rfm_migration(''2026-01-01'', ''2026-02-01'')', 'value_refit()', 'value_of(1)', 'value_calibration(''2026-01-01'')', 'churn_calibration(''2026-01-01'')', 'churn_signals(1)', 'lifecycle_of(1)',
    'lifecycle_conversion(''2026-01-01'', ''2026-02-01'')',
    'outbox_claim(''w'')', 'outbox_ack(1, ''sent'')', 'publish(''x'')', 'program_export()', 'program_diff()', 'program_import(''{}'')', 'program_revert(1, ''x'')', 'preview(1, ''{"kind": "day"}'')', 'tag_set(1, ''x'')', 'tag_set_many(''x'', ''{1}'')', 'tag_unset_many(''x'', ''{1}'')', 'core_tags(1)', 'audience_persona(''age > 3'')', 'audience_count(''age > 3'')', 'migrate()', 'verify()', 'repair()', 'replay(1)', 'import_members()', 'import_purchases()', 'import_balances()', 'import_points()', 'points_post(ARRAY[]::jsonb[])',
    'jobs_install()', 'clusters_refresh()', 'cluster_of(1)', 'baskets_refresh()', 'recommend(''{tea}'')', 'recommend_for(1)', 'nearest_stores(31, 121)', 'nearby_items(1, 31, 121)');
SELECT pg_temp.failure('CALL member.daily_run()');
SELECT pg_temp.try('setup({})', '''luxury''', 'NULL', '''''', '''common''', '''tea''''; DROP''', '''tea'', zone => ''Nowhere''', '''tea'', zone => NULL', '''tea'', brand => NULL');
SELECT to_regclass('member.setting') AS nothing_is_left;

-- ---- setup, twice ----

SET member.clock = '2026-03-01 10:00+08';
SELECT member.setup('tea', 'Cha');
SELECT pg_temp.try('setup({})', '''tea''', '''retail''', '''luxury''');

SELECT member.enroll('shop', phone => '13800000001', openid => 'o1', unionid => 'u1', external => 'e1', at => '2026-02-01 10:00+08', key => 'enroll1'), member.enroll('shop', at => '2026-02-01 10:00+08');
SELECT points FROM member.purchase_record(1, 'P1', 100, lines => '[{"product": "latte", "amount": 60}, {"product": "cake", "quantity": 2, "amount": 40.00, "category": "food", "list_amount": 48}]', at => '2026-02-20 10:00+08', key => 'k1');
SELECT points FROM member.purchase_record(2, 'P2', 10, at => '2026-02-20 10:00+08');
SELECT points FROM member.points_earn(1, 50, key => 'k2');
CREATE TEMP TABLE before AS SELECT (SELECT count(*) FROM member.member) AS members, (SELECT count(*) FROM member.entry) AS entries, (SELECT count(*) FROM member.identity) AS identities,
    (SELECT count(*) FROM member.purchase) AS purchases, (SELECT count(*) FROM member.purchase_line) AS lines, (SELECT count(*) FROM member.outbox) AS messages, (SELECT member.lots_sum(lots)::text FROM member.state) AS lots;

-- ---- unknown member, wallet, purchase, entry, ladder ----

SELECT pg_temp.try('{}', 'purchase_record(99, ''P9'', 10)', 'purchase_refund(99, ''P1'', ''R1'')', 'event_record(99, ''signin'')', 'points_earn(99, 5)', 'points_spend(99, 5)', 'points_reverse(99, 1)',
    'points_hold(99, 5)', 'points_capture(99, 1)', 'points_void(99, 1)', 'points_holds(99)', 'points_release(99, 1)', 'points_transfer(99, 1, 5)', 'points_transfer_undo(99, 1)', 'points_transfers(99)', 'points_adjust(99, 5, ''x'', ''li'')', 'points_adjust_ask(99, 5, ''x'', ''li'')', 'points_adjust_decide(99, 1, true, ''li'')', 'points_reinstate(99, 1)', 'points_pay(99, ''P9'', 5, 10)', 'pin_set(99, ''1234'')', 'code_issue(99)', 'pass_issue(99, ''1'')',
    'points_balance(99)', 'points_lots(99)', 'points_explain(99)', 'points_explain_json(99)', 'points_statement(99)', 'tier_of(99)', 'tier_progress(99)', 'replay(99)', 'points_earn(NULL, 5)');
SELECT pg_temp.try('{}', 'points_earn(1, 5, ''coins'')', 'points_spend(1, 5, ''coins'')', 'points_hold(1, 5, ''coins'')', 'points_balance(1, ''coins'')', 'points_explain(1, ''coins'')', 'points_explain_json(1, NULL)', 'points_statement(1, wallet => ''coins'')', 'points_expiring(wallet => ''coins'')',
    'points_earn(1, 5, '''')', 'points_balance(1, NULL)');
SELECT pg_temp.try('{}', 'audience(''p_alive < 0.3'')', 'audience_count(''r = 5'')');
SELECT pg_temp.try('{}', 'purchase_refund(1, ''P9'', ''R1'')', 'purchase_refund(1, ''P2'', ''R1'')', 'purchase_refund(1, NULL, ''R1'')', 'points_reverse(1, 99)', 'points_reverse(1, 0)', 'points_reverse(1, NULL)',
    'tier_of(1, ladder => ''svip'')');

-- ---- amounts ----

SELECT pg_temp.try('points_earn(1, {})', '0', '-1', '1000000000000001', '9223372036854775807', 'NULL');
SELECT pg_temp.try('points_spend(1, {})', '0', '-1', '1000000000000001', 'NULL');
SELECT pg_temp.try('purchase_record(1, ''P3'', {})', '-0.01', '-1', '0.005', '1000000000000', '1e30', 'NULL', '''NaN''', '''Infinity''');
SELECT pg_temp.try('event_record(1, ''signin'', value => {})', '-0.01', '0.005', '1000000000000', '''NaN''');
SELECT pg_temp.try('points_earn(1, 1000000000000000, until => ''2027-01-01'') AS a, member.points_earn(1, {}, until => ''2027-01-01'') AS b', '1');

-- ---- batches ----

SELECT pg_temp.try('points_post(ARRAY[''{"member_id": 1, "kind": "earn", "points": 5}'', ''7'']::jsonb[], {})', 'true', 'false');
SELECT row_no, sqlstate, reason FROM member.points_post(ARRAY['{}', '7', NULL, '{"kind": "gift"}', '{"member_id": 1, "kind": "earn", "points": "x"}', '{"member_id": 1, "kind": "earn", "points": 1, "until": "x"}',
    '{"member_id": 1, "kind": "earn", "points": 1, "usable_from": "x"}', '{"member_id": 1, "kind": "earn", "points": 1, "at": "x"}', '{"member_id": 1, "kind": "earn", "points": 1, "at": "2027-01-01"}',
    '{"member_id": 1, "kind": "earn", "points": 1, "key": ""}', '{"member_id": 99, "kind": "earn", "points": 1}', '{"kind": "earn", "points": 1}', '{"member_id": 1, "kind": "earn", "points": 51, "key": "k2"}',
    '{"member_id": 1, "kind": "earn", "points": 0}', '{"member_id": 1, "kind": "spend", "points": 1, "wallet": "growth"}', '{"member_id": 1, "kind": "spend", "points": 1000000}',
    '{"member_id": 1, "kind": "earn", "points": 1, "wallet": "coins"}', '{"member_id": 1, "kind": "earn", "points": 1, "until": "2026-01-01"}']::jsonb[]);

-- ---- refunds ----

SELECT pg_temp.try('purchase_refund(1, ''P1'', ''R1'', {})', '100.01', '0', '-1', '0.005', '1e30', '''NaN''', 'lines => ''{3}''', 'lines => ''{0}''', 'lines => ''{}''', 'lines => ''{1,1}''', 'lines => ''{1,NULL}''',
    '50, ''{1}''', 'at => ''2026-02-20 09:59:59+08''');
SELECT pg_temp.try('purchase_refund(1, ''P1'', {})', 'NULL', '''''', quote_literal(repeat('r', 101)));
BEGIN;
SELECT points FROM member.purchase_refund(1, 'P1', 'R1', lines => '{2}');
SELECT pg_temp.try('purchase_refund(1, ''P1'', {})', '''R2'', lines => ''{2}''', '''R2'', lines => ''{1,2}''', '''R2'', 60.01', '''R1'', 10', '''R1'', key => ''other''');
SELECT points FROM member.purchase_refund(1, 'P1', 'R2');
SELECT pg_temp.try('purchase_refund(1, ''P1'', {})', '''R3''', '''R3'', 0.01', '''R3'', lines => ''{1}''');
SELECT points FROM member.purchase_refund(1, 'P1', 'R1', lines => '{2}') AS same_call_same_answer;
SELECT pg_temp.try('purchase_refund_undo(1, {})', '''P1'', ''R1''', '''P1'', ''R9''', '''P9'', ''R1''', '''P1'', NULL', '''P1'', ''R2'', at => ''2026-02-20 09:00+08''');
SELECT points FROM member.purchase_refund_undo(1, 'P1', 'R2');
SELECT pg_temp.try('purchase_refund_undo(1, {})', '''P1'', ''R2'', key => ''x''');
ROLLBACK;
-- the longest numbers there are; numbers with colons are not confused
BEGIN;
SELECT points FROM member.purchase_record(1, repeat('p', 100), 10);
SELECT points FROM member.purchase_refund(1, repeat('p', 100), repeat('r', 100));
SELECT points FROM member.purchase_record(1, 'a', 10);
SELECT points FROM member.purchase_record(1, 'a:b', 10);
SELECT points FROM member.purchase_refund(1, 'a:b', 'c');
SELECT points FROM member.purchase_refund(1, 'a', 'b:c');
ROLLBACK;

-- ---- when ----

SELECT pg_temp.try('{}', 'enroll(''shop'', at => ''2026-03-01 10:00:01+08'')', 'purchase_record(1, ''P3'', 10, at => ''2026-03-01 10:00:01+08'')', 'purchase_refund(1, ''P1'', ''R1'', at => ''2026-03-01 10:00:01+08'')',
    'event_record(1, ''signin'', at => ''2026-03-01 10:00:01+08'')', 'points_earn(1, 5, at => ''2026-03-01 10:00:01+08'')', 'points_spend(1, 5, at => ''infinity'')', 'points_reverse(1, 2, at => ''2026-03-01 10:00:01+08'')');
SELECT pg_temp.try('{}', 'enroll(''shop'', at => ''-infinity'')', 'enroll(''shop'', at => ''1800-01-01'')', 'purchase_record(1, ''P3'', 10, at => ''-infinity'')', 'points_earn(1, 5, at => ''0044-03-15 BC'')');
SELECT pg_temp.try('points_earn(1, 5, {})', 'until => ''2026-03-01''', 'until => ''-infinity''', 'until => ''10000-01-01''', 'usable_from => ''infinity''', 'usable_from => ''9999-12-31''',
    'usable_from => ''2026-05-01'', until => ''2026-05-01''', 'until => ''2026-02-30''');
SELECT pg_temp.try('{}', 'points_balance(1, as_of => ''infinity'')', 'points_balance(1, as_of => ''-infinity'')', 'points_balance(1, as_of => ''1899-12-31'')', 'tier_of(1, ''infinity'')', 'tier_of(1, ''-infinity'')', 'tier_progress(1, ''infinity'')',
    'points_expiring(''infinity'')', 'points_expiring(within => -1)', 'points_expiring(within => 100001)', 'rfm_of(1, ''infinity'')');
-- ---- value ----

SELECT pg_temp.try('{}', 'rfm_migration(''2026-02-02'', ''2026-02-01'')', 'rfm_migration(NULL, ''2026-02-01'')', 'lifecycle_conversion(''2026-02-02'', ''2026-02-01'')', 'lifecycle_conversion(''2026-02-02'', NULL)',
    'lifecycle_conversion(''infinity'', ''infinity'')', 'rfm_scores(bins => ''{5}'')', 'rfm_scores(bins => ''{5,5,100}'')', 'rfm_scores(''infinity'')', 'value_refit(''infinity'')', 'value_of(1, ''-infinity'')', 'churn_signals(1, ''infinity'')',
    'lifecycle_of(1, ''infinity'')', 'value_calibration(NULL)', 'value_calibration(''2026-02-01'', 0)', 'value_calibration(''2026-02-01'', 3651)', 'value_calibration(''2026-02-01'', 30, 101)');
SELECT pg_temp.failure('CALL member.daily_run(''2026-03-02'')');
-- the app may not date far back; admins and superusers may
CREATE ROLE test_errors_app LOGIN IN ROLE member_app;
CREATE ROLE test_errors_admin LOGIN IN ROLE member_admin;
SET SESSION AUTHORIZATION test_errors_app;
SELECT sqlstate, reason FROM member.points_post(ARRAY['{"member_id": 1, "kind": "earn", "points": 1, "at": "2020-01-01"}']::jsonb[]);
SELECT pg_temp.try('{}', 'enroll(''shop'', at => ''2026-01-30 09:59:59+08'')', 'purchase_record(1, ''P3'', 10, at => ''2026-01-30 09:59:59+08'')', 'purchase_refund(1, ''P1'', ''R1'', at => ''2026-01-30 09:59:59+08'')',
    'event_record(1, ''signin'', at => ''2026-02-22 09:59:59+08'')', 'points_earn(1, 5, at => ''2026-01-30 09:59:59+08'')', 'points_spend(1, 5, at => ''2026-02-28 09:59:59+08'')',
    'points_reverse(1, 2, at => ''2026-02-28 09:59:59+08'')', 'purchase_record(1, ''P3'', 10, at => ''-infinity'')');
BEGIN;
SELECT points FROM member.event_record(1, 'signin', at => '2026-02-22 10:00:00+08') AS exactly_as_far_as_it_may;
SELECT points FROM member.points_earn(1, 5, at => '2026-01-30 10:00:00+08');
ROLLBACK;
-- and it may not do what is not its
SELECT pg_temp.try('{}', 'setup(''tea'')', 'migrate()', 'publish(''x'')', 'verify()', 'repair()', 'replay(1)', 'import_purchases()', 'jobs_install()', 'value_refit()', 'rfm_scores()', 'value_calibration(''2026-02-01'')', 'entry', 'state');
SELECT pg_temp.failure('CALL member.daily_run()');
SELECT pg_temp.failure('SELECT member_internal.layout()');
SELECT pg_temp.failure('SET member.clock = ''2030-01-01 10:00+08''');
SET SESSION AUTHORIZATION test_errors_admin;
BEGIN;
SELECT points FROM member.points_earn(1, 5, at => '2020-01-30 10:00:00+08', until => '2027-01-01');
ROLLBACK;
SELECT pg_temp.failure(format('%s member.entry', verb)) FROM (VALUES ('DELETE FROM'), ('TRUNCATE')) v (verb);
RESET SESSION AUTHORIZATION;
DROP ROLE test_errors_app, test_errors_admin;

-- ---- spending ----

SELECT pg_temp.try('points_spend(1, {})', '151', '1, ''growth''');
BEGIN;
SELECT points, balance FROM member.points_spend(1, 150);
SELECT pg_temp.try('points_spend(1, {})', '1');
SELECT points, balance FROM member.purchase_refund(1, 'P1', 'R1');
SELECT pg_temp.try('points_spend(1, {})', '1');
ROLLBACK;
-- part of it is gone today, all of it a month later
SET member.clock = '2026-09-01 00:00+08';
SELECT pg_temp.try('points_spend(1, {})', '51');
SET member.clock = '2026-10-01 00:00+08';
SELECT pg_temp.try('points_spend(1, {})', '1');
SET member.clock = '2026-03-01 10:00+08';

-- ---- lines ----

SELECT pg_temp.try('purchase_record(1, ''P3'', 10, lines => {})', '''[{"product": "x", "amount": 10}''', '''null''', '''{}''', '''"x"''', '''[]''', '''[1]''', '''[{"product": "x"}]''', '''[{"amount": 10}]''', '''[{"product": "", "amount": 10}]''', '''[{"product": null, "amount": 10}]''',
    '''[{"product": "x", "amount": "10"}]''', '''[{"product": "x", "amount": null}]''', '''[{"product": "x", "amount": -10}, {"product": "y", "amount": 20}]''', '''[{"product": "x", "amount": 10.001}]''', '''[{"product": "x", "amount": 9.99}]''',
    '''[{"product": "x", "amount": 4}, {"product": "y", "amount": 5}]''', '''[{"product": "x", "amount": 10, "quantity": 0}]''', '''[{"product": "x", "amount": 10, "quantity": "2"}]''',
    '''[{"product": "x", "amount": 10, "quantity": 1e9}]''', '''[{"product": "x", "amount": 10, "list_amount": "x"}]''', '''[{"product": "x", "amount": 10, "list_amount": 1e15}]''', '''[{"product": "x", "amount": 10, "list_amount": -1}]''',
    '(SELECT jsonb_agg(jsonb_build_object(''product'', ''x'', ''amount'', 0)) FROM generate_series(1, 1001))');

-- ---- once: keys and numbers ----

SELECT pg_temp.try('purchase_record({})', '2, ''P1'', 100', '1, ''P1'', 100', '1, ''P1'', 100, key => ''k9''', '1, NULL, 10', '1, '''', 10', '1, ' || quote_literal(repeat('p', 101)) || ', 10',
    '1, ''P3'', 10, key => ''k1''', '1, ''P3'', 10, key => ''k2''', '1, ''P3'', 10, key => ''''', '1, ''P3'', 10, key => ' || quote_literal(repeat('k', 251)));
SELECT pg_temp.try('points_earn(1, {})', '51, key => ''k2''', '50, reason => ''gift'', key => ''k2''', '50, at => ''2026-03-01 09:00+08'', key => ''k2''', '50, until => ''2026-10-01'', key => ''k2''');
SELECT pg_temp.try('{}', 'points_spend(1, 50, key => ''k2'')', 'event_record(1, ''signin'', key => ''k2'')', 'points_reverse(1, 2, key => ''k2'')');
SELECT points, entry_no FROM member.points_earn(1, 50, key => 'k2') AS same_call_same_answer;

-- ---- enrolling ----

SELECT pg_temp.try('enroll({})', 'NULL', '''''', '''shop'', phone => ''13800000001''', '''shop'', openid => ''o1''', '''shop'', unionid => ''u1''', '''shop'', external => ''e1''', '''shop'', phone => ''''', '''shop'', openid => ' || quote_literal(repeat('o', 201)),
    '''scan'', key => ''enroll1''', '''shop'', key => ''enroll1''', '''shop'', key => ''''', '''shop'', key => ' || quote_literal(repeat('k', 251)), '''shop'', attributes => ''{broken''');
SELECT member.enroll('shop', phone => '13800000001', openid => 'o1', unionid => 'u1', external => 'e1', at => '2026-02-01 10:00+08', key => 'enroll1') AS same_call_same_answer;

-- ---- events ----

SELECT pg_temp.try('event_record(1, {})', 'NULL', '''''', '''Sign-in''', '''签到''', '''a_kind_of_twenty_four___''', '''look'', ' || quote_literal(repeat('c', 101)), '''look'', attributes => ''{broken''');

-- ---- reversal ----

SELECT pg_temp.try('points_reverse(1, {})', '1', '2, 51', '2, 0', '2, -1');
BEGIN;
SELECT points FROM member.points_reverse(1, 2, 20);
SELECT pg_temp.try('points_reverse(1, {})', '3', '2, 31');
SELECT points FROM member.points_reverse(1, 2);
SELECT pg_temp.try('points_reverse(1, {})', '2', '2, 1');
ROLLBACK;

-- ---- holds, and points that wait for their release ----

BEGIN;
SELECT pg_temp.try('points_hold(1, {})', '0', '1000', '5, ''growth''', '5, lapses_at => ''2026-03-01 10:00+08''', '5, lapses_at => ''infinity''', 'NULL');
SELECT entry_no FROM member.points_hold(1, 20);
SELECT entry_no FROM member.points_hold(1, 10, lapses_at => '2026-03-01 11:00+08');
SELECT pg_temp.try('points_capture(1, {})', '99', 'NULL', '2', '3, 21', '3, 0', '3, at => ''2026-02-28 12:00+08''');
SELECT points FROM member.points_capture(1, 3, 15);
SELECT pg_temp.try('{}', 'points_capture(1, 3)', 'points_void(1, 3)', 'points_reverse(1, 4)', 'points_reverse(1, 5, 16)');
SET LOCAL member.clock = '2026-03-01 11:00+08';
SELECT pg_temp.try('{}', 'points_capture(1, 4)', 'points_void(1, 4)');
SELECT points FROM member.points_earn(1, 5, usable_from => 'infinity');
SELECT pg_temp.try('{}', 'points_release(1)', 'points_release(1, 99)', 'points_release(1, purchase_no => ''P9'')', 'points_release(1, 2)', 'points_release(1, 7, at => ''2026-03-01 10:59+08'')', 'points_earn(1, 5, usable_from => ''infinity'', until => ''2027-01-01'')');
UPDATE member.wallet SET balance_cap = 100 WHERE code = 'points';
SELECT member.publish('cap') > 1 AS published;
SELECT pg_temp.try('points_earn(1, {})', '1');
ROLLBACK;

-- ---- transfers, passes, corrections, points and money, limits ----

SELECT pg_temp.try('points_transfer(1, {})', '2, 5');
BEGIN;
UPDATE member.wallet SET transferable = true, transfer_fee = 10, transfer_cooling_days = 2, transfer_day_cap = 40, code_above = 30, approve_above = 20, reinstate_days = 5 WHERE code = 'points';
SELECT member.publish('transfers') > 1 AS published;
SELECT pg_temp.try('points_transfer(1, {})', '1, 5', '2, 0', '2, NULL', '2, 1000', '2, 5, ''growth''', '2, 5, ''coins''', '99, 5', 'NULL, 5', '2, 31', '2, 31, pass => ''x''', '2, 5, at => ''2026-03-01 10:00:01+08''');
SELECT pg_temp.try('{}', 'points_spend(1, 31)', 'points_hold(1, 31)', 'points_spend(1, 31, pass => ''x'')', 'points_spend(1, 30)');
SELECT entry_no, points FROM member.points_transfer(1, 2, 30, key => 't');
SELECT pg_temp.try('{}', 'points_transfer(1, 2, 11)', 'points_transfer(1, 2, 10)', 'points_transfer(1, 2, 31, key => ''t'')', 'points_reverse(1, 3)', 'points_reverse(2, 2)');
SELECT pg_temp.try('points_transfer_undo({})', '1, 1', '1, NULL', '2, 2', '1, 3, at => ''2026-03-01 09:59+08''');
SAVEPOINT given;
SELECT points FROM member.points_transfer_undo(1, 3);
SELECT pg_temp.try('points_transfer_undo({})', '1, 3');
ROLLBACK TO given;
SET LOCAL member.clock = '2026-03-03 00:00+08';
SELECT pg_temp.try('points_transfer_undo({})', '1, 3');
SET LOCAL member.clock = '2026-03-01 10:00+08';
SELECT pg_temp.try('pin_set(1, {})', '''123''', '''12345678901234''', '''12a4''');
SELECT pg_temp.try('code_issue(1, {})', '''0 seconds''', '''2 days''', 'NULL');
SELECT member.pin_set(1, '1234');
SELECT count(member.pass_issue(1, 'wrong' || n)) AS given FROM generate_series(1, 5) n;
SELECT pg_temp.try('pass_issue(1, {})', '''1234''');
SELECT pg_temp.try('points_adjust(1, {})', '0, ''x'', ''li''', 'NULL, ''x'', ''li''', '21, ''x'', ''li''', '-21, ''x'', ''li''', '5, NULL, ''li''', '5, ''x'', ''''', '5, ''x'', ''li'', ''coins''', '-5, ''x'', ''li'', ''growth''');
SELECT pg_temp.try('points_adjust_ask(1, {})', '0, ''x'', ''li''', 'NULL, ''x'', ''li''', '5, '''', ''li''', '5, ''x'', ''li'', ''coins''');
SELECT member.points_adjust_ask(1, -1000, 'x', 'li');
SELECT pg_temp.try('points_adjust_decide(1, {})', '9, true, ''wang''', 'NULL, true, ''wang''', '1, true, ''li''', '1, NULL, ''wang''', '1, true, NULL', '1, true, ''wang''');
SELECT entry_no FROM member.points_adjust_decide(1, 1, false, 'wang');
SELECT pg_temp.try('points_adjust_decide(1, {})', '1, true, ''wang''', '1, false, ''zhao''', '1, false, ''wang''');
SELECT entry_no FROM member.points_earn(2, 10, until => '2026-03-02');
SET LOCAL member.clock = '2026-03-04 10:00+08';
SELECT entry_no FROM member.points_earn(2, 1);
SELECT entry_no, kind FROM member.points_statement(2);
SELECT pg_temp.try('points_reinstate(2, {})', '4', '1', 'NULL', '4, 11', '4, 0', '4, wallet => ''growth''', '4, at => ''2026-03-03 10:00+08''', '4, until => ''2026-03-04''');
SELECT points FROM member.points_reinstate(2, 4, 7);
SELECT pg_temp.try('points_reinstate(2, {})', '4, 4');
SET LOCAL member.clock = '2026-03-07 00:00+08';
SELECT pg_temp.try('points_reinstate(2, {})', '4');
SELECT pg_temp.try('points_pay(1, {})', '''P7'', 5, 0', '''P7'', 0, 10', '''P7'', 1000, 10', 'NULL, 5, 10', '''P1'', 5, 100', '''P2'', 5, 10', '''P7'', 5, 10, ''growth''', '''P7'', 5, 10, lines => ''[]''');
SELECT entry_no FROM member.points_pay(1, 'P7', 5, 10);
SELECT pg_temp.try('points_reverse(1, {})', '4');
SELECT pg_temp.try('points_limit_set({})', 'NULL, ''ad'', 5', '''X'', ''ad'', 5', '''x'', NULL, 5', '''x'', ''ad'', 0', '''x'', ''ad'', 5, ''week''', '''x'', ''ad'', 5, slots => 0', '''x'', ''ad'', 5, wallet => ''coins''');
SELECT member.points_limit_set('x', 'ad', 5, 'all');
SELECT pg_temp.try('points_limit_set({})', '''x'', ''tv'', 5, ''all''', '''x'', ''ad'', 5, ''all_day''');
SELECT points FROM member.points_earn(1, 7, source => 'ad');
SELECT pg_temp.try('points_earn(1, {})', '1, source => ''ad''');
ROLLBACK;

-- ---- a member who is frozen or has left ----

BEGIN;
UPDATE member.member SET status = 'frozen' WHERE member_id = 1;
UPDATE member.state SET active = false WHERE member_id = 1;
SELECT pg_temp.try('{}', 'purchase_record(1, ''P3'', 10)', 'purchase_refund(1, ''P1'', ''R1'')', 'event_record(1, ''signin'')', 'points_earn(1, 5)', 'points_spend(1, 5)', 'points_reverse(1, 2)',
    'points_hold(1, 5)', 'points_capture(1, 1)', 'points_void(1, 1)', 'points_release(1, 2)', 'points_transfer(1, 2, 5)', 'points_transfer_undo(1, 1)', 'points_adjust(1, 5, ''x'', ''li'')',
    'points_adjust_ask(1, 5, ''x'', ''li'')', 'points_reinstate(1, 1)', 'points_pay(1, ''P3'', 5, 10)', 'pin_set(1, ''1234'')', 'code_issue(1)', 'pass_issue(1, ''1234'')');
ROLLBACK;

-- ---- publishing: every fault at once, each once ----

BEGIN;
UPDATE member.earn_rule SET stream = 'stream' WHERE code = 'buy';
UPDATE member.earn_rule SET give = '{1000000001}' WHERE code = 'share';
UPDATE member.earn_rule SET every = 401 WHERE code = 'browse';
UPDATE member.tier_level SET keep = 'orders(90d) > 6' WHERE code = 'silver';
UPDATE member.tier_level SET qualify = 'orders(30d) >= 4 or max_order(30d) >= 50 and spend(500d) >= 1' WHERE code = 'gold';
INSERT INTO member.tier_ladder VALUES (2, 'paid', '付费'), (3, 'empty', '空');
INSERT INTO member.tier_level (ladder_id, level, code, name, qualify) VALUES (2, 1, 'svip', '年卡', 'coins >= 1'), (2, 3, 'top', '终身', NULL);
SELECT pg_temp.try('publish({})', '''faults''', 'NULL');
ROLLBACK;
-- a fault in what the others stand on is said once
BEGIN;
UPDATE member.setting SET zone = 'Nowhere';
SELECT pg_temp.try('publish({})', '''zone''');
ROLLBACK;
BEGIN;
UPDATE member.wallet SET expiry = 'days', expiry_n = 0 WHERE code = 'growth';
UPDATE member.wallet SET expiry = 'days', expiry_n = 7, pending_days = 7 WHERE code = 'points';
UPDATE member.stream SET purchases = true, of = 'purchase';
UPDATE member.setting SET reminders = '{0}';
SELECT pg_temp.try('publish({})', '''wallets''');
ROLLBACK;
-- what members may hold by now can't go
BEGIN;
DELETE FROM member.earn_rule WHERE wallet = 'growth';
DELETE FROM member.wallet WHERE code = 'growth';
DELETE FROM member.stream WHERE code = 'share';
DELETE FROM member.tier_benefit WHERE level = 2;
DELETE FROM member.tier_level WHERE code = 'gold';
SELECT pg_temp.try('publish({})', '''less''');
ROLLBACK;
BEGIN;
UPDATE member.setting SET zone = 'America/New_York';
SELECT pg_temp.try('publish({})', '''zone after the first entry''');
ROLLBACK;
SELECT program_version FROM member.setting;

-- ---- the catalog as a value ----

SELECT pg_temp.try('program_export({})', '-1', '99');
SELECT pg_temp.try('program_diff({})', '1, 99');
SELECT pg_temp.try('preview(1, {})', 'NULL', '''7''', '''{}''', '''{"kind": "gift"}''', '''{"kind": "purchase", "amont": 3}''', '''{"kind": "spend", "points": 1, "wallet": "coins"}''', '''{"kind": "refund", "purchase_no": "none"}''');
SELECT pg_temp.try('preview(1, {})', '''{"kind": "event"}''', '''{"kind": "purchase", "amount": "much"}''', '''{"kind": "refund", "purchase_no": "P1", "amount": 500}''', '''{"kind": "day", "at": "infinity"}''');
SELECT pg_temp.try('tag_set_many({}, ''{1}'')', '''none''', 'NULL');
SELECT pg_temp.try('core_tags(1, {})', '-1');
SELECT pg_temp.try('program_import({})', 'NULL', '''7''', '''{"tags": [], "verb": {"verb": "enroll"}}''', '''{"wallet": [{"name": "x"}, {"code": "Coins", "name": "x", "kind": 1}, {"code": "points", "expiry_n": "x"}]}''',
    '''{"tier_level": [{"ladder": "svip", "level": 0, "code": "free", "name": "x"}], "rfm_action": [{"sort": "segment", "number": 1, "action": "x"}, {"sort": "segment", "number": 1}]}''');
BEGIN;
DELETE FROM member.earn_rule WHERE code = 'share';
SELECT pg_temp.try('program_revert({})', '1, ''back''', '99, ''back''', '1, NULL, true');
ROLLBACK;

-- ---- levels by hand ----

SELECT pg_temp.try('tier_set({})', '1, ''gold'', ''up'', reason => ''r''', '1, ''gold'', NULL, reason => ''r''', '1, ''platin'', reason => ''r''', '1, NULL, reason => ''r''',
    '1, ''gold'', ladder => ''svip'', reason => ''r''', '1, ''gold''', '1, ''gold'', reason => ''''', '1, ''gold'', ''trial'', reason => ''r''', '1, ''gold'', ''trial'', member.day_of(member.now()), ''r''',
    '1, ''gold'', until => ''infinity'', reason => ''r''', '1, ''gold'', ''none'', ''2999-01-01''', '99, ''gold'', reason => ''r''', 'NULL, ''gold'', reason => ''r''',
    '1, ''gold'', reason => ''r'', at => ''2999-01-01''', '1, ''gold'', reason => ''r'', key => ''''');
BEGIN;
SELECT kind, points, tier FROM member.tier_set(1, 'gold', reason => 'r', key => 'granted');
SELECT kind, points, tier FROM member.tier_set(1, 'gold', reason => 'r', key => 'granted');
SELECT pg_temp.try('tier_set({})', '1, ''gold'', reason => ''another'', key => ''granted''');
ROLLBACK;

-- ---- benefits, simulation ----

BEGIN;
SELECT member.tier_set(1, 'gold', reason => 'r') IS NOT NULL AS gold;
SELECT pg_temp.try('benefit_use({})', '1, ''taste'', key => ''b1''', '1, ''taste'', key => ''b1''', '1, ''upgrade'', key => ''b1''', '1, ''taste'', ''x'', key => ''b1''', '1, ''taste''', '1, ''taste''', '1, ''yacht''', '1, NULL', '99, ''taste''', 'NULL, ''taste''',
    '1, ''queue'', at => ''2999-01-01''', '1, ''queue'', key => ''''', '1, ''queue''');
SELECT member.tier_set(1, 'normal', 'lock', reason => 'r') IS NOT NULL AS locked;
SELECT pg_temp.try('benefit_use({})', '1, ''queue''');
SELECT pg_temp.try('benefits_of({})', '99', 'NULL', '1, ''infinity''');
SELECT pg_temp.try('tier_simulate({})', 'how => ''guess''', 'how => NULL', 'sample => 0', 'sample => 101', 'sample => NULL', '''2026-01-01''', '''infinity''');
UPDATE member.tier_level SET qualify = 'order(30d) >= 4' WHERE code = 'gold';
SELECT pg_temp.try('tier_simulate({})', '');
SELECT pg_temp.try('tier_explain({})', '99', '1, ''infinity''');
ROLLBACK;

-- ---- messages ----

SELECT pg_temp.try('outbox_claim({})', 'NULL', '''''', '''w'', 0', '''w'', 10001', '''w'', NULL', '''w'', 1, ''0''', '''w'', 1, ''-1 minute''', '''w'', 1, NULL');
SELECT pg_temp.try('outbox_ack({})', '999999, ''sent''', '1, ''lost''', '1, ''''', '1, NULL', 'NULL, ''sent''');

-- ---- the ledger ----

SELECT pg_temp.failure(statement) FROM (VALUES ('UPDATE member.entry SET points = 0'), ('DELETE FROM member.entry'), ('TRUNCATE member.entry'),
    ('UPDATE member.entry SET points = 0 WHERE false')) v (statement);

-- ---- another layout ----

BEGIN;
UPDATE member.setting SET layout = layout - 1;
SELECT pg_temp.try('{}', 'enroll(''shop'')', 'purchase_record(1, ''P3'', 10)', 'purchase_refund(1, ''P1'', ''R1'')', 'event_record(1, ''signin'')', 'points_earn(1, 5)', 'points_spend(1, 5)', 'points_reverse(1, 2)', 'outbox_claim(''w'')',
    'publish(''x'')', 'import_purchases()', 'verify()', 'jobs_install()');
SELECT pg_temp.failure('CALL member.daily_run()');
SELECT member.migrate() = member_internal.layout() AS migrated, (SELECT points FROM member.points_earn(1, 5)) AS points;
UPDATE member.setting SET layout = layout + 1;
SELECT pg_temp.try('{}', 'points_earn(1, 5)', 'migrate()');
ROLLBACK;

-- ---- nothing is half-written ----

SELECT b = ROW((SELECT count(*) FROM member.member), (SELECT count(*) FROM member.entry), (SELECT count(*) FROM member.identity), (SELECT count(*) FROM member.purchase), (SELECT count(*) FROM member.purchase_line),
    (SELECT count(*) FROM member.outbox), (SELECT member.lots_sum(lots)::text FROM member.state)) AS nothing_is_half_written FROM before b;
SET client_min_messages = error;
SELECT * FROM member.verify();
