-- Total of the completed orders placed from :start up to, not including, :end, also where the sales basis is placed; one row.
SELECT coalesce(sum(total_amount), 0) AS total_revenue
FROM orders
WHERE status = 'completed'
    AND order_date >= day_start(CAST(:start AS date))
    AND order_date < day_start(CAST(:end AS date))
