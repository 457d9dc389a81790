-- Customers by home country at :as_of: accounts, buyers (at least one completed order) and their revenue to date.
-- A country without an ISO code is listed by its name. Guests and orders of amount 0 do not count.
WITH
bought AS (
    SELECT user_id, sum(total_amount) AS revenue
    FROM orders
    WHERE status = 'completed' AND order_date < day_start(CAST(:as_of AS date))
        AND total_amount > 0
    GROUP BY user_id
),
final AS (
    SELECT
        users.country_code,
        coalesce(min(users.country COLLATE "C"), 'not known') AS country,
        count(*) AS customers,
        count(bought.user_id) AS buyers,
        coalesce(sum(bought.revenue), 0) AS revenue
    FROM users LEFT JOIN bought USING (user_id)
    WHERE NOT users.is_guest AND users.signup_date < :as_of
    GROUP BY users.country_code, CASE WHEN users.country_code IS NULL THEN users.country END
)
SELECT * FROM final ORDER BY customers DESC, country COLLATE "C"
