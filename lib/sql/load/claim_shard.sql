-- Claim a shard in the ledger and count its tables that were not claimed yet. Waits for another transaction that has
-- claimed the same shard and not committed.
WITH claimed AS (
    INSERT INTO workbook.load_ledger (run_id, table_name, part, rows)
    SELECT :run_id, table_name, :shard, 0 FROM unnest(CAST(:tables AS text[])) AS table_name
    ON CONFLICT DO NOTHING
    RETURNING table_name
)
SELECT count(*) AS claimed FROM claimed
