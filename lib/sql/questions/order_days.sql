-- Orders placed per day of the shop, of any status, with or without being sales; days without one have no row.
SELECT shop_day(order_date) AS date, count(*) AS orders FROM orders GROUP BY 1 ORDER BY 1
