-- Streams: what rules see of an event that was booked before, and counting what happened before a stream was there.

CREATE OR REPLACE FUNCTION member_internal.program_streams(program member.program)
RETURNS TABLE (stream_id smallint, purchases boolean, looks boolean, definition text)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME', 'member_program_streams';
COMMENT ON FUNCTION member_internal.program_streams(member.program) IS
    'The streams of a program, each as its statement; looks: it sees more of an event than its kind, amount and moment.';

CREATE OR REPLACE FUNCTION member_internal.purchase_lines_of(member_id bigint, entry_no integer) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_agg(jsonb_build_object('product', l.product, 'category', l.category, 'quantity', l.quantity, 'amount', l.amount,
                                        'list_amount', l.list_amount) ORDER BY l.line_no)
    FROM member.purchase_line l
    WHERE l.member_id = purchase_lines_of.member_id AND l.entry_no = purchase_lines_of.entry_no
$$;
COMMENT ON FUNCTION member_internal.purchase_lines_of(bigint, integer) IS
    'The lines of a purchase as purchase_record takes them; null: it has none.';

CREATE OR REPLACE FUNCTION member_internal.origin_facts(member_id bigint, entry_no integer) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE e.kind
        WHEN 'purchase' THEN jsonb_build_object('store', p.store, 'channel', p.channel, 'attributes', p.attributes,
            'lines', member_internal.purchase_lines_of(e.member_id, e.entry_no),
            'refunded', (SELECT jsonb_agg(n) FROM member.refund f CROSS JOIN LATERAL unnest(f.lines) n
                         WHERE f.member_id = e.member_id AND f.purchase = e.entry_no AND f.undone_by IS NULL
                           AND f.entry_no <> origin_facts.entry_no))
        ELSE jsonb_build_object('source', e.source, 'reason', e.reason) END
    FROM member.entry o
    -- of a refund those of its purchase, as they were before it
    JOIN member.entry e ON e.member_id = o.member_id AND e.entry_no = CASE o.kind WHEN 'refund' THEN o.ref ELSE o.entry_no END
    LEFT JOIN member.purchase p ON e.kind = 'purchase' AND p.purchase_no = e.source
    WHERE o.member_id = origin_facts.member_id AND o.entry_no = origin_facts.entry_no
$$;
COMMENT ON FUNCTION member_internal.origin_facts(bigint, integer) IS
    'What rules of streams see of the purchase or spend that a refund, one taken back, or a reversal refers to, as the facts of step_event.';

CREATE OR REPLACE FUNCTION member_internal.streams_published() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO member.stream_unfilled (stream_id, program_version)
    SELECT n.stream_id, v.version
    FROM member.setting g JOIN member.program_version v ON v.version = g.program_version
    CROSS JOIN LATERAL member_internal.program_streams(v.program) n
    LEFT JOIN member.program_version b ON b.version = v.version - 1
    WHERE NOT n.purchases AND EXISTS (SELECT FROM member.entry)
      AND NOT EXISTS (SELECT FROM member_internal.program_streams(b.program) o
                      WHERE o.stream_id = n.stream_id AND NOT o.purchases AND o.definition = n.definition)
    ON CONFLICT (stream_id) DO UPDATE SET program_version = excluded.program_version, position = 0
$$;
COMMENT ON FUNCTION member_internal.streams_published() IS
    'Marks the streams that the version just published adds or changes: their history is still to be counted.';

-- Lock order: states in ascending order. The clock is read after that, as by a verb.
CREATE OR REPLACE FUNCTION member_internal.streams_fill_members(fill smallint[], members bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    present timestamptz;
    p record;
BEGIN
    PERFORM FROM member.state s WHERE s.member_id = ANY (members) ORDER BY s.member_id FOR NO KEY UPDATE;
    present := member.now();
    SELECT v.version, v.program INTO p FROM member.setting g JOIN member.program_version v ON v.version = g.program_version;
    WITH c AS MATERIALIZED (
        SELECT s.member_id, s.entries, s.activity AS old,
               (member.step(ROW(s.lots, s.activity, s.standing, s.at, s.entries, s.hash)::member.step_state,
                            member_internal.plain_event(s.member_id, 'fill', present, r.activity, fill), p.program)).activity AS new
        FROM member.state s
        JOIN (SELECT v.member_id, member_internal.streams_run(NULL, v.event, p.program ORDER BY v.entry_no, v.part) AS activity
              FROM member_internal.events_of(members[1], members[cardinality(members)]) v GROUP BY v.member_id) r USING (member_id)
    ), filled AS (
        UPDATE member.state s SET activity = c.new FROM c
        WHERE s.member_id = c.member_id AND c.new OPERATOR(member.<>) c.old
        RETURNING s.member_id
    )
    INSERT INTO member.stream_fill (member_id, fill_no, entry_no, filled_at, program_version, streams)
    SELECT c.member_id, 1 + coalesce((SELECT max(b.fill_no) FROM member.stream_fill b WHERE b.member_id = c.member_id), 0), c.entries,
           present, p.version, fill
    FROM c JOIN filled USING (member_id) ORDER BY c.member_id;
END
$$;
COMMENT ON FUNCTION member_internal.streams_fill_members(smallint[], bigint[]) IS
    'Counts some streams of members that follow one another anew from the books, by the rules in force.';

CREATE OR REPLACE FUNCTION member_internal.streams_fill_batch(max_members integer DEFAULT 2000) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    u record;
    members bigint[];
BEGIN
    PERFORM member_internal.require_ready();
    PERFORM pg_advisory_xact_lock(hashtextextended('member.streams_fill', 0));
    -- those that are furthest back, together
    SELECT x.position, array_agg(x.stream_id ORDER BY x.stream_id) AS streams, min(x.program_version) AS version INTO u
    FROM (SELECT * FROM member.stream_unfilled f WHERE f.position = (SELECT min(position) FROM member.stream_unfilled) FOR UPDATE) x
    GROUP BY x.position;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    members := ARRAY(SELECT s.member_id FROM member.state s WHERE s.member_id > u.position ORDER BY s.member_id LIMIT max_members);
    IF cardinality(members) = 0 THEN
        -- who had begun to write before the version was published, and waited, wrote by the version before
        PERFORM member_internal.streams_fill_members(u.streams, ARRAY[e.member_id])
        FROM (SELECT DISTINCT e.member_id FROM member.entry e
              WHERE e.booked_at >= (SELECT v.published_at FROM member.program_version v WHERE v.version = u.version)
                AND e.program_version < u.version ORDER BY e.member_id) e;
        DELETE FROM member.stream_unfilled f WHERE f.stream_id = ANY (u.streams);
        RETURN true;
    END IF;
    PERFORM member_internal.streams_fill_members(u.streams, members);
    UPDATE member.stream_unfilled f SET position = members[cardinality(members)] WHERE f.stream_id = ANY (u.streams);
    RETURN true;
END
$$;
COMMENT ON FUNCTION member_internal.streams_fill_batch(integer) IS
    'Counts the history of streams that a publish added or changed, for the next so many members; false: there is nothing left to count.';

-- Commits after each batch: no SET clause, no definer, nothing unqualified.
CREATE OR REPLACE PROCEDURE member.streams_fill()
LANGUAGE plpgsql
AS $$
DECLARE
    more boolean := true;
BEGIN
    WHILE more LOOP
        more := member_internal.streams_fill_batch();
        COMMIT;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE member.streams_fill() IS
    'Counts what happened before in streams that a publish added or changed, batch by batch with a commit each: afterwards they hold what they would had they always been there. The daily run does it too. Call it outside a transaction block; it may be called again at any time.';
