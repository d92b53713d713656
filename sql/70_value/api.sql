-- What a member is worth, and where it stands. All of it is computed from the state when asked.

CREATE OR REPLACE FUNCTION member.rfm_of(member_id bigint, as_of date DEFAULT NULL)
RETURNS TABLE (score member.rfm, value_group text, strategy_group text, recency integer, frequency bigint,
               monetary numeric, cuts_of date, segment text, action text, value_action text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    on_day CONSTANT date := member_internal.day_or_today(as_of);
    stream CONSTANT smallint := member_internal.purchase_stream();
BEGIN
    RETURN QUERY
        SELECT x.score, member.rfm_value_group_name(member.rfm_value_group(x.score, x.cuts)),
               member.rfm_strategy_group_name(member.rfm_strategy_group(x.score, x.cuts)), x.recency, x.frequency,
               round(x.monetary / 100.0, 2), x.cuts_of, member.rfm_segment_name(member.rfm_segment(x.score, x.cuts)),
               (SELECT a.action FROM member.rfm_action a WHERE a.sort = 'strategy_group' AND a.number = member.rfm_strategy_group(x.score, x.cuts)),
               (SELECT a.action FROM member.rfm_action a WHERE a.sort = 'value_group' AND a.number = member.rfm_value_group(x.score, x.cuts))
        FROM (SELECT f.*, c.cuts, c.day AS cuts_of, member.rfm_score(c.cuts, f.recency, f.frequency, f.monetary) AS score
              FROM member.state s CROSS JOIN LATERAL member.rfm_measures(s.activity, stream, on_day, 365) f
              CROSS JOIN LATERAL (SELECT r.cuts, r.day FROM member.rfm_run r WHERE r.day <= on_day ORDER BY r.day DESC LIMIT 1) c
              WHERE s.member_id = rfm_of.member_id AND f.recency IS NOT NULL) x;
END
$$;
COMMENT ON FUNCTION member.rfm_of(bigint, date) IS
    'RFM score of a member on a day (default today) by the cuts of the last refresh: recency in days, orders and yuan of the 365 days, value group, strategy group, segment; action and value_action: what rfm_action binds to the strategy group and the value group. No row: no purchase in that time, or no refresh yet. Errors: MB501 the 365 days begin in a folded month.';

CREATE OR REPLACE FUNCTION member.rfm_scores(as_of date DEFAULT NULL, bins integer[] DEFAULT '{5,5,5}', thresholds member.rfm_cuts DEFAULT NULL, nested boolean DEFAULT false)
RETURNS TABLE (member_id bigint, score member.rfm)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    on_day CONSTANT date := member_internal.day_or_today(as_of);
    stream CONSTANT smallint := member_internal.purchase_stream();
    cuts member.rfm_cuts := thresholds;
BEGIN
    IF cuts IS NULL THEN
        SELECT member.rfm_cuts_agg(s.activity, stream, on_day, 365, rfm_scores.bins) INTO cuts FROM member.state s;
    END IF;
    IF NOT coalesce(nested, false) OR thresholds IS NOT NULL THEN
        RETURN QUERY SELECT x.member_id, x.score
            FROM (SELECT s.member_id, member.rfm_score(cuts, s.activity, stream, on_day, 365) AS score FROM member.state s) x
            WHERE x.score IS NOT NULL;
        RETURN;
    END IF;
    RETURN QUERY
        WITH measured AS MATERIALIZED (
            SELECT s.member_id, f.*, member.r(member.rfm_score(cuts, f.recency, f.frequency, f.monetary)) AS r
            FROM member.state s CROSS JOIN LATERAL member.rfm_measures(s.activity, stream, on_day, 365) f
            WHERE f.recency IS NOT NULL
        ), by_r AS (
            SELECT m.r, member.rfm_cuts_agg(m.recency, m.frequency, m.monetary, rfm_scores.bins) AS cuts FROM measured m GROUP BY 1
        ), scored AS MATERIALIZED (
            SELECT m.*, member.f(member.rfm_score(c.cuts, m.recency, m.frequency, m.monetary)) AS f FROM measured m JOIN by_r c USING (r)
        ), by_f AS (
            SELECT x.r, x.f, member.rfm_cuts_agg(x.recency, x.frequency, x.monetary, rfm_scores.bins) AS cuts FROM scored x GROUP BY 1, 2
        )
        SELECT x.member_id, member.rfm(x.r, x.f, member.m(member.rfm_score(c.cuts, x.recency, x.frequency, x.monetary)))
        FROM scored x JOIN by_f c USING (r, f);
END
$$;
COMMENT ON FUNCTION member.rfm_scores(date, integer[], member.rfm_cuts, boolean) IS
    'RFM scores of everybody with a purchase in the 365 days that end with a day (default today), by cuts of their own: by rank into bins, one number for each measure; or by thresholds, as rfm_cuts(…) makes them; nested: frequency is ranked among those of the same recency, and monetary value among those of both (thresholds are not). Errors: MB501, 22023 bins.';

CREATE OR REPLACE FUNCTION member.rfm_collapse(cuts member.rfm_cuts)
RETURNS TABLE (measure text, bins integer, scores integer, reason text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT b.measure, b.bins, count(*)::integer,
           string_agg(format('equal values of score %s fill the bins %s to %s', t.score, t.score, t.next - 1), '; ' ORDER BY t.score)
               FILTER (WHERE t.next > t.score + 1)
    FROM unnest('{recency,frequency,monetary}'::text[], member.rfm_bins(rfm_collapse.cuts)) WITH ORDINALITY b (measure, bins, place)
    JOIN (SELECT t.measure, t.score, lead(t.score) OVER (PARTITION BY t.measure ORDER BY t.score) AS next
          FROM member.rfm_thresholds(rfm_collapse.cuts) t) g USING (measure)
    CROSS JOIN LATERAL (SELECT g.score, coalesce(g.next, b.bins + 1) AS next) t
    GROUP BY b.measure, b.bins, b.place ORDER BY b.place
$$;
COMMENT ON FUNCTION member.rfm_collapse(member.rfm_cuts) IS
    'Why cuts give some scores to nobody: of each measure the bins, the different scores given, and the reason, where there are fewer: members of equal value have equal scores, so one that fills several bins has the lowest of their scores. Null: all scores are given.';

CREATE OR REPLACE FUNCTION member.rfm_migration(since date, until date)
RETURNS TABLE (from_group text, to_group text, members bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '64MB'
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.check_span(since, until);
    RETURN QUERY
        SELECT member.rfm_value_group_name(b.value_group), member.rfm_value_group_name(a.value_group), count(*)
        FROM member_internal.rfm_groups_on(since) b FULL JOIN member_internal.rfm_groups_on(until) a USING (member_id)
        GROUP BY b.value_group, a.value_group ORDER BY b.value_group, a.value_group;
END
$$;
COMMENT ON FUNCTION member.rfm_migration(date, date) IS
    'Members by their RFM value group on any two days 迁移矩阵; those who stayed too. Null: no group, without a purchase in 365 days. A group is that of the last refresh up to the day; of a day before the first refresh it is computed of the books as they were, by cuts of that day. Errors: 22004, 22023 days.';

-- ---- value ------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION member.value_refit(day date DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    on_day CONSTANT date := member_internal.day_or_today(value_refit.day);
    stream CONSTANT smallint := member_internal.purchase_stream();
    fit record;
BEGIN
    PERFORM member_internal.require_ready();
    SELECT f.* INTO fit
    FROM (SELECT member.value_stats_agg(s.activity, stream, on_day) AS stats FROM member.state s) a
    CROSS JOIN LATERAL member.value_fit(a.stats) f;
    IF fit.members IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO member.value_run (day, model, standard_errors, members, repeat_members, repeats, log_likelihood, iterations, gradient,
        converged, spend_log_likelihood, spend_iterations, spend_gradient, spend_converged, grain_days, program_version, made_at)
    SELECT on_day, fit.model, fit.standard_errors, fit.members, fit.repeat_members, fit.repeats, fit.log_likelihood, fit.iterations,
        fit.gradient, fit.converged, fit.spend_log_likelihood, fit.spend_iterations, fit.spend_gradient, fit.spend_converged,
        fit.grain_days, s.program_version, member.now()
    FROM member.setting s
    ON CONFLICT (day) DO UPDATE SET model = excluded.model, standard_errors = excluded.standard_errors, members = excluded.members,
        repeat_members = excluded.repeat_members, repeats = excluded.repeats, log_likelihood = excluded.log_likelihood,
        iterations = excluded.iterations, gradient = excluded.gradient, converged = excluded.converged,
        spend_log_likelihood = excluded.spend_log_likelihood, spend_iterations = excluded.spend_iterations,
        spend_gradient = excluded.spend_gradient, spend_converged = excluded.spend_converged, grain_days = excluded.grain_days,
        program_version = excluded.program_version, made_at = excluded.made_at;
    RETURN fit.converged;
END
$$;
COMMENT ON FUNCTION member.value_refit(date) IS
    'Fits the value models to the purchases up to a day (default today) and keeps the fit in value_run; the daily run does so once a month. Returns whether it converged, and so is in force from that day; null: nobody bought. Errors: MB501 the day cuts a folded month.';

CREATE OR REPLACE FUNCTION member.value_of(member_id bigint, as_of date DEFAULT NULL)
RETURNS TABLE (p_alive numeric, expected_purchases numeric, expected_spend numeric, clv numeric, horizon_days integer, fit_of date)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    on_day CONSTANT date := member_internal.day_or_today(as_of);
    stream CONSTANT smallint := member_internal.purchase_stream();
BEGIN
    RETURN QUERY
        SELECT round(member.p_alive(r.model, s.activity, stream, on_day)::numeric, 4),
               round(member.expected_purchases(r.model, s.activity, stream, on_day, v.horizon_days)::numeric, 3),
               round((member.expected_spend(r.model, s.activity, stream, on_day) / 100)::numeric, 2),
               round((member.clv(r.model, s.activity, stream, on_day, v.horizon_days, v.discount, v.margin) / 100)::numeric, 2),
               v.horizon_days, r.day
        FROM member.value_setting v, member.state s,
             (SELECT r.* FROM member.value_run r WHERE r.day <= on_day AND r.converged ORDER BY r.day DESC LIMIT 1) r
        WHERE s.member_id = value_of.member_id AND member.first_day(s.activity, stream) <= on_day;
END
$$;
COMMENT ON FUNCTION member.value_of(bigint, date) IS
    'Value of a member on a day (default today) by the fit in force then: probability that it still buys; days with a purchase expected in the horizon of value_setting; yuan expected on each; clv, yuan of margin expected in all, discounted; null clv: the fit has no model of spend. No row: no purchase by then, or no fit. Errors: MB501 the day cuts a folded month.';

-- Predictions of a day against what came after it, from the books: purchases and refunds that had happened by then.
CREATE OR REPLACE FUNCTION member.value_calibration(day date, horizon integer DEFAULT 90, bins integer DEFAULT 10)
RETURNS TABLE (bin integer, members bigint, p_alive numeric, p_purchase numeric, bought_share numeric,
               expected_purchases numeric, purchases numeric, expected_spend numeric, spend numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    on_day CONSTANT date := member_internal.day_or_today(value_calibration.day);
    model CONSTANT member.value_model := member_internal.value_model(on_day);
    stream CONSTANT smallint := member_internal.purchase_stream();
BEGIN
    PERFORM member_internal.check_horizon(value_calibration.day, horizon, bins);
    RETURN QUERY
        WITH predicted AS (
            SELECT a.member_id, member.p_alive(model, a.activity, stream, on_day) AS p_alive,
                   member.p_purchase(model, a.activity, stream, on_day, horizon) AS p_purchase,
                   member.expected_purchases(model, a.activity, stream, on_day, horizon) AS purchases,
                   member.expected_purchases(model, a.activity, stream, on_day, horizon)
                   * member.expected_spend(model, a.activity, stream, on_day) / 100 AS spend
            FROM member_internal.purchases_known(on_day) a WHERE model IS NOT NULL
        )
        SELECT x.bin, count(*), round(avg(x.p_alive)::numeric, 4), round(avg(x.p_purchase)::numeric, 4),
               round(count(h.purchases)::numeric / count(*), 4),
               round(avg(x.purchases)::numeric, 4), round(coalesce(sum(h.purchases), 0) / count(*), 4),
               round(avg(x.spend)::numeric, 2), round(coalesce(sum(h.spend), 0) / count(*), 2)
        FROM (SELECT p.*, ntile(value_calibration.bins) OVER (ORDER BY p.purchases, p.member_id) AS bin FROM predicted p) x
        LEFT JOIN member_internal.purchases_after(on_day, horizon) h USING (member_id)
        GROUP BY x.bin ORDER BY x.bin;
END
$$;
COMMENT ON FUNCTION member.value_calibration(date, integer, integer) IS
    'How good predictions were: members that had bought by a day, in bins of equal size by the purchases expected of them in the horizon, days, with the fit in force on the day; of each the mean prediction and what happened: share that bought (0 to 1), days with a purchase and yuan a member. Purchases and refunds count that had happened by the day; days that are not over yet count as without. No row: no fit. Errors: MB403, MB502.';

-- ---- churn and life cycle ---------------------------------------------------------

CREATE OR REPLACE FUNCTION member.churn_signals(member_id bigint, as_of date DEFAULT NULL)
RETURNS TABLE (signal text, holds boolean, actual numeric, threshold numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    on_day CONSTANT date := member_internal.day_or_today(as_of);
    stream CONSTANT smallint := member_internal.purchase_stream();
    model CONSTANT member.value_model := member_internal.value_model(on_day);
BEGIN
    RETURN QUERY
        SELECT x.signal, x.holds, x.actual, x.threshold
        FROM (SELECT s.*, v.*, h.*, member.churn_signs(s.activity, stream, on_day, model, v.interval_factor, v.silent_days, v.idle_days, v.p_alive_below) AS signs
              FROM member.state s CROSS JOIN LATERAL member.purchase_history(s.activity, stream, on_day) h, member.value_setting v
              WHERE s.member_id = churn_signals.member_id AND h.x IS NOT NULL) m
        CROSS JOIN LATERAL (VALUES
            (1, 'own_interval', m.signs & 1 <> 0, (m.t - m.t_x)::numeric, round(m.interval_factor * m.t_x / nullif(m.x, 0), 1)),
            (2, 'silent', m.signs & 2 <> 0, (m.t - m.t_x)::numeric, m.silent_days::numeric),
            (3, 'idle', m.signs & 4 <> 0, member.idle_days(m.activity, on_day)::numeric, m.idle_days::numeric),
            (4, 'p_alive', m.signs & 8 <> 0, round(member.p_alive(model, m.activity, stream, on_day)::numeric, 4), m.p_alive_below)
        ) x (place, signal, holds, actual, threshold)
        ORDER BY x.place;
END
$$;
COMMENT ON FUNCTION member.churn_signals(bigint, date) IS
    'Signs that a member is going, on a day (default today), by value_setting: own_interval, days without a purchase above its own mean interval 消费间隔超过平均值; silent, so many days without a purchase; idle, so many days without any event; p_alive, less likely to buy again than that. With the actual and the threshold of each: days, of p_alive 0 to 1. No row: no purchase by then. Errors: MB501.';

-- Signs of a day against what came after it.
CREATE OR REPLACE FUNCTION member.churn_calibration(day date, horizon integer DEFAULT 90)
RETURNS TABLE (signal text, members bigint, gone_share numeric, others bigint, others_gone_share numeric, caught_share numeric, predicted_share numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    on_day CONSTANT date := member_internal.day_or_today(churn_calibration.day);
    model CONSTANT member.value_model := member_internal.value_model(on_day);
    stream CONSTANT smallint := member_internal.purchase_stream();
    zone CONSTANT text := (SELECT s.zone FROM member.setting s);
BEGIN
    PERFORM member_internal.check_horizon(churn_calibration.day, horizon);
    RETURN QUERY
        WITH shown AS (
            -- a day with another event is one of any stream but that of purchases
            SELECT a.member_id, member.churn_signs(CASE WHEN e.day IS NULL THEN a.activity ELSE member.add(a.activity, (stream + 1)::smallint, e.day, 1, 0) END,
                                    stream, on_day, model, v.interval_factor, v.silent_days, v.idle_days, v.p_alive_below) AS signs,
                   1 - member.p_purchase(model, a.activity, stream, on_day, horizon) AS predicted
            FROM member_internal.purchases_known(on_day) a
            LEFT JOIN (SELECT e.member_id, max((e.at AT TIME ZONE zone)::date) AS day FROM member.event e
                       WHERE e.at < (SELECT member.day_start(on_day + 1)) GROUP BY 1) e USING (member_id), member.value_setting v
        ), happened AS (
            SELECT s.signs, h.member_id IS NULL AS gone, count(*) AS members, sum(s.predicted) AS predicted
            FROM shown s LEFT JOIN member_internal.purchases_after(on_day, horizon) h USING (member_id) GROUP BY 1, 2
        )
        SELECT g.signal, coalesce(sum(h.members) FILTER (WHERE h.signs & g.bits <> 0), 0)::bigint,
               round(100 * sum(h.members) FILTER (WHERE h.signs & g.bits <> 0 AND h.gone) / sum(h.members) FILTER (WHERE h.signs & g.bits <> 0), 2),
               coalesce(sum(h.members) FILTER (WHERE h.signs & g.bits = 0), 0)::bigint,
               round(100 * sum(h.members) FILTER (WHERE h.signs & g.bits = 0 AND h.gone) / sum(h.members) FILTER (WHERE h.signs & g.bits = 0), 2),
               round(100 * sum(h.members) FILTER (WHERE h.signs & g.bits <> 0 AND h.gone) / sum(h.members) FILTER (WHERE h.gone), 2),
               round((100 * sum(h.predicted) FILTER (WHERE h.signs & g.bits <> 0))::numeric / sum(h.members) FILTER (WHERE h.signs & g.bits <> 0), 2)
        FROM (VALUES (1, 'own_interval', 1), (2, 'silent', 2), (3, 'idle', 4), (4, 'p_alive', 8), (5, 'any', 15)) g (place, signal, bits) CROSS JOIN happened h
        GROUP BY g.place, g.signal, g.bits ORDER BY g.place;
END
$$;
COMMENT ON FUNCTION member.churn_calibration(date, integer) IS
    'How good the signs of churn were: of a past day by each sign of churn_signals() and by any of them, the members that had bought by then and showed it, percent of these that did not buy in the horizon, days, that followed, members without the sign and percent of these that did not, percent of all that did not which the sign had told of, and percent that the fit in force on the day expected of those who showed it (null: no fit). Purchases and refunds count that had happened by the day; a horizon that is not over counts as far as it is. Errors: MB403, MB502.';

CREATE OR REPLACE FUNCTION member.lifecycle_of(member_id bigint, as_of date DEFAULT NULL)
RETURNS TABLE (stage smallint, stage_name text, since date)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    on_day CONSTANT date := member_internal.day_or_today(as_of);
    stream CONSTANT smallint := member_internal.purchase_stream();
BEGIN
    RETURN QUERY
        SELECT x.stage, member.lifecycle_stage_name(x.stage),
               (SELECT CASE WHEN c.to_stage = x.stage THEN c.day END FROM member.stage_change c
                WHERE c.member_id = lifecycle_of.member_id AND c.day <= on_day ORDER BY c.day DESC LIMIT 1)
        FROM (SELECT member.lifecycle_stage(s.activity, stream, on_day,
                         (SELECT r.cuts FROM member.rfm_run r WHERE r.day <= on_day ORDER BY r.day DESC LIMIT 1),
                         v.new_days, v.slip_factor, v.slip_days, v.dormant_days, v.lost_days) AS stage
              FROM member.state s, member.value_setting v WHERE s.member_id = lifecycle_of.member_id) x;
END
$$;
COMMENT ON FUNCTION member.lifecycle_of(bigint, date) IS
    'Life-cycle stage of a member on a day (default today) 生命周期, and the refresh at which it entered it; since null: since the last refresh. No row: no such member. Errors: MB501.';

CREATE OR REPLACE FUNCTION member.lifecycle_conversion(since date, until date)
RETURNS TABLE (from_stage text, to_stage text, members bigint, share numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '64MB'
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.check_span(since, until);
    RETURN QUERY
        SELECT member.lifecycle_stage_name(b.stage), member.lifecycle_stage_name(a.stage), count(*),
               round(100.0 * count(*) / sum(count(*)) OVER (PARTITION BY b.stage), 2)
        FROM member_internal.stages_on(until) a LEFT JOIN member_internal.stages_on(since) b USING (member_id)
        GROUP BY b.stage, a.stage ORDER BY b.stage, a.stage;
END
$$;
COMMENT ON FUNCTION member.lifecycle_conversion(date, date) IS
    'Members by their life-cycle stage on any two days, and percent of those that were in the first; those who stayed too. Null: joined after the first day. A stage is that of the last refresh up to the day; of a day before the first refresh it is computed of the books as they were. Errors: 22004, 22023 days.';
