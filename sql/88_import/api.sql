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

-- import_member: every member key of the rows that are sound, with its number and its place among the keys; new ones by key
-- in ascending order.
CREATE OR REPLACE FUNCTION member_internal.import_enroll(channel text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    numbers CONSTANT regclass := pg_get_serial_sequence('member.member', 'member_id');
BEGIN
    CREATE TEMP TABLE import_member ON COMMIT DROP AS
        SELECT k.member_key, k.member_no, coalesce(k.member_id, nextval(numbers)) AS member_id, k.member_id IS NULL AS is_new,
               k.at AS joined_at, k.store, k.channel, k.phone, k.name
        FROM (SELECT w.*, i.member_id
              FROM import_work w
              JOIN (SELECT min(u.seq) AS seq FROM import_work u WHERE u.reject IS NULL GROUP BY u.member_no) f USING (seq)
              LEFT JOIN member.identity i ON i.kind = 'external' AND i.value = w.member_key
              ORDER BY w.member_no) k;
    ANALYZE import_member;
    INSERT INTO member.member (member_id, joined_at, channel, store, name)
    SELECT n.member_id, n.joined_at, coalesce(import_enroll.channel, n.channel, 'import'), n.store, n.name
    FROM import_member n WHERE n.is_new ORDER BY n.member_id;
    INSERT INTO member.identity (kind, value, member_id)
    SELECT 'external', n.member_key, n.member_id FROM import_member n WHERE n.is_new ORDER BY n.member_key COLLATE "C";
    INSERT INTO member.identity (kind, value, member_id)
    SELECT 'phone', n.phone, n.member_id FROM import_member n WHERE n.is_new AND n.phone IS NOT NULL ORDER BY n.phone COLLATE "C";
END
$$;
COMMENT ON FUNCTION member_internal.import_enroll(text) IS
    'Enrols the members of an import that are not known by their key; their state is still to be made.';

CREATE OR REPLACE FUNCTION member_internal.import_detail(row_id tid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (SELECT left(concat_ws(' | ', r.member_key, r.at, r.purchase_no, r.refund_no, r.amount, r.wallet, r.points, r.until, r.phone, r.lines), 500)
            FROM member.import_row r WHERE r.ctid = import_detail.row_id);
END
$$;
COMMENT ON FUNCTION member_internal.import_detail(tid) IS 'What a staged row says, for its reject row.';

CREATE OR REPLACE FUNCTION member_internal.import_clear(kinds text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF EXISTS (SELECT FROM member.import_row r WHERE r.kind <> ALL (kinds)) THEN
        DELETE FROM member.import_row r WHERE r.kind = ANY (kinds);
    ELSE
        TRUNCATE member.import_row;
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.import_clear(text[]) IS 'Empties the staging table of the kinds that were read.';

CREATE OR REPLACE FUNCTION member_internal.import_finish(import_id bigint, kinds text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    rejected bigint;
BEGIN
    UPDATE member.import_run u SET
        rows_read = x.n, rows_rejected = x.rejected, rows_known = x.known, rows_loaded = x.n - x.rejected - x.known,
        amount_read = round(x.amount / 100.0, 2), amount_loaded = round(x.loaded / 100.0, 2)
    FROM (SELECT count(*) AS n, count(*) FILTER (WHERE w.reject <> 'known') AS rejected,
                 count(*) FILTER (WHERE w.reject = 'known') AS known,
                 coalesce(sum(w.value) FILTER (WHERE w.kind = 'purchase'), 0) AS amount,
                 coalesce(sum(w.value) FILTER (WHERE w.kind = 'purchase' AND w.reject IS NULL), 0) AS loaded
          FROM import_work w) x
    WHERE u.import_id = import_finish.import_id
    RETURNING u.rows_rejected INTO rejected;
    IF rejected > 0 THEN
        INSERT INTO member.import_reject (import_id, reject_no, line, kind, reason, detail)
        SELECT import_finish.import_id, row_number() OVER (ORDER BY w.line, w.row_id), w.line, w.kind, w.reject,
               member_internal.import_detail(w.row_id)
        FROM import_work w WHERE w.reject <> 'known';
    END IF;
    PERFORM member_internal.import_clear(kinds);
    DROP TABLE import_work, import_member;
END
$$;
COMMENT ON FUNCTION member_internal.import_finish(bigint, text[]) IS
    'Writes the reject rows and the reconciliation of an import, and empties the staging table of the kinds it read.';

-- Building an index over all rows is three times as fast as entering them one by one.
CREATE OR REPLACE FUNCTION member_internal.drop_indexes(relation regclass) RETURNS text[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    x record;
    anew text[] := ARRAY[]::text[];
BEGIN
    FOR x IN
        SELECT i.indexrelid::regclass AS name, c.conname, pg_get_indexdef(i.indexrelid) AS index_def,
               pg_get_constraintdef(c.oid) AS constraint_def
        FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid
        LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid AND c.contype IN ('p', 'u', 'x')
        -- what a definition does not tell, or others lean on, stays; so does an index of some of the rows, which are hardly any here
        WHERE i.indrelid = relation AND i.indpred IS NULL AND NOT i.indisreplident AND NOT i.indisclustered AND k.reltablespace = 0
          AND k.relpersistence = 'p' AND obj_description(i.indexrelid, 'pg_class') IS NULL
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.confrelid = relation AND f.contype = 'f')
    LOOP
        IF x.conname IS NULL THEN
            EXECUTE format('DROP INDEX %s', x.name);
            anew := anew || x.index_def;
        ELSE
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', relation, x.conname);
            anew := anew || format('ALTER TABLE %s ADD CONSTRAINT %I %s', relation, x.conname, x.constraint_def);
        END IF;
    END LOOP;
    RETURN anew;
END
$$;
COMMENT ON FUNCTION member_internal.drop_indexes(regclass) IS
    'Drops the indexes of a table and returns the statements that make them anew.';

-- 32 MB to each process that sorts, which is the least the server gives one: what is sorted at a time stays in the processor's cache,
-- and the keys of ten million purchases are done in half the time that they take in 512 MB.
CREATE OR REPLACE FUNCTION member_internal.reindex(anew text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given CONSTANT text := current_setting('maintenance_work_mem');
    statement text;
BEGIN
    PERFORM set_config('maintenance_work_mem', 32 * (1 + current_setting('max_parallel_maintenance_workers')::integer) || 'MB', true);
    FOREACH statement IN ARRAY anew LOOP
        EXECUTE statement;
    END LOOP;
    PERFORM set_config('maintenance_work_mem', given, true);
END
$$;
COMMENT ON FUNCTION member_internal.reindex(text[]) IS 'Makes the indexes anew that were dropped.';

-- The first load of a program: where nothing is yet, nobody misses the indexes.
CREATE OR REPLACE FUNCTION member_internal.import_unindex(n bigint) RETURNS text[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    relation regclass;
    empty boolean;
    anew text[] := ARRAY[]::text[];
BEGIN
    IF n < 10000 THEN
        RETURN anew;
    END IF;
    LOCK TABLE member.entry, member.purchase, member.state, member.member, member.identity IN ACCESS EXCLUSIVE MODE NOWAIT; -- somebody is there: it goes without
    IF EXISTS (SELECT FROM member.entry) OR EXISTS (SELECT FROM member.purchase) THEN
        RAISE lock_not_available; -- and gives the lock back
    END IF;
    FOREACH relation IN ARRAY '{member.entry,member.purchase,member.state,member.member,member.identity}'::regclass[] LOOP
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', relation) INTO empty;
        IF empty THEN
            anew := anew || member_internal.drop_indexes(relation);
        END IF;
    END LOOP;
    RETURN anew;
EXCEPTION WHEN lock_not_available THEN
    RETURN ARRAY[]::text[];
END
$$;
COMMENT ON FUNCTION member_internal.import_unindex(bigint) IS
    'Drops the indexes of the tables that are empty if nobody has an entry and an import of many rows is to come; returns the statements that make them anew.';

-- Lock order: the states of known members first, in ascending order, then the rows below them.
CREATE OR REPLACE FUNCTION member_internal.import_steps(refunds boolean, in_order boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET work_mem = '256MB' SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    present CONSTANT timestamptz := member.now();
    events text := format($q$
        CASE w.kind WHEN 'balance' THEN 'earn' ELSE w.kind END, w.at, w.wallet, CASE WHEN w.kind = 'balance' THEN w.value END,
        CASE WHEN w.kind <> 'balance' THEN w.value END, w.until, w.purchase_no, w.refund_no, w.store, w.channel, %L::boolean, w.lines
        FROM import_work w $q$, refunds);
    members bigint[];
    p record;
    anew text[];
    taken text;
BEGIN
    SELECT v.version, v.program INTO p
    FROM member.setting s JOIN member.program_version v ON v.version = s.program_version;
    PERFORM FROM member.state s WHERE s.member_id IN (SELECT k.member_id FROM import_member k WHERE NOT k.is_new)
    ORDER BY s.member_id FOR NO KEY UPDATE;
    PERFORM member_internal.book_lapses(h.member_id, present)
    FROM (SELECT s.member_id FROM member.state s WHERE s.next_lapse <= present
            AND s.member_id IN (SELECT k.member_id FROM import_member k WHERE NOT k.is_new) ORDER BY s.member_id) h;
    anew := member_internal.import_unindex((SELECT count(*) FROM import_work));
    IF in_order AND NOT EXISTS (SELECT FROM import_member k WHERE NOT k.is_new) THEN
        -- nobody has a state, and the rows lie as they were sorted: write_events() sees to it
        members := ARRAY(SELECT coalesce(k.member_id, 0) FROM generate_series(1, (SELECT max(m.member_no) FROM import_member m)) n
                         LEFT JOIN import_member k ON k.member_no = n ORDER BY n);
        events := 'SELECT ($1)[w.member_no], NULL::member.lots, NULL::member.activity, NULL::member.standing, NULL::timestamptz, NULL::integer, NULL::bytea,'
            || events || 'WHERE w.reject IS NULL';
    ELSE
        events := 'SELECT k.member_id, s.lots, s.activity, s.standing, s.at, s.entries, s.hash,' || events
            || 'JOIN import_member k USING (member_no) LEFT JOIN member.state s ON s.member_id = k.member_id WHERE w.reject IS NULL ORDER BY w.seq';
    END IF;
    WITH r AS MATERIALIZED (
        SELECT * FROM member_internal.write_events(events, members, p.version, p.program, present)
    ), changes AS (
        INSERT INTO member.tier_change (member_id, change_no, ladder_id, from_level, to_level, day, until, kind,
                                        entry_no, program_version, reason, booked_at)
        SELECT r.member_id, coalesce(b.n, 0) + t.ord, t.ladder, t.from_level, t.to_level, t.day, t.until, t.kind,
               t.entry_no, p.version, t.reason, present
        FROM r CROSS JOIN LATERAL ROWS FROM (unnest(r.tiers), unnest(r.tier_entries)) WITH ORDINALITY
            AS t (ladder, kind, from_level, to_level, day, until, reason, entry_no, ord)
        LEFT JOIN LATERAL (SELECT max(c.change_no) AS n FROM member.tier_change c WHERE c.member_id = r.member_id) b ON NOT r.is_new
        WHERE r.tiers IS NOT NULL
    )
    UPDATE member.state s SET lots = r.lots, activity = r.activity, standing = r.standing, at = r.at,
        touched_at = present, entries = r.entries, next_due = least(s.next_due, r.next_due), hash = r.hash
    FROM r WHERE NOT r.is_new AND s.member_id = r.member_id;
    PERFORM member_internal.reindex(anew);
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS taken = TABLE_NAME;
    IF taken <> 'purchase' THEN
        RAISE;
    END IF;
    PERFORM member_internal.refuse('MB302', 'a purchase number was taken while the import ran', SQLERRM,
        'Call it again: nothing was loaded.');
END
$$;
COMMENT ON FUNCTION member_internal.import_steps(boolean, boolean) IS
    'Takes the events of an import through step and writes entries, purchases, levels and states. refunds: there are some, so purchases are remembered; in_order: the rows of import_work lie in their order. Errors: MB302.';

-- The rows of purchases and refunds as a query: read, and why they can't be taken. A column that is not stable, or an offset, keeps
-- the reading from being merged into the query around it, so each row is read once.
CREATE OR REPLACE FUNCTION member_internal.import_parsed(present timestamptz, part integer DEFAULT 0, parts integer DEFAULT 1) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format($q$
        SELECT v.line, v.row_id, v.kind, v.member_key, v.at, v.value, v.purchase_no, v.refund_no, v.store, v.channel, v.lines,
               CASE WHEN v.unread IS NOT NULL THEN v.unread
                    WHEN v.member_key IS NULL THEN 'member key is missing'
                    WHEN length(v.member_key) > 200 THEN 'member key has more than 200 characters'
                    WHEN v.at IS NULL THEN 'time can''t be read'
                    WHEN v.at > %2$L THEN 'time is in the future'
                    WHEN v.value IS NULL THEN 'amount can''t be read'
                    WHEN v.value < (v.kind = 'refund')::integer OR v.value > 99999999999999 THEN 'amount is out of range'
                    WHEN length(v.purchase_no) > 100 OR length(v.refund_no) > 100 THEN 'number has more than 100 characters'
                    WHEN v.kind = 'refund' AND (v.purchase_no IS NULL OR v.refund_no IS NULL) THEN 'a refund needs purchase_no and refund_no'
                    WHEN v.lines IS NOT NULL THEN member_internal.purchase_lines_error(v.lines, member_internal.money(v.value)) END AS reject
        FROM (SELECT r.line, r.ctid AS row_id, r.kind, nullif(r.member_key, '') AS member_key, member_internal.parse_time(r.at, %1$L) AS at,
                     member_internal.parse_minor(r.amount) AS value, nullif(r.purchase_no, '') AS purchase_no,
                     nullif(r.refund_no, '') AS refund_no, nullif(r.store, '') AS store, nullif(r.channel, '') AS channel,
                     nullif(r.lines, '') AS lines, r.reject AS unread %3$s) v $q$, (SELECT s.zone FROM member.setting s), present,
        CASE WHEN parts = 1 THEN $q$, clock_timestamp() AS read_at FROM member.import_row r WHERE r.kind IN ('purchase', 'refund') $q$
        ELSE format($q$ FROM member.import_row r WHERE coalesce(hashtext(r.member_key) & 2147483647, 0) %% %s = %s AND r.kind IN ('purchase', 'refund') OFFSET 0 $q$, parts, part) END)
$$;
COMMENT ON FUNCTION member_internal.import_parsed(timestamptz, integer, integer) IS
    'The query of the staged purchases and refunds, read as of a moment, with why a row can''t be taken; of several parts, that of some of the member keys.';

CREATE OR REPLACE FUNCTION member_internal.lock_numbers(sequence regclass) RETURNS boolean
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'member_lock_numbers';
COMMENT ON FUNCTION member_internal.lock_numbers(regclass) IS
    'Whether the numbers of a sequence, from the next on, are the caller''s to use and to set until the transaction ends. False: others take some now, or it does not go up by one.';

CREATE OR REPLACE FUNCTION member_internal.write_file(queries text[], first bigint, version integer, program member.program, present timestamptz)
RETURNS TABLE (member_id bigint, member_key text, joined_at timestamptz, store text, channel text, tiers member.step_tier[], tier_entries integer[],
               row_id tid, line bigint, reason text, taken bigint, amount bigint)
LANGUAGE c VOLATILE STRICT ROWS 5000 AS 'MODULE_PATHNAME', 'member_write_file';
COMMENT ON FUNCTION member_internal.write_file(text[], bigint, integer, member.program, timestamptz) IS
    'Takes the purchases of new member keys through step, each query in a worker, and writes entries, purchases and states. A query yields at, line, row_id, amount in minor units, member_key, purchase_no, store, channel, reject, the rows of a key together and in their order; keys of which a row is taken get the numbers from first on. Returns a row each member, who is still to be enrolled, with how many rows were taken and their amount, and a row each that can''t be taken (row_id is set).';

-- The first file of a program, if it has nothing but purchases with a number each: workers read, sort and take the steps, each of
-- some of the keys, and what they make is written as it comes; no row waits in a table in between. Whatever needs more than one
-- look at the rows makes it return false.
CREATE OR REPLACE FUNCTION member_internal.import_file(import_id bigint, channel text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET work_mem = '32MB' SET jit = off
    SET min_parallel_table_scan_size = '8MB' SET parallel_setup_cost = 0 SET parallel_tuple_cost = 0
AS $$
#variable_conflict use_column
DECLARE
    present CONSTANT timestamptz := member.now();
    numbers CONSTANT regclass := pg_get_serial_sequence('member.member', 'member_id');
    first bigint;
    parts integer;
    queries text[];
    p record;
    found record;
    anew text[];
    whole boolean;
BEGIN
    IF EXISTS (SELECT FROM member.purchase) OR EXISTS (SELECT FROM member.identity i WHERE i.kind = 'external') THEN
        RETURN false;
    END IF;
    SELECT count(*) AS n, coalesce(bool_or(r.kind = 'refund' OR r.purchase_no IS NULL OR r.purchase_no = '' OR r.lines <> ''), false) AS special INTO found
    FROM member.import_row r WHERE r.kind IN ('purchase', 'refund');
    IF found.special OR NOT member_internal.lock_numbers(numbers) THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT n.last_value + n.is_called::integer FROM %s n', numbers) INTO first;
    SELECT v.version, v.program INTO p
    FROM member.setting s JOIN member.program_version v ON v.version = s.program_version;
    anew := member_internal.import_unindex(found.n);
    parts := CASE WHEN found.n < 20000 THEN 1 ELSE greatest(1, least(4, current_setting('max_parallel_workers_per_gather')::integer)) END;
    queries := ARRAY(SELECT format($q$
        SELECT q.at, q.line, q.row_id, q.value, q.member_key, q.purchase_no, q.store, q.channel, q.reject -- what is sorted by is found soonest at the front
        FROM (%s) q ORDER BY q.member_key COLLATE "C", q.at, q.line, q.row_id $q$, member_internal.import_parsed(present, part, parts)) FROM generate_series(0, parts - 1) part ORDER BY part);
    WITH r AS MATERIALIZED (
        SELECT * FROM member_internal.write_file(queries, first, p.version, p.program, present)
    ), members AS (
        INSERT INTO member.member (member_id, joined_at, channel, store)
        SELECT r.member_id, r.joined_at, coalesce(import_file.channel, r.channel, 'import'), r.store FROM r WHERE r.member_key IS NOT NULL
    ), identities AS (
        INSERT INTO member.identity (kind, value, member_id)
        SELECT 'external', r.member_key, r.member_id FROM r WHERE r.member_key IS NOT NULL
    ), changes AS (
        INSERT INTO member.tier_change (member_id, change_no, ladder_id, from_level, to_level, day, until, kind,
                                        entry_no, program_version, reason, booked_at)
        SELECT r.member_id, t.ord, t.ladder, t.from_level, t.to_level, t.day, t.until, t.kind, t.entry_no, p.version, t.reason, present
        FROM r CROSS JOIN LATERAL ROWS FROM (unnest(r.tiers), unnest(r.tier_entries)) WITH ORDINALITY
            AS t (ladder, kind, from_level, to_level, day, until, reason, entry_no, ord)
        WHERE r.tiers IS NOT NULL
    ), rejects AS (
        INSERT INTO member.import_reject (import_id, reject_no, line, kind, reason, detail)
        SELECT import_file.import_id, row_number() OVER (ORDER BY r.line, r.row_id), r.line, 'purchase', r.reason, member_internal.import_detail(r.row_id)
        FROM r WHERE r.row_id IS NOT NULL
    )
    UPDATE member.import_run u SET rows_read = found.n, rows_rejected = x.rejected, rows_loaded = x.loaded,
        amount_read = round(x.amount / 100.0, 2), amount_loaded = round(x.taken / 100.0, 2)
    FROM (SELECT count(r.row_id) AS rejected, coalesce(sum(r.taken), 0) AS loaded, coalesce(sum(r.amount), 0) AS amount,
                 coalesce(sum(r.amount) FILTER (WHERE r.row_id IS NULL), 0) AS taken FROM r) x
    WHERE u.import_id = import_file.import_id
    RETURNING u.rows_loaded + u.rows_rejected = u.rows_read INTO whole;
    ASSERT whole, 'rows of the file were lost';
    PERFORM setval(numbers, max(m.member_id)) FROM member.member m WHERE m.member_id >= first HAVING count(*) > 0;
    PERFORM member_internal.reindex(anew);
    PERFORM member_internal.import_clear('{purchase,refund}');
    RETURN true;
EXCEPTION WHEN unique_violation THEN
    RETURN false; -- a number twice: which of the rows is taken is said row by row
END
$$;
COMMENT ON FUNCTION member_internal.import_file(bigint, text) IS
    'Loads the staged purchases if they are the first, all with a number of their own, and without refunds and lines; false: nothing was done.';

CREATE OR REPLACE FUNCTION member.import_purchases(channel text DEFAULT NULL)
RETURNS TABLE (import_id bigint, rows_read bigint, rows_loaded bigint, rows_known bigint, rows_rejected bigint,
               amount_read numeric, amount_loaded numeric)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '32MB' SET jit = off SET client_min_messages = warning
AS $$
#variable_conflict use_column
DECLARE
    id bigint := member_internal.import_begin('purchases');
    present CONSTANT timestamptz := member.now();
    has record;
BEGIN
    IF member_internal.import_file(id, import_purchases.channel) THEN
        RETURN QUERY SELECT u.import_id, u.rows_read, u.rows_loaded, u.rows_known, u.rows_rejected, u.amount_read, u.amount_loaded
            FROM member.import_run u WHERE u.import_id = id;
        RETURN;
    END IF;
    ANALYZE member.import_row;
    EXECUTE format($q$
        CREATE TEMP TABLE import_work ON COMMIT DROP AS
        SELECT u.*, NULL::text AS wallet, NULL::date AS until, NULL::text AS phone, NULL::text AS name, dense_rank() OVER (ORDER BY u.member_key COLLATE "C") AS member_no,
               row_number() OVER (ORDER BY u.member_key COLLATE "C", u.at, u.kind = 'refund', u.line, u.row_id) AS seq
        FROM (%s) u $q$, member_internal.import_parsed(present));
    ANALYZE import_work;
    -- Numbers are compared by their hash: that one is there twice may be an error, that none is can't.
    SELECT coalesce(bool_or(w.purchase_no IS NULL), false) AS unnumbered, coalesce(bool_or(w.kind = 'refund'), false) AS refunds,
           coalesce(bool_or(w.lines IS NOT NULL), false) AS lines,
           count(w.purchase_no) FILTER (WHERE w.kind = 'purchase')
               <> count(DISTINCT hashtextextended(w.purchase_no, 0)) FILTER (WHERE w.kind = 'purchase') AS twice
    INTO has FROM import_work w WHERE w.reject IS NULL;
    -- A purchase without a number gets one from what it says; equal ones are counted.
    IF has.unnumbered THEN
        UPDATE import_work w SET purchase_no = 'import:' || md5(format('%s|%s|%s|%s', w.member_key, extract(epoch FROM w.at), w.value, n.same))
        FROM (SELECT u.row_id, row_number() OVER (PARTITION BY u.member_key, u.at, u.value ORDER BY u.line, u.row_id) AS same
              FROM import_work u WHERE u.purchase_no IS NULL AND u.reject IS NULL) n
        WHERE w.row_id = n.row_id;
    END IF;
    -- a number twice in the file, or taken before
    IF has.twice OR has.unnumbered THEN
        UPDATE import_work w SET reject = 'purchase number occurs before in the file'
        FROM (SELECT u.purchase_no, min(u.row_id) AS first FROM import_work u WHERE u.kind = 'purchase' AND u.reject IS NULL
              GROUP BY u.purchase_no HAVING count(*) > 1) d
        WHERE w.kind = 'purchase' AND w.reject IS NULL AND w.purchase_no = d.purchase_no AND w.row_id <> d.first;
    END IF;
    IF EXISTS (SELECT FROM member.purchase) THEN
        UPDATE import_work w SET reject = CASE WHEN p.member_key = w.member_key AND p.amount * 100 = w.value AND p.at = w.at THEN 'known'
                                               ELSE 'purchase number is taken' END
        FROM (SELECT q.purchase_no, q.amount, q.at, k.value AS member_key
              FROM member.purchase q LEFT JOIN member.identity k ON k.member_id = q.member_id AND k.kind = 'external') p
        WHERE w.kind = 'purchase' AND w.reject IS NULL AND p.purchase_no = w.purchase_no;
        UPDATE import_work w SET reject = 'known'
        FROM member.purchase q JOIN member.refund f ON f.member_id = q.member_id AND f.purchase = q.entry_no
        WHERE w.kind = 'refund' AND w.reject IS NULL AND q.purchase_no = w.purchase_no
          AND f.refund_no = w.refund_no AND f.amount * 100 = w.value;
    END IF;
    IF has.refunds THEN
        UPDATE import_work w SET reject = x.reason
        FROM (SELECT f.row_id, CASE WHEN b.line IS NULL THEN 'its purchase is not among the rows loaded: use purchase_refund()'
                                  WHEN b.member_key <> f.member_key THEN 'its purchase is another member''s'
                                  WHEN f.at < b.at THEN 'it is dated before its purchase'
                                  WHEN count(*) OVER (PARTITION BY f.purchase_no, f.refund_no) > 1 THEN 'refund number occurs twice in the file'
                                  WHEN sum(f.value) OVER (PARTITION BY f.purchase_no ORDER BY f.at, f.line, f.row_id) > b.value THEN 'refunds exceed the purchase' END AS reason
              FROM import_work f LEFT JOIN import_work b ON b.kind = 'purchase' AND b.reject IS NULL AND b.purchase_no = f.purchase_no
              WHERE f.kind = 'refund' AND f.reject IS NULL) x
        WHERE w.row_id = x.row_id AND x.reason IS NOT NULL;
    END IF;
    PERFORM member_internal.import_enroll(import_purchases.channel);
    PERFORM member_internal.import_steps(has.refunds, NOT has.unnumbered);
    IF has.refunds THEN
        INSERT INTO member.refund (member_id, purchase, refund_no, entry_no, at, amount)
        SELECT q.member_id, q.entry_no, w.refund_no, e.entry_no, w.at, member_internal.money(w.value)
        FROM import_work w JOIN member.purchase q ON q.purchase_no = w.purchase_no
        JOIN member.entry e ON e.member_id = q.member_id AND e.ref = q.entry_no AND e.source = w.refund_no
        WHERE w.kind = 'refund' AND w.reject IS NULL;
        UPDATE member.purchase q SET refunded = f.refunded
        FROM (SELECT w.purchase_no, member_internal.money(sum(w.value)::bigint) AS refunded
              FROM import_work w WHERE w.kind = 'refund' AND w.reject IS NULL GROUP BY 1) f
        WHERE q.purchase_no = f.purchase_no;
    END IF;
    IF has.lines THEN
        INSERT INTO member.purchase_line (member_id, entry_no, line_no, product, category, quantity, amount, list_amount)
        SELECT q.member_id, q.entry_no, l.line_no, l.product, l.category, l.quantity, l.amount, l.list_amount
        FROM import_work w JOIN member.purchase q ON q.purchase_no = w.purchase_no
        CROSS JOIN LATERAL member_internal.purchase_lines(w.lines::jsonb, q.amount) l
        WHERE w.kind = 'purchase' AND w.reject IS NULL AND w.lines IS NOT NULL
        ORDER BY q.member_id, q.entry_no, l.line_no;
    END IF;
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
        SELECT v.*, NULL::bigint AS value, dense_rank() OVER (ORDER BY v.member_key COLLATE "C") AS member_no, row_number() OVER (ORDER BY v.line, v.row_id) AS seq,
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
    PERFORM member_internal.import_enroll(import_members.channel);
    INSERT INTO member.state (member_id, salt)
    SELECT n.member_id, member_internal.new_salt() FROM import_member n WHERE n.is_new ORDER BY n.member_id;
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
               NULL::text AS phone, NULL::text AS name, dense_rank() OVER (ORDER BY v.member_key COLLATE "C") AS member_no,
               row_number() OVER (ORDER BY v.member_key COLLATE "C", v.at, v.line, v.row_id) AS seq,
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
    PERFORM member_internal.import_enroll(NULL); -- finds them: unknown ones are rejected
    PERFORM member_internal.import_steps(false, false);
    PERFORM member_internal.import_finish(id, '{balance}');
    RETURN QUERY SELECT u.import_id, u.rows_read, u.rows_loaded, u.rows_known, u.rows_rejected
        FROM member.import_run u WHERE u.import_id = id;
END
$$;
COMMENT ON FUNCTION member.import_balances() IS
    'Gives opening balances from member.import_row (kind balance: member_key, points, and if they like wallet, until, at): a lot for each row. Rows it can''t take go to member.import_reject. Returns the reconciliation.';
