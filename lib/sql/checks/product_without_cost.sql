-- warning: Products without a cost, if other products have one; margins leave them out.
SELECT product_id, price
FROM products
WHERE cost IS NULL AND EXISTS (SELECT FROM products WHERE cost IS NOT NULL)
