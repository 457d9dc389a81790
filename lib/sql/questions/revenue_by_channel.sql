-- Revenue by the channel that brought the customer, from :start up to, not including, :end; the rows add up to the revenue of the period.
-- share: revenue / revenue of the period.
WITH
final AS (
    SELECT
        coalesce(users.acquisition_channel, 'not known') AS channel,
        count(*) FILTER (WHERE total_amount > 0) AS orders,
        sum(total_amount) AS revenue,
        (sum(total_amount) / nullif(sum(sum(total_amount)) OVER (), 0))::double precision AS share
    FROM orders JOIN users USING (user_id)
    WHERE status = 'completed'
        AND order_date >= day_start(CAST(:start AS date))
        AND order_date < day_start(CAST(:end AS date))
    GROUP BY 1
)
SELECT * FROM final ORDER BY revenue DESC, channel COLLATE "C"
