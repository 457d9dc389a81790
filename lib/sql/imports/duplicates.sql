-- Strikes the lines of {source} whose {column} an earlier line has: dropped when all is the same, else refused.
INSERT INTO struck_{source}
WITH keys AS (
    SELECT {value} AS key FROM {source} GROUP BY key HAVING count(*) > 1
),

-- What all cells of a line come to is told by a digest: rows to compare are many where every line is there twice.
found AS (
    SELECT
        line, {value} AS key, {column}::VARCHAR AS value,
        md5_number(row(*COLUMNS(* EXCLUDE (line)))::VARCHAR) AS cells
    FROM {source}
    WHERE key IN (SELECT key FROM keys)
),

firsts AS (
    SELECT key, min(line) AS line, min_by(cells, line) AS cells FROM found GROUP BY key
)

SELECT
    found.line,
    '{column}' AS field,
    CASE WHEN found.cells <> firsts.cells THEN 'duplicate_of_line_n' END AS rule,
    found.value,
    format('line {{}} has the same one already, and counts; give this line its own, or remove it', firsts.line) AS reason,
    false AS fallen
FROM found
JOIN firsts USING (key)
WHERE found.line > firsts.line
