-- Names of the indexes of the current schema.
SELECT relname AS index_name
FROM pg_class
WHERE relkind = 'i' AND relnamespace = current_schema()::regnamespace
ORDER BY relname COLLATE "C"
