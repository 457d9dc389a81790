-- Rows of every part of every table, as the ledger of a load has them.
SELECT table_name, part, rows FROM workbook.load_ledger WHERE run_id = :run_id
