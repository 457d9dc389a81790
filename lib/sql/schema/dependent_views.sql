-- Views and materialized views among the given relations and over them, nested ones after the views they read, with
-- everything needed to recreate them: definition, options, owner, comments, indexes.
WITH RECURSIVE dependents AS (
    SELECT oid, 0 AS depth FROM pg_class WHERE oid = ANY(CAST(:relations AS regclass[]))
    UNION ALL
    SELECT rules.ev_class, dependents.depth + 1
    FROM dependents
    JOIN pg_depend AS depends ON depends.refobjid = dependents.oid
    JOIN pg_rewrite AS rules ON rules.oid = depends.objid
    WHERE depends.classid = 'pg_rewrite'::regclass AND depends.refclassid = 'pg_class'::regclass
        AND rules.ev_class <> depends.refobjid
),
deepest AS (
    SELECT oid, max(depth) AS depth FROM dependents GROUP BY oid
),
named AS (
    SELECT
        views.oid,
        format('%s.%I', views.relnamespace::regnamespace, views.relname) AS name,
        CASE views.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END AS kind,
        views.reloptions,
        pg_get_userbyid(views.relowner) AS owner,
        deepest.depth
    FROM deepest JOIN pg_class AS views USING (oid)
    WHERE views.relkind IN ('v', 'm')
),
final AS (
    SELECT
        name,
        kind,
        coalesce(' WITH (' || array_to_string(reloptions, ', ') || ')', '') AS options,
        rtrim(pg_get_viewdef(oid), ';') AS definition,
        owner,
        ARRAY(SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = named.oid ORDER BY indexrelid)
            || ARRAY(
                SELECT format(
                    'COMMENT ON %s IS %L',
                    CASE objsubid WHEN 0 THEN format('%s %s', kind, name) ELSE format('COLUMN %s.%I', name, attname) END,
                    description
                )
                FROM pg_description LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND objsubid > 0
                WHERE classoid = 'pg_class'::regclass AND objoid = named.oid
                ORDER BY objsubid
            ) AS followed_by,
        depth
    FROM named
)
SELECT * FROM final ORDER BY depth, name COLLATE "C"
