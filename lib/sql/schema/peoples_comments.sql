-- Comments on the named tables of a schema, and on their columns, that people wrote: those not recorded in workbook.descriptions.
SELECT
    CASE objsubid WHEN 0 THEN format('TABLE %I', relname) ELSE format('COLUMN %I.%I', relname, attname) END AS object,
    relname AS relation,
    coalesce(attname, '') AS column_name,
    description
FROM pg_description
JOIN pg_class ON pg_class.oid = objoid AND classoid = 'pg_class'::regclass
LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND objsubid > 0
WHERE relnamespace = CAST(:schema AS regnamespace) AND relname = ANY(:tables)
    AND NOT EXISTS (
        SELECT FROM workbook.descriptions AS written
        WHERE written.relation = relname AND written.column_name = coalesce(attname, '')
            AND written.description = pg_description.description
    )
ORDER BY relname COLLATE "C", objsubid
