-- The session that holds the workbook's advisory lock in this database, and since when its transaction runs, which
-- PostgreSQL tells of other people's sessions only to members of pg_read_all_stats.
SELECT
    activity.pid,
    coalesce(activity.application_name, 'another session') AS application_name,
    coalesce(to_char(activity.xact_start, 'YYYY-MM-DD HH24:MI:SS "UTC"'), 'a moment ago') AS since
FROM pg_locks AS locks JOIN pg_stat_activity AS activity USING (pid)
WHERE locks.locktype = 'advisory' AND locks.granted AND locks.objsubid = 2
    AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND locks.classid::bigint = hashtext(:name)::bigint & 4294967295
