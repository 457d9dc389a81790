-- One row per day from the first order, session or sign-up to the last: the KPIs that reports and dashboards share.
-- revenue = net sales = gross_sales - discounts - returns: sales on the shop's day of the order, returns on their own day.
-- Sales of amount 0 are free_orders. Customers are not guests, and active with a sale of an amount above 0.
-- costed_revenue = revenue of the products that have a cost; cost = units x cost of those. Returned units are subtracted.
-- Reads the temporary table `sessions` (load/sessions.sql).
WITH
sale_days AS (
    SELECT
        shop_day(occurred_at) AS date,
        sum(orders) AS orders,
        count(*) FILTER (WHERE kind = 'sale' AND orders = 0) AS free_orders,
        sum(amount) AS revenue,
        sum(amount) FILTER (WHERE kind = 'sale') AS sales,
        -sum(amount) FILTER (WHERE kind <> 'sale') AS returns,
        -sum(amount) FILTER (WHERE kind IN ('refund', 'credit note')) AS refunded_amount
    FROM sales()
    GROUP BY date
),
refund_days AS (  -- apart from the sales, because counting distinct orders sorts the rows
    SELECT shop_day(occurred_at) AS date, count(DISTINCT order_id) AS refunded_orders
    FROM sales()
    WHERE kind IN ('refund', 'credit note')
    GROUP BY date
),
cancelled AS (  -- whole orders, on the day of the cancellation that left nothing; one of amount 0 has no refund
    SELECT
        shop_day(greatest(order_date, coalesce(last_date, cancelled_at))) AS date,
        is_sale(status) AS is_sale,
        shipping_amount,
        tax_amount
    FROM orders
    LEFT JOIN (
        SELECT order_id, max(refund_date) AS last_date FROM refunds WHERE kind = 'cancellation' GROUP BY order_id
    ) AS cancellations USING (order_id)
    WHERE status = 'cancelled'
),
cancelled_days AS (
    SELECT date, count(*) AS cancelled_orders FROM cancelled GROUP BY date
),
extra_days AS (
    SELECT date, sum(shipping) AS shipping, sum(taxes) AS taxes FROM (
        SELECT shop_day(order_date) AS date, shipping_amount AS shipping, tax_amount AS taxes
        FROM orders
        WHERE is_sale(status)
        UNION ALL
        SELECT date, -shipping_amount, -tax_amount FROM cancelled WHERE is_sale
    ) AS charged
    GROUP BY date
),
item_days AS (
    SELECT
        shop_day(occurred_at) AS date,
        sum(gross_sales) AS gross_sales,
        sum(units) AS units,
        sum(amount) FILTER (WHERE cost IS NOT NULL) AS costed_revenue,
        sum(units * cost) AS cost
    FROM sold_items() LEFT JOIN products USING (product_id)
    GROUP BY date
),
of_customers AS (
    SELECT user_id, shop_day(order_date) AS date FROM customer_orders()
),
first_orders AS (
    SELECT user_id, min(date) AS date FROM of_customers GROUP BY user_id
),
customer_days AS (
    SELECT date, count(DISTINCT user_id) AS active_customers FROM of_customers GROUP BY date
),
first_order_days AS (
    SELECT date, count(*) AS new_customers FROM first_orders GROUP BY date
),
signup_days AS (
    SELECT signup_date AS date, count(*) AS signups FROM users WHERE NOT is_guest GROUP BY signup_date
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
        SELECT shop_day(min(order_date)) AS date FROM orders
        UNION ALL SELECT shop_day(max(order_date)) FROM orders
        UNION ALL SELECT shop_day(max(refund_date)) FROM refunds
        UNION ALL SELECT max(date) FROM cancelled
        UNION ALL SELECT date FROM signup_days
        UNION ALL SELECT date FROM session_days
    ) AS dated
),
final AS (
    SELECT
        date,
        coalesce(orders, 0) AS orders,
        coalesce(gross_sales, 0) AS gross_sales,
        coalesce(gross_sales, 0) - coalesce(sales, 0) AS discounts,
        coalesce(returns, 0) AS returns,
        coalesce(revenue, 0) AS revenue,
        coalesce(shipping, 0) AS shipping,
        coalesce(taxes, 0) AS taxes,
        coalesce(units, 0) AS units,
        coalesce(costed_revenue, 0) AS costed_revenue,
        coalesce(cost, 0) AS cost,
        coalesce(active_customers, 0) AS active_customers,
        coalesce(new_customers, 0) AS new_customers,
        coalesce(signups, 0) AS signups,
        sales / nullif(orders, 0) AS avg_order_value,
        coalesce(cancelled_orders, 0) AS cancelled_orders,
        coalesce(refunded_orders, 0) AS refunded_orders,
        coalesce(refunded_amount, 0) AS refunded_amount,
        coalesce(sessions, 0) AS sessions,
        coalesce(converted_sessions, 0) AS converted_sessions,
        converted_sessions::double precision / sessions AS conversion_rate,
        coalesce(free_orders, 0) AS free_orders
    FROM days
    LEFT JOIN sale_days USING (date)
    LEFT JOIN refund_days USING (date)
    LEFT JOIN cancelled_days USING (date)
    LEFT JOIN extra_days USING (date)
    LEFT JOIN item_days USING (date)
    LEFT JOIN customer_days USING (date)
    LEFT JOIN first_order_days USING (date)
    LEFT JOIN signup_days USING (date)
    LEFT JOIN session_days USING (date)
)
SELECT * FROM final
