-- Products whose stock lasts less than 14 days at the sales rate of the 30 days before :as_of, the first to run out first.
-- units_30_days: units in completed orders of those days. days_of_cover = stock_quantity / (units_30_days / 30).
WITH
sold AS (
    SELECT order_items.product_id, sum(quantity) AS units
    FROM orders JOIN order_items USING (order_id)
    WHERE orders.status = 'completed'
        AND order_date >= day_start(CAST(:as_of AS date) - 30)
        AND order_date < day_start(CAST(:as_of AS date))
    GROUP BY order_items.product_id
),
final AS (
    SELECT
        product_id,
        name,
        category,
        stock_quantity,
        units AS units_30_days,
        (stock_quantity * 30.0 / units)::double precision AS days_of_cover
    FROM sold JOIN products USING (product_id)
    WHERE stock_quantity IS NOT NULL
)
SELECT name, category, stock_quantity, units_30_days, days_of_cover
FROM final
WHERE days_of_cover < 14
ORDER BY days_of_cover, name COLLATE "C", product_id
