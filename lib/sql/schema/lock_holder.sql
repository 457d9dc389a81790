-- The session that holds the workbook's advisory lock in this database, and since when its transaction runs.
SELECT activity.pid, activity.application_name, to_char(activity.xact_start, 'YYYY-MM-DD HH24:MI:SS "UTC"') AS since
FROM pg_locks AS locks JOIN pg_stat_activity AS activity USING (pid)
WHERE locks.locktype = 'advisory' AND locks.granted AND locks.objsubid = 2
    AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND locks.classid::bigint = hashtext(:name)::bigint & 4294967295
