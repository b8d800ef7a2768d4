-- All views and materialized views, in the shape of the model.
SELECT coalesce(json_agg(json_build_object(
  'schema', n.name,
  'name', c.relname,
  'materialized', c.relkind = 'm',
  'owner', pg_get_userbyid(c.relowner),
  'ours', pg_has_role(c.relowner, 'USAGE'),
  'extension', (SELECT m.name FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid),
  'definition', pg_get_viewdef(c.oid),
  'attachments', coalesce(t.list, '[]'),
  'attributes', coalesce(b.list, '{}')
)), '[]')
FROM pg_class c JOIN place n ON n.oid = c.relnamespace
LEFT JOIN attachments t ON t.relation = c.oid
LEFT JOIN attributes b ON b.relation = c.oid
WHERE c.relkind IN ('v', 'm')
