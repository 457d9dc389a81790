-- How new the files and the database are: the time of their last orders.
SELECT (SELECT max(order_date) FROM added_orders) AS added, (SELECT max(order_date) FROM public.orders) AS present
