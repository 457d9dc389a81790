-- Views and materialized views over the named tables, nested ones after those they read, with what is needed to make
-- them again: definition, options, owner, grants, comment, indexes.
WITH RECURSIVE dependents AS (
    SELECT rules.ev_class AS oid, 1 AS depth
    FROM pg_depend AS depends
    JOIN pg_rewrite AS rules ON rules.oid = depends.objid
    WHERE depends.classid = 'pg_rewrite'::regclass AND depends.refclassid = 'pg_class'::regclass
        AND depends.refobjid = ANY(CAST(:tables AS regclass[])) AND rules.ev_class <> depends.refobjid
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
final AS (
    SELECT
        format('%s.%I', views.relnamespace::regnamespace, views.relname) AS name,
        CASE views.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END AS kind,
        coalesce(' WITH (' || array_to_string(views.reloptions, ', ') || ')', '') AS options,
        rtrim(pg_get_viewdef(views.oid), ';') AS definition,
        pg_get_userbyid(views.relowner) AS owner,
        obj_description(views.oid, 'pg_class') AS comment,
        (SELECT array_agg(pg_get_indexdef(indexrelid)) FROM pg_index WHERE indrelid = views.oid) AS indexes,
        deepest.depth
    FROM deepest JOIN pg_class AS views USING (oid)
)
SELECT * FROM final ORDER BY depth, name COLLATE "C"
