-- The rows of products in the order of the file.
SELECT * EXCLUDE (line) REPLACE (key_of('product', product_id) AS product_id) FROM products ORDER BY line
