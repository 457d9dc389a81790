-- warning: Purchase events whose time differs from the order_date of their order.
SELECT events.event_id, events.event_timestamp, orders.order_id, orders.order_date
FROM events JOIN orders USING (order_id)
WHERE events.event_type = 'purchase' AND events.event_timestamp <> orders.order_date
