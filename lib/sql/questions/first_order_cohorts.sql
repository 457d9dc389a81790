-- Cohorts of buyers by month of their first completed order, one row per calendar month that began before :as_of.
-- month_index: calendar months after that of the first order. cohort_size: number of buyers in the cohort.
-- customers: buyers with a completed order in the month. margin: revenue minus quantity x current product cost; NULL if
-- a cost is unknown. complete: the month has ended before :as_of. Guests and orders of amount 0 do not count.
WITH
completed AS (
    SELECT order_id, user_id, total_amount, date_trunc('month', shop_time(order_date))::date AS month
    FROM orders
    WHERE status = 'completed' AND order_date < day_start(CAST(:as_of AS date))
        AND total_amount > 0 AND NOT EXISTS (SELECT FROM users WHERE users.user_id = orders.user_id AND is_guest)
),
members AS (
    SELECT user_id, min(month) AS cohort FROM completed GROUP BY user_id
),
sizes AS (
    SELECT cohort, count(*) AS cohort_size FROM members GROUP BY cohort
),
costs AS (
    SELECT
        order_items.order_id,
        CASE WHEN count(products.cost) = count(*) THEN sum(order_items.quantity * products.cost) END AS cost
    FROM order_items JOIN products USING (product_id)
    GROUP BY order_items.order_id
),
active AS (
    SELECT
        members.cohort,
        completed.month,
        count(DISTINCT completed.user_id) AS customers,
        count(*) AS orders,
        sum(completed.total_amount) AS revenue,
        CASE WHEN count(costs.cost) = count(*) THEN sum(completed.total_amount - costs.cost) END AS margin
    FROM completed JOIN members USING (user_id) LEFT JOIN costs USING (order_id)
    GROUP BY members.cohort, completed.month
),
observed AS (
    SELECT cohort, cohort_size, generate_series(cohort, CAST(:as_of AS date) - 1, interval '1 month')::date AS month
    FROM sizes
),
final AS (
    SELECT
        observed.cohort,
        observed.cohort_size,
        observed.month,
        (12 * (extract(year FROM observed.month) - extract(year FROM observed.cohort))
            + extract(month FROM observed.month) - extract(month FROM observed.cohort))::integer AS month_index,
        coalesce(active.customers, 0) AS customers,
        coalesce(active.orders, 0) AS orders,
        coalesce(active.revenue, 0) AS revenue,
        CASE WHEN active.month IS NULL THEN 0 ELSE active.margin END AS margin,
        (observed.month + interval '1 month')::date <= :as_of AS complete
    FROM observed LEFT JOIN active USING (cohort, month)
)
SELECT * FROM final ORDER BY cohort, month
