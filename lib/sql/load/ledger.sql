-- Rows by table and shard in the ledger of a load.
SELECT table_name, part, rows FROM workbook.load_ledger WHERE run_id = :run_id
