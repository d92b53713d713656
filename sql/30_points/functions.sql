CREATE OR REPLACE FUNCTION member_internal.wallet_id(code text) RETURNS smallint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    id smallint;
BEGIN
    IF to_regclass('member.wallet') IS NULL THEN
        PERFORM member_internal.require_ready();
    END IF;
    SELECT w.wallet_id INTO id FROM member.wallet w WHERE w.code = wallet_id.code;
    IF id IS NULL THEN
        PERFORM member_internal.refuse('MB201', format('unknown wallet "%s"', code),
            hint => 'The wallets are in member.wallet; a new one counts after member.publish().');
    END IF;
    RETURN id;
END
$$;
COMMENT ON FUNCTION member_internal.wallet_id(text) IS 'Number of a wallet. Errors: MB001, MB201.';

CREATE OR REPLACE FUNCTION member_internal.day_or_today(day date) RETURNS date
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF to_regclass('member.setting') IS NULL THEN
        PERFORM member_internal.require_ready();
    END IF;
    IF day NOT BETWEEN '1901-01-01' AND '9998-12-31' THEN
        PERFORM member_internal.refuse('MB403', format('day is out of range: %s', day),
            'Days lie between 1901-01-01 and 9998-12-31.');
    END IF;
    RETURN coalesce(day, member.day_of(member.now()));
END
$$;
COMMENT ON FUNCTION member_internal.day_or_today(date) IS 'The day asked for, default today. Errors: MB001, MB403.';

CREATE OR REPLACE FUNCTION member.day_of(at timestamptz) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT (at AT TIME ZONE s.zone)::date FROM member.setting s $$;
COMMENT ON FUNCTION member.day_of(timestamptz) IS 'The day of a moment in the program''s time zone.';

CREATE OR REPLACE FUNCTION member.day_start(day date) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT day::timestamp AT TIME ZONE s.zone FROM member.setting s $$;
COMMENT ON FUNCTION member.day_start(date) IS 'The moment a day begins in the program''s time zone.';
