-- Writes down how many rows of a table a claimed part has.
UPDATE workbook.load_ledger SET rows = :rows WHERE run_id = :run_id AND table_name = :table AND part = :part
