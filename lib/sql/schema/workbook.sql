-- Internal tables of the workbook, apart from the shop's tables in `public`.

CREATE SCHEMA IF NOT EXISTS workbook;

CREATE TABLE IF NOT EXISTS workbook.rejects (
    run_id text NOT NULL,
    file text NOT NULL,
    line bigint NOT NULL,
    column_name text NOT NULL,
    rule text NOT NULL,
    value text,
    reason text NOT NULL,
    raw_line text NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS workbook.data_quality_results (
    run_id text NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now(),
    check_name text NOT NULL,
    severity text NOT NULL,
    failed bigint NOT NULL,
    sample text
);

CREATE TABLE IF NOT EXISTS workbook.descriptions (
    relation text NOT NULL,
    column_name text NOT NULL,
    description text NOT NULL,
    PRIMARY KEY (relation, column_name)
);

CREATE TABLE IF NOT EXISTS workbook.load_plans (
    run_id text PRIMARY KEY,
    plan jsonb NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS workbook.load_ledger (
    run_id text NOT NULL REFERENCES workbook.load_plans (run_id) ON DELETE CASCADE,
    table_name text NOT NULL,
    part integer NOT NULL,
    rows bigint NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, table_name, part)
);

COMMENT ON SCHEMA workbook IS 'What the workbook keeps for itself; the shop is in the schema public.';
COMMENT ON TABLE workbook.rejects IS 'Lines of the shop''s own files that were not loaded, each with the reason; of the data that are loaded now.';
COMMENT ON TABLE workbook.data_quality_results IS 'How many rows broke each check, run by run.';
COMMENT ON TABLE workbook.descriptions IS 'The comments that the workbook wrote on tables and columns (column_name is empty for a table); others are people''s own and stay.';
COMMENT ON TABLE workbook.load_plans IS 'What the tasks of a load in parts have in common: seed, sizes, parts, version of the generator; of the last such load.';
COMMENT ON TABLE workbook.load_ledger IS 'Which part of which table is loaded, written in the transaction of its rows; of the last load in parts.'
