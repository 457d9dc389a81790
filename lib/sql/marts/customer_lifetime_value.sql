-- One row per customer, with or without orders, but not per guest: sales of an amount above 0 and net sales to date. The
-- predicted columns are NULL, because a load invalidates earlier predictions; 08_customers fills them again.
WITH
bought AS (
    SELECT
        user_id,
        sum(orders) AS orders,
        sum(amount) AS revenue,
        sum(amount) FILTER (WHERE kind = 'sale') / nullif(sum(orders), 0) AS avg_order_value,
        min(occurred_at) FILTER (WHERE orders > 0) AS first_order_date,
        max(occurred_at) FILTER (WHERE orders > 0) AS last_order_date
    FROM sales()
    GROUP BY user_id
),
final AS (
    SELECT
        user_id,
        coalesce(orders, 0) AS orders,
        coalesce(revenue, 0) AS revenue,
        avg_order_value,
        first_order_date,
        last_order_date,
        NULL AS predicted_orders,
        NULL AS predicted_value,
        NULL AS churn_risk,
        NULL AS rfm_segment,
        NULL AS model_version,
        NULL AS predicted_as_of
    FROM users
    LEFT JOIN bought USING (user_id)
    WHERE NOT is_guest
)
SELECT * FROM final
