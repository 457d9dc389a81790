-- Sessions that hold a lock on one of the named relations.
SELECT DISTINCT activity.pid, activity.application_name
FROM pg_locks AS locks JOIN pg_stat_activity AS activity USING (pid)
WHERE locks.relation = ANY(CAST(:relations AS regclass[])) AND locks.granted
    AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND activity.pid <> pg_backend_pid()
ORDER BY activity.pid
