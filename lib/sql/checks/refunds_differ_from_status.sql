-- error: Orders with refunds above their total, and cancelled or refunded orders whose refunds differ from their total.
WITH returned AS (
    SELECT order_id, sum(amount) AS refunded FROM refunds WHERE order_id IS NOT NULL GROUP BY order_id
)
SELECT order_id, status, total_amount, refunded
FROM orders LEFT JOIN returned USING (order_id)
WHERE refunded > total_amount
    OR (status IN ('cancelled', 'refunded') AND coalesce(refunded, 0) <> total_amount)
