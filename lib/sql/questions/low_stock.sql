-- Products whose stock ends within 14 days at the rate of the 30 days before :as_of, the first to end first; at most 20.
-- days_of_cover: stock_quantity over the units a day in completed orders then. at_risk: how many such products there are.
WITH
sold AS (
    SELECT order_items.product_id, sum(quantity) AS units
    FROM orders JOIN order_items USING (order_id)
    WHERE orders.status = 'completed'
        AND order_date >= (CAST(:as_of AS date) - 30)::timestamp AT TIME ZONE 'UTC'
        AND order_date < CAST(:as_of AS date)::timestamp AT TIME ZONE 'UTC'
    GROUP BY order_items.product_id
),
covered AS (
    SELECT
        product_id,
        name,
        category,
        stock_quantity,
        units AS units_30_days,
        (stock_quantity * 30.0 / units)::double precision AS days_of_cover
    FROM sold JOIN products USING (product_id)
    WHERE stock_quantity IS NOT NULL
),
final AS (
    SELECT name, category, stock_quantity, units_30_days, days_of_cover, count(*) OVER () AS at_risk, product_id
    FROM covered
    WHERE days_of_cover < 14
)
SELECT name, category, stock_quantity, units_30_days, days_of_cover, at_risk
FROM final
ORDER BY days_of_cover, name COLLATE "C", product_id
LIMIT 20
