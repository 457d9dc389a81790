-- Tables and views in `public` with their comments; rows: PostgreSQL's estimate, NULL for a view.
SELECT
    relname AS table,
    CASE WHEN relname = ANY(:marts) THEN 'mart' WHEN relkind IN ('r', 'p') THEN 'table' ELSE 'view' END AS kind,
    CASE WHEN relkind IN ('r', 'p') THEN greatest(reltuples, 0)::bigint END AS rows,
    obj_description(oid, 'pg_class') AS meaning
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
ORDER BY relkind, array_position(CAST(:known AS text[]), relname::text), relname COLLATE "C"
