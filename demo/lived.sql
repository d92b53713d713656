-- What was lived, in a few lines.
SELECT format(E'%s purchases, %s sign-ins, %s refunds, %s vouchers for points,\n%s new members; each call with its key',
              to_char(sum(purchases), x.f), to_char(sum(signins), x.f), to_char(sum(refunds), x.f),
              to_char(sum(redeemed), x.f), to_char(sum(enrolled), x.f))
FROM demo.lived, (VALUES ('FM999,999,990')) x (f) GROUP BY x.f;
SELECT format(E'%s calls repeated: the same receipt; %s overdrafts: refused (MB203)\n%s messages claimed, sent and acknowledged',
              to_char(sum(repeated), x.f), to_char(sum(refused), x.f), to_char(sum(answered), x.f))
FROM demo.lived, (VALUES ('FM999,999,990')) x (f) GROUP BY x.f;
SELECT format('%s nights: %s times a member had something due', count(*), to_char(sum(members), 'FM999,999,990'))
FROM member_report.job_health;
