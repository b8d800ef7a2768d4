-- The statements that make constraints, indexes, triggers and policies again, in their order. Wants
-- `asked (place, kind, schema, relation, name)`. Names that may be null are quoted by `quote_ident`, because
-- `%I` does not take null even where the row is not wanted.
SELECT a.place, made.statement
FROM asked a
JOIN pg_namespace n ON n.nspname = a.schema
JOIN pg_class r ON r.relnamespace = n.oid AND r.relname = a.relation
CROSS JOIN LATERAL (SELECT format('%I.%I', n.nspname, r.relname) AS relation) full_name
LEFT JOIN pg_constraint k ON a.kind = 'constraint' AND k.conrelid = r.oid AND k.conname = a.name
LEFT JOIN pg_class i ON i.relkind IN ('i', 'I') AND i.oid = CASE a.kind
  -- The index behind a constraint is made with it; a foreign key only uses somebody else's.
  WHEN 'constraint' THEN CASE WHEN k.contype IN ('p', 'u', 'x') THEN k.conindid END
  WHEN 'index' THEN (SELECT x.indexrelid FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
    WHERE x.indrelid = r.oid AND c.relname = a.name) END
LEFT JOIN pg_index x ON x.indexrelid = i.oid
LEFT JOIN index_option o ON o.index = i.oid
LEFT JOIN attached b ON b.relation = r.oid AND b.kind = a.kind AND b.name = a.name AND a.kind IN ('trigger', 'policy')
CROSS JOIN LATERAL (
  SELECT 1 AS step, b.definition AS statement
  UNION ALL
  SELECT 1, format('ALTER TABLE %s ADD CONSTRAINT %s %s', full_name.relation, quote_ident(k.conname), pg_get_constraintdef(k.oid))
    WHERE k.oid IS NOT NULL
  UNION ALL
  SELECT 1, coalesce(o.definition, pg_get_indexdef(i.oid)) WHERE a.kind = 'index' AND i.oid IS NOT NULL
  UNION ALL
  SELECT 2, format('ALTER INDEX %I.%s SET (%s)', n.nspname, quote_ident(i.relname), o.list)
    WHERE a.kind = 'constraint' AND o.list IS NOT NULL
  UNION ALL
  SELECT 2, format('ALTER INDEX %I.%s SET TABLESPACE %I', n.nspname, quote_ident(i.relname), s.spcname)
    FROM pg_tablespace s WHERE s.oid = i.reltablespace
  UNION ALL
  SELECT 2, format('ALTER INDEX %I.%s ALTER COLUMN %s SET STATISTICS %s', n.nspname, quote_ident(i.relname), c.attnum, c.attstattarget)
    FROM pg_attribute c WHERE c.attrelid = i.oid AND c.attstattarget >= 0
  UNION ALL
  SELECT 3, format('ALTER TABLE %s CLUSTER ON %s', full_name.relation, quote_ident(i.relname)) WHERE x.indisclustered
  UNION ALL
  SELECT 3, format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %s', full_name.relation, quote_ident(i.relname)) WHERE x.indisreplident
  UNION ALL
  SELECT 4, format('COMMENT ON CONSTRAINT %s ON %s IS %L', quote_ident(k.conname), full_name.relation,
      obj_description(k.oid, 'pg_constraint'))
    WHERE obj_description(k.oid, 'pg_constraint') IS NOT NULL
  UNION ALL
  SELECT 4, format('COMMENT ON INDEX %I.%s IS %L', n.nspname, quote_ident(i.relname), obj_description(i.oid, 'pg_class'))
    WHERE obj_description(i.oid, 'pg_class') IS NOT NULL
  UNION ALL
  SELECT 4, format('COMMENT ON %s %s ON %s IS %L', upper(b.kind), quote_ident(b.name), full_name.relation, d.description)
    FROM pg_description d WHERE d.classoid = b.classid AND d.objoid = b.objid
) made
WHERE made.statement IS NOT NULL
ORDER BY a.place, made.step, made.statement
