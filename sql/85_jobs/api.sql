-- Commits after each batch: no SET clause, no definer, nothing unqualified.
CREATE OR REPLACE PROCEDURE member.daily_run(day date DEFAULT NULL)
LANGUAGE plpgsql
AS $$
DECLARE
    todo date;
    due record;
    more boolean;
BEGIN
    LOOP
        todo := member_internal.daily_next(daily_run.day);
        COMMIT;
        EXIT WHEN todo IS NULL;
        more := true;
        WHILE more LOOP
            due := member_internal.daily_due(todo);
            FOR part IN 0 .. due.parts - 1 LOOP
                more := member_internal.daily_batch(todo, due.members, due.first, due.beyond, part, due.parts);
                COMMIT;
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE member.daily_run(date) IS
    'Books what time did up to a day (default today): expiry, tier reviews, reminders, the history of new streams, RFM cuts, life-cycle stages, once a month the value models, chain heads; missed days one after the other, batch by batch with a commit each. A run that was killed is resumed; two at once are refused (MB601). Call it outside a transaction block; done days are done.';

CREATE OR REPLACE FUNCTION member.jobs_install(schedule text DEFAULT '7 * * * *')
RETURNS TABLE (job text, statement text, installed boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    name CONSTANT text := format('member daily %s', current_database());
    call CONSTANT text := 'CALL member.daily_run()';
BEGIN
    PERFORM member_internal.require_ready();
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
        EXECUTE format('SELECT cron.schedule(%L, %L, %L)', name, schedule, call);
        RETURN QUERY SELECT name, format('SELECT cron.schedule(%L, %L, %L)', name, schedule, call), true;
    ELSE
        RETURN QUERY SELECT name, format('SELECT cron.schedule_in_database(%L, %L, %L, %L)', name, schedule, call, current_database()), false;
    END IF;
END
$$;
COMMENT ON FUNCTION member.jobs_install(text) IS
    'Schedules the daily run with pg_cron, hourly by default (it does what is missing and else nothing; times are GMT). Where pg_cron lives in another database it returns the statement to run there, installed false.';

CREATE OR REPLACE FUNCTION member.jobs_remove()
RETURNS TABLE (job text, statement text, removed boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    name CONSTANT text := format('member daily %s', current_database());
    there boolean := false;
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
        EXECUTE format('SELECT count(*) > 0 FROM cron.job WHERE jobname = %L', name) INTO there;
        IF there THEN
            EXECUTE format('SELECT cron.unschedule(%L::text)', name);
        END IF;
    END IF;
    RETURN QUERY SELECT name, format('SELECT cron.unschedule(%L)', name), there;
END
$$;
COMMENT ON FUNCTION member.jobs_remove() IS
    'Takes the daily run out of pg_cron; where pg_cron lives in another database it returns the statement to run there, removed false.';
