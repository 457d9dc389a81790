-- Claims a shard in the ledger; returns how many of its tables were free. Blocks while another session loads the shard.
WITH claimed AS (
    INSERT INTO workbook.load_ledger (run_id, table_name, part, rows)
    SELECT :run_id, table_name, :part, 0 FROM unnest(CAST(:tables AS text[])) AS table_name
    ON CONFLICT DO NOTHING
    RETURNING table_name
)
SELECT count(*) AS free FROM claimed
