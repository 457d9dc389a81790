-- The rows of order_items in the order of the file.
SELECT
    * EXCLUDE (line) REPLACE (
        key_of('item', order_item_id) AS order_item_id, key_of('order', order_id) AS order_id,
        key_of('product', product_id) AS product_id
    )
FROM order_items
ORDER BY line
