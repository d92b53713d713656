-- Who may do what: every schema, routine, type, relation and column, by role. Roles without their prefix member_;
-- superuser: whoever installed the extension.
SET client_min_messages = warning;
SET member.clock = '2026-03-01 10:00+08';
SELECT member.setup('tea') > 0 AS set_up;
\pset format unaligned
\pset footer off
\pset tuples_only on

CREATE FUNCTION pg_temp.role(oid) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN $1 = 0 THEN 'PUBLIC' WHEN (SELECT rolsuper FROM pg_roles WHERE oid = $1) THEN 'superuser'
                ELSE regexp_replace((SELECT rolname FROM pg_roles WHERE oid = $1), '^member_', '') END
$$;
-- an access list as text: role=privileges, without what the owner has of itself
CREATE FUNCTION pg_temp.who(acl aclitem[], owner oid) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(g.role || '=' || g.privileges, ' ' ORDER BY g.role), '-')
    FROM (SELECT pg_temp.role(grantee) AS role,
                 string_agg(lower(privilege_type) || CASE WHEN is_grantable THEN '*' ELSE '' END, ',' ORDER BY privilege_type) AS privileges
          FROM aclexplode(acl) WHERE grantee <> owner GROUP BY grantee) g
$$;

-- the roles: none logs in, none has more than it is granted
SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
       (SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid) AS member_of
FROM pg_roles r WHERE rolname ~ '^member_(owner|admin|operator|app|report|store)$' ORDER BY 1;

-- schemas
SELECT nspname, 'owner ' || pg_temp.role(nspowner), pg_temp.who(coalesce(nspacl, acldefault('n', nspowner)), nspowner) FROM pg_namespace
WHERE nspname LIKE 'member%' ORDER BY 1;

-- routines that are not pure functions of the types, with their owner; definer: they act as it
SELECT p.oid::regprocedure, 'owner ' || pg_temp.role(proowner) || CASE WHEN prosecdef THEN ', definer' ELSE '' END,
       replace(pg_temp.who(coalesce(proacl, acldefault('f', proowner)), proowner), '=execute', '')
FROM pg_proc p JOIN pg_language l ON l.oid = prolang
WHERE pronamespace IN ('member'::regnamespace, 'member_internal'::regnamespace) AND (lanname <> 'c' OR pronamespace = 'member_internal'::regnamespace OR prosecdef) AND prokind <> 'a'
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- the pure functions and the aggregates: whoever may read a value may compute with it
SELECT count(*) > 100 AS many, pg_temp.role(proowner) AS owner, bool_or(prosecdef) AS definer, replace(pg_temp.who(coalesce(proacl, acldefault('f', proowner)), proowner), '=execute', '') AS who
FROM pg_proc p JOIN pg_language l ON l.oid = prolang
WHERE pronamespace = 'member'::regnamespace AND (lanname = 'c' OR prokind = 'a') AND NOT prosecdef
GROUP BY proowner, 4 ORDER BY 4;

-- types that are not rows of tables
SELECT t.oid::regtype, 'owner ' || pg_temp.role(typowner), pg_temp.who(coalesce(typacl, acldefault('T', typowner)), typowner)
FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE typnamespace IN ('member'::regnamespace, 'member_internal'::regnamespace) AND typelem = 0 AND coalesce(c.relkind, 'c') = 'c' ORDER BY t.oid::regtype::text COLLATE "C";

-- tables, views and sequences
SELECT c.oid::regclass, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE c.relkind::text END, 'owner ' || pg_temp.role(relowner),
       pg_temp.who(coalesce(relacl, acldefault((CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END)::"char", relowner)), relowner)
FROM pg_class c WHERE relnamespace IN ('member'::regnamespace, 'member_report'::regnamespace, 'member_internal'::regnamespace) AND relkind NOT IN ('i', 't', 'c')
ORDER BY c.oid::regclass::text COLLATE "C";

-- columns with privileges of their own
SELECT a.attrelid::regclass, a.attname, pg_temp.who(a.attacl, c.relowner) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE relnamespace IN ('member'::regnamespace, 'member_report'::regnamespace) AND a.attacl IS NOT NULL ORDER BY 1, 2;

-- what is made later in these schemas gets nothing by default
SELECT count(*) AS default_privileges FROM pg_default_acl WHERE defaclnamespace IN ('member'::regnamespace, 'member_report'::regnamespace, 'member_internal'::regnamespace);

-- migrate() leaves it all as it is
CREATE TEMP TABLE before AS SELECT c.oid, c.relacl FROM pg_class c WHERE relnamespace IN ('member'::regnamespace, 'member_report'::regnamespace);
SELECT member.migrate() = member_internal.layout() AS migrated;
SELECT count(*) AS changed FROM before b FULL JOIN (SELECT c.oid, c.relacl FROM pg_class c WHERE relnamespace IN ('member'::regnamespace, 'member_report'::regnamespace)) c USING (oid)
WHERE c.relacl::text IS DISTINCT FROM b.relacl::text;
