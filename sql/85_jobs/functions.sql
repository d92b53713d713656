-- The daily run, one transaction a batch. A run belongs to a backend; when that is gone another goes on.

CREATE OR REPLACE FUNCTION member_internal.daily_next(day date DEFAULT NULL) RETURNS date
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    goal date;
    today date;
    last date;
    run record;
BEGIN
    PERFORM member_internal.require_ready();
    PERFORM pg_advisory_xact_lock(hashtextextended('member.daily_run', 0));
    PERFORM member_internal.points_rollup();
    today := member.day_of(member.now());
    goal := coalesce(daily_next.day, today);
    IF goal > today THEN
        PERFORM member_internal.refuse('MB403', format('day %s is in the future', goal), format('It is %s.', today));
    END IF;
    SELECT j.* INTO run FROM member.job_run j WHERE j.job = 'daily' AND j.finished_at IS NULL FOR UPDATE;
    IF FOUND THEN
        IF run.pid <> pg_backend_pid() AND run.beat_at > pg_postmaster_start_time()
            AND run.beat_at > clock_timestamp() - interval '10 minutes'
            AND EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = run.pid) THEN
            PERFORM member_internal.refuse('MB601', format('the daily run of %s is under way', run.day),
                format('Backend %s, last heard at %s.', run.pid, run.beat_at), 'It goes on by itself; if its session only stands idle it is taken over after ten minutes.');
        END IF;
        UPDATE member.job_run SET pid = pg_backend_pid(), beat_at = clock_timestamp()
        WHERE job = 'daily' AND job_run.day = run.day;
        RETURN run.day;
    END IF;
    SELECT max(j.day) INTO last FROM member.job_run j WHERE j.job = 'daily';
    IF last >= goal THEN
        RETURN NULL;
    END IF;
    goal := coalesce(last + 1, goal);
    INSERT INTO member.job_run (job, day, started_at, beat_at, pid)
    VALUES ('daily', goal, member.now(), clock_timestamp(), pg_backend_pid());
    RETURN goal;
END
$$;
COMMENT ON FUNCTION member_internal.daily_next(date) IS
    'The day the daily run has to do next up to a day (default today), now this backend''s: an unfinished one, else the one after the last; null: all done. Brings points_rollup forward. Errors: MB601 another backend is at it, MB403.';

-- Members that are due, in ascending order: state, ledger, decisions and messages in one statement.
CREATE OR REPLACE FUNCTION member_internal.daily_members(day date, after bigint, batch integer, OUT last bigint, OUT members integer)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    start CONSTANT timestamptz := member.day_start(daily_members.day);
    present CONSTANT timestamptz := member.now();
    high bigint;
    x record;
BEGIN
    members := 0;
    SELECT max(l.member_id) INTO high
    FROM (SELECT s.member_id FROM member.state s
          WHERE s.member_id > daily_members.after AND s.next_due <= daily_members.day
          ORDER BY s.member_id LIMIT daily_members.batch FOR NO KEY UPDATE) l;
    FOR x IN
        WITH p AS (
            SELECT v.version, v.program, s.reminders, s.brand
            FROM member.setting s JOIN member.program_version v ON v.version = s.program_version
            LIMIT 1
        ), r AS MATERIALIZED (
            SELECT d.member_id, y.* FROM member.state d, p, LATERAL member.step(
                ROW(d.lots, d.activity, d.standing, d.at, d.entries, d.hash)::member.step_state,
                ROW(d.member_id, 'day', greatest(d.at, start), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::member.step_event, p.program) y
            WHERE d.member_id > daily_members.after AND d.member_id <= high AND d.next_due <= daily_members.day
        ), entries AS (
            INSERT INTO member.entry (member_id, entry_no, kind, at, booked_at, wallet, points, balance, program_version,
                                      delta, tier, hash)
            SELECT r.member_id, r.entries, r.time_kind, r.at, greatest(present, r.at), r.time_wallet, r.time_points,
                   r.time_balance, p.version, r.time_delta, member_internal.level_code(p.program, 1::smallint, r.level), r.time_hash
            FROM r, p WHERE r.time_kind IS NOT NULL
        ), states AS (
            UPDATE member.state s SET lots = r.lots, activity = r.activity, standing = r.standing, at = r.at,
                touched_at = present, entries = r.entries, next_due = r.next_due, hash = r.hash
            FROM r WHERE s.member_id = r.member_id AND s.member_id > daily_members.after AND s.member_id <= high
        ), reminders AS (
            INSERT INTO member.outbox (member_id, dedupe, queued_at, not_before, marketing, template, class, body, vars)
            SELECT l.member_id, format('%s:%s:%s', t.code, l.wallet, l.until), present, present, t.marketing, t.code, t.class,
                   member_internal.render(t.body, v.vars || jsonb_build_object('brand', p.brand)), v.vars
            FROM (SELECT r.member_id, l.wallet, l.until, sum(l.points) AS points
                  FROM r CROSS JOIN LATERAL member.unnest(r.lots) l
                  -- of a member brought further than this day the step told another day's
                  WHERE (r.remind OR r.at > start) AND l.until - daily_members.day = ANY (ARRAY(SELECT unnest(p.reminders) FROM p)) AND l.points > 0
                  GROUP BY 1, 2, 3) l
            JOIN member.wallet w ON w.wallet_id = l.wallet AND w.spendable
            JOIN member.message_template t ON t.code = 'expire' || (l.until - daily_members.day) AND t.enabled
            CROSS JOIN p
            CROSS JOIN LATERAL (SELECT jsonb_build_object('points', l.points, 'date', l.until, 'days', l.until - daily_members.day) AS vars) v
            ON CONFLICT DO NOTHING
        )
        SELECT r.member_id, r.tiers, r.entries, p.version FROM r, p ORDER BY r.member_id
    LOOP
        members := members + 1;
        last := x.member_id;
        IF x.tiers IS NOT NULL THEN
            PERFORM member_internal.record_tiers(x.member_id, x.tiers, x.entries, x.version, present);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION member_internal.daily_members(date, bigint, integer) IS
    'Brings so many members that are due, after a member, to the start of the day: expiry, reviews, reminders. Returns the last of them and how many.';

CREATE OR REPLACE FUNCTION member_internal.export_heads(day date) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO member.chain_head (bucket, day, exported_at, members, entries, hashes)
    SELECT s.member_id / 10000, export_heads.day, member.now(), array_agg(s.member_id ORDER BY s.member_id),
           array_agg(s.entries ORDER BY s.member_id), array_agg(substr(s.hash, 1, 8) ORDER BY s.member_id)
    FROM member.state s
    WHERE s.entries > 0
      -- a day of overlap: a transaction under way at the export before may have committed since
      AND s.touched_at >= coalesce((SELECT max(c.exported_at) FROM member.chain_head c WHERE c.day < export_heads.day) - interval '1 day', '-infinity')
    GROUP BY 1
    ON CONFLICT (bucket, day) DO UPDATE SET exported_at = excluded.exported_at, members = excluded.members,
        entries = excluded.entries, hashes = excluded.hashes
$$;
COMMENT ON FUNCTION member_internal.export_heads(date) IS
    'Exports the heads of the chains that moved since the export before.';

CREATE OR REPLACE FUNCTION member_internal.daily_batch(day date) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    run record;
    b record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('member.daily_run', 0));
    SELECT j.* INTO run FROM member.job_run j WHERE j.job = 'daily' AND j.day = daily_batch.day FOR UPDATE;
    IF NOT FOUND OR run.pid <> pg_backend_pid() THEN
        PERFORM member_internal.refuse('MB601', format('the daily run of %s was taken over', daily_batch.day),
            format('By backend %s.', run.pid));
    END IF;
    IF run.stage = 'due' THEN
        b := member_internal.daily_members(daily_batch.day, run.position, 5000);
        UPDATE member.job_run j SET position = coalesce(b.last, j.position), done = j.done + b.members,
            stage = CASE WHEN b.members < 5000 THEN 'value' ELSE 'due' END, beat_at = clock_timestamp()
        WHERE j.job = 'daily' AND j.day = daily_batch.day;
        RETURN true;
    END IF;
    -- Of missed days only the last gets new cuts and heads: they say how things are now.
    IF daily_batch.day >= member.day_of(member.now()) THEN
        IF run.stage = 'value' THEN
            PERFORM member_internal.rfm_refresh(daily_batch.day);
            UPDATE member.job_run j SET stage = 'heads', beat_at = clock_timestamp()
            WHERE j.job = 'daily' AND j.day = daily_batch.day;
            RETURN true;
        END IF;
        PERFORM member_internal.export_heads(daily_batch.day);
    END IF;
    UPDATE member.job_run j SET stage = 'done', finished_at = member.now(), beat_at = clock_timestamp()
    WHERE j.job = 'daily' AND j.day = daily_batch.day;
    RETURN false;
END
$$;
COMMENT ON FUNCTION member_internal.daily_batch(date) IS
    'One batch of the daily run of a day; true while there is more to do. Errors: MB601.';
