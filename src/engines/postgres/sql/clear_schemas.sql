-- The schemas, whether they are ours, and the statements that give them the privileges and the
-- comment that nobody ever changed.
SELECT n.oid, n.nspname, pg_has_role(n.nspowner, 'USAGE'), (
  SELECT string_agg(made.statement, '; ' ORDER BY made.step, made.statement) FROM (
    SELECT 1 AS step, format('REVOKE ALL ON SCHEMA %I FROM %s', n.nspname,
      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END) AS statement
    FROM (SELECT DISTINCT grantee FROM aclexplode(n.nspacl)) g WHERE n.nspacl IS DISTINCT FROM i.usual
    UNION ALL
    SELECT 2, format('GRANT %s ON SCHEMA %I TO %s', g.privilege_type, n.nspname,
      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END)
    FROM aclexplode(i.usual) g WHERE n.nspacl IS NOT NULL AND n.nspacl IS DISTINCT FROM i.usual
    UNION ALL
    SELECT 3, format('COMMENT ON SCHEMA %I IS %L', n.nspname, i.comment)
    WHERE obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM i.comment
  ) made)
FROM pg_namespace n
CROSS JOIN LATERAL (
  -- From PostgreSQL 15 on, pg_dump takes this for the usual of public, whoever owns it by now.
  SELECT coalesce(
      CASE WHEN n.nspname = 'public' AND current_setting('server_version_num')::int >= 150000
        THEN acldefault('n', n.nspowner) || makeaclitem(0, n.nspowner, 'USAGE', false) END,
      (SELECT p.initprivs FROM pg_init_privs p
        WHERE p.classoid = 'pg_namespace'::regclass AND p.objoid = n.oid AND p.objsubid = 0),
      acldefault('n', n.nspowner)) AS usual,
    CASE n.nspname WHEN 'public' THEN 'standard public schema' END AS comment
) i
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY n.nspname
