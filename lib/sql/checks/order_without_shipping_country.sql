-- warning: Orders without a shipping country, if other orders have one.
SELECT order_id, order_date
FROM orders
WHERE shipping_country_code IS NULL AND EXISTS (SELECT FROM orders WHERE shipping_country_code IS NOT NULL)
