-- Revenue by product category in the period and in the one before; the parts add up to the whole.
-- share: of the revenue of the period. gross_margin: as in period_kpis, of the category.
WITH
placed AS (
    SELECT
        orders.*,
        order_date >= CAST(:start AS date)::timestamp AT TIME ZONE 'UTC'
            AND order_date < CAST(:end AS date)::timestamp AT TIME ZONE 'UTC' AS now,
        order_date >= CAST(:previous_start AS date)::timestamp AT TIME ZONE 'UTC'
            AND order_date < CAST(:previous_end AS date)::timestamp AT TIME ZONE 'UTC' AS before
    FROM orders
    WHERE status = 'completed'
        AND order_date >= CAST(LEAST(CAST(:start AS date), :previous_start) AS date)::timestamp AT TIME ZONE 'UTC'
        AND order_date < CAST(:end AS date)::timestamp AT TIME ZONE 'UTC'
),
lines AS (
    SELECT
        coalesce(products.category, 'not known') AS category,
        placed.now,
        placed.before,
        order_items.quantity,
        order_items.quantity * order_items.price_at_time AS amount,
        order_items.quantity * products.cost AS cost
    FROM placed
    JOIN order_items USING (order_id)
    JOIN products USING (product_id)
),
final AS (
    SELECT
        category,
        coalesce(sum(quantity) FILTER (WHERE now), 0)::bigint AS units,
        coalesce(sum(amount) FILTER (WHERE now), 0) AS revenue,
        (
            sum(amount) FILTER (WHERE now) / nullif(sum(sum(amount) FILTER (WHERE now)) OVER (), 0)
        )::double precision AS share,
        (
            1 - sum(cost) FILTER (WHERE now) / nullif(sum(amount) FILTER (WHERE now AND cost IS NOT NULL), 0)
        )::double precision AS gross_margin,
        coalesce(sum(amount) FILTER (WHERE before), 0) AS previous_revenue
    FROM lines
    GROUP BY category
)
SELECT * FROM final WHERE revenue <> 0 OR previous_revenue <> 0 ORDER BY revenue DESC, category COLLATE "C"
