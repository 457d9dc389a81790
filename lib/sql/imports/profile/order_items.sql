-- The lines of the orders of a group of customers.
SELECT items.order_id, items.product_id, items.quantity, items.price_at_time
FROM written_order_items AS items
SEMI JOIN (SELECT order_id FROM written_orders WHERE hash(user_id) % $groups = $number) USING (order_id)
