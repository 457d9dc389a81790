-- warning: Purchase events without an order, or whose customer (if known) or revenue differs from it.
SELECT events.event_id, events.order_id
FROM events LEFT JOIN orders USING (order_id)
WHERE events.event_type = 'purchase'
    AND (
        orders.order_id IS NULL
        OR events.user_id <> orders.user_id
        OR events.revenue IS DISTINCT FROM orders.total_amount
    )
