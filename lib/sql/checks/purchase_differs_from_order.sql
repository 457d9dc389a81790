-- warning: Purchase events that do not agree with their order in customer, revenue, or in naming an order at all.
SELECT events.event_id, events.order_id
FROM events LEFT JOIN orders USING (order_id)
WHERE events.event_type = 'purchase'
    AND (events.user_id, events.revenue) IS DISTINCT FROM (orders.user_id, orders.total_amount)
