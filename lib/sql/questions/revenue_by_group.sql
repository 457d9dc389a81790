-- Revenue (net sales) of a period and of the previous one by segment and by group of customers, for the noise of their
-- changes, see kpis_by_group. kind: country, category or channel. name: the segment.
WITH
lines AS (
    SELECT
        user_id,
        product_id,
        amount,
        occurred_at >= day_start(CAST(:start AS date)) AND occurred_at < day_start(CAST(:end AS date)) AS in_period,
        occurred_at >= day_start(CAST(:previous_start AS date))
            AND occurred_at < day_start(CAST(:previous_end AS date)) AS in_previous
    FROM sold_items()
    WHERE occurred_at >= day_start(LEAST(CAST(:start AS date), CAST(:previous_start AS date)))
        AND occurred_at < day_start(GREATEST(CAST(:end AS date), CAST(:previous_end AS date)))
),
grouped AS (
    SELECT
        ('x' || right(user_id::text, 4))::bit(16)::integer % 200 AS "group",
        coalesce(users.country, 'not known') AS country,
        coalesce(users.acquisition_channel, 'not known') AS channel,
        coalesce(products.category, 'not known') AS category,
        sum(amount) FILTER (WHERE in_period) AS revenue,
        sum(amount) FILTER (WHERE in_previous) AS previous_revenue
    FROM lines JOIN users USING (user_id) LEFT JOIN products USING (product_id)
    WHERE in_period OR in_previous
    GROUP BY 1, 2, 3, 4
),
final AS (
    SELECT
        CASE WHEN grouping(country) = 0 THEN 'country' WHEN grouping(channel) = 0 THEN 'channel' ELSE 'category' END AS kind,
        coalesce(country, channel, category) AS name,
        "group",
        coalesce(sum(revenue), 0)::double precision AS revenue,
        coalesce(sum(previous_revenue), 0)::double precision AS previous_revenue
    FROM grouped
    GROUP BY GROUPING SETS (("group", country), ("group", channel), ("group", category))
)
SELECT * FROM final ORDER BY kind COLLATE "C", name COLLATE "C", "group"
