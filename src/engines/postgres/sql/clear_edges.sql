-- Among the nodes; what belongs to an extension stands for the extension.
SELECT DISTINCT e.wholeclass, e.whole, 'pg_extension'::regclass::oid, m.extension
FROM edge e JOIN member m ON m.classid = e.neededclass AND m.objid = e.needed
WHERE NOT EXISTS (SELECT FROM hold h WHERE h.classid = e.classid AND h.objid = e.objid)
UNION
SELECT DISTINCT e.wholeclass, e.whole, e.neededclass, e.needed
FROM edge e
WHERE NOT EXISTS (SELECT FROM hold h WHERE h.classid = e.classid AND h.objid = e.objid)
