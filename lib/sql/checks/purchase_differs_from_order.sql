-- warning: Purchase events without an order, or whose customer or revenue differs from it.
SELECT events.event_id, events.order_id
FROM events LEFT JOIN orders USING (order_id)
WHERE events.event_type = 'purchase'
    AND (events.user_id, events.revenue) IS DISTINCT FROM (orders.user_id, orders.total_amount)
