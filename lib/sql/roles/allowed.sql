-- Whether the connected user may create roles and grant them permissions in this database.
SELECT rolsuper OR (rolcreaterole AND pg_has_role(session_user, datdba, 'MEMBER')) AS allowed
FROM pg_roles, pg_database
WHERE rolname = session_user AND datname = current_database()
