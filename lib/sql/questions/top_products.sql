-- The ten products with the most revenue (net sales) in the days from :start up to, not including, :end.
-- units: sold less returned. share: revenue / revenue of all products in these days.
WITH
sold AS (
    SELECT product_id, sum(amount) AS revenue, sum(units) AS units
    FROM sold_items()
    WHERE occurred_at >= day_start(CAST(:start AS date))
        AND occurred_at < day_start(CAST(:end AS date))
    GROUP BY product_id
),
final AS (
    SELECT
        products.name,
        products.category,
        sold.units,
        sold.revenue,
        (sold.revenue / nullif((SELECT sum(revenue) FROM sold), 0))::double precision AS share
    FROM sold JOIN products USING (product_id)
)
SELECT * FROM final ORDER BY revenue DESC, name COLLATE "C" LIMIT 10
