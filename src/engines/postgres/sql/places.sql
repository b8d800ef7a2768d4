-- The schemas that are somebody's own.
place AS MATERIALIZED (
  SELECT oid, nspname AS name
  FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'ttplan_quarantine')
)
