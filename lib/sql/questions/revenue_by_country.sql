-- Revenue by the customer's home country in the period and in the one before; the parts add up to the whole.
-- customers: accounts that signed up before :end. active_customers: those with a completed order in the period.
-- share: of the revenue of the period.
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
bought AS (
    SELECT
        user_id,
        coalesce(sum(total_amount) FILTER (WHERE now), 0) AS revenue,
        coalesce(sum(total_amount) FILTER (WHERE before), 0) AS previous_revenue,
        count(*) FILTER (WHERE now) AS orders
    FROM placed
    GROUP BY user_id
),
final AS (
    SELECT
        users.country_code,
        coalesce(min(users.country COLLATE "C"), 'not known') AS country,
        count(*) FILTER (WHERE users.signup_date < :end) AS customers,
        count(*) FILTER (WHERE bought.orders > 0) AS active_customers,
        coalesce(sum(bought.orders), 0)::bigint AS orders,
        coalesce(sum(bought.revenue), 0) AS revenue,
        (sum(bought.revenue) / nullif(sum(sum(bought.revenue)) OVER (), 0))::double precision AS share,
        coalesce(sum(bought.previous_revenue), 0) AS previous_revenue
    FROM users LEFT JOIN bought USING (user_id)
    GROUP BY users.country_code, CASE WHEN users.country_code IS NULL THEN users.country END
)
SELECT * FROM final
WHERE customers > 0 OR revenue <> 0 OR previous_revenue <> 0
ORDER BY revenue DESC, customers DESC, country COLLATE "C"
