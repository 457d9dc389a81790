-- Strikes lines of products that are never sold at a price: a product has a list price above zero.
INSERT INTO struck_lines
SELECT
    line, 'item_price' AS field, 'not_positive' AS rule, item_price::VARCHAR AS value,
    'no line of this product has a price above 0; give one its list price, and the rest as its discount' AS reason, false AS fallen
FROM lines
QUALIFY max(item_price) OVER (PARTITION BY coalesce(item_sku, item_name)) = 0
