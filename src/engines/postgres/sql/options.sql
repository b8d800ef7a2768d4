-- The options that `pg_dump` carries, by the kind of object that has them. Whatever else stands in
-- `reloptions` and `attoptions` the server wrote there for itself (15.20: `pg_attver` on every
-- column): no copy gets it, so it is no part of a schema.
carried AS MATERIALIZED (
  SELECT
    ARRAY['n_distinct', 'n_distinct_inherited'] AS of_column,
    ARRAY['security_barrier', 'security_invoker', 'check_option'] AS of_view,
    ARRAY['fillfactor', 'deduplicate_items', 'buffering', 'fastupdate', 'gin_pending_list_limit',
      'pages_per_range', 'autosummarize'] AS of_index,
    v.options AS of_toast,
    v.options || ARRAY['fillfactor', 'toast_tuple_target', 'parallel_workers',
      'user_catalog_table', 'autovacuum_analyze_threshold', 'autovacuum_analyze_scale_factor',
      'log_autoanalyze_min_duration'] AS of_table
  -- Of vacuum, which a table and what is toasted of it have alike.
  FROM (SELECT ARRAY['autovacuum_enabled', 'autovacuum_vacuum_threshold',
    'autovacuum_vacuum_max_threshold', 'autovacuum_vacuum_scale_factor',
    'autovacuum_vacuum_insert_threshold', 'autovacuum_vacuum_insert_scale_factor',
    'autovacuum_vacuum_cost_delay', 'autovacuum_vacuum_cost_limit', 'autovacuum_freeze_min_age',
    'autovacuum_freeze_max_age', 'autovacuum_freeze_table_age',
    'autovacuum_multixact_freeze_min_age', 'autovacuum_multixact_freeze_max_age',
    'autovacuum_multixact_freeze_table_age', 'autovacuum_parallel_workers',
    'log_autovacuum_min_duration', 'vacuum_index_cleanup', 'vacuum_truncate',
    'vacuum_max_eager_freeze_failure_rate'] AS options) v
),
-- The options of indexes as they are carried, for each index that has any. `definition` is there
-- where the server's own text of it shows others too. Access methods that somebody added have
-- options of their own, which are all carried.
index_option AS MATERIALIZED (
  SELECT o.oid AS index, o.list, CASE WHEN o.shown IS DISTINCT FROM o.kept THEN
    replace(pg_get_indexdef(o.oid), ' WITH (' || o.shown || ')',
      coalesce(' WITH (' || o.kept || ')', '')) END AS definition
  FROM (
    SELECT i.oid,
      string_agg(u.word, ', ' ORDER BY u.place) FILTER (WHERE w.is_carried) AS list,
      string_agg(w.spelled, ', ' ORDER BY u.place) FILTER (WHERE w.is_carried) AS kept,
      string_agg(w.spelled, ', ' ORDER BY u.place) AS shown
    FROM pg_class i JOIN place n ON n.oid = i.relnamespace CROSS JOIN carried
    CROSS JOIN LATERAL unnest(i.reloptions) WITH ORDINALITY u (word, place)
    CROSS JOIN LATERAL (SELECT split_part(u.word, '=', 1) AS name,
      substr(u.word, strpos(u.word, '=') + 1) AS value) p
    CROSS JOIN LATERAL (SELECT
      i.relam >= 16384 OR p.name = ANY (carried.of_index) AS is_carried,
      quote_ident(p.name) || '=' || CASE quote_ident(p.value) WHEN p.value THEN p.value
        ELSE quote_literal(p.value) END AS spelled) w
    WHERE i.relkind IN ('i', 'I')
    GROUP BY i.oid
  ) o
)
