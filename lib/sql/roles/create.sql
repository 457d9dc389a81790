-- Creates the three roles if they are missing and lets the connected user assume them. The owner may create schemas, owner
-- and loader temporary tables. They are group roles without login: a login is granted the one it needs.
DO $$
DECLARE
    role text;
    settable text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    FOREACH role IN ARRAY ARRAY['workbook_owner', 'workbook_loader', 'workbook_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
        IF NOT pg_has_role(session_user, role, settable) THEN
            EXECUTE format('GRANT %I TO %I', role, session_user);
        END IF;
    END LOOP;
    EXECUTE format('GRANT CREATE ON DATABASE %I TO workbook_owner', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO workbook_owner, workbook_loader', current_database());
    GRANT USAGE, CREATE ON SCHEMA public TO workbook_owner;
    GRANT USAGE ON SCHEMA public TO workbook_loader, workbook_reader;
END
$$
