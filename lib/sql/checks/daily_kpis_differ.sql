-- error: Totals of daily_kpis that differ from the tables it is built from.
-- needs: daily_kpis, sessions
WITH
mart AS (
    SELECT
        coalesce(sum(revenue), 0) AS revenue, coalesce(sum(orders), 0) AS orders,
        coalesce(sum(new_customers), 0) AS new_customers, coalesce(sum(signups), 0) AS signups,
        coalesce(sum(sessions), 0) AS sessions, coalesce(sum(cost), 0) AS cost
    FROM daily_kpis
),
source AS (
    SELECT
        coalesce(sum(total_amount), 0) AS revenue, count(*) AS orders,
        count(DISTINCT user_id) AS new_customers,
        (SELECT count(*) FROM users) AS signups,
        (SELECT count(*) FROM sessions) AS sessions,
        (
            SELECT coalesce(sum(order_items.quantity * products.cost), 0)
            FROM orders JOIN order_items USING (order_id) JOIN products USING (product_id)
            WHERE orders.status = 'completed'
        ) AS cost
    FROM orders
    WHERE status = 'completed'
)
SELECT mart.*, source.* FROM mart, source
WHERE (mart.revenue, mart.orders, mart.new_customers, mart.signups, mart.sessions, mart.cost)
    IS DISTINCT FROM (source.revenue, source.orders, source.new_customers, source.signups, source.sessions, source.cost)
