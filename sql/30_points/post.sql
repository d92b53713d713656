-- Batch posting: calls of points_earn and points_spend as rows. What can be told without taking a step is told
-- set-based; the others go through the writer of imports, the rows of each member in their order.

CREATE OR REPLACE FUNCTION member_internal.post_begin() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM member_internal.require_ready();
    CREATE TEMP TABLE post_work (
        row_no bigint, line bigint, member_id bigint, kind text, points bigint, wallet text, usable_from date, until date,
        source text, reason text, actor text, at timestamptz, key text, unread text, detail text) ON COMMIT DROP;
END
$$;
COMMENT ON FUNCTION member_internal.post_begin() IS
    'Makes the temporary table post_work, for the rows to post; unread: why one could not even be read. Errors: MB001, MB002.';

-- Where a limit counts, or a late spend may take what expired since, each row is a call of its own: what it may do depends on
-- what became of those before.
CREATE OR REPLACE FUNCTION member_internal.post_must_be_single(today date) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM member_internal.book_time(s.member_id)
    FROM (SELECT x.member_id FROM member.state x WHERE x.active AND x.next_due <= today
            AND x.member_id IN (SELECT w.member_id FROM post_work w WHERE w.kind = 'spend' AND w.at < member.day_start(today)) ORDER BY 1) s;
    RETURN EXISTS (SELECT FROM post_work w JOIN member.points_limit l ON l.source = w.source AND l.wallet = w.wallet WHERE w.kind = 'earn')
        OR EXISTS (SELECT FROM post_work w WHERE w.kind = 'spend' AND w.at < member.day_start(today)
                   AND EXISTS (SELECT FROM member.entry e WHERE e.member_id = w.member_id AND e.kind = 'expire' AND e.at > w.at))
        OR EXISTS (SELECT FROM post_work w JOIN post_work v USING (member_id)
                   WHERE w.kind = 'spend' AND w.at < member.day_start(today) AND v.kind = 'earn' AND v.until <= today);
END
$$;
COMMENT ON FUNCTION member_internal.post_must_be_single(date) IS 'Whether the rows of post_work are to be taken one after the other by the verbs. Brings members to the day whose late spends make it matter.';

CREATE OR REPLACE FUNCTION member_internal.post_singly() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    w record;
    r member.receipt;
    answered boolean;
    state text;
    message text;
BEGIN
    CREATE TEMP TABLE post_answer (row_no bigint, line bigint, kind text, member_id bigint, entry_no integer, points bigint, balance bigint, tier text,
                                   repeated boolean, sqlstate text, reason text, detail text) ON COMMIT DROP;
    FOR w IN SELECT * FROM post_work x ORDER BY x.row_no LOOP
        r := NULL;
        state := left(w.unread, 5);
        message := substr(w.unread, 8);
        answered := EXISTS (SELECT FROM member.entry e WHERE e.member_id = w.member_id AND e.key = w.key);
        IF state IS NULL THEN
            BEGIN
                IF w.kind = 'earn' THEN
                    r := member.points_earn(w.member_id, w.points, w.wallet, w.usable_from, w.until, w.source, w.reason, w.at, w.actor, w.key);
                ELSE
                    r := member.points_spend(w.member_id, w.points, w.wallet, w.source, w.reason, w.at, w.actor, w.key);
                END IF;
            EXCEPTION WHEN OTHERS THEN
                -- a deadlock or a conflict is the whole call's to repeat
                IF SQLSTATE NOT LIKE 'MB%' THEN
                    RAISE;
                END IF;
                state := SQLSTATE;
                message := SQLERRM;
            END;
        END IF;
        INSERT INTO post_answer VALUES (w.row_no, w.line, w.kind, w.member_id, r.entry_no, r.points, r.balance, r.tier, state IS NULL AND answered, state, message, w.detail);
    END LOOP;
    DROP TABLE post_work;
END
$$;
COMMENT ON FUNCTION member_internal.post_singly() IS 'Posts the rows of post_work one after the other by the verbs, and leaves the answers in post_answer.';

CREATE OR REPLACE FUNCTION member_internal.post_settle(all_or_nothing boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    x record;
BEGIN
    SELECT count(*) AS n, count(a.sqlstate) AS refused INTO x FROM post_answer a;
    IF all_or_nothing AND x.refused > 0 THEN
        PERFORM member_internal.refuse('MB230', format('%s of %s rows are refused, nothing is posted', x.refused, x.n),
            (SELECT string_agg(format('Row %s: %s %s.', a.row_no, a.sqlstate, a.reason), E'\n' ORDER BY a.row_no)
             FROM (SELECT * FROM post_answer a WHERE a.sqlstate IS NOT NULL ORDER BY a.row_no LIMIT 10) a),
            'Without all_or_nothing the others are posted.');
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.post_settle(boolean) IS 'Refuses a post as a whole if it is all or nothing and a row was refused. Errors: MB230.';

CREATE OR REPLACE FUNCTION member_internal.post(all_or_nothing boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET work_mem = '256MB' SET jit = off SET max_parallel_workers_per_gather = 0
AS $$
#variable_conflict use_column
DECLARE
    bound CONSTANT boolean := NOT pg_has_role(session_user, 'member_admin', 'usage');
    present timestamptz;
    p record;
    x record;
    events CONSTANT text := $q$
        SELECT w.member_id, s.lots, s.activity, s.standing, s.at, s.entries, s.hash, w.kind, w.at, w.wallet, w.points, NULL::bigint,
               w.until, w.source, NULL::text, NULL::text, NULL::text, false, w.usable_from, w.reason, w.actor, w.key, w.digest, w.row_no,
               w.twin, w.late, w.late_reason
        FROM post_checked w JOIN member.state s ON s.member_id = w.member_id
        WHERE w.sqlstate IS NULL AND w.known IS NULL
        ORDER BY w.member_id, w.row_no $q$;
BEGIN
    ANALYZE post_work;
    PERFORM FROM member.state s WHERE s.member_id IN (SELECT w.member_id FROM post_work w) ORDER BY s.member_id FOR NO KEY UPDATE;
    present := member.now();
    PERFORM member_internal.book_lapses(s.member_id, present)
    FROM (SELECT x.member_id FROM member.state x
          WHERE x.next_lapse <= present AND x.member_id IN (SELECT w.member_id FROM post_work w) ORDER BY x.member_id) s;
    IF member_internal.post_must_be_single(member.day_of(present)) THEN
        PERFORM member_internal.post_singly();
        PERFORM member_internal.post_settle(all_or_nothing);
        RETURN;
    END IF;
    SELECT v.version, v.program INTO p
    FROM member.setting g JOIN member.program_version v ON v.version = g.program_version;
    -- in the order in which a verb looks: the row, the member, the key, then the moment, unless the key is answered
    CREATE TEMP TABLE post_checked ON COMMIT DROP AS
        SELECT v.*, CASE WHEN v.unread IS NULL THEN e.entry_no END AS known, t.key IS NOT NULL AS twin,
               CASE WHEN v.unread IS NOT NULL THEN left(v.unread, 5)
                    WHEN v.active IS NULL THEN 'MB101'
                    WHEN NOT v.active THEN 'MB102'
                    WHEN length(v.key) NOT BETWEEN 1 AND 250 THEN 'MB405'
                    WHEN e.entry_no IS NOT NULL AND e.digest IS DISTINCT FROM v.digest THEN 'MB404' END AS sqlstate,
               CASE WHEN v.unread IS NOT NULL THEN substr(v.unread, 8)
                    WHEN v.active IS NULL THEN format('unknown member %s', coalesce(v.member_id::text, 'null'))
                    WHEN NOT v.active THEN format('member %s is not active', v.member_id)
                    WHEN length(v.key) NOT BETWEEN 1 AND 250 THEN 'a key must have 1 to 250 characters'
                    WHEN e.entry_no IS NOT NULL AND e.digest IS DISTINCT FROM v.digest THEN format('key "%s" was used before with other arguments', v.key) END AS refusal,
               CASE WHEN v.at > present THEN 'MB401'
                    WHEN bound AND v.at < present - interval '1 day' AND v.at < present - b.back_days * interval '1 day' THEN 'MB402'
                    WHEN v.kind = 'spend' AND v.points > (SELECT r.code_above FROM member.wallet q CROSS JOIN LATERAL member_internal.wallet_rules(p.program, q.wallet_id) r
                                                          WHERE q.code = v.wallet) THEN 'MB214' END AS late,
               CASE WHEN v.at > present THEN format('"at" is in the future: %s', v.at)
                    WHEN bound AND v.at < present - interval '1 day' AND v.at < present - b.back_days * interval '1 day' THEN format('"at" is too far back: %s', v.at)
                    ELSE 'so many points at once take a pass' END AS late_reason
        FROM (SELECT w.*, s.active, member_internal.digest(s.salt, 'points_' || w.kind,
                  CASE w.kind WHEN 'earn' THEN jsonb_build_array(w.points, w.wallet, w.usable_from, w.until, w.source, w.reason, w.actor)
                              ELSE jsonb_build_array(w.points, w.wallet, w.source, w.reason, w.actor) END, w.at) AS digest
              FROM post_work w LEFT JOIN member.state s ON s.member_id = w.member_id) v
        LEFT JOIN member.entry e ON e.member_id = v.member_id AND e.key = v.key
        LEFT JOIN (SELECT w.member_id, w.key FROM post_work w WHERE w.key IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1) t
            ON t.member_id = v.member_id AND t.key = v.key
        LEFT JOIN member.verb b ON b.verb = 'points_' || v.kind;
    CREATE TEMP TABLE post_taken (row_no bigint, entry_no integer, points bigint, balance bigint, tier text, repeated boolean, sqlstate text,
                                  reason text) ON COMMIT DROP;
    FOR x IN
        WITH r AS MATERIALIZED (
            SELECT * FROM member_internal.write_events(events, NULL, p.version, p.program, present)
        ), answers AS (
            INSERT INTO post_taken
            SELECT r.row_no, r.entry_no, r.points, r.balance, r.tier, r.repeated, r.sqlstate, r.reason FROM r WHERE r.row_no IS NOT NULL
        ), states AS (
            UPDATE member.state s SET lots = r.lots, activity = r.activity, standing = r.standing, at = r.at, touched_at = r.at,
                entries = r.entries, next_due = least(s.next_due, r.next_due), hash = r.hash
            FROM r WHERE r.row_no IS NULL AND s.member_id = r.member_id
        )
        SELECT r.member_id, r.at, ARRAY[r.tiers[n]] AS tier, coalesce(r.tier_entries[n], r.entries) AS entry_no
        FROM r CROSS JOIN generate_subscripts(r.tiers, 1) n
        WHERE r.tiers IS NOT NULL ORDER BY r.member_id, n
    LOOP
        PERFORM member_internal.record_tiers(x.member_id, x.tier, x.entry_no, p.version, x.at);
    END LOOP;
    CREATE TEMP TABLE post_answer ON COMMIT DROP AS
        SELECT w.row_no, w.line, w.kind, w.member_id, coalesce(k.entry_no, t.entry_no) AS entry_no, coalesce(k.points, t.points) AS points,
               coalesce(k.balance, t.balance) AS balance, CASE WHEN k.entry_no IS NULL THEN t.tier ELSE k.tier END AS tier,
               k.entry_no IS NOT NULL OR coalesce(t.repeated, false) AS repeated, coalesce(w.sqlstate, t.sqlstate) AS sqlstate,
               coalesce(w.refusal, t.reason) AS reason, w.detail
        FROM post_checked w
        LEFT JOIN post_taken t ON t.row_no = w.row_no
        LEFT JOIN member.entry k ON w.sqlstate IS NULL AND k.member_id = w.member_id AND k.entry_no = w.known;
    DROP TABLE post_work, post_checked, post_taken;
    PERFORM member_internal.post_settle(all_or_nothing);
END
$$;
COMMENT ON FUNCTION member_internal.post(boolean) IS
    'Posts the rows of post_work, each as the call of points_earn or points_spend it stands for, and leaves an answer to each in the temporary table post_answer. Errors: MB230 with all_or_nothing.';

CREATE OR REPLACE FUNCTION member.points_post(rows jsonb[], all_or_nothing boolean DEFAULT false)
RETURNS TABLE (row_no bigint, member_id bigint, kind text, entry_no integer, points bigint, balance bigint, tier text,
               repeated boolean, sqlstate text, reason text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
#variable_conflict use_column
DECLARE
    zone text;
BEGIN
    PERFORM member_internal.post_begin();
    SELECT g.zone INTO zone FROM member.setting g;
    INSERT INTO post_work (row_no, member_id, kind, points, wallet, usable_from, until, source, reason, actor, at, key, unread)
    SELECT v.row_no, v.member_id, v.kind, v.points, v.wallet, CASE WHEN v.kind = 'earn' THEN v.usable_from END, CASE WHEN v.kind = 'earn' THEN v.until END,
           v.source, v.reason, v.actor, v.at, v.key,
           CASE WHEN jsonb_typeof(v.r) IS DISTINCT FROM 'object' THEN 'MB502: a row must be an object'
                WHEN v.kind IS NULL OR v.kind NOT IN ('earn', 'spend') THEN format('MB502: unknown kind of post "%s"', v.kind)
                WHEN v.points IS NULL THEN format('MB204: points can''t be read: "%s"', v.r ->> 'points')
                WHEN v.at IS NULL AND v.r ->> 'at' IS NOT NULL THEN format('MB403: "at" can''t be read: "%s"', v.r ->> 'at')
                WHEN v.usable_from IS NULL AND v.r ->> 'usable_from' IS NOT NULL THEN format('MB403: "usable_from" can''t be read: "%s"', v.r ->> 'usable_from')
                WHEN v.until IS NULL AND v.r ->> 'until' IS NOT NULL THEN format('MB403: "until" can''t be read: "%s"', v.r ->> 'until') END
    FROM (SELECT u.row_no, u.r, CASE WHEN u.r ->> 'member_id' ~ '^[0-9]{1,18}$' THEN (u.r ->> 'member_id')::bigint END AS member_id, u.r ->> 'kind' AS kind,
                 CASE WHEN u.r ->> 'points' ~ '^-?[0-9]{1,18}$' THEN (u.r ->> 'points')::bigint END AS points, coalesce(u.r ->> 'wallet', 'points') AS wallet,
                 (member_internal.parse_time(u.r ->> 'usable_from', zone) AT TIME ZONE zone)::date AS usable_from, (member_internal.parse_time(u.r ->> 'until', zone) AT TIME ZONE zone)::date AS until,
                 u.r ->> 'source' AS source, u.r ->> 'reason' AS reason, u.r ->> 'actor' AS actor,
                 member_internal.parse_time(u.r ->> 'at', zone) AS at, u.r ->> 'key' AS key
          FROM unnest(points_post.rows) WITH ORDINALITY u (r, row_no)) v;
    PERFORM member_internal.post(all_or_nothing);
    RETURN QUERY SELECT a.row_no, a.member_id, a.kind, a.entry_no, a.points, a.balance, a.tier, a.repeated, a.sqlstate, a.reason
                 FROM post_answer a ORDER BY a.row_no;
    DROP TABLE post_answer;
END
$$;
COMMENT ON FUNCTION member.points_post(jsonb[], boolean) IS
    'Posts many calls at once: each row an object {"member_id", "kind": earn or spend, "points"} and if it likes "wallet", "usable_from", "until", "source", "reason", "at", "actor", "key", with the meaning and defaults of points_earn and points_spend; a key is shared with them. The rows of a member are taken in their order. Returns for each row its number from 1 and the receipt, repeated when its key was answered before, or the SQLSTATE and reason of its refusal: MB101, MB102, MB2xx, MB401 to MB405, MB502. all_or_nothing: one refusal refuses them all. One transaction: members are locked to its end, so thousands of rows at a time, not millions, while others write. Errors: MB001, MB002, MB230.';
