-- All that has to go before a backup can be restored: every object that stands in a schema of the
-- user's, with the statement that drops it; what stands in none is told apart by `inside`.
place AS MATERIALIZED (
  SELECT oid, nspname AS name FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
),
node AS MATERIALIZED (
  SELECT DISTINCT d.classid, d.objid, true AS inside
  FROM pg_depend d JOIN place p ON p.oid = d.refobjid
  WHERE d.refclassid = 'pg_namespace'::regclass AND d.deptype = 'n' AND d.classid <> 'pg_extension'::regclass
    AND NOT EXISTS (SELECT FROM part o WHERE o.classid = d.classid AND o.objid = d.objid)
    AND NOT EXISTS (SELECT FROM member m WHERE m.classid = d.classid AND m.objid = d.objid)
  UNION ALL
  SELECT o.classid, o.objid, false FROM outside o
  WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = o.classid AND m.objid = o.objid)
),
-- What a part of one object needs of another: taken off first, so that no two objects hold each other.
hold AS MATERIALIZED (
  SELECT DISTINCT e.classid, e.objid FROM edge e
  WHERE e.wholeclass = 'pg_class'::regclass
    AND (e.classid IN ('pg_constraint'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass,
        'pg_statistic_ext'::regclass, 'pg_attrdef'::regclass)
      OR EXISTS (SELECT FROM pg_rewrite w WHERE e.classid = 'pg_rewrite'::regclass AND w.oid = e.objid AND w.rulename <> '_RETURN')
      OR EXISTS (SELECT FROM pg_index x WHERE e.classid = 'pg_class'::regclass AND x.indexrelid = e.objid))
),
-- Privileges that objects will be given when they are made, as far as we may take them back.
lasting AS (
  SELECT a.*,
    concat_ws(' ', format('ALTER DEFAULT PRIVILEGES FOR ROLE %I', pg_get_userbyid(a.defaclrole)),
      'IN SCHEMA ' || quote_ident(n.nspname)) AS head,
    CASE a.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
      WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS objects
  FROM pg_default_acl a LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace
  WHERE pg_has_role(a.defaclrole, 'USAGE')
)
