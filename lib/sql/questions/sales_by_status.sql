-- Orders from :start up to, not including, :end, by their status today, with or without being sales by the sales basis:
-- orders (of an amount above 0) and their amount before returns. counted: they are sales.
SELECT status, count(*) AS orders, sum(total_amount) AS amount, is_sale(status) AS counted
FROM orders
WHERE total_amount > 0
    AND order_date >= day_start(CAST(:start AS date))
    AND order_date < day_start(CAST(:end AS date))
GROUP BY status
ORDER BY array_position(ARRAY['completed', 'shipped', 'pending', 'cancelled', 'refunded'], status)
