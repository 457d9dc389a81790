-- Returns of customers before :as_of that no order of theirs precedes: those dated before the month of their first order,
-- and all returns of customers without an order; one row. Their orders are older than the data.
WITH
members AS (
    SELECT user_id, date_trunc('month', shop_time(min(order_date)))::date AS cohort
    FROM customer_orders()
    WHERE order_date < day_start(CAST(:as_of AS date))
    GROUP BY user_id
)
SELECT coalesce(-sum(amount), 0) AS returns
FROM sales() JOIN users USING (user_id) LEFT JOIN members USING (user_id)
WHERE kind <> 'sale' AND NOT is_guest AND occurred_at < day_start(CAST(:as_of AS date))
    AND (cohort IS NULL OR shop_day(occurred_at) < cohort)
