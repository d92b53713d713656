-- Why rows were rejected, and the first of them.

\pset border 2
\pset linestyle unicode
\pset numericlocale on
\pset footer off
\pset title 'Why rows were rejected: member.import_reject'
SELECT CASE WHEN length(reason) > 50 THEN left(reason, 49) || '…' ELSE reason END AS reason, count(*) AS rows,
       min(line)::text AS "first line"
FROM member.import_reject GROUP BY 1 ORDER BY count(*) DESC, min(line) LIMIT 20;
\pset title 'The first of them'
SELECT line::text AS line, CASE WHEN length(reason) > 30 THEN left(reason, 29) || '…' ELSE reason END AS reason,
       CASE WHEN length(d.shown) > 36 THEN left(d.shown, 35) || '…' ELSE d.shown END AS "what it read"
FROM member.import_reject r, LATERAL (SELECT regexp_replace(detail, '[[:cntrl:]]+', ' ', 'g') AS shown) d
ORDER BY r.line LIMIT 8;
