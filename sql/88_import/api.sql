-- Bulk load: member.import_row is read, what can't be taken becomes a reject row, the rest goes through the
-- same step as live events, set-based. One transaction: all of an import or nothing.

CREATE OR REPLACE FUNCTION member_internal.import_begin(kind text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    id bigint;
BEGIN
    PERFORM member_internal.require_ready();
    PERFORM pg_advisory_xact_lock(hashtextextended('member.import', 0));
    LOCK TABLE member.import_row IN SHARE ROW EXCLUSIVE MODE; -- what is read is what is emptied
    INSERT INTO member.import_run (kind, started_at) VALUES (import_begin.kind, member.now()) RETURNING import_id INTO id;
    RETURN id;
END
$$;
COMMENT ON FUNCTION member_internal.import_begin(text) IS 'Starts an import; one at a time.';

CREATE OR REPLACE FUNCTION member_internal.enroll_imported(channel text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    made bigint;
BEGIN
    CREATE TEMP TABLE import_new ON COMMIT DROP AS
        SELECT nextval(pg_get_serial_sequence('member.member', 'member_id')) AS member_id, k.*
        FROM (SELECT w.member_key, min(w.at) AS joined_at, min(w.store) AS store, min(w.channel) AS channel,
                     min(w.phone) AS phone, min(w.name) AS name
              FROM import_work w WHERE w.reject IS NULL
                AND NOT EXISTS (SELECT FROM member.identity i WHERE i.kind = 'external' AND i.value = w.member_key)
              GROUP BY w.member_key ORDER BY w.member_key COLLATE "C") k;
    GET DIAGNOSTICS made = ROW_COUNT;
    INSERT INTO member.member (member_id, joined_at, channel, store, name)
    SELECT n.member_id, n.joined_at, coalesce(enroll_imported.channel, n.channel, 'import'), n.store, n.name
    FROM import_new n ORDER BY n.member_id;
    INSERT INTO member.state (member_id, salt)
    SELECT n.member_id, ('x' || encode(substr(uuid_send(gen_random_uuid()), 9), 'hex'))::bit(64)::bigint
    FROM import_new n ORDER BY n.member_id;
    INSERT INTO member.identity (kind, value, member_id)
    SELECT 'external', n.member_key, n.member_id FROM import_new n ORDER BY n.member_key COLLATE "C";
    INSERT INTO member.identity (kind, value, member_id)
    SELECT 'phone', n.phone, n.member_id FROM import_new n WHERE n.phone IS NOT NULL ORDER BY n.phone COLLATE "C";
    DROP TABLE import_new;
    RETURN made;
END
$$;
COMMENT ON FUNCTION member_internal.enroll_imported(text) IS 'Enrols the members of an import that are not known by their key; returns how many.';

CREATE OR REPLACE FUNCTION member_internal.import_finish(import_id bigint, kinds text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO member.import_reject (import_id, reject_no, line, kind, reason, detail)
    SELECT import_finish.import_id, row_number() OVER (ORDER BY w.line, w.row_id), w.line, w.kind, w.reject,
           left(concat_ws(' | ', r.member_key, r.at, r.purchase_no, r.refund_no, r.amount, r.wallet, r.points, r.until, r.phone, r.lines), 500)
    FROM import_work w JOIN member.import_row r ON r.ctid = w.row_id WHERE w.reject <> 'known';
    UPDATE member.import_run u SET
        rows_read = x.n, rows_rejected = x.rejected, rows_known = x.known, rows_loaded = x.n - x.rejected - x.known,
        amount_read = round(x.amount / 100.0, 2), amount_loaded = round(x.loaded / 100.0, 2)
    FROM (SELECT count(*) AS n, count(*) FILTER (WHERE w.reject <> 'known') AS rejected,
                 count(*) FILTER (WHERE w.reject = 'known') AS known,
                 coalesce(sum(w.value) FILTER (WHERE w.kind = 'purchase'), 0) AS amount,
                 coalesce(sum(w.value) FILTER (WHERE w.kind = 'purchase' AND w.reject IS NULL), 0) AS loaded
          FROM import_work w) x
    WHERE u.import_id = import_finish.import_id;
    IF EXISTS (SELECT FROM member.import_row r WHERE r.kind <> ALL (kinds)) THEN
        DELETE FROM member.import_row r WHERE r.kind = ANY (kinds);
    ELSE
        TRUNCATE member.import_row;
    END IF;
    DROP TABLE import_work;
END
$$;
COMMENT ON FUNCTION member_internal.import_finish(bigint, text[]) IS
    'Writes the reject rows and the reconciliation of an import, and empties the staging table of the kinds it read.';

-- Runs the events of import_work through step, members in ascending order, so many at a time.
CREATE OR REPLACE FUNCTION member_internal.import_steps(batch integer DEFAULT 20000) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET work_mem = '256MB' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    low bigint;
    high bigint;
    present CONSTANT timestamptz := member.now();
    p record;
BEGIN
    SELECT v.version, v.program INTO p
    FROM member.setting s JOIN member.program_version v ON v.version = s.program_version;
    CREATE TEMP TABLE import_sorted ON COMMIT DROP AS
        SELECT i.member_id, w.at, w.line, w.value, w.kind, w.purchase_no, w.refund_no, w.store, w.channel, w.wallet, w.until,
               w.lines, w.journal, row_number() OVER m AS seq, lag(i.member_id) OVER m IS DISTINCT FROM i.member_id AS is_first,
               lead(i.member_id) OVER m IS DISTINCT FROM i.member_id AS is_last
        FROM import_work w JOIN member.identity i ON i.kind = 'external' AND i.value = w.member_key
        WHERE w.reject IS NULL
        WINDOW m AS (ORDER BY i.member_id, w.at, w.kind = 'refund', w.line, w.row_id);
    CREATE INDEX ON import_sorted USING brin (member_id) WITH (pages_per_range = 16);
    ANALYZE import_sorted;
    ANALYZE member.state;
    SELECT min(i.member_id) - 1 INTO low FROM import_sorted i;
    LOOP
        -- the next so many members, wherever their numbers lie
        SELECT max(m.member_id) INTO high FROM (SELECT s.member_id FROM member.state s WHERE s.member_id > low
                                                ORDER BY s.member_id LIMIT batch) m;
        EXIT WHEN high IS NULL;
        PERFORM FROM member.state s WHERE s.member_id > low AND s.member_id <= high
            AND EXISTS (SELECT FROM import_sorted i WHERE i.member_id = s.member_id AND i.member_id > low AND i.member_id <= high)
        ORDER BY s.member_id FOR NO KEY UPDATE;
        WITH run AS (
            SELECT i.member_id, i.at, i.value, i.kind, i.purchase_no, i.refund_no, i.store, i.channel, i.is_last, i.seq,
                member.step_run(
                    CASE WHEN i.is_first THEN ROW(s.lots, s.activity, s.standing, s.at, s.entries, s.hash)::member.step_state END,
                    ROW(i.member_id, CASE WHEN i.kind = 'balance' THEN 'earn' ELSE i.kind END, i.at, i.wallet,
                        CASE WHEN i.kind = 'balance' THEN i.value END, CASE WHEN i.kind <> 'balance' THEN i.value END,
                        NULL, i.until, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                        CASE WHEN i.journal THEN i.purchase_no END, i.journal, NULL, i.is_last)::member.step_event,
                    p.program) OVER (PARTITION BY i.member_id ORDER BY i.seq ROWS UNBOUNDED PRECEDING) AS x
            FROM import_sorted i JOIN member.state s USING (member_id)
            WHERE i.member_id > low AND i.member_id <= high AND s.member_id > low AND s.member_id <= high
        ), r AS MATERIALIZED (
            SELECT run.member_id, run.at, run.value, run.kind, run.purchase_no, run.refund_no, run.store, run.channel,
                   run.is_last, run.seq, y.*
            FROM run CROSS JOIN LATERAL (SELECT (run.x).*) AS y (lots, activity, standing, state_at, entries, hash, next_due, level,
                expired, tiers, wallet, delta, points, balance, ref, ref_part, time_kind, time_wallet, time_delta, time_points,
                time_balance, time_hash, remind)
        ), entries AS (
            INSERT INTO member.entry (member_id, entry_no, kind, at, booked_at, wallet, points, balance, ref, ref_part,
                                      program_version, delta, tier, source, hash)
            SELECT r.member_id, r.entries, CASE WHEN r.kind = 'balance' THEN 'earn' ELSE r.kind END, r.at, present, r.wallet,
                   r.points, r.balance, r.ref, r.ref_part, p.version, r.delta,
                   member_internal.level_code(p.program, 1::smallint, r.level), coalesce(r.refund_no, r.purchase_no), r.hash
            FROM r
        ), passed AS (
            INSERT INTO member.entry (member_id, entry_no, kind, at, booked_at, wallet, points, balance, program_version,
                                      delta, tier, hash)
            SELECT r.member_id, r.entries - 1, r.time_kind, r.state_at, present, r.time_wallet, r.time_points, r.time_balance,
                   p.version, r.time_delta, member_internal.level_code(p.program, 1::smallint, r.level), r.time_hash
            FROM r WHERE r.time_kind IS NOT NULL
        ), purchases AS (
            INSERT INTO member.purchase (member_id, entry_no, purchase_no, at, amount, store, channel)
            SELECT r.member_id, r.entries, r.purchase_no, r.at, member_internal.money(r.value), r.store, r.channel
            FROM r WHERE r.kind = 'purchase'
        ), changes AS (
            INSERT INTO member.tier_change (member_id, change_no, ladder_id, from_level, to_level, day, until, kind,
                                            entry_no, program_version, reason, booked_at)
            SELECT r.member_id, coalesce(b.n, 0) + row_number() OVER (PARTITION BY r.member_id ORDER BY r.seq, t.ord),
                   t.ladder, t.from_level, t.to_level, t.day, t.until, t.kind,
                   CASE WHEN t.kind = 'rise' THEN r.entries END, p.version, t.reason, present
            FROM r CROSS JOIN LATERAL unnest(r.tiers) WITH ORDINALITY
                AS t (ladder, kind, from_level, to_level, day, until, reason, ord)
            LEFT JOIN LATERAL (SELECT max(c.change_no) AS n FROM member.tier_change c WHERE c.member_id = r.member_id) b ON true
            WHERE r.tiers IS NOT NULL
        )
        UPDATE member.state s SET lots = r.lots, activity = r.activity, standing = r.standing, at = r.state_at,
            touched_at = present, entries = r.entries, next_due = least(s.next_due, r.next_due), hash = r.hash
        FROM r WHERE r.is_last AND s.member_id = r.member_id;
        low := high;
    END LOOP;
    IF EXISTS (SELECT FROM import_sorted i WHERE i.kind = 'refund') THEN
        INSERT INTO member.refund (member_id, purchase, refund_no, entry_no, at, amount)
        SELECT i.member_id, q.entry_no, i.refund_no, e.entry_no, i.at, member_internal.money(i.value)
        FROM import_sorted i
        JOIN member.purchase q ON q.member_id = i.member_id AND q.purchase_no = i.purchase_no
        JOIN member.entry e ON e.member_id = i.member_id AND e.ref = q.entry_no AND e.source = i.refund_no
        WHERE i.kind = 'refund';
        UPDATE member.purchase q SET refunded = f.refunded
        FROM (SELECT i.member_id, i.purchase_no, member_internal.money(sum(i.value)::bigint) AS refunded
              FROM import_sorted i WHERE i.kind = 'refund' GROUP BY 1, 2) f
        WHERE q.member_id = f.member_id AND q.purchase_no = f.purchase_no;
    END IF;
    IF EXISTS (SELECT FROM import_sorted i WHERE i.lines IS NOT NULL) THEN
        INSERT INTO member.purchase_line (member_id, entry_no, line_no, product, category, quantity, amount, list_amount)
        SELECT q.member_id, q.entry_no, l.line_no, l.product, l.category, l.quantity, l.amount, l.list_amount
        FROM import_sorted i JOIN member.purchase q ON q.member_id = i.member_id AND q.purchase_no = i.purchase_no
        CROSS JOIN LATERAL member_internal.purchase_lines(i.lines::jsonb, q.amount) l
        WHERE i.kind = 'purchase' AND i.lines IS NOT NULL;
    END IF;
    DROP TABLE import_sorted;
END
$$;
COMMENT ON FUNCTION member_internal.import_steps(integer) IS
    'Takes the events of an import through step and writes entries, purchases, refunds, levels and states, so many members at a time.';

CREATE OR REPLACE FUNCTION member.import_purchases(channel text DEFAULT NULL)
RETURNS TABLE (import_id bigint, rows_read bigint, rows_loaded bigint, rows_known bigint, rows_rejected bigint,
               amount_read numeric, amount_loaded numeric)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '256MB' SET jit = off SET client_min_messages = warning
AS $$
#variable_conflict use_column
DECLARE
    id bigint := member_internal.import_begin('purchases');
    zone text := (SELECT s.zone FROM member.setting s);
    present CONSTANT timestamptz := member.now();
BEGIN
    CREATE TEMP TABLE import_work ON COMMIT DROP AS
        SELECT v.line, v.row_id, v.kind, v.member_key, v.at, v.value, v.purchase_no, v.refund_no, v.store, v.channel,
               NULL::text AS wallet, NULL::date AS until, v.lines, NULL::text AS phone, NULL::text AS name, false AS journal,
               CASE WHEN v.unread IS NOT NULL THEN v.unread
                    WHEN v.member_key IS NULL THEN 'member key is missing'
                    WHEN length(v.member_key) > 200 THEN 'member key has more than 200 characters'
                    WHEN v.at IS NULL THEN 'time can''t be read'
                    WHEN v.at > present THEN 'time is in the future'
                    WHEN v.value IS NULL THEN 'amount can''t be read'
                    WHEN v.value < (v.kind = 'refund')::integer OR v.value > 99999999999999 THEN 'amount is out of range'
                    WHEN length(v.purchase_no) > 100 OR length(v.refund_no) > 100 THEN 'number has more than 100 characters'
                    WHEN v.kind = 'refund' AND (v.purchase_no IS NULL OR v.refund_no IS NULL) THEN 'a refund needs purchase_no and refund_no'
                    WHEN v.lines IS NOT NULL THEN member_internal.purchase_lines_error(v.lines, member_internal.money(v.value)) END AS reject
        FROM (SELECT r.line, r.ctid AS row_id, r.kind, nullif(r.member_key, '') AS member_key, member_internal.parse_time(r.at, zone) AS at,
                     member_internal.parse_minor(r.amount) AS value, nullif(r.purchase_no, '') AS purchase_no,
                     nullif(r.refund_no, '') AS refund_no, nullif(r.store, '') AS store, nullif(r.channel, '') AS channel,
                     nullif(r.lines, '') AS lines, r.reject AS unread
              FROM member.import_row r WHERE r.kind IN ('purchase', 'refund')) v;
    -- A purchase without a number gets one from what it says; equal ones are counted.
    IF EXISTS (SELECT FROM import_work w WHERE w.purchase_no IS NULL) THEN
        UPDATE import_work w SET purchase_no = 'import:' || md5(format('%s|%s|%s|%s', w.member_key, extract(epoch FROM w.at), w.value, n.same))
        FROM (SELECT u.row_id, row_number() OVER (PARTITION BY u.member_key, u.at, u.value ORDER BY u.line, u.row_id) AS same
              FROM import_work u WHERE u.purchase_no IS NULL AND u.reject IS NULL) n
        WHERE w.row_id = n.row_id;
    END IF;
    ANALYZE import_work;
    -- a number twice in the file, or taken before
    UPDATE import_work w SET reject = 'purchase number occurs before in the file'
    FROM (SELECT u.purchase_no, min(u.row_id) AS first FROM import_work u WHERE u.kind = 'purchase' AND u.reject IS NULL
          GROUP BY u.purchase_no HAVING count(*) > 1) d
    WHERE w.kind = 'purchase' AND w.reject IS NULL AND w.purchase_no = d.purchase_no AND w.row_id <> d.first;
    IF EXISTS (SELECT FROM member.identity i WHERE i.kind = 'purchase') THEN
        UPDATE import_work w SET reject = CASE WHEN p.member_key IS NOT DISTINCT FROM w.member_key AND p.amount * 100 = w.value AND p.at = w.at THEN 'known'
                                               ELSE 'purchase number is taken' END
        FROM (SELECT i.value, q.amount, q.at, k.value AS member_key
              FROM member.identity i
              LEFT JOIN member.purchase q ON q.member_id = i.member_id AND q.purchase_no = i.value
              LEFT JOIN member.identity k ON k.member_id = i.member_id AND k.kind = 'external'
              WHERE i.kind = 'purchase') p
        WHERE w.kind = 'purchase' AND w.reject IS NULL AND p.value = w.purchase_no;
        UPDATE import_work w SET reject = 'known'
        FROM member.identity i JOIN member.purchase q ON q.member_id = i.member_id AND q.purchase_no = i.value
        JOIN member.refund f ON f.member_id = q.member_id AND f.purchase = q.entry_no
        WHERE w.kind = 'refund' AND w.reject IS NULL AND i.kind = 'purchase' AND i.value = w.purchase_no
          AND f.refund_no = w.refund_no AND f.amount * 100 = w.value;
    END IF;
    IF EXISTS (SELECT FROM import_work w WHERE w.kind = 'refund' AND w.reject IS NULL) THEN
        UPDATE import_work w SET reject = x.reason
        FROM (SELECT f.row_id, CASE WHEN b.line IS NULL THEN 'its purchase is not among the rows loaded: use purchase_refund()'
                                  WHEN b.member_key <> f.member_key THEN 'its purchase is another member''s'
                                  WHEN f.at < b.at THEN 'it is dated before its purchase'
                                  WHEN count(*) OVER (PARTITION BY f.purchase_no, f.refund_no) > 1 THEN 'refund number occurs twice in the file'
                                  WHEN sum(f.value) OVER (PARTITION BY f.purchase_no ORDER BY f.at, f.line, f.row_id) > b.value THEN 'refunds exceed the purchase' END AS reason
              FROM import_work f LEFT JOIN import_work b ON b.kind = 'purchase' AND b.reject IS NULL AND b.purchase_no = f.purchase_no
              WHERE f.kind = 'refund' AND f.reject IS NULL) x
        WHERE w.row_id = x.row_id AND x.reason IS NOT NULL;
        -- the run keeps a journal of the members that have refunds
        UPDATE import_work w SET journal = true
        WHERE w.reject IS NULL AND w.member_key IN (SELECT f.member_key FROM import_work f WHERE f.kind = 'refund' AND f.reject IS NULL);
    END IF;
    PERFORM member_internal.enroll_imported(import_purchases.channel);
    BEGIN
        INSERT INTO member.identity (kind, value, member_id)
        SELECT 'purchase', w.purchase_no, i.member_id
        FROM import_work w JOIN member.identity i ON i.kind = 'external' AND i.value = w.member_key
        WHERE w.kind = 'purchase' AND w.reject IS NULL
        ORDER BY w.purchase_no COLLATE "C";
    EXCEPTION WHEN unique_violation THEN
        PERFORM member_internal.refuse('MB302', 'a purchase number was taken while the import ran', SQLERRM,
            'Call it again: nothing was loaded.');
    END;
    PERFORM member_internal.import_steps();
    PERFORM member_internal.import_finish(id, '{purchase,refund}');
    RETURN QUERY SELECT u.import_id, u.rows_read, u.rows_loaded, u.rows_known, u.rows_rejected, u.amount_read, u.amount_loaded
        FROM member.import_run u WHERE u.import_id = id;
END
$$;
COMMENT ON FUNCTION member.import_purchases(text) IS
    'Loads the purchases and refunds of member.import_row: members by member_key (identity external; unknown ones are enrolled with the channel), points, levels and activity by the same step as live purchases, no messages. A purchase without a number gets one from its contents, so that the same file loaded twice is known. Rows it can''t take go to member.import_reject with line and reason. Returns the reconciliation: read = loaded + known + rejected; amounts of purchases in yuan. Errors: MB302 when a number is taken by a live purchase while it runs: call it again.';

CREATE OR REPLACE FUNCTION member.import_members(channel text DEFAULT NULL)
RETURNS TABLE (import_id bigint, rows_read bigint, rows_loaded bigint, rows_known bigint, rows_rejected bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '256MB' SET jit = off SET client_min_messages = warning
AS $$
#variable_conflict use_column
DECLARE
    id bigint := member_internal.import_begin('members');
    zone text := (SELECT s.zone FROM member.setting s);
    present CONSTANT timestamptz := member.now();
BEGIN
    CREATE TEMP TABLE import_work ON COMMIT DROP AS
        SELECT v.*, NULL::bigint AS value,
               CASE WHEN v.wrong IS NOT NULL THEN v.wrong
                    WHEN row_number() OVER (PARTITION BY v.wrong IS NULL, v.member_key ORDER BY v.line, v.row_id) > 1 THEN 'member key occurs before in the file'
                    WHEN EXISTS (SELECT FROM member.identity i WHERE i.kind = 'external' AND i.value = v.member_key) THEN 'known'
                    WHEN v.phone IS NOT NULL AND row_number() OVER (PARTITION BY v.wrong IS NULL, v.phone ORDER BY v.line, v.row_id) > 1 THEN 'phone occurs before in the file'
                    WHEN EXISTS (SELECT FROM member.identity i WHERE i.kind = 'phone' AND i.value = v.phone) THEN 'phone belongs to another member'
               END AS reject
        FROM (SELECT u.*, CASE WHEN u.unread IS NOT NULL THEN u.unread
                               WHEN u.member_key IS NULL THEN 'member key is missing'
                               WHEN length(u.member_key) > 200 THEN 'member key has more than 200 characters'
                               WHEN u.at IS NULL THEN 'time of joining can''t be read'
                               WHEN u.at > present THEN 'time of joining is in the future'
                               WHEN length(u.phone) > 200 THEN 'phone has more than 200 characters' END AS wrong
              FROM (SELECT r.line, r.ctid AS row_id, r.kind, nullif(r.member_key, '') AS member_key, member_internal.parse_time(r.at, zone) AS at,
                           nullif(r.store, '') AS store, nullif(r.channel, '') AS channel, nullif(r.phone, '') AS phone,
                           nullif(r.name, '') AS name, r.reject AS unread
                    FROM member.import_row r WHERE r.kind = 'member') u) v;
    PERFORM member_internal.enroll_imported(import_members.channel);
    PERFORM member_internal.import_finish(id, '{member}');
    RETURN QUERY SELECT u.import_id, u.rows_read, u.rows_loaded, u.rows_known, u.rows_rejected
        FROM member.import_run u WHERE u.import_id = id;
END
$$;
COMMENT ON FUNCTION member.import_members(text) IS
    'Enrols the members of member.import_row (kind member: member_key, at = joined, and if they like channel, store, phone, name). A key known before is counted as known. Rows it can''t take go to member.import_reject. Returns the reconciliation.';

CREATE OR REPLACE FUNCTION member.import_balances()
RETURNS TABLE (import_id bigint, rows_read bigint, rows_loaded bigint, rows_known bigint, rows_rejected bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '256MB' SET jit = off SET client_min_messages = warning
AS $$
#variable_conflict use_column
DECLARE
    id bigint := member_internal.import_begin('balances');
    zone text := (SELECT s.zone FROM member.setting s);
    present CONSTANT timestamptz := member.now();
BEGIN
    CREATE TEMP TABLE import_work ON COMMIT DROP AS
        SELECT v.*, NULL::text AS purchase_no, NULL::text AS refund_no, NULL::text AS store, NULL::text AS channel, NULL::text AS lines,
               NULL::text AS phone, NULL::text AS name, false AS journal,
               CASE WHEN v.unread IS NOT NULL THEN v.unread
                    WHEN v.member_key IS NULL THEN 'member key is missing'
                    WHEN NOT EXISTS (SELECT FROM member.identity i WHERE i.kind = 'external' AND i.value = v.member_key) THEN 'unknown member'
                    WHEN v.at IS NULL THEN 'time can''t be read'
                    WHEN v.at > present THEN 'time is in the future'
                    WHEN v.value IS NULL THEN 'points can''t be read'
                    WHEN v.value NOT BETWEEN 1 AND 1000000000000
                        OR sum(v.value) OVER (PARTITION BY v.member_key, v.wallet) > 1000000000000 THEN 'points are out of range'
                    WHEN NOT EXISTS (SELECT FROM member.wallet w WHERE w.code = v.wallet) THEN 'unknown wallet'
                    WHEN v.until_text IS NOT NULL AND v.until IS NULL THEN 'until can''t be read'
                    WHEN v.until <= (v.at AT TIME ZONE zone)::date THEN 'points would be gone before they come' END AS reject
        FROM (SELECT r.line, r.ctid AS row_id, r.kind, nullif(r.member_key, '') AS member_key,
                     CASE WHEN nullif(r.at, '') IS NULL THEN present ELSE member_internal.parse_time(r.at, zone) END AS at,
                     CASE WHEN r.points ~ '^[0-9]{1,17}$' THEN r.points::bigint END AS value,
                     coalesce(nullif(r.wallet, ''), 'points') AS wallet, nullif(r.until, '') AS until_text,
                     (member_internal.parse_time(nullif(r.until, ''), zone) AT TIME ZONE zone)::date AS until, r.reject AS unread
              FROM member.import_row r WHERE r.kind = 'balance') v;
    PERFORM member_internal.import_steps();
    PERFORM member_internal.import_finish(id, '{balance}');
    RETURN QUERY SELECT u.import_id, u.rows_read, u.rows_loaded, u.rows_known, u.rows_rejected
        FROM member.import_run u WHERE u.import_id = id;
END
$$;
COMMENT ON FUNCTION member.import_balances() IS
    'Gives opening balances from member.import_row (kind balance: member_key, points, and if they like wallet, until, at): a lot for each row. Rows it can''t take go to member.import_reject. Returns the reconciliation.';
