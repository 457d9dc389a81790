-- Switches to the named role until the transaction ends. Returns no row and changes nothing if the role is missing, has no
-- permissions in this database, or cannot be assumed by the connected user.
SELECT set_config('role', rolname, true) AS role
FROM pg_roles
WHERE rolname = :role
    -- Since PostgreSQL 16 membership can be granted without the SET option.
    AND CASE
        WHEN current_setting('server_version_num')::integer >= 160000 THEN pg_has_role(session_user, oid, 'SET')
        ELSE pg_has_role(session_user, oid, 'MEMBER')
    END
    AND CASE rolname
        WHEN 'workbook_owner' THEN has_database_privilege(oid, current_database(), 'CREATE')
        WHEN 'workbook_loader' THEN has_table_privilege(oid, to_regclass('public.orders'), 'INSERT')
        ELSE has_table_privilege(oid, to_regclass('public.orders'), 'SELECT')
    END
