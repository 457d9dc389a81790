-- Key and name of every product.
SELECT product_id::text AS product_id, name FROM products ORDER BY product_id::text COLLATE "C"
