-- Statements that add users' indexes, triggers and single-table constraints of the tables of `public` to the tables of the
-- schema :schema. The workbook's own exist there already, by the same names.
WITH
old AS (
    SELECT
        oid AS table_oid,
        relname AS table_name,
        format(' ON public.%I ', relname) AS place,
        format(' ON %I.%I ', CAST(:schema AS text), relname) AS new_place
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname = ANY(:tables)
),
definitions AS (
    SELECT old.*, indexes.relname AS name, pg_get_indexdef(indexrelid) AS definition
    FROM old
    JOIN pg_index ON indrelid = table_oid
    JOIN pg_class AS indexes ON indexes.oid = indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
        AND NOT EXISTS (
            SELECT FROM pg_class AS ours
            WHERE ours.relname = indexes.relname AND ours.relnamespace = CAST(:schema AS regnamespace)
        )
    UNION ALL
    SELECT old.*, tgname, pg_get_triggerdef(pg_trigger.oid)
    FROM old JOIN pg_trigger ON tgrelid = table_oid
    WHERE NOT tgisinternal
),
statements AS (
    SELECT
        table_name,
        name,
        overlay(definition PLACING new_place FROM position(place IN definition) FOR length(place)) AS statement
    FROM definitions
    UNION ALL
    SELECT
        table_name,
        conname,
        format('ALTER TABLE %I.%I ADD CONSTRAINT %I ', CAST(:schema AS text), table_name, conname)
            || pg_get_constraintdef(pg_constraint.oid)
    FROM old JOIN pg_constraint ON conrelid = table_oid
    WHERE contype IN ('c', 'u', 'x')
        AND NOT EXISTS (
            SELECT FROM pg_constraint AS ours
            WHERE ours.conname = pg_constraint.conname AND ours.connamespace = CAST(:schema AS regnamespace)
        )
)
SELECT statement FROM statements ORDER BY table_name COLLATE "C", name COLLATE "C"
