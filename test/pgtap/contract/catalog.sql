-- What holds of everything the extension makes: asked of the catalog, so that what is added later is held to it too.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET member.clock = '2026-03-01 10:00+08';
SELECT NULL FROM member.setup('tea');
SELECT * FROM no_plan();

CREATE TEMP VIEW routine AS
SELECT p.*, p.oid::regprocedure::text AS signature, l.lanname, n.nspname
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('member', 'member_internal', 'member_report');

CREATE TEMP VIEW relation AS
SELECT c.*, c.oid::regclass::text AS name, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('member', 'member_internal', 'member_report') AND c.relkind IN ('r', 'p', 'v', 'm', 'f');

-- ---- comments ----

SELECT is_empty($$ SELECT signature FROM routine WHERE obj_description(oid, 'pg_proc') IS NULL ORDER BY 1 $$, 'every routine has a comment');
SELECT is_empty($$ SELECT name FROM relation WHERE obj_description(oid, 'pg_class') IS NULL ORDER BY 1 $$, 'every table and view has a comment');
SELECT is_empty($$ SELECT nspname FROM pg_namespace WHERE nspname LIKE 'member%' AND obj_description(oid, 'pg_namespace') IS NULL $$, 'every schema has a comment');
SELECT is_empty($$ SELECT t.oid::regtype FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typnamespace IN ('member'::regnamespace, 'member_internal'::regnamespace) AND t.typelem = 0 AND coalesce(c.relkind, 'c') = 'c'
      AND obj_description(t.oid, 'pg_type') IS NULL $$, 'every type has a comment');
SELECT is_empty($$ SELECT name || '.' || attname FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE r.nspname = 'member_report' AND col_description(r.oid, a.attnum) IS NULL ORDER BY 1 $$, 'every column of a report has a comment');
SELECT is_empty($$ SELECT signature FROM routine WHERE length(obj_description(oid, 'pg_proc')) < 10 $$, 'no comment of a routine is a mere word');

-- ---- how routines are declared ----

SELECT is_empty($$ SELECT signature, proconfig FROM routine
    WHERE lanname IN ('sql', 'plpgsql') AND prokind = 'f' AND prosqlbody IS NULL AND NOT coalesce(proconfig @> '{"search_path=pg_catalog, pg_temp"}', false) ORDER BY 1 $$,
    'every SQL and PL/pgSQL function pins its search path');
SELECT is_empty($$ SELECT signature FROM routine WHERE prokind = 'p' AND (proconfig IS NOT NULL OR prosecdef) $$, 'procedures, which commit, have no SET clause and no definer');
-- a word before a parenthesis or after a keyword that takes a relation must be qualified there
SELECT is_empty($$ SELECT signature, m[1] FROM routine, regexp_matches(prosrc, '(?:\mFROM|\mINTO|\mUPDATE|\mJOIN|\mCALL|\mPERFORM|:=)\s+([a-z_]+)\s*\(', 'g') m WHERE prokind = 'p' $$,
    'procedures call nothing unqualified');
SELECT is_empty($$ SELECT signature FROM routine WHERE prosecdef AND proowner <> 'member_owner'::regrole $$, 'definer functions run as member_owner');
SELECT set_eq($$ SELECT proname FROM routine WHERE lanname = 'c' AND prosecdef $$, ARRAY['points_earn', 'points_spend', 'points_balance'], 'C functions are invoker, but for the verbs that are called most');
SELECT is_empty($$ SELECT signature FROM routine WHERE lanname = 'c' AND prosecdef AND NOT coalesce(proconfig @> '{"search_path=pg_catalog, pg_temp"}', false) $$, 'and these pin their search path');
SELECT ok(NOT rolsuper AND NOT rolcanlogin AND NOT rolbypassrls AND NOT rolcreaterole AND NOT rolcreatedb, 'member_owner can do nothing but own') FROM pg_roles WHERE rolname = 'member_owner';
SELECT is_empty($$ SELECT signature FROM routine WHERE has_function_privilege('public', oid, 'execute') $$, 'nobody executes anything by being there: PUBLIC has nothing');

SELECT is_empty($$ SELECT signature FROM routine WHERE lanname = 'c' AND proparallel <> 's' AND proname NOT IN ('begin_write', 'write_event', 'write_events', 'write_file', 'book_lapses', 'book_time', 'lock_numbers') AND NOT prosecdef ORDER BY 1 $$, 'C functions are parallel safe, but for the writers');
SELECT set_eq($$ SELECT proname || ' ' || provolatile::text FROM routine WHERE lanname = 'c' AND prokind = 'f' AND provolatile <> 'i' AND NOT prosecdef $$,
    ARRAY['now v', 'clock_is_set s', 'refuse v', 'program_in s', 'program_recv s', 'program_send s', 'parse_time s', 'new_salt v', 'begin_write v', 'write_event v', 'write_events v', 'write_file v', 'book_lapses v', 'book_time v', 'lock_numbers v',
        'tagset_typanalyze s', 'tagset_contains_sel s', 'tagset_contained_sel s', 'tagset_overlaps_sel s', 'tagset_matches_sel s'],
    'C functions are immutable, but for the clock, chance, what reads time zones, what only raises, the writers, what locks and what the planner asks');
-- the layout functions only return the text that setup() and migrate() run
SELECT is_empty($$ SELECT signature FROM routine WHERE lanname IN ('sql', 'plpgsql') AND provolatile <> 'v' AND proname NOT LIKE 'layout\_%'
    AND regexp_replace(prosrc, '--[^\n]*', '', 'g') ~* '\m(insert\s+into|delete\s+from|update\s+member|truncate|nextval|for\s+(no\s+key\s+)?update|pg_advisory)\M' $$,
    'what writes or locks is volatile');
SELECT is_empty($$ SELECT signature FROM routine WHERE lanname IN ('sql', 'plpgsql') AND proparallel <> 'u' AND provolatile = 'v' $$, 'and not parallel safe');
SELECT is_empty($$ SELECT signature FROM routine JOIN pg_aggregate a ON a.aggfnoid = routine.oid
    WHERE (aggcombinefn = 0 OR proparallel <> 's') AND proname NOT IN ('step_run', 'streams_run') $$, 'every aggregate but the ordered steps combines and is parallel safe');

-- arguments and columns of one name: PL/pgSQL refuses them only when called
SELECT is_empty($$ SELECT signature, name FROM routine, unnest(proargnames) AS name WHERE name <> '' GROUP BY 1, 2 HAVING count(*) > 1 $$, 'no routine has two arguments of one name');
SELECT is_empty($$ SELECT signature FROM routine WHERE lanname = 'plpgsql' AND prokind = 'f' AND prorettype <> 'trigger'::regtype AND provolatile <> 'i'
    AND prosrc !~ '^\s*#variable_conflict use_column' AND proargnames IS NOT NULL AND pronargs > 0
    AND prosrc ~* '\m(select|insert|update|delete)\M' $$, 'PL/pgSQL that queries says which of a column and a variable is meant');
SELECT is_empty($$ SELECT signature FROM routine WHERE nspname = 'member' AND (lanname IN ('sql', 'plpgsql') OR prosecdef) AND (proargnames IS NULL AND pronargs > 0 OR '' = ANY (proargnames)) $$,
    'every argument of the API has a name');

-- ---- names ----

-- In named notation an argument is a type or function name, a column is a column name: keywords that can't be are avoided.
SELECT is_empty($$ SELECT signature, name FROM routine, unnest(proargnames[1:pronargs]) AS name JOIN pg_get_keywords() k ON k.word = name WHERE k.catcode IN ('R', 'C') $$, 'no argument is a reserved word');
SELECT is_empty($$ SELECT signature, name FROM routine, unnest(proargnames[pronargs + 1:]) AS name JOIN pg_get_keywords() k ON k.word = name WHERE k.catcode IN ('R', 'T') $$, 'no result column is a reserved word');
-- trim(activity) needs its schema before it, as every function of the extension is called
SELECT is_empty($$ SELECT signature FROM routine JOIN pg_get_keywords() k ON k.word = proname WHERE k.catcode IN ('R', 'C') AND proname <> 'trim' $$, 'no routine is named by a reserved word');
SELECT is_empty($$ SELECT name, attname FROM relation JOIN pg_attribute a ON a.attrelid = relation.oid AND attnum > 0 JOIN pg_get_keywords() k ON k.word = attname WHERE k.catcode IN ('R', 'T') $$,
    'no column of a table or view is a reserved word');
SELECT is_empty($$ SELECT name FROM relation WHERE relname <> lower(relname) OR relname ~ '[^a-z0-9_]' UNION ALL
    SELECT signature FROM routine WHERE proname ~ '[^a-z0-9_]' UNION ALL
    SELECT name || '.' || attname FROM relation JOIN pg_attribute a ON a.attrelid = relation.oid AND attnum > 0 AND attname ~ '[^a-z0-9_]' $$, 'names need no quotes');

-- ---- the API ----

SELECT set_eq($$ SELECT proname || '(' || coalesce(array_to_string(proargnames[:pronargs], ', '), '') || ')' FROM routine WHERE nspname = 'member' AND (lanname IN ('sql', 'plpgsql') OR prosecdef) $$, ARRAY[
    'setup(preset, brand, zone, tags)', 'migrate()', 'publish(note)', 'program_export(version)', 'program_diff(a, b)', 'program_import(catalog, prune)', 'program_revert(version, note, discard_draft)', 'verify(since_member, until_member, by_replay)', 'repair(dry_run, since_member, until_member)', 'replay(member_id)',
    'enroll(channel, phone, openid, unionid, external, name, store, attributes, at, actor, key)', 'find(kind, value)',
    'purchase_record(member_id, purchase_no, amount, store, channel, lines, attributes, at, actor, key)',
    'purchase_refund(member_id, purchase_no, refund_no, amount, lines, reason, at, actor, key)',
    'purchase_refund_undo(member_id, purchase_no, refund_no, reason, at, actor, key)',
    'event_record(member_id, kind, category, value, attributes, at, actor, key)',
    'points_earn(member_id, points, wallet, usable_from, until, source, reason, at, actor, key)',
    'points_spend(member_id, points, wallet, source, reason, at, actor, key, pass)',
    'points_reverse(member_id, entry_no, points, reason, at, actor, key)',
    'points_hold(member_id, points, wallet, lapses_at, source, reason, at, actor, key, pass)',
    'points_transfer(member_id, to_member, points, wallet, reason, at, actor, key, pass)', 'points_transfer_undo(member_id, entry_no, reason, at, actor, key)', 'points_transfers(member_id, since)',
    'points_adjust(member_id, points, reason, actor, wallet, until, source, at, key)', 'points_adjust_ask(member_id, points, reason, actor, wallet, until, source)',
    'points_adjust_decide(member_id, adjustment_no, approve, actor, remark)', 'points_reinstate(member_id, entry_no, points, wallet, until, reason, at, actor, key)',
    'points_pay(member_id, purchase_no, points, amount, wallet, store, channel, lines, attributes, at, actor, key, pass)',
    'pin_set(member_id, pin)', 'code_issue(member_id, valid_for)', 'pass_issue(member_id, secret)', 'points_limit_set(code, source, points, per, wallet, slots)', 'points_limits(only_member)', 'points_capture(member_id, hold_id, points, source, reason, at, actor, key)',
    'points_void(member_id, hold_id, reason, at, actor, key)', 'points_holds(member_id, only_open)', 'points_release(member_id, entry_no, purchase_no, reason, at, actor, key)',
    'points_balance(member_id, wallet, as_of, known_at)', 'points_statement(member_id, since, until, wallet, known_at)',
    'points_lots(member_id, as_of, known_at)', 'points_explain(member_id, wallet, as_of, known_at)', 'points_explain_json(member_id, wallet, as_of, known_at)',
    'points_expiring(as_of, within, wallet, only_member)', 'tier_of(member_id, as_of, ladder)', 'tier_progress(member_id, as_of)',
    'tier_explain(member_id, as_of)', 'tier_simulate(as_of, how, sample)', 'tier_simulate_levels(as_of, how, sample)', 'tier_simulate_members(as_of, how, sample, after, max_rows)', 'benefits_of(member_id, as_of)',
    'benefit_use(member_id, benefit, source, at, actor, key)', 'tier_set(member_id, level, mode, until, reason, ladder, at, actor, key)',
    'rfm_of(member_id, as_of)', 'rfm_scores(as_of, bins, thresholds, nested)', 'rfm_collapse(cuts)', 'rfm_migration(since, until)',
    'value_refit(day)', 'value_of(member_id, as_of)', 'value_calibration(day, horizon, bins)', 'churn_calibration(day, horizon)', 'churn_signals(member_id, as_of)',
    'lifecycle_of(member_id, as_of)', 'lifecycle_conversion(since, until)', 'outbox_claim(worker, max_rows, lease)', 'outbox_ack(id, result)',
    'import_members(channel)', 'import_purchases(channel)', 'import_balances()', 'points_post(rows, all_or_nothing)', 'import_points(all_or_nothing)', 'daily_run(day)', 'streams_fill()', 'jobs_install(schedule)', 'jobs_remove()',
    'compile_rule(rule)', 'rule_text(rule)', 'rule_explain(member_id, rule, as_of)', 'facts_of(member_id)', 'rules_of(member_id, as_of)',
    'audience(rule, as_of, after, max_rows)', 'audience_count(rule, as_of)', 'audience_overlap(rule_a, rule_b, as_of)',
    'tag_set(member_id, tag, weight, until, reason, actor)', 'tag_unset(member_id, tag, reason, actor)', 'tags_of(member_id, as_of)',
    'tag_set_many(tag, members, weight, until, reason, actor)', 'tag_unset_many(tag, members, reason, actor)', 'preview(member_id, event, draft)', 'core_tags(member_id, max_rows, as_of)', 'audience_persona(rule, as_of)', 'tags_refresh(touched_since, only_member)', 'tag_cross(given, at_least)',
    'kmeans(query, k, max_k, scale, seed, restarts, max_iterations)', 'kmeans_choice(query, max_k, scale, seed, restarts, max_iterations)',
    'clusters_refresh(k, features, days, max_k, scale, seed, restarts)', 'cluster_of(member_id, run_id)',
    'baskets_refresh(what, min_support, min_confidence, min_lift, days, max_size)', 'recommend(items, what, max_rows)', 'recommend_for(member_id, what, max_rows)',
    'nearest_stores(latitude, longitude, max_rows, within_km)', 'nearby_items(member_id, latitude, longitude, max_stores, max_rows)',
    'day_of(at)', 'day_start(day)'], 'the API is what is promised, argument by argument');
SELECT set_eq($$ SELECT proname FROM routine WHERE prorettype = 'member.receipt'::regtype AND nspname = 'member' $$,
    ARRAY['purchase_record', 'purchase_refund', 'purchase_refund_undo', 'event_record', 'points_earn', 'points_spend', 'points_reverse', 'tier_set',
        'points_hold', 'points_capture', 'points_void', 'points_release',
        'points_transfer', 'points_transfer_undo', 'points_adjust', 'points_adjust_decide', 'points_reinstate', 'points_pay'], 'every write to a member''s books answers with a receipt');
SELECT is_empty($$ SELECT signature FROM routine WHERE (prorettype = 'member.receipt'::regtype OR proname = 'enroll') AND nspname = 'member' AND NOT proargnames @> '{at,actor,key}' AND proname <> 'points_adjust_decide' $$,
    'every write takes at, actor and key; a decision is made now, once, by its number');
SELECT is_empty($$ SELECT signature FROM routine WHERE nspname = 'member' AND proargnames && '{at,actor,key}' AND pronargs > 1
    AND (SELECT max(i) FROM unnest(proargnames[:pronargs]) WITH ORDINALITY u (name, i) WHERE name IN ('at', 'actor', 'key')) > pronargs
    OR nspname = 'member' AND proargnames @> '{at,actor,key}' AND pronargdefaults < 3 $$, 'at, actor and key have defaults');
SELECT set_eq($$ SELECT attname FROM pg_attribute WHERE attrelid = 'member.receipt'::regclass AND attnum > 0 $$,
    ARRAY['member_id', 'entry_no', 'kind', 'at', 'wallet', 'points', 'balance', 'tier'], 'the receipt has what is promised');

-- ---- what belongs to the extension ----

SELECT is((SELECT n.nspname || ' ' || e.extrelocatable FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'member'), 'pg_catalog false', 'the extension lives in pg_catalog, not relocatable');
SELECT is_empty($$ SELECT d.objid::regclass FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
    JOIN pg_class c ON c.oid = d.objid WHERE e.extname = 'member' AND d.deptype = 'e' AND d.classid = 'pg_class'::regclass AND c.relkind <> 'c' $$, 'no relation is a member of the extension');
SELECT is_empty($$ SELECT signature FROM routine WHERE NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.classid = 'pg_proc'::regclass AND d.objid = routine.oid AND d.deptype = 'e' AND e.extname = 'member') $$, 'every routine is');
SELECT NULL FROM member.migrate();
SELECT is_empty($$ SELECT d.objid::regclass FROM pg_depend d JOIN pg_class c ON c.oid = d.objid WHERE d.deptype = 'e' AND d.classid = 'pg_class'::regclass AND c.relkind <> 'c'
    AND c.relnamespace IN ('member'::regnamespace, 'member_report'::regnamespace) $$, 'nor after migrate()');
SELECT throws_ok('DROP EXTENSION member', '2BP01', NULL, 'the extension can''t be dropped while there are data');

-- ---- tables ----

SELECT set_eq($$ SELECT part FROM member_internal.catalog() $$, $$ SELECT relname::text FROM relation WHERE relkind = 'r' AND nspname = 'member' AND has_any_column_privilege('member_admin', oid, 'UPDATE')
    AND relname NOT IN ('store', 'cluster') $$, 'what admins edit is the catalog, but for stores and names of clusters, which decide nothing: export, import and differences have every table of it');
SELECT is_empty($$ SELECT part FROM member_internal.catalog() c WHERE number_column IS NOT NULL AND (member_internal.catalog_key(part) <> ARRAY[number_column]
    OR NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = 'code' WHERE i.indrelid = format('member.%I', part)::regclass AND i.indisunique AND i.indkey::text = a.attnum::text)) $$,
    'rows with numbers have these as key, and a code of their own');
SELECT is_empty($$ SELECT c.part, conrelid::regclass, confrelid::regclass FROM pg_constraint JOIN member_internal.catalog() c ON conrelid = format('member.%I', c.part)::regclass
    JOIN member_internal.catalog() d ON confrelid = format('member.%I', d.part)::regclass WHERE contype = 'f' AND d.place > c.place $$, 'and stand after what they refer to');

SELECT is_empty($$ SELECT name, a.attname FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_type e ON e.oid = t.typelem WHERE r.relkind IN ('r', 'p', 'm') AND r.nspname = 'member' AND 'c' IN (t.typtype, e.typtype) $$, 'no column of a table is of a composite type');
SELECT is_empty($$ SELECT r.name, i.indexrelid::regclass FROM relation r JOIN pg_index i ON i.indrelid = r.oid
    WHERE r.nspname = 'member' AND (i.indisunique OR i.indisprimary) AND r.relname NOT IN ('identity', 'purchase')
      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attname = 'member_id')
      AND (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum = i.indkey[0]) <> 'member_id' $$,
    'member_id comes first in every unique index of a member''s table; values unique across members are keys of their own');
SELECT is_empty($$ SELECT name FROM relation r WHERE relkind = 'r' AND relpersistence = 'p' AND nspname = 'member' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.oid AND i.indisprimary) $$,
    'every permanent table has a primary key');
SELECT is_empty($$ SELECT c.conrelid::regclass, c.confrelid::regclass FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = 'member'::regnamespace
    AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.confrelid AND a.attname = 'member_id')
    AND (SELECT array_agg(a.attname ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)) <> '{member_id}' $$,
    'foreign keys between members'' tables are on member_id');
SELECT is_empty($$ SELECT t.tgrelid::regclass, tgname FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal AND tgfoid <> 'member_internal.refuse_change'::regproc $$,
    'no trigger derives state: the only one keeps the ledger as it is');
SELECT set_eq($$ SELECT tgrelid::regclass::text FROM pg_trigger t WHERE tgfoid = 'member_internal.refuse_change'::regproc AND tgenabled = 'A' $$, ARRAY['member.entry'], 'and it is always on, on a replica too');
SELECT is_empty($$ SELECT name FROM relation r JOIN pg_index i ON i.indrelid = r.oid WHERE name = 'member.state' AND NOT i.indisprimary $$, 'nothing an order changes is indexed: updates of the state stay in the page');
SELECT cmp_ok((SELECT substring(array_to_string(reloptions, ' ') FROM 'fillfactor=(\d+)')::int FROM relation WHERE name = 'member.state'), '<=', 90, 'and there is room for them');
SELECT is_empty($$ SELECT name FROM relation WHERE nspname = 'member' AND relowner <> 'member_owner'::regrole $$, 'member_owner owns the tables');

-- ---- reports ----

SELECT is_empty($$ SELECT name FROM relation WHERE nspname = 'member_report' AND relkind <> 'v' $$, 'there are only views in member_report');
SELECT lives_ok(format('SET LOCAL ROLE %I; SELECT * FROM %s', role, name), format('%s reads %s', role, name))
FROM relation, unnest(ARRAY['member_report', 'member_operator', 'member_admin']) role WHERE nspname = 'member_report' ORDER BY name, role;
SELECT throws_ok(format('SET LOCAL ROLE member_app; SELECT * FROM %s', name), '42501', NULL, format('member_app does not read %s', name)) FROM relation WHERE nspname = 'member_report' ORDER BY name;

SELECT * FROM finish();
