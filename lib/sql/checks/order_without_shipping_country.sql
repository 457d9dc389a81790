-- warning: Orders without a shipping country, in a shop that has them for other orders.
SELECT order_id, order_date
FROM orders
WHERE shipping_country_code IS NULL AND EXISTS (SELECT FROM orders WHERE shipping_country_code IS NOT NULL)
