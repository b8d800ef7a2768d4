-- Tables and views of the user's schemas by their full, quoted name.
relation AS MATERIALIZED (
  SELECT c.*, format('%I.%I', n.name, c.relname) AS full_name
  FROM pg_class c JOIN place n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
)
