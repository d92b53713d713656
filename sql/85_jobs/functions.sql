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

-- The next members that are due, in ascending order; null: none. Locks nothing.
CREATE OR REPLACE FUNCTION member_internal.daily_due(day date, max_members integer DEFAULT 25000) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    IF (SELECT j.stage FROM member.job_run j WHERE j.job = 'daily' AND j.day = daily_due.day) IS DISTINCT FROM 'due' THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT array_agg(d.member_id ORDER BY d.member_id)
            FROM (SELECT s.member_id FROM member.state s
                  WHERE s.member_id > (SELECT j.position FROM member.job_run j WHERE j.job = 'daily' AND j.day = daily_due.day)
                    AND s.next_due <= daily_due.day
                  ORDER BY s.member_id LIMIT max_members) d);
END
$$;
COMMENT ON FUNCTION member_internal.daily_due(date, integer) IS
    'The next members the daily run has to bring forward, after those it has done; null: none.';

-- Members that are due, in ascending order: ledger and state, then decisions and messages of those who have any.
CREATE OR REPLACE FUNCTION member_internal.daily_members(day date, members bigint[], kind text DEFAULT 'day') RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
    -- a batch is found by its keys, whatever the statistics say
    SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    start CONSTANT timestamptz := member.day_start(daily_members.day);
    present CONSTANT timestamptz := member.now();
    events CONSTANT text := format($q$
        SELECT s.member_id, s.lots, s.activity, s.standing, s.at, s.entries, s.hash, %1$L::text, greatest(s.at, %2$L::timestamptz),
               NULL::text, NULL::bigint, NULL::bigint, NULL::date, NULL::text, NULL::text, NULL::text, NULL::text, false,
               s.ctid, CASE WHEN s.next_lapse IS NOT NULL THEN member.day_of(s.next_lapse) + 1 END, s.at > %2$L OR s.standing OPERATOR(member.<>) 'empty'
        FROM member.state s WHERE s.member_id = ANY ($1) AND (s.next_due <= %3$L::date OR %1$L = 'review')
        ORDER BY s.member_id FOR NO KEY UPDATE $q$, daily_members.kind, start, daily_members.day);
    p record;
    x record;
BEGIN
    SELECT v.version, v.program, s.reminders, s.brand INTO p
    FROM member.setting s JOIN member.program_version v ON v.version = s.program_version;
    PERFORM member_internal.book_lapses(h.member_id, start)
    FROM (SELECT s.member_id FROM member.state s WHERE s.member_id = ANY (members) AND s.next_lapse <= start ORDER BY s.member_id) h;
    FOR x IN
        WITH r AS MATERIALIZED (
            SELECT * FROM member_internal.write_events(events, daily_members.members, p.version, p.program, present)
        ), reminders AS (
            INSERT INTO member.outbox (member_id, dedupe, queued_at, not_before, marketing, template, class, body, vars)
            SELECT l.member_id, format('%s:%s:%s', t.code, l.wallet, l.until), present, present, t.marketing, t.code, t.class,
                   member_internal.render(t.body, v.vars || jsonb_build_object('brand', p.brand)), v.vars
            FROM (SELECT r.member_id, l.wallet, l.until, sum(l.points) AS points
                  FROM r CROSS JOIN LATERAL member.unnest(r.lots) l
                  -- of a member brought further than this day the step told another day's
                  WHERE (r.remind OR r.at > start) AND l.until - daily_members.day = ANY (p.reminders) AND l.points > 0
                  GROUP BY 1, 2, 3) l
            JOIN member.wallet w ON w.wallet_id = l.wallet AND w.spendable
            JOIN member.message_template t ON t.code = 'expire' || (l.until - daily_members.day) AND t.enabled
            CROSS JOIN LATERAL (SELECT jsonb_build_object('points', l.points, 'date', l.until, 'days', l.until - daily_members.day) AS vars) v
            ON CONFLICT DO NOTHING
        ), warnings AS (
            INSERT INTO member.outbox (member_id, dedupe, queued_at, not_before, marketing, template, class, body, vars)
            SELECT k.member_id, format('%s:%s:%s', t.code, k.ladder, k.until), present, present, t.marketing, t.code, t.class,
                   member_internal.render(t.body, k.vars || jsonb_build_object('brand', p.brand)), k.vars
            FROM (SELECT r.member_id, u.ladder, u.until,
                         jsonb_build_object('tier', v.name, 'date', u.until, 'missing', member_internal.tier_missing(p.program, r.lots, r.activity, r.standing, u.ladder, daily_members.day)) AS vars
                  FROM r CROSS JOIN LATERAL member.unnest(r.standing) u
                  JOIN member.tier_ladder d ON d.ladder_id = u.ladder AND d.warn_days > 0 AND u.until - d.warn_days = daily_members.day
                  JOIN member.tier_level v ON v.ladder_id = u.ladder AND v.level = u.level
                  WHERE u.level = u.earned) k
            JOIN member.message_template t ON t.code = 'tier_warn' AND t.enabled
            WHERE k.vars ->> 'missing' IS NOT NULL
            ON CONFLICT DO NOTHING
        )
        SELECT r.member_id, r.tiers FROM r WHERE r.tiers IS NOT NULL ORDER BY r.member_id
    LOOP
        PERFORM member_internal.record_tiers(x.member_id, x.tiers, NULL, p.version, present);
    END LOOP;
END
$$;
COMMENT ON FUNCTION member_internal.daily_members(date, bigint[], text) IS
    'Brings members that are due, in ascending order, to the start of the day: holds that lapsed, expiry, reviews, reminders, warnings that a level will end. kind review: any members, whose levels are decided by new rules.';

CREATE OR REPLACE FUNCTION member_internal.export_heads(day date) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO member.chain_head (bucket, day, exported_at, members, entries, hashes)
    SELECT s.member_id / 10000, export_heads.day, member.now(), array_agg(s.member_id), array_agg(s.entries), array_agg(s.hash)
    FROM (SELECT s.member_id, s.entries, substr(s.hash, 1, 8) AS hash
          FROM member.state s
          WHERE s.entries > 0
            -- a day of overlap: a transaction under way at the export before may have committed since
            AND s.touched_at >= coalesce((SELECT max(c.exported_at) FROM member.chain_head c WHERE c.day < export_heads.day) - interval '1 day', '-infinity')
          ORDER BY s.member_id) s
    GROUP BY 1
    ON CONFLICT (bucket, day) DO UPDATE SET exported_at = excluded.exported_at, members = excluded.members,
        entries = excluded.entries, hashes = excluded.hashes
$$;
COMMENT ON FUNCTION member_internal.export_heads(date) IS
    'Exports the heads of the chains that moved since the export before.';

-- Of the due members every fifth in a transaction: so few of a page's rows are written at once that their new versions
-- find room in it, and the next transaction finds the room of the old ones. (All at once, most move to other pages.)
CREATE OR REPLACE FUNCTION member_internal.daily_batch(day date, due bigint[] DEFAULT NULL, part integer DEFAULT 0) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    version CONSTANT integer := (SELECT g.program_version FROM member.setting g);
    run record;
    members bigint[];
    b record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('member.daily_run', 0));
    SELECT j.* INTO run FROM member.job_run j WHERE j.job = 'daily' AND j.day = daily_batch.day FOR UPDATE;
    IF NOT FOUND OR run.pid <> pg_backend_pid() THEN
        PERFORM member_internal.refuse('MB601', format('the daily run of %s was taken over', daily_batch.day),
            format('By backend %s.', run.pid));
    END IF;
    IF due IS NOT NULL THEN
        members := ARRAY(SELECT d.member_id FROM unnest(due) WITH ORDINALITY AS d (member_id, place) WHERE d.place % 5 = part ORDER BY d.place);
        PERFORM member_internal.daily_members(daily_batch.day, members);
        UPDATE member.job_run j SET done = j.done + cardinality(members), beat_at = clock_timestamp(),
            position = CASE WHEN part = 4 THEN due[cardinality(due)] ELSE j.position END
        WHERE j.job = 'daily' AND j.day = daily_batch.day;
        RETURN true;
    END IF;
    IF run.stage = 'due' THEN
        UPDATE member.job_run j SET stage = 'streams', beat_at = clock_timestamp() WHERE j.job = 'daily' AND j.day = daily_batch.day;
        RETURN true;
    END IF;
    IF run.stage = 'streams' THEN
        IF NOT member_internal.streams_fill_batch() THEN
            UPDATE member.job_run j SET stage = 'levels', position = 0, program_version = version, beat_at = clock_timestamp()
            WHERE j.job = 'daily' AND j.day = daily_batch.day;
        END IF;
        RETURN true;
    END IF;
    -- After a publish every level is decided anew, as of the day it is first noticed; from the first member when it comes in between.
    IF run.stage = 'levels' THEN
        SELECT NULL::bigint AS last, NULL::bigint[] AS members INTO b;
        IF version IS DISTINCT FROM (SELECT j.program_version FROM member.job_run j
                                     WHERE j.job = 'daily' AND j.stage = 'done' ORDER BY j.day DESC LIMIT 1) THEN
            b := member_internal.tiers_stale(daily_batch.day, CASE WHEN run.program_version = version THEN run.position ELSE 0 END, 20000);
            PERFORM member_internal.daily_members(daily_batch.day, b.members, 'review');
        END IF;
        UPDATE member.job_run j SET position = coalesce(b.last, 0), program_version = version, beat_at = clock_timestamp(),
            stage = CASE WHEN b.last IS NULL THEN 'value' ELSE 'levels' END
        WHERE j.job = 'daily' AND j.day = daily_batch.day;
        RETURN true;
    END IF;
    -- Of missed days only the last gets new cuts and heads: they say how things are now.
    IF daily_batch.day >= member.day_of(member.now()) THEN
        IF run.stage = 'value' THEN
            PERFORM member_internal.items_refresh(daily_batch.day);
            PERFORM member_internal.value_refresh(daily_batch.day);
            PERFORM member_internal.points_survival_refresh(daily_batch.day);
            UPDATE member.job_run j SET stage = 'tags', position = 0, beat_at = clock_timestamp()
            WHERE j.job = 'daily' AND j.day = daily_batch.day;
            RETURN true;
        END IF;
        IF run.stage = 'tags' THEN
            b := member_internal.tags_stale(daily_batch.day, run.position, 20000, NULL);
            PERFORM member_internal.tags_apply(daily_batch.day, b.members);
            IF b.last IS NULL THEN
                PERFORM member_internal.tag_counts_refresh();
            END IF;
            UPDATE member.job_run j SET position = coalesce(b.last, j.position), beat_at = clock_timestamp(),
                stage = CASE WHEN b.last IS NULL THEN 'heads' ELSE 'tags' END
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
COMMENT ON FUNCTION member_internal.daily_batch(date, bigint[], integer) IS
    'One batch of the daily run of a day: a fifth (part 0 to 4) of the members that are due, or without them the next stage; true while there is more to do. Errors: MB601.';
