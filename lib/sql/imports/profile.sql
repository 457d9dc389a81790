-- The rows of a group of customers, for the profile of an imported shop.

-- name: users
-- The customers of a group.
SELECT user_id, country_code FROM written_users WHERE hash(user_id) % $groups = $number

-- name: orders
-- The orders of a group of customers.
SELECT user_id, order_date, status, total_amount FROM written_orders WHERE hash(user_id) % $groups = $number

-- name: order_items
-- The lines of the orders of a group of customers.
SELECT items.order_id, items.product_id, items.quantity, items.price_at_time
FROM written_order_items AS items
SEMI JOIN (SELECT order_id FROM written_orders WHERE hash(user_id) % $groups = $number) USING (order_id)

-- name: events
-- The events of a group of customers.
SELECT session_id, event_type FROM written_events WHERE hash(user_id) % $groups = $number
