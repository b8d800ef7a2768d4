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
  'columns', coalesce(l.list, '[]'),
  'primary_key', k.primary_key,
  'uniques', coalesce(k.uniques, '[]'),
  'foreign_keys', coalesce(f.list, '[]'),
  'checks', coalesce(q.list, '[]'),
  'indexes', coalesce(i.list, '[]'),
  'attachments', coalesce(t.list, '[]'),
  'attributes', coalesce(b.list, '{}')
)), '[]')
FROM relation c JOIN place n ON n.oid = c.relnamespace
LEFT JOIN column_list l ON l.relation = c.oid
LEFT JOIN key_list k ON k.relation = c.oid
LEFT JOIN foreign_key_list f ON f.relation = c.oid
LEFT JOIN check_list q ON q.relation = c.oid
LEFT JOIN index_list i ON i.relation = c.oid
LEFT JOIN attachments t ON t.relation = c.oid
LEFT JOIN attributes b ON b.relation = c.oid
WHERE c.relkind IN ('r', 'p', 'f')
