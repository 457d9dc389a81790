-- Customers by home country at :as_of: accounts, buyers (at least one order) and their revenue (net sales) to date.
-- A country without an ISO code is listed by its name. Guests and orders of amount 0 do not count.
WITH
bought AS (
    SELECT user_id, sum(orders) AS orders, sum(amount) AS revenue
    FROM sales()
    WHERE occurred_at < day_start(CAST(:as_of AS date))
    GROUP BY user_id
),
final AS (
    SELECT
        users.country_code,
        coalesce(min(users.country COLLATE "C"), 'not known') AS country,
        count(*) AS customers,
        count(*) FILTER (WHERE bought.orders > 0) AS buyers,
        coalesce(sum(bought.revenue), 0) AS revenue
    FROM users LEFT JOIN bought USING (user_id)
    WHERE NOT users.is_guest AND users.signup_date < :as_of
    GROUP BY users.country_code, CASE WHEN users.country_code IS NULL THEN users.country END
)
SELECT * FROM final ORDER BY customers DESC, country COLLATE "C"
