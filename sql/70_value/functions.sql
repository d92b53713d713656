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

-- The books as they were at the end of a day: purchases up to it, less what had been refunded by then. The state can't say: of
-- long ago it has totals only, and a later refund has changed it. What is the same for every row is a subquery, evaluated once.
CREATE OR REPLACE FUNCTION member_internal.purchases_known(day date) RETURNS TABLE (member_id bigint, activity member.activity)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
    SELECT f.member_id, member.activity_agg((SELECT member_internal.purchase_stream()), f.day, (f.known * 100)::bigint)
    FROM (SELECT p.member_id, (p.at AT TIME ZONE (SELECT s.zone FROM member.setting s))::date AS day, p.amount, p.amount - coalesce(r.by_then, 0) AS known
          FROM member.purchase p
          LEFT JOIN (SELECT r.member_id, r.purchase, sum(r.amount) AS by_then FROM member.refund r
                     WHERE r.at < (SELECT member.day_start(purchases_known.day + 1)) GROUP BY 1, 2) r
              ON r.member_id = p.member_id AND r.purchase = p.entry_no
          WHERE p.at < (SELECT member.day_start(purchases_known.day + 1))) f
    WHERE f.known > 0 OR f.amount = 0 GROUP BY 1
$$;
COMMENT ON FUNCTION member_internal.purchases_known(date) IS
    'Activity of the members that had bought by a day, of purchases alone, as the books had it at its end.';

CREATE OR REPLACE FUNCTION member_internal.cuts_known(day date) RETURNS TABLE (member_id bigint, activity member.activity, cuts member.rfm_cuts)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
    SELECT k.member_id, k.activity, coalesce((SELECT v.rfm_cuts FROM member.value_setting v),
        member.rfm_cuts_agg(k.activity, (SELECT member_internal.purchase_stream()), cuts_known.day, 365, (SELECT v.rfm_bins FROM member.value_setting v)) OVER ())
    FROM member_internal.purchases_known(cuts_known.day) k
$$;
COMMENT ON FUNCTION member_internal.cuts_known(date) IS
    'purchases_known(), with the RFM cuts that a refresh on the day would have made, or the thresholds of value_setting.';

CREATE OR REPLACE FUNCTION member_internal.purchases_after(day date, horizon integer) RETURNS TABLE (member_id bigint, purchases bigint, spend numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
    SELECT p.member_id, count(DISTINCT (p.at AT TIME ZONE (SELECT s.zone FROM member.setting s))::date), sum(p.amount - p.refunded)
    FROM member.purchase p
    WHERE p.at >= (SELECT member.day_start(purchases_after.day + 1)) AND p.at < (SELECT member.day_start(purchases_after.day + horizon + 1))
      AND (p.amount > p.refunded OR p.amount = 0) GROUP BY 1
$$;
COMMENT ON FUNCTION member_internal.purchases_after(date, integer) IS
    'What members bought in so many days after a day: days with a purchase, yuan with refunds taken off. Only those that did.';

CREATE OR REPLACE FUNCTION member_internal.check_horizon(day date, horizon integer, bins integer DEFAULT 1) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF day IS NULL OR horizon IS NULL OR bins IS NULL OR horizon NOT BETWEEN 1 AND 3650 OR bins NOT BETWEEN 1 AND 100 THEN
        PERFORM member_internal.refuse('MB502', 'invalid day, horizon or number of bins',
            'The day is given, the horizon has 1 to 3650 days, and there are 1 to 100 bins.');
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.check_horizon(date, integer, integer) IS 'Refuses what a calibration does not take. Errors: MB502.';

-- Groups and stages of a day: as the last refresh up to it told them; of a day before the first one, as the books have it.
CREATE OR REPLACE FUNCTION member_internal.rfm_groups_on(day date) RETURNS TABLE (member_id bigint, value_group smallint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    stream CONSTANT smallint := member_internal.purchase_stream();
BEGIN
    IF EXISTS (SELECT FROM member.rfm_run r WHERE r.day <= rfm_groups_on.day) THEN
        RETURN QUERY
            SELECT x.member_id, x.to_group
            FROM (SELECT DISTINCT ON (c.member_id) c.member_id, c.to_group FROM member.rfm_change c WHERE c.day <= rfm_groups_on.day
                  ORDER BY c.member_id, c.day DESC) x
            WHERE x.to_group IS NOT NULL;
    ELSE
        RETURN QUERY
            SELECT x.member_id, member.rfm_value_group(x.score, x.cuts)
            FROM (SELECT k.member_id, k.cuts, member.rfm_score(k.cuts, k.activity, stream, rfm_groups_on.day, 365) AS score
                  FROM member_internal.cuts_known(rfm_groups_on.day) k) x
            WHERE x.score IS NOT NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.rfm_groups_on(date) IS
    'Members in an RFM value group on a day. Before the first refresh: by cuts of the day, or the thresholds of value_setting.';

CREATE OR REPLACE FUNCTION member_internal.stages_on(day date) RETURNS TABLE (member_id bigint, stage smallint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    stream CONSTANT smallint := member_internal.purchase_stream();
BEGIN
    IF EXISTS (SELECT FROM member.stage_change c WHERE c.day <= stages_on.day) THEN
        RETURN QUERY
            SELECT DISTINCT ON (c.member_id) c.member_id, c.to_stage FROM member.stage_change c WHERE c.day <= stages_on.day
            ORDER BY c.member_id, c.day DESC;
    ELSE
        RETURN QUERY
            SELECT m.member_id, member.lifecycle_stage(coalesce(k.activity, 'empty'::member.activity), stream, stages_on.day, k.cuts,
                                    v.new_days, v.slip_factor, v.slip_days, v.dormant_days, v.lost_days)
            FROM member.member m LEFT JOIN member_internal.cuts_known(stages_on.day) k USING (member_id), member.value_setting v
            WHERE m.joined_at < (SELECT member.day_start(stages_on.day + 1));
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.stages_on(date) IS
    'Members that had joined by a day, and their life-cycle stage on it. Before the first refresh: by cuts of the day, or the thresholds of value_setting.';

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
