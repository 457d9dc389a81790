-- One row per customer, with or without orders, but not per guest: completed orders of an amount above 0 and revenue to date. The predicted columns are NULL,
-- because a load invalidates earlier predictions; 08_customers fills them again.
WITH
completed AS (
    SELECT
        user_id,
        count(*) AS orders,
        sum(total_amount) AS revenue,
        min(order_date) AS first_order_date,
        max(order_date) AS last_order_date
    FROM orders
    WHERE status = 'completed' AND total_amount > 0
    GROUP BY user_id
),
final AS (
    SELECT
        user_id,
        coalesce(orders, 0) AS orders,
        coalesce(revenue, 0) AS revenue,
        round(revenue / orders, 2) AS avg_order_value,
        first_order_date,
        last_order_date,
        NULL AS predicted_orders,
        NULL AS predicted_value,
        NULL AS churn_risk,
        NULL AS rfm_segment,
        NULL AS model_version,
        NULL AS predicted_as_of
    FROM users
    LEFT JOIN completed USING (user_id)
    WHERE NOT is_guest
)
SELECT * FROM final
