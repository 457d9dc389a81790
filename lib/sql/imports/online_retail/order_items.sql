-- One row per line; the key counts the repeats of an article on its invoice, not lines, which may move.
WITH numbered AS (
    SELECT
        *, row_number() OVER (PARTITION BY invoice, product_code ORDER BY line) - 1 AS repeat
    FROM lines
)

SELECT
    key_of('item', concat_ws(chr(31), invoice, product_code, repeat)) AS order_item_id,
    key_of('order', invoice) AS order_id,
    key_of('product', product_code) AS product_id,
    abs(quantity) AS quantity,
    price AS price_at_time,
    0.00 AS discount
FROM numbered
ORDER BY line
