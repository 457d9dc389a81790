-- Columns of the named tables in the current schema, with types and comments.
SELECT
    tables.relname AS table,
    columns.attname AS column,
    format_type(columns.atttypid, columns.atttypmod) AS type,
    columns.attnotnull AS required,
    col_description(tables.oid, columns.attnum) AS meaning
FROM pg_class AS tables
JOIN pg_attribute AS columns ON columns.attrelid = tables.oid AND columns.attnum > 0 AND NOT columns.attisdropped
WHERE tables.relnamespace = current_schema()::regnamespace AND tables.relname = ANY(:tables)
ORDER BY array_position(CAST(:tables AS text[]), tables.relname::text), columns.attnum
