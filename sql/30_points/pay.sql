-- Points and money at once: what is bought is paid partly with points. One call, one transaction, two entries.

CREATE OR REPLACE FUNCTION member.points_pay(
    member_id bigint, purchase_no text, points bigint, amount numeric, wallet text DEFAULT 'points', store text DEFAULT NULL, channel text DEFAULT NULL,
    lines jsonb DEFAULT NULL, attributes jsonb DEFAULT NULL, at timestamptz DEFAULT NULL, actor text DEFAULT NULL, key text DEFAULT NULL,
    pass text DEFAULT NULL) RETURNS member.receipt
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    w member_internal.written;
    r member.receipt;
    -- what costs points alone is points_spend()
    minor CONSTANT bigint := member_internal.minor_units(amount, 'amount of a purchase', 1);
BEGIN
    IF purchase_no IS NULL OR length(purchase_no) NOT BETWEEN 1 AND 100 THEN
        PERFORM member_internal.refuse('MB302', 'a purchase number must have 1 to 100 characters');
    END IF;
    -- the points first: what the purchase earns can't pay for it
    w := member_internal.write_event(member_id, 'points_pay',
        jsonb_build_array(purchase_no, points, minor, wallet, store, channel, lines, attributes, actor, key), at, 'pay:' || purchase_no,
        kind => 'spend', source => purchase_no, reason => 'part payment', actor => actor, wallet => wallet, points => points, pass => pass);
    r := member.purchase_record(member_id, purchase_no, amount, store, channel, lines, attributes, at, actor, key);
    IF w.answered THEN
        RETURN r;
    END IF;
    IF r.entry_no < (w.receipt).entry_no THEN
        PERFORM member_internal.refuse('MB302', format('purchase "%s" is recorded already', purchase_no), 'Without points.');
    END IF;
    INSERT INTO member.part_payment (member_id, entry_no, spend_entry, points)
    VALUES (r.member_id, r.entry_no, (w.receipt).entry_no, points_pay.points);
    RETURN r;
END
$$;
COMMENT ON FUNCTION member.points_pay(bigint, text, bigint, numeric, text, text, text, jsonb, jsonb, timestamptz, text, text, text) IS
    'Pays a purchase with points and money in one: spends the points, first-expiring first, and records the purchase of the amount paid in yuan, as purchase_record() does. purchase_refund() gives the points back in the same share as the money. pass: of pass_issue(), where the wallet asks for it. Returns the receipt of the purchase. Errors: MB203 not enough points, MB302 number taken, MB303 no money, MB214 and MB215 pass, and those of points_spend() and purchase_record().';

-- The nth refund gives back the points of all of the money refunded so far, less those of the refunds before.
CREATE OR REPLACE FUNCTION member_internal.refund_points(
    member_id bigint, purchase integer, refund_no text, amount bigint, before bigint, after bigint, reason text, actor text, at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    s record;
    back bigint;
BEGIN
    SELECT p.spend_entry, p.points, e.at, e.delta, w.code INTO s
    FROM member.part_payment p JOIN member.entry e ON e.member_id = p.member_id AND e.entry_no = p.spend_entry
    JOIN member.wallet w ON w.wallet_id = e.wallet
    WHERE p.member_id = refund_points.member_id AND p.entry_no = refund_points.purchase;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    back := div(s.points::numeric * before, amount);
    IF div(s.points::numeric * after, amount) > back THEN
        PERFORM member_internal.write_event(member_id, 'purchase_refund', jsonb_build_array(purchase, refund_no), at, NULL,
            kind => 'reverse', source => 'part payment', reason => reason, actor => actor, wallet => s.code, points => div(s.points::numeric * after, amount)::bigint - back,
            ref => s.spend_entry, origin_at => s.at, origin_lots => s.delta, origin_of => s.points, origin_back => back);
    END IF;
END
$$;
COMMENT ON FUNCTION member_internal.refund_points(bigint, integer, text, bigint, bigint, bigint, text, text, timestamptz) IS
    'Gives the points of a part payment back for what was refunded of the money: before and after the refund, of the amount, in minor units.';

CREATE OR REPLACE FUNCTION member_internal.verify_part_payments(low bigint, high bigint)
RETURNS TABLE (problem text, member_id bigint, entry_no integer, detail text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'part payment does not fit its entries', p.member_id, p.entry_no, format('%s points of entry %s', p.points, p.spend_entry)
    FROM member.part_payment p
    LEFT JOIN member.entry s ON s.member_id = p.member_id AND s.entry_no = p.spend_entry
    LEFT JOIN member.entry e ON e.member_id = p.member_id AND e.entry_no = p.entry_no
    LEFT JOIN member.purchase q ON q.purchase_no = e.source
    WHERE p.member_id BETWEEN low AND high
      AND (s.kind IS DISTINCT FROM 'spend' OR s.points <> -p.points OR e.kind IS DISTINCT FROM 'purchase' OR s.key IS DISTINCT FROM 'pay:' || e.source
           OR div(p.points * q.refunded, q.amount) IS DISTINCT FROM
              (SELECT coalesce(sum(r.ref_part), 0) FROM member.entry r WHERE r.member_id = p.member_id AND r.ref = p.spend_entry AND r.kind = 'reverse'))
    UNION ALL
    SELECT 'part payment is missing', e.member_id, e.entry_no, e.source
    FROM member.entry e LEFT JOIN member.part_payment p ON p.member_id = e.member_id AND p.spend_entry = e.entry_no
    WHERE e.kind = 'spend' AND e.reason = 'part payment' AND e.key = 'pay:' || e.source AND e.member_id BETWEEN low AND high AND p.member_id IS NULL
$$;
COMMENT ON FUNCTION member_internal.verify_part_payments(bigint, bigint) IS 'What verify() finds wrong with purchases paid partly with points.';
