-- A view of the lines with what was paid for them in cents: the order's own discount, the difference between its lines
-- and its subtotal, is spread over them by what they cost, cents that do not divide going to the lines where they fill up.
CREATE VIEW priced AS
WITH cents AS (
    SELECT
        line, name, quantity, item_price, coalesce(item_sku, item_name) AS product,
        ((quantity * item_price - coalesce(item_discount, 0)) * 100)::HUGEINT AS cost,
        (max(subtotal) OVER (PARTITION BY name) * 100)::HUGEINT AS subtotal
    FROM lines
),

running AS (
    SELECT
        *,
        sum(cost) OVER (PARTITION BY name)::HUGEINT AS total,
        sum(cost) OVER (PARTITION BY name ORDER BY line)::HUGEINT AS up_to,
        row_number() OVER (PARTITION BY name, product ORDER BY line) - 1 AS repeat
    FROM cents
),

spread AS (
    SELECT
        *,
        total - subtotal AS discount,
        cost - (
            coalesce((total - subtotal) * up_to // nullif(total, 0), 0)
            - coalesce((total - subtotal) * (up_to - cost) // nullif(total, 0), 0)
        ) AS paid
    FROM running
)

SELECT line, name, product, repeat, quantity, item_price, discount, paid // quantity AS each, paid % quantity AS dearer
FROM spread
