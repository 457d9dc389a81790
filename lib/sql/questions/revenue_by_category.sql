-- Revenue by product category from :start up to, not including, :end; the rows add up to the revenue of the period.
-- share: revenue / revenue of the period. gross_margin: as in lib/kpis.yml, for the category.
WITH
lines AS (
    SELECT
        coalesce(products.category, 'not known') AS category,
        order_items.quantity,
        order_items.quantity * order_items.price_at_time AS amount,
        order_items.quantity * products.cost AS cost
    FROM orders
    JOIN order_items USING (order_id)
    JOIN products USING (product_id)
    WHERE status = 'completed'
        AND order_date >= day_start(CAST(:start AS date))
        AND order_date < day_start(CAST(:end AS date))
),
final AS (
    SELECT
        category,
        sum(quantity)::bigint AS units,
        sum(amount) AS revenue,
        (sum(amount) / nullif(sum(sum(amount)) OVER (), 0))::double precision AS share,
        (1 - sum(cost) / nullif(sum(amount) FILTER (WHERE cost IS NOT NULL), 0))::double precision AS gross_margin
    FROM lines
    GROUP BY category
)
SELECT * FROM final ORDER BY revenue DESC, category COLLATE "C"
