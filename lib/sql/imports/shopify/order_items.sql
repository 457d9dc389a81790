-- One row per line, or two a cent apart where what was paid does not divide by the units.
WITH parts AS (
    SELECT *, 0 AS part, quantity - dearer AS units, each AS cents FROM priced
    UNION ALL
    SELECT *, 1 AS part, dearer AS units, each + 1 AS cents FROM priced WHERE dearer > 0
)

SELECT
    key_of('item', concat_ws(chr(31), name, product, repeat, part)) AS order_item_id,
    key_of('order', name) AS order_id,
    key_of('product', product) AS product_id,
    units::INTEGER AS quantity,
    (cents * 0.01)::DECIMAL(12, 2) AS price_at_time,
    (item_price - cents * 0.01)::DECIMAL(12, 2) AS discount
FROM parts
ORDER BY line, part
