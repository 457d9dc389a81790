-- error: Totals of daily_kpis that differ from the tables it is built from.
-- needs: daily_kpis, sessions
WITH
mart AS (
    SELECT
        coalesce(sum(revenue), 0) AS revenue, coalesce(sum(gross_sales - discounts), 0) AS sales,
        coalesce(sum(returns), 0) AS returns, coalesce(sum(orders), 0) AS orders,
        coalesce(sum(new_customers), 0) AS new_customers, coalesce(sum(signups), 0) AS signups,
        coalesce(sum(sessions), 0) AS sessions, coalesce(sum(free_orders), 0) AS free_orders
    FROM daily_kpis
),
sold AS (
    SELECT coalesce(sum(total_amount), 0) AS sales, count(*) AS orders, count(*) FILTER (WHERE total_amount = 0) AS free
    FROM orders
    WHERE is_sale(status)
),
returned AS (
    SELECT coalesce(sum(amount), 0) AS returns
    FROM refunds LEFT JOIN orders USING (order_id)
    WHERE order_id IS NULL OR is_sale(status)
),
source AS (
    SELECT
        sales - returns AS revenue, sales, returns, orders - free AS orders,
        (SELECT count(DISTINCT user_id) FROM customer_orders()) AS new_customers,
        (SELECT count(*) FROM users WHERE NOT is_guest) AS signups,
        (SELECT count(*) FROM sessions) AS sessions,
        free AS free_orders
    FROM sold CROSS JOIN returned
)
SELECT mart.*, source.* FROM mart, source
WHERE ROW(mart.*) IS DISTINCT FROM ROW(source.*)
