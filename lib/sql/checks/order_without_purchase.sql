-- warning: Orders without a purchase event, if the shop records purchase events.
SELECT order_id, order_date
FROM orders
WHERE EXISTS (SELECT FROM events WHERE event_type = 'purchase')
    AND NOT EXISTS (SELECT FROM events WHERE events.order_id = orders.order_id AND events.event_type = 'purchase')
