-- The key figures of period_kpis for each calendar month from that of :start up to, not including, that of :end.
-- Months before the shop's first day are left out.
WITH
placed AS (
    SELECT user_id, date_trunc('month', order_date AT TIME ZONE 'UTC')::date AS month
    FROM orders
    WHERE status = 'completed'
),
first_orders AS (
    SELECT user_id, min(month) AS first_month FROM placed GROUP BY user_id
),
customer_months AS (
    SELECT
        month,
        count(DISTINCT user_id) AS active_customers,
        count(DISTINCT user_id) FILTER (WHERE first_month = month) AS new_customers
    FROM placed JOIN first_orders USING (user_id)
    GROUP BY month
),
day_months AS (
    SELECT
        date_trunc('month', date)::date AS month,
        sum(orders)::bigint AS orders,
        sum(revenue) AS revenue,
        sum(cancelled_orders)::bigint AS cancelled_orders,
        sum(refunded_orders)::bigint AS refunded_orders,
        sum(refunded_amount) AS refunded_amount,
        sum(sessions)::bigint AS sessions,
        sum(converted_sessions)::bigint AS converted_sessions,
        (1 - sum(cost) / nullif(sum(costed_revenue), 0))::double precision AS gross_margin
    FROM daily_kpis
    WHERE date >= date_trunc('month', CAST(:start AS date)) AND date < date_trunc('month', CAST(:end AS date))
    GROUP BY 1
),
final AS (
    SELECT
        month,
        revenue,
        orders,
        round(revenue / nullif(orders, 0), 2) AS avg_order_value,
        coalesce(active_customers, 0) AS active_customers,
        coalesce(new_customers, 0) AS new_customers,
        (active_customers - new_customers)::double precision / nullif(active_customers, 0) AS repeat_rate,
        converted_sessions::double precision / nullif(sessions, 0) AS conversion_rate,
        refunded_orders::double precision / nullif(orders + refunded_orders, 0) AS refund_rate,
        gross_margin,
        refunded_amount,
        cancelled_orders
    FROM day_months LEFT JOIN customer_months USING (month)
)
SELECT * FROM final ORDER BY month
