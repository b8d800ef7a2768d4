-- What belongs to tables, would go with them, and is in no archive of single tables: extended
-- statistics and memberships in publications. Wants `asked (place, kind, schema, relation, name)`.
SELECT made.statement
FROM asked a
JOIN pg_namespace n ON n.nspname = a.schema
JOIN pg_class r ON r.relnamespace = n.oid AND r.relname = a.relation
CROSS JOIN LATERAL (
  SELECT 1 AS step, b.definition AS statement FROM attached b WHERE b.relation = r.oid AND b.classid = 'pg_statistic_ext'::regclass
  UNION ALL
  SELECT 2, format('ALTER STATISTICS %I.%I OWNER TO %I', sn.nspname, s.stxname, pg_get_userbyid(s.stxowner))
    FROM pg_statistic_ext s JOIN pg_namespace sn ON sn.oid = s.stxnamespace WHERE s.stxrelid = r.oid
  UNION ALL
  SELECT 3, format('COMMENT ON STATISTICS %I.%I IS %L', sn.nspname, s.stxname, obj_description(s.oid, 'pg_statistic_ext'))
    FROM pg_statistic_ext s JOIN pg_namespace sn ON sn.oid = s.stxnamespace
    WHERE s.stxrelid = r.oid AND obj_description(s.oid, 'pg_statistic_ext') IS NOT NULL
  UNION ALL
  SELECT 4, format('ALTER PUBLICATION %I ADD TABLE ONLY %I.%I%s%s', p.pubname, n.nspname, r.relname,
      ' (' || (SELECT string_agg(quote_ident(c.attname), ', ' ORDER BY u.place)
        FROM unnest(m.prattrs::int2[]) WITH ORDINALITY u (attnum, place)
        JOIN pg_attribute c ON c.attrelid = r.oid AND c.attnum = u.attnum) || ')',
      ' WHERE (' || pg_get_expr(m.prqual, m.prrelid) || ')')
    FROM pg_publication_rel m JOIN pg_publication p ON p.oid = m.prpubid WHERE m.prrelid = r.oid
) made
WHERE made.statement IS NOT NULL
ORDER BY a.place, made.step, made.statement
