-- Faults of the installed functions; raises when there is one. tools/lint-sql runs it.
\set QUIET on
\pset footer off
SET client_min_messages = warning;
CREATE EXTENSION member;
CREATE EXTENSION plpgsql_check;

SELECT EXISTS (SELECT FROM pg_proc WHERE oid = to_regproc('member.setup')) AS has_setup \gset
\if :has_setup
SELECT member.setup('tea') \g /dev/null
\endif

-- The tables that an import, clusters and rules make for themselves.
CREATE TEMP TABLE import_work (line bigint, kind text, member_key text, at timestamptz, value bigint, purchase_no text,
    refund_no text, store text, channel text, wallet text, until date, lines text, phone text, name text, member_no bigint, seq bigint, reject text, row_id tid);
CREATE TEMP TABLE import_member (member_key text, member_no bigint, member_id bigint, is_new boolean, joined_at timestamptz, store text, channel text, phone text, name text);
-- And batch posting.
CREATE TEMP TABLE post_work (row_no bigint, line bigint, member_id bigint, kind text, points bigint, wallet text, usable_from date, until date, source text, reason text,
    actor text, at timestamptz, key text, unread text, detail text);
CREATE TEMP TABLE post_checked (LIKE post_work, active boolean, digest bytea, known integer, twin boolean, sqlstate text, refusal text, late text, late_reason text);
CREATE TEMP TABLE post_taken (row_no bigint, entry_no integer, points bigint, balance bigint, tier text, repeated boolean, sqlstate text, reason text);
CREATE TEMP TABLE post_answer (row_no bigint, line bigint, kind text, member_id bigint, entry_no integer, points bigint, balance bigint, tier text, repeated boolean, sqlstate text, reason text, detail text);

CREATE TEMP TABLE kmeans_raw (key bigint, point double precision[]);
CREATE TEMP TABLE kmeans_point (key bigint, point double precision[]);
CREATE TEMP TABLE kmeans_sample (key bigint, point double precision[]);
CREATE TEMP TABLE basket_line (member_id bigint, basket integer, item text);
CREATE TEMP TABLE cluster_of_member (member_id bigint, cluster integer);

CREATE TEMP TABLE fault AS
SELECT f.oid::regprocedure AS function,
       format('%s:%s: %s: %s', c.lineno, c.statement, c.level, c.message) AS fault
  FROM pg_proc f
  JOIN pg_language l ON l.oid = f.prolang AND l.lanname = 'plpgsql'
  LEFT JOIN pg_trigger t ON t.tgfoid = f.oid
 CROSS JOIN LATERAL plpgsql_check_function_tb(
           f.oid, coalesce(t.tgrelid, 0)::regclass,
           fatal_errors => false, extra_warnings => false, performance_warnings => false) c
 WHERE f.pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('member', 'member_internal'))
   AND (f.prorettype <> 'trigger'::regtype OR t.oid IS NOT NULL)
   AND c.level IN ('error', 'warning')
UNION
SELECT f.oid::regprocedure, 'has no comment'
  FROM pg_proc f
 WHERE f.pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('member', 'member_internal'))
   AND obj_description(f.oid, 'pg_proc') IS NULL;

SELECT count(*) > 0 AS faulty, count(*) AS faults FROM fault \gset
\if :faulty
TABLE fault ORDER BY function::text, fault;
DO $$ BEGIN RAISE EXCEPTION 'the functions above have faults'; END $$;
\endif
