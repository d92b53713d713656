-- And once a month: the models anew, kept in value_run.
SELECT member.value_refit('2026-03-01');
