-- The plan of a load in progress, locked until the transaction ends.
SELECT plan FROM workbook.load_plans WHERE run_id = :run_id FOR KEY SHARE
