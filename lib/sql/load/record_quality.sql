-- Record how many rows failed a check in a run.
INSERT INTO workbook.data_quality_results (run_id, check_name, severity, failed, sample)
VALUES (:run_id, :name, :severity, :failed, :sample)
