-- Key figures of the days from :start up to, not including, :end (UTC); one row.
-- revenue: total_amount of completed orders. avg_order_value: revenue / orders. active_customers: customers with a
-- completed order. new_customers: those whose first completed order falls into the period. repeat_rate: share of the
-- active customers who had a completed order before. conversion_rate: sessions with a purchase / sessions, by the day
-- a session began. refund_rate: refunded orders / (completed + refunded orders).
WITH
placed AS (
    SELECT order_id, user_id, status, total_amount, (order_date AT TIME ZONE 'UTC')::date AS date
    FROM orders
    WHERE order_date < CAST(:end AS date)::timestamp AT TIME ZONE 'UTC'
),
first_orders AS (
    SELECT user_id, min(date) AS first_date FROM placed WHERE status = 'completed' GROUP BY user_id
),
order_figures AS (
    SELECT
        count(*) FILTER (WHERE status = 'completed') AS orders,
        coalesce(sum(total_amount) FILTER (WHERE status = 'completed'), 0) AS revenue,
        count(DISTINCT user_id) FILTER (WHERE status = 'completed') AS active_customers,
        count(DISTINCT user_id) FILTER (WHERE status = 'completed' AND first_date >= :start) AS new_customers,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled_orders,
        count(*) FILTER (WHERE status = 'refunded') AS refunded_orders,
        coalesce(sum(total_amount) FILTER (WHERE status = 'refunded'), 0) AS refunded_amount
    FROM placed LEFT JOIN first_orders USING (user_id)
    WHERE date >= :start
),
day_figures AS (
    SELECT
        coalesce(sum(units), 0) AS units,
        coalesce(sum(sessions), 0) AS sessions,
        coalesce(sum(converted_sessions), 0) AS converted_sessions
    FROM daily_kpis
    WHERE date >= :start AND date < :end
),
final AS (
    SELECT
        order_figures.*,
        day_figures.*,
        round(revenue / nullif(orders, 0), 2) AS avg_order_value,
        (active_customers - new_customers)::double precision / nullif(active_customers, 0) AS repeat_rate,
        converted_sessions::double precision / nullif(sessions, 0) AS conversion_rate,
        refunded_orders::double precision / nullif(orders + refunded_orders, 0) AS refund_rate
    FROM order_figures, day_figures
)
SELECT * FROM final
