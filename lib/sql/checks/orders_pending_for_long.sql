-- warning: Orders still pending or shipped 90 days after they were placed.
SELECT order_id, order_date, status
FROM orders
WHERE status IN ('pending', 'shipped')
    AND order_date < CAST(:as_of AS date)::timestamp AT TIME ZONE 'UTC' - interval '90 days'
