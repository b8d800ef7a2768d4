-- Whatever else a faithful copy of a table or view must have, as words; nothing where it is as usual.
attribute AS MATERIALIZED (
  SELECT b.relation, b.key, b.value FROM (
    SELECT r.oid AS relation, v.key, v.value
    FROM relation r CROSS JOIN carried CROSS JOIN LATERAL (VALUES
      ('persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' END),
      ('row security', CASE WHEN r.relrowsecurity THEN 'enabled' END),
      ('row security of owner', CASE WHEN r.relforcerowsecurity THEN 'forced' END),
      ('replica identity', CASE WHEN r.relkind IN ('r', 'p') THEN CASE r.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' END END),
      ('options', (SELECT string_agg(u.word, ', ' ORDER BY u.place)
        FROM unnest(r.reloptions) WITH ORDINALITY u (word, place)
        WHERE split_part(u.word, '=', 1)
          = ANY (CASE r.relkind WHEN 'v' THEN carried.of_view ELSE carried.of_table END))),
      ('toast options', (SELECT string_agg(u.word, ', ' ORDER BY u.place)
        FROM pg_class t CROSS JOIN LATERAL unnest(t.reloptions) WITH ORDINALITY u (word, place)
        WHERE t.oid = r.reltoastrelid AND split_part(u.word, '=', 1) = ANY (carried.of_toast))),
      ('tablespace', (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = r.reltablespace)),
      ('access method', (SELECT m.amname FROM pg_am m WHERE m.oid = r.relam AND m.amname <> 'heap')),
      ('type', CASE WHEN r.reloftype <> 0 THEN format_type(r.reloftype, null) END),
      ('partition key', CASE WHEN r.relkind = 'p' THEN pg_get_partkeydef(r.oid) END),
      ('partition bound', CASE WHEN r.relispartition THEN pg_get_expr(r.relpartbound, r.oid) END),
      ('inherits', (SELECT string_agg(p.full_name, ', ' ORDER BY i.inhseqno) FROM pg_inherits i JOIN relation p ON p.oid = i.inhparent
        WHERE i.inhrelid = r.oid)),
      ('foreign server', (SELECT concat_ws(' ', s.srvname, f.ftoptions) FROM pg_foreign_table f
        JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = r.oid)),
      ('populated', CASE WHEN r.relkind = 'm' AND NOT r.relispopulated THEN 'no' END),
      ('grants', CASE WHEN r.relacl IS NOT NULL THEN
        (SELECT CASE WHEN array_agg(i::text ORDER BY i::text) IS DISTINCT FROM
            (SELECT array_agg(u::text ORDER BY u::text) FROM unnest(acldefault('r', r.relowner)) u)
          THEN coalesce(string_agg(i::text, ', ' ORDER BY i::text), 'nobody') END FROM unnest(r.relacl) i) END)
    ) v (key, value)
    UNION ALL
    SELECT r.oid, v.key || quote_ident(a.attname), v.value
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    CROSS JOIN carried CROSS JOIN LATERAL (VALUES
      ('grants on column ', CASE WHEN cardinality(a.attacl) > 0 THEN
        (SELECT string_agg(i::text, ', ' ORDER BY i::text) FROM unnest(a.attacl) i) END),
      ('options of column ', (SELECT string_agg(u.word, ', ' ORDER BY u.place)
        FROM unnest(a.attoptions) WITH ORDINALITY u (word, place)
        WHERE split_part(u.word, '=', 1) = ANY (carried.of_column))),
      ('foreign options of column ', array_to_string(a.attfdwoptions, ', ')),
      ('statistics target of column ', nullif(a.attstattarget, -1)::text),
      ('compression of column ', CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END),
      ('storage of column ', CASE WHEN a.attstorage <> t.typstorage AND r.relkind IN ('r', 'p', 'm')
        THEN CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END),
      ('generation of column ', CASE a.attgenerated WHEN 'v' THEN 'virtual' END),
      ('default of column ', CASE WHEN r.relkind IN ('v', 'm') THEN
        (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = r.oid AND d.adnum = a.attnum) END)
    ) v (key, value)
    WHERE a.attacl IS NOT NULL OR a.attoptions IS NOT NULL OR a.attfdwoptions IS NOT NULL OR a.attgenerated = 'v'
      OR a.attstorage <> t.typstorage OR a.attstattarget <> -1
      OR a.attcompression <> '' OR r.relkind IN ('v', 'm') AND a.atthasdef
    UNION ALL
    SELECT r.oid, CASE d.objsubid WHEN 0 THEN 'comment' ELSE 'comment on column ' || quote_ident(a.attname) END, d.description
    FROM pg_description d JOIN relation r ON r.oid = d.objoid
    LEFT JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid <> 0
    WHERE d.classoid = 'pg_class'::regclass
    UNION ALL
    SELECT k.conrelid, 'comment on constraint ' || quote_ident(k.conname), d.description
    FROM pg_description d JOIN pg_constraint k ON k.oid = d.objoid
    WHERE d.classoid = 'pg_constraint'::regclass
    UNION ALL
    SELECT b.relation, 'comment on ' || CASE b.kind WHEN 'other' THEN b.name ELSE b.kind || ' ' || quote_ident(b.name) END, d.description
    FROM pg_description d JOIN attached b ON b.classid = d.classoid AND b.objid = d.objoid
    WHERE b.kind <> 'index'
    UNION ALL
    SELECT x.indrelid, v.key || quote_ident(i.relname), v.value
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN relation r ON r.oid = x.indrelid
    LEFT JOIN index_option o ON o.index = i.oid
    LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
    LEFT JOIN pg_description d ON d.objoid = i.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
    CROSS JOIN LATERAL (VALUES
      ('comment on index ', d.description),
      ('tablespace of index ', s.spcname),
      ('options of index ', o.list),
      ('state of index ', CASE WHEN NOT x.indisvalid THEN 'invalid' END),
      ('clustered on index ', CASE WHEN x.indisclustered THEN 'yes' END),
      ('replica identity index ', CASE WHEN x.indisreplident THEN 'yes' END)
    ) v (key, value)
    UNION ALL
    SELECT m.prrelid, 'publication ' || quote_ident(p.pubname),
      concat_ws(' ', 'member',
        '(' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
          FROM unnest(m.prattrs::int2[]) u (attnum)
          JOIN pg_attribute a ON a.attrelid = m.prrelid AND a.attnum = u.attnum) || ')',
        'WHERE ' || pg_get_expr(m.prqual, m.prrelid))
    FROM pg_publication_rel m JOIN pg_publication p ON p.oid = m.prpubid
  ) b
  WHERE b.value IS NOT NULL
),
attributes AS MATERIALIZED (
  SELECT relation, json_object_agg(key, value ORDER BY key) AS list FROM attribute GROUP BY relation
)
