-- warning: Products without a category, in a shop that has categories.
SELECT product_id, price
FROM products
WHERE category IS NULL AND EXISTS (SELECT FROM products WHERE category IS NOT NULL)
