-- Days from a buyer's first order to the second; without a second one before :as_of, days to the day
-- before :as_of (censored). returned: there is a second order. buyers: number of buyers with these days.
-- Guests and orders of amount 0 do not count.
WITH
numbered AS (
    SELECT
        user_id,
        shop_day(order_date) AS date,
        row_number() OVER (PARTITION BY user_id ORDER BY order_date, order_id) AS number
    FROM customer_orders()
    WHERE order_date < day_start(CAST(:as_of AS date))
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
        coalesce(second_date, CAST(:as_of AS date) - 1) - first_date AS days,
        second_date IS NOT NULL AS returned,
        count(*) AS buyers
    FROM observed
    GROUP BY 1, 2
)
SELECT * FROM final ORDER BY days, returned
