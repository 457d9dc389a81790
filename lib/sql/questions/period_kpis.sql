-- The KPIs of the days from :start up to, not including, :end; one row. Definitions and SQL: lib/kpis.yml.
WITH
placed AS (
    SELECT user_id, shop_day(order_date) AS date
    FROM customer_orders()
    WHERE order_date < day_start(CAST(:end AS date))
),
first_orders AS (
    SELECT user_id, min(date) AS first_date FROM placed GROUP BY user_id HAVING max(date) >= :start
),
customers AS (
    SELECT count(*) AS active_customers, count(*) FILTER (WHERE first_date >= :start) AS new_customers FROM first_orders
),
days AS (
    SELECT * FROM daily_kpis WHERE date >= :start AND date < :end
),
final AS (
    SELECT
        {kpis}
    FROM customers LEFT JOIN days ON TRUE
    GROUP BY customers.active_customers, customers.new_customers
)
SELECT * FROM final
