-- The lines of {source} that have broken no rule so far.
CREATE VIEW {source} AS
SELECT * EXCLUDE (raw_line, fault_column, fault_rule, fault_value, fault_reason)
FROM all_{source}
ANTI JOIN struck_{source} USING (line)
WHERE fault_rule IS NULL
