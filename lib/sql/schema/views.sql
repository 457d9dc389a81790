-- The named views of `public`: the statement that the workbook created each with, if it is recorded, and whether comment
-- and definition were written in one transaction: then no CREATE OR REPLACE VIEW has changed the definition since.
SELECT
    views.relname AS name,
    written.statement,
    coalesce(comments.description LIKE 'One row per %' AND comments.xmin = rules.xmin, FALSE) AS as_created
FROM pg_class AS views
JOIN pg_rewrite AS rules ON rules.ev_class = views.oid
LEFT JOIN pg_description AS comments
    ON comments.objoid = views.oid AND comments.classoid = 'pg_class'::regclass AND comments.objsubid = 0
LEFT JOIN workbook.views AS written ON written.name = views.relname
WHERE views.relnamespace = 'public'::regnamespace AND views.relkind = 'v' AND views.relname = ANY(:names)
ORDER BY views.relname COLLATE "C"
