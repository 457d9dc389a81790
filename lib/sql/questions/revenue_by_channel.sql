-- Revenue (net sales) by the channel that brought the customer, from :start up to, not including, :end; the rows add up
-- to the revenue of the period. share: revenue / revenue of the period.
WITH
final AS (
    SELECT
        coalesce(users.acquisition_channel, 'not known') AS channel,
        sum(orders) AS orders,
        sum(amount) AS revenue,
        (sum(amount) / nullif(sum(sum(amount)) OVER (), 0))::double precision AS share
    FROM sales() JOIN users USING (user_id)
    WHERE occurred_at >= day_start(CAST(:start AS date))
        AND occurred_at < day_start(CAST(:end AS date))
    GROUP BY 1
)
SELECT * FROM final ORDER BY revenue DESC, channel COLLATE "C"
