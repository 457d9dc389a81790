-- Revenue to date per buyer (at least one completed order): buyers, mean, median, and the share of the revenue that
-- the top tenth of the buyers brought.
WITH
ranked AS (
    SELECT revenue, orders, ntile(10) OVER (ORDER BY revenue DESC, user_id) AS tenth
    FROM customer_lifetime_value
    WHERE orders > 0
),
final AS (
    SELECT
        count(*) AS buyers,
        avg(revenue)::double precision AS mean_revenue,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY revenue) AS median_revenue,
        (sum(revenue) FILTER (WHERE tenth = 1) / nullif(sum(revenue), 0))::double precision AS top_tenth_share,
        count(*) FILTER (WHERE orders > 1)::double precision / nullif(count(*), 0) AS repeat_rate
    FROM ranked
)
SELECT * FROM final
