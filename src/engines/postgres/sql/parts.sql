-- Every object that is a part of another and goes when that goes: the table of an index, the view
-- of its rule, the table of a row type, of a serial sequence, of a policy. Nothing stands twice.
-- Whatever initdb made has a number below 16384 (FirstNormalObjectId) and is left out.
part_direct AS MATERIALIZED (
  SELECT 'pg_class'::regclass::oid AS classid, indexrelid AS objid, 'pg_class'::regclass::oid AS wholeclass, indrelid AS whole
  FROM pg_index WHERE indexrelid >= 16384
  UNION ALL
  SELECT 'pg_constraint'::regclass, oid,
    CASE WHEN conrelid <> 0 THEN 'pg_class'::regclass ELSE 'pg_type'::regclass END,
    CASE WHEN conrelid <> 0 THEN conrelid ELSE contypid END
  FROM pg_constraint WHERE oid >= 16384
  UNION ALL
  SELECT 'pg_attrdef'::regclass, oid, 'pg_class'::regclass, adrelid FROM pg_attrdef WHERE oid >= 16384
  UNION ALL
  SELECT 'pg_trigger'::regclass, oid, 'pg_class'::regclass, tgrelid FROM pg_trigger WHERE oid >= 16384
  UNION ALL
  SELECT 'pg_policy'::regclass, oid, 'pg_class'::regclass, polrelid FROM pg_policy WHERE oid >= 16384
  UNION ALL
  SELECT 'pg_rewrite'::regclass, oid, 'pg_class'::regclass, ev_class FROM pg_rewrite WHERE oid >= 16384
  UNION ALL
  SELECT 'pg_statistic_ext'::regclass, oid, 'pg_class'::regclass, stxrelid FROM pg_statistic_ext WHERE oid >= 16384
  UNION ALL
  -- Row types, array types, multirange types, the relation behind a composite type, constructors of ranges.
  SELECT classid, objid, refclassid, refobjid
  FROM pg_depend
  WHERE deptype = 'i' AND objid >= 16384 AND objsubid = 0 AND classid IN ('pg_type'::regclass, 'pg_class'::regclass, 'pg_proc'::regclass)
    AND refclassid IN ('pg_type'::regclass, 'pg_class'::regclass) AND refobjsubid = 0
  UNION ALL
  -- Sequences of serial and identity columns.
  SELECT d.classid, d.objid, d.refclassid, d.refobjid
  FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
    AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
),
-- A part of a part belongs to the whole: the array of a row type to its table.
part AS MATERIALIZED (
  SELECT a.classid, a.objid, coalesce(c.wholeclass, b.wholeclass, a.wholeclass) AS wholeclass, coalesce(c.whole, b.whole, a.whole) AS whole
  FROM part_direct a
  LEFT JOIN part_direct b ON b.classid = a.wholeclass AND b.objid = a.whole
  LEFT JOIN part_direct c ON c.classid = b.wholeclass AND c.objid = b.whole
),
-- Who needs whom, across wholes: `whole` with its part (classid, objid, objsubid) needs `needed`.
edge AS MATERIALIZED (
  SELECT d.classid, d.objid, d.objsubid, w.wholeclass, w.whole, w.neededclass, w.needed
  FROM pg_depend d
  LEFT JOIN part dp ON dp.classid = d.classid AND dp.objid = d.objid
  LEFT JOIN part rp ON rp.classid = d.refclassid AND rp.objid = d.refobjid
  CROSS JOIN LATERAL (SELECT coalesce(dp.wholeclass, d.classid) AS wholeclass, coalesce(dp.whole, d.objid) AS whole,
    coalesce(rp.wholeclass, d.refclassid) AS neededclass, coalesce(rp.whole, d.refobjid) AS needed) w
  WHERE d.objid >= 16384 AND d.refobjid >= 16384
    AND (w.wholeclass, w.whole) <> (w.neededclass, w.needed)
    AND CASE d.deptype
      -- What goes along by itself (a row of a publication) stands in nobody's way. Compared so that
      -- the few rows of the dependent are searched, and not the many of what it needs.
      WHEN 'n' THEN NOT EXISTS (SELECT FROM pg_depend a WHERE a.classid = d.classid AND a.objid = d.objid
        AND a.deptype IN ('a', 'i')
        AND (a.refclassid, a.refobjid) IS NOT DISTINCT FROM (w.neededclass, w.needed))
      WHEN 'a' THEN
        d.objsubid = 0 AND EXISTS (SELECT FROM pg_class c WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid
          AND c.relispartition AND c.relkind NOT IN ('i', 'I'))
        OR EXISTS (SELECT FROM pg_trigger g WHERE d.classid = 'pg_trigger'::regclass AND g.oid = d.objid AND NOT g.tgisinternal)
      ELSE false END
)
