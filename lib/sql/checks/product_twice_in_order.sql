-- warning: Products listed in more than one item of the same order.
SELECT order_id, product_id, count(*) AS lines
FROM order_items
GROUP BY order_id, product_id
HAVING count(*) > 1
