-- All sequences without their last values, which are data.
SELECT coalesce(json_agg(json_build_object(
  'schema', n.name,
  'name', c.relname,
  'extension', (SELECT m.name FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid),
  'owned_by', CASE WHEN t.relnamespace = c.relnamespace THEN t.relname ELSE tn.nspname || '.' || t.relname END,
  'definition', format('CREATE SEQUENCE %I.%I AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s%s%s',
    n.name, c.relname, format_type(s.seqtypid, null), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
    CASE WHEN s.seqcycle THEN ' CYCLE' END,
    CASE WHEN d.objid IS NOT NULL THEN format(' OWNED BY %I.%I.%I', tn.nspname, t.relname, a.attname) END)
)), '[]')
FROM pg_class c JOIN place n ON n.oid = c.relnamespace JOIN pg_sequence s ON s.seqrelid = c.oid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
  AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class t ON t.oid = d.refobjid
LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
