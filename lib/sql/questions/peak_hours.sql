-- Orders by weekday (1 is Monday) and hour from :start up to, not including, :end; only hours with orders.
SELECT
    extract(isodow FROM shop_time(order_date))::integer AS weekday,
    extract(hour FROM shop_time(order_date))::integer AS hour,
    count(*) AS orders
FROM orders
WHERE is_sale(status) AND total_amount > 0
    AND order_date >= day_start(CAST(:start AS date))
    AND order_date < day_start(CAST(:end AS date))
GROUP BY 1, 2
ORDER BY 1, 2
