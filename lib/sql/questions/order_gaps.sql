-- Days between consecutive days with an order of a buyer before :as_of: number of these gaps, their median and
-- their ninth decile. Guests and orders of amount 0 do not count.
WITH
purchases AS (
    SELECT DISTINCT user_id, shop_day(order_date) AS date
    FROM customer_orders()
    WHERE order_date < day_start(CAST(:as_of AS date))
),
gaps AS (
    SELECT date - lag(date) OVER (PARTITION BY user_id ORDER BY date) AS days
    FROM purchases
),
final AS (
    SELECT
        count(days) AS gaps,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY days) AS median_days,
        percentile_disc(0.9) WITHIN GROUP (ORDER BY days) AS ninth_decile_days
    FROM gaps
    WHERE days IS NOT NULL
)
SELECT * FROM final
