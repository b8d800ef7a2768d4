-- What would keep us from making these relations again as they are. Wants
-- `asked (place, kind, schema, relation, name)`.
SELECT o.words
FROM asked a
JOIN pg_namespace n ON n.nspname = a.schema
JOIN pg_class r ON r.relnamespace = n.oid AND r.relname = a.relation
CROSS JOIN LATERAL (
  SELECT format('it is published by `%s`, which belongs to role `%s`', p.pubname, pg_get_userbyid(p.pubowner)) AS words
  FROM pg_publication_rel m JOIN pg_publication p ON p.oid = m.prpubid
  WHERE m.prrelid = r.oid AND NOT pg_has_role(p.pubowner, 'USAGE')
  UNION ALL
  SELECT format('role `%s` gave away privileges on it', pg_get_userbyid(g.grantor))
  FROM (SELECT r.relacl AS acl UNION ALL SELECT c.attacl FROM pg_attribute c WHERE c.attrelid = r.oid) l
  CROSS JOIN LATERAL aclexplode(l.acl) g
  WHERE g.grantor <> r.relowner AND NOT (SELECT u.rolsuper FROM pg_roles u WHERE u.rolname = current_user)
  UNION ALL
  SELECT CASE WHEN r.relispartition THEN 'it is a partition of another table' WHEN r.relkind = 'p' THEN 'it has partitions'
    WHEN r.relkind = 'f' THEN 'its rows are on another server' END
  WHERE r.relispartition OR r.relkind IN ('p', 'f')
  UNION ALL
  SELECT format('it belongs to extension `%s`', e.extname)
  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
  WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
) o
ORDER BY a.place, o.words
LIMIT 1
