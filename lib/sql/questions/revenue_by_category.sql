-- Revenue (net sales) by product category from :start up to, not including, :end; the rows add up to the revenue of the
-- period. units: sold less returned. Returns of unknown products have no category.
-- share: revenue / revenue of the period. gross_margin: as in lib/kpis.yml, for the category.
WITH
final AS (
    SELECT
        coalesce(products.category, 'not known') AS category,
        sum(units)::bigint AS units,
        sum(amount) AS revenue,
        (sum(amount) / nullif(sum(sum(amount)) OVER (), 0))::double precision AS share,
        (
            1 - sum(units * products.cost) / nullif(sum(amount) FILTER (WHERE products.cost IS NOT NULL), 0)
        )::double precision AS gross_margin
    FROM sold_items() LEFT JOIN products USING (product_id)
    WHERE occurred_at >= day_start(CAST(:start AS date))
        AND occurred_at < day_start(CAST(:end AS date))
    GROUP BY 1
)
SELECT * FROM final ORDER BY revenue DESC, category COLLATE "C"
