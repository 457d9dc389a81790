-- Plan of a load in progress. FOR KEY SHARE keeps the load from being ended until the transaction ends.
SELECT plan FROM workbook.load_plans WHERE run_id = :run_id FOR KEY SHARE
