-- Strikes first lines of orders whose subtotal is more than their lines come to.
INSERT INTO struck_lines
WITH orders AS (
    SELECT
        min(line) FILTER (WHERE subtotal IS NOT NULL) AS line,
        max(subtotal) AS subtotal,
        sum(quantity * item_price - coalesce(item_discount, 0)) AS total
    FROM lines
    GROUP BY name
)

SELECT
    line, 'subtotal' AS field, 'total_differs' AS rule, subtotal::VARCHAR AS value,
    format('the lines of the order come to {{}}, discounts off; is a line missing?', total::VARCHAR) AS reason, false AS fallen
FROM orders
WHERE subtotal > total
