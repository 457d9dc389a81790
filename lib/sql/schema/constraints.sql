-- Constraints of the current schema without not-null constraints, which PostgreSQL lists since version 18 only.
SELECT
    tables.relname AS table,
    constraints.conname AS constraint_name,
    CASE constraints.contype WHEN 'p' THEN 'primary key' WHEN 'f' THEN 'foreign key' WHEN 'u' THEN 'unique' ELSE 'check' END AS kind,
    pg_get_constraintdef(constraints.oid) AS definition
FROM pg_constraint AS constraints
JOIN pg_class AS tables ON tables.oid = constraints.conrelid
WHERE constraints.connamespace = current_schema()::regnamespace AND constraints.contype IN ('p', 'f', 'u', 'c')
ORDER BY tables.relname COLLATE "C", constraints.conname COLLATE "C"
