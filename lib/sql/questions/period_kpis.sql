-- Key figures of the days from :start up to, not including, :end (UTC); one row.
-- revenue: total of completed orders, dated on the day of the order; refunded and cancelled orders are not in it.
-- orders: completed orders.
-- avg_order_value: revenue over orders.
-- active_customers: customers with a completed order.
-- new_customers: customers whose first completed order falls into the period.
-- repeat_rate: share of the active customers who had a completed order before the period.
-- conversion_rate: visits with a purchase over all visits, by the day a visit began.
-- refund_rate: refunded orders over completed and refunded ones.
-- gross_margin: revenue less cost of goods, over revenue; of the lines whose product has a cost, as it is now.
-- refunded_amount: total of refunded orders, dated on the day of the order.
-- cancelled_orders: orders that were cancelled, dated on the day of the order.
WITH
placed AS (
    SELECT user_id, (order_date AT TIME ZONE 'UTC')::date AS date
    FROM orders
    WHERE status = 'completed' AND order_date < CAST(:end AS date)::timestamp AT TIME ZONE 'UTC'
),
customers AS (
    SELECT user_id, min(date) AS first_date FROM placed GROUP BY user_id HAVING max(date) >= :start
),
customer_figures AS (
    SELECT count(*) AS active_customers, count(*) FILTER (WHERE first_date >= :start) AS new_customers FROM customers
),
day_figures AS (
    SELECT
        coalesce(sum(orders), 0)::bigint AS orders,
        coalesce(sum(revenue), 0) AS revenue,
        coalesce(sum(units), 0)::bigint AS units,
        coalesce(sum(cancelled_orders), 0)::bigint AS cancelled_orders,
        coalesce(sum(refunded_orders), 0)::bigint AS refunded_orders,
        coalesce(sum(refunded_amount), 0) AS refunded_amount,
        coalesce(sum(sessions), 0)::bigint AS sessions,
        coalesce(sum(converted_sessions), 0)::bigint AS converted_sessions,
        (1 - sum(cost) / nullif(sum(costed_revenue), 0))::double precision AS gross_margin
    FROM daily_kpis
    WHERE date >= :start AND date < :end
),
final AS (
    SELECT
        day_figures.*,
        customer_figures.*,
        round(revenue / nullif(orders, 0), 2) AS avg_order_value,
        (active_customers - new_customers)::double precision / nullif(active_customers, 0) AS repeat_rate,
        converted_sessions::double precision / nullif(sessions, 0) AS conversion_rate,
        refunded_orders::double precision / nullif(orders + refunded_orders, 0) AS refund_rate
    FROM day_figures, customer_figures
)
SELECT * FROM final
