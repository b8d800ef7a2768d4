-- What tables consist of, one list for each table; every catalogue is read once for all of them.
-- The names of columns at the places of their numbers, dropped ones included; also of tables elsewhere that
-- foreign keys refer to.
naming AS MATERIALIZED (
  SELECT a.attrelid AS relation, array_agg(a.attname::text ORDER BY a.attnum) AS names
  FROM pg_attribute a
  WHERE a.attnum > 0 AND (a.attrelid IN (SELECT oid FROM relation) OR a.attrelid IN (SELECT confrelid FROM pg_constraint))
  GROUP BY a.attrelid
),
column_list AS MATERIALIZED (
  SELECT a.attrelid AS relation, json_agg(json_build_object(
    'name', a.attname,
    'data_type', format_type(a.atttypid, a.atttypmod),
    'nullable', NOT a.attnotnull,
    -- A default names no column, so that the table need not be opened to read it.
    'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, 0) END,
    'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
    'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
    'collation', CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation
      THEN (SELECT format('%I.%I', s.nspname, l.collname) FROM pg_collation l JOIN pg_namespace s ON s.oid = l.collnamespace
        WHERE l.oid = a.attcollation) END
    ) ORDER BY a.attnum) AS list
  FROM relation r
  JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE r.relkind IN ('r', 'p', 'f')
  GROUP BY a.attrelid
),
key AS MATERIALIZED (
  SELECT k.conrelid AS relation, k.contype, json_build_object(
    'name', k.conname,
    'columns', ARRAY(SELECT a.names[attnum] FROM unnest(k.conkey) attnum),
    'options', nullif(concat_ws(' ',
      CASE WHEN x.indnullsnotdistinct THEN 'NULLS NOT DISTINCT' END,
      CASE WHEN k.conperiod THEN 'WITHOUT OVERLAPS' END,
      CASE WHEN x.indnatts > x.indnkeyatts THEN 'INCLUDE (' || (SELECT string_agg(quote_ident(a.names[u.attnum]), ', ' ORDER BY u.place)
        FROM unnest(x.indkey::int2[]) WITH ORDINALITY u (attnum, place) WHERE u.place > x.indnkeyatts) || ')' END,
      CASE WHEN k.condeferrable THEN 'DEFERRABLE' END,
      CASE WHEN k.condeferred THEN 'INITIALLY DEFERRED' END), '')) AS key
  FROM pg_constraint k JOIN pg_index x ON x.indexrelid = k.conindid JOIN naming a ON a.relation = k.conrelid
  WHERE k.contype IN ('p', 'u')
),
key_list AS MATERIALIZED (
  SELECT relation, json_agg(key) FILTER (WHERE contype = 'p') -> 0 AS primary_key, json_agg(key) FILTER (WHERE contype = 'u') AS uniques
  FROM key GROUP BY relation
),
foreign_key_list AS MATERIALIZED (
  SELECT k.conrelid AS relation, json_agg(json_build_object(
    'name', k.conname,
    'columns', ARRAY(SELECT a.names[attnum] FROM unnest(k.conkey) attnum),
    'foreign_schema', fn.nspname,
    'foreign_table', f.relname,
    'foreign_columns', ARRAY(SELECT b.names[attnum] FROM unnest(k.confkey) attnum),
    'on_delete', CASE k.confdeltype WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL'
      WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END,
    'on_update', CASE k.confupdtype WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL'
      WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END,
    'options', nullif(concat_ws(' ',
      CASE WHEN k.confmatchtype = 'f' THEN 'MATCH FULL' END,
      'SET (' || (SELECT string_agg(quote_ident(a.names[u.attnum]), ', ' ORDER BY u.place)
        FROM unnest(k.confdelsetcols) WITH ORDINALITY u (attnum, place)) || ') ON DELETE',
      CASE WHEN k.condeferrable THEN 'DEFERRABLE' END,
      CASE WHEN k.condeferred THEN 'INITIALLY DEFERRED' END,
      CASE WHEN NOT k.conenforced THEN 'NOT ENFORCED' END,
      CASE WHEN NOT k.convalidated THEN 'NOT VALID' END), '')
    )) AS list
  FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
  JOIN naming a ON a.relation = k.conrelid
  JOIN naming b ON b.relation = k.confrelid
  WHERE k.contype = 'f'
  GROUP BY k.conrelid
),
check_list AS MATERIALIZED (
  SELECT k.conrelid AS relation, json_agg(json_build_object('schema', n.name, 'name', k.conname, 'extension', null, 'owned_by', null,
    'definition', pg_get_constraintdef(k.oid))) AS list
  FROM pg_constraint k JOIN place n ON n.oid = k.connamespace
  WHERE k.conrelid <> 0 AND k.contype IN ('c', 'x')
  GROUP BY k.conrelid
),
index_list AS MATERIALIZED (
  SELECT x.indrelid AS relation, json_agg(json_build_object(
    'name', i.relname,
    'unique', x.indisunique,
    'columns', (SELECT json_agg(coalesce(a.names[u.attnum], pg_get_indexdef(x.indexrelid, u.place::int, true)) ORDER BY u.place)
      FROM unnest(x.indkey::int2[]) WITH ORDINALITY u (attnum, place) WHERE u.place <= x.indnkeyatts),
    'predicate', pg_get_expr(x.indpred, x.indrelid),
    'definition', coalesce(o.definition, pg_get_indexdef(x.indexrelid)))) AS list
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN naming a ON a.relation = x.indrelid
  LEFT JOIN index_option o ON o.index = i.oid
  WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
  GROUP BY x.indrelid
)
