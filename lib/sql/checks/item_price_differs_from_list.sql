-- warning: Products never sold at their current list price (price paid plus discount).
SELECT products.product_id, products.price
FROM order_items JOIN products USING (product_id)
GROUP BY products.product_id, products.price
HAVING bool_and(price_at_time + discount <> products.price)
