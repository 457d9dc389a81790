-- Revenue (net sales) by the customer's home country from :start up to, not including, :end; the rows add up to the revenue of the period.
-- customers: accounts that signed up before :end. active_customers: those with an order in the period. Guests
-- count in orders and revenue only, orders of amount 0 in none.
-- share: revenue / revenue of the period.
WITH
bought AS (
    SELECT user_id, sum(orders) AS orders, sum(amount) AS revenue
    FROM sales()
    WHERE occurred_at >= day_start(CAST(:start AS date))
        AND occurred_at < day_start(CAST(:end AS date))
    GROUP BY user_id
),
final AS (
    SELECT
        users.country_code,
        coalesce(min(users.country COLLATE "C"), 'not known') AS country,
        count(*) FILTER (WHERE NOT users.is_guest AND users.signup_date < :end) AS customers,
        count(*) FILTER (WHERE NOT users.is_guest AND bought.orders > 0) AS active_customers,
        coalesce(sum(bought.orders), 0)::bigint AS orders,
        coalesce(sum(bought.revenue), 0) AS revenue,
        (
            coalesce(sum(bought.revenue), 0) / nullif(sum(sum(bought.revenue)) OVER (), 0)
        )::double precision AS share
    FROM users LEFT JOIN bought USING (user_id)
    GROUP BY users.country_code, CASE WHEN users.country_code IS NULL THEN users.country END
)
SELECT * FROM final
WHERE customers > 0 OR orders > 0 OR revenue <> 0
ORDER BY revenue DESC, customers DESC, country COLLATE "C"
