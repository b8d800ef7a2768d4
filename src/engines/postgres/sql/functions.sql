-- Functions, procedures and aggregates under the name that tells them apart; of the text only a hash.
-- What a range type brings along belongs to the type.
SELECT coalesce(json_agg(json_build_object(
  'schema', n.name,
  'name', format('%s(%s)', p.proname, oidvectortypes(p.proargtypes)),
  'extension', (SELECT m.name FROM member m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid),
  'owned_by', null,
  'definition', 'sha256:' || encode(sha256(textsend(CASE p.prokind
    WHEN 'a' THEN (SELECT concat_ws(' ', a.aggkind, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
        a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggsortop::regoperator, format_type(a.aggtranstype, null), a.agginitval,
        a.aggminitval, pg_get_function_result(p.oid), p.proparallel)
      FROM pg_aggregate a WHERE a.aggfnoid = p.oid)
    ELSE pg_get_functiondef(p.oid) END)), 'hex')
)), '[]')
FROM pg_proc p JOIN place n ON n.oid = p.pronamespace
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
