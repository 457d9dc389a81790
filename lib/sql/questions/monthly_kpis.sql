-- The KPIs of each calendar month from that of :start up to, not including, that of :end, without the months before
-- the shop's first day. Definitions and SQL: lib/kpis.yml.
WITH
placed AS (
    SELECT user_id, date_trunc('month', shop_time(order_date))::date AS month
    FROM customer_orders()
),
first_orders AS (
    SELECT user_id, min(month) AS first_month FROM placed GROUP BY user_id
),
customers AS (
    SELECT
        month,
        count(DISTINCT user_id) AS active_customers,
        count(DISTINCT user_id) FILTER (WHERE first_month = month) AS new_customers
    FROM placed JOIN first_orders USING (user_id)
    GROUP BY month
),
days AS (
    SELECT date_trunc('month', date)::date AS month, daily_kpis.*
    FROM daily_kpis
    WHERE date >= date_trunc('month', CAST(:start AS date)) AND date < date_trunc('month', CAST(:end AS date))
),
final AS (
    SELECT
        month,
        {kpis}
    FROM days LEFT JOIN customers USING (month)
    GROUP BY month, customers.active_customers, customers.new_customers
)
SELECT * FROM final ORDER BY month
