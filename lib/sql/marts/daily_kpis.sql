-- One row per day from the first order, session or sign-up to the last: the KPIs that reports and dashboards share.
-- revenue = sum of total_amount of completed orders, dated on the shop's day of the order.
-- orders of amount 0 are free_orders. Customers are not guests, and active with an order of an amount above 0.
-- costed_revenue = revenue of the order items whose product has a cost; cost = quantity x cost of those items.
-- Reads the temporary table `sessions` (load/sessions.sql).
WITH
completed AS (
    SELECT order_id, user_id, total_amount, shop_day(order_date) AS date
    FROM orders
    WHERE status = 'completed'
),
of_customers AS (
    SELECT user_id, date
    FROM completed
    WHERE total_amount > 0
        AND NOT EXISTS (SELECT FROM users WHERE users.user_id = completed.user_id AND is_guest)
),
first_orders AS (
    SELECT user_id, min(date) AS date FROM of_customers GROUP BY user_id
),
order_days AS (
    SELECT
        date,
        count(*) FILTER (WHERE total_amount > 0) AS orders,
        count(*) FILTER (WHERE total_amount = 0) AS free_orders,
        sum(total_amount) AS revenue
    FROM completed
    GROUP BY date
),
customer_days AS (
    SELECT date, count(DISTINCT user_id) AS active_customers FROM of_customers GROUP BY date
),
unit_days AS (
    SELECT
        completed.date,
        sum(order_items.quantity) AS units,
        sum(shop_amount(order_items.quantity * order_items.price_at_time)) FILTER (
            WHERE products.cost IS NOT NULL
        ) AS costed_revenue,
        sum(shop_amount(order_items.quantity * products.cost)) AS cost
    FROM completed
    JOIN order_items USING (order_id)
    JOIN products USING (product_id)
    GROUP BY completed.date
),
first_order_days AS (
    SELECT date, count(*) AS new_customers FROM first_orders GROUP BY date
),
signup_days AS (
    SELECT signup_date AS date, count(*) AS signups FROM users WHERE NOT is_guest GROUP BY signup_date
),
status_days AS (
    SELECT
        shop_day(order_date) AS date,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled_orders,
        count(*) FILTER (WHERE status = 'refunded') AS refunded_orders,
        sum(total_amount) FILTER (WHERE status = 'refunded') AS refunded_amount
    FROM orders
    GROUP BY 1
),
session_days AS (
    SELECT
        shop_day(started_at) AS date,
        count(*) AS sessions,
        count(*) FILTER (WHERE purchase IS NOT NULL) AS converted_sessions
    FROM sessions
    GROUP BY 1
),
days AS (
    SELECT generate_series(min(date), max(date), interval '1 day')::date AS date
    FROM (
        SELECT date FROM status_days
        UNION ALL SELECT date FROM signup_days
        UNION ALL SELECT date FROM session_days
    ) AS dated
),
final AS (
    SELECT
        date,
        coalesce(orders, 0) AS orders,
        coalesce(revenue, 0) AS revenue,
        coalesce(units, 0) AS units,
        coalesce(costed_revenue, 0) AS costed_revenue,
        coalesce(cost, 0) AS cost,
        coalesce(active_customers, 0) AS active_customers,
        coalesce(new_customers, 0) AS new_customers,
        coalesce(signups, 0) AS signups,
        round(revenue / nullif(orders, 0), 2) AS avg_order_value,
        coalesce(cancelled_orders, 0) AS cancelled_orders,
        coalesce(refunded_orders, 0) AS refunded_orders,
        coalesce(refunded_amount, 0) AS refunded_amount,
        coalesce(sessions, 0) AS sessions,
        coalesce(converted_sessions, 0) AS converted_sessions,
        converted_sessions::double precision / sessions AS conversion_rate,
        coalesce(free_orders, 0) AS free_orders
    FROM days
    LEFT JOIN order_days USING (date)
    LEFT JOIN customer_days USING (date)
    LEFT JOIN unit_days USING (date)
    LEFT JOIN first_order_days USING (date)
    LEFT JOIN signup_days USING (date)
    LEFT JOIN status_days USING (date)
    LEFT JOIN session_days USING (date)
)
SELECT * FROM final
