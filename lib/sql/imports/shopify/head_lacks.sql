-- Strikes first lines of orders, which hold what is the order's, that lack something of it.
INSERT INTO struck_lines
WITH heads AS (
    SELECT
        line,
        CASE
            WHEN created_at IS NULL THEN 'created_at'
            WHEN financial_status IS NULL THEN 'financial_status'
            WHEN currency IS NULL THEN 'currency'
        END AS field
    FROM lines
    WHERE subtotal IS NOT NULL
)

SELECT line, field, 'missing' AS rule, '' AS value, 'the first line of an order has a value here; fill it in' AS reason, false AS fallen
FROM heads
WHERE field IS NOT NULL
