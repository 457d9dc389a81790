-- Session that holds the workbook's advisory lock in this database; its application name says since when (lock_since.sql).
SELECT activity.pid, coalesce(activity.application_name, 'another session') AS application_name
FROM pg_locks AS locks JOIN pg_stat_activity AS activity USING (pid)
WHERE locks.locktype = 'advisory' AND locks.granted AND locks.objsubid = 2
    AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND locks.classid::bigint = hashtext(:name)::bigint & 4294967295
