-- Completed orders by weekday (1 is Monday) and hour (UTC) from :start up to, not including, :end; only hours with orders.
SELECT
    extract(isodow FROM order_date AT TIME ZONE 'UTC')::integer AS weekday,
    extract(hour FROM order_date AT TIME ZONE 'UTC')::integer AS hour,
    count(*) AS orders
FROM orders
WHERE status = 'completed'
    AND order_date >= CAST(:start AS date)::timestamp AT TIME ZONE 'UTC'
    AND order_date < CAST(:end AS date)::timestamp AT TIME ZONE 'UTC'
GROUP BY 1, 2
ORDER BY 1, 2
