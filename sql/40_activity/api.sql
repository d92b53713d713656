CREATE OR REPLACE FUNCTION member_internal.minor_units(amount numeric, what text, lowest bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF amount IS NULL OR amount * 100 < lowest OR amount > 999999999999.99 OR amount <> round(amount, 2) THEN
        PERFORM member_internal.refuse('MB303', format('%s out of range: %s', what, coalesce(amount::text, 'null')),
            format('It is between %s and 999999999999.99, with two decimals at most.', round(lowest / 100.0, 2)));
    END IF;
    RETURN amount * 100;
END
$$;
COMMENT ON FUNCTION member_internal.minor_units(numeric, text, bigint) IS 'An amount of money, at least so much, in minor units. Errors: MB303.';

CREATE OR REPLACE FUNCTION member_internal.category_id(code text) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    id integer;
BEGIN
    SELECT c.category_id INTO id FROM member.category c WHERE c.code = category_id.code;
    IF id IS NULL AND category_id.code IS NOT NULL THEN
        INSERT INTO member.category (code) VALUES (category_id.code)
        ON CONFLICT (code) DO UPDATE SET code = excluded.code RETURNING category.category_id INTO id;
    END IF;
    RETURN id;
END
$$;
COMMENT ON FUNCTION member_internal.category_id(text) IS 'Number of a category of events; made when it is new.';

-- Lines: [{"product": "latte", "quantity": 2, "amount": 36.00, "category": "coffee", "list_amount": 40.00}, …]
CREATE OR REPLACE FUNCTION member_internal.purchase_lines(lines jsonb, paid numeric)
RETURNS TABLE (line_no smallint, product text, category text, quantity numeric, amount numeric, list_amount numeric)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 3 AS 'MODULE_PATHNAME', 'member_purchase_lines';
COMMENT ON FUNCTION member_internal.purchase_lines(jsonb, numeric) IS
    'Lines of a purchase, checked: they add up to what was paid. Errors: MB305 with the line.';

CREATE OR REPLACE FUNCTION member.purchase_record(
    member_id bigint, purchase_no text, amount numeric, store text DEFAULT NULL, channel text DEFAULT NULL,
    lines jsonb DEFAULT NULL, attributes jsonb DEFAULT NULL, at timestamptz DEFAULT NULL,
    actor text DEFAULT NULL, key text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    w member_internal.written;
    r member.receipt;
    minor CONSTANT bigint := member_internal.minor_units(amount, 'amount of a purchase', 0);
    owner bigint;
BEGIN
    IF purchase_no IS NULL OR length(purchase_no) NOT BETWEEN 1 AND 100 THEN
        PERFORM member_internal.refuse('MB302', 'a purchase number must have 1 to 100 characters');
    END IF;
    w := member_internal.write_event(member_id, 'purchase_record',
        jsonb_build_array(purchase_no, minor, store, channel, lines, attributes, actor), at,
        coalesce(key, 'purchase:' || purchase_no),
        kind => 'purchase', source => purchase_no, actor => actor, amount => minor,
        store => store, channel => channel, attributes => attributes, lines => lines);
    r := w.receipt;
    IF w.answered THEN
        RETURN r;
    END IF;
    INSERT INTO member.purchase (member_id, entry_no, purchase_no, at, amount, store, channel, attributes)
    VALUES (r.member_id, r.entry_no, purchase_record.purchase_no, r.at, purchase_record.amount, purchase_record.store,
            purchase_record.channel, purchase_record.attributes)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT p.member_id INTO owner FROM member.purchase p WHERE p.purchase_no = purchase_record.purchase_no;
        PERFORM member_internal.refuse('MB302', format('purchase "%s" is recorded already', purchase_no),
            format('For member %s.', owner),
            'A repeated call must be the same in every argument, its key too; a new purchase needs a number of its own.');
    END IF;
    IF lines IS NOT NULL THEN
        INSERT INTO member.purchase_line (member_id, entry_no, line_no, product, category, quantity, amount, list_amount)
        SELECT r.member_id, r.entry_no, l.line_no, l.product, l.category, l.quantity, l.amount, l.list_amount
        FROM member_internal.purchase_lines(purchase_record.lines, purchase_record.amount) l;
    END IF;
    IF r.points > 0 THEN
        PERFORM member_internal.queue_message(r.member_id, 'points_in', r.entry_no::text, r.at,
            jsonb_build_object('points', r.points, 'balance', r.balance));
    END IF;
    RETURN r;
END
$$;
COMMENT ON FUNCTION member.purchase_record(bigint, text, numeric, text, text, jsonb, jsonb, timestamptz, text, text) IS
    'Records a purchase: amount paid in yuan net of freight, coupon and points part (0 when these paid all of it); points by the earning rules, level up at once, message. lines: [{"product", "quantity", "amount", "category", "list_amount"}, …] adding up to amount. The number is unique across members; without a key it serves as one. Errors: MB302 number taken, MB303 amount, MB305 lines, MB101, MB102, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member.purchase_refund(
    member_id bigint, purchase_no text, refund_no text, amount numeric DEFAULT NULL, lines smallint[] DEFAULT NULL,
    reason text DEFAULT NULL, at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL)
RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    e member.step_event;
    r member.receipt;
    p record;
    part numeric := amount;
    minor CONSTANT bigint := CASE WHEN amount IS NOT NULL THEN member_internal.minor_units(amount, 'amount of a refund', 1) END;
    arguments CONSTANT jsonb := jsonb_build_array(purchase_no, refund_no, minor, lines, reason, actor);
    own_key CONSTANT text := coalesce(key, format('refund:%s:%s:%s', length(purchase_no), purchase_no, refund_no));
    bad smallint;
BEGIN
    IF refund_no IS NULL OR length(refund_no) NOT BETWEEN 1 AND 100 THEN
        PERFORM member_internal.refuse('MB304', 'a refund number must have 1 to 100 characters');
    END IF;
    r := member_internal.begin_write(member_id, 'purchase_refund', arguments, at, own_key);
    IF r.entry_no IS NOT NULL THEN
        RETURN r;
    END IF;
    SELECT q.entry_no, q.at, q.amount, q.refunded, member_internal.origin_lots(q.member_id, q.entry_no) AS lots INTO p
    FROM member.purchase q
    WHERE q.purchase_no = purchase_refund.purchase_no AND q.member_id = purchase_refund.member_id;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB301', format('member %s has no purchase "%s"', member_id, purchase_no));
    END IF;
    IF EXISTS (SELECT FROM member.refund f WHERE f.member_id = purchase_refund.member_id AND f.purchase = p.entry_no
               AND f.refund_no = purchase_refund.refund_no) THEN
        PERFORM member_internal.refuse('MB304', format('refund "%s" of purchase "%s" is recorded already', refund_no, purchase_no),
            hint => 'A repeated call must be the same in every argument, its key too; a new refund needs a number of its own.');
    END IF;
    IF lines IS NOT NULL THEN
        SELECT min(n) INTO bad FROM unnest(lines) n WHERE NOT EXISTS (
            SELECT FROM member.purchase_line l WHERE l.member_id = purchase_refund.member_id AND l.entry_no = p.entry_no
            AND l.line_no = n AND l.refunded < l.amount);
        IF bad IS NOT NULL OR cardinality(lines) = 0 OR cardinality(lines) <> (SELECT count(DISTINCT n) FROM unnest(lines) n) THEN
            PERFORM member_internal.refuse('MB304', format('line %s of purchase "%s" can''t be refunded', coalesce(bad::text, 'list'), purchase_no),
                'There is no such line, it is refunded already, or it is named twice.');
        END IF;
        SELECT sum(l.amount - l.refunded) INTO part FROM member.purchase_line l
        WHERE l.member_id = purchase_refund.member_id AND l.entry_no = p.entry_no AND l.line_no = ANY (lines);
        IF amount IS NOT NULL AND amount <> part THEN
            PERFORM member_internal.refuse('MB305', format('the lines come to %s, the refund is %s', part, amount));
        END IF;
        UPDATE member.purchase_line l SET refunded = l.amount
        WHERE l.member_id = purchase_refund.member_id AND l.entry_no = p.entry_no AND l.line_no = ANY (lines);
    ELSIF amount IS NULL THEN
        part := p.amount - p.refunded;
    END IF;
    IF p.amount = p.refunded THEN
        PERFORM member_internal.refuse('MB304', format('purchase "%s" is refunded already', purchase_no),
            format('Paid %s, refunded %s.', p.amount, p.refunded));
    END IF;
    IF part > p.amount - p.refunded THEN
        PERFORM member_internal.refuse('MB304', format('refund of %s exceeds what is left of purchase "%s"', part, purchase_no),
            format('Paid %s, refunded %s.', p.amount, p.refunded));
    END IF;
    IF at < p.at THEN
        PERFORM member_internal.refuse('MB402', 'a refund can''t be dated before its purchase', format('The purchase was at %s.', p.at));
    END IF;
    e.amount := member_internal.minor_units(part, 'amount of a refund', 1);
    e.ref := p.entry_no;
    e.origin_at := p.at;
    e.origin_lots := p.lots;
    e.origin_of := p.amount * 100;
    e.origin_back := p.refunded * 100;
    UPDATE member.purchase q SET refunded = q.refunded + part
    WHERE q.purchase_no = purchase_refund.purchase_no;
    SELECT coalesce(max(q.amount - q.refunded), 0) * 100 INTO e.origin_largest
    FROM member.entry n JOIN member.purchase q ON q.purchase_no = n.source
    WHERE n.member_id = purchase_refund.member_id AND n.kind = 'purchase'
      AND n.at >= member.day_start(member.day_of(p.at)) AND n.at < member.day_start(member.day_of(p.at) + 1);
    -- points that paid come back first, so that an award that was spent on it is not owed
    PERFORM member_internal.refund_points(member_id, e.ref, refund_no, e.origin_of, e.origin_back, e.origin_back + e.amount, reason, actor, at);
    r := (member_internal.write_event(member_id, 'purchase_refund', arguments, at, own_key,
        kind => 'refund', source => refund_no, reason => reason, actor => actor, amount => e.amount,
        ref => e.ref, origin_at => e.origin_at, origin_lots => e.origin_lots,
        origin_of => e.origin_of, origin_back => e.origin_back, origin_largest => e.origin_largest, refund_lines => lines)).receipt;
    INSERT INTO member.refund (member_id, purchase, refund_no, entry_no, at, amount, lines, reason)
    VALUES (r.member_id, p.entry_no, purchase_refund.refund_no, r.entry_no, r.at, part, purchase_refund.lines, purchase_refund.reason);
    IF r.points < 0 THEN
        PERFORM member_internal.queue_message(r.member_id, 'points_back', r.entry_no::text, r.at,
            jsonb_build_object('points', -r.points, 'balance', r.balance));
    END IF;
    RETURN r;
END
$$;
COMMENT ON FUNCTION member.purchase_refund(bigint, text, text, numeric, smallint[], text, timestamptz, text, text) IS
    'Refunds a purchase: an amount in yuan, the lines named by number, or all that is left. Takes back the share of what the purchase gave, lot by lot; refunds that add up to the purchase take back exactly its award, and give back what points_pay() took. Errors: MB301 no such purchase, MB304 more than is left, line or number refunded before, MB305, MB101, MB102, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member.purchase_refund_undo(
    member_id bigint, purchase_no text, refund_no text, reason text DEFAULT NULL,
    at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    arguments CONSTANT jsonb := jsonb_build_array(purchase_no, refund_no, reason, actor);
    own_key CONSTANT text := coalesce(key, format('unrefund:%s:%s:%s', length(purchase_no), purchase_no, refund_no));
    r member.receipt;
    f record;
    largest bigint;
BEGIN
    r := member_internal.begin_write(member_id, 'purchase_refund_undo', arguments, at, own_key);
    IF r.entry_no IS NOT NULL THEN
        RETURN r;
    END IF;
    SELECT x.*, e.delta, q.at AS bought_at, q.amount AS paid, q.refunded,
           (SELECT y.refund_no FROM member.refund y WHERE y.member_id = x.member_id AND y.purchase = x.purchase AND y.undone_by IS NULL
            ORDER BY y.entry_no DESC LIMIT 1) AS last,
           EXISTS (SELECT FROM member.part_payment p WHERE p.member_id = x.member_id AND p.entry_no = x.purchase) AS with_points
    INTO f
    FROM member.purchase q JOIN member.refund x ON x.member_id = q.member_id AND x.purchase = q.entry_no
    JOIN member.entry e ON e.member_id = x.member_id AND e.entry_no = x.entry_no
    WHERE q.purchase_no = purchase_refund_undo.purchase_no AND q.member_id = purchase_refund_undo.member_id
      AND x.refund_no = purchase_refund_undo.refund_no;
    IF NOT FOUND THEN
        PERFORM member_internal.refuse('MB301', format('purchase "%s" of member %s has no refund "%s"', purchase_no, member_id, refund_no));
    END IF;
    IF f.undone_by IS NOT NULL THEN
        PERFORM member_internal.refuse('MB206', format('refund "%s" is taken back already', refund_no), format('By entry %s.', f.undone_by));
    END IF;
    -- shares of an award are counted from the first refund on, so they are given again from the last
    IF f.last <> refund_no THEN
        PERFORM member_internal.refuse('MB206', format('refund "%s" is not the last of purchase "%s"', refund_no, purchase_no),
            format('The last is "%s".', f.last), 'Refunds are taken back from the last on.');
    END IF;
    IF f.with_points THEN
        PERFORM member_internal.refuse('MB206', format('refund "%s" gave points back that paid', refund_no),
            hint => 'Record what is bought after all as a new purchase, by points_pay().');
    END IF;
    IF at < f.at THEN
        PERFORM member_internal.refuse('MB402', 'a refund can''t be taken back before it was made', format('It was at %s.', f.at));
    END IF;
    UPDATE member.purchase_line l SET refunded = 0
    WHERE l.member_id = f.member_id AND l.entry_no = f.purchase AND l.line_no = ANY (f.lines);
    UPDATE member.purchase q SET refunded = q.refunded - f.amount WHERE q.purchase_no = purchase_refund_undo.purchase_no;
    SELECT coalesce(max(q.amount - q.refunded), 0) * 100 INTO largest
    FROM member.entry n JOIN member.purchase q ON q.purchase_no = n.source
    WHERE n.member_id = f.member_id AND n.kind = 'purchase'
      AND n.at >= member.day_start(member.day_of(f.bought_at)) AND n.at < member.day_start(member.day_of(f.bought_at) + 1);
    r := (member_internal.write_event(member_id, 'purchase_refund_undo', arguments, at, own_key,
        kind => 'unrefund', source => refund_no, reason => reason, actor => actor, amount => (f.amount * 100)::bigint,
        ref => f.entry_no, origin_at => f.bought_at, origin_lots => f.delta, origin_of => (f.paid * 100)::bigint,
        origin_back => ((f.refunded - f.amount) * 100)::bigint, origin_largest => largest, refund_lines => f.lines)).receipt;
    UPDATE member.refund x SET undone_by = r.entry_no
    WHERE x.member_id = f.member_id AND x.purchase = f.purchase AND x.refund_no = f.refund_no;
    RETURN r;
END
$$;
COMMENT ON FUNCTION member.purchase_refund_undo(bigint, text, text, text, timestamptz, text, text) IS
    'Takes a refund back that should not have been: the last of its purchase first. The points it took come back to the very lots (what they owed, to debt), the purchase counts again; streams of refunds count it still. Errors: MB301 no such refund, MB206 taken back already, not the last, or one of points_pay(), MB101, MB102, MB401 to MB405.';

CREATE OR REPLACE FUNCTION member_internal.require_event_kind(kind text, category text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF kind IS NULL OR kind !~ '^[a-z_][a-z0-9_]{0,22}$' THEN
        PERFORM member_internal.refuse('MB306', format('invalid kind of event "%s"', kind),
            'A kind has up to 23 small letters, digits and underscores.');
    END IF;
    IF length(category) NOT BETWEEN 1 AND 100 THEN
        PERFORM member_internal.refuse('MB306', 'a category of an event must have 1 to 100 characters');
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.require_event_kind(text, text) IS 'Checks the kind and the category of an event. Errors: MB306.';

CREATE OR REPLACE FUNCTION member.event_record(
    member_id bigint, kind text, category text DEFAULT NULL, value numeric DEFAULT NULL, attributes jsonb DEFAULT NULL,
    at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    w member_internal.written;
    r member.receipt;
BEGIN
    PERFORM member_internal.require_event_kind(kind, category);
    IF value < 0 OR value > 999999999999.99 OR value <> round(value, 2) THEN
        PERFORM member_internal.refuse('MB303', format('value out of range: %s', value),
            'It is between 0 and 999999999999.99, with two decimals at most.');
    END IF;
    w := member_internal.write_event(member_id, 'event_record',
        jsonb_build_array(kind, category, (value * 100)::bigint, attributes, actor), at, key,
        kind => 'event', source => kind, actor => actor,
        event_kind => kind, category => category, amount => (value * 100)::bigint, attributes => attributes);
    r := w.receipt;
    IF w.answered THEN
        RETURN r;
    END IF;
    INSERT INTO member.event (member_id, entry_no, at, kind, category, value, attributes)
    VALUES (r.member_id, r.entry_no, r.at, event_record.kind, event_record.category, event_record.value, event_record.attributes);
    RETURN r;
END
$$;
COMMENT ON FUNCTION member.event_record(bigint, text, text, numeric, jsonb, timestamptz, text, text) IS
    'Records an event: kind (signin, browse, share …), category for runs of the same kind, value (seconds, yuan …). Kinds that a stream counts may earn points. Errors: MB306 kind, MB303 value, MB101, MB102, MB401 to MB405.';
