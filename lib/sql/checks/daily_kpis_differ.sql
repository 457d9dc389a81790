-- error: Totals of daily_kpis that differ from the tables it is built from.
-- needs: daily_kpis, sessions
WITH
mart AS (
    SELECT
        coalesce(sum(revenue), 0) AS revenue, coalesce(sum(orders), 0) AS orders,
        coalesce(sum(new_customers), 0) AS new_customers, coalesce(sum(signups), 0) AS signups,
        coalesce(sum(sessions), 0) AS sessions, coalesce(sum(cost), 0) AS cost,
        coalesce(sum(free_orders), 0) AS free_orders
    FROM daily_kpis
),
source AS (
    SELECT
        coalesce(sum(total_amount), 0) AS revenue, count(*) FILTER (WHERE total_amount > 0) AS orders,
        count(DISTINCT user_id) FILTER (WHERE total_amount > 0 AND NOT is_guest) AS new_customers,
        (SELECT count(*) FROM users WHERE NOT is_guest) AS signups,
        (SELECT count(*) FROM sessions) AS sessions,
        (
            SELECT coalesce(sum(shop_amount(order_items.quantity * products.cost)), 0)
            FROM orders JOIN order_items USING (order_id) JOIN products USING (product_id)
            WHERE orders.status = 'completed'
        ) AS cost,
        count(*) FILTER (WHERE total_amount = 0) AS free_orders
    FROM orders JOIN users USING (user_id)
    WHERE status = 'completed'
)
SELECT mart.*, source.* FROM mart, source
WHERE ROW(mart.*) IS DISTINCT FROM ROW(source.*)
