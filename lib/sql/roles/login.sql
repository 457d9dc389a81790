-- Creates the read-only login named by the settings workbook.login and workbook.verifier, or changes its password. It has the
-- permissions of workbook_reader; a dashboard's query is cancelled after 30 s.
DO $$
DECLARE
    login text := current_setting('workbook.login');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
        EXECUTE format('CREATE ROLE %I LOGIN', login);
    END IF;
    EXECUTE format('ALTER ROLE %I PASSWORD %L', login, current_setting('workbook.verifier'));
    EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', login);
    EXECUTE format('ALTER ROLE %I SET statement_timeout = ''30s''', login);
    EXECUTE format('GRANT workbook_reader TO %I', login);
END
$$
