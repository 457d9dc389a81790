-- Objects of users on the given tables that new tables cannot take over; one description per row.
WITH
ours AS (
    SELECT oid, oid::regclass::text AS name FROM pg_class WHERE oid = ANY(CAST(:tables AS regclass[]))
),
obstacles AS (
    SELECT format('policy %I on %s', polname, name) AS obstacle FROM pg_policy JOIN ours ON polrelid = ours.oid
    UNION ALL
    SELECT format('rule %I on %s', rulename, name) FROM pg_rewrite JOIN ours ON ev_class = ours.oid
    UNION ALL
    SELECT format('table %s, which inherits from %s', inhrelid::regclass, name) FROM pg_inherits JOIN ours ON inhparent = ours.oid
    UNION ALL
    SELECT format('publication %I of %s', pubname, name)
    FROM pg_publication_rel JOIN ours ON prrelid = ours.oid JOIN pg_publication ON pg_publication.oid = prpubid
    UNION ALL
    SELECT format('foreign key %I of %s', conname, conrelid::regclass)
    FROM pg_constraint
    WHERE contype = 'f' AND (conrelid IN (SELECT oid FROM ours)) <> (confrelid IN (SELECT oid FROM ours))
)
SELECT obstacle FROM obstacles ORDER BY obstacle COLLATE "C"
