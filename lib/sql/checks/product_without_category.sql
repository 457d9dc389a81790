-- warning: Products without a category, if other products have one.
SELECT product_id, price
FROM products
WHERE category IS NULL AND EXISTS (SELECT FROM products WHERE category IS NOT NULL)
