-- Statements that give relations, and the sequences that go with them, the privileges of an object
-- that nobody granted anything on. Wants `asked (place, kind, schema, relation, name)`.
named AS (
  SELECT r.oid FROM asked a JOIN pg_namespace n ON n.nspname = a.schema JOIN pg_class r ON r.relnamespace = n.oid AND r.relname = a.relation
),
touched AS (
  SELECT oid FROM named
  UNION
  SELECT d.objid FROM pg_depend d JOIN named t ON t.oid = d.refobjid
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
    AND EXISTS (SELECT FROM pg_class s WHERE s.oid = d.objid AND s.relkind = 'S')
)
SELECT made.statement
FROM touched t
JOIN pg_class r ON r.oid = t.oid
JOIN pg_namespace n ON n.oid = r.relnamespace
CROSS JOIN LATERAL (SELECT format('%s %I.%I', CASE r.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, r.relname) AS object) o
CROSS JOIN LATERAL (
  SELECT DISTINCT 1 AS step, format('REVOKE ALL ON %s FROM %s', o.object,
    CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END) AS statement
  FROM aclexplode(r.relacl) g
  UNION ALL
  SELECT 2, format('GRANT ALL ON %s TO %I', o.object, pg_get_userbyid(r.relowner))
) made
WHERE r.relacl IS NOT NULL
ORDER BY made.step, made.statement
