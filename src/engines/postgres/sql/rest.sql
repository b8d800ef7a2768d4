-- Schemas, extensions, and the server's own estimates of row counts.
'schemas', (SELECT coalesce(json_agg(name), '[]') FROM place),
'extensions', (SELECT coalesce(json_agg(json_build_object('name', e.extname, 'schema', n.nspname, 'version', e.extversion)), '[]')
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace),
'estimates', (SELECT coalesce(json_agg(json_build_array(n.name, c.relname, CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END)), '[]')
  FROM pg_class c JOIN place n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f'))
