-- Retention by sign-up month: number of customers of each cohort with an order, for each calendar month that
-- has ended before :as_of. month_index: calendar months after the sign-up month. The denominator cohort_size counts all
-- sign-ups, with or without an order. The incomplete month has no row. Guests and orders of amount 0 do not count.
WITH
members AS (
    SELECT user_id, date_trunc('month', signup_date)::date AS cohort FROM users WHERE NOT is_guest AND signup_date < :as_of
),
sizes AS (
    SELECT cohort, count(*) AS cohort_size FROM members GROUP BY cohort
),
months AS (
    SELECT DISTINCT user_id, date_trunc('month', shop_time(order_date))::date AS month
    FROM customer_orders()
    WHERE order_date < day_start(CAST(:as_of AS date))
),
active AS (
    SELECT members.cohort, months.month, count(*) AS customers
    FROM months JOIN members USING (user_id)
    GROUP BY members.cohort, months.month
),
observed AS (
    SELECT cohort, cohort_size, generate_series(cohort, CAST(:as_of AS date), interval '1 month')::date AS month
    FROM sizes
),
final AS (
    SELECT
        observed.cohort,
        observed.cohort_size,
        (12 * (extract(year FROM observed.month) - extract(year FROM observed.cohort))
            + extract(month FROM observed.month) - extract(month FROM observed.cohort))::integer AS month_index,
        coalesce(active.customers, 0) AS customers
    FROM observed LEFT JOIN active USING (cohort, month)
    WHERE (observed.month + interval '1 month')::date <= :as_of
)
SELECT * FROM final ORDER BY cohort, month_index
