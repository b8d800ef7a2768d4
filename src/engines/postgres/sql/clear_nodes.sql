SELECT n.classid, n.objid, n.inside, CASE i.type
    WHEN 'user mapping' THEN (SELECT format('DROP USER MAPPING FOR %s SERVER %I',
      CASE u.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(u.usename) END, u.srvname) FROM pg_user_mappings u WHERE u.umid = n.objid)
    ELSE format('DROP %s %s', upper(replace(i.type, '-', ' ')), i.identity) END
FROM node n CROSS JOIN LATERAL pg_identify_object(n.classid, n.objid, 0) i
ORDER BY 1, 2
