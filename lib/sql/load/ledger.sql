-- Rows of each table in each shard, as recorded in the ledger of a load.
SELECT table_name, part AS shard, rows FROM workbook.load_ledger WHERE run_id = :run_id
