-- The refused lines of {source}: the rule, the reason, and in words the place and why, for the lines that fall with them.
CREATE VIEW refused_{source} AS
SELECT
    lines.* EXCLUDE (fault_column, fault_rule, fault_value, fault_reason),
    files.place AS file_place,
    files.file,
    coalesce(columns.called, lines.fault_column) AS "column",
    coalesce(struck.rule, lines.fault_rule) AS rule,
    coalesce(struck.value, lines.fault_value) AS value,
    coalesce(struck.reason, lines.fault_reason) AS reason,
    coalesce(struck.fallen, false) AS fallen,
    format('line {{}} of {{}} was refused: {{}}', lines.line, files.file, coalesce(struck.reason, lines.fault_reason)) AS cause
FROM all_{source} AS lines
LEFT JOIN struck_{source} AS struck USING (line)
LEFT JOIN columns ON columns.source = '{source}' AND columns.field = struck.field
JOIN files ON files.source = '{source}'
WHERE struck.rule IS NOT NULL OR lines.fault_rule IS NOT NULL
