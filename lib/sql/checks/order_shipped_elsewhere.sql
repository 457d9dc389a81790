-- warning: Countries whose customers ship more than half of their orders to another country.
SELECT users.country_code, count(*) AS orders
FROM orders JOIN users USING (user_id)
WHERE users.country_code IS NOT NULL AND orders.shipping_country_code IS NOT NULL
GROUP BY users.country_code
HAVING count(*) >= 20
    AND count(*) FILTER (WHERE users.country_code <> orders.shipping_country_code) > count(*) / 2
