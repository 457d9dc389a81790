-- error: Orders whose total_amount differs from the sum of their items, quantity x price_at_time each.
WITH sums AS (
    SELECT order_id, sum(shop_amount(quantity * price_at_time)) AS amount FROM order_items GROUP BY order_id
)
SELECT orders.order_id, orders.total_amount, coalesce(sums.amount, 0) AS items_amount
FROM orders LEFT JOIN sums USING (order_id)
WHERE orders.total_amount <> coalesce(sums.amount, 0)
