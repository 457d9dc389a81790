-- Terminate the other sessions of this user whose name matches the pattern: those that load a shard.
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE application_name LIKE :pattern AND usename = session_user AND datname = current_database()
    AND pid <> pg_backend_pid()
