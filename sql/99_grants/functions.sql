-- Who may do what with the functions. Owners first: ALTER … OWNER would drop grants given before.

DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT p.oid::regprocedure AS name, p.prokind FROM pg_proc p
             WHERE p.pronamespace IN ('member'::regnamespace, 'member_internal'::regnamespace) AND p.prosecdef
    LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO member_owner', f.name);
    END LOOP;
END
$$;

REVOKE ALL ON ALL ROUTINES IN SCHEMA member, member_internal FROM PUBLIC;

-- The owner of the tables, and of the functions that write them.
GRANT USAGE, CREATE ON SCHEMA member, member_report TO member_owner;
GRANT USAGE ON SCHEMA member_internal TO member_owner;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA member, member_internal TO member_owner;

GRANT USAGE ON SCHEMA member TO member_admin, member_operator, member_app, member_report, member_store;
GRANT USAGE ON SCHEMA member_report TO member_admin, member_operator, member_report;
GRANT USAGE ON SCHEMA member_internal TO member_admin;

-- The pure functions of the types: whoever may read a value may compute with it.
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT p.oid::regprocedure AS name FROM pg_proc p LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
             JOIN pg_language l ON l.oid = p.prolang
             WHERE p.pronamespace = 'member'::regnamespace AND NOT p.prosecdef AND (l.lanname = 'c' OR p.prokind = 'a')
    LOOP
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO member_admin, member_operator, member_app, member_report, member_store', f.name);
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION member.day_of(timestamptz), member.day_start(date)
    TO member_admin, member_operator, member_app, member_report, member_store;

-- The brand's app, mini-program and POS.
GRANT EXECUTE ON FUNCTION
    member.enroll(text, text, text, text, text, text, text, jsonb, timestamptz, text, text),
    member.find(text, text),
    member.purchase_record(bigint, text, numeric, text, text, jsonb, jsonb, timestamptz, text, text),
    member.purchase_refund(bigint, text, text, numeric, smallint[], text, timestamptz, text, text),
    member.purchase_refund_undo(bigint, text, text, text, timestamptz, text, text),
    member.event_record(bigint, text, text, numeric, jsonb, timestamptz, text, text),
    member.points_earn(bigint, bigint, text, date, date, text, text, timestamptz, text, text),
    member.points_spend(bigint, bigint, text, text, text, timestamptz, text, text, text),
    member.points_reverse(bigint, integer, bigint, text, timestamptz, text, text),
    member.points_hold(bigint, bigint, text, timestamptz, text, text, timestamptz, text, text, text),
    member.points_capture(bigint, integer, bigint, text, text, timestamptz, text, text),
    member.points_void(bigint, integer, text, timestamptz, text, text),
    member.points_holds(bigint, boolean),
    member.points_transfer(bigint, bigint, bigint, text, text, timestamptz, text, text, text),
    member.points_transfer_undo(bigint, integer, text, timestamptz, text, text),
    member.points_transfers(bigint, date),
    member.points_pay(bigint, text, bigint, numeric, text, text, text, jsonb, jsonb, timestamptz, text, text, text),
    member.pin_set(bigint, text),
    member.code_issue(bigint, interval),
    member.pass_issue(bigint, text),
    member.points_limits(bigint),
    member.points_release(bigint, integer, text, text, timestamptz, text, text),
    member.points_post(jsonb[], boolean),
    member.points_balance(bigint, text, date, timestamptz),
    member.points_statement(bigint, date, date, text, timestamptz),
    member.points_lots(bigint, date, timestamptz),
    member.points_explain(bigint, text, date, timestamptz),
    member.points_explain_json(bigint, text, date, timestamptz),
    member.points_expiring(date, integer, text, bigint),
    member.tier_of(bigint, date, text),
    member.tier_progress(bigint, date),
    member.tier_explain(bigint, date),
    member.benefits_of(bigint, date),
    member.benefit_use(bigint, text, text, timestamptz, text, text),
    member.rfm_of(bigint, date),
    member.value_of(bigint, date),
    member.churn_signals(bigint, date),
    member.lifecycle_of(bigint, date),
    member.cluster_of(bigint, integer),
    member.recommend(text[], text, integer),
    member.recommend_for(bigint, text, integer),
    member.nearest_stores(double precision, double precision, integer, double precision),
    member.nearby_items(bigint, double precision, double precision, integer, integer),
    member.outbox_claim(text, integer, interval),
    member.outbox_ack(bigint, text)
TO member_app, member_operator, member_admin;

-- Over everybody.
GRANT EXECUTE ON FUNCTION
    member.rfm_scores(date, integer[], member.rfm_cuts, boolean)
TO member_operator, member_admin;
GRANT EXECUTE ON FUNCTION
    member.rfm_migration(date, date),
    member.lifecycle_conversion(date, date),
    member.value_calibration(date, integer, integer),
    member.churn_calibration(date, integer)
TO member_operator, member_report, member_admin;
GRANT EXECUTE ON FUNCTION member.rfm_collapse(member.rfm_cuts)
    TO member_admin, member_operator, member_app, member_report, member_store;
-- Who writes rules, and asks whom they hold of.
GRANT EXECUTE ON FUNCTION
    member.compile_rule(text),
    member.rule_text(member.rule),
    member.facts_of(bigint),
    member.rule_explain(bigint, text, date),
    member.audience(text, date, bigint, integer),
    member.audience_count(text, date),
    member.audience_overlap(text, text, date),
    member.tag_cross(text, bigint),
    member.audience_persona(text, date),
    member.tag_set_many(text, bigint[], double precision, date, text, text),
    member.tag_unset_many(text, bigint[], text, text),
    member.tags_refresh(timestamptz, bigint)
TO member_admin, member_operator;
GRANT EXECUTE ON FUNCTION
    member.tag_set(bigint, text, double precision, date, text, text),
    member.tag_unset(bigint, text, text, text),
    member.tags_of(bigint, date),
    member.core_tags(bigint, integer, date),
    member.preview(bigint, jsonb, boolean),
    member.rules_of(bigint, date)
TO member_app, member_operator, member_admin;

-- Levels by hand are the staff's.
GRANT EXECUTE ON FUNCTION
    member.tier_set(bigint, text, text, date, text, text, timestamptz, text, text)
TO member_admin, member_operator;
-- So are corrections.
GRANT EXECUTE ON FUNCTION
    member.points_adjust(bigint, bigint, text, text, text, date, text, timestamptz, text),
    member.points_adjust_ask(bigint, bigint, text, text, text, date, text),
    member.points_adjust_decide(bigint, integer, boolean, text, text),
    member.points_reinstate(bigint, integer, bigint, text, date, text, timestamptz, text, text)
TO member_admin, member_operator;
GRANT EXECUTE ON FUNCTION member.points_limit_set(text, text, bigint, text, text, integer) TO member_admin;
GRANT EXECUTE ON FUNCTION
    member.tier_simulate(date, text, numeric),
    member.tier_simulate_levels(date, text, numeric),
    member.tier_simulate_members(date, text, numeric, bigint, integer)
TO member_admin;

-- Admins: set up, publish, load, run, prove.
GRANT EXECUTE ON FUNCTION
    member.setup(text, text, text, boolean),
    member.migrate(),
    member.publish(text),
    member.program_export(integer),
    member.program_diff(integer, integer),
    member.program_import(jsonb, boolean),
    member.program_revert(integer, text, boolean),
    member.import_members(text),
    member.import_purchases(text),
    member.import_balances(),
    member.import_points(boolean),
    member.verify(bigint, bigint, boolean),
    member.repair(boolean, bigint, bigint),
    member.replay(bigint),
    member.value_refit(date),
    member.kmeans(text, integer, integer, text, bigint, integer, integer),
    member.kmeans_choice(text, integer, text, bigint, integer, integer),
    member.clusters_refresh(integer, text[], integer, integer, text, bigint, integer),
    member.baskets_refresh(text, double precision, double precision, double precision, integer, integer),
    member.jobs_install(text),
    member.jobs_remove()
TO member_admin;
GRANT EXECUTE ON PROCEDURE member.daily_run(date), member.streams_fill() TO member_admin;
GRANT EXECUTE ON FUNCTION member_internal.streams_fill_batch(integer) TO member_admin;
GRANT EXECUTE ON FUNCTION member_internal.daily_next(date), member_internal.daily_due(date, integer), member_internal.daily_batch(date, bigint[], tid, tid, integer, integer),
    member_internal.require_ready(), member_internal.refuse(text, text, text, text), member_internal.layout(),
    member_internal.kmeans_check(integer, integer, bigint, integer, integer), member_internal.kmeans_load(text, text, bigint),
    member_internal.kmeans_start(text, integer, bigint, double precision[]), member_internal.kmeans_run(text, double precision[], bigint, integer),
    member_internal.kmeans_fit(integer, bigint, integer, integer, boolean), member_internal.kmeans_choices(integer, bigint, integer, integer)
TO member_admin;

-- What a view calls is called with its reader's rights; without USAGE of the schema nobody calls it by name.
GRANT EXECUTE ON FUNCTION member_internal.parse_time(text, text) TO member_admin, member_operator, member_report;
