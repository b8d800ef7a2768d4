-- Triggers, policies, rules, statistics and (of materialized views) indexes, each with the
-- statements that make it. Definitions are whole: a disabled trigger says so.
attached AS MATERIALIZED (
  SELECT t.tgrelid AS relation, 'pg_trigger'::regclass::oid AS classid, t.oid AS objid, 'trigger' AS kind, t.tgname::text AS name,
    pg_get_triggerdef(t.oid) || CASE t.tgenabled
      WHEN 'D' THEN format('; ALTER TABLE %s DISABLE TRIGGER %I', r.full_name, t.tgname)
      WHEN 'R' THEN format('; ALTER TABLE %s ENABLE REPLICA TRIGGER %I', r.full_name, t.tgname)
      WHEN 'A' THEN format('; ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', r.full_name, t.tgname)
      ELSE '' END AS definition
  FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid
  WHERE NOT t.tgisinternal
  UNION ALL
  SELECT p.polrelid, 'pg_policy'::regclass, p.oid, 'policy', p.polname,
    format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, r.full_name,
      CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
      CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
      (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END, ', ' ORDER BY role)
       FROM unnest(p.polroles) role))
    || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
    || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
  FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
  UNION ALL
  SELECT w.ev_class, 'pg_rewrite'::regclass, w.oid, 'other', 'rule ' || w.rulename,
    pg_get_ruledef(w.oid) || CASE w.ev_enabled
      WHEN 'D' THEN format(' ALTER TABLE %s DISABLE RULE %I', r.full_name, w.rulename)
      WHEN 'R' THEN format(' ALTER TABLE %s ENABLE REPLICA RULE %I', r.full_name, w.rulename)
      WHEN 'A' THEN format(' ALTER TABLE %s ENABLE ALWAYS RULE %I', r.full_name, w.rulename)
      ELSE '' END
  FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class
  WHERE w.rulename <> '_RETURN'
  UNION ALL
  SELECT s.stxrelid, 'pg_statistic_ext'::regclass, s.oid, 'other', 'statistics ' || s.stxname,
    pg_get_statisticsobjdef(s.oid) || coalesce(format('; ALTER STATISTICS %I.%I SET STATISTICS ', n.nspname, s.stxname)
      || nullif(s.stxstattarget, -1), '')
  FROM pg_statistic_ext s JOIN relation r ON r.oid = s.stxrelid JOIN pg_namespace n ON n.oid = s.stxnamespace
  UNION ALL
  SELECT x.indrelid, 'pg_class'::regclass, x.indexrelid, 'index', i.relname,
    coalesce(o.definition, pg_get_indexdef(x.indexrelid))
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN relation r ON r.oid = x.indrelid
  LEFT JOIN index_option o ON o.index = i.oid
  WHERE r.relkind = 'm'
),
attachments AS MATERIALIZED (
  SELECT relation, json_agg(json_build_object('kind', kind, 'name', name, 'definition', definition)) AS list
  FROM attached GROUP BY relation
)
