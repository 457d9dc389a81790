-- error: Orders whose total_amount differs from the sum of quantity x price_at_time of their items.
SELECT orders.order_id, orders.total_amount, coalesce(sum(quantity * price_at_time), 0) AS items_amount
FROM orders LEFT JOIN order_items USING (order_id)
GROUP BY orders.order_id, orders.total_amount
HAVING orders.total_amount <> coalesce(sum(quantity * price_at_time), 0)
