-- The options that no copy gets, each once for a kind of object.
SELECT coalesce(json_agg(json_build_array(o.kind, o.name) ORDER BY o.kind, o.name), '[]')
FROM (
  SELECT DISTINCT s.kind, split_part(u.word, '=', 1) AS name
  FROM (
    -- The columns of an index have the options of operator classes, which its definition shows.
    SELECT 'column' AS kind, carried.of_column AS known, a.attoptions AS options
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN place n ON n.oid = c.relnamespace
    CROSS JOIN carried
    WHERE a.attoptions IS NOT NULL AND c.relkind NOT IN ('i', 'I')
    UNION ALL
    SELECT k.kind, CASE k.kind WHEN 'view' THEN carried.of_view WHEN 'index' THEN carried.of_index
      ELSE carried.of_table END, c.reloptions
    FROM pg_class c JOIN place n ON n.oid = c.relnamespace CROSS JOIN carried
    CROSS JOIN LATERAL (SELECT CASE WHEN c.relkind = 'v' THEN 'view'
      WHEN c.relkind IN ('i', 'I') THEN 'index' ELSE 'table' END AS kind) k
    WHERE c.reloptions IS NOT NULL AND NOT (k.kind = 'index' AND c.relam >= 16384)
    UNION ALL
    SELECT 'toast', carried.of_toast, t.reloptions
    FROM relation r JOIN pg_class t ON t.oid = r.reltoastrelid CROSS JOIN carried
    WHERE t.reloptions IS NOT NULL
  ) s CROSS JOIN LATERAL unnest(s.options) u (word)
  WHERE split_part(u.word, '=', 1) <> ALL (s.known)
) o
