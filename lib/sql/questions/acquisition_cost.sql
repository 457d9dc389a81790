-- Customer acquisition cost before :as_of by the channel of the campaign of the sign-up; one row without a channel for
-- sign-ups without a campaign. spend: recorded spend of all campaigns that started before :as_of.
-- Guests do not count. new_customers: sign-ups with an order of an amount above 0.
-- acquisition_cost (CAC) = spend / new_customers.
WITH
spend AS (
    SELECT channel, sum(spend) AS spend FROM marketing_campaigns WHERE start_date < :as_of GROUP BY channel
),
buyers AS (
    SELECT DISTINCT user_id FROM customer_orders() WHERE order_date < day_start(CAST(:as_of AS date))
),
customers AS (
    SELECT marketing_campaigns.channel, count(*) AS signups, count(buyers.user_id) AS new_customers
    FROM users LEFT JOIN marketing_campaigns USING (campaign_id) LEFT JOIN buyers USING (user_id)
    WHERE NOT users.is_guest AND (users.signup_date < :as_of OR buyers.user_id IS NOT NULL)
    GROUP BY marketing_campaigns.channel
),
final AS (
    SELECT
        channel,
        coalesce(spend.spend, 0) AS spend,
        coalesce(customers.signups, 0) AS signups,
        coalesce(customers.new_customers, 0) AS new_customers,
        shop_amount(spend.spend / nullif(customers.new_customers, 0)) AS acquisition_cost
    FROM spend FULL JOIN customers USING (channel)
)
SELECT * FROM final ORDER BY channel COLLATE "C"
