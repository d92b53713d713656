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
    SELECT member.rfm_cuts_agg(s.activity, stream, rfm_refresh.day, 365) INTO cuts FROM member.state s;
    IF cuts IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO member.rfm_run (day, bins, members, cuts, made_at)
    VALUES (rfm_refresh.day, member.rfm_bins(cuts), member.rfm_members(cuts), cuts, member.now())
    ON CONFLICT (day) DO UPDATE SET bins = excluded.bins, members = excluded.members, cuts = excluded.cuts,
        made_at = excluded.made_at;
    INSERT INTO member.rfm_change (member_id, day, from_group, to_group)
    SELECT n.member_id, rfm_refresh.day, c.to_group, n.to_group
    FROM (SELECT s.member_id, member.rfm_value_group(member.rfm_score(cuts, s.activity, stream, rfm_refresh.day, 365), cuts) AS to_group
          FROM member.state s) n
    LEFT JOIN (SELECT DISTINCT ON (c.member_id) c.member_id, c.to_group FROM member.rfm_change c
               WHERE c.day < rfm_refresh.day ORDER BY c.member_id, c.day DESC) c USING (member_id)
    WHERE n.to_group IS NOT NULL AND n.to_group IS DISTINCT FROM c.to_group
    ON CONFLICT (member_id, day) DO UPDATE SET to_group = excluded.to_group;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION member_internal.rfm_refresh(date) IS
    'New RFM cuts over everyone who bought in the 365 days to the day, and the members whose value group changed; returns how many did. Done again for the same day it gives the same.';

CREATE OR REPLACE FUNCTION member.rfm_of(member_id bigint, as_of date DEFAULT NULL)
RETURNS TABLE (score member.rfm, value_group text, strategy_group text, recency integer, frequency bigint,
               monetary numeric, cuts_of date)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    on_day CONSTANT date := member_internal.day_or_today(as_of);
BEGIN
    RETURN QUERY SELECT x.score, member.rfm_value_group_name(member.rfm_value_group(x.score, x.cuts)),
           member.rfm_strategy_group_name(member.rfm_strategy_group(x.score, x.cuts)), x.recency, x.frequency,
           round(x.monetary / 100.0, 2), x.cuts_of
    FROM (SELECT f.*, c.cuts, c.day AS cuts_of, member.rfm_score(c.cuts, f.recency, f.frequency, f.monetary) AS score
          FROM (SELECT d.day, d.day - member.last_day(s.activity, d.stream) AS recency,
                       member.count(s.activity, d.stream, d.day - 364, d.day + 1) AS frequency,
                       member.amount(s.activity, d.stream, d.day - 364, d.day + 1) AS monetary
                FROM member.state s, (SELECT on_day AS day,
                                             member_internal.purchase_stream() AS stream) d
                WHERE s.member_id = rfm_of.member_id
                  AND member.last_day(s.activity, d.stream) BETWEEN d.day - 364 AND d.day) f
          CROSS JOIN LATERAL (SELECT r.cuts, r.day FROM member.rfm_run r WHERE r.day <= f.day ORDER BY r.day DESC LIMIT 1) c) x;
END
$$;
COMMENT ON FUNCTION member.rfm_of(bigint, date) IS
    'RFM score of a member on a day (default today) by the cuts of the last refresh: recency in days, orders and yuan of the last 365 days, value group, strategy group. No row: no purchase in that time, or no refresh yet.';
