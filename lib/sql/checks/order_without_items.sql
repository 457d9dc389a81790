-- error: Orders without items.
SELECT order_id FROM orders WHERE NOT EXISTS (SELECT FROM order_items WHERE order_items.order_id = orders.order_id)
