-- The ten products with the most revenue (net sales) in the period, and their revenue in the previous period.
-- units: sold less returned. share: revenue / revenue of all products in the period.
-- gross_margin: (revenue - cost of goods) / revenue. trend: revenue of each of the twelve weeks before :end.
WITH
lines AS (
    SELECT
        product_id,
        units,
        amount,
        occurred_at >= day_start(CAST(:start AS date)) AS in_period,
        occurred_at >= day_start(CAST(:previous_start AS date))
            AND occurred_at < day_start(CAST(:previous_end AS date)) AS in_previous,
        (CAST(:end AS date) - 1 - shop_day(occurred_at)) / 7 AS weeks_ago
    FROM sold_items()
    WHERE occurred_at < day_start(CAST(:end AS date))
        AND occurred_at >= day_start(LEAST(CAST(:previous_start AS date), CAST(:end AS date) - 84))
),
sold AS (
    SELECT
        product_id,
        coalesce(sum(units) FILTER (WHERE in_period), 0) AS units,
        sum(amount) FILTER (WHERE in_period) AS revenue,
        coalesce(sum(amount) FILTER (WHERE in_previous), 0) AS previous_revenue
    FROM lines
    GROUP BY product_id
),
best AS (
    SELECT
        product_id,
        products.name,
        products.category,
        units,
        revenue,
        (revenue / nullif((SELECT sum(revenue) FROM sold), 0))::double precision AS share,
        (1 - units * products.cost / revenue)::double precision AS gross_margin,
        previous_revenue
    FROM sold JOIN products USING (product_id)
    WHERE revenue > 0
    ORDER BY revenue DESC, products.name COLLATE "C", product_id
    LIMIT 10
),
weeks AS (
    SELECT best.product_id, week, coalesce(sum(lines.amount), 0)::double precision AS amount
    FROM best
    CROSS JOIN generate_series(0, 11) AS week
    LEFT JOIN lines ON lines.product_id = best.product_id AND lines.weeks_ago = 11 - week
    GROUP BY best.product_id, week
),
trends AS (
    SELECT product_id, array_agg(amount ORDER BY week) AS trend FROM weeks GROUP BY product_id
),
final AS (
    SELECT name, category, units, revenue, share, gross_margin, previous_revenue, trend, product_id
    FROM best JOIN trends USING (product_id)
)
SELECT name, category, units, revenue, share, gross_margin, previous_revenue, trend
FROM final
ORDER BY revenue DESC, name COLLATE "C", product_id
