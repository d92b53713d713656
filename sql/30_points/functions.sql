CREATE OR REPLACE FUNCTION member_internal.wallet_id(code text) RETURNS smallint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id smallint;
BEGIN
    SELECT w.wallet_id INTO id FROM member.wallet w WHERE w.code = wallet_id.code;
    IF id IS NULL THEN
        PERFORM member_internal.refuse('MB201', format('unknown wallet "%s"', code),
            hint => 'The wallets are in member.wallet; a new one counts after member.publish().');
    END IF;
    RETURN id;
END
$$;
COMMENT ON FUNCTION member_internal.wallet_id(text) IS 'Number of a wallet. Errors: MB201.';

CREATE OR REPLACE FUNCTION member.day_of(at timestamptz) RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT (at AT TIME ZONE s.zone)::date FROM member.setting s $$;
COMMENT ON FUNCTION member.day_of(timestamptz) IS 'The day of a moment in the program''s time zone.';

CREATE OR REPLACE FUNCTION member.day_start(day date) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT day::timestamp AT TIME ZONE s.zone FROM member.setting s $$;
COMMENT ON FUNCTION member.day_start(date) IS 'The moment a day begins in the program''s time zone.';
