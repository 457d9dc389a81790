-- warning: Orders dated on or after as_of: loaded, but not in any report.
SELECT order_id, order_date FROM orders WHERE order_date >= day_start(CAST(:as_of AS date))
