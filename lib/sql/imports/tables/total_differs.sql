-- Strikes orders whose total is not the sum over their usable items, with the refused item that explains it.
INSERT INTO struck_orders
WITH items AS (
    SELECT order_id, sum(quantity * price_at_time) AS total FROM order_items GROUP BY order_id
),

differing AS (
    SELECT orders.line, orders.order_id, orders.total_amount, items.total
    FROM orders
    LEFT JOIN items USING (order_id)
    WHERE items.total IS DISTINCT FROM orders.total_amount
),

causes AS (
    SELECT order_id, min_by(cause, line) AS cause
    FROM refused_order_items
    WHERE order_id IN (SELECT order_id FROM differing)
    GROUP BY order_id
)

SELECT
    differing.line,
    'total_amount' AS field,
    CASE WHEN differing.total IS NULL THEN 'no_items' ELSE 'total_differs' END AS rule,
    differing.total_amount::VARCHAR AS value,
    coalesce(format('the items come to {{}}', differing.total::VARCHAR), 'no usable line of ' || file || ' belongs to this order')
    || coalesce('; ' || causes.cause, '; the total is the sum of quantity x price_at_time') AS reason,
    causes.cause IS NOT NULL AS fallen
FROM differing
LEFT JOIN causes USING (order_id)
JOIN files ON files.source = 'order_items'
