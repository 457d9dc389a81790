-- One row per SKU, or per name where there is none: the latest name, and the latest price above zero.
WITH sold AS (
    SELECT
        coalesce(lines.item_sku, lines.item_name) AS product, lines.item_name, lines.item_price, lines.line,
        heads.created_at
    FROM lines
    JOIN customers USING (name)
    JOIN lines AS heads ON heads.line = customers.line
)

SELECT
    key_of('product', product) AS product_id,
    max_by(item_name, row(created_at, line)) AS name,
    max_by(item_price, row(created_at, line)) FILTER (WHERE item_price > 0) AS price
FROM sold
GROUP BY product
ORDER BY product
