-- Cohorts of buyers by month of their first order, one row per calendar month that began before :as_of.
-- month_index: calendar months after that of the first order. cohort_size: number of buyers in the cohort.
-- customers: buyers with an order in the month. revenue: net sales of the month, so that returns are subtracted.
-- margin: revenue minus units x current product cost; NULL if a cost is unknown. complete: the month has ended before
-- :as_of. Guests and orders of amount 0 do not count.
WITH
placed AS (
    SELECT user_id, date_trunc('month', shop_time(order_date))::date AS month
    FROM customer_orders()
    WHERE order_date < day_start(CAST(:as_of AS date))
),
members AS (
    SELECT user_id, min(month) AS cohort FROM placed GROUP BY user_id
),
sizes AS (
    SELECT cohort, count(*) AS cohort_size FROM members GROUP BY cohort
),
active AS (
    SELECT cohort, month, count(DISTINCT user_id) AS customers, count(*) AS orders
    FROM placed JOIN members USING (user_id)
    GROUP BY cohort, month
),
sold AS (
    SELECT cohort, date_trunc('month', shop_time(occurred_at))::date AS month, sum(amount) AS revenue
    FROM sales() JOIN members USING (user_id)
    WHERE occurred_at < day_start(CAST(:as_of AS date))
    GROUP BY 1, 2
),
costs AS (
    SELECT
        cohort,
        date_trunc('month', shop_time(occurred_at))::date AS month,
        CASE WHEN count(*) = count(products.cost) THEN sum(units * products.cost) END AS cost
    FROM sold_items() JOIN members USING (user_id) LEFT JOIN products USING (product_id)
    WHERE occurred_at < day_start(CAST(:as_of AS date)) AND units <> 0
    GROUP BY 1, 2
),
observed AS (
    SELECT cohort, cohort_size, generate_series(cohort, CAST(:as_of AS date) - 1, interval '1 month')::date AS month
    FROM sizes
),
final AS (
    SELECT
        cohort,
        cohort_size,
        month,
        (12 * (extract(year FROM month) - extract(year FROM cohort))
            + extract(month FROM month) - extract(month FROM cohort))::integer AS month_index,
        coalesce(active.customers, 0) AS customers,
        coalesce(active.orders, 0) AS orders,
        coalesce(sold.revenue, 0) AS revenue,
        coalesce(sold.revenue, 0) - CASE WHEN costs.month IS NULL THEN 0 ELSE costs.cost END AS margin,
        (month + interval '1 month')::date <= :as_of AS complete
    FROM observed
    LEFT JOIN active USING (cohort, month)
    LEFT JOIN sold USING (cohort, month)
    LEFT JOIN costs USING (cohort, month)
)
SELECT * FROM final ORDER BY cohort, month
