-- The SQLSTATEs of class MB: what the header defines, what C and SQL raise, and what the reference documents are one list.
-- The lists are read from the sources: psql runs in the root of the tree.
\set ON_ERROR_STOP 1
\set header `sed -nE "s/^#define (ERRCODE_[A-Z_]+) MB\('(.)', '(.)', '(.)'\).*/\1=MB\2\3\4/p" src/errors.h | tr '\n' ' '`
\set in_c `grep -rhoE --include='*.c' 'ERRCODE_[A-Z_]+' src | sort -u | tr '\n' ' '`
\set in_sql `sed 's/--.*//' sql/*/*.sql | grep -v "^ *'.*Errors:" | grep -oE "'MB[0-9A-Z]{3}'" | tr -d "'" | sort -u | tr '\n' ' '`
\set in_comments `grep -hoE "MB[0-9]{3}" sql/*/*.sql | sort -u | tr '\n' ' '`
\set in_docs `if [ -e docs/reference/errors.md ]; then grep -oE 'MB[0-9A-Z]{3}' docs/reference/errors.md | sort -u | tr '\n' ' '; fi`
\set in_readmes `cat README.md README.zh-CN.md docs/*/*.md docs/*/*/*.md 2>/dev/null | grep -oE '\bMB[0-9]{3}\b' | sort -u | tr '\n' ' '`
SELECT * FROM no_plan();

CREATE TEMP TABLE header AS SELECT split_part(x, '=', 1) AS name, split_part(x, '=', 2) AS code FROM regexp_split_to_table(trim(:'header'), ' ') x;
CREATE TEMP TABLE used AS
    SELECT code, 'sql' AS where FROM regexp_split_to_table(trim(:'in_sql'), ' ') code
    UNION SELECT h.code, 'c' FROM regexp_split_to_table(trim(:'in_c'), ' ') n JOIN header h ON h.name = n;

SELECT cmp_ok(count(*)::int, '>=', 30, 'the header was read') FROM header;
SELECT is_empty('SELECT code FROM header GROUP BY code HAVING count(*) > 1', 'no two errors of the header share a SQLSTATE');
SELECT is_empty($$ SELECT code FROM header WHERE code !~ '^MB[0-9A-Z]{3}$' OR code LIKE 'MB%000' $$, 'they are of class MB');
SELECT is_empty('SELECT code FROM used EXCEPT SELECT code FROM header', 'what is raised is in the header');
SELECT is_empty('SELECT code FROM header EXCEPT SELECT code FROM used', 'what is in the header is raised');
SELECT is_empty(format('SELECT code FROM regexp_split_to_table(%L, '' '') code EXCEPT SELECT code FROM header', trim(:'in_comments')), 'what comments of functions name is in the header');
SELECT CASE WHEN :'in_docs' = '' THEN skip('docs/reference/errors.md is not there', 1)
       ELSE set_eq(format('SELECT code FROM regexp_split_to_table(%L, '' '') code', trim(:'in_docs')), 'SELECT code FROM header', 'docs/reference/errors.md has each, and no other') END;
SELECT CASE WHEN :'in_readmes' = '' THEN skip('no other document names one', 1)
       ELSE is_empty(format('SELECT code FROM regexp_split_to_table(%L, '' '') code EXCEPT SELECT code FROM header', trim(:'in_readmes')), 'what the documents name is in the header') END;

-- a comment that promises errors promises those the function's own text can raise at least
SELECT is_empty($$
    SELECT p.oid::regprocedure, m[1] FROM pg_proc p, regexp_matches(p.prosrc, 'refuse\(''(MB\d{3})''', 'g') m
    WHERE p.pronamespace = 'member'::regnamespace
      AND NOT coalesce(obj_description(p.oid, 'pg_proc') LIKE '%' || m[1] || '%', false)
      AND NOT (m[1] BETWEEN 'MB401' AND 'MB405' AND obj_description(p.oid, 'pg_proc') LIKE '%MB401 to MB405%') $$,
    'every error a function of the API raises itself stands in its comment');

SELECT * FROM finish();
