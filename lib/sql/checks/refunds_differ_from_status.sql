-- error: Orders with refunds above their total, and cancelled or refunded orders whose refunds differ from their total.
SELECT order_id, status, total_amount, sum(amount) AS refunded
FROM orders LEFT JOIN refunds USING (order_id)
GROUP BY order_id, status, total_amount
HAVING sum(amount) > total_amount
    OR (status IN ('cancelled', 'refunded') AND coalesce(sum(amount), 0) <> total_amount)
