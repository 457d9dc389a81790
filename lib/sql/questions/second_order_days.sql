-- Days from a buyer's first order to the second, which is the first one on a later day; without one before :as_of, days
-- to the day before :as_of (censored). returned: there is a second order. cohort: month of the first order.
-- buyers: number of buyers with these days. Guests and orders of amount 0 do not count.
WITH
purchases AS (
    SELECT DISTINCT user_id, shop_day(order_date) AS date
    FROM customer_orders()
    WHERE order_date < day_start(CAST(:as_of AS date))
),
numbered AS (
    SELECT user_id, date, row_number() OVER (PARTITION BY user_id ORDER BY date) AS number
    FROM purchases
),
observed AS (
    SELECT
        min(date) FILTER (WHERE number = 1) AS first_date,
        min(date) FILTER (WHERE number = 2) AS second_date
    FROM numbered
    WHERE number <= 2
    GROUP BY user_id
),
final AS (
    SELECT
        date_trunc('month', first_date)::date AS cohort,
        coalesce(second_date, CAST(:as_of AS date) - 1) - first_date AS days,
        second_date IS NOT NULL AS returned,
        count(*) AS buyers
    FROM observed
    GROUP BY 1, 2, 3
)
SELECT * FROM final ORDER BY cohort, days, returned
