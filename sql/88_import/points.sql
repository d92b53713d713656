-- Earning and spending from the staging table, by batch posting.

CREATE OR REPLACE FUNCTION member.import_points(all_or_nothing boolean DEFAULT false)
RETURNS TABLE (import_id bigint, rows_read bigint, rows_loaded bigint, rows_known bigint, rows_rejected bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '256MB' SET jit = off SET client_min_messages = warning
AS $$
#variable_conflict use_column
DECLARE
    id bigint := member_internal.import_begin('points');
    zone text := (SELECT s.zone FROM member.setting s);
BEGIN
    PERFORM member_internal.post_begin();
    INSERT INTO post_work (row_no, line, member_id, kind, points, wallet, usable_from, until, source, reason, at, key, unread, detail)
    SELECT row_number() OVER (ORDER BY v.at, v.line, v.row_id), v.line, v.member_id, v.kind, v.points, v.wallet,
           CASE WHEN v.kind = 'earn' THEN v.usable_from END, CASE WHEN v.kind = 'earn' THEN v.until END, v.source, v.reason, v.at, v.key,
           CASE WHEN v.unread IS NOT NULL THEN 'MB502: ' || v.unread
                WHEN v.member_key IS NULL THEN 'MB101: member key is missing'
                WHEN v.member_id IS NULL THEN format('MB101: unknown member "%s"', v.member_key)
                WHEN v.points IS NULL THEN 'MB204: points can''t be read'
                WHEN v.at IS NULL AND v.at_text IS NOT NULL THEN 'MB403: time can''t be read'
                WHEN v.usable_from IS NULL AND v.from_text IS NOT NULL THEN 'MB403: usable_from can''t be read'
                WHEN v.until IS NULL AND v.until_text IS NOT NULL THEN 'MB403: until can''t be read' END,
           left(concat_ws(' | ', v.member_key, v.at_text, v.wallet, v.points_text, v.from_text, v.until_text, v.key), 500)
    FROM (SELECT r.line, r.ctid AS row_id, r.kind, i.member_id, nullif(r.member_key, '') AS member_key, r.points AS points_text,
                 CASE WHEN r.points ~ '^-?[0-9]{1,18}$' THEN r.points::bigint END AS points, coalesce(nullif(r.wallet, ''), 'points') AS wallet,
                 nullif(r.usable_from, '') AS from_text, (member_internal.parse_time(nullif(r.usable_from, ''), zone) AT TIME ZONE zone)::date AS usable_from,
                 nullif(r.until, '') AS until_text, (member_internal.parse_time(nullif(r.until, ''), zone) AT TIME ZONE zone)::date AS until,
                 nullif(r.source, '') AS source, nullif(r.reason, '') AS reason, nullif(r.key, '') AS key,
                 nullif(r.at, '') AS at_text, member_internal.parse_time(nullif(r.at, ''), zone) AS at, r.reject AS unread
          FROM member.import_row r LEFT JOIN member.identity i ON i.kind = 'external' AND i.value = r.member_key
          WHERE r.kind IN ('earn', 'spend')) v;
    PERFORM member_internal.post(all_or_nothing);
    UPDATE member.import_run u SET rows_read = x.n, rows_loaded = x.n - x.known - x.rejected, rows_known = x.known, rows_rejected = x.rejected
    FROM (SELECT count(*) AS n, count(*) FILTER (WHERE a.repeated) AS known, count(a.sqlstate) AS rejected FROM post_answer a) x
    WHERE u.import_id = id;
    INSERT INTO member.import_reject (import_id, reject_no, line, kind, reason, detail)
    SELECT id, row_number() OVER (ORDER BY a.line, a.row_no), a.line, a.kind, a.reason, a.detail FROM post_answer a WHERE a.sqlstate IS NOT NULL;
    DELETE FROM member.import_row r WHERE r.kind IN ('earn', 'spend');
    DROP TABLE post_answer;
    RETURN QUERY SELECT u.import_id, u.rows_read, u.rows_loaded, u.rows_known, u.rows_rejected
        FROM member.import_run u WHERE u.import_id = id;
END
$$;
COMMENT ON FUNCTION member.import_points(boolean) IS
    'Posts the rows of member.import_row of kind earn and spend (member_key, points, and if they like wallet, usable_from, until, source, reason, at, key) by the time they name and their line, as points_post does. A row whose key was answered before is known; rows it can''t take go to member.import_reject. all_or_nothing: one such row refuses the import. Returns the reconciliation. Errors: MB230.';
