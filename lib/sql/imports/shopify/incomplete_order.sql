-- Strikes the lines of orders that miss a line: one that was refused, or the first one, which holds what is the order's.
-- A refused line whose name cannot be read belongs to the order of the line before it.
INSERT INTO struck_lines
WITH placed AS (
    SELECT line, coalesce(name, last_value(name IGNORE NULLS) OVER (ORDER BY line)) AS name FROM all_lines
),

causes AS (
    SELECT placed.name, min_by(refused_lines.cause, line) AS cause
    FROM refused_lines
    JOIN placed USING (line)
    GROUP BY placed.name
),

headed AS (
    SELECT DISTINCT name FROM lines WHERE subtotal IS NOT NULL
)

SELECT
    lines.line, 'name' AS field, 'incomplete_order' AS rule, lines.name AS value,
    coalesce('another line of this order: ' || causes.cause, 'no line of this order has its Subtotal; export it again') AS reason,
    causes.cause IS NOT NULL AS fallen
FROM lines
LEFT JOIN causes USING (name)
LEFT JOIN headed USING (name)
WHERE causes.cause IS NOT NULL OR headed.name IS NULL
