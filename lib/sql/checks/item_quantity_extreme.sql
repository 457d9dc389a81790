-- warning: Order items of more than 10,000 units.
SELECT order_item_id, order_id, quantity FROM order_items WHERE quantity > 10000
