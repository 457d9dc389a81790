-- warning: Products that an order names in more than one line.
SELECT order_id, product_id, count(*) AS lines
FROM order_items
GROUP BY order_id, product_id
HAVING count(*) > 1
