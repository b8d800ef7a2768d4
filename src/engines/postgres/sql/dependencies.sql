-- Who cannot stay as it is when another goes, object by object: everything that would make a DROP
-- fail, and the two things that a DROP takes along without a word (partitions, triggers of others).
-- Foreign keys between tables that are shown stand with their tables.
SELECT coalesce(json_agg(DISTINCT jsonb_build_object(
  'on', jsonb_build_object('kind', needed.kind, 'schema', needed.schema, 'name', needed.name, 'table', null),
  'dependent', CASE
    WHEN r.relkind IN ('v', 'm') AND (e.classid = 'pg_attrdef'::regclass OR w.rulename = '_RETURN') THEN
      jsonb_build_object('kind', CASE r.relkind WHEN 'm' THEN 'materialized_view' ELSE 'view' END,
        'schema', rn.nspname, 'name', r.relname, 'table', null)
    WHEN r.relkind = 'S' THEN
      jsonb_build_object('kind', 'sequence', 'schema', rn.nspname, 'name', r.relname, 'table', null)
    WHEN e.classid = 'pg_class'::regclass AND e.objid = r.oid AND e.objsubid = 0 THEN
      jsonb_build_object('kind', 'table', 'schema', rn.nspname, 'name', r.relname, 'table', null)
    WHEN r.oid IS NOT NULL THEN
      jsonb_build_object('kind', coalesce(p.kind, 'other'), 'schema', rn.nspname,
        'name', coalesce(p.name, pg_describe_object(e.classid, e.objid, e.objsubid)), 'table', r.relname)
    WHEN t.oid IS NOT NULL THEN
      jsonb_build_object('kind', 'type', 'schema', tn.nspname, 'name', t.typname, 'table', null)
    WHEN f.oid IS NOT NULL THEN
      jsonb_build_object('kind', 'function', 'schema', fn.nspname,
        'name', format('%s(%s)', f.proname, oidvectortypes(f.proargtypes)), 'table', null)
    ELSE
      (SELECT jsonb_build_object('kind', 'other', 'schema', coalesce(i.schema, ''), 'name', i.type || ' ' || i.identity, 'table', null)
       FROM pg_identify_object(e.classid, e.objid, 0) i)
    END)), '[]')
FROM edge e
-- What is needed, by name.
JOIN LATERAL (
  SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind,
    n.name AS schema, c.relname::text AS name, c.oid AS relation
  FROM pg_class c JOIN place n ON n.oid = c.relnamespace
  WHERE e.neededclass = 'pg_class'::regclass AND c.oid = e.needed
  UNION ALL
  SELECT 'type', n.name, t.typname, 0 FROM pg_type t JOIN place n ON n.oid = t.typnamespace
  WHERE e.neededclass = 'pg_type'::regclass AND t.oid = e.needed
  UNION ALL
  SELECT 'function', n.name, format('%s(%s)', f.proname, oidvectortypes(f.proargtypes)), 0
  FROM pg_proc f JOIN place n ON n.oid = f.pronamespace
  WHERE e.neededclass = 'pg_proc'::regclass AND f.oid = e.needed
) needed ON true
-- The dependent by the kinds it can be of.
LEFT JOIN pg_class r ON e.wholeclass = 'pg_class'::regclass AND r.oid = e.whole
LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
LEFT JOIN pg_type t ON e.wholeclass = 'pg_type'::regclass AND t.oid = e.whole
LEFT JOIN pg_namespace tn ON tn.oid = t.typnamespace
LEFT JOIN pg_proc f ON e.wholeclass = 'pg_proc'::regclass AND f.oid = e.whole
LEFT JOIN pg_namespace fn ON fn.oid = f.pronamespace
LEFT JOIN pg_constraint k ON e.classid = 'pg_constraint'::regclass AND k.oid = e.objid
LEFT JOIN pg_rewrite w ON e.classid = 'pg_rewrite'::regclass AND w.oid = e.objid
-- The part of the dependent that depends.
LEFT JOIN LATERAL (
  SELECT 'constraint' AS kind, k.conname::text AS name WHERE k.oid IS NOT NULL
  UNION ALL SELECT 'other', 'rule ' || w.rulename WHERE w.oid IS NOT NULL
  UNION ALL SELECT 'trigger', g.tgname FROM pg_trigger g WHERE e.classid = 'pg_trigger'::regclass AND g.oid = e.objid
  UNION ALL SELECT 'policy', p.polname FROM pg_policy p WHERE e.classid = 'pg_policy'::regclass AND p.oid = e.objid
  UNION ALL SELECT 'index', i.relname FROM pg_class i WHERE e.classid = 'pg_class'::regclass AND i.oid = e.objid AND i.relkind IN ('i', 'I')
  UNION ALL SELECT 'other', 'statistics ' || s.stxname FROM pg_statistic_ext s
    WHERE e.classid = 'pg_statistic_ext'::regclass AND s.oid = e.objid
  UNION ALL SELECT 'other', 'column ' || a.attname FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE e.classid = 'pg_attrdef'::regclass AND d.oid = e.objid
  UNION ALL SELECT 'other', 'column ' || a.attname FROM pg_attribute a
    WHERE e.classid = 'pg_class'::regclass AND e.objsubid > 0 AND a.attrelid = e.objid AND a.attnum = e.objsubid
) p ON true
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = e.neededclass AND m.objid = e.needed)
-- Asked of the edge alone, so that the many foreign keys go before anything is looked up for them.
AND (e.classid, e.objid, e.neededclass, e.needed) NOT IN (
  SELECT 'pg_constraint'::regclass, f.oid, 'pg_class'::regclass, f.confrelid
  FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN place n ON n.oid = c.relnamespace WHERE f.contype = 'f')
