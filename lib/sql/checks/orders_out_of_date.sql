-- warning: No order in the 30 days before as_of: the data may be outdated, or as_of wrong.
SELECT max(order_date) AS last_order_date
FROM orders
HAVING max(order_date) < day_start(CAST(:as_of AS date) - 30)
