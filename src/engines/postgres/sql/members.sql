-- What belongs to extensions.
member AS MATERIALIZED (
  SELECT d.classid, d.objid, e.oid AS extension, e.extname AS name
  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
  WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
)
