-- The plan of a load that is under way; it stays as it is until the transaction ends.
SELECT plan FROM workbook.load_plans WHERE run_id = :run_id FOR KEY SHARE
