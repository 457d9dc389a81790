-- The three roles: whether each exists with permissions in this database, so that the workbook uses it.
SELECT
    role,
    coalesce(CASE role
        WHEN 'workbook_owner' THEN has_database_privilege(oid, current_database(), 'CREATE')
        WHEN 'workbook_loader' THEN has_table_privilege(oid, to_regclass('public.orders'), 'INSERT')
        ELSE has_table_privilege(oid, to_regclass('public.orders'), 'SELECT')
    END, false) AS in_use
FROM unnest(ARRAY['workbook_owner', 'workbook_loader', 'workbook_reader']) AS role
LEFT JOIN pg_roles ON rolname = role
