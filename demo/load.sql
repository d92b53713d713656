-- Imports what demo/load.pl put into member.import_row and sets it against what it counted.
-- Variables: rows, amount (of the file).

SET client_min_messages = warning;
SELECT * FROM member.import_purchases() \gset
ANALYZE;

SELECT format('rows     %s in the file = %s loaded + %s known + %s rejected%s', to_char(:rows, x.f), to_char(:rows_loaded, x.f),
              to_char(:rows_known, x.f), to_char(:rows_rejected, x.f),
              CASE WHEN :rows = :rows_read AND :rows = :rows_loaded + :rows_known + :rows_rejected THEN '' ELSE '  WRONG' END)
FROM (VALUES ('FM999,999,999,990')) x (f);
SELECT format('amounts  %s in the file = %s loaded + %s not loaded%s', to_char(:amount, x.f), to_char(l.loaded, x.f),
              to_char(:amount - l.loaded, x.f), CASE WHEN :amount = :amount_read AND l.loaded = :amount_loaded THEN ': to the cent' ELSE '  WRONG' END)
FROM (SELECT coalesce(sum(amount), 0) AS loaded FROM member.purchase) l, (VALUES ('FM999,999,999,999,990.00')) x (f);
SELECT format('members  %s', to_char(count(*), 'FM999,999,999,990')) FROM member.member;
