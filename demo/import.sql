-- What came before the live days goes into member.import_row and is imported, set-based.

SET client_min_messages = warning;
-- the clock of this session stands at the beginning of the first live day
SELECT set_config('member.clock', plan.live_day || ' 00:00+08', false) FROM demo.plan \g /dev/null

INSERT INTO member.import_row (kind, line, member_key, at, channel, store, phone)
SELECT 'member', m.member_no, m.member_key, (p.at - interval '2 minutes')::text, m.channel,
       'S' || lpad(m.store::text, 2, '0'), m.phone
FROM demo.member m JOIN demo.purchase p ON p.member_no = m.member_no AND p.n = 0, demo.plan
WHERE p.day < plan.live_day;

SELECT * FROM member.import_members() \g /dev/null

INSERT INTO member.import_row (kind, member_key, at, purchase_no, amount, store, channel, lines)
SELECT 'purchase', 'M' || lpad(p.member_no::text, 7, '0'), p.at::text, p.purchase_no, p.amount::text, p.store, p.channel,
       -- product lines of the last month only, as if the tills had not kept them before
       CASE WHEN p.day >= plan.live_day - 31 THEN p.lines END
FROM demo.purchase p, demo.plan
WHERE p.day < plan.live_day;

INSERT INTO member.import_row (kind, member_key, at, purchase_no, refund_no, amount)
SELECT 'refund', 'M' || lpad(r.member_no::text, 7, '0'), r.at::text, r.purchase_no, r.refund_no, r.amount::text
FROM demo.refund r, demo.plan
WHERE r.at < plan.live_day::timestamp AT TIME ZONE 'Asia/Shanghai';

SELECT * FROM member.import_purchases() \g /dev/null

ANALYZE;

-- what was written must be what was read, and what was read what was made
SELECT format('%s %s read = %s loaded + %s known + %s rejected%s',
              CASE i.kind WHEN 'members' THEN 'members           ' ELSE 'purchases, refunds' END, to_char(i.rows_read, 'FM999,999,999'),
              to_char(i.rows_loaded, 'FM999,999,999'), i.rows_known, i.rows_rejected,
              CASE WHEN i.reconciled THEN '' ELSE '  WRONG' END)
FROM member_report.import_health i ORDER BY i.import_id;
SELECT format('yuan               %s made, %s read, %s loaded%s', to_char(m.made, x.f), to_char(i.amount_read, x.f), to_char(l.loaded, x.f),
              CASE WHEN m.made = i.amount_read AND m.made = l.loaded THEN ': to the cent' ELSE '  WRONG' END)
FROM (SELECT sum(p.amount) AS made FROM demo.purchase p, demo.plan WHERE p.day < plan.live_day) m,
     (SELECT sum(amount) AS loaded FROM member.purchase) l,
     (SELECT amount_read FROM member_report.import_health ORDER BY import_id DESC LIMIT 1) i,
     (VALUES ('FM999,999,999,990.00')) x (f);
