-- Default privileges that we may take back, and large objects.
SELECT made.statement FROM (
  SELECT 1 AS step, format('%s REVOKE ALL ON %s FROM %s', l.head, l.objects,
    CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END) AS statement
  FROM lasting l CROSS JOIN LATERAL (SELECT DISTINCT grantee FROM aclexplode(l.defaclacl)) g
  UNION ALL
  SELECT 2, format('%s GRANT ALL ON %s TO %I', l.head, l.objects, pg_get_userbyid(l.defaclrole)) FROM lasting l WHERE l.defaclnamespace = 0
  UNION ALL
  SELECT 2, format('%s GRANT %s TO PUBLIC', l.head, CASE l.defaclobjtype WHEN 'f' THEN 'EXECUTE ON FUNCTIONS' ELSE 'USAGE ON TYPES' END)
  FROM lasting l WHERE l.defaclnamespace = 0 AND l.defaclobjtype IN ('f', 'T')
  UNION ALL
  SELECT 3, format('SELECT pg_catalog.lo_unlink(%s)', oid) FROM pg_largeobject_metadata
) made
ORDER BY made.step, made.statement
