-- Rows affected by an append: orders, customers with the day of their first completed order so far, visits, days.
-- An order is affected by its items, and by a product whose cost changes.
CREATE TEMPORARY TABLE affected_orders ON COMMIT DROP AS
SELECT order_id FROM added_orders
UNION SELECT order_id FROM added_order_items
UNION SELECT present.order_id FROM public.order_items AS present JOIN added_order_items USING (order_item_id)
UNION SELECT items.order_id
FROM added_products JOIN public.products AS present USING (product_id) JOIN public.order_items AS items USING (product_id)
WHERE present.cost IS DISTINCT FROM added_products.cost;

CREATE TEMPORARY TABLE affected_customers ON COMMIT DROP AS
SELECT user_id FROM added_users
UNION SELECT user_id FROM added_orders
UNION SELECT user_id FROM public.orders JOIN affected_orders USING (order_id);

CREATE TEMPORARY TABLE affected_visits ON COMMIT DROP AS
SELECT session_id FROM added_events
UNION SELECT present.session_id FROM public.events AS present JOIN added_events USING (event_id);

ANALYZE affected_orders, affected_customers, affected_visits;

CREATE TEMPORARY TABLE first_days ON COMMIT DROP AS
SELECT user_id, min((order_date AT TIME ZONE 'UTC')::date) AS date
FROM public.orders JOIN affected_customers USING (user_id)
WHERE status = 'completed'
GROUP BY user_id;

CREATE TEMPORARY TABLE affected_days (date date PRIMARY KEY) ON COMMIT DROP
