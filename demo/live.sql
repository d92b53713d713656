-- The last days, call by call: demo.act says who does what when, demo.live() does it through the API.

SET client_min_messages = warning;

-- One row a call. A member's calls stay in one part, so that two tills can work side by side.
CREATE UNLOGGED TABLE demo.act AS
WITH habit AS (
    -- some of the members that are still there sign in, each as often as is its habit
    SELECT m.member_no, m.member_key, m.joined, m.stays, 0.25 + 0.7 * demo.chance(41, m.member_no) AS odds
    FROM demo.member m WHERE demo.chance(40, m.member_no) < 0.05
), act AS (
    SELECT 'enroll' AS verb, p.member_no, p.day, p.at - interval '2 minutes' AS at, NULL::text AS purchase_no,
           NULL::text AS refund_no, NULL::numeric AS amount, m.channel, 'S' || lpad(m.store::text, 2, '0') AS store,
           NULL::jsonb AS lines, m.phone, NULL::float8 AS luck
    FROM demo.plan, demo.purchase p JOIN demo.member m USING (member_no)
    WHERE p.n = 0 AND p.day >= plan.live_day
    UNION ALL
    SELECT 'purchase', p.member_no, p.day, p.at, p.purchase_no, NULL, p.amount, p.channel, p.store, p.lines::jsonb,
           NULL, demo.chance(43, p.member_no, p.n)
    FROM demo.plan, demo.purchase p WHERE p.day >= plan.live_day
    UNION ALL
    SELECT 'refund', r.member_no, (r.at AT TIME ZONE 'Asia/Shanghai')::date, r.at, r.purchase_no, r.refund_no,
           CASE WHEN r.cups = 1 THEN r.amount END, NULL, NULL, NULL, NULL, NULL
    FROM demo.plan, demo.refund r WHERE r.at >= plan.live_day::timestamp AT TIME ZONE 'Asia/Shanghai'
    UNION ALL
    SELECT 'signin', h.member_no, d.day,
           d.day::timestamp AT TIME ZONE 'Asia/Shanghai' + interval '1 second' * floor(28800 + 50400 * demo.chance(44, h.member_no, d.day_no)),
           NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM demo.plan, habit h JOIN demo.day d ON d.day_no BETWEEN h.joined + 1 AND h.joined + h.stays
    WHERE d.day >= plan.live_day AND demo.chance(42, h.member_no, d.day_no) < h.odds
)
SELECT a.verb, a.member_no % 2 AS part, 'M' || lpad(a.member_no::text, 7, '0') AS member_key, i.member_id, a.day, a.at,
       a.purchase_no, a.refund_no, a.amount, a.channel, a.store, a.lines, a.phone, a.luck
FROM act a LEFT JOIN member.identity i ON i.kind = 'external' AND i.value = 'M' || lpad(a.member_no::text, 7, '0')
ORDER BY a.day, part, a.at;
CREATE INDEX ON demo.act (day, part, at);
ANALYZE demo.act;

CREATE TABLE demo.lived (
    day date, part int, purchases int, signins int, refunds int, redeemed int, enrolled int,
    repeated int, refused int, answered int, PRIMARY KEY (day, part)
);

-- One till for one day. The clock of the session stands at the moment of each call; all calls have keys;
-- every two hundred there is a commit. In the evening it sends messages.
CREATE PROCEDURE demo.live(day date, part int)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    a record;
    r member.receipt;
    again member.receipt;
    n demo.lived;
    id bigint;
    calls int := 0;
    acknowledged int;
BEGIN
    n := ROW(live.day, live.part, 0, 0, 0, 0, 0, 0, 0, 0);
    FOR a IN SELECT * FROM demo.act WHERE act.day = live.day AND act.part = live.part ORDER BY act.at LOOP
        PERFORM set_config('member.clock', a.at::text, false);
        IF a.verb = 'enroll' THEN
            PERFORM member.enroll(a.channel, phone => a.phone, external => a.member_key, store => a.store,
                                  key => 'join:' || a.member_key);
            n.enrolled := n.enrolled + 1;
            CONTINUE;
        END IF;
        id := coalesce(a.member_id, member.find('external', a.member_key));
        CASE a.verb
        WHEN 'signin' THEN
            r := member.event_record(id, 'signin', key => 'signin:' || a.day);
            n.signins := n.signins + 1;
        WHEN 'refund' THEN
            -- the whole of an order with one line, else its first line
            IF a.amount IS NULL AND EXISTS (SELECT FROM member.purchase_line l JOIN member.purchase p USING (member_id, entry_no)
                                            WHERE l.member_id = id AND p.purchase_no = a.purchase_no) THEN
                r := member.purchase_refund(id, a.purchase_no, a.refund_no, lines => '{1}', key => 'refund:' || a.refund_no);
            ELSE
                r := member.purchase_refund(id, a.purchase_no, a.refund_no, key => 'refund:' || a.refund_no);
            END IF;
            n.refunds := n.refunds + 1;
        ELSE
            r := member.purchase_record(id, a.purchase_no, a.amount, store => a.store, channel => a.channel,
                                        lines => a.lines, key => 'pay:' || a.purchase_no);
            n.purchases := n.purchases + 1;
            IF a.luck < 0.005 THEN
                -- the answer got lost and the till asks again: same key, same receipt, nothing new
                again := member.purchase_record(id, a.purchase_no, a.amount, store => a.store, channel => a.channel,
                                                lines => a.lines, key => 'pay:' || a.purchase_no);
                ASSERT again = r, 'a repeated call got another receipt';
                n.repeated := n.repeated + 1;
            ELSIF a.luck < 0.007 THEN
                -- more than there is: refused
                BEGIN
                    PERFORM member.points_spend(id, r.balance + 100, source => 'voucher', key => 'greedy:' || a.purchase_no);
                EXCEPTION WHEN SQLSTATE 'MB203' THEN
                    n.refused := n.refused + 1;
                END;
            ELSIF a.luck > 0.8 AND r.balance >= 150 THEN
                r := member.points_spend(id, 150, source => 'voucher', reason => '兑换代金券', key => 'voucher:' || a.purchase_no);
                n.redeemed := n.redeemed + 1;
            END IF;
        END CASE;
        calls := calls + 1;
        IF calls % 200 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
    -- the sender: two in a hundred shall be tried again, one in two hundred can't be reached
    PERFORM set_config('member.clock', live.day || ' 22:30+08', false);
    LOOP
        SELECT count(*) FILTER (WHERE member.outbox_ack(c.outbox_id,
                   CASE WHEN c.outbox_id % 50 = 7 AND c.attempts = 1 THEN 'retry: busy'
                        WHEN c.outbox_id % 200 = 11 THEN 'failed: refused by the user'
                        ELSE 'sent' END))
        INTO acknowledged
        FROM member.outbox_claim('sender ' || live.part, 1000) c;
        n.answered := n.answered + acknowledged;
        COMMIT;
        EXIT WHEN acknowledged = 0;
    END LOOP;
    INSERT INTO demo.lived SELECT n.*;
    COMMIT;
END
$$;

SELECT format('%s calls to make', to_char(count(*), 'FM999,999,999')) FROM demo.act;
