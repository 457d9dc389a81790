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

CREATE TABLE IF NOT EXISTS workbook.views (
    name text PRIMARY KEY,
    statement text NOT NULL
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

CREATE TABLE IF NOT EXISTS workbook.shop (
    one boolean PRIMARY KEY DEFAULT TRUE CHECK (one),
    kind text NOT NULL,
    source text NOT NULL,
    format text NOT NULL,
    time_zone text NOT NULL DEFAULT 'UTC',
    currency text NOT NULL DEFAULT '',
    sales_basis text NOT NULL DEFAULT 'completed',
    run_id text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);

-- Tables of earlier versions lack these columns, and their sales were the completed orders. ADD COLUMN IF NOT EXISTS
-- would lock readers out just to look.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'workbook.shop'::regclass AND attname = 'time_zone') THEN
        ALTER TABLE workbook.shop ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'workbook.shop'::regclass AND attname = 'currency') THEN
        ALTER TABLE workbook.shop ADD COLUMN currency text NOT NULL DEFAULT '';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'workbook.shop'::regclass AND attname = 'sales_basis') THEN
        ALTER TABLE workbook.shop ADD COLUMN sales_basis text NOT NULL DEFAULT 'completed';
    END IF;
END
$$;

COMMENT ON SCHEMA workbook IS 'Internal tables of the workbook; the shop is in the schema public.';
COMMENT ON TABLE workbook.rejects IS 'Rejected rows of imported files, each with its reason; for the currently loaded data.';
COMMENT ON TABLE workbook.data_quality_results IS 'Number of rows that failed each check, by run.';
COMMENT ON TABLE workbook.descriptions IS 'Comments that the workbook wrote on tables and columns (column_name is empty for a table); comments with another text were written by people and are kept.';
COMMENT ON TABLE workbook.views IS 'Statements that the workbook created its views with; a view with another definition was changed by people and is kept.';
COMMENT ON TABLE workbook.load_plans IS 'Generation plan of the last distributed load: seed, sizes, shards and generator version.';
COMMENT ON TABLE workbook.load_ledger IS 'Shards loaded by the last distributed load, each written in the transaction of its rows so that it is loaded exactly once.';
COMMENT ON TABLE workbook.shop IS 'Where the loaded shop comes from, synthetic or imported from which files, the time zone of its days, the currency of its amounts, and which of its orders are sales.'
