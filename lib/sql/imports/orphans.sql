-- Strikes the lines of {source} whose {column} names no usable line of {parent}, with what became of that line.
INSERT INTO struck_{source}
WITH orphans AS (
    SELECT line, {column} AS key
    FROM {source}
    ANTI JOIN (SELECT {key} AS {column} FROM {parent}) USING ({column})
    WHERE {column} IS NOT NULL
),

causes AS (
    SELECT {key} AS key, min_by(cause, line) AS cause
    FROM refused_{parent}
    WHERE {key} IN (SELECT key FROM orphans)
    GROUP BY {key}
)

SELECT
    orphans.line,
    '{column}' AS field,
    'fk.{column}' AS rule,
    orphans.key::VARCHAR AS value,
    coalesce(causes.cause, 'no line of ' || file || ' has this key; add it there, or correct it here') AS reason,
    causes.cause IS NOT NULL AS fallen
FROM orphans
LEFT JOIN causes USING (key)
JOIN files ON files.source = '{parent}'
