-- Cost of winning customers up to :as_of, by the channel of the campaign that brought the sign-up; one row without a
-- channel for those whom no campaign brought. spend: of all campaigns begun before :as_of, as recorded.
-- new_customers: those with a first completed order. acquisition_cost (CAC) = spend / new_customers.
WITH
spent AS (
    SELECT channel, sum(spend) AS spend FROM marketing_campaigns WHERE start_date < :as_of GROUP BY channel
),
buyers AS (
    SELECT DISTINCT user_id
    FROM orders
    WHERE status = 'completed' AND order_date < CAST(:as_of AS date)::timestamp AT TIME ZONE 'UTC'
),
won AS (
    SELECT marketing_campaigns.channel, count(*) AS signups, count(buyers.user_id) AS new_customers
    FROM users LEFT JOIN marketing_campaigns USING (campaign_id) LEFT JOIN buyers USING (user_id)
    WHERE users.signup_date < :as_of OR buyers.user_id IS NOT NULL
    GROUP BY marketing_campaigns.channel
),
final AS (
    SELECT
        channel,
        coalesce(spent.spend, 0) AS spend,
        coalesce(won.signups, 0) AS signups,
        coalesce(won.new_customers, 0) AS new_customers,
        round(spent.spend / nullif(won.new_customers, 0), 2) AS acquisition_cost
    FROM spent FULL JOIN won USING (channel)
)
SELECT * FROM final ORDER BY channel COLLATE "C"
