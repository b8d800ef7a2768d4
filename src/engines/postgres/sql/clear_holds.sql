SELECT CASE
    WHEN k.oid IS NOT NULL THEN format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname)
    WHEN d.oid IS NOT NULL THEN format('ALTER TABLE %s ALTER COLUMN %I DROP %s', d.adrelid::regclass, a.attname,
      CASE a.attgenerated WHEN '' THEN 'DEFAULT' ELSE 'EXPRESSION IF EXISTS' END)
    ELSE format('DROP %s %s', upper(i.type), i.identity) END
FROM hold h
LEFT JOIN pg_constraint k ON h.classid = 'pg_constraint'::regclass AND k.oid = h.objid
LEFT JOIN pg_attrdef d ON h.classid = 'pg_attrdef'::regclass AND d.oid = h.objid
LEFT JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
LEFT JOIN pg_trigger t ON h.classid = 'pg_trigger'::regclass AND t.oid = h.objid
LEFT JOIN pg_class c ON h.classid = 'pg_class'::regclass AND c.oid = h.objid
CROSS JOIN LATERAL pg_identify_object(h.classid, h.objid, 0) i
-- What a table has from its parent goes when it goes there.
WHERE coalesce(k.conparentid, 0) = 0 AND coalesce(k.coninhcount, 0) = 0 AND coalesce(t.tgparentid, 0) = 0 AND c.relispartition IS NOT TRUE
ORDER BY CASE i.type WHEN 'index' THEN 2 WHEN 'statistics object' THEN 2 ELSE 1 END, i.identity
