-- Foreign keys between the named tables of the schema public.
SELECT
    children.relname AS table,
    parents.relname AS references
FROM pg_constraint AS constraints
JOIN pg_class AS children ON children.oid = constraints.conrelid
JOIN pg_class AS parents ON parents.oid = constraints.confrelid
WHERE constraints.contype = 'f' AND constraints.connamespace = 'public'::regnamespace
    AND children.relname = ANY(:tables)
ORDER BY children.relname COLLATE "C", parents.relname COLLATE "C"
