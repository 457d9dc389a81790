-- Record the number of rows of one table in a claimed shard.
UPDATE workbook.load_ledger SET rows = :rows WHERE run_id = :run_id AND table_name = :table AND part = :shard
