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

CREATE OR REPLACE FUNCTION member_internal.block_of(place tid) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$ SELECT ((place::text::point)[0])::bigint $$;
COMMENT ON FUNCTION member_internal.block_of(tid) IS 'The block of a place in a table.';

CREATE OR REPLACE FUNCTION member_internal.block_start(block bigint) RETURNS tid
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('(%s,0)', least(block, 4294967294))::tid $$;
COMMENT ON FUNCTION member_internal.block_start(bigint) IS 'The place before the first of a block of a table.';

CREATE OR REPLACE FUNCTION member_internal.daily_progress(day date, stage text, place bigint, members bigint DEFAULT 0) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE member.job_run j SET stage = daily_progress.stage, position = place, done = j.done + members, beat_at = clock_timestamp(),
        seconds = j.seconds || jsonb_build_object(j.stage, round(coalesce((j.seconds ->> j.stage)::numeric, 0)
                                                                 + extract(epoch FROM clock_timestamp() - j.beat_at), 3))
    WHERE j.job = 'daily' AND j.day = daily_progress.day
$$;
COMMENT ON FUNCTION member_internal.daily_progress(date, text, bigint, bigint) IS
    'Notes what the daily run of a day is at from now on, and what it took up to here.';

-- The members that are due are brought forward as they lie in member.state: block by block, without a look-up or a lock before
-- the write. Who is written by somebody else meanwhile is left, as are those with holds that lapse; stage rest finds them by number.
CREATE OR REPLACE FUNCTION member_internal.daily_due(day date, max_members integer DEFAULT 25000,
    OUT members bigint[], OUT first tid, OUT beyond tid, OUT parts integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    sample CONSTANT integer := 32; -- blocks that tell how many of a block are due
    run record;
    block bigint;
    density real;
BEGIN
    SELECT j.stage, j.position INTO run FROM member.job_run j WHERE j.job = 'daily' AND j.day = daily_due.day;
    parts := 1;
    IF run.stage = 'due' THEN
        SELECT s.ctid INTO first FROM member.state s
        WHERE s.ctid >= member_internal.block_start(run.position) AND s.next_due <= daily_due.day LIMIT 1;
        IF FOUND THEN
            block := member_internal.block_of(first);
            -- the one that was found may have been written since
            density := (SELECT greatest(1, count(*)) FROM member.state s
                        WHERE s.ctid >= first AND s.ctid < member_internal.block_start(block + sample) AND s.next_due <= daily_due.day)::real / sample;
            beyond := member_internal.block_start(block + greatest(sample, ceil(max_members / density)::bigint));
            -- So few of a page's rows are written at once that their new versions find room in it, and the next transaction finds
            -- the room of the old ones. (All at once, most move to other pages.)
            parts := least(5, 1 + trunc(density / 4));
        END IF;
    ELSIF run.stage = 'rest' THEN
        members := (SELECT array_agg(d.member_id ORDER BY d.member_id)
                    FROM (SELECT s.member_id FROM member.state s
                          WHERE s.ctid >= member_internal.block_start(0) AND s.member_id > run.position AND s.next_due <= daily_due.day
                          ORDER BY s.member_id LIMIT max_members) d);
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.daily_due(date, integer) IS
    'The next members the daily run has to bring forward: where they lie in member.state (first up to beyond, in so many parts), or in stage rest their numbers; all null: the stage is through.';

-- Members that are due, in ascending order: ledger and state, then decisions and messages of those who have any.
CREATE OR REPLACE FUNCTION member_internal.daily_members(day date, members bigint[], kind text DEFAULT 'day',
    first tid DEFAULT NULL, beyond tid DEFAULT NULL, part integer DEFAULT 0, parts integer DEFAULT 1) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off SET max_parallel_workers_per_gather = 0
    -- a batch is found by its keys or its place, whatever the statistics say
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    start CONSTANT timestamptz := member.day_start(daily_members.day);
    present CONSTANT timestamptz := member.now();
    events CONSTANT text := format($q$
        SELECT s.member_id, s.lots, s.activity, s.standing, s.at, s.entries, s.hash, %1$L::text, greatest(s.at, %2$L::timestamptz),
               NULL::text, NULL::bigint, NULL::bigint, NULL::date, NULL::text, NULL::text, NULL::text, NULL::text, false,
               s.ctid, CASE WHEN s.next_lapse IS NOT NULL THEN member.day_of(s.next_lapse) + 1 END, s.at > %2$L OR s.standing OPERATOR(member.<>) 'empty'
        FROM member.state s WHERE $q$, daily_members.kind, start)
        || CASE WHEN members IS NULL
                -- written where they are read: whoever was written in between is left out
                THEN format('s.ctid >= %L AND s.ctid < %L AND s.member_id %% %s = %s AND s.next_due <= %L AND (s.next_lapse > %L) IS NOT FALSE',
                            first, beyond, parts, part, daily_members.day, start)
                ELSE format('s.member_id = ANY ($1) AND (s.next_due <= %L OR %L = ''review'') ORDER BY s.member_id FOR NO KEY UPDATE',
                            daily_members.day, daily_members.kind) END;
    p record;
    x record;
    written bigint;
BEGIN
    SELECT v.version, v.program, s.reminders, s.brand INTO p
    FROM member.setting s JOIN member.program_version v ON v.version = s.program_version;
    IF EXISTS (SELECT FROM member.state s WHERE s.member_id = ANY (members) AND s.next_lapse <= start) THEN
        PERFORM FROM member.state s WHERE s.member_id = ANY (members) ORDER BY s.member_id FOR NO KEY UPDATE;
        PERFORM member_internal.book_lapses(h.member_id, start)
        FROM (SELECT s.member_id FROM member.state s WHERE s.member_id = ANY (members) AND s.next_lapse <= start ORDER BY s.member_id) h;
    END IF;
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
        SELECT r.member_id, r.tiers, r.row_no FROM r WHERE r.tiers IS NOT NULL OR r.member_id IS NULL ORDER BY r.member_id
    LOOP
        IF x.member_id IS NULL THEN
            written := x.row_no;
        ELSE
            PERFORM member_internal.record_tiers(x.member_id, x.tiers, NULL, p.version, present);
        END IF;
    END LOOP;
    RETURN written;
END
$$;
COMMENT ON FUNCTION member_internal.daily_members(date, bigint[], text, tid, tid, integer, integer) IS
    'Brings members that are due, in ascending order, to the start of the day: holds that lapsed, expiry, reviews, reminders, warnings that a level will end. Members null: a part of those that lie from first up to beyond, but for holds that lapse and who is written meanwhile. kind review: any members, whose levels are decided by new rules. Returns how many were written.';

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

CREATE OR REPLACE FUNCTION member_internal.daily_batch(day date, members bigint[] DEFAULT NULL, first tid DEFAULT NULL, beyond tid DEFAULT NULL,
    part integer DEFAULT 0, parts integer DEFAULT 1) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    version CONSTANT integer := (SELECT g.program_version FROM member.setting g);
    run record;
    written bigint;
    b record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('member.daily_run', 0));
    SELECT j.* INTO run FROM member.job_run j WHERE j.job = 'daily' AND j.day = daily_batch.day FOR UPDATE;
    IF NOT FOUND OR run.pid <> pg_backend_pid() THEN
        PERFORM member_internal.refuse('MB601', format('the daily run of %s was taken over', daily_batch.day),
            format('By backend %s.', run.pid));
    END IF;
    CASE run.stage
    WHEN 'due' THEN
        IF first IS NULL THEN
            PERFORM member_internal.daily_progress(daily_batch.day, 'rest', 0);
        ELSE
            -- nobody is told: what a crash takes back is due again, and no later commit outlives it
            PERFORM set_config('synchronous_commit', 'off', true);
            written := member_internal.daily_members(daily_batch.day, NULL, 'day', first, beyond, part, parts);
            PERFORM member_internal.daily_progress(daily_batch.day, 'due',
                CASE WHEN part = parts - 1 THEN member_internal.block_of(beyond) ELSE run.position END, written);
        END IF;
    WHEN 'rest' THEN
        IF members IS NULL THEN
            PERFORM member_internal.daily_progress(daily_batch.day, 'streams', 0);
        ELSE
            written := member_internal.daily_members(daily_batch.day, members);
            PERFORM member_internal.daily_progress(daily_batch.day, 'rest', members[cardinality(members)], written);
        END IF;
    WHEN 'streams' THEN
        IF NOT member_internal.streams_fill_batch() THEN
            UPDATE member.job_run j SET program_version = version WHERE j.job = 'daily' AND j.day = daily_batch.day;
            PERFORM member_internal.daily_progress(daily_batch.day, 'levels', 0);
        END IF;
    WHEN 'levels' THEN
        -- After a publish every level is decided anew, as of the day it is first noticed; from the first member when it comes in between.
        SELECT NULL::bigint AS last, NULL::bigint[] AS members INTO b;
        IF version IS DISTINCT FROM (SELECT j.program_version FROM member.job_run j
                                     WHERE j.job = 'daily' AND j.stage = 'done' ORDER BY j.day DESC LIMIT 1) THEN
            b := member_internal.tiers_stale(daily_batch.day, CASE WHEN run.program_version = version THEN run.position ELSE 0 END, 20000);
            PERFORM member_internal.daily_members(daily_batch.day, coalesce(b.members, '{}'), 'review');
        END IF;
        UPDATE member.job_run j SET program_version = version WHERE j.job = 'daily' AND j.day = daily_batch.day;
        -- Of missed days only the last gets new cuts and heads: they say how things are now.
        PERFORM member_internal.daily_progress(daily_batch.day, CASE WHEN b.last IS NOT NULL THEN 'levels'
                                                                     WHEN daily_batch.day >= member.day_of(member.now()) THEN 'value' ELSE 'done' END, coalesce(b.last, 0));
    WHEN 'value' THEN
        PERFORM member_internal.items_refresh(daily_batch.day);
        PERFORM member_internal.value_refresh(daily_batch.day);
        PERFORM member_internal.points_survival_refresh(daily_batch.day);
        PERFORM member_internal.daily_progress(daily_batch.day, 'tags', 0);
    WHEN 'tags' THEN
        b := member_internal.tags_stale(daily_batch.day, run.position, 20000, NULL);
        PERFORM member_internal.tags_apply(daily_batch.day, b.members);
        IF b.last IS NULL THEN
            PERFORM member_internal.tag_counts_refresh();
        END IF;
        PERFORM member_internal.daily_progress(daily_batch.day, CASE WHEN b.last IS NULL THEN 'heads' ELSE 'tags' END, coalesce(b.last, run.position));
    WHEN 'heads' THEN
        PERFORM member_internal.export_heads(daily_batch.day);
        PERFORM member_internal.daily_progress(daily_batch.day, 'done', run.position);
    WHEN 'done' THEN
        UPDATE member.job_run j SET finished_at = member.now() WHERE j.job = 'daily' AND j.day = daily_batch.day;
        RETURN false;
    END CASE;
    RETURN true;
END
$$;
COMMENT ON FUNCTION member_internal.daily_batch(date, bigint[], tid, tid, integer, integer) IS
    'One batch of the daily run of a day: members that are due, as daily_due() tells them, or without any the next stage; true while there is more to do. Errors: MB601.';
