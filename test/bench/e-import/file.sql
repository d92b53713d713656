-- The purchases to import, as a text file in the order of their time: member_key, at, purchase_no, amount, store.
-- 365 days up to the clock's. One member in a thousand buys every day; every ninth of the other purchases goes
-- round all members, so that each has some; the rest falls on them by a power law (one in a hundred makes 5 %).
\set daily '(:members / 1000)'
\set a_day '(:purchases / 365)'
SELECT format($$COPY (
    SELECT 'M' || lpad((1 + m.who * 7919 %% %1$s)::text, 8, '0'),
           to_char(timestamp '2000-01-01 08:00' + (date %4$L - date '2000-01-01' - 364 + d.day) * interval '1 day'
                   + d.place * (interval '14 hours' / (%3$s + 366)), 'YYYY-MM-DD HH24:MI:SS') || '+08',
           'N' || lpad(n::text, 10, '0'), (3 + (h.u >> 8) %% 9700 / 100.0)::numeric(14,2), 'S' || (h.u >> 20) %% 300
    FROM generate_series(0, %2$s - 1) n,
         LATERAL (SELECT least(n / %3$s, 364) AS day, n - least(n / %3$s, 364) * %3$s AS place) d,
         LATERAL (SELECT hashint8extended(n, 2026) & x'7fffffffffffffff'::bigint AS u) h,
         LATERAL (SELECT d.day * (%3$s - %5$s) + d.place - %5$s AS other) o,
         LATERAL (SELECT CASE WHEN d.place < %5$s THEN d.place
                              WHEN o.other %% 9 = 0 THEN o.other / 9 %% %1$s
                              ELSE floor(%1$s * power((h.u & 2147483647) / 2147483648.0::float8, 1.5))::bigint END AS who) m
    ) TO %6$L$$, :members, :purchases, :a_day, date (:'clock'), :daily, :'file') AS copy
\gset
:copy;
