-- warning: Orders without a country shipped to, in a shop that knows that of others.
SELECT order_id, order_date
FROM orders
WHERE shipping_country_code IS NULL AND EXISTS (SELECT FROM orders WHERE shipping_country_code IS NOT NULL)
