-- Churn rate: share of buyers without an order in the last N days, among those whose first order is
-- at least N days before :as_of. One row for each N in :windows. Guests and orders of amount 0 do not count.
WITH
spans AS (
    SELECT
        user_id,
        CAST(:as_of AS date) - shop_day(min(order_date)) AS days_since_first,
        CAST(:as_of AS date) - shop_day(max(order_date)) AS days_since_last
    FROM customer_orders()
    WHERE order_date < day_start(CAST(:as_of AS date))
    GROUP BY user_id
),
final AS (
    SELECT
        churn_days,
        count(user_id) AS observed_buyers,
        count(user_id) FILTER (WHERE days_since_last > churn_days) AS churned_buyers,
        count(user_id) FILTER (WHERE days_since_last > churn_days)::double precision / nullif(count(user_id), 0) AS churn_rate
    FROM unnest(CAST(:windows AS integer[])) AS churn_days LEFT JOIN spans ON days_since_first >= churn_days
    GROUP BY churn_days
)
SELECT * FROM final ORDER BY churn_days
