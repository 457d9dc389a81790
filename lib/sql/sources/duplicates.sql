-- Strikes the lines of {source} whose {column} an earlier line has: dropped when all is the same, else refused.
INSERT INTO struck_{source}
WITH keys AS (
    SELECT {value} AS key FROM {source} GROUP BY key HAVING count(*) > 1
),

found AS (
    SELECT line, {value} AS key, {column} AS value, row(*COLUMNS(* EXCLUDE (line))) AS cells
    FROM {source}
    WHERE key IN (SELECT key FROM keys)
),

firsts AS (
    SELECT key, line, cells FROM found QUALIFY row_number() OVER (PARTITION BY key ORDER BY line) = 1
)

SELECT
    found.line,
    '{column}' AS field,
    CASE WHEN found.cells IS DISTINCT FROM firsts.cells THEN 'duplicate_of_line_n' END AS rule,
    found.value,
    format('line {{}} has the same one already, and counts; give this line its own, or remove it', firsts.line) AS reason,
    false AS fallen
FROM found
JOIN firsts USING (key)
WHERE found.line > firsts.line
