-- All tables with everything that belongs to them, in the shape of the model.
SELECT coalesce(json_agg(json_build_object(
  'schema', n.name,
  'name', c.relname,
  'sort', CASE
    WHEN c.relkind = 'f' THEN 'foreign'
    WHEN c.relispartition THEN 'partition'
    WHEN c.relkind = 'p' THEN 'partitioned'
    WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) THEN 'inherited'
    ELSE 'ordinary' END,
  'owner', pg_get_userbyid(c.relowner),
  'ours', pg_has_role(c.relowner, 'USAGE'),
  'extension', (SELECT m.name FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid),

  'columns', (
    SELECT coalesce(json_agg(json_build_object(
      'name', a.attname,
      'data_type', format_type(a.atttypid, a.atttypmod),
      'nullable', NOT a.attnotnull,
      'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
      'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
      'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
      'collation', CASE WHEN a.attcollation <> 0 AND a.attcollation <> (SELECT t.typcollation FROM pg_type t WHERE t.oid = a.atttypid)
        THEN (SELECT format('%I.%I', s.nspname, l.collname) FROM pg_collation l JOIN pg_namespace s ON s.oid = l.collnamespace
         WHERE l.oid = a.attcollation) END
      ) ORDER BY a.attnum), '[]')
    FROM pg_attribute a
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),

  'primary_key', k.primary_key,
  'uniques', k.uniques,
  'foreign_keys', (
    SELECT coalesce(json_agg(json_build_object(
      'name', k.conname,
      'columns', (SELECT json_agg(a.attname ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u (attnum, place)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
      'foreign_schema', fn.nspname,
      'foreign_table', f.relname,
      'foreign_columns', (SELECT json_agg(a.attname ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY u (attnum, place)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum),
      'on_delete', CASE k.confdeltype WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL'
        WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END,
      'on_update', CASE k.confupdtype WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL'
        WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END,
      'options', nullif(concat_ws(' ',
        CASE WHEN k.confmatchtype = 'f' THEN 'MATCH FULL' END,
        'SET (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)
          FROM unnest(k.confdelsetcols) WITH ORDINALITY u (attnum, place)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) || ') ON DELETE',
        CASE WHEN k.condeferrable THEN 'DEFERRABLE' END,
        CASE WHEN k.condeferred THEN 'INITIALLY DEFERRED' END,
        CASE WHEN NOT k.conenforced THEN 'NOT ENFORCED' END,
        CASE WHEN NOT k.convalidated THEN 'NOT VALID' END), '')
      )), '[]')
    FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
    WHERE k.conrelid = c.oid AND k.contype = 'f'),

  'checks', (
    SELECT coalesce(json_agg(json_build_object('schema', n.name, 'name', k.conname, 'extension', null, 'owned_by', null,
      'definition', pg_get_constraintdef(k.oid))), '[]')
    FROM pg_constraint k
    WHERE k.conrelid = c.oid AND k.contype IN ('c', 'x')),

  'indexes', (
    SELECT coalesce(json_agg(json_build_object(
      'name', i.relname,
      'unique', x.indisunique,
      'columns', (SELECT json_agg(coalesce(a.attname, pg_get_indexdef(x.indexrelid, u.place::int, true)) ORDER BY u.place)
        FROM unnest(x.indkey::int2[]) WITH ORDINALITY u (attnum, place)
        LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = u.attnum
        WHERE u.place <= x.indnkeyatts),
      'predicate', pg_get_expr(x.indpred, x.indrelid),
      'definition', pg_get_indexdef(x.indexrelid))), '[]')
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
    WHERE x.indrelid = c.oid
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))),

  'attachments', coalesce(t.list, '[]'),
  'attributes', coalesce(b.list, '{}')
)), '[]')
FROM pg_class c JOIN place n ON n.oid = c.relnamespace
LEFT JOIN attachments t ON t.relation = c.oid
LEFT JOIN attributes b ON b.relation = c.oid
CROSS JOIN LATERAL (
  SELECT json_agg(l.key) FILTER (WHERE l.contype = 'p') -> 0 AS primary_key,
    coalesce(json_agg(l.key) FILTER (WHERE l.contype = 'u'), '[]') AS uniques
  FROM (
    SELECT k.contype, json_build_object(
      'name', k.conname,
      'columns', (SELECT json_agg(a.attname ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u (attnum, place)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
      'options', nullif(concat_ws(' ',
        CASE WHEN x.indnullsnotdistinct THEN 'NULLS NOT DISTINCT' END,
        CASE WHEN k.conperiod THEN 'WITHOUT OVERLAPS' END,
        'INCLUDE (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)
          FROM unnest(x.indkey::int2[]) WITH ORDINALITY u (attnum, place)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
          WHERE u.place > x.indnkeyatts) || ')',
        CASE WHEN k.condeferrable THEN 'DEFERRABLE' END,
        CASE WHEN k.condeferred THEN 'INITIALLY DEFERRED' END), '')) AS key
    FROM pg_constraint k JOIN pg_index x ON x.indexrelid = k.conindid
    WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u')
  ) l
) k
WHERE c.relkind IN ('r', 'p', 'f')
