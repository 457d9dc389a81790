-- Products whose stock lasts less than 14 days at the sales rate of the 30 days before :as_of, the first to run out first.
-- units_30_days: units sold less returned in those days. days_of_cover = stock_quantity / (units_30_days / 30).
WITH
sold AS (
    SELECT product_id, sum(units) AS units
    FROM sold_items()
    WHERE occurred_at >= day_start(CAST(:as_of AS date) - 30)
        AND occurred_at < day_start(CAST(:as_of AS date))
    GROUP BY product_id
    HAVING sum(units) > 0
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
