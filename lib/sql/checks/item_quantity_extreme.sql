-- warning: Lines of more than ten thousand units of a product.
SELECT order_item_id, order_id, quantity FROM order_items WHERE quantity > 10000
