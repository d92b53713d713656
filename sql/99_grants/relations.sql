-- Who may do what with the tables and views. Run by setup() and migrate() as their owner.

REVOKE ALL ON ALL TABLES IN SCHEMA member, member_report FROM PUBLIC;

-- The catalog is the admins' to edit.
GRANT SELECT, INSERT, UPDATE, DELETE ON member.wallet, member.earn_rule, member.stream, member.store, member.tier_ladder,
    member.tier_level, member.tier_fast, member.benefit, member.tier_benefit, member.message_template, member.verb, member.tag, member.rfm_action TO member_admin;
GRANT UPDATE (name) ON member.cluster TO member_admin;
GRANT SELECT ON member.setting TO member_admin;
GRANT UPDATE (brand, zone, reminders, cost_per_point, face_value) ON member.setting TO member_admin;

GRANT SELECT ON member.value_setting TO member_admin;
GRANT UPDATE (rfm_bins, rfm_cuts, horizon_days, discount, margin, interval_factor, silent_days, idle_days, p_alive_below,
    new_days, slip_factor, slip_days, dormant_days, lost_days) ON member.value_setting TO member_admin;

-- Staging of imports.
GRANT SELECT, INSERT, DELETE, TRUNCATE ON member.import_row TO member_admin;

-- The books are read by admins, changed by nobody but the functions.
GRANT SELECT ON member.program_version, member.member, member.identity, member.state, member.entry, member.points_rollup,
    member.points_rollup_mark, member.points_survival, member.points_survival_mark, member.chain_head, member.hold, member.transfer, member.adjustment,
    member.part_payment, member.points_limit, member.points_limit_use, member.points_limit_slot,
    member.purchase, member.purchase_line, member.refund, member.event, member.category, member.stream_unfilled, member.stream_fill, member.tier_change, member.benefit_use,
    member.rfm_run, member.rfm_change, member.value_run, member.stage_change, member.cluster_run, member.cluster, member.basket_run, member.basket_rule, member.item_sales, member.tags, member.tag_change, member.tag_count, member.outbox, member.job_run, member.import_run, member.import_reject
TO member_admin;

-- Who is locked may be seen, and PINs may be taken away; the hashes are nobody's.
GRANT SELECT (member_id, failures, locked_until), DELETE ON member.credential TO member_admin;

GRANT SELECT ON ALL TABLES IN SCHEMA member_report TO member_admin, member_operator, member_report;
