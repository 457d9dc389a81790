-- warning: Products of which no line ever was at the present list price, price paid and discount together.
SELECT products.product_id, products.price
FROM order_items JOIN products USING (product_id)
GROUP BY products.product_id, products.price
HAVING bool_and(price_at_time + discount <> products.price)
