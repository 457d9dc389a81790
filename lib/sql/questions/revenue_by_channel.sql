-- Revenue by the channel that brought the customer, in the period and in the one before; the parts add up to the whole.
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
final AS (
    SELECT
        coalesce(users.acquisition_channel, 'not known') AS channel,
        count(*) FILTER (WHERE now) AS orders,
        coalesce(sum(total_amount) FILTER (WHERE now), 0) AS revenue,
        (
            sum(total_amount) FILTER (WHERE now) / nullif(sum(sum(total_amount) FILTER (WHERE now)) OVER (), 0)
        )::double precision AS share,
        coalesce(sum(total_amount) FILTER (WHERE before), 0) AS previous_revenue
    FROM placed JOIN users USING (user_id)
    GROUP BY 1
)
SELECT * FROM final WHERE revenue <> 0 OR previous_revenue <> 0 ORDER BY revenue DESC, channel COLLATE "C"
