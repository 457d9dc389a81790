-- Strikes the lines at which the total of an invoice outgrows the database's money type.
INSERT INTO struck_lines
WITH large AS (
    SELECT invoice FROM lines GROUP BY invoice HAVING sum(abs(quantity) * price) > 9999999999.99
),

running AS (
    SELECT line, quantity, sum(abs(quantity) * price) OVER (PARTITION BY invoice ORDER BY line) AS total
    FROM lines
    WHERE invoice IN (SELECT invoice FROM large)
)

SELECT
    line, 'quantity' AS field, 'out_of_range' AS rule, quantity::VARCHAR AS value,
    'the total of the invoice is larger than the database holds' AS reason, false AS fallen
FROM running
WHERE total > 9999999999.99
