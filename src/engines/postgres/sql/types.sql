-- Enums, domains, composite types, ranges and base types that were made by somebody.
SELECT coalesce(json_agg(json_build_object(
  'schema', n.name,
  'name', t.typname,
  'extension', (SELECT m.name FROM member m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid),
  'owned_by', null,
  'definition', CASE t.typtype
    WHEN 'e' THEN format('CREATE TYPE %I.%I AS ENUM (%s)', n.name, t.typname,
      (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
    WHEN 'd' THEN format('CREATE DOMAIN %I.%I AS %s', n.name, t.typname, concat_ws(' ',
      format_type(t.typbasetype, t.typtypmod),
      (SELECT format('COLLATE %I.%I', s.nspname, l.collname) FROM pg_collation l JOIN pg_namespace s ON s.oid = l.collnamespace
       WHERE l.oid = t.typcollation
         AND l.oid <> (SELECT b.typcollation FROM pg_type b WHERE b.oid = t.typbasetype)),
      'DEFAULT ' || t.typdefault,
      CASE WHEN t.typnotnull THEN 'NOT NULL' END,
      (SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), ' ' ORDER BY k.conname)
       FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c')))
    WHEN 'c' THEN format('CREATE TYPE %I.%I AS (%s)', n.name, t.typname,
      (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
       FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
    WHEN 'r' THEN (SELECT format('CREATE TYPE %I.%I AS RANGE (%s)', n.name, t.typname, concat_ws(', ',
        'SUBTYPE = ' || format_type(r.rngsubtype, null),
        'COLLATION = ' || nullif(r.rngcollation::regcollation::text, '-'),
        'SUBTYPE_DIFF = ' || nullif(r.rngsubdiff::oid, 0)::regproc::text,
        'CANONICAL = ' || nullif(r.rngcanonical::oid, 0)::regproc::text))
      FROM pg_range r WHERE r.rngtypid = t.oid)
    ELSE format('CREATE TYPE %I.%I (INPUT = %s, OUTPUT = %s)', n.name, t.typname, t.typinput, t.typoutput) END
)), '[]')
FROM pg_type t JOIN place n ON n.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c' OR t.typtype = 'b')
  AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
