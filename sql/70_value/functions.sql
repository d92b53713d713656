CREATE OR REPLACE FUNCTION member_internal.purchase_stream() RETURNS smallint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT s.stream_id FROM member.stream s WHERE s.purchases ORDER BY s.stream_id LIMIT 1 $$;
COMMENT ON FUNCTION member_internal.purchase_stream() IS 'Number of the stream that purchases feed.';

-- Recency, frequency and monetary value of the 365 days that end with the day.
CREATE OR REPLACE FUNCTION member_internal.rfm_refresh(day date) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    stream CONSTANT smallint := member_internal.purchase_stream();
    cuts member.rfm_cuts;
    changed bigint;
BEGIN
    SELECT member.rfm_cuts_agg(s.activity, stream, rfm_refresh.day, 365, (SELECT v.rfm_bins FROM member.value_setting v)) INTO cuts
    FROM member.state s;
    SELECT coalesce(v.rfm_cuts, cuts) INTO cuts FROM member.value_setting v;
    IF cuts IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO member.rfm_run (day, bins, members, cuts, made_at)
    VALUES (rfm_refresh.day, member.rfm_bins(cuts), member.rfm_members(cuts), cuts, member.now())
    ON CONFLICT (day) DO UPDATE SET bins = excluded.bins, members = excluded.members, cuts = excluded.cuts,
        made_at = excluded.made_at;
    DELETE FROM member.rfm_change c WHERE c.day = rfm_refresh.day;
    INSERT INTO member.rfm_change (member_id, day, from_group, to_group)
    SELECT n.member_id, rfm_refresh.day, c.to_group, n.to_group
    FROM (SELECT s.member_id, member.rfm_value_group(member.rfm_score(cuts, s.activity, stream, rfm_refresh.day, 365), cuts) AS to_group
          FROM member.state s) n
    LEFT JOIN (SELECT DISTINCT ON (c.member_id) c.member_id, c.to_group FROM member.rfm_change c
               WHERE c.day < rfm_refresh.day ORDER BY c.member_id, c.day DESC) c USING (member_id)
    WHERE n.to_group IS DISTINCT FROM c.to_group;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION member_internal.rfm_refresh(date) IS
    'New RFM cuts over everyone who bought in the 365 days to the day, and the members whose value group changed; returns how many did. Done again for the same day it gives the same.';

CREATE OR REPLACE FUNCTION member_internal.check_span(since date, until date) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM member_internal.day_or_today(since), member_internal.day_or_today(until);
    IF since IS NULL OR until IS NULL THEN
        PERFORM member_internal.refuse('22004', 'arguments "since" and "until" must not be null');
    END IF;
    IF since > until THEN
        PERFORM member_internal.refuse('22023', format('the days are not in order: %s, %s', since, until));
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.check_span(date, date) IS
    'Refuses two days that are not given or not in order. Errors: 22004, 22023, MB001, MB403.';

-- Where everybody stands, and who moved.
CREATE OR REPLACE FUNCTION member_internal.lifecycle_refresh(day date) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    stream CONSTANT smallint := member_internal.purchase_stream();
    changed bigint;
BEGIN
    DELETE FROM member.stage_change c WHERE c.day = lifecycle_refresh.day;
    INSERT INTO member.stage_change (member_id, day, from_stage, to_stage)
    SELECT n.member_id, lifecycle_refresh.day, c.to_stage, n.stage
    FROM (SELECT s.member_id, member.lifecycle_stage(s.activity, stream, lifecycle_refresh.day,
                     (SELECT r.cuts FROM member.rfm_run r WHERE r.day <= lifecycle_refresh.day ORDER BY r.day DESC LIMIT 1),
                     v.new_days, v.slip_factor, v.slip_days, v.dormant_days, v.lost_days) AS stage
          FROM member.state s, member.value_setting v) n
    LEFT JOIN (SELECT DISTINCT ON (c.member_id) c.member_id, c.to_stage FROM member.stage_change c
               WHERE c.day < lifecycle_refresh.day ORDER BY c.member_id, c.day DESC) c USING (member_id)
    WHERE n.stage IS DISTINCT FROM c.to_stage;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION member_internal.lifecycle_refresh(date) IS
    'Notes the members whose life-cycle stage changed up to the day; returns how many did. Done again for the same day it gives the same.';

CREATE OR REPLACE FUNCTION member_internal.value_model(day date) RETURNS member.value_model
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT r.model FROM member.value_run r WHERE r.day <= value_model.day AND r.converged ORDER BY r.day DESC LIMIT 1 $$;
COMMENT ON FUNCTION member_internal.value_model(date) IS 'The value model in force on a day; null: none converged by then.';

-- What the daily run does about value: once a month, and until there is one, the models are fitted anew.
CREATE OR REPLACE FUNCTION member_internal.value_refresh(day date) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.rfm_refresh(value_refresh.day);
    IF NOT EXISTS (SELECT FROM member.value_run r
                   WHERE r.converged AND r.day BETWEEN date_trunc('month', value_refresh.day::timestamp) AND value_refresh.day) THEN
        PERFORM member.value_refit(value_refresh.day);
    END IF;
    PERFORM member_internal.lifecycle_refresh(value_refresh.day);
END
$$;
COMMENT ON FUNCTION member_internal.value_refresh(date) IS
    'RFM cuts and changes of group of a day, the value models if there is no fit of the month yet, and changes of stage.';
