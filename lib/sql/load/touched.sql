-- What the rows to be added touch: orders, customers with the day of their first completed order so far, visits, days.
-- An order is touched by its items, and by a product of which the cost changes; before and after, should it move.
CREATE TEMPORARY TABLE touched_orders ON COMMIT DROP AS
SELECT order_id FROM added_orders
UNION SELECT order_id FROM added_order_items
UNION SELECT present.order_id FROM public.order_items AS present JOIN added_order_items USING (order_item_id)
UNION SELECT items.order_id
FROM added_products JOIN public.products AS present USING (product_id) JOIN public.order_items AS items USING (product_id)
WHERE present.cost IS DISTINCT FROM added_products.cost;

CREATE TEMPORARY TABLE touched_customers ON COMMIT DROP AS
SELECT user_id FROM added_users
UNION SELECT user_id FROM added_orders
UNION SELECT user_id FROM public.orders JOIN touched_orders USING (order_id);

CREATE TEMPORARY TABLE touched_visits ON COMMIT DROP AS
SELECT session_id FROM added_events
UNION SELECT present.session_id FROM public.events AS present JOIN added_events USING (event_id);

ANALYZE touched_orders, touched_customers, touched_visits;

CREATE TEMPORARY TABLE first_days ON COMMIT DROP AS
SELECT user_id, min((order_date AT TIME ZONE 'UTC')::date) AS date
FROM public.orders JOIN touched_customers USING (user_id)
WHERE status = 'completed'
GROUP BY user_id;

CREATE TEMPORARY TABLE touched_days (date date PRIMARY KEY) ON COMMIT DROP
