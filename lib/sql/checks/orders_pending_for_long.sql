-- warning: Orders still pending or shipped 90 days after they were placed.
SELECT order_id, order_date, status
FROM orders
WHERE status IN ('pending', 'shipped')
    AND order_date < day_start(CAST(:as_of AS date) - 90)
